//! What Go's parser says about the same texts is in the corpus; here is what the corpus cannot
//! show: the tree, its places, and kinds of errors.

use super::*;
use crate::ast::{Place, Source as _};
use crate::template::Delimiters;

mod properties;

fn trees(text: &[u8]) -> BTreeMap<Vec<u8>, Tree> {
    parse("t", text, &Options::default()).expect("a valid template")
}

fn source(text: &[u8]) -> String {
    let trees = trees(text);
    String::from_utf8(trees[&b"t"[..]].root.source()).expect("UTF-8")
}

fn error(text: &[u8]) -> Error {
    parse("t", text, &Options::default()).expect_err("an invalid template")
}

#[test]
fn prints_nodes_like_go() {
    for (text, expected) in [
        ("a {{- /* c */ -}} b", "ab"),
        ("{{  .x|printf `a`   1_0 'b'  (len .y).z }}", "{{.x | printf `a` 1_0 'b' (len .y).z}}"),
        ("{{$a, $b := 1}}", ""),
        (
            "{{range $i,$v:=.}}{{break}}{{else}}x{{end}}",
            "{{range $i, $v := .}}{{break}}{{else}}x{{end}}",
        ),
        (
            "{{if 1}}a{{else if 2}}b{{else}}c{{end}}",
            "{{if 1}}a{{else}}{{if 2}}b{{else}}c{{end}}{{end}}",
        ),
        ("{{block \"x\\n\" .a}}b{{end}}", "{{template \"x\\n\" .a}}"),
        ("{{$x:=.}}{{$x.a.b=nil}}", ""),
    ] {
        if !expected.is_empty() {
            assert_eq!(source(text.as_bytes()), expected);
        }
    }
}

#[test]
fn places_are_those_of_go() {
    let trees = trees(b"a\n\n bc{{ .x }}{{ (len .y).z }}");
    let root = &trees[&b"t"[..]].root;
    let text = b"a\n\n bc{{ .x }}{{ (len .y).z }}";
    let places: Vec<String> = root.iter().map(|n| Place::of(n.pos(), text).to_string()).collect();
    assert_eq!(places, ["1:0", "3:6", "3:14"]);
    let Node::Action { pipe, .. } = &root[2] else { panic!("an action") };
    assert_eq!(pipe.commands[0].args[0].pos(), 25);
}

#[test]
fn text_and_names_are_bytes() {
    let trees = trees(b"\xff{{define \"\\xfe\"}}\xfd{{end}}{{template `\xfe`}}");
    assert_eq!(trees[&b"\xfe"[..]].root.source(), b"\xfd");
    assert_eq!(trees[&b"t"[..]].root.source(), b"\xff{{template \"\\xfe\"}}");
}

#[test]
fn what_go_knows_and_this_engine_does_not_is_told_apart() {
    let error = error(b"\n{{ 1i }}");
    assert_eq!(error.kind, ErrorKind::Unsupported);
    assert_eq!(error.to_string(), "template: t:2: complex constant \"1i\" is not supported");
    assert_eq!((error.line, error.column), (2, None));
}

#[test]
fn deep_nesting_is_an_error() {
    for (open, close) in [
        ("{{if 1}}", "{{end}}"),
        ("{{block `x` 1}}", "{{end}}"),
        ("{{if 1}}{{else if 1}}", "{{end}}"),
        ("{{with 1}}{{else with 1}}", "{{end}}"),
    ] {
        let text = |n: usize| open.repeat(n) + &close.repeat(n);
        let limit = ErrorKind::Limit(LimitExceeded::Depth);
        assert_eq!(error(text(100_000).as_bytes()).kind, limit, "{open}");
    }
    let parens = |n: usize| format!("{{{{{}1{}}}}}", "(".repeat(n), ")".repeat(n));
    trees(parens(MAX_DEPTH).as_bytes());
    assert_eq!(
        error(parens(MAX_DEPTH + 1).as_bytes()).kind,
        ErrorKind::Limit(LimitExceeded::Depth)
    );
    trees("{{if 1}}{{end}}".repeat(1000).as_bytes());
}

#[test]
fn secret_text_is_not_quoted() {
    let options = Options { secret_text: true, ..Options::default() };
    let error = parse("t", b"{{ hunter2 }}", &options).expect_err("no such function");
    assert_eq!(error.to_string(), "template: t:1: function [redacted] not defined");
    assert_eq!(error.message.reveal(), b"template: t:1: function \"hunter2\" not defined");
}

#[test]
fn empty_delimiters_are_the_usual_ones() {
    let delimiters = Delimiters { left: String::new(), right: "%>".into() };
    let options = Options { delimiters, ..Options::default() };
    let trees = parse("t", b"{{.x%>", &options).expect("valid");
    assert_eq!(trees[&b"t"[..]].root.source(), b"{{.x}}");
}
