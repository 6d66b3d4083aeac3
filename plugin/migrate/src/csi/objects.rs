//! `parameters.objects`: YAML inside a string, with the places that it has in the file around it.

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::{Node, Style, Value};
use extsecret_manifest::read::{self, Content, Limits, looks_like_template};
use extsecret_manifest::source::{FileId, Place, SourceFile, Span};

use crate::codes;
use crate::finding::{Findings, WithHelp};

/// Reads the list in a text. Spans of the result are those of the file around it.
pub(super) fn read(outer: &Node, field: &str, found: &mut Findings<'_>) -> Option<Node> {
    let text = outer.as_str()?;
    let places = Places::of(found.raw(outer), outer, text);
    let inner = SourceFile::new(field, text);
    let mut documents = read::read(FileId(0), &inner, &Limits::default())
        .into_iter()
        .filter(|document| document.content != Content::Empty);
    let first = documents.next();
    let second = documents.next();
    match first.map(|document| document.content) {
        None | Some(Content::Empty) => {
            found.at(&codes::E25, outer.span, field, "`objects` names no object");
            None
        }
        Some(Content::Broken(why)) => {
            broken(&why, &places, text, outer, field, found);
            None
        }
        Some(Content::Node(_)) if second.is_some() => {
            let at = second.map_or(outer.span, |document| places.span(document.span));
            found
                .at(&codes::E21, at, field, "`objects` holds more than one YAML document")
                .with_help("the provider reads the first one only: write one list");
            None
        }
        Some(Content::Node(mut node)) => {
            places.move_node(&mut node);
            Some(node)
        }
    }
}

fn broken(
    why: &Diagnostic,
    places: &Places,
    text: &str,
    outer: &Node,
    field: &str,
    found: &mut Findings<'_>,
) {
    let at = why.place.map_or(outer.span, |place| places.visible(place.span));
    if why.code.id == "R01" && looks_like_template(text) {
        found
            .at(&codes::E14, at, field, "`objects` looks like a template, which is no YAML yet")
            .with_help("render it first (`helm template`, `kubectl kustomize` ...) and migrate what it prints");
        return;
    }
    let related: Vec<(Place, String)> = why
        .related
        .iter()
        .map(|(place, note)| (found.place(places.visible(place.span)), note.clone()))
        .collect();
    let message = format!("the YAML in `objects` cannot be read: {}", why.message);
    let diagnostic = found.at(&codes::E21, at, field, message);
    diagnostic.related = related;
    diagnostic.help.clone_from(&why.help);
}

/// Where each byte of a scalar's value stands in the file.
struct Places {
    /// By the offset in the value, with one more for its end: where the character begins there and
    /// where it ends. Empty when the value could not be found in what is written, as for an alias.
    offsets: Vec<Span>,
    whole: Span,
}

impl Places {
    /// Follows the value through what is written: apart from white space, quotes and escapes, both
    /// hold the same characters in the same order, whatever the style.
    fn of(raw: &str, outer: &Node, value: &str) -> Self {
        let offsets = align(raw, outer.span.start, outer.style, value).unwrap_or_default();
        Self { offsets, whole: outer.span }
    }

    fn at(&self, offset: u32) -> Option<Span> {
        self.offsets.get(offset as usize).copied()
    }

    fn span(&self, span: Span) -> Span {
        match (self.at(span.start), self.at(span.end.saturating_sub(1))) {
            (Some(start), _) if span.is_empty() => Span::new(start.start, start.start),
            (Some(start), Some(last)) => Span::new(start.start, last.end),
            _ => self.whole,
        }
    }

    /// As [`Places::span`], but never empty: there is something to point at.
    fn visible(&self, span: Span) -> Span {
        let span = self.span(span);
        // What is missing at the end of the text is missed after its last character.
        let end = span.end.max(span.start + 1);
        Span::new(span.start.min(self.whole.end.saturating_sub(1)), end.min(self.whole.end))
    }

    fn move_node(&self, node: &mut Node) {
        node.span = self.span(node.span);
        match &mut node.value {
            Value::Mapping(entries) => {
                for entry in entries {
                    entry.key_span = self.span(entry.key_span);
                    self.move_node(&mut entry.value);
                }
            }
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.move_node(item)),
            _ => {}
        }
    }
}

/// The offset of each byte of `value`; `None` when `raw` does not hold it.
fn align(raw: &str, start: u32, style: Style, value: &str) -> Option<Vec<Span>> {
    let mut rest = match style {
        // The header, with a comment perhaps.
        Style::Literal | Style::Folded => raw.split_once('\n').map_or("", |(_, content)| content),
        Style::SingleQuoted => raw.strip_prefix('\'')?,
        Style::DoubleQuoted | Style::Flow => raw.strip_prefix('"')?,
        _ => raw,
    };
    let escapes = matches!(style, Style::DoubleQuoted | Style::Flow);
    let mut offsets = Vec::with_capacity(value.len() + 1);
    let position = |rest: &str| {
        u32::try_from(raw.len() - rest.len()).ok().and_then(|at| start.checked_add(at))
    };
    let mut blank = "";
    for (at, c) in value.char_indices() {
        if c.is_whitespace() {
            blank = value.get(at - blank.len()..at + c.len_utf8())?;
            continue;
        }
        let before = rest;
        rest = skip_blanks(rest, escapes);
        let raw_blank = before.get(..before.len() - rest.len())?;
        blanks(blank, raw_blank, position(before)?, &mut offsets);
        blank = "";
        let at = position(rest)?;
        let len = written(rest, c, style, escapes)?;
        let end = at.checked_add(u32::try_from(len).ok()?)?;
        offsets.extend(std::iter::repeat_n(Span::new(at, end), c.len_utf8()));
        rest = rest.get(len..)?;
    }
    blanks(blank, "", position(rest)?, &mut offsets);
    let end = position(rest)?;
    offsets.push(Span::new(end, end));
    Some(offsets)
}

/// The places of the blanks between two words. Those next to the second one are written as they
/// are; in front of them may stand an indentation or a break that is not part of the value.
fn blanks(value: &str, raw: &str, start: u32, offsets: &mut Vec<Span>) {
    let alike = value.bytes().rev().zip(raw.bytes().rev()).take_while(|(a, b)| a == b).count();
    let own = value.len() - alike;
    offsets.extend(std::iter::repeat_n(Span::new(start, start), own));
    let first = start.saturating_add(u32::try_from(raw.len() - alike).unwrap_or_default());
    offsets.extend((0..u32::try_from(alike).unwrap_or_default()).map(|i| {
        let at = first.saturating_add(i);
        Span::new(at, at.saturating_add(1))
    }));
}

fn skip_blanks(mut rest: &str, escapes: bool) -> &str {
    loop {
        let trimmed = rest.trim_start();
        let mut escape = trimmed.chars();
        let blank = escapes
            && escape.next() == Some('\\')
            && escape
                .next()
                .is_some_and(|c| matches!(c, 'n' | 't' | 'r' | ' ' | '\n' | '\r' | '\t'));
        match trimmed.get(2..).filter(|_| blank) {
            Some(more) => rest = more,
            None => return trimmed,
        }
    }
}

/// How many bytes stand for the character here; `None` when something else does.
fn written(rest: &str, c: char, style: Style, escapes: bool) -> Option<usize> {
    if style == Style::SingleQuoted && c == '\'' {
        return rest.starts_with("''").then_some(2);
    }
    let Some(escape) = rest.strip_prefix('\\').filter(|_| escapes) else {
        return rest.starts_with(c).then_some(c.len_utf8());
    };
    let digits = match escape.chars().next()? {
        'x' => 2,
        'u' => 4,
        'U' => 8,
        plain => return (plain == c).then_some(1 + plain.len_utf8()),
    };
    let code = u32::from_str_radix(escape.get(1..=digits)?, 16).ok()?;
    // JSON writes characters beyond the first plane as two escapes.
    let pair = (0xd800..0xdc00).contains(&code) && c > '\u{ffff}';
    (pair || code == u32::from(c)).then_some(if pair { 12 } else { 2 + digits })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text of the file under each scalar and key of the list in `objects`.
    fn slices(text: &str) -> Vec<String> {
        let file = SourceFile::new("f", text);
        let document = read::read(FileId(0), &file, &Limits::default()).remove(0);
        let root = document.node().unwrap().clone();
        let mut found = Findings::new(FileId(0), &file, root.span);
        let node = read(root.get("objects").unwrap(), "objects", &mut found).unwrap();
        let mut out = Vec::new();
        collect(&node, &file, &mut out);
        out
    }

    fn collect(node: &Node, file: &SourceFile, out: &mut Vec<String>) {
        match &node.value {
            Value::Mapping(entries) => {
                for entry in entries {
                    out.push(file.slice(entry.key_span).to_owned());
                    collect(&entry.value, file, out);
                }
            }
            Value::Sequence(items) => items.iter().for_each(|item| collect(item, file, out)),
            _ => out.push(file.slice(node.span).to_owned()),
        }
    }

    const EXPECTED: [&str; 4] = ["objectName", "\"a/b\"", "objectType", "ssm"];

    #[test]
    fn places_are_those_of_the_file_in_every_style() {
        for text in [
            "objects: |\n  - objectName: \"a/b\"\n    objectType: ssm\n",
            "objects: |2-  # why\n    - objectName: \"a/b\"\n\n      objectType: ssm\n",
            "objects: >\n  - objectName: \"a/b\"\n\n    objectType: ssm\n",
            "objects: |\r\n  - objectName: \"a/b\"\r\n    objectType: ssm\r\n",
            "objects: '- {objectName: \"a/b\", objectType: ssm}'\n",
            "objects: '- {objectName: \"a/b\",\n\n    objectType: ssm}'\n",
        ] {
            assert_eq!(slices(text), EXPECTED, "{text}");
        }
    }

    #[test]
    fn escapes_are_followed() {
        let text = r#"{"objects": "- objectName: \"a\/b\"\n  objectType: s\u0073m\n"}"#;
        assert_eq!(
            slices(text),
            ["objectName", r#"\"a\/b\""#, "objectType", r"s\u0073m"]
                .map(|s| s.strip_prefix('x').unwrap_or(s).to_owned())
                .to_vec()
        );
        assert_eq!(slices("objects: '- {a: ''b''}'\n"), ["a", "''b''"]);
    }

    #[test]
    fn what_is_not_written_there_has_the_place_of_the_scalar() {
        let slices = slices("x: &a |\n  - b: c\nobjects: *a\n");
        assert_eq!(slices, ["*a", "*a"]);
    }

    fn complain(text: &str) -> (String, String) {
        let file = SourceFile::new("f", text);
        let document = read::read(FileId(0), &file, &Limits::default()).remove(0);
        let root = document.node().unwrap().clone();
        let mut found = Findings::new(FileId(0), &file, root.span);
        assert!(read(root.get("objects").unwrap(), "objects", &mut found).is_none());
        let found = found.finish().remove(0);
        let at = file.location(found.place.unwrap().span.start);
        (found.code.id.to_owned(), at.to_string())
    }

    #[test]
    fn errors_point_into_the_file() {
        let check = |text: &str, code: &str, at: &str| {
            assert_eq!(complain(text), (code.to_owned(), at.to_owned()), "{text}");
        };
        check("x: 1\nobjects: |\n  - a: 1\n    a: 2\n", "E21", "4:5");
        check("objects: |\n  - a: [\n", "E21", "2:8");
        check("objects: |\n  - {{ .x }}\n    y\n", "E14", "2:6");
        check("objects: |\n  - a:\n  \t- b\n", "E21", "3:3");
        check("objects: |\n  - a: 1\n  ---\n  - b: 1\n", "E21", "4:3");
        check("objects: |\n  # nothing\n", "E25", "1:10");
        check("objects: ''\n", "E25", "1:10");
    }

    proptest::proptest! {
        /// Whatever the text and its style: no panic, and no span outside of the scalar.
        #[test]
        fn any_text_is_read_or_refused(value in "[-a-c: \n\"'\\[\\]{}#&*|>\\\\\u{e4}]{0,48}", style in 0..3) {
            let quoted = match style {
                0 => serde_json::Value::from(value.as_str()).to_string(),
                1 => format!("'{}'", value.replace('\'', "''")),
                _ => format!("|\n  {}", value.replace('\n', "\n  ")),
            };
            let text = format!("objects: {quoted}\n");
            let file = SourceFile::new("f", text.as_str());
            let document = read::read(FileId(0), &file, &Limits::default()).remove(0);
            let Some(root) = document.node().cloned() else { return Ok(()) };
            let Some(objects) = root.get("objects").filter(|node| node.as_str().is_some()) else {
                return Ok(());
            };
            let mut found = Findings::new(FileId(0), &file, root.span);
            let read = read(objects, "objects", &mut found);
            proptest::prop_assert_eq!(read.is_none(), found.is_refused());
            for diagnostic in found.finish() {
                let span = diagnostic.place.unwrap().span;
                proptest::prop_assert!(span.start >= objects.span.start && span.end <= objects.span.end);
            }
            if let Some(read) = read {
                let mut out = Vec::new();
                collect(&read, &file, &mut out);
            }
        }
    }
}
