//! Secrets Manager: values, versions and labels.

use std::time::Duration;

use aws_sdk_secretsmanager::primitives::Blob;

use crate::client::{code, double, message, secrets};

const TOKEN: &str = "00000000-0000-0000-0000-00000000000a";

#[tokio::test]
async fn a_value_comes_back_as_it_was() {
    let aws = double();
    let client = secrets(&aws);
    let text = "ü \u{0}\n{\"a\":1}";
    let created = client.create_secret().name("app/text").secret_string(text).send().await.unwrap();
    let arn = created.arn().unwrap();
    assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:app/text-"));
    let bytes = Blob::new([0, 255, 10]);
    client.create_secret().name("app/bytes").secret_binary(bytes.clone()).send().await.unwrap();

    let partial = &arn[..arn.len() - 7];
    for id in ["app/text", arn, partial] {
        let got = client.get_secret_value().secret_id(id).send().await.unwrap();
        assert_eq!(got.secret_string(), Some(text), "{id}");
        assert_eq!(got.arn(), Some(arn));
        assert_eq!(got.name(), Some("app/text"));
        assert_eq!(got.version_id(), created.version_id());
        assert_eq!(got.version_stages(), ["AWSCURRENT"]);
        assert!(got.secret_binary().is_none());
    }
    let got = client.get_secret_value().secret_id("app/bytes").send().await.unwrap();
    assert_eq!(got.secret_binary(), Some(&bytes));
    assert_eq!(aws.counters().calls("secretsmanager:GetSecretValue"), 4);
    assert_eq!(aws.counters().outcomes("secretsmanager:CreateSecret", "OK"), 2);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let aws = double();
    let client = secrets(&aws);
    let missing = client.get_secret_value().secret_id("none").send().await;
    assert_eq!(code(&missing), "ResourceNotFoundException");
    let raw = missing.as_ref().unwrap_err().raw_response().unwrap();
    assert_eq!(raw.status().as_u16(), 400);
    assert_eq!(raw.headers().get("x-amzn-errortype"), Some("ResourceNotFoundException"));
    assert_eq!(raw.headers().get("x-amzn-requestid").map(str::len), Some(36));

    client.create_secret().name("empty").send().await.unwrap();
    let empty = client.get_secret_value().secret_id("empty").send().await;
    assert_eq!(code(&empty), "ResourceNotFoundException");
    assert_eq!(
        message(&empty),
        "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"
    );

    aws.secrets().put("there", "x");
    let stage = client.get_secret_value().secret_id("there").version_stage("blue").send().await;
    assert_eq!(
        message(&stage),
        "Secrets Manager can't find the specified secret value for staging label: blue"
    );
    let version = client.get_secret_value().secret_id("there").version_id(TOKEN).send().await;
    assert_eq!(code(&version), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_version_and_a_label_that_it_does_not_have() {
    let aws = double();
    let client = secrets(&aws);
    let old = aws.secrets().put("s", "one");
    aws.secrets().put("s", "two");
    let get = || client.get_secret_value().secret_id("s").version_id(&old);
    let wrong = get().version_stage("AWSCURRENT").send().await;
    assert_eq!(code(&wrong), "InvalidRequestException");
    let right = get().version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(right.secret_string(), Some("one"));
}

#[tokio::test]
async fn the_same_request_again_changes_nothing() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "one");
    let put = |text: &str| {
        client.put_secret_value().secret_id("s").client_request_token(TOKEN).secret_string(text)
    };
    put("two").send().await.unwrap();
    aws.secrets().put("s", "three");
    // Its answer may have got lost on the way; the labels stay where they are by now.
    put("two").send().await.unwrap();
    let got = client.get_secret_value().secret_id("s").send().await.unwrap();
    assert_eq!(got.secret_string(), Some("three"));
    assert_eq!(code(&put("other").send().await), "ResourceExistsException");
    let got = client.get_secret_value().secret_id("s").version_id(TOKEN).send().await.unwrap();
    assert_eq!(got.secret_string(), Some("two"));

    let create = |text: &str| {
        client.create_secret().name("new").client_request_token(TOKEN).secret_string(text)
    };
    let first = create("one").send().await.unwrap();
    assert_eq!(create("one").send().await.unwrap().arn(), first.arn());
    assert_eq!(code(&create("two").send().await), "ResourceExistsException");
}

#[tokio::test]
async fn a_rollback_is_what_everybody_reads() {
    let aws = double();
    let client = secrets(&aws);
    let old = aws.secrets().put("s", "old");
    let new = aws.secrets().put("s", "new");
    let rollback = || client.update_secret_version_stage().secret_id("s").move_to_version_id(&old);

    let vague = rollback().version_stage("AWSCURRENT").send().await;
    assert_eq!(code(&vague), "InvalidParameterException");
    assert!(message(&vague).contains(&new), "{}", message(&vague));
    let wrong = rollback().version_stage("AWSCURRENT").remove_from_version_id(&old).send().await;
    assert_eq!(code(&wrong), "InvalidParameterException");

    rollback().version_stage("AWSCURRENT").remove_from_version_id(&new).send().await.unwrap();
    let got = client.get_secret_value().secret_id("s").send().await.unwrap();
    assert_eq!((got.secret_string(), got.version_id()), (Some("old"), Some(old.as_str())));
    let batch = client.batch_get_secret_value().secret_id_list("s").send().await.unwrap();
    assert_eq!(batch.secret_values()[0].secret_string(), Some("old"));
    let previous =
        client.get_secret_value().secret_id("s").version_stage("AWSPREVIOUS").send().await.unwrap();
    assert_eq!(previous.secret_string(), Some("new"));

    // One of each label after the next put.
    let third = aws.secrets().put("s", "third");
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    let stages = described.version_ids_to_stages().unwrap();
    assert_eq!(stages.len(), 2, "{stages:?}");
    assert_eq!(stages[&third], ["AWSCURRENT"]);
    assert_eq!(stages[&old], ["AWSPREVIOUS"]);
}

#[tokio::test]
async fn a_version_without_labels_is_hidden_but_readable() {
    let aws = double();
    let client = secrets(&aws);
    let first = aws.secrets().put("s", "1");
    aws.secrets().put("s", "2");
    aws.secrets().put("s", "3");
    let listed = client.list_secret_version_ids().secret_id("s").send().await.unwrap();
    assert_eq!(listed.versions().len(), 2);
    let all = client.list_secret_version_ids().secret_id("s").include_deprecated(true);
    let all = all.send().await.unwrap();
    assert_eq!(all.versions().len(), 3);
    assert!(all.versions().iter().any(|v| v.version_id() == Some(&first)));
    let got = client.get_secret_value().secret_id("s").version_id(&first).send().await.unwrap();
    assert_eq!(got.secret_string(), Some("1"));
    assert!(got.version_stages().is_empty());
}

#[tokio::test]
async fn custom_labels_leave_the_current_version_alone() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "current");
    let put = client.put_secret_value().secret_id("s").secret_string("canary");
    put.version_stages("canary").send().await.unwrap();
    let get = || client.get_secret_value().secret_id("s");
    assert_eq!(get().send().await.unwrap().secret_string(), Some("current"));
    let canary = get().version_stage("canary").send().await.unwrap();
    assert_eq!(canary.secret_string(), Some("canary"));
    let remove = client.update_secret_version_stage().secret_id("s").version_stage("canary");
    remove.remove_from_version_id(canary.version_id().unwrap()).send().await.unwrap();
    assert_eq!(code(&get().version_stage("canary").send().await), "ResourceNotFoundException");
}

#[tokio::test]
async fn a_rotation_goes_through_the_pending_label() {
    let aws = double();
    let client = secrets(&aws);
    let current = aws.secrets().put("s", "old");
    let rotate = || client.rotate_secret().secret_id("s").client_request_token(TOKEN);
    assert_eq!(code(&rotate().send().await), "InvalidRequestException");
    let function = "arn:aws:lambda:us-east-1:123456789012:function:rotate";
    let without = rotate().rotation_lambda_arn(function).send().await;
    assert_eq!(code(&without), "AccessDeniedException", "there is no such function");
    assert_eq!(
        client.describe_secret().secret_id("s").send().await.unwrap().rotation_enabled(),
        None
    );

    aws.secrets().add_rotation_function(function);
    rotate().rotation_lambda_arn(function).send().await.unwrap();
    let pending = client.get_secret_value().secret_id("s").version_stage("AWSPENDING");
    assert_eq!(code(&pending.clone().send().await), "ResourceNotFoundException", "no value yet");
    let again = client.rotate_secret().secret_id("s").send().await;
    assert_eq!(code(&again), "InvalidRequestException", "the first is not done");

    let put = client.put_secret_value().secret_id("s").client_request_token(TOKEN);
    put.secret_string("new").version_stages("AWSPENDING").send().await.unwrap();
    let get = client.get_secret_value().secret_id("s");
    assert_eq!(get.clone().send().await.unwrap().secret_string(), Some("old"));
    assert_eq!(pending.send().await.unwrap().secret_string(), Some("new"));

    let finish = client.update_secret_version_stage().secret_id("s").version_stage("AWSCURRENT");
    let finish = finish.move_to_version_id(TOKEN).remove_from_version_id(&current);
    finish.send().await.unwrap();
    assert_eq!(get.send().await.unwrap().secret_string(), Some("new"));
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    assert_eq!(described.rotation_enabled(), Some(true));
    assert!(described.last_rotated_date().is_some());
    client.cancel_rotate_secret().secret_id("s").send().await.unwrap();
    let described = client.describe_secret().secret_id("s").send().await.unwrap();
    assert_eq!(described.rotation_enabled(), Some(false));
}

#[tokio::test]
async fn values_and_names_have_their_limits() {
    let aws = double();
    let client = secrets(&aws);
    aws.secrets().put("s", "x");
    let put = |text: String| client.put_secret_value().secret_id("s").secret_string(text).send();
    assert_eq!(code(&put("x".repeat(65_536)).await), "OK");
    for text in [String::new(), "x".repeat(65_537), "ü".repeat(32_769)] {
        let refused = put(text).await;
        assert_eq!(code(&refused), "ValidationException");
        assert!(!message(&refused).contains("xx"), "the message holds no value");
    }
    for name in ["a b", "a!", "ä", "a:b"] {
        let refused = client.create_secret().name(name).secret_string("x").send().await;
        assert_eq!(code(&refused), "ValidationException", "{name}");
    }
    let name = "A9/_+=.@-";
    client.create_secret().name(name).secret_string("x").send().await.unwrap();
    let long = client.create_secret().name("x".repeat(513)).secret_string("x").send().await;
    assert_eq!(code(&long), "ValidationException");
    let nothing = client.put_secret_value().secret_id("s").send().await;
    assert_eq!(code(&nothing), "InvalidRequestException");
    let both = client.create_secret().name("b").secret_string("x").secret_binary(Blob::new([1]));
    assert_eq!(code(&both.send().await), "InvalidParameterException");
    let short = client.put_secret_value().secret_id("s").client_request_token("short");
    assert_eq!(code(&short.secret_string("x").send().await), "ValidationException");
}

#[tokio::test]
async fn a_batch_has_twenty_ids_and_an_error_for_each_that_fails() {
    let aws = double();
    let client = secrets(&aws);
    let names: Vec<String> = (0..21).map(|number| format!("s{number}")).collect();
    for name in &names {
        aws.secrets().put(name, name);
    }
    aws.secrets().act("CreateSecret", &serde_json::json!({ "Name": "empty" }));
    aws.secrets().act("DeleteSecret", &serde_json::json!({ "SecretId": "s2" }));
    let batch = |ids: &[&str]| {
        let ids = ids.iter().map(|&id| id.to_owned()).collect();
        client.batch_get_secret_value().set_secret_id_list(Some(ids))
    };
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(code(&batch(&all).send().await), "ValidationException");

    let answer = batch(&["s1", "none", "s2", "empty", "s0"]).send().await.unwrap();
    let values: Vec<_> = answer.secret_values().iter().map(|v| v.name().unwrap()).collect();
    assert_eq!(values, ["s1", "s0"]);
    let errors: Vec<_> =
        answer.errors().iter().map(|e| (e.secret_id().unwrap(), e.error_code().unwrap())).collect();
    assert_eq!(
        errors,
        [
            ("none", "ResourceNotFoundException"),
            ("s2", "InvalidRequestException"),
            ("empty", "ResourceNotFoundException"),
        ]
    );
    let neither = client.batch_get_secret_value().send().await;
    assert_eq!(code(&neither), "InvalidParameterException");
    assert_eq!(code(&batch(&["s1"]).max_results(5).send().await), "InvalidParameterException");
    assert_eq!(aws.counters().calls("secretsmanager:GetSecretValue"), 0, "a batch is one call");
}

#[tokio::test]
async fn changes_move_the_date_of_the_last_change() {
    let aws = double();
    let client = secrets(&aws);
    aws.clock().freeze();
    let old = aws.secrets().put("s", "1");
    let new = aws.secrets().put("s", "2");
    let mut last = 0.0;
    for step in ["value", "stage", "tag", "description"] {
        aws.clock().advance(Duration::from_millis(1500));
        match step {
            "value" => drop(
                client.put_secret_value().secret_id("s").secret_string("3").send().await.unwrap(),
            ),
            "stage" => {
                let current = client.get_secret_value().secret_id("s").send().await.unwrap();
                let stage =
                    client.update_secret_version_stage().secret_id("s").version_stage("AWSCURRENT");
                let stage = stage.move_to_version_id(&old);
                stage.remove_from_version_id(current.version_id().unwrap()).send().await.unwrap();
            }
            "tag" => {
                let tag = aws_sdk_secretsmanager::types::Tag::builder().key("k").value("v").build();
                client.tag_resource().secret_id("s").tags(tag).send().await.unwrap();
            }
            _ => drop(client.update_secret().secret_id("s").description("d").send().await.unwrap()),
        }
        let described = client.describe_secret().secret_id("s").send().await.unwrap();
        let changed = described.last_changed_date().unwrap().as_secs_f64();
        assert!(changed > last, "{step}");
        last = changed;
    }
    assert_ne!(old, new);
    let current = client.get_secret_value().secret_id("s").send().await.unwrap();
    assert_eq!(current.secret_string(), Some("1"), "a new description is no new version");
}
