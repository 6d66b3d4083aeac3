//! Any bytes as a template, what follows a NUL byte as one of its values.
//!
//! Whatever comes in: nothing panics, the limits hold, the same input has the same result, and no
//! error shows a value.

#![no_main]

mod fixed;

use fixed::Fixed;
use gotemplate::{Delimiters, ErrorKind, Limits, MissingKey, Options, Template, Value};
use libfuzzer_sys::fuzz_target;

/// Values whose texts no template of the seeds has.
const SECRET_WORD: &str = "qzjxkvwq";
const SECRET_NUMBER: &str = "918273645546";

/// Small, so that an input that eats time or memory stands out as slow.
const LIMITS: Limits =
    Limits { steps: 50_000, output_bytes: 64 << 10, value_bytes: 4 << 20, depth: 50 };

fuzz_target!(|bytes: &[u8]| {
    let (text, given) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b"given"[..]),
    };
    let missing_key =
        if text.len().is_multiple_of(8) { MissingKey::Invalid } else { MissingKey::Error };
    let options = Options { missing_key, delimiters: Delimiters::default(), secret_text: false };
    let Ok(template) = Template::parse("t", text, options) else { return };
    let json = format!(
        r#"{{"a": ["{SECRET_WORD}", {SECRET_NUMBER}, null], "b": {{"{SECRET_WORD}": 1.5e3}}}}"#
    );
    let data = Value::string_map([
        ("x", given),
        ("word", SECRET_WORD.as_bytes()),
        ("number", SECRET_NUMBER.as_bytes()),
        ("json", json.as_bytes()),
        ("list", format!("{SECRET_WORD},{SECRET_NUMBER}").as_bytes()),
        ("bytes", b"\xff\x00\xe2\x82"),
        ("empty", b""),
    ]);
    let run = || template.execute(&data, &mut Fixed(1), &LIMITS);
    let result = run();
    match (&result, run()) {
        (Ok(first), Ok(second)) => assert_eq!(*first, second),
        (Err(first), Err(second)) => {
            assert_eq!(first.message.reveal(), second.message.reveal());
        }
        (first, second) => panic!("{first:?}, then {second:?}"),
    }
    match result {
        Ok(output) => assert!(output.len() <= LIMITS.output_bytes),
        Err(error) => {
            assert!(!matches!(error.kind, ErrorKind::Parse | ErrorKind::Unsupported));
            let shown = format!("{error} {error:?}").to_lowercase();
            let text = String::from_utf8_lossy(text).to_lowercase();
            for secret in [SECRET_WORD, SECRET_NUMBER, "918273645"] {
                assert!(!shown.contains(secret) || text.contains(secret), "{shown}");
            }
        }
    }
});
