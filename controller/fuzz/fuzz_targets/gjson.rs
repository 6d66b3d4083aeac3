//! Any bytes as a path, and what follows a NUL byte as the JSON.
//!
//! Whatever comes in: nothing panics, the limits hold, a value that stands in the JSON as it is
//! does so, and what the path finds is found again.

#![no_main]

use gjson::{Limits, lookup, valid};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { work: 1 << 20, bytes: 1 << 20, depth: 100 };

fuzz_target!(|bytes: &[u8]| {
    let (path, json) = match bytes.iter().position(|byte| *byte == 0) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &br#"{"a":{"b":[1,-2.5e3,"x",{"c":null}],"d.e":true},"f":"\u00e9"}"#[..]),
    };
    valid(json);
    let found = lookup(json, path, LIMITS);
    let again = lookup(json, path, LIMITS);
    match (found, again) {
        (Ok(found), Ok(again)) => {
            assert!(found.raw().len() <= json.len() + LIMITS.bytes);
            assert_eq!(found.raw(), again.raw());
            assert_eq!(found.string(), again.string());
            assert_eq!(found.exists(), again.exists());
            assert!(!(found.is_object() && found.is_array()));
        }
        (first, second) => assert_eq!(first.err(), second.err()),
    }
    let _ = lookup(json, &gjson::escape(path), LIMITS);
});
