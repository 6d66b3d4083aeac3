//! From a template's text to what it means.

mod bindings;
mod calls;
mod expressions;
mod loops;
pub(super) mod names;
mod statements;

use std::collections::{BTreeMap, BTreeSet};

use oxc_allocator::Allocator;
use oxc_ast::ast;
use oxc_parser::Parser;
use oxc_span::SourceType;

use super::Refusal;
use super::ir::{Program, Span, VariableId};
use super::nesting;
use super::scan::{self, Piece, PieceKind};
use super::source::Source;

/// Expressions in expressions, statements in statements. The parser goes somewhat deeper than
/// this without trouble; what reads a program calls itself a few times for each, and the engine
/// runs 100 levels of what is written.
const MAX_DEPTH: usize = 32;

/// Reads a template.
///
/// # Errors
/// What is no JavaScript, and what has no place in a [`Program`].
pub(super) fn parse(text: &str) -> Result<Program, Refusal> {
    let pieces = scan::pieces(text);
    let source = Source::new(text, &pieces);
    if let Some(place) = nesting::too_deep(&source.code) {
        return Err(Refusal::new(source.span(place, place + 1), "code that is nested too deeply"));
    }
    let allocator = Allocator::default();
    let parsed = Parser::new(&allocator, &source.code, SourceType::script()).parse();
    if parsed.panicked || parsed.diagnostics.has_errors() {
        let label = parsed.diagnostics.iter().find_map(|error| error.labels.first().cloned());
        let label = label.map(|label| (label.offset() as usize, label.len() as usize));
        let refusal = Refusal::new(error_span(&source, label), "code that is no JavaScript");
        return Err(Refusal { failed_in_kes: true, ..refusal });
    }
    let mut reader = Reader {
        text,
        pieces: &pieces,
        source: &source,
        scopes: vec![Names::default()],
        variables: Vec::new(),
        facts: Vec::new(),
        marks: 0,
        depth: 0,
        place: Within::Template,
    };
    let mut body = Vec::new();
    reader.statements(&parsed.program.body, &mut body)?;
    reader.all_marks(&parsed.program.comments)?;
    reader.no_shared_lists()?;
    Ok(Program { body, variables: reader.variables })
}

fn error_span(source: &Source, label: Option<(usize, usize)>) -> Span {
    let code = &source.code;
    let (start, len) = label.unwrap_or((0, code.len()));
    // The parser marks what is missing with nothing, and the byte after that need not be a character.
    let start = code.floor_char_boundary(start);
    source.span(start, code.ceil_char_boundary(start.saturating_add(len.max(1))))
}

/// What a function of a statement may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Within {
    Template,
    Loop,
    /// The function of a `forEach`.
    Callback,
}

/// The names of one block.
#[derive(Debug, Default)]
struct Names {
    ids: BTreeMap<String, VariableId>,
    /// Every `var` in it and in the blocks in it, which is one of the function's.
    hoisted: BTreeSet<String>,
    /// The body of a function: `var` goes no further out.
    function: bool,
}

/// What is known of one variable.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
#[derive(Debug, Default)]
struct Facts {
    constant: bool,
    var: bool,
    /// It holds a list that was made for it.
    own_list: bool,
    pushed: Option<Span>,
    /// Its value was given to something else, too.
    shared: bool,
}

struct Reader<'r> {
    text: &'r str,
    pieces: &'r [Piece],
    source: &'r Source,
    scopes: Vec<Names>,
    variables: Vec<String>,
    facts: Vec<Facts>,
    /// How many marks of the source were met.
    marks: usize,
    depth: usize,
    place: Within,
}

impl Reader<'_> {
    fn span(&self, span: oxc_span::Span) -> Span {
        self.source.span(span.start as usize, span.end as usize)
    }

    fn refuse<T>(&self, span: oxc_span::Span, construct: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal::new(self.span(span), construct))
    }

    fn failed<T>(&self, span: oxc_span::Span, construct: impl Into<String>) -> Result<T, Refusal> {
        Err(Refusal { failed_in_kes: true, ..Refusal::new(self.span(span), construct) })
    }

    /// Runs with one more level of nesting.
    fn deeper<T>(
        &mut self,
        span: oxc_span::Span,
        run: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        if self.depth >= MAX_DEPTH {
            return self.refuse(span, "code that is nested too deeply");
        }
        self.depth += 1;
        let result = run(self);
        self.depth -= 1;
        result
    }

    fn scoped<T>(
        &mut self,
        function: bool,
        run: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<T, Refusal> {
        self.scopes.push(Names { function, ..Names::default() });
        let result = run(self);
        self.scopes.pop();
        result
    }

    fn resolve(&self, name: &str) -> Option<VariableId> {
        self.scopes.iter().rev().find_map(|names| names.ids.get(name).copied())
    }

    fn facts_of(&mut self, id: VariableId) -> Option<&mut Facts> {
        self.facts.get_mut(id.0)
    }

    /// Every part of the template has to be a statement of its own, or in a comment; a string
    /// that begins in one tag and ends in another would have taken the text between.
    fn all_marks(&self, comments: &[ast::Comment]) -> Result<(), Refusal> {
        if self.marks == self.source.marks.len() {
            return Ok(());
        }
        let mut commented = 0;
        let mut comments = comments.iter().peekable();
        for mark in &self.source.marks {
            while comments.next_if(|it| (it.span.end as usize) <= mark.start).is_some() {}
            if comments.peek().is_some_and(|it| (it.span.start as usize) < mark.start) {
                commented += 1;
            }
        }
        if self.marks + commented == self.source.marks.len() {
            return Ok(());
        }
        let span = Span { start: 0, end: self.text.len() };
        Err(Refusal::new(span, "code that reaches around the text of the template"))
    }

    /// A list that grows may have one name only: in Go each name has a list of its own.
    fn no_shared_lists(&self) -> Result<(), Refusal> {
        for facts in &self.facts {
            if let Some(span) = facts.pushed
                && (facts.shared || !facts.own_list)
            {
                return Err(Refusal::new(span, "a change of a list that has another name, too"));
            }
        }
        Ok(())
    }

    fn piece(&self, i: usize) -> Option<(PieceKind, Span, &str)> {
        let piece = self.pieces.get(i)?;
        let span = Span { start: piece.whole.start, end: piece.whole.end };
        Some((piece.kind, span, self.text.get(piece.whole.clone())?))
    }
}
