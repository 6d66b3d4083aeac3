//! Whose the target is, what is written into it, and when it goes.

use extsecret_tests::admission::Denial;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, data, plain, ready_condition};

/// A spec of one key, `key`, for the secret `db`, with a target.
fn to(target: &Value) -> Value {
    json!({ "target": target, "data": data(&[("key", "db", "")]) })
}

/// The same, refreshed every second.
fn often(target: &Value) -> Value {
    let mut spec = to(target);
    spec["refreshInterval"] = json!("1s");
    spec
}

/// A room with a secret `db`.
fn open(case: &str) -> Option<Room> {
    let room = Room::open(case)?;
    room.put_secrets(&[("db", "1")]);
    Some(room)
}

#[test]
fn the_marks_are_those_of_eso() {
    let room = require!(open("marks"));
    room.put_secrets(&[("foo", "value1"), ("bar", "value2")]);
    room.put_external_secret(
        "web",
        &json!({ "data": data(&[("foo", "foo", ""), ("bar", "bar", "")]) }),
    );
    room.ready("web");
    let secret = room.has("web", &json!({ "data": { "foo": "value1", "bar": "value2" } }));
    room.assert_marks(&secret, "web", true);
    let hash = &secret["metadata"]["annotations"]["reconcile.external-secrets.io/data-hash"];
    assert_eq!(hash, "1bed8bcbcb4547ffe19a19cd47d9078e84aa6598266d86b99f992d64");
    assert_eq!(
        secret["metadata"]["managedFields"][0]["manager"],
        "externalsecrets.external-secrets.io/web"
    );
}

#[test]
fn long_names_work() {
    let room = require!(open("long-names"));
    let name = "n".repeat(100);
    let target = "t".repeat(200);
    room.put_external_secret(&name, &to(&json!({ "name": target })));
    room.ready(&name);
    let secret = room.has(&target, &json!({ "data": { "key": "1" } }));
    room.assert_marks(&secret, &name, true);
    let manager = secret["metadata"]["managedFields"][0]["manager"].as_str().unwrap();
    assert!(manager.starts_with("externalsecrets.external-secrets.io/sha3/"), "{manager}");
}

#[test]
fn a_target_that_is_deleted_or_edited_is_made_right_at_once() {
    let room = require!(open("drift"));
    let wanted = json!({ "data": { "key": "1" } });
    for (policy, is_owned) in [("Owner", true), ("CreateOrMerge", false)] {
        room.put_external_secret(
            "web",
            &to(&json!({ "name": "target", "creationPolicy": policy })),
        );
        let secret = room.has("target", &wanted);
        room.delete("secrets", "target");
        let again = room.has("target", &wanted);
        assert_ne!(again["metadata"]["uid"], secret["metadata"]["uid"], "{policy}");
        room.patch("secrets", "target", &json!({ "data": { "key": "Y2hhbmdlZA==" } }));
        room.has("target", &wanted);
        let label = json!({ "metadata": { "labels": {
            "reconcile.external-secrets.io/managed": null,
        } } });
        room.patch("secrets", "target", &label);
        room.wait("secrets", "target", "the label is back", |secret| {
            let labels = secret.unwrap_or_default()["metadata"]["labels"].to_string();
            if labels.contains("/managed") { Ok(()) } else { Err(labels) }
        });
        let secret = room.has("target", &wanted);
        room.assert_marks(&secret, "web", is_owned);
        room.delete("externalsecrets", "web");
        room.is_gone("externalsecrets", "web");
        if is_owned {
            room.is_gone("secrets", "target");
        }
    }
}

/// ESO leaves both as they are until the next refresh.
#[test]
fn an_owner_reference_that_is_taken_away_comes_back() {
    let room = require!(open("owner-reference"));
    room.put_external_secret("web", &to(&json!({})));
    room.ready("web");
    room.has("web", &json!({ "data": { "key": "1" } }));
    room.patch("secrets", "web", &json!({ "metadata": { "ownerReferences": null } }));
    let secret = room.wait("secrets", "web", "the owner is back", |secret| {
        let secret = secret.unwrap_or_default();
        let owners = &secret["metadata"]["ownerReferences"];
        if owners.is_array() { Ok(secret) } else { Err(owners.to_string()) }
    });
    room.assert_marks(&secret, "web", true);
}

#[test]
fn a_renamed_target_leaves_nothing_behind() {
    let room = require!(open("renamed"));
    room.put_external_secret("web", &to(&json!({ "name": "before" })));
    room.has("before", &json!({ "data": { "key": "1" } }));
    room.ready("web");
    // Somebody's copy has the label, and is not the controller's.
    let copy = room.get("secrets", "before").unwrap();
    let label = "reconcile.external-secrets.io/created-by";
    let labels = json!({ label: copy["metadata"]["labels"][label] });
    room.create("secrets", "copy", &json!({ "metadata": { "labels": labels } }));
    room.patch("externalsecrets", "web", &json!({ "spec": { "target": { "name": "after" } } }));
    room.has("after", &json!({ "data": { "key": "1" } }));
    room.is_gone("secrets", "before");
    let object = room.ready("web");
    assert_eq!(object["status"]["binding"]["name"], "after");
    assert!(room.get("secrets", "copy").is_some());
    room.event("web", "Deleted", "orphaned");
}

#[test]
fn nothing_is_bound_before_something_is_written() {
    let room = require!(Room::open("unbound"));
    room.put_external_secret("web", &to(&json!({})));
    let object = room.fails("web", "could not get secret data from provider: ");
    assert_eq!(object["status"]["binding"]["name"].as_str().unwrap_or_default(), "");
    assert_eq!(object["status"]["refreshTime"], Value::Null);
    assert_eq!(object["status"]["syncedResourceVersion"], Value::Null);
    assert_eq!(room.get("secrets", "web"), None);
}

#[test]
fn labels_and_annotations_come_from_the_external_secret_without_a_template() {
    let room = require!(open("metadata"));
    let metadata =
        json!({ "labels": { "team": "shop", "old": "1" }, "annotations": { "note": "x" } });
    room.put_external_secret_with("web", &to(&json!({})), &metadata);
    let wanted = json!({
        "data": { "key": "1" },
        "labels": { "team": "shop", "old": "1" }, "annotations": { "note": "x" },
    });
    room.has("web", &wanted);
    // Somebody else's stay; those that are not wanted any more go.
    let theirs = json!({ "labels": { "theirs": "1" }, "annotations": { "theirs": "1" } });
    room.patch("secrets", "web", &json!({ "metadata": theirs }));
    let ours = json!({ "labels": { "old": null, "new": "1" }, "annotations": { "note": null } });
    room.patch("externalsecrets", "web", &json!({ "metadata": ours }));
    room.has(
        "web",
        &json!({
            "data": { "key": "1" },
            "labels": { "team": "shop", "new": "1", "theirs": "1" },
            "annotations": { "theirs": "1" },
        }),
    );
    room.ready("web");
}

#[test]
fn a_template_of_metadata_keeps_the_values_and_replaces_the_labels() {
    let room = require!(open("metadata-template"));
    let template = json!({ "metadata": {
        "labels": { "of": "the-template" }, "annotations": { "value": "{{ .key }}" },
        "finalizers": ["example.test/wait"],
    } });
    room.put_external_secret_with(
        "web",
        &to(&json!({ "template": template })),
        &json!({ "labels": { "of": "the-object" }, "annotations": { "of": "the-object" } }),
    );
    let secret = room.has(
        "web",
        &json!({
            "data": { "key": "1" },
            "labels": { "of": "the-template" }, "annotations": { "value": "1" },
        }),
    );
    assert_eq!(secret["metadata"]["finalizers"], json!(["example.test/wait"]));
}

fn put_target(room: &Room, name: &str, fields: &Value) {
    let mut object = json!({ "stringData": { "theirs": "kept", "key": "theirs" } });
    crate::room::merge(&mut object, fields);
    room.create("secrets", name, &object);
}

#[test]
fn merge_adds_keys_to_what_is_there() {
    let room = require!(open("merge"));
    put_target(&room, "target", &json!({ "metadata": { "labels": { "theirs": "1" } } }));
    let target = json!({ "name": "target", "creationPolicy": "Merge" });
    room.put_external_secret("web", &to(&target));
    room.ready("web");
    // A key of both is the provider's.
    let wanted = json!({ "data": { "theirs": "kept", "key": "1" }, "labels": { "theirs": "1" } });
    let secret = room.has("target", &wanted);
    room.assert_marks(&secret, "web", false);

    room.patch("secrets", "target", &json!({ "stringData": { "key": "edited" } }));
    room.has("target", &wanted);

    // Nothing changed, and so nothing is written.
    let before = room.get("secrets", "target").unwrap();
    room.patch("externalsecrets", "web", &json!({ "metadata": { "labels": { "theirs": "1" } } }));
    room.ready("web");
    room.let_seconds_pass();
    let after = room.get("secrets", "target").unwrap();
    assert_eq!(plain(&after), plain(&before));
    assert_eq!(after["data"], before["data"]);

    room.delete("externalsecrets", "web");
    room.is_gone("externalsecrets", "web");
    room.let_seconds_pass();
    assert!(room.get("secrets", "target").is_some(), "it is not ours to delete");
}

#[test]
fn merge_waits_for_its_target() {
    let room = require!(open("merge-missing"));
    room.put_external_secret("web", &to(&json!({ "creationPolicy": "Merge" })));
    room.says(
        "web",
        "True",
        "SecretMissing",
        "secret will not be created due to CreationPolicy=Merge",
    );
    assert_eq!(room.get("secrets", "web"), None);
    put_target(&room, "web", &json!({}));
    room.has("web", &json!({ "data": { "theirs": "kept", "key": "1" } }));
    room.ready("web");
}

#[test]
fn create_or_merge_makes_its_target_or_adds_to_it() {
    let room = require!(open("create-or-merge"));
    put_target(&room, "there", &json!({}));
    for (name, wanted) in
        [("new", json!({ "key": "1" })), ("there", json!({ "theirs": "kept", "key": "1" }))]
    {
        room.put_external_secret(name, &to(&json!({ "creationPolicy": "CreateOrMerge" })));
        room.ready(name);
        let secret = room.has(name, &json!({ "data": wanted }));
        room.assert_marks(&secret, name, false);
    }
    room.delete("externalsecrets", "new");
    room.is_gone("externalsecrets", "new");
    room.let_seconds_pass();
    assert!(room.get("secrets", "new").is_some());
}

#[test]
fn an_orphan_outlives_its_external_secret() {
    let room = require!(open("orphan"));
    put_target(&room, "there", &json!({}));
    for name in ["new", "there"] {
        room.put_external_secret(name, &often(&json!({ "creationPolicy": "Orphan" })));
        room.ready(name);
        let secret = room.has(name, &json!({ "data": { "key": "1" } }));
        room.assert_marks(&secret, name, false);
        room.delete("externalsecrets", name);
        room.is_gone("externalsecrets", name);
    }
    room.let_seconds_pass();
    assert!(room.get("secrets", "new").is_some() && room.get("secrets", "there").is_some());
}

#[test]
fn an_orphan_that_is_missing_is_made_at_the_next_refresh_only() {
    let room = require!(open("orphan-missing"));
    let spec = to(&json!({ "creationPolicy": "Orphan" }));
    room.put_external_secret("web", &spec);
    room.ready("web");
    room.delete("secrets", "web");
    room.let_seconds_pass();
    assert_eq!(room.get("secrets", "web"), None);
    room.patch("externalsecrets", "web", &json!({ "metadata": { "annotations": { "x": "1" } } }));
    room.has("web", &json!({ "data": { "key": "1" }, "annotations": { "x": "1" } }));
}

#[test]
fn none_reads_and_writes_nothing() {
    let room = require!(open("none"));
    put_target(&room, "there", &json!({}));
    for name in ["new", "there"] {
        room.put_external_secret(name, &to(&json!({ "creationPolicy": "None" })));
        room.ready(name);
    }
    assert!(room.reads("db") > 0);
    assert_eq!(room.get("secrets", "new"), None);
    let there = room.get("secrets", "there").unwrap();
    assert_eq!(there["metadata"]["labels"], Value::Null);
    assert_eq!(there["metadata"]["managedFields"].as_array().unwrap().len(), 1);
}

#[test]
fn a_target_of_another_external_secret_is_left_alone_until_it_is_free() {
    let room = require!(open("two-owners"));
    room.put_secrets(&[("other", "2")]);
    room.put_external_secret("first", &to(&json!({ "name": "target" })));
    room.ready("first");
    let spec = json!({ "target": { "name": "target" }, "data": data(&[("key", "other", "")]) });
    room.put_external_secret("second", &spec);
    let object = room.fails("second", "target is owned by another ExternalSecret: ");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("first"), "{message}");
    assert!(room.event("second", "UpdateFailed", "first").contains("spec.target.name"));
    let secret = room.has("target", &json!({ "data": { "key": "1" } }));
    room.assert_marks(&secret, "first", true);
    room.ready("first");

    room.delete("externalsecrets", "first");
    room.ready("second");
    let secret = room.has("target", &json!({ "data": { "key": "2" } }));
    room.assert_marks(&secret, "second", true);
}

#[test]
fn a_target_that_something_else_controls_is_left_alone_until_it_is_free() {
    let room = require!(open("foreign-owner"));
    room.create("configmaps", "owner", &json!({}));
    let owner = room.get("configmaps", "owner").unwrap();
    let owner = json!([{
        "apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"],
        "controller": true,
    }]);
    put_target(&room, "web", &json!({ "metadata": { "ownerReferences": owner } }));
    room.put_external_secret("web", &to(&json!({})));
    let object = room.fails("web", "failed to take ownership of target secret: ");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("ConfigMap"), "{message}");
    let secret = room.has("web", &json!({ "data": { "theirs": "kept", "key": "theirs" } }));
    assert_eq!(secret["metadata"]["labels"], Value::Null, "not even the label");

    room.patch("secrets", "web", &json!({ "metadata": { "ownerReferences": null } }));
    room.ready("web");
    let secret = room.has("web", &json!({ "data": { "key": "1" } }));
    room.assert_marks(&secret, "web", true);
}

#[test]
fn a_target_that_nothing_controls_is_taken_over() {
    let room = require!(open("adopted"));
    put_target(&room, "web", &json!({ "metadata": { "labels": { "theirs": "1" } } }));
    room.put_external_secret("web", &to(&json!({})));
    room.ready("web");
    let secret = room.has("web", &json!({ "data": { "key": "1" }, "labels": { "theirs": "1" } }));
    room.assert_marks(&secret, "web", true);
}

#[test]
fn a_target_that_is_not_owned_any_more_has_no_owner() {
    let room = require!(open("disowned"));
    room.put_external_secret("web", &to(&json!({})));
    room.ready("web");
    let secret = room.has("web", &json!({ "data": { "key": "1" } }));
    room.assert_marks(&secret, "web", true);
    let change = json!({ "spec": { "target": { "creationPolicy": "Orphan" } } });
    room.patch("externalsecrets", "web", &change);
    room.ready("web");
    let secret = room.has("web", &json!({ "data": { "key": "1" } }));
    room.assert_marks(&secret, "web", false);
}

#[test]
fn an_immutable_target_keeps_its_values_and_is_made_anew_when_it_is_deleted() {
    let room = require!(open("immutable"));
    room.put_external_secret("web", &often(&json!({ "immutable": true })));
    let secret = room.has("web", &json!({ "data": { "key": "1" } }));
    assert_eq!(secret["immutable"], true);
    room.put_secrets(&[("db", "2")]);
    room.says(
        "web",
        "True",
        "SecretSynced",
        "secret synced; the values at the provider are others",
    );
    room.has("web", &json!({ "data": { "key": "1" } }));
    room.delete("secrets", "web");
    let secret = room.has("web", &json!({ "data": { "key": "2" } }));
    assert_eq!(secret["immutable"], true);
    room.says("web", "True", "SecretSynced", "secret synced");
}

#[test]
fn an_immutable_secret_of_somebody_else_cannot_be_written() {
    let room = require!(open("immutable-foreign"));
    put_target(&room, "web", &json!({ "immutable": true }));
    room.put_external_secret("web", &to(&json!({})));
    room.fails("web", "could not update secret, target is immutable: ");
    room.has("web", &json!({ "data": { "theirs": "kept", "key": "theirs" } }));
    room.delete("secrets", "web");
    room.ready("web");
    room.has("web", &json!({ "data": { "key": "1" } }));
}

#[test]
fn the_type_of_a_secret_does_not_change() {
    let room = require!(open("type"));
    put_target(&room, "web", &json!({}));
    room.put_external_secret("web", &to(&json!({ "template": { "type": "example.test/x" } })));
    let object = room.fails("web", "could not update secret: ");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("example.test/x") && message.contains("Opaque"), "{message}");
    room.delete("secrets", "web");
    room.ready("web");
    room.has("web", &json!({ "type": "example.test/x", "data": { "key": "1" } }));
}

/// Whoever forbids a write may allow it a moment later, long before the next refresh.
#[test]
fn a_write_that_somebody_forbids_is_made_when_it_may() {
    let room = require!(open("forbidden"));
    room.put_external_secret("web", &to(&json!({})));
    room.ready("web");
    let rule = json!({
        "apiGroups": [""], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["secrets"],
    });
    let change = |number: usize| json!({ "stringData": { "key": number.to_string() } });
    let denial = Denial::new(
        room.api(),
        &room.namespace,
        &rule,
        "object.data == oldObject.data",
        (&room.path("secrets", "web"), &change),
    );
    room.put_secrets(&[("db", "2")]);
    let force = json!({ "metadata": { "annotations": { "force-sync": "1" } } });
    room.patch("externalsecrets", "web", &force);
    let failed = room.fails("web", "could not update secret: the ValidatingAdmissionPolicy deny-");
    room.has("web", &json!({ "data": { "key": "1" } }));
    // The last that went well, in the form that it has in the API.
    let time = failed["status"]["refreshTime"].as_str().unwrap_or_default();
    assert_eq!(time.len(), "2026-11-27T00:00:00Z".len(), "{time}");
    denial.lift();
    room.ready("web");
    let annotations = json!({ "force-sync": "1" });
    room.has("web", &json!({ "data": { "key": "2" }, "annotations": annotations }));
}

#[test]
fn retain_keeps_a_target_whose_secret_is_gone() {
    let room = require!(open("retain"));
    room.put_external_secret("web", &often(&json!({})));
    room.has("web", &json!({ "data": { "key": "1" } }));
    let synced = room.ready("web");
    room.secrets().delete("db");
    let failed = room.fails(
        "web",
        "could not get secret data from provider: error processing spec.data[0] (key=db): Secret \
         does not exist",
    );
    assert_eq!(
        failed["status"]["syncedResourceVersion"],
        synced["status"]["syncedResourceVersion"]
    );
    assert!(failed["status"]["refreshTime"].is_string());
    room.event("web", "UpdateFailed", "Secret does not exist");
    room.has("web", &json!({ "data": { "key": "1" } }));
    room.put_secrets(&[("db", "2")]);
    room.has("web", &json!({ "data": { "key": "2" } }));
}

#[test]
fn retain_says_that_a_search_found_nothing() {
    let room = require!(open("retain-nothing"));
    let spec = json!({ "dataFrom": [{ "find": { "name": { "regexp": "^nothing" } } }] });
    room.put_external_secret("web", &spec);
    room.says("web", "True", "SecretSynced", "secret retained due to DeletionPolicy=Retain");
    assert_eq!(room.get("secrets", "web"), None);
}

#[test]
fn a_deletion_policy_of_merge_takes_the_keys_and_leaves_the_target() {
    let room = require!(open("deletion-merge"));
    put_target(&room, "web", &json!({}));
    let target = json!({ "creationPolicy": "Merge", "deletionPolicy": "Merge" });
    room.put_external_secret("web", &often(&target));
    room.has("web", &json!({ "data": { "theirs": "kept", "key": "1" } }));
    room.secrets().delete("db");
    room.has("web", &json!({ "data": { "theirs": "kept" } }));
    room.says("web", "True", "SecretSynced", "secret synced; not at the provider: spec.data[0]");
    room.event("web", "MissingProviderSecret", "key=db");
    room.put_secrets(&[("db", "2")]);
    room.has("web", &json!({ "data": { "theirs": "kept", "key": "2" } }));
}

#[test]
fn what_is_not_owned_is_not_deleted() {
    let room = require!(open("delete-orphan"));
    let target = json!({ "creationPolicy": "Orphan", "deletionPolicy": "Delete" });
    room.put_external_secret("web", &often(&target));
    room.has("web", &json!({ "data": { "key": "1" } }));
    room.secrets().delete("db");
    room.fails("web", "could not delete secret: ");
    room.has("web", &json!({ "data": { "key": "1" } }));
}

#[test]
fn a_deleted_external_secret_takes_its_target_along() {
    let room = require!(open("deleted-object"));
    for (name, policy) in [("retain", "Retain"), ("delete", "Delete")] {
        room.put_external_secret(name, &to(&json!({ "deletionPolicy": policy })));
        room.ready(name);
        room.delete("externalsecrets", name);
        room.is_gone("externalsecrets", name);
        room.is_gone("secrets", name);
    }
}

/// With ESO gone, it would keep the object for ever.
#[test]
fn the_finalizer_of_eso_is_taken_off() {
    let room = require!(open("finalizer"));
    let finalizers = json!({ "finalizers": [
        "externalsecrets.external-secrets.io/externalsecret-cleanup", "example.test/theirs",
    ] });
    room.put_external_secret_with("web", &to(&json!({})), &finalizers);
    let object = room.ready("web");
    assert_eq!(object["metadata"]["finalizers"], json!(["example.test/theirs"]));
}
