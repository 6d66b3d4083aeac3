//! What the process itself has: the identities that EKS gives a pod. The process is a child with
//! the environment of such a pod, and the double is its parent's.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use extsecret_provider::aws::Endpoints;
use extsecret_provider::provider::ProviderError;
use extsecret_test_aws::TokenIssuer;
use extsecret_tests::aws::{AUDIENCE, Aws, Permissions, Role};
use extsecret_tests::aws_client::Service;
use futures::future::join_all;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::place::*;
use crate::process::{is_alone, run_alone};

/// Tells the child where its token is, so that it can be replaced as the kubelet does it.
const TOKEN: &str = "EXTSECRET_TEST_TOKEN";

/// What the child does: reads for an hour, and gets another token on the way.
fn read_for_an_hour() {
    let place = Place::with_endpoints(|endpoints| *endpoints = Endpoints::default());
    let spec = store_with("SecretsManager", &json!({}));
    let scope = scope("shop");
    run(async {
        let read = async || place.text(&spec, &scope, "a").await.unwrap();
        let store = place.connect(&spec, &scope).await.unwrap();
        let checks = join_all((0..20).map(|_| store.check(fresh().deadline))).await;
        assert!(checks.iter().all(Result::is_ok));
        for _ in 0..5 {
            assert_eq!(read().await, "1");
        }
        place.advance(Duration::from_mins(54));
        assert_eq!(read().await, "1");
        let token = std::env::var_os(TOKEN).unwrap().into_string().unwrap();
        fs::rename(format!("{token}.next"), &token).unwrap();
        // Five minutes before the end.
        place.advance(Duration::from_mins(2));
        assert_eq!(read().await, "1");
        assert_eq!(place.provider.identities(), 1);
    });
}

/// The operations that the double saw, and with which access keys.
fn seen(aws: &Aws) -> (Vec<String>, Vec<Option<String>>) {
    let calls = aws.counters().journal();
    let operations = calls.iter().map(|call| call.operation.clone()).collect();
    (operations, calls.into_iter().map(|call| call.access_key).collect())
}

fn path(of: &Path) -> String {
    of.to_str().unwrap().to_owned()
}

/// A service account's token in a file, and the one that follows.
fn token_file(directory: &TempDir, tokens: [&str; 2]) -> String {
    let file = path(&directory.path().join("token"));
    fs::write(&file, tokens[0]).unwrap();
    fs::write(format!("{file}.next"), tokens[1]).unwrap();
    file
}

#[test]
fn a_token_file_is_exchanged_once_an_hour() {
    let name = "own::a_token_file_is_exchanged_once_an_hour";
    if is_alone(name) {
        return read_for_an_hour();
    }
    let issuer = TokenIssuer::new("https://oidc.example.test/pods");
    let aws = Aws::start();
    aws.secrets().put("a", "1");
    aws.identities().add_token_issuer(aws.account(), issuer.issuer(), &[AUDIENCE], &issuer.jwks());
    let role = format!("arn:aws:iam::{}:role/controller", aws.account());
    let subject = "system:serviceaccount:external:controller";
    let trusting = Role::new(&role).trusts_token(issuer.issuer(), AUDIENCE, subject);
    aws.identities().add_role(trusting.may(Permissions::Everything));
    let directory = TempDir::new().unwrap();
    let token = || issuer.token("external", "controller", AUDIENCE, 3600);
    let file = token_file(&directory, [&token(), &token()]);
    run_alone(
        name,
        &[
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("AWS_ROLE_ARN", &role),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", &file),
            (TOKEN, &file),
        ],
    );
    let (operations, keys) = seen(&aws);
    let expected = [WITH_TOKEN, GET, GET, GET, GET, GET, GET, WITH_TOKEN, GET];
    assert_eq!(operations, expected);
    assert!(keys[1..7].iter().all(|key| *key == keys[1]) && keys[8] != keys[1], "{keys:?}");
}

#[test]
fn a_token_file_that_is_of_no_use_is_told() {
    let name = "own::a_token_file_that_is_of_no_use_is_told";
    if is_alone(name) {
        let place = Place::with_endpoints(|endpoints| *endpoints = Endpoints::default());
        return run(async {
            let spec = store_with("SecretsManager", &json!({}));
            let error = place.text(&spec, &scope("shop"), "a").await.unwrap_err();
            let text = error.to_string();
            assert!(
                !matches!(error, ProviderError::NotFound | ProviderError::Invalid(_)),
                "{text}"
            );
            assert!(text.contains("no AWS credentials"), "{text}");
            for secret in ["eyJ", "RequestId", "request id", "canary"] {
                assert!(!text.contains(secret), "{text}");
            }
            let again = place.text(&spec, &scope("shop"), "a").await.unwrap_err();
            assert_eq!(again.to_string(), text);
        });
    }
    let aws = Aws::start();
    let role = format!("arn:aws:iam::{}:role/controller", aws.account());
    let directory = TempDir::new().unwrap();
    let stranger = TokenIssuer::new("https://oidc.example.test/strangers");
    let token = stranger.token("external", "canary", AUDIENCE, 3600);
    let file = token_file(&directory, [&token, ""]);
    let missing = path(&directory.path().join("missing"));
    for file in [&file, &missing] {
        run_alone(
            name,
            &[
                ("AWS_ENDPOINT_URL", aws.endpoint()),
                ("AWS_ROLE_ARN", &role),
                ("AWS_WEB_IDENTITY_TOKEN_FILE", file),
            ],
        );
    }
    assert_eq!(aws.counters().calls(GET), 0);
    assert!(aws.counters().calls(WITH_TOKEN) >= 1);
}

/// The agent of EKS Pod Identity: it gives a session for a token. Returns its address, and the tokens
/// that it was shown.
fn agent(sessions: Vec<Value>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/v1/credentials", listener.local_addr().unwrap());
    let (shown, tokens) = channel();
    let answer = move |mut stream: TcpStream, session: &Value| {
        let mut token = String::new();
        for line in BufReader::new(&stream).lines() {
            let line = line.unwrap();
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("authorization")
            {
                value.trim().clone_into(&mut token);
            }
        }
        shown.send(token).unwrap();
        let body = session.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len()).unwrap();
    };
    // It ends with its sessions: whoever asks once more is refused the connection.
    thread::spawn(move || {
        for session in sessions {
            let (stream, _) = listener.accept().unwrap();
            answer(stream, &session);
        }
    });
    (address, tokens)
}

#[test]
fn the_pod_identity_agent_is_asked_once_an_hour() {
    let name = "own::the_pod_identity_agent_is_asked_once_an_hour";
    if is_alone(name) {
        return read_for_an_hour();
    }
    let aws = Aws::start();
    aws.secrets().put("a", "1");
    let role = format!("arn:aws:iam::{}:role/controller", aws.account());
    aws.identities()
        .add_role(Role::new(&role).trusts_principal(aws.account()).may(Permissions::Everything));
    let client = aws.client();
    let end = Timestamp::now() + SignedDuration::from_hours(1);
    let session = |session: &str| {
        let request = json!({ "RoleArn": role, "RoleSessionName": session });
        let answer = client.ask(Service::Sts, "AssumeRole", &request).body;
        let part = |name: &str| answer["Credentials"][name].clone();
        json!({
            "AccessKeyId": part("AccessKeyId"),
            "SecretAccessKey": part("SecretAccessKey"),
            "Token": part("SessionToken"),
            "AccountId": aws.account(),
            "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        })
    };
    let sessions = vec![session("first"), session("second")];
    let known: Vec<_> = sessions
        .iter()
        .map(|session| session["AccessKeyId"].as_str().unwrap().to_owned())
        .collect();
    aws.counters().reset();
    let directory = TempDir::new().unwrap();
    let file = token_file(&directory, ["token-1", "token-2"]);
    let (address, tokens) = agent(sessions);
    run_alone(
        name,
        &[
            ("AWS_ENDPOINT_URL", aws.endpoint()),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", &address),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &file),
            (TOKEN, &file),
        ],
    );
    assert_eq!(tokens.try_iter().collect::<Vec<_>>(), ["token-1", "token-2"]);
    let (operations, keys) = seen(&aws);
    assert_eq!(operations, [GET; 7]);
    let keys: Vec<_> = keys.into_iter().flatten().collect();
    assert_eq!(keys[..6], vec![known[0].clone(); 6]);
    assert_eq!(keys[6..], known[1..]);
}
