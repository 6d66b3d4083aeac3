//! Messages: sent, received, hidden, deleted.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::queue::{Queue, md5_hex};
use super::{check_range, lock, open};
use crate::clock::later;
use crate::error::AwsError;
use crate::world::Call;

/// Entries of one batch.
const MAX_BATCH: usize = 10;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    #[serde(flatten)]
    message: NewMessage,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NewMessage {
    message_body: String,
    delay_seconds: Option<i64>,
    #[serde(default)]
    message_attributes: Map<String, Value>,
}

pub(super) fn send_message(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: SendMessage = call.input()?;
    let mut store = lock(call);
    let queue = open(&mut store, call, "sqs:SendMessage", &input.queue_url)?;
    let answer = send(queue, input.message, call)?;
    call.world.wake_receivers();
    Ok(answer)
}

fn send(queue: &mut Queue, message: NewMessage, call: &Call<'_>) -> Result<Value, AwsError> {
    if message.message_body.is_empty() {
        return Err(AwsError::new(
            "MissingParameter",
            "The request must contain the parameter MessageBody.",
        ));
    }
    let most = queue.settings.max_size;
    if message.message_body.len() > most {
        return Err(super::invalid_value(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {most} bytes."
        )));
    }
    let delay = match message.delay_seconds {
        None => queue.settings.delay,
        Some(delay) => {
            Duration::from_secs(check_range("DelaySeconds", delay, 0, 900)?.unsigned_abs())
        }
    };
    let body = &message.message_body;
    let id = queue.send(body, &call.caller.user_id, &call.world.ids, call.now);
    if let Some(last) = queue.messages.last_mut() {
        last.attributes = message.message_attributes;
        last.visible = later(call.now, delay);
    }
    Ok(json!({ "MessageId": id, "MD5OfMessageBody": md5_hex(body.as_bytes()) }))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Batch<T> {
    queue_url: String,
    entries: Vec<Entry<T>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<T> {
    id: String,
    #[serde(flatten)]
    what: T,
}

/// Does the same with every entry of a batch; what fails for one does not touch the others.
fn each<T: serde::de::DeserializeOwned>(
    call: &Call<'_>,
    action: &str,
    mut work: impl FnMut(&mut Queue, T) -> Result<Value, AwsError>,
) -> Result<Value, AwsError> {
    let input: Batch<T> = call.input()?;
    if input.entries.is_empty() {
        return Err(AwsError::new(
            "EmptyBatchRequest",
            "There should be at least one entry in the request.",
        ));
    }
    if input.entries.len() > MAX_BATCH {
        return Err(AwsError::new(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {MAX_BATCH}. You have sent {}.",
                input.entries.len()
            ),
        ));
    }
    let mut seen = BTreeSet::new();
    if let Some(twice) = input.entries.iter().find(|entry| !seen.insert(&entry.id)) {
        return Err(AwsError::new(
            "BatchEntryIdsNotDistinct",
            format!("Id {} repeated.", twice.id),
        ));
    }
    let mut store = lock(call);
    let queue = open(&mut store, call, action, &input.queue_url)?;
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for entry in input.entries {
        match work(queue, entry.what) {
            Ok(mut answer) => {
                answer["Id"] = json!(entry.id);
                good.push(answer);
            }
            Err(error) => bad.push(json!({
                "Id": entry.id,
                "SenderFault": true,
                "Code": super::query_code(&error.code),
                "Message": error.message,
            })),
        }
    }
    call.world.wake_receivers();
    Ok(json!({ "Successful": good, "Failed": bad }))
}

pub(super) fn send_message_batch(call: &Call<'_>) -> Result<Value, AwsError> {
    each(call, "sqs:SendMessage", |queue, message: NewMessage| send(queue, message, call))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReceiveMessage {
    queue_url: String,
    max_number_of_messages: Option<i64>,
    visibility_timeout: Option<i64>,
    wait_time_seconds: Option<i64>,
    #[serde(default)]
    attribute_names: Vec<String>,
    #[serde(default)]
    message_system_attribute_names: Vec<String>,
    #[serde(default)]
    message_attribute_names: Vec<String>,
}

/// Waits for messages up to the time that is asked for: of the double's clock, and never longer
/// than that on the machine's.
pub(super) async fn receive_message(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ReceiveMessage = call.input()?;
    let max = input.max_number_of_messages.unwrap_or(1);
    let max = check_range("MaxNumberOfMessages", max, 1, 10)?;
    let max = usize::try_from(max).unwrap_or(1);
    let hidden = seconds("VisibilityTimeout", input.visibility_timeout, 43_200)?;
    let wait = seconds("WaitTimeSeconds", input.wait_time_seconds, 20)?;
    let wait = {
        let mut store = lock(call);
        let queue = open(&mut store, call, "sqs:ReceiveMessage", &input.queue_url)?;
        wait.unwrap_or(queue.settings.wait)
    };
    let deadline = later(call.now, wait);
    let give_up = tokio::time::sleep(wait);
    tokio::pin!(give_up);
    let mut arrivals = call.world.arrivals.subscribe();
    let mut jumps = call.world.clock.jumps();
    loop {
        let now = call.world.clock.now();
        let (messages, next) = receive(call, &input, max, hidden, now)?;
        if !messages.is_empty() {
            return Ok(json!({ "Messages": messages }));
        }
        if now >= deadline || give_up.is_elapsed() {
            return Ok(json!({}));
        }
        let next = next.unwrap_or(deadline);
        let next = Duration::try_from(next.duration_since(now)).unwrap_or_default();
        tokio::select! {
            // A sender never goes away while the double runs.
            _ = arrivals.changed() => {}
            _ = jumps.changed() => {}
            () = tokio::time::sleep(next) => {}
            () = &mut give_up => {}
        }
    }
}

fn seconds(name: &str, value: Option<i64>, max: i64) -> Result<Option<Duration>, AwsError> {
    let checked = value.map(|value| check_range(name, value, 0, max)).transpose()?;
    Ok(checked.map(|value| Duration::from_secs(value.unsigned_abs())))
}

/// Messages that are there now, and when the next one comes back.
fn receive(
    call: &Call<'_>,
    input: &ReceiveMessage,
    max: usize,
    hidden: Option<Duration>,
    now: jiff::Timestamp,
) -> Result<(Vec<Value>, Option<jiff::Timestamp>), AwsError> {
    let mut store = lock(call);
    let gone = || AwsError::new("QueueDoesNotExist", "The specified queue does not exist.");
    let place = super::Place::of_url(&input.queue_url, call.region).ok_or_else(gone)?;
    let queue = store.get_mut(&place).ok_or_else(gone)?;
    let poisoned = queue.take_poisoned(now);
    let dead = queue.settings.redrive.clone().filter(|_| !poisoned.is_empty());
    if let Some(dead) = dead.and_then(|(dead, _)| store.get_mut(&dead)) {
        dead.messages.extend(poisoned);
    }
    let queue = store.get_mut(&place).ok_or_else(gone)?;
    let hidden = hidden.unwrap_or(queue.settings.visibility);
    let system: Vec<String> = input
        .attribute_names
        .iter()
        .chain(&input.message_system_attribute_names)
        .cloned()
        .collect();
    let messages: Vec<Value> = queue
        .receive(max, hidden, now)
        .into_iter()
        .map(|message| {
            let cursor = format!("{} {}", message.id, message.received);
            let handle = call.world.pages.token(&json!(place.arn()), &cursor);
            message.answer(&handle, &system, &input.message_attribute_names)
        })
        .collect();
    Ok((messages, queue.next_visible(now)))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct OneMessage {
    queue_url: String,
    #[serde(flatten)]
    handle: Handle,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Handle {
    receipt_handle: String,
}

/// The index of the message that a handle stands for. None if it is gone, or was received again
/// since: SQS then says nothing, and does nothing.
fn find(
    call: &Call<'_>,
    url: &str,
    queue: &Queue,
    handle: &str,
) -> Result<Option<usize>, AwsError> {
    let invalid = || {
        AwsError::new(
            "ReceiptHandleIsInvalid",
            "The input receipt handle is not a valid receipt handle.",
        )
    };
    let place = super::Place::of_url(url, call.region).ok_or_else(invalid)?;
    let cursor = call.world.pages.cursor(&json!(place.arn()), handle).ok_or_else(invalid)?;
    let (id, received) = cursor.split_once(' ').ok_or_else(invalid)?;
    let is_it = |message: &super::queue::Message| {
        message.id == id && message.received.to_string() == received
    };
    Ok(queue.messages.iter().position(is_it))
}

pub(super) fn delete_message(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: OneMessage = call.input()?;
    let mut store = lock(call);
    let queue = open(&mut store, call, "sqs:DeleteMessage", &input.queue_url)?;
    delete(call, &input.queue_url, queue, &input.handle)
}

fn delete(
    call: &Call<'_>,
    url: &str,
    queue: &mut Queue,
    handle: &Handle,
) -> Result<Value, AwsError> {
    if let Some(index) = find(call, url, queue, &handle.receipt_handle)? {
        queue.messages.remove(index);
    }
    Ok(json!({}))
}

pub(super) fn delete_message_batch(call: &Call<'_>) -> Result<Value, AwsError> {
    let url = call.input::<WithUrl>()?.queue_url;
    each(call, "sqs:DeleteMessage", |queue, handle: Handle| delete(call, &url, queue, &handle))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WithUrl {
    queue_url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: String,
    #[serde(flatten)]
    change: Visibility,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Visibility {
    receipt_handle: String,
    visibility_timeout: i64,
}

pub(super) fn change_message_visibility(call: &Call<'_>) -> Result<Value, AwsError> {
    let input: ChangeMessageVisibility = call.input()?;
    let mut store = lock(call);
    let queue = open(&mut store, call, "sqs:ChangeMessageVisibility", &input.queue_url)?;
    let answer = change(call, &input.queue_url, queue, &input.change)?;
    call.world.wake_receivers();
    Ok(answer)
}

fn change(
    call: &Call<'_>,
    url: &str,
    queue: &mut Queue,
    change: &Visibility,
) -> Result<Value, AwsError> {
    let timeout = check_range("VisibilityTimeout", change.visibility_timeout, 0, 43_200)?;
    let index = find(call, url, queue, &change.receipt_handle)?;
    let message = index.and_then(|index| queue.messages.get_mut(index));
    let Some(message) = message.filter(|message| message.visible > call.now) else {
        return Err(AwsError::new(
            "MessageNotInflight",
            "The message referred to isn't in flight.",
        ));
    };
    message.visible = later(call.now, Duration::from_secs(timeout.unsigned_abs()));
    Ok(json!({}))
}

pub(super) fn change_message_visibility_batch(call: &Call<'_>) -> Result<Value, AwsError> {
    let url = call.input::<WithUrl>()?.queue_url;
    each(call, "sqs:ChangeMessageVisibility", |queue, visibility: Visibility| {
        change(call, &url, queue, &visibility)
    })
}
