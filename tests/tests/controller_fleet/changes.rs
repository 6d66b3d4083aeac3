//! What AWS tells of through a queue is synced at once, and forgotten only when it is.

use extsecret_tests::aws::{Aws, Effect, Rule};
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::{Value, json};

const QUEUE: &str = "changes";

/// The condition of a store that is about the queue.
fn condition(fleet: &Fleet<'_>) -> Option<Value> {
    let store = fleet.api.get(&fleet.ours("secretstores/aws")).expect("the store");
    let conditions = store["status"]["conditions"].as_array()?;
    conditions.iter().find(|it| it["type"] == "QueueReachable").cloned()
}

#[test]
fn a_change_is_synced_long_before_its_time_and_its_message_goes_after_that() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let url = aws.queues().create(QUEUE);
    for name in ["turned", "still", "found/one"] {
        aws.secrets().put(name, "one");
    }
    let fleet = Fleet::new(cluster, api);
    fleet.store("aws", aws.region(), &json!({}));
    for name in ["turned", "still"] {
        fleet.external_secret(name, name, "1h");
    }
    let finder = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "finder" },
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": { "name": "aws", "kind": "SecretStore" },
            "dataFrom": [{ "find": { "name": { "regexp": "^found/" } } }],
        },
    });
    api.create(&fleet.ours("externalsecrets"), &finder);
    let controller = Controller::setup(cluster)
        .environment(aws.environment(aws.admin()))
        .args(fleet.flags())
        .args([format!("--events-queue-url={url}")])
        .start();
    fleet.wait_ready(3);
    aws.queues().gets_native_events(QUEUE);
    let secret = |name: &str| api.get(&fleet.core(&format!("secrets/{name}"))).expect("a Secret");
    let still = secret("still");

    aws.secrets().put("turned", "two");
    wait_until(SOON, "the new value", || {
        (secret("turned")["data"]["value"] == "dHdv").then_some(())
    });
    aws.secrets().put("found/one", "two");
    wait_until(SOON, "the new value", || {
        (secret("finder")["data"]["found_one"] == "dHdv").then_some(())
    });
    let is_empty = || (aws.queues().counts(QUEUE) == (0, 0, 0)).then_some(());
    wait_until(SOON, "no message is left", is_empty);
    assert_eq!(secret("still"), still);
    let mapped = |result: &str| {
        let labels = format!("{{shape=\"Secret Label Updated\",result=\"{result}\"}}");
        controller.metric(&format!("extsecret_events_mapped_total{labels}"))
    };
    assert!(mapped("mapped") > 1.5);
    for value in ["one", "two"] {
        aws.secrets().put("unread", value);
    }
    wait_until(SOON, "it is counted", || (mapped("unread") > 0.5).then_some(()));
    wait_until(SOON, "no message is left", is_empty);

    // As long as the new value cannot be read, the message is not forgotten.
    let denied = Effect::error(500, "InternalServiceError", "try again");
    let fault = aws.faults().add(Rule::on("secretsmanager:*").resource("turned").effect(denied));
    aws.secrets().put("turned", "three");
    wait_until(SOON, "a failure", || {
        fleet.ready("turned").filter(|it| it["status"] == "False").map(drop)
    });
    assert_ne!(aws.queues().counts(QUEUE), (0, 0, 0));
    aws.faults().remove(fault);
    wait_until(SOON, "the new value", || {
        (secret("turned")["data"]["value"] == "dGhyZWU=").then_some(())
    });
    wait_until(SOON, "no message is left", is_empty);
    assert_eq!(condition(&fleet), None, "there was no trouble");
    controller.stop();
}

#[test]
fn a_queue_that_cannot_be_read_is_told_and_polling_goes_on() {
    let (cluster, api) = require!(crate::shared());
    let aws = Aws::start();
    let url = aws.queues().create(QUEUE);
    aws.secrets().put("app", "one");
    let refused = Effect::error(403, "AccessDenied", "not authorized to read it");
    let fault = aws.faults().add(Rule::on("sqs:ReceiveMessage").effect(refused));
    let fleet = Fleet::new(cluster, api);
    fleet.store("aws", aws.region(), &json!({}));
    fleet.external_secret("web", "app", "1s");
    let controller = Controller::setup(cluster)
        .environment(aws.environment(aws.admin()))
        .args(fleet.flags())
        .args([format!("--events-queue-url={url}")])
        .start();
    let told = wait_until(SOON, "the condition", || condition(&fleet));
    assert_eq!((&told["status"], &told["reason"]), (&json!("False"), &json!("QueueUnreachable")));
    let message = told["message"].as_str().expect("a message");
    assert!(message.starts_with("changes are found by polling: "), "{message}");
    assert!(message.contains("AccessDenied"), "{message}");
    let reachable = || controller.metrics().get("extsecret_queue_reachable").copied();
    wait_until(SOON, "the metric", || (reachable() == Some(0.0)).then_some(()));
    aws.secrets().put("app", "two");
    wait_until(SOON, "polling", || {
        (fleet.values().get("web").is_some_and(|value| value == "dHdv")).then_some(())
    });
    aws.faults().remove(fault);
    wait_until(SOON, "the queue is back", || condition(&fleet).filter(|it| it["status"] == "True"));
    wait_until(SOON, "the metric", || (reachable() == Some(1.0)).then_some(()));
    controller.stop();
}
