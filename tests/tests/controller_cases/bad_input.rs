//! What cannot work: the condition and an event tell the cause and no value, and an ExternalSecret
//! beside it is none the worse.

use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service, complete, data, keys, ready_condition};

/// What no message may hold.
const CANARY: &str = "canary-value-7f3a";

/// An ExternalSecret that cannot work.
struct Case {
    name: &'static str,
    spec: Value,
    /// The beginning of the condition's message.
    start: &'static str,
    /// What it says somewhere.
    part: &'static str,
}

const GET: &str = "could not get secret data from provider: ";
const WRITE: &str = "could not update secret: ";

fn one(target: &Value) -> Value {
    json!({ "target": target, "data": data(&[("key", "db", "")]) })
}

/// Rules of the API that ESO checks in its optional webhook (eso-semantics 1.5).
fn rules() -> Vec<Case> {
    let case = |name, spec, part| Case { name, spec, start: GET, part };
    let policies = |creation: &str, deletion: &str| {
        one(&json!({ "creationPolicy": creation, "deletionPolicy": deletion }))
    };
    let delete =
        "deletionPolicy=Delete must not be used when the controller doesn't own the secret";
    let extract = json!({ "extract": { "key": "db" } });
    let generator = json!({ "generatorRef": { "kind": "Password", "name": "x" } });
    let with = |fields: Value| {
        let mut item = extract.clone();
        crate::room::merge(&mut item, &fields);
        json!({ "dataFrom": [item] })
    };
    let typed = |kind: &str, more: Value| {
        let mut template = json!({ "type": kind });
        crate::room::merge(&mut template, &more);
        one(&json!({ "template": template }))
    };
    let token = "kubernetes.io/service-account-token";
    let issued = "gets a token from the cluster and is refused";
    vec![
        case("delete-merge", policies("Merge", "Delete"), delete),
        case("delete-none", policies("None", "Delete"), delete),
        case("delete-create-or-merge", policies("CreateOrMerge", "Delete"), delete),
        case(
            "merge-none",
            policies("None", "Merge"),
            "deletionPolicy=Merge must not be used with creationPolicy=None",
        ),
        case("nothing", json!({}), "either data or dataFrom should be specified"),
        case(
            "extract-and-find",
            with(json!({ "find": { "name": { "regexp": "x" } } })),
            "extract, find, or generatorRef cannot be set at the same time",
        ),
        case(
            "extract-and-generator",
            with(json!({ "sourceRef": generator })),
            "extract, find, or generatorRef cannot be set at the same time",
        ),
        case(
            "find-and-generator",
            json!({ "dataFrom": [{
                "find": { "name": { "regexp": "x" } }, "sourceRef": generator,
            }] }),
            "extract, find, or generatorRef cannot be set at the same time",
        ),
        case(
            "empty-item",
            json!({ "dataFrom": [{}] }),
            "either extract, find, or sourceRef must be set to dataFrom",
        ),
        case(
            "duplicate",
            json!({ "data": data(&[("key", "db", ""), ("key", "db", "")]) }),
            "duplicate secretKey found: key",
        ),
        case(
            "account-token",
            typed(
                token,
                json!({ "metadata": { "annotations": {
                "kubernetes.io/service-account.name": "default",
            } } }),
            ),
            issued,
        ),
        case(
            "account-token-templated",
            typed(
                token,
                json!({ "templateFrom": [{ "target": "annotations", "literal": "a: b" }] }),
            ),
            issued,
        ),
        case("bootstrap", typed("bootstrap.kubernetes.io/token", json!({})), "let nodes join"),
        case(
            "template-target",
            one(
                &json!({ "template": { "templateFrom": [{ "target": "Spec", "literal": "a: b" }] } }),
            ),
            "invalid target \"Spec\" for a Secret",
        ),
    ]
}

/// What only shows when it is tried.
fn others(room: &Room) -> Vec<Case> {
    let case = |name, spec, start, part| Case { name, spec, start, part };
    let through = |kind: &str, store: &str| {
        json!({
            "secretStoreRef": { "kind": kind, "name": store },
            "data": data(&[("key", "db", "")]),
        })
    };
    room.put_secrets(&[
        ("colliding", &format!(r#"{{"a/b":"{CANARY}","a.b":"x","a_b":"y"}}"#)),
        ("odd-key", &format!(r#"{{"caf\u00e9":"{CANARY}"}}"#)),
        ("not-json", &format!("{{\"a\": \"{CANARY}\"")),
        ("object", &format!(r#"{{"a":"{CANARY}"}}"#)),
        ("large/a", &"x".repeat(60_000)),
    ]);
    for number in 0..18 {
        room.put_secrets(&[(&format!("large/{number}"), &"x".repeat(60_000))]);
    }
    room.put_store("elsewhere", &Service::SecretsManager.spec(&keys("aws-keys", Some("default"))));
    let templated = |text: &str| one(&json!({ "template": { "data": { "key": text } } }));
    let extract = |key: &str| json!({ "dataFrom": [{ "extract": { "key": key } }] });
    vec![
        case(
            "generator",
            json!({ "dataFrom": [{ "sourceRef": {
                "generatorRef": { "kind": "Password", "name": "x" },
            } }] }),
            GET,
            "Password \"x\" is not supported",
        ),
        case("missing-store", through("SecretStore", "nowhere"), GET, "SecretStore \"nowhere\""),
        case(
            "missing-cluster-store",
            through("ClusterSecretStore", "nowhere"),
            GET,
            "ClusterSecretStore \"nowhere\"",
        ),
        case(
            "cross-namespace",
            through("SecretStore", "elsewhere"),
            GET,
            "names the namespace \"default\", which only a ClusterSecretStore may do",
        ),
        case(
            "missing-secret",
            json!({ "data": data(&[("a", "nowhere", "")]) }),
            GET,
            "key=nowhere",
        ),
        case(
            "missing-property",
            json!({ "data": data(&[("a", "object", "b")]) }),
            GET,
            "key b does not exist in secret object",
        ),
        case("not-an-object", extract("not-json"), GET, "unable to unmarshal secret not-json"),
        case("key-collision", extract("colliding"), GET, "both become \"a_b\""),
        case("odd-key", extract("odd-key"), GET, "Kubernetes takes no letters but a to z"),
        case(
            "too-large",
            json!({ "dataFrom": [{ "find": { "name": { "regexp": "^large/" } } }] }),
            WRITE,
            "1140000 bytes together; a Secret holds at most 1048576",
        ),
        case(
            "bad-regexp",
            json!({ "dataFrom": [{ "find": { "name": { "regexp": "(" } } }] }),
            GET,
            "find.name.regexp",
        ),
        case("no-criterion", json!({ "dataFrom": [{ "find": { "path": "x" } }] }), GET, "find"),
        case(
            "endless-template",
            templated("{{ define \"x\" }}{{ template \"x\" }}{{ end }}{{ template \"x\" }}"),
            WRITE,
            "template",
        ),
        case(
            "slow-template",
            templated("{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"),
            WRITE,
            "template",
        ),
        case("broken-template", templated("{{ .key | nosuch }}"), WRITE, "nosuch"),
        case("missing-value", templated("{{ .other }}"), WRITE, "other"),
        case(
            "bad-interval",
            {
                let mut spec = one(&json!({}));
                spec["refreshInterval"] = json!("often");
                spec
            },
            GET,
            "often",
        ),
        case(
            "manifest",
            one(&json!({ "manifest": { "apiVersion": "v1", "kind": "ConfigMap" } })),
            WRITE,
            "spec.target.manifest is not supported",
        ),
    ]
}

/// `most`: so often may each be tried while this goes on.
fn check(room: &Room, cases: &[Case], most: f64) {
    room.put_secrets(&[("db", CANARY)]);
    for case in cases {
        room.put_external_secret(case.name, &case.spec);
    }
    for case in cases {
        let object = room.fails(case.name, case.start);
        let message = ready_condition(&object)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(case.part), "{}: {message}", case.name);
        assert!(!message.contains(CANARY), "{}: {message}", case.name);
        let event = room.event(case.name, "UpdateFailed", "");
        assert!(!event.is_empty() && !event.contains(CANARY), "{}: {event}", case.name);
        assert_eq!(room.get("secrets", case.name), None, "{}", case.name);
    }
    // Made last, and in nobody's shadow.
    room.put_external_secret("beside", &one(&json!({})));
    room.ready("beside");
    room.has("beside", &json!({ "data": { "key": CANARY } }));
    // What is wrong for good is not tried again and again.
    for case in cases {
        let told = room.event(case.name, "UpdateFailed", "");
        let object = room.fails(case.name, case.start);
        let message = ready_condition(&object)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&told), "{}: {message} {told}", case.name);
        let labels = format!("name=\"{}\",namespace=\"{}\"", case.name, room.namespace);
        let series = format!("externalsecret_sync_calls_error{{{labels}}}");
        let tried = room.bench.controller.metric(&series);
        assert!((1.0..=most).contains(&tried), "{} is tried {tried} times", case.name);
    }
}

#[test]
fn rules_of_the_api_are_kept() {
    let room = require!(Room::open("rules"));
    check(&room, &rules(), 2.0);
}

#[test]
fn what_cannot_work_says_why() {
    let room = require!(Room::open("bad-input"));
    let cases = others(&room);
    check(&room, &cases, 6.0);
}

/// A rule that is broken while the target is there costs it nothing.
#[test]
fn a_target_stays_while_its_external_secret_is_wrong() {
    let room = require!(Room::open("gone-wrong"));
    room.put_secrets(&[("db", "1")]);
    room.put_external_secret("web", &one(&json!({})));
    let before = room.has("web", &json!({ "data": { "key": "1" } }));
    let broken =
        json!({ "spec": { "target": { "creationPolicy": "None", "deletionPolicy": "Merge" } } });
    room.patch("externalsecrets", "web", &broken);
    room.fails("web", GET);
    assert_eq!(room.get("secrets", "web").unwrap(), before);
    let mended =
        json!({ "spec": { "target": { "creationPolicy": "Owner", "deletionPolicy": "Retain" } } });
    room.patch("externalsecrets", "web", &mended);
    room.ready("web");
}

#[test]
fn a_broken_store_says_why() {
    let room = require!(Room::open("broken-stores"));
    let secrets_manager = |more: Value| {
        let mut aws = keys("aws-keys", None);
        crate::room::merge(&mut aws, &more);
        Service::SecretsManager.spec(&aws)
    };
    let with = |field: &str, value: Value| {
        let mut spec = secrets_manager(json!({}));
        spec[field] = value;
        spec
    };
    let cases = [
        ("interval", with("refreshInterval", json!("often")), "invalid refreshInterval"),
        ("negative", with("refreshInterval", json!("-5m")), "must not be negative"),
        (
            "window-and-force",
            secrets_manager(json!({ "secretsManager": {
                "forceDeleteWithoutRecovery": true, "recoveryWindowInDays": 7,
            } })),
            "exclude each other",
        ),
        (
            "window",
            secrets_manager(json!({ "secretsManager": { "recoveryWindowInDays": 3 } })),
            "between 7 and 30",
        ),
        ("region", secrets_manager(json!({ "region": "nowhere-1" })), "nowhere-1"),
        (
            "namespace",
            Service::SecretsManager.spec(&keys("aws-keys", Some("default"))),
            "only a ClusterSecretStore",
        ),
        (
            "provider",
            json!({ "provider": { "fake": { "data": [{ "key": "db", "value": "1" }] } } }),
            "fake",
        ),
        (
            "service",
            json!({ "provider": { "aws": { "service": "CertificateManager", "region": "us-east-1" } } }),
            "CertificateManager",
        ),
    ];
    for (name, spec, _) in &cases {
        room.put_store(name, spec);
        let spec = json!({
            "secretStoreRef": { "name": name }, "data": data(&[("key", "db", "")]),
        });
        room.put_external_secret(name, &spec);
    }
    for (name, _, part) in &cases {
        let object = room.fails(name, GET);
        let message = ready_condition(&object)["message"].to_string();
        assert!(message.contains(part), "{name}: {message}");
        let store = room.get("secretstores", name).unwrap();
        assert_eq!(ready_condition(&store)["status"], "False", "{name}: {}", store["status"]);
    }
    room.put_secrets(&[("db", "1")]);
    room.put_external_secret("beside", &one(&json!({})));
    room.ready("beside");
}

/// What the schema forbids does not even get into the cluster.
#[test]
fn the_api_server_refuses_what_the_schema_forbids() {
    let room = require!(Room::open("schema"));
    let refusal = |kind: &str, object: &Value| {
        let object = complete(kind, "x", object);
        let path = room.path(kind, "");
        let (status, answer) = room.bench.api.ask("POST", &path, Some(&object), "application/json");
        assert_ne!(status, 201, "{object}");
        answer["message"].as_str().unwrap_or_default().to_owned()
    };
    let reserved = json!({ "customSessionTags": { "esoNamespace": "x" } });
    let two = json!({ "provider": { "aws": { "service": "SecretsManager", "region": "us-east-1" }, "fake": { "data": [] } } });
    for (kind, spec, part) in [
        ("externalsecrets", one(&json!({ "creationPolicy": "Never" })), "creationPolicy"),
        ("externalsecrets", one(&json!({ "deletionPolicy": "Never" })), "deletionPolicy"),
        ("externalsecrets", json!({ "data": data(&[("a key", "db", "")]) }), "secretKey"),
        ("externalsecrets", json!({ "data": [{ "secretKey": "a" }] }), "remoteRef"),
        ("externalsecrets", one(&json!({ "name": "Not_A_Name" })), "target.name"),
        ("externalsecrets", json!({ "dataFrom": [{ "sourceRef": {} }] }), "sourceRef"),
        ("secretstores", Service::SecretsManager.spec(&reserved), "esoNamespace"),
        ("secretstores", two, "provider"),
        ("secretstores", json!({ "provider": {} }), "provider"),
        ("secretstores", json!({}), "provider"),
    ] {
        let message = refusal(kind, &json!({ "spec": spec }));
        assert!(message.contains(part), "{spec}: {message}");
    }
}
