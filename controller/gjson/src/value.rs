//! What a lookup found.

use std::borrow::Cow;
use std::fmt;

use crate::number;
use crate::text;

/// The kind of a value, by its first character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// `null`, and what does not exist.
    #[default]
    Null,
    /// `false`.
    False,
    /// A number, also `NaN` and `Inf`.
    Number,
    /// A string.
    String,
    /// `true`.
    True,
    /// An object or an array.
    Json,
}

/// The value at a path, or nothing.
#[derive(Clone, Default)]
pub struct Found<'a> {
    pub(crate) kind: Kind,
    pub(crate) raw: Cow<'a, [u8]>,
    /// The text of a string without quotes and escapes.
    pub(crate) text: Cow<'a, [u8]>,
    pub(crate) number: f64,
}

impl<'a> Found<'a> {
    pub(crate) fn of_json(raw: impl Into<Cow<'a, [u8]>>) -> Self {
        Self { kind: Kind::Json, raw: raw.into(), ..Self::default() }
    }

    pub(crate) fn of_number(raw: &'a [u8]) -> Self {
        let number = number::parse(raw);
        Self { kind: Kind::Number, raw: raw.into(), number, ..Self::default() }
    }

    /// A number that stands nowhere in the JSON.
    pub(crate) fn of_count(count: usize) -> Self {
        let raw = count.to_string().into_bytes();
        let number = number::parse(&raw);
        Self { kind: Kind::Number, raw: raw.into(), number, ..Self::default() }
    }

    /// A literal by its first character: what is neither true nor false is null.
    pub(crate) fn of_literal(raw: &'a [u8]) -> Self {
        let kind = match raw.first() {
            Some(b't') => Kind::True,
            Some(b'f') => Kind::False,
            _ => Kind::Null,
        };
        Self { kind, raw: raw.into(), ..Self::default() }
    }

    pub(crate) fn of_string(raw: &'a [u8], text: Cow<'a, [u8]>) -> Self {
        Self { kind: Kind::String, raw: raw.into(), text, ..Self::default() }
    }

    /// A truth value that stands nowhere in the JSON.
    pub(crate) fn of_truth(truth: bool) -> Self {
        Self { kind: if truth { Kind::True } else { Kind::False }, ..Self::default() }
    }

    pub(crate) fn into_owned(self) -> Found<'static> {
        Found {
            kind: self.kind,
            raw: Cow::Owned(self.raw.into_owned()),
            text: Cow::Owned(self.text.into_owned()),
            number: self.number,
        }
    }

    /// Whether there is a value. `null` is one.
    pub fn exists(&self) -> bool {
        self.kind != Kind::Null || !self.raw.is_empty()
    }

    /// The kind of the value.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The value as it stands in the JSON, or as the path made it.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// Whether the value is an object.
    pub fn is_object(&self) -> bool {
        self.kind == Kind::Json && self.raw.first() == Some(&b'{')
    }

    /// Whether the value is an array.
    pub fn is_array(&self) -> bool {
        self.kind == Kind::Json && self.raw.first() == Some(&b'[')
    }

    /// The value as text, as Go's `Result.String`: strings without quotes and escapes, integers
    /// with all their digits, other numbers in Go's shortest form without exponent, objects and
    /// arrays as they stand, nothing for null and what does not exist.
    pub fn string(&self) -> Cow<'_, [u8]> {
        match self.kind {
            Kind::Null => Cow::Borrowed(b""),
            Kind::False => Cow::Borrowed(b"false"),
            Kind::True => Cow::Borrowed(b"true"),
            Kind::String => Cow::Borrowed(&self.text),
            Kind::Json => Cow::Borrowed(&self.raw),
            Kind::Number => {
                let digits = self.raw.strip_prefix(b"-").unwrap_or(&self.raw);
                if digits.iter().all(u8::is_ascii_digit) {
                    Cow::Borrowed(&self.raw)
                } else {
                    Cow::Owned(number::format(self.number).into_bytes())
                }
            }
        }
    }

    /// The value as truth, as Go's `Result.Bool`.
    pub(crate) fn as_bool(&self) -> bool {
        match self.kind {
            Kind::True => true,
            Kind::String => text::truth(&self.text) == Some(true),
            Kind::Number => self.number != 0.0,
            Kind::Null | Kind::False | Kind::Json => false,
        }
    }

    /// The value as a whole number, as Go's `Result.Int` on a 64-bit machine.
    pub(crate) fn as_int(&self) -> i64 {
        match self.kind {
            Kind::True => 1,
            Kind::String => number::parse_int(&self.text).unwrap_or(0),
            Kind::Number => {
                if self.number.abs() > number::MAX_SAFE_INTEGER {
                    number::parse_int(&self.raw).unwrap_or_else(|| number::truncate(self.number))
                } else {
                    number::truncate(self.number)
                }
            }
            Kind::Null | Kind::False | Kind::Json => 0,
        }
    }
}

/// Never the content: values are secrets.
impl fmt::Debug for Found<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Found")
            .field("kind", &self.kind)
            .field("bytes", &self.raw.len())
            .finish_non_exhaustive()
    }
}
