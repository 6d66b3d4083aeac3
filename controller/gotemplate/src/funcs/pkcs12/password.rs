//! Passwords, which the old parts of PKCS#12 see as UCS-2 and the new ones as UTF-8.

use zeroize::Zeroizing;

use crate::error::Message;

/// A password, or none.
pub(super) struct Password {
    /// Two bytes for each character, and a terminator; empty for no password.
    ucs2: Zeroizing<Vec<u8>>,
    utf8: Zeroizing<Vec<u8>>,
}

impl Password {
    pub(super) fn new(text: &[u8]) -> Result<Self, Message> {
        let utf8 = Zeroizing::new(String::from_utf8_lossy(text).into_owned().into_bytes());
        let mut ucs2 = ucs2(text)?;
        ucs2.extend([0, 0]);
        Ok(Self { ucs2, utf8 })
    }

    /// Some programs take an empty password as the absence of one, without the terminator.
    pub(super) fn none() -> Self {
        Self { ucs2: Zeroizing::default(), utf8: Zeroizing::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self.ucs2 == [0, 0]
    }

    pub(super) fn ucs2(&self) -> &[u8] {
        &self.ucs2
    }

    pub(super) fn utf8(&self) -> &[u8] {
        &self.utf8
    }
}

/// A text in two bytes for each character.
pub(super) fn ucs2(text: &[u8]) -> Result<Zeroizing<Vec<u8>>, Message> {
    let mut output = Zeroizing::new(Vec::with_capacity(2 * text.len() + 2));
    for char in String::from_utf8_lossy(text).chars() {
        let unit = u16::try_from(u32::from(char))
            .map_err(|_| "pkcs12: string contains characters that cannot be encoded in UCS-2")?;
        output.extend(unit.to_be_bytes());
    }
    Ok(output)
}
