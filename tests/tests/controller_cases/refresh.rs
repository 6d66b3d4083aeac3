//! When values are fetched again, and when not.

use extsecret_tests::controller::Controller;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, data};

/// A spec of one key, `key`, for the secret `db`, with more fields.
fn spec(more: &Value) -> Value {
    let mut spec = json!({ "data": data(&[("key", "db", "")]) });
    crate::room::merge(&mut spec, more);
    spec
}

/// A room in which the ExternalSecret `web` has been synced with `1`, and the provider has `2` now.
fn open(case: &str, more: &Value) -> Option<Room> {
    let room = Room::open(case)?;
    room.put_secrets(&[("db", "1")]);
    room.put_external_secret("web", &spec(more));
    room.ready("web");
    room.has("web", &json!({ "data": { "key": "1" } }));
    room.put_secrets(&[("db", "2")]);
    Some(room)
}

/// Checks that the target is not refreshed by itself.
#[track_caller]
fn assert_stays(room: &Room) {
    let before = room.get("externalsecrets", "web");
    room.let_seconds_pass();
    room.has("web", &json!({ "data": { "key": "1" } }));
    assert_eq!(room.get("externalsecrets", "web"), before, "not even its status");
}

#[test]
fn values_are_refreshed_at_the_interval() {
    let room = require!(open("periodic", &json!({ "refreshInterval": "1s" })));
    room.has("web", &json!({ "data": { "key": "2" } }));
    room.event("web", "Updated", "secret updated");
    let first = room.ready("web")["status"]["refreshTime"].clone();
    room.wait("externalsecrets", "web", "a later refresh", |object| {
        let time = object.unwrap_or_default()["status"]["refreshTime"].clone();
        if time.as_str() > first.as_str() { Ok(()) } else { Err(time.to_string()) }
    });
}

#[test]
fn within_the_interval_nothing_is_fetched_or_written() {
    let room = require!(open("not-yet", &json!({})));
    assert_stays(&room);
    assert_eq!(room.reads("db"), 1);
}

/// Any annotation or label does it; `force-sync` is what ESO's documentation suggests.
#[test]
fn a_change_of_the_metadata_or_the_spec_refreshes_at_once() {
    let room = require!(open("force", &json!({ "target": { "template": {} } })));
    let change = |metadata: Value| {
        room.patch("externalsecrets", "web", &json!({ "metadata": metadata }));
    };
    change(json!({ "annotations": { "force-sync": "1" } }));
    room.has("web", &json!({ "data": { "key": "2" } }));
    room.put_secrets(&[("db", "3")]);
    change(json!({ "labels": { "team": "shop" } }));
    room.has("web", &json!({ "data": { "key": "3" } }));
    room.put_secrets(&[("db", "4")]);
    let renamed = json!({ "spec": { "data": data(&[("renamed", "db", "")]) } });
    room.patch("externalsecrets", "web", &renamed);
    room.has("web", &json!({ "data": { "renamed": "4" } }));
    room.ready("web");
}

#[test]
fn a_change_of_the_status_refreshes_nothing() {
    let room = require!(open("status-only", &json!({})));
    let path = format!("{}/status", room.path("externalsecrets", "web"));
    let status = json!({ "status": { "binding": { "name": "somebody's" } } });
    room.bench.api.patch(&path, &status);
    assert_stays(&room);
}

/// Here ESO leaves the target as it is for ever, whatever changes in the ExternalSecret.
#[test]
fn an_interval_of_zero_refreshes_at_changes_only() {
    let room = require!(open("zero", &json!({ "refreshInterval": "0" })));
    assert_stays(&room);
    room.patch(
        "externalsecrets",
        "web",
        &json!({ "spec": { "data": data(&[("new", "db", "")]) } }),
    );
    room.has("web", &json!({ "data": { "new": "2" } }));
    room.put_secrets(&[("db", "3")]);
    room.delete("secrets", "web");
    room.has("web", &json!({ "data": { "new": "3" } }));
}

#[test]
fn an_interval_of_zero_may_freeze_the_target_as_with_eso() {
    let room = require!(Room::open("frozen"));
    let namespace = format!("--namespace={}", room.namespace);
    let args = ["--controller-class=frozen", "--freeze-interval-zero", &namespace];
    let (cluster, aws) = (&room.bench.cluster, &room.bench.aws);
    let _controller = Controller::start_without_credentials(cluster, aws, &args);
    room.patch("secretstores", "secrets", &json!({ "spec": { "controller": "frozen" } }));
    room.put_secrets(&[("db", "1")]);
    room.put_external_secret("web", &spec(&json!({ "refreshInterval": "0" })));
    room.ready("web");
    room.put_secrets(&[("db", "2")]);
    let change = json!({ "metadata": { "annotations": { "force-sync": "1" } } });
    room.patch("externalsecrets", "web", &change);
    assert_stays(&room);
    room.delete("secrets", "web");
    room.has("web", &json!({ "data": { "key": "2" }, "annotations": { "force-sync": "1" } }));
}

#[test]
fn created_once_is_fetched_once() {
    let policy = json!({ "refreshPolicy": "CreatedOnce", "refreshInterval": "1s" });
    let room = require!(open("created-once", &policy));
    room.patch(
        "externalsecrets",
        "web",
        &json!({ "spec": { "data": data(&[("new", "db", "")]) } }),
    );
    assert_stays(&room);
    room.delete("secrets", "web");
    room.has("web", &json!({ "data": { "new": "2" } }));
}

#[test]
fn on_change_is_fetched_at_changes() {
    let policy = json!({ "refreshPolicy": "OnChange", "refreshInterval": "1s" });
    let room = require!(open("on-change", &policy));
    assert_stays(&room);
    let change = json!({ "metadata": { "labels": { "a": "1" } } });
    room.patch("externalsecrets", "web", &change);
    room.has("web", &json!({ "data": { "key": "2" }, "labels": { "a": "1" } }));
}

#[test]
fn a_sync_window_holds_refreshes_back_and_nothing_else() {
    let always = json!([{ "schedule": "0 0 * * *", "duration": "24h" }]);
    let never = json!([{ "schedule": "0 0 31 2 *", "duration": "1m" }]);
    for (kind, windows) in [("deny", &always), ("allow", &never)] {
        let windows = json!({ "kind": kind, "windows": windows });
        let interval = json!({ "refreshInterval": "1s", "syncWindows": windows });
        let room = require!(open(&format!("window-{kind}"), &interval));
        assert_stays(&room);
        let change = json!({ "metadata": { "labels": { "a": "1" } } });
        room.patch("externalsecrets", "web", &change);
        room.has("web", &json!({ "data": { "key": "2" }, "labels": { "a": "1" } }));
    }
    let windows = json!({ "kind": "allow", "windows": always });
    let interval = json!({ "refreshInterval": "1s", "syncWindows": windows });
    let room = require!(open("window-open", &interval));
    room.has("web", &json!({ "data": { "key": "2" } }));
}
