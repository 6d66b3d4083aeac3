use serde_json::json;

use super::*;

struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn data(entries: &[(&str, &str)]) -> Data {
    entries.iter().map(|(k, v)| ((*k).to_owned(), v.as_bytes().to_vec())).collect()
}

#[track_caller]
fn rewritten(rewrites: serde_json::Value, entries: &[(&str, &str)]) -> Result<Data, String> {
    let rewrites: Vec<Rewrite> = serde_json::from_value(rewrites).unwrap();
    rewrite(&rewrites, data(entries), &mut Still).map_err(|error| error.to_string())
}

#[test]
fn rewrites_apply_one_after_another() {
    let rewrites = json!([
        { "regexp": { "source": "^app/(.*)/(\\w+)$", "target": "${2}_$1" } },
        { "transform": { "template": "{{ .value | upper }}" } },
    ]);
    assert_eq!(
        rewritten(rewrites, &[("app/db/user", "u"), ("x", "1")]).unwrap(),
        data(&[("USER_DB", "u"), ("X", "1")])
    );
}

#[test]
fn two_keys_never_become_one() {
    for rewrites in [
        json!([{ "regexp": { "source": "[0-9]", "target": "" } }]),
        json!([{ "transform": { "template": "same" } }]),
    ] {
        let error = rewritten(rewrites, &[("a1", "x"), ("a2", "y")]).unwrap_err();
        assert!(error.contains("\"a1\" and \"a2\" both become"), "{error}");
    }
}

#[test]
fn a_missing_key_in_a_transform_is_no_value() {
    let rewrites = json!([{ "transform": { "template": "{{ .valu }}" } }]);
    assert_eq!(rewritten(rewrites, &[("a", "1")]).unwrap(), data(&[("<no value>", "1")]));
}

#[test]
fn objects_are_spread_and_later_keys_win() {
    let merge = |more: serde_json::Value| {
        let mut merge = json!({ "conflictPolicy": "Ignore" });
        merge.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!([{ "merge": merge }])
    };
    let entries = &[("a", r#"{"x":"1","n":1.0,"z":null}"#), ("b", r#"{"x":{"y":2}}"#)];
    assert_eq!(
        rewritten(merge(json!({})), entries).unwrap(),
        data(&[("n", "1"), ("x", r#"{"y":2}"#), ("z", "")])
    );
    assert_eq!(rewritten(merge(json!({ "priority": ["a"] })), entries).unwrap()["x"], b"1");
    let error = rewritten(merge(json!({ "priority": ["c"] })), entries).unwrap_err();
    assert!(error.contains("\"c\" not found"), "{error}");
    let lenient = merge(json!({ "priority": ["c", "a"], "priorityPolicy": "IgnoreNotFound" }));
    assert_eq!(rewritten(lenient, entries).unwrap()["x"], b"1");
}

#[test]
fn a_conflict_is_an_error_unless_ignored_even_with_priority() {
    let entries = &[("a", r#"{"x":1}"#), ("b", r#"{"x":2}"#)];
    for merge in [json!({}), json!({ "priority": ["a", "b"] })] {
        let error = rewritten(json!([{ "merge": merge }]), entries).unwrap_err();
        assert!(error.contains("merge failed with conflicts: x: "), "{error}");
    }
}

#[test]
fn as_json_the_sources_stay() {
    let merge = json!([{ "merge": { "strategy": "JSON", "into": "all" } }]);
    let entries = &[("a", r#"{"x":"<1>"}"#), ("b", r#"{"y":[1, 2]}"#)];
    let merged = rewritten(merge, entries).unwrap();
    assert_eq!(merged["all"], br#"{"x":"<1>","y":[1,2]}"#);
    assert_eq!(merged.len(), 3);
    let error = rewritten(json!([{ "merge": { "strategy": "JSON" } }]), entries).unwrap_err();
    assert!(error.contains("missing 'into' field"), "{error}");
}

#[test]
fn what_is_no_object_is_refused_without_its_text() {
    let error = rewritten(json!([{ "merge": {} }]), &[("a", "hunter2")]).unwrap_err();
    assert!(error.contains("\"a\"") && !error.contains("hunter2"), "{error}");
    let error = rewritten(json!([{ "regexp": { "source": "(", "target": "" } }]), &[]).unwrap_err();
    assert!(error.contains("missing closing )"), "{error}");
}

#[test]
fn merged_values_are_read_and_written_as_go_does() {
    let json = r#"{"i":12345678901234567890,"e":1.50e2,"s":-0.25,"o":{"b":1.0,"a":"<&>"},"l":[ 1, null ],"t":true}"#;
    assert_eq!(
        rewritten(json!([{ "merge": {} }]), &[("a", json)]).unwrap(),
        data(&[
            ("e", "150"),
            ("i", "12345678901234567000"),
            ("l", "[1,null]"),
            ("o", r#"{"a":"\u003c\u0026\u003e","b":1}"#),
            ("s", "-0.25"),
            ("t", "true"),
        ])
    );
    let merge = json!([{ "merge": { "strategy": "JSON", "into": "all" } }]);
    assert_eq!(
        rewritten(merge, &[("a", json)]).unwrap()["all"],
        br#"{"e":150,"i":12345678901234567000,"l":[1,null],"o":{"a":"<&>","b":1},"s":-0.25,"t":true}"#
    );
    // Twice in one object is no conflict.
    let twice = rewritten(json!([{ "merge": {} }]), &[("a", r#"{"x":1,"x":2}"#), ("b", "null")]);
    assert_eq!(twice.unwrap(), data(&[("x", "2")]));
}

#[test]
fn a_rewrite_drops_keys_by_emptying_them() {
    let rewrites = json!([{ "regexp": { "source": "^old/.*", "target": "" } }]);
    let left = rewritten(rewrites, &[("old/a", "1"), ("old/b", "2"), ("c", "3")]).unwrap();
    assert_eq!(crate::keys::validate(left).unwrap(), data(&[("c", "3")]));
}
