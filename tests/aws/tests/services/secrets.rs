//! Secrets Manager: lists, tags, deletion, policies, replicas.

use std::time::Duration;

use aws_sdk_secretsmanager::types::{
    Filter, FilterNameStringType, ReplicaRegionType, SortOrderType, Tag,
};
use serde_json::json;

use crate::client::{code, double, secrets, secrets_in};

fn filter(key: FilterNameStringType, value: &str) -> Filter {
    Filter::builder().key(key).values(value).build()
}

#[tokio::test]
async fn lists_go_page_by_page() {
    let aws = double();
    let client = secrets(&aws);
    for number in 0..25 {
        aws.secrets().put(&format!("app/{number:02}"), "x");
    }
    aws.secrets().put("web/0", "x");
    let list = || client.list_secrets().filters(filter(FilterNameStringType::Name, "app/"));
    let mut names = Vec::new();
    let mut token = None;
    let mut pages = 0;
    loop {
        let page = list().max_results(10).set_next_token(token).send().await.unwrap();
        names.extend(page.secret_list().iter().map(|s| s.name().unwrap().to_owned()));
        pages += 1;
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
        // What is created meanwhile does not shift the pages.
        aws.secrets().put(&format!("web/{pages}"), "x");
    }
    assert_eq!(pages, 3);
    let expected: Vec<_> = (0..25).map(|number| format!("app/{number:02}")).collect();
    assert_eq!(names, expected);
    let newest = list().sort_order(SortOrderType::Desc).max_results(1).send().await.unwrap();
    assert_eq!(newest.secret_list()[0].name(), Some("app/24"));

    let token = list().max_results(10).send().await.unwrap().next_token().unwrap().to_owned();
    let other = client.list_secrets().next_token(&token).send().await;
    assert_eq!(code(&other), "InvalidNextTokenException", "it belongs to another list");
    let made_up = list().next_token("MTA").send().await;
    assert_eq!(code(&made_up), "InvalidNextTokenException");
    for size in [0, 101] {
        assert_eq!(code(&list().max_results(size).send().await), "ValidationException");
    }
    let everything = client.list_secrets().send().await.unwrap();
    assert_eq!(everything.secret_list().len(), 28);
}

#[tokio::test]
async fn lists_are_sorted_as_wished_on_every_page() {
    let aws = double();
    aws.clock().freeze();
    for name in ["b", "c", "a", "d"] {
        aws.secrets().put(name, "x");
        aws.clock().advance(Duration::from_secs(1));
    }
    aws.secrets().put("c", "y");
    let client = secrets(&aws);
    let names = async |by: &str, order: SortOrderType| {
        let mut names = String::new();
        let mut token = None;
        loop {
            let list = client.list_secrets().sort_by(by.into()).sort_order(order.clone());
            let page = list.max_results(1).set_next_token(token).send().await.unwrap();
            names.extend(page.secret_list().iter().map(|s| s.name().unwrap()));
            token = page.next_token().map(str::to_owned);
            if token.is_none() {
                return names;
            }
        }
    };
    assert_eq!(names("created-date", SortOrderType::Asc).await, "bcad");
    assert_eq!(names("created-date", SortOrderType::Desc).await, "dacb");
    assert_eq!(names("name", SortOrderType::Asc).await, "abcd");
    assert_eq!(names("name", SortOrderType::Desc).await, "dcba");
    assert_eq!(names("last-changed-date", SortOrderType::Asc).await, "badc");
}

#[tokio::test]
async fn an_entry_of_a_list_has_what_a_controller_looks_at() {
    let aws = double();
    let client = secrets(&aws);
    let tag = Tag::builder().key("team").value("blue").build();
    client.create_secret().name("s").secret_string("x").tags(tag).send().await.unwrap();
    let listed = client.list_secrets().send().await.unwrap();
    let entry = &listed.secret_list()[0];
    assert!(entry.last_changed_date().is_some());
    assert_eq!(entry.tags()[0].value(), Some("blue"));
    assert_eq!(entry.secret_versions_to_stages().unwrap().len(), 1);
    let unknown = Filter::builder().key("nonsense".into()).values("x").build();
    let refused = client.list_secrets().filters(unknown).send().await;
    assert_eq!(code(&refused), "ValidationException");
}

#[tokio::test]
async fn filters_are_all_met() {
    let aws = double();
    let client = secrets(&aws);
    for (name, team) in [("app/a", "blue"), ("app/b", "red"), ("web/a", "blue")] {
        let tags = json!([{ "Key": "team", "Value": team }]);
        aws.secrets().act("CreateSecret", &json!({ "Name": name, "Tags": tags }));
    }
    let list = client
        .list_secrets()
        .filters(filter(FilterNameStringType::Name, "app/"))
        .filters(filter(FilterNameStringType::TagKey, "team"))
        .filters(filter(FilterNameStringType::TagValue, "blue"));
    let found = list.send().await.unwrap();
    let names: Vec<_> = found.secret_list().iter().map(|s| s.name().unwrap()).collect();
    assert_eq!(names, ["app/a"]);
}

#[tokio::test]
async fn a_batch_by_filters_has_pages_of_twenty() {
    let aws = double();
    let client = secrets(&aws);
    for number in 0..45 {
        aws.secrets().put(&format!("app/{number:02}"), "x");
    }
    aws.secrets().act("DeleteSecret", &json!({ "SecretId": "app/00" }));
    let batch =
        || client.batch_get_secret_value().filters(filter(FilterNameStringType::Name, "app/"));
    let mut sizes = Vec::new();
    let mut token = None;
    loop {
        let page = batch().set_next_token(token).send().await.unwrap();
        assert!(page.errors().is_empty());
        sizes.push(page.secret_values().len());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [20, 20, 4]);
    assert_eq!(code(&batch().max_results(21).send().await), "ValidationException");
    let both = batch().secret_id_list("app/01").send().await;
    assert_eq!(code(&both), "InvalidParameterException");
}

#[tokio::test]
async fn a_deletion_has_a_window() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "x");
    let delete = || client.delete_secret().secret_id("s");
    for days in [6, 31] {
        let refused = delete().recovery_window_in_days(days).send().await;
        assert_eq!(code(&refused), "InvalidParameterException");
    }
    let both = delete().recovery_window_in_days(7).force_delete_without_recovery(true);
    assert_eq!(code(&both.send().await), "InvalidParameterException");

    delete().recovery_window_in_days(7).send().await.unwrap();
    let get = || client.get_secret_value().secret_id("s").send();
    let put = || client.put_secret_value().secret_id("s").secret_string("y").send();
    let create = || client.create_secret().name("s").secret_string("y").send();
    assert_eq!(code(&get().await), "InvalidRequestException");
    assert_eq!(code(&put().await), "InvalidRequestException");
    assert_eq!(code(&create().await), "InvalidRequestException");
    assert_eq!(code(&delete().send().await), "InvalidRequestException");
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    assert!(described.deleted_date().is_some());
    assert!(client.list_secrets().send().await.unwrap().secret_list().is_empty());
    let planned = client.list_secrets().include_planned_deletion(true).send().await.unwrap();
    assert_eq!(planned.secret_list().len(), 1);

    client.restore_secret().secret_id("s").send().await.unwrap();
    assert_eq!(get().await.unwrap().secret_string(), Some("x"));

    delete().recovery_window_in_days(7).send().await.unwrap();
    aws.clock().advance(Duration::from_hours(7 * 24 - 1));
    assert_eq!(code(&get().await), "InvalidRequestException");
    aws.clock().advance(Duration::from_hours(2));
    assert_eq!(code(&get().await), "ResourceNotFoundException");
    assert_eq!(code(&create().await), "OK");
    delete().force_delete_without_recovery(true).send().await.unwrap();
    assert_eq!(code(&get().await), "ResourceNotFoundException");
    assert_eq!(code(&delete().force_delete_without_recovery(true).send().await), "OK");
    assert_eq!(code(&create().await), "OK");
}

#[tokio::test]
async fn tags_are_added_changed_and_removed() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "x");
    let tag = |key: &str, value: &str| {
        let tag = Tag::builder().key(key).value(value).build();
        client.tag_resource().secret_id("s").tags(tag).send()
    };
    tag("a", "1").await.unwrap();
    tag("b", "1").await.unwrap();
    tag("a", "2").await.unwrap();
    assert_eq!(code(&tag("aws:a", "1").await), "InvalidParameterException");
    client.untag_resource().secret_id("s").tag_keys("b").send().await.unwrap();
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    let tags: Vec<_> =
        described.tags().iter().map(|t| (t.key().unwrap(), t.value().unwrap())).collect();
    assert_eq!(tags, [("a", "2")]);
    for number in 0..49 {
        tag(&format!("t{number}"), "x").await.unwrap();
    }
    assert_eq!(code(&tag("one-too-many", "x").await), "InvalidParameterException");
}

#[tokio::test]
async fn policies_are_checked_before_they_are_kept() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "x");
    let put = |policy: &str| client.put_resource_policy().secret_id("s").resource_policy(policy);
    assert_eq!(code(&put("{").send().await), "MalformedPolicyDocumentException");
    let public = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    assert_eq!(code(&put(public).block_public_policy(true).send().await), "PublicPolicyException");
    put(public).send().await.unwrap();
    let got = client.get_resource_policy().secret_id("s").send().await.unwrap();
    assert_eq!(got.resource_policy(), Some(public));
    let checked = client.validate_resource_policy().resource_policy(public).send().await.unwrap();
    assert!(!checked.policy_validation_passed());
    client.delete_resource_policy().secret_id("s").send().await.unwrap();
    let got = client.get_resource_policy().secret_id("s").send().await.unwrap();
    assert_eq!(got.resource_policy(), None);
}

#[tokio::test]
async fn a_replica_is_read_in_its_region_and_changed_in_the_primary_one() {
    let aws = double();
    let client = secrets(&aws);
    let there = secrets_in(&aws, aws.admin(), "eu-west-1");
    aws.secrets().put("s", "x");
    let get = || there.get_secret_value().secret_id("s").send();
    assert_eq!(code(&get().await), "ResourceNotFoundException");
    let region = ReplicaRegionType::builder().region("eu-west-1").build();
    let replicate = client.replicate_secret_to_regions().secret_id("s").add_replica_regions(region);
    replicate.send().await.unwrap();

    let got = get().await.unwrap();
    assert_eq!(got.secret_string(), Some("x"));
    let arn = got.arn().unwrap();
    assert!(arn.contains(":eu-west-1:"), "{arn}");
    assert_eq!(there.get_secret_value().secret_id(arn).send().await.unwrap().name(), Some("s"));
    let put = || there.put_secret_value().secret_id("s").secret_string("y").send();
    assert_eq!(code(&put().await), "InvalidRequestException");
    aws.secrets().put("s", "y");
    assert_eq!(get().await.unwrap().secret_string(), Some("y"));
    let described = there.describe_secret().secret_id("s").send().await.unwrap();
    assert_eq!(described.primary_region(), Some("us-east-1"));
    let filtered = there.list_secrets().filters(filter(FilterNameStringType::PrimaryRegion, "us-"));
    assert_eq!(filtered.send().await.unwrap().secret_list().len(), 1);
    assert_eq!(
        code(&client.delete_secret().secret_id("s").send().await),
        "InvalidRequestException",
        "first the replica"
    );

    there.stop_replication_to_replica().secret_id("s").send().await.unwrap();
    assert_eq!(code(&put().await), "OK");
    client.delete_secret().secret_id("s").send().await.unwrap();
    assert_eq!(get().await.unwrap().secret_string(), Some("y"));
}

#[tokio::test]
async fn random_passwords_hold_what_was_asked_for() {
    let aws = double();
    let client = secrets(&aws);
    let get = || client.get_random_password();
    let password = get().send().await.unwrap().random_password().unwrap().to_owned();
    assert_eq!(password.len(), 32);
    let digits = get().password_length(8).exclude_lowercase(true).exclude_uppercase(true);
    let digits = digits.exclude_punctuation(true).exclude_characters("0").send().await.unwrap();
    let digits = digits.random_password().unwrap();
    assert!(digits.len() == 8 && digits.chars().all(|c| ('1'..='9').contains(&c)), "{digits}");
    assert_eq!(code(&get().password_length(2).send().await), "InvalidParameterException");
}
