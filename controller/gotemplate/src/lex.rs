//! The words of a template: Go's `text/template/parse` lexer.
//!
//! A lexer does not know why its text is read, so every word comes with its place and line, and
//! white space between words is a word too: `$x .y` and `$x.y` differ.

use crate::error::Message;
use crate::fmt::quote;
use crate::runes::{decode, is_digit, is_letter, is_print};
use crate::template::Delimiters;

/// What Go trims at `{{- ` and ` -}}`, and what separates words.
const SPACE: &[u8] = b" \t\r\n";

/// `- ` or ` -`
const TRIM_MARKER_LEN: usize = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The lexer gave up; [`Lexer::error`] says why.
    Error,
    Eof,
    Text,
    LeftDelimiter,
    RightDelimiter,
    Space,
    Bool,
    /// A printable ASCII character without a meaning of its own, such as a comma.
    Char,
    CharConstant,
    Number,
    /// `1+2i`
    Complex,
    /// In double quotes.
    String,
    /// In back quotes.
    RawString,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    Pipe,
    LeftParen,
    RightParen,
    Dot,
    Field,
    Identifier,
    Variable,
    Nil,
    Block,
    Break,
    Continue,
    Define,
    Else,
    End,
    If,
    Range,
    Template,
    With,
}

impl Kind {
    /// The word with this spelling, where it is not just any name.
    fn of_word(word: &[u8]) -> Self {
        match word {
            b"block" => Self::Block,
            b"break" => Self::Break,
            b"continue" => Self::Continue,
            b"define" => Self::Define,
            b"else" => Self::Else,
            b"end" => Self::End,
            b"if" => Self::If,
            b"nil" => Self::Nil,
            b"range" => Self::Range,
            b"template" => Self::Template,
            b"with" => Self::With,
            b"true" | b"false" => Self::Bool,
            _ => Self::Identifier,
        }
    }

    /// What Go counts among the keywords; the dot is one.
    pub(crate) fn is_keyword(self) -> bool {
        matches!(
            self,
            Self::Dot
                | Self::Nil
                | Self::Block
                | Self::Break
                | Self::Continue
                | Self::Define
                | Self::Else
                | Self::End
                | Self::If
                | Self::Range
                | Self::Template
                | Self::With
        )
    }
}

/// A word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Item<'a> {
    pub(crate) kind: Kind,
    pub(crate) pos: usize,
    /// The line that it begins on.
    pub(crate) line: usize,
    pub(crate) text: &'a [u8],
}

pub(crate) struct Lexer<'a> {
    text: &'a [u8],
    left: &'a [u8],
    right: &'a [u8],
    pos: usize,
    /// Where the word at hand begins.
    start: usize,
    /// The lines of `pos` and of `start`.
    line: usize,
    start_line: usize,
    parens: usize,
    inside_action: bool,
    error: Message,
}

impl<'a> Lexer<'a> {
    /// An empty delimiter stands for Go's own.
    pub(crate) fn new(text: &'a [u8], delimiters: &'a Delimiters) -> Self {
        let or = |delimiter: &'a str, default: &'static str| {
            if delimiter.is_empty() { default.as_bytes() } else { delimiter.as_bytes() }
        };
        Self {
            text,
            left: or(&delimiters.left, "{{"),
            right: or(&delimiters.right, "}}"),
            pos: 0,
            start: 0,
            line: 1,
            start_line: 1,
            parens: 0,
            inside_action: false,
            error: Message::new(),
        }
    }

    /// Why the last word was [`Kind::Error`]. What is quoted from the text counts as secret.
    pub(crate) fn error(&self) -> &Message {
        &self.error
    }

    /// The next word. After [`Kind::Error`] there are no more.
    pub(crate) fn next_item(&mut self) -> Item<'a> {
        if self.inside_action { self.in_action() } else { self.in_text() }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.get(self.pos..).unwrap_or_default()
    }

    /// What lies behind the next `bytes`.
    fn after(&self, bytes: usize) -> &'a [u8] {
        self.rest().get(bytes..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        let (c, width) = decode(self.rest());
        (width > 0).then_some(c)
    }

    fn next(&mut self) -> Option<char> {
        let (c, width) = decode(self.rest());
        if width == 0 {
            return None;
        }
        self.pos += width;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    fn accept(&mut self, accepted: impl Fn(char) -> bool) -> bool {
        let found = self.peek().is_some_and(accepted);
        if found {
            self.next();
        }
        found
    }

    fn accept_run(&mut self, accepted: impl Fn(char) -> bool) {
        while self.accept(&accepted) {}
    }

    /// The text from the start of the word to here, which ends the word.
    fn item(&mut self, kind: Kind) -> Item<'a> {
        let text = self.word();
        let item = Item { kind, pos: self.start, line: self.start_line, text };
        self.start = self.pos;
        self.start_line = self.line;
        item
    }

    fn word(&self) -> &'a [u8] {
        self.text.get(self.start..self.pos).unwrap_or_default()
    }

    /// Drops what was passed over without [`Self::next`].
    fn ignore(&mut self) {
        self.count_lines();
        self.start = self.pos;
        self.start_line = self.line;
    }

    fn count_lines(&mut self) {
        self.line += newlines(self.word());
    }

    fn fail(&mut self, why: impl Into<Message>) -> Item<'a> {
        self.error = why.into();
        let item = Item { kind: Kind::Error, pos: self.start, line: self.start_line, text: b"" };
        self.text = b"";
        self.pos = 0;
        self.start = 0;
        item
    }

    /// Up to the next action, over comments.
    fn in_text(&mut self) -> Item<'a> {
        loop {
            let Some(length) = find(self.rest(), self.left) else {
                self.pos = self.text.len();
                if self.pos == self.start {
                    return self.item(Kind::Eof);
                }
                self.count_lines();
                return self.item(Kind::Text);
            };
            if length > 0 {
                let text = self.rest().get(..length).unwrap_or_default();
                let trims = is_left_trim_marker(self.after(length + self.left.len()));
                let kept = if trims { text.trim_end_of(SPACE) } else { text };
                self.pos += kept.len();
                self.count_lines();
                let item = self.item(Kind::Text);
                self.pos += length - kept.len();
                self.ignore();
                if !kept.is_empty() {
                    return item;
                }
            }
            if let Some(item) = self.left_delimiter() {
                return item;
            }
        }
    }

    /// The delimiter with its trim marker; `None` after a comment.
    fn left_delimiter(&mut self) -> Option<Item<'a>> {
        self.pos += self.left.len();
        let marker = if is_left_trim_marker(self.rest()) { TRIM_MARKER_LEN } else { 0 };
        if self.after(marker).starts_with(b"/*") {
            self.pos += marker;
            self.ignore();
            return self.comment();
        }
        let item = self.item(Kind::LeftDelimiter);
        self.inside_action = true;
        self.pos += marker;
        self.ignore();
        self.parens = 0;
        Some(item)
    }

    /// A comment is an action of its own: its delimiter has to follow at once.
    fn comment(&mut self) -> Option<Item<'a>> {
        let Some(length) = find(self.after(2), b"*/") else {
            return Some(self.fail("unclosed comment"));
        };
        self.pos += 2 + length + 2;
        let Some(marker) = self.right_delimiter_ahead() else {
            return Some(self.fail("comment ends before closing delimiter"));
        };
        self.pos += marker + self.right.len();
        if marker > 0 {
            self.skip_space();
        }
        self.ignore();
        None
    }

    /// Whether the action ends here; the length of the trim marker before its end.
    fn right_delimiter_ahead(&self) -> Option<usize> {
        if is_right_trim_marker(self.rest()) && self.after(TRIM_MARKER_LEN).starts_with(self.right)
        {
            Some(TRIM_MARKER_LEN)
        } else {
            self.rest().starts_with(self.right).then_some(0)
        }
    }

    fn right_delimiter(&mut self, marker: usize) -> Item<'a> {
        self.pos += marker;
        if marker > 0 {
            self.ignore();
        }
        self.pos += self.right.len();
        let item = self.item(Kind::RightDelimiter);
        if marker > 0 {
            self.skip_space();
            self.ignore();
        }
        self.inside_action = false;
        item
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.pos += rest.len() - rest.trim_start_of(SPACE).len();
    }

    fn in_action(&mut self) -> Item<'a> {
        if let Some(marker) = self.right_delimiter_ahead() {
            if self.parens > 0 {
                return self.fail("unclosed left paren");
            }
            return self.right_delimiter(marker);
        }
        let Some(c) = self.peek() else {
            return self.fail("unclosed action");
        };
        match c {
            _ if is_space(c) => return self.space(),
            '+' | '-' | '0'..='9' => return self.number(),
            '.' if self.after(1).first().is_some_and(u8::is_ascii_digit) => return self.number(),
            // A dot that ends the text is no field, only a bad number.
            '.' if self.after(1).is_empty() => return self.number(),
            _ if c == '_' || is_letter(c) || is_digit(c) => return self.identifier(),
            _ => {}
        }
        self.next();
        match c {
            '=' => self.item(Kind::Assign),
            ':' if self.accept(|c| c == '=') => self.item(Kind::Declare),
            ':' => self.fail("expected :="),
            '|' => self.item(Kind::Pipe),
            '"' => self.quoted('"', Kind::String, "unterminated quoted string"),
            '\'' => self.quoted('\'', Kind::CharConstant, "unterminated character constant"),
            '`' => self.raw_string(),
            '$' => self.name_behind_sign(Kind::Variable, Kind::Variable),
            '.' => self.name_behind_sign(Kind::Field, Kind::Dot),
            '(' => {
                self.parens += 1;
                self.item(Kind::LeftParen)
            }
            ')' => match self.parens.checked_sub(1) {
                Some(parens) => {
                    self.parens = parens;
                    self.item(Kind::RightParen)
                }
                None => self.fail("unexpected right paren"),
            },
            _ if c.is_ascii() && is_print(c) => self.item(Kind::Char),
            _ => {
                let why = Message::from("unrecognized character in action: ");
                self.fail(why.secret(describe(c)))
            }
        }
    }

    /// A run of spaces, but for the last one when it begins a trim marker.
    fn space(&mut self) -> Item<'a> {
        self.accept_run(is_space);
        let last = self.text.get(self.pos - 1..).unwrap_or_default();
        let behind = last.get(TRIM_MARKER_LEN..).unwrap_or_default();
        if is_right_trim_marker(last) && behind.starts_with(self.right) {
            self.pos -= 1;
            if last.first() == Some(&b'\n') {
                self.line -= 1;
            }
            if self.pos == self.start {
                return self.right_delimiter(TRIM_MARKER_LEN);
            }
        }
        self.item(Kind::Space)
    }

    fn identifier(&mut self) -> Item<'a> {
        self.accept_run(is_alphanumeric);
        match self.bad_end_of_name() {
            Some(c) => self.fail(bad_character(c)),
            None => self.item(Kind::of_word(self.word())),
        }
    }

    /// A field or a variable whose `.` or `$` has been read, or the sign `alone`.
    fn name_behind_sign(&mut self, kind: Kind, alone: Kind) -> Item<'a> {
        if self.bad_end_of_name().is_none() {
            return self.item(alone);
        }
        self.accept_run(is_alphanumeric);
        match self.bad_end_of_name() {
            Some(c) => self.fail(bad_character(c)),
            None => self.item(kind),
        }
    }

    /// The next character, unless a name may end before it.
    fn bad_end_of_name(&self) -> Option<char> {
        let c = self.peek()?;
        let ends = is_space(c)
            || matches!(c, '.' | ',' | '|' | ':' | ')' | '(')
            || self.rest().starts_with(self.right);
        (!ends).then_some(c)
    }

    /// Something in quotes that ends on its line; escapes are looked at later.
    fn quoted(&mut self, quote: char, kind: Kind, why: &'static str) -> Item<'a> {
        loop {
            match self.next() {
                Some('\\') => {
                    if matches!(self.next(), None | Some('\n')) {
                        return self.fail(why);
                    }
                }
                None | Some('\n') => return self.fail(why),
                Some(c) if c == quote => return self.item(kind),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self) -> Item<'a> {
        loop {
            match self.next() {
                None => return self.fail("unterminated raw quoted string"),
                Some('`') => return self.item(Kind::RawString),
                Some(_) => {}
            }
        }
    }

    fn number(&mut self) -> Item<'a> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || self.word().last() != Some(&b'i') {
                return self.bad_number();
            }
            return self.item(Kind::Complex);
        }
        self.item(Kind::Number)
    }

    fn bad_number(&mut self) -> Item<'a> {
        let word = quote(self.word());
        self.fail(Message::from("bad number syntax: ").secret(word))
    }

    /// Takes in what may be a number; whether it is one is seen when its value is needed.
    fn scan_number(&mut self) -> bool {
        self.accept(is_sign);
        let mut radix = 10;
        if self.accept(|c| c == '0') {
            if self.accept(|c| matches!(c, 'x' | 'X')) {
                radix = 16;
            } else if self.accept(|c| matches!(c, 'o' | 'O')) {
                radix = 8;
            } else if self.accept(|c| matches!(c, 'b' | 'B')) {
                radix = 2;
            }
        }
        let digit = |c: char| c == '_' || c.is_digit(radix);
        self.accept_run(digit);
        if self.accept(|c| c == '.') {
            self.accept_run(digit);
        }
        let exponent = match radix {
            10 => self.accept(|c| matches!(c, 'e' | 'E')),
            16 => self.accept(|c| matches!(c, 'p' | 'P')),
            _ => false,
        };
        if exponent {
            self.accept(is_sign);
            self.accept_run(|c| c == '_' || c.is_ascii_digit());
        }
        self.accept(|c| c == 'i');
        !self.accept(is_alphanumeric)
    }
}

fn bad_character(c: char) -> Message {
    Message::from("bad character ").secret(describe(c))
}

/// Go's `%#U`: `U+0040 '@'`, or only the number of what does not print.
fn describe(c: char) -> String {
    let number = u32::from(c);
    if is_print(c) { format!("U+{number:04X} '{c}'") } else { format!("U+{number:04X}") }
}

fn is_sign(c: char) -> bool {
    matches!(c, '+' | '-')
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}

fn is_alphanumeric(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}

fn is_left_trim_marker(text: &[u8]) -> bool {
    matches!(text, [b'-', space, ..] if SPACE.contains(space))
}

fn is_right_trim_marker(text: &[u8]) -> bool {
    matches!(text, [space, b'-', ..] if SPACE.contains(space))
}

/// Number of line ends.
pub(crate) fn newlines(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// A delimiter is short and seldom begins in vain, so its first byte leads to it fastest.
fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    memchr::memchr_iter(first, text)
        .find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(wanted)))
}

/// Trimming of certain bytes, which the standard library has for white space only.
trait TrimBytes {
    fn trim_start_of(&self, bytes: &[u8]) -> &Self;
    fn trim_end_of(&self, bytes: &[u8]) -> &Self;
}

impl TrimBytes for [u8] {
    fn trim_start_of(&self, bytes: &[u8]) -> &Self {
        let start = self.iter().position(|b| !bytes.contains(b)).unwrap_or(self.len());
        self.get(start..).unwrap_or_default()
    }

    fn trim_end_of(&self, bytes: &[u8]) -> &Self {
        let end = self.iter().rposition(|b| !bytes.contains(b)).map_or(0, |last| last + 1);
        self.get(..end).unwrap_or_default()
    }
}
