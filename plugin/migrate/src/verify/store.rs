//! What the stores hold during a check, and how KES and ESO each see it.

use std::collections::BTreeMap;
use std::rc::Rc;

use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::property::Payload;
use extsecret_engine::request::Fetch;

use super::js::{Js, Object, json, utf8, utf16};
use crate::kes::{Backend, Item, Kes};

/// Values by the names that the converted object calls them by.
pub trait Source {
    /// What a provider with these values would answer.
    ///
    /// # Errors
    /// If it has no such value.
    fn answer(&self, fetch: &Fetch) -> Result<Fetched, FetchError>;
}

/// Values by name, with `@` and the version behind it where there is one.
#[derive(Clone, Default)]
pub(super) struct Values(pub(super) BTreeMap<String, Payload>);

impl Source for Values {
    fn answer(&self, fetch: &Fetch) -> Result<Fetched, FetchError> {
        match fetch {
            Fetch::Value { key, version } => {
                let name = name(key, version.as_deref());
                self.0.get(&name).cloned().map(Fetched::Value).ok_or(FetchError::NoSecret)
            }
            Fetch::Tags { .. } => Err(FetchError::NoSecret),
            Fetch::Find(find) => {
                let path = find.path.as_deref().unwrap_or_default();
                let below = self.0.iter().filter(|(name, _)| name.starts_with(path));
                Ok(Fetched::Found(below.map(|(name, it)| (name.clone(), it.clone())).collect()))
            }
        }
    }
}

/// How a value is called in a file of values.
pub(super) fn name(key: &str, version: Option<&str>) -> String {
    match version {
        Some(version) => format!("{key}@{version}"),
        None => key.to_owned(),
    }
}

/// The value that an item of KES means: its name at the provider, and its version. This is said
/// here once more than in the conversion itself, on purpose: what is checked cannot also be the
/// measure.
pub(super) fn address(kes: &Kes<'_>, item: &Item<'_>) -> (String, Option<String>) {
    let key = item.key.value.as_ref();
    let whole = (key.to_owned(), None);
    let cut = |separator: &str| {
        let (name, version) = key.rsplit_once(separator)?;
        let number = !version.is_empty() && version.bytes().all(|b| b.is_ascii_digit());
        (number && !name.is_empty()).then(|| (name.to_owned(), Some(version.to_owned())))
    };
    let text = |text: &Option<crate::kes::Text<'_>>| {
        text.as_ref().map(|text| text.value.to_string()).filter(|text| !text.is_empty())
    };
    match kes.backend {
        Backend::SecretsManager => {
            let id = text(&item.version_id).map(|id| format!("uuid/{id}"));
            let stage = text(&item.version_stage).filter(|stage| stage != "AWSCURRENT");
            (key.to_owned(), id.or(stage))
        }
        Backend::SystemManager if key.starts_with("arn:") => whole,
        Backend::SystemManager => cut(":").unwrap_or(whole),
        Backend::Vault => cut("?version=").unwrap_or(whole),
        Backend::Gcp => (key.to_owned(), text(&item.version).filter(|version| version != "latest")),
        Backend::Ibm => {
            let kind = text(&item.secret_type).unwrap_or_default();
            (format!("{kind}/{key}"), None)
        }
        Backend::Azure | Backend::Akeyless | Backend::Alibaba => whole,
    }
}

/// What KES's backend returned for an item; `None` when there is no such value.
pub(super) fn kes_value(kes: &Kes<'_>, item: &Item<'_>, source: &dyn Source) -> Option<Js> {
    let (key, version) = address(kes, item);
    let Ok(Fetched::Value(payload)) = source.answer(&Fetch::Value { key, version }) else {
        return None;
    };
    Some(as_kes_saw_it(kes.backend, item, &payload))
}

/// One value, in the shape that KES's backend gave it.
pub(super) fn as_kes_saw_it(backend: Backend, item: &Item<'_>, payload: &Payload) -> Js {
    let bytes = match (&payload.binary, &payload.string) {
        (Some(bytes), _) if backend == Backend::SecretsManager => {
            return Js::Bytes(bytes.as_slice().into());
        }
        (Some(bytes), _) | (None, Some(bytes)) => bytes.as_slice(),
        (None, None) => &[],
    };
    let text = utf16(&String::from_utf8_lossy(bytes));
    let written = |value: &Js| json::stringify(value, "").map(|text| Js::String(text.into()));
    let wrapped = match backend {
        // The text of the object that was read.
        Backend::Vault => json::parse(&text).ok().and_then(|value| written(&value)),
        Backend::Ibm => {
            let kind = item.secret_type.as_ref().map(|kind| kind.value.as_ref());
            let payload = |value: Js| {
                let mut object = Object::default();
                object.set(utf16("payload"), value);
                Js::Object(Rc::new(object))
            };
            match kind {
                Some("arbitrary") => written(&payload(Js::String(Rc::clone(&text)))),
                Some("kv") => json::parse(&text).ok().and_then(|it| written(&payload(it))),
                Some("iam_credentials") => written(&Js::String(Rc::clone(&text))),
                _ => json::parse(&text).ok().and_then(|value| written(&value)),
            }
        }
        _ => None,
    };
    wrapped.unwrap_or(Js::String(text))
}

/// A Vault secret taken whole, as ESO writes it: Go's JSON, with its keys sorted.
pub(super) fn vault_whole(payload: &Payload) -> Payload {
    let text = payload.string.as_ref().or(payload.binary.as_ref());
    let parsed: Option<serde_json::Value> = text.and_then(|text| serde_json::from_slice(text).ok());
    let Some(mut value) = parsed else { return payload.clone() };
    value.sort_all_objects();
    let mut text = value.to_string();
    for (c, escape) in [
        ("&", "\\u0026"),
        ("<", "\\u003c"),
        (">", "\\u003e"),
        ("\u{2028}", "\\u2028"),
        ("\u{2029}", "\\u2029"),
    ] {
        text = text.replace(c, escape);
    }
    Payload { string: Some(text.into_bytes()), ..Payload::default() }
}

/// Bytes of a value of KES's, as Node makes them of it.
pub(super) fn bytes(value: &Js) -> Vec<u8> {
    match value {
        Js::Bytes(bytes) => bytes.to_vec(),
        Js::Array(_) | Js::Object(_) => {
            utf8(&json::stringify(value, "").unwrap_or_default()).into_bytes()
        }
        other => utf8(&other.to_text()).into_bytes(),
    }
}
