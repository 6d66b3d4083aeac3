//! First inputs that are no case of Go's as it stands.

use std::collections::BTreeSet;
use std::error::Error;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// Calls of the target `certificates`.
const CALLS: u8 = 16;

/// Its kinds of PEM blocks, in its order; the first is none.
const BLOCKS: &[&str] = &[
    "CERTIFICATE",
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "PUBLIC KEY",
];

/// A key of Ed25519, and a certificate of it.
const KEY: &str = "MC4CAQAwBQYDK2VwBCIEIPGBrpTg3goJk1LbhHXmmchO2Bb1S8hVY5S6PPxOMHZ0";
const CERTIFICATE: &str = "\
    MIIBMDCB46ADAgECAhRahL9bgRmTRu6fkqVvnabLKzbpgjAFBgMrZXAwDTELMAkGA1UEAwwCZWQwIBcNMjYxMTI1MDA0\
    ODUwWhgPMjEyNjExMDEwMDQ4NTBaMA0xCzAJBgNVBAMMAmVkMCowBQYDK2VwAyEAvRVi6FZSV2r7lOhPNYLxydjqdwML\
    hrNUC+b/P2u+5PajUzBRMB0GA1UdDgQWBBS2f80zCSyCAIVeSaZfPa3DnP4dcjAfBgNVHSMEGDAWgBS2f80zCSyCAIVe\
    SaZfPa3DnP4dcjAPBgNVHRMBAf8EBTADAQH/MAUGAytlcANBAAZ4HEgbP+z3g1DTDkCUPIj2epCmFiylgptaIMHydlwE\
    10isCT4cV/yvlIf2P0CKp5gLS3HwbzBsJxyTt/V0eQs=";

/// More calls than the target `functions` has.
const FUNCTIONS: u16 = 800;

/// Arguments that some function reads.
const ARGUMENTS: &[&str] = &[
    "a\0b\0c",
    "3\x002\x001",
    "https://u:p@h.example:8080/p/%41?q=1#f\0",
    "2006-01-02T15:04:05.000Z07:00\x002024-02-29T12:34:56.789+02:00\0Jan",
    "1.2.3-beta.1+build\x001.2.4\0",
    ">=1.2, <2 || ~3.1.x\x001.9.0\0",
    "1h30m\0",
    "Europe/Berlin\0",
    "{\"a\": [1, \"x\", {\"b\": null}]}\0a\0",
    "aGVsbG8=\0",
    "%5.2f|%-4d|%+q|%x|%[2]*.[1]*f\0a\0b",
    "/a/../b/./c.tar.gz\0",
];

const SCHEDULES: &[&str] = &[
    "0 2 * * *\x002h",
    "*/15 8-17 * jan,3 mon-fri\x0030m",
    "@every 1h\x0010m",
    "@daily\x001h30m\x005 4 31 * *\x0024h",
    "59 23 29 2 7\x001s",
    "0 2 * * 1-5 Europe/Berlin 2h",
    "30 2 L 2 * America/New_York 744h\x00*/7 1-5/2 1,15 * MON#2 30m",
    "TZ=UTC 0 0 * * *\x001h",
];

/// Writes them.
pub(crate) fn write(corpus: &Path, cases: &Path) -> Result<(), Box<dyn Error>> {
    let folder = |name: &str| -> Result<_, Box<dyn Error>> {
        let folder = corpus.join(name);
        fs::create_dir_all(&folder)?;
        Ok(folder)
    };
    let certificates = folder("certificates")?;
    for (i, input) in certificate_inputs(cases)?.into_iter().enumerate() {
        fs::write(certificates.join(format!("value-{i}")), input)?;
    }
    let store = [&[8, 0], &*open_store(&STANDARD.decode(KEY)?, &STANDARD.decode(CERTIFICATE)?)];
    fs::write(certificates.join("store"), store.concat())?;
    let functions = folder("functions")?;
    for call in 0..FUNCTIONS {
        for (i, arguments) in ARGUMENTS.iter().enumerate() {
            let input = [&call.to_be_bytes(), arguments.as_bytes()].concat();
            fs::write(functions.join(format!("{call}-{i}")), input)?;
        }
    }
    let events = folder("events")?;
    for (i, event) in event_inputs().iter().enumerate() {
        fs::write(events.join(format!("event-{i}")), event.to_string())?;
        let wrapped = json!({"Type": "Notification", "Message": event.to_string()});
        fs::write(events.join(format!("wrapped-{i}")), wrapped.to_string())?;
    }
    let windows = folder("windows")?;
    for (i, schedule) in SCHEDULES.iter().enumerate() {
        let input = [&1_709_210_096_i64.to_le_bytes(), schedule.as_bytes()].concat();
        fs::write(windows.join(format!("schedule-{i}")), input)?;
    }
    Ok(())
}

/// Every value of a case about keys, for every call; PEM blocks as DER too.
fn certificate_inputs(cases: &Path) -> Result<BTreeSet<Vec<u8>>, Box<dyn Error>> {
    let mut inputs = BTreeSet::new();
    for file in ["crypto.jsonl", "jwk_values.jsonl", "jwk_lengths.jsonl"] {
        for line in fs::read_to_string(cases.join(file))?.lines() {
            let case: Map<String, Value> = serde_json::from_str(line)?;
            let members =
                |name: &str| case.get(name).and_then(Value::as_object).into_iter().flatten();
            let plain = members("data").filter_map(|(_, value)| value.as_str());
            let mut values: Vec<Vec<u8>> = plain.map(|text| text.as_bytes().to_vec()).collect();
            for (_, value) in members("data_base64") {
                values.push(STANDARD.decode(value.as_str().unwrap_or_default())?);
            }
            for value in values {
                let der = block(&value);
                for call in 0..CALLS {
                    inputs.insert([&[call, 0], &*value].concat());
                    if let Some((kind, der)) = &der {
                        inputs.insert([&[call, *kind], &**der].concat());
                    }
                }
            }
        }
    }
    Ok(inputs)
}

/// A file of a key and its certificate as those functions read it that take no password: nothing
/// in it is encrypted, and no integrity check keeps a fuzzer out.
fn open_store(key: &[u8], certificate: &[u8]) -> Vec<u8> {
    const VERSION: &[u8] = &[0x02, 1, 3];
    const DATA: &[u8] = &[0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1];
    const KEY_BAG: &[u8] = &[0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 1];
    const CERTIFICATE_BAG: &[u8] = &[0x06, 11, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1, 3];
    const X509: &[u8] = &[0x06, 10, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
    let sequence = |parts: &[&[u8]]| der(0x30, &parts.concat());
    let explicit = |content: &[u8]| der(0xa0, content);
    let octets = |content: &[u8]| der(0x04, content);
    let info = |content: &[u8]| sequence(&[DATA, &explicit(&octets(content))]);
    let certificate = sequence(&[X509, &explicit(&octets(certificate))]);
    let bags = sequence(&[
        &sequence(&[CERTIFICATE_BAG, &explicit(&certificate)]),
        &sequence(&[KEY_BAG, &explicit(key)]),
    ]);
    sequence(&[VERSION, &info(&sequence(&[&info(&bags)]))])
}

/// A value of DER.
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let short: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut out = vec![tag];
    if short.len() != 1 || content.len() > 0x7f {
        out.push(0x80 | short.len() as u8);
    }
    out.extend(short);
    out.extend_from_slice(content);
    out
}

/// The first PEM block of a text.
fn block(text: &[u8]) -> Option<(u8, Vec<u8>)> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (kind, rest) = rest.split_once("-----")?;
    let (body, _) = rest.split_once("-----END")?;
    let body: String = body.split_whitespace().collect();
    let at = BLOCKS.iter().position(|known| *known == kind)?;
    Some((u8::try_from(at + 1).ok()?, STANDARD.decode(body).ok()?))
}

fn event_inputs() -> Vec<Value> {
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf";
    let event = |source: &str, kind: &str, detail: Value| {
        json!({
            "detail-type": kind, "source": source, "account": "123456789012",
            "region": "eu-west-1", "detail": detail,
        })
    };
    let native = json!({"name": "app/db", "labelUpdated": "AWSCURRENT", "versionId": "v2"});
    let call = json!({
        "eventName": "PutSecretValue", "awsRegion": "eu-west-1",
        "recipientAccountId": "123456789012", "requestParameters": {"secretId": "app/db"},
        "responseElements": {"arn": arn, "versionId": "v2"},
    });
    let service =
        json!({"eventName": "RotationSucceeded", "additionalEventData": {"SecretId": arn}});
    vec![
        event("aws.secretsmanager", "Secret Label Updated", native),
        event("aws.ssm", "Parameter Store Change", json!({"name": "/a/b", "operation": "Update"})),
        event("aws.secretsmanager", "AWS API Call via CloudTrail", call),
        event("aws.secretsmanager", "AWS Service Event via CloudTrail", service),
    ]
}
