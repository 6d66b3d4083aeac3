//! Secrets Manager.

use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service, data};
use crate::shared::{self, Case, run};

const SERVICE: Service = Service::SecretsManager;

/// A search in `dataFrom`.
fn find(criteria: &Value) -> Value {
    json!({ "dataFrom": [{ "find": criteria }] })
}

/// Secrets to search in.
fn searched() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("shop/db", "1", json!({ "team": "shop", "tier": "data" })),
        ("shop/cache", "2", json!({ "team": "shop", "tier": "memory" })),
        ("bank/db", "3", json!({ "team": "bank", "tier": "data" })),
        // The values of other tags: no pair of it is asked for.
        ("bank/odd", "4", json!({ "team": "data", "tier": "shop" })),
    ]
}

fn searches() -> Vec<Case> {
    let case = |name, criteria: Value, wanted: Value| Case {
        name,
        remote: searched(),
        spec: find(&criteria),
        wanted: json!({ "data": wanted }),
    };
    vec![
        case(
            "find-by-name",
            json!({ "name": { "regexp": "^(shop|bank)/db$" } }),
            json!({ "shop_db": "1", "bank_db": "3" }),
        ),
        case(
            "find-by-name-anywhere",
            json!({ "name": { "regexp": "/d" } }),
            json!({ "shop_db": "1", "bank_db": "3" }),
        ),
        case(
            "find-by-name-with-path",
            json!({ "path": "shop/", "name": { "regexp": ".*" } }),
            json!({ "shop_db": "1", "shop_cache": "2" }),
        ),
        case(
            "find-by-name-with-unicode-keys",
            json!({ "name": { "regexp": "shop" }, "conversionStrategy": "Unicode" }),
            json!({ "shop_U002f_db": "1", "shop_U002f_cache": "2" }),
        ),
        case(
            "find-by-tag",
            json!({ "tags": { "team": "shop", "tier": "data" } }),
            json!({ "shop_db": "1" }),
        ),
        case(
            "find-by-tag-with-path",
            json!({ "path": "bank/", "tags": { "tier": "data" } }),
            json!({ "bank_db": "3" }),
        ),
        case(
            "find-by-name-and-tag",
            json!({ "name": { "regexp": "b$" }, "tags": { "tier": "data", "team": "bank" } }),
            json!({ "bank_db": "3" }),
        ),
        Case {
            name: "find-and-rewrite",
            remote: searched(),
            spec: json!({ "dataFrom": [{
                "find": { "path": "shop/", "name": { "regexp": "." } },
                "rewrite": [
                    { "regexp": { "source": "^shop/", "target": "" } },
                    { "transform": { "template": "{{ .value | upper }}_URL" } },
                ],
            }] }),
            wanted: json!({ "data": { "DB_URL": "1", "CACHE_URL": "2" } }),
        },
    ]
}

#[test]
fn each_secret_becomes_what_is_asked() {
    let mut cases = shared::cases();
    cases.extend(searches());
    assert!(
        run(&cases, SERVICE, Room::open) || extsecret_tests::tools::cluster_program().is_none()
    );
}

#[test]
fn versions_bytes_and_tags_of_a_secret() {
    let room = require!(Room::open("versions"));
    let secrets = room.secrets();
    let first = secrets.put("app", r#"{"a":"old"}"#);
    room.put(SERVICE, "app", r#"{"a":"new"}"#, &json!({ "owner": "shop", "dotted.tag": "x" }));
    secrets.put_binary("bytes", b"{\"a\": \"from bytes\"}");
    let reference = |key: &str, fields: Value| {
        let mut reference = json!({ "key": key });
        crate::room::merge(&mut reference, &fields);
        reference
    };
    let item = |name: &str, reference: Value| json!({ "secretKey": name, "remoteRef": reference });
    let spec = json!({ "data": [
        item("now", reference("app", json!({}))),
        item("current", reference("app", json!({ "version": "AWSCURRENT" }))),
        item("previous", reference("app", json!({ "version": "AWSPREVIOUS", "property": "a" }))),
        item("first", reference("app", json!({ "version": format!("uuid/{first}") }))),
        item("bytes", reference("bytes", json!({}))),
        item("of-bytes", reference("bytes", json!({ "property": "a" }))),
        item("tags", reference("app", json!({ "metadataPolicy": "Fetch" }))),
        item("tag", reference("app", json!({ "metadataPolicy": "Fetch", "property": "owner" }))),
        item("dotted", reference("app", json!({
            "metadataPolicy": "Fetch", "property": "dotted.tag",
        }))),
    ] });
    room.put_external_secret("web", &spec);
    room.ready("web");
    room.has(
        "web",
        &json!({ "data": {
        "now": r#"{"a":"new"}"#, "current": r#"{"a":"new"}"#, "previous": "old",
        "first": r#"{"a":"old"}"#, "bytes": "{\"a\": \"from bytes\"}", "of-bytes": "from bytes",
        "tags": r#"{"dotted.tag":"x","owner":"shop"}"#, "tag": "shop", "dotted": "x",
    } }),
    );
}

#[test]
fn a_prefix_stands_before_every_key() {
    let room = require!(Room::open("prefix"));
    prefixed(&room, SERVICE, "team/");
}

#[test]
fn a_secret_that_is_deleted_takes_its_target_along() {
    let room = require!(Room::open("deleted"));
    deletion(&room, SERVICE);
}

/// A store's prefix stands before the keys that are read through it.
pub(crate) fn prefixed(room: &Room, service: Service, prefix: &str) {
    room.put(service, &format!("{prefix}db"), "1", &json!({}));
    let mut aws = crate::room::keys("aws-keys", None);
    aws["prefix"] = json!(prefix);
    room.put_store("prefixed", &service.spec(&aws));
    let spec = json!({
        "secretStoreRef": { "name": "prefixed" }, "data": data(&[("db", "db", "")]),
    });
    room.put_external_secret("web", &spec);
    room.ready("web");
    room.has("web", &json!({ "data": { "db": "1" } }));
}

/// What is deleted at AWS is deleted in the cluster, and comes back with it.
pub(crate) fn deletion(room: &Room, service: Service) {
    room.put(service, "one", "1", &json!({}));
    room.put(service, "two", "2", &json!({}));
    room.put_external_secret(
        "web",
        &json!({
            "refreshInterval": "1s",
            "secretStoreRef": { "name": service.store() },
            "target": { "name": "target", "deletionPolicy": "Delete" },
            "data": data(&[("one", "one", ""), ("two", "two", "")]),
        }),
    );
    room.ready("web");
    room.has("target", &json!({ "data": { "one": "1", "two": "2" } }));

    room.delete_remote(service, "one");
    room.has("target", &json!({ "data": { "two": "2" } }));
    room.event("web", "MissingProviderSecret", "spec.data[0] (key=one)");

    room.delete_remote(service, "two");
    room.is_gone("secrets", "target");
    room.says("web", "True", "SecretDeleted", "secret deleted due to DeletionPolicy=Delete");
    room.event("web", "Deleted", "secret deleted due to DeletionPolicy=Delete");

    room.put(service, "two", "2 again", &json!({}));
    room.has("target", &json!({ "data": { "two": "2 again" } }));
    room.says("web", "True", "SecretSynced", "secret synced");
}

/// While it can be restored it is not there: AWS answers otherwise than to a name that never was.
#[test]
fn a_secret_in_its_recovery_window_is_deleted() {
    let room = require!(Room::open("recovery"));
    room.put(SERVICE, "one", "1", &json!({}));
    room.put_external_secret(
        "web",
        &json!({
            "refreshInterval": "1s",
            "target": { "deletionPolicy": "Delete" },
            "data": data(&[("one", "one", "")]),
        }),
    );
    room.has("web", &json!({ "data": { "one": "1" } }));
    room.secrets().act("DeleteSecret", &json!({ "SecretId": "one", "RecoveryWindowInDays": 7 }));
    room.is_gone("secrets", "web");
    room.secrets().act("RestoreSecret", &json!({ "SecretId": "one" }));
    room.has("web", &json!({ "data": { "one": "1" } }));
}

/// It is not among those that the controller knows, and must not outlive its values for that.
#[test]
fn a_secret_whose_label_was_taken_away_is_deleted_with_its_values() {
    let room = require!(Room::open("unlabelled"));
    room.put_external_secret(
        "web",
        &json!({
            "refreshInterval": "1s",
            "target": { "deletionPolicy": "Delete" },
            "data": data(&[("one", "one", "")]),
        }),
    );
    room.says("web", "True", "SecretDeleted", "secret deleted due to DeletionPolicy=Delete");
    let object = room.get("externalsecrets", "web").unwrap();
    let owner = json!([{
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "web",
        "uid": object["metadata"]["uid"], "controller": true,
    }]);
    room.create("secrets", "web", &json!({ "metadata": { "ownerReferences": owner } }));
    room.is_gone("secrets", "web");
}

/// Of a batch, too: none of the answers is lost, and the target stays as it was.
#[test]
fn a_secret_that_may_not_be_read_is_not_a_secret_that_is_missing() {
    let room = require!(Room::open("denied"));
    for name in ["a", "b", "c"] {
        room.put(SERVICE, name, name, &json!({ "team": "shop" }));
    }
    room.put_external_secret(
        "web",
        &json!({
            "refreshInterval": "1s",
            "target": { "deletionPolicy": "Delete" },
            "dataFrom": [{ "find": { "tags": { "team": "shop" } } }],
        }),
    );
    let all = json!({ "data": { "a": "a", "b": "b", "c": "c" } });
    room.has("web", &all);
    let user = format!("arn:aws:iam::{}:user/room", room.account);
    let b = format!("arn:aws:secretsmanager:us-east-1:{}:secret:b-*", room.account);
    let identities = room.bench.aws.identities();
    identities.deny(&user, "secretsmanager:GetSecretValue", &b);
    room.fails("web", "could not get secret data from provider: error processing spec.dataFrom[0]");
    room.has("web", &all);
    room.event("web", "UpdateFailed", "");
}
