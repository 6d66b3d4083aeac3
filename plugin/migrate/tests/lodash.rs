//! Lodash templates of any kind: translated to what Go can parse, or refused; never a panic, and
//! never longer than the text deserves.

use std::time::{Duration, Instant};

use extsecret_migrate::lodash::{self, Place, Refusal, Scope, Style, Translation};
use gotemplate::{Environment, Limits, MissingKey, Options, Template, Value};
use proptest::prelude::*;

struct Nothing;

impl Environment for Nothing {
    fn now(&self) -> i128 {
        panic!("a migrated template asks for the time")
    }

    fn fill_random(&mut self, _: &mut [u8]) {
        panic!("a migrated template asks for random bytes")
    }
}

fn scope() -> Scope {
    Scope { declared: ["x", "j", "a-b"].map(ToOwned::to_owned).into(), ..Scope::default() }
}

fn translate(text: &str) -> Result<Translation, Refusal> {
    lodash::translate(text, &scope())
}

fn render(go: &str, data: &[(&str, &str)]) -> Result<String, gotemplate::Error> {
    let options = Options { missing_key: MissingKey::Error, ..Options::default() };
    let template = Template::parse("t", go.as_bytes(), options)?;
    let data = Value::string_map(data.iter().copied());
    let bytes = template.execute(&data, &mut Nothing, &Limits::default())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What real lodash printed for each, on the same values.
#[test]
fn templates_render_what_lodash_renders() {
    let data = [
        ("x", "abc"),
        ("j", r#"{"n":12345678,"s":"str","t":true,"nul":null,"l":["a",1,null,["b"]],"o":{}}"#),
        ("a-b", "dash"),
    ];
    for (text, expected) in [
        ("<%= JSON.parse(data.j).n %>", "12345678"),
        ("<%= JSON.parse(data.j).s %>", "str"),
        ("<%= JSON.parse(data.j).t %>", "true"),
        ("<%= JSON.parse(data.j).nul %>", ""),
        ("<%= JSON.parse(data.j).missing %>", ""),
        ("<%= JSON.parse(data.j).l %>", "a,1,,b"),
        ("<%= JSON.parse(data.j).o %>", "[object Object]"),
        ("<%= 'v' + JSON.parse(data.j).missing %>", "vundefined"),
        ("<%= `v${JSON.parse(data.j).nul}` %>", "vnull"),
        ("<%= 'a' + data.absent %>", "aundefined"),
        ("<%= data.absent || 'def' %>", "def"),
        ("{<%= data.x %>}", "{abc}"),
        ("{{<%= data.x %>}}", "{{abc}}"),
        ("<%= data.x.replace('b', '[$&]') %>", "a[b]c"),
        ("<%= data.x.replace(/(b)(c)/, '$2$1') %>", "acb"),
        ("<%= data.x.split('b')[5] %>", ""),
        ("<%= data.x.slice(-2) %>", "bc"),
        ("<%= data.x.substring(5) %>", ""),
        ("<% if (JSON.parse(data.j).o) { %>yes<% } %>", "yes"),
        ("<% let s = ''; for (const c of data.x) { s += c + '.' } %><%= s %>", "a.b.c."),
        ("<% if (data.x) %>text", "text"),
        ("<% /* %> hidden <%= data.x %> <% */ %>seen", "seen"),
        (
            "<%= JSON.stringify({z: data.x, a: data.absent, b: [data['a-b']]}) %>",
            r#"{"z":"abc","b":["dash"]}"#,
        ),
        ("<%= Buffer.from(data.x + ':' + data['a-b']).toString('base64') %>", "YWJjOmRhc2g="),
        ("<%- '<' + data.x + '>' %>", "&lt;abc&gt;"),
        ("<%= Number(data.x) %>", "NaN"),
        ("<%= parseInt(data.absent, 10) - 1 %>", "NaN"),
        ("<%= JSON.parse(data.j).missing > 1 ? 'more' : 'not more' %>", "not more"),
        ("<%= JSON.parse(data.j).n + 1 %>", "12345679"),
        ("<%= JSON.parse(data.j).l.length + 1 %>", "5"),
        ("<% if (JSON.parse(data.j).l.length === 4) { %>four<% } %>", "four"),
        ("<%= JSON.parse(data.j).n == '12345678' %>", "true"),
        ("<%= JSON.parse(data.j).o === JSON.parse(data.j).o %>", "false"),
        ("<%= JSON.parse(data.j).s + JSON.parse(data.j).missing %>", "strundefined"),
        ("<% for (const c of 'ab') { %><%= ['abc'].indexOf(data.x) %><% } %>", "00"),
    ] {
        let translation = translate(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let rendered = render(&translation.text, &data)
            .unwrap_or_else(|e| panic!("{text}: {e}\n{}", translation.text));
        assert_eq!(rendered, expected, "{text}\n{}", translation.text);
    }
}

/// Where KES threw, and kept the Secret as it was, nothing may be rendered.
#[test]
fn what_threw_in_javascript_fails_in_go() {
    for (text, j) in [
        ("<%= JSON.parse(data.j).a.b %>", "{}"),
        ("<%= JSON.parse(data.j) %>", "no json"),
        ("<%= data.absent.toUpperCase() %>", "{}"),
        ("<%= JSON.parse(data.j).n.trim() %>", r#"{"n":1}"#),
        ("<% JSON.parse(data.j).forEach(e => { %>x<% }) %>", r#"{"n":1}"#),
        ("<%= Buffer.from(JSON.parse(data.j).n).toString('base64') %>", "{}"),
    ] {
        let translation = translate(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let data = [("x", ""), ("j", j), ("a-b", "")];
        assert!(render(&translation.text, &data).is_err(), "{text}\n{}", translation.text);
    }
}

/// Where KES wrote something that the translation cannot write, the error of the ExternalSecret
/// has the code that `explain` knows.
#[test]
fn values_without_justice_are_refused_with_the_code() {
    for (text, j) in [
        ("<%= JSON.parse(data.j).a %>", "[1]"),
        ("<%= JSON.parse(data.j).a %>", "7"),
        ("<%= JSON.parse(data.j).a.b %>", r#"{"a":"x"}"#),
        ("<%= JSON.parse(data.j)?.a?.b %>", r#"{"a":"x"}"#),
        ("<%= 'v' + JSON.parse(data.j)?.a?.b %>", r#"{"a":[1]}"#),
        ("<%= `${JSON.parse(data.j).a}` %>", r#""x""#),
        ("<%= JSON.parse(data.j)[0] %>", r#"{"0":1}"#),
        ("<%= JSON.stringify(JSON.parse(data.j).a) %>", "[1]"),
        ("<%= typeof JSON.parse(data.j).a %>", "[1]"),
        ("<%= JSON.parse(data.j)[data.x] %>", "1"),
        ("<% for (const k in JSON.parse(data.j)) { %><%= k %><% } %>", "[1]"),
        ("<%= Buffer.from(JSON.parse(data.j).a).toString('base64') %>", r#"{"a":[1]}"#),
        ("<%= JSON.parse(data.j).a %>", r#"{"a":"1","b":1e400}"#),
        ("<%= JSON.parse(data.j).a %>", r#"{"a":"1","b":-12e308}"#),
        ("<%= JSON.stringify(JSON.parse(data.j)) %>", "1e999"),
        ("<%= JSON.parse(data.j).n - 1 %>", r#"{"n":1.5}"#),
    ] {
        let translation = translate(text).unwrap_or_else(|e| panic!("{text}: {e}"));
        let error = render(&translation.text, &[("x", "q"), ("j", j), ("a-b", "")])
            .expect_err(&translation.text);
        let said = String::from_utf8_lossy(&error.message.reveal()).into_owned();
        assert!(said.contains("error calling fail: E07: "), "{text} on {j}: {said}");
    }
}

/// What looks like a number that is too large stands in a text, or is none.
#[test]
fn only_numbers_are_too_large() {
    for (j, expected) in [
        (r#"{"a":"1e400"}"#, "1e400"),
        (r#"{"a":"\\\"1e400","b":"\\"}"#, "\\\"1e400"),
        (r#"{"a":1.7976931348623157e308}"#, "1.7976931348623157e+308"),
        (r#"{"a":1.25e307,"b":12e199}"#, "1.25e+307"),
        (r#"{"a":1e-400}"#, "0"),
    ] {
        let translation = translate("<%= JSON.parse(data.j).a %>").expect("a template");
        let rendered = render(&translation.text, &[("x", ""), ("j", j), ("a-b", "")]);
        assert_eq!(rendered.expect(j), expected);
    }
}

#[test]
fn what_has_no_counterpart_is_refused_at_its_place() {
    for (text, place, construct) in [
        ("a<%= process.env.HOME %>", "process", "`process`"),
        ("<% function f(){} %>", "function f(){}", "a function"),
        ("<%= data.constructor %>", "data.constructor", "inherits"),
        ("<%= data['__proto__'] %>", "data['__proto__']", "inherits"),
        ("<%= {__proto__: data.x} %>", "__proto__: data.x", "prototype"),
        ("${DB_HOST}", "DB_HOST", "a name that nothing defines"),
        ("<%= data.x.replace(/a(?=b)/, '') %>", "/a(?=b)/", "look-ahead"),
        ("<%= data.x.replace(/a/y, '') %>", "/a/y", "other flags"),
        ("<% let q = `%>a<%`; %>", "<% let q = `%>a<%`; %>", "reaches around"),
        ("<%= data.x), (data.x %>", "<%= data.x), (data.x %>", "reaches around"),
        ("<%= d\u{e0}ta %>", "d\u{e0}ta", "a name that nothing defines"),
        ("<% e.map(e => e)\u{2c00}%>", "\u{2c00}", "no JavaScript"),
        ("<%= '\u{1f600}'.slice(0, 1) %>", "'\u{1f600}'.slice(0, 1)", "beyond ASCII"),
        ("<% let a = '\u{df}' %><%= a.toUpperCase() %>", "a.toUpperCase()", "beyond ASCII"),
        ("<%= yaml.load('__proto__: {a: 1}').a %>", "yaml.load('__proto__: {a: 1}')", "prototype"),
        (
            "<% let l = [data.x].map(e => ({b: e, a: 1})) %><%= JSON.stringify(l) %>",
            "l",
            "the order of an object",
        ),
    ] {
        let refusal = translate(text).unwrap_err();
        assert!(refusal.construct.contains(construct), "{text}: {refusal}");
        assert_eq!(&text[refusal.span.start..refusal.span.end], place, "{text}");
    }
    // What is counted by JavaScript is known here as well.
    let length = translate("<%= '\u{1f600}'.length %>").expect("a number");
    assert_eq!(render(&length.text, &[]).expect("a text"), "2");
    // An escape in a name does not hide it.
    assert!(translate("<%= data.\\u0063onstructor %>").is_err());
}

#[test]
fn a_refusal_says_nothing_of_the_text() {
    let refusal = translate("<%= hunter2.hunter3('hunter4') %>").unwrap_err();
    assert!(!format!("{refusal} {refusal:?}").contains("hunter"));
}

#[test]
fn base64_is_taken_off_where_eso_adds_it() {
    let scope = Scope { place: Place::Base64, style: Style::Short, ..scope() };
    let go = |text| lodash::translate(text, &scope).map(|it| it.text);
    assert_eq!(go("<%= Buffer.from(data.x).toString('base64') %>\n").unwrap(), "{{ .x }}");
    assert_eq!(go("<%= data.x %>").unwrap(), "{{ .x | b64dec }}");
    assert!(go("a<%= data.x %>").is_err());
    assert!(go("<%= btoa(data.x) %><%= btoa(data.x) %>").is_err());
}

/// JavaScript refuses the whole template, so that KES never rendered it.
#[test]
fn declarations_that_are_no_javascript_are_refused() {
    for code in [
        "let let = 1",
        "const {let} = {}",
        "for (let let of [1]) {}",
        "let a = 1; let a = 2",
        "const a = 1; var a = 2",
        "if (data.x) { var a = 1 } let a = 2",
        "{ { var a = 1 } const a = 2 }",
        "for (var a of [1]) {} let a = 2",
        "[1].forEach((a) => { let a = 2 })",
    ] {
        let refusal = lodash::translate(&format!("<% {code} %>"), &scope()).expect_err(code);
        assert!(refusal.failed_in_kes, "{code}: {}", refusal.construct);
    }
    // One variable of the function: the loop leaves its last value in it.
    for code in [
        "var a = data.x; for (var a of ['b']) {} print(a)",
        "for (var a of ['b']) {} var a; print(a)",
    ] {
        let refusal = lodash::translate(&format!("<% {code} %>"), &scope()).expect_err(code);
        assert!(!refusal.failed_in_kes, "{code}: {}", refusal.construct);
    }
    for code in [
        "let a = 1; { let a = 2 }",
        "{ var a = 1 } { let a = 2 }",
        "[1].forEach((a) => { var a = 2 })",
    ] {
        assert!(lodash::translate(&format!("<% {code} %>"), &scope()).is_ok(), "{code}");
    }
}

#[test]
fn a_member_of_what_may_be_no_object_is_announced() {
    let announced = |text: &str| {
        let notes = lodash::translate(text, &scope()).expect(text).notes;
        notes.iter().any(|note| note.code.id == "W08")
    };
    for text in [
        "<%= JSON.parse(data.x).m %>",
        "<%= JSON.parse(data.x)[1] %>",
        "<%= JSON.parse(data.x)?.m %>",
    ] {
        assert!(announced(text), "{text}");
    }
    assert!(!announced("<%= data.x %>") && !announced("<%= JSON.parse(data.x) %>"));
}

#[test]
fn helm_prints_actions_as_they_are() {
    let scope = Scope { helm: true, ..scope() };
    let text = lodash::translate("{{ .Values.a }} <%= data.x %>", &scope).unwrap().text;
    assert_eq!(text, "{{`{{ \"{{\" }}`}} .Values.a }} {{`{{ .x }}`}}");
}

/// A megabyte of anything takes a moment, and never the stack.
#[test]
fn large_templates_take_linear_time() {
    let fill = |part: &str| part.repeat(1_000_000 / part.len());
    let inside = |part: &str| format!("<% {} %>", fill(part));
    let templates = [
        fill("<%= data.x %>"),
        fill("text {{ "),
        fill("<%"),
        fill("${"),
        fill("<% if (data.x) { %>a<% } %>"),
        fill("<% let v = JSON.parse(data.j); %>").replace("let v", "v"),
        inside("("),
        inside("["),
        inside("{"),
        inside("!"),
        inside("a?"),
        inside("a=>"),
        inside("`${"),
        inside("if(data.x)"),
        inside("data.x+"),
        inside("data.x;"),
        inside("/*"),
        inside("'"),
        format!("<%= data.x{} %>", fill(".a")),
        format!("<%= data.x{} %>", fill(".trim()")),
        format!("<%= data.x{} %>", fill(" + data.x")),
        format!("<%= [{}] %>", fill("data.x,")),
        format!("<%= data.x.replace(/{}/, '') %>", fill("(a")),
        format!("<%= data.x.replace(/{}/g, '') %>", fill("[a]")),
        format!("<%= '{}' %>", fill("a")),
    ];
    for template in templates {
        #[expect(clippy::disallowed_methods, reason = "a test of how long it takes")]
        let start = Instant::now();
        let _ = translate(&template);
        let head: String = template.chars().take(30).collect();
        assert!(start.elapsed() < Duration::from_secs(20), "{head}: {:?}", start.elapsed());
    }
}

const PIECES: &[&str] = &[
    "<%",
    "<%=",
    "<%-",
    "%>",
    "${",
    "}",
    "{",
    "(",
    ")",
    ";",
    "?",
    ":",
    "||",
    "&&",
    "+",
    "===",
    "!",
    " data.x ",
    " data.absent ",
    "JSON.parse(data.j)",
    ".a",
    "[0]",
    ".length",
    "JSON.stringify(",
    "yaml.dump(",
    "Buffer.from(",
    ".toString('base64')",
    "Object.entries(",
    ".forEach((e, i) => {",
    "})",
    ".map(e => e)",
    ".join(',')",
    ".split(',')",
    ".replace('a', 'b')",
    ".slice(1, -1)",
    "let v = ",
    "v",
    "if (",
    ") {",
    "} else {",
    "for (const e of ",
    "e",
    "'a'",
    "`c${",
    "}`",
    "1",
    "null",
    "/* ",
    " */",
    "// ",
    "\n",
    "{{",
    "}}",
    "text",
    "\u{e9}",
    "process",
    "function f() {",
];

/// Whole tags, so that most of a text has a meaning.
fn tags() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("data.x"),
        Just("data.absent"),
        Just("data['a-b']"),
        Just("JSON.parse(data.j)"),
        Just("JSON.parse(data.j).a"),
        Just("'lit'"),
        Just("data.x.split(',')"),
        Just("5"),
    ];
    let tail = prop_oneof![
        Just(""),
        Just(".length"),
        Just("[1]"),
        Just(".trim()"),
        Just(" || 'd'"),
        Just(" + 'a'"),
        Just(" === 'a'"),
        Just(" ? 1 : 'b'"),
        Just(".map(e => e + 1)"),
        Just(".slice(1)"),
    ];
    let frame = prop_oneof![
        Just(("<%= ", " %>")),
        Just(("<%- ", " %>")),
        Just(("${", "}")),
        Just(("<% if (", ") { %>{<% } else { %>}<% } %>")),
        Just(("<% for (const q of ", ") { %>[<%= q %>]<% } %>")),
        Just(("<% { let v = ", "; %>{<%= v %><% } %>")),
        Just(("<%= JSON.stringify(", ") %>")),
        Just(("<%= yaml.dump(", ") %>")),
    ];
    let part = (frame, value, tail)
        .prop_map(|((before, after), value, tail)| format!("{before}{value}{tail}{after}"));
    prop::collection::vec(part, 1..5).prop_map(|parts| parts.concat())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    for style in [Style::Exact, Style::Short] {
        let scope = Scope { style, ..scope() };
        match lodash::translate(text, &scope) {
            Ok(translation) => {
                let options = Options { missing_key: MissingKey::Error, ..Options::default() };
                let parsed = Template::parse("t", translation.text.as_bytes(), options);
                prop_assert!(parsed.is_ok(), "{:?}: {}", parsed.err(), translation.text);
            }
            Err(refusal) => {
                prop_assert!(refusal.span.start <= refusal.span.end);
                prop_assert!(text.get(refusal.span.start..refusal.span.end).is_some());
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn anything_is_translated_or_refused(
        parts in prop::collection::vec(
            prop_oneof![
                8 => prop::sample::select(PIECES).prop_map(ToOwned::to_owned),
                1 => any::<char>().prop_map(String::from),
            ],
            0..30,
        ),
    ) {
        check(&parts.concat())?;
    }

    #[test]
    fn what_means_something_can_be_parsed_by_go(text in tags()) {
        check(&text)?;
    }
}
