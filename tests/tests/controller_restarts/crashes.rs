//! The end of the controller at any moment.

use std::thread;
use std::time::Duration;

use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::random::Random;
use extsecret_tests::require;
use serde_json::json;

use crate::gate::{Gate, Trap};
use crate::room::{Room, reads};

#[test]
fn killed_in_a_fan_out_it_goes_on_where_it_was() {
    const COUNT: usize = 30;
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(COUNT);
    room.wait_done(&all);
    let controller = room.controller_with(&["--restart-concurrent=3"]);
    room.wait_noted(&all);
    room.put("db", "used", "b");
    wait_until(SOON, "five restarts", || {
        (room.restarts_of(&all).iter().sum::<i64>() >= 5).then_some(())
    });
    controller.kill();
    let before: i64 = room.restarts_of(&all).iter().sum();
    assert!(before < 30, "all were restarted before it was killed");
    let controller = room.controller();
    room.wait_restarts(&all, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; COUNT]);
    controller.stop();
}

#[test]
fn killed_at_twenty_moments_of_a_stream_of_changes_it_loses_none_and_invents_none() {
    const SECRETS: usize = 5;
    const COUNT: usize = 20;
    let room = Room::new(require!(crate::shared()));
    for number in 0..SECRETS {
        room.secret(&format!("db-{number}"), &[("used", "0")]);
    }
    let secret = |number: usize| format!("db-{}", number % SECRETS);
    let all: Vec<_> = (0..COUNT)
        .map(|number| room.deployment(&format!("web-{number}"), &secret(number), &["used"]))
        .collect();
    // Of a Secret that never changes.
    room.secret("still", &[("used", "0")]);
    let still = [room.deployment("still", "still", &["used"])];
    room.wait_done(&all);
    room.wait_done(&still);
    let mut controller = room.controller();
    room.wait_noted(&all);
    room.wait_noted(&still);
    let mut random = Random::new(11);
    let mut changes = [0_i64; SECRETS];
    for round in 0..20 {
        for _ in 0..2 {
            let number = random.below(SECRETS);
            changes[number] += 1;
            room.put(&secret(number), "used", &format!("{round}-{}", changes[number]));
            // The moments are what is tried.
            thread::sleep(Duration::from_millis(random.below(900) as u64));
        }
        controller.kill();
        controller = room.controller();
    }
    room.wait_judged();
    room.wait_done(&all);
    let records = || all.iter().map(|it| room.record(it)).collect::<Vec<_>>();
    // All that read one Secret have the same of it in the end, and it stays so.
    let last = wait_until(SOON, "it is quiet", || {
        let before = records();
        room.wait_judged();
        (before == records()).then_some(before)
    });
    for (index, restarts) in room.restarts_of(&all).into_iter().enumerate() {
        let most = changes[index % SECRETS];
        assert!(restarts <= most, "web-{index} restarted {restarts} times for {most} changes");
        assert!(restarts >= i64::from(most > 0), "web-{index} missed {most} changes");
        let print = |record: &Option<String>| {
            let record = record.as_deref().unwrap_or_default();
            let record: serde_json::Value = serde_json::from_str(record).expect("a record");
            record["had"][secret(index)].clone()
        };
        assert_eq!(print(&last[index]), print(&last[index % SECRETS]), "web-{index} is stale");
    }
    assert_eq!(room.restarts_of(&still), [0]);
    controller.stop();
}

#[test]
fn killed_before_or_after_a_restart_is_written_it_neither_forgets_nor_repeats_it() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(3);
    room.wait_done(&all);
    let gate = Gate::before(room.api);
    for round in 0..8 {
        let controller = room.setup(&[]).kubeconfig(&gate.kubeconfig()).start();
        room.wait_noted(&all);
        let trap = if round % 2 == 0 { Trap::Before } else { Trap::After };
        gate.trap(trap);
        room.put("db", "used", &format!("b{round}"));
        gate.wait_trapped();
        controller.kill();
        gate.open();
        let controller = room.controller();
        room.wait_restarts(&all, round + 1);
        room.wait_judged();
        assert_eq!(room.restarts_of(&all), vec![round + 1; 3], "{trap:?}");
        controller.stop();
    }
}

/// The other moments: what waits, what rolls, and what is over.
#[test]
fn killed_while_a_change_waits_or_rolls_out_or_is_over_it_restarts_once() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let slow = json!({ "extsecret.test/ready-after": "2s" });
    let pod = reads("db", &["used"]);
    let all = [room.workload_with("Deployment", "web", &pod, &json!({}), &slow)];
    room.wait_done(&all);
    let mut wanted = 0;
    for round in 0..3 {
        for moment in ["waits", "rolls", "is over"] {
            let flags: &[&str] = match moment {
                "waits" => &["--restart-debounce=1h", "--restart-max-hold=1h"],
                _ => &[],
            };
            let controller = room.controller_with(flags);
            room.wait_noted(&all);
            room.put("db", "used", &format!("{round} {moment}"));
            wanted += 1;
            let series = match moment {
                "waits" => "extsecret_restart_pending{reason=\"Debounce\"}",
                "rolls" => "extsecret_restart_rollouts",
                _ => "extsecret_rollout_duration_seconds_count",
            };
            wait_until(SOON, moment, || (controller.metric(series) > 0.5).then_some(()));
            controller.kill();
            let controller = room.controller();
            room.wait_restarts(&all, wanted);
            room.wait_done(&all);
            room.wait_judged();
            assert_eq!(room.restarts_of(&all), [wanted], "killed while it {moment}");
            controller.stop();
        }
    }
}

#[test]
fn a_leader_that_hangs_in_a_fan_out_leaves_the_rest_to_the_next() {
    const COUNT: usize = 12;
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(COUNT);
    room.wait_done(&all);
    let election = [
        "--restart-concurrent=1",
        "--enable-leader-election",
        &format!("--leader-election-namespace={}", room.namespace),
    ];
    let mut first = room.controller_with(&election);
    room.wait_noted(&all);
    let second = room.controller_with(&election);
    room.put("db", "used", "b");
    wait_until(SOON, "two restarts", || {
        (room.restarts_of(&all).iter().sum::<i64>() >= 2).then_some(())
    });
    first.signal("STOP");
    let before: i64 = room.restarts_of(&all).iter().sum();
    assert!(before < 10, "nothing was left to do");
    wait_until(SOON, "the next one works", || {
        (room.restarts_of(&all).iter().sum::<i64>() > before + 1).then_some(())
    });
    // What it was about to write comes now, in the middle of what the other does.
    first.signal("CONT");
    room.wait_restarts(&all, 1);
    let ended = first.wait_for_end(SOON).expect("it has lost its Lease");
    assert!(!ended.success());
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; COUNT]);
    second.stop();
}
