//! The tokens of a JSON text, and Go's words for what is no JSON.

use std::ops::Range;

use crate::error::Message;
use crate::runes;

/// Go's `maxNestingDepth`.
pub(super) const MAX_DEPTH: usize = 10_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    BeginObject,
    EndObject,
    BeginList,
    EndList,
    /// The string before a colon.
    Key,
    Text,
    Number,
    True,
    False,
    Null,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Key,
    KeyOrEnd,
    Colon,
    AfterValue,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Object,
    List,
}

/// Reads token by token. It is strict: whoever has seen the end has seen valid JSON.
pub(super) struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
    expect: Expect,
    inside: Vec<Inside>,
}

impl<'a> Scanner<'a> {
    pub(super) const fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0, expect: Expect::Value, inside: Vec::new() }
    }

    /// How many objects and lists are open.
    pub(super) const fn depth(&self) -> usize {
        self.inside.len()
    }

    /// The next token and the place of its text; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(Token, Range<usize>)>, Message> {
        loop {
            let Some(byte) = self.skip_space() else {
                return match self.expect {
                    Expect::End => Ok(None),
                    _ => Err("unexpected end of JSON input".into()),
                };
            };
            let start = self.at;
            let token = match (self.expect, byte) {
                (Expect::ValueOrEnd, b']') => self.close(Token::EndList),
                (Expect::Value | Expect::ValueOrEnd, _) => self.value(byte)?,
                (Expect::KeyOrEnd, b'}') => self.close(Token::EndObject),
                (Expect::Key | Expect::KeyOrEnd, b'"') => {
                    self.string()?;
                    self.expect = Expect::Colon;
                    Token::Key
                }
                (Expect::Key | Expect::KeyOrEnd, _) => {
                    return Err(unexpected(byte, "looking for beginning of object key string"));
                }
                (Expect::Colon, b':') => {
                    self.at += 1;
                    self.expect = Expect::Value;
                    continue;
                }
                (Expect::Colon, _) => return Err(unexpected(byte, "after object key")),
                (Expect::AfterValue, _) => match (self.inside.last(), byte) {
                    (Some(Inside::Object), b',') => {
                        self.at += 1;
                        self.expect = Expect::Key;
                        continue;
                    }
                    (Some(Inside::Object), b'}') => self.close(Token::EndObject),
                    (Some(Inside::List), b',') => {
                        self.at += 1;
                        self.expect = Expect::Value;
                        continue;
                    }
                    (Some(Inside::List), b']') => self.close(Token::EndList),
                    (Some(Inside::Object), _) => {
                        return Err(unexpected(byte, "after object key:value pair"));
                    }
                    (Some(Inside::List), _) => {
                        return Err(unexpected(byte, "after array element"));
                    }
                    (None, _) => return Err(unexpected(byte, "after top-level value")),
                },
                (Expect::End, _) => return Err(unexpected(byte, "after top-level value")),
            };
            return Ok(Some((token, start..self.at)));
        }
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn skip_space(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Within a literal the end of the text counts as a space.
    fn current(&self) -> u8 {
        self.peek().unwrap_or(b' ')
    }

    fn value(&mut self, byte: u8) -> Result<Token, Message> {
        let token = match byte {
            b'{' => return self.open(byte, Inside::Object),
            b'[' => return self.open(byte, Inside::List),
            b'"' => {
                self.string()?;
                Token::Text
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                Token::Number
            }
            b't' => self.word("true", Token::True)?,
            b'f' => self.word("false", Token::False)?,
            b'n' => self.word("null", Token::Null)?,
            _ => return Err(unexpected(byte, "looking for beginning of value")),
        };
        self.end_of_value();
        Ok(token)
    }

    const fn end_of_value(&mut self) {
        self.expect = if self.inside.is_empty() { Expect::End } else { Expect::AfterValue };
    }

    fn open(&mut self, byte: u8, inside: Inside) -> Result<Token, Message> {
        if self.inside.len() >= MAX_DEPTH {
            return Err(unexpected(byte, "exceeded max depth"));
        }
        self.inside.push(inside);
        self.at += 1;
        Ok(match inside {
            Inside::Object => {
                self.expect = Expect::KeyOrEnd;
                Token::BeginObject
            }
            Inside::List => {
                self.expect = Expect::ValueOrEnd;
                Token::BeginList
            }
        })
    }

    fn close(&mut self, token: Token) -> Token {
        self.inside.pop();
        self.at += 1;
        self.end_of_value();
        token
    }

    fn string(&mut self) -> Result<(), Message> {
        self.at += 1;
        loop {
            let rest = self.json.get(self.at..).unwrap_or_default();
            let plain = rest.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            let Some(plain) = plain else {
                self.at = self.json.len();
                return Err("unexpected end of JSON input".into());
            };
            self.at += plain;
            match self.current() {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => {
                    self.at += 1;
                    self.escape()?;
                }
                byte => return Err(unexpected(byte, "in string literal")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Message> {
        match self.current() {
            b'b' | b'f' | b'n' | b'r' | b't' | b'\\' | b'/' | b'"' => self.at += 1,
            b'u' => {
                self.at += 1;
                for _ in 0..4 {
                    let byte = self.current();
                    if !byte.is_ascii_hexdigit() {
                        return Err(unexpected(byte, "in \\u hexadecimal character escape"));
                    }
                    self.at += 1;
                }
            }
            byte => return Err(unexpected(byte, "in string escape code")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), Message> {
        if self.current() == b'-' {
            self.at += 1;
        }
        match self.current() {
            b'0' => self.at += 1,
            b'1'..=b'9' => self.digits(),
            byte => return Err(unexpected(byte, "in numeric literal")),
        }
        if self.current() == b'.' {
            self.at += 1;
            self.digit("after decimal point in numeric literal")?;
            self.digits();
        }
        if matches!(self.current(), b'e' | b'E') {
            self.at += 1;
            if matches!(self.current(), b'+' | b'-') {
                self.at += 1;
            }
            self.digit("in exponent of numeric literal")?;
            self.digits();
        }
        Ok(())
    }

    fn digit(&self, place: &'static str) -> Result<(), Message> {
        let byte = self.current();
        if byte.is_ascii_digit() { Ok(()) } else { Err(unexpected(byte, place)) }
    }

    fn digits(&mut self) {
        while self.current().is_ascii_digit() {
            self.at += 1;
        }
    }

    fn word(&mut self, word: &'static str, token: Token) -> Result<Token, Message> {
        for expected in word.bytes() {
            let byte = self.current();
            if byte != expected {
                let expected = char::from(expected);
                let place = format!("in literal {word} (expecting '{expected}')");
                return Err(unexpected(byte, place));
            }
            self.at += 1;
        }
        Ok(token)
    }
}

fn unexpected(byte: u8, place: impl Into<String>) -> Message {
    Message::from("invalid character ").secret(quoted(byte)).text(" ").text(place)
}

/// A byte in Go's single quotes, taken for a rune.
fn quoted(byte: u8) -> Vec<u8> {
    let rune = char::from(byte);
    let text = match byte {
        b'\'' => r"\'".to_owned(),
        b'\\' => r"\\".to_owned(),
        0x07 => r"\a".to_owned(),
        0x08 => r"\b".to_owned(),
        0x0C => r"\f".to_owned(),
        b'\n' => r"\n".to_owned(),
        b'\r' => r"\r".to_owned(),
        b'\t' => r"\t".to_owned(),
        0x0B => r"\v".to_owned(),
        _ if runes::is_print(rune) => rune.to_string(),
        0..=0x7F => format!(r"\x{byte:02x}"),
        _ => format!(r"\u{byte:04x}"),
    };
    format!("'{text}'").into_bytes()
}
