//! Where values come from, and what becomes of them: stores, rewrites, decoding, templates.

use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service, data, ready_condition};

/// A spec of one key, `key`, for the secret `db`, with this template.
fn with_template(template: &Value) -> Value {
    json!({ "target": { "template": template }, "data": data(&[("key", "db", "")]) })
}

/// A room with a secret `db`.
fn open(case: &str) -> Option<Room> {
    let room = Room::open(case)?;
    room.put_secrets(&[("db", "1")]);
    Some(room)
}

#[test]
fn items_may_come_from_several_stores() {
    let room = require!(open("several-stores"));
    room.put(Service::ParameterStore, "parameter", "2", &json!({}));
    room.put(Service::ParameterStore, "object", r#"{"a":"3","key":"less"}"#, &json!({}));
    let parameters = json!({ "storeRef": { "name": "parameters", "kind": "SecretStore" } });
    room.put_external_secret("web", &json!({
        "data": [
            { "secretKey": "key", "remoteRef": { "key": "db" } },
            { "secretKey": "other", "remoteRef": { "key": "parameter" }, "sourceRef": parameters },
        ],
        "dataFrom": [{ "extract": { "key": "object" }, "sourceRef": parameters }],
    }));
    room.ready("web");
    // What `data` says counts more than `dataFrom`.
    room.has("web", &json!({ "data": { "key": "1", "other": "2", "a": "3" } }));
}

#[test]
fn later_items_of_data_from_count_more() {
    let room = require!(open("order"));
    room.put_secrets(&[("a", r#"{"x":"a","a":"a"}"#), ("b", r#"{"x":"b","b":"b"}"#)]);
    let extract = |key: &str| json!({ "extract": { "key": key } });
    room.put_external_secret("web", &json!({ "dataFrom": [extract("a"), extract("b")] }));
    room.has("web", &json!({ "data": { "x": "b", "a": "a", "b": "b" } }));
}

#[test]
fn keys_are_converted_unless_they_are_rewritten() {
    let room = require!(open("conversion"));
    room.put_secrets(&[("odd", r#"{"a/b":"1","plain":"2"}"#)]);
    let item = |more: Value| {
        let mut item = json!({ "extract": { "key": "odd" } });
        crate::room::merge(&mut item, &more);
        json!({ "dataFrom": [item] })
    };
    room.put_external_secret("default", &item(json!({})));
    room.has("default", &json!({ "data": { "a_b": "1", "plain": "2" } }));
    let unicode = json!({ "extract": { "conversionStrategy": "Unicode" } });
    room.put_external_secret("unicode", &item(unicode));
    room.has("unicode", &json!({ "data": { "a_U002f_b": "1", "plain": "2" } }));
    let other = json!({ "rewrite": [{ "regexp": { "source": "plain", "target": "x" } }] });
    room.put_external_secret("rewritten", &item(other));
    let object = room.fails("rewritten", "could not get secret data from provider: ");
    assert!(ready_condition(&object)["message"].to_string().contains("a/b"));
    let own = json!({ "rewrite": [{ "regexp": { "source": "/", "target": "-" } }] });
    room.patch("externalsecrets", "rewritten", &json!({ "spec": item(own) }));
    room.has("rewritten", &json!({ "data": { "a-b": "1", "plain": "2" } }));
}

#[test]
fn rewrites_merge_objects() {
    let room = require!(open("rewrite-merge"));
    room.put_secrets(&[("app/a", r#"{"user":"a","x":"1"}"#), ("app/b", r#"{"user":"b"}"#)]);
    let merge = |fields: Value| {
        json!({ "dataFrom": [{
            "find": { "name": { "regexp": "^app/" } }, "rewrite": [{ "merge": fields }],
        }] })
    };
    let first = json!({ "conflictPolicy": "Ignore", "priority": ["app/a"] });
    room.put_external_secret("extract", &merge(first));
    room.has("extract", &json!({ "data": { "user": "a", "x": "1" } }));
    room.put_external_secret("conflict", &merge(json!({ "conflictPolicy": "Error" })));
    room.fails("conflict", "could not get secret data from provider: ");
}

#[test]
fn values_are_decoded_as_they_say() {
    let room = require!(open("decoding"));
    room.put_secrets(&[
        ("standard", "Pz8/"),
        ("url", "Pz8_"),
        ("plain", "not base64!"),
        ("object", r#"{"a":"Pz8/","b":"plain!"}"#),
        ("found/a", "Pz8_"),
    ]);
    let item = |name: &str, key: &str, strategy: &str| {
        let reference = json!({ "key": key, "decodingStrategy": strategy });
        json!({ "secretKey": name, "remoteRef": reference })
    };
    room.put_external_secret(
        "web",
        &json!({
            "data": [
                item("standard", "standard", "Base64"), item("url", "url", "Base64URL"),
                item("auto", "standard", "Auto"), item("auto-url", "url", "Auto"),
                item("auto-plain", "plain", "Auto"), item("none", "standard", "None"),
            ],
            "dataFrom": [
                { "extract": { "key": "object", "decodingStrategy": "Auto" } },
                { "find": { "name": { "regexp": "^found/" }, "decodingStrategy": "Base64URL" } },
            ],
        }),
    );
    room.ready("web");
    room.has(
        "web",
        &json!({ "data": {
        "standard": "???", "url": "???", "auto": "???", "auto-url": "???",
        "auto-plain": "not base64!", "none": "Pz8/", "a": "???", "b": "plain!", "found_a": "???",
    } }),
    );
    room.put_external_secret("bad", &json!({ "data": [item("bad", "plain", "Base64")] }));
    let object = room.fails("bad", "could not get secret data from provider: ");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("spec.data[0] (key=plain)"), "{message}");
    assert!(!message.contains("not base64!"), "{message}");
}

#[test]
fn null_bytes_may_be_forbidden() {
    let room = require!(open("null-bytes"));
    room.put_secrets(&[("null/a", "a\0b"), ("object", "{\"a\":\"x\\u0000y\"}")]);
    let fail = json!("Fail");
    for (name, spec) in [
        (
            "data",
            json!({ "data": [
            { "secretKey": "a", "remoteRef": { "key": "null/a", "nullBytePolicy": fail } },
        ] }),
        ),
        (
            "extract",
            json!({ "dataFrom": [
            { "extract": { "key": "object", "nullBytePolicy": fail } },
        ] }),
        ),
        (
            "find",
            json!({ "dataFrom": [
            { "find": { "name": { "regexp": "^null/" }, "nullBytePolicy": fail } },
        ] }),
        ),
    ] {
        room.put_external_secret(name, &spec);
        let object = room.fails(name, "could not get secret data from provider: ");
        let message = ready_condition(&object)["message"].to_string();
        assert!(message.contains("null byte"), "{message}");
        assert_eq!(room.get("secrets", name), None);
    }
    room.put_external_secret("ignored", &json!({ "data": data(&[("a", "null/a", "")]) }));
    room.has("ignored", &json!({ "data": { "a": "a\0b" } }));
}

#[test]
fn an_object_within_a_secret_can_be_extracted() {
    let room = require!(open("extract-property"));
    room.put_secrets(&[("nested", r#"{"outer":{"a":"1","n":2,"o":{"x": null}},"b":"no"}"#)]);
    let extract = json!({ "extract": { "key": "nested", "property": "outer" } });
    room.put_external_secret("web", &json!({ "dataFrom": [extract] }));
    room.has("web", &json!({ "data": { "a": "1", "n": "2", "o": r#"{"x": null}"# } }));
}

#[test]
fn a_template_is_read_from_config_maps_secrets_and_literals() {
    let room = require!(open("template-from"));
    room.create(
        "configmaps",
        "texts",
        &json!({ "data": {
        "file.conf": "key = {{ .key }}",
        "pairs": "one: {{ .key }}\ntwo: \"2\"\n", "labels": "team: t{{ .key }}\n",
    } }),
    );
    room.create("secrets", "texts", &json!({ "stringData": { "hidden": "h-{{ .key }}" } }));
    let item = |key: &str, way: &str| json!([{ "key": key, "templateAs": way }]);
    let template = json!({ "templateFrom": [
        { "configMap": { "name": "texts", "items": item("file.conf", "Values") } },
        { "configMap": { "name": "texts", "items": item("pairs", "KeysAndValues") } },
        { "secret": { "name": "texts", "items": item("hidden", "Values") } },
        { "literal": "literal: l{{ .key }}" },
        { "target": "Labels",
          "configMap": { "name": "texts", "items": item("labels", "KeysAndValues") } },
        { "target": "annotations", "literal": "note: n{{ .key }}" },
    ] });
    room.put_external_secret("web", &with_template(&template));
    room.ready("web");
    let wanted = |value: &str, file: &str| {
        json!({
            "data": {
                "file.conf": format!("{file}{value}"), "one": value, "two": "2",
                "hidden": format!("h-{value}"), "literal": format!("l{value}"),
            },
            "labels": { "team": format!("t{value}") },
            "annotations": { "note": format!("n{value}") },
        })
    };
    room.has("web", &wanted("1", "key = "));
    // ESO would see this an hour later.
    let change = json!({ "data": { "file.conf": "new = {{ .key }}" } });
    room.patch("configmaps", "texts", &change);
    room.has("web", &wanted("1", "new = "));
}

#[test]
fn data_of_the_template_counts_more_than_what_it_is_read_from_and_that_more_than_values() {
    let room = require!(open("precedence"));
    room.put_secrets(&[("object", r#"{"a":"value","b":"value","c":"value"}"#)]);
    let template = json!({
        "mergePolicy": "Merge",
        "templateFrom": [{ "literal": "a: from\nb: from" }],
        "data": { "a": "data" },
    });
    let spec = json!({
        "target": { "template": template }, "dataFrom": [{ "extract": { "key": "object" } }],
    });
    room.put_external_secret("web", &spec);
    room.has("web", &json!({ "data": { "a": "data", "b": "from", "c": "value" } }));
    let replace = json!({ "spec": { "target": { "template": { "mergePolicy": "Replace" } } } });
    room.patch("externalsecrets", "web", &replace);
    room.has("web", &json!({ "data": { "a": "data", "b": "from" } }));
}

#[test]
fn a_template_follows_its_values_and_its_text() {
    let room = require!(open("template-follows"));
    let mut spec = with_template(&json!({ "data": { "text": "a {{ .key }}" } }));
    spec["refreshInterval"] = json!("1s");
    room.put_external_secret("web", &spec);
    room.has("web", &json!({ "data": { "text": "a 1" } }));
    room.put_secrets(&[("db", "2")]);
    room.has("web", &json!({ "data": { "text": "a 2" } }));
    let text =
        json!({ "spec": { "target": { "template": { "data": { "text": "b {{ .key }}" } } } } });
    room.patch("externalsecrets", "web", &text);
    room.has("web", &json!({ "data": { "text": "b 2" } }));
}

#[test]
fn a_template_waits_for_what_it_is_read_from() {
    let room = require!(open("template-waits"));
    let items = json!([{ "key": "text" }]);
    let template = json!({ "templateFrom": [{ "configMap": { "name": "late", "items": items } }] });
    room.put_external_secret("web", &with_template(&template));
    let object = room.fails("web", "could not update secret: could not apply template: ");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("late") && message.contains("not found"), "{message}");
    room.create("configmaps", "late", &json!({ "data": { "other": "" } }));
    room.create("configmaps", "unrelated", &json!({}));
    room.event("web", "UpdateFailed", "missing key text");
    room.patch("configmaps", "late", &json!({ "data": { "text": "now {{ .key }}" } }));
    room.has("web", &json!({ "data": { "text": "now 1" } }));
}
