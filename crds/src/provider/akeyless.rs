//! Akeyless.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::selector::{CaProvider, SecretKeySelector, ServiceAccountSelector};

/// Akeyless as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AkeylessProvider {
    /// URL of the gateway or of the public API.
    #[serde(rename = "akeylessGWApiURL")]
    pub akeyless_gw_api_url: String,
    /// Credentials.
    pub auth_secret_ref: AkeylessAuth,
    /// Certificates of the authority (PEM), in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "byte"))]
    pub ca_bundle: Option<String>,
    /// An object that holds the certificate of the authority.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_provider: Option<CaProvider>,
    /// Reads past the cache of the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ignore_cache: Option<bool>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of Akeyless.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AkeylessAuth {
    /// An access id and its parameter in Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<AkeylessAuthSecretRef>,
    /// A token that the cluster reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kubernetes_auth: Option<AkeylessKubernetesAuth>,
    /// A ServiceAccount whose token is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// An access id and its parameter in Secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AkeylessAuthSecretRef {
    /// The access id.
    #[serde(rename = "accessID", skip_serializing_if = "Option::is_none")]
    pub access_id: Option<SecretKeySelector>,
    /// Kind of the access id, such as `access_key`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_type: Option<SecretKeySelector>,
    /// What the kind needs, such as the access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_type_param: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A token that the cluster reviews.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AkeylessKubernetesAuth {
    /// The access id.
    #[serde(rename = "accessID")]
    pub access_id: String,
    /// Name of the configuration in Akeyless.
    pub k8s_conf_name: String,
    /// The ServiceAccount whose token is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// A Secret with the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
