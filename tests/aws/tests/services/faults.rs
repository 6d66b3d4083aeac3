//! Trouble: what clients see, and what has been done all the same.

use std::time::Duration;

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::timeout::TimeoutConfig;
use aws_sdk_secretsmanager::error::SdkError;
use extsecret_test_aws::{Double, Effect, Rule};

use crate::client::{code, double, message, secrets, sts_as};

const GET: &str = "secretsmanager:GetSecretValue";
const PUT: &str = "secretsmanager:PutSecretValue";

/// A double with one secret.
fn with_secret() -> Double {
    let aws = double();
    aws.secrets().put("s", "x");
    aws
}

#[tokio::test]
async fn an_error_comes_as_often_as_it_should() {
    let aws = with_secret();
    let client = secrets(&aws);
    let rule = Rule::on(GET).times(2).effect(Effect::throttled());
    aws.faults().add(rule);
    let get = || client.get_secret_value().secret_id("s").send();
    let mut codes = Vec::new();
    for _ in 0..3 {
        codes.push(code(&get().await));
    }
    assert_eq!(codes, ["ThrottlingException", "ThrottlingException", "OK"]);
    assert_eq!(aws.counters().outcomes(GET, "ThrottlingException"), 2);

    aws.faults().add(Rule::on("secretsmanager:*"));
    let failed = get().await;
    assert_eq!(code(&failed), "InternalServiceError");
    let status = failed.unwrap_err().raw_response().unwrap().status();
    assert_eq!(status.as_u16(), 500);
    let who = sts_as(&aws, aws.admin()).get_caller_identity().send().await;
    assert_eq!(code(&who), "OK", "another service");
}

#[tokio::test]
async fn an_sdk_that_repeats_gets_through() {
    let aws = with_secret();
    aws.faults().add(Rule::on(GET).times(1).effect(Effect::Reset));
    aws.faults().add(Rule::on(GET).times(1).effect(Effect::Gateway { status: 503 }));
    let retry =
        RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(1));
    let config = secrets(&aws).config().to_builder().retry_config(retry).build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    let got = client.get_secret_value().secret_id("s").send().await.unwrap();
    assert_eq!(got.secret_string(), Some("x"));
    assert_eq!(aws.counters().calls(GET), 3);
    let outcomes: Vec<_> = aws.counters().journal().into_iter().map(|call| call.outcome).collect();
    assert_eq!(outcomes, ["reset", "gateway", "OK"]);
}

#[tokio::test]
async fn a_broken_connection_says_nothing_about_what_was_done() {
    let aws = with_secret();
    let client = secrets(&aws);
    let put = |text: &str| client.put_secret_value().secret_id("s").secret_string(text).send();
    let value = || {
        let input = serde_json::json!({ "SecretId": "s" });
        aws.secrets().act("GetSecretValue", &input)["SecretString"].clone()
    };
    aws.faults().add(Rule::on(PUT).times(1).effect(Effect::Reset));
    assert!(matches!(put("before").await, Err(SdkError::DispatchFailure(_))));
    assert_eq!(value(), "x");
    aws.faults().add(Rule::on(PUT).times(1).effect(Effect::ResetAfter));
    assert!(matches!(put("after").await, Err(SdkError::DispatchFailure(_))));
    assert_eq!(value(), "after");
    aws.faults().add(Rule::on(PUT).times(1).effect(Effect::Truncated));
    assert!(put("truncated").await.is_err());
    assert_eq!(value(), "truncated");
}

#[tokio::test]
async fn half_an_answer_is_no_answer() {
    let aws = with_secret();
    let client = secrets(&aws);
    let get = || client.get_secret_value().secret_id("s").send();
    aws.faults().add(Rule::on(GET).times(1).effect(Effect::Truncated));
    let got = get().await;
    assert!(matches!(got, Err(SdkError::ResponseError(_))), "{got:?}");
    aws.faults().add(Rule::on(GET).times(1).effect(Effect::Garbage));
    let got = get().await;
    assert_eq!(code(&got), "no code", "{got:?}");
    assert_eq!(got.unwrap_err().raw_response().unwrap().status().as_u16(), 200);
    aws.faults().add(Rule::on(GET).effect(Effect::SlowBody { millis: 1 }));
    assert_eq!(get().await.unwrap().secret_string(), Some("x"));
}

#[tokio::test]
async fn a_client_that_does_not_wait_gives_up() {
    let aws = with_secret();
    let timeout = TimeoutConfig::builder().operation_timeout(Duration::from_millis(100)).build();
    let config = secrets(&aws).config().to_builder().timeout_config(timeout).build();
    let client = aws_sdk_secretsmanager::Client::from_conf(config);
    for effect in [
        Effect::Latency { millis: 600_000, jitter_millis: 1000 },
        Effect::SlowBody { millis: 600_000 },
        Effect::Hang,
    ] {
        aws.faults().clear();
        aws.faults().add(Rule::on(GET).effect(effect.clone()));
        let got = client.get_secret_value().secret_id("s").send().await;
        assert!(matches!(got, Err(SdkError::TimeoutError(_))), "{effect:?}: {got:?}");
    }
    // Whoever waits for answers that do not come does not keep the double from stopping.
    drop(aws);
}

#[tokio::test]
async fn one_secret_of_a_batch_may_be_broken() {
    let aws = with_secret();
    aws.secrets().put("t", "y");
    let broken = Effect::error(400, "DecryptionFailure", "Secrets Manager can't decrypt it.");
    aws.faults().add(Rule::on(GET).resource("t").effect(broken));
    let client = secrets(&aws);
    let batch = client.batch_get_secret_value().secret_id_list("s").secret_id_list("t");
    let batch = batch.send().await.unwrap();
    assert_eq!(batch.secret_values()[0].name(), Some("s"));
    assert_eq!(batch.errors()[0].error_code(), Some("DecryptionFailure"));
    let alone = client.get_secret_value().secret_id("t").send().await;
    assert_eq!(code(&alone), "DecryptionFailure");
}

#[tokio::test]
async fn who_asks_too_often_is_throttled() {
    let aws = with_secret();
    aws.clock().freeze();
    aws.throttle().limit(&[GET, "secretsmanager:DescribeSecret"], 1, 2);
    let client = secrets(&aws);
    let get = || client.get_secret_value().secret_id("s").send();
    assert_eq!(code(&get().await), "OK");
    assert_eq!(code(&client.describe_secret().secret_id("s").send().await), "OK");
    let throttled = get().await;
    assert_eq!(code(&throttled), "ThrottlingException");
    assert_eq!(message(&throttled), "Rate exceeded");
    let status = throttled.unwrap_err().raw_response().unwrap().status();
    assert_eq!(status.as_u16(), 400);
    assert_eq!(code(&client.list_secrets().send().await), "OK", "has a limit of its own");
    aws.clock().advance(Duration::from_secs(1));
    assert_eq!(code(&get().await), "OK");
    assert_eq!(code(&get().await), "ThrottlingException");
    aws.throttle().clear();
    aws.throttle().limit(&["sts:GetCallerIdentity"], 1, 0);
    let who = sts_as(&aws, aws.admin()).get_caller_identity().send().await;
    assert_eq!(code(&who), "Throttling");
}

#[tokio::test]
async fn lists_lag_behind() {
    let aws = double();
    aws.clock().freeze();
    aws.secrets().put("old", "x");
    aws.secrets().set_list_lag(Duration::from_mins(5));
    let client = secrets(&aws);
    let list = async || {
        let listed = client.list_secrets().send().await.unwrap();
        let entry = |s: &aws_sdk_secretsmanager::types::SecretListEntry| {
            (s.name().unwrap().to_owned(), s.tags().len())
        };
        listed.secret_list().iter().map(entry).collect::<Vec<_>>()
    };
    let expect = |entries: &[(&str, usize)]| {
        entries.iter().map(|(name, tags)| ((*name).to_owned(), *tags)).collect::<Vec<_>>()
    };
    aws.clock().advance(Duration::from_secs(10));
    aws.secrets().put("new", "x");
    let tag = serde_json::json!({ "SecretId": "old", "Tags": [{ "Key": "a", "Value": "b" }] });
    aws.secrets().act("TagResource", &tag);
    assert_eq!(list().await, expect(&[("old", 0)]));
    let described = client.describe_secret().secret_id("old").send().await.unwrap();
    assert_eq!(described.tags().len(), 1, "only lists lag");
    aws.clock().advance(Duration::from_secs(299));
    assert_eq!(list().await, expect(&[("old", 0)]));
    aws.clock().advance(Duration::from_secs(1));
    assert_eq!(list().await, expect(&[("old", 1), ("new", 0)]));
    aws.secrets().delete("old");
    assert_eq!(list().await, expect(&[("old", 1), ("new", 0)]));
    aws.clock().advance(Duration::from_mins(5));
    assert_eq!(list().await, expect(&[("new", 0)]));
}

#[tokio::test]
async fn a_signature_of_another_time_is_refused() {
    use aws_smithy_async::time::{SharedTimeSource, StaticTimeSource};

    let aws = with_secret();
    let at = |seconds| SharedTimeSource::new(StaticTimeSource::from_secs(seconds));
    for (time, says) in [(1_600_000_000, "Signature expired"), (4_000_000_000, "not yet current")] {
        let config = secrets(&aws).config().to_builder().time_source(at(time)).build();
        let client = aws_sdk_secretsmanager::Client::from_conf(config);
        let got = client.get_secret_value().secret_id("s").send().await;
        assert_eq!(code(&got), "InvalidSignatureException");
        assert!(message(&got).contains(says), "{}", message(&got));
    }
}
