//! Values in Go's own notation, as `%#v` prints them: some error texts quote values so.

use std::fmt::Write;

use crate::decode::{Key, Yaml};
use crate::runes;
use crate::scalar;

/// A value that is not inside another.
pub(crate) fn value(value: &Yaml) -> String {
    let mut out = String::new();
    write_value(&mut out, value, "<nil>");
    out
}

/// A key, and the name of its type.
pub(crate) fn key(key: &Key) -> (String, &'static str) {
    let kind = match key {
        Key::Null => "%!s(<nil>)",
        Key::Bool(_) => "bool",
        Key::Int(_) => "int",
        Key::Uint(_) => "uint64",
        Key::Float(_) => "float64",
        Key::Text(_) => "string",
    };
    let mut out = String::new();
    write_key(&mut out, key, "<nil>");
    (out, kind)
}

fn write_value(out: &mut String, value: &Yaml, nil: &str) {
    match value {
        Yaml::Null => out.push_str(nil),
        Yaml::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Yaml::Int(i) => {
            let _ = write!(out, "{i}");
        }
        Yaml::Uint(u) => {
            let _ = write!(out, "{u:#x}");
        }
        Yaml::Float(f) => out.push_str(&scalar::float(*f)),
        Yaml::Text(text) => quote(out, text),
        Yaml::Sequence(items) => {
            out.push_str("[]interface {}{");
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_value(out, item, "interface {}(nil)");
            }
            out.push('}');
        }
        Yaml::Mapping(entries) => {
            out.push_str("map[interface {}]interface {}{");
            for (at, (key, value)) in entries.iter().enumerate() {
                if at > 0 {
                    out.push_str(", ");
                }
                write_key(out, key, "interface {}(nil)");
                out.push(':');
                write_value(out, value, "interface {}(nil)");
            }
            out.push('}');
        }
    }
}

fn write_key(out: &mut String, key: &Key, nil: &str) {
    match key {
        Key::Null => out.push_str(nil),
        Key::Bool(b) => write_value(out, &Yaml::Bool(*b), nil),
        Key::Int(i) => write_value(out, &Yaml::Int(*i), nil),
        Key::Uint(u) => write_value(out, &Yaml::Uint(*u), nil),
        Key::Float(bits) => write_value(out, &Yaml::Float(f64::from_bits(*bits)), nil),
        Key::Text(text) => quote(out, text),
    }
}

/// Go's `strconv.Quote`.
fn quote(out: &mut String, text: &[u8]) {
    out.push('"');
    for chunk in text.utf8_chunks() {
        for rune in chunk.valid().chars() {
            match rune {
                '"' | '\\' => out.extend(['\\', rune]),
                '\x07' => out.push_str("\\a"),
                '\x08' => out.push_str("\\b"),
                '\x0C' => out.push_str("\\f"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\x0B' => out.push_str("\\v"),
                _ if runes::is_print(rune) => out.push(rune),
                _ => {
                    let code = u32::from(rune);
                    let _ = match code {
                        0..0x20 | 0x7F => write!(out, "\\x{code:02x}"),
                        0x20..0x1_0000 => write!(out, "\\u{code:04x}"),
                        _ => write!(out, "\\U{code:08x}"),
                    };
                }
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
}
