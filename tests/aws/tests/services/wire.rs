//! Plain HTTP, and the double as a process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use extsecret_test_aws::{Config, Double, Seed};
use serde_json::{Value, json};

use crate::client::double;

/// Sends a request as it is, and returns status, head and body of the answer.
fn send(address: &str, request: &str, body: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{request}\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, head.to_ascii_lowercase(), body.to_owned())
}

#[test]
fn a_request_that_nobody_signed_is_refused_in_the_words_of_its_service() {
    let aws = double();
    let address = aws.address().to_string();
    let post = "POST / HTTP/1.1\r\nx-amz-target: ";
    let (status, head, body) = send(&address, &format!("{post}secretsmanager.ListSecrets"), "{}");
    assert_eq!(status, 400);
    assert!(head.contains("x-amzn-errortype: missingauthenticationtokenexception"), "{head}");
    assert!(head.contains("content-type: application/x-amz-json-1.1"), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["__type"], "MissingAuthenticationTokenException");
    assert_eq!(body["Message"], "Missing Authentication Token");

    let (status, head, body) = send(&address, &format!("{post}AmazonSQS.ListQueues"), "{}");
    assert_eq!(status, 400);
    assert!(head.contains("application/x-amz-json-1.0"), "{head}");
    assert!(head.contains("x-amzn-query-error: "), "{head}");
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["__type"], "com.amazonaws.sqs#MissingAuthenticationTokenException");

    let form = "Action=GetCallerIdentity&Version=2011-06-15";
    let (status, _, body) = send(&address, "POST / HTTP/1.1", form);
    assert_eq!(status, 403);
    assert!(body.contains("<Code>MissingAuthenticationToken</Code>"), "{body}");

    let odd = format!("{post}AmazonSSM.GetParameter\r\nauthorization: Bearer x");
    let (_, _, body) = send(&address, &odd, "{}");
    assert!(body.contains("IncompleteSignatureException"), "{body}");
}

#[test]
fn what_is_no_operation_is_said_to_be_none() {
    let aws = double();
    let address = aws.address().to_string();
    for request in ["GET / HTTP/1.1", "POST / HTTP/1.1\r\nx-amz-target: Nobody.Does"] {
        let (status, _, body) = send(&address, request, "");
        assert_eq!(status, 400);
        assert_eq!(body, r#"{"__type":"UnknownOperationException"}"#);
    }
    let (status, ..) = send(&address, "GET /_double/counters HTTP/1.1", "");
    assert_eq!(status, 400, "a double in a test has no knobs over HTTP");
    assert!(aws.counters().snapshot().is_empty());
}

#[test]
fn two_doubles_know_nothing_of_each_other() {
    let (one, other) = (double(), double());
    assert_ne!(one.endpoint(), other.endpoint());
    one.secrets().put("s", "x");
    let missing = other.secrets().try_act("GetSecretValue", &json!({ "SecretId": "s" }));
    assert_eq!(missing.unwrap_err().code, "ResourceNotFoundException");
    let mut connection = TcpStream::connect(one.address()).unwrap();
    drop(one);
    // It ends with the double, whatever was going on.
    assert_eq!(connection.read(&mut [0]).unwrap_or(0), 0);
}

#[test]
fn a_seed_is_planted_or_refused_without_its_values() {
    let aws = double();
    let plant = |seed: Value| aws.seed(serde_json::from_value::<Seed>(seed).unwrap());
    let role = "arn:aws:iam::123456789012:role/app";
    plant(json!({
        "users": [{ "name": "app", "access_key_id": "AKIAAPP", "secret_access_key": "x", "policies": [] }],
        "roles": [{ "arn": role, "trust": [{ "Statement": {
            "Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole" } }] }],
        "token_issuers": [{ "issuer": "https://i", "audiences": ["a"], "jwks": { "keys": [] } }],
        "secrets": [{ "name": "s", "string": "v", "tags": { "a": "b" } }],
        "parameters": [{ "name": "/p", "value": "v" }],
        "queues": [{ "name": "q", "native_events": true }],
        "generate": [{ "prefix": "many/", "count": 3, "bytes": 40 }],
        "limits": [{ "operations": ["ssm:GetParameter"], "per_second": 1, "burst": 1 }],
        "faults": [{ "operation": "ssm:*", "effect": "reset" },
                   { "operation": "ssm:*", "effect": { "latency": { "millis": 1 } } }],
    }))
    .unwrap();
    let value = |name: &str| {
        let got = aws.secrets().act("GetSecretValue", &json!({ "SecretId": name }));
        got["SecretString"].as_str().unwrap().to_owned()
    };
    assert_eq!(value("s"), "v");
    assert_eq!(value("many/2").len(), 40);
    aws.secrets().put("s", "w");
    assert_eq!(aws.queues().counts("q"), (1, 0, 0), "the queue gets events");

    let error = plant(json!({ "secrets": [{ "name": "a b", "string": "hunter2" }] })).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("CreateSecret a b") && !said.contains("hunter2"), "{said}");
    assert!(serde_json::from_value::<Seed>(json!({ "secret": [] })).is_err(), "a misspelt field");
}

#[test]
fn the_program_is_ready_when_it_says_so_and_ends_with_its_input() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"));
    let seed = folder.join(format!("seed-{}.json", std::process::id()));
    std::fs::write(&seed, r#"{"generate":[{"prefix":"many/","count":10}]}"#).unwrap();
    let mut program = Command::new(env!("CARGO_BIN_EXE_aws-double"))
        .args(["--with-stdin", "--seed-file"])
        .arg(&seed)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(program.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(line.strip_prefix("READY ").unwrap()).unwrap();
    assert_eq!(ready["access_key_id"], "test");
    let address = ready["endpoint"].as_str().unwrap().trim_start_matches("http://").to_owned();

    let ask = "POST / HTTP/1.1\r\nx-amz-target: secretsmanager.ListSecrets";
    send(&address, ask, "{}");
    let (status, _, body) = send(&address, "GET /_double/counters HTTP/1.1", "");
    assert_eq!(status, 200);
    let counters: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(counters["calls"]["secretsmanager:ListSecrets"], 1);
    let (_, _, body) = send(&address, "GET /_double/journal HTTP/1.1", "");
    let journal: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(journal[0]["outcome"], "MissingAuthenticationTokenException");
    let knob =
        |name: &str, body: &str| send(&address, &format!("POST /_double/{name} HTTP/1.1"), body);
    let time = |body: &str| {
        let (status, _, body) = knob("clock", body);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["now"].as_str().unwrap().to_owned()
    };
    let frozen = time(r#"{"frozen":true}"#);
    assert_eq!(time("{}"), frozen);
    assert_ne!(time(r#"{"advance_seconds":1}"#), frozen);
    assert_eq!(knob("seed", r#"{"secrets":[{"name":"one","string":"x"}]}"#).0, 200);
    assert_eq!(knob("seed", r#"{"secrets":[{"name":"one","string":"x"}]}"#).0, 400, "it is there");
    assert_eq!(knob("nonsense", "").0, 404);

    drop(program.stdin.take());
    assert!(program.wait().unwrap().success());
    std::fs::remove_file(seed).unwrap();
}

#[test]
fn a_port_in_use_is_an_error() {
    let aws = double();
    let config = Config { address: aws.address(), ..Config::default() };
    assert!(Double::start(config).is_err());
}
