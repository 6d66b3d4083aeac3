//! From nodes to text that every reader understands alike.
//!
//! The YAML written here looks like kubectl's: two spaces, lists in the column of their key, long
//! lines left long. What a YAML 1.1 or 1.2 reader could take for anything but text is quoted.

mod json;
mod text;

use std::fmt::Write as _;

use crate::node::{Comments, Entry, Node, Value};

pub use json::write_json;
pub(crate) use json::{Layout, write_json_into};
pub(crate) use text::write_quoted;

/// Indentation of one level.
const STEP: usize = 2;

/// Keys longer than this are written with `?`: readers look for the colon only that far.
const LONGEST_SIMPLE_KEY: usize = 900;

/// One YAML document, without `---`, with its comments. Ends in a line break.
pub fn write(node: &Node) -> String {
    let mut writer = Writer::default();
    writer.document(node);
    writer.out
}

/// Several documents with `---` lines between them.
pub fn write_documents<'a>(nodes: impl IntoIterator<Item = &'a Node>) -> String {
    let mut writer = Writer::default();
    for (i, node) in nodes.into_iter().enumerate() {
        if i > 0 {
            writer.out.push_str("---\n");
        }
        writer.document(node);
    }
    writer.out
}

/// One item of a block list whose `-` stands in column `indent`. Ends in a line break.
pub(crate) fn write_item(node: &Node, indent: usize) -> String {
    let mut writer = Writer::default();
    writer.item(node, indent, true);
    writer.out
}

#[derive(Default)]
struct Writer {
    out: String,
}

impl Writer {
    fn document(&mut self, node: &Node) {
        let comments = node.comments.as_deref();
        self.lines(comments.map_or(&[], |c| &c.before), 0);
        match &node.value {
            Value::Mapping(entries) if !entries.is_empty() => {
                // A collection at the root has no line of its own to put it on.
                self.lines(trailing(node), 0);
                self.entries(entries, 0, true);
            }
            Value::Sequence(items) if !items.is_empty() => {
                self.lines(trailing(node), 0);
                self.items(items, 0);
            }
            _ => {
                self.scalar(node, 0);
            }
        }
        self.lines(comments.map_or(&[], |c| &c.after), 0);
    }

    /// `first_indented` is false when the first entry goes on the line that is already begun.
    fn entries(&mut self, entries: &[Entry], indent: usize, first_indented: bool) {
        for (i, entry) in entries.iter().enumerate() {
            let inline = i == 0 && !first_indented;
            if !inline {
                self.lines(before(&entry.value), indent);
                self.indent(indent);
            }
            let explicit = self.key(&entry.key, indent);
            self.entry_value(&entry.value, indent, explicit);
        }
    }

    /// Writes `key:`, or `? key` and `:` on two lines.
    fn key(&mut self, key: &str, indent: usize) -> bool {
        let start = self.out.len();
        text::write_key(&mut self.out, key);
        let explicit = self.out.len() - start > LONGEST_SIMPLE_KEY;
        if explicit {
            self.out.insert_str(start, "? ");
            self.out.push('\n');
            self.indent(indent);
        }
        self.out.push(':');
        explicit
    }

    fn entry_value(&mut self, node: &Node, indent: usize, explicit: bool) {
        match &node.value {
            Value::Mapping(entries) if !entries.is_empty() => {
                self.line_end(node);
                self.entries(entries, indent + STEP, true);
                self.lines(after(node), indent + STEP);
            }
            Value::Sequence(items) if !items.is_empty() => {
                self.line_end(node);
                // Below an explicit `:` a list in the same column is not read by everyone.
                let indent = if explicit { indent + STEP } else { indent };
                self.items(items, indent);
                self.lines(after(node), indent);
            }
            _ => {
                self.out.push(' ');
                self.scalar(node, indent + STEP);
                self.lines(after(node), indent + STEP);
            }
        }
    }

    fn items(&mut self, items: &[Node], indent: usize) {
        for item in items {
            self.item(item, indent, true);
        }
    }

    fn item(&mut self, item: &Node, indent: usize, indented: bool) {
        if indented {
            self.lines(before(item), indent);
            // The first child begins on the line of the `-`: what stands above it goes above both.
            let mut node = item;
            while let Some(first) = first_on_line(node) {
                self.lines(before(first), indent);
                // Below the first entry's `key:` begins a new line.
                if matches!(node.value, Value::Mapping(_)) {
                    break;
                }
                node = first;
            }
            self.indent(indent);
        }
        self.out.push('-');
        let inline = trailing(item).is_empty();
        match &item.value {
            Value::Mapping(entries) if !entries.is_empty() => {
                if inline {
                    self.out.push(' ');
                } else {
                    self.line_end(item);
                    self.indent(indent + STEP);
                }
                self.entries(entries, indent + STEP, false);
                self.lines(after(item), indent + STEP);
            }
            Value::Sequence(items) if !items.is_empty() => {
                if inline {
                    self.out.push(' ');
                } else {
                    self.line_end(item);
                    self.indent(indent + STEP);
                }
                for (i, inner) in items.iter().enumerate() {
                    self.item(inner, indent + STEP, i > 0);
                }
                self.lines(after(item), indent + STEP);
            }
            _ => {
                self.out.push(' ');
                self.scalar(item, indent + STEP);
                self.lines(after(item), indent + STEP);
            }
        }
    }

    /// A value without children, and the end of its line.
    fn scalar(&mut self, node: &Node, indent: usize) {
        match &node.value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(b) => self.out.push_str(if *b { "true" } else { "false" }),
            Value::Number(number) => text::write_number(&mut self.out, number),
            Value::Sequence(_) => self.out.push_str("[]"),
            Value::Mapping(_) => self.out.push_str("{}"),
            Value::String(text) => {
                if let Some(header) = text::block_header(text) {
                    self.out.push_str(header);
                    self.line_end(node);
                    self.block(text, indent.max(STEP));
                    return;
                }
                text::write_text(&mut self.out, text);
            }
        }
        self.line_end(node);
    }

    fn block(&mut self, text: &str, indent: usize) {
        let body = text.strip_suffix('\n').unwrap_or(text);
        for line in body.split('\n') {
            if !line.is_empty() {
                self.indent(indent);
                self.out.push_str(line);
            }
            self.out.push('\n');
        }
    }

    fn line_end(&mut self, node: &Node) {
        if let [comment] = trailing(node) {
            self.out.push(' ');
            write_comment(&mut self.out, comment);
        }
        self.out.push('\n');
    }

    fn lines(&mut self, comments: &[String], indent: usize) {
        for comment in comments {
            if !comment.is_empty() {
                self.indent(indent);
                write_comment(&mut self.out, comment);
            }
            self.out.push('\n');
        }
    }

    fn indent(&mut self, columns: usize) {
        // Writing into a String cannot fail.
        let _ = write!(self.out, "{:columns$}", "");
    }
}

fn before(node: &Node) -> &[String] {
    node.comments.as_deref().map_or(&[], |c| &c.before)
}

fn after(node: &Node) -> &[String] {
    node.comments.as_deref().map_or(&[], |c| &c.after)
}

/// The comment at the end of the line, if any, as a list.
fn trailing(node: &Node) -> &[String] {
    node.comments.as_deref().map_or(&[], |c: &Comments| c.trailing.as_slice())
}

/// The node whose first line is the line of the `-`, when there is one.
fn first_on_line(item: &Node) -> Option<&Node> {
    match &item.value {
        Value::Sequence(items) => items.first(),
        Value::Mapping(entries) => entries.first().map(|entry| &entry.value),
        _ => None,
    }
}

/// Writes a comment on one line, whatever it is.
fn write_comment(out: &mut String, comment: &str) {
    if !comment.starts_with('#') {
        out.push_str("# ");
    }
    out.extend(comment.chars().map(|c| if text::is_printable(c) { c } else { ' ' }));
}

#[cfg(test)]
mod tests;
