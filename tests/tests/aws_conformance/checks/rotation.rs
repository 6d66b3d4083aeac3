//! Secrets Manager: rotation, as far as it goes without a Lambda function.

use serde_json::json;

use crate::check::{Check, check};

const LAMBDA: &str = "arn:aws:lambda:us-east-1:$account:function:missing";

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("rotation-without-function", "Rotation needs a function.")
            .create("$p-a", "one")
            .secrets("RotateSecret", json!({ "SecretId": "$p-a" }))
            .refused(&["InvalidRequestException"]),
        check("rotation-with-a-missing-function", "A function that is not there is refused.")
            .create("$p-a", "one")
            .secrets(
                "RotateSecret",
                json!({
                    "SecretId": "$p-a", "RotationLambdaARN": LAMBDA,
                    "RotationRules": { "AutomaticallyAfterDays": 30 },
                }),
            )
            .refused(&[]),
        check("refused-rotation-leaves-no-trace", "After it, nothing is scheduled.")
            .create("$p-a", "one")
            .secrets(
                "RotateSecret",
                json!({
                    "SecretId": "$p-a", "RotationLambdaARN": LAMBDA,
                    "RotationRules": { "AutomaticallyAfterDays": 30 },
                }),
            )
            .refused(&[])
            .describe("$p-a")
            .is("/RotationEnabled", "false", |enabled| *enabled != json!(true))
            .lists("/VersionIdsToStages", "", &["$v1"])
            .get("$p-a")
            .gives("/SecretString", "one"),
        check(
            "steps-of-a-rotation",
            "The labels that a rotation function sets, one after the other.",
        )
        .create("$p-a", "one")
        .secrets(
            "PutSecretValue",
            json!({
                "SecretId": "$p-a", "SecretString": "two", "VersionStages": ["AWSPENDING"],
            }),
        )
        .get("$p-a")
        .gives("/SecretString", "one")
        .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "AWSPENDING" }))
        .gives("/SecretString", "two")
        .secrets(
            "UpdateSecretVersionStage",
            json!({
                "SecretId": "$p-a", "VersionStage": "AWSCURRENT",
                "RemoveFromVersionId": "$v1", "MoveToVersionId": "$v2",
            }),
        )
        .get("$p-a")
        .gives("/SecretString", "two")
        .describe("$p-a")
        .lists("/VersionIdsToStages/$v2", "", &["AWSCURRENT", "AWSPENDING"])
        .gives("/VersionIdsToStages/$v1", json!(["AWSPREVIOUS"])),
        check("cancelled-rotation", "CancelRotateSecret looks for the secret first.")
            .secrets("CancelRotateSecret", json!({ "SecretId": "$p-none" }))
            .refused(&["ResourceNotFoundException"]),
    ]
}
