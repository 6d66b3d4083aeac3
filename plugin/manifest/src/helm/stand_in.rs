//! Words that stand for actions while a text is read and written as YAML.
//!
//! A word has the length of its action, so that every place in the text stays what it is. It looks
//! like a name (a small letter, then small letters and digits), so that it is bare in YAML, a legal
//! name of objects and an identifier everywhere.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Letters of the first three characters: letter, digit, letter.
const LETTERS: &[u8] = b"qzxjk";

/// Digits of a number; `w` is none of them and ends it.
const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuvxyz";
const FILL: u8 = b'w';
const MAX_DIGITS: usize = 10;

/// How the text was written in which an action stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Manner {
    /// Without quotes.
    Plain,
    /// In `'...'`.
    Single,
    /// In `"..."`.
    Double,
    /// In a block behind `|` or `>`.
    Block,
    /// In a comment, or in something else that is no value.
    Aside,
    /// It stands for whole entries of a map that begins in this column.
    Entries(usize),
}

/// An action that was set aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The action, with its braces.
    pub text: String,
    /// Where it stood.
    pub manner: Manner,
}

/// All actions that were set aside in a run. The same action is the same word in every file.
#[derive(Clone, Debug, Default)]
pub struct StandIns {
    by_word: BTreeMap<String, Held>,
    words: BTreeMap<(Vec<u8>, String, Manner), String>,
}

/// The first characters of the words in a text: some that it does not have.
pub(super) fn prefix_for(text: &str) -> Option<[u8; 3]> {
    let taken: BTreeSet<&[u8]> =
        text.as_bytes().windows(3).filter(|three| is_prefix(three)).collect();
    LETTERS.iter().find_map(|first| {
        (b'0'..=b'9').rev().find_map(|digit| {
            let all = LETTERS.iter().map(|last| [*first, digit, *last]);
            all.into_iter().find(|three| !taken.contains(three.as_slice()))
        })
    })
}

fn is_prefix(three: &[u8]) -> bool {
    matches!(three, [a, b, c] if LETTERS.contains(a) && b.is_ascii_digit() && LETTERS.contains(c))
}

impl StandIns {
    /// True when nothing was set aside.
    pub fn is_empty(&self) -> bool {
        self.by_word.is_empty()
    }

    /// The word for an action, as long as `length`; `None` when there is no free one.
    pub(super) fn word(
        &mut self,
        prefix: [u8; 3],
        text: &str,
        manner: Manner,
        length: usize,
    ) -> Option<String> {
        let key = (prefix.to_vec(), text.to_owned(), manner);
        if let Some(word) = self.words.get(&key) {
            return Some(word.clone());
        }
        let digits = length.checked_sub(4).filter(|digits| *digits > 0)?.min(MAX_DIGITS);
        // From the text alone, so that names made of it are the same in every run (FNV-1a).
        let mut number =
            text.bytes().chain([manner.tag()]).fold(0xcbf2_9ce4_8422_2325_u64, |n, b| {
                (n ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        for _ in 0..64 {
            let mut word = prefix.to_vec();
            let mut rest = number;
            for _ in 0..digits {
                let base = DIGITS.len() as u64;
                let digit = usize::try_from(rest % base).unwrap_or_default();
                word.push(DIGITS.get(digit).copied().unwrap_or(b'0'));
                rest /= base;
            }
            if let Entry::Vacant(free) = self.by_word.entry(String::from_utf8(word.clone()).ok()?) {
                word.resize(length, FILL);
                let word = String::from_utf8(word).ok()?;
                free.insert(Held { text: text.to_owned(), manner });
                self.words.insert(key, word.clone());
                return Some(word);
            }
            number = number.wrapping_add(1);
        }
        None
    }

    /// The words in a text, each with the place where it stands.
    pub fn find<'s>(
        &'s self,
        text: &'s str,
    ) -> impl Iterator<Item = (std::ops::Range<usize>, &'s Held)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            while !self.by_word.is_empty() && at < text.len() {
                if let Some((length, held)) = self.at(text, at) {
                    at += length;
                    return Some((at - length..at, held));
                }
                at += 1;
            }
            None
        })
    }

    /// The word that begins at an offset.
    fn at(&self, text: &str, at: usize) -> Option<(usize, &Held)> {
        let bytes = text.as_bytes().get(at..)?;
        if !is_prefix(bytes.get(..3)?) {
            return None;
        }
        let digits =
            bytes.iter().skip(3).take(MAX_DIGITS).take_while(|b| DIGITS.contains(b)).count();
        let number_end = 3 + digits;
        let held = self.by_word.get(text.get(at..at + number_end)?)?;
        let length = held.length()?;
        let fill = bytes.get(number_end..length)?;
        fill.iter().all(|b| *b == FILL).then_some((length, held))
    }

    /// The text with every action where its word stands.
    pub fn put_back<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let mut out = String::new();
        let mut done = 0;
        for (place, held) in self.find(text) {
            out.push_str(text.get(done..place.start).unwrap_or_default());
            out.push_str(&held.text);
            done = place.end;
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        out.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(out)
    }

    /// The text without the words.
    pub fn left_out(&self, text: &str) -> String {
        let mut out = String::new();
        let mut done = 0;
        for (place, _) in self.find(text) {
            out.push_str(text.get(done..place.start).unwrap_or_default());
            done = place.end;
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

impl Held {
    /// How long its word is.
    fn length(&self) -> Option<usize> {
        match self.manner {
            Manner::Entries(_) => self.text.len().checked_sub(super::ENTRY.len()),
            _ => Some(self.text.len()),
        }
    }
}

impl Manner {
    pub(super) fn is_entries(self) -> bool {
        matches!(self, Self::Entries(_))
    }

    fn tag(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::Single => 1,
            Self::Double => 2,
            Self::Block => 3,
            Self::Aside => 4,
            Self::Entries(column) => 5_u8.saturating_add(u8::try_from(column).unwrap_or(u8::MAX)),
        }
    }
}
