//! STS: roles, chains of them, and tokens of a cluster.

use std::time::Duration;

use extsecret_test_aws::{Credentials, Double, Permissions, Policy, Role, TokenIssuer};
use serde_json::json;

use crate::client::{code, double, message, secrets_as, sts_as};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/app";
const ISSUER: &str = "https://oidc.example.test/cluster";

fn credentials(from: Option<&aws_sdk_sts::types::Credentials>) -> Credentials {
    let from = from.unwrap();
    Credentials {
        access_key_id: from.access_key_id().to_owned(),
        secret_access_key: from.secret_access_key().to_owned(),
        session_token: Some(from.session_token().to_owned()),
    }
}

async fn assume(aws: &Double, by: &Credentials, role: &str) -> Credentials {
    let client = sts_as(aws, by);
    let assumed = client.assume_role().role_arn(role).role_session_name("test").send().await;
    credentials(assumed.unwrap().credentials())
}

#[tokio::test]
async fn everybody_learns_who_they_are() {
    let aws = double();
    let who = sts_as(&aws, aws.admin()).get_caller_identity().send().await.unwrap();
    assert_eq!(who.account(), Some(ACCOUNT));
    assert_eq!(who.arn(), Some("arn:aws:iam::123456789012:user/admin"));

    aws.identities().add_role(Role::new(ROLE).trusts_principal(ACCOUNT));
    let session = assume(&aws, aws.admin(), ROLE).await;
    let who = sts_as(&aws, &session).get_caller_identity().send().await.unwrap();
    assert_eq!(who.arn(), Some("arn:aws:sts::123456789012:assumed-role/app/test"));
    assert!(who.user_id().unwrap().ends_with(":test"));
}

#[tokio::test]
async fn sts_words_its_refusals_in_its_own_way() {
    let aws = double();
    let wrong = Credentials { secret_access_key: "wrong".to_owned(), ..aws.admin().clone() };
    let refused = sts_as(&aws, &wrong).get_caller_identity().send().await;
    assert_eq!(code(&refused), "SignatureDoesNotMatch");
    let raw = refused.as_ref().unwrap_err().raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 403);
    let unknown = Credentials { access_key_id: "AKIA".to_owned(), ..aws.admin().clone() };
    let refused = sts_as(&aws, &unknown).get_caller_identity().send().await;
    assert_eq!(code(&refused), "InvalidClientTokenId");
}

#[tokio::test]
async fn a_role_is_assumed_by_those_it_trusts() {
    let aws = double();
    let friend = aws.identities().add_user(ACCOUNT, "friend", Permissions::nothing());
    let stranger = aws.identities().add_user(ACCOUNT, "stranger", Permissions::Everything);
    let try_it = |by: &Credentials, role: &str| {
        let client = sts_as(&aws, by);
        let role = role.to_owned();
        async move { client.assume_role().role_arn(role).role_session_name("x1").send().await }
    };
    let missing = try_it(&friend, ROLE).await;
    assert_eq!(code(&missing), "AccessDenied", "a role that is not there");
    assert_eq!(
        message(&missing),
        format!(
            "User: arn:aws:iam::{ACCOUNT}:user/friend is not authorized to perform: \
             sts:AssumeRole on resource: {ROLE}"
        )
    );
    let role = Role::new(ROLE).trusts_principal(&format!("arn:aws:iam::{ACCOUNT}:user/friend"));
    aws.identities().add_role(role);
    assert_eq!(code(&try_it(&friend, ROLE).await), "OK");
    assert_eq!(code(&try_it(&stranger, ROLE).await), "AccessDenied");

    // An account that is trusted says itself which of its identities may.
    aws.identities().add_role(Role::new(ROLE).trusts_principal(ACCOUNT));
    assert_eq!(code(&try_it(&friend, ROLE).await), "AccessDenied");
    assert_eq!(code(&try_it(&stranger, ROLE).await), "OK");

    let there = "arn:aws:iam::210987654321:role/app";
    aws.identities().add_role(Role::new(there).trusts_principal(ACCOUNT));
    assert_eq!(code(&try_it(&stranger, there).await), "OK");
    assert_eq!(code(&try_it(&friend, there).await), "AccessDenied");
}

#[tokio::test]
async fn an_external_id_is_a_condition() {
    let aws = double();
    let trust = json!({ "Statement": {
        "Effect": "Allow", "Principal": { "AWS": ACCOUNT }, "Action": "sts:AssumeRole",
        "Condition": { "StringEquals": { "sts:ExternalId": "right" } },
    }});
    aws.identities().add_role(Role::new(ROLE).trusts(Policy::parse(&trust.to_string()).unwrap()));
    let client = sts_as(&aws, aws.admin());
    let assume = || client.assume_role().role_arn(ROLE).role_session_name("x1");
    assert_eq!(code(&assume().send().await), "AccessDenied");
    assert_eq!(code(&assume().external_id("wrong").send().await), "AccessDenied");
    assert_eq!(code(&assume().external_id("right").send().await), "OK");
    let tag = aws_sdk_sts::types::Tag::builder().key("k").value("v").build().unwrap();
    let tagged = assume().external_id("right").tags(tag).send().await;
    assert_eq!(code(&tagged), "AccessDenied", "tags are a permission of their own");
    assert!(message(&tagged).contains("sts:TagSession"), "{}", message(&tagged));
}

#[tokio::test]
async fn a_session_may_do_what_its_role_may_until_it_expires() {
    let aws = double();
    aws.secrets().put("s", "x");
    let read = Permissions::allow(&["secretsmanager:GetSecretValue"], &["*"]);
    aws.identities().add_role(Role::new(ROLE).trusts_principal(ACCOUNT).may(read));
    let session = assume(&aws, aws.admin(), ROLE).await;
    let client = secrets_as(&aws, &session);
    let get = || client.get_secret_value().secret_id("s").send();
    assert_eq!(code(&get().await), "OK");
    assert_eq!(code(&client.list_secrets().send().await), "AccessDeniedException");
    let without = Credentials { session_token: None, ..session.clone() };
    let refused = secrets_as(&aws, &without).get_secret_value().secret_id("s").send().await;
    assert_eq!(code(&refused), "UnrecognizedClientException");

    aws.identities().set_permissions(ROLE, Permissions::nothing());
    assert_eq!(code(&get().await), "AccessDeniedException");
    aws.clock().advance(Duration::from_mins(59));
    assert_eq!(code(&get().await), "AccessDeniedException");
    aws.clock().advance(Duration::from_mins(1));
    assert_eq!(code(&get().await), "ExpiredTokenException");
    let refused = sts_as(&aws, &session).get_caller_identity().send().await;
    assert_eq!(code(&refused), "ExpiredToken");
}

#[tokio::test]
async fn a_session_policy_narrows_and_tags_decide() {
    let aws = double();
    let tags = json!([{ "Key": "team", "Value": "blue" }]);
    let token = "00000000-0000-0000-0000-000000000001";
    for (name, tags) in [("blue", &tags), ("plain", &json!([]))] {
        let input =
            json!({ "Name": name, "SecretString": "x", "Tags": tags, "ClientRequestToken": token });
        aws.secrets().act("CreateSecret", &input);
    }
    let own = json!({ "Statement": {
        "Effect": "Allow", "Action": "*", "Resource": "*",
        "Condition": { "StringEquals": { "aws:ResourceTag/team": "${aws:PrincipalTag/team}" } },
    }});
    let own = Permissions::Policies(vec![Policy::parse(&own.to_string()).unwrap()]);
    aws.identities().add_role(Role::new(ROLE).trusts_principal(ACCOUNT).may(own));
    let client = sts_as(&aws, aws.admin());
    let assume = || client.assume_role().role_arn(ROLE).role_session_name("x1");
    let tag = aws_sdk_sts::types::Tag::builder().key("team").value("blue").build().unwrap();
    let tagged = assume().tags(tag.clone()).send().await.unwrap();
    let tagged = secrets_as(&aws, &credentials(tagged.credentials()));
    let get = |client: &aws_sdk_secretsmanager::Client, name: &str| {
        client.get_secret_value().secret_id(name).send()
    };
    assert_eq!(code(&get(&tagged, "blue").await), "OK");
    assert_eq!(code(&get(&tagged, "plain").await), "AccessDeniedException");
    let plain = assume().send().await.unwrap();
    let plain = secrets_as(&aws, &credentials(plain.credentials()));
    assert_eq!(code(&get(&plain, "blue").await), "AccessDeniedException");

    let policy = json!({ "Statement": {
        "Effect": "Allow", "Action": "secretsmanager:DescribeSecret", "Resource": "*",
    }});
    let narrow = assume().tags(tag).policy(policy.to_string()).send().await.unwrap();
    let narrow = secrets_as(&aws, &credentials(narrow.credentials()));
    let denied = get(&narrow, "blue").await;
    assert_eq!(code(&denied), "AccessDeniedException");
    assert!(message(&denied).contains("no session policy allows"), "{}", message(&denied));
    let described = narrow.describe_secret().secret_id("blue").send().await;
    assert_eq!(code(&described), "OK");
    let bad = assume().policy("{").send().await;
    assert_eq!(code(&bad), "MalformedPolicyDocument");
}

#[tokio::test]
async fn a_chain_of_roles_is_short_lived_and_hands_on_tags() {
    let aws = double();
    let next = "arn:aws:iam::123456789012:role/next";
    let long = Duration::from_hours(12);
    aws.identities().add_role(Role::new(ROLE).trusts_principal(ACCOUNT).max_session(long));
    aws.identities().add_role(Role::new(next).trusts_principal(ROLE).max_session(long));
    let direct = sts_as(&aws, aws.admin()).assume_role().role_arn(ROLE).role_session_name("x1");
    let direct = direct.duration_seconds(43_200).send().await.unwrap();
    let direct = credentials(direct.credentials());
    let client = sts_as(&aws, &direct);
    let chained = || client.assume_role().role_arn(next).role_session_name("x2");
    let refused = chained().duration_seconds(3601).send().await;
    assert_eq!(code(&refused), "ValidationError");
    assert!(message(&refused).contains("role chaining"), "{}", message(&refused));
    assert_eq!(code(&chained().send().await), "OK");
    let admin = sts_as(&aws, aws.admin());
    let skipping = admin.assume_role().role_arn(next).role_session_name("x2").send().await;
    assert_eq!(code(&skipping), "AccessDenied", "the second trusts the first only");
    for (name, seconds) in [("x", 3600), ("a b", 3600), ("xx", 899), ("xx", 43_201)] {
        let refused = admin.assume_role().role_arn(ROLE).role_session_name(name);
        let refused = refused.duration_seconds(seconds).send().await;
        assert_eq!(code(&refused), "ValidationError", "{name} {seconds}");
    }
}

fn trusting(aws: &Double) -> TokenIssuer {
    let issuer = TokenIssuer::new(ISSUER);
    aws.identities().add_token_issuer(ACCOUNT, ISSUER, &["sts.amazonaws.com"], &issuer.jwks());
    let role = Role::new(ROLE).trusts_token(
        ISSUER,
        "sts.amazonaws.com",
        "system:serviceaccount:shop:app-*",
    );
    aws.identities().add_role(role);
    issuer
}

#[tokio::test]
async fn a_token_of_the_cluster_opens_a_role() {
    let aws = double();
    aws.secrets().put("s", "x");
    let issuer = trusting(&aws);
    let nobody = Credentials {
        access_key_id: "none".to_owned(),
        secret_access_key: "none".to_owned(),
        session_token: None,
    };
    // The SDK does not sign this call.
    let client = sts_as(&aws, &nobody);
    let assume = |token: &str| {
        let call = client.assume_role_with_web_identity().role_arn(ROLE);
        call.role_session_name("x1").web_identity_token(token).send()
    };
    let good = assume(&issuer.token("shop", "app-web", "sts.amazonaws.com", 600)).await.unwrap();
    assert_eq!(good.subject_from_web_identity_token(), Some("system:serviceaccount:shop:app-web"));
    assert_eq!(good.audience(), Some("sts.amazonaws.com"));
    let session = credentials(good.credentials());
    let got = secrets_as(&aws, &session).get_secret_value().secret_id("s").send().await;
    assert_eq!(code(&got), "OK");

    let other = issuer.token("shop", "other", "sts.amazonaws.com", 600);
    assert_eq!(code(&assume(&other).await), "AccessDenied");
    let audience = issuer.token("shop", "app-web", "vault", 600);
    assert_eq!(code(&assume(&audience).await), "InvalidIdentityToken");
    let expired = issuer.token("shop", "app-web", "sts.amazonaws.com", -1);
    assert_eq!(code(&assume(&expired).await), "ExpiredTokenException");
    assert_eq!(code(&assume("garbage").await), "InvalidIdentityToken");

    // The right claims, with another key: by its own id, and by the id of the trusted one.
    let thief = TokenIssuer::new(ISSUER);
    let forged = thief.token("shop", "app-web", "sts.amazonaws.com", 600);
    assert_eq!(code(&assume(&forged).await), "InvalidIdentityToken");
    let real = issuer.token("shop", "app-web", "sts.amazonaws.com", 600);
    let swapped = format!(
        "{}.{}.{}",
        real.split('.').next().unwrap(),
        forged.split('.').nth(1).unwrap(),
        forged.split('.').nth(2).unwrap()
    );
    let refused = assume(&swapped).await;
    assert_eq!(code(&refused), "InvalidIdentityToken");
    assert_eq!(message(&refused), "Provided token signature is invalid.");

    let elsewhere = TokenIssuer::new("https://elsewhere.example.test");
    let foreign = elsewhere.token("shop", "app-web", "sts.amazonaws.com", 600);
    let refused = assume(&foreign).await;
    assert_eq!(code(&refused), "InvalidIdentityToken");
    assert!(message(&refused).contains("No OpenIDConnect provider"), "{}", message(&refused));
    let counters = aws.counters();
    assert_eq!(counters.calls("sts:AssumeRoleWithWebIdentity"), 8);
    assert_eq!(counters.outcomes("sts:AssumeRoleWithWebIdentity", "OK"), 1);
}
