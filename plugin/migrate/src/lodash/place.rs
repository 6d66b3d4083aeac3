//! From a place in a template's text to the place in the file.

use extsecret_manifest::source::Span;

use super::ir;

/// The part of a file that a part of a scalar's value was written as; the whole scalar where its
/// escapes or folded lines do not tell.
pub(crate) fn of(raw: &str, whole: Span, value: &str, part: ir::Span) -> Span {
    let within = |start: usize, end: usize| {
        let shift = |at: usize| whole.start.saturating_add(u32::try_from(at).unwrap_or(u32::MAX));
        Span { start: shift(start), end: shift(end.max(start + 1)).min(whole.end) }
    };
    if let Some(at) = raw.find(value) {
        return within(at + part.start, at + part.end);
    }
    match (raw.starts_with('|'), block(raw, value, part.start), block(raw, value, part.end)) {
        (true, Some(start), Some(end)) => within(start, end),
        _ => whole,
    }
}

/// A place in a literal block: the lines of the value are those of the block without indentation.
fn block(raw: &str, value: &str, at: usize) -> Option<usize> {
    let before = value.get(..at)?;
    let line = before.matches('\n').count();
    let line_start = before.rfind('\n').map_or(0, |last| last + 1);
    let content = value.get(line_start..)?.split('\n').next()?;
    let mut start = 0;
    for (i, written) in raw.split_inclusive('\n').enumerate() {
        if i == line + 1 {
            let written = written.trim_end_matches(['\n', '\r']);
            let indent = written.strip_suffix(content)?.len();
            return Some(start + indent + (at - line_start));
        }
        start += written.len();
    }
    None
}

/// Line and column of a place in a text, both counted from 1.
pub(crate) fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(raw: &str, value: &str, start: usize, end: usize) -> String {
        let whole = Span { start: 0, end: u32::try_from(raw.len()).unwrap() };
        let span = of(raw, whole, value, ir::Span { start, end });
        raw[span.start as usize..span.end as usize].to_owned()
    }

    #[test]
    fn a_part_is_found_as_it_was_written() {
        assert_eq!(slice("\"a <%= x %>\"", "a <%= x %>", 6, 7), "x");
        assert_eq!(slice("|\n    a\n    b <%= x %>\n", "a\nb <%= x %>\n", 8, 9), "x");
        // Escapes: nothing better than all of it.
        assert_eq!(slice("\"a\\tx\"", "a\tx", 2, 3), "\"a\\tx\"");
    }

    #[test]
    fn lines_and_columns_count_from_one() {
        assert_eq!(line_and_column("ab\ncd", 0), (1, 1));
        assert_eq!(line_and_column("ab\ncd", 4), (2, 2));
    }
}
