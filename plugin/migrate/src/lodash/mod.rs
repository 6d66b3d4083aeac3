//! Lodash templates become Go templates that render the same bytes.
//!
//! KES compiled every string of a template with lodash 4. A text is cut at lodash's delimiters
//! (`scan`), the JavaScript that lodash would compile is parsed as a whole (code may begin in one
//! tag and end in another), resolved to what it means ([`ir`]), and printed as Go. Nothing is ever
//! executed, and what has no translation is refused at its place.

pub mod ir;
mod nesting;
mod parse;
pub(crate) mod place;
mod print;
mod scan;
mod source;

use std::collections::BTreeSet;
use std::fmt;

use extsecret_manifest::diagnostic::Code;

use crate::codes;
use ir::{Program, Span};

pub(crate) use scan::first_expression;

/// What a template can rely on, and how it is to be written.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// The keys that are fetched by name; others may or may not be there.
    pub declared: BTreeSet<String>,
    /// Exactness or brevity.
    pub style: Style,
    /// Where the text stands.
    pub place: Place,
    /// The text will stand in a Helm chart's template: all braces are written so that Helm
    /// prints them.
    pub helm: bool,
}

/// Exactness or brevity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// The same bytes on any value that KES could render.
    #[default]
    Exact,
    /// What a person would write; other values than the usual ones are reported.
    Short,
}

/// Where a text stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// `stringData`, labels and annotations: what is rendered is the value.
    #[default]
    Text,
    /// `template.data`: what KES rendered was base64, what ESO renders is the value.
    Base64,
}

/// A Go template that stands for a lodash template.
#[derive(Clone, Debug)]
pub struct Translation {
    /// The Go template.
    pub text: String,
    /// What it means, in JavaScript's terms: what the text must render.
    pub program: Program,
    /// What differs or could, in the order of the template.
    pub notes: Vec<Note>,
}

/// A code that belongs to one place of a template.
#[derive(Clone, Debug)]
pub struct Note {
    /// Which one.
    pub code: &'static Code,
    /// Where in the template.
    pub span: Span,
    /// What it is about, without any of the template's text.
    pub message: String,
}

/// Why a template is not translated. It holds nothing of the template's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the template.
    pub span: Span,
    /// The kind of the construct, such as "a regular expression with a look-behind".
    pub construct: String,
    /// KES failed on it too.
    pub failed_in_kes: bool,
    /// [`Style::Short`] translates it, and tells what may differ.
    pub short_translates: bool,
}

impl Refusal {
    fn new(span: Span, construct: impl Into<String>) -> Self {
        Self { span, construct: construct.into(), failed_in_kes: false, short_translates: false }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cannot be translated", self.construct)?;
        if self.failed_in_kes {
            f.write_str(": KES failed on it too")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusal {}

/// Translates one string of a template.
///
/// # Errors
/// What has no exact counterpart in Go, and what KES itself failed on.
pub fn translate(text: &str, scope: &Scope) -> Result<Translation, Refusal> {
    if scope.place == Place::Base64 && first_expression(text).is_none() {
        return print::static_base64(text, scope.helm);
    }
    let program = parse::parse(text)?;
    let mut printed = print::print(&program, scope)?;
    if scope.style == Style::Short && printed.notes.iter().all(|note| note.code.id == codes::I08.id)
    {
        // Whatever the short form leaves out has its price on some value, which is told.
        let exact = print::print(&program, &Scope { style: Style::Exact, ..scope.clone() });
        if !exact.is_ok_and(|exact| exact.text == printed.text) {
            printed.notes.push(Note {
                code: &codes::W42,
                span: Span { start: 0, end: text.len() },
                message: "the short template is exact for the usual values only".to_owned(),
            });
        }
    }
    Ok(Translation { text: printed.text, program, notes: printed.notes })
}
