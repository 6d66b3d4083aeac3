//! `toYaml` and `fromYaml`, which External Secrets Operator adds to sprig's functions.

use goyaml::{Error, Limit};
use serde_json::{Map, Value as Json};

use super::arguments::{any, text};
use super::{Call, Failure, Function, Type};
use crate::json::{self, Failure as Unwritten};
use crate::limits::LimitExceeded;
use crate::value::Value;

use Type::{Any, String};

pub(super) const FUNCTIONS: &[Function] =
    &[Function::new("fromYaml", &[String], from_yaml), Function::new("toYaml", &[Any], to_yaml)];

/// Counts what reading a text can take: one value behind each of these characters.
fn prepare(call: &mut Call<'_>, yaml: &[u8]) -> Result<(), Failure> {
    call.work(yaml.len() / 16)?;
    let values = yaml.iter().filter(|b| b"\n,:-?[{".contains(b)).count();
    call.reserve(values.saturating_mul(64).saturating_add(yaml.len()))
}

/// An empty text for what JSON or YAML does not have. The last line break is left out.
fn to_yaml(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let limit = *call.value_bytes_left;
    let json = match json::encode_within(any(arguments, 0), true, None, limit) {
        Ok(json) => json,
        Err(Unwritten::Error(_)) => return Ok(Value::string("")),
        Err(Unwritten::TooLarge) => return Err(Failure::Limit(LimitExceeded::Values)),
    };
    prepare(call, &json)?;
    let yaml = match goyaml::json_to_yaml(&json, *call.value_bytes_left) {
        Ok(yaml) => yaml,
        Err(error) => {
            within_limits(&error)?;
            return Ok(Value::string(""));
        }
    };
    call.reserve(yaml.len())?;
    Ok(Value::string(yaml.strip_suffix('\n').unwrap_or(&yaml)))
}

/// Always a map; what is wrong stands under the key `Error`.
fn from_yaml(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let yaml = text(arguments, 0);
    prepare(call, yaml)?;
    let object = match goyaml::read_object(yaml) {
        Ok(object) => object,
        Err(error) => {
            within_limits(&error)?;
            Map::from_iter([("Error".to_owned(), Json::String(error.reveal()))])
        }
    };
    // Aliases can make more of a text than it shows.
    call.reserve(size(&object))?;
    Ok(from_object(object))
}

fn within_limits(error: &Error) -> Result<(), Failure> {
    match error.reached() {
        None => Ok(()),
        Some(Limit::Depth) => Err(Failure::Limit(LimitExceeded::Depth)),
        Some(Limit::Size) => Err(Failure::Limit(LimitExceeded::Values)),
    }
}

fn size(object: &Map<std::string::String, Json>) -> usize {
    fn bytes(json: &Json) -> usize {
        match json {
            Json::String(text) => text.len() + 64,
            Json::Array(items) => items.iter().map(bytes).sum::<usize>() + 64,
            Json::Object(object) => size(object) + 64,
            _ => 64,
        }
    }
    object.iter().map(|(key, value)| key.len() + 64 + bytes(value)).sum()
}

fn from_object(object: Map<std::string::String, Json>) -> Value {
    Value::map(object.into_iter().map(|(key, value)| (key.into_bytes().into(), from_json(value))))
}

fn from_json(json: Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::string(text),
        Json::Array(items) => Value::list(items.into_iter().map(from_json)),
        Json::Object(object) => from_object(object),
    }
}
