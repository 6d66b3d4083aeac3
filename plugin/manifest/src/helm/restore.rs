//! Actions back in their places, in text that was written anew.

use super::{HelmError, Manner, StandIns};
use crate::blank::Blank as _;
use crate::edit::{Replacement, splice};
use crate::node::{Node, Style, Value};
use crate::read::{Content, Limits, read};
use crate::source::{FileId, SourceFile, Span};
use crate::write::write_quoted;

/// Puts the actions back into YAML that was written with words in their places.
///
/// A value is written as it was in the file that the action comes from, bare or in its quotes:
/// what Helm prints there must be read as before.
///
/// # Errors
/// When a value cannot be written that way, or an action stands where Helm would not see it.
pub(super) fn restore(words: &StandIns, yaml: &str, limits: &Limits) -> Result<String, HelmError> {
    if words.find(yaml).next().is_none() {
        return Ok(yaml.to_owned());
    }
    let before = values(yaml, limits)?;
    let mut changes = Vec::new();
    for node in &before {
        visit(words, yaml, node, &mut changes)?;
    }
    let written = splice(yaml, &changes);
    let after = values(&written, limits)?;
    if !before.iter().map(Node::to_json).eq(after.iter().map(Node::to_json)) {
        return Err(HelmError::new("a text would not read as before in its old quotes"));
    }
    inside_actions(words, &written)?;
    let mut out = String::new();
    let mut done = 0;
    for (place, held) in words.find(&written) {
        out.push_str(written.get(done..place.start).unwrap_or_default());
        out.push_str(&held.text);
        done = place.end;
        if let Manner::Entries(column) = held.manner {
            let line = written.get(..place.start).unwrap_or_default();
            let indent = line.rsplit('\n').next().unwrap_or_default();
            let rest = written.get(place.end..).unwrap_or_default();
            let rest = rest.strip_prefix(": \"\"").filter(|rest| rest.starts_with('\n'));
            match rest {
                Some(rest) if indent.len() == column && indent.trim_blanks().is_empty() => {
                    done = written.len() - rest.len();
                }
                _ => {
                    return Err(HelmError::about(
                        held,
                        "is indented for another column than the one where it stands now",
                    ));
                }
            }
        }
    }
    out.push_str(written.get(done..).unwrap_or_default());
    Ok(out)
}

fn values(yaml: &str, limits: &Limits) -> Result<Vec<Node>, HelmError> {
    let file = SourceFile::new("written", yaml);
    let documents = read(FileId(0), &file, limits).into_iter();
    let nodes = documents.filter_map(|document| match document.content {
        Content::Empty => None,
        Content::Node(node) => Some(Ok(node)),
        Content::Broken(why) => Some(Err(HelmError::new(why.message))),
    });
    nodes.collect()
}

fn visit(
    words: &StandIns,
    yaml: &str,
    node: &Node,
    changes: &mut Vec<Replacement>,
) -> Result<(), HelmError> {
    match &node.value {
        Value::String(text) => {
            changes.extend(in_its_manner(words, yaml, text, node)?);
            Ok(())
        }
        Value::Sequence(items) => {
            items.iter().try_for_each(|item| visit(words, yaml, item, changes))
        }
        Value::Mapping(entries) => entries.iter().try_for_each(|entry| {
            let key = words.find(&entry.key).find(|it| !matches!(it.1.manner, Manner::Entries(_)));
            match key {
                Some((_, held)) => Err(HelmError::about(held, "is the name of a field")),
                None => visit(words, yaml, &entry.value, changes),
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn in_its_manner(
    words: &StandIns,
    yaml: &str,
    text: &str,
    node: &Node,
) -> Result<Option<Replacement>, HelmError> {
    let mut held = words.find(text).map(|(_, held)| held);
    let Some(first) = held.next() else { return Ok(None) };
    if let Some(other) = held.find(|other| other.manner != first.manner) {
        return Err(HelmError::about(other, "comes into one text with an action in other quotes"));
    }
    let as_it_is = match (first.manner, node.style) {
        (Manner::Plain, Style::Plain)
        | (Manner::Single, Style::SingleQuoted)
        | (Manner::Double, Style::DoubleQuoted)
        | (Manner::Block, Style::Literal) => return Ok(None),
        (
            Manner::Single | Manner::Double,
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted,
        ) => yaml.get(node.span.range()),
        // A block becomes one line in quotes.
        (Manner::Double, Style::Literal) => yaml.get(node.span.range()).map(str::trim_end),
        (Manner::Plain, _) => {
            return Err(HelmError::about(
                first,
                "stands in a text without quotes, which needs quotes now: put it in quotes first",
            ));
        }
        _ => None,
    };
    let header_has_comment =
        |old: &str| old.starts_with('|') && old.lines().next().is_some_and(|l| l.contains('#'));
    let Some(old) = as_it_is.filter(|old| !header_has_comment(old)) else {
        return Err(HelmError::about(first, "stands in a text that cannot keep its form"));
    };
    let quoted = if first.manner == Manner::Double {
        write_quoted(text, '"')
    } else {
        write_quoted(text, '\'')
    };
    let Some(quoted) = quoted else {
        return Err(HelmError::about(first, "stands in a text that cannot keep its quotes"));
    };
    let end = node.span.start.saturating_add(u32::try_from(old.len()).unwrap_or_default());
    Ok(Some(Replacement { span: Span::new(node.span.start, end), text: quoted }))
}

/// Fails when a word stands inside an action that Helm prints as it is.
fn inside_actions(words: &StandIns, written: &str) -> Result<(), HelmError> {
    let mut rest = written;
    while let Some((_, opened)) = rest.split_once("{{`") {
        let Some((inner, after)) = opened.split_once("`}}") else { break };
        if let Some((_, held)) = words.find(inner).next() {
            return Err(HelmError::about(held, "stands inside the code of a KES template"));
        }
        rest = after;
    }
    Ok(())
}
