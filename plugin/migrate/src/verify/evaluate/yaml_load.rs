//! YAML as js-yaml 3 loads it, as far as that is what the reader of manifests sees.
//!
//! The structure comes from the manifest reader, which follows kubectl; what a bare word means is
//! decided anew here, since the two differ in it: `yes` is a text to js-yaml.

use std::rc::Rc;

use extsecret_manifest::node::{Node, Style, Value};
use extsecret_manifest::read::{Content, Limits, read};
use extsecret_manifest::source::{FileId, SourceFile};

use super::yaml_dump::{is_date, is_float, is_integer, unsigned};
use super::{Halt, call, throws, unmodelled};
use crate::verify::js::{Js, Object, number, utf16};

const DEEP: Halt = unmodelled("YAML with tags, anchors or other forms of its own");

/// `yaml.load(text)`
pub(super) fn load(text: &[u16]) -> Result<Js, Halt> {
    let Ok(text) = String::from_utf16(text) else { return Err(DEEP) };
    if has_own_forms(&text) {
        return Err(DEEP);
    }
    let file = SourceFile::new("", text);
    let documents = read(FileId(0), &file, &Limits::default());
    let mut found = None;
    for document in &documents {
        match &document.content {
            Content::Empty => {}
            Content::Broken(_) => return Err(unmodelled("YAML that cannot be read")),
            Content::Node(_) if found.is_some() => {
                return Err(throws("the YAML has several documents"));
            }
            Content::Node(node) => found = Some(node),
        }
    }
    found.map_or(Ok(Js::Undefined), |node| value(node, &file))
}

/// Tags, anchors, aliases, merge keys and directives. A text in quotes may look like one.
fn has_own_forms(text: &str) -> bool {
    let mut before = '\n';
    text.chars().any(|c| {
        let starts = before.is_whitespace() || "[{,:-".contains(before);
        before = c;
        starts && matches!(c, '&' | '*' | '!' | '%' | '?')
    }) || text.contains("<<")
}

fn value(node: &Node, file: &SourceFile) -> Result<Js, Halt> {
    Ok(match &node.value {
        Value::Sequence(items) => {
            let items: Result<Vec<Js>, Halt> = items.iter().map(|it| value(it, file)).collect();
            Js::Array(Rc::new(items?))
        }
        Value::Mapping(entries) => {
            let mut object = Object::default();
            for entry in entries {
                let raw = file.slice(entry.key_span);
                let key = match raw.chars().next() {
                    None => return Err(DEEP),
                    Some('"' | '\'') => utf16(&entry.key),
                    Some(_) => word(raw)?.to_text(),
                };
                call::settable(&key)?;
                object.set(key, value(&entry.value, file)?);
            }
            Js::Object(Rc::new(object))
        }
        Value::Null if node.span.is_empty() => Js::Null,
        scalar if node.style == Style::Plain => {
            let raw = file.slice(node.span).trim();
            match (raw.contains('\n'), scalar) {
                // Several lines are always a text.
                (true, Value::String(text)) => Js::text(text),
                (true, _) => return Err(DEEP),
                (false, scalar) => match (word(raw)?, scalar) {
                    (Js::String(text), Value::String(seen)) if *text != *utf16(seen) => {
                        return Err(DEEP);
                    }
                    (word, _) => word,
                },
            }
        }
        Value::String(text) if node.style != Style::None => Js::text(text),
        _ => return Err(DEEP),
    })
}

/// What a bare word is.
fn word(raw: &str) -> Result<Js, Halt> {
    Ok(match raw {
        "" | "~" | "null" | "Null" | "NULL" => Js::Null,
        "true" | "True" | "TRUE" => Js::Bool(true),
        "false" | "False" | "FALSE" => Js::Bool(false),
        _ if is_integer(raw) => Js::Number(integer(raw)),
        _ if is_float(raw) => Js::Number(float(raw)),
        _ if is_date(raw) || starts_like_a_date(raw) => {
            return Err(unmodelled("a date in YAML"));
        }
        _ if is_sexagesimal(raw) => return Err(unmodelled("a number to the base of 60 in YAML")),
        _ => Js::text(raw),
    })
}

fn sign(raw: &str) -> f64 {
    if raw.starts_with('-') { -1.0 } else { 1.0 }
}

fn integer(raw: &str) -> f64 {
    let digits: String = unsigned(raw).chars().filter(|c| *c != '_').collect();
    let of = |digits: &str, radix: u32| {
        let digits = digits.chars().filter_map(|c| c.to_digit(radix));
        digits.fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit))
    };
    let value = if let Some(rest) = digits.strip_prefix("0b") {
        of(rest, 2)
    } else if let Some(rest) = digits.strip_prefix("0x") {
        of(rest, 16)
    } else if digits.starts_with('0') {
        of(&digits, 8)
    } else {
        digits.parse().unwrap_or(f64::NAN)
    };
    if value == 0.0 { 0.0 } else { sign(raw) * value }
}

fn float(raw: &str) -> f64 {
    match unsigned(raw) {
        ".inf" | ".Inf" | ".INF" => sign(raw) * f64::INFINITY,
        digits => {
            let digits: String = digits.chars().filter(|c| *c != '_').collect();
            sign(raw) * number::from_text(&utf16(&digits))
        }
    }
}

/// `2001-01-01 ...` and `2001-1-1T...`
fn starts_like_a_date(raw: &str) -> bool {
    let mut parts = raw.splitn(3, '-');
    let digits = |part: Option<&str>| {
        part.is_some_and(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
    };
    raw.len() > 8
        && digits(parts.next())
        && digits(parts.next())
        && parts.next().is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        && raw.contains(':')
}

/// `1:30`
fn is_sexagesimal(raw: &str) -> bool {
    let digits = |c: char| c.is_ascii_digit() || matches!(c, ':' | '_' | '.');
    let text = unsigned(raw);
    text.contains(':') && text.chars().all(digits) && text.starts_with(|c: char| c != ':')
}
