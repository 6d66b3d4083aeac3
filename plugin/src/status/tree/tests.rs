use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::*;
use crate::output::tree::text;
use crate::status::document;
use crate::status::facts::{Event, Read};
use crate::status::model::KesObject;

fn now() -> Timestamp {
    "2026-11-25T12:00:00Z".parse().unwrap()
}

fn object(spec: &Value, status: &Value) -> ExternalSecret {
    serde_json::from_value(json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "db", "namespace": "shop", "uid": "es-1", "generation": 1,
            "creationTimestamp": "2026-11-01T00:00:00Z" },
        "spec": spec, "status": status,
    }))
    .unwrap()
}

fn ready(status: &str, reason: &str, message: &str) -> Value {
    json!({
        "refreshTime": "2026-11-25T11:30:00Z",
        "conditions": [{ "type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-11-25T11:48:00Z" }],
    })
}

fn store(condition: &str) -> Store {
    let found = json!({
        "spec": { "provider": { "aws": {
            "service": "SecretsManager", "region": "eu-west-1", "prefix": "team/",
            "role": "arn:aws:iam::123456789012:role/shop",
            "auth": { "jwt": { "serviceAccountRef": { "name": "shop" } } },
        } } },
        "status": { "conditions": [{ "type": "Ready", "status": condition,
            "reason": if condition == "True" { "Valid" } else { "InvalidProviderConfig" },
            "message": "unable to create client" }] },
    });
    Store {
        kind: "SecretStore".into(),
        name: "main".into(),
        found: Ok(Some(StoreFound {
            spec: serde_json::from_value(found["spec"].clone()).unwrap(),
            status: serde_json::from_value(found["status"].clone()).unwrap(),
        })),
    }
}

fn target(owner: &Value, as_written: Option<bool>) -> Target {
    let meta = json!({
        "name": "db", "ownerReferences": [owner],
        "labels": { "reconcile.external-secrets.io/managed": "true" },
        "annotations": { "reconcile.external-secrets.io/data-hash": "1bed8bcbcb4547ffe19a19cd" },
        "managedFields": [{ "manager": "x", "time": "2026-11-25T11:30:00Z",
            "fieldsV1": { "f:data": { "f:password": {}, "f:url": {} } } }],
    });
    Target {
        meta: serde_json::from_value(meta).unwrap(),
        read: Some(Read {
            type_: "Opaque".into(),
            sizes: vec![("password".into(), 24), ("url".into(), 0)],
            as_written,
        }),
    }
}

fn owner(api_version: &str, uid: &str) -> Value {
    json!({ "apiVersion": api_version, "kind": "ExternalSecret", "name": "db", "uid": uid,
        "controller": true })
}

fn spec() -> Value {
    json!({ "secretStoreRef": { "name": "main" }, "refreshInterval": "1h" })
}

fn healthy() -> Facts {
    Facts {
        namespace: "shop".into(),
        name: "db".into(),
        object: Ok(Some(object(&spec(), &ready("True", "SecretSynced", "secret synced")))),
        events: Ok(Vec::new()),
        stores: vec![store("True")],
        secret: Ok(Some(target(&owner("external-secrets.io/v1", "es-1"), Some(true)))),
        consumers: Consumers {
            found: vec![Consumer {
                kind: "Deployment".into(),
                name: "api".into(),
                uses: vec!["password as variables of the environment".into()],
                missing: BTreeSet::new(),
                waits: false,
                pods: 3,
                older: 2,
            }],
            looked: true,
            unknown: Vec::new(),
        },
        kes: Ok(None),
    }
}

fn broken() -> Facts {
    let cause = "could not get secret data from provider: AWS Secrets Manager GetSecretValue of \
                 \"team/db\" in eu-west-1: User arn:aws:sts::123456789012:assumed-role/shop/x is \
                 not authorized to perform secretsmanager:GetSecretValue";
    let mut facts = healthy();
    facts.object = Ok(Some(object(&spec(), &ready("False", "SecretSyncedError", cause))));
    facts.events = Ok(vec![Event {
        last: Some("2026-11-25T11:59:00Z".parse().unwrap()),
        count: 14,
        kind: "Warning".into(),
        reason: "UpdateFailed".into(),
        message: "error processing spec.data[0]: AccessDeniedException".into(),
    }]);
    facts.stores = vec![store("False")];
    facts.secret = Ok(Some(target(&owner("kubernetes-client.io/v1", "kes-1"), Some(false))));
    facts.consumers.found[0].missing = BTreeSet::from(["user".into()]);
    facts.consumers.unknown = vec!["pods: you may not read it (forbidden)".into()];
    let kes = json!({
        "metadata": { "name": "db" }, "spec": { "backendType": "secretsManager" },
        "status": { "status": "SUCCESS", "lastSync": "2026-11-25T11:59:50Z" },
    });
    facts.kes = Ok(Some(serde_json::from_value::<KesObject>(kes).unwrap()));
    facts
}

fn show(facts: &Facts) -> String {
    let (branch, health) = tree(facts, now());
    let text = text(&branch, Some(80)) + &footer(facts, health, Some(80));
    let text = anstream::adapter::strip_str(&text).to_string();
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    text
}

#[test]
fn a_healthy_one() {
    assert_eq!(tree(&healthy(), now()).1, Health::Healthy);
    insta::assert_snapshot!(show(&healthy()));
}

#[test]
fn everything_wrong_at_once() {
    assert_eq!(tree(&broken(), now()).1, Health::Failing);
    insta::assert_snapshot!(show(&broken()));
}

#[test]
fn failed_look_ups_stand_where_they_would_be() {
    let why = || "you may not read it (forbidden)".to_owned();
    let facts = Facts {
        events: Err(why()),
        stores: vec![Store { found: Err(why()), ..store("True") }],
        secret: Err(why()),
        consumers: Consumers::default(),
        kes: Err(why()),
        ..healthy()
    };
    insta::assert_snapshot!(show(&facts));
}

#[test]
fn what_is_not_there_is_said() {
    let mut facts = healthy();
    facts.stores = vec![Store { found: Ok(None), ..store("True") }];
    facts.secret = Ok(None);
    facts.consumers = Consumers::default();
    let (_, health) = tree(&facts, now());
    assert_eq!(health, Health::Failing);
    let shown = show(&facts);
    for line in ["SecretStore main: there is none", "Secret db: there is none", "no workload"] {
        assert!(shown.contains(line), "{shown}");
    }
    facts.object = Ok(None);
    facts.kes = broken().kes;
    let shown = show(&facts);
    assert!(shown.starts_with("X   ExternalSecret shop/db: there is none\n"), "{shown}");
    assert!(shown.contains("`kubectl extsecret migrate` makes its successor"), "{shown}");
}

#[test]
fn the_metadata_alone_tells_the_keys() {
    let mut facts = healthy();
    if let Ok(Some(target)) = &mut facts.secret {
        target.read = None;
    }
    let shown = show(&facts);
    assert!(shown.contains("2 keys, as far as its metadata tells"), "{shown}");
    assert!(shown.contains("its values were not read"), "{shown}");
    assert!(!shown.contains("--metadata-only"), "{shown}");
}

#[test]
fn who_owns_the_secret_is_what_matters() {
    for (owner, spec, says) in [
        (owner("external-secrets.io/v1", "es-0"), spec(), "earlier ExternalSecret of this name"),
        (owner("kubernetes-client.io/v1", "x"), spec(), "of kubernetes-external-secrets: this"),
        (
            json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "y",
                "controller": true }),
            spec(),
            "owned by Deployment x: this ExternalSecret does not take it over",
        ),
        (
            json!({ "apiVersion": "v1", "kind": "X", "name": "x", "uid": "y" }),
            spec(),
            "owned by nobody; the next sync makes",
        ),
        (
            json!({ "apiVersion": "v1", "kind": "X", "name": "x", "uid": "y" }),
            json!({ "target": { "creationPolicy": "Merge" } }),
            "owned by nobody, as creationPolicy Merge says",
        ),
    ] {
        let mut facts = healthy();
        facts.object = Ok(Some(object(&spec, &ready("True", "SecretSynced", ""))));
        facts.secret = Ok(Some(target(&owner, Some(true))));
        let shown = show(&facts).replace("\n│       ", " ");
        assert!(shown.contains(says), "{shown}");
    }
}

#[test]
fn the_document() {
    let document = document::document(&broken(), Health::Failing, now());
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}
