//! Templates: every action, every function that gives the same result twice, odd arguments.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::oracle::{self, Mode};

use super::documents;
use super::random::{Random, damage};
use super::{Case, put};

use functions::Kind::{self, Any, Bool, Date, Dict, Float, Int, List, Pem, Small, Text, Version};
use functions::{FUNCTIONS, OFTEN_FAIL};
use texts::TEXTS;

mod functions;
mod texts;

const FIELDS: &[&str] = &["a", "b", "c", "d", "json", "num", "pem", "raw"];

/// Certificates, keys and stores: the values of the corpus that cannot be anything else.
fn certificates() -> &'static [Vec<u8>] {
    static ALL: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ALL.get_or_init(|| {
        let files = oracle::files("corpus", Mode::Template).unwrap_or_default();
        let lines = files.iter().flat_map(|file| oracle::read(file).unwrap_or_default());
        let mut all = BTreeSet::new();
        for line in lines {
            let plain = line.get("data").and_then(|data| data.as_object()).into_iter().flatten();
            all.extend(plain.filter_map(|(_, value)| {
                let text = value.as_str()?;
                let is_one = text.contains("-----BEGIN ") || text.contains("\"kty\"");
                is_one.then(|| text.as_bytes().to_vec())
            }));
            let encoded = line.get("data_base64").and_then(|data| data.as_object());
            all.extend(encoded.into_iter().flatten().filter_map(|(_, value)| {
                let bytes = STANDARD.decode(value.as_str()?).ok()?;
                // A sequence with a long length: a store.
                bytes.starts_with(&[0x30, 0x82]).then_some(bytes)
            }));
        }
        all.into_iter().collect()
    })
}

fn certificate(random: &mut Random) -> Vec<u8> {
    let all = certificates();
    let mut text = all.get(random.below(all.len())).cloned().unwrap_or_default();
    if random.chance(20) {
        text.extend(all.get(random.below(all.len())).into_iter().flatten());
    }
    if random.chance(20) {
        text = damage(random, &text, b"-\n AZaz09+/=B\xff\x30\x00");
    }
    text
}

struct Writer<'a> {
    random: &'a mut Random,
    /// Variables in scope.
    variables: Vec<(String, Kind)>,
    /// Templates that are defined; only the earlier ones may be called, so that no one calls itself.
    defined: usize,
    in_range: usize,
    made: usize,
    /// Only what has a chance to work: most other templates end at their first mistake.
    calm: bool,
    /// No variables and no dot: a dictionary must not get into itself, which ends a Go program.
    closed: bool,
}

/// A case of mode `template`.
pub(crate) fn case(random: &mut Random) -> Case {
    let mut case = Case::new();
    let calm = random.chance(60);
    let mut writer = Writer {
        random,
        variables: Vec::new(),
        defined: 0,
        in_range: 0,
        made: 0,
        calm,
        closed: false,
    };
    let mut template = writer.whole();
    if !calm && random.chance(25) {
        let alphabet = b"{}()|.$\"'`:=,-/* \n_aZ09\\%i\xc3\xff";
        template = damage(random, &template, alphabet);
    }
    put(&mut case, "template", &template);
    for field in FIELDS {
        if calm || random.chance(92) {
            let value = match *field {
                "json" => documents::json(random),
                "num" => number(random).into_bytes(),
                "pem" => certificate(random),
                "raw" => (0..random.below(6)).map(|_| random.next().to_le_bytes()[0]).collect(),
                _ => random.pick(TEXTS).as_bytes().to_vec(),
            };
            let sibling = if str::from_utf8(&value).is_ok() { "data" } else { "data_base64" };
            let data = case.entry(sibling).or_insert_with(|| Case::new().into());
            if let Some(data) = data.as_object_mut() {
                let mut entry = Case::new();
                put(&mut entry, "x", &value);
                let shown = entry.into_iter().next().map(|(_, value)| value);
                data.insert((*field).to_owned(), shown.unwrap_or_default());
            }
        }
    }
    if random.chance(15) {
        put(&mut case, "missing_key", b"default");
    }
    case
}

fn number(random: &mut Random) -> String {
    match random.below(8) {
        0 => random.next().cast_signed().to_string(),
        1 => format!("{}.{}", random.below(1000), random.below(10000)),
        2 => format!("{}e{}", random.below(100), random.between(0, 25)),
        3 => format!("-{}", random.below(500)),
        4 => "9223372036854775807".to_owned(),
        _ => random.below(30).to_string(),
    }
}

/// A Go string literal.
fn quoted(random: &mut Random, text: &str) -> String {
    if !text.contains(['`', '\r']) && random.chance(20) {
        return format!("`{text}`");
    }
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                quoted.push('\\');
                quoted.push(character);
            }
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            _ if !character.is_ascii() && random.chance(20) => {
                let _ = write!(quoted, "\\U{:08x}", u32::from(character));
            }
            _ => quoted.push(character),
        }
    }
    if random.chance(3) {
        quoted.push_str("\\xff");
    }
    quoted.push('"');
    quoted
}

impl Writer<'_> {
    fn whole(&mut self) -> Vec<u8> {
        let mut text = String::new();
        for number in 0..self.random.below(3) {
            if self.random.chance(70) {
                continue;
            }
            let body = self.nodes(2);
            let _ = write!(text, "{{{{ define \"t{number}\" }}}}{body}{{{{ end }}}}");
            self.defined = number + 1;
            self.variables.clear();
        }
        let nodes = self.nodes(3);
        text.push_str(&nodes);
        text.into_bytes()
    }

    fn nodes(&mut self, depth: usize) -> String {
        let variables = self.variables.len();
        let mut text = String::new();
        for _ in 0..self.random.between(1, if depth > 2 { 4 } else { 2 }) {
            let node = self.node(depth);
            text.push_str(&node);
        }
        self.variables.truncate(variables);
        text
    }

    /// The two ends of an action, sometimes with trim markers.
    fn action(&mut self, inside: &str) -> String {
        let left = self.random.pick(&["{{ ", "{{", "{{- ", "{{-\n"]);
        let right = self.random.pick(&[" }}", "}}", " -}}", "\t}}"]);
        format!("{left}{inside}{right}")
    }

    fn node(&mut self, depth: usize) -> String {
        self.made += 1;
        if self.made > 60 {
            return String::new();
        }
        // The last ones do not parse everywhere.
        let risky = if self.calm { 0 } else { 2 };
        match self.random.below(if depth == 0 { 9 } else { 16 }) {
            0 => {
                let texts = ["text", " ", "\n", "  a\n", "é\t", "x: ", "}", "{ {"];
                self.random.pick(&texts[..6 + risky]).to_owned()
            }
            1 => {
                let texts = ["{{/* c */}}", "{{- /* c\n */ -}}", "{{ }}", "{{/*a*/ -}}"];
                self.random.pick(&texts[..2 + risky]).to_owned()
            }
            2 => {
                let kind = self.kind();
                let value = self.pipeline(kind, 2);
                let name = format!("$v{}", self.variables.len());
                self.variables.push((name.clone(), kind));
                self.action(&format!("{name} := {value}"))
            }
            3 if !self.variables.is_empty() => {
                let at = self.random.below(self.variables.len());
                let (name, kind) = self.variables[at].clone();
                let value = self.pipeline(kind, 1);
                self.action(&format!("{name} = {value}"))
            }
            3..=8 => {
                let kind = self.kind();
                let value = self.pipeline(kind, 3);
                self.action(&value)
            }
            9 | 10 => self.branch("if", depth),
            11 | 12 => self.branch("with", depth),
            13 | 14 => self.range(depth),
            _ if self.defined > 0 && self.random.chance(80) => {
                let number = self.random.below(self.defined);
                let argument =
                    if self.random.chance(60) { self.operand(Any, 1) } else { String::new() };
                self.action(&format!("template \"t{number}\" {argument}"))
            }
            _ if self.random.chance(30) && self.in_range > 0 => {
                let word = self.random.pick(&["break", "continue"]);
                let value = self.pipeline(Any, 1);
                format!("{{{{ if {value} }}}}{{{{ {word} }}}}{{{{ end }}}}")
            }
            _ => {
                let value = self.operand(Any, 1);
                let body = self.nodes(depth - 1);
                let name = self.made;
                format!("{{{{ block \"b{name}\" {value} }}}}{body}{{{{ end }}}}")
            }
        }
    }

    fn branch(&mut self, word: &str, depth: usize) -> String {
        let variables = self.variables.len();
        let mut value = self.pipeline(Any, 2);
        if self.random.chance(20) {
            let name = format!("$v{}", self.variables.len());
            value = format!("{name} := {value}");
            self.variables.push((name, Any));
        }
        let mut text = self.action(&format!("{word} {value}"));
        text.push_str(&self.nodes(depth - 1));
        if self.random.chance(20) {
            let value = self.pipeline(Any, 1);
            text.push_str(&self.action(&format!("else {word} {value}")));
            text.push_str(&self.nodes(depth - 1));
        }
        if self.random.chance(40) {
            text.push_str(&self.action("else"));
            text.push_str(&self.nodes(depth - 1));
        }
        text.push_str(&self.action("end"));
        self.variables.truncate(variables);
        text
    }

    fn range(&mut self, depth: usize) -> String {
        let variables = self.variables.len();
        // Numbers only as literals: Go counts to whatever an expression says.
        let over = match self.random.below(8) {
            0 => self.small(),
            1 => "$".to_owned(),
            2 | 3 => self.call(Dict, 2),
            4 => self.operand(Text, 0),
            _ => self.call(List, 2),
        };
        let mut head = format!("range {over}");
        let (key, element) = (format!("$v{variables}"), format!("$v{}", variables + 1));
        match self.random.below(3) {
            0 => {
                head = format!("range {key}, {element} := {over}");
                self.variables.push((key, Any));
                self.variables.push((element, Any));
            }
            1 => {
                head = format!("range {key} := {over}");
                self.variables.push((key, Any));
            }
            _ => {}
        }
        let mut text = self.action(&head);
        self.in_range += 1;
        text.push_str(&self.nodes(depth - 1));
        self.in_range -= 1;
        if self.random.chance(25) {
            text.push_str(&self.action("else"));
            text.push_str(&self.nodes(depth - 1));
        }
        text.push_str(&self.action("end"));
        self.variables.truncate(variables);
        text
    }

    fn kind(&mut self) -> Kind {
        let kinds = [Any, Bool, Date, Dict, Float, Int, List, Text, Text, Text, Version];
        kinds[self.random.below(kinds.len())]
    }

    /// A pipeline whose last value is of a kind.
    fn pipeline(&mut self, kind: Kind, depth: usize) -> String {
        if depth > 0 && self.random.chance(35) {
            // The last parameter of the last command takes the value before.
            let last = FUNCTIONS[self.random.below(FUNCTIONS.len())];
            let calm = !self.calm || (last.3 == kind && !OFTEN_FAIL.contains(&last.0));
            if let Some((&piped, others)) = last.1.split_last()
                && piped != Small
                && calm
            {
                let closed = self.closed;
                self.closed |= last.0.contains("erge");
                let before = self.pipeline(piped, depth - 1);
                let mut text = format!("{before} | {}", last.0);
                for &parameter in others {
                    let argument = self.argument(parameter, depth - 1);
                    let _ = write!(text, " {argument}");
                }
                self.closed = closed;
                return text;
            }
        }
        if depth > 0 && self.random.chance(65) {
            return self.command(kind, depth);
        }
        self.operand(kind, depth)
    }

    /// An argument of a function: now and then one too many, or of another kind.
    fn argument(&mut self, kind: Kind, depth: usize) -> String {
        if kind != Small && !self.calm && self.random.chance(10) {
            let other = self.kind();
            return self.operand(other, depth);
        }
        if kind == Small && !self.calm && self.random.chance(3) {
            return self.random.pick(&["\"x\"", "nil", "1.5", "true", "(list)"]).into();
        }
        self.operand(kind, depth)
    }

    fn command(&mut self, kind: Kind, depth: usize) -> String {
        if kind == Text && self.random.chance(15) {
            return self.printf(depth);
        }
        let calm = self.calm;
        let fitting: Vec<_> = FUNCTIONS
            .iter()
            .filter(|function| kind == Any || function.3 == kind)
            .filter(|function| !calm || !OFTEN_FAIL.contains(&function.0))
            .collect();
        if fitting.is_empty() {
            return self.operand(kind, 0);
        }
        let function = *fitting[self.random.below(fitting.len())];
        let closed = self.closed;
        self.closed |= function.0.contains("erge");
        let mut text = function.0.to_owned();
        for &parameter in function.1 {
            if !self.calm && self.random.chance(1) {
                continue;
            }
            let argument = self.argument(parameter, depth.saturating_sub(1));
            let _ = write!(text, " {argument}");
        }
        if let Some(rest) = function.2 {
            for _ in 0..self.random.below(4) {
                let argument = self.argument(rest, depth.saturating_sub(1));
                let _ = write!(text, " {argument}");
            }
        } else if !self.calm && self.random.chance(1) {
            text.push_str(" 1");
        }
        self.closed = closed;
        text
    }

    fn printf(&mut self, depth: usize) -> String {
        let mut format = String::new();
        let mut arguments = String::new();
        for _ in 0..self.random.between(1, 3) {
            format.push_str(self.random.pick(&["", " ", "x=", "é", "%%"]));
            format.push('%');
            for _ in 0..self.random.below(3) {
                format.push_str(self.random.pick(&["", "-", "+", "#", "0", " "]));
            }
            format.push_str(self.random.pick(&["", "", "1", "5", "12", "*", "[1]", "[2]", "[9]"]));
            format.push_str(self.random.pick(&["", "", "", ".2", ".0", ".", ".*", ".10"]));
            let kind = self.kind();
            let verbs = "vvvsssddqxXtTfeEgGcboOU!z%w";
            format.push(char::from(verbs.as_bytes()[self.random.below(verbs.len())]));
            if self.random.chance(95) {
                let argument = self.operand(kind, depth.saturating_sub(1));
                let _ = write!(arguments, " {argument}");
            }
        }
        let format = quoted(self.random, &format);
        format!("printf {format}{arguments}")
    }

    fn call(&mut self, kind: Kind, depth: usize) -> String {
        let command = self.command(kind, depth);
        format!("({command})")
    }

    fn small(&mut self) -> String {
        let small = ["0", "1", "2", "3", "4", "5", "7", "10", "-1", "-3"];
        if self.random.chance(3) { "60".into() } else { self.random.pick(&small).to_owned() }
    }

    /// Something that stands alone: a literal, a field, a variable, or parentheses.
    fn operand(&mut self, kind: Kind, depth: usize) -> String {
        if kind == Small {
            return self.small();
        }
        let fitting: Vec<String> = self
            .variables
            .iter()
            .filter(|variable| !self.closed && (kind == Any || variable.1 == kind))
            .map(|variable| variable.0.clone())
            .collect();
        if !fitting.is_empty() && self.random.chance(25) {
            return fitting[self.random.below(fitting.len())].clone();
        }
        if depth > 0 && self.random.chance(60) {
            let inside = if self.random.chance(20) {
                self.pipeline(kind, depth - 1)
            } else {
                self.command(kind, depth)
            };
            let fields = if self.calm {
                ""
            } else if matches!(kind, Dict | Any) && self.random.chance(20) {
                self.random.pick(&[".a", ".b", ".a.b", ".host", ".missing", "._0", "._1"])
            } else if kind == Date && self.random.chance(10) {
                self.random
                    .pick(&[".Year", ".Unix", ".Weekday", ".YearDay", ".Nope", ".UTC", ".Month"])
            } else if kind == Version && self.random.chance(30) {
                self.random.pick(&[".Major", ".Prerelease", ".Original", ".Nope", ".Metadata"])
            } else {
                ""
            };
            return format!("({inside}){fields}");
        }
        match kind {
            Bool => self.random.pick(&["true", "false"]).to_owned(),
            Int => self.int(),
            Float => self.float(),
            Text => self.text(),
            Date => "(now)".to_owned(),
            Pem => self.random.pick(&[".pem", ".pem", "$.pem", "(.pem | b64enc)", ".a"]).to_owned(),
            Dict => {
                let dicts = [
                    "(dict)",
                    "(dict \"a\" 1)",
                    "(dict \"a\" (dict \"b\" \"x\") \"c\" .b)",
                    "(dict \"host\" .a \"path\" \"/p\" \"scheme\" \"http\")",
                    "(fromJson \"{}\")",
                    "(set (dict \"a\" .a) \"k\" 5)",
                    "(dict \"x\" (list 1 \"y\" nil))",
                ];
                self.random.pick(&dicts).to_owned()
            }
            List => {
                let lists = [
                    "(list)",
                    "(list 1 2 3)",
                    "(list \"b\" \"a\" .a)",
                    "(list nil 0 \"\" false 1.5)",
                    "(until 3)",
                    "(splitList \",\" .b)",
                    "(list (list 1) (dict \"a\" 1))",
                    "(fromJson .json)",
                ];
                self.random.pick(&lists).to_owned()
            }
            Version => "(semver \"1.2.3-beta.2+x\")".to_owned(),
            Any | Small => match self.random.below(9) {
                0 if !self.closed => ".".to_owned(),
                1 if !self.closed => "$".to_owned(),
                2 if !self.calm => "nil".to_owned(),
                3 => self.int(),
                4 => self.float(),
                5 => self.operand(List, 0),
                6 => self.operand(Dict, 0),
                7 => self.operand(Bool, 0),
                _ => self.text(),
            },
        }
    }

    fn int(&mut self) -> String {
        match self.random.below(10) {
            0 => self
                .random
                .pick(&["0x1F", "0b101", "0o17", "1_000", "'a'", "'\\n'", "'é'"])
                .to_owned(),
            1 => self
                .random
                .pick(&["9223372036854775807", "-9223372036854775808", "1000000", "-1"])
                .into(),
            2 => "(len .a)".to_owned(),
            3 => "(int .num)".to_owned(),
            _ => self.random.below(12).to_string(),
        }
    }

    fn float(&mut self) -> String {
        let floats = [
            "0.0",
            "1.0",
            "0.1",
            "2.5",
            "-1.5",
            "1e3",
            "1e21",
            "1e-7",
            "3.999",
            "123456789.125",
            "1.7e308",
            "5e-324",
            "0.3",
            "\"2.75\"",
            "(float64 .num)",
        ];
        self.random.pick(&floats).to_owned()
    }

    fn text(&mut self) -> String {
        match self.random.below(10) {
            0..=4 => {
                let text = self.random.pick(TEXTS);
                quoted(self.random, text)
            }
            5 if !self.calm => {
                self.random.pick(&[".missing", "$.a", ".json", ".raw", ".num"]).to_owned()
            }
            // The dot is something else inside of `with` and `range`.
            _ if self.calm => format!("$.{}", self.random.pick(FIELDS)),
            _ => format!(".{}", self.random.pick(FIELDS)),
        }
    }
}
