//! One change, and whoever reads it: once each, and nobody else.

use extsecret_tests::controller::{now, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Workload, reads};

/// All ways of reading the key `used` of the Secret `db`.
fn ways() -> Vec<(&'static str, Value)> {
    let container = |more: Value| {
        let mut container = json!({ "name": "app", "image": "app" });
        for (field, value) in more.as_object().into_iter().flatten() {
            container[field] = value.clone();
        }
        container
    };
    let plain = || container(json!({}));
    let mounts = |more: Value| {
        let mut mount = json!({ "name": "v", "mountPath": "/v" });
        for (field, value) in more.as_object().into_iter().flatten() {
            mount[field] = value.clone();
        }
        json!({ "volumeMounts": [mount] })
    };
    let volume = |source: Value| {
        let mut volume = json!({ "name": "v" });
        for (field, value) in source.as_object().into_iter().flatten() {
            volume[field] = value.clone();
        }
        json!([volume])
    };
    let env = json!({ "env": [{ "name": "A",
        "valueFrom": { "secretKeyRef": { "name": "db", "key": "used" } } }] });
    let env_from = json!({ "envFrom": [{ "prefix": "X_", "secretRef": { "name": "db" } }] });
    let items = json!([{ "key": "used", "path": "a" }]);
    let all = || json!({ "secret": { "secretName": "db" } });
    let mut sidecar = container(env.clone());
    sidecar["name"] = json!("side");
    let mut init = sidecar.clone();
    sidecar["restartPolicy"] = json!("Always");
    init["name"] = json!("init");
    vec![
        ("env", json!({ "containers": [container(env)] })),
        ("env-from", json!({ "containers": [container(env_from)] })),
        (
            "volume",
            json!({ "containers": [container(mounts(json!({})))], "volumes": volume(all()) }),
        ),
        (
            "items",
            json!({ "containers": [container(mounts(json!({})))],
                "volumes": volume(json!({ "secret": { "secretName": "db", "items": items } })) }),
        ),
        (
            "projected",
            json!({ "containers": [container(mounts(json!({})))],
                "volumes": volume(json!({ "projected": { "sources": [
                    { "secret": { "name": "db", "items": items } } ] } })) }),
        ),
        (
            "sub-path",
            json!({ "containers": [container(mounts(json!({ "subPath": "used" })))],
                "volumes": volume(all()) }),
        ),
        ("init", json!({ "containers": [plain()], "initContainers": [init] })),
        ("sidecar", json!({ "containers": [plain()], "initContainers": [sidecar] })),
    ]
}

#[test]
fn each_consumer_of_a_changed_key_restarts_once_and_nobody_else() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a"), ("unused", "a")]);
    room.secret("other", &[("used", "a")]);
    let mut consumers: Vec<Workload> = Vec::new();
    for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
        for (way, pod) in ways() {
            consumers.push(room.workload(kind, &format!("{way}-{}", kind.to_lowercase()), &pod));
        }
    }
    for number in 0..7 {
        consumers.push(room.deployment(&format!("more-{number}"), "db", &["used"]));
    }
    assert_eq!(consumers.len(), 31);
    let mut others = vec![
        room.deployment("unconsumed", "db", &["unused"]),
        room.deployment("elsewhere", "other", &["used"]),
    ];
    let off = room.deployment("off", "db", &["used"]);
    let change = json!({ "metadata": { "annotations": { "extsecret.io/restart": "off" } } });
    room.api.patch(&room.apps("Deployment", "off"), &change);
    let all: Vec<_> = consumers.iter().chain(&others).cloned().collect();
    room.wait_done(&all);
    let controller = room.controller_with(&["--restart-metrics-by-workload"]);
    room.wait_noted(&all);

    // What nobody reads, and what is no content.
    let consumers_of_one: Vec<_> = consumers
        .iter()
        .filter(|(_, name)| !name.starts_with("env-from") && !name.starts_with("volume"))
        .cloned()
        .collect();
    let label = json!({ "metadata": { "labels": { "a": "b" }, "annotations": { "c": "d" } } });
    room.patch_secret("db", &label);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), vec![0; all.len()]);

    room.put("db", "unused", "b");
    room.put("db", "added", "b");
    room.wait_restarts(&others[..1], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&consumers_of_one), vec![0; consumers_of_one.len()]);
    let before = room.restarts_of(&consumers);

    others.push(off);
    let restarts = room.restarts_of(&others);
    let begin = now();
    room.put("db", "used", "CANARY");
    let wanted: Vec<_> = before.iter().map(|count| count + 1).collect();
    wait_until(SOON, "all restart", || (room.restarts_of(&consumers) >= wanted).then_some(()));
    let took = begin.elapsed();
    room.wait_done(&consumers);
    let done = begin.elapsed();
    room.wait_judged();
    assert_eq!(room.restarts_of(&consumers), wanted);
    assert_eq!(room.restarts_of(&others), restarts);
    eprintln!("31 consumers: last restart begun after {took:?}, all done after {done:?}");
    // Nothing says when one of its pods serves.
    let interrupts = "RestartMayInterrupt";
    for reason in ["RestartScheduled", interrupts, "RestartStarted", "RestartCompleted"] {
        wait_until(SOON, reason, || {
            room.events("env-deployment").contains(&reason.to_owned()).then_some(())
        });
    }
    let series = format!(
        "extsecret_workload_restarts_total{{namespace=\"{}\",kind=\"DaemonSet\",\
         name=\"env-daemonset\",result=\"completed\"}}",
        room.namespace
    );
    assert!((controller.metric(&series) - 1.0).abs() < 0.5, "{series}");
    let text = controller.text() + &room.record(&consumers[0]).unwrap_or_default();
    assert!(!text.contains("CANARY") && !text.contains("Q0FOQVJZ"), "a value is shown");
    controller.stop();
}

#[test]
fn a_secret_that_is_made_again_restarts_only_if_its_content_differs() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let all = [room.deployment("web", "db", &["used"])];
    room.wait_done(&all);
    let controller = room.controller();
    room.wait_noted(&all);
    room.delete_secret("db");
    room.secret("db", &[("used", "a")]);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0]);
    room.delete_secret("db");
    room.secret("db", &[("used", "b")]);
    room.wait_restarts(&all, 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1]);
    controller.stop();
}

#[test]
fn a_secret_and_a_workload_that_come_together_are_one_rollout() {
    let room = Room::new(require!(crate::shared()));
    let controller = room.controller();
    room.wait_judged();
    // The workload first: its pods wait for the Secret.
    let all = [room.deployment("web", "db", &["used"])];
    room.secret("db", &[("used", "a")]);
    room.wait_done(&all);
    room.wait_noted(&all);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [0]);
    for round in 1..=5 {
        // As a tool does that applies both: the Secret, and a new version of the workload.
        room.put("db", "used", &format!("b{round}"));
        let mut pod = reads("db", &["used"]);
        pod["containers"][0]["image"] = json!(format!("app:{round}"));
        let change = json!({ "spec": { "template": { "spec": pod } } });
        room.api.patch(&room.apps("Deployment", "web"), &change);
        room.wait_done(&all);
        room.wait_judged();
        assert_eq!(room.restarts_of(&all), [round]);
    }
    controller.stop();
}
