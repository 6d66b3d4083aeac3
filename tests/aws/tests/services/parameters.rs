//! Parameter Store.

use aws_sdk_ssm::types::{ParameterStringFilter, ParameterTier, ParameterType};
use extsecret_test_aws::{Permissions, Policy};
use serde_json::json;

use crate::client::{code, double, message, parameters_as};

const ACCOUNT: &str = "123456789012";

fn filter(key: &str, option: Option<&str>, value: &str) -> ParameterStringFilter {
    let filter = ParameterStringFilter::builder().key(key).values(value);
    filter.set_option(option.map(str::to_owned)).build().unwrap()
}

#[tokio::test]
async fn versions_and_labels_are_read_by_name() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    for value in ["one", "two", "three"] {
        aws.parameters().put("/app/db", value);
    }
    let label = client.label_parameter_version().name("/app/db").parameter_version(2);
    let labelled = label.labels("prod").labels("1bad").send().await.unwrap();
    assert_eq!(labelled.invalid_labels(), ["1bad"]);
    let arn = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/app/db");
    for (name, value, version, selector) in [
        ("/app/db", "three", 3, None),
        ("/app/db:1", "one", 1, Some(":1")),
        ("/app/db:prod", "two", 2, Some(":prod")),
        (arn.as_str(), "three", 3, None),
        (&format!("{arn}:prod"), "two", 2, Some(":prod")),
    ] {
        let got = client.get_parameter().name(name).with_decryption(true).send().await.unwrap();
        let got = got.parameter().unwrap();
        assert_eq!(got.name(), Some("/app/db"), "{name}");
        assert_eq!(got.arn(), Some(arn.as_str()));
        assert_eq!((got.value(), got.version()), (Some(value), version), "{name}");
        assert_eq!(got.selector(), selector, "{name}");
        assert_eq!(got.r#type(), Some(&ParameterType::SecureString));
    }
    let get = |name: &str| client.get_parameter().name(name).send();
    assert_eq!(code(&get("/app/none").await), "ParameterNotFound");
    assert_eq!(code(&get("/app/db:9").await), "ParameterVersionNotFound");
    assert_eq!(code(&get("/app/db:none").await), "ParameterVersionNotFound");
    assert_eq!(code(&get("a b").await), "ValidationException");

    let history = client.get_parameter_history().name("/app/db").max_results(2);
    let page = history.clone().send().await.unwrap();
    assert_eq!(page.parameters().len(), 2);
    assert_eq!(page.parameters()[1].labels(), ["prod"]);
    let page = history.next_token(page.next_token().unwrap()).send().await.unwrap();
    assert_eq!(page.parameters()[0].version(), 3);
    assert_eq!(page.next_token(), None);
}

#[tokio::test]
async fn a_secure_string_is_shown_to_those_who_decrypt() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    aws.parameters().put("plain-name", "hunter2");
    let get = |decrypt| client.get_parameter().name("plain-name").with_decryption(decrypt).send();
    assert_eq!(get(true).await.unwrap().parameter().unwrap().value(), Some("hunter2"));
    let hidden = get(false).await.unwrap().parameter().unwrap().value().unwrap().to_owned();
    assert!(!hidden.contains("hunter2"), "{hidden}");
    let by_arn = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/plain-name");
    let got = client.get_parameter().name(by_arn).send().await.unwrap();
    assert_eq!(got.parameter().unwrap().name(), Some("plain-name"));

    let input = json!({ "Name": "/k", "Value": "x", "Type": "SecureString", "KeyId": "alias/app" });
    aws.parameters().act("PutParameter", &input);
    let get = Permissions::Policies(vec![Policy::allow(&["ssm:GetParameter"], &["*"])]);
    let user = aws.identities().add_user(ACCOUNT, "app", get);
    let user = parameters_as(&aws, &user);
    let encrypted = user.get_parameter().name("/k").send().await;
    assert_eq!(code(&encrypted), "OK");
    let decrypted = user.get_parameter().name("/k").with_decryption(true).send().await;
    assert_eq!(code(&decrypted), "AccessDeniedException");
}

#[tokio::test]
async fn a_put_keeps_to_the_rules() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    let put = |name: &str, value: &str| client.put_parameter().name(name).value(value);
    let without_type = put("/a", "x").send().await;
    assert_eq!(code(&without_type), "ValidationException");
    let created = put("/a", "x").r#type(ParameterType::String).send().await.unwrap();
    assert_eq!((created.version(), created.tier()), (1, Some(&ParameterTier::Standard)));
    let again = put("/a", "x").r#type(ParameterType::String).send().await;
    assert_eq!(code(&again), "ParameterAlreadyExists");
    assert_eq!(put("/a", "y").overwrite(true).send().await.unwrap().version(), 2);
    let other = put("/a", "y").overwrite(true).r#type(ParameterType::SecureString).send().await;
    assert_eq!(code(&other), "HierarchyTypeMismatchException");

    let text = |name: &str, value: &str| put(name, value).r#type(ParameterType::String);
    assert_eq!(code(&text("/long", &"x".repeat(4096)).send().await), "OK");
    let long = "x".repeat(4097);
    assert_eq!(code(&text("/b", &long).send().await), "ValidationException");
    let smart = text("/b", &long).tier(ParameterTier::IntelligentTiering).send().await.unwrap();
    assert_eq!(smart.tier(), Some(&ParameterTier::Advanced));
    let huge = text("/c", &"x".repeat(8193)).tier(ParameterTier::Advanced).send().await;
    assert_eq!(code(&huge), "ValidationException");
    for (name, expected) in [
        ("a b", "ValidationException"),
        ("awsome", "ValidationException"),
        ("/ssm/x", "ValidationException"),
        ("/aws/x", "AccessDeniedException"),
        ("a/b", "ValidationException"),
        ("/1/2/3/4/5/6/7/8/9/10/11/12/13/14/15/16", "HierarchyLevelLimitExceededException"),
    ] {
        assert_eq!(code(&text(name, "x").send().await), expected, "{name}");
    }
    let pattern = text("/p", "abc").allowed_pattern("^[0-9]+$").send().await;
    assert_eq!(code(&pattern), "ParameterPatternMismatchException");
}

#[tokio::test]
async fn a_hundred_versions_are_kept_unless_a_label_holds_the_oldest() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    for number in 1..=101 {
        assert_eq!(aws.parameters().put("/a", "x"), number);
    }
    let get = |name: &str| client.get_parameter().name(name).send();
    assert_eq!(code(&get("/a:1").await), "ParameterVersionNotFound");
    assert_eq!(code(&get("/a:2").await), "OK");
    let label = json!({ "Name": "/a", "ParameterVersion": 2, "Labels": ["keep"] });
    aws.parameters().act("LabelParameterVersion", &label);
    let put = client.put_parameter().name("/a").value("x").overwrite(true).send().await;
    assert_eq!(code(&put), "ParameterMaxVersionLimitExceeded");
}

#[tokio::test]
async fn many_are_read_at_once() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    aws.parameters().put("/a", "x");
    let names = |count: usize| Some((0..count).map(|number| format!("/{number}")).collect());
    let get = client.get_parameters().names("/a").names("/none").names("/a:9");
    let got = get.with_decryption(true).send().await.unwrap();
    assert_eq!(got.parameters()[0].value(), Some("x"));
    assert_eq!(got.invalid_parameters(), ["/none", "/a:9"]);
    let eleven = client.get_parameters().set_names(names(11)).send().await;
    assert_eq!(code(&eleven), "ValidationException");
    let deleted = client.delete_parameters().names("/a").names("/none").send().await.unwrap();
    assert_eq!(deleted.deleted_parameters(), ["/a"]);
    assert_eq!(deleted.invalid_parameters(), ["/none"]);
    assert_eq!(code(&client.delete_parameter().name("/a").send().await), "ParameterNotFound");
}

#[tokio::test]
async fn a_path_is_read_page_by_page() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    for number in 0..25 {
        aws.parameters().put(&format!("/app/{number:02}"), "x");
    }
    aws.parameters().put("/app/deep/er", "x");
    aws.parameters().put("/application", "x");
    let get = || client.get_parameters_by_path().path("/app");
    let mut sizes = Vec::new();
    let mut token = None;
    loop {
        let page = get().set_next_token(token).send().await.unwrap();
        sizes.push(page.parameters().len());
        token = page.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(sizes, [10, 10, 5]);
    let deep = client.get_parameters_by_path().path("/app/deep/").send().await.unwrap();
    assert_eq!(deep.parameters()[0].name(), Some("/app/deep/er"));
    assert_eq!(code(&get().max_results(11).send().await), "ValidationException");
    assert_eq!(code(&get().next_token("made up").send().await), "InvalidNextToken");
    let flat = client.get_parameters_by_path().path("app").send().await;
    assert_eq!(code(&flat), "ValidationException");

    let label = json!({ "Name": "/app/07", "ParameterVersion": 1, "Labels": ["prod"] });
    aws.parameters().act("LabelParameterVersion", &label);
    aws.parameters().put("/app/07", "y");
    let labelled = get().parameter_filters(filter("Label", None, "prod")).send().await.unwrap();
    assert_eq!(labelled.parameters().len(), 1);
    assert_eq!(labelled.parameters()[0].version(), 1, "the version with the label");
    let typed = get().parameter_filters(filter("Type", None, "String")).send().await.unwrap();
    assert!(typed.parameters().is_empty());
    let unknown = get().parameter_filters(filter("Name", None, "x")).send().await;
    assert_eq!(code(&unknown), "InvalidFilterKey");
}

#[tokio::test]
async fn parameters_are_found_by_tags_and_names() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    for (name, team) in [("/app/a", "blue"), ("/app/b", "red"), ("/web/a", "blue")] {
        aws.parameters().put(name, "x");
        let tags = json!([{ "Key": "team", "Value": team }]);
        let input = json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": tags });
        aws.parameters().act("AddTagsToResource", &input);
    }
    let find = async |filters: Vec<ParameterStringFilter>| {
        let find = client.describe_parameters().set_parameter_filters(Some(filters));
        let found = find.send().await.unwrap();
        let names = found.parameters().iter().map(|p| p.name().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(find(vec![filter("tag:team", None, "blue")]).await, ["/app/a", "/web/a"]);
    let path = filter("Path", Some("Recursive"), "/app");
    assert_eq!(find(vec![filter("tag:team", None, "blue"), path]).await, ["/app/a"]);
    assert_eq!(find(vec![filter("Name", Some("Contains"), "/b")]).await, ["/app/b"]);
    let unknown = client.describe_parameters().parameter_filters(filter("Nonsense", None, "x"));
    assert_eq!(code(&unknown.send().await), "InvalidFilterKey");
    let tags = client.list_tags_for_resource();
    let tags = tags.resource_type(aws_sdk_ssm::types::ResourceTypeForTagging::Parameter);
    let tags = tags.resource_id("/app/b").send().await.unwrap();
    assert_eq!(tags.tag_list()[0].value(), "red");
}

#[tokio::test]
async fn a_secret_is_read_as_a_parameter() {
    let aws = double();
    let client = parameters_as(&aws, aws.admin());
    let old = aws.secrets().put("app/db", "old");
    aws.secrets().put("app/db", "new");
    let get = |name: &str| client.get_parameter().name(name).with_decryption(true);
    let name = "/aws/reference/secretsmanager/app/db";
    let got = get(name).send().await.unwrap();
    let got = got.parameter().unwrap();
    assert_eq!((got.value(), got.version()), (Some("new"), 0));
    assert!(got.source_result().unwrap().contains("AWSCURRENT"));
    for selector in ["AWSPREVIOUS", &old] {
        let got = get(&format!("{name}:{selector}")).send().await.unwrap();
        assert_eq!(got.parameter().unwrap().value(), Some("old"), "{selector}");
    }
    let missing = get("/aws/reference/secretsmanager/none").send().await;
    assert_eq!(code(&missing), "ParameterNotFound");
    let hidden = get(name).with_decryption(false).send().await;
    assert_eq!(code(&hidden), "ValidationException");
    assert_eq!(aws.counters().calls("secretsmanager:GetSecretValue"), 0);
}

#[tokio::test]
async fn an_identity_reads_below_its_path() {
    let aws = double();
    aws.parameters().put("/ok/a", "x");
    aws.parameters().put("/other", "x");
    let arn = format!("arn:aws:ssm:us-east-1:{ACCOUNT}:parameter/ok*");
    let permissions = Permissions::allow(&["ssm:GetParameter*"], &[&arn]);
    let user = aws.identities().add_user(ACCOUNT, "app", permissions);
    let client = parameters_as(&aws, &user);
    assert_eq!(code(&client.get_parameter().name("/ok/a").send().await), "OK");
    assert_eq!(code(&client.get_parameter().name("/ok/none").send().await), "ParameterNotFound");
    let denied = client.get_parameter().name("/none").send().await;
    assert_eq!(code(&denied), "AccessDeniedException");
    assert!(message(&denied).contains("ssm:GetParameter on resource"), "{}", message(&denied));
    assert_eq!(code(&client.get_parameters_by_path().path("/ok").send().await), "OK");
    let above = client.get_parameters_by_path().path("/").send().await;
    assert_eq!(code(&above), "AccessDeniedException");
    let both = client.get_parameters().names("/ok/a").names("/other").send().await;
    assert_eq!(code(&both), "AccessDeniedException");
}
