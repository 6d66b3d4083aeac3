//! Somebody else acts between two steps.

use std::fs;

use extsecret_tests::api::EXTERNAL_SECRETS;
use extsecret_tests::call::assert_says;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::{KES, process};
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::scene::{self, Scene, controller};

pub(crate) const SECRET: &str = "api/v1/namespaces/team-0/secrets/app-0";
const OLD: &str = "apis/kubernetes-client.io/v1/namespaces/team-0/externalsecrets/app-0";

fn new() -> String {
    format!("{EXTERNAL_SECRETS}/namespaces/team-0/externalsecrets/app-0")
}

/// KES runs again, and has had time for a look at everything: a KES object that it may read is polled.
fn kes_runs(scene: &Scene<'_>) {
    process::scale(&scene.api, 1);
    let pods = format!("api/v1/namespaces/{}/pods", process::NAMESPACE);
    wait_until(SOON, "KES runs", || {
        let pods: Vec<Value> = scene.api.list(&pods);
        pods.iter().any(|it| it["status"]["phase"] == "Running").then_some(())
    });
}

#[test]
fn kes_is_started_between_any_two_steps() {
    let cluster = require!(scene::cluster("started"));
    let scene = Scene::new(&cluster, 1, 4);
    let before = scene.secrets();
    let guard = scene.guard();
    for step in ["shadow", "stop", "demote", "adopt"] {
        scene.apply(step);
        kes_runs(&scene);
        scene.apply("retire");
        scene.is_over();
        assert_eq!(scene.secrets(), before, "{step}");
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
    }
    guard.check("guard-end");
}

#[test]
fn kes_takes_a_secret_back_and_loses_it_again() {
    let cluster = require!(scene::cluster("taken"));
    kes_takes_and_loses(&Scene::new(&cluster, 1, 2));
}

/// The same for any successor. Its object stays Ready meanwhile, and it does not try again by itself
/// (kes-migration 3.13).
pub(crate) fn kes_takes_and_loses(scene: &Scene<'_>) {
    let before = scene.secrets();
    let guard = scene.guard();
    scene.apply("adopt");
    // A GitOps tool puts the manifest back, and somebody starts KES.
    scene.api.patch(OLD, &json!({ "spec": { "controllerId": null } }));
    kes_runs(scene);
    wait_until(SOON, "KES has it back", || {
        (controller(&scene.api.get(SECRET).unwrap()) == "kubernetes-client.io").then_some(())
    });
    let status = scene.migrate(&["status"]);
    assert_says(&status.stdout, &["app-0", "with KES", "app-1", "adopted"]);
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}

#[test]
fn a_secret_that_changes_is_compared_again() {
    let cluster = require!(scene::cluster("changed"));
    let scene = Scene::new(&cluster, 1, 2);
    scene.apply("stop");
    // By hand: the adoption would undo it, so it stops.
    let by_hand = json!({ "data": { "one": "Ynk gaGFuZA==".replace(' ', "") } });
    scene.api.patch(SECRET, &by_hand);
    let ran = scene.migrate(&["apply", "-R", "-f", "new", "--yes"]);
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    assert_says(&ran.stderr, &["error[H08]", "keys with other values: one"]);
    assert_eq!(controller(&scene.api.get(SECRET).unwrap()), "kubernetes-client.io");
    // The backend says so too: it goes on.
    scene.aws.secrets().put("team-0/0/one", "by hand");
    let before = scene.secrets();
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
}

#[test]
fn the_new_object_is_deleted_on_the_way() {
    let cluster = require!(scene::cluster("deleted"));
    let scene = Scene::new(&cluster, 1, 2);
    let before = scene.secrets();
    let guard = scene.guard();
    scene.apply("adopt");
    scene.api.delete(&new());
    wait_until(SOON, "it is gone", || scene.api.get(&new()).is_none().then_some(()));
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}

#[test]
fn without_its_state_it_goes_on_and_back() {
    let cluster = require!(scene::cluster("state"));
    let scene = Scene::new(&cluster, 1, 2);
    let blue = json!({ "metadata": { "labels": { "team": "blue" } } });
    scene.api.patch(OLD, &blue);
    let before = scene.secrets();
    let guard = scene.guard();
    let forget = || fs::remove_dir_all(scene.dir.path().join("extsecret-handover")).unwrap();
    for step in ["shadow", "stop", "demote", "adopt"] {
        scene.apply(step);
        forget();
        scene.apply("retire");
        scene.is_over();
        forget();
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
        assert_eq!(scene.api.get(OLD).unwrap()["metadata"]["labels"]["team"], "blue");
        assert_eq!(scene.secrets(), before, "{step}");
        scene.apply("preflight");
    }
    guard.check("guard-end");
}

#[test]
fn a_part_leaves_kes_to_the_others() {
    let cluster = require!(scene::cluster("part"));
    let scene = Scene::new(&cluster, 2, 2);
    let before = scene.secrets();
    let guard = scene.guard();
    scene.plugin(&["apply", "-R", "-f", "new", "--yes", "--only", "team-1"]);
    let left = scene.old();
    assert_eq!(left.len(), 2);
    assert!(left.iter().all(|it| it["metadata"]["namespace"] == "team-0"));
    assert_eq!(scene.api.get(process::PATH).unwrap()["spec"]["replicas"], 1);
    // It works on for them.
    let path = format!("{KES}/namespaces/team-0/externalsecrets/app-1");
    let again = json!({ "metadata": { "annotations": { "a": "b" } }, "spec": { "region": "x" } });
    let generation = scene.api.patch(&path, &again)["metadata"]["generation"].clone();
    wait_until(SOON, "KES polls it", || {
        (scene.api.get(&path).unwrap()["status"]["observedGeneration"] == generation).then_some(())
    });
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}
