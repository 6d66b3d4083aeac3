//! Any text as a message of the queue, and as a key of an ExternalSecret.
//!
//! Whatever comes in: nothing panics, a change says what changed and where, and a topic around the
//! event makes no other event of it.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::{Value, json};

// By itself, because the crate around it brings the whole AWS SDK.
#[path = "../../provider/src/events/shapes/mod.rs"]
#[allow(dead_code, reason = "the provider uses the rest")]
mod shapes;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    let Ok(text) = std::str::from_utf8(bytes) else { return Corpus::Reject };
    let names = shapes::names_of(text);
    assert!(names.iter().any(|name| text.ends_with(name.as_str())), "{names:?}");

    let result = shapes::parse(text);
    if let Ok(Some(change)) = &result {
        assert!(!change.names.is_empty() && !change.names.contains(&String::new()));
        assert!(!change.account.is_empty() && !change.region.is_empty());
    }
    let is_wrapped = |value: &Value| value.get("Type").is_some();
    match serde_json::from_str::<Value>(text) {
        Ok(value) if value.is_object() && !is_wrapped(&value) => {
            let wrapped = json!({"Type": "Notification", "Message": text}).to_string();
            assert_eq!(shapes::parse(&wrapped), result);
        }
        _ => {}
    }
    Corpus::Keep
});
