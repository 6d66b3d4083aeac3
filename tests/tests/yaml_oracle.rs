//! kubectl's own reading against ours.
//!
//! `kubectl label --local -o json` prints what kubectl understood, without a cluster. Whatever
//! `extsecret-manifest` accepts must be the same value there, and what it writes must come back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use extsecret_manifest::node::Node;
use extsecret_manifest::read::{Content, Limits, decode, read};
use extsecret_manifest::source::FileId;
use extsecret_manifest::write::{write_documents, write_json};
use extsecret_tests::{require, tools};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Map, Value, json};

/// What kubectl reads in a file, object by object, or how it complains.
fn kubectls(kubectl: &Path, bytes: &[u8]) -> Result<Vec<Value>, String> {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.path().join("file.yaml");
    fs::write(&file, bytes).unwrap();
    let output = Command::new(kubectl)
        .args(["label", "--local", "oracle=asked", "--output=json", "--filename"])
        .arg(&file)
        .env("HOME", folder.path())
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    let objects = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    Ok(objects
        .map(|object| {
            let mut object = object.unwrap();
            // The label that was asked for.
            let metadata = object.get_mut("metadata").and_then(Value::as_object_mut).unwrap();
            let labels = metadata.get_mut("labels").and_then(Value::as_object_mut).unwrap();
            labels.remove("oracle");
            if labels.is_empty() {
                metadata.remove("labels");
            }
            object
        })
        .collect())
}

/// What we read, or the codes of what we refuse.
fn ours(bytes: &[u8]) -> Result<Vec<Value>, Vec<String>> {
    let limits = Limits::default();
    let file = decode("file.yaml", bytes.to_vec(), &limits).map_err(|d| vec![d.message])?;
    let mut values = Vec::new();
    let mut refusals = Vec::new();
    for document in read(FileId(0), &file, &limits) {
        match document.content {
            Content::Empty => {}
            Content::Node(node) => values.push(node.to_json()),
            Content::Broken(d) => refusals.push(format!("{} {}", d.code.id, d.message)),
        }
    }
    if refusals.is_empty() { Ok(values) } else { Err(refusals) }
}

/// Equal as JSON: the order of keys and the spelling of numbers say nothing.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => match (l.as_i64(), r.as_i64()) {
            (Some(l), Some(r)) => l == r,
            _ => l.as_f64() == r.as_f64(),
        },
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same(l, r))
        }
        (Value::Object(l), Value::Object(r)) => {
            l.len() == r.len() && l.iter().all(|(k, l)| r.get(k).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}

#[track_caller]
fn assert_same(text: &[u8], kubectls: &[Value], ours: &[Value]) {
    assert_eq!(kubectls.len(), ours.len(), "{}", String::from_utf8_lossy(text));
    for (theirs, ours) in kubectls.iter().zip(ours) {
        if !same(theirs, ours) {
            // The one value that differs says more than two long objects.
            let pair = theirs["v"].as_array().zip(ours["v"].as_array()).and_then(|(t, o)| {
                t.iter().zip(o).enumerate().find(|(_, (theirs, ours))| !same(theirs, ours))
            });
            panic!("kubectl: {theirs}\nours:    {ours}\nfirst:   {pair:?}");
        }
    }
}

const HEAD: &str = "apiVersion: oracle.example/v1\nkind: Question\nmetadata: {name: q}\n";

/// An object with a list of values, each on its own line.
fn question(values: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    values.into_iter().fold(format!("{HEAD}v:\n"), |mut text, value| {
        let _ = writeln!(text, "- {}", value.as_ref());
        text
    })
}

/// Both read the same in a file with these items.
#[track_caller]
fn agree_on(kubectl: &Path, items: impl IntoIterator<Item = impl AsRef<str>>) {
    let text = question(items);
    let theirs = kubectls(kubectl, text.as_bytes()).unwrap();
    let ours = ours(text.as_bytes()).unwrap();
    assert_same(text.as_bytes(), &theirs, &ours);
}

/// A few of the values of a strategy, the same ones in every run.
fn some<S: Strategy>(strategy: &S, count: usize) -> Vec<S::Value> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

/// The spellings whose reading was measured, and their neighbours.
const SCALARS: &[&str] = &[
    "y",
    "Y",
    "yes",
    "Yes",
    "YES",
    "yEs",
    "n",
    "N",
    "no",
    "No",
    "NO",
    "true",
    "True",
    "TRUE",
    "tRue",
    "false",
    "False",
    "FALSE",
    "fAlse",
    "on",
    "On",
    "ON",
    "oN",
    "off",
    "Off",
    "OFF",
    "null",
    "Null",
    "NULL",
    "nUll",
    "~",
    "",
    "~a",
    "0",
    "-0",
    "+0",
    "00",
    "07",
    "08",
    "0777",
    "010",
    "0o17",
    "0O17",
    "-0o17",
    "0x1F",
    "0X1f",
    "-0x1f",
    "+0x1f",
    "0x",
    "0xg",
    "0b11",
    "0B11",
    "-0b11",
    "0b",
    "0b12",
    "0_8",
    "1_000",
    "1__0_",
    "_1",
    "0x_1F",
    "0b_1",
    "-_1",
    "1_e3",
    "1_0.5",
    "+12",
    "-12",
    "+",
    "--1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "+18446744073709551615",
    "99999999999999999999",
    "0x7fffffffffffffff",
    "0xffffffffffffffff",
    "-0x8000000000000000",
    "1.0",
    "-0.0",
    "5.",
    ".5",
    "-.5",
    "+.5",
    ".",
    "..",
    "._5",
    ".5_",
    "1e3",
    "1E3",
    "1e+3",
    "1e-3",
    "1e",
    "1e400",
    "-1e400",
    "1e20",
    "1e21",
    "1e-7",
    "1.5e300",
    "5e-324",
    "0.1",
    "0888.5",
    "9.223372036854775e18",
    "1.2.3",
    "0x1p-2",
    "1,000",
    "12:30:45",
    "190:20:30.15",
    "1:20",
    "2001-01-01",
    "2001-1-1",
    "2001-13-01",
    "2001-01-01 1:2:3",
    "2001-12-14t21:59:43.10-05:00",
    "2001-12-14 21:59:43.10 -5",
    "inf",
    "nan",
    "=",
    "<<",
    "a:b",
    "a#b",
    "http://a/b#c",
    "-a",
    "--a",
    "?a",
    ":a",
    "'yes'",
    "\"0777\"",
    "'it''s'",
    "\"\\x41\\u0041\\U00000041\\t\\e\\_\\N\\L\\P\\a\\v\\0\"",
    "!!str 12",
    "!!str",
    "! 12",
    "!local 12",
    "!<tag:yaml.org,2002:str> 12",
    "!!int '12'",
    "!!int 0b11",
    "!!float 3",
    "!!float '1.5'",
    "!!bool 'yes'",
    "!!null",
    "!!null ~",
    "!!timestamp 2001-01-01",
    "!!binary aGk=",
    "!!binary aGl=",
    "!!map x",
    "[a: b, c: d]",
    "{a: , b}",
    "{a, b: c}",
    "[]",
    "{}",
    "[a,]",
    "{\"a\":1}",
    "{a:b}",
    "[a:b]",
    "[http://a/b]",
    "x y",
    "é",
    "\u{a0}x",
    "x\u{feff}y",
    "😀",
];

#[test]
fn scalars_are_read_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    agree_on(&kubectl, SCALARS);
}

#[test]
fn keys_are_spelled_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    let refused = ["", "~", "null", "Null", "NULL", "!!null", "!!null ~"];
    let refused = |text: &str| {
        refused.contains(&text)
            || text.starts_with(['[', '{'])
            || ours(question([format!("{text} : v")]).as_bytes()).is_err()
    };
    let keys = SCALARS.iter().filter(|text| !refused(text)).map(|text| format!("{text} : v"));
    assert!(keys.clone().count() > 140, "most of them are keys");
    agree_on(&kubectl, keys);
    agree_on(
        &kubectl,
        ["1e6: v", "1234567.5: v", "100000.0: v", "0.00001: v", ".inf: v", "-.inf: v"],
    );
}

#[test]
fn generated_scalars_are_read_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    let plain = prop_oneof![
        "[-+]?[0-9_]{1,6}(\\.[0-9_]{0,4})?([eE][-+]?[0-9]{1,3})?",
        "[-+]?0[xXoObB]?[-+]?[0-9a-fA-F_]{0,8}",
        "0b[-+]?[01_]{0,8}",
        "[0-9]{1,4}[-:][0-9]{1,2}[-:][0-9]{1,2}([tT ][0-9:.]{1,8})?",
        "[-+.]?[yYnNtTfFoO~.iI][a-zA-Z]{0,4}",
        "[0-9]{17,21}",
        "[a-z0-9._/@=-]{1,10}",
        "'[ -&(-~]{0,8}'",
        "\"[ !#-\\[\\]-~]{0,8}\"",
        "\"(\\\\[ntr0abefv \"\\\\_NLP]|\\\\x[0-9a-f]{2}|\\\\u[0-9a-c][0-9a-f]{3}|[ a-z]){0,5}\"",
        "!!(str|int|float|bool) '?[0-9.]{1,3}'?",
    ];
    let accepted: Vec<String> = some(&plain, 3000)
        .into_iter()
        .filter(|text| ours(question([text]).as_bytes()).is_ok())
        .collect();
    assert!(accepted.len() > 2000, "{}", accepted.len());
    agree_on(&kubectl, accepted);
}

/// A map, a list or a scalar, as lines whose first one continues the line of its key or dash.
fn structure() -> impl Strategy<Value = String> {
    let scalar = prop::sample::select(vec![
        " a",
        " yes",
        " 0777",
        " 1_000",
        " 'q r'",
        " \"s\\nt\"",
        " a b\n  c",
        " 'a\n\n  b'",
        " \"a\\\n  b\"",
        " {a: [1, b: c], d: {}}",
        " [\n  1, # c\n  2\n  ]",
        "",
        " # only",
        " |\n  one\n   two\n\n  three",
        " |-\n  one\n\n",
        " |+\n  one\n\n",
        " >\n  one\n  two\n\n  three\n   four",
        " >-\n\n  one",
        " |2\n    one\n  two",
        " | # c\n  # one",
        " &x v",
        " *q",
        " !!str 12",
        " 12 # c",
        " http://a/b#c",
        " a # c\n  # d",
    ])
    .prop_map(str::to_owned);
    let indented = |text: &str, by: usize| text.replace('\n', &format!("\n{:by$}", ""));
    scalar.prop_recursive(3, 24, 4, move |inner| {
        let keys = prop::sample::subsequence(
            vec!["a", "on", "'k'", "\"l\"", "1", "x.y/z", "? m", "&n n", "!!str o", "p q"],
            1..5,
        );
        let comment = prop::sample::select(vec!["", "", "", "# c\n", "\n"]);
        let map = (keys, prop::collection::vec((inner.clone(), comment.clone()), 5), 2_usize..4)
            .prop_map(move |(keys, values, by)| {
                keys.iter().zip(values).fold(String::new(), |mut text, (key, (value, comment))| {
                    let entry = format!("\n{comment}{key}:{value}");
                    text.push_str(&indented(&entry, by));
                    text
                })
            });
        let list = (prop::collection::vec((inner, comment), 1..4), 1_usize..4).prop_map(
            move |(items, by)| {
                items.iter().fold(String::new(), |mut text, (item, comment)| {
                    // The first entry of a map may stand on the line of the dash.
                    let entry = format!("\n{comment}-{item}");
                    text.push_str(&indented(&entry, by));
                    text
                })
            },
        );
        prop_oneof![map, list]
    })
}

#[test]
fn generated_documents_are_read_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    let documents: Vec<String> = some(&structure(), 1500)
        .into_iter()
        .map(|structure| format!("{HEAD}q: &q anchored\nv:{structure}\n"))
        .filter(|text| ours(text.as_bytes()).is_ok())
        .collect();
    assert!(documents.len() > 500, "{}", documents.len());
    for batch in documents.chunks(500) {
        let text = batch.join("---\n");
        let theirs = kubectls(&kubectl, text.as_bytes()).unwrap();
        assert_eq!(theirs.len(), batch.len());
        for (theirs, text) in theirs.iter().zip(batch) {
            let ours = ours(text.as_bytes()).unwrap();
            assert!(same(theirs, &ours[0]), "{text}\nkubectl: {theirs}\nours:    {}", ours[0]);
        }
        // Cut out of one file, they are the same documents.
        assert_same(text.as_bytes(), &theirs, &ours(text.as_bytes()).unwrap());
    }
}

#[test]
fn streams_are_cut_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    let object = |name: &str| format!("apiVersion: v1\nkind: A\nmetadata: {{name: {name}}}\n");
    let json = |name: &str| {
        write_json(&Node::from(
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": name}}),
        ))
    };
    let (a, b) = (object("a"), object("b"));
    let (ja, jb) = (json("a"), json("b"));
    let utf16 = |text: &str| {
        [0xff, 0xfe].into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    };
    let files: Vec<Vec<u8>> = vec![
        format!("{a}---\n{b}").into(),
        format!("---\n{a}---\n---\n# c\n---\n\n---\n{b}---\n").into(),
        format!("# c\n---\n{a}--- # c\n{b}---\t\n").into(),
        format!("{a}---# c\n{b}").into(),
        format!("\u{feff}{a}---\n{b}").into(),
        format!("\u{feff}---\n{a}---\n{b}").into(),
        format!("{a}---\n{b}").replace('\n', "\r\n").into(),
        format!("{a}v: |\n  x\n---\n{b}").into(),
        format!("{a}v: |\n  x\n  ---\n  y").into(),
        format!("{a}v: \"x\n  ---\n  y\"\n---\n  {}", b.trim_end().replace('\n', "\n  ")).into(),
        format!("{a}v: |\r\n  x\r\n\r\n  y\r\nw: 'p\r\n\r\n  q'\r\n").into(),
        format!("{ja}{jb}").into(),
        format!("{}{}", ja.trim_end(), jb).into(),
        format!("{ja}---\n{jb}").into(),
        format!("{ja}---\n{b}").into(),
        format!("{ja}# c\n").into(),
        format!("  \n{ja}").into(),
        ja.replace("    ", "\t").into(),
        ja.replace("\"a\"", "\"\\ud83d\\ude00\\/\"").into(),
        "{apiVersion: v1, kind: A, metadata: {name: a}, v: 0777}\n".into(),
        utf16(&a),
    ];
    for file in files {
        let theirs = kubectls(&kubectl, &file)
            .unwrap_or_else(|error| panic!("{error}{}", String::from_utf8_lossy(&file)));
        assert_same(&file, &theirs, &ours(&file).unwrap());
    }
}

#[test]
fn merge_keys_are_read_like_kubectl() {
    let kubectl = require!(tools::kubectl());
    agree_on(
        &kubectl,
        [
            "<<: {a: 1, b: 2}\n  b: 3",
            "b: 3\n  <<: {a: 1, b: 2}",
            "<<: [{a: 1}, {a: 2, b: 3}]",
            "<<: {a: 1}\n  <<: {b: 1}",
            "\"<<\": {a: 1}",
            "!!merge <<: {a: 1}",
            "!!str <<: {a: 1}",
            "base: &base\n    <<: {a: 1}\n    b: &b [x]\n  use:\n    <<: *base\n    c: *b",
        ],
    );
}

#[test]
fn what_we_refuse_for_its_value_kubectl_refuses_or_alters() {
    let kubectl = require!(tools::kubectl());
    for item in [
        ".inf",
        "-.inf",
        ".nan",
        "~: v",
        "18446744073709551615: v",
        "? [a]\n  : v",
        "? {a: b}\n  : v",
        "!!int x",
        "!!int 1.5",
        "!!float 18446744073709551615",
        "!!null x",
        "!!binary aGk",
        "<<: 1",
        "<<: [1]",
        "&a [*a]",
        "*unknown",
        "\tx",
        "a: b: c",
        "[a",
        "'a",
        "\"\\q\"",
        "a\u{7}b",
        "@a",
        "%a",
        "`a",
        "&a? b",
    ] {
        let text = question([item]);
        assert!(ours(text.as_bytes()).is_err(), "{item}");
        assert!(kubectls(&kubectl, text.as_bytes()).is_err(), "{item}");
    }
    // These two kubectl takes: one value of two is lost, bytes become question marks.
    for item in ["{a: 1, a: 2}", "!!binary /w=="] {
        let text = question([item]);
        assert!(ours(text.as_bytes()).is_err(), "{item}");
        let theirs = kubectls(&kubectl, text.as_bytes()).unwrap();
        assert!(same(&theirs[0]["v"][0], &json!({"a": 2})) || theirs[0]["v"][0] == "\u{fffd}");
    }
}

#[test]
fn what_is_written_is_read_back_by_kubectl() {
    let kubectl = require!(tools::kubectl());
    let text = prop_oneof![
        prop::sample::select(SCALARS.to_vec()).prop_map(str::to_owned),
        "[ -~\n\t]{0,12}",
        "[:#'\"{}\\[\\],&*!|>%@`? \n.0-9_eExX+-]{0,8}",
        "(\\PC|[\n \t\r]){0,6}",
        any::<String>(),
    ];
    let leaf = prop_oneof![
        4 => text.clone().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<f64>().prop_filter("finite", |f| f.is_finite()).prop_map(Value::from),
        1 => prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false))],
    ];
    let value = leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text.clone(), inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    });
    let objects: Vec<Value> = some(&value, 1500)
        .into_iter()
        .map(
            |value| json!({"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}, "v": value}),
        )
        .collect();
    let nodes: Vec<Node> = objects.iter().cloned().map(Node::from).collect();
    let yaml = write_documents(&nodes);
    assert_same(b"", &kubectls(&kubectl, yaml.as_bytes()).unwrap(), &objects);
    let json: String = nodes.iter().map(write_json).collect();
    assert_same(b"", &kubectls(&kubectl, json.as_bytes()).unwrap(), &objects);
}
