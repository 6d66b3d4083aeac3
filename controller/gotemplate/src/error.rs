//! What can go wrong, in Go's words, without a secret value in them.

use std::fmt;

use crate::limits::LimitExceeded;

/// Shown in place of a part that may hold a secret value.
pub(crate) const REDACTED: &str = "[redacted]";

/// A text in which every part that may come from a secret value is marked.
///
/// `Display` and `Debug` show `[redacted]` for such parts; only [`Message::reveal`] shows them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Message {
    parts: Vec<Part>,
}

#[derive(Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Secret(Vec<u8>),
}

impl Message {
    /// An empty message, to be put together.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text that holds no value: the engine's own words, names, types.
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    /// Adds something that may hold a secret value.
    #[must_use]
    pub fn secret(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.parts.push(Part::Secret(bytes.into()));
        self
    }

    /// Adds another message.
    #[must_use]
    pub fn then(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The whole text as Go words it, with the values. Never for a log, a status or an event.
    pub fn reveal(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.extend_from_slice(part.as_bytes()),
                Part::Secret(part) => text.extend_from_slice(part),
            }
        }
        text
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Secret(_) => f.write_str(REDACTED),
        })
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Which kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The template's text is wrong; Go refuses it too.
    Parse,
    /// The template uses something that Go knows and this engine does not. Found while parsing.
    Unsupported,
    /// The template failed while it ran; Go fails there too.
    Execute,
    /// The template reached one of its limits.
    Limit(LimitExceeded),
}

/// A template that could not be parsed or executed.
///
/// `Display` gives Go's text (`template: NAME:LINE:COL: executing ...`) with values redacted.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// The kind of failure.
    pub kind: ErrorKind,
    /// Go's whole text.
    pub message: Message,
    /// Line in the template text, from 1; 0 when no place is known.
    pub line: usize,
    /// Column in bytes, from 0 as Go counts; parse errors have none.
    pub column: Option<usize>,
}
