//! `eq`, `lt` and the comparisons made of them.

use std::cmp::Ordering;
use std::rc::Rc;

use crate::error::Message;
use crate::fmt;
use crate::funcs::{Call, Failure};
use crate::value::Value;

/// A value of a type that has an order, or at least equality.
enum Basic<'v> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Float(f64),
    String(&'v [u8]),
}

impl<'v> Basic<'v> {
    fn of(value: &'v Value) -> Option<Self> {
        Some(match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::Int(value, _) | Value::Duration(value) => Self::Int(*value),
            Value::Uint(value, _) => Self::Uint(*value),
            Value::Float(value) => Self::Float(*value),
            Value::String(bytes) => Self::String(bytes),
            other => Self::Int(other.integer()?),
        })
    }
}

/// Compares two numbers of any sign.
fn signed_with_unsigned(signed: i64, unsigned: u64) -> Ordering {
    u64::try_from(signed).map_or(Ordering::Less, |signed| signed.cmp(&unsigned))
}

/// Whether `first` equals any of the others.
pub(super) fn eq(call: &mut Call<'_>, first: &Value, others: &[Value]) -> Result<bool, Failure> {
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        let equal = match (Basic::of(first), Basic::of(other)) {
            (Some(Basic::Bool(a)), Some(Basic::Bool(b))) => a == b,
            (Some(Basic::Int(a)), Some(Basic::Int(b))) => a == b,
            (Some(Basic::Uint(a)), Some(Basic::Uint(b))) => a == b,
            (Some(Basic::Float(a)), Some(Basic::Float(b))) => a == b,
            (Some(Basic::String(a)), Some(Basic::String(b))) => a == b,
            (Some(Basic::Int(a)), Some(Basic::Uint(b)))
            | (Some(Basic::Uint(b)), Some(Basic::Int(a))) => {
                signed_with_unsigned(a, b) == Ordering::Equal
            }
            (None, None) => others_equal(call, first, other)?,
            _ if is_invalid(first) || is_invalid(other) => false,
            _ => return Err(incompatible(first, other)),
        };
        if equal {
            return Ok(true);
        }
    }
    Ok(false)
}

/// `<`
pub(super) fn lt(a: &Value, b: &Value) -> Result<bool, Failure> {
    let (Some(left), Some(right)) = (Basic::of(a), Basic::of(b)) else {
        return Err(no_order());
    };
    Ok(match (left, right) {
        (Basic::Int(a), Basic::Int(b)) => a < b,
        (Basic::Uint(a), Basic::Uint(b)) => a < b,
        (Basic::Float(a), Basic::Float(b)) => a < b,
        (Basic::String(a), Basic::String(b)) => a < b,
        (Basic::Int(a), Basic::Uint(b)) => signed_with_unsigned(a, b) == Ordering::Less,
        (Basic::Uint(a), Basic::Int(b)) => signed_with_unsigned(b, a) == Ordering::Greater,
        (Basic::Bool(_), Basic::Bool(_)) => return Err(no_order()),
        _ => return Err(incompatible(a, b)),
    })
}

/// `<=`, which is `<` or `==`.
pub(super) fn le(call: &mut Call<'_>, a: &Value, b: &Value) -> Result<bool, Failure> {
    if lt(a, b)? {
        return Ok(true);
    }
    eq(call, a, std::slice::from_ref(b))
}

fn no_order() -> Failure {
    "invalid type for comparison".into()
}

fn incompatible(a: &Value, b: &Value) -> Failure {
    let (a, b) = (a.type_name(), b.type_name());
    Message::from(format!("incompatible types for comparison: {a} and {b}")).into()
}

fn is_invalid(value: &Value) -> bool {
    matches!(value, Value::Nil | Value::Absent)
}

/// Equality of values that are no basic ones.
fn others_equal(call: &mut Call<'_>, a: &Value, b: &Value) -> Result<bool, Failure> {
    if a.kind_name() != b.kind_name() && !is_invalid(a) && !is_invalid(b) {
        let message = Message::from("non-comparable types ")
            .secret(fmt::sprintf(call, b"%s", std::slice::from_ref(a))?)
            .text(format!(": {}, {}: ", a.type_name(), b.type_name()))
            .secret(fmt::display(call, b)?);
        return Err(message.into());
    }
    if a.is_nil() || b.is_nil() {
        return Ok(a.is_nil() == b.is_nil());
    }
    match (a, b) {
        (_, Value::List(_) | Value::Map(_)) => {
            let message = Message::from("non-comparable type ")
                .secret(fmt::sprintf(call, b"%s", std::slice::from_ref(b))?)
                .text(format!(": {}", b.type_name()));
            Err(message.into())
        }
        (Value::Time(a), Value::Time(b)) => Ok(a == b),
        (Value::Object(a), Value::Object(b)) if a.kind() == "ptr" => Ok(Rc::ptr_eq(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            Ok(a.type_name() == b.type_name() && a.text() == b.text())
        }
        _ => Ok(false),
    }
}
