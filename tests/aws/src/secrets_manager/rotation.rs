//! Rotation, without functions that run: the test plays the function. As at AWS, `RotateSecret`
//! makes a version with the label AWSPENDING and no value; the function puts the value with the
//! same token, and moves AWSCURRENT to it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::{CURRENT, PENDING, Rotation};
use super::{invalid_request, lock, marked_for_deletion};
use crate::error::AwsError;
use crate::world::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RotateSecret {
    secret_id: String,
    client_request_token: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    rotation_lambda_arn: Option<String>,
    rotation_rules: Option<Value>,
    rotate_immediately: Option<bool>,
}

pub(super) fn rotate_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: RotateSecret = call.input()?;
    if let Some(token) = &input.client_request_token {
        AwsError::length("clientRequestToken", token.len(), 32, 64)?;
    }
    let mut store = lock(call);
    let functions = store.rotation_functions.clone();
    let secret = store.open_for_change(call, "secretsmanager:RotateSecret", &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    let known = secret.rotation.as_ref().map(|rotation| rotation.function.clone());
    let Some(function) = input.rotation_lambda_arn.or(known) else {
        return Err(invalid_request(
            "No Lambda rotation function ARN is associated with this secret.",
        ));
    };
    if !functions.contains(&function) {
        return Err(AwsError::new(
            "AccessDeniedException",
            "Secrets Manager cannot invoke the specified Lambda function. Ensure that the \
             function policy grants access to the principal secretsmanager.amazonaws.com.",
        ));
    }
    let pending = secret.labelled(PENDING).filter(|version| !version.has(CURRENT));
    if pending.is_some_and(|version| Some(&version.id) != input.client_request_token.as_ref()) {
        return Err(invalid_request(
            "A previous rotation isn't complete. That rotation will be reattempted.",
        ));
    }
    let before = secret.rotation.take();
    secret.rotation = Some(Rotation {
        enabled: true,
        function,
        rules: input
            .rotation_rules
            .or_else(|| before.as_ref().map(|rotation| rotation.rules.clone()))
            .unwrap_or_else(|| json!({})),
        last: before.and_then(|rotation| rotation.last),
    });
    secret.changed = call.now;
    let mut answer = json!({ "ARN": secret.arn(call.region), "Name": secret.name });
    if input.rotate_immediately.unwrap_or(true) {
        let token = input.client_request_token.unwrap_or_else(|| call.world.ids.uuid());
        if secret.version(&token).is_none() {
            secret.add_version(&token, None, &[PENDING.to_owned()], call.now)?;
        }
        answer["VersionId"] = json!(token);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CancelRotateSecret {
    secret_id: String,
}

pub(super) fn cancel_rotate_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: CancelRotateSecret = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:CancelRotateSecret";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    // A version that waits for its value stays, as at AWS: whoever cancels cleans up.
    if let Some(rotation) = &mut secret.rotation {
        rotation.enabled = false;
    }
    secret.changed = call.now;
    let mut answer = json!({ "ARN": secret.arn(call.region), "Name": secret.name });
    if let Some(pending) = secret.labelled(PENDING) {
        answer["VersionId"] = json!(pending.id);
    }
    Ok(answer)
}
