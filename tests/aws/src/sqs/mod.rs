//! SQS: standard queues, with which events come to those who wait for them.

mod manage;
mod messages;
mod queue;

use std::sync::{MutexGuard, PoisonError};

use serde_json::Value;

use self::queue::Queue;
pub(crate) use self::queue::{Place, Store, Subscription};
use crate::error::AwsError;
use crate::identity::Access;
use crate::world::Call;

/// Does an operation.
pub(crate) async fn handle(call: &Call<'_>) -> Result<Value, AwsError> {
    match call.name() {
        // The only operation that waits.
        "ReceiveMessage" => messages::receive_message(call).await,
        _ => handle_now(call),
    }
}

/// Does an operation that does not wait.
pub(crate) fn handle_now(call: &Call<'_>) -> Result<Value, AwsError> {
    match call.name() {
        "ChangeMessageVisibility" => messages::change_message_visibility(call),
        "ChangeMessageVisibilityBatch" => messages::change_message_visibility_batch(call),
        "CreateQueue" => manage::create_queue(call),
        "DeleteMessage" => messages::delete_message(call),
        "DeleteMessageBatch" => messages::delete_message_batch(call),
        "DeleteQueue" => manage::delete_queue(call),
        "GetQueueAttributes" => manage::get_queue_attributes(call),
        "GetQueueUrl" => manage::get_queue_url(call),
        "ListQueues" => manage::list_queues(call),
        "PurgeQueue" => manage::purge_queue(call),
        "SendMessage" => messages::send_message(call),
        "SendMessageBatch" => messages::send_message_batch(call),
        "SetQueueAttributes" => manage::set_queue_attributes(call),
        _ => Err(AwsError::new("UnknownOperationException", "")),
    }
}

/// The code that older clients know an error by.
pub(crate) fn query_code(code: &str) -> &str {
    match code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "TooManyEntriesInBatchRequest" => "AWS.SimpleQueueService.TooManyEntriesInBatchRequest",
        "EmptyBatchRequest" => "AWS.SimpleQueueService.EmptyBatchRequest",
        "BatchEntryIdsNotDistinct" => "AWS.SimpleQueueService.BatchEntryIdsNotDistinct",
        "MessageNotInflight" => "AWS.SimpleQueueService.MessageNotInflight",
        "QueueNameExists" => "QueueAlreadyExists",
        "InvalidParameterValueException" => "InvalidParameterValue",
        "AccessDeniedException" => "AccessDenied",
        "UnrecognizedClientException" => "InvalidClientTokenId",
        "InvalidSignatureException" => "SignatureDoesNotMatch",
        code => code,
    }
}

fn lock<'a>(call: &'a Call<'_>) -> MutexGuard<'a, Store> {
    call.world.queues.lock().unwrap_or_else(PoisonError::into_inner)
}

fn invalid_value(message: String) -> AwsError {
    AwsError::new("InvalidParameterValueException", message)
}

/// A number within its limits.
fn check_range(name: &str, value: i64, min: i64, max: i64) -> Result<i64, AwsError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(invalid_value(format!(
        "Value {value} for parameter {name} is invalid. Reason: Must be between {min} and {max}, \
         if provided."
    )))
}

/// Finds the queue that a call is about, if its caller may do `action` with it.
fn open<'a>(
    store: &'a mut Store,
    call: &Call<'_>,
    action: &str,
    url: &str,
) -> Result<&'a mut Queue, AwsError> {
    let place = Place::of_url(url, call.region).ok_or_else(|| {
        AwsError::new("InvalidAddress", "The address is not valid for this endpoint.")
    })?;
    open_place(store, call, action, &place)
}

fn open_place<'a>(
    store: &'a mut Store,
    call: &Call<'_>,
    action: &str,
    place: &Place,
) -> Result<&'a mut Queue, AwsError> {
    let arn = place.arn();
    call.is_about(&arn);
    let queue = store.get_mut(place);
    let access = Access {
        action,
        resource: &arn,
        owner: &place.account,
        resource_policy: queue.as_ref().and_then(|queue| queue.policy.as_ref()),
        context: &|_| Vec::new(),
    };
    call.authorize(&access, &[&place.name, &arn]).map_err(|error| match &*error.code {
        "AccessDeniedException" => error.with_status(403),
        _ => error,
    })?;
    queue.ok_or_else(|| AwsError::new("QueueDoesNotExist", "The specified queue does not exist."))
}
