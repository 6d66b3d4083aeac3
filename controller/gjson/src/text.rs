//! Text as Go reads it: runes of bytes that may be no UTF-8, truth values, white space, and the
//! strings of JSON.

use std::borrow::Cow;

use crate::limits::{Budget, LimitExceeded};

/// Go's `utf8.RuneError`: what stands for bytes that are no UTF-8.
pub(crate) const RUNE_ERROR: char = '\u{FFFD}';

/// The first rune and its length: ([`RUNE_ERROR`], 1) for what is no UTF-8, length 0 for nothing.
pub(crate) fn first_rune(text: &[u8]) -> (char, usize) {
    let width = match text.first() {
        None => return (RUNE_ERROR, 0),
        Some(&byte @ ..0x80) => return (char::from(byte), 1),
        Some(0x80..0xE0) => 2,
        Some(0xE0..0xF0) => 3,
        Some(0xF0..) => 4,
    };
    text.get(..width)
        .and_then(|rune| std::str::from_utf8(rune).ok())
        .and_then(|rune| rune.chars().next())
        .map_or((RUNE_ERROR, 1), |rune| (rune, width))
}

/// The last rune and its length, with the same exceptions.
pub(crate) fn last_rune(text: &[u8]) -> (char, usize) {
    for width in 1..=text.len().min(4) {
        let tail = text.get(text.len() - width..).unwrap_or_default();
        if tail.first().is_some_and(|&byte| byte & 0xC0 != 0x80) {
            let (rune, length) = first_rune(tail);
            return if length == width { (rune, width) } else { (RUNE_ERROR, 1) };
        }
    }
    (RUNE_ERROR, text.len().min(1))
}

/// `strings.TrimSpace`, which knows the white space of Unicode.
pub(crate) fn trim_space(mut text: &[u8]) -> &[u8] {
    loop {
        let (rune, length) = first_rune(text);
        if length == 0 || !rune.is_whitespace() {
            break;
        }
        text = text.get(length..).unwrap_or_default();
    }
    loop {
        let (rune, length) = last_rune(text);
        if length == 0 || !rune.is_whitespace() {
            return text;
        }
        text = text.get(..text.len() - length).unwrap_or_default();
    }
}

/// Without the bytes up to the space character at both ends.
pub(crate) fn trim(mut text: &[u8]) -> &[u8] {
    while let [..=b' ', rest @ ..] = text {
        text = rest;
    }
    while let [rest @ .., ..=b' '] = text {
        text = rest;
    }
    text
}

/// `strconv.ParseBool` of the text in lower case.
pub(crate) fn truth(text: &[u8]) -> Option<bool> {
    match text.to_ascii_lowercase().as_slice() {
        b"1" | b"t" | b"true" => Some(true),
        b"0" | b"f" | b"false" => Some(false),
        _ => None,
    }
}

/// What a JSON string without its quotes says. It ends at the first thing that no string may
/// contain: a control character, an unknown or an incomplete escape.
pub(crate) fn unescape(string: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(string.len());
    let mut rest = string;
    loop {
        match rest {
            [b'\\', b'u', after @ ..] => {
                let Some((unit, after)) = hex4(after) else { return text };
                let (rune, after) = rune_of_units(unit, after);
                rest = after;
                text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
            }
            [b'\\', escape, after @ ..] => {
                rest = after;
                text.push(match escape {
                    b'\\' | b'/' | b'"' => *escape,
                    b'b' => 0x08,
                    b'f' => 0x0C,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return text,
                });
            }
            [] | [b'\\' | ..b' ', ..] => return text,
            [byte, after @ ..] => {
                rest = after;
                text.push(*byte);
            }
        }
    }
}

/// Four hexadecimal digits and what follows; other characters count as the number 0.
fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_at_checked(4)?;
    let unit =
        digits.iter().try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?));
    Some((unit.unwrap_or(0), rest))
}

/// The rune of a UTF-16 unit. A surrogate takes the escape behind it along, whatever that is.
fn rune_of_units(unit: u32, after: &[u8]) -> (char, &[u8]) {
    if !(0xD800..0xE000).contains(&unit) {
        return (char::from_u32(unit).unwrap_or(RUNE_ERROR), after);
    }
    let Some((low, rest)) = after.strip_prefix(br"\u").and_then(hex4) else {
        return (RUNE_ERROR, after);
    };
    if unit < 0xDC00 && (0xDC00..0xE000).contains(&low) {
        let rune = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        (char::from_u32(rune).unwrap_or(RUNE_ERROR), rest)
    } else {
        (RUNE_ERROR, rest)
    }
}

/// Appends the text as a JSON string, with the characters escaped that HTML cares for.
pub(crate) fn quote(
    budget: &mut Budget,
    out: &mut Vec<u8>,
    text: &[u8],
) -> Result<(), LimitExceeded> {
    // No byte takes more than six.
    budget.reserve(text.len().saturating_mul(6).saturating_add(2))?;
    out.push(b'"');
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let (rune, length) = first_rune(rest);
        let (whole, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
        rest = after;
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0x08 => out.extend_from_slice(br"\b"),
            0x0C => out.extend_from_slice(br"\f"),
            b'\n' => out.extend_from_slice(br"\n"),
            b'\r' => out.extend_from_slice(br"\r"),
            b'\t' => out.extend_from_slice(br"\t"),
            ..b' ' | b'<' | b'>' | b'&' => {
                out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
            }
            _ if length == 1 && byte > 0x7F => out.extend_from_slice(br"\ufffd"),
            _ if rune == '\u{2028}' => out.extend_from_slice(br"\u2028"),
            _ if rune == '\u{2029}' => out.extend_from_slice(br"\u2029"),
            _ => out.extend_from_slice(whole),
        }
    }
    out.push(b'"');
    Ok(())
}

/// A JSON string with its quotes as `encoding/json` reads it, which is stricter and mends UTF-8:
/// nothing if it is malformed.
pub(crate) fn unquote(string: &[u8]) -> Option<Vec<u8>> {
    let inner = string.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [byte, after @ ..] = rest {
        match (byte, after) {
            (b'\\', [b'u', after @ ..]) => {
                let (unit, after) = strict_hex4(after)?;
                // Unlike in gjson, an unpaired surrogate leaves the escape behind it alone.
                let paired = after.strip_prefix(br"\u").and_then(strict_hex4).filter(|(low, _)| {
                    (0xD800..0xDC00).contains(&unit) && (0xDC00..0xE000).contains(low)
                });
                let (rune, after) = match paired {
                    Some(_) => rune_of_units(unit, after),
                    None => (char::from_u32(unit).unwrap_or(RUNE_ERROR), after),
                };
                text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
                rest = after;
            }
            (b'\\', [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', after @ ..]) => {
                let escape = rest.get(..2).unwrap_or_default();
                text.extend_from_slice(&unescape(escape));
                rest = after;
            }
            (b'\\' | b'"' | ..b' ', _) => return None,
            _ => {
                let (rune, length) = first_rune(rest);
                text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
                rest = rest.get(length..).unwrap_or_default();
            }
        }
    }
    Some(text)
}

fn strict_hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    text.get(..4)?.iter().all(u8::is_ascii_hexdigit).then(|| hex4(text))?
}

/// A string's content, unescaped only if it has escapes.
pub(crate) fn content(string: &[u8], escaped: bool) -> Cow<'_, [u8]> {
    if escaped { Cow::Owned(unescape(string)) } else { Cow::Borrowed(string) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unescaping_ends_where_the_string_is_malformed() {
        for (string, text) in [
            (r"a\nb", "a\nb"),
            (r"a\qb", "a"),
            (r"a\", "a"),
            (r"a\u00", "a"),
            (r"\u00e9", "\u{e9}"),
            (r"\ud83d\ude00", "\u{1F600}"),
            (r"\ud83dx", "\u{FFFD}x"),
            (r"\ud83d\u0041x", "\u{FFFD}x"),
            (r"\uzzzz", "\0"),
            ("a\nb", "a"),
        ] {
            assert_eq!(unescape(string.as_bytes()), text.as_bytes(), "{string}");
        }
    }

    #[test]
    fn runes_are_found_from_both_ends() {
        assert_eq!(first_rune("é!".as_bytes()), ('é', 2));
        assert_eq!(last_rune("!é".as_bytes()), ('é', 2));
        assert_eq!(first_rune(b"\xE9!"), (RUNE_ERROR, 1));
        assert_eq!(last_rune(b"!\xC3"), (RUNE_ERROR, 1));
        assert_eq!(last_rune(b"!\xA9"), (RUNE_ERROR, 1));
        assert_eq!(last_rune(b""), (RUNE_ERROR, 0));
    }
}
