//! Made-up templates: what people could have written in the part of JavaScript that a translation
//! exists for, and now and then a little beyond.
//!
//! Nothing here may loop, change what is global, or reach outside: the oracle runs it.

use std::fmt::Write as _;

use serde_json::Value;

use crate::oracle::Line;
use crate::random::Random;

/// The seed and the number of the cases whose answers are committed.
const COMMITTED: (u64, usize) = (6, 400);

/// The cases whose answers are committed.
pub fn committed() -> Vec<Line> {
    let (seed, count) = COMMITTED;
    let mut random = Random::new(seed);
    let mut cases: Vec<Line> = Vec::with_capacity(count);
    while cases.len() < count {
        let case = case(&mut random);
        // A small template comes up more than once.
        if !cases.contains(&case) {
            cases.push(case);
        }
    }
    cases
}

/// One made-up case, on all data sets.
pub fn case(random: &mut Random) -> Line {
    let mut writer = Writer { random, variables: Vec::new(), depth: 0 };
    let template = writer.template();
    Line::from_iter([("template".to_owned(), Value::String(template))])
}

/// What a variable holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    Text,
    Json,
    List,
}

struct Writer<'a> {
    random: &'a mut Random,
    /// The variables in scope.
    variables: Vec<(String, Holds)>,
    depth: usize,
}

const KEYS: &[&str] =
    &["x", "y", "z", "user", "password", "host", "port", "name", "empty", "flag", "n", "extra"];
const QUOTED_KEYS: &[&str] = &["db-pass", "a.b", "x", "none"];
const MEMBERS: &[&str] = &[
    "a",
    "b",
    "port",
    "name",
    "flag",
    "nil",
    "n",
    "on",
    "obj.k",
    "obj.d.e",
    "arr[0]",
    "arr[1]",
    "gone",
    "[\"x-y\"]",
];
const CREDS: &[&str] = &["username", "password", "host", "port", "dbname", "engine"];
const WORDS: &[&str] =
    &["a", "-", "x", " ", "true", "0", "hello", "=", ":", "/", "", "l", "\\n", "&", "$1"];
const TEXTS: &[&str] = &[
    "url=",
    "\n",
    " ",
    "://",
    "@",
    ":",
    "/db",
    "{\"a\": \"",
    "\"}",
    "{{ .x }}",
    "key: ",
    "'",
    "\\",
    "$",
    "#",
    "é",
    "\t",
    "<",
    ">",
    "}}",
];

impl Writer<'_> {
    fn template(&mut self) -> String {
        let mut text = String::new();
        for _ in 0..self.random.between(1, 5) {
            self.part(&mut text);
        }
        text
    }

    fn part(&mut self, out: &mut String) {
        self.depth += 1;
        match self.random.below(if self.depth > 3 { 8 } else { 13 }) {
            0..=2 => out.push_str(self.random.pick(TEXTS)),
            3..=5 => {
                let printed = self.printed();
                let (before, after) = *self.random.pick(&[&(" ", " "), &("", ""), &("\n  ", "\n")]);
                let _ = write!(out, "<%={before}{printed}{after}%>");
            }
            6 => {
                let printed = self.text();
                // A brace would end it.
                if !printed.contains(['}', '`']) {
                    let _ = write!(out, "${{{printed}}}");
                }
            }
            7 => {
                let printed = self.printed();
                let _ = write!(out, "<%- {printed} %>");
            }
            8 => self.declaration(out),
            9 | 10 => self.condition(out),
            _ => self.repetition(out),
        }
        self.depth -= 1;
    }

    fn block(&mut self, out: &mut String) {
        let known = self.variables.len();
        for _ in 0..self.random.between(1, 3) {
            self.part(out);
        }
        self.variables.truncate(known);
    }

    fn fresh(&mut self, holds: Holds) -> String {
        let name = format!("v{}", self.variables.len());
        self.variables.push((name.clone(), holds));
        name
    }

    fn declaration(&mut self, out: &mut String) {
        let keyword = *self.random.pick(&[&"let", &"const", &"var"]);
        let (value, holds) = match self.random.below(3) {
            0 => (self.text(), Holds::Text),
            1 => (self.json(), Holds::Json),
            _ => (self.list(), Holds::List),
        };
        let name = self.fresh(holds);
        let end = *self.random.pick(&[&"", &";"]);
        let _ = write!(out, "<% {keyword} {name} = {value}{end} %>");
    }

    fn condition(&mut self, out: &mut String) {
        let condition = self.truth();
        let _ = write!(out, "<% if ({condition}) {{ %>");
        self.block(out);
        if self.random.chance(20) {
            let other = self.truth();
            let _ = write!(out, "<% }} else if ({other}) {{ %>");
            self.block(out);
        }
        if self.random.chance(60) {
            out.push_str("<% } else { %>");
            self.block(out);
        }
        out.push_str("<% } %>");
    }

    fn repetition(&mut self, out: &mut String) {
        let known = self.variables.len();
        let list = self.list();
        let end = match self.random.below(4) {
            0 => {
                let (item, index) = (self.fresh(Holds::Json), self.fresh(Holds::Text));
                let _ = write!(out, "<% {list}.forEach(({item}, {index}) => {{ %>");
                "<% }) %>"
            }
            1 => {
                let item = self.fresh(Holds::Json);
                let _ = write!(out, "<% {list}.forEach(function ({item}) {{ %>");
                "<% }); %>"
            }
            2 => {
                let item = self.fresh(Holds::Json);
                let _ = write!(out, "<% for (const {item} of {list}) {{ %>");
                "<% } %>"
            }
            _ => {
                let (key, value) = (self.fresh(Holds::Text), self.fresh(Holds::Json));
                let object = *self.random.pick(&[&"JSON.parse(data.creds)", &"JSON.parse(data.s)"]);
                let _ =
                    write!(out, "<% Object.entries({object}).forEach(([{key}, {value}]) => {{ %>");
                "<% }) %>"
            }
        };
        self.block(out);
        out.push_str(end);
        self.variables.truncate(known);
    }

    fn variable(&mut self, holds: Holds) -> Option<String> {
        let fitting: Vec<_> = self.variables.iter().filter(|(_, kind)| *kind == holds).collect();
        let at = self.random.below(fitting.len());
        fitting.get(at).map(|(name, _)| name.clone())
    }

    fn printed(&mut self) -> String {
        match self.random.below(10) {
            0..=5 => self.text(),
            6..=8 => self.json(),
            _ => self.number(),
        }
    }

    /// A text in quotes.
    fn word(&mut self) -> String {
        let word = self.random.pick(WORDS);
        let quote = self.random.pick(&["'", "\""]);
        format!("{quote}{word}{quote}")
    }

    fn value(&mut self) -> String {
        if self.random.chance(75) {
            format!("data.{}", self.random.pick(KEYS))
        } else {
            let quote = self.random.pick(&["'", "\""]);
            format!("data[{quote}{}{quote}]", self.random.pick(QUOTED_KEYS))
        }
    }

    /// An expression that is text on most data.
    fn text(&mut self) -> String {
        self.depth += 1;
        let text = if self.depth > 5 {
            self.value()
        } else {
            match self.random.below(26) {
                0..=7 => self.value(),
                8 => self.word(),
                9 | 10 => self.variable(Holds::Text).unwrap_or_else(|| self.value()),
                11 | 12 => {
                    let (left, right) = (self.text(), self.text());
                    format!("{left} + {right}")
                }
                13 | 14 => self.method(),
                15 => {
                    let (left, right) = (self.simple(), self.simple());
                    format!("({left} || {right})")
                }
                16 => {
                    let (condition, then, other) = (self.truth(), self.text(), self.text());
                    format!("({condition} ? {then} : {other})")
                }
                17 | 18 => {
                    let text = self.text();
                    let name = self.random.pick(&["\"base64\"", "'base64'", "\"Base64\"", "'hex'"]);
                    format!("Buffer.from({text}).toString({name})")
                }
                19 => "Buffer.from(data.b64, 'base64').toString()".to_owned(),
                20 => {
                    let text = self.text();
                    format!("encodeURIComponent({text})")
                }
                21 => {
                    let json = self.json();
                    format!("JSON.stringify({json})")
                }
                22 => {
                    let (first, second) = (self.text(), self.json());
                    let key = self.random.pick(&["a", "\"b-c\"", "auths", "'k'"]);
                    format!("JSON.stringify({{{key}: {first}, other: {second}}})")
                }
                23 => {
                    let (list, word) = (self.list(), self.word());
                    format!("{list}.join({word})")
                }
                24 => {
                    let list = self.list();
                    format!("{list}.map(e => e + '!').join(',')")
                }
                _ => {
                    let text = self.simple();
                    format!("`<${{{text}}}>`")
                }
            }
        };
        self.depth -= 1;
        text
    }

    /// A text that needs no parentheses before a method.
    fn simple(&mut self) -> String {
        match self.random.below(6) {
            0 => self.word(),
            1 => self.variable(Holds::Text).unwrap_or_else(|| self.value()),
            _ => self.value(),
        }
    }

    fn method(&mut self) -> String {
        let on = self.simple();
        let (word, other) = (self.word(), self.word());
        let (from, to) = (self.random.below(4), self.random.below(8));
        let call = match self.random.below(16) {
            0 => "toUpperCase()".to_owned(),
            1 => "toLowerCase()".to_owned(),
            2 => "trim()".to_owned(),
            3 => format!("replace({word}, {other})"),
            4 => format!(
                "replace(/{}/g, {other})",
                self.random.pick(&["a", " ", "[a-c]+", "\\n", "\\s+$", "(l)(l)"])
            ),
            5 => format!("split({word})[{from}]"),
            6 => format!("split({word}).pop()"),
            7 => format!("split({word}).join({other})"),
            8 => format!("substring({from}, {to})"),
            9 => format!("slice({from})"),
            10 => format!("slice(-{})", from + 1),
            11 => format!("substr({from}, {to})"),
            12 => format!("charAt({from})"),
            13 => format!("padStart({to}, '0')"),
            14 => format!("repeat({from})"),
            _ => "toString()".to_owned(),
        };
        format!("{on}.{call}")
    }

    /// An expression of any type, out of JSON.
    fn json(&mut self) -> String {
        if self.random.chance(30)
            && let Some(variable) = self.variable(Holds::Json)
        {
            return variable;
        }
        if self.random.chance(30) {
            return format!("JSON.parse(data.creds).{}", self.random.pick(CREDS));
        }
        let member = self.random.pick(MEMBERS);
        let dot = if member.starts_with('[') { "" } else { "." };
        match self.random.below(10) {
            0 => "JSON.parse(data.s)".to_owned(),
            1 => format!(
                "JSON.parse(data.s)?.{}",
                self.random.pick(&["obj?.k", "gone?.more", "arr?.[0]"])
            ),
            2 => format!("yaml.load(data.yml).{}", self.random.pick(&["a", "b"])),
            _ => format!("JSON.parse(data.s){dot}{member}"),
        }
    }

    fn list(&mut self) -> String {
        if self.random.chance(30)
            && let Some(variable) = self.variable(Holds::List)
        {
            return variable;
        }
        let lists = [
            "JSON.parse(data.s).arr",
            "JSON.parse(data.s2).arr",
            "JSON.parse(data.arr)",
            "data.list.split(',')",
            "data.z.split(' ')",
            "Object.keys(JSON.parse(data.creds))",
        ];
        let list = self.random.pick(&lists).to_owned();
        match self.random.below(8) {
            0 => format!("{list}.slice(1)"),
            1 => format!("{list}.filter(e => e)"),
            _ => list,
        }
    }

    fn truth(&mut self) -> String {
        self.depth += 1;
        let truth = match self.random.below(if self.depth > 5 { 3 } else { 12 }) {
            0 => self.value(),
            1 => {
                let (text, word) = (self.simple(), self.word());
                let operator = self.random.pick(&["===", "!==", "==", "!="]);
                format!("{text} {operator} {word}")
            }
            2 => {
                let (text, word) = (self.value(), self.word());
                let method = self.random.pick(&["includes", "startsWith", "endsWith"]);
                format!("{text}.{method}({word})")
            }
            3 => self.json(),
            4 => {
                let truth = self.truth();
                format!("!({truth})")
            }
            5 => {
                let (left, right) = (self.truth(), self.truth());
                let operator = self.random.pick(&["&&", "||"]);
                format!("({left}) {operator} ({right})")
            }
            6 => {
                let number = self.number();
                let operator = self.random.pick(&["<", ">", "<=", ">=", "==="]);
                format!("{number} {operator} {}", self.random.below(12))
            }
            7 => {
                let (json, word) = (self.json(), self.word());
                format!("{json} === {word}")
            }
            8 => format!("typeof {} === 'string'", self.json()),
            9 => format!(
                "JSON.parse(data.s).flag === {}",
                self.random.pick(&["true", "false", "null"])
            ),
            _ => self.simple(),
        };
        self.depth -= 1;
        truth
    }

    fn number(&mut self) -> String {
        match self.random.below(5) {
            0 => format!("{}.length", self.simple()),
            1 => format!("parseInt({}, 10)", self.value()),
            2 => format!("Number({})", self.value()),
            3 => format!("{}.length", self.list()),
            _ => self.random.below(2000).to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_committed_cases_are_the_same_every_time_and_all_different() {
        let cases = committed();
        assert_eq!(cases.len(), COMMITTED.1);
        assert_eq!(cases, committed());
        let texts: BTreeSet<_> = cases.iter().map(|case| case["template"].to_string()).collect();
        assert_eq!(texts.len(), cases.len());
    }
}
