//! Any bytes as a pattern of Go, then a subject and a replacement, with NUL bytes between them.
//!
//! Whatever comes in: nothing panics, matches lie in the subject in order, and what takes a
//! subject apart loses nothing of it.

#![no_main]

use gotemplate::regexp::{Regexp, quote_meta};
use libfuzzer_sys::fuzz_target;

const MAX_BYTES: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0);
    let pattern = parts.next().unwrap_or_default();
    let subject = parts.next().unwrap_or(b"a1 \xc3\xa9\xff\nB_.");
    let replacement = parts.next().unwrap_or(b"<$0${1}$name>");

    // A text is found where it is.
    match Regexp::new(quote_meta(subject)) {
        Ok(quoted) => assert_eq!(quoted.find(subject), Some(subject)),
        // Go takes no other pattern.
        Err(_) => assert!(std::str::from_utf8(subject).is_err()),
    }

    let Ok(regexp) = Regexp::new(pattern) else { return };
    let found = regexp.find_all(subject, -1).unwrap_or_default();
    assert_eq!(regexp.is_match(subject), !found.is_empty());
    assert_eq!(regexp.find(subject), found.first().copied());
    assert_eq!(regexp.find_all(subject, 1).unwrap_or_default().len(), found.len().min(1));
    let matched: usize = found.iter().map(|part| part.len()).sum();
    assert!(matched <= subject.len());

    for limit in [-1, 0, 1, 2, 5] {
        let parts = regexp.split(subject, limit).unwrap_or_default();
        assert!(limit < 0 || parts.len() as i64 <= limit);
        assert!(parts.iter().map(|part| part.len()).sum::<usize>() <= subject.len());
    }
    if let Ok(without) = regexp.replace_all_literal(subject, b"", MAX_BYTES) {
        assert_eq!(without.len(), subject.len() - matched);
    }
    for result in [
        regexp.replace_all(subject, replacement, MAX_BYTES),
        regexp.replace_all_literal(subject, replacement, MAX_BYTES),
    ] {
        assert!(
            result.is_ok_and(|text| text.len() <= MAX_BYTES)
                || subject.len() * replacement.len() > 64
        );
    }
});
