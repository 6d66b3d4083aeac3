//! Who may read what, and what a client hears that may not.

use std::time::Duration;

use extsecret_test_aws::{Credentials, Permissions, Policy};
use serde_json::json;

use crate::client::{code, double, message, parameters_as, secrets, secrets_as};

const ACCOUNT: &str = "123456789012";
const OTHER: &str = "210987654321";

#[tokio::test]
async fn a_wrong_key_is_told_from_a_wrong_secret() {
    let aws = double();
    aws.secrets().put("s", "x");
    let user = aws.identities().add_user(ACCOUNT, "app", Permissions::Everything);
    let get = async |credentials: &Credentials| {
        secrets_as(&aws, credentials).get_secret_value().secret_id("s").send().await
    };
    assert_eq!(code(&get(&user).await), "OK");

    let wrong = Credentials { secret_access_key: "wrong".to_owned(), ..user.clone() };
    assert_eq!(code(&get(&wrong).await), "InvalidSignatureException");
    let unknown = Credentials { access_key_id: "AKIAUNKNOWN".to_owned(), ..user.clone() };
    assert_eq!(code(&get(&unknown).await), "UnrecognizedClientException");
    let token = Credentials { session_token: Some("made up".to_owned()), ..user.clone() };
    assert_eq!(code(&get(&token).await), "UnrecognizedClientException");

    aws.identities().expire(&user.access_key_id, aws.clock().now());
    assert_eq!(code(&get(&user).await), "ExpiredTokenException");
    aws.identities().revoke(&user.access_key_id);
    assert_eq!(code(&get(&user).await), "UnrecognizedClientException");
    let journal = aws.counters().journal();
    let last = journal.last().unwrap();
    assert_eq!(
        (last.outcome.as_str(), last.caller.as_deref()),
        ("UnrecognizedClientException", None)
    );
}

#[tokio::test]
async fn moving_the_clock_does_not_make_signatures_stale() {
    let aws = double();
    aws.secrets().put("s", "x");
    aws.clock().advance(Duration::from_hours(24 * 365));
    let got = secrets(&aws).get_secret_value().secret_id("s").send().await;
    assert_eq!(code(&got), "OK");
}

#[tokio::test]
async fn an_identity_reads_what_its_policies_allow() {
    let aws = double();
    for name in ["ok/a", "ok/b", "other"] {
        aws.secrets().put(name, name);
    }
    let arn = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:ok/*");
    let permissions = Permissions::Policies(vec![
        Policy::allow(&["secretsmanager:GetSecretValue"], &[&arn]),
        Policy::allow(&["secretsmanager:BatchGetSecretValue"], &["*"]),
    ]);
    let user = aws.identities().add_user(ACCOUNT, "app", permissions);
    let client = secrets_as(&aws, &user);
    let get = |name: &str| client.get_secret_value().secret_id(name).send();
    assert_eq!(code(&get("ok/a").await), "OK");
    // Whether it is there or not.
    assert_eq!(code(&get("ok/none").await), "ResourceNotFoundException");
    assert_eq!(code(&get("none").await), "AccessDeniedException");
    let denied = get("other").await;
    assert_eq!(code(&denied), "AccessDeniedException");
    let words = message(&denied);
    assert!(
        words.starts_with(&format!(
            "User: arn:aws:iam::{ACCOUNT}:user/app is not authorized to perform: \
         secretsmanager:GetSecretValue on resource: arn:aws:secretsmanager:us-east-1:{ACCOUNT}:\
         secret:other-"
        )),
        "{words}"
    );
    assert!(words.contains("because no identity-based policy allows"), "{words}");
    let describe = client.describe_secret().secret_id("ok/a").send().await;
    assert_eq!(code(&describe), "AccessDeniedException");
    assert_eq!(code(&client.list_secrets().send().await), "AccessDeniedException");

    let batch = client.batch_get_secret_value();
    let batch = batch.secret_id_list("ok/a").secret_id_list("other").send().await.unwrap();
    assert_eq!(batch.secret_values().len(), 1);
    assert_eq!(batch.errors()[0].error_code(), Some("AccessDeniedException"));
    assert_eq!(batch.errors()[0].secret_id(), Some("other"));
}

#[tokio::test]
async fn a_denial_comes_and_goes() {
    let aws = double();
    aws.secrets().put("s", "x");
    aws.secrets().put("t", "x");
    let client = secrets(&aws);
    let get = |name: &str| client.get_secret_value().secret_id(name).send();
    aws.identities().deny("*:user/admin", "secretsmanager:Get*", "*:secret:s-*");
    let denied = get("s").await;
    assert_eq!(code(&denied), "AccessDeniedException");
    assert!(message(&denied).contains("with an explicit deny"), "{}", message(&denied));
    assert_eq!(code(&get("t").await), "OK");
    aws.identities().clear_denials();
    assert_eq!(code(&get("s").await), "OK");
}

#[tokio::test]
async fn a_key_of_the_customers_must_be_open_too() {
    let aws = double();
    let input = json!({
        "Name": "s", "SecretString": "x", "KmsKeyId": "alias/app",
        "ClientRequestToken": "00000000-0000-0000-0000-000000000001",
    });
    aws.secrets().act("CreateSecret", &input);
    let get = Policy::allow(&["secretsmanager:GetSecretValue"], &["*"]);
    let without =
        aws.identities().add_user(ACCOUNT, "without", Permissions::Policies(vec![get.clone()]));
    let decrypt = Policy::allow(&["kms:Decrypt"], &["arn:aws:kms:us-east-1:*:alias/app"]);
    let with =
        aws.identities().add_user(ACCOUNT, "with", Permissions::Policies(vec![get, decrypt]));
    let read = async |user| secrets_as(&aws, user).get_secret_value().secret_id("s").send().await;
    let denied = read(&without).await;
    assert_eq!(code(&denied), "AccessDeniedException");
    assert_eq!(message(&denied), "Access to KMS is not allowed");
    assert_eq!(code(&read(&with).await), "OK");
}

/// Both services tell KMS who asks and for what: keys of conditions that narrow a permission down.
#[tokio::test]
async fn a_key_may_be_open_by_way_of_a_service_and_for_one_value() {
    let aws = double();
    let key = "0a1b2c3d-0000-4000-8000-000000000001";
    for (number, name) in [(1, "a"), (2, "b")] {
        let token = format!("00000000-0000-0000-0000-00000000000{number}");
        let input = json!({
            "Name": name, "SecretString": "x", "KmsKeyId": key, "ClientRequestToken": token,
        });
        aws.secrets().act("CreateSecret", &input);
        let input = json!({ "Name": name, "Value": "x", "Type": "SecureString", "KeyId": key });
        aws.parameters().act("PutParameter", &input);
    }
    let statement = |service: &str, context: &str, value: String| {
        json!({
            "Effect": "Allow", "Action": "kms:Decrypt",
            "Resource": format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/*"),
            "Condition": {
                "StringEquals": { "kms:ViaService": format!("{service}.us-east-1.amazonaws.com") },
                "StringLike": { format!("kms:EncryptionContext:{context}"): value },
            },
        })
    };
    let secret = format!("arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:a-??????");
    let parameter = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/a");
    let policy = json!({ "Statement": [
        { "Effect": "Allow", "Action": ["secretsmanager:*", "ssm:*"], "Resource": "*" },
        statement("secretsmanager", "SecretARN", secret),
        statement("ssm", "PARAMETER_ARN", parameter),
    ] });
    let permissions = Permissions::Policies(vec![Policy::parse(&policy.to_string()).unwrap()]);
    let user = aws.identities().add_user(ACCOUNT, "narrow", permissions);
    for (name, wanted) in [("a", "OK"), ("b", "AccessDeniedException")] {
        let read = secrets_as(&aws, &user).get_secret_value().secret_id(name).send().await;
        assert_eq!(code(&read), wanted, "{name}");
        let read = parameters_as(&aws, &user).get_parameter().name(name).with_decryption(true);
        assert_eq!(code(&read.send().await), wanted, "{name}");
    }
}

#[tokio::test]
async fn another_account_needs_the_consent_of_both() {
    let aws = double();
    aws.secrets().put("s", "x");
    let described = aws.secrets().act("DescribeSecret", &json!({ "SecretId": "s" }));
    let arn = described["ARN"].as_str().unwrap();
    let guest = aws.identities().add_user(OTHER, "guest", Permissions::Everything);
    let read = |id: &str| {
        let client = secrets_as(&aws, &guest);
        let id = id.to_owned();
        async move { client.get_secret_value().secret_id(id).send().await }
    };
    assert_eq!(code(&read("s").await), "ResourceNotFoundException", "a name is looked up at home");
    let denied = read(arn).await;
    assert_eq!(code(&denied), "AccessDeniedException");
    assert!(message(&denied).contains("no resource-based policy allows"), "{}", message(&denied));

    let policy = json!({ "Statement": {
        "Effect": "Allow",
        "Principal": { "AWS": format!("arn:aws:iam::{OTHER}:root") },
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }});
    let input = json!({ "SecretId": "s", "ResourcePolicy": policy.to_string() });
    aws.secrets().act("PutResourcePolicy", &input);
    assert_eq!(read(arn).await.unwrap().secret_string(), Some("x"));

    let nobody = aws.identities().add_user(OTHER, "nobody", Permissions::nothing());
    let denied = secrets_as(&aws, &nobody).get_secret_value().secret_id(arn).send().await;
    assert_eq!(code(&denied), "AccessDeniedException");
}

#[tokio::test]
async fn a_policy_of_the_secret_opens_it_and_closes_it() {
    let aws = double();
    aws.secrets().put("s", "x");
    let user = aws.identities().add_user(ACCOUNT, "app", Permissions::nothing());
    let read = || {
        let client = secrets_as(&aws, &user);
        async move { client.get_secret_value().secret_id("s").send().await }
    };
    assert_eq!(code(&read().await), "AccessDeniedException");
    let set = |effect: &str, principal: serde_json::Value| {
        let policy = json!({ "Statement": {
            "Effect": effect, "Principal": principal,
            "Action": "secretsmanager:GetSecretValue", "Resource": "*",
        }});
        let input = json!({ "SecretId": "s", "ResourcePolicy": policy.to_string() });
        aws.secrets().act("PutResourcePolicy", &input);
    };
    set("Allow", json!({ "AWS": format!("arn:aws:iam::{ACCOUNT}:user/app") }));
    assert_eq!(code(&read().await), "OK");
    // The account may let its identities in; it does not do so by itself.
    set("Allow", json!({ "AWS": ACCOUNT }));
    assert_eq!(code(&read().await), "AccessDeniedException");
    set("Deny", json!("*"));
    let admin = secrets(&aws).get_secret_value().secret_id("s").send().await;
    assert_eq!(code(&admin), "AccessDeniedException");
    assert!(message(&admin).contains("explicit deny in a resource-based policy"));
}

#[tokio::test]
async fn accounts_and_regions_do_not_see_each_other() {
    let aws = double();
    aws.secrets().put("s", "here");
    aws.secrets().in_account(OTHER).put("s", "there");
    aws.secrets().in_region("eu-west-1").put("s", "over there");
    let guest = aws.identities().add_user(OTHER, "guest", Permissions::Everything);
    let get = async |client: aws_sdk_secretsmanager::Client| {
        let got = client.get_secret_value().secret_id("s").send().await.unwrap();
        got.secret_string().unwrap().to_owned()
    };
    assert_eq!(get(secrets(&aws)).await, "here");
    assert_eq!(get(secrets_as(&aws, &guest)).await, "there");
    let europe = crate::client::secrets_in(&aws, aws.admin(), "eu-west-1");
    assert_eq!(get(europe).await, "over there");
}
