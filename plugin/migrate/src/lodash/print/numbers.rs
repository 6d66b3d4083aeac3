//! Numbers.

use super::defined::Helper;
use super::go::{Go, quote};
use super::types::Ty;
use super::{Printer, held};
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind};

/// Whole numbers up to here add and subtract without loss in a double.
const SAFE: &str = "4503599627370496.0";

/// Whole numbers up to here multiply without loss in a double.
const SAFE_FACTOR: &str = "94906265.0";

impl Printer<'_> {
    /// `Number(E)`.
    pub(super) fn number(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = match &value.kind {
            ExprKind::Member { object, key, .. } if matches!(object.kind, ExprKind::Data) => {
                // Undefined is no number.
                self.data_or_failure(key)
            }
            _ => self.value(value)?,
        };
        match given.ty {
            Ty::Int | Ty::Float => Ok(given),
            Ty::Undefined | Ty::Null | Ty::List(_) | Ty::Map(_) | Ty::Never => {
                self.refuse(value.span, "a number made of something else")
            }
            _ => Ok(self.with_helper(Helper::Number, &given, "number", Ty::Float)),
        }
    }

    /// A number as Go's float.
    pub(super) fn float(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.number(value)?;
        Ok(held(given, &Ty::Float))
    }

    /// A number that has to be whole.
    pub(super) fn whole(&mut self, value: &Expr) -> Result<Go, Refusal> {
        self.whole_within(value, SAFE)
    }

    fn whole_within(&mut self, value: &Expr, limit: &str) -> Result<Go, Refusal> {
        let given = self.number(value)?;
        if given.ty == Ty::Int {
            return Ok(given);
        }
        let given = self.keep(given);
        let test =
            format!("or (ne {0} (floor {0})) (gt {0} {limit}) (lt {0} -{limit})", given.text);
        self.fail_if(&test, "a number is not whole or too large");
        Ok(Go::call(format!("int64 {}", given.text), Ty::Int))
    }

    pub(super) fn arithmetic(
        &mut self,
        value: &Expr,
        operator: Binary,
        left: &Expr,
        right: &Expr,
    ) -> Result<Go, Refusal> {
        if operator == Binary::Add {
            // With a string it would join.
            for side in [left, right] {
                let ty = self.types.ty(side);
                if !ty.is_number() && !ty.is_json() {
                    return self.refuse(value.span, "an addition of what may be no number");
                }
            }
        }
        let limit = if operator == Binary::Mul { SAFE_FACTOR } else { SAFE };
        let mut sides = Vec::new();
        for side in [left, right] {
            if operator == Binary::Add && self.types.ty(side).is_json() {
                let given = self.value(side)?;
                let given = self.keep(given);
                let test = format!("not (kindIs \"float64\" {})", given.text);
                self.fail_if(&test, "a value is not a number");
                let number = format!(
                    "or (ne {0} (floor {0})) (gt {0} {limit}) (lt {0} -{limit})",
                    given.text
                );
                self.fail_if(&number, "a number is not whole or too large");
                sides.push(Go::call(format!("int64 {}", given.text), Ty::Int));
            } else {
                sides.push(self.whole_within(side, limit)?);
            }
        }
        let [left, right] = sides.as_slice() else {
            return self.refuse(value.span, "arithmetic");
        };
        let name = match operator {
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Rem => "mod",
            _ => "add",
        };
        if matches!(operator, Binary::Div | Binary::Rem) {
            let right = self.keep(right.clone());
            self.fail_if(&format!("eq {} 0", right.text), "a division by zero");
            if operator == Binary::Div {
                let left = self.keep(left.clone());
                let test = format!("ne (mod {} {}) 0", left.text, right.text);
                self.fail_if(&test, "a division leaves a rest");
                return Ok(Go::call(format!("div {} {}", left.text, right.text), Ty::Int));
            }
            return Ok(Go::call(format!("mod {} {}", left.arg(), right.text), Ty::Int));
        }
        Ok(Go::call(format!("{name} {} {}", left.arg(), right.arg()), Ty::Int))
    }

    /// `parseInt(E)` in base ten.
    pub(super) fn parse_int(&mut self, value: &Expr, arguments: &[Expr]) -> Result<Go, Refusal> {
        let radix_is_ten = match arguments.get(1).map(|radix| &radix.kind) {
            None | Some(ExprKind::Undefined) => false,
            Some(ExprKind::Number(radix)) if radix.to_bits() == 10.0_f64.to_bits() => true,
            Some(_) => return self.refuse(value.span, "`parseInt` with this base"),
        };
        let Some(first) = arguments.first() else {
            return self.refuse(value.span, "`parseInt` without an argument");
        };
        let text = match &first.kind {
            ExprKind::Member { object, key, .. } if matches!(object.kind, ExprKind::Data) => {
                self.data_or_failure(key)
            }
            _ => self.text(first)?,
        };
        let text = self.keep(text);
        if !radix_is_ten {
            let test = format!("regexMatch {} {}", quote("^[\\t-\\r ]*[-+]?0[xX]"), text.text);
            self.fail_if(&test, "a number is hexadecimal");
        }
        Ok(self.leading_number(&text, "^[\\t-\\r ]*[-+]?[0-9]+"))
    }

    pub(super) fn parse_float(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let text = self.text(value)?;
        let text = self.keep(text);
        Ok(self.leading_number(
            &text,
            "^[\\t-\\r ]*[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]{1,2})?",
        ))
    }

    fn leading_number(&mut self, text: &Go, pattern: &str) -> Go {
        let found =
            self.set(&Go::call(format!("regexFind {} {}", quote(pattern), text.text), Ty::Text));
        self.fail_if(&format!("eq {} \"\"", found.text), "a value is not a number");
        Go::call(format!("float64 (trim {})", found.text), Ty::Float)
    }
}
