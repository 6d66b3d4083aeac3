//! Any bytes as a template; what follows a NUL byte are the delimiters, one line each.
//!
//! Whatever comes in: nothing panics, the same text has the same error, an error stands on a line
//! of the text, and the error of a secret text quotes nothing of it.

#![no_main]

use gotemplate::{Delimiters, Options, Template};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let (text, rest) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &b""[..]),
    };
    let rest = String::from_utf8_lossy(rest);
    let mut lines = rest.lines();
    let mut delimiter = || lines.next().unwrap_or_default().to_owned();
    let delimiters = Delimiters { left: delimiter(), right: delimiter() };
    let options = Options { delimiters, ..Options::default() };

    let Err(error) = Template::parse("t", text, options.clone()) else { return };
    let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
    assert!((1..=lines).contains(&error.line), "{error}");
    let start = format!("template: t:{}: ", error.line);
    assert!(error.message.reveal().starts_with(start.as_bytes()), "{error}");

    let secret = Options { secret_text: true, ..options };
    let again = Template::parse("t", text, secret).expect_err("an error, as before");
    assert_eq!(again.message.reveal(), error.message.reveal());
    // A word of the text that no message of the parser has.
    let shown = again.to_string();
    if let Some(word) = word_of(text) {
        assert!(!shown.contains(word), "{shown}");
    }
});

/// The first long run of digits in a text.
fn word_of(text: &[u8]) -> Option<&str> {
    text.split(|byte| !byte.is_ascii_digit())
        .find(|run| run.len() > 5)
        .and_then(|run| std::str::from_utf8(run).ok())
}
