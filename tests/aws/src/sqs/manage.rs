//! Making, changing and looking at queues.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::queue::{Place, Queue, Settings};
use super::{check_range, invalid_value, lock, open, open_place};
use crate::error::AwsError;
use crate::policy::Policy;
use crate::world::Call;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CreateQueue {
    queue_name: String,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
}

pub(super) fn create_queue(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: CreateQueue = call.input()?;
    let name = &input.queue_name;
    let is_name = !name.is_empty()
        && name.len() <= 80
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    if !is_name {
        return Err(invalid_value(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
                .to_owned(),
        ));
    }
    let place = Place::new(&call.caller.account, call.region, name);
    let mut store = lock(call);
    let there = open_place(&mut store, call, "sqs:CreateQueue", &place);
    match there {
        Ok(queue) => {
            let mut wanted = Queue::new(queue.settings.clone(), call.now);
            apply(&mut wanted, &input.attributes)?;
            let (wanted, there) =
                (attributes(&wanted, &place, call), attributes(queue, &place, call));
            if input.attributes.keys().any(|name| wanted.get(name) != there.get(name)) {
                return Err(AwsError::new(
                    "QueueNameExists",
                    "A queue already exists with the same name and a different value for an \
                     attribute",
                ));
            }
        }
        Err(error) if error.code == "QueueDoesNotExist" => {
            let settings = Settings {
                visibility: Duration::from_secs(30),
                wait: Duration::ZERO,
                delay: Duration::ZERO,
                retention: Duration::from_hours(4 * 24),
                max_size: 1_048_576,
                redrive: None,
            };
            let mut queue = Queue::new(settings, call.now);
            apply(&mut queue, &input.attributes)?;
            store.region(&place).insert(place.name.clone(), queue);
        }
        Err(error) => return Err(error),
    }
    Ok(json!({ "QueueUrl": url(call, &place) }))
}

fn url(call: &Call<'_>, place: &Place) -> String {
    format!("{}/{}/{}", call.world.endpoint(), place.account, place.name)
}

/// Sets attributes of a queue.
fn apply(queue: &mut Queue, attributes: &BTreeMap<String, String>) -> Result<(), AwsError> {
    for (name, text) in attributes {
        let number = |min: i64, max: i64| {
            let value = text.parse().map_err(|_| {
                AwsError::new(
                    "InvalidAttributeValue",
                    format!("Invalid value for the parameter {name}."),
                )
            })?;
            check_range(name, value, min, max).map(i64::unsigned_abs)
        };
        let settings = &mut queue.settings;
        match name.as_str() {
            "VisibilityTimeout" => settings.visibility = Duration::from_secs(number(0, 43_200)?),
            "ReceiveMessageWaitTimeSeconds" => settings.wait = Duration::from_secs(number(0, 20)?),
            "DelaySeconds" => settings.delay = Duration::from_secs(number(0, 900)?),
            "MessageRetentionPeriod" => {
                settings.retention = Duration::from_secs(number(60, 1_209_600)?);
            }
            "MaximumMessageSize" => {
                settings.max_size = usize::try_from(number(1024, 1_048_576)?).unwrap_or(1024);
            }
            "RedrivePolicy" => settings.redrive = redrive(text)?,
            "Policy" => {
                let policy = Policy::parse(text).map_err(|error| {
                    AwsError::new(
                        "InvalidAttributeValue",
                        format!("Invalid value for the parameter Policy: {error}"),
                    )
                })?;
                queue.policy = Some(policy);
                queue.policy_text = Some(text.clone());
            }
            // Encryption changes nothing that a client sees.
            "SqsManagedSseEnabled" | "KmsMasterKeyId" | "KmsDataKeyReusePeriodSeconds" => {}
            _ => {
                return Err(AwsError::new(
                    "InvalidAttributeName",
                    format!("Unknown Attribute {name}."),
                ));
            }
        }
    }
    Ok(())
}

fn redrive(text: &str) -> Result<Option<(Place, u32)>, AwsError> {
    if text.is_empty() {
        return Ok(None);
    }
    let invalid = || {
        AwsError::new(
            "InvalidAttributeValue",
            format!("Value {text} for parameter RedrivePolicy is invalid."),
        )
    };
    let policy: Value = serde_json::from_str(text).map_err(|_| invalid())?;
    let arn = policy["deadLetterTargetArn"].as_str().ok_or_else(invalid)?;
    let most = &policy["maxReceiveCount"];
    let most = most.as_u64().or_else(|| most.as_str()?.parse().ok()).ok_or_else(invalid)?;
    let most = u32::try_from(most).ok().filter(|most| (1..=1000).contains(most));
    let place = Place::of_arn(arn).ok_or_else(invalid)?;
    Ok(Some((place, most.ok_or_else(invalid)?)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct QueueUrl {
    queue_url: String,
}

pub(super) fn delete_queue(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: QueueUrl = call.input()?;
    let mut store = lock(call);
    open(&mut store, call, "sqs:DeleteQueue", &input.queue_url)?;
    if let Some(place) = Place::of_url(&input.queue_url, call.region) {
        store.region(&place).remove(&place.name);
    }
    Ok(json!({}))
}

pub(super) fn purge_queue(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: QueueUrl = call.input()?;
    let mut store = lock(call);
    open(&mut store, call, "sqs:PurgeQueue", &input.queue_url)?.messages.clear();
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: String,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

pub(super) fn get_queue_url(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetQueueUrl = call.input()?;
    let account = input.owner.as_ref().unwrap_or(&call.caller.account);
    let place = Place::new(account, call.region, &input.queue_name);
    open_place(&mut lock(call), call, "sqs:GetQueueUrl", &place)?;
    Ok(json!({ "QueueUrl": url(call, &place) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListQueues {
    #[serde(default)]
    queue_name_prefix: String,
}

pub(super) fn list_queues(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ListQueues = call.input()?;
    call.authorize_any("sqs:ListQueues")?;
    let place = Place::new(&call.caller.account, call.region, "");
    let mut store = lock(call);
    let names =
        store.region(&place).keys().filter(|name| name.starts_with(&input.queue_name_prefix));
    let urls: Vec<String> =
        names.map(|name| url(call, &Place { name: name.clone(), ..place.clone() })).collect();
    Ok(if urls.is_empty() { json!({}) } else { json!({ "QueueUrls": urls }) })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SetQueueAttributes {
    queue_url: String,
    attributes: BTreeMap<String, String>,
}

pub(super) fn set_queue_attributes(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: SetQueueAttributes = call.input()?;
    let mut store = lock(call);
    let queue = open(&mut store, call, "sqs:SetQueueAttributes", &input.queue_url)?;
    apply(queue, &input.attributes)?;
    Ok(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
}

pub(super) fn get_queue_attributes(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: GetQueueAttributes = call.input()?;
    let mut store = lock(call);
    let queue = open(&mut store, call, "sqs:GetQueueAttributes", &input.queue_url)?;
    let Some(place) = Place::of_url(&input.queue_url, call.region) else { return Ok(json!({})) };
    let all = attributes(queue, &place, call);
    for name in &input.attribute_names {
        if name != "All" && name != "Policy" && name != "RedrivePolicy" && !all.contains_key(name) {
            return Err(AwsError::new(
                "InvalidAttributeName",
                format!("Unknown Attribute {name}."),
            ));
        }
    }
    let is_wanted = |name: &String| {
        input.attribute_names.iter().any(|wanted| wanted == "All" || wanted == name)
    };
    let wanted: Map<String, Value> = all.into_iter().filter(|(name, _)| is_wanted(name)).collect();
    Ok(if wanted.is_empty() { json!({}) } else { json!({ "Attributes": wanted }) })
}

fn attributes(queue: &Queue, place: &Place, call: &Call<'_>) -> Map<String, Value> {
    let settings = &queue.settings;
    let (ready, busy, delayed) = queue.counts(call.now);
    let mut all = Map::new();
    let mut set = |name: &str, value: String| all.insert(name.to_owned(), json!(value));
    set("QueueArn", place.arn());
    set("ApproximateNumberOfMessages", ready.to_string());
    set("ApproximateNumberOfMessagesNotVisible", busy.to_string());
    set("ApproximateNumberOfMessagesDelayed", delayed.to_string());
    set("CreatedTimestamp", queue.created.as_second().to_string());
    set("LastModifiedTimestamp", queue.created.as_second().to_string());
    set("VisibilityTimeout", settings.visibility.as_secs().to_string());
    set("MaximumMessageSize", settings.max_size.to_string());
    set("MessageRetentionPeriod", settings.retention.as_secs().to_string());
    set("DelaySeconds", settings.delay.as_secs().to_string());
    set("ReceiveMessageWaitTimeSeconds", settings.wait.as_secs().to_string());
    set("SqsManagedSseEnabled", "true".to_owned());
    if let Some(policy) = &queue.policy_text {
        set("Policy", policy.clone());
    }
    if let Some((dead, most)) = &settings.redrive {
        let policy = json!({ "deadLetterTargetArn": dead.arn(), "maxReceiveCount": most });
        set("RedrivePolicy", policy.to_string());
    }
    all
}
