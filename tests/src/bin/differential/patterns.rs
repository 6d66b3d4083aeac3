//! Regular expressions in Go's dialect, with subjects that have a chance to match.

use super::random::{Random, damage};
use super::{Case, put};

/// A case of mode `regexp`.
pub(crate) fn case(random: &mut Random) -> Case {
    let mut case = Case::new();
    let op = random.pick(&[
        "find",
        "find",
        "find_all",
        "replace",
        "replace",
        "replace_literal",
        "split",
        "match",
        "compile",
        "quote_meta",
    ]);
    put(&mut case, "op", op.as_bytes());
    let mut pattern = alternatives(random, 3).into_bytes();
    if random.chance(12) {
        pattern = damage(random, &pattern, b"()[]{}*+?|\\^$.-:<>P=!ia0,pL\xff\xc3");
    }
    put(&mut case, "pattern", &pattern);
    put(&mut case, "subject", &subject(random));
    if random.chance(40) {
        let n = i64::try_from(random.below(6)).unwrap_or_default() - 2;
        case.insert("n".to_owned(), n.into());
    }
    if op.starts_with("replace") {
        let pieces = (0..random.below(5))
            .map(|_| {
                random.pick(&[
                    "x", "$1", "${1}", "$0", "$name", "${name}", "$1x", "${1}x", "$$", "$", "${",
                    "${}", "$-", "$9", "\\1", "é", "$é", "${ 1}", "_", "$01", "$1_",
                ])
            })
            .collect::<Vec<_>>();
        put(&mut case, "replacement", pieces.concat().as_bytes());
    }
    case
}

fn subject(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.below(12) {
        let piece: &[u8] = match random.below(24) {
            0 => "é".as_bytes(),
            1 => "K".as_bytes(),
            2 => "ſ".as_bytes(),
            3 => b"\xff",
            4 => b"\xe2\x82",
            5 => "漢".as_bytes(),
            6 => b"\n",
            7 => b" ",
            8 => b"-",
            9 => b"_",
            10 => b"$",
            11 => b"AB",
            12 => b"K",
            13 => b"09",
            14 => b".",
            15 => b"bc",
            _ => b"a",
        };
        bytes.extend_from_slice(piece);
    }
    bytes
}

fn alternatives(random: &mut Random, depth: usize) -> String {
    let branches = if random.chance(20) { random.between(2, 3) } else { 1 };
    (0..branches).map(|_| sequence(random, depth)).collect::<Vec<_>>().join("|")
}

fn sequence(random: &mut Random, depth: usize) -> String {
    let mut text = String::new();
    for _ in 0..random.below(4) {
        text.push_str(&atom(random, depth));
        if random.chance(35) {
            text.push_str(random.pick(&[
                "*", "+", "?", "*?", "+?", "??", "{2}", "{0,1}", "{1,}", "{0}", "{2,3}?", "{,2}",
                "{2,1}", "**", "+*", "{1,40}",
            ]));
        }
    }
    text
}

fn atom(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 12 } else { 16 }) {
        0..=4 => random
            .pick(&["a", "b", "c", "A", "B", "k", "s", "-", "_", " ", "é", "漢", "0"])
            .to_owned(),
        5 => ".".to_owned(),
        6 => random.pick(&["^", "$", "\\A", "\\z", "\\b", "\\B", "\\Z"]).to_owned(),
        7 => random
            .pick(&[
                "\\d",
                "\\D",
                "\\w",
                "\\W",
                "\\s",
                "\\S",
                "\\pL",
                "\\p{Lu}",
                "\\P{Greek}",
                "\\p{^L}",
                "\\pN",
                "\\p{Han}",
                "\\p{Nope}",
                "\\C",
                "\\X",
                "\\R",
                "\\h",
            ])
            .to_owned(),
        8 => random
            .pick(&[
                "\\.",
                "\\n",
                "\\t",
                "\\x41",
                "\\x{e9}",
                "\\101",
                "\\0",
                "\\1",
                "\\Qa.b\\E",
                "\\Q",
                "\\E",
                "\\/",
                "\\-",
                "\\_",
                "\\é",
                "\\a",
                "\\f",
                "\\v",
                "\\x{110000}",
                "\\x4",
            ])
            .to_owned(),
        9..=11 => class(random),
        _ => {
            let head = random.pick(&[
                "(",
                "(",
                "(",
                "(?:",
                "(?P<name>",
                "(?<name>",
                "(?i:",
                "(?s:",
                "(?m:",
                "(?U:",
                "(?i)(",
                "(?-i:",
                "(?im-s:",
                "(?P<n1>",
                "(?=",
                "(?!",
                "(?<=",
                "(?>",
                "(?#",
                "(?P=name",
            ]);
            format!("{head}{})", alternatives(random, depth - 1))
        }
    }
}

fn class(random: &mut Random) -> String {
    let mut text = String::from("[");
    if random.chance(25) {
        text.push('^');
    }
    for _ in 0..random.between(1, 3) {
        text.push_str(random.pick(&[
            "a",
            "b-d",
            "A-Z",
            "0-9",
            "é",
            "\\d",
            "\\w",
            "\\s",
            "\\S",
            "[:alpha:]",
            "[:^digit:]",
            "[:space:]",
            "[:nope:]",
            "\\pL",
            "\\p{Lu}",
            "-",
            "]",
            "\\]",
            "\\-",
            "K",
            "k",
            "s",
            "z-a",
            "\\x00-\\x{10FFFF}",
            ".",
            "^",
            "_",
            "\\n",
            "&&",
            "~~",
            "[",
            "\\b",
            "漢-龠",
        ]));
    }
    text.push(']');
    text
}
