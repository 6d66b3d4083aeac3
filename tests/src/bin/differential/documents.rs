//! JSON and YAML texts, right and not quite right.

use std::fmt::Write as _;

use super::random::{Random, damage};
use super::{Case, put};

const KEYS: &[&str] = &[
    "a",
    "b",
    "user",
    "password",
    "a.b",
    "x y",
    "",
    "é",
    "0",
    "1",
    "key*",
    "k?",
    "#",
    "@this",
    "a|b",
    "\\u0061",
    "\\\"q\\\"",
    "host",
    "list",
    "name",
    "first",
    "last",
    "age",
    "<&>",
];

const STRINGS: &[&str] = &[
    "",
    "x",
    "hello",
    "a b",
    "é",
    "\\u00e9",
    "\\ud83d\\ude00",
    "\\ud800",
    "\\n\\t",
    "\\\"q\\\"",
    "\\\\",
    "\\/",
    "<&>",
    "\u{2028}",
    "😀",
    "123",
    "true",
    "null",
    "{\\\"a\\\":1}",
    "aGVsbG8=",
    "\\u0000",
    "-----BEGIN",
    "a.b*c",
    "Murphy",
    "Dale",
];

const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "1",
    "-1",
    "42",
    "3.14",
    "1.0",
    "1e3",
    "1E+2",
    "1e-7",
    "1e21",
    "1e20",
    "123456789012345678",
    "12345678901234567890",
    "0.1",
    "1.7976931348623157e308",
    "1e400",
    "5e-324",
    "100000000000000000000000",
    "-12.50",
    "9007199254740993",
    "01",
    "1.",
    ".5",
    "+1",
    "-",
    "1e",
    "0x10",
];

/// A JSON text; one of eight is damaged.
pub(crate) fn json(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    value(random, &mut text, 3);
    if random.chance(12) {
        return damage(random, text.as_bytes(), b"{}[]\",:\\ \n0eu-t\xff\xc3");
    }
    text.into_bytes()
}

fn space(random: &mut Random, text: &mut String) {
    if random.chance(12) {
        text.push_str(random.pick(&[" ", "\n", "\t", "\r\n", "  "]));
    }
}

fn value(random: &mut Random, text: &mut String, depth: usize) {
    space(random, text);
    match random.below(if depth == 0 { 6 } else { 12 }) {
        0 | 1 => {
            // Most of them are numbers; the last ones of the list are not.
            let most = if random.chance(4) { NUMBERS.len() } else { NUMBERS.len() - 7 };
            text.push_str(NUMBERS[random.below(most)]);
        }
        2 => text.push_str(random.pick(&["true", "false", "null"])),
        3..=5 => string(random, text, STRINGS),
        6..=9 => {
            text.push('{');
            for number in 0..random.below(4) {
                if number > 0 {
                    text.push(',');
                }
                space(random, text);
                string(random, text, KEYS);
                space(random, text);
                text.push(':');
                value(random, text, depth - 1);
            }
            space(random, text);
            text.push('}');
        }
        _ => {
            text.push('[');
            let objects = random.chance(40);
            for number in 0..random.below(4) {
                if number > 0 {
                    text.push(',');
                }
                if objects {
                    let _ = write!(text, "{{\"first\":");
                    string(random, text, STRINGS);
                    let _ = write!(text, ",\"age\":{}}}", random.below(80));
                } else {
                    value(random, text, depth - 1);
                }
            }
            text.push(']');
        }
    }
    space(random, text);
}

fn string(random: &mut Random, text: &mut String, choices: &[&str]) {
    text.push('"');
    text.push_str(random.pick(choices));
    text.push('"');
}

/// A case of mode `json`.
pub(crate) fn json_case(random: &mut Random) -> Case {
    let mut case = Case::new();
    let op = random.pick(&["decode_encode", "pretty", "raw", "members", "members", "string"]);
    put(&mut case, "op", op.as_bytes());
    let mut text = json(random);
    if op == "string" && random.chance(80) {
        let mut string_text = String::new();
        string(random, &mut string_text, STRINGS);
        text = string_text.into_bytes();
        if random.chance(25) {
            text = damage(random, &text, b"\"\\u00dD8bfnrt/\n\x01\xff\xe2\x80");
        }
    }
    put(&mut case, "json", &text);
    case
}

const SCALARS: &[&str] = &[
    "x",
    "hello world",
    "1",
    "01",
    "0o17",
    "0x1F",
    "0b11",
    "1_000",
    "1e3",
    "1.5",
    "-.5",
    ".inf",
    "-.Inf",
    ".nan",
    "~",
    "null",
    "NULL",
    "true",
    "yes",
    "No",
    "on",
    "off",
    "y",
    "n",
    "Y",
    "2024-01-02",
    "2024-01-02T03:04:05Z",
    "12:30:45",
    "1:30",
    "''",
    "'it''s'",
    "\"a\\tb\\u00e9\\x41\"",
    "\"\"",
    "\"a\\\n  b\"",
    "a: b",
    "a #c",
    "a#c",
    "#c",
    "- a",
    "-",
    "?",
    ":",
    "a:",
    ":a",
    "*a",
    "&a x",
    "!x y",
    "!!str 1",
    "!!int \"3\"",
    "!!binary aGk=",
    "!!float 1",
    "%x",
    "@x",
    "`x`",
    "{",
    "}",
    "[",
    "]",
    ",",
    "a,b",
    "|",
    ">",
    "é",
    "😀",
    "a\u{a0}b",
    "<<",
    "=",
    "+1",
    "1.",
    "1e",
    "0.1e-5",
    "1e400",
    "9223372036854775808",
    "18446744073709551616",
    "-9223372036854775809",
    "\"\\ud83d\\ude00\"",
    "\"\\xzz\"",
    "'open",
    "\"open",
];

/// A YAML text; one of ten is damaged.
pub(crate) fn yaml(random: &mut Random) -> Vec<u8> {
    let mut text = String::new();
    if random.chance(8) {
        text.push_str(random.pick(&["---\n", "%YAML 1.1\n---\n", "# c\n", "\u{feff}", "--- "]));
    }
    block(random, &mut text, 0, 3);
    if random.chance(5) {
        text.push_str(random.pick(&["...\n", "---\nb: 1\n", "# end"]));
    }
    if random.chance(10) {
        return damage(random, text.as_bytes(), b" \n:-#'\"{}[],&*!|>%\t\\?~\xff\x00");
    }
    text.into_bytes()
}

fn key(random: &mut Random) -> String {
    match random.below(12) {
        0 => random.pick(SCALARS).to_owned(),
        1 => random.pick(&["\"q\"", "'s'", "? x", "<<", "1", "true", "null", "1.5"]).to_owned(),
        _ => random.pick(&["a", "b", "c", "key", "db-host", "x.y", "K_1", "é"]).to_owned(),
    }
}

fn scalar(random: &mut Random) -> String {
    if random.chance(50) {
        random.pick(&["x", "1", "hello world", "true", "p@ss", "'q'", "\"d\""]).to_owned()
    } else {
        random.pick(SCALARS).to_owned()
    }
}

fn flow(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 1 } else { 4 }) {
        1 => {
            let items: Vec<_> = (0..random.below(4)).map(|_| flow(random, depth - 1)).collect();
            format!("[{}]", items.join(random.pick(&[", ", ",", " , "])))
        }
        2 => {
            let items: Vec<_> = (0..random.below(3))
                .map(|_| format!("{}: {}", key(random), flow(random, depth - 1)))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        _ => scalar(random),
    }
}

fn block(random: &mut Random, text: &mut String, indent: usize, depth: usize) {
    let sequence = random.chance(30);
    for _ in 0..random.between(1, 3) {
        text.push_str(&" ".repeat(indent));
        if sequence {
            text.push_str("- ");
        } else {
            let key = key(random);
            let _ = write!(text, "{key}: ");
        }
        if random.chance(4) {
            text.push_str(random.pick(&["&x ", "!!str ", "!!map ", "!t ", "&y "]));
        }
        match random.below(if depth == 0 { 6 } else { 9 }) {
            0..=2 => {
                let _ = writeln!(text, "{}", scalar(random));
            }
            3 => {
                let _ = writeln!(text, "{}", flow(random, 2));
            }
            4 => {
                let head = random.pick(&["|", ">", "|-", ">-", "|+", ">+", "|2", "|1-", "> # c"]);
                let _ = writeln!(text, "{head}");
                for _ in 0..random.below(4) {
                    let deeper = random.pick(&["  ", "  ", "   ", "\t"]);
                    let words = random.pick(&["line", "more text", "", "# no", "  in", "a: b"]);
                    let _ = writeln!(text, "{}{deeper}{words}", " ".repeat(indent));
                }
            }
            5 => text.push_str(random.pick(&["\n", "*x\n", "# c\n", "\n\n", "x\n  y\n"])),
            _ => {
                text.push('\n');
                let deeper = indent + random.between(1, 3);
                block(random, text, deeper, depth - 1);
            }
        }
    }
}

/// A case of mode `yaml`.
pub(crate) fn yaml_case(random: &mut Random) -> Case {
    let mut case = Case::new();
    let op =
        random.pick(&["read", "read_map", "read_map", "read_strings", "read_strings", "write"]);
    put(&mut case, "op", op.as_bytes());
    if op == "write" {
        // The value itself has to be right.
        let mut text = String::new();
        value(random, &mut text, 3);
        let right = serde_json::from_str::<serde_json::Value>(&text).is_ok();
        put(&mut case, "json", if right { text.as_bytes() } else { b"[]" });
    } else {
        put(&mut case, "yaml", &yaml(random));
    }
    case
}
