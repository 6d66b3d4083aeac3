//! From what a template means to Go text that renders the same bytes.
//!
//! An expression becomes a Go expression; where one is not enough, actions before it compute its
//! parts into variables. A value that JavaScript treats in a way that Go has no words for ends
//! the rendering with an error: Secrets then keep what they have, as they did with KES.

#![allow(clippy::similar_names)] // `text` and `test` are what they are called.

mod conditions;
mod defined;
mod equality;
mod escape;
mod go;
mod json;
mod lists;
mod loops;
mod members;
mod numbers;
mod order;
mod output;
mod regex;
mod replace;
mod search;
mod statements;
mod strings;
mod types;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use extsecret_manifest::diagnostic::Code;

use super::ir::{Expr, ExprKind, Program, Span, Stmt, StmtKind, VariableId};
use super::{Note, Place, Refusal, Scope, Style, Translation};
use crate::codes;
use defined::Helper;
use go::{Go, Piece, Shape};
use order::Origins;
use types::{Ty, Types};

/// What a value is that is asked for a member by name and has none.
const NO_OBJECT: &str = "a value is not an object";

/// A template's Go text.
pub(super) struct Printed {
    pub(super) text: String,
    pub(super) notes: Vec<Note>,
}

/// Prints a program.
///
/// # Errors
/// What has no exact counterpart in Go.
pub(super) fn print<'s>(program: &'s Program, scope: &'s Scope) -> Result<Printed, Refusal> {
    let mut printer = Printer {
        exact: scope.style == Style::Exact,
        declared: &scope.declared,
        types: Types::of(program, &scope.declared),
        origins: Origins::of(program),
        names: names(program),
        out: Vec::new(),
        helpers: BTreeSet::new(),
        notes: Vec::new(),
        numbered: BTreeMap::new(),
        temporaries: 0,
        ranges: 0,
        keeps_lost_signs: false,
    };
    printer.keeps_lost_signs = printer.keeps_lost_signs(program);
    match scope.place {
        Place::Text => printer.statements(&program.body)?,
        Place::Base64 => printer.base64(&program.body)?,
    }
    let mut pieces = defined::definitions(&printer.helpers);
    pieces.append(&mut printer.out);
    printer.tell_of_stops(&pieces, program);
    Ok(Printed { text: go::join(&pieces, scope.helm), notes: printer.notes })
}

/// A Go name for each variable.
fn names(program: &Program) -> Vec<String> {
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(program.variables.len());
    for name in &program.variables {
        let mut plain: String =
            name.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        if !plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
            plain.insert(0, 'v');
        }
        let count = taken.entry(plain.clone()).or_default();
        *count += 1;
        // An underscore and a number cannot be what another name becomes.
        names.push(if *count == 1 && !looks_numbered(&plain) {
            format!("${plain}")
        } else {
            format!("${plain}_{count}")
        });
    }
    names
}

fn looks_numbered(name: &str) -> bool {
    name == "t"
        || name.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with('_')
        || (name.starts_with('t') && name[1..].bytes().all(|b| b.is_ascii_digit()))
}

struct Printer<'s> {
    exact: bool,
    declared: &'s BTreeSet<String>,
    types: Types<'s>,
    origins: Origins<'s>,
    names: Vec<String>,
    out: Vec<Piece>,
    helpers: BTreeSet<Helper>,
    notes: Vec<Note>,
    /// Values of members, by the variables of Go that hold them with a number before each key.
    numbered: BTreeMap<VariableId, String>,
    temporaries: usize,
    /// How many `range` are open: the dot is an element in them.
    ranges: usize,
    /// Whether what is taken from a list may be a zero without its sign.
    keeps_lost_signs: bool,
}

impl Printer<'_> {
    fn refuse<T>(&self, span: Span, construct: impl Into<String>) -> Result<T, Refusal> {
        let _ = self;
        Err(Refusal::new(span, construct))
    }

    fn note(&mut self, code: &'static Code, span: Span, message: &str) {
        self.notes.push(Note { code, span, message: message.to_owned() });
    }

    /// Says on what the rendering ends, unless W08 has said all of it. KES wrote something on most of
    /// these values, and whoever migrates is not to learn of it from a Secret that stays behind.
    fn tell_of_stops(&mut self, pieces: &[Piece], program: &Program) {
        let mut stops = go::reasons_to_fail(pieces);
        if !self.notes.iter().any(|note| note.code.id == codes::W08.id) {
            if go::reads_json(pieces) {
                stops.push("JSON that holds something else than what is read of it".to_owned());
            }
        } else if stops.iter().all(|it| it == NO_OBJECT || it == defined::TOO_LARGE_IN_JSON) {
            // W08 has said so.
            return;
        }
        if stops.is_empty() {
            return;
        }
        let message =
            format!("the whole object is in error, its Secret unchanged, on: {}", stops.join("; "));
        let end = program.body.last().map_or(0, |last| last.span.end);
        self.notes.push(Note { code: &codes::I08, span: Span { start: 0, end }, message });
    }

    fn action(&mut self, text: impl Into<String>) {
        self.out.push(Piece::Action(text.into()));
    }

    fn literal(&mut self, text: &str) {
        if let Some(Piece::Text(last)) = self.out.last_mut() {
            last.push_str(text);
        } else if !text.is_empty() {
            self.out.push(Piece::Text(text.to_owned()));
        }
    }

    /// Ends the rendering, as KES ended it or because Go cannot go on. The code is for whoever
    /// reads the error in a condition: `explain` tells what to do.
    fn fail(&mut self, why: &str) {
        self.action(format!("fail {}", go::quote(&format!("{}{why}", go::REFUSED))));
    }

    fn fail_if(&mut self, condition: &str, why: &str) {
        self.action(format!("if {condition}"));
        self.fail(why);
        self.action("end");
    }

    /// The map of fetched values.
    fn root(&self) -> &'static str {
        if self.ranges > 0 { "$" } else { "." }
    }

    fn helper(&mut self, helper: Helper) -> &'static str {
        self.helpers.insert(helper);
        helper.name()
    }

    fn temporary(&mut self) -> String {
        self.temporaries += 1;
        format!("$t{}", self.temporaries)
    }

    fn name(&self, id: VariableId) -> String {
        self.names.get(id.0).cloned().unwrap_or_default()
    }

    /// Sets a new variable.
    fn set(&mut self, value: &Go) -> Go {
        let name = self.temporary();
        self.action(format!("{name} := {}", value.text));
        Go::simple(name, value.ty.clone())
    }

    /// Something that can be written more than once.
    fn keep(&mut self, value: Go) -> Go {
        if value.simple { value } else { self.set(&value) }
    }

    /// Something that can also be written inside of a `range`, where the dot is another one.
    fn keep_in_loops(&mut self, value: Go) -> Go {
        if value.simple && !value.text.starts_with('.') { value } else { self.set(&value) }
    }

    /// A value in the form in which a variable of this type holds it.
    fn held(&mut self, value: Go, ty: &Ty) -> Go {
        match (&value.ty, ty) {
            (Ty::Int, Ty::Float | Ty::Number | Ty::Json | Ty::OptJson) => {
                Go::call(format!("float64 {}", value.arg()), Ty::Float)
            }
            (Ty::Number, Ty::Json | Ty::OptJson) => self.not_nan(value),
            _ => value,
        }
    }

    /// A value in the form in which a list or an object with items of this type holds it.
    fn held_inside(&mut self, value: Go, ty: &Ty) -> Go {
        let value = self.held(value, ty);
        if value.ty == Ty::Number { self.not_nan(value) } else { value }
    }

    /// Runs into a buffer of its own.
    fn aside<T>(
        &mut self,
        run: impl FnOnce(&mut Self) -> Result<T, Refusal>,
    ) -> Result<(Vec<Piece>, T), Refusal> {
        let before = std::mem::take(&mut self.out);
        let result = run(self);
        let made = std::mem::replace(&mut self.out, before);
        Ok((made, result?))
    }

    /// `template.data`: what KES rendered was base64, and ESO encodes by itself.
    fn base64(&mut self, body: &[Stmt]) -> Result<(), Refusal> {
        let mut printed: Option<&Expr> = None;
        for statement in body {
            match &statement.kind {
                StmtKind::Text(text) if text.chars().all(|c| matches!(c, '\r' | '\n')) => {}
                StmtKind::Print(value) if printed.is_none() => printed = Some(value),
                StmtKind::Let { .. } | StmtKind::Assign { .. } | StmtKind::Push { .. }
                    if printed.is_none() =>
                {
                    self.statement(statement)?;
                }
                StmtKind::Print(_) | StmtKind::PrintEscaped(_) => {
                    return self.refuse(statement.span, "base64 in more than one part");
                }
                StmtKind::Text(_) => {
                    return self
                        .refuse(statement.span, "text around an expression in `template.data`");
                }
                _ => return self.refuse(statement.span, "code around base64 in `template.data`"),
            }
        }
        let Some(value) = printed else { return Ok(()) };
        if let ExprKind::Recode { value: inner, from, to: super::ir::Encoding::Base64 } =
            &value.kind
            && strings::is_plain(*from)
        {
            return if self.types.ty(inner) == Ty::Text {
                self.print_text(inner)
            } else {
                let text = self.string_argument(inner)?;
                self.action(text.text);
                Ok(())
            };
        }
        self.note(
            &codes::W05,
            value.span,
            "the value is decoded from base64, more strictly than by KES",
        );
        let given = self.value(value)?;
        if self.exact {
            let text = if given.ty.is_json() { self.only_text(given) } else { self.keep(given) };
            let bare = self.set(&Go::call(
                format!("regexReplaceAllLiteral \"[\\\\r\\\\n]\" {} \"\"", text.arg()),
                Ty::Text,
            ));
            let pattern = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$";
            self.fail_if(
                &format!("not (regexMatch {} {})", go::quote(pattern), bare.text),
                "not base64",
            );
            self.action(format!("{} | b64dec", bare.text));
        } else {
            self.action(given.pipe("b64dec", Ty::Text).text);
        }
        Ok(())
    }
}

/// Base64 without any expression: a template that renders its bytes.
pub(super) fn static_base64(text: &str, helm: bool) -> Result<Translation, Refusal> {
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let span = Span { start: 0, end: text.len() };
    let Ok(bytes) = crate::template::BASE64.decode(&bare) else {
        return Err(Refusal::new(span, "text that is not base64"));
    };
    let piece = match String::from_utf8(bytes) {
        Ok(text) => Piece::Text(text),
        Err(_) => Piece::Action(format!("{} | b64dec", go::quote(&bare))),
    };
    let kind = StmtKind::Text(text.to_owned());
    let program = Program { body: vec![Stmt { kind, span }], variables: Vec::new() };
    Ok(Translation { text: go::join(&[piece], helm), program, notes: Vec::new() })
}

/// What Go has for undefined and null.
fn nil() -> Go {
    Go { text: "first list".to_owned(), shape: Shape::Call, ty: Ty::Undefined, simple: false }
}
