//! What bare words, tags and keys of a document stand for.

use crate::testing::{node, refusal};
use serde_json::{Value, json};

fn value(text: &str) -> Value {
    let json = node(&format!("v: {text}\n")).to_json();
    json.get("v").cloned().unwrap()
}

#[test]
fn bare_words_are_read_as_kubectl_reads_them() {
    for word in ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE"] {
        assert_eq!(value(word), json!(true), "{word}");
    }
    for word in ["n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE"] {
        assert_eq!(value(word), json!(false), "{word}");
    }
    for word in ["", "~", "null", "Null", "NULL", "!!null", "!!null ~"] {
        assert_eq!(value(word), json!(null), "{word:?}");
    }
    for word in [
        "tRue",
        "yEs",
        "oN",
        "nULL",
        "2001-01-01",
        "2001-1-1",
        "2001-01-01 1:2:3",
        "2001-12-14t21:59:43.10-05:00",
        "12:30:45",
        "1e400",
        "0x",
        "0b",
        "0b12",
        "0B-1",
        "-0b-1",
        "0b-2",
        "0b+",
        "0o-1",
        "_1",
        ".",
        "._5",
        "1e",
        "0x1p-2",
        "=",
        "<<",
        "1.2.3",
        "0x-1",
        "1__a",
        "+",
        "--1",
        "0x+1",
        "1.5.",
    ] {
        assert_eq!(value(word), json!(word), "{word}");
    }
}

#[test]
fn numbers_are_what_is_left_of_them_after_the_way_through_json() {
    for (text, expected) in [
        ("0777", json!(511)),
        ("010", json!(8)),
        ("08", json!(8)),
        ("00", json!(0)),
        ("0_8", json!(8)),
        ("1_000", json!(1000)),
        ("1__0_", json!(10)),
        ("0x1F", json!(31)),
        ("0x_1f", json!(31)),
        ("0b11", json!(3)),
        ("0b-1", json!(-1)),
        ("0b+1_0", json!(2)),
        ("0o17", json!(15)),
        ("-0o17", json!(-15)),
        ("-0b11", json!(-3)),
        ("+12", json!(12)),
        ("1e3", json!(1000)),
        ("1_e3", json!(1000)),
        ("1.0", json!(1)),
        ("-0.0", json!(0)),
        ("5.", json!(5)),
        (".5", json!(0.5)),
        ("-.5e1", json!(-5)),
        ("1_0.5", json!(10.5)),
        ("0888.5", json!(888.5)),
        ("1e-7", json!(1e-7)),
        ("-9223372036854775808", json!(i64::MIN)),
        ("9223372036854775807", json!(i64::MAX)),
        // What does not fit becomes a double, with the digits that a double has.
        ("18446744073709551615", json!(18_446_744_073_709_551_615_f64)),
        ("99999999999999999999", json!(1e20)),
        ("1e21", json!(1e21)),
        ("9.223372036854775e18", json!(9_223_372_036_854_775_000_i64)),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn quotes_and_tags_decide_before_the_looks_do() {
    for (text, expected) in [
        ("'yes'", json!("yes")),
        ("\"0777\"", json!("0777")),
        ("!!str 12", json!("12")),
        ("!!str", json!("")),
        ("!<tag:yaml.org,2002:str> 12", json!("12")),
        ("! 12", json!("12")),
        ("!local 12", json!("12")),
        ("!!int '12'", json!(12)),
        ("!!float 3", json!(3)),
        ("!!float '1.5'", json!(1.5)),
        ("!!bool 'yes'", json!(true)),
        ("!!timestamp 2001-01-01", json!("2001-01-01")),
        ("!!binary aGk=", json!("hi")),
        ("!!binary |\n  aGVs\n  bG8=\n", json!("hello")),
        ("!!map x", json!("x")),
    ] {
        assert_eq!(value(text), expected, "{text}");
    }
}

#[test]
fn what_has_no_form_in_json_is_refused_and_not_guessed() {
    for text in [
        ".inf",
        "-.Inf",
        "+.INF",
        ".nan",
        "!!int x",
        "!!int 1.5",
        "!!null x",
        "!!int",
        "!!binary aGk",
        "!!binary a",
        "!!binary a===",
        "!!binary /w==",
        "!!timestamp x",
        "!!float 18446744073709551615",
    ] {
        let refusal = refusal(&format!("v: {text}\n"));
        assert!(refusal.starts_with("R10 "), "{text}: {refusal}");
        assert!(!refusal.contains("/w=="), "a value is quoted: {refusal}");
    }
    assert!(refusal("~: 1").starts_with("R10 null"));
    assert!(refusal("18446744073709551615: 1").starts_with("R10 a number"));
    assert!(refusal("[a]: 1").starts_with("R10 a list"));
    assert!(refusal("? {a: 1}\n: 1").starts_with("R10 a list or a map"));
}

#[test]
fn keys_are_spelled_as_kubectl_spells_them() {
    for (key, expected) in [
        ("on", "true"),
        ("n", "false"),
        ("0777", "511"),
        ("1.5", "1.5"),
        ("1e6", "1e+06"),
        ("1234567.5", "1.2345675e+06"),
        ("100000.0", "100000"),
        ("0.00001", "1e-05"),
        ("0.0001", "0.0001"),
        ("-0.0", "-0"),
        (".inf", ".inf"),
        ("'on'", "on"),
        ("!!str on", "on"),
        ("2001-01-01", "2001-01-01"),
    ] {
        let node = node(&format!("{key}: v\n"));
        let found = node.as_mapping().unwrap().first().map(|entry| entry.key.clone());
        assert_eq!(found.as_deref(), Some(expected), "{key}");
    }
}
