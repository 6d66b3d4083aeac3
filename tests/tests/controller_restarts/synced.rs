//! Secrets that an ExternalSecret makes: what it says counts, it is told, and its values come together.

use extsecret_tests::aws::{Effect, Rule};
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::json;

use crate::room::{Room, reads};

/// ExternalSecrets of these names, each with the key `value` of the secret of its name in AWS.
fn synced<'a>(room: &Room<'a>, names: &[&str]) -> Fleet<'a> {
    let fleet = Fleet { api: room.api, namespace: room.namespace.clone() };
    fleet.store("aws", room.aws.region(), &json!({}));
    for name in names {
        room.aws.secrets().put(name, "a");
        fleet.external_secret(name, name, "1h");
    }
    fleet
}

/// Has them fetched now.
pub(crate) fn refresh(fleet: &Fleet<'_>, names: &[&str], round: usize) {
    for name in names {
        let change = json!({ "metadata": { "annotations": { "force-sync": round.to_string() } } });
        fleet.api.patch(&fleet.ours(&format!("externalsecrets/{name}")), &change);
    }
}

#[test]
fn values_of_several_secrets_that_change_together_are_one_restart() {
    let room = Room::new(require!(crate::shared()));
    let names = ["user", "password"];
    let fleet = synced(&room, &names[..1]);
    // Of another service, so that no call fetches both.
    fleet.store("parameters", room.aws.region(), &json!({ "service": "ParameterStore" }));
    room.aws.parameters().put("/password", "a");
    let data = json!([{ "secretKey": "value", "remoteRef": { "key": "/password" } }]);
    fleet.reader("password", "parameters", &json!({ "data": data }));
    let controller = room.controller_with(&["--restart-max-hold=60s"]);
    fleet.wait_ready(2);
    let mut pod = reads("user", &["value"]);
    let second = reads("password", &["value"]);
    let mut second = second["containers"][0]["env"][0].clone();
    second["name"] = json!("PASSWORD");
    pod["containers"][0]["env"].as_array_mut().expect("a list").push(second);
    let all = [room.workload("Deployment", "web", &pod)];
    room.wait_done(&all);
    room.wait_noted(&all);

    // The second value takes longer than the first one is waited for.
    let slow = Effect::Latency { millis: 4000, jitter_millis: 0 };
    let fault = Rule::on("ssm:*").effect(slow);
    let fault = room.aws.faults().add(fault);
    room.aws.secrets().put("user", "b");
    room.aws.parameters().put("/password", "b");
    refresh(&fleet, &names, 1);
    let old = "YQ==";
    wait_until(SOON, "the first value", || (fleet.values()["user"] != old).then_some(()));
    assert_eq!(fleet.values()["password"], old, "both came together: this tries nothing");
    room.wait_restarts(&all, 1);
    assert_ne!(fleet.values()["password"], old, "it restarted with half of what changed");
    assert!(room.aws.faults().met(fault) > 0);
    // Both are old since AWS has the new value, not since it was fetched.
    let took = wait_until(SOON, "both are run", || {
        let all = controller.metrics();
        let part = |name: &str| all[&format!("extsecret_secret_to_running_seconds_{name}")];
        (part("count") > 1.5).then(|| part("sum"))
    });
    assert!(took >= 10.0, "{took} s");
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1]);
    controller.stop();
}

#[test]
fn an_external_secret_is_told_who_restarts_for_it_and_may_say_no() {
    let room = Room::new(require!(crate::shared()));
    let fleet = synced(&room, &["db", "killed"]);
    let none = json!({ "metadata": { "annotations": { "extsecret.io/restart": "none" } } });
    room.api.patch(&fleet.ours("externalsecrets/killed"), &none);
    let controller = room.controller();
    fleet.wait_ready(2);
    let web = [room.deployment("web", "db", &["value"])];
    let killed = [room.deployment("quiet", "killed", &["value"])];
    room.wait_done(&web);
    room.wait_noted(&web);
    room.wait_judged();
    for name in ["db", "killed"] {
        room.aws.secrets().put(name, "CANARY");
    }
    refresh(&fleet, &["db", "killed"], 1);
    room.wait_restarts(&web, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&killed), [0]);
    for reason in ["RestartScheduled", "RestartStarted", "RestartCompleted"] {
        wait_until(SOON, reason, || room.events("db").contains(&reason.to_owned()).then_some(()));
    }
    assert!(room.events("killed").iter().all(|reason| !reason.starts_with("Restart")));
    let all = controller.metrics();
    assert!(all["extsecret_secret_to_running_seconds_count"] > 0.5);
    // What it says no more counts at once: its pods have an older value.
    let nothing = json!({ "metadata": { "annotations": { "extsecret.io/restart": null } } });
    room.api.patch(&fleet.ours("externalsecrets/killed"), &nothing);
    room.wait_restarts(&killed, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&killed), [1]);
    let text = controller.stop();
    assert!(!text.contains("CANARY") && !text.contains("Q0FOQVJZ"), "a value is shown");
}

#[test]
fn an_external_secret_is_told_why_somebody_does_not_restart() {
    let room = Room::new(require!(crate::shared()));
    let names = ["frozen", "manual", "told"];
    let fleet = synced(&room, &names);
    let controller = room.controller();
    fleet.wait_ready(names.len());
    let frozen = room.deployment("frozen-web", "frozen", &["value"]);
    room.annotate(&frozen, "extsecret.io/restart-freeze", &json!("true"));
    let on_delete = json!({ "updateStrategy": { "type": "OnDelete" } });
    let manual = reads("manual", &["value"]);
    let manual = room.workload_with("StatefulSet", "manual-web", &manual, &on_delete, &json!({}));
    let all = [frozen, manual];
    let told = room.deployment("told-web", "told", &["value"]);
    room.annotate(&told, "extsecret.io/restart-mode", &json!("notify"));
    room.wait_done(&all);
    room.wait_noted(&all);
    room.wait_done(std::slice::from_ref(&told));
    room.wait_judged();
    for name in names {
        room.aws.secrets().put(name, "b");
    }
    refresh(&fleet, &names, 1);
    for (name, reason) in
        [("frozen", "RestartDeferred"), ("manual", "RestartSuppressed"), ("told", "RestartNeeded")]
    {
        for about in [name.to_owned(), format!("{name}-web")] {
            wait_until(SOON, &format!("{about} is told {reason}"), || {
                room.events(&about).contains(&reason.to_owned()).then_some(())
            });
        }
        let others = room.events(name);
        assert!(!others.contains(&"RestartCompleted".to_owned()), "{name}: {others:?}");
    }
    controller.stop();
}

#[test]
fn an_external_secret_is_told_that_a_rollout_fails_and_the_rest_waits() {
    let room = Room::new(require!(crate::shared()));
    let fleet = synced(&room, &["db"]);
    // Ours decides: the Deployment controller has ten minutes.
    let controller = room.controller_with(&["--restart-rollout-deadline=15s"]);
    fleet.wait_ready(1);
    // Without the other Secret, new pods do not start.
    room.secret("extra", &[("a", "a")]);
    let mut pod = reads("db", &["value"]);
    pod["containers"][0]["envFrom"] = json!([{ "secretRef": { "name": "extra" } }]);
    let failing = room.workload("Deployment", "failing", &pod);
    let behind = room.deployment("behind", "db", &["value"]);
    room.annotate(&behind, "extsecret.io/restart-wave", &json!("1"));
    let all = [failing, behind];
    room.wait_done(&all);
    room.wait_noted(&all);
    room.wait_judged();
    room.delete_secret("extra");
    room.aws.secrets().put("db", "b");
    refresh(&fleet, &["db"], 1);
    for about in ["failing", "db"] {
        wait_until(SOON, &format!("{about} is told"), || {
            room.events(about).contains(&"RestartFailed".to_owned()).then_some(())
        });
    }
    let halted = "extsecret_restart_pending{reason=\"Halted\"}";
    wait_until(SOON, "the other is halted", || (controller.metric(halted) > 0.5).then_some(()));
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1, 0]);
    assert!(!room.events("db").contains(&"RestartCompleted".to_owned()));
    // Mended, the rest follows.
    room.secret("extra", &[("a", "a")]);
    room.wait_restarts(&all, 1);
    wait_until(SOON, "all have restarted", || {
        room.events("db").contains(&"RestartCompleted".to_owned()).then_some(())
    });
    assert_eq!(room.restarts_of(&all), [1, 1]);
    controller.stop();
}
