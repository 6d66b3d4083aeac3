//! The controller comes, goes, and comes back: whoever has to restart for what happened meanwhile does,
//! and nobody for the coming.

use extsecret_tests::require;
use serde_json::json;

use crate::room::{Room, Workload};

fn fleet(room: &Room<'_>, secrets: usize, workloads: usize) -> Vec<Workload> {
    for number in 0..secrets {
        room.secret(&format!("db-{number}"), &[("used", "a"), ("unused", "a")]);
    }
    let deployment = |number: usize| {
        room.deployment(&format!("web-{number}"), &format!("db-{}", number % secrets), &["used"])
    };
    (0..workloads).map(deployment).collect()
}

fn strip(room: &Room<'_>, all: &[Workload]) {
    for it in all {
        room.strip(it);
    }
}

#[test]
fn nobody_restarts_because_the_controller_comes_or_comes_back() {
    const COUNT: usize = 1000;
    let room = Room::new(require!(crate::shared()));
    let all = fleet(&room, COUNT, COUNT);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![0; all.len()]);
    controller.kill();

    let versions: Vec<_> = all.iter().map(|it| room.version(it)).collect();
    let controller = room.controller();
    room.wait_judged();
    let after: Vec<_> = all.iter().map(|it| room.version(it)).collect();
    assert_eq!(versions, after, "a workload was written");
    controller.stop();
}

#[test]
fn what_changed_while_nobody_watched_is_made_up_for() {
    let room = Room::new(require!(crate::shared()));
    let all = fleet(&room, 4, 8);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    room.wait_judged();
    controller.stop();
    room.put("db-0", "used", "b");
    room.put("db-1", "unused", "b");
    let controller = room.controller();
    room.wait_restarts(&[all[0].clone(), all[4].clone()], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 0, 0, 0, 1, 0, 0, 0]);
    controller.kill();
    room.put("db-2", "used", "c");
    let controller = room.controller();
    room.wait_restarts(&[all[2].clone(), all[6].clone()], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 0, 1, 0, 1, 0, 1, 0]);
    controller.stop();
}

#[test]
fn records_that_are_taken_away_restart_nobody_and_hide_no_change() {
    let room = Room::new(require!(crate::shared()));
    let all = fleet(&room, 2, 4);
    room.wait_done(&all);
    let mut controller = room.controller();
    room.wait_noted(&all);
    for _ in 0..5 {
        strip(&room, &all);
        room.wait_noted(&all);
    }
    assert!(controller.metric("extsecret_restart_marker_wiped_total") >= 20.0);
    controller.kill();
    strip(&room, &all);
    controller = room.controller();
    room.wait_noted(&all);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0; 4]);
    // Taken away, and then changed while nobody watched.
    controller.stop();
    strip(&room, &all);
    room.put("db-1", "used", "b");
    controller = room.controller();
    room.wait_restarts(&[all[1].clone(), all[3].clone()], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0, 1, 0, 1]);
    controller.stop();
}

#[test]
fn a_key_that_is_lost_restarts_nobody() {
    let room = Room::new(require!(crate::shared()));
    let all = fleet(&room, 2, 4);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    controller.stop();
    let before: Vec<_> = all.iter().map(|it| room.record(it)).collect();
    room.delete_secret("extsecret-controller-key");
    let controller = room.controller();
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0; 4]);
    let after: Vec<_> = all.iter().map(|it| room.record(it)).collect();
    assert!(before.iter().zip(&after).all(|(before, after)| before != after));
    room.put("db-0", "used", "b");
    room.wait_restarts(&[all[0].clone(), all[2].clone()], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 0, 1, 0]);
    controller.stop();
}

#[test]
fn without_the_flag_workloads_are_neither_read_nor_written() {
    let room = Room::new(require!(crate::shared()));
    let all = fleet(&room, 1, 1);
    room.wait_done(&all);
    let version = room.version(&all[0]);
    let controller = room.controller_with(&["--restarts=off"]);
    room.put("db-0", "used", "b");
    let secret = json!({ "metadata": { "labels": { "seen": "true" } } });
    room.patch_secret("db-0", &secret);
    controller.stop();
    assert_eq!(room.version(&all[0]), version);
    let key = format!("api/v1/namespaces/{}/secrets/extsecret-controller-key", room.namespace);
    assert!(room.api.get(&key).is_none());
}
