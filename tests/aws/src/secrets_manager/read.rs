//! Reading values and descriptions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::filter::Filter;
use super::list::{Page, matching};
use super::secret::{CURRENT, Payload};
use super::store::Store;
use super::{
    invalid_parameter, invalid_request, lock, marked_for_deletion, no_such_secret, not_found,
    seconds,
};
use crate::error::AwsError;
use crate::kms;
use crate::world::Call;

/// Ids that one batch may ask for, and secrets on one page of a batch.
const MAX_BATCH: usize = 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetSecretValue {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

pub(super) fn get_secret_value(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetSecretValue = call.input()?;
    if let Some(id) = &input.version_id {
        AwsError::length("versionId", id.len(), 32, 64)?;
    }
    if let Some(stage) = &input.version_stage {
        AwsError::length("versionStage", stage.len(), 1, 256)?;
    }
    value(&mut lock(call), call, &input)
}

fn value(store: &mut Store, call: &Call<'_>, input: &GetSecretValue) -> Result<Value, AwsError> {
    let context = |key: &str| match key {
        "secretsmanager:VersionId" => input.version_id.iter().cloned().collect(),
        "secretsmanager:VersionStage" => {
            vec![input.version_stage.clone().unwrap_or_else(|| CURRENT.to_owned())]
        }
        _ => Vec::new(),
    };
    let action = "secretsmanager:GetSecretValue";
    let place = store.open_with(call, action, &input.secret_id, &context)?;
    let secret = store.get_mut(&place).ok_or_else(no_such_secret)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    let version = match (&input.version_id, &input.version_stage) {
        (Some(id), stage) => {
            let version = secret.version(id).ok_or_else(|| {
                not_found(format!(
                    "Secrets Manager can't find the specified secret value for VersionId: {id}"
                ))
            })?;
            if stage.as_ref().is_some_and(|stage| !version.has(stage)) {
                return Err(invalid_request(
                    "You provided a VersionStage that is not associated to the provided VersionId.",
                ));
            }
            Some(version)
        }
        (None, stage) => secret.labelled(stage.as_deref().unwrap_or(CURRENT)),
    };
    let Some((version, payload)) =
        version.and_then(|version| Some((version, version.payload.as_ref()?)))
    else {
        let stage = input.version_stage.as_deref().unwrap_or(CURRENT);
        return Err(not_found(format!(
            "Secrets Manager can't find the specified secret value for staging label: {stage}"
        )));
    };
    let arn = secret.arn(call.region);
    let sealed = kms::Sealed { service: "secretsmanager", context: ("SecretARN", &arn) };
    if version.kms_key.as_ref().is_some_and(|key| !kms::is_open(call, key, &sealed)) {
        return Err(AwsError::new("AccessDeniedException", "Access to KMS is not allowed"));
    }
    let mut answer = json!({
        "ARN": arn,
        "CreatedDate": seconds(version.created),
        "Name": secret.name,
        "VersionId": version.id,
    });
    if !version.labels.is_empty() {
        answer["VersionStages"] = json!(version.labels);
    }
    match payload {
        Payload::Text(text) => answer["SecretString"] = json!(text),
        Payload::Binary(bytes) => answer["SecretBinary"] = json!(STANDARD.encode(bytes)),
    }
    let id = version.id.clone();
    secret.accessed = Some(call.now);
    if let Some(version) = secret.version_mut(&id) {
        version.accessed = Some(call.now);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct BatchGetSecretValue {
    #[serde(default)]
    secret_id_list: Vec<String>,
    #[serde(default)]
    filters: Vec<Filter>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

pub(super) fn batch_get_secret_value(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: BatchGetSecretValue = call.input()?;
    let by_filters = !input.filters.is_empty();
    if by_filters != input.secret_id_list.is_empty() {
        return Err(invalid_parameter(
            "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
        ));
    }
    AwsError::length("secretIdList", input.secret_id_list.len(), 0, MAX_BATCH)?;
    if let Some(max) = input.max_results {
        AwsError::range("maxResults", max, 1, 20)?;
    }
    if !by_filters && (input.max_results.is_some() || input.next_token.is_some()) {
        return Err(invalid_parameter(
            "'MaxResults' and 'NextToken' are only valid together with 'Filters'.",
        ));
    }
    call.authorize_any("secretsmanager:BatchGetSecretValue")?;

    let mut store = lock(call);
    let (ids, next) = if by_filters {
        call.authorize_any("secretsmanager:ListSecrets")?;
        let max = input.max_results.and_then(|max| usize::try_from(max).ok());
        let page = Page {
            size: max.unwrap_or(MAX_BATCH),
            token: input.next_token.as_deref(),
            ..Page::default()
        };
        let (secrets, next) = matching(&mut store, call, &input.filters, &page)?;
        (secrets.into_iter().map(|secret| secret.name).collect(), next)
    } else {
        (input.secret_id_list, None)
    };
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    for id in ids {
        let wanted = GetSecretValue { secret_id: id, version_id: None, version_stage: None };
        match value(&mut store, call, &wanted) {
            Ok(value) => values.push(value),
            Err(error) => errors.push(json!({
                "SecretId": wanted.secret_id,
                "ErrorCode": error.code,
                "Message": error.message,
            })),
        }
    }
    let mut answer = json!({ "SecretValues": values, "Errors": errors });
    if let Some(next) = next {
        answer["NextToken"] = json!(next);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneSecret {
    secret_id: String,
}

pub(super) fn describe_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: OneSecret = call.input()?;
    let mut store = lock(call);
    let place = store.open(call, "secretsmanager:DescribeSecret", &input.secret_id)?;
    let secret = store.get(&place).ok_or_else(no_such_secret)?;
    let mut answer = secret.describe(call.region, "VersionIdsToStages");
    if !secret.replicas.is_empty() && !place.is_replica {
        answer.insert("ReplicationStatus".to_owned(), super::replicas::status(secret));
    }
    Ok(Value::Object(answer))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(clippy::struct_excessive_bools, reason = "so is the operation")]
struct GetRandomPassword {
    #[serde(default = "default_length")]
    password_length: i64,
    #[serde(default)]
    exclude_characters: String,
    #[serde(default)]
    exclude_numbers: bool,
    #[serde(default)]
    exclude_punctuation: bool,
    #[serde(default)]
    exclude_uppercase: bool,
    #[serde(default)]
    exclude_lowercase: bool,
    #[serde(default)]
    include_space: bool,
    #[serde(default = "default_true")]
    require_each_included_type: bool,
}

fn default_length() -> i64 {
    32
}

fn default_true() -> bool {
    true
}

pub(super) fn get_random_password(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetRandomPassword = call.input()?;
    AwsError::range("passwordLength", input.password_length, 1, 4096)?;
    call.authorize_any("secretsmanager:GetRandomPassword")?;
    let types = [
        (!input.exclude_lowercase, "abcdefghijklmnopqrstuvwxyz"),
        (!input.exclude_uppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        (!input.exclude_numbers, "0123456789"),
        (!input.exclude_punctuation, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"),
        (input.include_space, " "),
    ];
    let types: Vec<String> = types
        .into_iter()
        .filter(|(included, _)| *included)
        .map(|(_, all)| all.chars().filter(|c| !input.exclude_characters.contains(*c)).collect())
        .filter(|left: &String| !left.is_empty())
        .collect();
    let length = usize::try_from(input.password_length).unwrap_or_default();
    if types.is_empty() || input.require_each_included_type && length < types.len() {
        return Err(invalid_parameter(
            "The password length is too short for the required character types.",
        ));
    }
    let ids = &call.world.ids;
    let mut password = String::new();
    if input.require_each_included_type {
        for kind in &types {
            password.push_str(&ids.text(1, kind.as_bytes()));
        }
    }
    let rest = length - password.len();
    password.push_str(&ids.text(rest, types.concat().as_bytes()));
    Ok(json!({ "RandomPassword": password }))
}
