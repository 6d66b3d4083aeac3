//! Conditions, as every kind of this API reports them in its status.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::UnknownFields;
use crate::open_enum::open_enum;

open_enum! {
    /// What a condition is about.
    #[derive(Default)]
    pub enum ConditionType {
        /// The object does what its spec says.
        #[default]
        Ready = "Ready",
        /// The target is gone. Only ExternalSecrets have it.
        Deleted = "Deleted",
    }
}

/// One condition of a status.
///
/// The API has no `observedGeneration` here, and times are kept as the text that was read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// What the condition is about.
    #[serde(rename = "type")]
    #[schemars(with = "String")]
    pub type_: ConditionType,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Short name of the cause, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The cause, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// When `status` changed last (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

impl Condition {
    /// True if `status` is `True`.
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// The schema of the conditions of an ExternalSecret, where the API lists the types.
pub(crate) fn listed_types(conditions: &mut schemars::Schema) {
    if let Some(kind) = conditions.pointer_mut("/items/properties/type")
        && let Some(kind) = kind.as_object_mut()
    {
        kind.insert("enum".to_owned(), ConditionType::KNOWN.into());
    }
}
