//! Putting and deleting parameters.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Value, json};

use super::name::{check_new, wanted};
use super::parameter::{Kind, Parameter, Version};
use super::tags::{Tag, merged};
use super::{arn, authorize, lock, not_found};
use crate::error::AwsError;
use crate::events;
use crate::world::Call;

/// Bytes of a value of the standard tier, and of the advanced one.
const MAX_STANDARD: usize = 4096;
const MAX_ADVANCED: usize = 8192;

/// Versions that are kept; older ones go.
const MAX_VERSIONS: usize = 100;

/// Names that one call may delete.
const MAX_NAMES: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutParameter {
    name: String,
    value: String,
    r#type: Option<String>,
    description: Option<String>,
    key_id: Option<String>,
    #[serde(default)]
    overwrite: bool,
    allowed_pattern: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    tier: Option<String>,
    data_type: Option<String>,
}

pub(super) fn put_parameter(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: PutParameter = call.input()?;
    check_new(call, &input.name)?;
    let kind = match &input.r#type {
        None => None,
        Some(name) => Some(Kind::of_name(name).ok_or_else(|| {
            let rule = "Member must satisfy enum value set: [SecureString, StringList, String]";
            AwsError::constraint("type", rule)
        })?),
    };
    if input.overwrite && !input.tags.is_empty() {
        return Err(AwsError::validation(
            "Invalid request: tags and overwrite can't be used together. To create a parameter \
             with tags, please remove overwrite flag. To update tags for an existing parameter, \
             please use AddTagsToResource or RemoveTagsFromResource.",
        ));
    }
    AwsError::length("value", input.value.len(), 1, usize::MAX)?;
    let tier = tier(&input)?;
    matches_pattern(&input)?;

    let mut store = lock(call);
    authorize(call, &mut store, "ssm:PutParameter", &input.name)?;
    let there = store.region(call).get_mut(&input.name);
    let kind = match (&there, kind) {
        (Some(_), _) if !input.overwrite => {
            return Err(AwsError::new(
                "ParameterAlreadyExists",
                "The parameter already exists. To overwrite this value, set the overwrite option \
                 in the request to true.",
            ));
        }
        (Some(there), kind) => {
            let before = there.latest()?.kind;
            if kind.is_some_and(|kind| kind != before) {
                return Err(AwsError::new(
                    "HierarchyTypeMismatchException",
                    "Parameter Store does not support changing a parameter type in a hierarchy.",
                ));
            }
            before
        }
        (None, Some(kind)) => kind,
        (None, None) => {
            return Err(AwsError::validation(
                "A parameter type is required when you create a parameter.",
            ));
        }
    };
    let number = match &there {
        None => 1,
        Some(there) => there.latest()?.number + 1,
    };
    let key = match kind {
        Kind::Secure => Some(input.key_id.unwrap_or_else(|| "alias/aws/ssm".to_owned())),
        Kind::Text | Kind::List => None,
    };
    let version = Version {
        number,
        kind,
        value: input.value,
        labels: Vec::new(),
        key,
        description: input.description,
        pattern: input.allowed_pattern,
        tier,
        data_type: input.data_type.unwrap_or_else(|| "text".to_owned()),
        modified: call.now,
        modified_by: call.caller.arn.clone(),
    };
    if let Some(there) = there {
        let oldest = there.versions.first().filter(|_| there.versions.len() >= MAX_VERSIONS);
        if oldest.is_some_and(|oldest| !oldest.labels.is_empty()) {
            return Err(AwsError::new(
                "ParameterMaxVersionLimitExceeded",
                format!(
                    "You attempted to create a new version of {} by calling the PutParameter \
                         API with the overwrite flag. Version {}, the oldest version, can't be \
                         deleted because it has a label associated with it. Move the label to \
                         another version of the parameter, and try again.",
                    there.name,
                    number.saturating_sub(MAX_VERSIONS as u64)
                ),
            ));
        }
        if oldest.is_some() {
            there.versions.remove(0);
        }
        there.versions.push(version);
    } else {
        let parameter = Parameter {
            name: input.name.clone(),
            tags: merged(BTreeMap::new(), input.tags)?,
            versions: vec![version],
        };
        store.region(call).insert(input.name.clone(), parameter);
    }
    let what = if number == 1 { "Create" } else { "Update" };
    events::parameter_changed(call, &arn(call, &input.name), &input.name, kind.name(), what);
    Ok(json!({ "Version": number, "Tier": tier }))
}

/// The tier that the parameter gets.
fn tier(input: &PutParameter) -> Result<&'static str, AwsError> {
    let size = input.value.len();
    if size > MAX_ADVANCED {
        return Err(AwsError::validation(
            "Advanced tier parameters support a maximum parameter value of 8192 characters.",
        ));
    }
    match input.tier.as_deref() {
        None | Some("Standard") if size > MAX_STANDARD => Err(AwsError::validation(
            "Standard tier parameters support a maximum parameter value of 4096 characters. To \
             create a larger parameter value, upgrade the parameter to use the \
             advanced-parameter tier.",
        )),
        Some("Advanced") => Ok("Advanced"),
        // It decides by itself.
        Some("Intelligent-Tiering") if size > MAX_STANDARD => Ok("Advanced"),
        None | Some("Standard" | "Intelligent-Tiering") => Ok("Standard"),
        Some(_) => {
            let rule = "Member must satisfy enum value set: [Standard, Advanced, \
                        Intelligent-Tiering]";
            Err(AwsError::constraint("tier", rule))
        }
    }
}

fn matches_pattern(input: &PutParameter) -> Result<(), AwsError> {
    let Some(pattern) = &input.allowed_pattern else { return Ok(()) };
    let regex = Regex::new(pattern).map_err(|_| {
        AwsError::new(
            "InvalidAllowedPatternException",
            "The request doesn't meet the regular expression requirement.",
        )
    })?;
    if regex.is_match(&input.value) {
        return Ok(());
    }
    Err(AwsError::new(
        "ParameterPatternMismatchException",
        format!("Parameter value, cannot be validated against allowedPattern: {pattern}"),
    ))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteParameter {
    name: String,
}

pub(super) fn delete_parameter(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: DeleteParameter = call.input()?;
    if delete(call, "ssm:DeleteParameter", &input.name)? { Ok(json!({})) } else { Err(not_found()) }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteParameters {
    names: Vec<String>,
}

pub(super) fn delete_parameters(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: DeleteParameters = call.input()?;
    AwsError::length("names", input.names.len(), 1, MAX_NAMES)?;
    let (mut deleted, mut missing) = (Vec::new(), Vec::new());
    for name in input.names {
        let list =
            if delete(call, "ssm:DeleteParameters", &name)? { &mut deleted } else { &mut missing };
        list.push(name);
    }
    Ok(json!({ "DeletedParameters": deleted, "InvalidParameters": missing }))
}

/// False if it is not there.
fn delete(call: &Call<'_>, action: &str, name: &str) -> Result<bool, AwsError> {
    let wanted = wanted(call, name)?;
    let mut store = lock(call);
    let own = store.own_name(call, wanted.name);
    authorize(call, &mut store, action, own)?;
    let Some(parameter) = store.region(call).remove(own) else { return Ok(false) };
    let kind = parameter.latest()?.kind.name();
    events::parameter_changed(call, &arn(call, own), own, kind, "Delete");
    Ok(true)
}
