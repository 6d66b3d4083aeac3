//! Parameter Store.

use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service};
use crate::secrets_manager::{deletion, prefixed};
use crate::shared::{self, Case, run};

const SERVICE: Service = Service::ParameterStore;

/// Parameters to search in.
fn searched() -> Vec<(&'static str, &'static str, Value)> {
    vec![
        ("/shop/db", "1", json!({ "team": "shop", "tier": "data" })),
        ("/shop/cache/main", "2", json!({ "team": "shop" })),
        ("/bank/db", "3", json!({ "team": "bank", "tier": "data" })),
        ("plain-db", "4", json!({})),
    ]
}

fn searches() -> Vec<Case> {
    let case = |name, criteria: Value, wanted: Value| Case {
        name,
        remote: searched(),
        spec: json!({ "dataFrom": [{ "find": criteria }] }),
        wanted: json!({ "data": wanted }),
    };
    vec![
        case(
            "find-by-name",
            json!({ "name": { "regexp": "db$" } }),
            json!({ "_shop_db": "1", "_bank_db": "3", "plain-db": "4" }),
        ),
        case(
            "find-by-name-with-path",
            json!({ "path": "/shop", "name": { "regexp": "." } }),
            json!({ "_shop_db": "1", "_shop_cache_main": "2" }),
        ),
        case(
            "find-by-tag",
            json!({ "tags": { "team": "shop", "tier": "data" } }),
            json!({ "_shop_db": "1" }),
        ),
        case(
            "find-by-tag-with-path",
            json!({ "path": "/bank", "tags": { "tier": "data" } }),
            json!({ "_bank_db": "3" }),
        ),
    ]
}

#[test]
fn each_parameter_becomes_what_is_asked() {
    let mut cases = shared::cases();
    cases.extend(searches());
    assert!(
        run(&cases, SERVICE, Room::open) || extsecret_tests::tools::cluster_program().is_none()
    );
}

#[test]
fn versions_labels_and_tags_of_a_parameter() {
    let room = require!(Room::open("versions"));
    room.put(SERVICE, "app", r#"{"a":"old"}"#, &json!({ "owner": "shop" }));
    room.parameters().act(
        "LabelParameterVersion",
        &json!({
            "Name": "app", "ParameterVersion": 1, "Labels": ["stable"],
        }),
    );
    room.put(SERVICE, "app", r#"{"a":"new"}"#, &json!({}));
    let item = |name: &str, fields: Value| {
        let mut reference = json!({ "key": "app" });
        crate::room::merge(&mut reference, &fields);
        json!({ "secretKey": name, "remoteRef": reference })
    };
    room.put_external_secret(
        "web",
        &json!({
            "secretStoreRef": { "name": "parameters" },
            "data": [
                item("now", json!({})),
                item("first", json!({ "version": "1" })),
                item("second", json!({ "version": "2", "property": "a" })),
                item("stable", json!({ "version": "stable", "property": "a" })),
                item("tags", json!({ "metadataPolicy": "Fetch" })),
                item("tag", json!({ "metadataPolicy": "Fetch", "property": "owner" })),
            ],
        }),
    );
    room.ready("web");
    room.has(
        "web",
        &json!({ "data": {
        "now": r#"{"a":"new"}"#, "first": r#"{"a":"old"}"#, "second": "new", "stable": "old",
        "tags": r#"{"owner":"shop"}"#, "tag": "shop",
    } }),
    );
}

#[test]
fn a_prefix_stands_before_every_name() {
    let room = require!(Room::open("prefix"));
    prefixed(&room, SERVICE, "/team/");
}

#[test]
fn a_parameter_that_is_deleted_takes_its_target_along() {
    let room = require!(Room::open("deleted"));
    deletion(&room, SERVICE);
}
