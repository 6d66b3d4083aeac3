//! Any text as a duration: what was read is the same after it has been written and read again.

#![no_main]

use extsecret_crds::duration::GoDuration;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(duration) = text.parse::<GoDuration>() {
        let written = duration.to_string();
        assert_eq!(written.parse(), Ok(duration), "{written}");
    }
    if let Some(bytes) = text.as_bytes().first_chunk() {
        let duration = GoDuration::from_nanoseconds(i64::from_le_bytes(*bytes));
        let written = duration.to_string();
        assert_eq!(written.parse(), Ok(duration), "{written}");
    }
});
