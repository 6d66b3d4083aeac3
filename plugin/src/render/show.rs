//! A Secret as a document.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_crds::ExternalSecret;
use extsecret_engine::hash::{DATA_HASH_ANNOTATION, MANAGED_LABEL, OWNER_LABEL};
use extsecret_engine::secret::Secret;
use serde_json::{Map, Value, json};

use super::mask::Mask;

/// The Secret as JSON. Masked values are written so that no API server takes them: what is shown
/// for reading must not be applied by accident.
pub(crate) fn document(object: &ExternalSecret, secret: &Secret, mask: &Mask) -> Value {
    let meta = &secret.metadata;
    let mut metadata = Map::new();
    metadata.insert("name".into(), json!(meta.name));
    if let Some(namespace) = &meta.namespace {
        metadata.insert("namespace".into(), json!(namespace));
    }
    for (name, part, map) in [
        ("labels", Part::Labels, &meta.labels),
        ("annotations", Part::Annotations, &meta.annotations),
    ] {
        let shown = metadata_entries(object, part, map.as_ref(), mask);
        if !shown.is_empty() {
            metadata.insert(name.into(), json!(shown));
        }
    }
    if let Some(finalizers) = meta.finalizers.as_ref().filter(|it| !it.is_empty()) {
        metadata.insert("finalizers".into(), json!(finalizers));
    }
    // Without a uid, as for an ExternalSecret that is in no cluster yet, there is no reference.
    let owners = meta.owner_references.iter().flatten().filter(|owner| !owner.uid.is_empty());
    let owners: Vec<_> = owners.collect();
    if !owners.is_empty() {
        metadata.insert("ownerReferences".into(), json!(owners));
    }
    let mut document = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": metadata });
    if let Some(immutable) = secret.immutable {
        document["immutable"] = json!(immutable);
    }
    document["type"] = json!(secret.type_.as_deref().unwrap_or("Opaque"));
    let mut texts: BTreeMap<&String, String> = BTreeMap::new();
    let mut bytes: BTreeMap<&String, String> = BTreeMap::new();
    for (key, value) in &secret.data {
        match std::str::from_utf8(value) {
            _ if !mask.is_open() => {
                bytes.insert(key, format!("<{}>", mask.show(value)));
            }
            Ok(text) => {
                texts.insert(key, text.to_owned());
            }
            Err(_) => {
                bytes.insert(key, STANDARD.encode(value));
            }
        }
    }
    if !bytes.is_empty() {
        document["data"] = json!(bytes);
    }
    if !texts.is_empty() {
        document["stringData"] = json!(texts);
    }
    document
}

/// Labels or annotations.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Labels,
    Annotations,
}

/// Labels or annotations as they may be shown: what is written in the manifest as it stands, what
/// a template made of values only masked, and the hash of the data, which would let others try
/// values against it, not at all.
pub(crate) fn metadata_entries(
    object: &ExternalSecret,
    part: Part,
    map: Option<&BTreeMap<String, String>>,
    mask: &Mask,
) -> BTreeMap<String, String> {
    let entries = map.into_iter().flatten();
    entries
        .filter(|(key, _)| mask.is_open() || *key != DATA_HASH_ANNOTATION)
        .map(|(key, value)| {
            let shown = if mask.is_open() || is_written(object, part, key, value) {
                value.clone()
            } else {
                format!("<{}>", mask.show(value.as_bytes()))
            };
            (key.clone(), shown)
        })
        .collect()
}

/// Whether the value stands in the manifest as it is, or is a mark.
fn is_written(object: &ExternalSecret, part: Part, key: &str, value: &str) -> bool {
    if key == MANAGED_LABEL || key == OWNER_LABEL {
        return true;
    }
    let template = object.spec.target.as_ref().and_then(|target| target.template.as_ref());
    let of_template = template.and_then(|template| template.metadata.as_ref());
    let (own, templated) = match part {
        Part::Labels => (&object.metadata.labels, of_template.and_then(|it| it.labels.as_ref())),
        Part::Annotations => {
            (&object.metadata.annotations, of_template.and_then(|it| it.annotations.as_ref()))
        }
    };
    let is = |map: Option<&BTreeMap<String, String>>| {
        map.and_then(|map| map.get(key)).is_some_and(|written| written == value)
    };
    // With a template, the object's own labels and annotations do not count.
    if template.is_some() { is(templated) } else { is(own.as_ref()) }
}
