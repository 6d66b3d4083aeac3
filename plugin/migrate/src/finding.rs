//! Findings about one object, collected while it is converted.

use std::fmt;

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use extsecret_manifest::node::Node;
use extsecret_manifest::source::{FileId, Place, SourceFile, Span};

/// Collects what is found about one object, with places in its file.
#[derive(Debug)]
pub(crate) struct Findings<'s> {
    file: FileId,
    source: &'s SourceFile,
    /// Where to point for findings about the object as a whole.
    object: Span,
    list: Vec<Diagnostic>,
    refused: bool,
}

impl<'s> Findings<'s> {
    pub(crate) fn new(file: FileId, source: &'s SourceFile, object: Span) -> Self {
        Self { file, source, object, list: Vec::new(), refused: false }
    }

    /// What is written at a node, before any reading of it.
    pub(crate) fn raw(&self, node: &Node) -> &'s str {
        self.source.slice(node.span)
    }

    pub(crate) fn place(&self, span: Span) -> Place {
        Place { file: self.file, span: if span.is_empty() { self.object } else { span } }
    }

    /// A finding about a field.
    pub(crate) fn at(
        &mut self,
        code: &'static Code,
        span: Span,
        field: impl fmt::Display,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let place = self.place(span);
        let diagnostic = Diagnostic::new(code, message).at(place).field(field.to_string());
        self.push(diagnostic)
    }

    /// A finding about the object as a whole.
    pub(crate) fn object(
        &mut self,
        code: &'static Code,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic::new(code, message).at(self.place(self.object));
        self.push(diagnostic)
    }

    /// As [`Findings::object`], unless the object already has this finding word for word.
    pub(crate) fn once(&mut self, code: &'static Code, message: impl Into<String>) {
        let message = message.into();
        if !self.list.iter().any(|d| d.code.id == code.id && d.message == message) {
            self.object(code, message);
        }
    }

    /// A finding made elsewhere; without a place of its own it points at the object.
    pub(crate) fn add(&mut self, mut diagnostic: Diagnostic) {
        if diagnostic.place.is_none() {
            diagnostic.place = Some(self.place(self.object));
        }
        self.push(diagnostic);
    }

    /// Refuses the object although the code is a warning (W20 without `--force`).
    pub(crate) fn refuse(&mut self) {
        self.refused = true;
    }

    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// The findings to report. A refused object keeps only what refused it: notes about a
    /// conversion that did not happen would hide the reason.
    pub(crate) fn finish(self) -> Vec<Diagnostic> {
        let mut list = self.list;
        if self.refused {
            list.retain(|d| d.code.severity == Severity::Error || d.code.id == "W20");
        }
        list.sort_by_key(|d| (d.place, d.code.severity, d.code.id));
        list
    }

    fn push(&mut self, diagnostic: Diagnostic) -> &mut Diagnostic {
        self.refused |= diagnostic.is_error();
        let at = self.list.len();
        self.list.push(diagnostic);
        &mut self.list[at]
    }
}

/// Adds the next step to a finding just made.
pub(crate) trait WithHelp {
    fn with_help(&mut self, help: impl Into<String>) -> &mut Self;
}

impl WithHelp for Diagnostic {
    fn with_help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = Some(help.into());
        self
    }
}
