//! Truth and comparisons.

use super::Printer;
use super::go::{Go, quote};
use super::types::Ty;
use crate::codes;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind, Logical, Method, Unary};

impl Printer<'_> {
    /// What Go's `if` takes for true exactly where JavaScript does.
    pub(super) fn condition(&mut self, value: &Expr) -> Result<Go, Refusal> {
        match &value.kind {
            ExprKind::Unary { operator: Unary::Not, operand } => {
                let test = self.condition(operand)?;
                Ok(Go::call(format!("not {}", test.arg()), Ty::Bool))
            }
            ExprKind::Logical {
                operator: operator @ (Logical::And | Logical::Or),
                left,
                right,
            } => {
                let first = self.condition(left)?;
                let (before, second) = self.aside(|it| it.condition(right))?;
                let is_and = *operator == Logical::And;
                if before.is_empty() {
                    let name = if is_and { "and" } else { "or" };
                    let text = format!("{name} {} {}", first.arg(), second.arg());
                    return Ok(Go::call(text, Ty::OptJson));
                }
                let test = boolean(first);
                let test = self.set(&test);
                let not = if is_and { "" } else { "not " };
                self.action(format!("if {not}{}", test.text));
                self.out.extend(before);
                let second = boolean(second);
                self.action(format!("{} = {}", test.text, second.text));
                self.action("end");
                Ok(Go { ty: Ty::Bool, ..test })
            }
            ExprKind::Binary { operator, left, right } => match operator {
                Binary::Same => self.equal(value, left, right, true, false),
                Binary::NotSame => self.equal(value, left, right, true, true),
                Binary::Equal => self.equal(value, left, right, false, false),
                Binary::NotEqual => self.equal(value, left, right, false, true),
                Binary::Less => self.ordered(value, "lt", left, right),
                Binary::LessOrEqual => self.ordered(value, "le", left, right),
                Binary::Greater => self.ordered(value, "gt", left, right),
                Binary::GreaterOrEqual => self.ordered(value, "ge", left, right),
                Binary::In => self.has_key(value, right, left),
                _ => {
                    let given = self.value(value)?;
                    Ok(self.truth(&given))
                }
            },
            ExprKind::Member { object, key, .. } if matches!(object.kind, ExprKind::Data) => {
                Ok(self.data_or_nothing(key))
            }
            ExprKind::Method { method: Method::Match, .. }
                if let Some(test) = self.match_test(value)? =>
            {
                Ok(test)
            }
            _ => {
                let given = self.value(value)?;
                if given.ty.is_json() && !self.exact {
                    self.note(
                        &codes::W07,
                        value.span,
                        "an empty list or object is true in JavaScript and false here",
                    );
                }
                Ok(self.truth(&given))
            }
        }
    }

    /// The truth of a value: empty lists and objects are true in JavaScript and false in Go.
    pub(super) fn truth(&mut self, value: &Go) -> Go {
        match value.ty {
            Ty::List(_) | Ty::Map(_) => Go::call(format!("or {} true", value.arg()), Ty::OptJson),
            Ty::Json | Ty::OptJson if self.exact => {
                let kept = self.keep(value.clone());
                Go::call(
                    format!("or {0} (kindIs \"slice\" {0}) (kindIs \"map\" {0})", kept.text),
                    Ty::OptJson,
                )
            }
            // JavaScript's NaN is false.
            Ty::Number => {
                let kept = self.keep(value.clone());
                Go::call(format!("and (eq {0} {0}) {0}", kept.text), Ty::OptJson)
            }
            _ => value.clone(),
        }
    }

    /// What `typeof` says, where that is known.
    pub(super) fn type_name(&self, value: &Expr) -> Option<&'static str> {
        Some(match self.types.ty(value) {
            Ty::Undefined | Ty::Never => "undefined",
            Ty::Null | Ty::List(_) | Ty::Map(_) => "object",
            Ty::Bool => "boolean",
            Ty::Int | Ty::Float | Ty::Number => "number",
            Ty::Text => "string",
            Ty::OptText | Ty::Json | Ty::OptJson => return None,
        })
    }

    /// The operand, and what is true of it when it is undefined.
    pub(super) fn undefined_test(&mut self, value: &Expr) -> Result<String, Refusal> {
        match self.types.ty(value) {
            Ty::Undefined | Ty::Never => Ok("true".to_owned()),
            Ty::OptText => {
                let given = self.value(value)?;
                Ok(format!("kindIs \"invalid\" {}", given.arg()))
            }
            // A length that is not there ends the rendering.
            Ty::OptJson if matches!(&value.kind, ExprKind::Member { key, optional: false, .. } if key == "length") =>
            {
                self.value(value)?;
                Ok("false".to_owned())
            }
            Ty::OptJson => match self.owner(value)? {
                Some((object, key)) => Ok(format!("not (hasKey {} {})", object.text, quote(&key))),
                None => self.refuse(value.span, "undefined told apart from null"),
            },
            _ => Ok("false".to_owned()),
        }
    }

    /// The object and key of a member of a map, each evaluated once.
    pub(super) fn owner(&mut self, value: &Expr) -> Result<Option<(Go, String)>, Refusal> {
        if let ExprKind::Chain(inner) = &value.kind {
            return self.optional_owner(value, inner);
        }
        let ExprKind::Member { object, key, optional: false } = &value.kind else {
            return Ok(None);
        };
        let is_index = !key.is_empty() && key.bytes().all(|b| b.is_ascii_digit());
        if is_index
            || key == "length"
            || !matches!(self.types.ty(object), Ty::Json | Ty::OptJson | Ty::Map(_))
        {
            return Ok(None);
        }
        let given = self.value(object)?;
        let given = self.only_object(given);
        let given = self.keep(given);
        Ok(Some((given, key.clone())))
    }

    pub(super) fn type_test(&mut self, operand: &Expr, name: &str) -> Result<String, Refusal> {
        if let Some(known) = self.type_name(operand) {
            return Ok((known == name).to_string());
        }
        if name == "undefined" {
            return self.undefined_test(operand);
        }
        let is_json = self.types.ty(operand).is_json();
        let kind = match name {
            "string" => "string",
            "number" if is_json => "float64",
            "boolean" if is_json => "bool",
            "object" if is_json => {
                let undefined = self.undefined_test(operand)?;
                let given = self.json_value(operand)?;
                return Ok(format!(
                    "not (or (kindIs \"string\" {0}) (kindIs \"float64\" {0}) (kindIs \"bool\" {0}) ({undefined}))",
                    given.text
                ));
            }
            _ => return Ok("false".to_owned()),
        };
        let given = self.json_value(operand)?;
        Ok(format!("kindIs {} {}", quote(kind), given.arg()))
    }

    fn ordered(
        &mut self,
        value: &Expr,
        name: &str,
        left: &Expr,
        right: &Expr,
    ) -> Result<Go, Refusal> {
        let call =
            |a: &Go, b: &Go| Ok(Go::call(format!("{name} {} {}", a.arg(), b.arg()), Ty::Bool));
        match (self.types.ty(left), self.types.ty(right)) {
            (Ty::Text, Ty::Text) | (Ty::Int, Ty::Int) => {
                let (a, b) = (self.value(left)?, self.value(right)?);
                call(&a, &b)
            }
            (lt, rt) if lt.is_number() || rt.is_number() => {
                let (a, b) = (self.float(left)?, self.float(right)?);
                if a.ty != Ty::Number && b.ty != Ty::Number {
                    return call(&a, &b);
                }
                // Go takes NaN for greater than anything, as it is not less.
                let (name, a, b) = match name {
                    "gt" => ("lt", b, a),
                    "ge" => ("le", b, a),
                    _ => (name, a, b),
                };
                Ok(Go::call(format!("{name} {} {}", a.arg(), b.arg()), Ty::Bool))
            }
            _ => self.refuse(value.span, "an order of what may be no number"),
        }
    }

    /// `k in o`, `o.hasOwnProperty(k)`
    pub(super) fn has_key(
        &mut self,
        value: &Expr,
        object: &Expr,
        key: &Expr,
    ) -> Result<Go, Refusal> {
        let ExprKind::Text(name) = &key.kind else {
            return self.refuse(value.span, "a computed key that may be absent");
        };
        if matches!(object.kind, ExprKind::Data) {
            if self.declared.contains(name) {
                return Ok(Go::simple("true", Ty::Bool));
            }
            let found = self.data_or_nil(name);
            return Ok(Go::call(format!("not (kindIs \"invalid\" {})", found.text), Ty::Bool));
        }
        let given = self.map_argument(object)?;
        Ok(Go::call(format!("hasKey {} {}", given.arg(), quote(name)), Ty::Bool))
    }
}

/// True or false itself, not what stands for it.
pub(super) fn boolean(test: Go) -> Go {
    if test.ty == Ty::Bool {
        return test;
    }
    Go::call(format!("not (not {})", test.arg()), Ty::Bool)
}
