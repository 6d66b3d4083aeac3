//! JSON made small: objects of a kind have most of their text in common, which is written once, here.

use std::fmt;

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};

/// What most objects have in their JSON. The last is the cheapest to refer to; what an object is made
/// of in a row had better be in a row here.
const COMMON: &[u8] = br#"{"apiVersion":"external-secrets.io/v1","kind":"ExternalSecret","metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"{\"apiVersion\":\"external-secrets.io/v1\",\"kind\":\"ExternalSecret\",\"metadata\":{\"annotations\":{},\"labels\":{\"app.kubernetes.io/instance\":\"\",\"app.kubernetes.io/managed-by\":\"Helm\",\"app.kubernetes.io/name\":\"\"},\"name\":\"\",\"namespace\":\"\"},\"spec\":{\"data\":[{\"remoteRef\":{\"key\":\"\",\"property\":\"\"},\"secretKey\":\"\"}],\"dataFrom\":[{\"extract\":{\"key\":\"\"}}],\"refreshInterval\":\"1h\",\"secretStoreRef\":{\"kind\":\"ClusterSecretStore\",\"name\":\"\"},\"target\":{\"creationPolicy\":\"Owner\",\"name\":\"\",\"template\":{\"data\":{}}}}}\n"},"labels":{"app.kubernetes.io/managed-by":"Helm","app.kubernetes.io/instance":"","app.kubernetes.io/name":"","helm.sh/chart":""},"creationTimestamp":"2026-01-01T00:00:00Z","generation":1,"name":"","namespace":"","resourceVersion":"","uid":""},"spec":{"data":[{"remoteRef":{"conversionStrategy":"Default","decodingStrategy":"None","key":"","metadataPolicy":"None","nullBytePolicy":"Ignore","property":"","version":""},"secretKey":""}],"dataFrom":[{"extract":{"conversionStrategy":"Default","decodingStrategy":"None","key":"","metadataPolicy":"None","nullBytePolicy":"Ignore"}}],"refreshInterval":"1h","refreshPolicy":"Periodic","secretStoreRef":{"kind":"ClusterSecretStore","name":""},"secretStoreRef":{"kind":"SecretStore","name":"aws"},"target":{"creationPolicy":"Owner","deletionPolicy":"Retain","name":"","template":{"data":{},"engineVersion":"v2","mergePolicy":"Replace","type":"Opaque"}}},"status":{"binding":{"name":""},"conditions":[{"lastTransitionTime":"2026-01-01T00:00:00Z","message":"secret synced","reason":"SecretSynced","status":"True","type":"Ready"}],"refreshTime":"2026-01-01T00:00:00Z","syncedResourceVersion":"1-"}}{"metadata":{"annotations":{"reconcile.external-secrets.io/data-hash":""},"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"reconcile.external-secrets.io/created-by":"","reconcile.external-secrets.io/managed":"true"},"managedFields":[{"apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"f:immutable":{},"f:metadata":{"f:annotations":{".":{},"f:reconcile.external-secrets.io/data-hash":{}},"f:labels":{".":{},"f:reconcile.external-secrets.io/created-by":{},"f:reconcile.external-secrets.io/managed":{}},"f:ownerReferences":{".":{},"k:{\"uid\":\""}":{}}},"f:type":{}},"manager":"externalsecrets.external-secrets.io/","operation":"Update","time":"2026-01-01T00:00:00Z"}],"name":"","namespace":"","ownerReferences":[{"apiVersion":"external-secrets.io/v1","blockOwnerDeletion":true,"controller":true,"kind":"ExternalSecret","name":"","uid":""}],"resourceVersion":"","uid":""},"type":"Opaque","immutable":null}"#;

/// A text that was made small.
#[derive(Clone, Default)]
pub(crate) struct Packed(Box<[u8]>);

impl Packed {
    pub(crate) fn of(text: &[u8]) -> Self {
        Self(compress_prepend_size_with_dict(text, COMMON).into_boxed_slice())
    }

    /// The text; nothing if there never was one.
    pub(crate) fn text(&self) -> Vec<u8> {
        // What was made here can be read here.
        decompress_size_prepended_with_dict(&self.0, COMMON).unwrap_or_default()
    }
}

impl fmt::Debug for Packed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Packed({} bytes)", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back(text in vec(any::<u8>(), 0..5000), common in 0..COMMON.len()) {
            let text = [&text, &COMMON[common..], &text].concat();
            prop_assert_eq!(Packed::of(&text).text(), text);
        }
    }

    #[test]
    fn what_objects_have_in_common_is_not_kept_of_each() {
        let object = serde_json::json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": {
                "name": "web", "namespace": "shop", "generation": 1, "resourceVersion": "4711",
                "uid": "0b8ab1b4-1b0f-4a5b-9d35-8f0f1d6a2d7e",
                "creationTimestamp": "2026-03-01T12:00:00Z",
            },
            "spec": {
                "refreshInterval": "1h",
                "refreshPolicy": "Periodic",
                "secretStoreRef": { "kind": "SecretStore", "name": "aws" },
                "data": [{
                    "secretKey": "value",
                    "remoteRef": {
                        "conversionStrategy": "Default", "decodingStrategy": "None",
                        "key": "app/1", "metadataPolicy": "None", "nullBytePolicy": "Ignore",
                    },
                }],
                "target": { "creationPolicy": "Owner", "deletionPolicy": "Retain" },
            },
        });
        let text = serde_json::to_vec(&object).unwrap();
        let packed = Packed::of(&text);
        assert!(packed.0.len() * 2 < text.len(), "{} of {}", packed.0.len(), text.len());
        assert_eq!(packed.text(), text);
        assert!(Packed::default().text().is_empty());
    }
}
