#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

use serde_json::json;

use super::*;

fn at(time: &str) -> Timestamp {
    format!("2026-11-25T{time}Z").parse().unwrap()
}

/// Of `db`: `user` was written at ten o'clock by one, all others at noon by another.
fn written() -> Written {
    let data = json!({ "f:data": { ".": {}, "f:user": {} } });
    let others = json!({ "f:data": { "f:password": {}, "f:ca.crt": {} } });
    Written::of(None, [(at("10:00:00"), &data), (at("12:00:00"), &others)])
}

fn variable(key: &str) -> Value {
    json!([{ "name": "P", "valueFrom": { "secretKeyRef": { "name": "db", "key": key } } }])
}

fn file(mount: Value) -> Value {
    let mut whole = json!({ "name": "v", "mountPath": "/v" });
    whole.as_object_mut().unwrap().extend(mount.as_object().unwrap().clone());
    json!([whole])
}

fn status(name: &str, state: Value, restarts: u64) -> Value {
    json!({ "name": name, "state": state, "restartCount": restarts })
}

fn running(time: &str) -> Value {
    json!({ "running": { "startedAt": at(time) } })
}

fn pod(started: &str, containers: Value, statuses: Value) -> Value {
    json!({
        "metadata": { "name": "a", "creationTimestamp": at(started) },
        "spec": {
            "containers": containers,
            "volumes": [{ "name": "v", "secret": { "secretName": "db" } }],
        },
        "status": {
            "phase": "Running", "startTime": at(started), "containerStatuses": statuses,
        },
    })
}

#[track_caller]
fn is_older(pod: Value) -> bool {
    serde_json::from_value::<Pod>(pod).unwrap().is_older("db", &written())
}

#[test]
fn only_containers_that_keep_something_of_the_secret_count() {
    // One that has run since yesterday and reads nothing, and one that was started anew in its place.
    let both = |restarted: &str| {
        let containers = json!([
            { "name": "proxy" }, { "name": "app", "env": variable("password") },
        ]);
        let statuses =
            json!([status("proxy", running("09:00:00"), 0), status("app", running(restarted), 1),]);
        pod("09:00:00", containers, statuses)
    };
    assert!(is_older(both("11:00:00")));
    assert!(!is_older(both("13:00:00")));
    let one = |env: Value| {
        pod(
            "11:00:00",
            json!([{ "name": "app", "env": env }]),
            json!([status("app", running("11:00:01"), 0)]),
        )
    };
    assert!(is_older(one(variable("password"))));
    // Of a key that was written before, and of one that is not there.
    assert!(!is_older(one(variable("user"))));
    assert!(!is_older(one(variable("gone"))));
    assert!(!is_older(one(json!([{ "name": "P", "value": "x" }]))));
}

#[test]
fn files_by_sub_path_are_of_when_the_volume_was_filled() {
    let with = |mount: Value, started: &str, ran: &str, restarts: u64| {
        pod(
            started,
            json!([{ "name": "app", "volumeMounts": file(mount) }]),
            json!([status("app", running(ran), restarts)]),
        )
    };
    let by_path = || json!({ "subPath": "password" });
    assert!(is_older(with(by_path(), "11:00:00", "11:00:05", 0)));
    assert!(!is_older(with(by_path(), "12:00:00", "12:00:05", 0)));
    // Its image was pulled for long: the volume was filled before the write.
    assert!(is_older(with(by_path(), "11:55:00", "12:30:00", 0)));
    // Started again: the volume is at most so much behind.
    assert!(!is_older(with(by_path(), "11:00:00", "12:02:30", 1)));
    assert!(is_older(with(by_path(), "11:00:00", "12:02:29", 1)));
    assert!(!is_older(with(by_path(), "12:00:00", "12:00:30", 1)));
    // Another file, and what the kubelet keeps current.
    assert!(!is_older(with(json!({ "subPath": "user" }), "11:00:00", "11:00:05", 0)));
    assert!(!is_older(with(json!({}), "11:00:00", "11:00:05", 0)));
}

#[test]
fn what_reads_when_it_starts_next_is_not_older() {
    let with = |state: Value| {
        pod(
            "11:00:00",
            json!([{ "name": "app", "env": variable("password") }]),
            json!([status("app", state, 3)]),
        )
    };
    assert!(!is_older(with(json!({ "waiting": { "reason": "CrashLoopBackOff" } }))));
    assert!(!is_older(with(json!({ "terminated": { "startedAt": null } }))));
    // Without a word about the container the pod's time counts.
    let mut pod = with(json!({}));
    assert!(is_older(pod.clone()));
    pod["status"]["containerStatuses"] = json!(null);
    assert!(is_older(pod));
}

#[test]
fn what_an_init_container_made_of_a_value_stays() {
    let with = |policy: Value, state: Value| {
        let mut pod = pod(
            "09:00:00",
            json!([{ "name": "app" }]),
            json!([status("app", running("13:00:00"), 4)]),
        );
        pod["spec"]["initContainers"] =
            json!([{ "name": "init", "env": variable("password"), "restartPolicy": policy }]);
        pod["status"]["initContainerStatuses"] = json!([status("init", state, 0)]);
        pod
    };
    let ended = |time: &str| json!({ "terminated": { "startedAt": at(time) } });
    assert!(is_older(with(json!(null), ended("11:00:00"))));
    assert!(!is_older(with(json!(null), ended("12:30:00"))));
    // A sidecar starts again by itself.
    assert!(is_older(with(json!("Always"), running("11:00:00"))));
    assert!(!is_older(with(json!("Always"), ended("11:00:00"))));
}

#[test]
fn containers_begin_by_what_they_read() {
    let mut it = pod(
        "10:00:00",
        json!([
            { "name": "proxy" },
            { "name": "app", "env": variable("password") },
            { "name": "waits", "env": variable("user") },
            { "name": "ended", "volumeMounts": file(json!({})) },
        ]),
        json!([
            status("proxy", running("10:00:01"), 0),
            status("app", running("10:00:05"), 0),
            status("waits", json!({ "waiting": {} }), 0),
            status("ended", json!({ "terminated": { "startedAt": at("10:00:07") } }), 0),
        ]),
    );
    it["spec"]["initContainers"] = json!([{ "name": "first", "env": variable("user") }]);
    it["status"]["initContainerStatuses"] =
        json!([status("first", json!({ "terminated": { "startedAt": at("10:00:02") } }), 0)]);
    let began = |keys: &[&str], time: &str| Began {
        secret: "db".into(),
        keys: KeySet::Some(keys.iter().map(|key| Box::from(*key)).collect()),
        at: at(time),
    };
    let all = Began { keys: KeySet::All, ..began(&[], "10:00:07") };
    assert_eq!(
        Began::of_pod(&it),
        [began(&["password"], "10:00:05"), all, began(&["user"], "10:00:02")]
    );
    assert_eq!(Began::of_pod(&json!({ "status": 7 })), []);
}
