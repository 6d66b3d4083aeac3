//! Numbers.
//!
//! Go's `float64` holds JavaScript's NaN as well, and only where [`Ty::Number`] says so: whoever
//! takes such a value has to know that Go writes, orders and tests it otherwise. Lists, objects
//! and values of any type never hold it.

use super::Printer;
use super::defined::Helper;
use super::go::{Go, quote};
use super::types::Ty;
use super::values::Nil;
use crate::lodash::Refusal;
use crate::lodash::ir::{Binary, Expr, ExprKind};

/// Whole numbers up to here add and subtract without loss in a double.
const SAFE: &str = "4503599627370496.0";

/// Whole numbers up to here multiply without loss in a double.
const SAFE_FACTOR: &str = "94906265.0";

/// The number that is none.
const NAN: &str = "float64 \"NaN\"";

/// What the sum of two values of JSON does where it is no number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Nan {
    /// It ends the rendering: what follows may test or compare it.
    Fails,
    /// It is the text `NaN`: the sum is printed.
    Text,
    /// As before, and the sign of a zero would be printed as well.
    Escaped,
}

impl Printer<'_> {
    /// `Number(E)`.
    pub(super) fn number(&mut self, value: &Expr) -> Result<Go, Refusal> {
        if let Some(key) = self.short_data(value) {
            let given = self.data_or_failure(key);
            return Ok(self.number_of(&given, &Nil::Unknown));
        }
        let (given, nil) = self.value_or_nil(value)?;
        match given.ty {
            Ty::Int | Ty::Float | Ty::Number => Ok(given),
            Ty::Null => Ok(Go::simple("0", Ty::Int)),
            Ty::Undefined | Ty::Never => Ok(Go::call(NAN, Ty::Number)),
            Ty::List(_) | Ty::Map(_) => self.refuse(value.span, "a number made of something else"),
            _ => Ok(self.number_of(&given, &nil)),
        }
    }

    /// A fetched value of which the short form says nothing where it is missing.
    fn short_data<'e>(&self, value: &'e Expr) -> Option<&'e str> {
        match &value.kind {
            ExprKind::Member { object, key, .. }
                if !self.exact && matches!(object.kind, ExprKind::Data) =>
            {
                Some(key)
            }
            _ => None,
        }
    }

    /// A value, and what nil stands for in it.
    pub(super) fn value_or_nil(&mut self, value: &Expr) -> Result<(Go, Nil), Refusal> {
        match self.types.ty(value) {
            Ty::OptJson if self.exact => {
                if let Some((object, key)) = self.owner(value)? {
                    self.fails_on_others(value);
                    let member = format!("{} {}", object.text, quote(&key));
                    let given = Go::call(format!("index {member}"), Ty::OptJson);
                    return Ok((given, Nil::NullIf(format!("hasKey {member}"))));
                }
                Ok((self.value(value)?, Nil::Unknown))
            }
            Ty::Json => Ok((self.value(value)?, Nil::Null)),
            Ty::OptText => Ok((self.value(value)?, Nil::Undefined)),
            _ => Ok((self.value(value)?, Nil::Unknown)),
        }
    }

    /// The number that Go's value stands for.
    pub(super) fn number_of(&mut self, given: &Go, nil: &Nil) -> Go {
        let nan = format!("({NAN})");
        self.with_nil(Helper::Number, given, nil, ("0.0", &nan), "number", Ty::Number)
    }

    /// A number as Go's float.
    pub(super) fn float(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.number(value)?;
        Ok(self.held(given, &Ty::Float))
    }

    /// A number that is one.
    pub(super) fn not_nan(&mut self, number: Go) -> Go {
        let number = self.keep(number);
        self.fail_if(&is_nan(&number), "a value is not a number");
        Go { ty: Ty::Float, ..number }
    }

    /// `String(number)`, with another word for what is none.
    pub(super) fn number_text(&mut self, number: Go, nan: &str) -> Go {
        let number = self.keep(number);
        let text = self.set(&Go::text(nan));
        self.action(format!("if eq {0} {0}", number.text));
        let of_number = self.with_helper(Helper::Text, &number, "text", Ty::Text);
        self.action(format!("{} = {}", text.text, of_number.text));
        self.action("end");
        text
    }

    /// Whether it can be a place: a number, or a sum of which only the values know that it is one.
    pub(super) fn is_place(&self, value: &Expr) -> bool {
        let ty = self.types.ty(value);
        ty.is_number()
            || ty.is_json() && matches!(value.kind, ExprKind::Binary { operator: Binary::Add, .. })
    }

    /// A number that stands for an element, which a text would do in another way.
    pub(super) fn place(&mut self, value: &Expr) -> Result<Go, Refusal> {
        if !self.types.ty(value).is_json() {
            let place = self.whole(value)?;
            return Ok(self.keep(place));
        }
        let given = self.value(value)?;
        let given = self.keep(given);
        if given.ty == Ty::Int {
            return Ok(given);
        }
        self.fail_if(&format!("not (kindIs \"float64\" {})", given.text), "a place is a text");
        let place = self.whole_within(Go { ty: Ty::Float, ..given }, SAFE);
        Ok(self.keep(place))
    }

    /// A number that has to be whole.
    pub(super) fn whole(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let given = self.number(value)?;
        Ok(self.whole_within(given, SAFE))
    }

    fn whole_within(&mut self, given: Go, limit: &str) -> Go {
        if given.ty == Ty::Int {
            return given;
        }
        let given = self.keep(given);
        let test =
            format!("or (ne {0} (floor {0})) (gt {0} {limit}) (lt {0} -{limit})", given.text);
        self.fail_if(&test, "a number is not whole or too large");
        Go::call(format!("int64 {}", given.text), Ty::Int)
    }

    /// `-E`
    pub(super) fn minus(&mut self, operand: &Expr) -> Result<Go, Refusal> {
        let number = self.number(operand)?;
        if number.ty != Ty::Number {
            let number = self.whole_within(number, SAFE);
            return Ok(Go::call(format!("sub 0 {}", number.arg()), Ty::Int));
        }
        let number = self.keep(number);
        let found = self.set(&Go::call(NAN, Ty::Number));
        self.action(format!("if eq {0} {0}", number.text));
        // What it computes with are the digits of the number, so that it loses none.
        self.action(format!("{} = mulf {} -1.0", found.text, number.text));
        self.action("end");
        Ok(found)
    }

    pub(super) fn arithmetic(
        &mut self,
        value: &Expr,
        operator: Binary,
        left: &Expr,
        right: &Expr,
    ) -> Result<Go, Refusal> {
        if operator == Binary::Add {
            if self.types.ty(value).is_json() {
                return self.sum(value, left, right, Nan::Fails);
            }
            // With a string it would join.
            if ![left, right].iter().all(|side| self.types.ty(side).is_number()) {
                return self.refuse(value.span, "an addition of what may be no number");
            }
        }
        let left = self.number(left)?;
        let right = self.number(right)?;
        Ok(self.calculated(operator, left, right))
    }

    /// What an operator makes of two numbers; NaN if one of them is.
    fn calculated(&mut self, operator: Binary, left: Go, right: Go) -> Go {
        if left.ty != Ty::Number && right.ty != Ty::Number {
            return self.operation(operator, left, right);
        }
        let (left, right) = (self.keep(left), self.keep(right));
        let are: Vec<String> = [&left, &right]
            .iter()
            .filter(|side| side.ty == Ty::Number)
            .map(|side| format!("(eq {0} {0})", side.text))
            .collect();
        let found = self.set(&Go::call(NAN, Ty::Number));
        self.action(format!("if and {}", are.join(" ")));
        let computed = self.operation(operator, left, right);
        self.action(format!("{} = float64 {}", found.text, computed.arg()));
        self.action("end");
        found
    }

    /// Whole numbers and an operator whose result is whole.
    fn operation(&mut self, operator: Binary, left: Go, right: Go) -> Go {
        let limit = if operator == Binary::Mul { SAFE_FACTOR } else { SAFE };
        let left = self.whole_within(left, limit);
        let right = self.whole_within(right, limit);
        let name = match operator {
            Binary::Sub => "sub",
            Binary::Mul => "mul",
            Binary::Div => "div",
            Binary::Rem => "mod",
            _ => "add",
        };
        if !matches!(operator, Binary::Div | Binary::Rem) {
            return Go::call(format!("{name} {} {}", left.arg(), right.arg()), Ty::Int);
        }
        let right = self.keep(right);
        self.fail_if(&format!("eq {} 0", right.text), "a division by zero");
        let left = self.keep(left);
        if operator == Binary::Div {
            let test = format!("ne (mod {} {}) 0", left.text, right.text);
            self.fail_if(&test, "a division leaves a rest");
        }
        Go::call(format!("{name} {} {}", left.text, right.text), Ty::Int)
    }

    /// `a + b` where values decide whether it adds or joins.
    pub(super) fn sum(
        &mut self,
        value: &Expr,
        left: &Expr,
        right: &Expr,
        nan: Nan,
    ) -> Result<Go, Refusal> {
        let mut sides = Vec::new();
        for side in [left, right] {
            let ty = self.types.ty(side);
            if !ty.is_number() && !ty.is_json() {
                return self.refuse(value.span, "an addition of what may be no number");
            }
            let (given, nil) = self.value_or_nil(side)?;
            sides.push((self.keep(given), nil));
        }
        let mut joins = Vec::new();
        for (side, _) in sides.iter().filter(|(side, _)| side.ty.is_json()) {
            joins.extend(
                ["string", "slice", "map"].map(|kind| format!("(kindIs \"{kind}\" {})", side.text)),
            );
        }
        if joins.is_empty() {
            // Lengths are numbers wherever there are any.
            let [(left, _), (right, _)] = sides.as_slice() else {
                return self.refuse(value.span, "arithmetic");
            };
            let added = self.calculated(Binary::Add, left.clone(), right.clone());
            return Ok(match nan {
                Nan::Fails if added.ty == Ty::Int => added,
                Nan::Fails => self.held(added, &Ty::Json),
                Nan::Text | Nan::Escaped => self.text_of(added, &Nil::Unknown),
            });
        }
        let sum = self.set(&Go { ty: Ty::Json, ..super::nil() });
        self.action(format!("if or {}", joins.join(" ")));
        let mut texts = Vec::new();
        for (side, nil) in &sides {
            texts.push(self.text_of(side.clone(), nil).arg());
        }
        self.action(format!("{} = print {}", sum.text, texts.join(" ")));
        self.action("else");
        let mut numbers = Vec::new();
        for (side, nil) in &sides {
            numbers.push(match side.ty {
                Ty::Json | Ty::OptJson => self.number_of(side, nil),
                _ => side.clone(),
            });
        }
        let [left, right] = numbers.as_slice() else {
            return self.refuse(value.span, "arithmetic");
        };
        if nan == Nan::Escaped && left.ty != Ty::Int && right.ty != Ty::Int {
            let test = format!(
                "and (eq (toString {}) \"-0\") (eq (toString {}) \"-0\")",
                left.text, right.text
            );
            self.fail_if(&test, "a sum is a negative zero");
        }
        let added = self.calculated(Binary::Add, left.clone(), right.clone());
        let added = match nan {
            Nan::Fails => self.held(added, &Ty::Json),
            Nan::Text | Nan::Escaped => self.number_text(added, "NaN"),
        };
        self.action(format!("{} = {}", sum.text, added.text));
        self.action("end");
        Ok(sum)
    }

    /// The sum of values of JSON that is printed.
    pub(super) fn printed_sum(&mut self, value: &Expr, nan: Nan) -> Result<Option<Go>, Refusal> {
        match &value.kind {
            ExprKind::Binary { operator: Binary::Add, left, right }
                if self.exact && self.types.ty(value).is_json() =>
            {
                let sum = self.sum(value, left, right, nan)?;
                Ok(Some(Go { ty: Ty::Text, ..sum }))
            }
            _ => Ok(None),
        }
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
        let text = self.parsed(first)?;
        if !radix_is_ten {
            let test = format!("regexMatch {} {}", quote("^[\\t-\\r ]*[-+]?0[xX]"), text.text);
            self.fail_if(&test, "a number is hexadecimal");
        }
        Ok(self.leading_number(&text, "^[\\t-\\r ]*[-+]?[0-9]+", "^[\\t-\\r ]*[^\\x00-\\x7f]"))
    }

    pub(super) fn parse_float(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let text = self.parsed(value)?;
        Ok(self.leading_number(
            &text,
            "^[\\t-\\r ]*[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?",
            "^[\\t-\\r ]*(?:[^\\x00-\\x7f]|[-+]?Infinity)",
        ))
    }

    /// The text whose beginning is read as a number.
    fn parsed(&mut self, value: &Expr) -> Result<Go, Refusal> {
        let text = if let Some(key) = self.short_data(value) {
            self.data_or_failure(key)
        } else if self.exact && self.types.ty(value).is_json() {
            // Neither "null" nor "undefined" begins with a number.
            let given = self.value(value)?;
            self.text_of(given, &Nil::Null)
        } else {
            self.text(value)?
        };
        Ok(self.keep(text))
    }

    /// The number at the beginning of a text; `other` finds what may be one without digits, or
    /// begins with a white space that Go's patterns do not know.
    fn leading_number(&mut self, text: &Go, pattern: &str, other: &str) -> Go {
        let found =
            self.set(&Go::call(format!("regexFind {} {}", quote(pattern), text.text), Ty::Text));
        let number = self.set(&Go::call(NAN, Ty::Number));
        self.action(format!("if {}", found.text));
        // Beyond its range Go has 0 where JavaScript has an infinity.
        let test =
            format!("or (gt (len {0}) 200) (regexMatch \"[eE][-+]?[0-9]{{3}}\" {0})", found.text);
        self.fail_if(&test, "a number is too large");
        self.action(format!("{} = float64 (trim {})", number.text, found.text));
        self.action(format!("else if regexMatch {} {}", quote(other), text.text));
        self.fail("a value is not a plain number");
        self.action("end");
        number
    }
}

/// A condition of Go.
pub(super) fn is_nan(number: &Go) -> String {
    format!("ne {0} {0}", number.text)
}
