//! Secrets Manager.

mod filter;
mod lifecycle;
mod list;
mod policies;
mod read;
mod replicas;
mod rotation;
mod secret;
mod store;
mod write;

use std::sync::{MutexGuard, PoisonError};

use jiff::Timestamp;
use serde_json::Value;

pub(crate) use self::secret::LabelMove;
pub(crate) use self::store::Store;
use crate::error::AwsError;
use crate::events;
use crate::world::Call;

/// Does an operation, and tells those who listen to changes.
pub(crate) fn handle(call: &Call<'_>) -> Result<Value, AwsError> {
    let answer = perform(call)?;
    if CHANGES.contains(&call.name()) {
        let parameter = if call.name() == "CreateSecret" { "name" } else { "secretId" };
        if let Some(id) = call.first_resource() {
            events::secret_api_call(call, (parameter, &id), answer["ARN"].as_str());
        }
    }
    Ok(answer)
}

/// What CloudTrail reports as a change.
const CHANGES: &[&str] = &[
    "CancelRotateSecret",
    "CreateSecret",
    "DeleteResourcePolicy",
    "DeleteSecret",
    "PutResourcePolicy",
    "PutSecretValue",
    "RemoveRegionsFromReplication",
    "ReplicateSecretToRegions",
    "RestoreSecret",
    "RotateSecret",
    "StopReplicationToReplica",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
    "UpdateSecretVersionStage",
];

fn perform(call: &Call<'_>) -> Result<Value, AwsError> {
    match call.name() {
        "BatchGetSecretValue" => read::batch_get_secret_value(call),
        "CancelRotateSecret" => rotation::cancel_rotate_secret(call),
        "CreateSecret" => write::create_secret(call),
        "DeleteResourcePolicy" => policies::delete_resource_policy(call),
        "DeleteSecret" => lifecycle::delete_secret(call),
        "DescribeSecret" => read::describe_secret(call),
        "GetRandomPassword" => read::get_random_password(call),
        "GetResourcePolicy" => policies::get_resource_policy(call),
        "GetSecretValue" => read::get_secret_value(call),
        "ListSecretVersionIds" => list::list_secret_version_ids(call),
        "ListSecrets" => list::list_secrets(call),
        "PutResourcePolicy" => policies::put_resource_policy(call),
        "PutSecretValue" => write::put_secret_value(call),
        "RemoveRegionsFromReplication" => replicas::remove_regions_from_replication(call),
        "ReplicateSecretToRegions" => replicas::replicate_secret_to_regions(call),
        "RestoreSecret" => lifecycle::restore_secret(call),
        "RotateSecret" => rotation::rotate_secret(call),
        "StopReplicationToReplica" => replicas::stop_replication_to_replica(call),
        "TagResource" => write::tag_resource(call),
        "UntagResource" => write::untag_resource(call),
        "UpdateSecret" => write::update_secret(call),
        "UpdateSecretVersionStage" => write::update_secret_version_stage(call),
        "ValidateResourcePolicy" => policies::validate_resource_policy(call),
        _ => Err(AwsError::new("UnknownOperationException", "")),
    }
}

fn lock<'a>(call: &'a Call<'_>) -> MutexGuard<'a, Store> {
    call.world.secrets.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A moment as JSON 1.1 has it: seconds, with milliseconds behind the point.
pub(crate) fn seconds(moment: Timestamp) -> f64 {
    // Milliseconds of any year fit into the 53 bits of a double.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    let millis = moment.as_millisecond() as f64;
    millis / 1000.0
}

fn invalid_parameter(message: impl Into<std::borrow::Cow<'static, str>>) -> AwsError {
    AwsError::new("InvalidParameterException", message)
}

fn invalid_request(message: impl Into<std::borrow::Cow<'static, str>>) -> AwsError {
    AwsError::new("InvalidRequestException", message)
}

fn not_found(message: impl Into<std::borrow::Cow<'static, str>>) -> AwsError {
    AwsError::new("ResourceNotFoundException", message)
}

fn no_such_secret() -> AwsError {
    not_found("Secrets Manager can't find the specified secret.")
}

/// For values and stages of a secret that waits for its deletion.
fn marked_for_deletion() -> AwsError {
    invalid_request(
        "You can't perform this operation on the secret because it was marked for deletion.",
    )
}

/// Length and characters of a name or ARN.
fn check_id(id: &str) -> Result<(), AwsError> {
    AwsError::length("secretId", id.len(), 1, 2048)?;
    let name = store::arn_parts(id).map_or(id, |arn| arn.name);
    check_characters(name, "-/_+=.@!")
}

fn check_characters(name: &str, marks: &str) -> Result<(), AwsError> {
    if name.chars().all(|c| c.is_ascii_alphanumeric() || marks.contains(c)) {
        return Ok(());
    }
    Err(AwsError::validation(
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the \
         following: -/_+=.@!",
    ))
}
