//! SQS: messages that come, hide, come again and go.

use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};

use crate::client::{code, double, queues};

#[tokio::test]
async fn a_message_is_hidden_comes_again_and_is_deleted() {
    let aws = double();
    aws.clock().freeze();
    let client = queues(&aws);
    let url = aws.queues().create("events");
    let found = client.get_queue_url().queue_name("events").send().await.unwrap();
    assert_eq!(found.queue_url(), Some(url.as_str()));
    client.send_message().queue_url(&url).message_body("hello").send().await.unwrap();

    let receive = || {
        client
            .receive_message()
            .queue_url(&url)
            .visibility_timeout(30)
            .message_system_attribute_names(MessageSystemAttributeName::ApproximateReceiveCount)
            .send()
    };
    let first = receive().await.unwrap();
    let message = &first.messages()[0];
    assert_eq!(message.body(), Some("hello"));
    assert_eq!(message.md5_of_body(), Some("5d41402abc4b2a76b9719d911017c592"));
    let old = message.receipt_handle().unwrap().to_owned();
    assert_eq!(aws.queues().counts("events"), (0, 1, 0));
    assert!(receive().await.unwrap().messages().is_empty());

    aws.clock().advance(Duration::from_secs(30));
    let again = receive().await.unwrap();
    let message = &again.messages()[0];
    let count = message.attributes().unwrap();
    assert_eq!(count[&MessageSystemAttributeName::ApproximateReceiveCount], "2");

    // Only the newest handle is good; an older one is accepted and does nothing.
    let delete =
        |handle: &str| client.delete_message().queue_url(&url).receipt_handle(handle).send();
    delete(&old).await.unwrap();
    assert_eq!(aws.queues().counts("events"), (0, 1, 0));
    delete(message.receipt_handle().unwrap()).await.unwrap();
    assert_eq!(aws.queues().counts("events"), (0, 0, 0));
    delete(message.receipt_handle().unwrap()).await.unwrap();
    assert_eq!(code(&delete("made up").await), "ReceiptHandleIsInvalid");
}

#[tokio::test]
async fn who_waits_hears_of_a_message_at_once() {
    let aws = double();
    let client = queues(&aws);
    let url = aws.queues().create("events");
    let waiting = client.receive_message().queue_url(&url).wait_time_seconds(20).send();
    let sending = async {
        // The counter says that the other side waits.
        let counters = aws.counters();
        while counters.calls("sqs:ReceiveMessage") == 0 {
            tokio::task::yield_now().await;
        }
        client.send_message().queue_url(&url).message_body("hello").send().await.unwrap();
    };
    let (received, ()) = tokio::join!(waiting, sending);
    assert_eq!(received.unwrap().messages().len(), 1);
}

#[tokio::test]
async fn who_waits_hears_of_a_message_that_comes_back() {
    let aws = double();
    aws.clock().freeze();
    let client = queues(&aws);
    let url = aws.queues().create("events");
    aws.queues().send("events", "hello");
    let receive = || client.receive_message().queue_url(&url);
    receive().visibility_timeout(10).send().await.unwrap();
    let waiting = receive().wait_time_seconds(20).send();
    let moving = async {
        while aws.counters().calls("sqs:ReceiveMessage") < 2 {
            tokio::task::yield_now().await;
        }
        aws.clock().advance(Duration::from_secs(10));
    };
    let (received, ()) = tokio::join!(waiting, moving);
    assert_eq!(received.unwrap().messages().len(), 1);
    aws.queues().act("PurgeQueue", &serde_json::json!({ "QueueUrl": url }));

    // Who waits in vain waits no longer than asked, by either clock.
    let waiting = receive().wait_time_seconds(20).send();
    let moving = async {
        while aws.counters().calls("sqs:ReceiveMessage") < 3 {
            tokio::task::yield_now().await;
        }
        aws.clock().advance(Duration::from_secs(20));
    };
    let (received, ()) = tokio::join!(waiting, moving);
    assert!(received.unwrap().messages().is_empty());
}

#[tokio::test]
async fn a_message_that_nobody_can_handle_ends_in_another_queue() {
    let aws = double();
    let client = queues(&aws);
    aws.queues().create("dead");
    let policy = r#"{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead","maxReceiveCount":"2"}"#;
    let create = client.create_queue().queue_name("events");
    let create = create.attributes(QueueAttributeName::RedrivePolicy, policy);
    let url = create.send().await.unwrap().queue_url().unwrap().to_owned();
    aws.queues().send("events", "poison");
    let receive = || client.receive_message().queue_url(&url).visibility_timeout(0).send();
    assert_eq!(receive().await.unwrap().messages().len(), 1);
    assert_eq!(receive().await.unwrap().messages().len(), 1);
    assert!(receive().await.unwrap().messages().is_empty());
    assert_eq!(aws.queues().counts("dead"), (1, 0, 0));
}

#[tokio::test]
async fn batches_and_limits() {
    let aws = double();
    let client = queues(&aws);
    let url = aws.queues().create("events");
    for number in 0..12 {
        aws.queues().send("events", &number.to_string());
    }
    let receive = |max| client.receive_message().queue_url(&url).max_number_of_messages(max).send();
    for max in [0, 11] {
        assert_eq!(code(&receive(max).await), "InvalidParameterValue");
    }
    let received = receive(10).await.unwrap();
    assert_eq!(received.messages().len(), 10);
    let entries = received.messages().iter().take(3).enumerate().map(|(index, message)| {
        let entry = aws_sdk_sqs::types::DeleteMessageBatchRequestEntry::builder();
        let handle = if index == 2 { "made up" } else { message.receipt_handle().unwrap() };
        entry.id(index.to_string()).receipt_handle(handle).build().unwrap()
    });
    let deleted =
        client.delete_message_batch().queue_url(&url).set_entries(Some(entries.collect()));
    let deleted = deleted.send().await.unwrap();
    assert_eq!(deleted.successful().len(), 2);
    assert_eq!(deleted.failed()[0].code(), "ReceiptHandleIsInvalid");
    assert_eq!(aws.queues().counts("events"), (2, 8, 0));

    let handle = received.messages()[5].receipt_handle().unwrap();
    let change = client.change_message_visibility().queue_url(&url).receipt_handle(handle);
    change.clone().visibility_timeout(0).send().await.unwrap();
    assert_eq!(aws.queues().counts("events"), (3, 7, 0));
    let twice = change.visibility_timeout(5).send().await;
    assert_eq!(code(&twice), "AWS.SimpleQueueService.MessageNotInflight");

    let attributes = client.get_queue_attributes().queue_url(&url);
    let attributes = attributes.attribute_names(QueueAttributeName::All).send().await.unwrap();
    let attributes = attributes.attributes().unwrap();
    assert_eq!(
        attributes[&QueueAttributeName::QueueArn],
        "arn:aws:sqs:us-east-1:123456789012:events"
    );
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "3");
    let missing = client.get_queue_url().queue_name("none").send().await;
    assert_eq!(code(&missing), "AWS.SimpleQueueService.NonExistentQueue");
    aws.identities().deny("*", "sqs:ReceiveMessage", "*:events");
    assert_eq!(code(&receive(1).await), "AccessDenied");
}
