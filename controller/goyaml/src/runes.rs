//! Characters as Go's `unicode` package classes them. It knows Unicode 15.0.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

static LETTER: LazyLock<Ranges> = LazyLock::new(|| Ranges::new(r"[\p{L}&&\p{Age=15.0}]"));
static DIGIT: LazyLock<Ranges> = LazyLock::new(|| Ranges::new(r"[\p{Nd}&&\p{Age=15.0}]"));
static PRINT: LazyLock<Ranges> =
    LazyLock::new(|| Ranges::new(r"[[\p{L}\p{M}\p{N}\p{P}\p{S} ]&&\p{Age=15.0}]"));

/// Go's `unicode.IsLetter`.
pub fn is_letter(rune: char) -> bool {
    LETTER.has(rune)
}

/// Go's `unicode.IsDigit`.
pub fn is_digit(rune: char) -> bool {
    DIGIT.has(rune)
}

/// Go's `unicode.IsPrint`.
pub fn is_print(rune: char) -> bool {
    PRINT.has(rune)
}

/// A set of characters as sorted ranges.
#[derive(Debug)]
pub struct Ranges {
    ranges: Vec<(char, char)>,
    /// The members among the first 128 characters, a bit each: nearly all that is ever asked for.
    ascii: u128,
}

impl Ranges {
    /// The characters of a class, in the syntax of the `regex` crate; none if it is no class.
    pub fn new(class: &str) -> Self {
        let ranges = match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                class.iter().map(|range| (range.start(), range.end())).collect()
            }
            _ => Vec::new(),
        };
        let ascii = ('\0'..='\x7F')
            .filter(|rune| is_in(&ranges, *rune))
            .fold(0, |ascii, rune| ascii | 1 << u32::from(rune));
        Self { ranges, ascii }
    }

    /// Whether a character is one of them.
    pub fn has(&self, rune: char) -> bool {
        if rune.is_ascii() {
            return self.ascii & 1 << u32::from(rune) != 0;
        }
        is_in(&self.ranges, rune)
    }
}

fn is_in(ranges: &[(char, char)], rune: char) -> bool {
    let before = ranges.partition_point(|&(_, end)| end < rune);
    ranges.get(before).is_some_and(|&(start, _)| start <= rune)
}
