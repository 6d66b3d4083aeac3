//! Tags of parameters.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::parameter::{Parameter, Store};
use super::{authorize, lock};
use crate::error::AwsError;
use crate::world::Call;

/// Tags of one parameter.
const MAX_TAGS: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    resource_type: String,
    resource_id: String,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Tags with others added or changed.
pub(super) fn merged(
    mut tags: BTreeMap<String, String>,
    more: Vec<Tag>,
) -> Result<BTreeMap<String, String>, AwsError> {
    for tag in more {
        AwsError::length("tags.1.member.key", tag.key.len(), 1, 128)?;
        AwsError::length("tags.1.member.value", tag.value.len(), 0, 256)?;
        if tag.key.to_lowercase().starts_with("aws:") {
            return Err(AwsError::validation("Tag keys that begin with aws: are reserved."));
        }
        tags.insert(tag.key, tag.value);
    }
    if tags.len() > MAX_TAGS {
        return Err(AwsError::new(
            "TooManyTagsError",
            "The maximum number of tags for a resource is 50.",
        ));
    }
    Ok(tags)
}

fn open<'a>(
    store: &'a mut Store,
    call: &Call<'_>,
    action: &str,
    input: &Input,
) -> Result<&'a mut Parameter, AwsError> {
    if input.resource_type != "Parameter" {
        return Err(AwsError::new(
            "InvalidResourceType",
            format!("{} is not a valid resource type.", input.resource_type),
        ));
    }
    call.is_about(&input.resource_id);
    authorize(call, store, action, &input.resource_id)?;
    store.region(call).get_mut(&input.resource_id).ok_or_else(|| {
        AwsError::new(
            "InvalidResourceId",
            "The resource ID is not valid. Verify that you entered the correct ID and try again.",
        )
    })
}

pub(super) fn add_tags_to_resource(call: &Call<'_>) -> Result<Value, AwsError> {
    let mut input: Input = call.input()?;
    let tags = std::mem::take(&mut input.tags);
    let mut store = lock(call);
    let parameter = open(&mut store, call, "ssm:AddTagsToResource", &input)?;
    parameter.tags = merged(parameter.tags.clone(), tags)?;
    Ok(json!({}))
}

pub(super) fn remove_tags_from_resource(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: Input = call.input()?;
    let mut store = lock(call);
    let parameter = open(&mut store, call, "ssm:RemoveTagsFromResource", &input)?;
    parameter.tags.retain(|key, _| !input.tag_keys.contains(key));
    Ok(json!({}))
}

pub(super) fn list_tags_for_resource(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: Input = call.input()?;
    let mut store = lock(call);
    let parameter = open(&mut store, call, "ssm:ListTagsForResource", &input)?;
    let tags: Vec<Value> =
        parameter.tags.iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect();
    Ok(json!({ "TagList": tags }))
}
