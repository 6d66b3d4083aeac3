//! Identifiers as AWS makes them, from a seed: two runs of a test see the same ones.

use std::sync::atomic::{AtomicU64, Ordering};

use ring::digest::{Context, SHA256};

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A reproducible source of identifiers.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    next: AtomicU64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }

    /// 32 bytes that nobody else got.
    pub(crate) fn bytes(&self) -> [u8; 32] {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut context = Context::new(&SHA256);
        context.update(&self.seed.to_be_bytes());
        context.update(&number.to_be_bytes());
        let mut bytes = [0; 32];
        bytes.copy_from_slice(context.finish().as_ref());
        bytes
    }

    /// A number below `end`, or 0.
    pub(crate) fn below(&self, end: u64) -> u64 {
        let bytes = self.bytes().into_iter().take(8);
        let number = bytes.fold(0, |number: u64, byte| number << 8 | u64::from(byte));
        number.checked_rem(end).unwrap_or(0)
    }

    /// A random UUID (version 4).
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = self.bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().take(16).enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            push_hex(&mut text, *byte);
        }
        text
    }

    /// Letters and digits, such as the end of a secret's ARN.
    pub(crate) fn word(&self, length: usize) -> String {
        self.text(length, LETTERS)
    }

    /// An identifier of IAM: four letters that say what it is, and sixteen that nobody else has.
    pub(crate) fn iam(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.text(16, UPPER))
    }

    /// So many of the characters.
    pub(crate) fn text(&self, length: usize, characters: &[u8]) -> String {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            for byte in self.bytes() {
                let Some(index) = usize::from(byte).checked_rem(characters.len()) else { break };
                let Some(character) = characters.get(index) else { break };
                if text.len() < length {
                    text.push(char::from(*character));
                }
            }
        }
        text
    }
}

/// Appends a byte as two lower case digits.
pub(crate) fn push_hex(text: &mut String, byte: u8) {
    for digit in [byte >> 4, byte & 15] {
        text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
    }
}

/// Bytes as lower case digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        push_hex(&mut text, *byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_identifiers_each_time() {
        let (one, other) = (Ids::new(7), Ids::new(7));
        assert_eq!(one.uuid(), other.uuid());
        assert_ne!(one.uuid(), one.uuid());
        assert_ne!(Ids::new(8).uuid(), Ids::new(7).uuid());
    }

    #[test]
    fn identifiers_have_the_form_of_the_service() {
        let ids = Ids::new(0);
        let uuid = ids.uuid();
        assert_eq!(uuid.len(), 36);
        assert_eq!(uuid.as_bytes()[14], b'4', "{uuid}");
        assert_eq!(ids.word(6).len(), 6);
        assert_eq!(ids.text(100, b"ab").len(), 100);
        assert_eq!(ids.iam("ASIA").len(), 20);
        assert_eq!(hex(&[0, 0x0f, 0xa0]), "000fa0");
    }
}
