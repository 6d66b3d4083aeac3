//! Functions on texts, lists, maps and numbers: what no comparison with Go can show, because Go
//! would die of it, gives another answer every time, or has no secrets to hide.

use gotemplate::{
    Environment, Error, ErrorKind, LimitExceeded, Limits, MissingKey, Options, Template, Value,
};
use proptest::prelude::*;

struct Counting(u64);

impl Environment for Counting {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        for byte in buffer {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

fn render_within(
    template: &str,
    data: &[(&str, &[u8])],
    limits: &Limits,
) -> Result<Vec<u8>, Error> {
    let options = Options { missing_key: MissingKey::Error, ..Options::default() };
    let data = Value::string_map(data.iter().copied());
    Template::parse("t", template.as_bytes(), options)?.execute(&data, &mut Counting(7), limits)
}

fn render(template: &str, data: &[(&str, &[u8])]) -> Result<String, Error> {
    let bytes = render_within(template, data, &Limits::default())?;
    Ok(String::from_utf8(bytes).expect("UTF-8"))
}

fn limit(template: &str) -> LimitExceeded {
    match render(template, &[("x", b"0123456789abcdef")]).expect_err(template).kind {
        ErrorKind::Limit(limit) => limit,
        kind => panic!("{template}: {kind:?}"),
    }
}

#[test]
fn results_that_are_too_large_are_not_made() {
    for template in [
        "{{ repeat 1000000000000 .x }}",
        "{{ indent 1000000000000 .x }}",
        "{{ nindent 9223372036854775807 .x }}",
        "{{ until 1000000000000 }}",
        "{{ untilStep 0 9223372036854775807 4611686018427387904 }}",
        "{{ seq 1 1000000000000 }}",
        "{{ randAlphaNum 1000000000000 }}",
        "{{ replace \"\" (repeat 10000000 .x) .x }}",
        "{{ wrapWith 1 (repeat 1000000 .x) (repeat 100 .x) }}",
        "{{ $x := list .x }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ toJson $x }}",
        "{{ $x := list .x }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}",
        "{{ $x := .x }}{{ range until 60 }}{{ $x = cat $x $x }}{{ end }}",
        "{{ $x := .x }}{{ range until 60 }}{{ $x = quote $x }}{{ end }}",
        "{{ $s := repeat 1000000 \"ab \" }}{{ range until 1000 }}{{ $y := splitList \" \" $s }}{{ end }}",
    ] {
        assert_eq!(limit(template), LimitExceeded::Values, "{template}");
    }
}

#[test]
fn endless_work_ends() {
    let doubled = "{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}";
    for end in [
        "{{ deepEqual $x (list) }}{{ uniq (list $x (deepCopy $x)) }}",
        "{{ deepCopy $x }}",
        "{{ set (dict) \"k\" $x }}",
        "{{ merge (dict) (dict \"k\" $x) }}",
    ] {
        let template = format!("{doubled}{end}");
        let limit = limit(&template);
        assert!(matches!(limit, LimitExceeded::Steps | LimitExceeded::Values), "{template}");
    }
    assert_eq!(limit("{{ uniq (until 100000) }}"), LimitExceeded::Steps);
}

#[test]
fn a_map_cannot_contain_itself() {
    for template in [
        "{{ $d := dict }}{{ set $d \"k\" $d }}",
        "{{ $d := dict }}{{ set $d \"k\" (list 1 (dict \"x\" $d)) }}",
        "{{ $d := dict }}{{ merge $d (dict \"k\" $d) }}",
        "{{ $d := dict }}{{ mergeOverwrite $d (dict \"k\" (list $d)) }}",
        "{{ $d := dict \"m\" dict }}{{ set $d.m \"k\" $d }}",
    ] {
        assert_eq!(limit(template), LimitExceeded::Depth, "{template}");
    }
}

#[test]
fn deep_values_do_not_exhaust_the_stack() {
    let nested = "{{ $x := list }}{{ range until 100000 }}{{ $x = list $x }}{{ end }}";
    assert_eq!(render(nested, &[]).expect("renders"), "");
    for end in ["{{ deepCopy $x }}", "{{ deepEqual $x (list $x) }}", "{{ $x }}", "{{ quote $x }}"] {
        assert_eq!(limit(&format!("{nested}{end}")), LimitExceeded::Depth, "{end}");
    }
    let written = render(&format!("{nested}{{{{ len (toJson $x) }}}}"), &[]).expect("renders");
    assert_eq!(written, "200002");
    let json = ["[".repeat(9_999), "]".repeat(9_999)].concat();
    let again = render("{{ fromJson .j | toJson }}", &[("j", json.as_bytes())]).expect("renders");
    assert_eq!(again, json);
}

#[test]
fn random_texts_come_from_their_alphabet_only() {
    for (function, alphabet) in [
        ("randAlpha", (b'A'..=b'Z').chain(b'a'..=b'z').collect::<Vec<_>>()),
        ("randNumeric", (b'0'..=b'9').collect()),
        ("randAlphaNum", (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z').collect()),
        ("randAscii", (b' '..=b'~').collect()),
    ] {
        let text = render(&format!("{{{{ {function} 20000 }}}}"), &[]).expect("renders");
        let mut counts = [0_u32; 256];
        text.bytes().for_each(|byte| counts[usize::from(byte)] += 1);
        let used: Vec<u8> = (0..=255).filter(|byte| counts[usize::from(*byte)] > 0).collect();
        assert_eq!(used, alphabet, "{function}");
        let expected = 20_000 / u32::try_from(alphabet.len()).expect("small");
        let most = counts.iter().max().expect("some");
        assert!(*most < expected * 2, "{function} prefers a character: {most} of {expected}");
    }
}

#[test]
fn random_texts_differ() {
    let two = "{{ eq (randAlphaNum 20) (randAlphaNum 20) }}{{ eq (randAscii 20) (randAscii 20) }}";
    assert_eq!(render(two, &[]).expect("renders"), "falsefalse");
}

#[test]
fn random_numbers_stay_within_their_bounds() {
    let text = render("{{ range until 2000 }}{{ randInt -3 4 }},{{ end }}", &[]).expect("renders");
    let mut numbers: Vec<i64> = text.split_terminator(',').map(|n| n.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers, [-3, -2, -1, 0, 1, 2, 3]);
}

#[test]
fn shuffling_keeps_all_runes() {
    let shuffled = render("{{ shuffle .x }}", &[("x", "aäbßc漢dd".as_bytes())]).expect("renders");
    let sorted = |text: &str| {
        let mut runes: Vec<char> = text.chars().collect();
        runes.sort_unstable();
        runes
    };
    assert_eq!(sorted(&shuffled), sorted("aäbßc漢dd"));
    assert_ne!(shuffled, "aäbßc漢dd");
}

#[test]
fn the_data_of_the_caller_stays_as_it_is() {
    let names = Value::strings(["c", "b", "a"]);
    let data = Value::map([(std::rc::Rc::from(*b"names"), names)]);
    let template = b"{{ sortAlpha .names }}{{ $_ := set . \"more\" 1 }}{{ len . }}";
    let template = Template::parse("t", template, Options::default()).expect("parses");
    for _ in 0..2 {
        let text = template.execute(&data, &mut Counting(7), &Limits::default());
        assert_eq!(text.expect("renders"), b"[a b c]2");
    }
    let print = Template::parse("t", b"{{ . }}", Options::default()).expect("parses");
    let text = print.execute(&data, &mut Counting(7), &Limits::default());
    assert_eq!(text.expect("renders"), b"map[names:[c b a]]");
}

#[test]
fn errors_do_not_show_values() {
    for template in [
        "{{ fail .x }}",
        "{{ fail (printf \"bad %s\" .x) }}",
        "{{ mustFromJson .x }}",
        "{{ mustFromJson (printf \"{%q:1e999%s}\" .x .n) }}",
        "{{ substr 1 0 .x | atoi | div 1 }}",
        "{{ $d := fromJson (printf \"{%q:1}\" .x) }}{{ dig .x \"a\" 1 $d }}",
        "{{ div (int .n) 0 }}",
        "{{ chunk 0 (list .x) }}",
        "{{ toRawJson (list .x (float64 \"NaN\")) }}",
    ] {
        let error = render(template, &[("x", b"hunter2"), ("n", b"4711")]).expect_err(template);
        for shown in [error.to_string(), format!("{error:?}")] {
            assert!(!shown.contains("hunter2") && !shown.contains("4711"), "{shown}");
        }
    }
}

#[test]
fn a_literal_failure_is_shown() {
    let error = render("{{ fail \"set a password\" }}", &[]).expect_err("fails");
    assert!(error.to_string().ends_with("error calling fail: set a password"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_text_and_no_number_makes_a_function_panic(
        text in proptest::collection::vec(any::<u8>(), 0..40),
        other in proptest::collection::vec(any::<u8>(), 0..6),
        a in prop_oneof![any::<i64>(), -10_i64..50],
        b in prop_oneof![any::<i64>(), -10_i64..50],
    ) {
        let call = |call: &str| {
            let template = format!("{{{{ {call} }}}}")
                .replace("$A", &a.to_string())
                .replace("$B", &b.to_string());
            let limits = Limits { steps: 20_000, value_bytes: 1 << 20, ..Limits::default() };
            let _ = render_within(&template, &[("x", &text), ("y", &other)], &limits);
        };
        for function in [
            "upper", "lower", "title", "untitle", "swapcase", "snakecase", "camelcase",
            "kebabcase", "trim", "nospace", "initials", "quote", "squote", "shuffle", "fromJson",
            "toJson", "atoi", "int", "int64", "float64", "toDecimal", "add1f", "ceil", "floor",
        ] {
            call(&format!("{function} .x"));
        }
        for function in [
            "trimAll", "trimPrefix", "trimSuffix", "contains", "split", "splitList", "add", "sub",
            "div", "mod", "mul", "addf", "subf", "mulf", "divf", "max", "minf",
        ] {
            call(&format!("{function} .y .x"));
        }
        for function in [
            "abbrev", "trunc", "repeat", "indent", "nindent", "wrap", "round .x", "splitn .y",
        ] {
            call(&format!("{function} $A .x"));
        }
        call("replace .y .x .x");
        call("abbrevboth $A $B .x");
        call("substr $A $B .x");
        call("wrapWith $A .y .x");
        call("untilStep $A $B $A");
        call("seq $A $B $A");
        call("seq $A $B");
        call("randInt $A $B");
        call("slice (splitList \"\" .x) $A $B");
        call("chunk $A (splitList \"\" .x)");
        call("round .x $A");
        call("round $A $B");
        call("divf $A $B 3");
        call("div $A $B");
        call("mod $A $B");
    }
}
