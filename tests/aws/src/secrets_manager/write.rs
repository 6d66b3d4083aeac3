//! Creating secrets, giving them new versions, and moving labels and tags.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::{CURRENT, LabelMove, Payload, Secret};
use super::store::Store;
use super::{
    check_characters, invalid_parameter, invalid_request, lock, marked_for_deletion,
    no_such_secret, not_found, policies, replicas,
};
use crate::error::AwsError;
use crate::events;
use crate::identity::Access;
use crate::world::Call;

/// The largest value, in bytes.
const MAX_VALUE: usize = 65_536;

/// Tags of one secret.
const MAX_TAGS: usize = 50;

/// A value as requests carry it: nothing of it is ever printed.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    client_request_token: Option<String>,
    secret_string: Option<String>,
    secret_binary: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

impl Input {
    /// The value, if there is one.
    fn payload(&self) -> Result<Option<Payload>, AwsError> {
        match (&self.secret_string, &self.secret_binary) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err(invalid_parameter(
                "You can't specify both a binary secret value and a string secret value in the \
                 same secret.",
            )),
            (Some(text), None) => {
                AwsError::length("secretString", text.len(), 1, MAX_VALUE)?;
                Ok(Some(Payload::Text(text.clone())))
            }
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text).map_err(|_| {
                    AwsError::new("SerializationException", "SecretBinary is not valid base64")
                })?;
                AwsError::length("secretBinary", bytes.len(), 1, MAX_VALUE)?;
                Ok(Some(Payload::Binary(bytes)))
            }
        }
    }

    /// The id of the version to be. SDKs make one up; whoever speaks HTTP has to.
    fn token(&self) -> Result<String, AwsError> {
        let Some(token) = &self.client_request_token else {
            return Err(invalid_parameter(
                "You must provide a ClientRequestToken value. We recommend a UUID-type value.",
            ));
        };
        AwsError::length("clientRequestToken", token.len(), 32, 64)?;
        Ok(token.clone())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateSecret {
    name: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    add_replica_regions: Vec<replicas::Target>,
    #[serde(flatten)]
    value: Input,
}

pub(super) fn create_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: CreateSecret = call.input()?;
    AwsError::length("name", input.name.len(), 1, 512)?;
    check_characters(&input.name, "-/_+=.@")?;
    AwsError::length("description", input.description.iter().map(String::len).sum(), 0, 2048)?;
    let tags = merged(BTreeMap::new(), input.tags)?;
    let payload = input.value.payload()?;
    let token = match &payload {
        Some(_) => Some(input.value.token()?),
        None => None,
    };

    let mut store = lock(call);
    call.is_about(&input.name);
    let arn = format!(
        "arn:aws:secretsmanager:{}:{}:secret:{}",
        call.region, call.caller.account, input.name
    );
    let access = Access {
        action: "secretsmanager:CreateSecret",
        resource: &arn,
        owner: &call.caller.account,
        resource_policy: None,
        context: &|key| {
            let tag = key.strip_prefix("aws:RequestTag/");
            match (tag, key) {
                (Some(tag), _) => tags.get(tag).cloned().into_iter().collect(),
                (None, "secretsmanager:Name") => vec![input.name.clone()],
                (None, "aws:TagKeys") => tags.keys().cloned().collect(),
                _ => Vec::new(),
            }
        },
    };
    call.authorize(&access, &[&input.name, &arn])?;

    if let Some(place) = store.locate(&call.caller.account, call.region, &input.name, call.now) {
        let secret = store.get(&place).ok_or_else(no_such_secret)?;
        if secret.deletion.is_some() {
            return Err(invalid_request(
                "You can't create this secret because a secret with this name is already \
                 scheduled for deletion.",
            ));
        }
        // The same request again, perhaps because its answer got lost.
        let version = token.as_ref().and_then(|token| secret.version(token));
        if let Some(version) = version.filter(|v| v.payload.is_some() && v.payload == payload) {
            return Ok(answer(secret, call.region, Some(&version.id)));
        }
        return Err(AwsError::new(
            "ResourceExistsException",
            format!("The operation failed because the secret {} already exists.", input.name),
        ));
    }

    let mut secret = Secret {
        account: call.caller.account.clone(),
        region: call.region.to_owned(),
        name: input.name,
        suffix: call.world.ids.word(6),
        serial: store.next_serial(),
        description: input.description.filter(|text| !text.is_empty()),
        kms_key: input.kms_key_id,
        tags,
        created: call.now,
        changed: call.now,
        accessed: None,
        deletion: None,
        versions: Vec::new(),
        rotation: None,
        policy: None,
        replicas: Vec::new(),
        owning_service: None,
    };
    if let Some(token) = &token {
        // The first version is no news: nobody can have read another one.
        secret.add_version(token, payload, &[CURRENT.to_owned()], call.now)?;
    }
    let mut answer = answer(&secret, call.region, token.as_deref());
    let name = secret.name.clone();
    store.insert(secret);
    if !input.add_replica_regions.is_empty() {
        answer["ReplicationStatus"] =
            replicas::replicate(&mut store, call, &name, &input.add_replica_regions, false)?;
    }
    Ok(answer)
}

fn answer(secret: &Secret, region: &str, version: Option<&str>) -> Value {
    let mut answer = json!({ "ARN": secret.arn(region), "Name": secret.name });
    if let Some(version) = version {
        answer["VersionId"] = json!(version);
    }
    answer
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutSecretValue {
    secret_id: String,
    #[serde(default)]
    version_stages: Option<Vec<String>>,
    #[serde(flatten)]
    value: Input,
}

pub(super) fn put_secret_value(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: PutSecretValue = call.input()?;
    let payload = input.value.payload()?;
    let token = input.value.token()?;
    let labels = input.version_stages.unwrap_or_else(|| vec![CURRENT.to_owned()]);
    AwsError::length("versionStages", labels.len(), 1, 20)?;
    for label in &labels {
        AwsError::length("versionStages", label.len(), 1, 256)?;
    }
    let mut store = lock(call);
    let action = "secretsmanager:PutSecretValue";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    let Some(payload) = payload else {
        return Err(invalid_request("You must provide either SecretString or SecretBinary."));
    };
    let moves = add_version(secret, &token, payload, &labels, call)?;
    let mut answer = answer(secret, call.region, Some(&token));
    answer["VersionStages"] = json!(secret.version(&token).map(|version| &version.labels));
    announce(call, secret, &moves);
    Ok(answer)
}

/// Adds a version, unless this very request was answered before.
fn add_version(
    secret: &mut Secret,
    token: &str,
    payload: Payload,
    labels: &[String],
    call: &Call<'_>,
) -> Result<Vec<LabelMove>, AwsError> {
    if let Some(there) = secret.version(token).and_then(|version| version.payload.as_ref()) {
        if *there == payload {
            return Ok(Vec::new());
        }
        return Err(AwsError::new(
            "ResourceExistsException",
            format!(
                "You can't use ClientRequestToken {token} because that value is already in use \
                 for a version of secret {}.",
                secret.arn(call.region)
            ),
        ));
    }
    secret.add_version(token, Some(payload), labels, call.now)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateSecret {
    secret_id: String,
    description: Option<String>,
    kms_key_id: Option<String>,
    #[serde(flatten)]
    value: Input,
}

pub(super) fn update_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: UpdateSecret = call.input()?;
    AwsError::length("description", input.description.iter().map(String::len).sum(), 0, 2048)?;
    let payload = input.value.payload()?;
    let token = match &payload {
        Some(_) => Some(input.value.token()?),
        None => None,
    };
    let mut store = lock(call);
    let action = "secretsmanager:UpdateSecret";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    if let Some(key) = input.kms_key_id {
        secret.kms_key = Some(key);
    }
    let mut moves = Vec::new();
    if let Some((payload, token)) = payload.zip(token.as_ref()) {
        moves = add_version(secret, token, payload, &[CURRENT.to_owned()], call)?;
    }
    if let Some(description) = input.description {
        secret.description = Some(description).filter(|text| !text.is_empty());
    }
    secret.changed = call.now;
    let answer = answer(secret, call.region, token.as_deref());
    announce(call, secret, &moves);
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateSecretVersionStage {
    secret_id: String,
    version_stage: String,
    remove_from_version_id: Option<String>,
    move_to_version_id: Option<String>,
}

pub(super) fn update_secret_version_stage(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: UpdateSecretVersionStage = call.input()?;
    AwsError::length("versionStage", input.version_stage.len(), 1, 256)?;
    let mut store = lock(call);
    let action = "secretsmanager:UpdateSecretVersionStage";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    let label = &input.version_stage;
    let holder = secret.labelled(label).map(|version| version.id.clone());
    for id in [&input.remove_from_version_id, &input.move_to_version_id].into_iter().flatten() {
        AwsError::length("versionId", id.len(), 32, 64)?;
        if secret.version(id).is_none() {
            return Err(not_found(format!(
                "Secrets Manager can't find the specified secret value for VersionId: {id}"
            )));
        }
    }
    let is_there = holder.is_some() && holder == input.move_to_version_id;
    match (&holder, &input.remove_from_version_id) {
        (_, None) if is_there => {}
        (Some(holder), None) => {
            return Err(invalid_parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {label} is \
                 currently attached to version {holder}, so you must explicitly reference that \
                 version in RemoveFromVersionId."
            )));
        }
        (holder, Some(from)) if holder.as_ref() != Some(from) => {
            return Err(invalid_parameter(format!(
                "The parameter RemoveFromVersionId isn't valid. Staging label {label} isn't \
                 currently attached to version {from}."
            )));
        }
        (None, None) if input.move_to_version_id.is_none() => {
            return Err(invalid_parameter(
                "You must provide RemoveFromVersionId, MoveToVersionId, or both.",
            ));
        }
        _ => {}
    }
    let mut moves = Vec::new();
    match &input.move_to_version_id {
        Some(to) => moves.extend(secret.attach(label, to, call.now)),
        None if label == CURRENT => {
            return Err(invalid_parameter(
                "You can't remove the staging label AWSCURRENT without moving it to another \
                 version.",
            ));
        }
        None => {
            secret.detach(label);
            secret.changed = call.now;
        }
    }
    let answer = answer(secret, call.region, None);
    announce(call, secret, &moves);
    Ok(answer)
}

/// Tells those who listen which labels have moved.
fn announce(call: &Call<'_>, secret: &Secret, moves: &[LabelMove]) {
    for moved in moves {
        events::label_updated(call, &secret.arn(call.region), &secret.name, moved);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

pub(super) fn tag_resource(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: TagResource = call.input()?;
    let mut store = lock(call);
    let secret = change_tags(&mut store, call, "secretsmanager:TagResource", &input.secret_id)?;
    secret.tags = merged(secret.tags.clone(), input.tags)?;
    secret.changed = call.now;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

pub(super) fn untag_resource(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: UntagResource = call.input()?;
    let mut store = lock(call);
    let secret = change_tags(&mut store, call, "secretsmanager:UntagResource", &input.secret_id)?;
    secret.tags.retain(|key, _| !input.tag_keys.contains(key));
    secret.changed = call.now;
    Ok(json!({}))
}

fn change_tags<'a>(
    store: &'a mut Store,
    call: &Call<'_>,
    action: &str,
    id: &str,
) -> Result<&'a mut Secret, AwsError> {
    let secret = store.open_for_change(call, action, id)?;
    if secret.deletion.is_some() {
        return Err(policies::scheduled_for_deletion());
    }
    Ok(secret)
}

/// Tags with others added or changed.
fn merged(
    mut tags: BTreeMap<String, String>,
    more: Vec<Tag>,
) -> Result<BTreeMap<String, String>, AwsError> {
    let mut seen = std::collections::BTreeSet::new();
    for tag in more {
        AwsError::length("tags.1.member.key", tag.key.chars().count(), 1, 128)?;
        AwsError::length("tags.1.member.value", tag.value.chars().count(), 0, 256)?;
        if tag.key.to_lowercase().starts_with("aws:") {
            return Err(invalid_parameter("Tag keys that begin with aws: are reserved."));
        }
        if !seen.insert(tag.key.clone()) {
            return Err(invalid_parameter(format!("Duplicate tag key: {}", tag.key)));
        }
        tags.insert(tag.key, tag.value);
    }
    if tags.len() > MAX_TAGS {
        return Err(invalid_parameter(format!("A secret can't have more than {MAX_TAGS} tags.")));
    }
    Ok(tags)
}
