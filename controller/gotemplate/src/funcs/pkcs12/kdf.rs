//! Keys from passwords: the derivation of PKCS#12 itself (RFC 7292 appendix B.2), and PBKDF2.

use hmac::{EagerHash, Hmac, KeyInit as _, Mac as _};
use sha1::{Digest, Sha1};
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha1,
    Sha256,
    Sha512,
}

/// What derived bytes are for.
#[derive(Clone, Copy)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

impl Hash {
    /// The length of a hash.
    pub(super) const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    /// The length of the blocks that the function works on.
    const fn block(self) -> usize {
        match self {
            Self::Sha1 | Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    fn digest(self, input: &[u8]) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(match self {
            Self::Sha1 => Sha1::digest(input).to_vec(),
            Self::Sha256 => Sha256::digest(input).to_vec(),
            Self::Sha512 => Sha512::digest(input).to_vec(),
        })
    }

    /// An HMAC.
    pub(super) fn mac(self, key: &[u8], message: &[u8]) -> Vec<u8> {
        fn mac<D: EagerHash>(key: &[u8], message: &[u8]) -> Vec<u8> {
            Hmac::<D>::new_from_slice(key)
                .map(|mut mac| {
                    mac.update(message);
                    mac.finalize().into_bytes().to_vec()
                })
                .unwrap_or_default()
        }
        match self {
            Self::Sha1 => mac::<Sha1>(key, message),
            Self::Sha256 => mac::<Sha256>(key, message),
            Self::Sha512 => mac::<Sha512>(key, message),
        }
    }

    /// PBKDF2. Fewer iterations than one are one, as in Go.
    pub(super) fn pbkdf2(
        self,
        password: &[u8],
        salt: &[u8],
        iterations: i64,
        size: usize,
    ) -> Zeroizing<Vec<u8>> {
        let iterations = u32::try_from(iterations.max(1)).unwrap_or(u32::MAX);
        let mut key = Zeroizing::new(vec![0; size]);
        match self {
            Self::Sha1 => pbkdf2::pbkdf2_hmac::<Sha1>(password, salt, iterations, &mut key),
            Self::Sha256 => pbkdf2::pbkdf2_hmac::<Sha256>(password, salt, iterations, &mut key),
            Self::Sha512 => pbkdf2::pbkdf2_hmac::<Sha512>(password, salt, iterations, &mut key),
        }
        key
    }

    /// The derivation of PKCS#12.
    pub(super) fn derive(
        self,
        purpose: Purpose,
        password: &[u8],
        salt: &[u8],
        iterations: i64,
        size: usize,
    ) -> Zeroizing<Vec<u8>> {
        let block = self.block();
        let diversifier = vec![purpose as u8; block];
        let mut input = Zeroizing::new(Vec::new());
        for part in [salt, password] {
            let length = part.len().div_ceil(block) * block;
            input.extend(part.iter().cycle().take(length));
        }

        let mut output = Zeroizing::new(Vec::with_capacity(size + self.size()));
        loop {
            let mut hash = self.digest(&Zeroizing::new([&*diversifier, &**input].concat()));
            for _ in 1..iterations {
                hash = self.digest(&hash);
            }
            output.extend_from_slice(&hash);
            if output.len() >= size {
                output.truncate(size);
                return output;
            }
            let addend: Zeroizing<Vec<u8>> =
                Zeroizing::new(hash.iter().copied().cycle().take(block).collect());
            for chunk in input.chunks_exact_mut(block) {
                add_one_more(chunk, &addend);
            }
        }
    }
}

/// Adds `addend` and one, both in big-endian bytes of the same length, and drops the carry.
fn add_one_more(number: &mut [u8], addend: &[u8]) {
    let mut carry = 1;
    for (byte, other) in number.iter_mut().rev().zip(addend.iter().rev()) {
        let sum = u16::from(*byte) + u16::from(*other) + carry;
        let [high, low] = sum.to_be_bytes();
        *byte = low;
        carry = u16::from(high);
    }
}
