//! The target Secret as the engine sees it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde_json::Value;

use crate::hash::{DATA_HASH_ANNOTATION, MANAGED_LABEL, data_hash};

/// A Secret's data: keys and bytes.
pub type Data = BTreeMap<String, Vec<u8>>;

/// A Secret. `Debug` shows its name and its keys, never a value or an annotation: templates write
/// there, too.
#[derive(Clone, Default, PartialEq)]
pub struct Secret {
    /// Name, labels, annotations, owners and the like.
    pub metadata: ObjectMeta,
    /// `None` for the API's default, `Opaque`.
    pub type_: Option<String>,
    /// The data, decoded.
    pub data: Data,
    /// Whether the API server refuses changes of the data.
    pub immutable: Option<bool>,
}

/// The parts of a Secret that one field manager has written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Managed {
    pub(crate) data: BTreeSet<String>,
    pub(crate) labels: BTreeSet<String>,
    pub(crate) annotations: BTreeSet<String>,
}

impl Secret {
    /// The name; empty if there is none.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// The owner that controls it, if any.
    pub fn controller(&self) -> Option<&OwnerReference> {
        let owners = self.metadata.owner_references.as_deref().unwrap_or_default();
        owners.iter().find(|owner| owner.controller == Some(true))
    }

    /// Whether it is as it was last written: managed, and with the data that its annotation tells
    /// (ESO `isSecretValid`). It compares the Secret with itself, not with a spec.
    pub fn is_intact(&self) -> bool {
        let label = self.metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_LABEL));
        let hash = self.metadata.annotations.as_ref().and_then(|all| all.get(DATA_HASH_ANNOTATION));
        label.is_some_and(|value| value == "true")
            && hash.is_some_and(|hash| *hash == data_hash(&self.data))
    }

    /// What `manager` has written. The operation of an entry does not count, only its manager, as
    /// in ESO. An entry that cannot be read is passed over: what it holds stays.
    pub(crate) fn managed_by(&self, manager: &str) -> Managed {
        let mut parts = Managed::default();
        for entry in self.metadata.managed_fields.iter().flatten() {
            let Some(fields) = &entry.fields_v1 else { continue };
            if entry.manager.as_deref() != Some(manager) {
                continue;
            }
            let keys = |path: &[&str]| {
                let fields = path.iter().try_fold(&fields.0, |value, step| value.get(step));
                fields.and_then(Value::as_object).into_iter().flat_map(|fields| {
                    fields.keys().filter_map(|key| key.strip_prefix("f:")).map(str::to_owned)
                })
            };
            parts.data.extend(keys(&["f:data"]));
            parts.labels.extend(keys(&["f:metadata", "f:labels"]));
            parts.annotations.extend(keys(&["f:metadata", "f:annotations"]));
        }
        parts
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.metadata.name)
            .field("type", &self.type_)
            .field("keys", &self.data.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl From<v1::Secret> for Secret {
    fn from(secret: v1::Secret) -> Self {
        let mut data: Data =
            secret.data.into_iter().flatten().map(|(key, value)| (key, value.0)).collect();
        // The API server folds stringData into data; a file may still have it.
        data.extend(secret.string_data.into_iter().flatten().map(|(k, v)| (k, v.into_bytes())));
        Self { metadata: secret.metadata, type_: secret.type_, data, immutable: secret.immutable }
    }
}

impl From<Secret> for v1::Secret {
    fn from(secret: Secret) -> Self {
        let data: BTreeMap<_, _> =
            secret.data.into_iter().map(|(key, value)| (key, ByteString(value))).collect();
        Self {
            metadata: secret.metadata,
            type_: secret.type_,
            data: (!data.is_empty()).then_some(data),
            immutable: secret.immutable,
            string_data: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(value: Value) -> Secret {
        serde_json::from_value::<v1::Secret>(value).unwrap().into()
    }

    #[test]
    fn debug_shows_keys_and_no_value() {
        let secret = secret(json!({
            "metadata": { "name": "db", "annotations": { "note": "hunter2" } },
            "stringData": { "password": "hunter2" },
        }));
        let shown = format!("{secret:?}");
        assert!(shown.contains("password") && !shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_secret_is_intact_when_label_and_hash_fit() {
        let data = Data::from([("a".into(), b"1".to_vec())]);
        let mut secret = Secret { data: data.clone(), ..Secret::default() };
        assert!(!secret.is_intact());
        secret.metadata.labels = Some([(MANAGED_LABEL.into(), "true".into())].into());
        secret.metadata.annotations =
            Some([(DATA_HASH_ANNOTATION.into(), data_hash(&data))].into());
        assert!(secret.is_intact());
        secret.data.insert("b".into(), Vec::new());
        assert!(!secret.is_intact());
    }

    #[test]
    fn managed_parts_are_found_by_manager_whatever_the_operation() {
        let entry = |manager: &str, operation: &str, fields: Value| {
            json!({
                "manager": manager, "operation": operation, "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            })
        };
        let secret = secret(json!({ "metadata": { "managedFields": [
            entry("us", "Update", json!({ "f:data": { ".": {}, "f:a": {} },
                "f:metadata": { "f:labels": { "f:l": {} } } })),
            entry("us", "Apply", json!({ "f:data": { "f:b": {} },
                "f:metadata": { "f:annotations": { "f:n": {} } } })),
            entry("kubectl", "Update", json!({ "f:data": { "f:c": {} } })),
            entry("us", "Update", json!({ "f:data": "odd" })),
        ] } }));
        let set = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect();
        assert_eq!(
            secret.managed_by("us"),
            Managed { data: set(&["a", "b"]), labels: set(&["l"]), annotations: set(&["n"]) }
        );
    }
}
