//! Characters as Go's `unicode` package classes them. It knows Unicode 15.0.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

static LETTER: LazyLock<Ranges> = LazyLock::new(|| Ranges::new(r"[\p{L}&&\p{Age=15.0}]"));
static DIGIT: LazyLock<Ranges> = LazyLock::new(|| Ranges::new(r"[\p{Nd}&&\p{Age=15.0}]"));
static PRINT: LazyLock<Ranges> =
    LazyLock::new(|| Ranges::new(r"[[\p{L}\p{M}\p{N}\p{P}\p{S} ]&&\p{Age=15.0}]"));

/// Go's `unicode.IsLetter`.
pub fn is_letter(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_alphabetic() } else { LETTER.has(rune) }
}

/// Go's `unicode.IsDigit`.
pub fn is_digit(rune: char) -> bool {
    if rune.is_ascii() { rune.is_ascii_digit() } else { DIGIT.has(rune) }
}

/// Go's `unicode.IsPrint`.
pub fn is_print(rune: char) -> bool {
    if rune.is_ascii() { matches!(rune, ' '..='~') } else { PRINT.has(rune) }
}

/// A set of characters as sorted ranges.
#[derive(Debug)]
pub struct Ranges(Vec<(char, char)>);

impl Ranges {
    /// The characters of a class, in the syntax of the `regex` crate; none if it is no class.
    pub fn new(class: &str) -> Self {
        let ranges = match regex_syntax::parse(class).map(regex_syntax::hir::Hir::into_kind) {
            Ok(HirKind::Class(Class::Unicode(class))) => {
                class.iter().map(|range| (range.start(), range.end())).collect()
            }
            _ => Vec::new(),
        };
        Self(ranges)
    }

    /// Whether a character is one of them.
    pub fn has(&self, rune: char) -> bool {
        let before = self.0.partition_point(|&(_, end)| end < rune);
        self.0.get(before).is_some_and(|&(start, _)| start <= rune)
    }
}
