//! The Security Token Service, and what it takes to be let in.

use extsecret_tests::aws_client::Service::Sts;
use serde_json::{Value, json};

use crate::check::{Check, Signed, check};

const ROLE: &str = "arn:aws:iam::$account:role/$p-admin";

/// A token as of a cluster, which nobody signed.
const UNSIGNED: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJtZSIsImF1ZCI6InN0cy5hbWF6b25hd3MuY29tIn0.";

fn assume(role: &str) -> Value {
    json!({ "RoleArn": role, "RoleSessionName": "a-session" })
}

/// A session of a role that may do everything.
fn session(name: &'static str, says: &'static str) -> Check {
    check(name, says)
        .session("$p-admin", &json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]))
}

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("who-am-i", "GetCallerIdentity tells the account and the ARN of who signed.")
            .ask(Sts, "GetCallerIdentity", json!({}))
            .gives("/Account", "$account")
            .has("/UserId")
            .is("/Arn", "an ARN", |arn| {
                arn.as_str().is_some_and(|arn| arn.starts_with("arn:aws:"))
            }),
        session("role", "AssumeRole gives temporary credentials with a date.")
            .is("/Credentials/AccessKeyId", "a temporary key", |key| {
                key.as_str().is_some_and(|key| key.starts_with("ASIA") && key.len() >= 16)
            })
            .has("/Credentials/Expiration")
            .gives("/AssumedRoleUser/Arn", "arn:aws:sts::$account:assumed-role/$p-admin/a-session"),
        session("who-am-i-in-a-session", "A session is named after its role.")
            .ask(Sts, "GetCallerIdentity", json!({}))
            .signed(Signed::Session)
            .gives("/Arn", "arn:aws:sts::$account:assumed-role/$p-admin/a-session")
            .gives("/Account", "$account"),
        session("read-in-a-session", "A session reads what its role may.")
            .create("$p-a", "one")
            .get("$p-a")
            .signed(Signed::Session)
            .gives("/SecretString", "one"),
        check("missing-role", "A role that is not there cannot be assumed, nor told from others.")
            .ask(Sts, "AssumeRole", assume("arn:aws:iam::$account:role/$p-none"))
            .refused_as(403, &["AccessDenied"]),
        check(
            "session-in-another-account",
            "A session of another account's role does not see our secrets.",
        )
        .ask(Sts, "AssumeRole", assume("arn:aws:iam::222233334444:role/reader"))
        .keep_session()
        .create("$p-a", "one")
        .get("$p-a")
        .signed(Signed::Session)
        .refused(&["ResourceNotFoundException"]),
        session("session-name", "A session's name has at least two characters.")
            .ask(Sts, "AssumeRole", json!({ "RoleArn": ROLE, "RoleSessionName": "x" }))
            .refused(&["ValidationError"]),
        session("no-role", "AssumeRole without a role is refused.")
            .ask(Sts, "AssumeRole", json!({ "RoleSessionName": "a-session" }))
            .refused(&["ValidationError", "MissingParameter"]),
        session("session-duration", "A session lasts at least 15 minutes.")
            .ask(
                Sts,
                "AssumeRole",
                json!({
                    "RoleArn": ROLE, "RoleSessionName": "a-session", "DurationSeconds": "899",
                }),
            )
            .refused(&["ValidationError"]),
        session("garbage-as-a-token", "A web identity token that is none is InvalidIdentityToken.")
            .ask(
                Sts,
                "AssumeRoleWithWebIdentity",
                json!({
                    "RoleArn": ROLE, "RoleSessionName": "a-session", "WebIdentityToken": "garbage",
                }),
            )
            .signed(Signed::Not)
            .refused(&["InvalidIdentityToken"]),
        session("unsigned-token", "So is one that nobody signed.")
            .ask(
                Sts,
                "AssumeRoleWithWebIdentity",
                json!({
                    "RoleArn": ROLE, "RoleSessionName": "a-session", "WebIdentityToken": UNSIGNED,
                }),
            )
            .signed(Signed::Not)
            .refused(&["InvalidIdentityToken"]),
        check("no-signature", "A request without a signature is refused.")
            .create("$p-a", "one")
            .get("$p-a")
            .signed(Signed::Not)
            .refused(&["MissingAuthenticationTokenException"]),
        check("wrong-signature", "So is one with a wrong signature.")
            .create("$p-a", "one")
            .get("$p-a")
            .signed(Signed::Wrongly)
            .refused(&["InvalidSignatureException"]),
        check("stranger", "So is one with an access key that does not exist.")
            .create("$p-a", "one")
            .get("$p-a")
            .signed(Signed::Stranger)
            .refused(&["UnrecognizedClientException"]),
        session("token-of-another", "So is one of a session with another session's token.")
            .create("$p-a", "one")
            .get("$p-a")
            .signed(Signed::SessionOfAnother)
            .refused(&["UnrecognizedClientException"]),
    ]
}
