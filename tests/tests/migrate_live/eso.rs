//! The same with ESO on the other side.

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::json;

use crate::others::{OLD, SECRET, kes_runs};
use crate::scene::{self, Scene, Successor, controller};

#[test]
fn secrets_change_hands_to_eso_and_nobody_notices() {
    let cluster = require!(scene::cluster("eso"));
    let scene = Scene::of(Successor::Eso, &cluster, 2, 10);
    let before = scene.secrets();
    assert_eq!(before.len(), 20);
    let guard = scene.guard();
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}

#[test]
fn every_step_to_eso_has_its_way_back() {
    let cluster = require!(scene::cluster("eso-back"));
    let scene = Scene::of(Successor::Eso, &cluster, 2, 3);
    let before = scene.secrets();
    let guard = scene.guard();
    for step in ["stores", "shadow", "stop", "demote", "adopt", "retire"] {
        scene.apply(step);
        assert_eq!(scene.secrets(), before, "{step}");
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
        assert_eq!(scene.secrets(), before, "back from {step}");
    }
    guard.check("guard-end");
}

/// ESO says that all is well, and does not try again by itself (kes-migration 3.13).
#[test]
fn kes_takes_a_secret_back_from_eso_and_loses_it_again() {
    let cluster = require!(scene::cluster("eso-taken"));
    let scene = Scene::of(Successor::Eso, &cluster, 1, 2);
    let before = scene.secrets();
    let guard = scene.guard();
    scene.apply("adopt");
    scene.api.patch(OLD, &json!({ "spec": { "controllerId": null } }));
    kes_runs(&scene);
    wait_until(SOON, "KES has it back", || {
        (controller(&scene.api.get(SECRET).unwrap()) == "kubernetes-client.io").then_some(())
    });
    scene.apply("retire");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}
