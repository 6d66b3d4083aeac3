//! Single fields, as JavaScript and the API server see them.

use std::borrow::Cow;
use std::fmt;

use extsecret_manifest::node::{Node, Style, Value};

use super::{Binary, Text};
use crate::codes;
use crate::finding::{Findings, WithHelp};

pub(super) fn binary(node: &Node) -> Binary {
    match node.value {
        Value::Bool(true) => Binary::Yes,
        Value::Bool(false) | Value::Null => Binary::No,
        _ => Binary::Ignored,
    }
}

/// JavaScript's idea of truth.
pub(super) fn truthy(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Bool(b) => *b,
        Value::Number(n) => n.as_f64() != Some(0.0),
        Value::String(s) => !s.is_empty(),
        Value::Sequence(_) | Value::Mapping(_) => true,
    }
}

/// A text field. A number is taken as its text when nothing can be lost, with W02, since the API
/// server refuses a number there; everything else is refused.
pub(crate) fn text<'n>(
    node: &'n Node,
    field: impl fmt::Display,
    found: &mut Findings<'_>,
) -> Option<Text<'n>> {
    match &node.value {
        Value::String(s) => Some(Text { value: Cow::Borrowed(s), span: node.span }),
        Value::Null => None,
        Value::Number(n) if found.raw(node) == n.to_string() => {
            found.at(
                &codes::W02,
                node.span,
                field,
                format!("`{n}` is a number to Kubernetes, which wants a text here; it is quoted"),
            );
            Some(Text { value: Cow::Owned(n.to_string()), span: node.span })
        }
        _ => {
            wrong_type(found, node, field, "string");
            None
        }
    }
}

/// GCP versions may be numbers.
pub(super) fn version<'n>(
    node: &'n Node,
    field: impl fmt::Display,
    found: &mut Findings<'_>,
) -> Option<Text<'n>> {
    match &node.value {
        Value::Number(n) if n.is_u64() => {
            Some(Text { value: Cow::Owned(n.to_string()), span: node.span })
        }
        _ => text(node, field, found),
    }
}

pub(crate) fn wrong_type(
    found: &mut Findings<'_>,
    node: &Node,
    field: impl fmt::Display,
    wanted: &str,
) {
    let raw = found.raw(node);
    let quote = wanted == "string" && node.style == Style::Plain && !raw.is_empty();
    let finding = found.at(
        &codes::E19,
        node.span,
        &field,
        format!(
            "`{field}` must be a JSON {wanted}, and Kubernetes reads {} here",
            article(node.kind())
        ),
    );
    if quote {
        finding.with_help(format!("if the text `{raw}` is meant, quote it: \"{raw}\""));
    }
}

fn article(kind: &str) -> String {
    match kind {
        "null" => "null".into(),
        "array" | "object" => format!("an {kind}"),
        _ => format!("a {kind}"),
    }
}
