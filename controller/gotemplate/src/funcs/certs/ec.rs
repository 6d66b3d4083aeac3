//! The elliptic curves of NIST.

use std::cmp::Ordering;

use p256::elliptic_curve::sec1::ToSec1Point as _;
use zeroize::Zeroizing;

use super::der::Oid;
use crate::error::Message;

/// A curve that Go's `crypto/x509` knows, but for P-224, of which there is no finished
/// implementation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::funcs) enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    pub(in crate::funcs) const fn oid(self) -> &'static [u32] {
        match self {
            Self::P256 => &[1, 2, 840, 10_045, 3, 1, 7],
            Self::P384 => &[1, 3, 132, 0, 34],
            Self::P521 => &[1, 3, 132, 0, 35],
        }
    }

    pub(in crate::funcs) fn from_oid(oid: &Oid) -> Option<Self> {
        Self::ALL.into_iter().find(|curve| curve.oid() == oid.arcs())
    }

    pub(in crate::funcs) const fn name(self) -> &'static str {
        match self {
            Self::P256 => "P256",
            Self::P384 => "P384",
            Self::P521 => "P521",
        }
    }

    /// The length of a coordinate and of a private key, in bytes.
    pub(in crate::funcs) const fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }

    /// The length of a coordinate and of a private key, in bits.
    pub(in crate::funcs) const fn bits(self) -> usize {
        match self {
            Self::P256 => 256,
            Self::P384 => 384,
            Self::P521 => 521,
        }
    }

    /// The modulus of the coordinates.
    const fn modulus(self) -> &'static str {
        match self {
            Self::P256 => "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff",
            Self::P384 => {
                "fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe\
                 ffffffff0000000000000000ffffffff"
            }
            Self::P521 => {
                "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\
                 ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
            }
        }
    }

    /// The order of the group, which a private key is below.
    const fn order(self) -> &'static str {
        match self {
            Self::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
            Self::P384 => {
                "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf\
                 581a0db248b0a77aecec196accc52973"
            }
            Self::P521 => {
                "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa\
                 51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
            }
        }
    }

    /// Whether these bytes are an uncompressed point of the curve.
    pub(in crate::funcs) fn check_point(self, bytes: &[u8]) -> Result<(), Message> {
        if bytes.first() != Some(&4) {
            return Err("ecdsa: invalid uncompressed public key".into());
        }
        let name = self.name();
        if bytes.len() != 1 + 2 * self.size() {
            return Err(format!("invalid {name} point encoding").into());
        }
        let (x, y) = bytes.get(1..).unwrap_or_default().split_at(self.size());
        let modulus = data_encoding::HEXLOWER.decode(self.modulus().as_bytes()).unwrap_or_default();
        if x >= &*modulus || y >= &*modulus {
            // P-256 has an implementation of its own in Go, and words of its own.
            let element = if matches!(self, Self::P256) { " element" } else { "Element" };
            return Err(format!("invalid {name}{element} encoding").into());
        }
        let valid = match self {
            Self::P256 => p256::PublicKey::from_sec1_bytes(bytes).is_ok(),
            Self::P384 => p384::PublicKey::from_sec1_bytes(bytes).is_ok(),
            Self::P521 => p521::PublicKey::from_sec1_bytes(bytes).is_ok(),
        };
        if valid { Ok(()) } else { Err(format!("{name} point not on curve").into()) }
    }

    /// The public key of a private key of the curve's size.
    ///
    /// # Errors
    /// Go's, for a number that is no private key.
    pub(in crate::funcs) fn public(self, scalar: &[u8]) -> Result<Vec<u8>, Message> {
        let point = match self {
            Self::P256 => p256::SecretKey::from_slice(scalar)
                .map(|key| key.public_key().to_sec1_point(false).as_bytes().to_vec()),
            Self::P384 => p384::SecretKey::from_slice(scalar)
                .map(|key| key.public_key().to_sec1_point(false).as_bytes().to_vec()),
            Self::P521 => p521::SecretKey::from_slice(scalar)
                .map(|key| key.public_key().to_sec1_point(false).as_bytes().to_vec()),
        };
        point.map_err(|_| {
            let order = data_encoding::HEXLOWER.decode(self.order().as_bytes()).unwrap_or_default();
            match scalar.cmp(&order) {
                Ordering::Greater => "input overflows the modulus".into(),
                // Zero and the order both lead to the point at infinity, which has no encoding.
                Ordering::Equal | Ordering::Less => "ecdsa: invalid public key encoding".into(),
            }
        })
    }

    /// A private key from random numbers: candidates of the curve's size until one is a key.
    /// `None`: the numbers are not random.
    pub(in crate::funcs) fn generate(self, mut fill: impl FnMut(&mut [u8])) -> Option<Scalar> {
        for _ in 0..100 {
            let mut scalar = Zeroizing::new(vec![0; self.size()]);
            fill(&mut scalar);
            if let (Self::P521, Some(first)) = (self, scalar.first_mut()) {
                *first &= 1;
            }
            if self.public(&scalar).is_ok() {
                return Some(scalar);
            }
        }
        None
    }
}

/// A private key, of the curve's size.
pub(in crate::funcs) type Scalar = Zeroizing<Vec<u8>>;
