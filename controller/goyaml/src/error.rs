//! What can go wrong, in Go's words.

use std::fmt;

/// Shown in place of a part that may hold a secret value.
const REDACTED: &str = "[redacted]";

/// Why a text could not be read or a value not be written.
///
/// Go's texts quote what they complain about, and that may be a secret value: `Display` and
/// `Debug` leave such parts out, [`Error::reveal`] and [`Error::parts`] have them.
#[derive(Clone, PartialEq, Eq)]
pub struct Error {
    parts: Vec<Part>,
    limit: Option<Limit>,
}

/// A limit of this crate, where Go would go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Collections inside collections: 500.
    Depth,
    /// Values in a document: 500,000; text that aliases repeat: 64 MiB; YAML that is written: what
    /// the caller allows.
    Size,
}

/// A part of an error's text.
#[derive(Clone, PartialEq, Eq)]
pub enum Part {
    /// Words that are the same whatever the document holds, and line numbers.
    Text(String),
    /// Taken from the document.
    Secret(String),
}

impl Error {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self { parts: vec![Part::Text(text.into())], limit: None }
    }

    pub(crate) fn limit(limit: Limit) -> Self {
        let text = match limit {
            Limit::Depth => "yaml: the document is nested too deeply",
            Limit::Size => "yaml: the document is too large",
        };
        Self { limit: Some(limit), ..Self::text(text) }
    }

    #[must_use]
    pub(crate) fn secret(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Secret(text.into()));
        self
    }

    #[must_use]
    pub(crate) fn then(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Text(text.into()));
        self
    }

    #[must_use]
    pub(crate) fn within(mut self, context: &'static str) -> Self {
        self.parts.insert(0, Part::Text(context.to_owned()));
        self
    }

    /// The parts of Go's text in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The limit that was reached; then the text is not Go's.
    pub const fn reached(&self) -> Option<Limit> {
        self.limit
    }

    /// Go's whole text. Never for a log, a status or an event.
    pub fn reveal(&self) -> String {
        let texts = self.parts.iter().map(|part| match part {
            Part::Text(text) | Part::Secret(text) => text.as_str(),
        });
        texts.collect()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) => f.write_str(text),
            Part::Secret(_) => f.write_str(REDACTED),
        })
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl fmt::Debug for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{text}\""),
            Self::Secret(_) => f.write_str(REDACTED),
        }
    }
}

impl std::error::Error for Error {}

/// A mistake in the syntax, before Go's words are put around it.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) problem: &'static str,
    /// The line that Go names; 0 when it names none.
    pub(crate) line: usize,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        if fault.line == 0 {
            Self::text(format!("yaml: {}", fault.problem))
        } else {
            Self::text(format!("yaml: line {}: {}", fault.line, fault.problem))
        }
    }
}
