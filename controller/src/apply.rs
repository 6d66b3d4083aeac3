//! Every write to the API server. Each has a precondition: what it was decided on must still be so.

mod cluster;
mod workload;

use std::time::Duration;

use extsecret_crds::external_secret::ExternalSecretStatus;
use extsecret_crds::{ExternalSecret, SecretStoreStatus};
use extsecret_engine::hash::field_manager;
use extsecret_engine::secret::Secret;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Status;
use kube::{Api, Client, Resource};
use kube_runtime::watcher;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::time::timeout;

use crate::key::{Key, Kind, Name};
use crate::packed::Watched;

pub(crate) use self::cluster::ESO_CLUSTER_FINALIZER;
pub(crate) use self::workload::{PodTimes, StoredKey, WorkloadChange};

/// ESO's finalizer, which nothing of this controller needs.
pub(crate) const ESO_FINALIZER: &str = "externalsecrets.external-secrets.io/externalsecret-cleanup";

/// Who writes the status of objects.
const STATUS_MANAGER: &str = "extsecret-controller";

/// Why something was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApplyError {
    /// It is there already.
    #[error("it exists already")]
    Exists,
    /// It is not there any more.
    #[error("it does not exist any more")]
    Gone,
    /// It is not what was seen any more.
    #[error("it was changed meanwhile")]
    Conflict,
    /// The API server will not have it, however often it is asked.
    #[error("{0}")]
    Refused(String),
    /// The API server does not answer, or not now.
    #[error("{0}")]
    Unavailable(String),
}

impl ApplyError {
    /// Whether the same write may succeed later.
    pub(crate) fn may_pass(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

/// How long the API server may take for one request: nothing else ends one that is never answered.
/// What it was to write may have been written; the next look finds out.
const PATIENCE: Duration = Duration::from_secs(30);

/// The answer to a request.
async fn answer<T>(request: impl Future<Output = kube::Result<T>>) -> Result<T, ApplyError> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer.map_err(|error| classify(&error)),
        Err(_) => Err(ApplyError::Unavailable("the API server does not answer in time".to_owned())),
    }
}

/// What went wrong, without anything that the API server quotes: it may quote values.
fn classify(error: &kube::Error) -> ApplyError {
    let kube::Error::Api(status) = error else {
        return ApplyError::Unavailable(explain(error));
    };
    match (status.code, status.reason.as_str()) {
        (409, "AlreadyExists") => ApplyError::Exists,
        (409, _) => ApplyError::Conflict,
        (404, _) => ApplyError::Gone,
        // A namespace that is being deleted refuses new objects with 403, too, but for good.
        (400 | 403 | 405 | 413 | 422, _) => ApplyError::Refused(refusal(status)),
        _ => ApplyError::Unavailable(explain(error)),
    }
}

fn refusal(status: &Status) -> String {
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let fields: Vec<_> = causes
        .map(|cause| match cause.field.as_str() {
            "" => cause.reason.clone(),
            field => format!("{field} ({})", cause.reason),
        })
        .filter(|cause| !cause.is_empty())
        .collect();
    if let Some(denier) = denier(&status.message) {
        return format!("{denier} denies it ({})", status.code);
    }
    let what = match status.code {
        403 => "this controller is not allowed to write it".to_owned(),
        413 => "it is too large".to_owned(),
        code => format!("{} ({code})", status.reason),
    };
    if fields.is_empty() {
        format!("the API server refuses it: {what}")
    } else {
        format!("the API server refuses it: {what}: {}", fields.join(", "))
    }
}

/// Whoever denied it at admission. What he says may quote values; his name stands before that.
fn denier(message: &str) -> Option<String> {
    let kinds = [("ValidatingAdmissionPolicy '", '\''), ("admission webhook \"", '"')];
    kinds.into_iter().find_map(|(kind, end)| {
        let (before, rest) = message.split_once(kind)?;
        let (name, _) = rest.split_once(end)?;
        let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c);
        let is_first = !before.contains("denied");
        let what = kind.trim_end_matches(['\'', '"', ' ']);
        (is_first && name.len() <= 253 && name.chars().all(is_name))
            .then(|| format!("the {what} {name}"))
    })
}

/// An error of the API server in words that are the same each time and hold nothing of an object.
pub(crate) fn explain(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            "the API server does not allow it (403)".to_owned()
        }
        kube::Error::Api(status) if !status.reason.is_empty() => {
            format!("the API server answers {} ({})", status.reason, status.code)
        }
        kube::Error::Api(status) => format!("the API server answers {}", status.code),
        kube::Error::SerdeError(_) => "the answer of the API server cannot be read".to_owned(),
        _ => "the API server cannot be reached".to_owned(),
    }
}

/// The same for a watch.
pub(crate) fn explain_watch(error: &watcher::Error) -> String {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => explain(error),
        watcher::Error::WatchError(status) => {
            format!("the API server ends the watch: {} ({})", status.reason, status.code)
        }
        watcher::Error::NoResourceVersion => "the list has no version".to_owned(),
    }
}

/// Writes.
#[derive(Clone)]
pub(crate) struct Apply {
    client: Client,
}

impl Apply {
    pub(crate) fn new(client: Client) -> Self {
        Self { client }
    }

    fn secrets(&self, namespace: &str) -> Api<v1::Secret> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// The Secret as it is now, with its values.
    pub(crate) async fn read_secret(&self, name: &Name) -> Result<Option<v1::Secret>, ApplyError> {
        answer(self.secrets(&name.namespace).get_opt(&name.name)).await
    }

    /// Makes a Secret that must not be there yet, as the ExternalSecret `writer`.
    pub(crate) async fn create_secret(
        &self,
        writer: &str,
        secret: Secret,
    ) -> Result<v1::Secret, ApplyError> {
        let namespace = secret.metadata.namespace.clone().unwrap_or_default();
        let params = PostParams { field_manager: Some(field_manager(writer)), dry_run: false };
        let secret = v1::Secret::from(secret);
        answer(self.secrets(&namespace).create(&params, &secret)).await
    }

    /// Puts a Secret in the place of the one that it was made from.
    pub(crate) async fn replace_secret(
        &self,
        writer: &str,
        secret: Secret,
    ) -> Result<v1::Secret, ApplyError> {
        let namespace = secret.metadata.namespace.clone().unwrap_or_default();
        let name = secret.name().to_owned();
        if secret.metadata.resource_version.is_none() {
            return Err(ApplyError::Conflict);
        }
        let params = PostParams { field_manager: Some(field_manager(writer)), dry_run: false };
        let secret = v1::Secret::from(secret);
        answer(self.secrets(&namespace).replace(&name, &params, &secret)).await
    }

    /// Deletes a Secret if it is exactly the one that was seen.
    pub(crate) async fn delete_secret(&self, secret: &Secret) -> Result<(), ApplyError> {
        let namespace = secret.metadata.namespace.as_deref().unwrap_or_default();
        let (uid, version) = (&secret.metadata.uid, &secret.metadata.resource_version);
        if uid.is_none() || version.is_none() {
            return Err(ApplyError::Conflict);
        }
        let preconditions = Preconditions { uid: uid.clone(), resource_version: version.clone() };
        let params = DeleteParams::background().preconditions(preconditions);
        match answer(self.secrets(namespace).delete(secret.name(), &params)).await {
            Ok(_) | Err(ApplyError::Gone) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Sets the status of an ExternalSecret, and returns the object.
    pub(crate) async fn external_secret_status(
        &self,
        object: &ExternalSecret,
        status: &ExternalSecretStatus,
    ) -> Result<Watched<ExternalSecret>, ApplyError> {
        let metadata = &object.metadata;
        let patch = json!({
            "metadata": { "uid": metadata.uid, "resourceVersion": metadata.resource_version },
            "status": status,
        });
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Watched<ExternalSecret>> = Api::namespaced(self.client.clone(), namespace);
        let name = metadata.name.as_deref().unwrap_or_default();
        patch_status(&api, name, &patch).await
    }

    /// The ExternalSecret as it is now.
    pub(crate) async fn read_external_secret(
        &self,
        name: &Name,
    ) -> Result<Option<Watched<ExternalSecret>>, ApplyError> {
        let api: Api<Watched<ExternalSecret>> =
            Api::namespaced(self.client.clone(), &name.namespace);
        answer(api.get_opt(&name.name)).await
    }

    /// Takes ESO's finalizer off an ExternalSecret, if its finalizers are still those.
    pub(crate) async fn remove_finalizer(
        &self,
        object: &ExternalSecret,
    ) -> Result<Option<Watched<ExternalSecret>>, ApplyError> {
        let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
        let api: Api<Watched<ExternalSecret>> = Api::namespaced(self.client.clone(), namespace);
        take_off(&api, &object.metadata, ESO_FINALIZER).await
    }

    /// Sets the status of a store.
    pub(crate) async fn store_status(
        &self,
        key: &Key,
        metadata: &ObjectMeta,
        status: &SecretStoreStatus,
    ) -> Result<(), ApplyError> {
        let patch = json!({
            "metadata": { "uid": metadata.uid, "resourceVersion": metadata.resource_version },
            "status": status,
        });
        let client = self.client.clone();
        let name = &key.name.name;
        if key.kind == Kind::ClusterSecretStore {
            let api: Api<Watched<extsecret_crds::ClusterSecretStore>> = Api::all(client);
            patch_status(&api, name, &patch).await.map(drop)
        } else {
            let api: Api<Watched<extsecret_crds::SecretStore>> =
                Api::namespaced(client, &key.name.namespace);
            patch_status(&api, name, &patch).await.map(drop)
        }
    }
}

/// Takes a finalizer off an object, if it is still the one that was seen.
async fn take_off<K>(
    api: &Api<K>,
    metadata: &ObjectMeta,
    finalizer: &str,
) -> Result<Option<K>, ApplyError>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let all = metadata.finalizers.as_deref().unwrap_or_default();
    let rest: Vec<_> = all.iter().filter(|name| *name != finalizer).collect();
    let patch = json!({ "metadata": {
        "uid": metadata.uid,
        "resourceVersion": metadata.resource_version,
        "finalizers": rest,
    } });
    let name = metadata.name.as_deref().unwrap_or_default();
    let params =
        PatchParams { field_manager: Some(STATUS_MANAGER.to_owned()), ..PatchParams::default() };
    match answer(api.patch(name, &params, &Patch::Merge(&patch))).await {
        Ok(object) => Ok(Some(object)),
        Err(ApplyError::Gone) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn patch_status<K>(
    api: &Api<K>,
    name: &str,
    patch: &serde_json::Value,
) -> Result<K, ApplyError>
where
    K: Resource + Clone + std::fmt::Debug + DeserializeOwned,
{
    let params =
        PatchParams { field_manager: Some(STATUS_MANAGER.to_owned()), ..PatchParams::default() };
    answer(api.patch_status(name, &params, &Patch::Merge(patch))).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_request_that_is_never_answered_ends_and_may_be_made_again() {
        let silence = std::future::pending::<kube::Result<()>>();
        let ended = answer(silence).await.unwrap_err();
        assert!(matches!(&ended, ApplyError::Unavailable(_)) && ended.may_pass(), "{ended}");
    }

    #[test]
    fn who_denies_a_write_is_named_and_what_he_says_is_not_repeated() {
        let answer = |message: &str| {
            let status = Status::failure(message, "Invalid").with_code(422).boxed();
            classify(&kube::Error::Api(status)).to_string()
        };
        let policy = "secrets \"web\" is forbidden: ValidatingAdmissionPolicy 'no.writes' with binding \
                      'b' denied request: not p4ssword";
        assert_eq!(answer(policy), "the ValidatingAdmissionPolicy no.writes denies it (422)");
        let webhook = "admission webhook \"a.example.com\" denied the request: not p4ssword";
        assert_eq!(answer(webhook), "the admission webhook a.example.com denies it (422)");
        for other in [
            "Secret \"web\" is invalid: p4ssword",
            "x denied request: ValidatingAdmissionPolicy 'p4ssword' ",
            "ValidatingAdmissionPolicy 'P4ssword!' denied request",
            "ValidatingAdmissionPolicy 'p4ssword",
        ] {
            assert_eq!(answer(other), "the API server refuses it: Invalid (422)");
        }
    }
}
