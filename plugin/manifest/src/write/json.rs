//! JSON as kubectl prints it.

use super::text;
use crate::node::{Node, Value};

/// How JSON is spread over lines.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout {
    /// All on one line.
    Line,
    /// Every child on its own line.
    Lines {
        /// Columns per level.
        step: usize,
        /// Columns before every line but the first.
        indent: usize,
    },
}

impl Layout {
    fn inner(self) -> Self {
        match self {
            Self::Line => self,
            Self::Lines { step, indent } => Self::Lines { step, indent: indent + step },
        }
    }

    fn begin_line(self, out: &mut String) {
        if let Self::Lines { indent, .. } = self {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent));
        }
    }

    fn separate(self, out: &mut String, position: usize) {
        match (position, self) {
            (0, _) => {}
            (_, Self::Line) => out.push_str(", "),
            (_, Self::Lines { .. }) => out.push(','),
        }
        self.begin_line(out);
    }
}

/// One JSON document with four spaces per level. Ends in a line break. Comments have no place in
/// JSON and are left out.
pub fn write_json(node: &Node) -> String {
    let mut out = String::new();
    write_json_into(&mut out, node, Layout::Lines { step: 4, indent: 0 });
    out.push('\n');
    out
}

/// Writes one value, without a line break at its end.
pub(crate) fn write_json_into(out: &mut String, node: &Node, layout: Layout) {
    let inner = layout.inner();
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(number) => text::write_number(out, number),
        Value::String(text) => text::write_double_quoted(out, text),
        Value::Sequence(items) if items.is_empty() => out.push_str("[]"),
        Value::Mapping(entries) if entries.is_empty() => out.push_str("{}"),
        Value::Sequence(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                inner.separate(out, i);
                write_json_into(out, item, inner);
            }
            layout.begin_line(out);
            out.push(']');
        }
        Value::Mapping(entries) => {
            out.push('{');
            for (i, entry) in entries.iter().enumerate() {
                inner.separate(out, i);
                text::write_double_quoted(out, &entry.key);
                out.push_str(": ");
                write_json_into(out, &entry.value, inner);
            }
            layout.begin_line(out);
            out.push('}');
        }
    }
}
