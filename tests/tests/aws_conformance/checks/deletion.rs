//! Secrets Manager: deletion, its delay, and the way back.

use serde_json::json;

use super::values::INVALID;
use crate::check::{Check, check};

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("deletion-is-scheduled", "A deletion has a date, seven days from now.")
            .create("$p-a", "one")
            .delete("$p-a")
            .gives("/Name", "$p-a")
            .has("/DeletionDate")
            .describe("$p-a")
            .has("/DeletedDate"),
        check("get-of-a-scheduled", "A secret scheduled for deletion is not read.")
            .create("$p-a", "one")
            .delete("$p-a")
            .get("$p-a")
            .refused(&["InvalidRequestException"])
            .says("marked for deletion"),
        check("put-to-a-scheduled", "It takes no new value.")
            .create("$p-a", "one")
            .delete("$p-a")
            .put("$p-a", "two")
            .refused(&["InvalidRequestException"]),
        check("update-of-a-scheduled", "It is not updated.")
            .create("$p-a", "one")
            .delete("$p-a")
            .secrets("UpdateSecret", json!({ "SecretId": "$p-a", "Description": "about it" }))
            .refused(&["InvalidRequestException"]),
        check("name-of-a-scheduled", "Its name is still taken, with a code of its own.")
            .create("$p-a", "one")
            .delete("$p-a")
            .create("$p-a", "two")
            .refused(&["InvalidRequestException"])
            .says("scheduled for deletion"),
        check("restored", "RestoreSecret brings it back as it was.")
            .create("$p-a", "one")
            .delete("$p-a")
            .secrets("RestoreSecret", json!({ "SecretId": "$p-a" }))
            .gives("/Name", "$p-a")
            .get("$p-a")
            .gives("/SecretString", "one")
            .gives("/VersionId", "$v1")
            .describe("$p-a")
            .lacks("/DeletedDate"),
        check("deleted-at-once", "A forced deletion leaves nothing.")
            .create("$p-a", "one")
            .secrets(
                "DeleteSecret",
                json!({ "SecretId": "$p-a", "ForceDeleteWithoutRecovery": true }),
            )
            .get("$p-a")
            .refused(&["ResourceNotFoundException"])
            .secrets("RestoreSecret", json!({ "SecretId": "$p-a" }))
            .refused(&["ResourceNotFoundException"]),
        check("created-anew", "After it, the name is free, and the ARN another.")
            .create("$p-a", "one")
            .keep("arn", "/ARN")
            .secrets(
                "DeleteSecret",
                json!({ "SecretId": "$p-a", "ForceDeleteWithoutRecovery": true }),
            )
            .secrets(
                "CreateSecret",
                json!({
                    "Name": "$p-a", "SecretString": "two",
                    "ClientRequestToken": "22222222-2222-4222-8222-222222222222",
                }),
            )
            .get("$p-a")
            .gives("/SecretString", "two")
            .secrets("GetSecretValue", json!({ "SecretId": "$arn" }))
            .refused(&["ResourceNotFoundException"]),
        check("forced-deletion-of-nothing", "A forced deletion of no secret succeeds.")
            .secrets(
                "DeleteSecret",
                json!({ "SecretId": "$p-none", "ForceDeleteWithoutRecovery": true }),
            ),
        check("recovery-window", "The delay is 7 to 30 days.")
            .create("$p-a", "one")
            .secrets("DeleteSecret", json!({ "SecretId": "$p-a", "RecoveryWindowInDays": 6 }))
            .refused(INVALID)
            .secrets("DeleteSecret", json!({ "SecretId": "$p-a", "RecoveryWindowInDays": 31 }))
            .refused(INVALID)
            .secrets("DeleteSecret", json!({ "SecretId": "$p-a", "RecoveryWindowInDays": 30 })),
        check("window-and-force", "A delay and force at once are refused.")
            .create("$p-a", "one")
            .secrets(
                "DeleteSecret",
                json!({
                    "SecretId": "$p-a", "RecoveryWindowInDays": 7, "ForceDeleteWithoutRecovery": true,
                }),
            )
            .refused(INVALID),
        check("scheduled-is-not-listed", "ListSecrets leaves scheduled secrets out.")
            .create("$p-a", "one")
            .create("$p-b", "one")
            .delete("$p-a")
            .secrets("ListSecrets", json!({ "Filters": [{ "Key": "name", "Values": ["$p-"] }] }))
            .lists("/SecretList", "Name", &["$p-b"]),
        check("scheduled-is-listed-on-demand", "Unless it is asked for them; they have a date then.")
            .create("$p-a", "one")
            .delete("$p-a")
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }], "IncludePlannedDeletion": true,
                }),
            )
            .lists("/SecretList", "Name", &["$p-a"])
            .has("/SecretList/0/DeletedDate"),
    ]
}
