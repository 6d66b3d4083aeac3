//! Every output about a cluster, whole: as people see it in a pipe, and as programs read it. What varies
//! from run to run is replaced by its name.

use std::fmt::Write as _;
use std::sync::LazyLock;
use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{kes, require};
use regex::Regex;
use serde_json::{Value, json};

use crate::doctor::{ESO, KES, both_apis, deploy, store};
use crate::restarts::{wait_running, workload, write_until_stale};
use crate::{call, external_secret, run, spec, synced};

const NAMESPACE: &str = "shop";

/// What varies, and what stands for it.
static VARIES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    let all = [
        (r"https://127\.0\.0\.1:\d+", "[server]"),
        (r"Kubernetes v[0-9.]+", "Kubernetes [version]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "[time]"),
        // Before what looks like an age and is a part of it.
        (r#""?\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"?"#, "[id]"),
        // As long as what it stands for, where columns stand below each other.
        (r"\b(\d+d)?(\d+h)?(\d+m)?\d+(s|m|h|d)\b( *)", "[age] "),
        (r"\b([a-z]+)-[a-z0-9]{5,10}-[a-z0-9]{5}\b", "$1-[pod]"),
    ];
    all.map(|(pattern, name)| (Regex::new(pattern).unwrap(), name)).into()
});

/// A text with names for what varies.
pub(crate) fn steady(text: &str) -> String {
    let replace = |text: String, (pattern, name): &(Regex, &str)| {
        pattern.replace_all(&text, *name).into_owned()
    };
    VARIES.iter().fold(text.to_owned(), replace)
}

/// What verbs print, with what was typed.
fn screen(cluster: &Cluster, verbs: &[&str]) -> String {
    let mut screen = String::new();
    for verb in verbs {
        let ran = if verb.contains(" -A") {
            call(cluster, verb).run()
        } else {
            run(cluster, NAMESPACE, verb)
        };
        let text = steady(&format!("{}{}", ran.stdout, ran.stderr));
        let code = ran.status.code().unwrap();
        let _ = writeln!(screen, "$ kubectl extsecret {verb}\n{text}(exit code {code})\n");
    }
    screen
}

fn make_namespace(cluster: &Cluster) {
    cluster.kubectl(["create", "namespace", NAMESPACE]).run().succeeded();
    cluster
        .kubectl(["get", "serviceaccounts", "--field-selector=metadata.name=default"])
        .namespace(NAMESPACE)
        .watch_until(Duration::from_mins(1), |account| account.is_some());
}

#[test]
fn a_cluster_that_is_well() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    make_namespace(&cluster);
    let status = synced("True", "SecretSynced", "secret synced", 60);
    external_secret(&api, NAMESPACE, "db", &spec(), &status);
    store(&api, NAMESPACE, "main", "True", "store validated");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": "db", "labels": { "reconcile.external-secrets.io/managed": "true" } },
        "stringData": { "password": crate::PASSWORD },
    });
    api.create(&format!("api/v1/namespaces/{NAMESPACE}/secrets"), &secret);
    let deployments = format!("apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    api.create(&deployments, &workload("Deployment", "api", "db", &json!({})));
    deploy(&api, NAMESPACE, "eso", ESO, &[], &Value::Null);
    wait_running(&api, NAMESPACE, 2);
    let people = [
        "doctor",
        "why deployment/api",
        "consumers db",
        "stale",
        "stale -A",
        "history deployment/api",
        "history secret/db",
    ];
    insta::assert_snapshot!("well", screen(&cluster, &people));
    let programs = [
        "doctor -o json",
        "why deployment/api -o json",
        "consumers db -o json",
        "stale -o json",
        "status -o yaml",
        "status -o jsonpath={.items[*].name}",
        "history deployment/api -o yaml",
    ];
    insta::assert_snapshot!("well_for_programs", screen(&cluster, &programs));
    let changes = [
        "restart deployment/api --dry-run=server",
        "restart --secret db --dry-run",
        "restart --secret none",
        "restart --stale",
        "refresh db",
        "refresh -l app=db",
        "refresh -l app=none",
        "validate",
        "status -o name",
        "freeze deployment/api --reason holidays",
        "freeze deployment/api",
        "unfreeze deployment/api --dry-run=server",
        "unfreeze deployment/api",
        "unfreeze deployment/api",
        "freeze",
    ];
    insta::assert_snapshot!("well_changed", screen(&cluster, &changes));
}

#[test]
fn a_cluster_that_is_not_well() {
    let cluster = require!(both_apis());
    let api = Api::of(&cluster);
    make_namespace(&cluster);
    let failed = synced("False", "SecretSyncedError", "access denied", 7200);
    external_secret(&api, NAMESPACE, "db", &spec(), &failed);
    store(&api, NAMESPACE, "main", "False", "no such role");
    let twin = json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "db" },
        "spec": { "backendType": "secretsManager", "data": [{ "key": "a", "name": "b" }] },
    });
    api.create(&format!("{}/namespaces/{NAMESPACE}/externalsecrets", kes::KES), &twin);
    let deployments = format!("apis/apps/v1/namespaces/{NAMESPACE}/deployments");
    let mut api_of_shop = workload("Deployment", "api", "db", &json!({}));
    let paused = json!({ "extsecret.io/restart": "auto" });
    api_of_shop["metadata"]["annotations"] = paused;
    api.create(&deployments, &api_of_shop);
    wait_running(&api, NAMESPACE, 1);
    write_until_stale(&cluster, &api, NAMESPACE, "db", 1);
    // One that needs what is not there: its pods do not start.
    let mut needy = workload("Deployment", "needy", "db", &json!({}));
    let container = &mut needy["spec"]["template"]["spec"]["containers"][0];
    container["env"][0]["valueFrom"]["secretKeyRef"] = json!({ "name": "db", "key": "user" });
    api.create(&deployments, &needy);
    api.patch(&format!("{deployments}/api"), &json!({ "spec": { "paused": true } }));
    deploy(&api, NAMESPACE, "eso", ESO, &[], &json!({ "extsecret.test/crash": "true" }));
    deploy(&api, NAMESPACE, "kes", KES, &[], &Value::Null);
    let people = [
        "doctor",
        "doctor --context guest",
        "why deployment/api",
        "why deployment/api --as nobody",
        "why deployment/none",
        "consumers db",
        "consumers none",
        "consumers db --context guest",
        "stale -A",
        "stale --exit-code --no-headers",
        "stale --context guest",
    ];
    insta::assert_snapshot!("broken", screen(&cluster, &people));
    let programs =
        ["doctor -o json", "why deployment/api -o json", "consumers db -o json", "stale -o json"];
    insta::assert_snapshot!("broken_for_programs", screen(&cluster, &programs));
    let changes = [
        "restart deployment/api deployment/none",
        "restart --stale",
        "restart deployment/api --context guest",
        "refresh none",
        "refresh db --context guest",
        "refresh db --wait --timeout 1s",
        "status -o name",
    ];
    insta::assert_snapshot!("broken_changed", screen(&cluster, &changes));
}
