use serde_json::{Value, json};

use super::{Rule, check_external_secret, check_store};

fn external_secret(spec: Value) -> Vec<(Rule, String, String)> {
    let spec = serde_json::from_value(spec).expect("a spec");
    let found = check_external_secret(&spec).into_iter();
    found.map(|violation| (violation.rule, violation.field, violation.message)).collect()
}

fn store(spec: Value) -> Vec<(Rule, String, String)> {
    let spec = serde_json::from_value(spec).expect("a spec");
    let found = check_store(&spec).into_iter();
    found.map(|violation| (violation.rule, violation.field, violation.message)).collect()
}

/// Exactly one violation, of this rule, at this field, with this beginning.
fn only(found: &[(Rule, String, String)], rule: Rule, field: &str, start: &str) {
    let [(found_rule, found_field, message)] = found else {
        panic!("expected one violation of {rule}, found {found:?}");
    };
    assert_eq!((*found_rule, found_field.as_str()), (rule, field));
    assert!(message.starts_with(start), "{message}");
}

fn data() -> Value {
    json!([{ "secretKey": "a", "remoteRef": { "key": "k" } }])
}

#[test]
fn a_plain_object_breaks_no_rule() {
    assert_eq!(external_secret(json!({ "data": data() })), []);
    assert_eq!(external_secret(json!({ "dataFrom": [{ "extract": { "key": "k" } }] })), []);
    let aws = json!({ "provider": { "aws": { "service": "SecretsManager", "region": "r" } } });
    assert_eq!(store(aws), []);
    assert_eq!(store(json!({ "provider": { "webhook": { "url": "u" } } })), []);
}

#[test]
fn delete_needs_an_owned_target() {
    for (creation, refused) in [
        ("Owner", false),
        ("Orphan", false),
        ("Merge", true),
        ("None", true),
        ("CreateOrMerge", true),
    ] {
        let target = json!({ "creationPolicy": creation, "deletionPolicy": "Delete" });
        let found = external_secret(json!({ "data": data(), "target": target }));
        if refused {
            only(
                &found,
                Rule::DeleteNeedsOwner,
                "spec.target.deletionPolicy",
                "deletionPolicy=Delete must not be used when the controller doesn't own the secret",
            );
        } else {
            assert_eq!(found, [], "{creation}");
        }
    }
    // The default of creationPolicy is Owner, also when the target has other fields.
    let target = json!({ "deletionPolicy": "Delete" });
    assert_eq!(external_secret(json!({ "data": data(), "target": target })), []);
}

#[test]
fn merge_needs_a_target() {
    let found = external_secret(json!({
        "data": data(),
        "target": { "creationPolicy": "None", "deletionPolicy": "Merge" },
    }));
    only(
        &found,
        Rule::MergeNeedsTarget,
        "spec.target.deletionPolicy",
        "deletionPolicy=Merge must not be used with creationPolicy=None",
    );
}

#[test]
fn there_must_be_something_to_fetch() {
    let text = "either data or dataFrom should be specified";
    only(&external_secret(json!({})), Rule::SomeData, "spec", text);
    let empty = json!({ "data": [], "dataFrom": [] });
    only(&external_secret(empty), Rule::SomeData, "spec", text);
}

#[test]
fn an_item_has_exactly_one_source() {
    let generator = json!({ "generatorRef": { "kind": "Password", "name": "p" } });
    let extract = json!({ "key": "k" });
    let good = json!({ "extract": extract });
    for item in [
        json!({ "extract": extract, "find": {} }),
        json!({ "extract": extract, "sourceRef": generator }),
        json!({ "find": {}, "sourceRef": generator }),
        json!({ "extract": extract, "find": {}, "sourceRef": generator }),
    ] {
        only(
            &external_secret(json!({ "dataFrom": [good, item] })),
            Rule::OneSource,
            "spec.dataFrom[1]",
            "extract, find, or generatorRef cannot be set at the same time",
        );
    }
    only(
        &external_secret(json!({ "dataFrom": [{ "rewrite": [] }] })),
        Rule::SomeSource,
        "spec.dataFrom[0]",
        "either extract, find, or sourceRef must be set to dataFrom",
    );
    only(
        &external_secret(json!({ "dataFrom": [{ "sourceRef": {} }] })),
        Rule::SourceRefNotEmpty,
        "spec.dataFrom[0].sourceRef",
        "generatorRef or storeRef must be set when using sourceRef in dataFrom",
    );
    let store = json!({ "storeRef": { "name": "s" } });
    for item in [
        json!({ "sourceRef": generator }),
        json!({ "extract": extract, "sourceRef": store }),
        json!({ "sourceRef": store }),
    ] {
        assert_eq!(external_secret(json!({ "dataFrom": [item] })), []);
    }
}

#[test]
fn duplicate_keys_are_refused_with_retain_only() {
    let item = |key: &str| json!({ "secretKey": key, "remoteRef": { "key": "k" } });
    let items = json!([item("a"), item("b"), item("a")]);
    only(
        &external_secret(json!({ "data": items })),
        Rule::UniqueSecretKeys,
        "spec.data[2].secretKey",
        "duplicate secretKey found: a",
    );
    let target = json!({ "deletionPolicy": "Delete" });
    assert_eq!(external_secret(json!({ "data": items, "target": target })), []);
}

#[test]
fn secrets_that_the_cluster_fills_are_refused() {
    let check = |target: Value| external_secret(json!({ "data": data(), "target": target }));
    let token = "kubernetes.io/service-account-token";
    let annotation = json!({ "annotations": { "kubernetes.io/service-account.name": "admin" } });
    let other = json!({ "annotations": { "a": "b" } });
    only(
        &check(json!({ "template": { "type": token, "metadata": annotation } })),
        Rule::NoIssuedToken,
        "spec.target.template.metadata.annotations[kubernetes.io/service-account.name]",
        "a Secret of type kubernetes.io/service-account-token",
    );
    let from = json!([{ "literal": "" }, { "literal": "", "target": "annotations" }]);
    only(
        &check(json!({ "template": { "type": token, "templateFrom": from } })),
        Rule::NoIssuedToken,
        "spec.target.template.templateFrom[1].target",
        "a Secret of type kubernetes.io/service-account-token",
    );
    only(
        &check(json!({ "template": { "type": "bootstrap.kubernetes.io/token" } })),
        Rule::NoIssuedToken,
        "spec.target.template.type",
        "Secrets of type bootstrap.kubernetes.io/token",
    );
    for template in [
        json!({ "type": token }),
        json!({ "type": token, "metadata": other }),
        json!({ "type": "Opaque", "metadata": annotation }),
        json!({ "metadata": annotation, "templateFrom": from }),
    ] {
        assert_eq!(check(json!({ "template": template })), [], "{template}");
    }
    let secret = json!({ "apiVersion": "v1", "kind": "Secret" });
    let template = json!({ "type": "bootstrap.kubernetes.io/token" });
    assert_eq!(check(json!({ "manifest": secret, "template": template })).len(), 1);
    let config_map = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
    assert_eq!(check(json!({ "manifest": config_map, "template": template })), []);
}

#[test]
fn templates_write_to_parts_that_a_secret_has() {
    let check = |target: Value| external_secret(json!({ "data": data(), "target": target }));
    let from = |part: &str| json!({ "templateFrom": [{ "literal": "", "target": part }] });
    for part in ["", "Data", "data", "ANNOTATIONS", "Labels"] {
        assert_eq!(check(json!({ "template": from(part) })), [], "{part}");
    }
    for part in ["Spec", "spec.data", "Data "] {
        only(
            &check(json!({ "template": from(part) })),
            Rule::KnownTemplateTarget,
            "spec.target.template.templateFrom[0].target",
            "invalid target",
        );
    }
    let config_map = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
    assert_eq!(check(json!({ "manifest": config_map, "template": from("spec.x") })), []);
}

#[test]
fn all_violations_are_reported_at_once() {
    let found = external_secret(json!({
        "target": { "creationPolicy": "Merge", "deletionPolicy": "Delete" },
        "dataFrom": [{}, { "sourceRef": {} }],
    }));
    let rules: Vec<Rule> = found.into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules, [Rule::DeleteNeedsOwner, Rule::SomeSource, Rule::SourceRefNotEmpty]);
}

#[test]
fn a_store_has_exactly_one_provider() {
    let none = "exactly one provider must be set, found none";
    only(&store(json!({ "provider": {} })), Rule::OneProvider, "spec.provider", none);
    let two = json!({ "fake": { "data": [] }, "oracle": {} });
    let text = "exactly one provider must be set, found fake, oracle";
    only(&store(json!({ "provider": two })), Rule::OneProvider, "spec.provider", text);
}

#[test]
fn the_refresh_interval_of_a_store_is_seconds_or_a_duration() {
    let check = |interval: Value| {
        store(json!({ "provider": { "fake": { "data": [] } }, "refreshInterval": interval }))
    };
    for good in [json!(0), json!(300), json!("0"), json!("5m"), json!("1h30m")] {
        assert_eq!(check(good.clone()), [], "{good}");
    }
    for (bad, start) in [
        (json!(-1), "refreshInterval must not be negative, found -1s"),
        (json!("-5m"), "refreshInterval must not be negative, found -5m0s"),
        (json!("300"), "invalid refreshInterval: missing unit"),
        (json!("five"), "invalid refreshInterval: invalid duration"),
        (json!(i64::MAX), "invalid refreshInterval: duration"),
    ] {
        only(&check(bad), Rule::StoreRefreshInterval, "spec.refreshInterval", start);
    }
}

#[test]
fn namespace_regexes_compile() {
    let found = store(json!({
        "provider": { "fake": { "data": [] } },
        "conditions": [
            { "namespaces": ["a"] },
            { "namespaceRegexes": ["^team-.*$", "team-(", "[a-z]+"] },
        ],
    }));
    only(
        &found,
        Rule::NamespaceRegex,
        "spec.conditions[1].namespaceRegexes[1]",
        "failed to compile the namespace regex \"team-(\": unclosed group",
    );
}

#[test]
fn aws_settings_do_not_contradict_each_other() {
    let check = |more: Value| {
        let mut aws = json!({ "service": "SecretsManager", "region": "eu-west-1" });
        let (Some(aws_fields), Some(more)) = (aws.as_object_mut(), more.as_object()) else {
            panic!("objects");
        };
        aws_fields.extend(more.clone());
        store(json!({ "provider": { "aws": aws } }))
    };
    let field = "spec.provider.aws.secretsManager";
    for days in [7, 30] {
        let settings = json!({ "recoveryWindowInDays": days, "forceDeleteWithoutRecovery": false });
        assert_eq!(check(json!({ "secretsManager": settings })), []);
    }
    for days in [6, 31] {
        let settings = json!({ "recoveryWindowInDays": days });
        let days_field = format!("{field}.recoveryWindowInDays");
        let text = "recoveryWindowInDays must be between 7 and 30";
        only(&check(json!({ "secretsManager": settings })), Rule::AwsDeletion, &days_field, text);
    }
    let both = json!({ "recoveryWindowInDays": 7, "forceDeleteWithoutRecovery": true });
    let text = "forceDeleteWithoutRecovery and recoveryWindowInDays exclude each other";
    only(&check(json!({ "secretsManager": both })), Rule::AwsDeletion, field, text);
    only(
        &check(json!({ "customSessionTags": { "team": "a", "esoNamespace": "b" } })),
        Rule::AwsReservedTags,
        "spec.provider.aws.customSessionTags[esoNamespace]",
        "esoNamespace is written by the session tag policy itself",
    );
}
