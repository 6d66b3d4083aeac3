//! Any bytes as YAML.
//!
//! Whatever comes in: nothing panics, what was read is the same after it has been written and
//! read again, and no error shows what may be a value.

#![no_main]

use goyaml::{json_to_yaml, read, read_object, read_strings, write};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const MAX_BYTES: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let _ = read_object(bytes);
    let _ = read_strings(bytes);
    let _ = json_to_yaml(bytes, MAX_BYTES);
    let value = match read(bytes) {
        Ok(value) => value,
        Err(error) => {
            // A word of the input that no message of the reader has.
            let shown = error.to_string();
            for run in bytes.split(|byte| !byte.is_ascii_digit()).filter(|run| run.len() > 7) {
                let run = std::str::from_utf8(run).expect("digits");
                assert!(!shown.contains(run), "{shown}");
            }
            return;
        }
    };
    // Go refuses to write some of what it reads.
    let Ok(written) = write(&value) else { return };
    if is_lost(&value) {
        return;
    }
    let again = read(written.as_bytes()).unwrap_or_else(|error| panic!("{error}: {written}"));
    assert!(same(&again, &value), "{written}\n{again}\n{value}");
});

/// What Go writes and does not read back: it puts no quotes around a key `<<`, and no escape in
/// place of U+0085, which is a line break to its reader.
fn is_lost(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\u{85}'),
        Value::Array(items) => items.iter().any(is_lost),
        Value::Object(members) => members
            .iter()
            .any(|(key, value)| key == "<<" || key.contains('\u{85}') || is_lost(value)),
        _ => false,
    }
}

/// The same value, whatever form its numbers have and in whatever order its keys are.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}
