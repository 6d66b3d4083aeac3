use super::super::js::{json, utf8, utf16};
use super::*;
use crate::lodash;

fn dumped(json: &str) -> String {
    let value = json::parse(&utf16(json)).unwrap();
    yaml_dump::dump(&value).unwrap()
}

/// What js-yaml 3.14.1 answered.
#[test]
fn yaml_is_dumped_as_js_yaml_does() {
    for (json, expected) in [
        (r#""a""#, "a\n"),
        (r#""""#, "''\n"),
        (r#""a b""#, "a b\n"),
        (r#""a:b""#, "'a:b'\n"),
        (r#""-a""#, "'-a'\n"),
        (r#""0x1""#, "'0x1'\n"),
        (r#""0o7""#, "0o7\n"),
        (r#""012""#, "'012'\n"),
        (r#""yes""#, "'yes'\n"),
        (r#""1_000""#, "'1_000'\n"),
        (r#""+1""#, "'+1'\n"),
        (r#""...""#, "...\n"),
        (r#""2001-01-01""#, "'2001-01-01'\n"),
        (r#""<<""#, "'<<'\n"),
        (r#""'q'""#, "'''q'''\n"),
        (r#""a #c""#, "'a #c'\n"),
        (r#""a#c""#, "a#c\n"),
        (r#""a\nb""#, "|-\n  a\n  b\n"),
        (r#""a\nb\n""#, "|\n  a\n  b\n"),
        (r#""a\n\nb\n\n""#, "|+\n  a\n\n  b\n\n"),
        (r#""\n""#, "|+\n\n"),
        (r#""\na""#, "|-\n\n  a\n"),
        (r#""  a\nb\n""#, "|2\n    a\n  b\n"),
        (r#"" \n""#, "|2\n   \n"),
        (r#""a\tb""#, "\"a\\tb\"\n"),
        (r#""a\r\nb""#, "\"a\\r\\nb\"\n"),
        (r#""😀""#, "\"\\U0001F600\"\n"),
        (r#""é""#, "é\n"),
        (r#""\u2028""#, "\"\\L\"\n"),
        (r#"[1,[2,3],{"a":1}]"#, "- 1\n- - 2\n  - 3\n- a: 1\n"),
        (
            r#"{"a":{"b":{"c":1}},"d":[],"e":{},"f":null}"#,
            "a:\n  b:\n    c: 1\nd: []\ne: {}\nf: null\n",
        ),
        (
            r#"{"a b":1,"1":2,"true":3,"":4,"a: b":5,"x\ny":6}"#,
            "'1': 2\na b: 1\n'true': 3\n'': 4\n'a: b': 5\n\"x\\ny\": 6\n",
        ),
        (r#"{"a":[{"b":1,"c":[1,2]}]}"#, "a:\n  - b: 1\n    c:\n      - 1\n      - 2\n"),
        ("[1e21,1.5,0.1,1e-7,-0]", "- 1e+21\n- 1.5\n- 0.1\n- 1.e-7\n- -0.0\n"),
        (r#"{"a":"x\ny\n","b":["x\ny"]}"#, "a: |\n  x\n  y\nb:\n  - |-\n    x\n    y\n"),
    ] {
        assert_eq!(dumped(json), expected, "{json}");
    }
    let word = "word ".repeat(30);
    let word = word.trim_end();
    assert_eq!(
        dumped(&format!(r#""{word}\nnext line\n""#)),
        format!(">\n  {}\n  {}\n\n  next line\n", &word[..74], &word[75..])
    );
    assert_eq!(dumped(&format!("{:?}", "a".repeat(100))), format!(">-\n  {}\n", "a".repeat(100)));
}

fn rendered(template: &str, values: &[(&str, &str)]) -> Result<String, String> {
    let translation = lodash::translate(template, &lodash::Scope::default())
        .map_err(|refusal| format!("refused: {refusal}"))?;
    let data = data(values.iter().map(|(key, value)| (*key, value.as_bytes())));
    let text = render(&translation.program, &data).map_err(|stop| format!("{stop:?}"))?;
    Ok(utf8(&text))
}

#[test]
fn text_without_code_is_not_evaluated() {
    assert!(rendered("plain", &[]).is_ok());
}

#[test]
fn values_lose_their_eighth_bit() {
    let data = data([("k", "ä".as_bytes())]);
    let text = data.member(&utf16("k")).unwrap().to_text();
    assert_eq!(utf8(&text), "C$");
}

/// What js-yaml 3.14.1 answered.
#[test]
fn yaml_is_loaded_as_js_yaml_does() {
    for (yaml, expected) in [
        ("a", r#""a""#),
        ("[0x1F, 0b11, 017, 08, 1_000]", r#"[31,3,15,"08",1000]"#),
        (
            "[1.5, 1e3, 1.e3, .5, -.5, +1, -0, 1__0, 1_, _1]",
            r#"[1.5,1000,1000,0.5,"-.5",1,0,10,"1_","_1"]"#,
        ),
        (
            "[~, null, yes, on, true, TRUE, tRUE, 0o7, 9007199254740993]",
            r#"[null,null,"yes","on",true,true,"tRUE","0o7",9007199254740992]"#,
        ),
        ("{1: a, 2.0: b, on: d}", r#"{"1":"a","2":"b","on":"d"}"#),
        (
            "a: 'x'\nb: |\n  y\nc: [p, \"q\"]\nd:\n",
            "{\"a\":\"x\",\"b\":\"y\\n\",\"c\":[\"p\",\"q\"],\"d\":null}",
        ),
        ("a\n b", r#""a b""#),
        (r#"{"a": 1.0, "b": [true, null, "yes"]}"#, r#"{"a":1,"b":[true,null,"yes"]}"#),
    ] {
        let value = yaml_load::load(&utf16(yaml)).unwrap();
        let text = json::stringify(&value, "").unwrap();
        assert_eq!(utf8(&text), expected, "{yaml}");
    }
    for yaml in ["2001-01-01", "1:30", "a: &x 1\nb: *x", "a: !!str 1", "<<: {a: 1}", "{a: 1"] {
        assert!(
            matches!(yaml_load::load(&utf16(yaml)), Err(Halt::Stop(Stop::Unmodelled(_)))),
            "{yaml}"
        );
    }
    assert!(matches!(yaml_load::load(&[]), Ok(Js::Undefined)));
}
