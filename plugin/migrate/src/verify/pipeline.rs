//! What KES wrote: its way from the values of a store to the bytes of a Secret (specification 1.6
//! to 1.8).

use std::collections::BTreeMap;

use base64::Engine as _;
use extsecret_crds::external_secret::Find;
use extsecret_engine::collect::Fetched;
use extsecret_engine::request::Fetch;
use extsecret_manifest::node::{Entry, Node, Value};
use extsecret_manifest::source::Span;

use super::evaluate;
use super::js::{Js, Stop, json, utf8, utf16};
use super::store::{self, Source};
use crate::kes::{Binary, Item, Kes, is_secret_key};
use crate::lodash::ir::Program;
use crate::property;

/// What happened, on one side.
#[derive(Debug)]
pub(super) enum Fate<T> {
    /// A Secret was written.
    Wrote(T),
    /// Nothing was: the object is in error.
    Failed(String),
    /// It is not known what happens.
    Unknown(String),
}

/// Where a value of the Secret comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    /// A place in [`Kes::extracts`].
    Extract(usize),
    /// A place in [`Kes::items`].
    Item(usize),
    /// A place in [`Kes::paths`].
    Path(usize),
    /// A place among the texts of the template.
    Template(usize),
}

/// What a value was before it became bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Text,
    Bytes,
    Bool,
    Number,
    Null,
    /// A list or an object.
    Composite,
}

/// One value of the Secret. `Debug` shows no bytes.
#[derive(Clone)]
pub(super) struct Slot {
    pub(super) bytes: Vec<u8>,
    pub(super) origin: Origin,
    pub(super) kind: Kind,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} of {:?}", self.kind, self.origin)
    }
}

/// The Secret that KES sent, as the API server stored it.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) data: BTreeMap<String, Slot>,
    pub(super) labels: BTreeMap<String, Slot>,
    pub(super) annotations: BTreeMap<String, Slot>,
    /// Items that were left out with a warning, since their values are not JSON.
    pub(super) skipped: Vec<Origin>,
}

/// The part of the Secret that a text of the template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Data,
    StringData,
    Labels,
    Annotations,
}

/// One text of the template.
#[derive(Debug)]
pub(super) struct TemplateText<'n> {
    pub(super) part: Part,
    pub(super) key: &'n str,
    /// As in diagnostics: `spec.template.stringData.config`.
    pub(super) field: String,
    pub(super) span: Span,
    pub(super) text: Content<'n>,
}

/// What stands there.
#[derive(Debug)]
pub(super) enum Content<'n> {
    /// Text that lodash prints as it is.
    Static(&'n str),
    /// What a text with code means.
    Program(Box<Program>),
    /// Code that is not understood, and why.
    Unknown(String),
    /// Something else than a text, which the API server refuses.
    NoText,
}

/// The texts of a template that reach the Secret.
pub(super) fn texts<'n>(
    kes: &Kes<'n>,
    mut compile: impl FnMut(Part, &'n str) -> Content<'n>,
) -> Vec<TemplateText<'n>> {
    let mut texts = Vec::new();
    let Some(template) = kes.template else { return texts };
    let root = format!("{}.template", kes.root);
    for (part, path) in [
        (Part::Data, &["data"][..]),
        (Part::StringData, &["stringData"]),
        (Part::Labels, &["metadata", "labels"]),
        (Part::Annotations, &["metadata", "annotations"]),
    ] {
        let entries = template.at(path).and_then(Node::as_mapping).unwrap_or_default();
        for Entry { key, value, key_span } in entries {
            let text = match &value.value {
                Value::String(text) => compile(part, text),
                // As the API server reads a null among texts.
                Value::Null => Content::Static(""),
                _ => Content::NoText,
            };
            texts.push(TemplateText {
                part,
                key,
                field: format!("{root}.{}.{key}", path.join(".")),
                span: if value.span.is_empty() { *key_span } else { value.span },
                text,
            });
        }
    }
    texts
}

/// What stops KES.
enum End {
    Failed(String),
    Unknown(String),
}

/// The Secret that KES made of the values in `source`.
pub(super) fn run(kes: &Kes<'_>, texts: &[TemplateText<'_>], source: &dyn Source) -> Fate<Written> {
    let mut written = Written::default();
    let done = fetch(kes, source, &mut written).and_then(|()| apply_template(texts, &mut written));
    match done {
        Ok(()) => Fate::Wrote(written),
        Err(End::Failed(why)) => Fate::Failed(why),
        Err(End::Unknown(why)) => Fate::Unknown(why),
    }
}

fn stopped(what: &str, stop: Stop) -> End {
    match stop {
        Stop::Throws(why) => End::Failed(format!("{what}: {why}")),
        Stop::Unmodelled(why) => End::Unknown(format!("{what}: {why} is not modelled")),
        Stop::TooMuch => End::Unknown(format!("{what} takes more steps than a check may")),
    }
}

fn fetch(kes: &Kes<'_>, source: &dyn Source, out: &mut Written) -> Result<(), End> {
    for (i, item) in kes.extracts.iter().enumerate() {
        extract(kes, item, Origin::Extract(i), source, out)?;
    }
    // Items and paths count in the order in which they stand.
    let items = kes.items.iter().enumerate().map(|(i, item)| (Origin::Item(i), item));
    let paths = kes.paths.iter().enumerate().map(|(i, item)| (Origin::Path(i), item));
    let mut all: Vec<(Origin, &Item<'_>)> = items.chain(paths).collect();
    all.sort_by_key(|(_, item)| position(item));
    for (origin, item) in all {
        match origin {
            Origin::Path(_) => below(item, origin, source, out),
            _ => single(kes, item, origin, source, out)?,
        }
    }
    match out.data.keys().find(|key| !is_secret_key(key)) {
        Some(_) => Err(End::Failed("a fetched member cannot be a key of a Secret".into())),
        None => Ok(()),
    }
}

/// The place of an item in its list, by its label (`data[2]`).
fn position(item: &Item<'_>) -> usize {
    let number = item.label.rsplit_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    number.and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

fn value(kes: &Kes<'_>, item: &Item<'_>, source: &dyn Source) -> Result<Js, End> {
    store::kes_value(kes, item, source)
        .ok_or_else(|| End::Failed(format!("the value of {} does not exist", item.label)))
}

fn parse(value: &Js) -> Result<Js, Stop> {
    json::parse(&value.to_text())
}

fn slot(value: &Js, origin: Origin) -> Slot {
    let kind = match value {
        Js::Undefined | Js::Null => Kind::Null,
        Js::Bool(_) => Kind::Bool,
        Js::Number(_) => Kind::Number,
        Js::String(_) => Kind::Text,
        Js::Bytes(_) => Kind::Bytes,
        Js::Array(_) | Js::Object(_) => Kind::Composite,
    };
    Slot { bytes: store::bytes(value), origin, kind }
}

/// `dataFrom`: every member of the value; a value that is not JSON is left out.
fn extract(
    kes: &Kes<'_>,
    item: &Item<'_>,
    origin: Origin,
    source: &dyn Source,
    out: &mut Written,
) -> Result<(), End> {
    let parsed = match parse(&value(kes, item, source)?) {
        Ok(parsed) => parsed,
        Err(Stop::Throws(_)) => {
            out.skipped.push(origin);
            return Ok(());
        }
        Err(stop) => return Err(stopped(&item.label, stop)),
    };
    let mut set = |name: String, value: &Js| {
        out.data.insert(name, slot(value, origin));
    };
    match &parsed {
        Js::Object(object) => object.entries().for_each(|(name, value)| set(utf8(&name), value)),
        // Spread like objects, by their places.
        Js::Array(items) => {
            items.iter().enumerate().for_each(|(i, value)| set(i.to_string(), value));
        }
        Js::String(text) => {
            for (i, unit) in text.iter().enumerate() {
                set(i.to_string(), &Js::String([*unit].as_slice().into()));
            }
        }
        _ => {}
    }
    Ok(())
}

/// One item with a key.
fn single(
    kes: &Kes<'_>,
    item: &Item<'_>,
    origin: Origin,
    source: &dyn Source,
    out: &mut Written,
) -> Result<(), End> {
    let Some(name) = &item.name else { return Ok(()) };
    let mut value = value(kes, item, source)?;
    if let Some(property) = &item.property {
        let parsed = match parse(&value) {
            Ok(parsed) => parsed,
            Err(Stop::Throws(_)) => {
                out.skipped.push(origin);
                return Ok(());
            }
            Err(stop) => return Err(stopped(&item.label, stop)),
        };
        value = lookup(&parsed, &property.value).map_err(|stop| stopped(&item.label, stop))?;
        if matches!(value, Js::Undefined) {
            return Err(End::Failed(format!("the property of {} does not exist", item.label)));
        }
    }
    if item.binary == Binary::Yes {
        value = match value {
            Js::Bytes(bytes) => Js::Bytes(bytes),
            Js::String(text) => {
                // What is no Latin-1 is no digit either.
                let text: Vec<u8> =
                    text.iter().map(|unit| u8::try_from(*unit).unwrap_or(b' ')).collect();
                Js::Bytes(evaluate::base64(&text).into())
            }
            _ => return Err(End::Failed(format!("{} is binary and no text", item.label))),
        };
    }
    out.data.insert(name.value.to_string(), slot(&value, origin));
    Ok(())
}

/// `lodash.get(value, property)`: the literal key before the path.
fn lookup(value: &Js, property: &str) -> Result<Js, Stop> {
    let literal = utf16(property);
    if let Js::Object(object) = value
        && let Some(found) = object.get(&literal)
    {
        return Ok(found.clone());
    }
    let mut at = value.clone();
    for segment in property::segments(property) {
        if at.is_nullish() {
            return Ok(Js::Undefined);
        }
        at = at.member(&utf16(&segment))?;
    }
    Ok(at)
}

/// The parameters below a path, by the last part of their names.
fn below(item: &Item<'_>, origin: Origin, source: &dyn Source, out: &mut Written) {
    let path = item.key.value.as_ref();
    let find = Find { path: Some(path.to_owned()), ..Find::default() };
    let Ok(Fetched::Found(found)) = source.answer(&Fetch::Find(find)) else { return };
    let prefix = format!("{}/", path.trim_end_matches('/'));
    for (name, payload) in found {
        let Some(rest) = name.strip_prefix(&prefix).filter(|rest| !rest.is_empty()) else {
            continue;
        };
        if !item.recursive && rest.contains('/') {
            continue;
        }
        let key = rest.rsplit('/').next().unwrap_or(rest);
        let value = payload.string.or(payload.binary).unwrap_or_default();
        out.data.insert(key.to_owned(), Slot { bytes: value, origin, kind: Kind::Text });
    }
}

/// What one text of the template gives on these values, as the API server stores it; `None` where
/// KES would have failed.
pub(super) fn render(text: &TemplateText<'_>, data: &Js) -> Option<Vec<u8>> {
    let rendered = match &text.text {
        Content::Static(text) => (*text).to_owned(),
        Content::Program(program) => utf8(&evaluate::render(program, data).ok()?),
        Content::Unknown(_) | Content::NoText => return None,
    };
    match text.part {
        Part::Data => unbase64(&rendered),
        Part::StringData | Part::Labels | Part::Annotations => Some(rendered.into_bytes()),
    }
}

/// As the API server reads the values of `data`.
fn unbase64(text: &str) -> Option<Vec<u8>> {
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    crate::template::BASE64.decode(&bare).ok()
}

/// Merges the template under the Secret: fetched keys win over `data`, `stringData` over both.
fn apply_template(texts: &[TemplateText<'_>], out: &mut Written) -> Result<(), End> {
    let values = out.data.iter().map(|(key, slot)| (key.as_str(), slot.bytes.as_slice()));
    let data = evaluate::data(values);
    for (i, text) in texts.iter().enumerate() {
        let what = text.field.as_str();
        let rendered = match &text.text {
            Content::Static(text) => (*text).to_owned(),
            Content::Program(program) => {
                utf8(&evaluate::render(program, &data).map_err(|stop| stopped(what, stop))?)
            }
            Content::Unknown(why) => return Err(End::Unknown(format!("{what}: {why}"))),
            Content::NoText => return Err(End::Failed(format!("{what} is no text"))),
        };
        let slot = |bytes| Slot { bytes, origin: Origin::Template(i), kind: Kind::Text };
        let key = text.key.to_owned();
        match text.part {
            Part::Labels => {
                out.labels.insert(key, slot(rendered.into_bytes()));
            }
            Part::Annotations => {
                out.annotations.insert(key, slot(rendered.into_bytes()));
            }
            Part::StringData => {
                out.data.insert(key, slot(rendered.into_bytes()));
            }
            Part::Data => {
                // What loses is never sent, so it may be anything.
                if out.data.contains_key(text.key) {
                    continue;
                }
                let Some(bytes) = unbase64(&rendered) else {
                    return Err(End::Failed(format!("{what} is not base64")));
                };
                out.data.insert(key, slot(bytes));
            }
        }
    }
    Ok(())
}
