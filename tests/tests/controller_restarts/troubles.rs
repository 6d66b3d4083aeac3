//! Somebody says no, or nothing.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use extsecret_tests::admission::Denial;
use extsecret_tests::clock::Clock;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::gate::Gate;
use crate::room::Room;

/// Somebody forbids that a Deployment is restarted.
fn forbid<'a>(room: &Room<'a>, name: &str) -> Denial<'a> {
    let rule = json!({
        "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"],
        "resources": ["deployments"], "resourceNames": [name],
    });
    let change = |number: usize| {
        json!({ "spec": { "template": { "metadata": { "annotations": {
            "try": number.to_string() } } } } })
    };
    Denial::new(
        room.api,
        &room.namespace,
        &rule,
        "object.spec.template == oldObject.spec.template",
        (&room.apps("Deployment", name), &change),
    )
}

#[test]
fn one_that_is_refused_keeps_nobody_waiting_and_restarts_when_it_may() {
    const COUNT: usize = 33;
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(COUNT);
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    let denial = forbid(&room, "web-7");
    room.put("db", "used", "b");
    let (refused, others): (Vec<_>, Vec<_>) = all.iter().cloned().partition(|it| it.1 == "web-7");
    room.wait_restarts(&others, 1);
    wait_until(SOON, "it is told", || {
        room.events("web-7").contains(&"RestartFailed".to_owned()).then_some(())
    });
    room.wait_judged();
    assert_eq!(room.restarts_of(&others), vec![1; COUNT - 1]);
    assert_eq!(room.restarts_of(&refused), [0]);
    denial.lift();
    room.wait_restarts(&refused, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; COUNT]);
    controller.stop();
}

/// What is tried again at a time of day would be, two hours late.
#[test]
fn a_clock_that_is_put_back_keeps_nobody_waiting() {
    let room = Room::new(require!(crate::shared()));
    let clock = Clock::start(room.cluster.dir().join(format!("{}.clock", room.namespace))).unwrap();
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(1);
    room.wait_done(&all);
    let controller = room.setup(&[]).environment(clock.environment()).start();
    room.wait_noted(&all);
    let denial = forbid(&room, &all[0].1);
    room.put("db", "used", "b");
    wait_until(SOON, "it is told", || {
        room.events(&all[0].1).contains(&"RestartFailed".to_owned()).then_some(())
    });
    clock.set(-2 * 3600).unwrap();
    denial.lift();
    room.wait_restarts(&all, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1]);
    controller.stop();
}

#[test]
fn an_api_server_that_cannot_work_for_a_while_loses_no_change() {
    const COUNT: usize = 8;
    let room = Room::new(require!(crate::shared()));
    let gate = Gate::before(room.api);
    room.secret("db", &[("used", "a")]);
    room.secret("api", &[("used", "a")]);
    let mut all = room.consumers(COUNT);
    all.push(room.deployment("other", "api", &["used"]));
    all.push(room.deployment("again", "api", &["used"]));
    room.wait_done(&all);
    let slow = ["--restart-concurrent=2"];
    let controller = room.setup(&slow).kubeconfig(&gate.kubeconfig()).start();
    room.wait_noted(&all);
    // In the middle of a fan-out.
    room.put("db", "used", "b");
    wait_until(SOON, "the first restart", || room.restarts_of(&all).contains(&1).then_some(()));
    gate.shut();
    room.put("api", "used", "b");
    wait_until(SOON, "it is refused", || (gate.refused() > 0).then_some(()));
    // What is tried is how long it lasts.
    thread::sleep(Duration::from_secs(8));
    assert!(room.restarts_of(&all).contains(&0), "nothing was left to do");
    gate.open();
    room.wait_restarts(&all, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![1; all.len()]);
    controller.stop();
}

/// A process that was stopped for a while, or that hears late of what happens, restarts nothing for a
/// Secret that is not there any more: new pods could not start without it.
#[test]
fn a_secret_that_is_gone_meanwhile_restarts_nobody_until_it_is_back() {
    let room = Room::new(require!(crate::shared()));
    let gate = Gate::before(room.api);
    room.secret("db", &[("used", "a")]);
    let all = room.consumers(2);
    room.wait_done(&all);
    let patient = ["--restart-debounce=5s", "--restart-max-hold=10s"];
    let controller = room.setup(&patient).kubeconfig(&gate.kubeconfig()).start();
    room.wait_noted(&all);
    room.put("db", "used", "b");
    wait_until(SOON, "it is scheduled", || {
        all.iter()
            .all(|(_, it)| room.events(it).contains(&"RestartScheduled".to_owned()))
            .then_some(())
    });
    gate.silence_secrets(true);
    room.delete_secret("db");
    let before = gate.looked();
    // Each of the two is about to restart, and then again.
    wait_until(SOON, "it is looked at", || (gate.looked() >= before + 4).then_some(()));
    assert_eq!(room.restarts_of(&all), [0, 0]);
    gate.silence_secrets(false);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0, 0]);
    room.secret("db", &[("used", "b")]);
    room.wait_restarts(&all, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 1]);
    controller.stop();
}

#[test]
fn an_api_server_that_is_away_at_the_start_is_one_line_for_each_kind() {
    let room = Room::new(require!(crate::shared()));
    let gate = Gate::before(room.api);
    gate.shut();
    let mut controller = room.setup(&["--restarts=off"]).kubeconfig(&gate.kubeconfig()).spawn();
    wait_until(SOON, "it has asked often", || (gate.refused() >= 12).then_some(()));
    gate.open();
    controller.wait_ready();
    let text = controller.stop();
    let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut told = BTreeMap::<String, Vec<String>>::new();
    for line in lines.filter(|line| line["kind"].is_string()) {
        let message = line["message"].as_str().unwrap_or_default().to_owned();
        told.entry(line["kind"].as_str().unwrap_or_default().to_owned()).or_default().push(message);
    }
    assert!(told.len() >= 3, "{told:?}");
    for (kind, messages) in told {
        assert_eq!(messages, ["the watch was interrupted", "the watch goes on"], "{kind}");
    }
}
