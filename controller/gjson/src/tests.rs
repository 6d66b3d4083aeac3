//! What a lookup promises beside gjson's results, which `tests/oracle` compares one by one.

use proptest::prelude::*;

use crate::{Found, Kind, LimitExceeded, Limits, escape, get, lookup};

fn text(json: &str, path: &str) -> String {
    String::from_utf8(get(json.as_bytes(), path.as_bytes()).string().into_owned()).unwrap()
}

/// The limit that ends a lookup: the default for depth, little of the others.
fn limit(json: &[u8], path: &str) -> Option<LimitExceeded> {
    let limits = Limits { work: 4 << 20, bytes: 1 << 20, ..Limits::default() };
    lookup(json, path.as_bytes(), limits).err()
}

#[test]
fn properties_are_found() {
    let json = r#"{"db": {"user": "a\"b", "port": 5432, "pass.word": "x"}, "n": [1, {"k": true}]}"#;
    assert_eq!(text(json, "db.user"), "a\"b");
    assert_eq!(text(json, "db.port"), "5432");
    assert_eq!(text(json, r"db.pass\.word"), "x");
    assert_eq!(text(json, "n"), r#"[1, {"k": true}]"#);
    assert_eq!(text(json, "n.1.k"), "true");
    assert_eq!(text(json, "n.#"), "2");
    assert_eq!(text(json, r#"{"u":db.user,db.port}"#), r#"{"u":"a\"b","port":5432}"#);
    assert!(!get(json.as_bytes(), b"db.pass.word").exists());
}

#[test]
fn null_exists_and_is_empty() {
    let found = get(br#"{"a": null}"#, b"a");
    assert!(found.exists());
    assert_eq!((found.kind(), found.raw()), (Kind::Null, &b"null"[..]));
    assert!(found.string().is_empty());
    assert!(!get(br#"{"a": null}"#, b"b").exists());
}

#[test]
fn what_stands_in_the_json_is_not_copied() {
    let json = br#"{"a": {"b": "text"}}"#;
    let Found { raw: std::borrow::Cow::Borrowed(raw), .. } = get(json, b"a|@this|b") else {
        panic!("a copy");
    };
    assert!(std::ptr::eq(raw.as_ptr(), json[12..].as_ptr()));
}

#[test]
fn bytes_outside_utf8_stay() {
    assert_eq!(&*get(b"{\"k\xFF\": \"v\xFE\"}", b"k\xFF").string(), b"v\xFE");
    // Except where JSON is written anew.
    assert_eq!(&*get(b"{\"k\": \"v\xFE\"}", b"k.@tostr").string(), "\"v\u{FFFD}\"".as_bytes());
}

#[test]
fn only_dots_are_escaped() {
    assert_eq!(escape(br"a.b\*#c"), br"a\.b\*#c");
    assert!(get(br#"{"a.b": 1}"#, &escape(b"a.b")).exists());
}

#[test]
fn debug_hides_the_value() {
    let shown = format!("{:?}", get(br#"{"a": "hunter2"}"#, b"a"));
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("String"), "{shown}");
}

#[test]
fn nesting_ends() {
    let json = [vec![b'['; 1000], vec![b']'; 1000]].concat();
    assert_eq!(limit(&json, &"0.".repeat(1000)), Some(LimitExceeded::Depth));
    assert_eq!(limit(&json, "@pretty"), Some(LimitExceeded::Depth));
    assert_eq!(limit(&json, r#"@flatten:{"deep":true}"#), Some(LimitExceeded::Depth));
    assert_eq!(limit(&json, "@dig:x"), Some(LimitExceeded::Depth));
    assert_eq!(limit(b"[1]", &"[".repeat(1000)), None);
    let nested = format!("{}0{}", "[".repeat(1000), "]".repeat(1000));
    assert_eq!(limit(b"[1]", &nested), Some(LimitExceeded::Depth));
    let queries = format!("#({}=1{}", "#(".repeat(1000), ")".repeat(1000));
    assert!(limit(b"[[[[1]]]]", &queries).is_none());
    assert_eq!(limit(b"{}", &format!("{}x", "@dig:".repeat(1000))), Some(LimitExceeded::Depth));
    // Pipes are no nesting.
    assert_eq!(limit(b"[1]", &"@this|".repeat(1000)), None);
    // Neither is the depth of a value that is only skipped or checked.
    assert_eq!(limit(&json, "@valid|#"), None);
}

#[test]
fn growth_ends() {
    let doubling = "[@this,@this]|".repeat(60);
    assert_eq!(limit(b"[1]", &doubling), Some(LimitExceeded::Bytes));
    let key = "k".repeat(1000);
    let group = format!(r#"{{"{key}":[{}0]}}"#, "0,".repeat(10_000));
    assert_eq!(limit(group.as_bytes(), "@group"), Some(LimitExceeded::Bytes));
    let deep = format!("{}{}", r#"{"a":"#.repeat(150), "}".repeat(150));
    let indent = format!(r#"@pretty:{{"indent":"{}"}}"#, r"\t".repeat(1000));
    assert_eq!(limit(deep.as_bytes(), &indent), Some(LimitExceeded::Bytes));
    let quotes = format!(r#"["{}"]"#, r#"\""#.repeat(100));
    assert_eq!(limit(quotes.as_bytes(), &"@tostr|".repeat(60)), Some(LimitExceeded::Bytes));
}

#[test]
fn work_ends() {
    let long = format!(r#"["{}"]"#, "a".repeat(1000));
    let pattern = format!(r#"#(%"{}b*")"#, "*a*a?".repeat(30));
    assert_eq!(limit(long.as_bytes(), &pattern), Some(LimitExceeded::Work));
    let many = format!("[{}0]", "0,".repeat(10_000));
    let queries = vec!["#(=1)#"; 2000].join(",");
    assert_eq!(limit(many.as_bytes(), &format!("[{queries}]")), Some(LimitExceeded::Work));
}

/// JSON as it should be.
fn json() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<i64>().prop_map(|number| number.to_string()),
        r#"[a-z .<é]{0,8}(\\n|\\u00e9|\\")?"#.prop_map(|content| format!("\"{content}\"")),
    ];
    scalar.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5)
                .prop_map(|elements| format!("[{}]", elements.join(", "))),
            prop::collection::vec(("[a-d.]{0,3}", inner), 0..5).prop_map(|members| {
                let members: Vec<_> =
                    members.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", members.join(" , "))
            }),
        ]
    })
}

/// Paths, and what looks like paths.
fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-d]",
        2 => r#"[.|#*?\\"(){}\[\]:,!=~%<>@0-9\n é]"#,
        2 => prop::sample::select(vec![
            "#(", ")#", "#(a=1)", "@this", "@ugly", "@pretty", "@reverse", "@flatten", "@join",
            "@valid", "@keys", "@values", "@tostr", "@fromstr", "@group", "@dig:", "!\"x\"",
            ":{\"deep\":true}", ":{\"sortKeys\":true}", "..", "{a,b}", "[a,\"x\":b]", "~true",
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_bytes_are_looked_up(json: Vec<u8>, path in path(), bytes: Vec<u8>) {
        let _ = get(&json, path.as_bytes()).string();
        let _ = get(&json, &bytes).string();
    }

    #[test]
    fn any_path_is_followed(
        json in json(),
        path in path(),
        cut in any::<prop::sample::Index>(),
    ) {
        let _ = get(json.as_bytes(), path.as_bytes()).string();
        let cut = json.as_bytes().get(..cut.index(json.len() + 1)).unwrap();
        let _ = get(cut, path.as_bytes()).string();
    }

    #[test]
    fn small_limits_hold(json in json(), path in path(), most in 0usize..2000) {
        let limits = Limits { work: most, bytes: most, depth: 10 };
        if let Ok(found) = lookup(json.as_bytes(), path.as_bytes(), limits) {
            prop_assert!(found.raw().len() <= most.max(json.len().max(path.len())) + 16);
        }
    }

    #[test]
    fn white_space_comes_and_goes(json in json()) {
        prop_assert!(crate::valid(json.as_bytes()));
        let ugly = get(format!("[{json}]").as_bytes(), b"@ugly").raw().to_vec();
        let round = get(format!("[{json}]").as_bytes(), b"@pretty|@ugly").raw().to_vec();
        prop_assert_eq!(round, ugly);
    }

    #[test]
    fn a_member_is_found_among_others(json in json(), key in "[e-z.]{1,9}", other in json()) {
        let object = format!(r#"{{"a": {other}, "{key}": {json}, "b": {other}}}"#);
        let found = get(object.as_bytes(), &escape(key.as_bytes())).raw().to_vec();
        prop_assert_eq!(found, json.as_bytes());
    }
}
