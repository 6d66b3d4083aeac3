//! Operators of ECMAScript on the values of a template.

use std::cmp::Ordering;
use std::rc::Rc;

use super::{Halt, throws};
use crate::lodash::ir::{Binary, Logical, Unary};
use crate::verify::js::{Js, number};

/// `Number(value)`
pub(super) fn to_number(value: &Js) -> f64 {
    match value {
        Js::Undefined => f64::NAN,
        Js::Null => 0.0,
        Js::Bool(b) => f64::from(u8::from(*b)),
        Js::Number(n) => *n,
        other => number::from_text(&other.to_text()),
    }
}

/// `ToIntegerOrInfinity(value)`
pub(super) fn to_integer(value: &Js) -> f64 {
    let number = to_number(value);
    if number.is_nan() { 0.0 } else { number.trunc() }
}

/// What a number is as an element of a Buffer: its lowest eight bits.
pub(super) fn to_byte(value: &Js) -> u8 {
    let number = to_number(value).trunc().rem_euclid(256.0);
    (0..=255u8).find(|byte| (f64::from(*byte) - number).abs() < 0.5).unwrap_or(0)
}

pub(super) fn unary(operator: Unary, operand: &Js) -> Js {
    match operator {
        Unary::Not => Js::Bool(!operand.truthy()),
        Unary::Plus => Js::Number(to_number(operand)),
        Unary::Minus => Js::Number(-to_number(operand)),
        Unary::Typeof => Js::text(match operand {
            Js::Undefined => "undefined",
            Js::Bool(_) => "boolean",
            Js::Number(_) => "number",
            Js::String(_) => "string",
            Js::Null | Js::Array(_) | Js::Object(_) | Js::Bytes(_) => "object",
        }),
    }
}

/// Whether `left` does not settle it.
pub(super) fn needs_right(operator: Logical, left: &Js) -> bool {
    match operator {
        Logical::And => left.truthy(),
        Logical::Or => !left.truthy(),
        Logical::Coalesce => left.is_nullish(),
    }
}

pub(super) fn binary(operator: Binary, left: &Js, right: &Js) -> Result<Js, Halt> {
    let numbers =
        |compute: fn(f64, f64) -> f64| Js::Number(compute(to_number(left), to_number(right)));
    Ok(match operator {
        Binary::Add if is_text(left) || is_text(right) => {
            let mut out = Vec::new();
            left.write(&mut out);
            right.write(&mut out);
            Js::String(out.into())
        }
        Binary::Add => numbers(|a, b| a + b),
        Binary::Sub => numbers(|a, b| a - b),
        Binary::Mul => numbers(|a, b| a * b),
        Binary::Div => numbers(|a, b| a / b),
        Binary::Rem => numbers(|a, b| a % b),
        Binary::Same => Js::Bool(same(left, right)),
        Binary::NotSame => Js::Bool(!same(left, right)),
        Binary::Equal => Js::Bool(equal(left, right)),
        Binary::NotEqual => Js::Bool(!equal(left, right)),
        Binary::Less => compare(left, right, |a, b| a < b, Ordering::is_lt),
        Binary::LessOrEqual => compare(left, right, |a, b| a <= b, Ordering::is_le),
        Binary::Greater => compare(left, right, |a, b| a > b, Ordering::is_gt),
        Binary::GreaterOrEqual => compare(left, right, |a, b| a >= b, Ordering::is_ge),
        Binary::In => match right {
            Js::Object(_) | Js::Array(_) => Js::Bool(has_own(right, left)),
            _ => return Err(throws("`in` looks into what is no object")),
        },
    })
}

/// Whether `object` itself has the member.
pub(super) fn has_own(object: &Js, name: &Js) -> bool {
    let name = name.to_text();
    match object {
        Js::Object(object) => object.get(&name).is_some(),
        Js::Array(_) | Js::String(_) => {
            object.member(&name).is_ok_and(|value| !matches!(value, Js::Undefined))
        }
        _ => false,
    }
}

/// What `+` takes as text: a string, or what only has a text.
fn is_text(value: &Js) -> bool {
    matches!(value, Js::String(_) | Js::Array(_) | Js::Object(_) | Js::Bytes(_))
}

fn compare(
    left: &Js,
    right: &Js,
    of_numbers: fn(f64, f64) -> bool,
    of_texts: fn(Ordering) -> bool,
) -> Js {
    Js::Bool(if is_text(left) && is_text(right) {
        of_texts(left.to_text().cmp(&right.to_text()))
    } else {
        of_numbers(to_number(left), to_number(right))
    })
}

/// `===`
#[expect(clippy::float_cmp, reason = "this is the comparison that JavaScript makes")]
pub(super) fn same(left: &Js, right: &Js) -> bool {
    match (left, right) {
        (Js::Undefined, Js::Undefined) | (Js::Null, Js::Null) => true,
        (Js::Bool(a), Js::Bool(b)) => a == b,
        (Js::Number(a), Js::Number(b)) => a == b,
        (Js::String(a), Js::String(b)) => a == b,
        (Js::Array(a), Js::Array(b)) => Rc::ptr_eq(a, b),
        (Js::Object(a), Js::Object(b)) => Rc::ptr_eq(a, b),
        (Js::Bytes(a), Js::Bytes(b)) => Rc::ptr_eq(a, b),
        _ => false,
    }
}

/// `==`
#[expect(clippy::float_cmp, reason = "this is the comparison that JavaScript makes")]
fn equal(left: &Js, right: &Js) -> bool {
    let is_object = |value: &Js| matches!(value, Js::Array(_) | Js::Object(_) | Js::Bytes(_));
    if left.is_nullish() || right.is_nullish() {
        return left.is_nullish() && right.is_nullish();
    }
    match (left, right) {
        (Js::String(a), Js::String(b)) => a == b,
        (Js::String(text), other) | (other, Js::String(text)) if is_object(other) => {
            *text == other.to_text()
        }
        (a, b) if is_object(a) && is_object(b) => same(a, b),
        _ => to_number(left) == to_number(right),
    }
}
