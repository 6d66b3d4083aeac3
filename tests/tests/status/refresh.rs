//! `refresh`, with the controller that answers it.

use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::fleet::Fleet;
use extsecret_tests::require;
use serde_json::json;

use crate::{PASSWORD, assert_code, assert_says, external_secret, run, spec, synced};

#[test]
fn values_are_fetched_again() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    aws.secrets().put("app/db", "first");
    let fleet = Fleet::new(cluster, &api);
    let namespace = fleet.namespace.clone();
    fleet.store("aws", aws.region(), &json!({}));
    fleet.external_secret("db", "app/db", "24h");
    fleet.external_secret("gone", "app/gone", "24h");
    let controller = fleet.controller(cluster, &aws);
    fleet.wait_ready(1);

    // The same value: nothing changes, and that is said.
    let ran = run(cluster, &namespace, "refresh db --wait");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &["externalsecret.external-secrets.io/db refreshed, unchanged: version "],
    );
    // A new one.
    aws.secrets().put("app/db", PASSWORD);
    let ran = run(cluster, &namespace, "refresh db --wait");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["refreshed: version ", " -> "]);
    let versions = regex::Regex::new("[0-9a-f]{8}").unwrap();
    insta::assert_snapshot!("refreshed", versions.replace_all(&ran.stdout, "[version]"));
    assert_eq!(fleet.values().len(), 1);

    // One of several does not work, and did not before: only time tells.
    let ran = run(cluster, &namespace, "refresh --all --wait --timeout 5s");
    assert_code(&ran, 124);
    assert_says(
        &ran.stdout,
        &["/db refreshed, unchanged", "/gone not refreshed in time: ", "app/gone"],
    );
    // One that worked and does not any more.
    aws.secrets().delete("app/db");
    let ran = run(cluster, &namespace, "refresh db --wait");
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &["/db not refreshed: ", "app/db"]);

    // What the controller has said is in the tree.
    let ran = run(cluster, &namespace, "status db");
    assert_says(&ran.stdout, &["Ready False, SecretSyncedError", "by extsecret-controller"]);
    controller.stop();

    // Nobody is there.
    let ran = run(cluster, &namespace, "refresh db --wait --timeout 2s");
    assert_code(&ran, 124);
    assert_says(&ran.stdout, &["not refreshed in time"]);
}

#[test]
fn asking_is_one_change_and_a_dry_run_none() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let status = synced("True", "SecretSynced", "secret synced", 60);
    let fixed = json!({ "refreshPolicy": "CreatedOnce", "data": spec()["data"] });
    external_secret(&api, &namespace, "db", &spec(), &status);
    external_secret(&api, &namespace, "once", &fixed, &status);
    let path = format!(
        "{}/namespaces/{namespace}/externalsecrets/db",
        extsecret_tests::api::EXTERNAL_SECRETS
    );
    let stamp = || api.get(&path).unwrap()["metadata"]["annotations"]["force-sync"].clone();
    for dry in ["--dry-run", "--dry-run=client", "--dry-run=server"] {
        let ran = run(cluster, &namespace, &format!("refresh db {dry}"));
        assert_code(&ran, 0);
        assert_says(&ran.stdout, &["refresh requested", "dry run)"]);
        assert!(stamp().is_null());
    }
    let ran = run(cluster, &namespace, "refresh --all");
    assert_code(&ran, 0);
    assert_eq!(
        ran.stdout,
        "externalsecret.external-secrets.io/db refresh requested\n\
         externalsecret.external-secrets.io/once refresh requested\n"
    );
    assert_says(&ran.stderr, &["/once: its refreshPolicy is CreatedOnce"]);
    let first = stamp();
    run(cluster, &namespace, "refresh -l app=db").succeeded();
    assert_ne!(stamp(), first);
    let ran = run(cluster, &namespace, "refresh db other");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["there is no ExternalSecret \"other\"", "nothing was refreshed"]);
}

#[test]
fn one_that_is_deleted_while_it_is_waited_for() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(&api, &namespace, "db", &spec(), &serde_json::Value::Null);
    let there = namespace.clone();
    let path = format!(
        "{}/namespaces/{namespace}/externalsecrets/db",
        extsecret_tests::api::EXTERNAL_SECRETS
    );
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| run(cluster, &there, "refresh db --wait --timeout 60s"));
        // It has been asked for; nobody will answer.
        extsecret_tests::controller::wait_until(Duration::from_mins(1), "it was asked for", || {
            let object = api.get(&path)?;
            object["metadata"]["annotations"]["force-sync"].as_str().map(str::to_owned)
        });
        api.delete(&path);
        let ran = waiting.join().unwrap();
        assert_code(&ran, 1);
        assert_says(&ran.stdout, &["was deleted meanwhile"]);
    });
}
