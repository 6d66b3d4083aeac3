//! Azure Key Vault.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::selector::{SecretKeySelector, ServiceAccountSelector};

open_enum! {
    /// Kind of the credentials of Azure.
    #[derive(Default)]
    pub enum AzureAuthType {
        /// Client id and secret, or certificate, of an application.
        #[default]
        ServicePrincipal = "ServicePrincipal",
        /// The identity of the node or pod.
        ManagedIdentity = "ManagedIdentity",
        /// A ServiceAccount that acts as an application.
        WorkloadIdentity = "WorkloadIdentity",
    }
}

open_enum! {
    /// Cloud of Azure.
    #[derive(Default)]
    pub enum AzureEnvironmentType {
        /// The public cloud.
        #[default]
        PublicCloud = "PublicCloud",
        /// The cloud of the government of the United States.
        UsGovernmentCloud = "USGovernmentCloud",
        /// The cloud in China.
        ChinaCloud = "ChinaCloud",
        /// The former cloud in Germany.
        GermanCloud = "GermanCloud",
        /// A cloud of one's own, which `customCloudConfig` describes.
        AzureStackCloud = "AzureStackCloud",
    }
}

/// Azure Key Vault as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AzureKvProvider {
    /// URL of the vault.
    pub vault_url: String,
    /// Tenant of the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Cloud of the vault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "PublicCloud"))]
    pub environment_type: Option<AzureEnvironmentType>,
    /// Kind of the credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "ServicePrincipal"))]
    pub auth_type: Option<AzureAuthType>,
    /// Credentials in Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth_secret_ref: Option<AzureKvAuth>,
    /// ServiceAccount for `WorkloadIdentity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// Client id for `ManagedIdentity`, if there is more than one identity.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity_id: Option<String>,
    /// Endpoints of a cloud of one's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_cloud_config: Option<AzureCustomCloud>,
    /// Uses the newer client library.
    #[serde(rename = "useAzureSDK", skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = false))]
    pub use_azure_sdk: Option<bool>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of an application in Secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AzureKvAuth {
    /// The client id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_id: Option<SecretKeySelector>,
    /// The tenant id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<SecretKeySelector>,
    /// The client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<SecretKeySelector>,
    /// The client certificate with its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Endpoints of a cloud of one's own.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AzureCustomCloud {
    /// Where tokens are fetched.
    pub active_directory_endpoint: String,
    /// Audience of the tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_vault_endpoint: Option<String>,
    /// DNS suffix of vaults.
    #[serde(rename = "keyVaultDNSSuffix", skip_serializing_if = "Option::is_none")]
    pub key_vault_dns_suffix: Option<String>,
    /// Endpoint of the resource manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_manager_endpoint: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
