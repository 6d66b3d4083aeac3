//! The list.

use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{kes, require};
use serde_json::Value;

use crate::{assert_code, assert_says, call, external_secret, run, spec, synced, words};

/// A namespace with one that is well, one that fails, one that nobody refreshes, one that nobody
/// has looked at.
fn four(cluster: &Cluster, api: &Api) -> String {
    let namespace = cluster.fresh_namespace();
    let make = |name: &str, status: &Value| {
        external_secret(api, &namespace, name, &spec(), status);
    };
    make("well", &synced("True", "SecretSynced", "secret synced", 600));
    make("failing", &synced("False", "SecretSyncedError", "could not get it: denied", 7200));
    make("stale", &synced("True", "SecretSynced", "secret synced", 36_000));
    make("unseen", &Value::Null);
    namespace
}

#[test]
fn a_list_as_everybody_sees_it() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = four(cluster, &api);
    let ran = run(cluster, &namespace, "status");
    assert_code(&ran, 0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        words(lines[0]),
        ["NAME", "STORE", "READY", "REASON", "LAST-SYNC", "NEXT", "SECRET", "AGE"]
    );
    // In a pipe the order is that of the names.
    let names: Vec<&str> = lines[1..].iter().map(|line| words(line)[0]).collect();
    assert_eq!(names, ["failing", "stale", "unseen", "well"]);
    assert_says(lines[1], &["main", "False", "SecretSyncedError", "120m"]);
    assert_says(lines[2], &["9h late"]);
    assert_says(lines[3], &["Unknown", "<never>"]);
    assert_says(
        &ran.stderr,
        &[
            "4 objects: 1 failing, 1 stale, 1 pending, 1 healthy",
            &format!("{namespace}/failing\n  could not get it: denied"),
            "does a controller run?",
            &format!("kubectl extsecret status failing -n {namespace}"),
        ],
    );
    assert!(!ran.stdout.contains('\u{1b}'), "colours in a pipe: {ran}");

    // Exit codes are for scripts.
    assert_code(&run(cluster, &namespace, "status --exit-code"), 1);
    assert_code(&run(cluster, &namespace, "status -l app=well --exit-code"), 0);

    // Only what is asked for.
    let ran = run(cluster, &namespace, "status --stale --no-headers");
    let names: Vec<&str> = ran.stdout.lines().map(|line| words(line)[0]).collect();
    assert_eq!(names, ["failing", "stale"], "{ran}");
    let ran = run(cluster, &namespace, "status --field-selector metadata.name=stale -o name");
    assert_eq!(ran.stdout, "externalsecret.external-secrets.io/stale\n");
    let ran = run(cluster, &namespace, "status -l app=nobody");
    assert_code(&ran, 0);
    assert_eq!(ran.stdout, "");
    assert_says(&ran.stderr, &[&format!("No resources found in {namespace} namespace.")]);

    let ran = run(cluster, &namespace, "status --sort-by last-sync --no-headers");
    let names: Vec<&str> = ran.stdout.lines().map(|line| words(line)[0]).collect();
    assert_eq!(names, ["unseen", "stale", "failing", "well"], "{ran}");
    // kubectl's way: a JSONPath. What has no such field comes first.
    let ran = run(cluster, &namespace, "status --sort-by={.problem} --no-headers");
    let names: Vec<&str> = ran.stdout.lines().map(|line| words(line)[0]).collect();
    assert_eq!(names, ["well", "failing", "stale", "unseen"], "{ran}");
    let ran = run(cluster, &namespace, "status --sort-by=.status.colour");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["no object has .status.colour"]);
}

#[test]
fn a_list_as_programs_read_it() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = four(cluster, &api);
    let json = run(cluster, &namespace, "status -o json").json();
    assert_eq!(json["version"], 1);
    assert_eq!(json["summary"]["failing"], 1);
    assert_eq!(json["items"][0]["name"], "failing");
    assert_eq!(json["items"][0]["problem"], "could not get it: denied");
    assert_eq!(json["items"][3]["health"], "healthy");
    let path = "status -o jsonpath={.items[?(@.health!=\"healthy\")].name}";
    assert_eq!(run(cluster, &namespace, path).stdout, "failing stale unseen");
    let yaml = run(cluster, &namespace, "status -o yaml");
    assert_says(&yaml.stdout, &["version: 1\n", "\n- apiVersion: external-secrets.io/v1\n"]);
    let ran = run(cluster, &namespace, "status -o wide");
    assert_says(&ran.stdout, &["INTERVAL", "VERSION", "KEYS", "CONTROLLER", "1h"]);
    assert!(!ran.stderr.contains("warning"), "{ran}");

    // All namespaces, of which this is one.
    let ran = call(cluster, "status -A").run();
    assert_code(&ran, 0);
    let line = ran.stdout.lines().find(|line| words(line)[0] == namespace).unwrap();
    assert_eq!(words(line)[1], "failing");
}

#[test]
fn changes_are_told_as_they_happen() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(&api, &namespace, "db", &spec(), &Value::Null);
    let events = call(cluster, "status").namespace(&namespace);
    let api_for_change = Api::of(cluster);
    let there = namespace.clone();
    // The first line is there before anything changes; then the change is made.
    let mut changed = false;
    let seen =
        events.args(["--watch", "--output=json"]).line_until(Duration::from_mins(1), |line| {
            let row: Value = serde_json::from_str(line).unwrap();
            if !changed {
                changed = true;
                let path = format!(
                    "{}/namespaces/{there}/externalsecrets/db/status",
                    extsecret_tests::api::EXTERNAL_SECRETS
                );
                let status = synced("True", "SecretSynced", "secret synced", 1);
                api_for_change.patch(&path, &serde_json::json!({ "status": status }));
            }
            row["health"] == "healthy"
        });
    assert_says(&seen, &["\"name\":\"db\""]);
}

#[test]
fn a_pipe_that_closes_is_no_error() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = four(cluster, &api);
    let program = extsecret_tests::plugin::kubectl_extsecret();
    // `true` reads nothing and is gone; what the shell tells is the end of the other.
    let script = format!(
        "set -o pipefail; for n in 1 2 3 4 5; do {} status -o json -n {namespace} | true || exit 1; done",
        program.display()
    );
    let ran = extsecret_tests::call::Call::new(std::path::Path::new("bash"))
        .args(["-c", &script])
        .env("KUBECONFIG", cluster.kubeconfig())
        .run();
    assert_code(&ran, 0);
    assert_eq!(ran.stderr, "");
}

#[test]
fn objects_of_both_kinds() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(
        &api,
        &namespace,
        "new",
        &spec(),
        &synced("True", "SecretSynced", "secret synced", 60),
    );
    // Without the definition of the old kind there is nothing to say about it.
    let ran = run(&cluster, &namespace, "status --kes");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["does not serve externalsecrets.kubernetes-client.io"]);
    assert!(!run(&cluster, &namespace, "status").stderr.contains("kubernetes-external-secrets"));

    cluster.kubectl(["apply", "--filename=-"]).stdin(kes::DEFINITION).run().succeeded();
    cluster
        .kubectl([
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            "crd/externalsecrets.kubernetes-client.io",
        ])
        .run()
        .succeeded();
    let old = serde_json::json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "old" },
        "spec": { "backendType": "secretsManager", "data": [] },
    });
    let list = format!("apis/kubernetes-client.io/v1/namespaces/{namespace}/externalsecrets");
    api.create(&list, &old);
    let status = serde_json::json!({ "status": {
        "status": "ERROR, Secrets Manager can't find the specified secret.",
        "lastSync": "2026-01-01T00:00:00.000Z",
    } });
    api.patch(&format!("{list}/old/status"), &status);

    let ran = run(&cluster, &namespace, "status");
    assert_code(&ran, 0);
    assert!(!ran.stdout.contains("old"), "{ran}");
    assert_says(&ran.stderr, &["1 object of kubernetes-external-secrets not shown: --kes"]);
    let ran = run(&cluster, &namespace, "status --kes");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["API", "ESO   new", "KES   old", "secretsManager"]);
    assert_says(&ran.stderr, &["can't find the specified secret"]);
    let ran = run(&cluster, &namespace, "status --kes -o name");
    assert_eq!(
        ran.stdout,
        "externalsecret.external-secrets.io/new\nexternalsecret.kubernetes-client.io/old\n"
    );
    // What is only there in the old form is shown as what it is.
    let ran = run(&cluster, &namespace, "status old");
    assert_code(&ran, 2);
    assert_says(&ran.stdout, &["ExternalSecret old of kubernetes-external-secrets is still there"]);
    assert_says(&ran.stderr, &["there is no ExternalSecret \"old\""]);
}
