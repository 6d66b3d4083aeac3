//! What is written for ClusterExternalSecrets: ExternalSecrets, and ESO's finalizers that go.

use extsecret_crds::cluster_external_secret::ClusterExternalSecretStatus;
use extsecret_crds::{ClusterExternalSecret, ExternalSecret};
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions, PropagationPolicy};
use serde_json::json;

use super::{Apply, ApplyError, STATUS_MANAGER, answer, patch_status, take_off};
use crate::key::Name;
use crate::packed::Watched;

/// ESO's finalizer on ClusterExternalSecrets, for which there is garbage collection.
pub(crate) const ESO_CLUSTER_FINALIZER: &str =
    "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";

impl Apply {
    fn external_secrets(&self, metadata: &ObjectMeta) -> Api<Watched<ExternalSecret>> {
        let namespace = metadata.namespace.as_deref().unwrap_or_default();
        Api::namespaced(self.client.clone(), namespace)
    }

    fn cluster_external_secrets(&self) -> Api<Watched<ClusterExternalSecret>> {
        Api::all(self.client.clone())
    }

    /// Makes an ExternalSecret that must not be there yet.
    pub(crate) async fn create_external_secret(
        &self,
        object: ExternalSecret,
    ) -> Result<Watched<ExternalSecret>, ApplyError> {
        let api = self.external_secrets(&object.metadata);
        answer(api.create(&params(), &Watched::to_send(object))).await
    }

    /// Puts an ExternalSecret in the place of the one that it was made from.
    pub(crate) async fn replace_external_secret(
        &self,
        object: ExternalSecret,
    ) -> Result<Watched<ExternalSecret>, ApplyError> {
        if object.metadata.uid.is_none() || object.metadata.resource_version.is_none() {
            return Err(ApplyError::Conflict);
        }
        let api = self.external_secrets(&object.metadata);
        let name = object.metadata.name.clone().unwrap_or_default();
        answer(api.replace(&name, &params(), &Watched::to_send(object))).await
    }

    /// Deletes an ExternalSecret if it is exactly the one that was seen; what it made goes with it,
    /// or is left to whoever wants it. Returns the object if it is still there.
    pub(crate) async fn delete_external_secret(
        &self,
        metadata: &ObjectMeta,
        keep_secret: bool,
    ) -> Result<Option<Watched<ExternalSecret>>, ApplyError> {
        let (uid, version) = (&metadata.uid, &metadata.resource_version);
        if uid.is_none() || version.is_none() {
            return Err(ApplyError::Conflict);
        }
        let policy =
            if keep_secret { PropagationPolicy::Orphan } else { PropagationPolicy::Background };
        let params = DeleteParams {
            propagation_policy: Some(policy),
            preconditions: Some(Preconditions {
                uid: uid.clone(),
                resource_version: version.clone(),
            }),
            ..DeleteParams::default()
        };
        let name = metadata.name.as_deref().unwrap_or_default();
        match answer(self.external_secrets(metadata).delete(name, &params)).await {
            Ok(answer) => Ok(answer.left().filter(|it| it.metadata.deletion_timestamp.is_some())),
            Err(ApplyError::Gone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The ClusterExternalSecret as it is now.
    pub(crate) async fn read_cluster_external_secret(
        &self,
        name: &Name,
    ) -> Result<Option<Watched<ClusterExternalSecret>>, ApplyError> {
        let api = self.cluster_external_secrets();
        answer(api.get_opt(&name.name)).await
    }

    /// Sets the status of a ClusterExternalSecret, and returns the object.
    pub(crate) async fn cluster_external_secret_status(
        &self,
        metadata: &ObjectMeta,
        status: &ClusterExternalSecretStatus,
    ) -> Result<Watched<ClusterExternalSecret>, ApplyError> {
        let mut status = json!(status);
        if let Some(fields) = status.as_object_mut() {
            // A merge keeps what it is not told of.
            for list in ["provisionedNamespaces", "failedNamespaces"] {
                fields.entry(list).or_insert_with(|| json!(null));
            }
        }
        let patch = json!({
            "metadata": { "uid": metadata.uid, "resourceVersion": metadata.resource_version },
            "status": status,
        });
        let name = metadata.name.as_deref().unwrap_or_default();
        patch_status(&self.cluster_external_secrets(), name, &patch).await
    }

    /// Takes ESO's finalizer off a ClusterExternalSecret.
    pub(crate) async fn relieve_cluster_external_secret(
        &self,
        metadata: &ObjectMeta,
    ) -> Result<Option<Watched<ClusterExternalSecret>>, ApplyError> {
        take_off(&self.cluster_external_secrets(), metadata, ESO_CLUSTER_FINALIZER).await
    }

    /// The metadata of a namespace as it is now.
    pub(crate) async fn read_namespace(
        &self,
        name: &str,
    ) -> Result<Option<ObjectMeta>, ApplyError> {
        let api: Api<v1::Namespace> = Api::all(self.client.clone());
        let found = answer(api.get_metadata_opt(name)).await?;
        Ok(found.map(|namespace| namespace.metadata))
    }

    /// Takes a finalizer of ESO's off a namespace, and returns its metadata.
    pub(crate) async fn relieve_namespace(
        &self,
        name: &str,
        finalizer: &str,
    ) -> Result<Option<ObjectMeta>, ApplyError> {
        let Some(metadata) = self.read_namespace(name).await? else { return Ok(None) };
        if !metadata.finalizers.iter().flatten().any(|it| it == finalizer) {
            return Ok(Some(metadata));
        }
        let api: Api<v1::Namespace> = Api::all(self.client.clone());
        let namespace = take_off(&api, &metadata, finalizer).await?;
        Ok(namespace.map(|namespace| namespace.metadata))
    }
}

fn params() -> PostParams {
    PostParams { field_manager: Some(STATUS_MANAGER.to_owned()), dry_run: false }
}
