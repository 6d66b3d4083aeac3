//! Values on their way through this crate: shared between all who asked, never shown, and
//! overwritten with zeros when the last one lets go.
//!
//! It ends at the engine, whose values are plain bytes, and does not reach back into the buffers of
//! the HTTP client and the TLS session.

use std::fmt;

use extsecret_engine::property::Payload;
use zeroize::Zeroizing;

/// What a secret holds: text, or bytes. `Debug` shows neither.
#[derive(Default)]
pub struct SecretValue {
    string: Option<Zeroizing<Vec<u8>>>,
    binary: Option<Zeroizing<Vec<u8>>>,
    made: Option<i64>,
}

impl SecretValue {
    /// Text, bytes, both or neither, as AWS answers. The buffers are taken over, not copied.
    pub fn new(string: Option<String>, binary: Option<Vec<u8>>) -> Self {
        Self {
            string: string.map(|text| Zeroizing::new(text.into_bytes())),
            binary: binary.map(Zeroizing::new),
            made: None,
        }
    }

    /// With the time at which this version of it was made, in milliseconds since 1970.
    #[must_use]
    pub fn made(mut self, made: Option<i64>) -> Self {
        self.made = made;
        self
    }

    /// A copy for the engine.
    pub fn to_payload(&self) -> Payload {
        Payload {
            string: self.string.as_deref().cloned(),
            binary: self.binary.as_deref().cloned(),
            made: self.made,
        }
    }

    /// Bytes that it occupies.
    pub fn size(&self) -> usize {
        let size = |bytes: &Option<Zeroizing<Vec<u8>>>| bytes.as_ref().map_or(0, |b| b.len());
        size(&self.string) + size(&self.binary)
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "value of {} bytes", self.size())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_shown_and_arrives_whole() {
        let value = SecretValue::new(Some("hunter2".to_owned()), Some(vec![0, 255])).made(Some(7));
        assert_eq!(format!("{value:?}"), "value of 9 bytes");
        let payload = value.to_payload();
        assert_eq!(payload.string.as_deref(), Some(&b"hunter2"[..]));
        assert_eq!(payload.binary.as_deref(), Some(&[0, 255][..]));
        assert_eq!(payload.made, Some(7));
    }
}
