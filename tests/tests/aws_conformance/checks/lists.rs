//! Secrets Manager: lists with filters, order and pages.

use serde_json::{Value, json};

use super::values::INVALID;
use crate::check::{Check, check};

/// Asks for a list with these filters.
fn filters(filters: &[(&str, &[&str])]) -> Value {
    let filters: Vec<Value> =
        filters.iter().map(|(key, values)| json!({ "Key": key, "Values": values })).collect();
    json!({ "Filters": filters })
}

/// Two secrets that differ in everything.
fn two(name: &'static str, says: &'static str) -> Check {
    check(name, says)
        .secrets(
            "CreateSecret",
            json!({
                "Name": "$p-Web/db", "SecretString": "one", "Description": "$p Database of the shop",
                "Tags": [{ "Key": "$p-team", "Value": "$p-blue" }],
            }),
        )
        .secrets(
            "CreateSecret",
            json!({
                "Name": "$p-batch", "SecretString": "two", "Description": "$p mail relay",
                "Tags": [{ "Key": "$p-owner", "Value": "$p-red" }],
            }),
        )
}

/// Three secrets, `$p-1` to `$p-3`.
fn three(name: &'static str, says: &'static str) -> Check {
    check(name, says).create("$p-1", "one").create("$p-2", "two").create("$p-3", "three")
}

/// 101 secrets.
fn many(name: &'static str, says: &'static str) -> Check {
    (1..=101).fold(check(name, says), |check, number| {
        check.secrets(
            "CreateSecret",
            json!({ "Name": format!("$p-{number}"), "SecretString": "one" }),
        )
    })
}

pub(crate) fn checks() -> Vec<Check> {
    vec![
        check("entry-of-a-list", "An entry tells the date of the last change, labels and tags.")
            .secrets(
                "CreateSecret",
                json!({
                    "Name": "$p-a", "SecretString": "one",
                    "Tags": [{ "Key": "team", "Value": "blue" }],
                }),
            )
            .keep("arn", "/ARN")
            .secrets("ListSecrets", filters(&[("name", &["$p-a"])]))
            .counts("/SecretList", 1)
            .gives("/SecretList/0/Name", "$p-a")
            .gives("/SecretList/0/ARN", "$arn")
            .gives("/SecretList/0/SecretVersionsToStages/$v1", json!(["AWSCURRENT"]))
            .gives("/SecretList/0/Tags", json!([{ "Key": "team", "Value": "blue" }]))
            .lacks("/SecretList/0/SecretString")
            .has("/SecretList/0/LastChangedDate"),
        two("filter-name", "The filter `name` finds by the beginning.")
            .secrets("ListSecrets", filters(&[("name", &["$p-W"])]))
            .lists("/SecretList", "Name", &["$p-Web/db"]),
        two("filter-name-middle", "Not by what follows.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("name", &["batch"])]))
            .lists("/SecretList", "Name", &[]),
        two("filter-name-case", "It tells upper from lower case.")
            .secrets("ListSecrets", filters(&[("name", &["$p-w"])]))
            .lists("/SecretList", "Name", &[]),
        two("filter-not", "A `!` before a value finds all others.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("name", &["!$p-W"])]))
            .lists("/SecretList", "Name", &["$p-batch"]),
        two("filter-or", "Values of one filter are alternatives.")
            .secrets("ListSecrets", filters(&[("name", &["$p-W", "$p-b"])]))
            .lists("/SecretList", "Name", &["$p-Web/db", "$p-batch"]),
        two("filter-and", "Several filters must all agree.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("tag-value", &["$p-red"])]))
            .lists("/SecretList", "Name", &["$p-batch"]),
        two("filter-tag-key", "The filter `tag-key` finds by the beginning of a tag's key.")
            .secrets("ListSecrets", filters(&[("tag-key", &["$p-te"])]))
            .lists("/SecretList", "Name", &["$p-Web/db"]),
        two("filter-tag-value", "The filter `tag-value` finds by the beginning of a tag's value.")
            .secrets("ListSecrets", filters(&[("tag-value", &["$p-bl"])]))
            .lists("/SecretList", "Name", &["$p-Web/db"]),
        two("filter-description", "The filter `description` does not care for case.")
            .secrets("ListSecrets", filters(&[("description", &["$p database"])]))
            .lists("/SecretList", "Name", &["$p-Web/db"]),
        two("filter-all", "The filter `all` looks for the words everywhere.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("all", &["relay"])]))
            .lists("/SecretList", "Name", &["$p-batch"]),
        two(
            "filter-primary-region",
            "The filter `primary-region` finds none that is not a replica.",
        )
        .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("primary-region", &["eu-west-1"])]))
        .lists("/SecretList", "Name", &[]),
        two("filter-owning-service", "The filter `owning-service` finds none that is our own.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"]), ("owning-service", &["rds"])]))
            .lists("/SecretList", "Name", &[]),
        check("filter-unknown", "An unknown filter is ValidationException.")
            .secrets("ListSecrets", filters(&[("colour", &["blue"])]))
            .refused(&["ValidationException"]),
        three("order-by-name", "SortBy and SortOrder give the order.")
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }],
                    "SortBy": "name", "SortOrder": "desc",
                }),
            )
            .lists_in_order("/SecretList", "Name", &["$p-3", "$p-2", "$p-1"])
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }],
                    "SortBy": "name", "SortOrder": "asc",
                }),
            )
            .lists_in_order("/SecretList", "Name", &["$p-1", "$p-2", "$p-3"]),
        three("pages", "A page of a list leads to the next, and the last to none.")
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }], "MaxResults": 2,
                }),
            )
            .counts("/SecretList", 2)
            .keep("next", "/NextToken")
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }], "MaxResults": 2,
                    "NextToken": "$next",
                }),
            )
            .counts("/SecretList", 1)
            .lacks("/NextToken"),
        three("full-last-page", "A last page that is full leads nowhere either.")
            .secrets(
                "ListSecrets",
                json!({
                    "Filters": [{ "Key": "name", "Values": ["$p-"] }], "MaxResults": 3,
                }),
            )
            .counts("/SecretList", 3)
            .lacks("/NextToken"),
        many("page-of-100", "A page has 100 entries unless asked otherwise.")
            .secrets("ListSecrets", filters(&[("name", &["$p-"])]))
            .counts("/SecretList", 100)
            .has("/NextToken"),
        check("page-of-none", "A page of 0 entries is refused.")
            .secrets("ListSecrets", json!({ "MaxResults": 0 }))
            .refused(INVALID),
        check("page-of-101", "A page of 101 entries is refused.")
            .secrets("ListSecrets", json!({ "MaxResults": 101 }))
            .refused(INVALID),
        check("made-up-page", "A token that nobody gave out is InvalidNextTokenException.")
            .secrets("ListSecrets", json!({ "NextToken": "made-up" }))
            .refused(&["InvalidNextTokenException"]),
    ]
}
