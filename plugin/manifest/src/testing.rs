//! Shorthands of the tests.

use crate::node::{Entry, Node, Style, Value};
use crate::read::{Content, Document, Limits, read};
use crate::source::{FileId, SourceFile, Span};

pub(crate) fn file(text: &str) -> SourceFile {
    SourceFile::new("file.yaml", text)
}

pub(crate) fn documents(text: &str) -> Vec<Document> {
    read(FileId(0), &file(text), &Limits::default())
}

/// The one document of a text.
#[track_caller]
pub(crate) fn node(text: &str) -> Node {
    match documents(text).as_slice() {
        [Document { content: Content::Node(node), .. }] => node.clone(),
        other => panic!("{text:?}: {other:?}"),
    }
}

/// What the one document of a text is refused for: `R01 message`.
#[track_caller]
pub(crate) fn refusal(text: &str) -> String {
    match documents(text).as_slice() {
        [Document { content: Content::Broken(diagnostic), .. }] => {
            format!("{} {}", diagnostic.code.id, diagnostic.message)
        }
        other => panic!("{text:?}: {other:?}"),
    }
}

/// Each document in a few letters: its JSON, `-` for an empty one, the code for a broken one.
pub(crate) fn outline(text: &str) -> Vec<String> {
    documents(text)
        .iter()
        .map(|document| match &document.content {
            Content::Empty => "-".to_owned(),
            Content::Node(node) => node.to_json().to_string(),
            Content::Broken(diagnostic) => diagnostic.code.id.to_owned(),
        })
        .collect()
}

/// The node with nothing but its values and comments.
pub(crate) fn bare(node: &Node) -> Node {
    let value = match &node.value {
        Value::Sequence(items) => Value::Sequence(items.iter().map(bare).collect()),
        Value::Mapping(entries) => Value::Mapping(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    key_span: Span::default(),
                    value: bare(&entry.value),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { value, span: Span::default(), style: Style::None, comments: node.comments.clone() }
}
