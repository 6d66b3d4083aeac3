//! The controller as a process: what it serves while it runs, and how it ends.

use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::require;
use serde_json::json;

#[test]
fn it_serves_its_state_tells_events_and_stops_when_asked() {
    let cluster = require!(Cluster::setup().definitions().start());
    let (api, aws) = (Api::of(&cluster), Aws::start());
    aws.secrets().put("app/db", "CANARY");
    let controller = Controller::start(&cluster, &aws, &["--loglevel=debug"]);
    assert_eq!(controller.get("/healthz").unwrap(), (200, "ok".to_owned()));
    assert!(controller.metric("process_resident_memory_bytes") > 1e6);
    assert!(controller.rss_bytes() > 1_000_000);

    let namespace = cluster.fresh_namespace();
    let below = |kind: &str| format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/{kind}");
    let aws_store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "aws" },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": aws.region() } } },
    });
    api.create(&below("secretstores"), &aws_store);
    let web = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": { "name": "web" },
        "spec": {
            "secretStoreRef": { "name": "aws", "kind": "SecretStore" },
            "data": [{ "secretKey": "db", "remoteRef": { "key": "app/db" } }],
        },
    });
    api.create(&below("externalsecrets"), &web);
    let minute = Duration::from_mins(1);
    let secrets = format!("api/v1/namespaces/{namespace}/secrets");
    let secret = wait_until(minute, "the Secret", || api.get(&format!("{secrets}/web")));
    assert_eq!(secret["data"]["db"], "Q0FOQVJZ");

    let event = wait_until(minute, "the event", || {
        let events = api.list(&format!("api/v1/namespaces/{namespace}/events"));
        events.into_iter().find(|it| it["reason"] == "Created")
    });
    assert_eq!(event["involvedObject"]["kind"], "ExternalSecret");
    assert_eq!(event["source"]["component"], "extsecret-controller");

    let web = format!(r#"name="web",namespace="{namespace}""#);
    let ready =
        format!(r#"externalsecret_status_condition{{condition="Ready",{web},status="True"}}"#);
    wait_until(minute, "the metric", || (controller.metric(&ready) > 0.0).then_some(()));
    api.delete(&format!("{}/web", below("externalsecrets")));
    wait_until(minute, "the end of its series", || {
        (!controller.metrics().keys().any(|series| series.contains(&web))).then_some(())
    });

    let text = controller.stop();
    assert!(text.contains("\"message\":\"stopping\""), "{text}");
    for value in ["CANARY", "Q0FOQVJZ"] {
        assert!(!text.contains(value), "{text}");
    }
}
