//! The text that a pattern is matched with.

use std::borrow::Cow;
use std::ops::Range;

/// A subject as Go reads it: every byte that is not part of valid UTF-8 counts as one U+FFFD.
pub(super) struct Subject<'s> {
    text: Cow<'s, str>,
    /// Where in `text` a U+FFFD of three bytes stands for one byte of the subject.
    replaced: Vec<usize>,
}

const REPLACEMENT: &str = "\u{FFFD}";

impl<'s> Subject<'s> {
    pub(super) fn new(subject: &'s [u8]) -> Self {
        if let Ok(text) = std::str::from_utf8(subject) {
            return Self { text: Cow::Borrowed(text), replaced: Vec::new() };
        }
        let mut text = String::with_capacity(subject.len());
        let mut replaced = Vec::new();
        for chunk in subject.utf8_chunks() {
            text.push_str(chunk.valid());
            for _ in chunk.invalid() {
                replaced.push(text.len());
                text.push_str(REPLACEMENT);
            }
        }
        Self { text: Cow::Owned(text), replaced }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The place of the next character, or one behind the end.
    pub(super) fn after(&self, position: usize) -> usize {
        let next = self.text.get(position..).and_then(|rest| rest.chars().next());
        position + next.map_or(1, char::len_utf8)
    }

    /// The same range in the subject's own bytes.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        self.offset(range.start)..self.offset(range.end)
    }

    fn offset(&self, position: usize) -> usize {
        let before = self.replaced.partition_point(|place| *place < position);
        position - before * (REPLACEMENT.len() - 1)
    }
}
