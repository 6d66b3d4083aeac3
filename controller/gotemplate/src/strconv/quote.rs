//! Unquoting.

use crate::runes::{decode, push};

/// `strconv.Unquote` for a string in double quotes or back quotes; `None` is Go's `ErrSyntax`.
pub(crate) fn unquote(quoted: &[u8]) -> Option<Vec<u8>> {
    let (&quote, rest) = quoted.split_first()?;
    let mut inner = rest.strip_suffix(&[quote])?;
    match quote {
        b'`' => (!inner.contains(&b'`'))
            .then(|| inner.iter().copied().filter(|byte| *byte != b'\r').collect()),
        b'"' => {
            let mut text = Vec::with_capacity(inner.len());
            while let Some(byte) = inner.first() {
                if *byte == b'\n' {
                    return None;
                }
                let (unit, tail) = unquote_char(inner, b'"')?;
                match unit {
                    Unit::Byte(byte) => text.push(byte),
                    Unit::Char(c) => push(&mut text, c),
                }
                inner = tail;
            }
            Some(text)
        }
        _ => None,
    }
}

/// What one character of a quoted string stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// One byte: ASCII, or anything written `\xff` or `\377`.
    Byte(u8),
    /// A character, to be written as UTF-8.
    Char(char),
}

impl Unit {
    /// Its number, as a character constant has it.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Byte(byte) => byte.into(),
            Self::Char(c) => c.into(),
        }
    }
}

/// `strconv.UnquoteChar`: the first character of `text` and what follows it.
pub(crate) fn unquote_char(text: &[u8], quote: u8) -> Option<(Unit, &[u8])> {
    let (&first, rest) = text.split_first()?;
    if first == quote {
        return None;
    }
    if !first.is_ascii() {
        let (c, width) = decode(text);
        return Some((Unit::Char(c), text.get(width..)?));
    }
    if first != b'\\' {
        return Some((Unit::Byte(first), rest));
    }
    let (&escape, rest) = rest.split_first()?;
    let byte = |byte: u8| Some((Unit::Byte(byte), rest));
    match escape {
        b'a' => byte(0x07),
        b'b' => byte(0x08),
        b'f' => byte(0x0c),
        b'n' => byte(b'\n'),
        b'r' => byte(b'\r'),
        b't' => byte(b'\t'),
        b'v' => byte(0x0b),
        b'\\' => byte(b'\\'),
        b'\'' | b'"' if escape == quote => byte(quote),
        b'x' => {
            let (number, rest) = digits(rest, 2, 16)?;
            Some((Unit::Byte(u8::try_from(number).ok()?), rest))
        }
        b'u' | b'U' => {
            let (number, rest) = digits(rest, if escape == b'u' { 4 } else { 8 }, 16)?;
            Some((Unit::Char(char::from_u32(number)?), rest))
        }
        b'0'..=b'7' => {
            let (number, rest) = digits(text.get(1..)?, 3, 8)?;
            Some((Unit::Byte(u8::try_from(number).ok()?), rest))
        }
        _ => None,
    }
}

/// A number of exactly `count` digits, and what follows it.
fn digits(text: &[u8], count: usize, radix: u32) -> Option<(u32, &[u8])> {
    let mut number = 0_u32;
    for byte in text.get(..count)? {
        number = number.checked_mul(radix)?.checked_add(char::from(*byte).to_digit(radix)?)?;
    }
    Some((number, text.get(count..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unquotes_like_go() {
        let ok = |quoted: &[u8]| unquote(quoted).expect("valid");
        assert_eq!(ok(br#""a\n\x41\101\u00e4\U0001f600\"""#), "a\nAA\u{e4}\u{1f600}\"".as_bytes());
        assert_eq!(ok(b"\"\\xff\\377\""), b"\xff\xff");
        assert_eq!(ok(b"\"\xff\""), "\u{fffd}".as_bytes());
        assert_eq!(ok(b"`a\\n\r\xff`"), b"a\\n\xff");
        for invalid in [
            &br#""\'""#[..],
            br#""\q""#,
            br#""\x4""#,
            br#""\ud800""#,
            br#""\U00110000""#,
            br#""\400""#,
            br#""\08""#,
            b"\"",
            b"\"a",
            b"'a'",
            b"",
            b"`a`b`",
            b"\"a\nb\"",
            br#""a"b""#,
        ] {
            assert_eq!(unquote(invalid), None, "{}", String::from_utf8_lossy(invalid));
        }
    }
}
