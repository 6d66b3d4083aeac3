//! Any text as a template of `-o jsonpath=`, then JSON behind a NUL byte.
//!
//! Whatever comes in: nothing panics, nothing takes long, and text without braces is itself.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Value, json};

// By itself, because the binary around it is no library.
#[path = "../../src/output/jsonpath/mod.rs"]
#[allow(dead_code, reason = "the plugin uses the rest")]
mod jsonpath;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let (template, document) = text.split_once('\0').unwrap_or((text, ""));
    let document = serde_json::from_str(document).unwrap_or_else(|_| sample());
    match template.parse::<jsonpath::Template>() {
        Ok(parsed) => {
            let rendered = parsed.render(&document);
            assert_eq!(parsed.render(&document), rendered);
        }
        Err(why) => assert!(!why.is_empty()),
    }
    Corpus::Keep
});

fn sample() -> Value {
    json!({
        "a": [{ "a": 1, "b": "x", "list": [1, 2, 3] }, { "a": 2.5, "b": null, "c": { "a": true } }],
        "name": "n",
        "app.io/x": "labelled",
    })
}
