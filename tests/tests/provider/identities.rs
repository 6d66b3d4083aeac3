//! Who asks: credentials, where they come from, and that nobody gets those of another.

use std::sync::atomic::Ordering;
use std::time::Duration;

use extsecret_provider::aws::is_referent;
use extsecret_provider::provider::ProviderError;
use extsecret_tests::aws::{AUDIENCE, Effect, Permissions, Policy, Role, Rule};
use futures::future::join_all;
use serde_json::json;
use tokio::time::Instant;

use crate::place::*;

fn own_secrets(place: &Place, prefix: &str) -> Permissions {
    let own = format!("arn:aws:secretsmanager:*:{}:secret:{prefix}/*", place.aws.account());
    Permissions::allow(&[GET], &[&own])
}

#[test]
fn each_namespace_uses_its_own_keys_of_a_cluster_store() {
    let place = Place::new();
    for team in ["blue", "red"] {
        place.aws.secrets().put(&format!("{team}/db"), team);
        let user = place.aws.identities();
        let user = user.add_user(place.aws.account(), team, own_secrets(&place, team));
        place.objects.put_keys(team, "keys", &user);
    }
    let spec = store_with("SecretsManager", &keys_of("keys", None));
    assert!(is_referent(spec.provider.aws.as_ref().unwrap()));
    run(async {
        for (team, other) in [("blue", "red"), ("red", "blue")] {
            let scope = cluster_scope(Some(team));
            assert_eq!(place.text(&spec, &scope, &format!("{team}/db")).await.unwrap(), team);
            // Also while the other's answer is remembered.
            let store = place.connect(&spec, &scope).await.unwrap();
            let window = since(Instant::now() - Duration::from_secs(30));
            let answers = store.fetch(&[value(&format!("{other}/db"))], window).await;
            assert_eq!(answers[0].as_ref().unwrap_err().category(), "denied");
        }
        let alone = place.connect(&spec, &cluster_scope(None)).await.unwrap_err();
        assert!(alone.to_string().contains("cannot be reached by itself"), "{alone}");
        let fixed = store_with("SecretsManager", &keys_of("keys", Some("blue")));
        assert!(!is_referent(fixed.provider.aws.as_ref().unwrap()));
        let checked = place.connect(&fixed, &cluster_scope(None)).await.unwrap();
        checked.check(fresh().deadline).await.unwrap();
    });
}

#[test]
fn a_store_of_a_namespace_uses_no_other() {
    let place = Place::new();
    run(async {
        let spec = store_with("SecretsManager", &keys_of("aws", Some("shop")));
        assert!(place.connect(&spec, &scope("shop")).await.is_ok());
        let error = place.connect(&spec, &scope("intruder")).await.unwrap_err();
        assert_eq!(error.category(), "invalid");
        assert!(error.to_string().contains("only a ClusterSecretStore"), "{error}");
        let jwt = json!({ "serviceAccountRef": { "name": "web", "namespace": "shop" } });
        let spec = store_with("SecretsManager", &json!({ "auth": { "jwt": jwt } }));
        let error = place.connect(&spec, &scope("intruder")).await.unwrap_err();
        assert!(error.to_string().contains("only a ClusterSecretStore"), "{error}");
    });
}

#[test]
fn replaced_keys_are_used_at_once() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    run(async {
        let spec = secrets_store();
        let scope = scope("shop");
        assert_eq!(place.text(&spec, &scope, "a").await.unwrap(), "1");
        let user =
            place.aws.identities().add_user(place.aws.account(), "next", Permissions::nothing());
        place.objects.put_keys("shop", "aws", &user);
        let error = place.text(&spec, &scope, "a").await.unwrap_err();
        assert!(error.to_string().contains("user/next"), "{error}");
        place.objects.put_secret("shop", "aws", "secret", "of nobody");
        let error = place.text(&spec, &scope, "a").await.unwrap_err();
        assert!(matches!(error, ProviderError::Rejected(_)), "{error}");
        place.objects.put_secret("shop", "aws", "secret", "two\nlines");
        let error = place.text(&spec, &scope, "a").await.unwrap_err();
        assert_eq!(error.category(), "invalid");
        assert!(!error.to_string().contains("two"), "{error}");
    });
}

#[test]
fn a_session_token_in_a_secret_is_used() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    let arn = place.add_role("temporary", Permissions::Everything);
    let client = place.aws.client();
    let request = json!({ "RoleArn": arn, "RoleSessionName": "test" });
    let answer = client.ask(extsecret_tests::aws_client::Service::Sts, "AssumeRole", &request);
    let part = |name: &str| answer.body["Credentials"][name].as_str().unwrap().to_owned();
    place.objects.put_secret("shop", "temporary", "id", &part("AccessKeyId"));
    place.objects.put_secret("shop", "temporary", "secret", &part("SecretAccessKey"));
    place.objects.put_secret("shop", "temporary", "token", &part("SessionToken"));
    let mut auth = keys_of("temporary", None);
    auth["auth"]["secretRef"]["sessionTokenSecretRef"] =
        json!({ "name": "temporary", "key": "token" });
    run(async {
        let spec = store_with("SecretsManager", &auth);
        assert_eq!(place.text(&spec, &scope("shop"), "a").await.unwrap(), "1");
    });
}

#[test]
fn a_service_account_is_who_its_role_says() {
    let place = Place::new();
    place.aws.secrets().put("web/db", "1");
    let arn = place.role("web");
    let role = Role::new(&arn).may(own_secrets(&place, "web"));
    let role = role.trusts_token(
        "https://oidc.example.test/cluster",
        AUDIENCE,
        "system:serviceaccount:shop:web",
    );
    place.aws.identities().add_role(role);
    place.objects.put_account("shop", "web", &arn);
    place.objects.put_account("shop", "intruder", &arn);
    let store = |account: &str| {
        let jwt = json!({ "serviceAccountRef": { "name": account } });
        store_with("SecretsManager", &json!({ "auth": { "jwt": jwt } }))
    };
    run(async {
        let scope = scope("shop");
        let texts = join_all(
            (0..20).map(|_| async { place.text(&store("web"), &scope, "web/db").await.unwrap() }),
        );
        assert_eq!(texts.await, ["1"; 20]);
        assert_eq!(place.count(WITH_TOKEN), 1);
        assert_eq!(place.objects.tokens.load(Ordering::Relaxed), 1);
        assert_eq!(
            place.text(&store("web"), &scope, "other").await.unwrap_err().category(),
            "denied"
        );
        let error = place.text(&store("intruder"), &scope, "web/db").await.unwrap_err();
        assert_eq!(error.category(), "denied");
        assert!(error.to_string().contains("AssumeRoleWithWebIdentity"), "{error}");
        place.objects.put_account("shop", "bare", "");
        let error = place.text(&store("bare"), &scope, "web/db").await.unwrap_err();
        let words = "an IAM role must be associated with service account bare (namespace: shop)";
        assert!(error.to_string().contains(words), "{error}");
    });
}

#[test]
fn roles_are_assumed_one_after_another() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    let first = place.add_role("first", Permissions::Everything);
    let second = place.role("second");
    let trust = |condition: &serde_json::Value| {
        let trust = json!({ "Statement": {
            "Effect": "Allow", "Principal": { "AWS": first },
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": condition,
        } });
        Policy::parse(&trust.to_string()).unwrap()
    };
    let condition = json!({ "StringEquals": {
        "sts:ExternalId": "tenant", "aws:RequestTag/team": "blue",
    } });
    place.aws.identities().add_role(Role::new(&second).trusts(trust(&condition)));
    run(async {
        let scope = scope("shop");
        let tagged = |external: &str, team: &str| {
            and(&json!({
                "additionalRoles": [first], "role": second, "externalID": external,
                "sessionTags": [{ "key": "team", "value": team }], "transitiveTagKeys": ["team"],
            }))
        };
        assert_eq!(place.text(&tagged("tenant", "blue"), &scope, "a").await.unwrap(), "1");
        assert_eq!(place.count(ASSUME), 2);
        // The first role is the same session for the next identity.
        let error = place.text(&tagged("tenant", "red"), &scope, "a").await.unwrap_err();
        assert_eq!(error.category(), "denied");
        assert_eq!(place.count(ASSUME), 3);
        let error = place.text(&tagged("other", "blue"), &scope, "a").await.unwrap_err();
        assert!(error.to_string().contains("AssumeRole of"), "{error}");
        assert_eq!(place.count(ASSUME), 4);
    });
}

#[test]
fn the_policy_simple_tags_sessions_with_their_namespace() {
    let place = Place::new();
    place.aws.secrets().put("shop/db", "1");
    place.aws.secrets().put("bank/db", "2");
    let arn = place.role("tenants");
    let trust = json!({ "Statement": {
        "Effect": "Allow", "Principal": { "AWS": place.aws.account() },
        "Action": ["sts:AssumeRole", "sts:TagSession"],
        "Condition": { "StringEquals": {
            "aws:RequestTag/esoNamespace": "shop",
            "aws:RequestTag/esoStoreName": "all",
            "aws:RequestTag/esoStoreKind": "ClusterSecretStore",
        } },
    } });
    let trust = Policy::parse(&trust.to_string()).unwrap();
    place.aws.identities().add_role(Role::new(&arn).trusts(trust));
    let mut fields = keys_of("aws", Some("shop"));
    fields["role"] = json!(arn);
    fields["sessionTagsPolicy"] = json!("Simple");
    fields["sessionTags"] = json!([{ "key": "ignored", "value": "x" }]);
    let spec = store_with("SecretsManager", &fields);
    run(async {
        let text = place.text(&spec, &cluster_scope(Some("shop")), "shop/db").await;
        assert_eq!(text.unwrap(), "1");
        let error = place.text(&spec, &cluster_scope(Some("bank")), "bank/db").await.unwrap_err();
        assert_eq!(error.category(), "denied");
    });
}

#[test]
fn a_session_is_renewed_in_time_and_used_while_it_lasts() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    let role = place.add_role("reader", Permissions::Everything);
    run(async {
        let (spec, scope) = (and(&json!({ "role": role })), scope("shop"));
        let read = async || place.text(&spec, &scope, "a").await.unwrap();
        assert_eq!(read().await, "1");
        place.advance(Duration::from_mins(54));
        assert_eq!(read().await, "1");
        assert_eq!(place.count(ASSUME), 1);
        place.advance(Duration::from_mins(2));
        join_all((0..10).map(|_| read())).await;
        assert_eq!(place.count(ASSUME), 2, "renewed once, before its end");
        // A service that is down is nobody's problem while the session lasts.
        place.aws.faults().add(Rule::on(ASSUME).effect(Effect::error(400, "AccessDenied", "no")));
        place.advance(Duration::from_mins(56));
        assert_eq!(read().await, "1");
        assert_eq!(read().await, "1");
        assert_eq!(place.count(ASSUME), 3, "and is not asked each time");
        place.advance(Duration::from_mins(10));
        assert!(place.text(&spec, &scope, "a").await.is_err());
    });
}

#[test]
fn a_session_that_ended_early_is_replaced() {
    let place = Place::new();
    place.aws.secrets().put("a", "1");
    let role = place.add_role("reader", Permissions::Everything);
    run(async {
        let (spec, scope) = (and(&json!({ "role": role })), scope("shop"));
        assert_eq!(place.text(&spec, &scope, "a").await.unwrap(), "1");
        place.aws.clock().advance(Duration::from_hours(2));
        assert_eq!(place.text(&spec, &scope, "a").await.unwrap(), "1");
        assert_eq!((place.count(ASSUME), place.count(GET)), (2, 3));
    });
}

#[test]
fn a_refused_role_is_asked_for_once() {
    let place = Place::new();
    let spec = and(&json!({ "role": place.role("nobody") }));
    run(async {
        let scope = scope("shop");
        let all = join_all((0..200).map(|number| {
            let (place, spec, scope) = (&place, &spec, &scope);
            async move { place.text(spec, scope, &number.to_string()).await.unwrap_err() }
        }));
        for error in all.await {
            assert_eq!(error.category(), "denied");
        }
        assert_eq!(place.count(ASSUME), 1);
        assert_eq!((place.count(GET), place.count(BATCH)), (0, 0));
    });
}

#[test]
fn a_store_that_is_wrong_is_told_before_anything_is_sent() {
    let place = Place::new();
    run(async {
        for (service, more, words) in [
            ("SecretsManager", json!({ "region": "mars" }), "not the name of an AWS region"),
            ("CertificateManager", json!({}), "CertificateManager is not supported"),
            ("SecretsManager", keys_of("missing", None), "no Secret"),
            (
                "SecretsManager",
                json!({ "auth": { "secretRef": {} } }),
                "accessKeyIDSecretRef is missing",
            ),
            (
                "SecretsManager",
                json!({ "role": "arn:aws:iam::1:role/x", "sessionTagsPolicy": "Odd" }),
                "use None, Simple or Custom",
            ),
        ] {
            let spec = store_with(service, &more);
            let error = place.connect(&spec, &scope("shop")).await.unwrap_err();
            assert_eq!(error.category(), "invalid", "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
        let vault = json!({ "provider": { "vault": { "server": "https://v", "auth": {} } } });
        let vault = serde_json::from_value(vault).unwrap();
        let error = place.connect(&vault, &scope("shop")).await.unwrap_err();
        assert!(error.to_string().contains("it is for vault"), "{error}");
    });
    assert!(place.aws.counters().snapshot().is_empty());
}
