//! How spf13/cast turns any value into a number.

use crate::strconv::{parse_float, parse_int};
use crate::value::Value;

/// `cast.ToInt64`: 0 for what is no number.
pub(in crate::funcs) fn to_int64(value: &Value) -> i64 {
    match value {
        Value::Bool(value) => i64::from(*value),
        Value::Int(number, _) | Value::Duration(number) => *number,
        Value::Uint(number, _) => number.cast_signed(),
        Value::Float(number) => truncated(*number),
        Value::String(text) => parse_int(whole_part(text), 0).unwrap_or_default(),
        Value::Object(object) => object.integer().unwrap_or_default(),
        _ => 0,
    }
}

/// `cast.ToFloat64`: 0 for what is no number, and for numbers that are too large.
#[expect(clippy::cast_precision_loss, reason = "Go converts so too")]
pub(in crate::funcs) fn to_float64(value: &Value) -> f64 {
    match value {
        Value::Float(number) => *number,
        Value::Uint(number, _) => *number as f64,
        Value::String(text) => parse_float(text).unwrap_or_default(),
        other => to_int64(other) as f64,
    }
}

/// Go's `int64(number)` on amd64: what does not fit is the least number.
#[expect(clippy::cast_possible_truncation, reason = "checked")]
pub(in crate::funcs) fn truncated(number: f64) -> i64 {
    if (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&number) {
        number as i64
    } else {
        i64::MIN
    }
}

/// A decimal number without what follows its point; other texts as they are.
fn whole_part(text: &[u8]) -> &[u8] {
    let Some(point) = text.iter().position(|&byte| byte == b'.') else { return text };
    let (whole, fraction) = text.split_at(point);
    let digits = whole.strip_prefix(b"-").or(whole.strip_prefix(b"+")).unwrap_or(whole);
    let fraction = fraction.strip_prefix(b".").unwrap_or_default();
    if !digits.iter().chain(fraction).all(u8::is_ascii_digit) {
        return text;
    }
    if digits.is_empty() { b"0" } else { whole }
}
