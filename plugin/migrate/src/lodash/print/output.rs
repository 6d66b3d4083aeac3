//! Expressions that are printed: their parts can be printed one after the other.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::numbers::{Nan, is_nan};
use super::types::Ty;
use super::values::is_stringify;
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Each, Expr, ExprKind, Function, Logical, Method};

impl Printer<'_> {
    /// `<%= E %>`: nothing for null and undefined.
    pub(super) fn print(&mut self, value: &Expr) -> Result<(), Refusal> {
        self.known_object(value)?;
        match &value.kind {
            ExprKind::Undefined | ExprKind::Null => Ok(()),
            ExprKind::Number(number) if *number == 0.0 => {
                self.literal("0");
                Ok(())
            }
            ExprKind::Call { function: Function::Escape, arguments } => {
                arguments.iter().try_for_each(|argument| self.print_escaped(argument))
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.either(condition, |it| it.print(then), |it| it.print(otherwise))
            }
            ExprKind::Logical { operator, left, right } => {
                self.print_logical(*operator, left, right)
            }
            ExprKind::Call { function: Function::JsonStringify, arguments } => {
                let (json, absent) = self.stringify(value.span, arguments)?;
                if let Some(absent) = absent {
                    self.action(format!("if not ({absent})"));
                    self.action(json.text);
                    self.action("end");
                } else {
                    self.action(json.text);
                }
                Ok(())
            }
            ExprKind::Method { method: Method::Match, receiver, arguments, optional: false } => {
                let found = self.matches(value, receiver, arguments)?;
                // Without a match it is null, and there is nothing in Go's list either.
                self.print_value(found, value);
                Ok(())
            }
            ExprKind::Member { object, key, optional: false }
                if key == "length" && self.exact && self.types.ty(object).is_json() =>
            {
                self.print_length(value, object)
            }
            // Undeclared keys print nothing when they are absent, in Go as well.
            ExprKind::Member { object, key, optional: false }
                if matches!(object.kind, ExprKind::Data) =>
            {
                let field = self.data_or_nothing(key);
                self.action(field.text);
                Ok(())
            }
            _ => {
                let ty = self.types.ty(value);
                if ty == Ty::Text {
                    return self.print_text(value);
                }
                if let Some(sum) = self.printed_sum(value, Nan::Text)? {
                    self.action(sum.text);
                    return Ok(());
                }
                let given = self.value(value)?;
                self.print_value(given, value);
                Ok(())
            }
        }
    }

    /// `length` of what may be anything: an object may have a member of that name, and what is
    /// neither object, list nor text has none.
    fn print_length(&mut self, value: &Expr, object: &Expr) -> Result<(), Refusal> {
        self.fails_on_others(value);
        let given = self.value(object)?;
        let given = self.keep(given);
        let helper = self.helper(Helper::Print);
        self.action(format!("if kindIs \"map\" {}", given.text));
        self.action(format!("template {} (index {} \"length\")", quote(helper), given.text));
        self.action(format!(
            "else if not (or (kindIs \"float64\" {0}) (kindIs \"bool\" {0}))",
            given.text
        ));
        let length = self.length(given, value);
        self.action(length.text);
        self.action("end");
        Ok(())
    }

    /// A value by what is known of it.
    pub(super) fn print_value(&mut self, given: Go, of: &Expr) {
        match given.ty.clone() {
            Ty::Text | Ty::Int | Ty::Bool => self.action(given.text),
            Ty::Undefined | Ty::Null | Ty::Never => {
                // What it computes may fail.
                if !given.simple {
                    self.action(format!("$_ := {}", given.text));
                }
            }
            Ty::Number => {
                let given = self.keep(given);
                self.action(format!("if {}", is_nan(&given)));
                self.literal("NaN");
                self.action("else");
                self.print_value(Go { ty: Ty::Float, ..given }, of);
                self.action("end");
            }
            Ty::List(item) if *item == Ty::Text => {
                self.action(given.pipe("join \",\"", Ty::Text).text);
            }
            Ty::Json | Ty::OptJson if !self.exact => {
                self.note(
                    &codes::W13,
                    of.span,
                    "a number or a missing value would print otherwise",
                );
                self.action(given.text);
            }
            _ => {
                let helper = self.helper(Helper::Print);
                self.action(format!("template {} {}", quote(helper), given.arg()));
            }
        }
    }

    /// What is certainly a string, part by part.
    pub(super) fn print_text(&mut self, value: &Expr) -> Result<(), Refusal> {
        match &value.kind {
            ExprKind::Text(text) => {
                self.literal(text);
                Ok(())
            }
            ExprKind::Concat(parts) => parts.iter().try_for_each(|part| self.print_string(part)),
            ExprKind::Binary { operator: Binary::Add, left, right } => {
                let is_sure = self.joins_surely(left, right);
                [left, right].iter().try_for_each(|side| {
                    if !is_sure && is_stringify(side) {
                        self.print_plain(side)
                    } else {
                        self.print_string(side)
                    }
                })
            }
            ExprKind::Conditional { condition, then, otherwise } => {
                self.either(condition, |it| it.print_text(then), |it| it.print_text(otherwise))
            }
            ExprKind::Call { function: Function::String, arguments } => {
                arguments.iter().try_for_each(|part| self.print_string(part))
            }
            ExprKind::Call { function: Function::YamlDump, arguments } => {
                for argument in arguments {
                    let yaml = self.yaml(value.span, argument)?;
                    self.action(yaml.text);
                    self.action(quote("\n"));
                }
                Ok(())
            }
            ExprKind::Method { method: Method::Join, receiver, arguments, optional: false } => {
                self.print_join(value, receiver, arguments)
            }
            ExprKind::Method {
                method: Method::Replace,
                receiver,
                arguments,
                optional: false,
                ..
            } => {
                if self.print_replace(receiver, arguments)? {
                    return Ok(());
                }
                self.print_plain(value)
            }
            ExprKind::Method { method: Method::ToString, receiver, optional: false, .. }
                if self.types.ty(receiver) == Ty::Text =>
            {
                self.print_text(receiver)
            }
            _ => self.print_plain(value),
        }
    }

    fn print_plain(&mut self, value: &Expr) -> Result<(), Refusal> {
        let given = self.value(value)?;
        self.action(given.text);
        Ok(())
    }

    /// `String(E)`, as in a template literal.
    fn print_string(&mut self, value: &Expr) -> Result<(), Refusal> {
        match self.types.ty(value) {
            Ty::Text if is_stringify(value) => {
                // It may be undefined.
                let text = self.text(value)?;
                self.action(text.text);
                Ok(())
            }
            Ty::Text => self.print_text(value),
            Ty::Undefined => {
                self.literal("undefined");
                Ok(())
            }
            Ty::Null => {
                self.literal("null");
                Ok(())
            }
            Ty::OptText => {
                let given = self.value(value)?;
                let given = self.keep(given);
                self.action(format!("if kindIs \"invalid\" {}", given.text));
                self.literal("undefined");
                self.action("else");
                self.action(given.text);
                self.action("end");
                Ok(())
            }
            Ty::Json | Ty::OptJson if self.exact => {
                if let ExprKind::Member { object, key, optional: false } = &value.kind
                    && key != "length"
                    && self.types.ty(object).is_json()
                {
                    let object = self.value(object)?;
                    let object = self.only_object(object);
                    let helper = self.helper(Helper::Member);
                    self.action(format!(
                        "template {} (list {} {})",
                        quote(helper),
                        object.arg(),
                        quote(key)
                    ));
                    return Ok(());
                }
                let text = self.text(value)?;
                self.action(text.text);
                Ok(())
            }
            _ => {
                let given = self.value(value)?;
                self.print_value(given, value);
                Ok(())
            }
        }
    }

    pub(super) fn either(
        &mut self,
        condition: &Expr,
        then: impl FnOnce(&mut Self) -> Result<(), Refusal>,
        otherwise: impl FnOnce(&mut Self) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let test = self.condition(condition)?;
        self.action(format!("if {}", test.text));
        then(self)?;
        let (other, ()) = self.aside(otherwise)?;
        if !other.is_empty() {
            self.action("else");
            self.out.extend(other);
        }
        self.action("end");
        Ok(())
    }

    fn print_logical(
        &mut self,
        operator: Logical,
        left: &Expr,
        right: &Expr,
    ) -> Result<(), Refusal> {
        let given = match (&left.kind, operator) {
            (ExprKind::Member { object, key, .. }, Logical::Or | Logical::And)
                if matches!(object.kind, ExprKind::Data) =>
            {
                self.data_or_nothing(key)
            }
            _ => self.value(left)?,
        };
        // In one expression, where both sides print as they are.
        if given.ty == Ty::Text && operator != Logical::Coalesce && self.types.ty(right) == Ty::Text
        {
            let (before, other) = self.aside(|it| it.value(right))?;
            if before.is_empty() {
                let name = if operator == Logical::Or { "or" } else { "and" };
                self.action(format!("{name} {} {}", given.arg(), other.arg()));
                return Ok(());
            }
        }
        let given = self.keep(given);
        let test = match operator {
            Logical::Coalesce => format!("not (kindIs \"invalid\" {})", given.arg()),
            Logical::Or | Logical::And => self.truth(&given).text,
        };
        self.action(format!("if {test}"));
        let first = |it: &mut Self| {
            if operator == Logical::And {
                it.print(right)
            } else {
                it.print_value(given.clone(), left);
                Ok(())
            }
        };
        first(self)?;
        self.action("else");
        if operator == Logical::And {
            self.print_value(given, left);
        } else {
            self.print(right)?;
        }
        self.action("end");
        Ok(())
    }

    /// `list.join(separator)`, element by element.
    fn print_join(
        &mut self,
        value: &Expr,
        receiver: &Expr,
        arguments: &[Expr],
    ) -> Result<(), Refusal> {
        let ExprKind::Each {
            method: Each::Map,
            receiver: over,
            item,
            index,
            result,
            optional: false,
        } = &receiver.kind
        else {
            return self.print_plain(value);
        };
        let separator = match arguments {
            [] => ",",
            [Expr { kind: ExprKind::Text(text), .. }] => text.as_str(),
            _ => return self.print_plain(value),
        };
        let first = self.temporary();
        self.action(format!("{first} := true"));
        self.over(over, true, item, *index, |printer| {
            if !separator.is_empty() {
                printer.action(format!("if not {first}"));
                printer.literal(separator);
                printer.action("end");
            }
            printer.action(format!("{first} = false"));
            // Null and undefined elements are empty in a joined list, as in the output.
            printer.print(result)
        })
    }
}
