//! Nobody answers: whoever asks is told soon, and why.

use std::net::TcpListener;
use std::time::Duration;

use extsecret_provider::provider::ProviderError;
use extsecret_tests::aws::Permissions;
use serde_json::json;
use tokio::time::Instant;

use crate::place::*;

/// How long one read may take if AWS is not there. The controller comes back anyway.
const SOON: Duration = Duration::from_secs(13);

/// Runs a test in which waiting takes no time, and tells how long it would have taken.
fn timed<T>(test: impl Future<Output = T>) -> (T, Duration) {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let start = Instant::now();
        (test.await, start.elapsed())
    })
}

/// An address where nobody listens.
fn closed() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn told(error: &ProviderError) -> String {
    assert!(matches!(error, ProviderError::Transient(_)), "{error:?}");
    assert!(error.may_pass());
    error.to_string()
}

#[test]
fn a_refused_connection_is_told_soon() {
    for (spec, words) in [
        (secrets_store(), "AWS Secrets Manager GetSecretValue of \"a\" in us-east-1: "),
        (parameters_store(), "AWS Parameter Store GetParameter of \"a\" in us-east-1: "),
    ] {
        let place = Place::with_endpoints(|endpoints| {
            endpoints.secrets_manager = Some(closed());
            endpoints.parameter_store = Some(closed());
        });
        let (answers, took) = timed(place.fetch(&spec, &[value("a")]));
        let error = told(answers[0].as_ref().unwrap_err());
        assert!(error.starts_with(words) && error.contains("refused"), "{error}");
        assert_eq!(place.provider.counts().calls, 3, "attempts");
        assert!(took < Duration::from_secs(1), "{took:?}");
    }
}

#[test]
fn a_batch_that_is_refused_a_connection_is_not_read_one_by_one() {
    let place = Place::with_endpoints(|endpoints| endpoints.secrets_manager = Some(closed()));
    let wanted: Vec<_> = (0..20).map(|number| value(&number.to_string())).collect();
    let (answers, took) = timed(place.fetch(&secrets_store(), &wanted));
    for answer in answers {
        told(&answer.unwrap_err());
    }
    assert_eq!(place.provider.counts().calls, 3);
    assert!(took < Duration::from_secs(1), "{took:?}");
}

#[test]
fn a_refused_connection_for_credentials_is_told_soon() {
    let place = Place::with_endpoints(|endpoints| endpoints.sts = Some(closed()));
    let role = place.add_role("reader", Permissions::Everything);
    let spec = and(&json!({ "role": role }));
    let (answers, took) = timed(place.fetch(&spec, &[value("a"), value("b")]));
    for answer in answers {
        let error = told(&answer.unwrap_err());
        assert!(error.starts_with("AWS STS AssumeRole of"), "{error}");
        assert!(error.contains("refused"), "{error}");
    }
    let calls = place.provider.calls();
    assert_eq!((calls.len(), calls[0].number, calls[0].status), (1, 1, "error"), "{calls:?}");
    assert_eq!(place.provider.counts().calls, 0);
    assert!(took < SOON, "{took:?}");
}

/// Whoever is there takes the connection, and says nothing.
#[test]
fn a_service_that_says_nothing_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mute = format!("http://{}", listener.local_addr().unwrap());
    let place = Place::with_endpoints(|endpoints| endpoints.secrets_manager = Some(mute.clone()));
    let (answers, took) = timed(place.fetch(&secrets_store(), &[value("a")]));
    let error = told(answers[0].as_ref().unwrap_err());
    assert!(error.ends_with("no answer in time"), "{error}");
    assert!(took < SOON, "{took:?}");
    assert!(place.provider.counts().calls >= 2, "one lost connection is no reason to give up");

    let place = Place::with_endpoints(|endpoints| endpoints.sts = Some(mute.clone()));
    let role = place.add_role("reader", Permissions::Everything);
    let (answers, took) = timed(place.fetch(&and(&json!({ "role": role })), &[value("a")]));
    told(answers[0].as_ref().unwrap_err());
    assert!(took < SOON, "{took:?}");
}

/// `retrySettings` are what somebody wanted.
#[test]
fn who_asks_for_more_attempts_gets_them() {
    let place = Place::with_endpoints(|endpoints| endpoints.secrets_manager = Some(closed()));
    let mut spec = secrets_store();
    let settings = json!({ "maxRetries": 5, "retryInterval": "10s" });
    spec.retry_settings = serde_json::from_value(settings).unwrap();
    let (answers, took) = timed(place.fetch(&spec, &[value("a")]));
    told(answers[0].as_ref().unwrap_err());
    assert_eq!(place.provider.counts().calls, 5);
    assert!(took >= Duration::from_secs(40), "{took:?}");
}
