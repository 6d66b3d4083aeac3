//! Why a pattern is refused, in Go's words.

use std::fmt;

use crate::error::Message;

/// A pattern that Go's `regexp` refuses, or one too large for this engine.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    code: Code,
    expression: Vec<u8>,
}

/// Go's `syntax.ErrorCode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Code {
    InvalidCharRange,
    InvalidEscape,
    InvalidNamedCapture,
    InvalidPerlOp,
    InvalidRepeatOp,
    InvalidRepeatSize,
    InvalidUtf8,
    MissingBracket,
    MissingParen,
    MissingRepeatArgument,
    TrailingBackslash,
    UnexpectedParen,
    NestingDepth,
    Large,
}

impl Code {
    const fn text(self) -> &'static str {
        match self {
            Self::InvalidCharRange => "invalid character class range",
            Self::InvalidEscape => "invalid escape sequence",
            Self::InvalidNamedCapture => "invalid named capture",
            Self::InvalidPerlOp => "invalid or unsupported Perl syntax",
            Self::InvalidRepeatOp => "invalid nested repetition operator",
            Self::InvalidRepeatSize => "invalid repeat count",
            Self::InvalidUtf8 => "invalid UTF-8",
            Self::MissingBracket => "missing closing ]",
            Self::MissingParen => "missing closing )",
            Self::MissingRepeatArgument => "missing argument to repetition operator",
            Self::TrailingBackslash => "trailing backslash at end of expression",
            Self::UnexpectedParen => "unexpected )",
            Self::NestingDepth => "expression nests too deeply",
            Self::Large => "expression too large",
        }
    }
}

impl Error {
    pub(super) fn new(code: Code, expression: &[u8]) -> Self {
        Self { code, expression: expression.to_vec() }
    }

    /// Go's text, with the quoted part of the pattern marked as secret if it may be one.
    pub fn message(&self, secret: bool) -> Message {
        let start = Message::new().text(format!("error parsing regexp: {}: `", self.code.text()));
        let quoted = match std::str::from_utf8(&self.expression) {
            Ok(text) if !secret => start.text(text),
            _ => start.secret(self.expression.clone()),
        };
        quoted.text("`")
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expression = String::from_utf8_lossy(&self.expression);
        write!(f, "error parsing regexp: {}: `{expression}`", self.code.text())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.code)
    }
}

impl std::error::Error for Error {}
