//! The target of an ExternalSecret: where its values are written, and how.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DecodingStrategy;
use crate::UnknownFields;
use crate::open_enum::open_enum;
use crate::schema::shape::{DataKey, NotEmpty, ObjectName};

open_enum! {
    /// Who makes the target, and who owns it.
    #[derive(Default)]
    pub enum CreationPolicy {
        /// The target is made and owned by the ExternalSecret, and goes with it.
        #[default]
        Owner = "Owner",
        /// The target is made, and stays when the ExternalSecret goes.
        Orphan = "Orphan",
        /// Keys are merged into a target that exists; it is not made.
        Merge = "Merge",
        /// Nothing is written.
        None = "None",
        /// Keys are merged into the target, which is made if it is missing. Not owned.
        CreateOrMerge = "CreateOrMerge",
    }
}

open_enum! {
    /// What happens to the target when the values are gone at the provider.
    #[derive(Default)]
    pub enum DeletionPolicy {
        /// The target is deleted.
        Delete = "Delete",
        /// The keys are removed, the target stays.
        Merge = "Merge",
        /// Nothing.
        #[default]
        Retain = "Retain",
    }
}

/// The Secret, or other object, that values are written to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretTarget {
    /// Name of the target; the name of the ExternalSecret if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<ObjectName>")]
    pub name: Option<String>,
    /// Who makes the target, and who owns it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Owner"))]
    pub creation_policy: Option<CreationPolicy>,
    /// What happens to the target when the values are gone at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Retain"))]
    pub deletion_policy: Option<DeletionPolicy>,
    /// Makes the Secret immutable. Its data then never changes again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immutable: Option<bool>,
    /// Another kind of object as the target. A Secret if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ManifestReference>,
    /// How the target is made from the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<ExternalSecretTemplate>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl ExternalSecretTarget {
    /// The creation policy; `Owner` if absent.
    pub fn creation_policy(&self) -> CreationPolicy {
        self.creation_policy.clone().unwrap_or_default()
    }

    /// The deletion policy; `Retain` if absent.
    pub fn deletion_policy(&self) -> DeletionPolicy {
        self.deletion_policy.clone().unwrap_or_default()
    }

    /// True if the target is a Secret: by default, or because `manifest` says so.
    pub fn is_secret(&self) -> bool {
        self.manifest
            .as_ref()
            .is_none_or(|manifest| manifest.api_version == "v1" && manifest.kind == "Secret")
    }
}

/// Kind of a target that is not a plain Secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ManifestReference {
    /// `apiVersion` of the target.
    #[schemars(with = "NotEmpty")]
    pub api_version: String,
    /// `kind` of the target.
    #[schemars(with = "NotEmpty")]
    pub kind: String,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// Engine of a template.
    #[derive(Default)]
    pub enum TemplateEngineVersion {
        /// Go `text/template` with string values.
        #[default]
        V2 = "v2",
    }
}

open_enum! {
    /// What becomes of fetched keys that a template does not name.
    #[derive(Default)]
    pub enum TemplateMergePolicy {
        /// They are not written.
        #[default]
        Replace = "Replace",
        /// They are written beside the keys of the template.
        Merge = "Merge",
    }
}

/// How the target is made from the values.
///
/// Without a template the labels and annotations of the ExternalSecret are copied to the Secret;
/// with one, only those of the template are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalSecretTemplate {
    /// Type of the Secret.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub type_: Option<String>,
    /// Engine of the templates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "v2"))]
    pub engine_version: Option<TemplateEngineVersion>,
    /// What becomes of fetched keys that the template does not name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Replace"))]
    pub merge_policy: Option<TemplateMergePolicy>,
    /// Metadata of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<TemplateMetadata>,
    /// Keys of the target; each value is a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<BTreeMap<String, String>>,
    /// Templates that are kept elsewhere, or that make many keys at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_from: Option<Vec<TemplateFrom>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl ExternalSecretTemplate {
    /// The engine; `v2` if absent.
    pub fn engine_version(&self) -> TemplateEngineVersion {
        self.engine_version.clone().unwrap_or_default()
    }

    /// The merge policy; `Replace` if absent.
    pub fn merge_policy(&self) -> TemplateMergePolicy {
        self.merge_policy.clone().unwrap_or_default()
    }

    /// The items of `templateFrom`; empty if absent.
    pub fn template_from(&self) -> &[TemplateFrom] {
        self.template_from.as_deref().unwrap_or_default()
    }
}

/// Metadata of the target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateMetadata {
    /// Labels; each value is a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// Annotations; each value is a template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub annotations: Option<BTreeMap<String, String>>,
    /// Finalizers that the target gets.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finalizers: Option<Vec<String>>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// A template that is kept elsewhere, or that makes many keys at once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateFrom {
    /// Templates in a ConfigMap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_map: Option<TemplateSource>,
    /// Templates in a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<TemplateSource>,
    /// A template whose output is a YAML mapping of keys to values.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// Part of the target that the output goes to: `Data`, `Annotations` or `Labels` in any case,
    /// or a path if the target is not a Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Data"))]
    pub target: Option<String>,
    /// How the output is decoded before it is written. `None` if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values_decoding_strategy: Option<DecodingStrategy>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl TemplateFrom {
    /// The target; `Data` if absent.
    pub fn target(&self) -> &str {
        self.target.as_deref().unwrap_or("Data")
    }

    /// How the output is decoded; `None` if absent.
    pub fn values_decoding_strategy(&self) -> DecodingStrategy {
        self.values_decoding_strategy.clone().unwrap_or_default()
    }
}

/// A ConfigMap or Secret that holds templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSource {
    /// Name of the object.
    #[schemars(with = "ObjectName")]
    pub name: String,
    /// Its keys that hold templates.
    pub items: Vec<TemplateSourceItem>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

open_enum! {
    /// What the output of a template is.
    #[derive(Default)]
    pub enum TemplateScope {
        /// The value of one key, which is called as the item is.
        #[default]
        Values = "Values",
        /// A YAML mapping of keys to values.
        KeysAndValues = "KeysAndValues",
    }
}

/// One key of a [`TemplateSource`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TemplateSourceItem {
    /// The key.
    #[schemars(with = "DataKey")]
    pub key: String,
    /// What the output of the template is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("default" = "Values"))]
    pub template_as: Option<TemplateScope>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl TemplateSourceItem {
    /// What the output of the template is; `Values` if absent.
    pub fn template_as(&self) -> TemplateScope {
        self.template_as.clone().unwrap_or_default()
    }
}
