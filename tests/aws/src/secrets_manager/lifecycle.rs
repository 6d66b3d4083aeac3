//! Deletion with its recovery window.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{invalid_parameter, invalid_request, lock, no_such_secret, seconds};
use crate::clock::later;
use crate::error::AwsError;
use crate::world::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DeleteSecret {
    secret_id: String,
    recovery_window_in_days: Option<u64>,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

pub(super) fn delete_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: DeleteSecret = call.input()?;
    if input.force_delete_without_recovery && input.recovery_window_in_days.is_some() {
        return Err(invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
        ));
    }
    let days = input.recovery_window_in_days.unwrap_or(30);
    if !(7..=30).contains(&days) {
        return Err(invalid_parameter(
            "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
        ));
    }
    let mut store = lock(call);
    let place = match store.open(call, "secretsmanager:DeleteSecret", &input.secret_id) {
        // So that a repeated request does not fail.
        Err(error)
            if input.force_delete_without_recovery && error.code == "ResourceNotFoundException" =>
        {
            return Ok(json!({ "Name": input.secret_id, "DeletionDate": seconds(call.now) }));
        }
        place => place?,
    };
    if place.is_replica {
        return Err(invalid_request(
            "Operation not permitted on a replica secret. Call must be made in primary secret's \
             region.",
        ));
    }
    store.remember(&place.account, &place.region, &place.name, call.now);
    let secret = store.get_mut(&place).ok_or_else(no_such_secret)?;
    if !secret.replicas.is_empty() {
        return Err(invalid_request(format!(
            "You can't delete secret {} that still has replica regions [{}]",
            secret.name,
            secret.replicas.join(", ")
        )));
    }
    let at = if input.force_delete_without_recovery {
        call.now
    } else if secret.deletion.is_some() {
        return Err(invalid_request(
            "You can't perform this operation on the secret because it was already scheduled for \
             deletion.",
        ));
    } else {
        later(call.now, Duration::from_hours(24 * days))
    };
    let answer = json!({
        "ARN": secret.arn(call.region),
        "Name": secret.name,
        "DeletionDate": seconds(at),
    });
    secret.deletion = Some((call.now, at));
    if input.force_delete_without_recovery {
        store.remove(&place);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RestoreSecret {
    secret_id: String,
}

pub(super) fn restore_secret(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: RestoreSecret = call.input()?;
    let mut store = lock(call);
    let secret = store.open_for_change(call, "secretsmanager:RestoreSecret", &input.secret_id)?;
    secret.deletion = None;
    secret.changed = call.now;
    Ok(json!({ "ARN": secret.arn(call.region), "Name": secret.name }))
}
