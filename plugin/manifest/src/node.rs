//! A value with its place and the comments around it.

use serde_json::Number;

use crate::source::Span;

/// How a node was written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Not read from a file, or an alias' copy.
    #[default]
    None,
    /// A bare scalar.
    Plain,
    /// `'...'`
    SingleQuoted,
    /// `"..."`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// An indented collection.
    Block,
    /// `[...]` or `{...}`, also all of JSON.
    Flow,
}

/// Comment lines around a node, each as written from `#` on, without the line break.
///
/// For a mapping entry they belong to the entry's *value* node, for a sequence item to the item.
/// An empty line between two comments of one group is kept as an empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comments {
    /// On their own lines above the entry, item or document.
    pub before: Vec<String>,
    /// At the end of the line: of the scalar, or of the `key:` or `-` that opens a collection.
    pub trailing: Option<String>,
    /// On their own lines after the last child of a collection.
    pub after: Vec<String>,
}

impl Comments {
    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.trailing.is_none() && self.after.is_empty()
    }
}

/// A value, as kubectl reads it.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// `null`, `~` or nothing at all.
    #[default]
    Null,
    /// A boolean, by YAML 1.1's spellings.
    Bool(bool),
    /// An integer or a float that JSON can hold.
    Number(Number),
    /// Text.
    String(String),
    /// A list.
    Sequence(Vec<Node>),
    /// A map, in source order; keys are unique.
    Mapping(Vec<Entry>),
}

/// One `key: value`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// The key as kubectl reads it: `on:` is `"true"`.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value; it also carries the entry's comments.
    pub value: Node,
}

/// A value, where it stands, and what is said beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Where it stands; empty for a node that was not read. An alias' copy has the span of the
    /// alias; what is in it, and what came through a merge key, has the span of the original.
    pub span: Span,
    /// How it was written.
    pub style: Style,
    /// Comments, when there are any.
    pub comments: Option<Box<Comments>>,
}

impl Node {
    /// A node for writing.
    pub fn new(value: Value) -> Self {
        Self { value, ..Self::default() }
    }

    /// The entry's value of a mapping; `None` when absent or when this is no mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry of a mapping.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.as_mapping()?.iter().find(|entry| entry.key == key)
    }

    /// Mutable access to an entry's value.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.value {
            Value::Mapping(entries) => {
                entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.value)
            }
            _ => None,
        }
    }

    /// Follows keys from here.
    pub fn at(&self, path: &[&str]) -> Option<&Node> {
        path.iter().try_fold(self, |node, key| node.get(key))
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(s) => Some(s),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn as_mapping(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items of a sequence.
    pub fn as_sequence(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// True for null.
    pub fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The comments, made when absent.
    pub fn comments_mut(&mut self) -> &mut Comments {
        self.comments.get_or_insert_default()
    }

    /// What JSON calls this value: `null`, `boolean`, `number`, `string`, `array` or `object`.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Sequence(_) => "array",
            Value::Mapping(_) => "object",
        }
    }

    /// The value alone, as JSON.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(b) => (*b).into(),
            Value::Number(n) => n.clone().into(),
            Value::String(s) => s.as_str().into(),
            Value::Sequence(items) => items.iter().map(Node::to_json).collect(),
            Value::Mapping(entries) => serde_json::Value::Object(
                entries.iter().map(|e| (e.key.clone(), e.value.to_json())).collect(),
            ),
        }
    }
}

impl From<serde_json::Value> for Node {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        Self::new(match value {
            Json::Null => Value::Null,
            Json::Bool(b) => Value::Bool(b),
            Json::Number(n) => Value::Number(n),
            Json::String(s) => Value::String(s),
            Json::Array(items) => Value::Sequence(items.into_iter().map(Node::from).collect()),
            Json::Object(map) => Value::Mapping(
                map.into_iter()
                    .map(|(key, value)| Entry {
                        key,
                        key_span: Span::default(),
                        value: value.into(),
                    })
                    .collect(),
            ),
        })
    }
}
