//! The sources of an ExternalSecret: which values are fetched, and how their keys are made.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SecretStoreRef;
use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::schema::shape::{DataKey, ObjectName};

/// `apiVersion` of a generator when a reference does not say it.
pub const DEFAULT_GENERATOR_API_VERSION: &str = "generators.external-secrets.io/v1alpha1";

/// One key of the target and where its value comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretData {
    /// Key in the target.
    #[schemars(with = "DataKey")]
    pub secret_key: String,
    /// The value at the provider.
    pub remote_ref: RemoteRef,
    /// Another store for this item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub source_ref: Option<SourceRef>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// Whether the value or its tags are fetched.
    #[derive(Default)]
    pub enum MetadataPolicy {
        /// The value.
        #[default]
        None = "None",
        /// The tags or labels, as JSON.
        Fetch = "Fetch",
    }
}

open_enum! {
    /// How a name that is no valid key is made one.
    #[derive(Default)]
    pub enum ConversionStrategy {
        /// Every other character becomes `_`.
        #[default]
        Default = "Default",
        /// Every other character becomes its code point.
        Unicode = "Unicode",
    }
}

open_enum! {
    /// How a value is decoded.
    #[derive(Default)]
    pub enum DecodingStrategy {
        /// `Base64` or `Base64URL` if it is valid, else not at all.
        Auto = "Auto",
        /// `Base64`; anything else is an error.
        Base64 = "Base64",
        /// `Base64URL`; anything else is an error.
        Base64Url = "Base64URL",
        /// Not at all.
        #[default]
        None = "None",
    }
}

open_enum! {
    /// What a NUL byte in a value means.
    #[derive(Default)]
    pub enum NullBytePolicy {
        /// Nothing.
        #[default]
        Ignore = "Ignore",
        /// An error.
        Fail = "Fail",
    }
}

/// A value at the provider.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RemoteRef {
    /// Name of the secret at the provider.
    pub key: String,
    /// Property inside the secret, if its value is structured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub property: Option<String>,
    /// Version of the secret. The current one if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Whether the value or its tags are fetched. `None` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata_policy: Option<MetadataPolicy>,
    /// How a name that is no valid key is made one. `Default` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_strategy: Option<ConversionStrategy>,
    /// How the value is decoded. `None` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoding_strategy: Option<DecodingStrategy>,
    /// What a NUL byte in the value means. `Ignore` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_byte_policy: Option<NullBytePolicy>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl RemoteRef {
    /// The metadata policy; `None` if absent.
    pub fn metadata_policy(&self) -> MetadataPolicy {
        self.metadata_policy.clone().unwrap_or_default()
    }

    /// The conversion strategy; `Default` if absent. `data` items do not use it.
    pub fn conversion_strategy(&self) -> ConversionStrategy {
        self.conversion_strategy.clone().unwrap_or_default()
    }

    /// The decoding strategy; `None` if absent.
    pub fn decoding_strategy(&self) -> DecodingStrategy {
        self.decoding_strategy.clone().unwrap_or_default()
    }

    /// The policy for NUL bytes; `Ignore` if absent.
    pub fn null_byte_policy(&self) -> NullBytePolicy {
        self.null_byte_policy.clone().unwrap_or_default()
    }
}

/// Where the values of an item come from, if not from the store of the ExternalSecret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceRef {
    /// A store.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store_ref: Option<SecretStoreRef>,
    /// A generator. It has no effect in an item of `data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub generator_ref: Option<GeneratorRef>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// Kind of a generator.
    #[derive(Default)]
    pub enum GeneratorKind {
        /// Access token of an Azure container registry.
        AcrAccessToken = "ACRAccessToken",
        /// Short-lived credentials of `BeyondTrust`.
        BeyondtrustWorkloadCredentialsDynamicSecret = "BeyondtrustWorkloadCredentialsDynamicSecret",
        /// A generator of any kind that the whole cluster shares.
        #[default]
        ClusterGenerator = "ClusterGenerator",
        /// Access token of Cloudsmith.
        CloudsmithAccessToken = "CloudsmithAccessToken",
        /// Login of an Amazon container registry.
        EcrAuthorizationToken = "ECRAuthorizationToken",
        /// Fixed values, for tests.
        Fake = "Fake",
        /// Access token of a Google container registry.
        GcrAccessToken = "GCRAccessToken",
        /// Installation token of a GitHub app.
        GithubAccessToken = "GithubAccessToken",
        /// Deploy token of GitLab.
        GitlabDeployToken = "GitlabDeployToken",
        /// Robot token of Quay.
        QuayAccessToken = "QuayAccessToken",
        /// A random password.
        Password = "Password",
        /// A pair of SSH keys.
        SshKey = "SSHKey",
        /// A session token of AWS.
        StsSessionToken = "STSSessionToken",
        /// A random UUID.
        Uuid = "UUID",
        /// The answer of a path of Vault.
        VaultDynamicSecret = "VaultDynamicSecret",
        /// The answer of an HTTP call.
        Webhook = "Webhook",
        /// Service account token of Grafana.
        Grafana = "Grafana",
        /// A one-time password.
        Mfa = "MFA",
    }
}

/// Names a generator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GeneratorRef {
    /// `apiVersion` of the generator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DEFAULT_GENERATOR_API_VERSION))]
    pub api_version: Option<String>,
    /// Kind of the generator.
    pub kind: GeneratorKind,
    /// Name of the generator.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl GeneratorRef {
    /// `apiVersion` of the generator; the one of all generators if absent.
    pub fn api_version(&self) -> &str {
        self.api_version.as_deref().unwrap_or(DEFAULT_GENERATOR_API_VERSION)
    }
}

/// A source of many keys at once: `extract`, `find`, or a generator in `sourceRef`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DataFromSource {
    /// All properties of one secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extract: Option<RemoteRef>,
    /// All secrets that are found by path, name or tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub find: Option<Find>,
    /// Changes to the keys, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rewrite: Option<Vec<Rewrite>>,
    /// Another store, or a generator, for this item.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
    pub source_ref: Option<SourceRef>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl DataFromSource {
    /// The items of `rewrite`; empty if absent.
    pub fn rewrite(&self) -> &[Rewrite] {
        self.rewrite.as_deref().unwrap_or_default()
    }
}

/// Finds secrets by path, name or tags.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Find {
    /// Where the search starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Secrets by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<FindName>,
    /// Secrets by tags, all of which must be there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, String>>,
    /// How a name that is no valid key is made one. `Default` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conversion_strategy: Option<ConversionStrategy>,
    /// How the values are decoded. `None` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoding_strategy: Option<DecodingStrategy>,
    /// What a NUL byte in a value means. `Ignore` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub null_byte_policy: Option<NullBytePolicy>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl Find {
    /// The conversion strategy; `Default` if absent.
    pub fn conversion_strategy(&self) -> ConversionStrategy {
        self.conversion_strategy.clone().unwrap_or_default()
    }

    /// The decoding strategy; `None` if absent.
    pub fn decoding_strategy(&self) -> DecodingStrategy {
        self.decoding_strategy.clone().unwrap_or_default()
    }

    /// The policy for NUL bytes; `Ignore` if absent.
    pub fn null_byte_policy(&self) -> NullBytePolicy {
        self.null_byte_policy.clone().unwrap_or_default()
    }
}

/// Finds secrets by name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindName {
    /// Regular expression (RE2) that a part of the name must match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regexp: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// One change to the keys of a [`DataFromSource`]: exactly one of the three.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub struct Rewrite {
    /// Merges structured values into one level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<RewriteMerge>,
    /// Replaces what a regular expression matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regexp: Option<RewriteRegexp>,
    /// Makes the new key with a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transform: Option<RewriteTransform>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// What a key of `priority` means that is not there.
    #[derive(Default)]
    pub enum MergePriorityPolicy {
        /// Nothing.
        IgnoreNotFound = "IgnoreNotFound",
        /// An error.
        #[default]
        Strict = "Strict",
    }
}

open_enum! {
    /// What two equal keys mean in a merge.
    #[derive(Default)]
    pub enum MergeConflictPolicy {
        /// The later one wins.
        Ignore = "Ignore",
        /// An error.
        #[default]
        Error = "Error",
    }
}

open_enum! {
    /// What a merge makes.
    #[derive(Default)]
    pub enum MergeStrategy {
        /// One key for each property.
        #[default]
        Extract = "Extract",
        /// One key with one JSON object.
        Json = "JSON",
    }
}

/// Merges structured values into one level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RewriteMerge {
    /// What the merge makes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Extract"))]
    pub strategy: Option<MergeStrategy>,
    /// Key of the JSON object; needed with the strategy `JSON`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ""))]
    pub into: Option<String>,
    /// What two equal keys mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Error"))]
    pub conflict_policy: Option<MergeConflictPolicy>,
    /// Keys that win, the last one over those before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<Vec<String>>,
    /// What a key of `priority` means that is not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Strict"))]
    pub priority_policy: Option<MergePriorityPolicy>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl RewriteMerge {
    /// The strategy; `Extract` if absent.
    pub fn strategy(&self) -> MergeStrategy {
        self.strategy.clone().unwrap_or_default()
    }

    /// The conflict policy; `Error` if absent.
    pub fn conflict_policy(&self) -> MergeConflictPolicy {
        self.conflict_policy.clone().unwrap_or_default()
    }

    /// The priority policy; `Strict` if absent.
    pub fn priority_policy(&self) -> MergePriorityPolicy {
        self.priority_policy.clone().unwrap_or_default()
    }
}

/// Replaces what a regular expression matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RewriteRegexp {
    /// The regular expression (RE2).
    pub source: String,
    /// The replacement; `$1` and `${name}` stand for groups.
    pub target: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// Makes the new key with a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RewriteTransform {
    /// The template; `.value` is the key.
    pub template: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
