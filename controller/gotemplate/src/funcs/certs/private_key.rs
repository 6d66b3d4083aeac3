//! Private keys in the formats that Go's `crypto/x509` reads and writes.

use zeroize::Zeroizing;

use super::asn1::{Algorithm, Field, Fields, Kind, Parameters};
use super::der::{self, Oid};
use super::ec::{Curve, Scalar};
use super::public_key::{self, PublicKey};
use super::rsa_key::{Pkcs1, RsaKey};
use super::{base64, pem};
use crate::error::Message;
use crate::funcs::crypto::wrap;

/// A private key of any kind.
pub(in crate::funcs) enum PrivateKey {
    Rsa(Box<RsaKey>),
    /// The number and the public point.
    Ec(Curve, Scalar, Vec<u8>),
    /// The seed.
    Ed25519(Zeroizing<[u8; 32]>),
    X25519(Zeroizing<[u8; 32]>),
    /// Only ever checked.
    Dsa,
}

const USE_EC: &str = "x509: failed to parse private key \
                      (use ParseECPrivateKey instead for this key format)";
const USE_PKCS1: &str = "x509: failed to parse private key \
                         (use ParsePKCS1PrivateKey instead for this key format)";
const USE_PKCS8: &str = "x509: failed to parse private key \
                         (use ParsePKCS8PrivateKey instead for this key format)";

/// The fields of `pkcs8`.
struct Pkcs8<'a> {
    algorithm: Algorithm<'a>,
    key: &'a [u8],
}

impl<'a> Pkcs8<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Message> {
        let mut fields = Fields::new(bytes).required(Kind::Struct("pkcs8"))?.fields();
        fields.int()?;
        let algorithm = Algorithm::read(&mut fields)?;
        let key = fields.required(Kind::Octets)?.content;
        Ok(Self { algorithm, key })
    }
}

/// The fields of `ecPrivateKey`.
struct Sec1<'a> {
    version: i64,
    key: &'a [u8],
    curve: Option<Oid>,
}

impl<'a> Sec1<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Message> {
        let explicit = |tag| Parameters { explicit: true, tag: Some(tag), ..Parameters::OPTIONAL };
        let mut fields = Fields::new(bytes).required(Kind::Struct("ecPrivateKey"))?.fields();
        let version = fields.int()?;
        let key = fields.required(Kind::Octets)?.content;
        let curve = fields.field(Kind::Oid, explicit(0))?.map(Field::oid).transpose()?;
        let public = fields.field(Kind::BitString, explicit(1))?;
        public.map(Field::check_bits).transpose()?;
        Ok(Self { version, key, curve })
    }
}

impl PrivateKey {
    /// `x509.ParsePKCS1PrivateKey`
    pub(in crate::funcs) fn parse_pkcs1(bytes: &[u8]) -> Result<Self, Message> {
        match Pkcs1::read(bytes) {
            Ok(fields) => Ok(Self::Rsa(Box::new(fields.key()?))),
            Err(_) if Sec1::read(bytes).is_ok() => Err(USE_EC.into()),
            Err(_) if Pkcs8::read(bytes).is_ok() => Err(USE_PKCS8.into()),
            Err(error) => Err(error),
        }
    }

    /// `x509.ParsePKCS8PrivateKey`
    pub(in crate::funcs) fn parse_pkcs8(bytes: &[u8]) -> Result<Self, Message> {
        let fields = match Pkcs8::read(bytes) {
            Ok(fields) => fields,
            Err(_) if Sec1::read(bytes).is_ok() => return Err(USE_EC.into()),
            Err(_) if Pkcs1::read(bytes).is_ok() => return Err(USE_PKCS1.into()),
            Err(error) => return Err(error),
        };
        let Pkcs8 { algorithm, key } = fields;
        if algorithm.is(public_key::RSA) {
            return Self::parse_pkcs1(key).map_err(|error| {
                wrap("x509: failed to parse RSA private key embedded in PKCS#8: ", error)
            });
        }
        if algorithm.is(public_key::ECDSA) {
            let curve = Fields::new(algorithm.parameters).required(Kind::Oid);
            let curve = curve.and_then(Field::oid).ok();
            return Self::parse_ec_in(curve.as_ref(), key).map_err(|error| {
                wrap("x509: failed to parse EC private key embedded in PKCS#8: ", error)
            });
        }
        let (name, make): (_, fn(_) -> Self) = if algorithm.is(public_key::ED25519) {
            ("Ed25519", Self::Ed25519)
        } else if algorithm.is(public_key::X25519) {
            ("X25519", Self::X25519)
        } else {
            let text = "x509: PKCS#8 wrapping contained private key with unknown algorithm: ";
            return Err(Message::new().text(text).secret(algorithm.text()));
        };
        if !algorithm.parameters.is_empty() {
            return Err(format!("x509: invalid {name} private key parameters").into());
        }
        let key = Fields::new(key).required(Kind::Octets);
        let key =
            key.map_err(|error| wrap(format!("x509: invalid {name} private key: "), error))?;
        match <[u8; 32]>::try_from(key.content) {
            Ok(key) => Ok(make(Zeroizing::new(key))),
            Err(_) if name == "X25519" => Err("crypto/ecdh: invalid private key size".into()),
            Err(_) => {
                let length = key.content.len();
                Err(format!("x509: invalid Ed25519 private key length: {length}").into())
            }
        }
    }

    /// `x509.ParseECPrivateKey`
    pub(in crate::funcs) fn parse_ec(bytes: &[u8]) -> Result<Self, Message> {
        Self::parse_ec_in(None, bytes)
    }

    fn parse_ec_in(curve: Option<&Oid>, bytes: &[u8]) -> Result<Self, Message> {
        let fields = match Sec1::read(bytes) {
            Ok(fields) => fields,
            Err(_) if Pkcs8::read(bytes).is_ok() => return Err(USE_PKCS8.into()),
            Err(_) if Pkcs1::read(bytes).is_ok() => return Err(USE_PKCS1.into()),
            Err(error) => return Err(wrap("x509: failed to parse EC private key: ", error)),
        };
        if fields.version != 1 {
            let version = fields.version;
            return Err(format!("x509: unknown EC private key version {version}").into());
        }
        let curve = curve.or(fields.curve.as_ref()).and_then(Curve::from_oid);
        let curve = curve.ok_or("x509: unknown elliptic curve")?;
        let mut key = fields.key;
        while let (true, Some((first, rest))) = (key.len() > curve.size(), key.split_first()) {
            if *first != 0 {
                return Err("x509: invalid private key length".into());
            }
            key = rest;
        }
        let mut scalar = Zeroizing::new(vec![0; curve.size() - key.len()]);
        scalar.extend_from_slice(key);
        let public = curve.public(&scalar)?;
        Ok(Self::Ec(curve, scalar, public))
    }

    /// What ESO does with the content of any PEM block: it tries one format after the other.
    pub(in crate::funcs) fn parse(bytes: &[u8]) -> Result<Self, Message> {
        Self::parse_pkcs1(bytes)
            .or_else(|_| Self::parse_pkcs8(bytes))
            .or_else(|_| Self::parse_ec(bytes))
            .map_err(|_| "unable to parse private key type".into())
    }

    /// What sprig does: the PEM block says which format it is.
    pub(in crate::funcs) fn parse_pem(text: &[u8]) -> Result<Self, Message> {
        let (Some(block), _) = pem::decode(text) else {
            return Err("no PEM data in input".into());
        };
        if block.kind == b"PRIVATE KEY" {
            return Self::parse_pkcs8(&block.bytes)
                .map_err(|error| wrap("decoding PEM as PKCS#8: ", error));
        }
        let Some(kind) = block.kind.strip_suffix(b" PRIVATE KEY") else {
            let text = "no private key data in PEM block of type ";
            return Err(Message::new().text(text).secret(block.kind));
        };
        let (name, key) = match kind {
            b"RSA" => ("RSA", Self::parse_pkcs1(&block.bytes)),
            b"EC" => ("EC", Self::parse_ec(&block.bytes)),
            b"DSA" => ("DSA", parse_dsa(&block.bytes)),
            _ => {
                let text = "invalid private key type ";
                return Err(Message::new().text(text).secret(block.kind));
            }
        };
        key.map_err(|error| wrap(format!("parsing {name} private key from PEM: "), error))
    }

    /// `x509.MarshalPKCS8PrivateKey`. `None`: Go does not write such a key.
    pub(in crate::funcs) fn pkcs8(&self) -> Option<Zeroizing<Vec<u8>>> {
        let (algorithm, parameters, key) = match self {
            Self::Rsa(key) => (public_key::RSA, der::write(der::NULL, &[]), key.pkcs1()),
            Self::Ec(curve, ..) => {
                (public_key::ECDSA, der::write_oid(curve.oid()), self.sec1(false)?)
            }
            Self::Ed25519(key) => {
                (public_key::ED25519, Zeroizing::default(), der::write(der::OCTET_STRING, &**key))
            }
            Self::X25519(key) => {
                (public_key::X25519, Zeroizing::default(), der::write(der::OCTET_STRING, &**key))
            }
            Self::Dsa => return None,
        };
        let version = der::write_unsigned(&[0]);
        let algorithm = der::write_all(der::SEQUENCE, &[&der::write_oid(algorithm), &parameters]);
        let key = der::write(der::OCTET_STRING, &key);
        Some(der::write_all(der::SEQUENCE, &[&version, &algorithm, &key]))
    }

    /// An EC key as `x509.MarshalECPrivateKey` writes it, or without the curve as in PKCS#8.
    fn sec1(&self, with_curve: bool) -> Option<Zeroizing<Vec<u8>>> {
        let Self::Ec(curve, scalar, public) = self else { return None };
        let curve = if with_curve {
            der::write(der::context_constructed(0), &der::write_oid(curve.oid()))
        } else {
            Zeroizing::default()
        };
        let public = der::write_all(der::BIT_STRING, &[&[0], public]);
        let parts: [&[u8]; 4] = [
            &der::write_unsigned(&[1]),
            &der::write(der::OCTET_STRING, scalar),
            &curve,
            &der::write(der::context_constructed(1), &public),
        ];
        Some(der::write_all(der::SEQUENCE, &parts))
    }

    /// The PEM block in which sprig writes a key. `None`: it does not.
    pub(in crate::funcs) fn to_pem(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(match self {
            Self::Rsa(key) => pem::encode(b"RSA PRIVATE KEY", &key.pkcs1()),
            Self::Ec(..) => pem::encode(b"EC PRIVATE KEY", &self.sec1(true)?),
            _ => pem::encode(b"PRIVATE KEY", &self.pkcs8()?),
        })
    }

    /// The public key. `None`: of a kind that signs nothing.
    pub(in crate::funcs) fn public(&self) -> Option<PublicKey> {
        match self {
            Self::Rsa(key) => Some(key.public()),
            Self::Ec(curve, _, public) => Some(PublicKey::Ec(*curve, public.clone())),
            Self::Ed25519(seed) => Some(PublicKey::Ed25519(ed25519_public(seed).to_vec())),
            Self::X25519(_) | Self::Dsa => None,
        }
    }
}

/// The public key of an Ed25519 seed.
pub(in crate::funcs) fn ed25519_public(seed: &[u8; 32]) -> [u8; 32] {
    ed25519_dalek::SigningKey::from_bytes(seed).verifying_key().to_bytes()
}

/// The public key of an X25519 seed.
pub(in crate::funcs) fn x25519_public(seed: &[u8; 32]) -> [u8; 32] {
    curve25519_dalek::MontgomeryPoint::mul_base_clamped(*seed).to_bytes()
}

/// sprig's own reading of a DSA key: five numbers, unchecked.
fn parse_dsa(bytes: &[u8]) -> Result<PrivateKey, Message> {
    let mut fields = Fields::new(bytes).required(Kind::Struct("DSAKeyFormat"))?.fields();
    fields.int()?;
    for _ in 0..5 {
        fields.required(Kind::BigInt)?.integer()?;
    }
    Ok(PrivateKey::Dsa)
}

/// Base64 around PEM, as `buildCustomCert` wants it.
pub(in crate::funcs) fn unwrap_base64(text: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    base64::decode(text).ok()
}
