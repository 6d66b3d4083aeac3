//! AWS Secrets Manager, Parameter Store and Certificate Manager.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::selector::{SecretKeySelector, ServiceAccountSelector};

open_enum! {
    /// Service of AWS that values come from.
    #[derive(Default)]
    pub enum AwsService {
        /// Secrets Manager.
        #[default]
        SecretsManager = "SecretsManager",
        /// Parameter Store of Systems Manager.
        ParameterStore = "ParameterStore",
        /// Certificate Manager.
        CertificateManager = "CertificateManager",
    }
}

open_enum! {
    /// Which tags a session gets when `role` is assumed.
    #[derive(Default)]
    pub enum SessionTagsPolicy {
        /// Those of `sessionTags`.
        #[default]
        None = "None",
        /// Namespace, name and kind of the store.
        Simple = "Simple",
        /// Those of `Simple` and `customSessionTags`.
        Custom = "Custom",
    }
}

/// AWS as a provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsProvider {
    /// Service that values come from.
    pub service: AwsService,
    /// Region of the service.
    pub region: String,
    /// ARN of the role that is assumed last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// ARNs of the roles that are assumed before `role`, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additional_roles: Option<Vec<String>>,
    /// External id that is given when `role` is assumed.
    #[serde(rename = "externalID", skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Tags that the session of `role` gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_tags: Option<Vec<AwsTag>>,
    /// Keys of session tags that later sessions inherit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transitive_tag_keys: Option<Vec<String>>,
    /// Which tags the session of `role` gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "None"))]
    pub session_tags_policy: Option<SessionTagsPolicy>,
    /// Tags for the policy `Custom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(transform = refuse_reserved_tags)]
    pub custom_session_tags: Option<BTreeMap<String, String>>,
    /// Text that is put before every key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// How secrets are deleted in Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secrets_manager: Option<AwsSecretsManager>,
    /// Credentials. Those of the controller if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auth: Option<AwsAuth>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Refuses the tags that the policies write themselves.
fn refuse_reserved_tags(tags: &mut schemars::Schema) {
    tags.insert(
        "x-kubernetes-validations".to_owned(),
        serde_json::json!([{
            "rule": "!('esoNamespace' in self) && !('esoStoreName' in self) && !('esoStoreKind' in self)",
            "message": "esoNamespace, esoStoreName and esoStoreKind are written by the policy itself",
        }]),
    );
}

/// A tag of a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsTag {
    /// Key of the tag.
    pub key: String,
    /// Value of the tag.
    pub value: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// How secrets are deleted in Secrets Manager. It matters only when values are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsSecretsManager {
    /// Deletes at once. Excludes a recovery window.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub force_delete_without_recovery: Option<bool>,
    /// Days in which a deleted secret can be restored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recovery_window_in_days: Option<i64>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Credentials of AWS.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsAuth {
    /// Access keys in Secrets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<AwsAuthSecretRef>,
    /// A ServiceAccount whose token AWS accepts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jwt: Option<AwsJwtAuth>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Access keys in Secrets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsAuthSecretRef {
    /// The access key id.
    #[serde(rename = "accessKeyIDSecretRef", skip_serializing_if = "Option::is_none")]
    pub access_key_id_secret_ref: Option<SecretKeySelector>,
    /// The secret access key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_access_key_secret_ref: Option<SecretKeySelector>,
    /// The session token of temporary credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_token_secret_ref: Option<SecretKeySelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A ServiceAccount whose token AWS accepts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct AwsJwtAuth {
    /// The ServiceAccount.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_account_ref: Option<ServiceAccountSelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
