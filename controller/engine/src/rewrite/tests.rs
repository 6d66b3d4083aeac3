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
        data(&[("n", "1.0"), ("x", r#"{"y":2}"#), ("z", "")])
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
        assert!(error.contains("\"x\" is in more than one value"), "{error}");
    }
}

#[test]
fn as_json_the_sources_stay() {
    let merge = json!([{ "merge": { "strategy": "JSON", "into": "all" } }]);
    let entries = &[("a", r#"{"x":"<1>"}"#), ("b", r#"{"y":[1, 2]}"#)];
    let merged = rewritten(merge, entries).unwrap();
    assert_eq!(merged["all"], br#"{"x":"<1>","y":[1, 2]}"#);
    assert_eq!(merged.len(), 3);
    let error = rewritten(json!([{ "merge": { "strategy": "JSON" } }]), entries).unwrap_err();
    assert!(error.contains("merge.into is required"), "{error}");
}

#[test]
fn what_is_no_object_is_refused_without_its_text() {
    let error = rewritten(json!([{ "merge": {} }]), &[("a", "hunter2")]).unwrap_err();
    assert!(error.contains("\"a\"") && !error.contains("hunter2"), "{error}");
    let error = rewritten(json!([{ "regexp": { "source": "(", "target": "" } }]), &[]).unwrap_err();
    assert!(error.contains("missing closing )"), "{error}");
}
