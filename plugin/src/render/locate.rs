//! From a place in a template to the line of the file that it stands in.

use extsecret_engine::request::Field;
use extsecret_engine::template::Place as TemplatePlace;
use extsecret_manifest::node::{Node, Style};
use extsecret_manifest::source::{SourceFile, Span};

/// The node of the ExternalSecret (or, for a ConfigMap's text, of the ConfigMap) that holds the
/// template's text.
pub(crate) fn node<'a>(object: &'a Node, place: &TemplatePlace) -> Option<&'a Node> {
    let template = |path: &[&str]| object.at(&["spec", "target", "template"])?.at(path);
    match place {
        TemplatePlace::Data(key) => template(&["data", key]),
        TemplatePlace::Label(key) => template(&["metadata", "labels", key]),
        TemplatePlace::Annotation(key) => template(&["metadata", "annotations", key]),
        TemplatePlace::Literal(index) => {
            template(&["templateFrom"])?.as_sequence()?.get(*index)?.get("literal")
        }
        TemplatePlace::ConfigMap { key, .. } => object.at(&["data", key]),
        TemplatePlace::Secret { .. } => None,
    }
}

/// An item of `data` or `dataFrom`.
pub(crate) fn item(object: &Node, field: Field) -> Option<&Node> {
    let (list, index) = match field {
        Field::Data(index) => ("data", index),
        Field::DataFrom(index) => ("dataFrom", index),
    };
    object.at(&["spec", list])?.as_sequence()?.get(index)
}

/// The span of a line of a scalar's text, and of the rest of it from a column (in bytes, from 0)
/// on; `line` counts from 1. The whole scalar if its lines are not those of the file.
pub(crate) fn line(file: &SourceFile, node: &Node, line: usize, column: Option<usize>) -> Span {
    let written = file.slice(node.span);
    let whole = || node.span;
    let Some(line) = line.checked_sub(1) else { return whole() };
    let text = node.as_str().unwrap_or_default();
    let wanted = text.split('\n').nth(line).unwrap_or_default();
    match node.style {
        Style::Literal => {
            // The header is the first line; the indentation is not part of the text.
            let Some((at, found)) = lines(written).nth(line + 1) else { return whole() };
            let indent = found.len() - found.trim_start_matches(' ').len();
            let more = wanted.len() - wanted.trim_start_matches(' ').len();
            let start = at + indent.saturating_sub(more);
            span(node, start + column.unwrap_or(more), at + found.trim_end().len())
        }
        // Without escapes and line breaks, what stands there is the text itself.
        Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => {
            match written.find(text).filter(|_| !text.contains('\n')) {
                Some(at) => span(node, at + column.unwrap_or_default(), at + text.len()),
                None => whole(),
            }
        }
        _ => whole(),
    }
}

/// Each line with its offset.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let start = *at;
        *at += line.len();
        Some((start, line))
    })
}

/// Offsets within the node as a span of the file.
fn span(node: &Node, start: usize, end: usize) -> Span {
    let at = |offset: usize| {
        let offset = u32::try_from(offset).unwrap_or(u32::MAX);
        node.span.start.saturating_add(offset).min(node.span.end)
    };
    Span::new(at(start.min(end)), at(end))
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::read::{Content, Limits, read};
    use extsecret_manifest::source::FileId;

    use super::*;

    #[track_caller]
    fn found(text: &str, number: usize, column: Option<usize>) -> (u32, String) {
        let file = SourceFile::new("f.yaml", text);
        let documents = read(FileId(0), &file, &Limits::default());
        let Content::Node(object) = &documents[0].content else { panic!("{documents:?}") };
        let node = object.get("a").unwrap();
        let span = line(&file, node, number, column);
        (file.location(span.start).line, file.slice(span).to_owned())
    }

    #[test]
    fn lines_of_block_scalars_are_lines_of_the_file() {
        let text = "x: 1\na: |\n  one\n    {{ .two }}\n\n  three\n";
        assert_eq!(found(text, 1, None), (3, "one".into()));
        assert_eq!(found(text, 2, Some(5)), (4, ".two }}".into()));
        assert_eq!(found(text, 2, None), (4, "{{ .two }}".into()));
        assert_eq!(found(text, 4, Some(0)), (6, "three".into()));
        assert_eq!(found("a: |-2\n    x\n", 1, Some(2)), (2, "x".into()));
    }

    #[test]
    fn columns_of_single_lines_are_columns_of_the_file() {
        assert_eq!(found("a: '{{ .x }}'\n", 1, Some(3)), (1, ".x }}".into()));
        assert_eq!(found("a: \"{{ .x }}\"\n", 1, Some(3)), (1, ".x }}".into()));
        // Escapes move columns: the whole scalar is shown.
        assert_eq!(found("a: \"\\t{{ .x }}\"\n", 1, Some(3)), (1, "\"\\t{{ .x }}\"".into()));
    }
}
