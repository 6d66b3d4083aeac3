//! The same with ESO on the other side.

use extsecret_tests::require;

use crate::interrupted::every_step_has_a_way_back;
use crate::others::kes_takes_and_loses;
use crate::scene::{self, Scene, Successor};

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
    every_step_has_a_way_back(&Scene::of(Successor::Eso, &cluster, 2, 3));
}

#[test]
fn kes_takes_a_secret_back_from_eso_and_loses_it_again() {
    let cluster = require!(scene::cluster("eso-taken"));
    kes_takes_and_loses(&Scene::of(Successor::Eso, &cluster, 1, 2));
}
