//! IBM Cloud Secrets Manager.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::selector::SecretKeySelector;

/// IBM Cloud Secrets Manager as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct IbmProvider {
    /// URL of the instance.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_url: Option<String>,
    /// Credentials: exactly one kind.
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub auth: IbmAuth,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of IBM Cloud.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct IbmAuth {
    /// An API key in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<IbmAuthSecretRef>,
    /// The token of the container.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container_auth: Option<IbmContainerAuth>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// An API key in a Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct IbmAuthSecretRef {
    /// The API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_api_key_secret_ref: Option<SecretKeySelector>,
    /// Endpoint of the identity service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_endpoint: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// The token of the container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct IbmContainerAuth {
    /// Trusted profile that is assumed.
    pub profile: String,
    /// File of the token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_location: Option<String>,
    /// Endpoint of the identity service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iam_endpoint: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
