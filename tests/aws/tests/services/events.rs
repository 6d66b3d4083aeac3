//! Events that changes of secrets cause.

use extsecret_test_aws::Double;
use serde_json::{Value, json};

use crate::client::{double, queues};

/// All that has come into a queue.
async fn drain(aws: &Double, name: &str) -> Vec<Value> {
    let client = queues(aws);
    let url = format!("{}/{}/{name}", aws.endpoint(), aws.account());
    let mut events = Vec::new();
    loop {
        let received = client.receive_message().queue_url(&url).max_number_of_messages(10);
        let received = received.send().await.unwrap();
        if received.messages().is_empty() {
            return events;
        }
        let bodies = received.messages().iter().map(|m| m.body().unwrap());
        events.extend(bodies.map(|body| serde_json::from_str::<Value>(body).unwrap()));
    }
}

#[tokio::test]
async fn a_label_that_moves_is_news() {
    let aws = double();
    aws.queues().create("events");
    aws.queues().create("nobody-asked");
    aws.queues().gets_native_events("events");
    let secrets = aws.secrets();
    let first = secrets.put("app/db", "1");
    let arn = secrets.act("DescribeSecret", &json!({ "SecretId": "app/db" }))["ARN"].clone();
    secrets.act(
        "TagResource",
        &json!({ "SecretId": "app/db", "Tags": [{ "Key": "a", "Value": "b" }] }),
    );
    assert!(drain(&aws, "events").await.is_empty(), "neither creation nor tags move a label");

    let second = secrets.put("app/db", "2");
    let events = drain(&aws, "events").await;
    assert_eq!(events.len(), 1, "AWSPREVIOUS is no news");
    let event = &events[0];
    assert_eq!(event["detail-type"], "Secret Label Updated");
    assert_eq!(event["source"], "aws.secretsmanager");
    assert_eq!(event["account"], aws.account());
    assert_eq!(event["region"], aws.region());
    assert_eq!(event["resources"], json!([arn]));
    assert_eq!(
        event["detail"],
        json!({ "name": "app/db", "labelUpdated": "AWSCURRENT", "versionId": second })
    );

    let pending = json!({
        "SecretId": "app/db", "SecretString": "3", "VersionStages": ["AWSPENDING", "blue"],
        "ClientRequestToken": "00000000-0000-0000-0000-000000000003",
    });
    secrets.act("PutSecretValue", &pending);
    let rollback = json!({
        "SecretId": "app/db", "VersionStage": "AWSCURRENT",
        "MoveToVersionId": first, "RemoveFromVersionId": second,
    });
    secrets.act("UpdateSecretVersionStage", &rollback);
    secrets.act("DeleteSecret", &json!({ "SecretId": "app/db" }));
    secrets.act("RestoreSecret", &json!({ "SecretId": "app/db" }));
    let events = drain(&aws, "events").await;
    let labels: Vec<_> = events.iter().map(|event| &event["detail"]["labelUpdated"]).collect();
    assert_eq!(labels, ["blue", "AWSCURRENT"]);
    assert_eq!(events[1]["detail"]["versionId"], first.as_str());
    assert_eq!(aws.queues().counts("nobody-asked"), (0, 0, 0));
}

#[tokio::test]
async fn an_api_call_is_reported_as_its_caller_wrote_it() {
    let aws = double();
    aws.queues().create("trail");
    aws.queues().gets_api_call_events("trail");
    let secrets = aws.secrets();
    secrets.put("app/db", "1");
    let arn = secrets.act("DescribeSecret", &json!({ "SecretId": "app/db" }))["ARN"].clone();
    secrets.act("DeleteSecret", &json!({ "SecretId": arn }));
    let events = drain(&aws, "trail").await;
    let told: Vec<_> = events
        .iter()
        .map(|event| (&event["detail"]["eventName"], &event["detail"]["requestParameters"]))
        .collect();
    assert_eq!(told[0], (&json!("CreateSecret"), &json!({ "name": "app/db" })));
    assert_eq!(told[1], (&json!("DeleteSecret"), &json!({ "secretId": arn })));
    assert_eq!(events[0]["detail-type"], "AWS API Call via CloudTrail");
    assert_eq!(events[0]["detail"]["responseElements"]["arn"], arn);
    assert_eq!(told.len(), 2, "reading is no change");
    let text = events[0].to_string();
    assert!(!text.contains("SecretString"), "{text}");
}
