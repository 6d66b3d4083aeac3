//! What holds for every text.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Words that the grammar gives a meaning, to be put together at random.
fn pieces() -> impl Strategy<Value = Vec<u8>> {
    const PIECES: &[&[u8]] = &[
        b"{{",
        b"}}",
        b"{{- ",
        b" -}}",
        b"{{/*",
        b"*/}}",
        b" ",
        b"\n",
        b".",
        b".x",
        b"$",
        b"$x",
        b":=",
        b"=",
        b",",
        b"|",
        b"(",
        b")",
        b"if ",
        b"else ",
        b"{{else}}",
        b"{{end}}",
        b"with ",
        b"range ",
        b"break",
        b"continue",
        b"define ",
        b"template ",
        b"block ",
        b"\"n\"",
        b"`n`",
        b"\"",
        b"`",
        b"'a'",
        b"'\\x",
        b"1",
        b"0x1p",
        b"1e9",
        b"1_0",
        b"+",
        b"i",
        b"true",
        b"nil",
        b"len",
        b"nosuch",
        b"\xff",
        b"\xe2\x82",
        b"\xc3\xa9",
        b"text",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(PIECES).prop_map(<[u8]>::to_vec),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn delimiters() -> impl Strategy<Value = Delimiters> {
    let one = prop_oneof![Just(String::new()), "[<{(\\- \n/*a]{1,2}", ".{1,2}"];
    let both = (one.clone(), one).prop_map(|(left, right)| Delimiters { left, right });
    prop_oneof![4 => Just(Delimiters::default()), 1 => both]
}

fn operand() -> BoxedStrategy<String> {
    let leaf = prop_oneof![
        proptest::sample::select(vec![
            ".",
            "$",
            "$v",
            ".x",
            ".x.y",
            "$v.x.y",
            "len",
            "print",
            "true",
            "nil",
            "12",
            "-0x1F",
            "1_0.5e3",
            "'\\''",
            "\"a\\\"\\x00\"",
            "`{{ }}`",
            "len.x",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        (pipe_of(inner), proptest::sample::select(vec!["", ".a", ".a.b"]))
            .prop_map(|(pipe, fields)| format!("( {pipe} ){fields}"))
    })
    .boxed()
}

fn pipe_of(operand: impl Strategy<Value = String> + Clone + 'static) -> BoxedStrategy<String> {
    let first = vec(operand.clone(), 1..4).prop_map(|operands| operands.join("  "));
    let more =
        vec(operand, 0..3).prop_map(|operands| [vec!["len".into()], operands].concat().join(" "));
    (first, vec(more, 0..3))
        .prop_map(|(first, more)| [vec![first], more].concat().join("|"))
        .boxed()
}

/// A valid list of nodes, in which `$v` is in scope.
fn list() -> BoxedStrategy<String> {
    let pipe = || pipe_of(operand());
    let leaf = prop_oneof![
        "[a-z} \n\u{e9}]{1,6}",
        pipe().prop_map(|pipe| format!("{{{{ {pipe} }}}}")),
        pipe().prop_map(|pipe| format!("{{{{$v := {pipe}}}}}")),
        pipe().prop_map(|pipe| format!("{{{{ $v = {pipe}}}}}")),
        pipe().prop_map(|pipe| format!("{{{{template `n\n\"` {pipe}}}}}")),
        Just("{{template \"\\xff\"}}".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let list = vec(inner, 0..4).prop_map(|nodes| nodes.concat());
        (pipe_of(operand()), list.clone(), list, 0..9).prop_map(|(pipe, a, b, form)| match form {
            0 => format!("{{{{if {pipe}}}}}{a}{{{{end}}}}"),
            1 => format!("{{{{if {pipe}}}}}{a}{{{{else}}}}{b}{{{{end}}}}"),
            2 => format!("{{{{if {pipe}}}}}{a}{{{{else if .}}}}{b}{{{{else}}}}{{{{end}}}}"),
            3 => format!("{{{{with {pipe}}}}}{a}{{{{else with .}}}}{b}{{{{end}}}}"),
            4 => format!("{{{{with $w := {pipe}}}}}{a}{{{{else}}}}{{{{$w}}}}{b}{{{{end}}}}"),
            5 => format!("{{{{range {pipe}}}}}{a}{{{{break}}}}{{{{else}}}}{b}{{{{end}}}}"),
            6 => format!("{{{{range $i := {pipe}}}}}{a}{{{{continue}}}}{b}{{{{end}}}}"),
            7 => format!("{{{{range $i , $v = {pipe}}}}}{a}{b}{{{{end}}}}"),
            _ => format!("{{{{range $i,$e := {pipe}}}}}{a}{{{{$e}}}}{b}{{{{end}}}}"),
        })
    })
    .boxed()
}

/// A tree without the places of its nodes.
fn shape(root: &[Node]) -> String {
    let debug = format!("{root:?}");
    let mut parts = debug.split("pos: ");
    let mut shape = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        shape.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    shape
}

proptest! {
    #[test]
    fn no_text_panics(
        text in prop_oneof![pieces(), vec(any::<u8>(), 0..60)],
        delimiters in delimiters(),
        secret_text: bool,
    ) {
        let options = Options { delimiters, secret_text, ..Options::default() };
        match parse("t", &text, &options) {
            Ok(trees) => prop_assert!(trees.contains_key(&b"t"[..])),
            Err(error) => {
                let message = error.message.reveal();
                let start = format!("template: t:{}: ", error.line);
                prop_assert!(message.starts_with(start.as_bytes()), "{error}");
                prop_assert!(error.line >= 1 && error.line <= 1 + crate::lex::newlines(&text));
            }
        }
    }

    #[test]
    fn what_a_tree_prints_is_that_tree(list in vec(list(), 1..4)) {
        let text = format!("{{{{$v := .}}}}{}", list.concat());
        let first = trees(text.as_bytes());
        let root = &first[&b"t"[..]].root;
        let second = trees(&root.source());
        prop_assert_eq!(shape(root), shape(&second[&b"t"[..]].root));
    }
}
