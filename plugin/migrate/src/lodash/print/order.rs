//! Members of objects in JavaScript's order, which Go's maps do not keep.
//!
//! Where an object comes from the JSON text of a value, the text is read once more with a number
//! before each key, so that the order in which Go goes through a map is JavaScript's. Where it
//! comes from elsewhere the exact form has no order to offer.

use std::collections::{BTreeMap, BTreeSet};

use super::defined::Helper;
use super::go::{Go, quote};
use super::types::Ty;
use super::{Printer, nil};
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{
    Each, Expr, ExprKind, Function, Program, Span, Stmt, StmtKind, VariableId,
};

/// Twelve digits and `#` stand before each key ([`Helper::Ordered`]).
const PREFIX: usize = 13;

/// How far a value is followed to where it comes from.
const FAR: usize = 32;

/// The beginning of a key in JSON text, up to what the key itself is.
const NUMBERED: &str = "\"[01][0-9]+#((?:[^\"\\\\]|\\\\.)*)\":";

/// What Go arranges by rules of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Arranged {
    Keys,
    Values,
    Yaml,
}

impl Arranged {
    const fn note(self) -> &'static str {
        match self {
            Self::Keys => "keys come in the order of the alphabet",
            Self::Values => "values come in the order of their keys",
            Self::Yaml => {
                "YAML comes with its keys in the order of the alphabet, and quotes and indents \
                 otherwise"
            }
        }
    }

    const fn construct(self) -> &'static str {
        match self {
            Self::Keys | Self::Values => "members in the order of an object that is computed",
            Self::Yaml => "YAML with the order, the quotes and the indents of js-yaml",
        }
    }
}

/// Where the values of variables come from.
#[derive(Debug, Default)]
pub(super) struct Origins<'p> {
    /// The values of those that are set once, where they are declared.
    constants: BTreeMap<VariableId, &'p Expr>,
    /// Those that are set again.
    changed: BTreeSet<VariableId>,
}

impl<'p> Origins<'p> {
    pub(super) fn of(program: &'p Program) -> Self {
        let mut origins = Self::default();
        origins.statements(&program.body);
        let changed = &origins.changed;
        origins.constants.retain(|id, _| !changed.contains(id));
        origins
    }

    fn statements(&mut self, body: &'p [Stmt]) {
        for statement in body {
            match &statement.kind {
                StmtKind::Let { variable, value } => match value {
                    Some(value) if !self.constants.contains_key(variable) => {
                        self.constants.insert(*variable, value);
                    }
                    _ => {
                        self.changed.insert(*variable);
                    }
                },
                StmtKind::Assign { variable, .. } | StmtKind::Push { variable, .. } => {
                    self.changed.insert(*variable);
                }
                StmtKind::If { then, otherwise, .. } => {
                    self.statements(then);
                    self.statements(otherwise);
                }
                StmtKind::ForEach { body, .. }
                | StmtKind::ForIn { body, .. }
                | StmtKind::Count { body, .. } => self.statements(body),
                StmtKind::Text(_)
                | StmtKind::Print(_)
                | StmtKind::PrintEscaped(_)
                | StmtKind::Discard(_)
                | StmtKind::Continue
                | StmtKind::Break => {}
            }
        }
    }

    /// The value of a variable that is set once.
    pub(super) fn constant(&self, id: VariableId) -> Option<&'p Expr> {
        self.constants.get(&id).copied()
    }

    /// Whether a variable is set more than once.
    pub(super) fn is_changed(&self, id: VariableId) -> bool {
        self.changed.contains(&id)
    }

    /// What a variable that is set once stands for.
    pub(super) fn followed<'e>(&self, mut value: &'e Expr) -> &'e Expr
    where
        'p: 'e,
    {
        for _ in 0..FAR {
            match value.kind {
                ExprKind::Variable(id) if let Some(origin) = self.constant(id) => value = origin,
                _ => break,
            }
        }
        value
    }

    /// Whether a text is the same here as where it was first computed.
    fn is_constant(&self, text: &Expr, far: usize) -> bool {
        let Some(far) = far.checked_sub(1) else { return false };
        match &text.kind {
            ExprKind::Data | ExprKind::Text(_) => true,
            ExprKind::Variable(id) => !self.changed.contains(id),
            ExprKind::Member { object, .. } | ExprKind::Chain(object) => {
                self.is_constant(object, far)
            }
            ExprKind::Recode { value, .. } => self.is_constant(value, far),
            ExprKind::Call { function: Function::JsonParse, arguments } => {
                arguments.iter().all(|argument| self.is_constant(argument, far))
            }
            _ => false,
        }
    }
}

impl Printer<'_> {
    /// What follows has the same content as in JavaScript, and other bytes.
    pub(super) fn reorders(&mut self, arranged: Arranged, span: Span) -> Result<(), Refusal> {
        if self.exact {
            let refusal = Refusal::new(span, arranged.construct());
            return Err(Refusal { short_translates: true, ..refusal });
        }
        self.note(&codes::W16, span, arranged.note());
        Ok(())
    }

    /// An object whose keys Go sorts as JavaScript orders them; `None` in the short form, which
    /// leaves Go's order.
    ///
    /// # Errors
    /// If the order is not known.
    pub(super) fn in_order(
        &mut self,
        object: &Expr,
        arranged: Arranged,
        span: Span,
    ) -> Result<Option<Go>, Refusal> {
        if self.exact
            && let Some(ordered) = self.numbered(object, FAR)?
        {
            return Ok(Some(ordered));
        }
        self.reorders(arranged, span)?;
        Ok(None)
    }

    /// A value of JSON with a number before each key; `None` if its text is not known.
    fn numbered(&mut self, value: &Expr, far: usize) -> Result<Option<Go>, Refusal> {
        let Some(far) = far.checked_sub(1) else { return Ok(None) };
        match &value.kind {
            ExprKind::Call { function: Function::JsonParse, arguments } => {
                let Some(text) = arguments.first() else { return Ok(None) };
                if !self.origins.is_constant(text, FAR) {
                    return Ok(None);
                }
                let text = self.string_argument(text)?;
                let numbered = self.with_helper(Helper::Ordered, &text, "ordered", Ty::Json);
                Ok(Some(self.set(&numbered)))
            }
            ExprKind::Chain(inner) => self.numbered(inner, far),
            ExprKind::Variable(id) if let Some(member) = self.numbered.get(id) => {
                Ok(Some(Go::simple(member.clone(), Ty::OptJson)))
            }
            ExprKind::Variable(id) => match self.origins.constant(*id) {
                Some(value) => self.numbered(value, far),
                None => Ok(None),
            },
            ExprKind::Member { object, key, .. } => {
                let Some(object) = self.numbered(object, far)? else { return Ok(None) };
                let found = self.set(&nil());
                let (name, member) = (self.temporary(), self.temporary());
                self.action(format!("if kindIs \"map\" {}", object.text));
                self.action(format!("range {name}, {member} := {}", object.text));
                self.action(format!("if eq (substr {PREFIX} -1 {name}) {}", quote(key)));
                self.action(format!("{} = {member}", found.text));
                self.action("end");
                self.action("end");
                if let Ok(place) = key.parse::<u32>() {
                    self.action(format!("else if kindIs \"slice\" {}", object.text));
                    self.action(format!("if gt (len {}) {place}", object.text));
                    self.action(format!("{} = index {} {place}", found.text, object.text));
                    self.action("end");
                }
                self.action("end");
                Ok(Some(Go { ty: Ty::OptJson, ..found }))
            }
            _ => Ok(None),
        }
    }

    /// The key that stands behind its number.
    pub(super) fn key_of(numbered: &str) -> String {
        format!("substr {PREFIX} -1 {numbered}")
    }

    /// Whether the elements of a list are objects of several members that are written out.
    fn has_written_members(&self, value: &Expr, far: usize) -> bool {
        let Some(far) = far.checked_sub(1) else { return false };
        match &self.origins.followed(value).kind {
            ExprKind::Object(members) => members.len() > 1,
            ExprKind::List(items) => items.iter().any(|it| self.has_written_members(it, far)),
            ExprKind::Each { method: Each::Map, result, .. } => {
                self.has_written_members(result, far)
            }
            _ => false,
        }
    }

    /// JSON of a value in JavaScript's order, by what writes JSON of a value.
    pub(super) fn json_in_order(
        &mut self,
        value: &Expr,
        given: &Go,
        write: impl FnOnce(&mut Self, &Go) -> Go,
    ) -> Result<Go, Refusal> {
        if !self.exact {
            self.reorders(Arranged::Keys, value.span)?;
            return Ok(write(self, given));
        }
        if let Some(ordered) = self.numbered(value, FAR)? {
            let json = write(self, &ordered);
            let bare =
                format!("regexReplaceAll {} {} \"\\\"$1\\\":\"", quote(NUMBERED), json.arg());
            return Ok(self.set(&Go::call(bare, Ty::Text)));
        }
        if matches!(given.ty, Ty::Map(_)) || self.has_written_members(value, FAR) {
            self.reorders(Arranged::Keys, value.span)?;
        }
        // Mostly a text or a number.
        let json = write(self, given);
        let json = self.keep(json);
        let key = "(?:^|[^\\\\])(?:\\\\\\\\)*\":";
        let two = quote(&format!("(?s){key}.*{key}"));
        self.fail_if(
            &format!("regexMatch {two} {}", json.text),
            "an object whose members have an order that is not known",
        );
        Ok(json)
    }
}
