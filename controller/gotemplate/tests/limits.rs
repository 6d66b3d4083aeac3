//! A template that would run for ever, or fill the memory, ends within its limits, whatever it
//! uses for that.

use std::time::{Duration, Instant};

use gotemplate::{Environment, Error, ErrorKind, LimitExceeded, Limits, Options, Template, Value};

/// Far more than the limits need without optimizations on a busy machine, far less than for ever.
const SOON: Duration = Duration::from_mins(1);

struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

fn run(text: &str, limits: &Limits, environment: &mut dyn Environment) -> Result<Vec<u8>, Error> {
    let template = Template::parse("t", text.as_bytes(), Options::default())?;
    let data = Value::string_map([("x", "value"), ("a", "a")]);
    template.execute(&data, environment, limits)
}

/// Less than the defaults, because the tests are not optimized.
fn limits() -> Limits {
    Limits { steps: 200_000, value_bytes: 2 << 20, ..Limits::default() }
}

#[expect(clippy::disallowed_methods, reason = "the test is about time")]
fn run_soon(text: &str) -> Result<Vec<u8>, Error> {
    let start = Instant::now();
    let result = run(text, &limits(), &mut Still);
    assert!(start.elapsed() < SOON, "{text} took {:?}", start.elapsed());
    result
}

#[track_caller]
fn ends(text: &str) -> LimitExceeded {
    match run_soon(text) {
        Err(Error { kind: ErrorKind::Limit(limit), .. }) => limit,
        Err(error) => panic!("{text}: {error}"),
        Ok(output) => panic!("{text}: {} bytes", output.len()),
    }
}

#[test]
fn loops_end() {
    for text in [
        "{{ range 1000000000 }}{{ end }}",
        "{{ range $i := 1000000000 }}{{ $x := $i }}{{ end }}",
        "{{ range 30000 }}{{ range 30000 }}{{ end }}{{ end }}",
        "{{ range 100000000 }}{{ continue }}{{ end }}",
        "{{ define `r` }}{{ template `r` . }}{{ end }}{{ template `r` . }}",
        "{{ define `a` }}{{ template `b` }}{{ end }}{{ define `b` }}{{ template `a` }}{{ end }}{{ template `a` }}",
    ] {
        ends(text);
    }
}

#[test]
fn output_ends() {
    let text = "0123456789".repeat(1000);
    assert_eq!(
        ends(&format!("{{{{ range 1000000000 }}}}{text}{{{{ end }}}}")),
        LimitExceeded::Output
    );
    ends("{{ repeat 1000000000 `x` }}");
    ends("{{ range 1000 }}{{ repeat 1000000 `x` }}{{ end }}");
}

#[test]
fn values_that_double_end() {
    for step in [
        "$v = print $v $v",
        "$v = printf `%s%s` $v $v",
        "$v = println $v $v",
        "$v = cat $v $v",
        "$v = repeat 2 $v",
        "$v = replace `a` `aa` $v",
        "$v = list $v $v | join `a`",
        "$v = html (print $v `<`) ",
        "$v = urlquery (print $v $v)",
        "$v = b64enc $v",
        "$v = b32enc $v",
        "$v = quote $v $v",
        "$v = squote $v $v",
        "$v = indent 1000 $v",
        "$v = nindent 1000 $v",
        "$v = toJson (list $v $v)",
        "$v = wrapWith 1 `aaaa` (print $v ` ` $v)",
        "$v = regexReplaceAll `a` $v `${0}${0}`",
        "$v = regexReplaceAllLiteral `a` $v `aa`",
        "$v = printf `%x` $v",
        "$v = printf `%q` $v",
        "$v = printf `%1000000s` $v",
        "$v = snakecase (print $v `A`  $v)",
        "$v = splitList `` (print $v $v) | join `-`",
    ] {
        ends(&format!("{{{{ $v := .a }}}}{{{{ range 100000 }}}}{{{{ {step} }}}}{{{{ end }}}}"));
    }
}

#[test]
fn containers_that_double_end() {
    for step in [
        "$v = concat $v $v",
        "$v = append $v $v",
        "$v = prepend $v $v",
        "$v = list $v $v",
        "$v = dict `a` $v `b` $v | values",
        "$v = deepCopy (list $v $v)",
        "$v = chunk 1 (concat $v $v)",
        "$v = reverse (concat $v $v)",
        "$v = concat $v $v | uniq",
        "$v = without (concat $v $v) 2",
        "$v = fromJson (toJson (list $v $v))",
    ] {
        // What they made is looked at, too: shared parts make a small value a very long text.
        for look in [
            "",
            "{{ toJson $v }}",
            "{{ $v }}",
            "{{ deepEqual $v (deepCopy $v) }}",
            "{{ has $v $v }}",
        ] {
            let text = format!(
                "{{{{ $v := list .a }}}}{{{{ range 100000 }}}}{{{{ {step} }}}}{look}{{{{ end }}}}"
            );
            // A value that holds another twice is small until something looks at it.
            if let Err(error) = run_soon(&text) {
                assert!(matches!(error.kind, ErrorKind::Limit(_)), "{text}: {error}");
            }
        }
    }
}

#[test]
fn sequences_end() {
    for text in [
        "{{ until 1000000000 }}",
        "{{ until 1000000000 | len }}",
        "{{ untilStep 0 1000000000 1 }}",
        "{{ seq 1 1000000000 }}",
        "{{ indent 1000000000 `a` }}",
        "{{ randAlphaNum 1000000000 }}",
        "{{ randBytes 1000000000 }}",
        "{{ until 30000 | uniq | uniq }}",
        "{{ $l := until 30000 }}{{ range $l }}{{ $x := has 40000 $l }}{{ end }}",
        "{{ $l := until 30000 }}{{ range $l }}{{ $x := without $l 40000 }}{{ end }}",
        "{{ $l := until 30000 }}{{ range $l }}{{ $x := toJson $l }}{{ end }}",
        "{{ $l := until 30000 }}{{ range $l }}{{ $x := max (len $l) 1 }}{{ $x = deepEqual $l (deepCopy $l) }}{{ end }}",
        "{{ $s := repeat 1000000 `a` }}{{ range 100000 }}{{ $x := contains `b` $s }}{{ end }}",
        "{{ $s := repeat 1000000 `a` }}{{ range 100000 }}{{ $x := regexMatch `a*b` $s }}{{ end }}",
        "{{ $s := repeat 1000000 `a` }}{{ range 100000 }}{{ $x := sha256sum $s }}{{ end }}",
        "{{ $s := repeat 1000000 `a` }}{{ range 100000 }}{{ $x := eq $s (print $s) }}{{ end }}",
        "{{ $s := repeat 1000000 `a` }}{{ range 100000 }}{{ $x := trimSuffix $s (print $s `b`) }}{{ end }}",
        "{{ $s := printf `[%s1]` (repeat 300000 `1,`) }}{{ range 100000 }}{{ $x := mustFromJson $s }}{{ end }}",
        "{{ range 100000 }}{{ $x := regexMatch `(((a{1,10}){1,10}){1,10})*` `a` }}{{ end }}",
    ] {
        ends(text);
    }
}

#[test]
fn values_that_contain_themselves_end() {
    for look in [
        "{{ $d }}",
        "{{ toJson $d }}",
        "{{ deepCopy $d }}",
        "{{ $x := deepEqual $d (dict `a` $d) }}",
        "{{ merge (dict) $d }}",
    ] {
        let text = format!("{{{{ $d := dict }}}}{{{{ $_ := set $d `a` $d }}}}{look}");
        // An error of the function, or of a limit; never a crash.
        let result = run_soon(&text);
        assert!(result.is_err() || look.contains("deepEqual"), "{text}");
    }
}

#[test]
fn slow_functions_end_with_the_deadline() {
    /// Says that the time is over when it has been asked often enough.
    struct Patience(std::cell::Cell<u32>);

    impl Environment for Patience {
        fn now(&self) -> i128 {
            0
        }

        fn fill_random(&mut self, buffer: &mut [u8]) {
            buffer.fill(7);
        }

        fn expired(&self) -> bool {
            self.0.set(self.0.get().saturating_sub(1));
            self.0.get() == 0
        }
    }

    let result = run("{{ range 900000 }}{{ end }}", &Limits::default(), &mut Patience(5.into()));
    let kind = result.map_err(|error| error.kind);
    assert_eq!(kind, Err(ErrorKind::Limit(LimitExceeded::Deadline)));
}

#[test]
fn what_real_secrets_need_is_within_the_limits() {
    let text =
        "{{ range $i := until 1000 }}{{ printf `%04d` $i | b64enc | quote }}: {{ $.x }}\n{{ end }}";
    let output = run(text, &Limits::default(), &mut Still).expect("a template that works");
    assert!(output.starts_with(b"\"MDAwMA==\": value\n"));
}
