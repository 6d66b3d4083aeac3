//! What is written of workloads: one annotation of theirs, and one of their pods' or the time at which
//! a Rollout restarts. And the key of their fingerprints, which is made once.

use extsecret_restart::kinds::Kind;
use extsecret_restart::pace::Id;
use extsecret_restart::record::{MARKER, RECORD};
use extsecret_restart::stale::Began;
use jiff::Timestamp;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use serde_json::json;
use zeroize::Zeroize as _;

use super::{Apply, ApplyError, STATUS_MANAGER, answer};
use crate::restarts::{Seen, resource};

/// Who writes to workloads: a name of its own, so that a tool can be told to leave that alone.
const RESTARTS_MANAGER: &str = "extsecret-controller-restarts";

/// Where the bytes stand in the Secret of the key.
const KEY_FIELD: &str = "key";

/// What is written to a workload that is exactly as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct WorkloadChange {
    pub(crate) uid: Box<str>,
    pub(crate) version: Box<str>,
    pub(crate) record: String,
    /// If it restarts: what its pod template gets, or the time at which a Rollout restarts.
    pub(crate) marker: Option<String>,
}

/// When pods of a workload were made and ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodTimes {
    pub(crate) made: Vec<Timestamp>,
    /// When their containers began to run; `None` if that is not known.
    pub(crate) ran: Option<Vec<Began>>,
}

/// The key of fingerprints.
pub(crate) struct StoredKey {
    pub(crate) bytes: zeroize::Zeroizing<Vec<u8>>,
    pub(crate) created: Timestamp,
}

impl Apply {
    /// Notes on a workload what its pods have, and makes them anew if there is a marker. Returns the
    /// workload as it is then.
    pub(crate) async fn workload(
        &self,
        id: &Id,
        change: &WorkloadChange,
    ) -> Result<Seen, ApplyError> {
        let mut patch = json!({ "metadata": {
            "uid": change.uid,
            "resourceVersion": change.version,
            "annotations": { RECORD: change.record },
        } });
        if let (Some(marker), Some(object)) = (&change.marker, patch.as_object_mut()) {
            let spec = match id.kind {
                Kind::Rollout => json!({ "restartAt": marker }),
                // Those that are never restarted have no marker.
                _ => {
                    json!({ "template": { "metadata": { "annotations": { MARKER: marker } } } })
                }
            };
            object.insert("spec".to_owned(), spec);
        }
        let api: Api<Seen> =
            Api::namespaced_with(self.client.clone(), &id.namespace, &resource(id.kind));
        let params = PatchParams {
            field_manager: Some(RESTARTS_MANAGER.to_owned()),
            ..PatchParams::default()
        };
        answer(api.patch(&id.name, &params, &Patch::Merge(&patch))).await
    }

    /// When the pods that a selector finds were made and ran, those that are ending excepted.
    pub(crate) async fn pods(
        &self,
        namespace: &str,
        selector: &str,
    ) -> Result<PodTimes, ApplyError> {
        let api: Api<v1::Pod> = Api::namespaced(self.client.clone(), namespace);
        let params = ListParams::default().labels(selector);
        let pods = answer(api.list(&params)).await?;
        let mut times = PodTimes::default();
        let mut ran = Vec::new();
        for pod in pods.items {
            let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
            if matches!(phase, Some("Succeeded" | "Failed"))
                || pod.metadata.deletion_timestamp.is_some()
            {
                continue;
            }
            times.made.extend(pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
            // What was read can always be written.
            ran.extend(Began::of_pod(&serde_json::to_value(&pod).unwrap_or_default()));
        }
        times.ran = Some(ran);
        Ok(times)
    }

    /// The key of fingerprints; `None` if there is none.
    ///
    /// # Errors
    /// Also if the Secret is there and holds none: it is somebody else's.
    pub(crate) async fn read_key(
        &self,
        namespace: &str,
        name: &str,
    ) -> Result<Option<StoredKey>, ApplyError> {
        let Some(secret) = answer(self.secrets(namespace).get_opt(name)).await? else {
            return Ok(None);
        };
        stored(secret).map(Some)
    }

    /// Makes the Secret of the key, which must not be there yet.
    pub(crate) async fn create_key(
        &self,
        namespace: &str,
        name: &str,
        bytes: &[u8],
    ) -> Result<StoredKey, ApplyError> {
        let mut secret = v1::Secret {
            metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
            data: Some([(KEY_FIELD.to_owned(), ByteString(bytes.to_vec()))].into()),
            type_: Some("Opaque".to_owned()),
            ..v1::Secret::default()
        };
        let params = PostParams { field_manager: Some(STATUS_MANAGER.to_owned()), dry_run: false };
        let created = answer(self.secrets(namespace).create(&params, &secret)).await;
        secret.data.iter_mut().flat_map(|data| data.values_mut()).for_each(|it| it.0.zeroize());
        stored(created?)
    }
}

fn stored(secret: v1::Secret) -> Result<StoredKey, ApplyError> {
    let bytes = secret.data.and_then(|mut data| data.remove(KEY_FIELD)).map(|bytes| bytes.0);
    let created = secret.metadata.creation_timestamp.map(|time| time.0);
    let (Some(bytes), Some(created)) = (bytes, created) else {
        let cause = format!("the Secret has no field {KEY_FIELD:?}: delete it, or name another");
        return Err(ApplyError::Refused(cause));
    };
    Ok(StoredKey { bytes: zeroize::Zeroizing::new(bytes), created })
}
