//! The Parameter Store of Systems Manager.

use serde_json::{Value, json};

use crate::check::{Check, check};

fn text(name: &str, value: &str) -> Value {
    json!({ "Name": name, "Value": value, "Type": "String" })
}

fn overwrite(name: &str, value: &str) -> Value {
    json!({ "Name": name, "Value": value, "Type": "String", "Overwrite": true })
}

/// Three versions of `$p`, of which the second has the label `live`.
fn versions(name: &'static str, says: &'static str) -> Check {
    check(name, says)
        .parameters("PutParameter", text("/$p/a", "one"))
        .parameters("PutParameter", overwrite("/$p/a", "two"))
        .parameters("PutParameter", overwrite("/$p/a", "three"))
        .parameters(
            "LabelParameterVersion",
            json!({ "Name": "/$p/a", "ParameterVersion": 2, "Labels": ["live"] }),
        )
}

/// As many parameters as three pages need, ten to a page, and one below a folder.
fn pages(name: &'static str, says: &'static str) -> Check {
    (1..=24)
        .fold(check(name, says), |check, number| {
            check.parameters("PutParameter", text(&format!("/$p/{number:02}"), "one"))
        })
        .parameters("PutParameter", text("/$p/folder/25", "one"))
}

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("parameter", "A parameter is stored and read, with its version and type.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .gives("/Version", 1)
            .gives("/Tier", "Standard")
            .parameters("GetParameter", json!({ "Name": "/$p/a" }))
            .gives("/Parameter/Name", "/$p/a")
            .gives("/Parameter/Value", "one")
            .gives("/Parameter/Type", "String")
            .gives("/Parameter/Version", 1)
            .gives("/Parameter/DataType", "text")
            .gives("/Parameter/ARN", "arn:aws:ssm:us-east-1:$account:parameter/$p/a")
            .has("/Parameter/LastModifiedDate"),
        check("missing-parameter", "A parameter that is not there is ParameterNotFound.")
            .parameters("GetParameter", json!({ "Name": "/$p/none" }))
            .refused(&["ParameterNotFound"]),
        check("parameter-by-arn", "A parameter is found by its ARN.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters(
                "GetParameter",
                json!({ "Name": "arn:aws:ssm:us-east-1:$account:parameter/$p/a" }),
            )
            .gives("/Parameter/Value", "one"),
        check("parameter-is-taken", "A second value needs Overwrite.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters("PutParameter", text("/$p/a", "two"))
            .refused(&["ParameterAlreadyExists"])
            .parameters("PutParameter", overwrite("/$p/a", "two"))
            .gives("/Version", 2),
        versions("parameter-newest", "Without a selector the newest version is read.")
            .parameters("GetParameter", json!({ "Name": "/$p/a" }))
            .gives("/Parameter/Value", "three")
            .gives("/Parameter/Version", 3)
            .lacks("/Parameter/Selector"),
        versions("parameter-by-version", "A version is read by its number behind a colon.")
            .parameters("GetParameter", json!({ "Name": "/$p/a:1" }))
            .gives("/Parameter/Value", "one")
            .gives("/Parameter/Name", "/$p/a"),
        versions("parameter-by-label", "And by its label.")
            .parameters("GetParameter", json!({ "Name": "/$p/a:live" }))
            .gives("/Parameter/Value", "two")
            .gives("/Parameter/Version", 2),
        versions("parameter-selector", "The answer tells what stood behind the colon.")
            .parameters("GetParameter", json!({ "Name": "/$p/a:1" }))
            .gives("/Parameter/Selector", ":1")
            .parameters("GetParameter", json!({ "Name": "/$p/a:live" }))
            .gives("/Parameter/Selector", ":live"),
        versions("parameter-unknown-version", "An unknown number is ParameterVersionNotFound.")
            .parameters("GetParameter", json!({ "Name": "/$p/a:4" }))
            .refused(&["ParameterVersionNotFound"]),
        versions("parameter-unknown-label", "So is an unknown label.")
            .parameters("GetParameter", json!({ "Name": "/$p/a:next" }))
            .refused(&["ParameterVersionNotFound"]),
        versions("parameter-history", "The history has all versions with their labels.")
            .parameters("GetParameterHistory", json!({ "Name": "/$p/a" }))
            .lists_in_order("/Parameters", "Value", &["one", "two", "three"])
            .gives("/Parameters/1/Labels", json!(["live"])),
        check("secure-parameter", "A SecureString is decrypted on demand.")
            .parameters(
                "PutParameter",
                json!({ "Name": "/$p/a", "Value": "one", "Type": "SecureString" }),
            )
            .parameters("GetParameter", json!({ "Name": "/$p/a", "WithDecryption": true }))
            .gives("/Parameter/Value", "one")
            .gives("/Parameter/Type", "SecureString"),
        check("secure-parameter-encrypted", "Only on demand: else its value is not to be seen.")
            .parameters(
                "PutParameter",
                json!({ "Name": "/$p/a", "Value": "visible-one", "Type": "SecureString" }),
            )
            .parameters("GetParameter", json!({ "Name": "/$p/a" }))
            .is("/Parameter/Value", "something else", |value| {
                value.as_str().is_some_and(|value| !value.contains("visible-one"))
            }),
        check("largest-parameter", "A standard parameter may have 4096 bytes.")
            .parameters("PutParameter", text("/$p/a", &"x".repeat(4096))),
        check("too-large-parameter", "A standard parameter of 4097 bytes is refused.")
            .parameters("PutParameter", text("/$p/a", &"x".repeat(4097)))
            .refused(&["ValidationException"]),
        check("advanced-parameter", "An advanced one may have them.")
            .parameters(
                "PutParameter",
                json!({
                    "Name": "/$p/a", "Value": "x".repeat(4097), "Type": "String", "Tier": "Advanced",
                }),
            )
            .gives("/Tier", "Advanced"),
        check("tier-is-chosen", "Intelligent-Tiering chooses a tier, and the answer tells which.")
            .parameters(
                "PutParameter",
                json!({
                    "Name": "/$p/a", "Value": "one", "Type": "String", "Tier": "Intelligent-Tiering",
                }),
            )
            .gives("/Tier", "Standard"),
        check("several-parameters", "Several are read at once, and the missing ones named.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters("PutParameter", text("/$p/b", "two"))
            .parameters("GetParameters", json!({ "Names": ["/$p/a", "/$p/b", "/$p/none"] }))
            .lists("/Parameters", "Value", &["one", "two"])
            .lists("/InvalidParameters", "", &["/$p/none"]),
        check("eleven-parameters", "At most ten are read at once.")
            .parameters(
                "GetParameters",
                json!({ "Names": (1..=11).map(|n| format!("/$p/{n}")).collect::<Vec<_>>() }),
            )
            .refused(&["ValidationException"]),
        pages("path", "A path has the parameters directly below it, ten to a page.")
            .parameters("GetParametersByPath", json!({ "Path": "/$p" }))
            .counts("/Parameters", 10)
            .keep("next", "/NextToken")
            .parameters("GetParametersByPath", json!({ "Path": "/$p", "NextToken": "$next" }))
            .counts("/Parameters", 10)
            .keep("next", "/NextToken")
            .parameters("GetParametersByPath", json!({ "Path": "/$p", "NextToken": "$next" }))
            .counts("/Parameters", 4)
            .lacks("/NextToken"),
        pages("recursive-path", "A recursive one has those below folders as well.")
            .parameters("GetParametersByPath", json!({ "Path": "/$p/folder", "Recursive": true }))
            .lists("/Parameters", "Name", &["/$p/folder/25"])
            .parameters("GetParametersByPath", json!({ "Path": "/$p", "Recursive": true }))
            .counts("/Parameters", 10)
            .keep("next", "/NextToken")
            .parameters(
                "GetParametersByPath",
                json!({ "Path": "/$p", "Recursive": true, "NextToken": "$next" }),
            )
            .counts("/Parameters", 10)
            .keep("next", "/NextToken")
            .parameters(
                "GetParametersByPath",
                json!({ "Path": "/$p", "Recursive": true, "NextToken": "$next" }),
            )
            .counts("/Parameters", 5),
        check("path-is-no-prefix", "A path ends at a slash.")
            .parameters("PutParameter", text("/$p/a/1", "one"))
            .parameters("PutParameter", text("/$p/ab/2", "two"))
            .parameters("GetParametersByPath", json!({ "Path": "/$p/a", "Recursive": true }))
            .lists("/Parameters", "Name", &["/$p/a/1"]),
        check("path-of-nothing", "A path without parameters is an empty list.")
            .parameters("GetParametersByPath", json!({ "Path": "/$p/none" }))
            .counts("/Parameters", 0),
        check("path-page-of-11", "A page has at most ten entries.")
            .parameters("GetParametersByPath", json!({ "Path": "/$p", "MaxResults": 11 }))
            .refused(&["ValidationException"]),
        check("path-by-type", "The filter `Type` is obeyed.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters(
                "PutParameter",
                json!({ "Name": "/$p/b", "Value": "two", "Type": "SecureString" }),
            )
            .parameters(
                "GetParametersByPath",
                json!({
                    "Path": "/$p",
                    "ParameterFilters": [{ "Key": "Type", "Values": ["SecureString"] }],
                }),
            )
            .lists("/Parameters", "Name", &["/$p/b"]),
        versions("path-by-label", "The filter `Label` finds the versions with the label.")
            .parameters("PutParameter", text("/$p/b", "other"))
            .parameters(
                "GetParametersByPath",
                json!({
                    "Path": "/$p", "ParameterFilters": [{ "Key": "Label", "Values": ["live"] }],
                }),
            )
            .lists("/Parameters", "Value", &["two"]),
        check("path-by-unknown-filter", "An unknown filter is InvalidFilterKey.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters(
                "GetParametersByPath",
                json!({
                    "Path": "/$p", "ParameterFilters": [{ "Key": "Colour", "Values": ["blue"] }],
                }),
            )
            .refused(&["InvalidFilterKey", "ValidationException"]),
        check("secret-as-a-parameter", "A secret is read as a parameter under a reserved path.")
            .create("$p-a", "one")
            .parameters(
                "GetParameter",
                json!({ "Name": "/aws/reference/secretsmanager/$p-a", "WithDecryption": true }),
            )
            .gives("/Parameter/Value", "one")
            .gives("/Parameter/Type", "SecureString")
            .has("/Parameter/SourceResult"),
        check("secret-with-a-slash-as-a-parameter", "Its name may have a slash.")
            .create("$p/a", "one")
            .parameters(
                "GetParameter",
                json!({ "Name": "/aws/reference/secretsmanager/$p/a", "WithDecryption": true }),
            )
            .gives("/Parameter/Value", "one"),
        check("deleted-parameter", "A deleted parameter is gone, and its versions with it.")
            .parameters("PutParameter", text("/$p/a", "one"))
            .parameters("DeleteParameter", json!({ "Name": "/$p/a" }))
            .parameters("GetParameter", json!({ "Name": "/$p/a" }))
            .refused(&["ParameterNotFound"])
            .parameters("PutParameter", text("/$p/a", "two"))
            .gives("/Version", 1),
    ]
}
