//! Everything written is what the API server accepts with unknown fields refused.

use extsecret_crds::external_secret::ExternalSecretSpec;
use extsecret_crds::store::SecretStoreSpec;
use extsecret_crds::{rules, schema};
use serde_json::{Map, Value, json};

use crate::LISTED;
use crate::case::Case;
use crate::render::run_printed;

/// A structural schema as strict field validation reads it: a field that is not listed is an error.
fn strict(schema: &mut Value) {
    let Value::Object(schema) = schema else { return };
    for key in ["properties", "patternProperties"] {
        for (_, field) in schema.get_mut(key).and_then(Value::as_object_mut).into_iter().flatten() {
            strict(field);
        }
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(key) {
            strict(inner);
        }
    }
    let preserves = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
    let is_object = schema.get("type") == Some(&json!("object"));
    if is_object && !preserves && !schema.contains_key("additionalProperties") {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// What this command may write into an object's metadata; the API server has a schema of its own.
fn metadata() -> Value {
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" } });
    json!({
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": { "type": "string" },
            "namespace": { "type": "string" },
            "labels": texts,
            "annotations": texts,
        },
        "additionalProperties": false,
    })
}

/// The strict schema of a kind of `external-secrets.io/v1`.
fn strict_schema(kind: &str) -> Value {
    let mut schema = schema::v1(kind).unwrap_or_else(|| panic!("no schema of {kind}")).clone();
    strict(&mut schema);
    schema["properties"]["metadata"] = metadata();
    schema
}

/// What is wrong with an object, by the schema and by the rules that the schema cannot state.
fn errors(object: &Value) -> Vec<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let spec = object["spec"].clone();
    let broken = if kind == "ExternalSecret" {
        serde_json::from_value(spec)
            .map(|spec: ExternalSecretSpec| rules::check_external_secret(&spec))
    } else {
        serde_json::from_value(spec).map(|spec: SecretStoreSpec| rules::check_store(&spec))
    };
    let broken = match broken {
        Ok(violations) => violations.iter().map(|violation| format!(": {violation:?}")).collect(),
        Err(error) => vec![format!(": {error}")],
    };
    by_schema(kind, object).into_iter().chain(broken).collect()
}

fn by_schema(kind: &str, object: &Value) -> Vec<String> {
    jsonschema::validator_for(&strict_schema(kind))
        .expect("the schema is one")
        .iter_errors(object)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

#[test]
fn every_written_object_passes_the_strict_schema() {
    let mut checked = Map::new();
    let mut findings = Vec::new();
    for name in LISTED {
        for object in run_printed(&Case::load(name)).objects() {
            if object["apiVersion"] != "external-secrets.io/v1" {
                continue;
            }
            let kind = object["kind"].as_str().expect("a kind").to_owned();
            findings.extend(errors(&object).iter().map(|e| format!("{name}: {kind}{e}")));
            let count = checked.get(&kind).and_then(Value::as_u64).unwrap_or_default();
            checked.insert(kind, json!(count + 1));
        }
    }
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(checked["ExternalSecret"].as_u64() > Some(50), "only {checked:?} were checked");
    assert!(checked["ClusterSecretStore"].as_u64() > Some(50), "only {checked:?} were checked");
}

#[test]
fn the_strict_schema_refuses_what_is_unknown() {
    let mut object = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": "x", "namespace": "app" },
        "spec": {
            "refreshInterval": "1h0m0s",
            "secretStoreRef": { "kind": "ClusterSecretStore", "name": "s" },
            "data": [{ "secretKey": "a", "remoteRef": { "key": "k" } }],
        },
    });
    assert_eq!(errors(&object), [""; 0]);

    object["spec"]["data"][0]["remoteRef"]["proprety"] = json!("typo");
    assert_eq!(errors(&object).len(), 1);

    object["spec"]["data"][0]["remoteRef"] = json!({ "key": "k" });
    object["spec"]["secretStoreRef"]["kind"] = json!("Store");
    assert_eq!(errors(&object).len(), 1);

    object["spec"]["secretStoreRef"]["kind"] = json!("SecretStore");
    object["spec"]["data"] = json!([]);
    assert_eq!(errors(&object).len(), 1, "the rule that there is something to fetch");
}
