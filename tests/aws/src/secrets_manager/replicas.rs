//! Replicas: a secret seen from other regions, where it cannot be changed.

use serde::Deserialize;
use serde_json::{Value, json};

use super::secret::Secret;
use super::store::Store;
use super::{invalid_parameter, invalid_request, lock, marked_for_deletion, no_such_secret};
use crate::error::AwsError;
use crate::world::Call;

/// A region that shall have a replica. Keys of its own are taken as given.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Target {
    region: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplicateSecretToRegions {
    secret_id: String,
    add_replica_regions: Vec<Target>,
    #[serde(default)]
    force_overwrite_replica_secret: bool,
}

pub(super) fn replicate_secret_to_regions(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ReplicateSecretToRegions = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:ReplicateSecretToRegions";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    if secret.deletion.is_some() {
        return Err(marked_for_deletion());
    }
    let (arn, name) = (secret.arn(call.region), secret.name.clone());
    let overwrite = input.force_overwrite_replica_secret;
    let status = replicate(&mut store, call, &name, &input.add_replica_regions, overwrite)?;
    Ok(json!({ "ARN": arn, "ReplicationStatus": status }))
}

/// Adds replicas of a secret of the call's region.
pub(super) fn replicate(
    store: &mut Store,
    call: &Call<'_>,
    name: &str,
    targets: &[Target],
    overwrite: bool,
) -> Result<Value, AwsError> {
    let account = &call.caller.account;
    for target in targets {
        if target.region == call.region {
            return Err(invalid_parameter("Invalid replica region."));
        }
        let there = store.region(account, &target.region);
        let is_free = !there.secrets.contains_key(name) || overwrite;
        if is_free {
            there.secrets.remove(name);
            there.replicas.insert(name.to_owned(), call.region.to_owned());
        }
        let here = store.region(account, call.region);
        let secret = here.secrets.get_mut(name).ok_or_else(no_such_secret)?;
        if is_free && !secret.replicas.contains(&target.region) {
            secret.replicas.push(target.region.clone());
        } else if !is_free {
            return Ok(json!([{
                "Region": target.region,
                "Status": "Failed",
                "StatusMessage": format!(
                    "Replication failed: Secret name simple already exists in region {}.",
                    target.region
                ),
            }]));
        }
        secret.changed = call.now;
    }
    let place = store.locate(account, call.region, name, call.now).ok_or_else(no_such_secret)?;
    Ok(store.get(&place).map(status).unwrap_or_default())
}

/// Every replica with how it is, which is always well.
pub(super) fn status(secret: &Secret) -> Value {
    let replicas: Vec<Value> = secret
        .replicas
        .iter()
        .map(|region| {
            json!({
                "Region": region,
                "KmsKeyId": "alias/aws/secretsmanager",
                "Status": "InSync",
                "StatusMessage": "Replication succeeded",
            })
        })
        .collect();
    json!(replicas)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RemoveRegionsFromReplication {
    secret_id: String,
    remove_replica_regions: Vec<String>,
}

pub(super) fn remove_regions_from_replication(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: RemoveRegionsFromReplication = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:RemoveRegionsFromReplication";
    let secret = store.open_for_change(call, action, &input.secret_id)?;
    secret.replicas.retain(|region| !input.remove_replica_regions.contains(region));
    secret.changed = call.now;
    let answer = json!({ "ARN": secret.arn(call.region), "ReplicationStatus": status(secret) });
    let name = secret.name.clone();
    for region in &input.remove_replica_regions {
        store.region(&call.caller.account, region).replicas.remove(&name);
    }
    Ok(answer)
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StopReplicationToReplica {
    secret_id: String,
}

pub(super) fn stop_replication_to_replica(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: StopReplicationToReplica = call.input()?;
    let mut store = lock(call);
    let action = "secretsmanager:StopReplicationToReplica";
    let place = store.open(call, action, &input.secret_id)?;
    if !place.is_replica {
        return Err(invalid_request("Only a replica secret can be promoted."));
    }
    let serial = store.next_serial();
    let primary = store.get_mut(&place).ok_or_else(no_such_secret)?;
    primary.replicas.retain(|region| region != call.region);
    let mut promoted = primary.clone();
    call.region.clone_into(&mut promoted.region);
    promoted.serial = serial;
    promoted.replicas.clear();
    let arn = promoted.arn(call.region);
    store.region(&call.caller.account, call.region).replicas.remove(&promoted.name);
    store.insert(promoted);
    Ok(json!({ "ARN": arn }))
}
