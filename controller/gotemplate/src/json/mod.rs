//! JSON as Go's `encoding/json` reads and writes it.

use std::ops::Range;

use crate::error::Message;
use crate::value::Value;

mod read;
mod scan;
mod write;

pub(crate) use read::decode_what_fits;
pub(crate) use write::{Failure, encode_within};

/// Far above anything that fits into a Secret.
const MAX_BYTES: usize = 1 << 28;

/// A key, and where in the text its value is.
pub type Member = (Vec<u8>, Range<usize>);

/// Reads a JSON text as `json.Unmarshal` does into an `interface {}`: numbers are `float64`, the
/// last of equal keys wins, and what is not UTF-8 becomes U+FFFD.
///
/// # Errors
/// Go's, with the offending part marked as secret.
pub fn decode(json: &[u8]) -> Result<Value, Message> {
    match decode_what_fits(json)? {
        (value, None) => Ok(value),
        (_, Some(message)) => Err(message),
    }
}

/// Writes a value as `json.Marshal` does, or as `json.MarshalIndent` with an empty prefix.
/// `escape_html` is true there; a `json.Encoder` can switch it off.
///
/// # Errors
/// Go's, for numbers that JSON does not have, and one of our own for texts of more than 256 MiB.
pub fn encode(value: &Value, escape_html: bool, indent: Option<&str>) -> Result<Vec<u8>, Message> {
    encode_within(value, escape_html, indent, MAX_BYTES).map_err(|failure| match failure {
        Failure::Error(message) => message,
        Failure::TooLarge => "json: the value is too large".into(),
    })
}

/// The members of a JSON object as `json.Unmarshal` into a `map[string]json.RawMessage` sees
/// them, but in the order of the text and with all of several equal keys: each key with the
/// range of its value's raw text. `null` has no members.
///
/// # Errors
/// Go's, with the offending part marked as secret.
pub fn members(json: &[u8]) -> Result<Vec<Member>, Message> {
    read::members(json)
}

/// Reads a JSON text as `json.Unmarshal` does into a `string`; `null` leaves it empty.
///
/// # Errors
/// Go's, with the offending part marked as secret.
pub fn decode_string(json: &[u8]) -> Result<Vec<u8>, Message> {
    let kind = match decode_what_fits(json)?.0 {
        Value::String(text) => return Ok(text.to_vec()),
        Value::Bool(_) => "bool",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ if json.trim_ascii() == b"null" => return Ok(Vec::new()),
        _ => "number",
    };
    Err(format!("json: cannot unmarshal {kind} into Go value of type string").into())
}

/// The string that a JSON text stands for, empty for `null`; `None` if it is another value, or
/// not JSON. Go programs that try a string first, as ESO does with the members of an object, see
/// `null` so.
pub fn unquote(raw: &[u8]) -> Option<Vec<u8>> {
    // Objects and lists can be large.
    let first = raw.trim_ascii_start().first()?;
    if !matches!(first, b'"' | b'n') {
        return None;
    }
    decode_string(raw).ok()
}

#[cfg(test)]
mod tests;
