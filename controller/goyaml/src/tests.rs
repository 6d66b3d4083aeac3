//! The many small cases are compared with Go itself, in `tests/oracle`. Here is what has to hold
//! for all texts and values, and what is ours alone: limits and redaction.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn said<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().reveal()
}

#[test]
fn the_first_document_is_read_and_the_last_of_equal_keys_counts() {
    assert_eq!(read(b"a: 1\na: 2\n---\nb: [\n").unwrap(), json!({"a": 2}));
    assert_eq!(read(b"b: 1\n<<: {b: 2, c: 3}\n").unwrap(), json!({"b": 2, "c": 3}));
    assert_eq!(
        read(b"a: &x [0777, yes]\nb: *x\n").unwrap(),
        json!({"a": [511, true], "b": [511, true]})
    );
    assert_eq!(read(b"").unwrap(), Value::Null);
    assert_eq!(read_object(b"# nothing").unwrap(), Map::new());
}

#[test]
fn strings_are_made_of_numbers_and_truth_but_not_of_lists() {
    let yaml = b"b: yes\na: 0x10\nd: ~\nc: 3.14159265358979\n1: .inf\n";
    let pairs = [("1", "+Inf"), ("a", "16"), ("b", "true"), ("c", "3.1415927"), ("d", "")];
    let pairs: Vec<_> = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
    assert_eq!(read_strings(yaml).unwrap(), pairs);
    assert_eq!(
        said(read_strings(b"a: [1]")),
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go value of type string"
    );
}

#[test]
fn errors_show_nothing_of_the_document_unless_asked() {
    for (yaml, secret) in [
        ("a: *hunter2", "hunter2"),
        ("a: !!int hunter2", "hunter2"),
        ("~: hunter2", "hunter2"),
        ("? {a: hunter2}\n: b", "hunter2"),
        ("a: &hunter2 [*hunter2]", "hunter2"),
    ] {
        let error = read(yaml.as_bytes()).unwrap_err();
        assert!(error.reveal().contains(secret), "{yaml}");
        assert!(!format!("{error} {error:?} {:?}", error.parts()).contains(secret), "{error}");
    }
    let error = read(b"a: b: c").unwrap_err();
    assert_eq!(
        error.to_string(),
        "error converting YAML to JSON: yaml: mapping values are not allowed in this context"
    );
}

#[test]
fn hostile_documents_end_within_their_limits() {
    let deep = |n: usize| ["[".repeat(n), "]".repeat(n)].concat();
    let value = read(deep(500).as_bytes()).unwrap();
    assert!(write(&value).is_ok());
    for text in [
        deep(502),
        deep(9999),
        "- ".repeat(9999),
        "{a: ".repeat(5000) + &"}".repeat(5000),
        // Each anchor is one level deeper than the one before.
        (1..700).fold("a0: &a0 []\n".to_owned(), |text, n| {
            text + &format!("a{n}: &a{n} [*a{}]\n", n - 1)
        }),
    ] {
        let error = read(text.as_bytes()).unwrap_err();
        let known = error.reached() == Some(Limit::Depth)
            || error.to_string().ends_with("excessive aliasing");
        assert!(known, "{error}");
    }
    assert!(said(read(deep(10_001).as_bytes())).ends_with("exceeded max depth of 10000"));

    let laughs = (1..12).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let alias = format!("*a{},", n - 1);
        text + &format!("a{n}: &a{n} [{}]\n", alias.repeat(10))
    });
    assert!(said(read(laughs.as_bytes())).ends_with("document contains excessive aliasing"));
    let long = format!("a: &a {}\nb: [{}]\n", "x".repeat(1 << 20), "*a,".repeat(99));
    assert_eq!(read(long.as_bytes()).unwrap_err().reached(), Some(Limit::Size));
    let many = "- \n".repeat(500_001);
    assert_eq!(read(many.as_bytes()).unwrap_err().reached(), Some(Limit::Size));

    let nested = ["[".repeat(450), "1,".repeat(10_000), "1".into(), "]".repeat(450)].concat();
    let refused = json_to_yaml(nested.as_bytes(), 1 << 20).unwrap_err();
    assert_eq!(refused.reached(), Some(Limit::Size));
}

#[test]
fn values_are_written_as_people_know_it_from_kubectl() {
    let value = json!({
        "b": [1, [2, {"c": []}], {}], "a10": "0777", "a9": "x\ny\n", "": null, "e": 1e21,
        "n": "null", "t": " x", "u": "\u{1F600}", "w": "word ".repeat(20) + "end",
    });
    let yaml = "\
\"\": null
a9: |
  x
  y
a10: \"0777\"
b:
- 1
- - 2
  - c: []
- {}
e: 1e+21
\"n\": \"null\"
t: ' x'
u: \"\\U0001F600\"
w: word word word word word word word word word word word word word word word word
  word word word word end
";
    assert_eq!(write(&value).unwrap(), yaml);
    assert_eq!(read(yaml.as_bytes()).unwrap(), read(write(&value).unwrap().as_bytes()).unwrap());
}

#[test]
fn what_json_allows_and_yaml_forbids_is_not_written() {
    assert_eq!(said(write(&json!("\u{7F}"))), "yaml: control characters are not allowed");
    let key = Map::from_iter([("k".repeat(1025), json!(1))]);
    assert_eq!(said(write(&Value::Object(key))), "yaml: did not find expected ',' or '}'");
}

/// Texts that survive Go's way through JSON read as YAML: no forbidden characters, and no line
/// break that YAML folds in quotes.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "",
        "~",
        "yes",
        "0777",
        "1e3",
        ".5",
        "1:30",
        "2001-01-01",
        "- a",
        "a: b",
        "a #b",
        "#",
        "<<",
        "|",
        "\n",
        " ",
        "\n\n",
        " \n",
        "---",
        "'",
        "\"",
        "\u{2028}",
        "\u{FEFF}",
        "\u{A0}",
    ]);
    let piece = prop_oneof![
        odd.prop_map(str::to_owned),
        "[ -~\n\t]{0,12}",
        "[:#'\"{}\\[\\],&*!|>%@`? \n.0-9_eExX+-]{0,8}",
        any::<String>(),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| {
        let lost = |c: &char| matches!(c, '\u{7F}'..='\u{9F}' | '\u{FFFE}'..='\u{FFFF}');
        pieces.concat().chars().filter(|c| !lost(c)).collect()
    })
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => text().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false))],
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Numbers as doubles, because JSON knows no other.
fn doubles(value: Value) -> Value {
    match value {
        Value::Number(n) => json!(n.as_f64().unwrap()),
        Value::Array(items) => items.into_iter().map(doubles).collect(),
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, doubles(v))).collect(),
        other => other,
    }
}

/// A key that Go writes without quotes, and then takes for a merge.
fn has_merge(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_merge),
        Value::Object(map) => map.iter().any(|(key, value)| key == "<<" || has_merge(value)),
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn what_is_written_is_read_back(value in value().prop_filter("no merge", |v| !has_merge(v))) {
        let yaml = write(&value).unwrap();
        prop_assert_eq!(doubles(read(yaml.as_bytes()).unwrap()), doubles(value), "{}", yaml);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in any::<Vec<u8>>()) {
        let _ = (read(&bytes), read_strings(&bytes), json_to_yaml(&bytes, 1 << 20));
    }

    #[test]
    fn any_text_is_read_or_refused(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "a", "b", "- ", "? ", ": ", ":", "[", "]", "{", "}", ",", "\n", "\n", "  ", "\t", "#",
            "\"", "'", "|", ">", "|2-", "&a ", "*a", "!!str ", "!", "<<: ", "%TAG ! b\n", "---\n",
            "...\n", "~", "0x1", "\\", "\u{FEFF}", "\u{2028}", "\r\n",
        ]), 0..40)
    ) {
        let text = pieces.concat();
        let read = read(text.as_bytes());
        // Reading as strings refuses no more than lists, maps and what is no map at all.
        if let (Ok(Value::Object(map)), Err(error)) = (&read, read_strings(text.as_bytes())) {
            prop_assert!(map.values().any(|v| v.is_array() || v.is_object()), "{error}");
        }
        if let Ok(value) = read
            && !has_merge(&value)
        {
            prop_assert_eq!(doubles(super::read(write(&value).unwrap().as_bytes()).unwrap()), doubles(value));
        }
    }
}
