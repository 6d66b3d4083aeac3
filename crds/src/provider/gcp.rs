//! Google Cloud Secret Manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::schema::shape::{AwsRegion, DataKey, GcpServiceAccountEmail, NamespaceName, ObjectName};
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
    /// An identity outside Google Cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workload_identity_federation: Option<GcpWorkloadIdentityFederation>,
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

/// An identity outside Google Cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpWorkloadIdentityFederation {
    /// Audience of the token, which names the pool and the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,
    /// The ServiceAccount whose token is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// Service account that is impersonated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<GcpServiceAccountEmail>")]
    pub gcp_service_account_email: Option<String>,
    /// A ConfigMap with a credential configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cred_config: Option<GcpCredentialConfig>,
    /// Credentials of AWS that are given instead of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_security_credentials: Option<GcpAwsCredentials>,
    /// Where the token is fetched from, if it differs from the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_token_endpoint: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A ConfigMap with a credential configuration.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpCredentialConfig {
    /// Name of the ConfigMap.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Namespace of the ConfigMap. Only a cluster-scoped store may name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Key inside the ConfigMap.
    #[schemars(with = "DataKey")]
    pub key: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of AWS that are given instead of a token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpAwsCredentials {
    /// The Secret with the credentials.
    pub aws_credentials_secret_ref: GcpAwsCredentialsSecretRef,
    /// Region of AWS.
    #[schemars(with = "AwsRegion")]
    pub region: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A Secret with credentials of AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct GcpAwsCredentialsSecretRef {
    /// Name of the Secret.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Namespace of the Secret. Only a cluster-scoped store may name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<NamespaceName>")]
    pub namespace: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
