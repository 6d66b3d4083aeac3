use proptest::prelude::*;

use crate::{
    Environment, Error, ErrorKind, LimitExceeded, Limits, MissingKey, Options, Template, Value,
};

struct Fixed {
    /// After how many looks the time is over.
    looks: std::cell::Cell<u32>,
}

impl Environment for Fixed {
    fn now(&self) -> i128 {
        1_709_210_096_789_012_345
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }

    fn expired(&self) -> bool {
        let left = self.looks.get().saturating_sub(1);
        self.looks.set(left);
        left == 0
    }
}

fn run_within(text: &str, data: &Value, limits: &Limits) -> Result<Vec<u8>, Error> {
    let options = Options { missing_key: MissingKey::Error, ..Options::default() };
    let mut environment = Fixed { looks: u32::MAX.into() };
    Template::parse("t", text.as_bytes(), options)?.execute(data, &mut environment, limits)
}

fn run(text: &str) -> String {
    let data = Value::string_map([("x", "1"), ("y", "two")]);
    match run_within(text, &data, &Limits::default()) {
        Ok(output) => String::from_utf8_lossy(&output).into_owned(),
        Err(error) => format!("error: {}", String::from_utf8_lossy(&error.message.reveal())),
    }
}

fn limit(text: &str, limits: &Limits) -> LimitExceeded {
    match run_within(text, &Value::Nil, limits).map_err(|error| error.kind) {
        Err(ErrorKind::Limit(limit)) => limit,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn renders_what_a_secret_needs() {
    assert_eq!(run("{{ .x }}-{{ .y }}"), "1-two");
    assert_eq!(run("{{ range $k, $v := . }}{{ $k }}={{ $v }};{{ end }}"), "x=1;y=two;");
    assert_eq!(
        run("{{ .nope }}"),
        r#"error: template: t:1:3: executing "t" at <.nope>: map has no entry for key "nope""#
    );
}

#[test]
fn a_loop_ends_at_the_limit_of_steps() {
    let limits = Limits { steps: 1000, ..Limits::default() };
    assert_eq!(limit("{{ range 100000000000 }}{{ end }}", &limits), LimitExceeded::Steps);
    assert_eq!(
        limit("{{ range 10 }}{{ range 200 }}{{ end }}{{ end }}", &limits),
        LimitExceeded::Steps
    );
    assert!(run_within("{{ range 400 }}a{{ end }}", &Value::Nil, &limits).is_ok());
}

#[test]
fn output_never_grows_above_its_limit() {
    let limits = Limits { output_bytes: 100, ..Limits::default() };
    assert_eq!(limit("{{ range 1000 }}abc{{ end }}", &limits), LimitExceeded::Output);
    assert_eq!(limit("{{ range 1000 }}{{ . }}{{ end }}", &limits), LimitExceeded::Output);
    assert_eq!(limit(r#"{{ printf "%101d" 1 }}"#, &limits), LimitExceeded::Output);
    let output = run_within(r#"{{ printf "%100d" 1 }}"#, &Value::Nil, &limits);
    assert_eq!(output.map(|output| output.len()).ok(), Some(100));
}

#[test]
fn values_never_grow_above_their_limit() {
    let limits = Limits { value_bytes: 1000, ..Limits::default() };
    for text in [
        r#"{{ printf "%1000000d" 1 | len }}"#,
        r#"{{ printf "%.1000000f" 1.0 | len }}"#,
        r#"{{ printf "%.1000000d" 1 | len }}"#,
        r#"{{ printf "%.1000000U" 1 | len }}"#,
        r#"{{ $x := "ab" }}{{ range 20 }}{{ $x = print $x $x }}{{ end }}"#,
        r#"{{ $x := "<" }}{{ range 20 }}{{ $x = html $x $x }}{{ end }}"#,
        r#"{{ $x := "=" }}{{ range 20 }}{{ $x = js $x $x }}{{ end }}"#,
        r#"{{ $x := "%" }}{{ range 20 }}{{ $x = urlquery $x $x }}{{ end }}"#,
    ] {
        assert_eq!(limit(text, &limits), LimitExceeded::Values, "{text}");
    }
}

#[test]
fn recursion_ends_at_the_limit_of_depth() {
    let limits = Limits::default();
    let endless = r#"{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}"#;
    assert_eq!(limit(endless, &limits), LimitExceeded::Depth);
    let nested = r#"{{ define "a" }}{{ if true }}{{ with 1 }}{{ range 1 }}{{ (((1))) }}{{ template "a" }}
        {{ end }}{{ end }}{{ end }}{{ end }}{{ template "a" }}"#;
    assert_eq!(limit(nested, &limits), LimitExceeded::Depth);
    let chain = format!(
        "{{{{ if false }}}}{}{{{{ else }}}}z{{{{ end }}}}",
        "{{ else if false }}".repeat(90)
    );
    assert_eq!(run(&chain), "z");
}

#[test]
fn the_caller_decides_how_long_it_may_take() {
    let template =
        Template::parse("t", b"{{ range 900000 }}{{ end }}", Options::default()).unwrap();
    let mut environment = Fixed { looks: 3.into() };
    let error = template.execute(&Value::Nil, &mut environment, &Limits::default()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Limit(LimitExceeded::Deadline));
}

#[test]
fn errors_show_no_value() {
    let data = Value::string_map([("password", "hunter2")]);
    for text in [
        "{{ range .password }}{{ end }}",
        "{{ index (index . \"password\" | printf \"%s\") 99 }}",
        "{{ eq . (index . \"password\") }}",
        "{{ . | call }}{{ .password | call }}",
        "{{ .password | call }}",
    ] {
        let error = run_within(text, &data, &Limits::default()).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let error =
        run_within("{{ range .password }}{{ end }}", &data, &Limits::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"template: t:1:9: executing "t" at <.password>: range can't iterate over [redacted]"#
    );
}

#[test]
fn errors_of_a_secret_template_do_not_quote_it() {
    let options = Options { secret_text: true, ..Options::default() };
    for text in [
        r#"{{ upper "hunter2" 1 }}"#,
        "{{ printf hunter2 }}",
        "{{ .hunter2.hunter2 }}",
        r#"{{ define "hunter2" }}{{ len 1 }}{{ end }}{{ template "hunter2" }}"#,
        r#"{{ template "hunter2" }}"#,
        r#"{{ "hunter2" 1 }}"#,
        r#"{{ index "hunter2" 44 }}"#,
        r#"{{ call "hunter2" }}"#,
        "{{ (1).hunter2 }}",
        r#"{{ printf "hunter2" | len 1 }}"#,
    ] {
        let result = Template::parse("t", text.as_bytes(), options.clone()).and_then(|template| {
            let mut environment = Fixed { looks: u32::MAX.into() };
            template.execute(&Value::map([]), &mut environment, &Limits::default())
        });
        if let Err(error) = result {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("hunter2"), "{shown}");
            assert!(error.message.reveal().starts_with(b"template: t:1"), "{shown}");
        }
    }
}

/// Words that make templates when put together, most of them wrong.
fn words() -> impl Strategy<Value = String> {
    let words = [
        "{{ ",
        " }}",
        "{{- ",
        " -}}",
        "if ",
        "else ",
        "else if ",
        "end",
        "range ",
        "with ",
        "break",
        "continue",
        "define \"a\" ",
        "template \"a\" ",
        "block \"b\" ",
        "$x ",
        "$y ",
        ":= ",
        "= ",
        ", ",
        "| ",
        ". ",
        ".x ",
        ".m.k ",
        ".l ",
        "$ ",
        "( ",
        ") ",
        "1 ",
        "-7 ",
        "1.5 ",
        "\"s\" ",
        "\"%[1]*.*d\" ",
        "nil ",
        "true ",
        "and ",
        "or ",
        "not ",
        "call ",
        "html ",
        "index ",
        "js ",
        "len ",
        "print ",
        "printf ",
        "println ",
        "urlquery ",
        "eq ",
        "ne ",
        "lt ",
        "le ",
        "gt ",
        "ge ",
        "text",
        "\n",
        "{{ range .l }}",
        "{{ end }}",
        "{{ .x | ",
        "{{ index .l ",
        "{{ template \"a\" . }}",
        "{{ printf \"%v %d %q %x\" .l ",
        "é",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

fn some_data() -> Value {
    let inner = Value::map([(b"k".as_slice().into(), Value::int(1))]);
    Value::map([
        (b"x".as_slice().into(), Value::string("text \u{e9}")),
        (b"m".as_slice().into(), inner.clone()),
        (
            b"l".as_slice().into(),
            Value::list([inner, Value::Nil, Value::Float(1.5), Value::string(b"\xff")]),
        ),
    ])
}

proptest! {
    #[test]
    fn no_template_panics(text in words()) {
        let limits = Limits { steps: 20_000, output_bytes: 5_000, value_bytes: 50_000, depth: 30 };
        if let Ok(output) = run_within(&text, &some_data(), &limits) {
            prop_assert!(output.len() <= limits.output_bytes);
        }
    }

    #[test]
    fn no_format_panics(format in "[ -~\u{e9}]{0,6}(%[-+# 0]{0,3}[0-9*]{0,3}(\\.[0-9*]{0,3})?(\\[[0-9]?\\]?)?[a-zA-Z%!]){0,4}", number in any::<i64>(), float in any::<f64>()) {
        let template = Template::parse("t", b"{{ printf .f .n .d .s .l .m }}", Options::default()).unwrap();
        let data = Value::map([
            (b"f".as_slice().into(), Value::string(&format)),
            (b"n".as_slice().into(), Value::int(number)),
            (b"d".as_slice().into(), Value::Float(float)),
            (b"s".as_slice().into(), Value::string(b"a\xffb")),
            (b"l".as_slice().into(), some_data()),
        ]);
        let limits = Limits { output_bytes: 20_000, value_bytes: 20_000, ..Limits::default() };
        let mut environment = Fixed { looks: u32::MAX.into() };
        if let Ok(output) = template.execute(&data, &mut environment, &limits) {
            prop_assert!(output.len() <= limits.output_bytes);
        }
    }

    #[test]
    fn floats_read_back(number in any::<f64>()) {
        prop_assume!(number.is_finite());
        for verb in [b'e', b'f', b'g'] {
            let text = String::from_utf8(crate::fmt::format_float(number, verb, None)).unwrap();
            prop_assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
