//! Reading JSON without insisting that it is JSON: where a value ends, and the values one after
//! another.

use std::borrow::Cow;

use memchr::memchr2;

use crate::text;
use crate::value::Found;

/// The bytes from `from`, none if there are so few.
pub(crate) fn tail(json: &[u8], from: usize) -> &[u8] {
    json.get(from..).unwrap_or_default()
}

/// The bytes between two places.
pub(crate) fn between(json: &[u8], from: usize, to: usize) -> &[u8] {
    json.get(from..to).unwrap_or_default()
}

/// A string whose content begins at a place.
pub(crate) struct StringEnd {
    /// Behind the closing quote, or the end of the text.
    pub(crate) end: usize,
    /// Whether a backslash was on the way.
    pub(crate) escaped: bool,
    /// Whether there is a closing quote.
    pub(crate) closed: bool,
}

/// Finds the end of the string whose content begins at `start`.
pub(crate) fn string_end(json: &[u8], start: usize) -> StringEnd {
    let mut at = start;
    let mut escaped = false;
    while let Some(found) = memchr2(b'"', b'\\', tail(json, at)) {
        at += found;
        if json.get(at) == Some(&b'"') {
            return StringEnd { end: at + 1, escaped, closed: true };
        }
        escaped = true;
        at += 2;
    }
    StringEnd { end: json.len(), escaped, closed: false }
}

/// The end of a block of brackets whose first byte is at `start`, whatever that byte is: brackets
/// of all kinds count alike. An unclosed block ends with the text, and one behind it if it ends
/// within a string: gjson has it so, and arrays can tell.
pub(crate) fn block_end(json: &[u8], start: usize) -> usize {
    let mut depth = 1usize;
    let mut at = start + 1;
    while let Some(&byte) = json.get(at) {
        match BRACKETS.get(usize::from(byte)) {
            Some(Bracket::Quote) => {
                let string = string_end(json, at + 1);
                if !string.closed {
                    return json.len() + 1;
                }
                at = string.end;
                continue;
            }
            Some(Bracket::Open) => depth += 1,
            Some(Bracket::Close) => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    json.len()
}

#[derive(Clone, Copy)]
enum Bracket {
    No,
    Quote,
    Open,
    Close,
}

/// A table, because every byte of a skipped value is looked up here.
static BRACKETS: [Bracket; 256] = {
    let mut table = [Bracket::No; 256];
    table[b'"' as usize] = Bracket::Quote;
    table[b'{' as usize] = Bracket::Open;
    table[b'[' as usize] = Bracket::Open;
    table[b'(' as usize] = Bracket::Open;
    table[b'}' as usize] = Bracket::Close;
    table[b']' as usize] = Bracket::Close;
    table[b')' as usize] = Bracket::Close;
    table
};

/// The block or string that a text begins with; the whole text if it does not end. In contrast to
/// [`block_end`], a quote at the beginning makes a string.
pub(crate) fn squash(text: &[u8]) -> &[u8] {
    let end =
        if text.first() == Some(&b'"') { string_end(text, 1).end } else { block_end(text, 0) };
    text.get(..end).unwrap_or(text)
}

/// The end of the number at `start`.
pub(crate) fn number_end(json: &[u8], start: usize) -> usize {
    tail(json, start + 1)
        .iter()
        .position(|byte| matches!(byte, 0..=b' ' | b',' | b']' | b'}'))
        .map_or(json.len(), |length| start + 1 + length)
}

/// The end of the literal at `start`.
pub(crate) fn literal_end(json: &[u8], start: usize) -> usize {
    tail(json, start + 1)
        .iter()
        .position(|byte| !byte.is_ascii_lowercase())
        .map_or(json.len(), |length| start + 1 + length)
}

/// What a value begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    String,
    Object,
    Array,
    Literal,
    Number,
}

/// What value begins at a place; other characters begin none, and are skipped.
pub(crate) fn start(json: &[u8], at: usize) -> Option<Start> {
    Some(match json.get(at)? {
        b'"' => Start::String,
        b'{' => Start::Object,
        b'[' => Start::Array,
        // nan against null
        b'n' if json.get(at + 1).is_some_and(|&next| next != b'u') => Start::Number,
        b'n' | b't' | b'f' => Start::Literal,
        b'+' | b'-' | b'0'..=b'9' | b'i' | b'I' | b'N' => Start::Number,
        _ => return None,
    })
}

/// The first value at or behind `from`: where it begins and what it is.
pub(crate) fn next_start(json: &[u8], from: usize) -> Option<(usize, Start)> {
    (from..json.len()).find_map(|at| Some((at, start(json, at)?)))
}

/// Where the value at `at` ends: nothing if it is a string without an end. See [`block_end`] for
/// an end behind that of the text.
pub(crate) fn value_end(json: &[u8], at: usize, start: Start) -> Option<usize> {
    match start {
        Start::String => {
            let string = string_end(json, at + 1);
            string.closed.then_some(string.end)
        }
        Start::Object | Start::Array => Some(block_end(json, at)),
        Start::Literal => Some(literal_end(json, at)),
        Start::Number => Some(number_end(json, at)),
    }
}

/// The value between two places.
pub(crate) fn value(json: &[u8], at: usize, end: usize, start: Start) -> Found<'_> {
    let raw = between(json, at, end.min(json.len()));
    match start {
        Start::String => {
            let content = between(raw, 1, raw.len().saturating_sub(1));
            let escaped = memchr::memchr(b'\\', content).is_some();
            Found::of_string(raw, text::content(content, escaped))
        }
        Start::Object | Start::Array => Found::of_json(raw),
        Start::Literal => Found::of_literal(raw),
        Start::Number => Found::of_number(raw),
    }
}

/// The text as one value, as Go's `Parse`: nothing if it begins with something else. An object or
/// array extends to the end of the text.
pub(crate) fn parse(json: Cow<'_, [u8]>) -> Found<'_> {
    match json {
        Cow::Borrowed(json) => parse_slice(json),
        Cow::Owned(json) => parse_slice(&json).into_owned(),
    }
}

/// As [`parse`], of borrowed text.
pub(crate) fn parse_slice(json: &[u8]) -> Found<'_> {
    let Some(at) = json.iter().position(|&byte| byte > b' ') else {
        return Found::default();
    };
    match start(json, at) {
        None => Found::default(),
        Some(Start::Object | Start::Array) => Found::of_json(tail(json, at)),
        Some(kind @ Start::Literal) => value(json, at, literal_end(json, at), kind),
        Some(kind @ Start::Number) => value(json, at, number_end(json, at), kind),
        Some(Start::String) => {
            // Unlike elsewhere, a string without an end is one all the same.
            let string = string_end(json, at + 1);
            let end = if string.closed { string.end - 1 } else { string.end };
            let content = between(json, at + 1, end);
            Found::of_string(between(json, at, string.end), text::content(content, string.escaped))
        }
    }
}

/// A key of an object.
pub(crate) struct Key<'a> {
    /// With quotes and escapes.
    pub(crate) raw: &'a [u8],
    /// Without.
    pub(crate) text: Cow<'a, [u8]>,
}

/// The members of an object or the elements of an array, as Go's `Result.ForEach`: it does not
/// look at brackets, so that what stands behind the end counts as well.
pub(crate) struct Members<'a> {
    json: &'a [u8],
    at: usize,
    object: bool,
}

impl<'a> Members<'a> {
    /// Of a text that is an object or an array.
    pub(crate) fn of(json: &'a [u8]) -> Self {
        let first = json.iter().position(|&byte| byte > b' ').unwrap_or(json.len());
        match json.get(first) {
            Some(b'{') => Self { json, at: first + 1, object: true },
            Some(b'[') => Self { json, at: first + 1, object: false },
            _ => Self { json, at: json.len(), object: false },
        }
    }
}

impl<'a> Iterator for Members<'a> {
    /// A key, if this is an object, and the value.
    type Item = (Option<Key<'a>>, Found<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let json = self.json;
        if self.at >= json.len() {
            return None;
        }
        let key = if self.object {
            self.at += tail(json, self.at).iter().position(|&byte| byte == b'"')?;
            let start = self.at;
            let string = string_end(json, start + 1);
            if !string.closed {
                self.at = json.len();
                return None;
            }
            self.at = string.end;
            let content = between(json, start + 1, string.end - 1);
            Some(Key {
                raw: between(json, start, string.end),
                text: text::content(content, string.escaped),
            })
        } else {
            None
        };
        let from = std::mem::replace(&mut self.at, json.len());
        let (at, start) = next_start(json, from)?;
        let end = value_end(json, at, start)?;
        // gjson skips the character behind a value, whatever it is.
        self.at = end + 1;
        Some((key, value(json, at, end, start)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_behind_a_value_is_skipped() {
        let raws = |json: &'static str| {
            Members::of(json.as_bytes())
                .map(|(_, value)| String::from_utf8(value.raw().to_vec()).unwrap())
                .collect::<Vec<_>>()
        };
        assert_eq!(raws("[1,2] 3"), ["1", "2", "3"]);
        assert_eq!(raws(r#"["a""b", 2]"#), [r#""a""#]);
        assert_eq!(raws("[[1][2],3]"), ["[1]", "2", "3"]);
    }
}
