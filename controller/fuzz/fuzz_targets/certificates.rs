//! Any bytes as a certificate, key or file of both, for the functions that read them.
//!
//! The first byte chooses the function, the second whether the rest is a text as it stands or the
//! DER of a PEM block, which no fuzzer finds behind base64 by itself. Whatever comes in: nothing
//! panics, the limits hold, the same input has the same result, and no error shows a key.

#![no_main]

mod fixed;

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fixed::Fixed;
use gotemplate::{ErrorKind, Limits, Options, Template, Value};
use libfuzzer_sys::{Corpus, fuzz_target};

/// `x` is what was given; `certificate` and `key` fit each other.
const CALLS: &[&str] = &[
    r#"{{ filterPEM "CERTIFICATE" .x }}"#,
    r#"{{ filterCertChain "leaf" .x }}{{ filterCertChain "root" .x }}"#,
    r#"{{ filterCertChain "intermediate" .x }}"#,
    "{{ certSANs .x }}",
    r#"{{ $s := pemToPkcs12Pass .x .key "p" }}{{ pkcs12certPass "p" $s }}{{ pkcs12keyPass "p" $s }}"#,
    r#"{{ $s := pemToPkcs12Pass .certificate .x "p" }}{{ pkcs12keyPass "p" $s }}"#,
    r#"{{ $s := fullPemToPkcs12Pass .x .key "p" }}{{ pkcs12certPass "p" $s }}"#,
    r#"{{ pemTruststoreToPKCS12Pass .x "p" }}"#,
    "{{ pkcs12cert .x }}{{ pkcs12key .x }}",
    r#"{{ pkcs12certPass "secret" .x }}{{ pkcs12keyPass "secret" .x }}"#,
    "{{ jwkPublicKeyPem .x }}{{ jwkPrivateKeyPem .x }}",
    "{{ jwkPrivateKeyPem .x }}",
    "{{ (buildCustomCert (b64enc .x) (b64enc .key)).Cert }}",
    "{{ (buildCustomCert (b64enc .certificate) (b64enc .x)).Key }}",
    r#"{{ (genSignedCertWithKey "c" nil nil 1 (buildCustomCert (b64enc .x) (b64enc .key)) .key).Cert }}"#,
    r#"{{ (genSelfSignedCertWithKey "c" nil nil 1 .x).Cert }}"#,
];

/// Kinds of PEM blocks. The first is none.
const BLOCKS: &[&str] = &[
    "",
    "CERTIFICATE",
    "PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
    "DSA PRIVATE KEY",
    "PUBLIC KEY",
    "ENCRYPTED PRIVATE KEY",
];

const KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIPGBrpTg3goJk1LbhHXmmchO2Bb1S8hVY5S6PPxOMHZ0
-----END PRIVATE KEY-----
";

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBMDCB46ADAgECAhRahL9bgRmTRu6fkqVvnabLKzbpgjAFBgMrZXAwDTELMAkG
A1UEAwwCZWQwIBcNMjYxMTI1MDA0ODUwWhgPMjEyNjExMDEwMDQ4NTBaMA0xCzAJ
BgNVBAMMAmVkMCowBQYDK2VwAyEAvRVi6FZSV2r7lOhPNYLxydjqdwMLhrNUC+b/
P2u+5PajUzBRMB0GA1UdDgQWBBS2f80zCSyCAIVeSaZfPa3DnP4dcjAfBgNVHSME
GDAWgBS2f80zCSyCAIVeSaZfPa3DnP4dcjAPBgNVHRMBAf8EBTADAQH/MAUGAytl
cANBAAZ4HEgbP+z3g1DTDkCUPIj2epCmFiylgptaIMHydlwE10isCT4cV/yvlIf2
P0CKp5gLS3HwbzBsJxyTt/V0eQs=
-----END CERTIFICATE-----
";

/// A text of the key that no message has by chance.
const PART_OF_KEY: &str = "IPGBrpTg3goJk1LbhHXmmchO2Bb1S8hVY5S6PPxOMHZ0";

/// Small, so that an input that eats time or memory stands out as slow.
const LIMITS: Limits =
    Limits { steps: 50_000, output_bytes: 1 << 20, value_bytes: 4 << 20, depth: 20 };

static TEMPLATES: LazyLock<Vec<Template>> = LazyLock::new(|| {
    let parse = |call: &&str| Template::parse("t", call.as_bytes(), Options::default());
    CALLS.iter().map(parse).collect::<Result<_, _>>().expect("the calls are templates")
});

fn block(kind: &str, der: &[u8]) -> Vec<u8> {
    let mut text = format!("-----BEGIN {kind}-----\n");
    for line in STANDARD.encode(der).as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {kind}-----\n"));
    text.into_bytes()
}

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let [call, kind, rest @ ..] = bytes else { return Corpus::Reject };
    let Some(template) = TEMPLATES.get(usize::from(*call)) else { return Corpus::Reject };
    let given = match BLOCKS.get(usize::from(*kind)) {
        None => return Corpus::Reject,
        Some(&"") => rest.to_vec(),
        Some(kind) => block(kind, rest),
    };
    let data = Value::string_map([
        ("x", &*given),
        ("key", KEY.as_bytes()),
        ("certificate", CERTIFICATE.as_bytes()),
    ]);
    let run = || template.execute(&data, &mut Fixed(1), &LIMITS);
    match (run(), run()) {
        (Ok(first), Ok(second)) => {
            assert_eq!(first, second);
            assert!(first.len() <= LIMITS.output_bytes);
        }
        (Err(first), Err(second)) => {
            assert_eq!(first.message.reveal(), second.message.reveal());
            assert!(!matches!(first.kind, ErrorKind::Parse | ErrorKind::Unsupported));
            let shown = format!("{first} {first:?}");
            assert!(!shown.contains(PART_OF_KEY) && !shown.contains("-----BEGIN"), "{shown}");
        }
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
    Corpus::Keep
});
