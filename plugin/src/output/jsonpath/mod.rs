//! `-o jsonpath=TEMPLATE` as kubectl reads it: text with expressions in braces.
//!
//! Known are fields, `['a']`, indices, slices, `*`, `..`, lists of names, filters that compare or
//! test for existence, `range` and `end`, and quoted text. A field that is missing is nothing.

mod parse;

use std::cmp::Ordering;
use std::fmt::Write as _;

use serde_json::Value;

/// A template that can be evaluated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    /// The results, separated by spaces.
    Path(Path),
    /// The parts, once for each result.
    Range(Path, Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
struct Path {
    /// Begins at the document and not at the item of a range.
    from_root: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    Fields(Vec<String>),
    Index(i64),
    Slice(Option<i64>, Option<i64>),
    All,
    Descend,
    Filter(Path, Option<(Operator, Operand)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Literal(Value),
    Path(Path),
}

impl std::str::FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse::template(text)
    }
}

impl Template {
    /// The text that the template makes of a document. Nothing is added at the end.
    pub(crate) fn render(&self, document: &Value) -> String {
        let mut text = String::new();
        render(&self.parts, document, document, &mut text);
        text
    }
}

fn render(parts: &[Part], root: &Value, here: &Value, to: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => to.push_str(text),
            Part::Path(path) => {
                for (index, value) in path.find(root, here).into_iter().enumerate() {
                    if index > 0 {
                        to.push(' ');
                    }
                    match value {
                        Value::String(text) => to.push_str(text),
                        Value::Null => {}
                        other => {
                            let _ = write!(to, "{other}");
                        }
                    }
                }
            }
            Part::Range(path, parts) => {
                for value in path.find(root, here) {
                    render(parts, root, value, to);
                }
            }
        }
    }
}

impl Path {
    fn find<'a>(&self, root: &'a Value, here: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![if self.from_root { root } else { here }];
        for step in &self.steps {
            let mut next = Vec::new();
            for value in found {
                step.take(root, value, &mut next);
            }
            found = next;
        }
        found
    }
}

impl Step {
    fn take<'a>(&self, root: &'a Value, value: &'a Value, to: &mut Vec<&'a Value>) {
        let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
        let at = |index: i64| -> Option<usize> {
            let length = i64::try_from(items.len()).ok()?;
            usize::try_from(if index < 0 { index + length } else { index }).ok()
        };
        match self {
            Self::Field(name) => to.extend(value.get(name)),
            Self::Fields(names) => to.extend(names.iter().filter_map(|name| value.get(name))),
            Self::Index(index) => to.extend(at(*index).and_then(|index| items.get(index))),
            Self::Slice(from, until) => {
                let from = from.map_or(Some(0), at).unwrap_or_default();
                let until = until.map_or(Some(items.len()), at).unwrap_or_default();
                to.extend(items.get(from..until.min(items.len())).unwrap_or_default());
            }
            Self::All => match value {
                Value::Array(items) => to.extend(items),
                Value::Object(fields) => to.extend(fields.values()),
                _ => {}
            },
            Self::Descend => {
                // Depth first, itself included; a list of its own instead of recursion.
                let mut open = vec![value];
                while let Some(value) = open.pop() {
                    to.push(value);
                    match value {
                        Value::Array(items) => open.extend(items.iter().rev()),
                        Value::Object(fields) => {
                            let fields: Vec<&Value> = fields.values().collect();
                            open.extend(fields.into_iter().rev());
                        }
                        _ => {}
                    }
                }
            }
            Self::Filter(path, condition) => {
                let holds = |item: &&Value| {
                    let left = path.find(root, item);
                    let Some(left) = left.first() else { return false };
                    match condition {
                        None => true,
                        Some((operator, Operand::Literal(right))) => operator.holds(left, right),
                        Some((operator, Operand::Path(path))) => path
                            .find(root, item)
                            .first()
                            .is_some_and(|right| operator.holds(left, right)),
                    }
                };
                to.extend(items.iter().filter(holds));
            }
        }
    }
}

impl Operator {
    fn holds(self, left: &Value, right: &Value) -> bool {
        let order = match (left, right) {
            (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
            (Value::Number(left), Value::Number(right)) => {
                left.as_f64().zip(right.as_f64()).and_then(|(left, right)| left.partial_cmp(&right))
            }
            (left, right) if left == right => Some(Ordering::Equal),
            _ => None,
        };
        match self {
            Self::Equal => order == Some(Ordering::Equal),
            Self::Unequal => order != Some(Ordering::Equal),
            Self::Less => order == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

#[cfg(test)]
mod tests;
