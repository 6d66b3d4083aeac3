//! The arguments of a call, by place. The executor has checked them against the signature, so a
//! place that holds something else is one that no template reaches.

use crate::error::Message;
use crate::value::{Bytes, Element, Map, Value};

use super::{Call, Failure};

/// An argument of any type.
pub(super) fn any(arguments: &[Value], index: usize) -> &Value {
    arguments.get(index).unwrap_or(&Value::Nil)
}

/// A `string`.
pub(super) fn text(arguments: &[Value], index: usize) -> &[u8] {
    match arguments.get(index) {
        Some(Value::String(text)) => text,
        _ => b"",
    }
}

/// An `int`.
pub(super) fn int(arguments: &[Value], index: usize) -> i64 {
    match arguments.get(index) {
        Some(Value::Int(number, _)) => *number,
        _ => 0,
    }
}

/// A `bool`.
pub(super) fn bool(arguments: &[Value], index: usize) -> bool {
    matches!(arguments.get(index), Some(Value::Bool(true)))
}

/// A `map[string]interface {}`; a nil map for a nil.
pub(super) fn dict(arguments: &[Value], index: usize) -> Map {
    match arguments.get(index) {
        Some(Value::Map(map)) => map.clone(),
        _ => nil_dict(),
    }
}

/// The arguments from this place on.
pub(super) fn rest(arguments: &[Value], index: usize) -> &[Value] {
    arguments.get(index..).unwrap_or_default()
}

fn nil_dict() -> Map {
    let mut map = Map::new(Element::Any, []);
    map.nil = true;
    map
}

/// A string as a result, counted against the limit.
pub(super) fn made(call: &mut Call<'_>, text: impl AsRef<[u8]>) -> Result<Value, Failure> {
    let text = text.as_ref();
    call.reserve(text.len())?;
    Ok(Value::string(text))
}

/// A `[]string` as a result, counted against the limit.
pub(super) fn made_strings<'t>(
    call: &mut Call<'_>,
    texts: impl IntoIterator<Item = &'t [u8]>,
) -> Result<Value, Failure> {
    let mut items: Vec<Bytes> = Vec::new();
    for text in texts {
        call.reserve(text.len() + size_of::<Value>())?;
        items.push(text.into());
    }
    Ok(Value::strings(items))
}

/// A part of an error that may show a value: secret, unless the whole call is literal.
pub(super) fn shown(call: &Call<'_>, message: Message, part: impl Into<Vec<u8>>) -> Message {
    let part = part.into();
    match String::from_utf8(part) {
        Ok(part) if call.literal => message.text(part),
        Ok(part) => message.secret(part),
        Err(error) => message.secret(error.into_bytes()),
    }
}
