//! Killed at any step, taken up again, and taken back from any step.

use std::io::{BufRead as _, BufReader};

use extsecret_tests::require;

use crate::scene::{self, Scene};

/// The first line of each kind of change.
const MOMENTS: [&str; 8] = [
    "shadow asked for",
    "writes what is there",
    "shadow deleted",
    "parked",
    "stopped",
    "demoted",
    "applied",
    "retired",
];

/// Kills the command once it has said so. True if it had.
fn killed_at(scene: &Scene<'_>, args: &[&str], moment: &str) -> bool {
    let mut child = scene.start(args);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let seen = lines.map_while(Result::ok).any(|line| line.contains(moment));
    let _ = child.kill();
    child.wait().unwrap();
    seen
}

const APPLY: [&str; 5] = ["apply", "-R", "-f", "new", "--yes"];

#[test]
fn killed_at_every_step_it_goes_on_or_back() {
    let cluster = require!(scene::cluster("killed"));
    let scene = Scene::new(&cluster, 2, 3);
    let before = scene.secrets();
    let guard = scene.guard();
    for (number, moment) in MOMENTS.into_iter().enumerate() {
        assert!(killed_at(&scene, &APPLY, moment), "{moment}");
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
        assert_eq!(scene.secrets(), before, "back from {moment}");

        assert!(killed_at(&scene, &APPLY, moment), "{moment}");
        scene.apply("retire");
        scene.is_over();
        assert_eq!(scene.secrets(), before, "on from {moment}");
        guard.check(&format!("guard-{number}"));
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
    }
    guard.check("guard-end");
}

#[test]
fn the_way_back_is_killed_at_every_step_too() {
    let cluster = require!(scene::cluster("killed-back"));
    let scene = Scene::new(&cluster, 1, 3);
    let before = scene.secrets();
    let guard = scene.guard();
    for moment in [
        "made anew",
        "an owner again",
        "let its Secret go",
        "deleted",
        "the controller again",
        "back with KES",
        "started",
    ] {
        scene.apply("retire");
        scene.is_over();
        assert!(killed_at(&scene, &["rollback", "--yes"], moment), "{moment}");
        scene.plugin(&["rollback", "--yes"]);
        scene.is_back();
        assert_eq!(scene.secrets(), before, "{moment}");
    }
    guard.check("guard-end");
}

#[test]
fn every_step_has_its_way_back() {
    let cluster = require!(scene::cluster("back"));
    every_step_has_a_way_back(&Scene::new(&cluster, 2, 3));
}

/// The same for any successor.
pub(crate) fn every_step_has_a_way_back(scene: &Scene<'_>) {
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
