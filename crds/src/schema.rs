//! The OpenAPI schema of every kind.
//!
//! What the API server refuses of a schema, and what it would do differently with one, is settled
//! here, on the way from the types to the definition:
//!
//! - no `$ref`: everything is written out where it is used;
//! - an absent field is not a `null` field. `nullable` would make the API server keep a `null`
//!   where it now writes the default, so it is only where the API has it (`status.refreshTime`);
//! - `spec` is not required, as in the API; the types do require it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube_core::CustomResourceExt;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::{ClusterExternalSecret, ClusterSecretStore, ExternalSecret, SecretStore};

pub(crate) mod shape;

/// Label that every definition carries, by which tools find the definitions of this API.
const COMPONENT_LABEL: (&str, &str) = ("external-secrets.io/component", "controller");

static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let schema = |crd: CustomResourceDefinition| {
        let version = crd.spec.versions.into_iter().next()?;
        let schema = serde_json::to_value(version.schema?.open_api_v3_schema?).ok()?;
        Some((crd.spec.names.kind, schema))
    };
    definitions().into_iter().filter_map(schema).collect()
});

/// The definitions of all kinds, in a fixed order.
pub fn definitions() -> Vec<CustomResourceDefinition> {
    let mut all = vec![
        ExternalSecret::crd(),
        SecretStore::crd(),
        ClusterSecretStore::crd(),
        ClusterExternalSecret::crd(),
    ];
    for crd in &mut all {
        let (key, value) = COMPONENT_LABEL;
        crd.metadata.labels.get_or_insert_default().insert(key.to_owned(), value.to_owned());
        let schemas = crd.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut());
        for schema in schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()) {
            // The name of the Rust type.
            schema.title = None;
        }
    }
    all
}

/// First lines of every file.
const HEADER: &str = "\
# Written by `cargo run -p extsecret-crds --bin crdgen` from the types in crds/src.
# Change the types, not this file.
";

/// A definition as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefinitionFile {
    /// Name of the file.
    pub name: String,
    /// Its whole content.
    pub yaml: String,
}

/// The definitions of all kinds as files, in a fixed order.
///
/// # Errors
///
/// If a definition cannot be written as YAML, which is a mistake in this crate.
pub fn files() -> Result<Vec<DefinitionFile>, serde_yaml::Error> {
    let file = |crd: CustomResourceDefinition| {
        let name = format!("{}.yaml", crd.metadata.name.as_deref().unwrap_or_default());
        Ok(DefinitionFile { name, yaml: format!("{HEADER}{}", serde_yaml::to_string(&crd)?) })
    };
    definitions().into_iter().map(file).collect()
}

/// The schema of a whole object of `kind` (`spec`, `status` and all), version v1.
///
/// `None` if the kind is not one of this crate.
pub fn v1(kind: &str) -> Option<&'static Value> {
    SCHEMAS.get(kind)
}

/// Implements [`JsonSchema`] for the type that the derive makes of a spec.
macro_rules! root_schema {
    ($root:ty, $spec:ty, $status:ty, $description:literal) => {
        impl ::schemars::JsonSchema for $root {
            fn schema_name() -> ::std::borrow::Cow<'static, str> {
                stringify!($root).into()
            }

            fn json_schema(generator: &mut ::schemars::SchemaGenerator) -> ::schemars::Schema {
                $crate::schema::root::<$spec, $status>(generator, $description)
            }
        }
    };
}

pub(crate) use root_schema;

/// The schema of an object with this spec and status.
pub(crate) fn root<Spec: JsonSchema, Status: JsonSchema>(
    generator: &mut SchemaGenerator,
    description: &str,
) -> Schema {
    let mut spec = generator.subschema_for::<Spec>().to_value();
    let mut status = generator.subschema_for::<Status>().to_value();
    for part in [&mut spec, &mut status] {
        settle(part);
    }
    schemars::json_schema!({
        "type": "object",
        "description": description,
        "properties": {
            "apiVersion": { "type": "string" },
            "kind": { "type": "string" },
            "metadata": { "type": "object" },
            "spec": spec,
            "status": status,
        },
    })
}

/// Takes `null` out of a schema and its parts, and makes each description one line of text.
fn settle(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    unwrap_optional(schema);
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = paragraphs(text);
    }
    for part in ["items", "additionalProperties"] {
        if let Some(part) = schema.get_mut(part) {
            settle(part);
        }
    }
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        properties.values_mut().for_each(settle);
    }
}

/// Turns `anyOf: [X, null]`, which stands for an optional field, into `X`.
fn unwrap_optional(schema: &mut Map<String, Value>) {
    let null = json!({ "type": "null" });
    let inner = match schema.get("anyOf").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::Object(inner), second]) if *second == null => inner.clone(),
        _ => return,
    };
    schema.remove("anyOf");
    for (keyword, value) in inner {
        schema.entry(keyword).or_insert(value);
    }
}

/// Joins the lines of each paragraph: where the source breaks a line means nothing to a reader.
fn paragraphs(text: &str) -> String {
    let joined = |paragraph: &str| paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
    // Links of the source mean nothing here either.
    let text = text.replace("[`", "`").replace("`]", "`");
    text.split("\n\n").map(joined).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests;
