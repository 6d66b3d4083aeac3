//! Any bytes as JSON.
//!
//! Whatever comes in: nothing panics, what was read is the same after it has been written and
//! read again, and the members of an object have the values that the object has.

#![no_main]

use gotemplate::json::{decode, encode, members, unquote};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    unquote(bytes);
    let Ok(value) = decode(bytes) else { return };
    for (escape_html, indent) in [(true, None), (false, None), (true, Some("  "))] {
        let written = encode(&value, escape_html, indent).expect("what was read can be written");
        let again = decode(&written).expect("what was written can be read");
        assert_eq!(encode(&again, escape_html, indent).expect("as before"), written);
    }
    for (_, range) in members(bytes).unwrap_or_default() {
        decode(&bytes[range]).expect("a member is JSON, as the object is");
    }
});
