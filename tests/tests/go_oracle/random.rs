//! What functions with randomness in them make: no two results are alike, and Go must take them.

use extsecret_tests::oracle::{Line, Mode, Oracle, answer};
use extsecret_tests::require;
use serde_json::Value;

/// What our engine makes of a template.
fn rendered(template: &str, data: &[(&str, &str)]) -> String {
    let mut case = Line::from_iter([("template".to_owned(), Value::from(template))]);
    let data: Line = data.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())).collect();
    case.insert("data".to_owned(), data.into());
    let answer = answer(Mode::Template, &case).unwrap();
    let output = answer.get("output").and_then(Value::as_str);
    output.unwrap_or_else(|| panic!("{template}: {answer:?}")).to_owned()
}

/// What Go finds in it.
fn found(oracle: &mut Oracle, op: &str, fields: &[(&str, &str)]) -> String {
    let mut case = Line::from_iter([("op".to_owned(), Value::from(op))]);
    case.extend(fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())));
    let answered = oracle.ask(&[case]).unwrap().remove(0);
    let output = answered.get("output").and_then(Value::as_str);
    output.unwrap_or_else(|| panic!("{op}: {answered:?}")).to_owned()
}

/// A certificate and its key, out of a template that names `$c` what has them.
fn pair(make: &str, data: &[(&str, &str)]) -> (String, String) {
    let template = format!("{{{{ $c := {make} }}}}{{{{ $c.Cert }}}}|{{{{ $c.Key }}}}");
    let text = rendered(&template, data);
    let (certificate, key) = text.split_once('|').unwrap();
    (certificate.to_owned(), key.to_owned())
}

#[test]
fn passwords_are_recognized() {
    let mut oracle = require!(Oracle::start(Mode::Verify).unwrap());
    for password in [
        "",
        "secret",
        "pässwörd",
        "72 bytes: 01234567890123456789012345678901234567890123456789012345678901",
    ] {
        let data = [("p", password)];
        let hash = rendered("{{ bcrypt .p }}", &data);
        let fields = [("text", hash.as_str()), ("password", password)];
        assert_eq!(found(&mut oracle, "bcrypt", &fields), "cost 10", "{password}");

        let line = rendered("{{ htpasswd \"user\" .p \"bcrypt\" }}", &data);
        let hash = line.strip_prefix("user:").unwrap();
        let fields = [("text", hash), ("password", password)];
        assert_eq!(found(&mut oracle, "bcrypt", &fields), "cost 10", "{password}");
    }
}

#[test]
fn texts_are_decrypted() {
    let mut oracle = require!(Oracle::start(Mode::Verify).unwrap());
    let long = "x".repeat(1000);
    for (key, text) in [("key", "text"), ("", "16 bytes exactly"), (long.as_str(), long.as_str())] {
        let encrypted = rendered("{{ encryptAES .k .t }}", &[("k", key), ("t", text)]);
        let fields = [("text", encrypted.as_str()), ("password", key)];
        assert_eq!(found(&mut oracle, "decrypt_aes", &fields), text);
    }
}

#[test]
fn keys_are_keys() {
    let mut oracle = require!(Oracle::start(Mode::Verify).unwrap());
    let kinds = [
        ("ecdsa", "ecdsa P-256"),
        ("ed25519", "ed25519"),
        ("rsa", "rsa 4096 65537"),
        ("", "rsa 4096 65537"),
    ];
    for (kind, expected) in kinds {
        let key = rendered("{{ genPrivateKey .k }}", &[("k", kind)]);
        assert_eq!(found(&mut oracle, "private_key", &[("text", &key)]), expected);
    }
}

#[test]
fn certificates_are_signed() {
    let mut oracle = require!(Oracle::start(Mode::Verify).unwrap());
    let authority_key = rendered("{{ genPrivateKey \"ecdsa\" }}", &[]);
    let keyed = [("key", authority_key.as_str())];
    let (authority, key) = pair("genCAWithKey \"the authority\" 365 .key", &keyed);
    let fields = [("certificate", authority.as_str()), ("text", key.as_str())];
    assert_eq!(
        found(&mut oracle, "certificate", &fields),
        "CN=the authority by CN=the authority, authority true, names , addresses , \
         usage 37 [serverAuth clientAuth], days 365, ECDSA-SHA256, serial of true, keys true false"
    );

    let leaf_key = rendered("{{ genPrivateKey \"ed25519\" }}", &[]);
    let data = [
        ("authority", authority.as_str()),
        ("authority_key", key.as_str()),
        ("key", leaf_key.as_str()),
    ];
    let (leaf, key) = pair(
        "genSignedCertWithKey \"leaf\" (list \"10.0.0.1\" \"::1\") (list \"a.example\" \"*.b.example\") 7 \
         (buildCustomCert (.authority | b64enc) (.authority_key | b64enc)) .key",
        &data,
    );
    let fields =
        [("certificate", leaf.as_str()), ("text", key.as_str()), ("issuer", authority.as_str())];
    assert_eq!(
        found(&mut oracle, "certificate", &fields),
        "CN=leaf by CN=the authority, authority false, names a.example *.b.example, \
         addresses 10.0.0.1 ::1, usage 5 [serverAuth clientAuth], days 7, ECDSA-SHA256, serial of true, keys false true"
    );

    let own = [("key", leaf_key.as_str())];
    let (certificate, key) = pair("genSelfSignedCertWithKey \"self\" nil nil 1 .key", &own);
    let fields = [("certificate", certificate.as_str()), ("text", key.as_str())];
    assert_eq!(
        found(&mut oracle, "certificate", &fields),
        "CN=self by CN=self, authority false, names , addresses , usage 5 [serverAuth clientAuth], days 1, Ed25519, \
         serial of true, keys false false"
    );

    let (certificate, key) = pair("genCA \"rsa\" 2", &[]);
    let fields = [("certificate", certificate.as_str()), ("text", key.as_str())];
    assert_eq!(
        found(&mut oracle, "certificate", &fields),
        "CN=rsa by CN=rsa, authority true, names , addresses , usage 37 [serverAuth clientAuth], \
         days 2, SHA256-RSA, serial of true, keys true false"
    );

    // A store of all of them, and one of the authority alone.
    let chain = format!("{leaf}{authority}");
    let data = [("chain", chain.as_str()), ("key", leaf_key.as_str()), ("authority", &authority)];
    for (template, password, op, expected) in [
        (
            "{{ fullPemToPkcs12Pass .chain .key \"p\" }}",
            "p",
            "pkcs12",
            "ed25519, CN=leaf, CN=the authority",
        ),
        ("{{ fullPemToPkcs12 .chain .key }}", "", "pkcs12", "ed25519, CN=leaf, CN=the authority"),
        ("{{ pemToPkcs12 .chain .key }}", "", "pkcs12", "ed25519, CN=leaf"),
        ("{{ pemToPkcs12Pass .chain .key \"pä\" }}", "pä", "pkcs12", "ed25519, CN=leaf"),
        ("{{ pemTruststoreToPKCS12 .chain }}", "", "trust_store", "CN=leaf, CN=the authority"),
        (
            "{{ pemTruststoreToPKCS12Pass .authority \"p\" }}",
            "p",
            "trust_store",
            "CN=the authority",
        ),
    ] {
        let store = rendered(template, &data);
        let fields = [("text", store.as_str()), ("password", password)];
        assert_eq!(found(&mut oracle, op, &fields), expected, "{template}");
    }
}
