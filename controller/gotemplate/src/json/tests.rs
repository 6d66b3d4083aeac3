use proptest::prelude::*;

use super::*;

fn round(json: &str) -> String {
    let value = decode(json.as_bytes()).expect("valid");
    String::from_utf8(encode(&value, true, None).expect("encodes")).expect("UTF-8")
}

fn error(json: &[u8]) -> String {
    let message = decode(json).expect_err("invalid");
    String::from_utf8(message.reveal()).expect("UTF-8")
}

#[test]
fn numbers_are_written_as_go_writes_them() {
    let written =
        ["1e20", "1e21", "-1e21", "1e-6", "1e-7", "0.1", "-0", "1.5e300", "123456789012345678901"]
            .map(round);
    let expected = [
        "100000000000000000000",
        "1e+21",
        "-1e+21",
        "0.000001",
        "1e-7",
        "0.1",
        "-0",
        "1.5e+300",
        "123456789012345680000",
    ];
    assert_eq!(written, expected);
}

#[test]
fn strings_are_escaped_for_html() {
    assert_eq!(
        round(r#""<\u2028\u0000\u007f\ud83d\ude00\ud83d\/""#),
        "\"\\u003c\\u2028\\u0000\u{7f}😀\u{FFFD}/\""
    );
    let text = Value::string(b"<\xff\n");
    assert_eq!(encode(&text, false, None).expect("encodes"), b"\"<\\ufffd\\n\"");
}

#[test]
fn the_last_of_equal_keys_wins_and_keys_are_sorted() {
    assert_eq!(
        round(r#"{"b":1,"a":{"x":[]},"b":[null,true,{}]}"#),
        r#"{"a":{"x":[]},"b":[null,true,{}]}"#
    );
}

#[test]
fn errors_are_gos_and_hide_the_text() {
    assert_eq!(error(b""), "unexpected end of JSON input");
    assert_eq!(error(b"t"), "invalid character ' ' in literal true (expecting 'r')");
    assert_eq!(error(b"[1 2]"), "invalid character '2' after array element");
    assert_eq!(error(b"\xe9"), "invalid character 'é' looking for beginning of value");
    assert_eq!(
        error(b"{\"a\":1e999}"),
        "json: cannot unmarshal number 1e999 into Go value of type float64"
    );
    let shown = decode(b"hunter2").expect_err("invalid").to_string();
    assert_eq!(shown, "invalid character [redacted] looking for beginning of value");
}

#[test]
fn depth_is_bounded_as_in_go() {
    let deep = |depth| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    let value = decode(&deep(10_000)).expect("allowed");
    assert_eq!(encode(&value, true, None).expect("encodes"), deep(10_000));
    assert_eq!(error(&deep(10_001)), "invalid character '[' exceeded max depth");
}

#[test]
fn members_keep_order_duplicates_and_raw_text() {
    let json = br#" {"b": 1.0 , "a":{"x": [1]} ,"b":"\u0041", "\u0063":[ ]} "#;
    let found: Vec<_> = members(json)
        .expect("an object")
        .into_iter()
        .map(|(key, place)| {
            (String::from_utf8(key).unwrap(), std::str::from_utf8(&json[place]).unwrap())
        })
        .collect();
    let expected = [("b", "1.0"), ("a", r#"{"x": [1]}"#), ("b", r#""\u0041""#), ("c", "[ ]")];
    assert_eq!(found, expected.map(|(key, raw)| (key.to_owned(), raw)));
    assert!(members(b"null").expect("null").is_empty());
    assert_eq!(
        members(b"[{\"a\":1}]").expect_err("a list").to_string(),
        "json: cannot unmarshal array into Go value of type map[string]json.RawMessage"
    );
    assert!(members(b"{\"a\":1}x").is_err());
}

#[test]
fn only_strings_are_unquoted() {
    assert_eq!(unquote(br#""a\n\u00e9""#), Some("a\né".into()));
    assert_eq!(unquote(b" null "), Some(Vec::new()));
    assert_eq!(unquote(b"1"), None);
    assert_eq!(unquote(b"nul"), None);
    let error = decode_string(b"[1e999]").expect_err("a list").to_string();
    assert_eq!(error, "json: cannot unmarshal array into Go value of type string");
    assert_eq!(unquote(b"\"a"), None);
}

#[test]
fn indents_as_go_does() {
    let value = decode(br#"{"a":[],"b":{},"c":[1,{"d":[2]}]}"#).expect("valid");
    let text = encode(&value, true, Some("  ")).expect("encodes");
    let expected = "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": [\n        2\n      ]\n    }\n  ]\n}";
    assert_eq!(String::from_utf8(text).unwrap(), expected);
}

#[test]
fn large_texts_are_refused() {
    let mut value = Value::list([]);
    for _ in 0..40 {
        value = Value::list([value.clone(), value]);
    }
    assert!(encode_within(&value, true, None, 1000).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(json in proptest::collection::vec(any::<u8>(), 0..60)) {
        let _ = decode(&json);
        let _ = members(&json);
    }

    #[test]
    fn what_is_written_is_read_again(json in r#"[\[\]{}:,"0-9a\\u. e-]{0,40}"#) {
        if let Ok(value) = decode(json.as_bytes()) {
            let text = encode(&value, true, None).expect("encodes");
            let again = decode(&text).expect("valid");
            prop_assert_eq!(encode(&again, true, None).expect("encodes"), text);
        }
    }
}
