//! Policies that secrets carry.

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid_request, lock, no_such_secret};
use crate::error::AwsError;
use crate::policy::Policy;
use crate::world::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PutResourcePolicy {
    secret_id: String,
    resource_policy: String,
    #[serde(default)]
    block_public_policy: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneSecret {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ValidateResourcePolicy {
    secret_id: Option<String>,
    resource_policy: String,
}

pub(super) fn scheduled_for_deletion() -> AwsError {
    invalid_request(
        "You can't perform this operation on the secret because it was already scheduled for \
         deletion.",
    )
}

fn parse(text: &str) -> Result<Policy, AwsError> {
    AwsError::length("resourcePolicy", text.len(), 1, 20_480)?;
    Policy::parse(text).ok().filter(Policy::names_principals).ok_or_else(|| {
        AwsError::new(
            "MalformedPolicyDocumentException",
            "This resource policy contains invalid Json or has a syntax error.",
        )
    })
}

pub(super) fn put_resource_policy(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: PutResourcePolicy = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:PutResourcePolicy";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(scheduled_for_deletion());
    }
    let policy = parse(&input.resource_policy)?;
    if input.block_public_policy && policy.is_public() {
        return Err(AwsError::new(
            "PublicPolicyException",
            "You can't attach a resource policy that allows broad access to the secret.",
        ));
    }
    secret.policy = Some((input.resource_policy, policy));
    secret.changed = call.now;
    Ok(json!({ "ARN": secret.arn(call.region), "Name": secret.name }))
}

pub(super) fn get_resource_policy(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: OneSecret = call.input()?;
    let mut store = lock(call);
    let place = store.open(call, "secretsmanager:GetResourcePolicy", &input.secret_id)?;
    let secret = store.get(&place).ok_or_else(no_such_secret)?;
    if secret.deletion.is_some() {
        return Err(scheduled_for_deletion());
    }
    let mut answer = json!({ "ARN": secret.arn(call.region), "Name": secret.name });
    if let Some((text, _)) = &secret.policy {
        answer["ResourcePolicy"] = json!(text);
    }
    Ok(answer)
}

pub(super) fn delete_resource_policy(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: OneSecret = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:DeleteResourcePolicy";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(scheduled_for_deletion());
    }
    secret.policy = None;
    secret.changed = call.now;
    Ok(json!({ "ARN": secret.arn(call.region), "Name": secret.name }))
}

pub(super) fn validate_resource_policy(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ValidateResourcePolicy = call.input()?;
    let action = "secretsmanager:ValidateResourcePolicy";
    match &input.secret_id {
        Some(id) => drop(lock(call).open(call, action, id)?),
        None => call.authorize_any(action)?,
    }
    let errors = match parse(&input.resource_policy) {
        Err(error) => vec![json!({ "CheckName": "PolicySyntax", "ErrorMessage": error.message })],
        Ok(policy) if policy.is_public() => vec![json!({
            "CheckName": "BlockPublicPolicy",
            "ErrorMessage": "The policy allows broad access to the secret.",
        })],
        Ok(_) => Vec::new(),
    };
    Ok(json!({ "PolicyValidationPassed": errors.is_empty(), "ValidationErrors": errors }))
}
