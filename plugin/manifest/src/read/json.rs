//! JSON documents, one after the other, as Go's decoder takes them.
//!
//! kubectl tries this first for everything that begins with `{`, and only then YAML: JSON knows
//! escapes and tabs that YAML refuses.

use std::borrow::Cow;

use super::build::Builder;
use super::{Content, Piece};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::node::Style;
use crate::source::Span;
use goyaml::scalar::Scalar;

/// The text is not JSON, from this offset on.
pub(super) struct NotJson {
    /// Where the value that could not be read begins.
    pub(super) start: u32,
    /// Where reading stopped.
    pub(super) at: u32,
}

/// Reads values until the end of `text[span]` or the first one that is not JSON, at most `left`.
pub(super) fn read(
    text: &str,
    span: Span,
    left: usize,
    builder: &mut Builder<'_>,
) -> (Vec<Piece>, Option<NotJson>) {
    let mut pieces = Vec::new();
    let Some(chunk) = text.get(..span.end as usize) else { return (pieces, None) };
    let mut reader = Reader {
        bytes: chunk.as_bytes(),
        text: chunk,
        at: span.start as usize,
        builder,
        open: Vec::new(),
        refused: None,
    };
    loop {
        reader.blanks();
        let start = reader.offset();
        if reader.at >= chunk.len() {
            return (pieces, None);
        }
        if pieces.len() >= left {
            let at = Span::new(start, start);
            let content = Content::Broken(reader.builder.too_many(at));
            pieces.push(Piece { span: Span::new(start, span.end), content });
            return (pieces, None);
        }
        reader.open.clear();
        reader.refused = None;
        let object = matches!(reader.peek(), Some(b'{' | b'['));
        let complete = object && reader.value().is_some();
        let root = reader.builder.take();
        if !complete {
            return (pieces, Some(NotJson { start, at: reader.offset() }));
        }
        let content = match (reader.refused.take(), root) {
            (Some(diagnostic), _) => Content::Broken(diagnostic),
            (None, Some(node)) => Content::Node(node),
            (None, None) => Content::Empty,
        };
        pieces.push(Piece { span: Span::new(start, reader.offset()), content });
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Open {
    Object,
    Array,
}

struct Reader<'a, 'b> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    builder: &'a mut Builder<'b>,
    open: Vec<Open>,
    /// Why the document is refused although it is JSON; it is still read to its end.
    refused: Option<Box<Diagnostic>>,
}

impl Reader<'_, '_> {
    fn offset(&self) -> u32 {
        u32::try_from(self.at).unwrap_or(u32::MAX)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn note(&mut self, result: Result<(), Box<Diagnostic>>) {
        if let Err(diagnostic) = result {
            self.refused = Some(diagnostic);
        }
    }

    /// One value, however deep, without recursion.
    fn value(&mut self) -> Option<()> {
        loop {
            self.blanks();
            // A value is due here.
            match self.peek()? {
                open @ (b'{' | b'[') => {
                    let start = self.offset();
                    self.at += 1;
                    self.blanks();
                    let (kind, close) =
                        if open == b'{' { (Open::Object, b'}') } else { (Open::Array, b']') };
                    if self.refused.is_none() {
                        let result = match kind {
                            Open::Object => self.builder.start_mapping(start, Style::Flow, 0),
                            Open::Array => self.builder.start_sequence(start, Style::Flow, 0),
                        };
                        self.note(result);
                    }
                    self.open.push(kind);
                    if self.peek()? != close {
                        if kind == Open::Object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                b'"' => self.string()?,
                b't' => self.word("true", &Scalar::Bool(true))?,
                b'f' => self.word("false", &Scalar::Bool(false))?,
                b'n' => self.word("null", &Scalar::Null)?,
                _ => self.number()?,
            }
            // After a value: close what ends here, then the next value, if there is one.
            loop {
                let Some(innermost) = self.open.last().copied() else { return Some(()) };
                self.blanks();
                let close = if innermost == Open::Object { b'}' } else { b']' };
                let byte = self.peek()?;
                if byte == close {
                    self.at += 1;
                    self.open.pop();
                    if self.refused.is_none() {
                        let result = self.builder.end(self.offset());
                        self.note(result);
                    }
                    continue;
                }
                self.eat(b',')?;
                if innermost == Open::Object {
                    self.blanks();
                    self.key()?;
                }
                break;
            }
        }
    }

    fn key(&mut self) -> Option<()> {
        if self.peek()? != b'"' {
            return None;
        }
        self.string()?;
        self.blanks();
        self.eat(b':')
    }

    fn put(&mut self, scalar: Scalar<'_>, style: Style, start: usize) {
        if self.refused.is_some() {
            return;
        }
        let span = Span::new(u32::try_from(start).unwrap_or(u32::MAX), self.offset());
        let result = self.builder.put(scalar, style, span, 0);
        self.note(result);
    }

    fn word(&mut self, word: &str, scalar: &Scalar<'static>) -> Option<()> {
        let start = self.at;
        if !self.text.get(start..)?.starts_with(word) {
            return None;
        }
        self.at += word.len();
        self.put(scalar.clone(), Style::Plain, start);
        Some(())
    }

    fn digits(&mut self) -> Option<()> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > start).then_some(())
    }

    fn number(&mut self) -> Option<()> {
        let start = self.at;
        let _ = self.eat(b'-');
        if self.eat(b'0').is_none() {
            self.digits()?;
        }
        if self.eat(b'.').is_some() {
            self.digits()?;
        }
        if self.eat(b'e').or_else(|| self.eat(b'E')).is_some() {
            let _ = self.eat(b'+').or_else(|| self.eat(b'-'));
            self.digits()?;
        }
        let text = self.text.get(start..self.at)?;
        let scalar = match text.parse::<i64>() {
            Ok(int) => Scalar::Int(int),
            Err(_) => match text.parse::<f64>() {
                Ok(f) if f.is_finite() => Scalar::Float(f),
                _ => {
                    let span = Span::new(u32::try_from(start).unwrap_or(u32::MAX), self.offset());
                    let fault = self.builder.fault(
                        &codes::NOT_JSON,
                        span,
                        "this number is too large for a Kubernetes object",
                    );
                    self.refused.get_or_insert(fault);
                    Scalar::Null
                }
            },
        };
        self.put(scalar, Style::Plain, start);
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        let start = self.at;
        self.at += 1;
        let mut owned: Option<String> = None;
        let mut run = self.at;
        loop {
            match self.peek()? {
                b'"' => break,
                b'\\' => {
                    let text = owned.get_or_insert_default();
                    text.push_str(self.text.get(run..self.at)?);
                    self.at += 1;
                    let escaped = self.peek()?;
                    self.at += 1;
                    let c = match escaped {
                        b'"' => '"',
                        b'\\' => '\\',
                        b'/' => '/',
                        b'b' => '\u{8}',
                        b'f' => '\u{c}',
                        b'n' => '\n',
                        b'r' => '\r',
                        b't' => '\t',
                        b'u' => self.unicode()?,
                        _ => return None,
                    };
                    owned.get_or_insert_default().push(c);
                    run = self.at;
                }
                0..=0x1f => return None,
                _ => self.at += 1,
            }
        }
        let tail = self.text.get(run..self.at)?;
        self.at += 1;
        let text = match owned {
            Some(mut text) => {
                text.push_str(tail);
                Cow::Owned(text)
            }
            None => Cow::Borrowed(tail),
        };
        self.put(Scalar::Text(text), Style::DoubleQuoted, start);
        Some(())
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).ok()
    }

    /// After `\u`: one character, or two escapes for one character.
    fn unicode(&mut self) -> Option<char> {
        let start = self.offset().saturating_sub(2);
        let high = self.hex()?;
        if let Some(c) = char::from_u32(high) {
            return Some(c);
        }
        let back = self.at;
        if (0xd800..0xdc00).contains(&high)
            && self.eat(b'\\').is_some()
            && self.eat(b'u').is_some()
            && let Some(low @ 0xdc00..0xe000) = self.hex()
        {
            return char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
        }
        self.at = back;
        let fault = self.builder.fault(
            &codes::NOT_JSON,
            Span::new(start, self.offset()),
            "half of a surrogate pair is no character",
        );
        self.refused.get_or_insert(fault);
        Some(char::REPLACEMENT_CHARACTER)
    }
}
