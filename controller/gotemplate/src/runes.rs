//! Go's view of text: bytes decoded as UTF-8 wherever they are UTF-8, and the character classes
//! and the case mappings of its `unicode` package.
//!
//! Go maps case rune by rune, so `ß` stays what it is, and knows Unicode 15.0: characters that
//! are younger have no class and no case.

use std::sync::LazyLock;

use goyaml::runes::Ranges;
pub(crate) use goyaml::runes::{is_digit, is_letter, is_print};

/// What stands for bytes that are not UTF-8.
pub(crate) const ERROR: char = '\u{FFFD}';

/// The first rune and its size in bytes. Bytes that are not UTF-8 give [`ERROR`] one by one, an
/// empty text gives it with size 0.
pub(crate) fn decode(bytes: &[u8]) -> (char, usize) {
    let Some(&first) = bytes.first() else { return (ERROR, 0) };
    let size = match first {
        0..=0x7F => return (char::from(first), 1),
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return (ERROR, 1),
    };
    let text = bytes.get(..size).and_then(|bytes| std::str::from_utf8(bytes).ok());
    text.and_then(|text| text.chars().next()).map_or((ERROR, 1), |rune| (rune, size))
}

/// The last rune and its size in bytes.
pub(crate) fn decode_last(bytes: &[u8]) -> (char, usize) {
    let len = bytes.len();
    for size in 1..=len.min(4) {
        let Some(tail) = bytes.get(len - size..) else { break };
        if tail.first().is_some_and(|byte| byte & 0xC0 != 0x80) {
            let (rune, found) = decode(tail);
            if found == size {
                return (rune, size);
            }
            break;
        }
    }
    (ERROR, len.min(1))
}

/// The runes of `bytes`, each with its place and its size.
pub(crate) fn indices(bytes: &[u8]) -> impl Iterator<Item = (usize, char, usize)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let (rune, size) = decode(bytes.get(at..)?);
        if size == 0 {
            return None;
        }
        at += size;
        Some((at - size, rune, size))
    })
}

/// The runes of `bytes`, as `[]rune(text)` gives them.
pub(crate) fn runes(bytes: &[u8]) -> impl Iterator<Item = char> {
    indices(bytes).map(|(_, rune, _)| rune)
}

/// Appends a rune.
pub(crate) fn push(text: &mut Vec<u8>, rune: char) {
    text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes());
}

/// Go's `unicode.ToUpper`.
pub(crate) fn to_upper(rune: char) -> char {
    if rune.is_ascii() {
        return rune.to_ascii_uppercase();
    }
    simple(
        rune,
        rune.to_uppercase(),
        match rune {
            // These have a simple mapping beside the full one that ends in an iota of its own.
            '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => 8,
            '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => 9,
            _ => 0,
        },
    )
}

/// Go's `unicode.ToLower`.
pub(crate) fn to_lower(rune: char) -> char {
    if rune.is_ascii() {
        return rune.to_ascii_lowercase();
    }
    if rune == '\u{130}' {
        return 'i';
    }
    simple(rune, rune.to_lowercase(), 0)
}

/// Go's `unicode.ToTitle`.
pub(crate) fn to_title(rune: char) -> char {
    match rune {
        '\u{1C4}'..='\u{1C6}' => '\u{1C5}',
        '\u{1C7}'..='\u{1C9}' => '\u{1C8}',
        '\u{1CA}'..='\u{1CC}' => '\u{1CB}',
        '\u{1F1}'..='\u{1F3}' => '\u{1F2}',
        // Georgian letters have capitals for whole words only.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => rune,
        _ => to_upper(rune),
    }
}

/// The only rune of `mapped`, or the rune `offset` behind `rune`.
fn simple(rune: char, mut mapped: impl Iterator<Item = char>, offset: u32) -> char {
    let other = match (mapped.next(), mapped.next()) {
        (Some(only), None) => only,
        _ => char::from_u32(rune as u32 + offset).unwrap_or(rune),
    };
    if other == rune || !KNOWN.has(rune) || !KNOWN.has(other) { rune } else { other }
}

/// Go's `unicode.IsSpace`.
pub(crate) const fn is_space(rune: char) -> bool {
    matches!(
        rune,
        '\t'..='\r' | ' ' | '\u{85}' | '\u{A0}' | '\u{1680}' | '\u{2000}'..='\u{200A}'
            | '\u{2028}' | '\u{2029}' | '\u{202F}' | '\u{205F}' | '\u{3000}'
    )
}

macro_rules! classes {
    ($($(#[$doc:meta])* $function:ident $class:ident $pattern:literal;)*) => {$(
        static $class: LazyLock<Ranges> = LazyLock::new(|| Ranges::new($pattern));

        $(#[$doc])*
        pub(crate) fn $function(rune: char) -> bool {
            $class.has(rune)
        }
    )*};
}

classes! {
    /// Go's `unicode.IsUpper`.
    is_upper UPPER r"[\p{Lu}&&\p{Age=15.0}]";
    /// Go's `unicode.IsLower`.
    is_lower LOWER r"[\p{Ll}&&\p{Age=15.0}]";
    /// Go's `unicode.IsTitle`.
    is_title TITLE r"[\p{Lt}&&\p{Age=15.0}]";
    /// Go's `unicode.IsNumber`.
    is_number NUMBER r"[\p{N}&&\p{Age=15.0}]";
    /// Go's `unicode.IsPunct`.
    is_punct PUNCT r"[\p{P}&&\p{Age=15.0}]";
}

static KNOWN: LazyLock<Ranges> = LazyLock::new(|| Ranges::new(r"\p{Age=15.0}"));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_come_one_by_one() {
        let found: Vec<_> = indices(b"a\xe2\x82z\xe2\x82\xac\xed\xa0\x80").collect();
        let expected = [
            (0, 'a', 1),
            (1, ERROR, 1),
            (2, ERROR, 1),
            (3, 'z', 1),
            (4, '€', 3),
            (7, ERROR, 1),
            (8, ERROR, 1),
            (9, ERROR, 1),
        ];
        assert_eq!(found, expected);
        assert_eq!(decode_last("a€".as_bytes()), ('€', 3));
        assert_eq!(decode_last(b"\xe2\x82"), (ERROR, 1));
        assert_eq!(decode_last(b""), (ERROR, 0));
    }

    #[test]
    fn case_is_mapped_rune_by_rune() {
        assert_eq!(['ß', 'ŉ', 'ᾀ', 'ᾳ', 'ı', 'ǆ'].map(to_upper), ['ß', 'ŉ', 'ᾈ', 'ᾼ', 'I', 'Ǆ']);
        assert_eq!(['İ', 'Σ', 'ẞ', 'K'].map(to_lower), ['i', 'σ', 'ß', 'k']);
        assert_eq!(['ǆ', 'ა', 'a'].map(to_title), ['ǅ', 'ა', 'A']);
    }

    #[test]
    fn characters_younger_than_unicode_15_have_no_case() {
        assert_eq!(to_upper('\u{264}'), '\u{264}');
        assert_eq!(to_lower('\u{A7CB}'), '\u{A7CB}');
        assert!(!is_upper('\u{A7CB}') && !is_print('\u{A7CB}'));
    }

    #[test]
    fn every_class_is_known() {
        assert!(is_upper('A') && is_lower('a') && is_title('ǅ') && is_letter('あ'));
        assert!(is_digit('٣') && is_number('½') && is_punct('…') && is_print('☃'));
        assert!(!is_print('\u{AD}') && !is_print('\u{3000}') && is_space('\u{3000}'));
    }
}
