//! Objects as they come from a watch, and as little of them as can be kept.
//!
//! An ExternalSecret is kept as the JSON it came in, a third of the size of its types, and that
//! compressed; a Secret without its data, which is hashed while it is read and overwritten with zeros.
//! One object that cannot be read does not end the watch of the others.

mod packing;

use std::borrow::Cow;
use std::fmt;

use extsecret_engine::hash::data_hash;
use extsecret_engine::secret::Secret;
use extsecret_restart::fingerprint::Content;
use extsecret_restart::written::Written;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use zeroize::Zeroize as _;

pub(crate) use self::packing::Packed;

/// What the managers of ExternalSecrets are called.
const MANAGERS: &str = "externalsecrets.external-secrets.io/";

/// An object of our own API as it came, which may not be what its type wants.
#[derive(Clone)]
pub(crate) struct Watched<K> {
    pub(crate) metadata: ObjectMeta,
    pub(crate) object: Result<K, String>,
    /// The JSON, without what only the API server needs.
    pub(crate) packed: Packed,
}

impl<K> fmt::Debug for Watched<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").field("name", &self.metadata.name).finish_non_exhaustive()
    }
}

impl<'de, K: DeserializeOwned> Deserialize<'de> for Watched<K> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut value = Value::deserialize(from)?;
        let metadata = value.get_mut("metadata").and_then(Value::as_object_mut);
        if let Some(metadata) = metadata {
            metadata.remove("managedFields");
        }
        let metadata = value.get("metadata").cloned().unwrap_or_default();
        let metadata = serde_json::from_value(metadata).map_err(D::Error::custom)?;
        let packed = Packed::of(&serde_json::to_vec(&value).map_err(D::Error::custom)?);
        let object = K::deserialize(&value).map_err(|error| error.to_string());
        Ok(Self { metadata, object, packed })
    }
}

impl<K: Resource> Watched<K> {
    /// An object that is to be sent.
    pub(crate) fn to_send(object: K) -> Self {
        Self { metadata: object.meta().clone(), object: Ok(object), packed: Packed::default() }
    }
}

impl<K: Serialize> Serialize for Watched<K> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.object {
            Ok(object) => object.serialize(to),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

impl<K: Resource> Resource for Watched<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// A Secret without its data.
#[derive(Clone)]
pub(crate) struct ManagedSecret {
    pub(crate) metadata: ObjectMeta,
    pub(crate) type_: Option<String>,
    pub(crate) immutable: Option<bool>,
    /// Of the data that it has, which is not always what its annotation says.
    pub(crate) hash: Box<str>,
    /// Its keys, with what tells their values apart.
    pub(crate) content: Content,
    /// When its data was written, as far as the API server tells.
    pub(crate) written: Written,
}

/// What is kept of it.
#[derive(Serialize, Deserialize)]
struct Kept {
    metadata: ObjectMeta,
    #[serde(rename = "type")]
    type_: Option<String>,
    immutable: Option<bool>,
}

impl ManagedSecret {
    /// Takes what is needed from a Secret, and overwrites its values.
    pub(crate) fn of(secret: v1::Secret) -> Self {
        let mut secret = Secret::from(secret);
        let hash = data_hash(&secret.data).into_boxed_str();
        let content = Content::of(secret.data.iter().map(|(key, value)| (&**key, &**value)));
        for value in secret.data.values_mut() {
            value.zeroize();
        }
        let Secret { mut metadata, type_, immutable, .. } = secret;
        let entries = metadata.managed_fields.iter().flatten();
        let written = Written::of(
            metadata.creation_timestamp.as_ref().map(|time| time.0),
            entries.filter_map(|it| Some((it.time.as_ref()?.0, &it.fields_v1.as_ref()?.0))),
        );
        if let Some(entries) = &mut metadata.managed_fields {
            entries.retain(|entry| {
                entry.manager.as_deref().is_some_and(|manager| manager.starts_with(MANAGERS))
            });
            let fields = entries.iter_mut().filter_map(|entry| entry.fields_v1.as_mut());
            for fields in fields.filter_map(|fields| fields.0.as_object_mut()) {
                fields.remove("f:data");
            }
        }
        Self { metadata, type_, immutable, hash, content, written }
    }

    /// As little of it as can be kept.
    pub(crate) fn pack(&self) -> Packed {
        let kept = Kept {
            metadata: self.metadata.clone(),
            type_: self.type_.clone(),
            immutable: self.immutable,
        };
        // Metadata is made of texts, which can always be written.
        Packed::of(&serde_json::to_vec(&kept).unwrap_or_default())
    }
}

/// The Secret, without data, that [`ManagedSecret::pack`] has made small.
pub(crate) fn unpack(packed: &Packed) -> Secret {
    let kept: Option<Kept> = serde_json::from_slice(&packed.text()).ok();
    kept.map_or_else(Secret::default, |kept| Secret {
        metadata: kept.metadata,
        type_: kept.type_,
        immutable: kept.immutable,
        ..Secret::default()
    })
}

impl fmt::Debug for ManagedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManagedSecret").field("name", &self.metadata.name).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for ManagedSecret {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        v1::Secret::deserialize(from).map(Self::of)
    }
}

impl Resource for ManagedSecret {
    type DynamicType = ();
    type Scope = <v1::Secret as Resource>::Scope;

    fn kind(dt: &()) -> Cow<'_, str> {
        <v1::Secret as Resource>::kind(dt)
    }

    fn group(dt: &()) -> Cow<'_, str> {
        <v1::Secret as Resource>::group(dt)
    }

    fn version(dt: &()) -> Cow<'_, str> {
        <v1::Secret as Resource>::version(dt)
    }

    fn plural(dt: &()) -> Cow<'_, str> {
        <v1::Secret as Resource>::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use extsecret_crds::ExternalSecret;
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_that_cannot_be_read_is_still_known_by_name() {
        let object = json!({ "metadata": { "name": "a" }, "spec": { "data": 7 } });
        let watched: Watched<ExternalSecret> = serde_json::from_value(object).unwrap();
        assert_eq!(watched.metadata.name.as_deref(), Some("a"));
        assert!(watched.object.is_err());
    }

    #[test]
    fn what_is_kept_is_what_came_without_managed_fields() {
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": "a", "managedFields": [{ "manager": "kubectl" }] },
            "spec": { "secretStoreRef": { "name": "s" }, "new": { "field": 1 } },
        });
        let watched: Watched<ExternalSecret> = serde_json::from_value(object.clone()).unwrap();
        let kept: Value = serde_json::from_slice(&watched.packed.text()).unwrap();
        assert_eq!(kept["spec"], object["spec"]);
        assert!(kept["metadata"].get("managedFields").is_none());
        assert_eq!(watched.object.unwrap().spec.other["new"], json!({ "field": 1 }));
    }

    #[test]
    fn a_secret_keeps_its_metadata_and_the_hash_of_its_data_only() {
        let secret = json!({
            "metadata": {
                "name": "a", "namespace": "shop", "resourceVersion": "7",
                "labels": { "reconcile.external-secrets.io/managed": "true" },
                "annotations": { "reconcile.external-secrets.io/data-hash":
                    "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64" },
                "managedFields": [
                    { "manager": "kubectl", "fieldsV1": { "f:data": {} } },
                    { "manager": "externalsecrets.external-secrets.io/a",
                      "fieldsV1": { "f:data": { "f:foo": {} }, "f:metadata": { "f:labels": { "f:x": {} } } } },
                ],
            },
            "type": "Opaque",
            "data": { "foo": "dmFsdWUx", "bar": "dmFsdWUy" },
        });
        let managed: ManagedSecret = serde_json::from_value(secret).unwrap();
        assert_eq!(&*managed.hash, "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64");
        let packed = managed.pack();
        let text = String::from_utf8(packed.text()).unwrap();
        assert!(!text.contains("dmFsdWU") && !text.contains("value1") && !text.contains("f:foo"));
        let kept = unpack(&packed);
        assert_eq!(kept.metadata, managed.metadata);
        assert_eq!(kept.metadata.managed_fields.as_ref().map(Vec::len), Some(1));
        assert_eq!(kept.type_.as_deref(), Some("Opaque"));
    }
}
