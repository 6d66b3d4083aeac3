//! Entries of an ExternalSecret, and their versions. Works on the object as the API server has it, so that
//! nothing else of it changes.

use std::collections::BTreeSet;

use extsecret_crds::external_secret::StoreKind;
use extsecret_engine::request::StoreName;
use serde_json::{Value, json};

/// What names a version by its id rather than by a stage (eso-semantics 3.3).
pub(crate) const BY_ID: &str = "uuid/";

/// An entry that reads one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it stands, as a JSON pointer.
    pub(crate) pointer: String,
    pub(crate) store: StoreName,
    pub(crate) key: String,
    pub(crate) version: Option<String>,
}

impl Entry {
    /// Whether it is pinned to a version by its id.
    pub(crate) fn is_pinned(&self) -> bool {
        self.version.as_deref().is_some_and(|it| it.starts_with(BY_ID) || is_number(it))
    }
}

/// Whether a text can be a version of Parameter Store.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit())
}

/// All entries that read one secret, and in words those that read something else.
pub(crate) fn entries(spec: &Value) -> (Vec<Entry>, Vec<String>) {
    let own = &spec["secretStoreRef"];
    let mut found = Vec::new();
    let mut others = Vec::new();
    let mut add = |pointer: String, source: &Value, it: &Value| {
        let of_it = &source["storeRef"];
        let store = if of_it.is_object() { of_it } else { own };
        let kind = match store["kind"].as_str() {
            Some("ClusterSecretStore") => StoreKind::ClusterSecretStore,
            _ => StoreKind::SecretStore,
        };
        let text = |it: &Value| it.as_str().filter(|it| !it.is_empty()).map(str::to_owned);
        found.push(Entry {
            pointer,
            store: StoreName { kind, name: text(&store["name"]).unwrap_or_default() },
            key: text(&it["key"]).unwrap_or_default(),
            version: text(&it["version"]),
        });
    };
    for (index, it) in spec["data"].as_array().into_iter().flatten().enumerate() {
        add(format!("/spec/data/{index}/remoteRef"), &it["sourceRef"], &it["remoteRef"]);
    }
    for (index, it) in spec["dataFrom"].as_array().into_iter().flatten().enumerate() {
        if it["extract"].is_object() {
            add(format!("/spec/dataFrom/{index}/extract"), &it["sourceRef"], &it["extract"]);
        } else if it["find"].is_object() {
            others.push(format!(
                "dataFrom[{index}] finds secrets: it always reads their current versions"
            ));
        } else {
            others.push(format!("dataFrom[{index}] is made by a generator: it has no versions"));
        }
    }
    (found, others)
}

/// The entries that are meant: those of `keys`, or of the only secret that there is.
pub(crate) fn choose(
    (all, others): (Vec<Entry>, Vec<String>),
    keys: &[String],
) -> Result<Vec<Entry>, String> {
    let known: BTreeSet<&str> = all.iter().map(|it| it.key.as_str()).collect();
    let listed = || known.iter().copied().collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        return Err(match others.as_slice() {
            [] => "it reads nothing that has a version".to_owned(),
            all => format!("it reads nothing that can be pinned: {}", all.join("; ")),
        });
    }
    if let Some(other) = keys.iter().find(|it| !known.contains(it.as_str())) {
        return Err(format!("it does not read {other:?}: --key is one of {}", listed()));
    }
    if keys.is_empty() && known.len() > 1 {
        return Err(format!(
            "it reads several secrets, and their versions have nothing to do with each other: --key \
             says which ({})",
            listed()
        ));
    }
    let wanted = |it: &Entry| keys.is_empty() || keys.contains(&it.key);
    Ok(all.into_iter().filter(|it| wanted(it)).collect())
}

/// One change of one entry: its version becomes this, or goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) entry: Entry,
    pub(crate) to: Option<String>,
}

/// The object with its pins.
pub(crate) fn apply(object: &Value, pins: &[Pin]) -> Value {
    let mut object = object.clone();
    for pin in pins {
        let Some(Value::Object(it)) = object.pointer_mut(&pin.entry.pointer) else { continue };
        match &pin.to {
            Some(version) => {
                it.insert("version".to_owned(), json!(version));
            }
            None => {
                it.remove("version");
            }
        }
    }
    object
}

/// The same as a JSON patch, which fails if anybody has changed the object since it was read.
pub(crate) fn patch(object: &Value, pins: &[Pin]) -> Value {
    let meta = &object["metadata"];
    let mut ops = vec![
        json!({ "op": "test", "path": "/metadata/uid", "value": meta["uid"] }),
        json!({
            "op": "test", "path": "/metadata/resourceVersion", "value": meta["resourceVersion"],
        }),
    ];
    ops.extend(pins.iter().map(|pin| {
        let path = format!("{}/version", pin.entry.pointer);
        match &pin.to {
            // Adds or replaces.
            Some(version) => json!({ "op": "add", "path": path, "value": version }),
            None => json!({ "op": "remove", "path": path }),
        }
    }));
    Value::Array(ops)
}

/// What of an object somebody could have written, to be committed.
pub(crate) fn manifest(object: &Value) -> Value {
    let mut metadata = serde_json::Map::new();
    for field in ["name", "namespace", "labels", "annotations"] {
        let mut value = object["metadata"][field].clone();
        if let Value::Object(all) = &mut value {
            // What kubectl and controllers note of the object is not part of it.
            all.retain(|name, _| name != "kubectl.kubernetes.io/last-applied-configuration");
            if all.is_empty() {
                continue;
            }
        }
        if !value.is_null() {
            metadata.insert(field.to_owned(), value);
        }
    }
    json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"], "metadata": metadata,
        "spec": object["spec"],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object() -> Value {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": "db", "uid": "u", "resourceVersion": "7", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": "{}",
            } },
            "spec": {
                "secretStoreRef": { "name": "main" },
                "data": [
                    { "secretKey": "a", "remoteRef": { "key": "app/db", "property": "a" } },
                    { "secretKey": "b", "remoteRef": { "key": "app/db", "version": "uuid/1" } },
                ],
                "dataFrom": [
                    { "extract": { "key": "app/x" },
                      "sourceRef": { "storeRef": { "name": "all", "kind": "ClusterSecretStore" } } },
                    { "find": { "path": "app" } },
                    { "sourceRef": { "generatorRef": { "kind": "Password", "name": "p" } } },
                ],
            },
        })
    }

    #[test]
    fn what_reads_one_secret_can_be_pinned() {
        let (all, others) = entries(&object()["spec"]);
        let told: Vec<_> = all.iter().map(|it| (&*it.pointer, &*it.key, &*it.store.name)).collect();
        assert_eq!(
            told,
            [
                ("/spec/data/0/remoteRef", "app/db", "main"),
                ("/spec/data/1/remoteRef", "app/db", "main"),
                ("/spec/dataFrom/0/extract", "app/x", "all"),
            ]
        );
        assert_eq!(all[2].store.kind, StoreKind::ClusterSecretStore);
        assert_eq!(others.len(), 2, "{others:?}");
        let of = |keys: &[&str]| {
            let keys: Vec<String> = keys.iter().map(|it| (*it).to_owned()).collect();
            choose((all.clone(), others.clone()), &keys)
        };
        assert_eq!(of(&["app/db"]).map(|it| it.len()), Ok(2));
        assert!(of(&[]).unwrap_err().contains("--key says which (app/db, app/x)"));
        assert!(of(&["other"]).unwrap_err().contains("does not read \"other\""));
        let nothing = choose((Vec::new(), others.clone()), &[]).unwrap_err();
        assert!(nothing.contains("dataFrom[1] finds secrets"), "{nothing}");
    }

    #[test]
    fn only_versions_change() {
        let object = object();
        let (all, _) = entries(&object["spec"]);
        let pins = [
            Pin { entry: all[0].clone(), to: Some("uuid/2".to_owned()) },
            Pin { entry: all[1].clone(), to: None },
        ];
        let mut after = apply(&object, &pins);
        assert_eq!(after["spec"]["data"][0]["remoteRef"]["version"], "uuid/2");
        assert_eq!(after["spec"]["data"][1]["remoteRef"], json!({ "key": "app/db" }));
        // But for the versions it is what it was.
        after["spec"]["data"] = object["spec"]["data"].clone();
        assert_eq!(after, object);
        assert_eq!(
            patch(&object, &pins),
            json!([
                { "op": "test", "path": "/metadata/uid", "value": "u" },
                { "op": "test", "path": "/metadata/resourceVersion", "value": "7" },
                { "op": "add", "path": "/spec/data/0/remoteRef/version", "value": "uuid/2" },
                { "op": "remove", "path": "/spec/data/1/remoteRef/version" },
            ])
        );
        assert_eq!(manifest(&object)["metadata"], json!({ "name": "db" }));
    }
}
