//! Functions that change case: goutils' and xstrings' ideas of words.

use super::{Call, Failure, Value, made, text};
use crate::runes;

/// The first letter of every word in lower case.
pub(super) fn untitle(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut first = true;
    let changed = super::mapped(text(arguments, 0), |rune| {
        if runes::is_space(rune) {
            first = true;
            rune
        } else if std::mem::take(&mut first) {
            runes::to_lower(rune)
        } else {
            rune
        }
    });
    made(call, changed)
}

/// Upper to lower, and lower to upper, or to title at the beginning of a word.
pub(super) fn swap(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut space = true;
    let changed = super::mapped(text(arguments, 0), |rune| {
        if runes::is_upper(rune) || runes::is_title(rune) {
            space = false;
            runes::to_lower(rune)
        } else if runes::is_lower(rune) {
            if std::mem::take(&mut space) { runes::to_title(rune) } else { runes::to_upper(rune) }
        } else {
            space = runes::is_space(rune);
            rune
        }
    });
    made(call, changed)
}

/// `some_words` to `SomeWords`.
pub(super) fn camel(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, pascal_case(text(arguments, 0)))
}

/// `SomeWords` to `some_words`.
pub(super) fn snake(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, with_connector(text(arguments, 0), '_'))
}

/// `SomeWords` to `some-words`.
pub(super) fn kebab(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, with_connector(text(arguments, 0), '-'))
}

fn is_connector(rune: char) -> bool {
    matches!(rune, '-' | '_') || runes::is_space(rune)
}

fn pascal_case(text: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut runes = runes::runes(text);
    // Connectors at the beginning stay.
    let mut current = loop {
        let Some(rune) = runes.next() else {
            // Nothing but connectors: the last one is written twice if it came alone.
            return if text.is_empty() { result } else { repeated_last(text, result) };
        };
        if !is_connector(rune) {
            break rune;
        }
        runes::push(&mut result, rune);
    };
    let mut was_upper = runes::is_upper(current);
    current = runes::to_upper(current);
    for rune in runes {
        let before = std::mem::replace(&mut current, rune);
        if is_connector(rune) && is_connector(before) {
            runes::push(&mut result, before);
            continue;
        }
        if is_connector(before) {
            was_upper = runes::is_upper(rune);
            current = runes::to_upper(rune);
        } else {
            if was_upper {
                if runes::is_upper(rune) {
                    current = runes::to_lower(rune);
                } else {
                    was_upper = false;
                }
            }
            runes::push(&mut result, before);
        }
    }
    runes::push(&mut result, current);
    result
}

/// xstrings writes the last rune once more when nothing follows the connectors.
fn repeated_last(text: &[u8], mut result: Vec<u8>) -> Vec<u8> {
    runes::push(&mut result, runes::decode_last(text).0);
    result
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Invalid,
    Number,
    Upper,
    Letters,
    Connector,
    Punctuation,
    Other,
}

impl Word {
    /// Letters in lower case and numbers, which stay together.
    const fn continues_number(self) -> bool {
        matches!(self, Self::Letters | Self::Number)
    }
}

fn with_connector(text: &[u8], connector: char) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let (mut kind, mut word, mut rest) = next_word(text);
    while !rest.is_empty() {
        if kind != Word::Connector {
            write_lower(&mut result, kind, word, connector);
        }
        let (last_kind, last) = (kind, word);
        (kind, word, rest) = next_word(rest);
        match last_kind {
            Word::Number => {
                while kind.continues_number() {
                    write_lower(&mut result, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Punctuation | Word::Connector) {
                    runes::push(&mut result, connector);
                }
            }
            Word::Connector => write_lower(&mut result, last_kind, last, connector),
            Word::Punctuation => {}
            _ if kind != Word::Number => {
                if !matches!(kind, Word::Connector | Word::Punctuation) {
                    runes::push(&mut result, connector);
                }
            }
            _ if rest.is_empty() => {}
            _ => {
                let number = word;
                (kind, word, rest) = next_word(rest);
                if kind != Word::Letters {
                    // The number belongs to the word before it.
                    write_lower(&mut result, Word::Number, number, connector);
                    if !matches!(kind, Word::Connector | Word::Punctuation) {
                        runes::push(&mut result, connector);
                    }
                    continue;
                }
                runes::push(&mut result, connector);
                write_lower(&mut result, Word::Number, number, connector);
                while kind.continues_number() {
                    write_lower(&mut result, kind, word, connector);
                    (kind, word, rest) = next_word(rest);
                }
                if !matches!(kind, Word::Invalid | Word::Connector | Word::Punctuation) {
                    runes::push(&mut result, connector);
                }
            }
        }
    }
    write_lower(&mut result, kind, word, connector);
    result
}

fn write_lower(result: &mut Vec<u8>, kind: Word, word: &[u8], connector: char) {
    if !matches!(kind, Word::Upper | Word::Connector) {
        result.extend_from_slice(word);
        return;
    }
    for rune in runes::runes(word) {
        runes::push(
            result,
            match rune {
                _ if is_connector(rune) => connector,
                _ if runes::is_upper(rune) => runes::to_lower(rune),
                _ => rune,
            },
        );
    }
}

/// The next rune that is not U+FFFD and the bytes up to its end; `before` if there is none.
fn next_rune(text: &[u8], before: char) -> (char, usize) {
    for (place, rune, size) in runes::indices(text) {
        if rune != runes::ERROR {
            return (rune, place + size);
        }
    }
    (before, text.len())
}

/// Takes runes off `text`, from `taken` on, as long as `belongs` says so.
fn take_while(
    text: &[u8],
    taken: &mut usize,
    mut rune: char,
    belongs: impl Fn(char) -> bool,
) -> char {
    while let Some(rest) = text.get(*taken..)
        && !rest.is_empty()
    {
        let (next, size) = next_rune(rest, rune);
        rune = next;
        if !belongs(rune) {
            break;
        }
        *taken += size;
    }
    rune
}

fn next_word(text: &[u8]) -> (Word, &[u8], &[u8]) {
    if text.is_empty() {
        return (Word::Invalid, b"", b"");
    }
    let (rune, mut taken) = next_rune(text, runes::ERROR);
    let kind = if rune == runes::ERROR {
        Word::Invalid
    } else if is_connector(rune) {
        take_while(text, &mut taken, rune, is_connector);
        Word::Connector
    } else if runes::is_punct(rune) {
        take_while(text, &mut taken, rune, runes::is_punct);
        Word::Punctuation
    } else if runes::is_upper(rune) {
        taken = upper_word(text, taken, rune);
        Word::Upper
    } else if is_alphabet(rune) {
        take_while(text, &mut taken, rune, is_lower_alphabet);
        Word::Letters
    } else if runes::is_number(rune) {
        take_while(text, &mut taken, rune, runes::is_number);
        Word::Number
    } else {
        take_while(text, &mut taken, rune, |rune| {
            !(is_connector(rune)
                || is_alphabet(rune)
                || runes::is_number(rune)
                || runes::is_punct(rune))
        });
        Word::Other
    };
    let (word, rest) = text.split_at_checked(taken).unwrap_or((text, b""));
    (kind, word, rest)
}

/// The end of a word that begins with a capital: `HTTP` of `HTTPStatus`, `Status` of `StatusCode`.
fn upper_word(text: &[u8], mut taken: usize, rune: char) -> usize {
    let rest = text.get(taken..).unwrap_or_default();
    if rest.is_empty() {
        return taken;
    }
    let (second, mut size) = next_rune(rest, rune);
    if runes::is_upper(second) {
        taken += size;
        let mut last = second;
        while let Some(rest) = text.get(taken..)
            && !rest.is_empty()
        {
            let (next, next_size) = next_rune(rest, last);
            last = next;
            if !runes::is_upper(last) {
                break;
            }
            size = next_size;
            taken += size;
        }
        if taken < text.len() && is_alphabet(last) {
            taken -= size;
        }
    } else if is_alphabet(second) {
        taken += size;
        take_while(text, &mut taken, second, is_lower_alphabet);
    }
    taken
}

fn is_lower_alphabet(rune: char) -> bool {
    is_alphabet(rune) && !runes::is_upper(rune)
}

/// A letter, but not of those that xstrings counts as double width.
fn is_alphabet(rune: char) -> bool {
    runes::is_letter(rune)
        && !matches!(
            rune,
            '\u{3400}'..='\u{4D85}' | '\u{4E00}'..='\u{9FCC}' | '\u{20000}'..='\u{2B81D}'
        )
}
