//! What a session may do, by the policies of its role, of the session and of the secret.

use extsecret_tests::aws_client::Service::Sts;
use serde_json::{Value, json};

use crate::check::{Check, Signed, check};

const ANY_OK: &str = "arn:aws:secretsmanager:us-east-1:$account:secret:$p-ok*";

fn allow(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Allow", "Action": actions, "Resource": resource })
}

fn deny(actions: &[&str], resource: &str) -> Value {
    json!({ "Effect": "Deny", "Action": actions, "Resource": resource })
}

/// Two secrets, `$p-ok` and `$p-no`, and a session with these permissions.
fn session(name: &'static str, says: &'static str, statements: &Value) -> Check {
    check(name, says).create("$p-ok", "one").create("$p-no", "two").session("$p-role", statements)
}

pub(crate) fn checks() -> Vec<Check> {
    let read = || allow(&["secretsmanager:GetSecretValue"], ANY_OK);
    let everything = || allow(&["*"], "*");
    vec![
        session("may-read-one", "A role reads what its policy names.", &json!([read()]))
            .get("$p-ok")
            .signed(Signed::Session)
            .gives("/SecretString", "one"),
        session("may-not-read-another", "And nothing else.", &json!([read()]))
            .get("$p-no")
            .signed(Signed::Session)
            .refused(&["AccessDeniedException"])
            .says("not authorized to perform: secretsmanager:GetSecretValue"),
        session(
            "may-not-do-else",
            "To read is not to describe, to write or to list.",
            &json!([read()]),
        )
        .describe("$p-ok")
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"])
        .put("$p-ok", "three")
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"])
        .secrets("ListSecrets", json!({}))
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"]),
        session(
            "missing-or-denied",
            "Who may not read a secret does not learn that it is not there.",
            &json!([read()]),
        )
        .get("$p-none")
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"]),
        session(
            "denial-wins",
            "A denial counts for more than a permission.",
            &json!([everything(), deny(&["secretsmanager:Get*"], ANY_OK)]),
        )
        .get("$p-no")
        .signed(Signed::Session)
        .gives("/SecretString", "two")
        .get("$p-ok")
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"]),
        session(
            "batch-with-a-denied-one",
            "A batch has what may be read, and an error for each other.",
            &json!([read(), allow(&["secretsmanager:BatchGetSecretValue"], "*")]),
        )
        .secrets("BatchGetSecretValue", json!({ "SecretIdList": ["$p-ok", "$p-no"] }))
        .signed(Signed::Session)
        .lists("/SecretValues", "SecretString", &["one"])
        .counts("/Errors", 1)
        .gives("/Errors/0/SecretId", "$p-no")
        .gives("/Errors/0/ErrorCode", "AccessDeniedException"),
        session("batch-is-denied", "A batch takes a permission of its own.", &json!([read()]))
            .secrets("BatchGetSecretValue", json!({ "SecretIdList": ["$p-ok"] }))
            .signed(Signed::Session)
            .refused(&["AccessDeniedException"]),
        session("session-policy", "A policy of the session takes away.", &json!([everything()]))
            .ask(
                Sts,
                "AssumeRole",
                json!({
                    "RoleArn": "arn:aws:iam::$account:role/$p-role",
                    "RoleSessionName": "a-session",
                    "Policy": json!({ "Version": "2012-10-17", "Statement": [read()] }).to_string(),
                }),
            )
            .keep_session()
            .get("$p-ok")
            .signed(Signed::Session)
            .gives("/SecretString", "one")
            .get("$p-no")
            .signed(Signed::Session)
            .refused(&["AccessDeniedException"]),
        session("session-policy-adds-nothing", "It does not give.", &json!([read()]))
            .ask(
                Sts,
                "AssumeRole",
                json!({
                    "RoleArn": "arn:aws:iam::$account:role/$p-role",
                    "RoleSessionName": "a-session",
                    "Policy":
                        json!({ "Version": "2012-10-17", "Statement": [everything()] }).to_string(),
                }),
            )
            .keep_session()
            .get("$p-no")
            .signed(Signed::Session)
            .refused(&["AccessDeniedException"]),
        session(
            "policy-of-a-secret-denies",
            "A secret's own policy denies.",
            &json!([everything()]),
        )
        .secrets(
            "PutResourcePolicy",
            json!({ "SecretId": "$p-ok", "ResourcePolicy": of_the_secret("Deny") }),
        )
        .get("$p-ok")
        .signed(Signed::Session)
        .refused(&["AccessDeniedException"]),
        session(
            "policy-of-a-secret-allows",
            "And allows what the role's policies do not speak of.",
            &json!([allow(&["sqs:ReceiveMessage"], "*")]),
        )
        .secrets(
            "PutResourcePolicy",
            json!({ "SecretId": "$p-ok", "ResourcePolicy": of_the_secret("Allow") }),
        )
        .get("$p-ok")
        .signed(Signed::Session)
        .gives("/SecretString", "one"),
    ]
}

fn of_the_secret(effect: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": [{
        "Effect": effect,
        "Principal": { "AWS": "arn:aws:iam::$account:role/$p-role" },
        "Action": "secretsmanager:GetSecretValue",
        "Resource": "*",
    }]})
    .to_string()
}
