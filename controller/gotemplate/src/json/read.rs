//! Values from JSON.

use std::collections::BTreeMap;
use std::ops::Range;

use super::Member;
use super::scan::{Scanner, Token};
use crate::error::Message;
use crate::runes;
use crate::value::{Bytes, Element, List, Map, Value};

/// An object or a list that is not complete yet.
enum Open {
    Object { entries: BTreeMap<Bytes, Value>, key: Bytes },
    List(Vec<Value>),
}

/// Reads a JSON text and leaves a nil for every number that is too large for a `float64`; the
/// second part is Go's complaint about the first of them.
pub(crate) fn decode_what_fits(json: &[u8]) -> Result<(Value, Option<Message>), Message> {
    let mut scanner = Scanner::new(json);
    let mut open: Vec<Open> = Vec::new();
    let mut result = Value::Nil;
    let mut complaint = None;
    while let Some((token, place)) = scanner.next()? {
        let text = json.get(place).unwrap_or_default();
        let value = match token {
            Token::BeginObject => {
                open.push(Open::Object { entries: BTreeMap::new(), key: Bytes::default() });
                continue;
            }
            Token::BeginList => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Token::Key => {
                if let Some(Open::Object { key, .. }) = open.last_mut() {
                    *key = string(text).into();
                }
                continue;
            }
            Token::EndObject | Token::EndList => match open.pop() {
                Some(Open::Object { entries, .. }) => Value::Map(Map::new(Element::Any, entries)),
                Some(Open::List(items)) => Value::List(List::new(Element::Any, items)),
                None => Value::Nil,
            },
            Token::Text => Value::string(string(text)),
            Token::Number => {
                let number = number(text);
                if number.is_none() && complaint.is_none() {
                    let message = Message::from("json: cannot unmarshal number ").secret(text);
                    complaint = Some(message.text(" into Go value of type float64"));
                }
                number.map_or(Value::Nil, Value::Float)
            }
            Token::True => Value::Bool(true),
            Token::False => Value::Bool(false),
            Token::Null => Value::Nil,
        };
        match open.last_mut() {
            Some(Open::Object { entries, key }) => {
                entries.insert(std::mem::take(key), value);
            }
            Some(Open::List(items)) => items.push(value),
            None => result = value,
        }
    }
    Ok((result, complaint))
}

/// See [`super::members`].
pub(super) fn members(json: &[u8]) -> Result<Vec<Member>, Message> {
    let mut scanner = Scanner::new(json);
    let mut found: Vec<Member> = Vec::new();
    let mut other = None;
    while let Some((token, place)) = scanner.next()? {
        let depth = scanner.depth();
        match token {
            Token::BeginObject if depth == 1 => {}
            Token::BeginList if depth == 1 => other = other.or(Some("array")),
            Token::Key if depth == 1 => {
                let text = json.get(place.clone()).unwrap_or_default();
                found.push((string(text), place.end..place.end));
            }
            // The first token of a value gives its start, the last its end.
            Token::BeginObject | Token::BeginList if depth == 2 => start(&mut found, &place),
            Token::EndObject | Token::EndList if depth == 1 => end(&mut found, &place),
            Token::Text | Token::Number | Token::True | Token::False | Token::Null => {
                if depth == 1 {
                    start(&mut found, &place);
                    end(&mut found, &place);
                } else if depth == 0 {
                    other = other.or(match token {
                        Token::Text => Some("string"),
                        Token::Number => Some("number"),
                        Token::Null => None,
                        _ => Some("bool"),
                    });
                }
            }
            _ => {}
        }
    }
    match other {
        None => Ok(found),
        Some(kind) => Err(format!(
            "json: cannot unmarshal {kind} into Go value of type map[string]json.RawMessage"
        )
        .into()),
    }
}

fn start(found: &mut [Member], place: &Range<usize>) {
    if let Some((_, range)) = found.last_mut() {
        range.start = place.start;
    }
}

fn end(found: &mut [Member], place: &Range<usize>) {
    if let Some((_, range)) = found.last_mut() {
        range.end = place.end;
    }
}

fn number(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    number.is_finite().then_some(number)
}

/// What a string of valid JSON, in its quotes, stands for.
fn string(quoted: &[u8]) -> Vec<u8> {
    let mut text = quoted;
    if let [b'"', inner @ .., b'"'] = quoted {
        text = inner;
    }
    let mut result = Vec::with_capacity(text.len());
    loop {
        let plain = text.iter().position(|&byte| byte == b'\\' || byte >= 0x80);
        let (before, rest) = text.split_at(plain.unwrap_or(text.len()));
        result.extend_from_slice(before);
        let taken = match rest {
            [] => return result,
            [b'\\', b'u', ..] => escaped_rune(rest, &mut result),
            [b'\\', escape, ..] => {
                result.push(match escape {
                    b'b' => 0x08,
                    b'f' => 0x0C,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    other => *other,
                });
                2
            }
            _ => {
                let (rune, size) = runes::decode(rest);
                runes::push(&mut result, rune);
                size
            }
        };
        text = rest.get(taken..).unwrap_or_default();
    }
}

/// Appends what one `\u` escape, or two that are a surrogate pair, stand for; the bytes they take.
fn escaped_rune(text: &[u8], result: &mut Vec<u8>) -> usize {
    let first = hexadecimal(text).unwrap_or(runes::ERROR as u32);
    if let Some(rune) = char::from_u32(first) {
        runes::push(result, rune);
        return 6;
    }
    let second = text.get(6..).and_then(hexadecimal).unwrap_or_default();
    if first < 0xDC00 && (0xDC00..0xE000).contains(&second) {
        let rune = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
        runes::push(result, char::from_u32(rune).unwrap_or(runes::ERROR));
        return 12;
    }
    runes::push(result, runes::ERROR);
    6
}

fn hexadecimal(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    digits.iter().try_fold(0, |number, &digit| Some(number << 4 | char::from(digit).to_digit(16)?))
}
