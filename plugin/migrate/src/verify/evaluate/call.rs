//! Functions of the language, Node, js-yaml and lodash.

use std::rc::Rc;

use super::operator::to_number;
use super::{Halt, encode, throws, unmodelled, yaml_dump, yaml_load};
use crate::lodash::ir::Function;
use crate::verify::js::{Js, Object, Text, json, number, utf16};

/// The result of a function.
pub(super) fn function(function: Function, arguments: &[Js]) -> Result<Js, Halt> {
    let undefined = Js::Undefined;
    let first = arguments.first().unwrap_or(&undefined);
    let second = arguments.get(1).unwrap_or(&undefined);
    Ok(match function {
        Function::JsonParse => json::parse(&first.to_text())?,
        Function::JsonStringify => {
            if !second.is_nullish() {
                return Err(unmodelled("a replacer of JSON.stringify"));
            }
            let indent = indent(arguments.get(2));
            match json::stringify(first, &indent) {
                Some(text) => Js::String(text.into()),
                None => Js::Undefined,
            }
        }
        Function::YamlDump => Js::text(&yaml_dump::dump(first)?),
        Function::YamlLoad => yaml_load::load(&first.to_text())?,
        Function::Escape => Js::String(escape(first).into()),
        Function::EncodeUriComponent => Js::String(encode::percent(&first.to_text(), b"")?.into()),
        Function::EncodeUri => {
            Js::String(encode::percent(&first.to_text(), b";/?:@&=+$,#")?.into())
        }
        Function::DecodeUriComponent => Js::String(encode::unpercent(&first.to_text())?.into()),
        Function::String if arguments.is_empty() => Js::text(""),
        Function::String => Js::String(first.to_text()),
        Function::Number if arguments.is_empty() => Js::Number(0.0),
        Function::Number => Js::Number(to_number(first)),
        Function::Boolean => Js::Bool(first.truthy()),
        Function::ParseInt => {
            let radix = to_number(second);
            if !(-1e9..1e9).contains(&radix) && !radix.is_nan() {
                return Err(unmodelled("a radix beyond all numbers"));
            }
            #[expect(clippy::cast_possible_truncation, reason = "it is in range")]
            Js::Number(number::parse_int(&first.to_text(), radix as i32))
        }
        Function::ParseFloat => Js::Number(number::parse_float(&first.to_text())),
        Function::IsArray => Js::Bool(matches!(first, Js::Array(_))),
        Function::Keys => Js::Array(Rc::new(
            entries(first)?.into_iter().map(|(name, _)| Js::String(name)).collect(),
        )),
        Function::Values => {
            Js::Array(Rc::new(entries(first)?.into_iter().map(|(_, value)| value).collect()))
        }
        Function::Entries => {
            let pair = |(name, value)| Js::Array(Rc::new(vec![Js::String(name), value]));
            Js::Array(Rc::new(entries(first)?.into_iter().map(pair).collect()))
        }
        Function::FromEntries => from_entries(first)?,
        Function::Assign => {
            let mut object = Object::default();
            for source in arguments.iter().filter(|source| !source.is_nullish()) {
                for (name, value) in entries(source)? {
                    settable(&name)?;
                    object.set(name, value);
                }
            }
            Js::Object(Rc::new(object))
        }
    })
}

/// Refuses the one name that sets a prototype where it is set like a member.
pub(super) fn settable(name: &[u16]) -> Result<(), Halt> {
    if "__proto__".encode_utf16().eq(name.iter().copied()) {
        return Err(unmodelled("a prototype that is set"));
    }
    Ok(())
}

/// The third argument of `JSON.stringify`: a number of blanks or a text, at most ten.
fn indent(argument: Option<&Js>) -> String {
    match argument {
        Some(Js::Number(n)) if *n >= 1.0 => {
            let blanks = (1..=10u8).rev().find(|count| f64::from(*count) <= *n).unwrap_or(0);
            " ".repeat(usize::from(blanks))
        }
        Some(Js::String(text)) => String::from_utf16_lossy(text.get(..10).unwrap_or(text)),
        _ => String::new(),
    }
}

/// `Object.entries(value)`
fn entries(value: &Js) -> Result<Vec<(Text, Js)>, Halt> {
    Ok(match value {
        Js::Undefined | Js::Null => return Err(throws("null and undefined have no members")),
        Js::Object(object) => object.entries().map(|(name, value)| (name, value.clone())).collect(),
        Js::Array(items) => {
            items.iter().enumerate().map(|(i, item)| (place(i), item.clone())).collect()
        }
        Js::String(text) => text
            .iter()
            .enumerate()
            .map(|(i, unit)| (place(i), Js::String(Rc::from([*unit]))))
            .collect(),
        Js::Bytes(bytes) => bytes
            .iter()
            .enumerate()
            .map(|(i, byte)| (place(i), Js::Number(f64::from(*byte))))
            .collect(),
        Js::Bool(_) | Js::Number(_) => Vec::new(),
    })
}

fn place(index: usize) -> Text {
    utf16(&index.to_string())
}

/// `Object.keys(value)`
pub(super) fn keys(value: &Js) -> Result<Vec<Text>, Halt> {
    Ok(entries(value)?.into_iter().map(|(name, _)| name).collect())
}

fn from_entries(list: &Js) -> Result<Js, Halt> {
    let Js::Array(items) = list else {
        return Err(throws("Object.fromEntries is given what is no list"));
    };
    let mut object = Object::default();
    for item in items.iter() {
        let Js::Array(pair) = item else {
            return Err(throws("an entry is no array"));
        };
        let part = |i: usize| pair.get(i).cloned().unwrap_or(Js::Undefined);
        object.set(part(0).to_text(), part(1));
    }
    Ok(Js::Object(Rc::new(object)))
}

/// A string by code points, as loops take it.
pub(super) fn code_points(text: &[u16]) -> Vec<Js> {
    char::decode_utf16(text.iter().copied())
        .map(|point| match point {
            Ok(c) => Js::String(c.encode_utf16(&mut [0; 2]).to_vec().into()),
            Err(half) => Js::String(Rc::from([half.unpaired_surrogate()])),
        })
        .collect()
}

/// lodash's `_.escape`: null and undefined are empty, and zero keeps its sign.
pub(super) fn escape(value: &Js) -> Vec<u16> {
    let mut text = Vec::new();
    if !value.is_nullish() {
        lodash_text(value, &mut text);
    }
    let mut out = Vec::with_capacity(text.len());
    for unit in text {
        let entity = match u8::try_from(unit) {
            Ok(b'&') => "&amp;",
            Ok(b'<') => "&lt;",
            Ok(b'>') => "&gt;",
            Ok(b'"') => "&quot;",
            Ok(b'\'') => "&#39;",
            _ => {
                out.push(unit);
                continue;
            }
        };
        out.extend(entity.encode_utf16());
    }
    out
}

/// lodash's own conversion to a string, by which `-0` is `-0` and null in a list is `null`.
fn lodash_text(value: &Js, out: &mut Vec<u16>) {
    match value {
        Js::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(u16::from(b','));
                }
                lodash_text(item, out);
            }
        }
        Js::Number(n) if *n == 0.0 && n.is_sign_negative() => out.extend("-0".encode_utf16()),
        other => other.write(out),
    }
}
