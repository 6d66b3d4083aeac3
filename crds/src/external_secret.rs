//! `ExternalSecret`: which values to fetch, and the Secret to write them to.

use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::condition::{Condition, listed_types};
use crate::duration::{self, GoDuration};
use crate::open_enum::open_enum;
use crate::schema::root_schema;
use crate::schema::shape::{CronExpression, ObjectName};

pub mod source;
pub mod target;

pub use source::{
    ConversionStrategy, DataFromSource, DecodingStrategy, ExternalSecretData, Find, FindName,
    GeneratorKind, GeneratorRef, MergeConflictPolicy, MergePriorityPolicy, MergeStrategy,
    MetadataPolicy, NullBytePolicy, RemoteRef, Rewrite, RewriteMerge, RewriteRegexp,
    RewriteTransform, SourceRef,
};
pub use target::{
    CreationPolicy, DeletionPolicy, ExternalSecretTarget, ExternalSecretTemplate,
    ManifestReference, TemplateEngineVersion, TemplateFrom, TemplateMergePolicy, TemplateMetadata,
    TemplateScope, TemplateSource, TemplateSourceItem,
};

/// The value that the API server writes for an absent `refreshInterval`.
pub const DEFAULT_REFRESH_INTERVAL: &str = "1h0m0s";

/// What an [`ExternalSecret`] is to do.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::duplicated_attributes, reason = "each column has a name, a type and a path")]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "ExternalSecret",
    plural = "externalsecrets",
    shortname = "es",
    category = "external-secrets",
    namespaced,
    status = "ExternalSecretStatus",
    schema = "manual",
    derive = "PartialEq",
    doc = "Fetches values from a secret store and keeps them in a Kubernetes Secret.",
    printcolumn(name = "StoreType", type_ = "string", json_path = ".spec.secretStoreRef.kind"),
    printcolumn(name = "Store", type_ = "string", json_path = ".spec.secretStoreRef.name"),
    printcolumn(name = "Refresh Interval", type_ = "string", json_path = ".spec.refreshInterval"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    printcolumn(name = "Last Sync", type_ = "date", json_path = ".status.refreshTime"),
    selectable = ".spec.secretStoreRef.name",
    selectable = ".spec.secretStoreRef.kind",
    selectable = ".spec.target.name",
    selectable = ".spec.refreshInterval",
    crates(kube_core = "::kube_core")
)]
pub struct ExternalSecretSpec {
    /// Store that values come from, unless an item names its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_store_ref: Option<SecretStoreRef>,
    /// When values are fetched again. `Periodic` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_policy: Option<RefreshPolicy>,
    /// Time between two fetches with the policy `Periodic`, as a Go duration such as `30s` or
    /// `1h0m0s`. With `0` values are fetched once.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = DEFAULT_REFRESH_INTERVAL))]
    pub refresh_interval: Option<String>,
    /// Times at which values may, or may not, be fetched again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sync_windows: Option<SyncWindows>,
    /// The Secret, or other object, that values are written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = { "creationPolicy": "Owner", "deletionPolicy": "Retain" }))]
    pub target: Option<ExternalSecretTarget>,
    /// Sources of many keys at once, in order: a later item wins over an earlier one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_from: Option<Vec<DataFromSource>>,
    /// Single keys. They win over `dataFrom`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Vec<ExternalSecretData>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

root_schema!(
    ExternalSecret,
    ExternalSecretSpec,
    ExternalSecretStatus,
    "Fetches values from a secret store and keeps them in a Kubernetes Secret."
);

impl ExternalSecretSpec {
    /// The items of `data`; empty if absent.
    pub fn data(&self) -> &[ExternalSecretData] {
        self.data.as_deref().unwrap_or_default()
    }

    /// The items of `dataFrom`; empty if absent.
    pub fn data_from(&self) -> &[DataFromSource] {
        self.data_from.as_deref().unwrap_or_default()
    }

    /// The refresh policy; `Periodic` if absent.
    pub fn refresh_policy(&self) -> RefreshPolicy {
        self.refresh_policy.clone().unwrap_or(RefreshPolicy::Periodic)
    }

    /// The refresh interval; one hour if absent.
    ///
    /// # Errors
    ///
    /// If the text is not a Go duration.
    pub fn refresh_interval(&self) -> Result<GoDuration, duration::ParseError> {
        self.refresh_interval.as_deref().unwrap_or(DEFAULT_REFRESH_INTERVAL).parse()
    }

    /// `target.creationPolicy`; `Owner` if absent.
    pub fn creation_policy(&self) -> CreationPolicy {
        self.target.as_ref().map(ExternalSecretTarget::creation_policy).unwrap_or_default()
    }

    /// `target.deletionPolicy`; `Retain` if absent.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.target.as_ref().map(ExternalSecretTarget::deletion_policy).unwrap_or_default()
    }

    /// Name of the target of an ExternalSecret that is called `name`.
    pub fn target_name<'a>(&'a self, name: &'a str) -> &'a str {
        self.target.as_ref().and_then(|target| target.name.as_deref()).unwrap_or(name)
    }
}

open_enum! {
    /// Kind of the store in a [`SecretStoreRef`].
    pub enum StoreKind {
        /// A store of the same namespace.
        SecretStore = "SecretStore",
        /// A store of the whole cluster.
        ClusterSecretStore = "ClusterSecretStore",
    }
}

/// Names a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretStoreRef {
    /// Name of the store.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub name: Option<String>,
    /// Kind of the store. `SecretStore` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<StoreKind>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl SecretStoreRef {
    /// Kind of the store; `SecretStore` if absent.
    pub fn kind(&self) -> StoreKind {
        self.kind.clone().unwrap_or(StoreKind::SecretStore)
    }
}

open_enum! {
    /// When values are fetched again.
    pub enum RefreshPolicy {
        /// Once, when the target is made.
        CreatedOnce = "CreatedOnce",
        /// Each time the refresh interval has passed, and when the ExternalSecret changes.
        Periodic = "Periodic",
        /// When the ExternalSecret changes.
        OnChange = "OnChange",
    }
}

open_enum! {
    /// Meaning of the windows in [`SyncWindows`].
    #[derive(Default)]
    pub enum SyncWindowKind {
        /// Values are fetched inside the windows only.
        #[default]
        Allow = "allow",
        /// Values are fetched outside the windows only.
        Deny = "deny",
    }
}

/// Times at which values may, or may not, be fetched again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncWindows {
    /// Whether the windows allow or deny.
    pub kind: SyncWindowKind,
    /// The windows.
    #[schemars(length(min = 1))]
    pub windows: Vec<SyncWindow>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// One window of [`SyncWindows`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SyncWindow {
    /// Start of the window, in UTC: five cron fields, a name such as `@daily`, or `@every` with a
    /// duration.
    #[schemars(with = "CronExpression")]
    pub schedule: String,
    /// Length of the window, as a Go duration.
    pub duration: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// What became of an [`ExternalSecret`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretStatus {
    /// When values were last fetched without an error (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time", "nullable" = true))]
    pub refresh_time: Option<String>,
    /// Generation and hash of the labels and annotations that the values were fetched for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synced_resource_version: Option<String>,
    /// Conditions `Ready` and `Deleted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(transform = listed_types)]
    pub conditions: Option<Vec<Condition>>,
    /// The Secret that was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub binding: Option<Binding>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl ExternalSecretStatus {
    /// The condition `Ready`, if there is one.
    pub fn ready(&self) -> Option<&Condition> {
        self.conditions
            .iter()
            .flatten()
            .find(|condition| condition.type_ == crate::ConditionType::Ready)
    }
}

/// The Secret that was written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-map-type" = "atomic"))]
pub struct Binding {
    /// Name of the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = ""))]
    pub name: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
