//! What is wrong, or worth knowing, and where.
//!
//! Pure code makes [`Diagnostic`]s; the binaries render them (text, JSON). A diagnostic never
//! holds a secret value and never quotes the text of a template.

use crate::source::Place;

/// How much a diagnostic weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// The object (or document) was refused.
    Error,
    /// The object was converted; someone should look at this.
    Warning,
    /// Something was tidied; nothing to do.
    Info,
}

impl Severity {
    /// `error`, `warning` or `info`, as printed and as written to reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A catalogue entry: the one home of a code. `explain`, the docs and the tests read it here.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// For example `E07`. Unique across all catalogues of the project.
    pub id: &'static str,
    /// The weight of every diagnostic with this code.
    pub severity: Severity,
    /// One line, lower case, without a full stop.
    pub title: &'static str,
    /// Why this matters: one or more sentences.
    pub why: &'static str,
    /// What to do about it: the next step, with the flag or the edit.
    pub action: &'static str,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Its catalogue entry.
    pub code: &'static Code,
    /// What is the matter here; one line, starts lower case, no full stop.
    pub message: String,
    /// Where; absent for findings about the whole run.
    pub place: Option<Place>,
    /// The field's path in the object, for example `spec.data[2].name`.
    pub field: Option<String>,
    /// More places, each with a short note.
    pub related: Vec<(Place, String)>,
    /// The next step, when it is more specific than the catalogue's.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A finding without a place.
    pub fn new(code: &'static Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: None,
            field: None,
            related: Vec::new(),
            help: None,
        }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }

    /// Says which field.
    #[must_use]
    pub fn field(mut self, path: impl Into<String>) -> Self {
        self.field = Some(path.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at one more place.
    #[must_use]
    pub fn related(mut self, place: Place, note: impl Into<String>) -> Self {
        self.related.push((place, note.into()));
        self
    }

    /// True when the code refuses its object.
    pub fn is_error(&self) -> bool {
        self.code.severity == Severity::Error
    }
}
