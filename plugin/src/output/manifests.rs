//! Manifests as one stream, for stdout.

use std::borrow::Cow;
use std::io::{self, Write};

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

/// Writes YAML documents with `---` between them. One at a time: there may be ten thousand.
pub(crate) fn yaml<'a>(
    parts: impl Iterator<Item = Part<'a>>,
    out: &mut impl Write,
) -> io::Result<()> {
    // How the stream ends so far; `None` while it is empty.
    let mut last = None;
    for part in parts {
        let text = match &part {
            Part::Written(node) => Cow::Owned(write::write(node)),
            Part::Copied { text, .. } => Cow::Borrowed(*text),
        };
        match last {
            None => {}
            Some('\n') => out.write_all(b"---\n")?,
            Some(_) => out.write_all(b"\n---\n")?,
        }
        out.write_all(text.as_bytes())?;
        last = text.chars().next_back().or(last.map(|_| '\n'));
    }
    Ok(())
}

/// One `v1` List, as kubectl prints several objects.
pub(crate) fn json<'a>(parts: impl Iterator<Item = Part<'a>>) -> String {
    let items = parts
        .map(|part| match part {
            Part::Written(node) => node.into_owned(),
            Part::Copied { node, .. } => node.clone(),
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
