//! Keys that are put into a Secret of somebody else, and taken out of it again.

use std::time::Duration;

use extsecret_tests::controller::{now, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Workload, reads};
use crate::synced::refresh;

/// A Secret that nobody calls ours.
fn theirs(fleet: &Fleet<'_>, name: &str, data: &Value) {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": name }, "data": data });
    fleet.api.create(&fleet.core("secrets"), &secret);
}

/// An ExternalSecret that puts the key `value` into the Secret of its name, and takes it out when the
/// value is gone.
fn merge(room: &Room<'_>, fleet: &Fleet<'_>, name: &str) {
    room.aws.secrets().put(name, "a");
    let data = json!([{ "secretKey": "value", "remoteRef": { "key": name } }]);
    let target = json!({ "creationPolicy": "Merge", "deletionPolicy": "Merge" });
    fleet.reader(name, "aws", &json!({ "data": data, "target": target }));
}

/// One that has all keys of a Secret as variables, and one that has the key `theirs`.
fn readers(room: &Room<'_>, secret: &str) -> [Workload; 2] {
    let all = json!({ "containers": [{ "name": "app", "image": "app",
        "envFrom": [{ "secretRef": { "name": secret } }] }] });
    [
        room.workload("Deployment", &format!("{secret}-all"), &all),
        room.deployment(&format!("{secret}-named"), secret, &["theirs"]),
    ]
}

/// The readers of two Secrets of somebody else: `db`, and `same`, in which all that is to be merged into
/// it is there already.
fn read(room: &Room<'_>, fleet: &Fleet<'_>) -> [[Workload; 2]; 2] {
    theirs(fleet, "db", &json!({ "theirs": "YQ==" }));
    theirs(fleet, "same", &json!({ "theirs": "YQ==", "value": "YQ==" }));
    let all = ["db", "same"].map(|secret| readers(room, secret));
    for readers in &all {
        room.wait_done(readers);
    }
    all
}

fn keys(fleet: &Fleet<'_>, name: &str) -> Vec<String> {
    let secret = fleet.api.get(&fleet.core(&format!("secrets/{name}"))).expect("a Secret");
    secret["data"].as_object().into_iter().flatten().map(|(key, _)| key.clone()).collect()
}

#[test]
fn whoever_reads_all_of_a_secret_restarts_for_keys_that_are_merged_into_it_and_taken_out() {
    let room = Room::new(require!(crate::shared()));
    let fleet = Fleet { api: room.api, namespace: room.namespace.clone() };
    fleet.store("aws", room.aws.region(), &json!({}));
    let [db, same] = read(&room, &fleet);
    let controller = room.controller();
    room.wait_judged();
    merge(&room, &fleet, "db");
    merge(&room, &fleet, "same");
    fleet.wait_ready(2);
    room.wait_restarts(&db[..1], 1);
    room.wait_done(&db);
    room.wait_noted(&db);
    room.wait_noted(&same);
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);
    assert_eq!(room.restarts_of(&same), [0, 0]);

    // A label that comes with the ExternalSecret, and one that somebody else puts there.
    let label = |value: &str| json!({ "metadata": { "labels": { value: "b" } } });
    room.api.patch(&fleet.ours("externalsecrets/db"), &label("ours"));
    wait_until(SOON, "the Secret has it", || {
        let secret = room.api.get(&fleet.core("secrets/db"))?;
        (secret["metadata"]["labels"]["ours"] == "b").then_some(())
    });
    room.patch_secret("db", &label("theirs"));
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);

    room.aws.secrets().delete("db");
    refresh(&fleet, &["db"], 1);
    wait_until(SOON, "its key is gone", || (keys(&fleet, "db") == ["theirs"]).then_some(()));
    room.wait_restarts(&db[..1], 2);
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [2, 0]);
    assert_eq!(room.restarts_of(&same), [0, 0]);
    controller.stop();
}

/// The same for a controller that sees nothing but what is left.
#[test]
fn keys_that_went_while_nobody_watched_restart_whoever_reads_all_of_the_secret() {
    let room = Room::new(require!(crate::shared()));
    let fleet = Fleet { api: room.api, namespace: room.namespace.clone() };
    fleet.store("aws", room.aws.region(), &json!({}));
    theirs(&fleet, "db", &json!({ "theirs": "YQ==" }));
    merge(&room, &fleet, "db");
    let controller = room.controller();
    fleet.wait_ready(1);
    room.wait_judged();
    let db = readers(&room, "db");
    room.wait_done(&db);
    room.wait_noted(&db);
    room.wait_judged();
    controller.kill();

    let controller = room.controller_with(&["--restarts=off"]);
    room.aws.secrets().delete("db");
    refresh(&fleet, &["db"], 1);
    wait_until(SOON, "its key is gone", || (keys(&fleet, "db") == ["theirs"]).then_some(()));
    controller.stop();
    assert_eq!(room.restarts_of(&db), [0, 0]);

    let controller = room.controller();
    room.wait_restarts(&db[..1], 1);
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);
    controller.stop();
    let controller = room.controller();
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);
    controller.stop();
}

/// Somebody who sees the write and has not made it: a replica that waits, and whose leader dies before
/// it has restarted anything.
#[test]
fn keys_that_a_leader_merged_before_it_died_restart_whoever_reads_all_of_the_secret() {
    let room = Room::new(require!(crate::shared()));
    let fleet = Fleet { api: room.api, namespace: room.namespace.clone() };
    fleet.store("aws", room.aws.region(), &json!({}));
    let [db, same] = read(&room, &fleet);
    // Whoever made them says something of them later, which moves the time of all that it holds.
    for name in ["db", "same"] {
        room.patch_secret(name, &json!({ "metadata": { "labels": { "a": "b" } } }));
    }
    let election =
        ["--enable-leader-election", &format!("--leader-election-namespace={}", room.namespace)];
    let never = ["--restart-debounce=1h", "--restart-max-hold=1h"];
    let first = room.controller_with(&[&election[..], &never].concat());
    let second = room.controller_with(&election);
    // Times are to the second, and of one and the same nobody knows what was first.
    let done = now();
    wait_until(SOON, "another second", || (done.elapsed() > Duration::from_secs(1)).then_some(()));
    merge(&room, &fleet, "db");
    merge(&room, &fleet, "same");
    fleet.wait_ready(2);
    wait_until(SOON, "the change waits", || {
        (first.metric("extsecret_restart_pending{reason=\"Debounce\"}") > 0.5).then_some(())
    });
    first.kill();
    room.wait_restarts(&db[..1], 1);
    room.wait_done(&db);
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);
    assert_eq!(room.restarts_of(&same), [0, 0]);
    second.stop();
}

/// What takes a key out and changes nothing else leaves no time.
#[test]
fn keys_that_somebody_takes_out_by_hand_restart_whoever_reads_all_of_the_secret() {
    let room = Room::new(require!(crate::shared()));
    let fleet = Fleet { api: room.api, namespace: room.namespace.clone() };
    room.secret("db", &[("theirs", "a"), ("value", "a")]);
    let controller = room.controller();
    room.wait_judged();
    let db = readers(&room, "db");
    room.wait_done(&db);
    room.wait_noted(&db);
    room.wait_judged();
    let before = written(&fleet);
    room.patch_secret("db", &json!({ "data": { "value": null } }));
    assert_eq!(written(&fleet), before, "it left a time: this tries nothing");
    room.wait_restarts(&db[..1], 1);
    room.wait_done(&db);
    // It is once, also for tools that take away what is noted.
    room.strip(&db[0]);
    room.wait_noted(&db);
    room.wait_judged();
    assert_eq!(room.restarts_of(&db), [1, 0]);
    controller.stop();
}

/// The times of all who have written the Secret `db`.
fn written(fleet: &Fleet<'_>) -> Vec<Value> {
    let secret = fleet.api.get(&fleet.core("secrets/db")).expect("a Secret");
    let entries = secret["metadata"]["managedFields"].as_array().expect("a list");
    entries.iter().map(|entry| entry["time"].clone()).collect()
}

/// As when an ExternalSecret and what reads it get a key at once.
#[test]
fn pods_that_wait_for_a_key_do_not_restart_when_it_comes() {
    let room = Room::new(require!(crate::shared()));
    room.secret("db", &[("used", "a")]);
    let controller = room.controller();
    room.wait_judged();
    let all = [room.deployment("web", "db", &["used"])];
    room.wait_done(&all);
    room.wait_noted(&all);
    let pod = reads("db", &["used", "new"]);
    let change = json!({ "spec": { "template": { "spec": pod } } });
    room.api.patch(&room.apps("Deployment", "web"), &change);
    wait_until(SOON, "a new pod waits", || {
        let pods = room.api.list(&format!("api/v1/namespaces/{}/pods", room.namespace));
        pods.iter()
            .any(|it| {
                it["metadata"]["labels"]["app"] == "web" && it["status"]["phase"] == "Pending"
            })
            .then_some(())
    });
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1]);
    room.put("db", "new", "a");
    room.wait_done(&all);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [1]);
    // Its value counts from then on.
    room.put("db", "new", "b");
    room.wait_restarts(&all, 2);
    room.wait_judged();
    assert_eq!(room.restarts_of(&all), [2]);
    controller.stop();
}
