//! `SecretStore` and `ClusterSecretStore`: how values are reached.

use std::borrow::Cow;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube_core::discovery::ApiResource;
use kube_core::object::{HasSpec, HasStatus};
use kube_core::{ClusterResourceScope, CustomResourceExt, Resource};
use kube_derive::CustomResource;
use schemars::JsonSchema;
use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};

use crate::UnknownFields;
use crate::condition::Condition;
use crate::duration::{self, GoDuration};
use crate::open_enum::open_enum;
use crate::provider::Provider;
use crate::schema::root_schema;
use crate::schema::shape::NamespaceName;
use crate::selector::LabelSelector;

/// How a store is reached, and who may use it. The same for both kinds of stores.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::duplicated_attributes, reason = "each column has a name, a type and a path")]
#[kube(
    group = "external-secrets.io",
    version = "v1",
    kind = "SecretStore",
    plural = "secretstores",
    shortname = "ss",
    category = "external-secrets",
    namespaced,
    status = "SecretStoreStatus",
    schema = "manual",
    derive = "PartialEq",
    doc = "Says how the ExternalSecrets of a namespace reach their values.",
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Status",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].reason"#
    ),
    printcolumn(name = "Capabilities", type_ = "string", json_path = ".status.capabilities"),
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = r#".status.conditions[?(@.type=="Ready")].status"#
    ),
    crates(kube_core = "::kube_core")
)]
pub struct SecretStoreSpec {
    /// Class of the controller that handles this store. Every controller if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub controller: Option<String>,
    /// The provider: exactly one.
    pub provider: Provider,
    /// How calls of the provider are tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_settings: Option<RetrySettings>,
    /// How often the store itself is checked: seconds, or a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_interval: Option<SecondsOrDuration>,
    /// Namespaces that may use the store; one condition that holds is enough. All namespaces if
    /// absent. Only a ClusterSecretStore has conditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<StoreCondition>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl SecretStoreSpec {
    /// The items of `conditions`; empty if absent.
    pub fn conditions(&self) -> &[StoreCondition] {
        self.conditions.as_deref().unwrap_or_default()
    }
}

root_schema!(
    SecretStore,
    SecretStoreSpec,
    SecretStoreStatus,
    "Says how the ExternalSecrets of a namespace reach their values."
);

/// Says how the ExternalSecrets of all namespaces, or of chosen ones, reach their values.
///
/// The derive of [`SecretStore`] makes one kind for each spec type; this kind shares the spec, so
/// that whoever reads stores has one type to deal with, and its traits are written out below.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ClusterSecretStore {
    /// Metadata of the object.
    pub metadata: ObjectMeta,
    /// How the store is reached, and who may use it.
    pub spec: SecretStoreSpec,
    /// What became of the store.
    pub status: Option<SecretStoreStatus>,
}

impl ClusterSecretStore {
    /// A store without status.
    pub fn new(name: &str, spec: SecretStoreSpec) -> Self {
        let metadata = ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() };
        Self { metadata, spec, status: None }
    }
}

impl Serialize for ClusterSecretStore {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_struct("ClusterSecretStore", 5)?;
        object.serialize_field("apiVersion", crate::API_VERSION)?;
        object.serialize_field("kind", "ClusterSecretStore")?;
        object.serialize_field("metadata", &self.metadata)?;
        object.serialize_field("spec", &self.spec)?;
        match &self.status {
            Some(status) => object.serialize_field("status", status)?,
            None => object.skip_field("status")?,
        }
        object.end()
    }
}

impl Resource for ClusterSecretStore {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "ClusterSecretStore".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        crate::GROUP.into()
    }

    fn version((): &()) -> Cow<'_, str> {
        crate::VERSION.into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "clustersecretstores".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

impl HasSpec for ClusterSecretStore {
    type Spec = SecretStoreSpec;

    fn spec(&self) -> &SecretStoreSpec {
        &self.spec
    }

    fn spec_mut(&mut self) -> &mut SecretStoreSpec {
        &mut self.spec
    }
}

impl HasStatus for ClusterSecretStore {
    type Status = SecretStoreStatus;

    fn status(&self) -> Option<&SecretStoreStatus> {
        self.status.as_ref()
    }

    fn status_mut(&mut self) -> &mut Option<SecretStoreStatus> {
        &mut self.status
    }
}

impl CustomResourceExt for ClusterSecretStore {
    fn crd() -> CustomResourceDefinition {
        let mut crd = SecretStore::crd();
        crd.metadata.name = Some(Self::crd_name().to_owned());
        "Cluster".clone_into(&mut crd.spec.scope);
        "ClusterSecretStore".clone_into(&mut crd.spec.names.kind);
        "clustersecretstores".clone_into(&mut crd.spec.names.plural);
        crd.spec.names.singular = Some("clustersecretstore".to_owned());
        crd.spec.names.short_names = Some(vec!["css".to_owned()]);
        let schemas = crd.spec.versions.iter_mut().filter_map(|version| version.schema.as_mut());
        for schema in schemas.filter_map(|schema| schema.open_api_v3_schema.as_mut()) {
            schema.description = Some(
                "Says how the ExternalSecrets of all namespaces, or of chosen ones, reach their \
                 values."
                    .to_owned(),
            );
        }
        crd
    }

    fn crd_name() -> &'static str {
        "clustersecretstores.external-secrets.io"
    }

    fn api_resource() -> ApiResource {
        ApiResource::erase::<Self>(&())
    }

    fn shortnames() -> &'static [&'static str] {
        &["css"]
    }
}

/// How calls of a provider are tried again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetrySettings {
    /// Greatest number of further tries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<i32>,
    /// Time between two tries, as a Go duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A time that is written as a number of seconds or as a Go duration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SecondsOrDuration {
    /// Seconds.
    Seconds(i64),
    /// A Go duration.
    Text(String),
}

impl SecondsOrDuration {
    /// The time. A negative one is not an error here; [`crate::rules`] refuses it.
    ///
    /// # Errors
    ///
    /// If the text is no Go duration, or the number of seconds does not fit into one.
    pub fn to_duration(&self) -> Result<GoDuration, duration::ParseError> {
        match self {
            Self::Seconds(seconds) => seconds
                .checked_mul(1_000_000_000)
                .map(GoDuration::from_nanoseconds)
                .ok_or_else(|| duration::ParseError::TooLong(format!("{seconds}s"))),
            Self::Text(text) => text.parse(),
        }
    }
}

impl JsonSchema for SecondsOrDuration {
    fn schema_name() -> Cow<'static, str> {
        "SecondsOrDuration".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        // Said outright: the transforms of the derive make an optional one nullable otherwise.
        schemars::json_schema!({ "x-kubernetes-int-or-string": true, "nullable": false })
    }
}

/// Namespaces that may use a ClusterSecretStore: those for which one of the three fields holds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StoreCondition {
    /// Namespaces by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Vec<NamespaceName>>")]
    pub namespaces: Option<Vec<String>>,
    /// Namespaces whose name one of these regular expressions (RE2) matches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_regexes: Option<Vec<String>>,
    /// Namespaces by label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// What a store can do.
    pub enum StoreCapabilities {
        /// Values can be fetched.
        ReadOnly = "ReadOnly",
        /// Values can be written.
        WriteOnly = "WriteOnly",
        /// Both.
        ReadWrite = "ReadWrite",
    }
}

/// What became of a store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretStoreStatus {
    /// What the store can do: `ReadOnly`, `WriteOnly` or `ReadWrite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub capabilities: Option<StoreCapabilities>,
    /// Condition `Ready`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions: Option<Vec<Condition>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
