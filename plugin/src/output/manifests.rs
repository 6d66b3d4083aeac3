//! Manifests as one stream, for stdout.

use std::borrow::Cow;

use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;
use extsecret_manifest::write;

/// One document of the stream.
pub(crate) enum Part<'a> {
    /// An object of ours.
    Written(Cow<'a, Node>),
    /// Somebody else's document, as it stands in its file.
    Copied {
        /// Its text.
        text: &'a str,
        /// Its value, for formats in which the text cannot be copied.
        node: &'a Node,
    },
}

/// YAML documents with `---` between them.
pub(crate) fn yaml(parts: &[Part<'_>]) -> String {
    let mut stream = String::new();
    for part in parts {
        if !stream.is_empty() {
            if !stream.ends_with('\n') {
                stream.push('\n');
            }
            stream.push_str("---\n");
        }
        match part {
            Part::Written(node) => stream.push_str(&write::write(node)),
            Part::Copied { text, .. } => stream.push_str(text),
        }
    }
    stream
}

/// One `v1` List, as kubectl prints several objects.
pub(crate) fn json(parts: &[Part<'_>]) -> String {
    let items = parts
        .iter()
        .map(|part| match part {
            Part::Written(node) => node.as_ref().clone(),
            Part::Copied { node, .. } => (*node).clone(),
        })
        .collect();
    let mut text = write::write_json(&list(items));
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// A `v1` List of objects.
pub(crate) fn list(items: Vec<Node>) -> Node {
    let entry = |key: &str, value| Entry {
        key: key.to_owned(),
        key_span: Span::default(),
        value: Node::new(value),
    };
    Node::new(Value::Mapping(vec![
        entry("apiVersion", Value::String("v1".to_owned())),
        entry("kind", Value::String("List".to_owned())),
        entry("items", Value::Sequence(items)),
    ]))
}
