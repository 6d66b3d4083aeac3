//! Which stores may be used, and by whom.

use extsecret_tests::controller::Controller;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::room::{Room, Service, data, keys, ready_condition};

/// A spec of one key through a store.
fn through(kind: &str, store: &str) -> Value {
    json!({ "secretStoreRef": { "kind": kind, "name": store }, "data": data(&[("key", "db", "")]) })
}

/// A room with a secret `db`.
fn open(case: &str) -> Option<Room> {
    let room = Room::open(case)?;
    room.put_secrets(&[("db", "1")]);
    Some(room)
}

/// An ExternalSecret beside that shows that the controller has been through here.
#[track_caller]
fn others_work(room: &Room) {
    room.let_seconds_pass();
}

#[test]
fn a_store_says_that_it_is_valid() {
    let room = require!(open("valid"));
    let store = room.wait("secretstores", "secrets", "it is ready", |store| {
        let store = store.unwrap_or_default();
        let is_ready = ready_condition(&store)["status"] == "True";
        if is_ready { Ok(store) } else { Err(store["status"].to_string()) }
    });
    let ready = ready_condition(&store);
    assert_eq!((&ready["reason"], &ready["message"]), (&json!("Valid"), &json!("store validated")));
    assert_eq!(store["status"]["capabilities"], "ReadWrite");
    room.event("secrets", "Valid", "store validated");
}

#[test]
fn a_store_that_is_missing_is_waited_for() {
    let room = require!(open("store-missing"));
    room.put_external_secret("web", &through("SecretStore", "late"));
    room.fails(
        "web",
        "could not get secret data from provider: error processing spec.data[0] (key=db): could \
         not get SecretStore \"late\": it does not exist",
    );
    room.event("web", "UpdateFailed", "SecretStore \"late\"");
    others_work(&room);
    room.put_store("late", &Service::SecretsManager.spec(&keys("aws-keys", None)));
    room.ready("web");
}

/// Its interval is no reason to fetch by then.
#[test]
fn what_failed_before_its_time_is_fetched_when_its_store_is_back() {
    let room = require!(open("store-back"));
    let store = Service::SecretsManager.spec(&keys("aws-keys", None));
    room.put_store("passing", &store);
    room.create("configmaps", "texts", &json!({ "data": { "file": "old {{ .key }}" } }));
    let mut spec = through("SecretStore", "passing");
    spec["target"]["template"]["templateFrom"] =
        json!([{ "configMap": { "name": "texts", "items": [{ "key": "file" }] } }]);
    room.put_external_secret("web", &spec);
    room.ready("web");
    room.delete("secretstores", "passing");
    room.secrets().put("db", "2");
    let change = json!({ "data": { "file": "new {{ .key }}" } });
    room.patch("configmaps", "texts", &change);
    room.fails("web", "could not get secret data from provider: error processing spec.data[0]");
    room.put_store("passing", &store);
    room.ready("web");
    room.has("web", &json!({ "data": { "file": "new 2" } }));
}

#[test]
fn a_store_without_its_key_says_so_and_its_users_too() {
    let room = require!(open("key-missing"));
    room.put_store("broken", &Service::SecretsManager.spec(&keys("no-such-keys", None)));
    room.wait_checked("broken");
    room.put_external_secret("web", &through("SecretStore", "broken"));
    let object =
        room.fails("web", "could not get secret data from provider: error processing spec.data[0]");
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("no-such-keys") && message.contains("not ready"), "{message}");
    let store = room.get("secretstores", "broken").unwrap();
    let ready = ready_condition(&store);
    assert_eq!(ready["reason"], "InvalidProviderConfig");
    assert!(ready["message"].as_str().unwrap().starts_with("unable to create client: "), "{ready}");
    room.event("broken", "InvalidProviderConfig", "no-such-keys");
    others_work(&room);
}

#[test]
fn stores_of_another_class_are_left_alone() {
    let room = require!(open("class"));
    let mut spec = Service::SecretsManager.spec(&keys("aws-keys", None));
    spec["controller"] = json!("somebody");
    room.put_store("theirs", &spec);
    room.put_external_secret("web", &through("SecretStore", "theirs"));
    let mixed = json!({
        "data": [
            { "secretKey": "a", "remoteRef": { "key": "db" } },
            { "secretKey": "b", "remoteRef": { "key": "db" },
              "sourceRef": { "storeRef": { "name": "theirs" } } },
        ],
    });
    room.put_external_secret("mixed", &mixed);
    others_work(&room);
    for name in ["web", "mixed"] {
        assert_eq!(room.get("externalsecrets", name).unwrap()["status"], Value::Null);
        assert_eq!(room.get("secrets", name), None);
    }
    assert_eq!(room.get("secretstores", "theirs").unwrap()["status"], Value::Null);
    assert_eq!(room.reads("db"), 0);
    // Given to this controller, it is used.
    room.patch("secretstores", "theirs", &json!({ "spec": { "controller": "default" } }));
    room.ready("web");
    room.has("mixed", &json!({ "data": { "a": "1", "b": "1" } }));
}

#[test]
fn cluster_stores_may_be_left_to_others() {
    let room = require!(open("no-cluster-stores"));
    let namespace = format!("--namespace={}", room.namespace);
    let args =
        ["--controller-class=no-cluster", "--enable-cluster-store-reconciler=false", &namespace];
    let (cluster, aws) = (&room.bench.cluster, &room.bench.aws);
    let _controller = Controller::start_without_credentials(cluster, aws, &args);
    let store = format!("of-{}", room.namespace);
    let mut spec = Service::SecretsManager.spec(&keys("aws-keys", Some(&room.namespace)));
    spec["controller"] = json!("no-cluster");
    room.create("clustersecretstores", &store, &json!({ "spec": spec }));
    room.put_external_secret("web", &through("ClusterSecretStore", &store));
    room.patch("secretstores", "secrets", &json!({ "spec": { "controller": "no-cluster" } }));
    others_work(&room);
    assert_eq!(room.get("externalsecrets", "web").unwrap()["status"], Value::Null);
    assert_eq!(room.get("clustersecretstores", &store).unwrap()["status"], Value::Null);
}

/// A ClusterSecretStore lets in whom one of its conditions names in one way.
#[test]
fn a_cluster_store_lets_in_whom_its_conditions_name() {
    let room = require!(open("conditions"));
    let labels = json!({ "metadata": { "labels": { "team": "shop", "stage": "test" } } });
    room.bench.api.patch(&format!("api/v1/namespaces/{}", room.namespace), &labels);
    let own = room.namespace.as_str();
    let labelled = |labels: Value| json!({ "namespaceSelector": { "matchLabels": labels } });
    let named = |names: &[&str]| json!({ "namespaces": names });
    let cases = [
        ("none", json!([]), true),
        ("its-name", json!([named(&[own])]), true),
        ("its-name-of-several", json!([named(&["other", own])]), true),
        ("another-name", json!([named(&["other"])]), false),
        ("the-beginning-of-its-name", json!([named(&[own.get(..5).unwrap()])]), false),
        ("a-label", json!([labelled(json!({ "team": "shop" }))]), true),
        ("all-labels", json!([labelled(json!({ "team": "shop", "stage": "test" }))]), true),
        ("another-value", json!([labelled(json!({ "team": "bank" }))]), false),
        ("some-labels", json!([labelled(json!({ "team": "shop", "stage": "live" }))]), false),
        ("one-of-several", json!([named(&["other"]), labelled(json!({ "team": "shop" }))]), true),
        ("none-of-several", json!([named(&["other"]), labelled(json!({ "team": "x" }))]), false),
        ("a-regex", json!([{ "namespaceRegexes": ["^c-cond"] }]), true),
        ("another-regex", json!([{ "namespaceRegexes": ["^d-"] }]), false),
        (
            "a-part-of-one",
            json!([{
                "namespaces": ["other"], "namespaceSelector": { "matchLabels": { "team": "shop" } },
            }]),
            true,
        ),
    ];
    for (name, conditions, _) in &cases {
        let mut spec = Service::SecretsManager.spec(&keys("aws-keys", None));
        spec["conditions"] = conditions.clone();
        let store = format!("{name}-{own}");
        room.create("clustersecretstores", &store, &json!({ "spec": spec }));
        room.put_external_secret(name, &through("ClusterSecretStore", &store));
    }
    for (name, _, may_use) in &cases {
        if *may_use {
            room.ready(name);
            room.has(name, &json!({ "data": { "key": "1" } }));
        } else {
            let store = format!("{name}-{own}");
            room.fails(name, &format!(
                "could not get secret data from provider: error processing spec.data[0] (key=db): \
                 using cluster store \"{store}\" is not allowed from namespace \"{own}\": denied by \
                 spec.condition"
            ));
            assert_eq!(room.get("secrets", name), None);
        }
    }
    // The namespace is let in later, and nobody has to wait for the interval.
    let label = json!({ "metadata": { "labels": { "team": "bank" } } });
    room.bench.api.patch(&format!("api/v1/namespaces/{own}"), &label);
    room.ready("another-value");
}

#[test]
fn what_the_provider_refuses_is_told() {
    let room = require!(open("refused"));
    room.put_external_secret("web", &json!({ "data": data(&[("key", "secret", "")]) }));
    let identities = room.bench.aws.identities();
    let user = format!("arn:aws:iam::{}:user/room", room.account);
    identities.deny(&user, "secretsmanager:GetSecretValue", "*");
    let spec = json!({ "data": data(&[("key", "db", "")]) });
    room.put_external_secret("denied", &spec);
    let object = room.fails(
        "denied",
        "could not get secret data from provider: error processing spec.data[0] (key=db): ",
    );
    let message = ready_condition(&object)["message"].to_string();
    assert!(message.contains("AccessDenied"), "{message}");
    assert!(!message.contains("RequestId") && !message.contains("request id"), "{message}");
    room.event("denied", "UpdateFailed", "AccessDenied");
    assert_eq!(room.get("secrets", "denied"), None);
}
