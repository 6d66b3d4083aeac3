//! `kubectl extsecret status`, `refresh` and `doctor` as a person on call runs them: real kubectl, a real API
//! server, clusters that are well and clusters that are not.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken;
mod doctor;
mod freeze;
mod history;
mod list;
mod many;
mod matrix;
mod meanwhile;
mod outputs;
mod refresh;
mod restarts;
mod rollback;
mod rollouts;
mod scaffold;
mod tree;
mod validate;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::call::{assert_code, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::kubectl::{Finished, Kubectl};
use extsecret_tests::plugin::kubectl_extsecret;
use serde_json::{Value, json};

/// What must not be seen.
const PASSWORD: &str = "pa55word-of-the-database";
const PASSWORD_IN_BASE64: &str = "cGE1NXdvcmQtb2YtdGhlLWRhdGFiYXNl";

/// `kubectl extsecret ...`
fn call(cluster: &Cluster, args: &str) -> Kubectl {
    cluster
        .kubectl(["extsecret"])
        .args(args.split_whitespace())
        .plugins_in(kubectl_extsecret().parent().unwrap())
}

/// Runs it in a namespace; no value may be seen, whatever happens.
#[track_caller]
fn run(cluster: &Cluster, namespace: &str, args: &str) -> Finished {
    let ran = call(cluster, args).namespace(namespace).run();
    for value in [PASSWORD, PASSWORD_IN_BASE64] {
        assert!(!ran.stdout.contains(value) && !ran.stderr.contains(value), "a value\n{ran}");
    }
    ran
}

/// The words of a line of a table.
fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// Makes an ExternalSecret, and sets its status as a controller would.
fn external_secret(api: &Api, namespace: &str, name: &str, spec: &Value, status: &Value) -> Value {
    let list = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/externalsecrets");
    let object = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": name, "labels": { "app": name } }, "spec": spec,
    });
    let created = api.create(&list, &object);
    if status.is_null() {
        return created;
    }
    api.patch(&format!("{list}/{name}/status"), &json!({ "status": status }))
}

/// A spec that names a store.
fn spec() -> Value {
    json!({
        "secretStoreRef": { "name": "main" }, "refreshInterval": "1h",
        "data": [{ "secretKey": "password", "remoteRef": { "key": "app/db" } }],
    })
}

/// A status with a condition, and the last refresh so long ago.
fn synced(ready: &str, reason: &str, message: &str, seconds: i64) -> Value {
    let now = jiff::Timestamp::now();
    let then = now.checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap();
    let then = then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    json!({
        "refreshTime": then,
        "conditions": [{
            "type": "Ready", "status": ready, "reason": reason, "message": message,
            "lastTransitionTime": then,
        }],
    })
}
