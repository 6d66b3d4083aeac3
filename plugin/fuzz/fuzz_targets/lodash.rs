//! Lodash templates of any text, and of pieces that mean something.
//!
//! Whatever comes in: nothing panics, places are inside the text, a refusal says nothing of it, and
//! a translation is a Go template that can be parsed, also as it stands in a Helm chart.

#![no_main]

use arbitrary::{Result, Unstructured};
use extsecret_migrate::lodash::{self, Place, Scope, Style};
use gotemplate::{MissingKey, Options, Template};
use libfuzzer_sys::{Corpus, fuzz_target};

/// Pieces of templates.
const PIECES: &[&str] = &[
    "<%", "<%=", "<%-", "%>", "${", "}", "{", "(", ")", "[", "]", ";", ",", ".", "=>", "=", "==",
    "===", "!==", "!", "?", ":", "?.", "??", "||", "&&", "+", "-", "*", "/", "%", "<", ">", "...",
    " data.x ", " data.absent ", "data['a-b']", "JSON.parse(data.x)", ".a", "[0]", "[1]", ".length",
    "JSON.stringify(", "yaml.dump(", "yaml.load(", "Buffer.from(", ".toString('base64')",
    "_.escape(", "encodeURIComponent(", "parseInt(", "Object.entries(", "Object.keys(",
    ".forEach((e, i) => {", "})", ".map(e => e)", ".filter(e => e)", ".join(',')", ".split(',')",
    ".replace(/(a)b/g, '$1')", ".replace('a', 'b')", ".slice(1, -1)", ".substring(1)", ".trim()",
    "let v = ", "const {a, b} = ", "v", "v += ", "v++", "if (", ") {", "} else {", "for (const e of ",
    "for (let i = 0; i < 3; i++) {", "e", "i", "print(", "'a'", "\"b\"", "`c${", "}`", "1", "0.5",
    "null", "undefined", "true", "/* ", " */", "// ", "\n", "{{", "}}", "{{ .x }}", "text", "\u{e9}",
    "__proto__", ".constructor", "process.env", "this", "function f() {", "new ", "typeof ",
];

fn text(u: &mut Unstructured<'_>) -> Result<String> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=40)? {
        if u.ratio(1, 8)? {
            text.push(u.arbitrary()?);
        } else {
            text.push_str(u.choose(PIECES)?);
        }
    }
    Ok(text)
}

fuzz_target!(|data: &[u8]| -> Corpus {
    let mut u = Unstructured::new(data);
    let (Ok(text), Ok(short), Ok(base64)) = (text(&mut u), u.arbitrary(), u.arbitrary()) else {
        return Corpus::Reject;
    };
    let scope = Scope {
        declared: ["x", "a-b"].map(ToOwned::to_owned).into(),
        style: if short { Style::Short } else { Style::Exact },
        place: if base64 { Place::Base64 } else { Place::Text },
        helm: false,
    };
    match lodash::translate(&text, &scope) {
        Ok(translation) => {
            let options = Options { missing_key: MissingKey::Error, ..Options::default() };
            Template::parse("t", translation.text.as_bytes(), options)
                .unwrap_or_else(|error| panic!("{error} in {}", translation.text));
            for note in &translation.notes {
                assert!(note.span.start <= note.span.end && note.span.end <= text.len());
            }
            let helm = Scope { helm: true, ..scope };
            lodash::translate(&text, &helm).expect("the same, for Helm");
        }
        Err(refusal) => {
            assert!(refusal.span.start <= refusal.span.end && refusal.span.end <= text.len());
        }
    }
    Corpus::Keep
});
