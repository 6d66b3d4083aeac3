//! The AWS double and a real cluster together: a service account's token is worth what AWS would
//! give for it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use extsecret_tests::aws::{AUDIENCE, Aws, Credentials, Permissions};
use extsecret_tests::aws_client::{Answer, Service};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::require;
use serde_json::json;

/// Asks for a session with nothing but a token.
fn assume(aws: &Aws, role: &str, token: &str) -> Answer {
    let mut nobody = aws.client();
    nobody.credentials = None;
    let request = json!({ "RoleArn": role, "RoleSessionName": "test", "WebIdentityToken": token });
    nobody.ask(Service::Sts, "AssumeRoleWithWebIdentity", &request)
}

fn credentials(answer: &Answer) -> Credentials {
    let text = |name: &str| answer.body["Credentials"][name].as_str().unwrap().to_owned();
    Credentials {
        access_key_id: text("AccessKeyId"),
        secret_access_key: text("SecretAccessKey"),
        session_token: Some(text("SessionToken")),
    }
}

fn code(answer: &Answer) -> &str {
    answer.error.as_ref().map_or("OK", |error| &error.code)
}

#[test]
fn a_service_account_reads_what_its_role_may_read() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let aws = Aws::start();
    aws.secrets().put("web/db", "a value");
    aws.secrets().put("other", "another value");
    let own = format!("arn:aws:secretsmanager:*:{}:secret:web/*", aws.account());
    let read = Permissions::allow(&["secretsmanager:GetSecretValue"], &[&own]);
    let role = aws.role_of(cluster, &namespace, "web", read);

    let token = |account: &str, audience: &str| {
        let kubectl = |args: &[&str]| cluster.kubectl(args).namespace(&namespace).run();
        let _ = kubectl(&["create", "serviceaccount", account]);
        let token = kubectl(&["create", "token", account, &format!("--audience={audience}")]);
        token.succeeded().trim().to_owned()
    };
    let session = assume(&aws, &role, &token("web", AUDIENCE));
    assert_eq!(code(&session), "OK", "{:?}", session.error);
    let client = aws.client_of(&credentials(&session));
    let get = |id: &str| {
        client.ask(Service::SecretsManager, "GetSecretValue", &json!({ "SecretId": id }))
    };
    assert_eq!(get("web/db").body["SecretString"], "a value");
    assert_eq!(code(&get("other")), "AccessDeniedException");

    assert_eq!(code(&assume(&aws, &role, &token("intruder", AUDIENCE))), "AccessDenied");
    assert_eq!(code(&assume(&aws, &role, &token("web", "vault"))), "InvalidIdentityToken");
    assert_eq!(aws.counters().calls("sts:AssumeRoleWithWebIdentity"), 3);
}

#[test]
fn a_token_of_another_cluster_is_worth_nothing() {
    let trusted = require!(Cluster::shared());
    let other = require!(Cluster::setup().start());
    let aws = Aws::start();
    let role = aws.role_of(trusted, "default", "default", Permissions::Everything);
    let token = |cluster: &Cluster| {
        let audience = format!("--audience={AUDIENCE}");
        cluster.kubectl(["create", "token", "default", &audience]).run().succeeded()
    };
    assert_eq!(code(&assume(&aws, &role, token(trusted).trim())), "OK");
    // It has the same issuer and the same subject; only the key is not the trusted one.
    assert_eq!(code(&assume(&aws, &role, token(&other).trim())), "InvalidIdentityToken");
}
