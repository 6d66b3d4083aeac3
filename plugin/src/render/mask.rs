//! Values as they may be shown: their length, and a hash by which equal ones are known.

use std::fmt::Write as _;

use anyhow::Context as _;
use sha2::{Digest as _, Sha256};

/// How values are shown.
pub(crate) enum Mask {
    /// As they are.
    Open,
    /// As their length and a hash with this key, which lives as long as the process: nobody can
    /// try values against a hash that was printed.
    Keyed([u8; 32]),
}

impl Mask {
    pub(crate) fn new(show_values: bool) -> anyhow::Result<Self> {
        if show_values {
            return Ok(Self::Open);
        }
        let mut key = [0; 32];
        getrandom::fill(&mut key).context("the system gives no random bytes")?;
        Ok(Self::Keyed(key))
    }

    pub(crate) const fn is_open(&self) -> bool {
        matches!(self, Self::Open)
    }

    /// Length and hash; of an open value its text, or its length if it is no text.
    pub(crate) fn show(&self, value: &[u8]) -> String {
        let bytes = if value.len() == 1 { "byte" } else { "bytes" };
        match self {
            Self::Open => match std::str::from_utf8(value) {
                Ok(text) => format!("{text:?}"),
                Err(_) => format!("{} {bytes}, not text", value.len()),
            },
            Self::Keyed(key) => {
                let mut hash = Sha256::new();
                // The key comes first and has a fixed length; nobody sees enough of the hash to
                // extend it.
                hash.update(key);
                hash.update(value);
                let mut text = format!("{} {bytes}, hash ", value.len());
                for byte in hash.finalize().iter().take(4) {
                    let _ = write!(text, "{byte:02x}");
                }
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_look_equal_in_one_run_and_not_in_another() {
        let (one, two) = (Mask::new(false).unwrap(), Mask::new(false).unwrap());
        assert_eq!(one.show(b"hunter2"), one.show(b"hunter2"));
        assert_ne!(one.show(b"hunter2"), one.show(b"hunter3"));
        assert_ne!(one.show(b"hunter2"), two.show(b"hunter2"));
        let shown = one.show(b"hunter2");
        assert!(shown.starts_with("7 bytes, hash ") && !shown.contains("hunter"), "{shown}");
    }
}
