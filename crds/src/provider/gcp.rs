//! Google Cloud Secret Manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::selector::{SecretKeySelector, ServiceAccountSelector};

/// Google Cloud Secret Manager as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpsmProvider {
    /// Project of the secrets. Asked from the metadata server if absent.
    #[serde(rename = "projectID", skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// Location of the secrets, if they are regional.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// What happens when the newest version is disabled: `LatestOrFail` or `LatestOrFetch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "LatestOrFail"))]
    pub secret_version_selection_policy: Option<String>,
    /// Credentials. Those of the controller if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<GcpsmAuth>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of Google Cloud.
///
/// `workloadIdentityFederation` is not modelled and is kept as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpsmAuth {
    /// A key of a service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<GcpAuthSecretRef>,
    /// A ServiceAccount that acts as a Google service account.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_identity: Option<GcpWorkloadIdentity>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A key of a Google service account in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpAuthSecretRef {
    /// The key, as JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key_secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A ServiceAccount that acts as a Google service account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpWorkloadIdentity {
    /// The ServiceAccount.
    pub service_account_ref: ServiceAccountSelector,
    /// Project of the cluster. Asked from the metadata server if absent.
    #[serde(rename = "clusterProjectID", skip_serializing_if = "Option::is_none")]
    pub cluster_project_id: Option<String>,
    /// Location of the cluster. Asked from the metadata server if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_location: Option<String>,
    /// Name of the cluster. Asked from the metadata server if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_name: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
