//! What our crates answer, in the form of Go's answers.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_crds::external_secret::DecodingStrategy;
use extsecret_engine::property::Payload;
use extsecret_engine::{decode, error::ValueError, hash, property};
use gotemplate::regexp::{Regexp, quote_meta};
use gotemplate::{Delimiters, Environment, ErrorKind, Limits, MissingKey, Options, Template, json};
use serde_json::Value;

use super::{Line, Mode};

/// The answer to a case.
///
/// # Errors
/// If the case is malformed.
pub fn answer(mode: Mode, case: &Line) -> anyhow::Result<Line> {
    match mode {
        Mode::Base64 => base64(case),
        Mode::Gjson => gjson(case),
        Mode::Hash => hash(case),
        Mode::Json => json(case),
        Mode::Regexp => regexp(case),
        Mode::Template => template(case),
        Mode::Verify => bail!("only Go verifies"),
        Mode::Yaml => yaml(case),
    }
}

/// The clock of the Go program, and bytes that are the same every time.
struct Fixed(u64);

impl Environment for Fixed {
    fn now(&self) -> i128 {
        1_709_210_096_789_012_345
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = self.0.to_be_bytes()[0];
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
            Ok(_) => return taken_apart(input),
            Err(message) => Err(message),
        },
        _ => bail!("op is decode_encode, pretty, raw, string or members"),
    };
    Ok(outcome(written.map_err(|message| message.reveal())))
}

/// The members as the engine hands them on.
fn taken_apart(json: Vec<u8>) -> anyhow::Result<Line> {
    let data = property::extract(&Payload { string: Some(json), ..Payload::default() }, None, "k")?;
    let encoded = data.into_iter().map(|(key, value)| (key, STANDARD.encode(value).into()));
    let members = Value::Object(encoded.collect());
    Ok(Line::from_iter([("members_base64".to_owned(), members)]))
}

fn hash(case: &Line) -> anyhow::Result<Line> {
    let has = |name: &str| case.contains_key(name) || case.contains_key(&format!("{name}_base64"));
    let hash = if has("data") {
        hash::data_hash(&texts(case, "data")?)
    } else if has("text") {
        hash::object_hash(&text(case, "text")?)
    } else {
        let read = |name| -> anyhow::Result<BTreeMap<String, String>> {
            let entries = texts(case, name)?.into_iter();
            entries.map(|(key, value)| Ok((key, String::from_utf8(value)?))).collect()
        };
        let (annotations, labels) = (read("annotations")?, read("labels")?);
        let version = hash::synced_resource_version(0, Some(&annotations), Some(&labels));
        version.strip_prefix("0-").context("a version begins with the generation")?.to_owned()
    };
    Ok(outcome(Ok(hash.into_bytes())))
}

fn base64(case: &Line) -> anyhow::Result<Line> {
    let strategy = match text(case, "op")?.as_slice() {
        b"std" => DecodingStrategy::Base64,
        b"url" => DecodingStrategy::Base64Url,
        _ => bail!("op is std or url"),
    };
    let decoded = decode::decode(&strategy, "k", text(case, "text")?);
    Ok(outcome(decoded.map_err(|error| match error {
        ValueError::Decode { at, .. } => {
            format!("illegal base64 data at input byte {at}").into_bytes()
        }
        _ => Vec::new(),
    })))
}

fn gjson(case: &Line) -> anyhow::Result<Line> {
    let (json, path) = (text(case, "json")?, text(case, "path")?);
    let mut answer = Line::new();
    match gjson::lookup(&json, &path, gjson::Limits::default()) {
        Ok(found) => {
            put(&mut answer, "output", &found.string());
            put(&mut answer, "raw", found.raw());
            answer.insert("exists".to_owned(), found.exists().into());
            let kind = match found.kind() {
                gjson::Kind::Null => "null",
                gjson::Kind::False => "false",
                gjson::Kind::Number => "number",
                gjson::Kind::String => "string",
                gjson::Kind::True => "true",
                gjson::Kind::Json => "json",
            };
            answer.insert("type".to_owned(), kind.into());
        }
        Err(limit) => put(&mut answer, "limit", limit.to_string().as_bytes()),
    }
    Ok(answer)
}

fn regexp(case: &Line) -> anyhow::Result<Line> {
    let op = text(case, "op")?;
    let subject = text(case, "subject")?;
    let replacement = text(case, "replacement")?;
    let n = case.get("n").map_or(Some(-1), Value::as_i64).context("n is a number")?;
    if op == b"quote_meta" {
        return Ok(outcome(Ok(quote_meta(&subject))));
    }
    let compiled = match Regexp::new(text(case, "pattern")?) {
        Ok(compiled) => compiled,
        Err(error) => return Ok(outcome(Err(error.to_string().into_bytes()))),
    };
    let written = match op.as_slice() {
        b"compile" => Vec::new(),
        b"match" => compiled.is_match(&subject).to_string().into_bytes(),
        b"find" => compiled.find(&subject).unwrap_or_default().to_vec(),
        b"find_all" => return Ok(list(compiled.find_all(&subject, n))),
        b"split" => return Ok(list(compiled.split(&subject, n))),
        b"replace" => compiled.replace_all(&subject, &replacement, usize::MAX)?,
        b"replace_literal" => compiled.replace_all_literal(&subject, &replacement, usize::MAX)?,
        _ => bail!("unknown op"),
    };
    Ok(outcome(Ok(written)))
}

fn list(items: Option<Vec<&[u8]>>) -> Line {
    let Some(items) = items else {
        return Line::from_iter([("outputs".to_owned(), Value::Null)]);
    };
    let texts: Result<Vec<_>, _> = items.iter().map(|item| str::from_utf8(item)).collect();
    if let Ok(texts) = texts {
        return Line::from_iter([("outputs".to_owned(), texts.into())]);
    }
    let encoded: Vec<_> = items.iter().map(|item| STANDARD.encode(item)).collect();
    Line::from_iter([("outputs_base64".to_owned(), encoded.into())])
}

fn yaml(case: &Line) -> anyhow::Result<Line> {
    let op = text(case, "op")?;
    if op == b"write" {
        let value =
            json::decode(&text(case, "json")?).map_err(|message| anyhow::anyhow!("{message}"))?;
        // As `toYaml` does it: `yaml.Marshal` goes through JSON.
        let written = json::encode(&value, true, None).map_err(|message| message.reveal());
        return Ok(outcome(written.and_then(|json| {
            let yaml = goyaml::json_to_yaml(&json, usize::MAX);
            yaml.map(String::into_bytes).map_err(|error| error.reveal().into_bytes())
        })));
    }
    let input = text(case, "yaml")?;
    let read = match op.as_slice() {
        b"read" => goyaml::read(&input),
        b"read_map" => goyaml::read_object(&input).map(Value::Object),
        b"read_strings" => goyaml::read_strings(&input).map(|entries| {
            Value::Object(entries.into_iter().map(|(key, value)| (key, value.into())).collect())
        }),
        _ => bail!("op is read, read_map, read_strings or write"),
    };
    let read = match read {
        Ok(value) => serde_json::to_vec(&value)?,
        Err(error) => return Ok(outcome(Err(error.reveal().into_bytes()))),
    };
    // Numbers as Go's JSON has them.
    let decoded = json::decode(&read).and_then(|value| json::encode(&value, false, None));
    Ok(outcome(decoded.map_err(|message| message.reveal())))
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
