//! Secrets Manager: many values at once.

use serde_json::{Value, json};

use super::values::INVALID;
use crate::check::{Check, check};

fn ids(ids: &[&str]) -> Value {
    json!({ "SecretIdList": ids })
}

/// `$p-1` to this.
fn numbered(last: u32) -> Value {
    json!({ "SecretIdList": (1..=last).map(|number| format!("$p-{number}")).collect::<Vec<_>>() })
}

fn three(name: &'static str, says: &'static str) -> Check {
    check(name, says).create("$p-1", "one").create("$p-2", "two").create("$p-3", "three")
}

pub(crate) fn checks() -> Vec<Check> {
    let filter = json!([{ "Key": "name", "Values": ["$p-"] }]);
    vec![
        check("batch", "A batch has the values with what belongs to them.")
            .create("$p-a", "one")
            .keep("arn", "/ARN")
            .secrets("CreateSecret", json!({ "Name": "$p-b", "SecretBinary": "AAH/gA==" }))
            .secrets("BatchGetSecretValue", ids(&["$p-a"]))
            .gives("/SecretValues/0/SecretString", "one")
            .gives("/SecretValues/0/Name", "$p-a")
            .gives("/SecretValues/0/ARN", "$arn")
            .gives("/SecretValues/0/VersionId", "$v1")
            .gives("/SecretValues/0/VersionStages", json!(["AWSCURRENT"]))
            .lists("/Errors", "SecretId", &[])
            .secrets("BatchGetSecretValue", ids(&["$p-b"]))
            .gives("/SecretValues/0/SecretBinary", "AAH/gA==")
            .lacks("/SecretValues/0/SecretString"),
        check("batch-by-arn", "A batch takes ARNs and names.")
            .create("$p-a", "one")
            .keep("arn", "/ARN")
            .create("$p-b", "two")
            .secrets("BatchGetSecretValue", ids(&["$arn", "$p-b"]))
            .lists("/SecretValues", "SecretString", &["one", "two"]),
        check("batch-with-a-missing-one", "A missing secret is an entry in `Errors`.")
            .create("$p-a", "one")
            .secrets("BatchGetSecretValue", ids(&["$p-none", "$p-a"]))
            .lists("/SecretValues", "SecretString", &["one"])
            .gives("/Errors/0/SecretId", "$p-none")
            .gives("/Errors/0/ErrorCode", "ResourceNotFoundException")
            .has("/Errors/0/Message"),
        check("batch-with-an-empty-one", "So is a secret without a value.")
            .create("$p-a", "one")
            .secrets("CreateSecret", json!({ "Name": "$p-b" }))
            .secrets("BatchGetSecretValue", ids(&["$p-a", "$p-b"]))
            .lists("/SecretValues", "SecretString", &["one"])
            .gives("/Errors/0/SecretId", "$p-b")
            .gives("/Errors/0/ErrorCode", "ResourceNotFoundException"),
        check("batch-with-a-scheduled-one", "So is a secret scheduled for deletion.")
            .create("$p-a", "one")
            .create("$p-b", "two")
            .delete("$p-b")
            .secrets("BatchGetSecretValue", ids(&["$p-a", "$p-b"]))
            .lists("/SecretValues", "SecretString", &["one"])
            .gives("/Errors/0/SecretId", "$p-b")
            .gives("/Errors/0/ErrorCode", "InvalidRequestException"),
        check("batch-of-20", "A batch has up to 20 ids.")
            .create("$p-1", "one")
            .secrets("BatchGetSecretValue", numbered(20))
            .lists("/SecretValues", "SecretString", &["one"])
            .counts("/Errors", 19),
        check("batch-of-21", "A batch of 21 ids is refused.")
            .secrets("BatchGetSecretValue", numbered(21))
            .refused(INVALID),
        three("batch-by-filter", "A batch finds by filters.")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter }))
            .lists("/SecretValues", "SecretString", &["one", "two", "three"]),
        three("batch-pages", "With filters it comes in pages.")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter, "MaxResults": 2 }))
            .counts("/SecretValues", 2)
            .keep("next", "/NextToken")
            .secrets(
                "BatchGetSecretValue",
                json!({ "Filters": filter, "MaxResults": 2, "NextToken": "$next" }),
            )
            .counts("/SecretValues", 1)
            .lacks("/NextToken"),
        check("batch-page-of-21", "A page has at most 20 entries.")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter, "MaxResults": 21 }))
            .refused(INVALID),
        three("batch-by-filter-without-scheduled", "A filter passes over scheduled secrets.")
            .delete("$p-2")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter }))
            .lists("/SecretValues", "SecretString", &["one", "three"])
            .lists("/Errors", "SecretId", &[]),
        check("batch-made-up-page", "A token that nobody gave out is InvalidNextTokenException.")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter, "NextToken": "made-up" }))
            .refused(&["InvalidNextTokenException"]),
        check("batch-by-ids-and-filter", "Ids and filters at once are refused.")
            .create("$p-1", "one")
            .secrets("BatchGetSecretValue", json!({ "Filters": filter, "SecretIdList": ["$p-1"] }))
            .refused(INVALID),
        check("batch-by-nothing", "Neither ids nor filters are refused.")
            .secrets("BatchGetSecretValue", json!({}))
            .refused(INVALID),
    ]
}
