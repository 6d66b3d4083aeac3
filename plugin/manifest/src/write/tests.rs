use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::testing::{bare, documents, node};

fn written(value: serde_json::Value) -> String {
    write(&Node::from(value))
}

#[test]
fn output_looks_like_kubectls() {
    let value = json!({
        "apiVersion": "v1",
        "kind": "A",
        "metadata": {"name": "x", "labels": {}, "annotations": {"a/b": "c d"}},
        "spec": {
            "args": ["--flag=x", "-v", "10.0.0.1", []],
            "list": [{"k": 1, "l": [{"m": null}]}, [1, [2]]],
            "text": "one\ntwo\n",
            "long": "x ".repeat(200).trim(),
            "interval": "1h0m0s",
            "arn": "arn:aws:iam::123:role/x",
            "number": 1.5,
            "yes": true,
        }
    });
    let expected = format!(
        "\
apiVersion: v1
kind: A
metadata:
  name: x
  labels: {{}}
  annotations:
    a/b: c d
spec:
  args:
  - --flag=x
  - -v
  - \"10.0.0.1\"
  - []
  list:
  - k: 1
    l:
    - m: null
  - - 1
    - - 2
  text: |
    one
    two
  long: {}
  interval: 1h0m0s
  arn: arn:aws:iam::123:role/x
  number: 1.5
  \"yes\": true
",
        "x ".repeat(200).trim()
    );
    assert_eq!(written(value), expected);
}

#[test]
fn what_any_reader_could_take_for_something_else_is_quoted() {
    for text in [
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "n",
        "true",
        "False",
        "~",
        "null",
        "NULL",
        "",
        "0777",
        "0o17",
        "0b11",
        "0x1F",
        "1_000",
        "1e3",
        "1.5",
        ".5",
        "5.",
        "-1",
        "+1",
        "12:30:45",
        "1:20",
        "2001-01-01",
        "2001-12-14 21:59:43.10 -5",
        "2001-12-14t21:59:43.10-05:00",
        ".inf",
        "-.Inf",
        ".nan",
        "NaN",
        "=",
        "<<",
        " a",
        "a ",
        "a: b",
        "a:",
        "a #b",
        "#a",
        "- a",
        "-",
        "--",
        "---",
        "--- a",
        "...",
        "? a",
        "?",
        ":",
        ": a",
        "[a",
        "{a",
        "]",
        "}",
        ",",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        "\"a",
        "%a",
        "@a",
        "`a",
        "a\tb",
        "\t",
        "a\u{7}",
        "a\u{85}b",
        "a\u{2028}b",
        "\u{feff}a",
        "{{ .x }}",
        "a {{ .x }} b",
        "a\r\nb",
        "a\rb",
        "\n",
        " \n",
        "_",
        ".",
        "+",
        "0",
        "1,000",
        "\u{a0}",
        "123e4567",
        "0.",
        "1__0",
        "-.5e1",
    ] {
        let out = written(json!({"k": text, "l": [text]}));
        let value = out.lines().next().unwrap().strip_prefix("k: ").unwrap();
        assert!(value.starts_with(['"', '\'']), "{text:?}: {value}");
        let out = written(json!({text: 1}));
        assert!(out.starts_with(['"', '\'']), "{text:?} as key: {out}");
        assert_eq!(node(&out).to_json(), json!({text: 1}));
    }
}

#[test]
fn ordinary_text_stays_bare() {
    for text in [
        "a",
        "a b",
        "a-b",
        "a:b",
        "http://a/b?c=d#e",
        "a#b",
        "--name=value",
        "-v",
        "1h0m0s",
        "10m",
        "v1.2.3",
        "it's",
        "x{y}",
        "a, b",
        "éü😀",
        "external-secrets.io/v1",
        "us-east-1",
        "a=b",
        "nope",
        "$x",
        "/a",
        "(a)",
        "yes sir",
        "a|b",
        "a>b",
        "1st",
    ] {
        assert_eq!(written(json!([text])), format!("- {text}\n"));
    }
}

#[test]
fn quotes_are_chosen_for_the_eye() {
    assert_eq!(written(json!("{{ index .x \"a\" }}")), "'{{ index .x \"a\" }}'\n");
    assert_eq!(written(json!("'{{ \"a\" }}'")), "'''{{ \"a\" }}'''\n");
    assert_eq!(written(json!("a: b")), "\"a: b\"\n");
    assert_eq!(written(json!("\u{1}\"")), "\"\\u0001\\\"\"\n");
}

#[test]
fn blocks_are_used_where_they_are_exact() {
    for (text, expected) in [
        ("a\nb", "k: |-\n  a\n  b\n"),
        ("a\nb\n", "k: |\n  a\n  b\n"),
        ("a\nb\n\n", "k: |+\n  a\n  b\n\n"),
        ("a\n\n  b\n", "k: |\n  a\n\n    b\n"),
        (" a\nb\n", "k: |2\n   a\n  b\n"),
        ("\na\n", "k: |2\n\n  a\n"),
        ("\ta\nb", "k: |2-\n  \ta\n  b\n"),
        ("a\n# b\n---\n", "k: |\n  a\n  # b\n  ---\n"),
        ("a\n", "k: |\n  a\n"),
        ("a \nb", "k: \"a \\nb\"\n"),
        ("a\n \nb", "k: \"a\\n \\nb\"\n"),
        ("\n", "k: \"\\n\"\n"),
        ("\n\n", "k: \"\\n\\n\"\n"),
        ("a\r\nb\n", "k: \"a\\r\\nb\\n\"\n"),
    ] {
        assert_eq!(written(json!({"k": text})), expected);
        assert_eq!(node(expected).to_json(), json!({"k": text}), "{expected:?}");
    }
}

#[test]
fn numbers_keep_their_kind_for_every_reader() {
    assert_eq!(
        written(json!([0, -1, i64::MIN, 0.1, -2.5])),
        "- 0\n- -1\n- -9223372036854775808\n- 0.1\n- -2.5\n"
    );
    // PyYAML takes an exponent only with a point and a sign.
    assert_eq!(written(json!([1e300, 1.5e-9])), "- 1.0e+300\n- 1.5e-9\n");
}

#[test]
fn long_keys_are_written_so_that_they_are_found() {
    let key = "k".repeat(2000);
    for value in [json!(1), json!("a\nb\n"), json!([1, {"a": 2}]), json!({"a": {"b": 1}})] {
        let value = json!([{ key.clone(): value, "other": 1 }]);
        assert_eq!(node(&written(value.clone())).to_json(), value);
    }
}

#[test]
fn documents_are_joined_by_separators() {
    let nodes = [Node::from(json!({"a": 1})), Node::from(json!({"b": "x\n\n"}))];
    let text = write_documents(&nodes);
    assert_eq!(text, "a: 1\n---\nb: |+\n  x\n\n");
    assert_eq!(documents(&text).len(), 2);
    assert_eq!(write_documents([]), "");
}

#[test]
fn json_is_written_as_kubectl_prints_it() {
    let value = json!({"a": [1, {"b": "x\u{2028}\"\n"}], "c": {}, "d": [], "e": null});
    let expected = "{
    \"a\": [
        1,
        {
            \"b\": \"x\\u2028\\\"\\n\"
        }
    ],
    \"c\": {},
    \"d\": [],
    \"e\": null
}
";
    assert_eq!(write_json(&Node::from(value)), expected);
}

#[test]
fn comments_are_written_where_they_were() {
    let text = "\
# head

# more
kind: A # kind
# about spec
spec: # spec
  # about data
  data: # list
  # first
  - key: a # a
    # about name
    name: b # b
    # end of first
  # second
  - key: c
    l: # l
    - x # x
    # - y
  - # dash
    k: 1
  # nested
  - - 1 # one
    # two
    - 2
  # - commented: out
  text: | # block
    x
  # end of spec
# about last
last: {} # v
# foot
";
    let node = node(text);
    assert_eq!(write(&node), text);
}

#[test]
fn strange_comments_do_no_harm() {
    let mut node = Node::from(json!({"a": {"b": 1}}));
    let comments = node.get_mut("a").unwrap().comments_mut();
    comments.before = vec!["no hash".to_owned(), "# two\nlines: x".to_owned()];
    comments.trailing = Some("# \u{7}".to_owned());
    comments.after = vec![String::new(), "#\u{2028}y".to_owned()];
    let text = write(&node);
    assert_eq!(crate::testing::node(&text).to_json(), node.to_json(), "{text}");
    assert!(text.contains("# no hash\n# two lines: x\n"));
}

/// Strings that are hard on a writer of YAML.
fn nasty() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{0,8}",
        2 => prop::sample::select(vec![
            "yes", "on", "~", "null", "0777", "1e3", "0x1f", "12:30:45", "2001-01-01", ".inf", "=", "<<",
            "---", "...", "- a", "a: b", "a #b", "{{ .x }}", "a\n", "a\n\n", "\n", "\n\na", " a\nb", "a \nb",
            "\ta\nb", "a\n\tb\n", "a\r\nb", "# a\nb", "a\n---\nb\n", "-", "?", ":", "| x", "\u{feff}", "\u{85}",
        ])
        .prop_map(str::to_owned),
        2 => "[ -~\n\t]{0,20}",
        1 => "[:#'\"{}\\[\\],&*!|>%@`? \n.0-9_eExX+-]{0,12}",
        1 => any::<String>(),
        1 => "(\\PC|[\n \t]){0,12}",
    ]
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|b| json!(b)),
        any::<i64>().prop_map(|i| json!(i)),
        // Whole doubles are integers once they have been read.
        any::<f64>()
            .prop_filter("finite, no integer", |f| f.is_finite()
                && (f.fract() != 0.0 || f.abs() >= 1e21))
            .prop_map(|f| json!(f)),
        nasty().prop_map(|s| json!(s)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| json!(items)),
            prop::collection::btree_map(nasty(), inner, 0..6).prop_map(|map| json!(map)),
        ]
    })
}

fn comment_line() -> impl Strategy<Value = String> {
    "# [a-z:'\"{}]{1,6}"
}

/// Puts comments where a file can have them: what is said in two places has one canonical form.
fn with_comments(value: serde_json::Value, seeds: &[(u8, Vec<String>)]) -> Node {
    fn walk(
        node: &mut Node,
        seeds: &mut std::iter::Cycle<std::slice::Iter<'_, (u8, Vec<String>)>>,
        first: bool,
    ) {
        let Some((kind, lines)) = seeds.next() else { return };
        if kind & 1 != 0 && !first && !lines.is_empty() {
            node.comments_mut().before.clone_from(lines);
        }
        if kind & 2 != 0
            && let Some(line) = lines.first()
        {
            node.comments_mut().trailing = Some(line.clone());
        }
        let open = match &mut node.value {
            Value::Sequence(items) => {
                for (i, item) in items.iter_mut().enumerate() {
                    // The first item of a list in a list begins on the line of that list's dash.
                    let nested = first || i > 0;
                    walk(item, seeds, !nested && i == 0);
                    if i == 0
                        && let Some(comments) = &mut item.comments
                    {
                        comments.before.clear();
                    }
                    lift(item);
                }
                !items.is_empty()
            }
            Value::Mapping(entries) => {
                for entry in entries.iter_mut() {
                    walk(&mut entry.value, seeds, false);
                }
                !entries.is_empty()
            }
            _ => false,
        };
        if kind & 4 != 0 && open && matches!(node.value, Value::Mapping(_)) && !lines.is_empty() {
            node.comments_mut().after.clone_from(lines);
        }
        if node.comments.as_deref().is_some_and(Comments::is_empty) {
            node.comments = None;
        }
    }
    fn lift(item: &mut Node) {
        if let Value::Mapping(entries) = &mut item.value
            && let Some(first) = entries.first_mut()
            && let Some(comments) = &mut first.value.comments
        {
            comments.before.clear();
            if comments.is_empty() {
                first.value.comments = None;
            }
        }
        if item.comments.as_deref().is_some_and(Comments::is_empty) {
            item.comments = None;
        }
    }
    let mut node = Node::from(value);
    walk(&mut node, &mut seeds.iter().cycle(), false);
    node
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn reading_gives_back_what_was_written(value in any_json()) {
        let text = written(value.clone());
        if value.is_null() {
            prop_assert_eq!(text, "null\n");
        } else {
            prop_assert_eq!(node(&text).to_json(), value.clone(), "{}", text);
            let json = write_json(&Node::from(value.clone()));
            if value.is_object() {
                prop_assert_eq!(node(&json).to_json(), value, "{}", json);
            }
        }
    }

    #[test]
    fn comments_survive_and_settle(
        value in any_json(),
        seeds in prop::collection::vec((any::<u8>(), prop::collection::vec(comment_line(), 0..3)), 1..12),
    ) {
        let original = with_comments(value, &seeds);
        let text = write(&original);
        if original.is_null() {
            return Ok(());
        }
        let once = node(&text);
        prop_assert_eq!(once.to_json(), original.to_json(), "{}", text);
        // No comment is lost, and writing what was read changes nothing any more.
        let count = |text: &str| text.matches("# ").count();
        let again = write(&once);
        prop_assert_eq!(count(&again), count(&text), "{}\n{}", text, again);
        prop_assert_eq!(bare(&node(&again)), bare(&once), "{}\n{}", text, again);
    }
}
