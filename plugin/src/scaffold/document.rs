//! Documents with comments, built from the inside.

use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;

/// A mapping of these entries, in order.
pub(super) fn map(entries: Vec<(&str, Node)>) -> Node {
    let entries = entries.into_iter().map(|(key, value)| Entry {
        key: key.to_owned(),
        key_span: Span::default(),
        value,
    });
    Node::new(Value::Mapping(entries.collect()))
}

/// A text.
pub(super) fn text(text: &str) -> Node {
    Node::new(Value::String(text.to_owned()))
}

/// A list.
pub(super) fn list(items: Vec<Node>) -> Node {
    Node::new(Value::Sequence(items))
}

/// The same with a comment above it, a line for each line.
pub(super) fn above(comment: &str, mut node: Node) -> Node {
    let lines = comment.lines().map(|line| format!("# {line}"));
    node.comments_mut().before.extend(lines);
    node
}

/// An object of ours.
pub(super) fn object(kind: &str, namespace: Option<&str>, name: &str, spec: Node) -> Node {
    let mut metadata = vec![("name", text(name))];
    metadata.extend(namespace.map(|namespace| ("namespace", text(namespace))));
    map(vec![
        ("apiVersion", text(extsecret_crds::API_VERSION)),
        ("kind", text(kind)),
        ("metadata", map(metadata)),
        ("spec", spec),
    ])
}
