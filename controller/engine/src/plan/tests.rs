#![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

use k8s_openapi::api::core::v1;
use serde_json::{Value, json};

use super::*;
use crate::collect::{FetchError, Missing};
use crate::hash::object_hash;
use crate::request::Field;
use crate::status::Retry;

/// A clock that stands still, and no randomness.
struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn object(spec: Value) -> ExternalSecret {
    serde_json::from_value(json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": {
            "name": "db", "namespace": "app", "uid": "u-1",
            "labels": { "team": "blue" }, "annotations": { "note": "hello" },
        },
        "spec": spec,
    }))
    .unwrap()
}

fn target(target: Value) -> ExternalSecret {
    object(json!({ "target": target }))
}

fn secret(value: Value) -> Secret {
    serde_json::from_value::<v1::Secret>(value).unwrap().into()
}

fn values(entries: &[(&str, &str)]) -> Collected {
    let data = entries.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect();
    Collected { data, missing: Vec::new() }
}

fn planned(object: &ExternalSecret, collected: &Collected, existing: Option<&Secret>) -> Plan {
    let (sources, settings) = (Sources::default(), Settings::default());
    let collected = Ok(collected);
    let input =
        Input { object, collected, existing, sources: &sources, settings: &settings, adopt: true };
    plan(&input, &mut Still)
}

/// What was written, as the cluster shows it afterwards.
fn written(plan: &Plan) -> Secret {
    match &plan.action {
        Action::Create(secret) | Action::Update(secret) => {
            let mut secret = secret.clone();
            secret.type_.get_or_insert_with(|| "Opaque".to_owned());
            let fields = |keys: Vec<&String>| {
                keys.into_iter().map(|key| (format!("f:{key}"), json!({}))).collect::<Value>()
            };
            let meta = &secret.metadata;
            let managed = json!({
                "f:data": fields(secret.data.keys().collect()),
                "f:metadata": {
                    "f:labels": fields(meta.labels.iter().flatten().map(|(key, _)| key).collect()),
                    "f:annotations":
                        fields(meta.annotations.iter().flatten().map(|(key, _)| key).collect()),
                },
            });
            let entry = json!([{ "manager": field_manager("db"), "operation": "Update",
                "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": managed }]);
            secret.metadata.managed_fields = Some(serde_json::from_value(entry).unwrap());
            secret
        }
        other => panic!("{other:?}"),
    }
}

fn text<'a>(secret: &'a Secret, key: &str) -> Option<&'a str> {
    secret.data.get(key).map(|value| std::str::from_utf8(value).unwrap())
}

#[test]
fn a_new_secret_is_what_eso_writes() {
    let plan = planned(&target(json!({})), &values(&[("a", "1")]), None);
    let secret = written(&plan);
    let value = serde_json::to_value(v1::Secret::from(match plan.action {
        Action::Create(secret) => secret,
        other => panic!("{other:?}"),
    }));
    assert_eq!(
        value.unwrap(),
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": "db", "namespace": "app",
                "labels": {
                    "team": "blue",
                    "reconcile.external-secrets.io/managed": "true",
                    "reconcile.external-secrets.io/created-by": object_hash(b"app/db"),
                },
                "annotations": {
                    "note": "hello",
                    "reconcile.external-secrets.io/data-hash": object_hash(b"map[a:[49]]"),
                },
                "ownerReferences": [{
                    "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                    "name": "db", "uid": "u-1", "controller": true, "blockOwnerDeletion": true,
                }],
            },
            "data": { "a": "MQ==" },
        })
    );
    assert!(secret.is_intact());
    assert!(plan.delete_orphans);
    assert_eq!(plan.outcome.message, "secret synced");
    assert!(plan.outcome.ready && plan.outcome.bound);
}

#[test]
fn what_was_written_is_not_written_again() {
    for policy in ["Owner", "Orphan", "Merge", "CreateOrMerge"] {
        let object = target(json!({ "creationPolicy": policy, "template": {
            "type": "Opaque", "data": { "t": "{{ .a }}!" }, "mergePolicy": "Merge",
            "metadata": { "labels": { "l": "{{ .a }}" }, "finalizers": ["x/y"] } } }));
        let values = values(&[("a", "1")]);
        let before =
            secret(json!({ "metadata": { "name": "db", "uid": "s", "resourceVersion": "5" },
            "type": "Opaque" }));
        let existing = written(&planned(&object, &values, Some(&before)));
        assert_eq!(existing.metadata.resource_version.as_deref(), Some("5"));
        let again = planned(&object, &values, Some(&existing));
        assert_eq!(again.action, Action::Nothing, "{policy}");
        assert!(again.outcome.bound);
    }
}

#[test]
fn keys_and_labels_that_are_no_longer_wanted_go() {
    let existing = {
        let mut object = target(json!({}));
        object.metadata.labels.as_mut().unwrap().insert("old".into(), "1".into());
        let mut secret = written(&planned(&object, &values(&[("a", "1"), ("b", "2")]), None));
        secret.data.insert("foreign".into(), b"3".to_vec());
        secret.metadata.labels.as_mut().unwrap().insert("foreign".into(), "3".into());
        secret
    };
    let owner = written(&planned(&target(json!({})), &values(&[("a", "1")]), Some(&existing)));
    assert_eq!(owner.data.keys().collect::<Vec<_>>(), ["a"]);
    let labels = owner.metadata.labels.unwrap();
    assert!(labels.contains_key("foreign") && !labels.contains_key("old"), "{labels:?}");

    let merge = target(json!({ "creationPolicy": "Merge" }));
    let merged = written(&planned(&merge, &values(&[("a", "1")]), Some(&existing)));
    assert_eq!(merged.data.keys().collect::<Vec<_>>(), ["a", "foreign"]);
    // Whoever does not own any more takes his marks away.
    assert_eq!(merged.metadata.owner_references, None);
    assert!(!merged.metadata.labels.unwrap().contains_key(OWNER_LABEL));
}

#[test]
fn template_data_beats_template_from_beats_values() {
    let template = |merge: &str| {
        target(json!({ "template": { "mergePolicy": merge, "data": { "a": "data {{ .a }}" },
            "templateFrom": [{ "literal": "a: literal\nb: 'from {{ .b }}'" }] } }))
    };
    let values = values(&[("a", "1"), ("b", "2"), ("c", "3")]);
    let replaced = written(&planned(&template("Replace"), &values, None));
    assert_eq!(text(&replaced, "a"), Some("data 1"));
    assert_eq!(text(&replaced, "b"), Some("from 2"));
    assert_eq!(text(&replaced, "c"), None);
    let merged = written(&planned(&template("Merge"), &values, None));
    assert_eq!(text(&merged, "a"), Some("data 1"));
    assert_eq!(text(&merged, "c"), Some("3"));
    // A template without texts takes the values as they are, and no label of the object.
    let bare = written(&planned(&target(json!({ "template": { "type": "x/y" } })), &values, None));
    assert_eq!(bare.data, values.data);
    assert_eq!(bare.type_.as_deref(), Some("x/y"));
    assert!(!bare.metadata.labels.unwrap().contains_key("team"));
}

#[test]
fn texts_come_from_config_maps_and_secrets_too() {
    let object = target(json!({ "template": { "templateFrom": [
        { "configMap": { "name": "texts", "items": [
            { "key": "one.txt" }, { "key": "two", "templateAs": "KeysAndValues" } ] } },
        { "secret": { "name": "hidden", "items": [{ "key": "three" }] }, "target": "annotations" },
        { "literal": "enc: aGk=", "valuesDecodingStrategy": "Base64" },
    ] } }));
    let mut sources = Sources::default();
    let texts = [("one.txt", "1 {{ .a }}"), ("two", "k-{{ .a }}: v")];
    let texts = texts.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    sources.config_maps.insert("texts".into(), texts);
    sources.secrets.insert("hidden".into(), [("three".into(), b"3 {{ .a }}".to_vec())].into());
    let collected = values(&[("a", "x")]);
    let settings = Settings::default();
    let mut input = Input {
        object: &object,
        collected: Ok(&collected),
        existing: None,
        sources: &sources,
        settings: &settings,
        adopt: true,
    };
    let secret = written(&plan(&input, &mut Still));
    assert_eq!(text(&secret, "one.txt"), Some("1 x"));
    assert_eq!(text(&secret, "k-x"), Some("v"));
    assert_eq!(text(&secret, "enc"), Some("hi"));
    assert_eq!(secret.metadata.annotations.unwrap()["three"], "3 x");

    let nothing = Sources::default();
    input.sources = &nothing;
    let failed = plan(&input, &mut Still);
    assert_eq!(failed.action, Action::Nothing);
    assert!(
        failed.outcome.message.starts_with(
            "could not update secret: could not apply template: error fetching templateFrom data"
        ) && failed.outcome.message.contains("ConfigMap \"texts\" not found"),
        "{}",
        failed.outcome.message
    );
    assert_eq!(failed.outcome.retry, Retry::Backoff);
}

#[test]
fn nothing_at_the_provider_is_what_the_deletion_policy_says() {
    let missing = Collected {
        data: Data::new(),
        missing: vec![Missing { field: Field::Data(0), key: Some("app/db".into()) }],
    };
    let mine = written(&planned(&target(json!({})), &values(&[("a", "1")]), None));

    let retained = planned(&target(json!({})), &values(&[]), Some(&mine));
    assert_eq!(retained.action, Action::Nothing);
    assert_eq!(retained.outcome.message, "secret retained due to DeletionPolicy=Retain");

    let delete = target(json!({ "deletionPolicy": "Delete" }));
    let deleted = planned(&delete, &missing, Some(&mine));
    assert_eq!(deleted.action, Action::Delete);
    assert_eq!(deleted.outcome.reason, "SecretDeleted");
    assert_eq!(
        deleted.outcome.message,
        "secret deleted due to DeletionPolicy=Delete; not at the provider: spec.data[0] (key=app/db)"
    );
    assert_eq!(deleted.events[0].reason, "MissingProviderSecret");
    assert_eq!(planned(&delete, &missing, None).action, Action::Nothing);

    let merge = target(json!({ "deletionPolicy": "Merge" }));
    assert!(written(&planned(&merge, &missing, Some(&mine))).data.is_empty());
}

#[test]
fn only_our_own_secret_is_deleted() {
    let foreign = secret(json!({ "metadata": { "name": "db" }, "stringData": { "a": "1" } }));
    let delete = target(json!({ "deletionPolicy": "Delete" }));
    let plan = planned(&delete, &values(&[]), Some(&foreign));
    assert_eq!(plan.action, Action::Nothing);
    assert!(!plan.outcome.ready && plan.outcome.message.starts_with("could not delete secret: "));
    let orphan = target(json!({ "deletionPolicy": "Delete", "creationPolicy": "Orphan" }));
    let plan = planned(&orphan, &values(&[]), Some(&foreign));
    assert!(plan.outcome.message.contains("creationPolicy=Orphan is not Owner"));
    assert_eq!(plan.action, Action::Nothing);
}

#[test]
fn no_error_of_the_provider_ever_deletes() {
    let delete = target(json!({ "deletionPolicy": "Delete" }));
    let mine = written(&planned(&target(json!({})), &values(&[("a", "1")]), None));
    for error in [
        FetchError::NoSecret,
        FetchError::Failed { message: "AccessDenied".into(), may_pass: true },
    ] {
        let missing = Missing { field: Field::Data(0), key: Some("k".into()) };
        let error = CollectError::Fetch { missing, error };
        let (sources, settings) = (Sources::default(), Settings::default());
        let input = Input {
            object: &delete,
            collected: Err(&error),
            existing: Some(&mine),
            sources: &sources,
            settings: &settings,
            adopt: true,
        };
        let plan = plan(&input, &mut Still);
        assert_eq!(plan.action, Action::Nothing);
        assert!(!plan.delete_orphans);
        assert!(plan.outcome.message.starts_with(
            "could not get secret data from provider: error processing spec.data[0] (key=k): "
        ));
    }
}

#[test]
fn somebody_elses_secret_is_left_alone() {
    let owned = |api_version: &str, kind: &str, name: &str| {
        secret(json!({ "metadata": { "name": "db", "ownerReferences": [{
            "apiVersion": api_version, "kind": kind, "name": name, "uid": "x", "controller": true,
        }] } }))
    };
    let object = target(json!({}));
    let one = values(&[("a", "1")]);

    let plan = planned(
        &object,
        &one,
        Some(&owned("external-secrets.io/v1beta1", "ExternalSecret", "other")),
    );
    assert!(plan.outcome.message.starts_with("target is owned by another ExternalSecret: "));
    assert!(plan.outcome.message.contains("other"));
    assert_eq!((plan.action, plan.outcome.retry), (Action::Nothing, Retry::OnChange));

    // The Secret of a KES object of the same name: another group, and so another kind.
    let plan =
        planned(&object, &one, Some(&owned("kubernetes-client.io/v1", "ExternalSecret", "db")));
    assert!(plan.outcome.message.starts_with("failed to take ownership of target secret: "));
    assert_eq!(plan.action, Action::Nothing);

    // Who does not want to own it may write it.
    let merge = target(json!({ "creationPolicy": "Merge" }));
    let plan = planned(&merge, &one, Some(&owned("apps/v1", "Deployment", "x")));
    assert!(matches!(plan.action, Action::Update(_)));

    // Ours, from before it was made anew: the reference gets the new uid, and there is one.
    let plan =
        planned(&object, &one, Some(&owned("external-secrets.io/v1beta1", "ExternalSecret", "db")));
    let owners = written(&plan).metadata.owner_references.unwrap();
    assert_eq!(owners.len(), 1);
    assert_eq!(
        (owners[0].uid.as_str(), owners[0].api_version.as_str()),
        ("u-1", "external-secrets.io/v1")
    );
}

#[test]
fn adoption_can_be_forbidden() {
    let unowned = secret(json!({ "metadata": { "name": "db" }, "stringData": { "x": "1" } }));
    let one = values(&[("a", "1")]);
    let (sources, settings) = (Sources::default(), Settings::default());
    for (policy, allowed) in [("Owner", false), ("Orphan", false), ("Merge", true)] {
        let object = target(json!({ "creationPolicy": policy }));
        let input = Input {
            object: &object,
            collected: Ok(&one),
            existing: Some(&unowned),
            sources: &sources,
            settings: &settings,
            adopt: false,
        };
        assert_eq!(plan(&input, &mut Still).outcome.ready, allowed, "{policy}");
        let mine = written(&planned(&object, &one, Some(&unowned)));
        let again = Input { existing: Some(&mine), ..input };
        assert!(plan(&again, &mut Still).outcome.ready, "{policy}");
    }
}

#[test]
fn policies_without_a_target() {
    let one = values(&[("a", "1")]);
    let none = planned(&target(json!({ "creationPolicy": "None" })), &one, None);
    assert_eq!(none.action, Action::Nothing);
    assert_eq!(none.outcome.message, "secret synced");
    assert!(!none.outcome.bound);
    let merge = planned(&target(json!({ "creationPolicy": "Merge" })), &one, None);
    assert_eq!(merge.outcome.reason, "SecretMissing");
    assert!(merge.outcome.ready && merge.action == Action::Nothing);
}

#[test]
fn an_immutable_secret_keeps_its_data() {
    let asked = target(json!({ "immutable": true }));
    let existing = written(&planned(&asked, &values(&[("a", "1")]), None));
    assert_eq!(existing.immutable, Some(true));
    let same = planned(&asked, &values(&[("a", "2")]), Some(&existing));
    assert_eq!(same.action, Action::Nothing);
    assert!(same.outcome.ready && same.outcome.message.starts_with("secret synced; "));
    // One that somebody else made immutable is a failure.
    let not_asked = planned(&target(json!({})), &values(&[("a", "2")]), Some(&existing));
    assert!(
        not_asked.outcome.message.starts_with("could not update secret, target is immutable: ")
    );
    assert_eq!(not_asked.action, Action::Nothing);
}

#[test]
fn what_the_api_server_would_refuse_is_not_sent() {
    let message = |object: &ExternalSecret, values: &Collected, existing: Option<&Secret>| {
        let plan = planned(object, values, existing);
        assert_eq!(plan.action, Action::Nothing);
        plan.outcome.message
    };
    let tls = secret(json!({ "metadata": { "name": "db" }, "type": "kubernetes.io/tls" }));
    let typed = target(json!({ "template": { "type": "Opaque" } }));
    let one = values(&[("a", "1")]);
    assert!(message(&typed, &one, Some(&tls)).contains("of type \"kubernetes.io/tls\""));
    for key in ["a/b", "..", "", "ä"] {
        assert!(
            message(&target(json!({})), &values(&[(key, "1")]), None).contains("cannot be a key"),
            "{key}"
        );
    }
    let large = "x".repeat(MAX_SECRET_BYTES + 1);
    assert!(message(&target(json!({})), &values(&[("a", &large)]), None).contains("1048577 bytes"));
    let manifest = target(json!({ "manifest": { "apiVersion": "v1", "kind": "ConfigMap" } }));
    assert!(message(&manifest, &one, None).contains("spec.target.manifest is not supported"));
}

#[test]
fn no_secret_is_written_that_the_cluster_puts_a_token_into() {
    let token = |metadata: Value| {
        target(
            json!({ "template": { "type": "kubernetes.io/service-account-token", "metadata": metadata } }),
        )
    };
    let one = values(&[("a", "1")]);
    let refused = |plan: &Plan| {
        plan.action == Action::Nothing && plan.outcome.message.contains("are not written")
    };
    let named =
        token(json!({ "annotations": { "kubernetes.io/service-account.name": "default" } }));
    assert!(refused(&planned(&named, &one, None)));
    let templated = target(json!({ "template": {
        "type": "kubernetes.io/service-account-token",
        "templateFrom": [{ "target": "Annotations",
            "literal": "kubernetes.io/service-account.name: default" }] } }));
    assert!(refused(&planned(&templated, &one, None)));
    let bootstrap = target(json!({ "template": { "type": "bootstrap.kubernetes.io/token" } }));
    assert!(refused(&planned(&bootstrap, &one, None)));
}

#[test]
fn a_failing_template_changes_nothing_and_tells_no_value() {
    let object = target(json!({ "template": { "data": { "x": "{{ .a | fail }}" } } }));
    let existing = written(&planned(&target(json!({})), &values(&[("a", "hunter2")]), None));
    let plan = planned(&object, &values(&[("a", "hunter2")]), Some(&existing));
    assert_eq!(plan.action, Action::Nothing);
    let told = format!("{plan:?}");
    assert!(!told.contains("hunter2"), "{told}");
    assert!(
        plan.outcome.message.contains("spec.target.template.data[x]"),
        "{}",
        plan.outcome.message
    );
}
