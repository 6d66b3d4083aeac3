//! Between YAML's values and JSON's, as sigs.k8s.io/yaml and `encoding/json` go the way.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Map, Number, Value};

use crate::decode::{Key, Mapping, Yaml, decode};
use crate::error::Error;
use crate::float;
use crate::gosyntax;
use crate::scalar::{self, Scalar};

const CONVERTING: &str = "error converting YAML to JSON: ";
const UNMARSHALING: &str = "error unmarshaling JSON: while decoding JSON: ";

/// `yaml.Unmarshal` into any value.
///
/// Numbers have the digits that Go's JSON has between its two steps; as `f64` they are what
/// `encoding/json` makes of them. Objects are in the order of their keys.
pub fn read(yaml: &[u8]) -> Result<Value, Error> {
    convert(yaml).map_err(|error| error.within(CONVERTING))
}

/// `yaml.Unmarshal` into a `map[string]any`, which an empty document leaves empty.
pub fn read_object(yaml: &[u8]) -> Result<Map<String, Value>, Error> {
    match read(yaml)? {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        other => Err(mismatch(&other, "map[string]interface {}")),
    }
}

/// `yaml.Unmarshal` into a `map[string]string`, in the order of the keys.
///
/// Numbers and booleans become text, numbers with a fraction with the digits of a 32 bit float;
/// null is the empty text. Lists and maps are an error.
pub fn read_strings(yaml: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let converted = decode(yaml).and_then(|yaml| {
        check_keys(&yaml)?;
        match yaml {
            Yaml::Mapping(entries) => {
                let texts = entries.into_iter().map(|(key, value)| (key, as_text(value)));
                value(Yaml::Mapping(texts.collect()))
            }
            other => value(other),
        }
    });
    let object = match converted.map_err(|error| error.within(CONVERTING))? {
        Value::Object(object) => object,
        Value::Null => return Ok(Vec::new()),
        other => return Err(mismatch(&other, "map[string]string")),
    };
    let pairs = object.into_iter().map(|(key, value)| match value {
        Value::String(text) => Ok((key, text)),
        Value::Null => Ok((key, String::new())),
        other => Err(mismatch(&other, "string")),
    });
    pairs.collect()
}

fn as_text(value: Yaml) -> Yaml {
    let text = match value {
        Yaml::Bool(b) => b.to_string(),
        Yaml::Int(i) => i.to_string(),
        Yaml::Uint(u) => u.to_string(),
        Yaml::Float(f) => scalar::short_float(f),
        other => return other,
    };
    Yaml::Text(text.into_bytes())
}

fn mismatch(value: &Value, wanted: &str) -> Error {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    Error::text(format!(
        "{UNMARSHALING}json: cannot unmarshal {kind} into Go value of type {wanted}"
    ))
}

fn convert(yaml: &[u8]) -> Result<Value, Error> {
    decode(yaml).and_then(to_value)
}

/// Go converts all keys before it writes any value.
fn to_value(yaml: Yaml) -> Result<Value, Error> {
    check_keys(&yaml)?;
    value(yaml)
}

fn check_keys(yaml: &Yaml) -> Result<(), Error> {
    match yaml {
        Yaml::Sequence(items) => items.iter().try_for_each(check_keys),
        Yaml::Mapping(entries) => entries.iter().try_for_each(|(key, value)| match key {
            Key::Null | Key::Uint(_) => {
                let (text, kind) = gosyntax::key(key);
                Err(Error::text(format!("unsupported map key of type: {kind}, key: "))
                    .secret(text)
                    .then(", value: ")
                    .secret(gosyntax::value(value)))
            }
            _ => check_keys(value),
        }),
        _ => Ok(()),
    }
}

fn value(yaml: Yaml) -> Result<Value, Error> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(b) => Value::Bool(b),
        Yaml::Int(i) => Value::Number(i.into()),
        Yaml::Uint(u) => Value::Number(u.into()),
        Yaml::Float(f) => number(f)?,
        Yaml::Text(text) => Value::String(lossy(text)),
        Yaml::Sequence(items) => {
            let mut array = Vec::with_capacity(items.len());
            for item in items {
                array.push(value(item)?);
            }
            Value::Array(array)
        }
        Yaml::Mapping(entries) => {
            let mut object = Map::new();
            for (key, entry) in by_name(entries) {
                object.insert(lossy(key), value(entry)?);
            }
            Value::Object(object)
        }
    })
}

fn number(f: f64) -> Result<Value, Error> {
    if !f.is_finite() {
        let name = scalar::float(f);
        return Err(Error::text(format!("json: unsupported value: {name}")));
    }
    // Minus zero keeps its sign in JSON.
    if f == 0.0 && f.is_sign_negative() {
        return Ok(Number::from_f64(f).map_or(Value::Null, Value::Number));
    }
    Ok(scalar::double(f).unwrap_or_default())
}

/// Keys as text. Where `1` and `"1"` are both keys, Go leaves it to chance which one stays; here
/// the text does.
fn by_name(entries: Mapping) -> BTreeMap<Vec<u8>, Yaml> {
    let named = entries.into_iter().map(|(key, value)| {
        let scalar = match key {
            Key::Text(text) => return (text, value),
            Key::Null => Scalar::Null,
            Key::Bool(b) => Scalar::Bool(b),
            Key::Int(i) => Scalar::Int(i),
            Key::Uint(u) => Scalar::Uint(u),
            Key::Float(bits) => Scalar::Float(f64::from_bits(bits)),
        };
        (scalar.into_key().unwrap_or_default().into_bytes(), value)
    });
    named.collect()
}

/// Every byte that is not UTF-8 becomes U+FFFD, as in Go's JSON.
fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| {
        let mut text = String::new();
        for chunk in error.as_bytes().utf8_chunks() {
            text.push_str(chunk.valid());
            text.extend(chunk.invalid().iter().map(|_| '\u{FFFD}'));
        }
        text
    })
}

/// Compact JSON as `encoding/json` writes it.
pub(crate) fn text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(number) => match number.as_f64() {
            Some(f) if number.is_f64() => write_float(out, f),
            _ => out.push_str(&number.to_string()),
        },
        Value::String(text) => write_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(object) => {
            out.push('{');
            for (at, (key, item)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_string(out, key);
                out.push(':');
                write_value(out, item);
            }
            out.push('}');
        }
    }
}

fn write_float(out: &mut String, f: f64) {
    let scientific = float::scientific(f);
    if f == 0.0 || (1e-6..1e21).contains(&f.abs()) {
        out.push_str(&float::plain(&scientific));
        return;
    }
    match scientific.split_once('e') {
        Some((mantissa, exponent)) if !exponent.starts_with('-') => {
            out.push_str(mantissa);
            out.push_str("e+");
            out.push_str(exponent);
        }
        _ => out.push_str(&scientific),
    }
}

fn write_string(out: &mut String, text: &str) {
    out.push('"');
    for rune in text.chars() {
        match rune {
            '"' | '\\' => out.extend(['\\', rune]),
            '\x08' => out.push_str("\\b"),
            '\x0C' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0'..=' ' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if rune != ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(rune));
            }
            _ => out.push(rune),
        }
    }
    out.push('"');
}
