//! `<%- E %>`.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::numbers::{Nan, is_nan};
use super::types::Ty;
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{
    Binary, Each, Expr, ExprKind, Function, Part, Program, Stmt, StmtKind, Unary,
};

impl Printer<'_> {
    /// `<%- E %>`
    pub(super) fn print_escaped(&mut self, value: &Expr) -> Result<(), Refusal> {
        self.known_object(value)?;
        if self.exact && self.may_lose_a_sign(value) {
            return self.print_signed(value);
        }
        match self.types.ty(value) {
            Ty::Undefined | Ty::Null | Ty::Int | Ty::Bool => self.print(value),
            Ty::Text => {
                let given = self.value(value)?;
                let escaped = escaped(&given);
                self.action(escaped.text);
                Ok(())
            }
            _ => {
                if let Some(sum) = self.printed_sum(value, Nan::Escaped)? {
                    let escaped = escaped(&sum);
                    self.action(escaped.text);
                    return Ok(());
                }
                let given = match &value.kind {
                    ExprKind::Member { object, key, .. }
                        if matches!(object.kind, ExprKind::Data) =>
                    {
                        let field = self.data_or_nothing(key);
                        let escaped = escaped(&field);
                        self.action(escaped.text);
                        return Ok(());
                    }
                    _ => self.value(value)?,
                };
                if given.ty.is_json() && !self.exact {
                    self.note(
                        &codes::W13,
                        value.span,
                        "a number or a missing value would print otherwise",
                    );
                    let escaped = escaped(&given);
                    self.action(escaped.text);
                    return Ok(());
                }
                let helper = self.helper(Helper::Escape);
                if given.ty != Ty::Number {
                    self.action(format!("template {} {}", quote(helper), given.arg()));
                    return Ok(());
                }
                self.escaped_number(&given);
                Ok(())
            }
        }
    }

    fn escaped_number(&mut self, number: &Go) {
        let helper = self.helper(Helper::Escape);
        let number = self.keep(number.clone());
        self.action(format!("if {}", is_nan(&number)));
        self.literal("NaN");
        self.action("else");
        self.action(format!("template {} {}", quote(helper), number.text));
        self.action("end");
    }

    /// Lodash writes the sign of a zero here, which the whole numbers do not have that Go computes
    /// with.
    fn print_signed(&mut self, value: &Expr) -> Result<(), Refusal> {
        let given = self.value(value)?;
        let given = self.keep(given);
        let zero = match given.ty {
            Ty::Int => format!("eq {} 0", given.text),
            Ty::Float | Ty::Number => format!("eq {} 0.0", given.text),
            Ty::Json | Ty::OptJson => {
                // What a list of a list holds is not looked at.
                format!(
                    "or (kindIs \"slice\" {0}) (and (not (kindIs \"string\" {0})) (eq (toString {0}) \"0\"))",
                    given.text
                )
            }
            _ => return self.refuse(value.span, "numbers in a list, each with the sign of a zero"),
        };
        self.fail_if(&zero, "a zero may be negative");
        match given.ty {
            Ty::Int => self.action(given.text),
            Ty::Number => self.escaped_number(&given),
            _ => {
                let helper = self.helper(Helper::Escape);
                self.action(format!("template {} {}", quote(helper), given.text));
            }
        }
        Ok(())
    }

    /// Whether a value may be a negative zero that is none in Go.
    fn may_lose_a_sign(&self, value: &Expr) -> bool {
        if self.types.ty(value) == Ty::Text {
            return false;
        }
        let value = self.origins.followed(value);
        match &value.kind {
            ExprKind::Unary { operator: Unary::Minus, .. } => true,
            ExprKind::Binary { operator, left, right } => match operator {
                Binary::Mul | Binary::Div | Binary::Rem => {
                    !self.is_count(left) || !self.is_count(right)
                }
                Binary::Sub => !self.is_count(left),
                Binary::Add => {
                    !self.types.ty(value).is_json() && !self.is_count(left) && !self.is_count(right)
                }
                _ => false,
            },
            ExprKind::Conditional { then, otherwise: other, .. }
            | ExprKind::Logical { left: then, right: other, .. } => {
                self.may_lose_a_sign(then) || self.may_lose_a_sign(other)
            }
            ExprKind::List(items) => items.iter().any(|item| self.may_lose_a_sign(item)),
            ExprKind::Each { method: Each::Map, result, .. } => self.may_lose_a_sign(result),
            ExprKind::Variable(id) => {
                (self.origins.is_changed(*id) || self.keeps_lost_signs)
                    && !matches!(
                        self.types.ty(value),
                        Ty::Text | Ty::Bool | Ty::Null | Ty::Undefined | Ty::Map(_)
                    )
                    && !self.is_count(value)
            }
            ExprKind::Member { key, .. } if key == "length" => false,
            ExprKind::Member { .. }
            | ExprKind::Index { .. }
            | ExprKind::Chain(_)
            | ExprKind::Method { .. }
            | ExprKind::Each { .. }
            | ExprKind::Call { .. } => {
                self.keeps_lost_signs
                    && !matches!(self.types.ty(value), Ty::Bool | Ty::Null | Ty::Undefined)
                    && !self.is_fetched(value)
            }
            _ => false,
        }
    }

    /// Whether a program puts numbers that lose the sign of a zero into lists or objects, from which
    /// any loop, index or method may take them.
    pub(super) fn keeps_lost_signs(&self, program: &Program) -> bool {
        let loses = |value: &Expr| self.may_lose_a_sign(value);
        program.any(&mut |part| match part {
            Part::Stmt(Stmt { kind: StmtKind::Push { value, .. }, .. }) => loses(value),
            Part::Stmt(_) => false,
            Part::Expr(value) => match &value.kind {
                ExprKind::List(items) => items.iter().any(loses),
                ExprKind::Object(members) => members.iter().any(|(_, value)| loses(value)),
                ExprKind::Each { method: Each::Map | Each::FlatMap, result, .. } => loses(result),
                ExprKind::Method { arguments, .. } => arguments.iter().any(loses),
                _ => false,
            },
        })
    }

    /// Whether a value stands in a fetched text as it is.
    fn is_fetched(&self, value: &Expr) -> bool {
        let value = self.origins.followed(value);
        match &value.kind {
            ExprKind::Data
            | ExprKind::Call { function: Function::JsonParse | Function::YamlLoad, .. } => true,
            ExprKind::Member { object: inner, .. }
            | ExprKind::Index { object: inner, .. }
            | ExprKind::Chain(inner) => self.is_fetched(inner),
            _ => false,
        }
    }

    /// Whether a number can be neither negative nor a negative zero.
    fn is_count(&self, value: &Expr) -> bool {
        let value = self.origins.followed(value);
        match &value.kind {
            ExprKind::Number(number) => number.is_sign_positive(),
            ExprKind::Member { key, .. } => key == "length",
            ExprKind::Variable(id) => {
                self.types.ty(value) == Ty::Int && !self.origins.is_changed(*id)
            }
            ExprKind::Binary {
                operator: Binary::Add | Binary::Mul | Binary::Div | Binary::Rem,
                left,
                right,
            } => self.is_count(left) && self.is_count(right),
            _ => false,
        }
    }
}

/// The five characters of HTML that lodash replaces.
pub(super) fn escaped(value: &Go) -> Go {
    value.pipe(
        r#"replace "&" "&amp;" | replace "<" "&lt;" | replace ">" "&gt;" | replace "\"" "&quot;" | replace "'" "&#39;""#,
        Ty::Text,
    )
}
