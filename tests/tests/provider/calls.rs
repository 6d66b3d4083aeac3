//! Calls as metrics show them: what is counted is what AWS saw.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use extsecret_engine::request::Fetch;
use extsecret_tests::aws::{AUDIENCE, Effect, Permissions, Role, Rule};
use serde_json::{Value, json};

use crate::place::*;

fn counted(place: &Place) -> BTreeMap<(&'static str, &'static str, &'static str), u64> {
    let calls = place.provider.calls().into_iter();
    calls.map(|calls| ((calls.provider, calls.call, calls.status), calls.number)).collect()
}

fn find(find: Value) -> Fetch {
    Fetch::Find(serde_json::from_value(find).unwrap())
}

#[test]
fn every_operation_is_counted_as_aws_sees_it() {
    let place = Place::new();
    for name in ["a", "b"] {
        place.aws.secrets().put(name, "1");
        place.aws.parameters().put(name, "1");
    }
    let role = place.add_role("reader", Permissions::Everything);
    let web = Role::new(&place.role("web")).trusts_token(
        "https://oidc.example.test/cluster",
        AUDIENCE,
        "*",
    );
    place.aws.identities().add_role(web.may(Permissions::Everything));
    place.objects.put_account("shop", "web", &place.role("web"));
    run(async {
        let tags = Fetch::Tags { key: "a".to_owned() };
        let old = Fetch::Value { key: "a".to_owned(), version: Some("9".to_owned()) };
        let by_tag = find(json!({ "tags": { "a": "1" } }));
        let by_name = find(json!({ "name": { "regexp": "." } }));
        let wanted = [value("a"), value("b"), value("gone"), old, tags, by_name, by_tag];
        place.fetch(&and(&json!({ "role": role })), &wanted).await;
        place.fetch(&parameters_store(), &wanted).await;
        let jwt = json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "web" } } } });
        place.fetch(&store_with("SecretsManager", &jwt), &[value("a")]).await;
        // Nobody's role: nothing is asked with it.
        place.fetch(&and(&json!({ "role": place.role("nobody") })), &wanted).await;
    });
    let counted = counted(&place);
    let mut seen: BTreeMap<String, u64> = BTreeMap::new();
    for ((provider, call, _), number) in &counted {
        let service = match *provider {
            "AWS/SecretsManager" => "secretsmanager",
            "AWS/ParameterStore" => "ssm",
            "AWS/STS" => "sts",
            other => panic!("{other}"),
        };
        let call = if *call == "DescribeParameter" { "DescribeParameters" } else { call };
        *seen.entry(format!("{service}:{call}")).or_default() += number;
    }
    assert_eq!(seen, place.aws.counters().snapshot());
    assert_eq!(seen.len(), 11, "{seen:?}");
    let number = |provider, call, status| counted.get(&(provider, call, status)).copied();
    let secrets = "AWS/SecretsManager";
    assert_eq!(number(secrets, "GetSecretValue", "success"), Some(1));
    assert_eq!(number(secrets, "GetSecretValue", "error"), Some(1), "there is no such version");
    assert_eq!(number("AWS/ParameterStore", "GetParameter", "success"), None);
    assert_eq!(number("AWS/ParameterStore", "GetParameter", "error"), Some(2));
    assert_eq!(number("AWS/ParameterStore", "DescribeParameter", "success"), Some(1));
    assert_eq!(number("AWS/STS", "AssumeRole", "success"), Some(1));
    assert_eq!(number("AWS/STS", "AssumeRole", "error"), Some(1));
    assert_eq!(number("AWS/STS", "AssumeRoleWithWebIdentity", "success"), Some(1));
    assert_eq!(place.objects.tokens.load(Ordering::Relaxed), 1);
    assert_eq!(place.provider.counts().sessions, 3);
}

#[test]
fn a_call_counts_once_however_often_it_is_tried() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    run(async {
        for effect in [Effect::Reset, Effect::throttled()] {
            place.aws.faults().add(Rule::on(GET).times(2).effect(effect));
            place.fetch(&secrets_store(), &[value("a")]).await;
            place.aws.faults().clear();
        }
        assert_eq!(place.count(GET), 6);
        assert_eq!(place.provider.counts().calls, 6);
        let key = |status| ("AWS/SecretsManager", "GetSecretValue", status);
        assert_eq!(counted(&place), BTreeMap::from([(key("success"), 2)]));
        place.aws.faults().add(Rule::on(GET).effect(Effect::Reset));
        place.fetch(&secrets_store(), &[value("a")]).await;
        let both = BTreeMap::from([(key("success"), 2), (key("error"), 1)]);
        assert_eq!(counted(&place), both);
        assert_eq!(place.count(GET), 9);
    });
}

#[test]
fn calls_that_were_not_needed_are_counted() {
    let place = Place::new();
    let names: Vec<String> = (0..30).map(|number| format!("app/{number}")).collect();
    for name in &names {
        place.aws.secrets().put(name, name);
    }
    let wanted: Vec<Fetch> = names.iter().map(|name| value(name)).collect();
    run(async {
        place.fetch(&secrets_store(), &wanted[..1]).await;
        assert_eq!(place.provider.counts().saved, 0, "nobody else asked");
        // Two calls bring thirty.
        place.fetch(&secrets_store(), &wanted).await;
        assert_eq!(place.count(BATCH), 2);
        assert_eq!(place.provider.counts().saved, 28);
        place.aws.identities().deny("*", BATCH, "*");
        place.fetch(&secrets_store(), &wanted).await;
        assert_eq!(place.count(GET), 31);
        assert_eq!(place.provider.counts().saved, 28, "what is read one by one spares nothing");
    });
}
