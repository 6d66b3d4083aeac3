//! Fixed values, for tests.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Concealed;
use crate::UnknownFields;

/// Fixed values as a provider, for tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct FakeProvider {
    /// The values.
    pub data: Vec<FakeData>,
    /// What the check of the store answers: 0 ready, 1 unknown, 2 error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validation_result: Option<i64>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}

/// One fixed value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-preserve-unknown-fields" = true))]
pub struct FakeData {
    /// Key of the value.
    pub key: String,
    /// The value.
    pub value: Concealed,
    /// Version of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Fields that this type does not know.
    #[serde(flatten)]
    #[schemars(skip)]
    pub other: UnknownFields,
}
