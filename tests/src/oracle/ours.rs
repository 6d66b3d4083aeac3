//! What our crates answer, in the form of Go's answers.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gotemplate::{Delimiters, Environment, ErrorKind, Limits, MissingKey, Options, Template, json};
use serde_json::Value;

use super::{Line, Mode};

/// The answer to a case.
///
/// # Errors
/// If the case is malformed.
pub fn answer(mode: Mode, case: &Line) -> anyhow::Result<Line> {
    match mode {
        Mode::Template => template(case),
        Mode::Json => json(case),
        Mode::Hash => hash(case),
        Mode::Gjson => gjson(case),
        Mode::Base64 | Mode::Regexp | Mode::Yaml => Ok(Line::new()),
    }
}

/// The clock of the Go program, and bytes that are not random at all.
struct Fixed(u8);

impl Environment for Fixed {
    fn now(&self) -> i128 {
        1_709_210_096_789_012_345
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(181).wrapping_add(101);
            *byte = self.0;
        }
    }
}

fn template(case: &Line) -> anyhow::Result<Line> {
    let or = |text: Vec<u8>, absent: &str| {
        if text.is_empty() { Ok(absent.to_owned()) } else { String::from_utf8(text) }
    };
    let missing_key = match text(case, "missing_key")?.as_slice() {
        b"" | b"error" => MissingKey::Error,
        b"default" => MissingKey::Invalid,
        _ => bail!("missing_key is error or default"),
    };
    let options = Options {
        delimiters: Delimiters {
            left: or(text(case, "left")?, "{{")?,
            right: or(text(case, "right")?, "}}")?,
        },
        missing_key,
        ..Options::default()
    };
    let name = if case.contains_key("name") {
        String::from_utf8(text(case, "name")?)?
    } else {
        "t".into()
    };
    let data = gotemplate::Value::string_map(texts(case, "data")?);

    let executed = Template::parse(&name, &text(case, "template")?, options)
        .and_then(|template| template.execute(&data, &mut Fixed(0), &Limits::default()));
    let mut answer = Line::new();
    match executed {
        Ok(bytes) => put(&mut answer, "output", &bytes),
        Err(error) => match error.kind {
            ErrorKind::Parse | ErrorKind::Execute => {
                put(&mut answer, "error", &error.message.reveal());
            }
            ErrorKind::Unsupported => put(&mut answer, "unsupported", &error.message.reveal()),
            ErrorKind::Limit(limit) => put(&mut answer, "limit", limit.to_string().as_bytes()),
        },
    }
    Ok(answer)
}

fn json(case: &Line) -> anyhow::Result<Line> {
    let input = text(case, "json")?;
    let encoded = |escape_html, indent| {
        json::decode(&input).and_then(|value| json::encode(&value, escape_html, indent))
    };
    let written = match text(case, "op")?.as_slice() {
        b"decode_encode" => encoded(true, None),
        b"pretty" => encoded(true, Some("  ")),
        b"raw" => encoded(false, None),
        b"string" => json::decode_string(&input),
        b"members" => match json::members(&input) {
            Ok(members) => return Ok(taken_apart(&input, members)),
            Err(message) => Err(message),
        },
        _ => bail!("op is decode_encode, pretty, raw, string or members"),
    };
    Ok(outcome(written.map_err(|message| message.reveal())))
}

fn taken_apart(input: &[u8], members: Vec<(Vec<u8>, std::ops::Range<usize>)>) -> Line {
    let mut sorted = BTreeMap::new();
    for (key, place) in members {
        let raw = input.get(place).unwrap_or_default();
        let value = json::unquote(raw).unwrap_or_else(|| raw.to_vec());
        sorted.insert(
            String::from_utf8_lossy(&key).into_owned(),
            Value::from(STANDARD.encode(value)),
        );
    }
    let members = Value::Object(sorted.into_iter().collect());
    Line::from_iter([("members_base64".to_owned(), members)])
}

fn gjson(case: &Line) -> anyhow::Result<Line> {
    let input = text(case, "json")?;
    let path = text(case, "path")?;
    let mut answer = Line::new();
    match gjson::lookup(&input, &path, gjson::Limits::default()) {
        Ok(found) => {
            put(&mut answer, "output", &found.string());
            put(&mut answer, "raw", found.raw());
            answer.insert("exists".to_owned(), found.exists().into());
            let kind = format!("{:?}", found.kind()).to_lowercase();
            answer.insert("type".to_owned(), kind.into());
        }
        Err(limit) => put(&mut answer, "limit", limit.to_string().as_bytes()),
    }
    Ok(answer)
}

fn hash(case: &Line) -> anyhow::Result<Line> {
    let hash = if case.contains_key("data") || case.contains_key("data_base64") {
        extsecret_engine::hash::data_hash(&texts(case, "data")?)
    } else {
        extsecret_engine::hash::object_hash(&text(case, "text")?)
    };
    Ok(outcome(Ok(hash.into_bytes())))
}

fn outcome(result: Result<Vec<u8>, Vec<u8>>) -> Line {
    let mut answer = Line::new();
    match result {
        Ok(bytes) => put(&mut answer, "output", &bytes),
        Err(bytes) => put(&mut answer, "error", &bytes),
    }
    answer
}

/// Adds bytes under a name, or under its `_base64` sibling.
fn put(answer: &mut Line, name: &str, bytes: &[u8]) {
    match str::from_utf8(bytes) {
        Ok(text) => answer.insert(name.to_owned(), text.into()),
        Err(_) => answer.insert(format!("{name}_base64"), STANDARD.encode(bytes).into()),
    };
}

/// A field of a case; empty if it is not there.
fn text(case: &Line, name: &str) -> anyhow::Result<Vec<u8>> {
    if let Some(encoded) = case.get(&format!("{name}_base64")) {
        return Ok(STANDARD.decode(encoded.as_str().with_context(|| format!("{name}_base64"))?)?);
    }
    match case.get(name) {
        None => Ok(Vec::new()),
        Some(value) => Ok(value.as_str().with_context(|| name.to_owned())?.into()),
    }
}

/// A map of strings of a case, with its `_base64` sibling.
fn texts(case: &Line, name: &str) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut texts = BTreeMap::new();
    for (name, encoded) in [(name.to_owned(), false), (format!("{name}_base64"), true)] {
        let Some(map) = case.get(&name).filter(|map| !map.is_null()) else { continue };
        for (key, value) in map.as_object().with_context(|| name.clone())? {
            let value = value.as_str().with_context(|| format!("{name}.{key}"))?;
            let value = if encoded { STANDARD.decode(value)? } else { value.into() };
            texts.insert(key.clone(), value);
        }
    }
    Ok(texts)
}
