//! `fromJson`, `toJson` and their kin.

use super::arguments::{any, text};
use super::{Call, Failure, Function, Type};
use crate::json::{self, Failure as Unwritten};
use crate::limits::LimitExceeded;
use crate::value::Value;

use Type::{Any, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("fromJson", &[String], from_json),
    Function::new("mustFromJson", &[String], must_from_json),
    Function::new("mustToJson", &[Any], must_to_json),
    Function::new("mustToPrettyJson", &[Any], must_to_pretty_json),
    Function::new("mustToRawJson", &[Any], to_raw_json),
    Function::new("toJson", &[Any], to_json),
    Function::new("toPrettyJson", &[Any], to_pretty_json),
    Function::new("toRawJson", &[Any], to_raw_json),
];

/// Counts what reading a text can take: most for a list of empty lists.
fn prepare<'a>(call: &mut Call<'_>, arguments: &'a [Value]) -> Result<&'a [u8], Failure> {
    let json = text(arguments, 0);
    call.work(json.len() / 16)?;
    let values = memchr::memchr3_iter(b',', b'[', b'{', json).count();
    call.reserve(values.saturating_mul(64).saturating_add(json.len()))?;
    Ok(json)
}

/// A nil for what is not JSON; what could be read when only numbers are too large.
fn from_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let json = prepare(call, arguments)?;
    Ok(json::decode_what_fits(json).map(|(value, _)| value).unwrap_or_default())
}

fn must_from_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let json = prepare(call, arguments)?;
    Ok(json::decode(json)?)
}

fn written(
    call: &mut Call<'_>,
    arguments: &[Value],
    escape_html: bool,
    indent: Option<&str>,
) -> Result<Value, Failure> {
    let limit = *call.value_bytes_left;
    match json::encode_within(any(arguments, 0), escape_html, indent, limit) {
        Ok(json) => {
            call.reserve(json.len())?;
            call.work(json.len() / 16)?;
            Ok(Value::string(json))
        }
        Err(Unwritten::Error(message)) => Err(message.into()),
        Err(Unwritten::TooLarge) => Err(Failure::Limit(LimitExceeded::Values)),
    }
}

/// An empty text for what JSON does not have.
fn or_empty(result: Result<Value, Failure>) -> Result<Value, Failure> {
    match result {
        Err(Failure::Error(_)) => Ok(Value::string("")),
        other => other,
    }
}

fn must_to_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    written(call, arguments, true, None)
}

fn to_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    or_empty(must_to_json(call, arguments))
}

fn must_to_pretty_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    written(call, arguments, true, Some("  "))
}

fn to_pretty_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    or_empty(must_to_pretty_json(call, arguments))
}

fn to_raw_json(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    written(call, arguments, false, None)
}
