//! The Simple Queue Service, and the events that Secrets Manager sends by way of it.

use extsecret_tests::aws_client::Service::Sqs;
use serde_json::{Value, json};

use crate::check::{Check, check};

/// The code, and the name that it has in AWS's JSON protocol.
const INVALID_VALUE: &[&str] = &["InvalidParameterValue", "InvalidParameterValueException"];

/// A queue, whose URL is kept as `queue`.
fn queue(name: &'static str, says: &'static str) -> Check {
    check(name, says)
        .ask(Sqs, "CreateQueue", json!({ "QueueName": "$p-queue" }))
        .keep("queue", "/QueueUrl")
}

fn send(check: Check, text: &str) -> Check {
    check.ask(Sqs, "SendMessage", json!({ "QueueUrl": "$queue", "MessageBody": text }))
}

fn receive() -> Value {
    json!({ "QueueUrl": "$queue", "AttributeNames": ["All"], "MaxNumberOfMessages": 10 })
}

/// Returns a received message at once.
fn give_back(check: Check) -> Check {
    check.keep("receipt", "/Messages/0/ReceiptHandle").ask(
        Sqs,
        "ChangeMessageVisibility",
        json!({ "QueueUrl": "$queue", "ReceiptHandle": "$receipt", "VisibilityTimeout": 0 }),
    )
}

/// Waits a few seconds for an event.
fn event() -> Value {
    json!({ "QueueUrl": "$events", "WaitTimeSeconds": 4 })
}

/// What an event says, or nothing.
fn body(message: &Value) -> Value {
    serde_json::from_str(message.as_str().unwrap_or_default()).unwrap_or_default()
}

pub(crate) fn checks() -> Vec<Check> {
    vec![
        send(queue("message", "A message is received with its hash."), "hello")
            .ask(Sqs, "ReceiveMessage", receive())
            .counts("/Messages", 1)
            .gives("/Messages/0/Body", "hello")
            .gives("/Messages/0/MD5OfBody", "5d41402abc4b2a76b9719d911017c592")
            .has("/Messages/0/MessageId")
            .has("/Messages/0/ReceiptHandle"),
        queue("empty-queue", "Without messages there is no list of them.")
            .ask(Sqs, "ReceiveMessage", receive())
            .lacks("/Messages/0"),
        send(
            queue("message-in-flight", "A received message is not seen again for a while."),
            "hello",
        )
        .ask(Sqs, "ReceiveMessage", receive())
        .counts("/Messages", 1)
        .ask(Sqs, "ReceiveMessage", receive())
        .lacks("/Messages/0"),
        give_back(
            send(queue("message-again", "A message given back comes again, and counts."), "hello")
                .ask(Sqs, "ReceiveMessage", receive())
                .gives("/Messages/0/Attributes/ApproximateReceiveCount", "1"),
        )
        .ask(Sqs, "ReceiveMessage", receive())
        .gives("/Messages/0/Attributes/ApproximateReceiveCount", "2")
        .gives("/Messages/0/Body", "hello"),
        send(
            queue("message-after-its-time", "A message not deleted in time comes again."),
            "hello",
        )
        .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue", "VisibilityTimeout": 1 }))
        .counts("/Messages", 1)
        // A long poll, which ends as soon as the message is there.
        .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue", "WaitTimeSeconds": 10 }))
        .gives("/Messages/0/Body", "hello"),
        give_back(
            send(queue("deleted-message", "A deleted message never comes again."), "hello").ask(
                Sqs,
                "ReceiveMessage",
                receive(),
            ),
        )
        .ask(Sqs, "ReceiveMessage", receive())
        .keep("receipt", "/Messages/0/ReceiptHandle")
        .ask(Sqs, "DeleteMessage", json!({ "QueueUrl": "$queue", "ReceiptHandle": "$receipt" }))
        .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue", "WaitTimeSeconds": 1 }))
        .lacks("/Messages/0"),
        send(
            send(queue("deleted-batch", "A batch deletes what it can, and names the rest."), "one"),
            "two",
        )
        .ask(Sqs, "ReceiveMessage", receive())
        .counts("/Messages", 2)
        .keep("one", "/Messages/0/ReceiptHandle")
        .keep("two", "/Messages/1/ReceiptHandle")
        .ask(
            Sqs,
            "DeleteMessageBatch",
            json!({ "QueueUrl": "$queue", "Entries": [
                { "Id": "a", "ReceiptHandle": "$one" },
                { "Id": "b", "ReceiptHandle": "$two" },
                { "Id": "c", "ReceiptHandle": "nothing" },
            ]}),
        )
        .lists("/Successful", "Id", &["a", "b"])
        .lists("/Failed", "Id", &["c"])
        .gives("/Failed/0/Code", "ReceiptHandleIsInvalid"),
        queue("wrong-receipt", "A receipt that is none is ReceiptHandleIsInvalid.")
            .ask(Sqs, "DeleteMessage", json!({ "QueueUrl": "$queue", "ReceiptHandle": "nothing" }))
            .refused(&["ReceiptHandleIsInvalid"]),
        queue("receive-eleven", "At most ten messages are received at once.")
            .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue", "MaxNumberOfMessages": 11 }))
            .refused(INVALID_VALUE),
        // With a message, so that a server that accepts it answers at once.
        send(queue("wait-for-21-seconds", "A long poll is 20 seconds at most."), "hello")
            .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue", "WaitTimeSeconds": 21 }))
            .refused(INVALID_VALUE),
        queue("missing-queue", "A queue that is not there is QueueDoesNotExist.")
            .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$queue-not" }))
            .refused(&["QueueDoesNotExist"]),
        check("event-of-a-new-value", "A new value sends an event about the label AWSCURRENT.")
            .create("$p-a", "one")
            .keep("arn", "/ARN")
            .route_label_events("events")
            .put("$p-a", "two")
            .ask(Sqs, "ReceiveMessage", event())
            .is("/Messages/0/Body", "an event of such a form", |message| {
                let event = body(message);
                event["source"] == "aws.secretsmanager"
                    && event["detail-type"] == "Secret Label Updated"
                    && event["detail"]["labelUpdated"] == "AWSCURRENT"
                    && event["detail"]["versionId"].is_string()
                    && event["detail"]["name"].as_str().is_some_and(|name| name.ends_with("-a"))
                    && event["resources"][0].as_str().is_some_and(|arn| arn.contains(":secret:"))
            })
            // AWSPREVIOUS moved too, and is no event.
            .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$events", "WaitTimeSeconds": 1 }))
            .lacks("/Messages/0"),
        check("event-of-a-moved-label", "A label that is moved sends an event about it.")
            .create("$p-a", "one")
            .route_label_events("events")
            .secrets(
                "UpdateSecretVersionStage",
                json!({ "SecretId": "$p-a", "VersionStage": "BLUE", "MoveToVersionId": "$v1" }),
            )
            .ask(Sqs, "ReceiveMessage", event())
            .is("/Messages/0/Body", "an event about BLUE", |message| {
                body(message)["detail"]["labelUpdated"] == "BLUE"
            }),
        check("no-event-of-a-pending-value", "AWSPENDING sends no event, and a tag neither.")
            .create("$p-a", "one")
            .route_label_events("events")
            .secrets(
                "PutSecretValue",
                json!({
                    "SecretId": "$p-a", "SecretString": "two", "VersionStages": ["AWSPENDING"],
                }),
            )
            .secrets(
                "TagResource",
                json!({ "SecretId": "$p-a", "Tags": [{ "Key": "team", "Value": "blue" }] }),
            )
            .ask(Sqs, "ReceiveMessage", json!({ "QueueUrl": "$events", "WaitTimeSeconds": 1 }))
            .lacks("/Messages/0"),
    ]
}
