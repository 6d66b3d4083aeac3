//! Many changes are few restarts, and many restarts are never many at once.

use std::thread;
use std::time::Duration;

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::json;

use crate::room::{Room, is_done, reads};

#[test]
fn changes_that_come_together_are_one_restart() {
    let room = Room::new(require!(crate::shared()));
    let mut pod = json!({ "containers": [{ "name": "app", "image": "app", "envFrom": [] }] });
    for number in 0..10 {
        let name = format!("db-{number}");
        room.secret(&name, &[("used", "a")]);
        let from = json!({ "secretRef": { "name": name } });
        pod["containers"][0]["envFrom"].as_array_mut().expect("a list").push(from);
    }
    let many = room.workload("Deployment", "many", &pod);
    room.secret("db", &[("used", "a")]);
    let one = room.deployment("one", "db", &["used"]);
    let all = [many.clone(), one.clone()];
    room.wait_done(&all);
    let controller = room.controller_with(&["--restart-debounce=3s", "--restart-max-hold=30s"]);
    room.wait_noted(&all);
    for number in 0..10 {
        room.put(&format!("db-{number}"), "used", "b");
    }
    room.wait_restarts(std::slice::from_ref(&many), 1);
    for number in 0..20 {
        room.put("db", "used", &format!("b{number}"));
        // What is tried is the time between them.
        thread::sleep(Duration::from_millis(500));
    }
    room.wait_restarts(std::slice::from_ref(&one), 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 1]);
    // There and back.
    room.put("db", "used", "other");
    room.put("db", "used", "b19");
    room.wait_judged();
    assert_eq!(room.restarts(&one), 1);
    controller.stop();
}

#[test]
fn never_more_rollouts_than_allowed_are_under_way() {
    const COUNT: usize = 200;
    const AT_ONCE: usize = 25;
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let slow = json!({ "extsecret.test/ready-after": "500ms" });
    let all: Vec<_> = (0..COUNT)
        .map(|number| {
            let name = format!("web-{number}");
            let pod = reads("db", &["used"]);
            room.workload_with("Deployment", &name, &pod, &json!({}), &slow)
        })
        .collect();
    room.wait_done(&all);
    let controller = room.controller_with(&[&format!("--restart-concurrent={AT_ONCE}")]);
    room.wait_noted(&all);
    room.put("db", "used", "b");
    let (mut most, mut looks) = (0, 0);
    wait_until(SOON * 3, "all are restarted", || {
        let now = room.deployments();
        let marker = |it: &serde_json::Value| {
            it["spec"]["template"]["metadata"]["annotations"]["extsecret.io/restarted-for"]
                .is_string()
        };
        let is_rolling = |it: &&serde_json::Value| marker(it) && !is_done("Deployment", it);
        most = most.max(now.iter().filter(is_rolling).count());
        looks += 1;
        let is_new = |it: &serde_json::Value| marker(it) && is_done("Deployment", it);
        (now.len() == COUNT && now.iter().all(is_new)).then_some(())
    });
    eprintln!("{COUNT} Deployments: {most} rollouts at once in {looks} looks");
    assert!(most <= AT_ONCE, "{most} rollouts at once");
    assert!(most > AT_ONCE / 2, "only {most} rollouts at once");
    let started = controller.metric(
        "extsecret_restarts_total{kind=\"Deployment\",result=\"started\",reason=\"SecretChanged\"}",
    );
    assert!((started - 200.0).abs() < 0.5, "{started} writes");
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; COUNT]);
    controller.stop();
}

#[test]
fn a_rollout_that_fails_halts_the_waves_behind_it() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let waves: Vec<_> = (0..3)
        .map(|wave| {
            let name = format!("wave-{wave}");
            let mut pod = reads("db", &["used"]);
            if wave == 1 {
                let from = json!([{ "secretRef": { "name": "extra" } }]);
                pod["containers"][0]["envFrom"] = from;
            }
            let it = room.workload("Deployment", &name, &pod);
            room.annotate(&it, "extsecret.io/restart-wave", &json!(wave.to_string()));
            it
        })
        .collect();
    room.secret("extra", &[("a", "a")]);
    room.wait_done(&waves);
    // The Deployment controller's own verdict may not come: where its first write about a rollout meets
    // a conflict, it takes the reason of the one before for final.
    let controller = room.controller_with(&["--restart-rollout-deadline=15s"]);
    room.wait_noted(&waves);
    // Without it, new pods do not start, and old ones go on.
    room.delete_secret("extra");
    room.put("db", "used", "b");
    wait_until(SOON, "the rollout fails", || {
        room.events("wave-1").contains(&"RestartFailed".to_owned()).then_some(())
    });
    room.wait_judged();
    assert_eq!(room.restarts_of(&waves), [1, 1, 0], "the last wave was not halted");
    let halted = "extsecret_restart_pending{reason=\"Halted\"}";
    assert!(controller.metric(halted) > 0.5);
    // Mended, the rest follows.
    room.secret("extra", &[("a", "a")]);
    room.wait_restarts(&waves[2..], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&waves), [1, 1, 1]);
    controller.stop();
}

#[test]
fn what_comes_and_goes_restarts_nobody_and_is_told() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = [room.deployment("web", "db", &["used"])];
    room.wait_done(&all);
    let controller = room.controller_with(&["--restart-debounce=1h", "--restart-max-hold=1h"]);
    room.wait_noted(&all);
    // Times show seconds: a pod of the second of a change may have read it, and what comes back then is
    // no return for that pod. The note, too, looks like a rollout for a moment.
    let second = || jiff::Timestamp::now().as_second();
    let made = second();
    wait_until(SOON, "a later second", || (second() > made).then_some(()));
    room.wait_done(&all);
    let waits = "extsecret_restart_pending{reason=\"Debounce\"}";
    let is_told = || room.events("web").contains(&"RestartLoopSuspected".to_owned());
    // Five that were seen to be taken back are enough. That pods are asked for their age may hide one.
    for _ in 0..20 {
        if is_told() {
            break;
        }
        room.put("db", "used", "b");
        wait_until(SOON, "it waits", || (controller.metric(waits) > 0.5).then_some(()));
        room.put("db", "used", "a");
        wait_until(SOON, "it need not", || (controller.metric(waits) < 0.5).then_some(()));
    }
    wait_until(SOON, "it is told", || is_told().then_some(()));
    assert_eq!(room.restarts_of(&all), [0]);
    controller.stop();
}

#[test]
fn a_rollout_that_takes_too_long_has_failed_until_it_is_over() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    room.secret("extra", &[("a", "a")]);
    let mut pod = reads("db", &["used"]);
    pod["containers"][0]["envFrom"] = json!([{ "secretRef": { "name": "extra" } }]);
    // Its own deadline is ten minutes.
    let slow = room.workload("Deployment", "slow", &pod);
    let behind = room.deployment("behind", "db", &["used"]);
    room.annotate(&behind, "extsecret.io/restart-wave", &json!("1"));
    let all = [slow, behind];
    room.wait_done(&all);
    let controller = room.controller_with(&["--restart-rollout-deadline=1s"]);
    room.wait_noted(&all);
    // Without it, new pods do not start.
    room.delete_secret("extra");
    room.put("db", "used", "b");
    wait_until(SOON, "it is late", || {
        room.events("slow").contains(&"RestartFailed".to_owned()).then_some(())
    });
    let halted = "extsecret_restart_pending{reason=\"Halted\"}";
    wait_until(SOON, "the other is halted", || (controller.metric(halted) > 0.5).then_some(()));
    assert_eq!(room.restarts_of(&all), [1, 0]);
    // Nobody calls it over, and still it keeps no newer value out.
    room.put("db", "used", "c");
    room.wait_restarts(&all[..1], 2);
    room.secret("extra", &[("a", "a")]);
    wait_until(SOON, "it is over", || {
        room.events("slow").contains(&"RestartCompleted".to_owned()).then_some(())
    });
    room.wait_restarts(&all[1..], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [2, 1]);
    controller.stop();
}
