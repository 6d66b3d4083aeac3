//! Secrets of Secrets Manager, read as parameters.

use serde_json::{Value, json};

use super::arn;
use super::name::Wanted;
use crate::error::AwsError;
use crate::secrets_manager;
use crate::world::Call;

/// Below it, names are those of secrets.
pub(super) const PREFIX: &str = "/aws/reference/secretsmanager/";

/// The secret, as a parameter of version 0. The caller must be allowed to read it.
pub(super) fn secret(
    call: &Call<'_>,
    wanted: &Wanted<'_>,
    id: &str,
    decrypt: bool,
) -> Result<Value, AwsError> {
    if !decrypt {
        return Err(AwsError::validation(
            "WithDecryption flag must be True for retrieving a Secret Manager secret.",
        ));
    }
    let mut input = json!({ "SecretId": id });
    if let Some(selector) = wanted.selector {
        let field = if is_version(selector) { "VersionId" } else { "VersionStage" };
        input[field] = json!(selector);
    }
    let body = input.to_string();
    let operation = "secretsmanager:GetSecretValue";
    let read =
        Call::new(call.world, operation, call.caller, call.region, call.now, body.as_bytes());
    let secret = secrets_manager::handle(&read).map_err(|error| match &*error.code {
        "ResourceNotFoundException" => AwsError::new(
            "ParameterNotFound",
            format!(
                "An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret \
                 {} not found.",
                wanted.name
            ),
        ),
        _ => error,
    })?;
    let mut answer = json!({
        "Name": wanted.name,
        "Type": "SecureString",
        "Value": secret["SecretString"].as_str().unwrap_or_default(),
        "Version": 0,
        "SourceResult": secret.to_string(),
        "LastModifiedDate": secret["CreatedDate"],
        "ARN": arn(call, wanted.name),
        "DataType": "text",
    });
    if let Some(selector) = wanted.selector {
        answer["Selector"] = json!(format!(":{selector}"));
    }
    Ok(answer)
}

/// Version ids are UUIDs as a rule.
fn is_version(selector: &str) -> bool {
    selector.len() == 36 && selector.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}
