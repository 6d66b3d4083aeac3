//! Secrets Manager: versions and their staging labels.

use serde_json::json;

use super::values::INVALID;
use crate::check::{Check, check};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("get-by-version", "A version is read by its id.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionId": "$v1" }))
            .gives("/SecretString", "one")
            .gives("/VersionStages", json!(["AWSPREVIOUS"])),
        check("get-by-label", "A version is read by its label.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "AWSPREVIOUS" }))
            .gives("/SecretString", "one")
            .gives("/VersionId", "$v1"),
        check("version-and-its-label", "An id and a label that agree are fine.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "GetSecretValue",
                json!({ "SecretId": "$p-a", "VersionId": "$v1", "VersionStage": "AWSPREVIOUS" }),
            )
            .gives("/SecretString", "one"),
        check("version-and-another-label", "An id and a label of different versions are refused.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "GetSecretValue",
                json!({ "SecretId": "$p-a", "VersionId": "$v1", "VersionStage": "AWSCURRENT" }),
            )
            .refused(&["InvalidRequestException"]),
        check("unknown-version", "An unknown version is ResourceNotFoundException.")
            .create("$p-a", "one")
            .secrets(
                "GetSecretValue",
                json!({ "SecretId": "$p-a", "VersionId": "11111111-1111-4111-8111-111111111111" }),
            )
            .refused(&["ResourceNotFoundException"]),
        check("unknown-label", "An unknown label is ResourceNotFoundException, and is named.")
            .create("$p-a", "one")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "GREEN" }))
            .refused(&["ResourceNotFoundException"])
            .says("secret value for staging label: GREEN"),
        check("put-moves-the-labels", "A new value is AWSCURRENT, the one before AWSPREVIOUS.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .gives("/VersionId", "$v2")
            .gives("/VersionStages", json!(["AWSCURRENT"]))
            .get("$p-a")
            .gives("/SecretString", "two")
            .gives("/VersionStages", json!(["AWSCURRENT"]))
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSPREVIOUS"]))
            .gives("/VersionIdsToStages/$v2", json!(["AWSCURRENT"])),
        check("put-with-a-label", "A value with a label of its own leaves AWSCURRENT where it is.")
            .create("$p-a", "one")
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "two", "VersionStages": ["GREEN"] }),
            )
            .gives("/VersionStages", json!(["GREEN"]))
            .get("$p-a")
            .gives("/SecretString", "one")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "GREEN" }))
            .gives("/SecretString", "two"),
        check("put-takes-a-label", "A label given to a new value leaves the version that had it.")
            .create("$p-a", "one")
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "two", "VersionStages": ["GREEN"] }),
            )
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "three", "VersionStages": ["GREEN"] }),
            )
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "GREEN" }))
            .gives("/SecretString", "three")
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSCURRENT"]))
            .gives("/VersionIdsToStages/$v3", json!(["GREEN"])),
        check("one-previous", "However many values came, one version is AWSPREVIOUS.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .put("$p-a", "three")
            .put("$p-a", "four")
            .describe("$p-a")
            .is("/VersionIdsToStages", "one AWSCURRENT and one AWSPREVIOUS", |versions| {
                let labels: Vec<&str> = versions
                    .as_object()
                    .into_iter()
                    .flatten()
                    .flat_map(|(_, labels)| labels.as_array().into_iter().flatten())
                    .filter_map(serde_json::Value::as_str)
                    .collect();
                labels.len() == 2
                    && ["AWSCURRENT", "AWSPREVIOUS"].iter().all(|label| labels.contains(label))
            })
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "AWSPREVIOUS" }))
            .gives("/SecretString", "three"),
        check("unlabelled-is-not-described", "DescribeSecret leaves out versions without a label.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .put("$p-a", "three")
            .describe("$p-a")
            .lists("/VersionIdsToStages", "", &["$v2", "$v3"]),
        check("unlabelled-is-readable", "A version without a label is read by its id for a while.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .put("$p-a", "three")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionId": "$v1" }))
            .gives("/SecretString", "one"),
        check("versions-without-unlabelled", "ListSecretVersionIds leaves them out as well.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .put("$p-a", "three")
            .secrets("ListSecretVersionIds", json!({ "SecretId": "$p-a" }))
            .lists("/Versions", "VersionId", &["$v2", "$v3"]),
        check("versions-with-unlabelled", "Unless it is asked for them.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .put("$p-a", "three")
            .secrets(
                "ListSecretVersionIds",
                json!({ "SecretId": "$p-a", "IncludeDeprecated": true }),
            )
            .lists("/Versions", "VersionId", &["$v1", "$v2", "$v3"]),
        rollback("rollback", "AWSCURRENT is moved back, and the old value is read again.")
            .get("$p-a")
            .gives("/SecretString", "one")
            .gives("/VersionId", "$v1"),
        rollback("rollback-by-label", "So it is when the label is named.")
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "AWSCURRENT" }))
            .gives("/SecretString", "one"),
        rollback("rollback-in-a-batch", "So it is in a batch.")
            .secrets("BatchGetSecretValue", json!({ "SecretIdList": ["$p-a"] }))
            .gives("/SecretValues/0/SecretString", "one")
            .gives("/SecretValues/0/VersionId", "$v1"),
        rollback("rollback-moves-previous", "AWSPREVIOUS goes to the version that was current.")
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSCURRENT"]))
            .gives("/VersionIdsToStages/$v2", json!(["AWSPREVIOUS"])),
        rollback("put-after-a-rollback", "After a new value there is still one AWSCURRENT.")
            .put("$p-a", "three")
            .get("$p-a")
            .gives("/SecretString", "three")
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSPREVIOUS"]))
            .gives("/VersionIdsToStages/$v3", json!(["AWSCURRENT"]))
            .lacks("/VersionIdsToStages/$v2"),
        check("current-is-moved-from-somewhere", "To move a label, say which version has it.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "AWSCURRENT", "MoveToVersionId": "$v1",
                }),
            )
            .refused(&["InvalidParameterException"]),
        check("current-is-not-removed", "AWSCURRENT cannot be taken from all versions.")
            .create("$p-a", "one")
            .secrets(
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "AWSCURRENT", "RemoveFromVersionId": "$v1",
                }),
            )
            .refused(INVALID),
        check("label-is-added", "A new label goes to a version that has others.")
            .create("$p-a", "one")
            .secrets(
                "UpdateSecretVersionStage",
                json!({ "SecretId": "$p-a", "VersionStage": "BLUE", "MoveToVersionId": "$v1" }),
            )
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "BLUE" }))
            .lists("/VersionStages", "", &["AWSCURRENT", "BLUE"]),
        check("label-is-moved", "A label is moved from one version to another.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "UpdateSecretVersionStage",
                json!({ "SecretId": "$p-a", "VersionStage": "BLUE", "MoveToVersionId": "$v1" }),
            )
            .secrets(
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "BLUE",
                    "RemoveFromVersionId": "$v1", "MoveToVersionId": "$v2",
                }),
            )
            .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "BLUE" }))
            .gives("/SecretString", "two")
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSPREVIOUS"])),
        check("label-is-moved-from-the-wrong-one", "The version named as its owner must have it.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "AWSCURRENT",
                    "RemoveFromVersionId": "$v1", "MoveToVersionId": "$v2",
                }),
            )
            .refused(INVALID),
        check(
            "label-is-removed",
            "A label is removed, and a version without labels is deprecated.",
        )
        .create("$p-a", "one")
        .secrets(
            "PutSecretValue",
            json!({ "SecretId": "$p-a", "SecretString": "two", "VersionStages": ["GREEN"] }),
        )
        .secrets(
            "UpdateSecretVersionStage",
            json!({ "SecretId": "$p-a", "VersionStage": "GREEN", "RemoveFromVersionId": "$v2" }),
        )
        .secrets("GetSecretValue", json!({ "SecretId": "$p-a", "VersionStage": "GREEN" }))
        .refused(&["ResourceNotFoundException"])
        .describe("$p-a")
        .lists("/VersionIdsToStages", "", &["$v1"]),
        check("label-to-no-version", "A label cannot go to a version that is not there.")
            .create("$p-a", "one")
            .secrets(
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "BLUE",
                    "MoveToVersionId": "11111111-1111-4111-8111-111111111111",
                }),
            )
            .refused(&["ResourceNotFoundException", "InvalidParameterException"]),
    ]
}

/// Two values, and AWSCURRENT back at the first.
fn rollback(name: &'static str, says: &'static str) -> Check {
    check(name, says).create("$p-a", "one").put("$p-a", "two").secrets(
        "UpdateSecretVersionStage",
        json!({
            "SecretId": "$p-a", "VersionStage": "AWSCURRENT",
            "RemoveFromVersionId": "$v2", "MoveToVersionId": "$v1",
        }),
    )
}
