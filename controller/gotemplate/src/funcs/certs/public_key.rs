//! Public keys, as they stand in certificates.

use super::der::{self, Der, Oid};
use super::ec::Curve;
use crate::error::Message;

pub(in crate::funcs) const RSA: &[u32] = &[1, 2, 840, 113_549, 1, 1, 1];
pub(in crate::funcs) const DSA: &[u32] = &[1, 2, 840, 10_040, 4, 1];
pub(in crate::funcs) const ECDSA: &[u32] = &[1, 2, 840, 10_045, 2, 1];
pub(in crate::funcs) const ED25519: &[u32] = &[1, 3, 101, 112];
pub(in crate::funcs) const X25519: &[u32] = &[1, 3, 101, 110];

/// A public key of a kind that Go knows.
#[derive(Clone, PartialEq, Eq)]
pub(in crate::funcs) enum PublicKey {
    /// Modulus without leading zeros, and exponent.
    Rsa(Vec<u8>, i64),
    /// A point in its uncompressed form.
    Ec(Curve, Vec<u8>),
    Ed25519(Vec<u8>),
    /// Only checked.
    Dsa,
}

impl PublicKey {
    /// Reads a key. `None`: Go does not know the algorithm and accepts any content.
    pub(super) fn parse(
        algorithm: &Oid,
        parameters: &[u8],
        key: &[u8],
    ) -> Result<Option<Self>, Message> {
        Ok(Some(match algorithm.arcs() {
            RSA => rsa(parameters, key)?,
            ECDSA => {
                let curve = Der(parameters).oid().ok_or("x509: invalid ECDSA parameters")?;
                let curve = Curve::from_oid(&curve).ok_or("x509: unsupported elliptic curve")?;
                curve.check_point(key)?;
                Self::Ec(curve, key.to_vec())
            }
            ED25519 => {
                if !parameters.is_empty() {
                    return Err("x509: Ed25519 key encoded with illegal parameters".into());
                }
                if key.len() != 32 {
                    return Err("x509: wrong Ed25519 public key size".into());
                }
                Self::Ed25519(key.to_vec())
            }
            DSA => {
                dsa(parameters, key)?;
                Self::Dsa
            }
            _ => return Ok(None),
        }))
    }

    /// The key alone, as it stands in a bit string.
    pub(super) fn bits(&self) -> Vec<u8> {
        match self {
            Self::Rsa(modulus, exponent) => {
                let numbers = [der::write_unsigned(modulus), der::write_int(*exponent)];
                let numbers = numbers.map(|number| number.to_vec()).concat();
                der::write(der::SEQUENCE, &numbers).to_vec()
            }
            Self::Ec(_, point) => point.clone(),
            Self::Ed25519(key) => key.clone(),
            Self::Dsa => Vec::new(),
        }
    }

    /// The `SubjectPublicKeyInfo`.
    pub(in crate::funcs) fn spki(&self) -> Option<Vec<u8>> {
        let (algorithm, parameters) = match self {
            Self::Rsa(..) => (RSA, der::write(der::NULL, &[])),
            Self::Ec(curve, _) => (ECDSA, der::write_oid(curve.oid())),
            Self::Ed25519(_) => (ED25519, zeroize::Zeroizing::default()),
            Self::Dsa => return None,
        };
        let algorithm = der::write_all(der::SEQUENCE, &[&der::write_oid(algorithm), &parameters]);
        let key = der::write_all(der::BIT_STRING, &[&[0], &self.bits()]);
        Some(der::write_all(der::SEQUENCE, &[&algorithm, &key]).to_vec())
    }
}

fn rsa(parameters: &[u8], key: &[u8]) -> Result<PublicKey, Message> {
    if parameters != [der::NULL, 0] {
        return Err("x509: RSA key missing NULL parameters".into());
    }
    let mut key = Der(key).read(der::SEQUENCE).ok_or("x509: invalid RSA public key")?;
    let modulus = key.integer().ok_or("x509: invalid RSA modulus")?;
    let exponent = key.int().ok_or("x509: invalid RSA public exponent")?;
    let modulus = positive(modulus).ok_or("x509: RSA modulus is not a positive number")?;
    if exponent <= 0 {
        return Err("x509: RSA public exponent is not a positive number".into());
    }
    Ok(PublicKey::Rsa(modulus.to_vec(), exponent))
}

fn dsa(parameters: &[u8], key: &[u8]) -> Result<(), Message> {
    let public = Der(key).integer().ok_or("x509: invalid DSA public key")?;
    let numbers = Der(parameters).read(der::SEQUENCE).and_then(|mut parameters| {
        Some([public, parameters.integer()?, parameters.integer()?, parameters.integer()?])
    });
    let numbers = numbers.ok_or("x509: invalid DSA parameters")?;
    if numbers.iter().any(|number| positive(number).is_none()) {
        return Err("x509: zero or negative DSA parameter".into());
    }
    Ok(())
}

/// The bytes of a number in two's complement without leading zeros, if it is above zero.
pub(in crate::funcs) fn positive(bytes: &[u8]) -> Option<&[u8]> {
    match bytes {
        [] | [0x80..=0xff, ..] | [0] => None,
        [0, rest @ ..] => Some(rest),
        _ => Some(bytes),
    }
}
