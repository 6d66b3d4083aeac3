//! Secrets Manager: secrets and their values, one at a time.

use serde_json::{Value, json};

use crate::check::{Check, check};

/// Codes for a request that does not fit the service's model. Which of them AWS gives where is not
/// documented.
pub(crate) const INVALID: &[&str] =
    &["InvalidParameterException", "InvalidRequestException", "ValidationException"];

fn is_time(value: &Value) -> bool {
    value.as_f64().is_some_and(|seconds| seconds > 1e9 && seconds < 1e10)
}

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("missing-secret", "A secret that is not there is HTTP 400 ResourceNotFoundException.")
            .get("$p-none")
            .refused(&["ResourceNotFoundException"])
            .says("can't find the specified secret"),
        check("missing-secret-everywhere", "So it is with every operation on it.")
            .describe("$p-none")
            .refused(&["ResourceNotFoundException"])
            .put("$p-none", "1")
            .refused(&["ResourceNotFoundException"])
            .delete("$p-none")
            .refused(&["ResourceNotFoundException"])
            .secrets("ListSecretVersionIds", json!({ "SecretId": "$p-none" }))
            .refused(&["ResourceNotFoundException"])
            .secrets("TagResource", json!({ "SecretId": "$p-none", "Tags": [] }))
            .refused(&["ResourceNotFoundException"]),
        check("no-secret-id", "A request without SecretId is refused.")
            .secrets("GetSecretValue", json!({}))
            .refused(INVALID),
        check("unknown-operation", "An operation that does not exist is UnknownOperationException.")
            .secrets("GetSecretValues", json!({}))
            .refused(&["UnknownOperationException"]),
        check("string-value", "A text is stored and read, with its version and label.")
            .create("$p-a", "one")
            .gives("/Name", "$p-a")
            .gives("/VersionId", "$v1")
            .keep("arn", "/ARN")
            .get("$p-a")
            .gives("/SecretString", "one")
            .gives("/Name", "$p-a")
            .gives("/ARN", "$arn")
            .gives("/VersionId", "$v1")
            .gives("/VersionStages", json!(["AWSCURRENT"]))
            .lacks("/SecretBinary")
            .is("/CreatedDate", "a number of seconds", is_time),
        check("token-names-the-version", "The token of a request is the id of the version it makes.")
            .create("$p-a", "one")
            .gives("/VersionId", "$t1")
            .put("$p-a", "two")
            .gives("/VersionId", "$t2")
            .secrets("UpdateSecret", json!({ "SecretId": "$p-a", "SecretString": "three" }))
            .gives("/VersionId", "$t3"),
        check("arn-form", "An ARN ends in the name, a hyphen and six letters or digits.")
            .create("$p-a", "one")
            .is("/ARN", "such an ARN", |arn| {
                let parts: Vec<&str> = arn.as_str().unwrap_or_default().split(':').collect();
                let [_, _, service, region, _, kind, name] = parts[..] else { return false };
                let suffix = name.rsplit_once('-').map_or("", |(_, suffix)| suffix);
                (service, region, kind) == ("secretsmanager", "us-east-1", "secret")
                    && suffix.len() == 6
                    && suffix.chars().all(|c| c.is_ascii_alphanumeric())
            }),
        check("text-is-exact", "A text comes back byte for byte, whatever is in it.")
            .create("$p-a", " {\"ключ\": \"☃\\n\"}\r\n\t\u{1F511} ")
            .get("$p-a")
            .gives("/SecretString", " {\"ключ\": \"☃\\n\"}\r\n\t\u{1F511} "),
        check("binary-value", "Bytes are stored and read, and are no text.")
            .secrets("CreateSecret", json!({ "Name": "$p-a", "SecretBinary": "AAH/gA==" }))
            .get("$p-a")
            .gives("/SecretBinary", "AAH/gA==")
            .lacks("/SecretString"),
        check("text-replaces-bytes", "A new version of the other kind leaves nothing of the old.")
            .secrets("CreateSecret", json!({ "Name": "$p-a", "SecretBinary": "AAH/gA==" }))
            .put("$p-a", "text")
            .get("$p-a")
            .gives("/SecretString", "text")
            .lacks("/SecretBinary"),
        check("text-and-bytes-at-once", "A text and bytes at once are refused.")
            .secrets(
                "CreateSecret",
                json!({ "Name": "$p-a", "SecretString": "a", "SecretBinary": "AAH/gA==" }),
            )
            .refused(INVALID),
        check("put-of-nothing", "A new version without a value is refused.")
            .create("$p-a", "one")
            .secrets("PutSecretValue", json!({ "SecretId": "$p-a" }))
            .refused(INVALID),
        check("secret-without-value", "A secret may have no value; it has no version then.")
            .secrets("CreateSecret", json!({ "Name": "$p-a" }))
            .lacks("/VersionId")
            .describe("$p-a")
            .lists("/VersionIdsToStages", "", &[]),
        check("get-of-no-value", "Reading it finds no version with the label AWSCURRENT.")
            .secrets("CreateSecret", json!({ "Name": "$p-a" }))
            .get("$p-a")
            .refused(&["ResourceNotFoundException"])
            .says("staging label: AWSCURRENT"),
        check("empty-text", "An empty text is refused: a value has at least one character.")
            .create("$p-a", "")
            .refused(INVALID),
        check("largest-text", "A text may have 65536 bytes.")
            .create("$p-a", &"x".repeat(65536))
            .get("$p-a")
            .is("/SecretString", "as long", |text| text.as_str().is_some_and(|t| t.len() == 65536)),
        check("too-large-text", "A text of 65537 bytes is refused.")
            .create("$p-a", &"x".repeat(65537))
            .refused(INVALID),
        check("too-large-bytes", "So are 65537 bytes.")
            .secrets(
                "CreateSecret",
                json!({ "Name": "$p-a", "SecretBinary": format!("{}AA==", "AAAA".repeat(21846)) }),
            )
            .refused(INVALID),
        check("name-characters", "A name has letters, digits and /_+=.@- only.")
            .create("$p/a_b+c=d.e@f-g", "one")
            .create("$p a", "one")
            .refused(INVALID),
        check("name-length", "A name has at most 512 characters.")
            .secrets(
                "CreateSecret",
                json!({ "Name": format!("$p-{}", "n".repeat(512)), "SecretString": "one" }),
            )
            .refused(INVALID),
        check("name-is-taken", "A second secret of a name is ResourceExistsException.")
            .create("$p-a", "one")
            .create("$p-a", "two")
            .refused(&["ResourceExistsException"])
            .get("$p-a")
            .gives("/SecretString", "one"),
        check("same-token-same-value", "A repeated request with the same token changes nothing.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "two", "ClientRequestToken": "$t2" }),
            )
            .gives("/VersionId", "$v2")
            .describe("$p-a")
            .gives("/VersionIdsToStages/$v1", json!(["AWSPREVIOUS"]))
            .gives("/VersionIdsToStages/$v2", json!(["AWSCURRENT"])),
        check("same-token-other-value", "The token of another value is ResourceExistsException.")
            .create("$p-a", "one")
            .put("$p-a", "two")
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "three", "ClientRequestToken": "$t2" }),
            )
            .refused(&["ResourceExistsException"])
            .get("$p-a")
            .gives("/SecretString", "two"),
        check("short-token", "A token has at least 32 characters.")
            .create("$p-a", "one")
            .secrets(
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "two", "ClientRequestToken": "short" }),
            )
            .refused(INVALID),
        check("get-by-arn", "A secret is found by its ARN.")
            .create("$p-a", "one")
            .keep("arn", "/ARN")
            .secrets("GetSecretValue", json!({ "SecretId": "$arn" }))
            .gives("/SecretString", "one"),
        check("get-by-partial-arn", "A secret is found by its ARN without the six characters.")
            .create("$p-a", "one")
            .secrets(
                "GetSecretValue",
                json!({ "SecretId": "arn:aws:secretsmanager:us-east-1:$account:secret:$p-a" }),
            )
            .gives("/SecretString", "one"),
        check("arn-of-nothing", "An ARN of no secret is ResourceNotFoundException.")
            .create("$p-a", "one")
            .secrets(
                "GetSecretValue",
                json!({ "SecretId": "arn:aws:secretsmanager:us-east-1:$account:secret:$p-b-AbCdEf" }),
            )
            .refused(&["ResourceNotFoundException"]),
        check("names-have-case", "Names are told apart by upper and lower case.")
            .create("$p-a", "one")
            .create("$p-A", "two")
            .get("$p-a")
            .gives("/SecretString", "one"),
        check("regions-are-apart", "A secret is in its region only.")
            .create("$p-a", "one")
            .get("$p-a")
            .in_region("eu-west-1")
            .refused(&["ResourceNotFoundException"]),
        check("update-of-value", "UpdateSecret with a value makes a new current version.")
            .create("$p-a", "one")
            .secrets("UpdateSecret", json!({ "SecretId": "$p-a", "SecretString": "two" }))
            .gives("/VersionId", "$v2")
            .get("$p-a")
            .gives("/SecretString", "two")
            .gives("/VersionId", "$v2"),
        check("update-of-description", "UpdateSecret without a value makes no version.")
            .create("$p-a", "one")
            .secrets("UpdateSecret", json!({ "SecretId": "$p-a", "Description": "about it" }))
            .lacks("/VersionId")
            .describe("$p-a")
            .gives("/Description", "about it")
            .lists("/VersionIdsToStages", "", &["$v1"]),
        check("description-of-a-secret", "DescribeSecret tells the names, dates, tags and versions.")
            .secrets(
                "CreateSecret",
                json!({
                    "Name": "$p-a",
                    "SecretString": "one",
                    "Description": "about it",
                    "KmsKeyId": "alias/some-key",
                    "Tags": [{ "Key": "team", "Value": "blue" }],
                }),
            )
            .describe("$p-a")
            .gives("/Name", "$p-a")
            .gives("/Description", "about it")
            .gives("/KmsKeyId", "alias/some-key")
            .gives("/Tags", json!([{ "Key": "team", "Value": "blue" }]))
            .gives("/VersionIdsToStages/$v1", json!(["AWSCURRENT"]))
            .lacks("/DeletedDate")
            .lacks("/SecretString")
            .is("/CreatedDate", "a number of seconds", is_time)
            .is("/LastChangedDate", "a number of seconds", is_time),
        check("tags", "Tags are added, replaced and removed.")
            .create("$p-a", "one")
            .secrets(
                "TagResource",
                json!({ "SecretId": "$p-a", "Tags": [
                    { "Key": "team", "Value": "blue" }, { "Key": "stage", "Value": "test" },
                ]}),
            )
            .secrets(
                "TagResource",
                json!({ "SecretId": "$p-a", "Tags": [{ "Key": "team", "Value": "red" }] }),
            )
            .secrets("UntagResource", json!({ "SecretId": "$p-a", "TagKeys": ["stage"] }))
            .describe("$p-a")
            .gives("/Tags", json!([{ "Key": "team", "Value": "red" }])),
        check("dates-are-fine", "LastChangedDate has fractions of a second.")
            // One date in a thousand has none by chance, three in a row never have.
            .create("$p-a", "one")
            .create("$p-b", "one")
            .create("$p-c", "one")
            .secrets("ListSecrets", json!({ "Filters": [{ "Key": "name", "Values": ["$p-"] }] }))
            .is("/SecretList", "dates with fractions", |list| {
                list.as_array().into_iter().flatten().any(|secret| {
                    secret["LastChangedDate"].as_f64().is_some_and(|seconds| seconds.fract() > 0.0)
                })
            }),
        check("a-value-changes-the-date", "LastChangedDate moves with a new value.")
            .create("$p-a", "one")
            .changes_the_date(
                "$p-a",
                "PutSecretValue",
                json!({ "SecretId": "$p-a", "SecretString": "$n" }),
            ),
        check("a-description-changes-the-date", "LastChangedDate moves with the description.")
            .create("$p-a", "one")
            .changes_the_date(
                "$p-a",
                "UpdateSecret",
                json!({ "SecretId": "$p-a", "Description": "about $n" }),
            ),
        check("a-tag-changes-the-date", "LastChangedDate moves with a tag.")
            .create("$p-a", "one")
            .changes_the_date(
                "$p-a",
                "TagResource",
                json!({ "SecretId": "$p-a", "Tags": [{ "Key": "n", "Value": "$n" }] }),
            ),
        check("a-label-changes-the-date", "LastChangedDate moves with a label.")
            .create("$p-a", "one")
            .changes_the_date(
                "$p-a",
                "UpdateSecretVersionStage",
                json!({
                    "SecretId": "$p-a", "VersionStage": "LABEL$n", "MoveToVersionId": "$v1",
                }),
            ),
        check("password", "GetRandomPassword keeps to the length and the classes asked for.")
            .secrets(
                "GetRandomPassword",
                json!({ "PasswordLength": 40, "ExcludePunctuation": true, "ExcludeLowercase": true }),
            )
            .is("/RandomPassword", "40 upper-case letters and digits", |password| {
                let password = password.as_str().unwrap_or_default();
                let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
                password.len() == 40 && password.chars().all(allowed)
            }),
        check("resource-policy", "A resource policy is stored, read and removed.")
            .create("$p-a", "one")
            .secrets("PutResourcePolicy", json!({ "SecretId": "$p-a", "ResourcePolicy": POLICY }))
            .secrets("GetResourcePolicy", json!({ "SecretId": "$p-a" }))
            .is("/ResourcePolicy", "the policy", |policy| {
                let parsed = serde_json::from_str::<Value>(policy.as_str().unwrap_or_default());
                parsed.is_ok_and(|policy| policy["Statement"][0]["Effect"] == "Deny")
            })
            .secrets("DeleteResourcePolicy", json!({ "SecretId": "$p-a" }))
            .secrets("GetResourcePolicy", json!({ "SecretId": "$p-a" }))
            .lacks("/ResourcePolicy"),
        check("malformed-policy", "A resource policy that is no policy is refused.")
            .create("$p-a", "one")
            .secrets(
                "PutResourcePolicy",
                json!({ "SecretId": "$p-a", "ResourcePolicy": "{\"Statement\": " }),
            )
            .refused(&["MalformedPolicyDocumentException"]),
        check("policy-validation", "ValidateResourcePolicy passes a good policy.")
            .secrets("ValidateResourcePolicy", json!({ "ResourcePolicy": POLICY }))
            .gives("/PolicyValidationPassed", true),
        check("replica", "A replicated secret is read in its other region, and names its first one.")
            .secrets(
                "CreateSecret",
                json!({
                    "Name": "$p-a",
                    "SecretString": "one",
                    "AddReplicaRegions": [{ "Region": "eu-west-1" }],
                }),
            )
            .get("$p-a")
            .in_region("eu-west-1")
            .gives("/SecretString", "one")
            .describe("$p-a")
            .in_region("eu-west-1")
            .gives("/PrimaryRegion", "us-east-1"),
        check("replica-later", "A secret can be replicated after it was made.")
            .create("$p-a", "one")
            .secrets(
                "ReplicateSecretToRegions",
                json!({ "SecretId": "$p-a", "AddReplicaRegions": [{ "Region": "eu-west-1" }] }),
            )
            .get("$p-a")
            .in_region("eu-west-1")
            .gives("/SecretString", "one")
            .gives("/VersionId", "$v1")
            .put("$p-a", "two")
            .get("$p-a")
            .in_region("eu-west-1")
            .gives("/SecretString", "two"),
        check("replica-is-read-only", "A replica takes no new value.")
            .create("$p-a", "one")
            .secrets(
                "ReplicateSecretToRegions",
                json!({ "SecretId": "$p-a", "AddReplicaRegions": [{ "Region": "eu-west-1" }] }),
            )
            .put("$p-a", "two")
            .in_region("eu-west-1")
            .refused(INVALID),
        check("other-account", "A secret of another account is denied without a policy there.")
            .secrets(
                "GetSecretValue",
                json!({
                    "SecretId": "arn:aws:secretsmanager:us-east-1:222233334444:secret:$p-a-AbCdEf",
                }),
            )
            .refused(&["AccessDeniedException"]),
    ]
}

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Deny",
    "Principal": {"AWS": "*"}, "Action": "secretsmanager:DeleteSecret", "Resource": "*"}]}"#;
