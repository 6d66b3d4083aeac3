//! One ExternalSecret with all that hangs on it.

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::require;
use serde_json::json;

use crate::{PASSWORD_IN_BASE64, assert_code, assert_says, external_secret, run, spec, synced};

#[test]
fn all_that_hangs_on_one() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let status = synced("True", "SecretSynced", "secret synced", 60);
    let object = external_secret(&api, &namespace, "db", &spec(), &status);
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": "main" },
        "spec": { "provider": { "aws": {
            "service": "SecretsManager", "region": "eu-west-1",
            "role": "arn:aws:iam::123456789012:role/shop",
        } } },
    });
    api.create(&format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores"), &store);
    let valid = json!({ "status": {
        "conditions": [{ "type": "Ready", "status": "True", "reason": "Valid" }],
    } });
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores/main/status");
    api.patch(&path, &valid);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": {
            "name": "db",
            "labels": { "reconcile.external-secrets.io/managed": "true" },
            "annotations": { "reconcile.external-secrets.io/data-hash": "0123456789abcdef" },
            "ownerReferences": [{
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "db",
                "uid": object["metadata"]["uid"], "controller": true,
            }],
        },
        "data": { "password": PASSWORD_IN_BASE64 },
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret);
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": "api" } },
            "template": {
                "metadata": { "labels": { "app": "api" } },
                "spec": { "containers": [{
                    "name": "api", "image": "api",
                    "env": [
                        { "name": "P", "valueFrom": {
                            "secretKeyRef": { "name": "db", "key": "password" } } },
                        { "name": "U", "valueFrom": {
                            "secretKeyRef": { "name": "db", "key": "user" } } },
                    ],
                }] },
            },
        },
    });
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &deployment);
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": "db.1" },
        "involvedObject": {
            "kind": "ExternalSecret", "namespace": namespace, "name": "db",
            "uid": object["metadata"]["uid"],
        },
        "type": "Warning", "reason": "UpdateFailed", "message": "access denied", "count": 3,
        "lastTimestamp": "2026-01-01T00:00:00Z",
    });
    api.create(&format!("api/v1/namespaces/{namespace}/events"), &event);

    let ran = run(cluster, &namespace, "status db");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            "Ready True, SecretSynced",
            "x3: Warning UpdateFailed: access denied",
            "ok  SecretStore main: ready, Valid",
            "AWS SecretsManager in eu-west-1",
            "then arn:aws:iam::123456789012:role/shop",
            "owned by this ExternalSecret",
            "version 01234567, somebody has changed it since",
            "password  24 bytes",
            "Deployment api",
            "password as variables of the environment",
            "needs user, which the Secret does not have",
        ],
    );
    assert_says(&ran.stderr, &["the Secret was read", "--metadata-only"]);
    // Somebody has changed the Secret: that is not healthy.
    assert_code(&run(cluster, &namespace, "status db --exit-code"), 1);

    let ran = run(cluster, &namespace, "status db --metadata-only");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["1 key, as far as its metadata tells", "its values were not read"]);
    assert!(!ran.stderr.contains("was read"), "{ran}");

    let json = run(cluster, &namespace, "status db -o json").json();
    let item = &json["items"][0];
    assert_eq!(item["secret"]["keys"][0], json!({ "key": "password", "bytes": 24 }));
    assert_eq!(item["secret"]["asWritten"], false);
    assert_eq!(item["consumers"]["found"][0]["missing"], json!(["user"]));
    assert_eq!(item["stores"][0]["ready"], "True");
    assert_eq!(item["events"][0]["count"], 3);
    let wide = run(cluster, &namespace, "status -o wide --no-headers");
    assert_says(&wide.stdout, &["01234567   1 "]);
}

#[test]
fn names_are_completed_from_the_cluster() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(&api, &namespace, "db-main", &spec(), &serde_json::Value::Null);
    let ask = |args: &str| {
        let words = args.split_whitespace().chain([""]);
        let words: Vec<&str> = words.collect();
        let kubectl = cluster.kubectl(["extsecret", "__complete"]).args(words);
        let plugins = extsecret_tests::plugin::kubectl_extsecret().parent().unwrap();
        kubectl.plugins_in(plugins).run().succeeded()
    };
    assert_says(&ask(&format!("status -n {namespace}")), &["db-main\t\n"]);
    assert_says(&ask(&format!("refresh --namespace={namespace}")), &["db-main\t\n"]);
    assert_says(&ask("status -n"), &[&format!("{namespace}\t\n")]);
    // Those of the verbs that are about workloads and stores.
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": { "app": "api" } },
            "template": {
                "metadata": { "labels": { "app": "api" } },
                "spec": { "containers": [{ "name": "api", "image": "api" }] },
            },
        },
    });
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &deployment);
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": "main" },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": "eu-west-1" } } },
    });
    api.create(&format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores"), &store);
    for verb in ["why", "restart"] {
        assert_says(&ask(&format!("{verb} -n {namespace}")), &["deployment/api\t\n"]);
    }
    let stores = ask(&format!("scaffold externalsecret db -n {namespace} --store"));
    assert_says(&stores, &["main\t\n"]);
}

#[test]
fn who_uses_a_secret_and_who_has_an_old_value() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let list = |kind: &str| format!("apis/apps/v1/namespaces/{namespace}/{kind}");
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" },
        "spec": {
            "replicas": 1,
            "selector": { "matchLabels": { "app": "api" } },
            "template": {
                "metadata": { "labels": { "app": "api" } },
                "spec": { "containers": [{
                    "name": "api", "image": "api",
                    "env": [{ "name": "P", "valueFrom": {
                        "secretKeyRef": { "name": "db", "key": "password", "optional": true } } }],
                }] },
            },
        },
    });
    api.create(&list("deployments"), &deployment);
    let ran = run(cluster, &namespace, "consumers db");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["there is none", "Deployment api", "password as variables"]);
    extsecret_tests::controller::wait_until(
        std::time::Duration::from_mins(1),
        "the pod runs",
        || {
            let pods = api.list(&format!("api/v1/namespaces/{namespace}/pods"));
            let runs = |pod: &serde_json::Value| pod["status"]["phase"] == "Running";
            pods.first().filter(|pod| runs(pod)).map(|_| ())
        },
    );
    assert_says(&run(cluster, &namespace, "stale").stderr, &["No stale workloads"]);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "db", "labels": { "reconcile.external-secrets.io/managed": "true" } },
        "data": { "password": PASSWORD_IN_BASE64 },
    });
    let secrets = format!("api/v1/namespaces/{namespace}/secrets");
    api.create(&secrets, &secret);
    // Times of the API server are whole seconds: it is written until one has passed.
    let mut writes = 0;
    extsecret_tests::controller::wait_until(
        std::time::Duration::from_mins(1),
        "the pod is older than the value",
        || {
            writes += 1;
            let other = json!({ "stringData": { "password": format!("other-{writes}") } });
            api.patch(&format!("{secrets}/db"), &other);
            let ran = run(cluster, &namespace, "stale --exit-code");
            (ran.status.code() == Some(1)).then_some(())
        },
    );
    let ran = run(cluster, &namespace, "stale --exit-code");
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &["WORKLOAD", "deployment/api   db", "1/1"]);
    let json = run(cluster, &namespace, "stale -o json").json();
    assert_eq!(json["items"][0]["older"], 1);
    let json = run(cluster, &namespace, "consumers db -o json").json();
    assert_eq!(json["consumers"]["found"][0]["older"], 1);
}
