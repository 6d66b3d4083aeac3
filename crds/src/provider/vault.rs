//! Vault.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Concealed;
use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::selector::{CaProvider, SecretKeySelector, ServiceAccountSelector};

open_enum! {
    /// Version of the key-value engine.
    #[derive(Default)]
    pub enum VaultKvVersion {
        /// Without versions of secrets.
        V1 = "v1",
        /// With versions of secrets.
        #[default]
        V2 = "v2",
    }
}

/// Vault as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultProvider {
    /// URL of the server.
    pub server: String,
    /// Mount of the key-value engine. Part of each key if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Version of the key-value engine.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "v2"))]
    pub version: Option<VaultKvVersion>,
    /// Namespace of Vault that holds the secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Certificates of the authority (PEM), in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "byte"))]
    pub ca_bundle: Option<String>,
    /// An object that holds the certificate of the authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_provider: Option<CaProvider>,
    /// A client certificate for the connection.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<VaultTls>,
    /// Headers of every request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, Concealed>>,
    /// Reads see earlier writes, on a cluster with replication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_your_writes: Option<bool>,
    /// Sends a read on to the leader when this node is behind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward_inconsistent: Option<bool>,
    /// Guards writes. It matters only when values are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check_and_set: Option<VaultCheckAndSet>,
    /// Credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<VaultAuth>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A client certificate for the connection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultTls {
    /// The certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cert_secret_ref: Option<SecretKeySelector>,
    /// Its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Guards writes against changes in between.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultCheckAndSet {
    /// Every write names the version that it replaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of Vault: one kind.
///
/// The methods `jwt`, `iam`, `gcp`, `ldap`, `userPass` and `cert` are not modelled and are kept as
/// they are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultAuth {
    /// Namespace of Vault to log in to, if it differs from that of the secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// A token that the cluster reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes: Option<VaultKubernetesAuth>,
    /// An app role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_role: Option<VaultAppRole>,
    /// A token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A token that the cluster reviews.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultKubernetesAuth {
    /// Mount of the auth method.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "kubernetes"))]
    pub mount_path: Option<String>,
    /// Role of Vault.
    pub role: String,
    /// The ServiceAccount whose token is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// A Secret with the token. That of the controller if both are absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// An app role.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct VaultAppRole {
    /// Mount of the auth method.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "approle"))]
    pub path: Option<String>,
    /// The role id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_id: Option<String>,
    /// The role id, in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role_ref: Option<SecretKeySelector>,
    /// The secret id.
    pub secret_ref: SecretKeySelector,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
