//! Making certificates, as sprig has Go make them. They differ each time, in serial number and key
//! or at least in the serial number, and so does a Secret made with them.

use std::net::IpAddr;
use std::rc::Rc;

use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use rsa::pkcs1v15::Pkcs1v15Sign;
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use zeroize::Zeroizing;

use super::custom::CertificateAndKey;
use super::ec::Curve;
use super::private_key::PrivateKey;
use super::public_key::PublicKey;
use super::x509::Certificate;
use super::{CERTIFICATE, CERTIFICATE_STEPS, der, pem, time};
use crate::error::Message;
use crate::fmt::quote;
use crate::funcs::crypto::private_key::generate_rsa;
use crate::funcs::crypto::random::EnvironmentRng;
use crate::funcs::crypto::{string, wrap};
use crate::funcs::{Call, Failure, Type};
use crate::value::Value;

pub(super) const AUTHORITY: &[Type] = &[Type::String, Type::Int];
pub(super) const AUTHORITY_WITH_KEY: &[Type] = &[Type::String, Type::Int, Type::String];
pub(super) const SELF_SIGNED: &[Type] = &[Type::String, Type::AnyList, Type::AnyList, Type::Int];
pub(super) const SELF_SIGNED_WITH_KEY: &[Type] =
    &[Type::String, Type::AnyList, Type::AnyList, Type::Int, Type::String];
pub(super) const SIGNED: &[Type] =
    &[Type::String, Type::AnyList, Type::AnyList, Type::Int, Type::Certificate];
pub(super) const SIGNED_WITH_KEY: &[Type] =
    &[Type::String, Type::AnyList, Type::AnyList, Type::Int, Type::Certificate, Type::String];

/// The length of a new key.
const BITS: usize = 2048;

/// What signing costs, in steps.
const SIGN_STEPS: usize = 10_000;

pub(super) fn authority(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = new_key(call)?;
    make_authority(call, args, &key)
}

pub(super) fn authority_with_key(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = given_key(call, args, 2)?;
    make_authority(call, args, &key)
}

pub(super) fn self_signed(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = new_key(call)?;
    make_self_signed(call, args, &key)
}

pub(super) fn self_signed_with_key(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = given_key(call, args, 4)?;
    make_self_signed(call, args, &key)
}

pub(super) fn signed(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = new_key(call)?;
    make_signed(call, args, &key)
}

pub(super) fn signed_with_key(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let key = given_key(call, args, 5)?;
    make_signed(call, args, &key)
}

fn new_key(call: &mut Call<'_>) -> Result<PrivateKey, Failure> {
    Ok(PrivateKey::Rsa(Box::new(generate_rsa(call, BITS)?)))
}

fn given_key(call: &mut Call<'_>, args: &[Value], index: usize) -> Result<PrivateKey, Failure> {
    call.work(CERTIFICATE_STEPS)?;
    let key = PrivateKey::parse_pem(&string(args, index));
    Ok(key.map_err(|error| wrap("parsing private key: ", error))?)
}

/// What is to be certified.
struct Request {
    /// The subject in DER.
    subject: Zeroizing<Vec<u8>>,
    /// Subject alternative names in DER, one behind the other.
    names: Vec<u8>,
    serial: [u8; 16],
    /// Seconds since the epoch.
    valid: [i64; 2],
    authority: bool,
}

/// Who signs.
struct Signer<'a> {
    subject: &'a [u8],
    key_id: &'a [u8],
    /// What the signer's certificate says, if it says it in a way that Go knows.
    public: Option<&'a PublicKey>,
    key: &'a PrivateKey,
}

fn make_authority(call: &mut Call<'_>, args: &[Value], key: &PrivateKey) -> Result<Value, Failure> {
    let days = int(args, 1);
    let mut request = request(call, &string(args, 0), &[], &[], days)?;
    request.authority = true;
    by_itself(call, &request, key)
}

fn make_self_signed(
    call: &mut Call<'_>,
    args: &[Value],
    key: &PrivateKey,
) -> Result<Value, Failure> {
    let request = full_request(call, args)?;
    by_itself(call, &request, key)
}

fn by_itself(call: &mut Call<'_>, request: &Request, key: &PrivateKey) -> Result<Value, Failure> {
    let signer = Signer { subject: &request.subject, key_id: &[], public: None, key };
    certify(call, request, key, &signer)
}

fn make_signed(call: &mut Call<'_>, args: &[Value], key: &PrivateKey) -> Result<Value, Failure> {
    let authority = match args.get(4) {
        Some(Value::Object(object)) => object.as_any().downcast_ref::<CertificateAndKey>(),
        _ => None,
    };
    let authority = authority.ok_or("unable to decode certificate")?;
    call.work(2 * CERTIFICATE_STEPS)?;
    let (Some(block), _) = pem::decode(&authority.certificate) else {
        return Err("unable to decode certificate".into());
    };
    let certificate = Certificate::parse(&block.bytes)
        .map_err(|error| wrap("error parsing certificate: decodedSignerCert.Bytes: ", error))?;
    let signer_key = PrivateKey::parse_pem(&authority.key)
        .map_err(|error| wrap("error parsing private key: ", error))?;
    let request = full_request(call, args)?;
    let signer = Signer {
        subject: &certificate.raw_subject,
        key_id: &certificate.extensions.subject_key_id,
        public: certificate.public_key.as_ref(),
        key: &signer_key,
    };
    certify(call, &request, key, &signer)
}

fn int(args: &[Value], index: usize) -> i64 {
    match args.get(index) {
        Some(Value::Int(value, _)) => *value,
        _ => 0,
    }
}

fn list(args: &[Value], index: usize) -> Vec<Value> {
    match args.get(index) {
        Some(Value::List(list)) => list.items().iter().cloned().collect(),
        _ => Vec::new(),
    }
}

fn full_request(call: &mut Call<'_>, args: &[Value]) -> Result<Request, Failure> {
    let (addresses, names) = (list(args, 1), list(args, 2));
    request(call, &string(args, 0), &addresses, &names, int(args, 3))
}

fn request(
    call: &mut Call<'_>,
    name: &[u8],
    addresses: &[Value],
    names: &[Value],
    days: i64,
) -> Result<Request, Failure> {
    call.work(addresses.len() + names.len())?;
    let mut parsed = Vec::with_capacity(addresses.len());
    for value in addresses {
        parsed.push(address(call, value)?);
    }
    let mut texts = Vec::with_capacity(names.len());
    for value in names {
        let Value::String(text) = value else {
            return Err(not_a_string(call, "error processing alternate dns name: ", value)?.into());
        };
        texts.push(text);
    }

    let mut encoded = Vec::new();
    for name in texts {
        if !name.is_ascii() {
            return Err(Message::new()
                .text("error creating certificate: x509: ")
                .secret(quote(name))
                .text(" cannot be encoded as an IA5String")
                .into());
        }
        encoded.extend_from_slice(&der::write(der::context(2), name));
    }
    for address in parsed {
        let bytes = match address.to_canonical() {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        encoded.extend_from_slice(&der::write(der::context(7), &bytes));
    }

    let mut serial = [0; 16];
    call.environment.fill_random(&mut serial);
    let now = call.environment.now();
    // Go counts a duration in nanoseconds, and wraps.
    let validity = days.wrapping_mul(24 * 3600 * 1_000_000_000);
    let valid = [now, now + i128::from(validity)]
        .map(|moment| i64::try_from(moment.div_euclid(1_000_000_000)).unwrap_or_default());
    let subject = subject(name)?;
    Ok(Request { subject, names: encoded, serial, valid, authority: false })
}

fn not_a_string(call: &mut Call<'_>, text: &str, value: &Value) -> Result<Message, Failure> {
    let shown = crate::fmt::display(call, value)?;
    Ok(Message::new().text(text).secret(shown).text(" is not a string"))
}

fn address(call: &mut Call<'_>, value: &Value) -> Result<IpAddr, Failure> {
    let Value::String(text) = value else {
        return Err(not_a_string(call, "error parsing ip: ", value)?.into());
    };
    let address = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    address.ok_or_else(|| Message::new().text("error parsing ip: ").secret(&**text).into())
}

/// A name of one attribute, the common name; of none if it is empty.
fn subject(name: &[u8]) -> Result<Zeroizing<Vec<u8>>, Message> {
    if name.is_empty() {
        return Ok(der::write(der::SEQUENCE, &[]));
    }
    if std::str::from_utf8(name).is_err() {
        return Err("error creating certificate: asn1: string not valid UTF-8".into());
    }
    let value = der::write(super::name::string_tag(name), name);
    let attribute = der::write_all(der::SEQUENCE, &[&der::write_oid(&[2, 5, 4, 3]), &value]);
    Ok(der::write(der::SEQUENCE, &der::write(der::SET, &attribute)))
}

/// The certificate for `key` and the key itself, both as PEM.
fn certify(
    call: &mut Call<'_>,
    request: &Request,
    key: &PrivateKey,
    signer: &Signer<'_>,
) -> Result<Value, Failure> {
    call.work(SIGN_STEPS)?;
    let failed = |error| wrap("error creating certificate: ", error);
    let (Some(algorithm), Some(signer_public)) =
        (signature_algorithm(signer.key), signer.key.public())
    else {
        let text = "x509: certificate private key does not implement crypto.Signer";
        return Err(failed(text.into()).into());
    };
    let Some(public) = key.public() else {
        let kind = if matches!(key, PrivateKey::Dsa) { "dsa" } else { "ecdh" };
        let text = format!("x509: unsupported public key type: *{kind}.PublicKey");
        return Err(failed(text.into()).into());
    };
    if signer.public.is_some_and(|public| *public != signer_public) {
        let text = "x509: provided PrivateKey doesn't match parent's PublicKey";
        return Err(failed(text.into()).into());
    }
    let spki = public.spki().ok_or("error creating certificate: x509: unsupported key")?;

    let own_issuer = signer.subject == &**request.subject;
    let extensions = extensions(request, &public, if own_issuer { &[] } else { signer.key_id });
    let valid = request.valid.map(time::write);
    let parts: [&[u8]; 8] = [
        &der::write(der::context_constructed(0), &der::write_unsigned(&[2])),
        &der::write_unsigned(&request.serial),
        &algorithm,
        signer.subject,
        &der::write(der::SEQUENCE, &valid.concat()),
        &request.subject,
        &spki,
        &der::write(der::context_constructed(3), &der::write(der::SEQUENCE, &extensions)),
    ];
    let tbs = der::write_all(der::SEQUENCE, &parts);
    let signature =
        sign(call, signer.key, &tbs).ok_or("error creating certificate: no signature")?;
    let signature = der::write_all(der::BIT_STRING, &[&[0], &signature]);
    let certificate = der::write_all(der::SEQUENCE, &[&tbs, &algorithm, &signature]);

    let key = key.to_pem().ok_or("error pem-encoding key")?;
    call.reserve(certificate.len() * 2 + key.len())?;
    Ok(Value::Object(Rc::new(CertificateAndKey {
        certificate: pem::encode(CERTIFICATE, &certificate).as_slice().into(),
        key: key.as_slice().into(),
    })))
}

/// The extensions in the order in which Go writes them.
fn extensions(request: &Request, public: &PublicKey, authority_key_id: &[u8]) -> Vec<u8> {
    let mut output = Vec::new();
    let mut push = |number: u32, critical: bool, value: &[u8]| {
        let critical =
            if critical { der::write(der::BOOLEAN, &[0xff]) } else { Zeroizing::default() };
        let id = der::write_oid(&[2, 5, 29, number]);
        let parts: [&[u8]; 3] = [&id, &critical, &der::write(der::OCTET_STRING, value)];
        output.extend_from_slice(&der::write_all(der::SEQUENCE, &parts));
    };
    // Signing, enciphering keys, and signing certificates for an authority.
    let usage: [u8; 2] = if request.authority { [2, 0xa4] } else { [5, 0xa0] };
    push(15, true, &der::write(der::BIT_STRING, &usage));
    let usages = [1, 2].map(|usage| der::write_oid(&[1, 3, 6, 1, 5, 5, 7, 3, usage]).to_vec());
    push(37, false, &der::write(der::SEQUENCE, &usages.concat()));
    let authority =
        if request.authority { der::write(der::BOOLEAN, &[0xff]) } else { Zeroizing::default() };
    push(19, true, &der::write(der::SEQUENCE, &authority));
    if request.authority {
        let digest = Sha256::digest(public.bits());
        let id = digest.get(..20).unwrap_or_default();
        push(14, false, &der::write(der::OCTET_STRING, id));
    }
    if !authority_key_id.is_empty() {
        let id = der::write(der::context(0), authority_key_id);
        push(35, false, &der::write(der::SEQUENCE, &id));
    }
    if !request.names.is_empty() {
        let anonymous = *request.subject == [der::SEQUENCE, 0];
        push(17, anonymous, &der::write(der::SEQUENCE, &request.names));
    }
    output
}

/// The algorithm with which a key signs, in DER. `None`: it signs nothing.
fn signature_algorithm(key: &PrivateKey) -> Option<Zeroizing<Vec<u8>>> {
    let (oid, parameters): (&[u32], _) = match key {
        PrivateKey::Rsa(_) => (&[1, 2, 840, 113_549, 1, 1, 11], der::write(der::NULL, &[])),
        PrivateKey::Ec(curve, ..) => {
            let number = match curve {
                Curve::P256 => &[1, 2, 840, 10_045, 4, 3, 2],
                Curve::P384 => &[1, 2, 840, 10_045, 4, 3, 3],
                Curve::P521 => &[1, 2, 840, 10_045, 4, 3, 4],
            };
            (number, Zeroizing::default())
        }
        PrivateKey::Ed25519(_) => (super::public_key::ED25519, Zeroizing::default()),
        PrivateKey::X25519(_) | PrivateKey::Dsa => return None,
    };
    Some(der::write_all(der::SEQUENCE, &[&der::write_oid(oid), &parameters]))
}

fn sign(call: &mut Call<'_>, key: &PrivateKey, message: &[u8]) -> Option<Vec<u8>> {
    match key {
        PrivateKey::Rsa(key) => {
            let padding = Pkcs1v15Sign::new::<Sha256>();
            let mut random = EnvironmentRng(call.environment);
            key.engine()?.sign_with_rng(&mut random, padding, &Sha256::digest(message)).ok()
        }
        PrivateKey::Ec(Curve::P256, scalar, _) => {
            let key = p256::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let signature: p256::ecdsa::Signature =
                key.sign_prehash(&Sha256::digest(message)).ok()?;
            Some(signature.to_der().as_bytes().to_vec())
        }
        PrivateKey::Ec(Curve::P384, scalar, _) => {
            let key = p384::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let signature: p384::ecdsa::Signature =
                key.sign_prehash(&Sha384::digest(message)).ok()?;
            Some(signature.to_der().as_bytes().to_vec())
        }
        PrivateKey::Ec(Curve::P521, scalar, _) => {
            let key = p521::ecdsa::SigningKey::from_slice(scalar).ok()?;
            let signature: p521::ecdsa::Signature =
                key.sign_prehash(&Sha512::digest(message)).ok()?;
            Some(signature.to_der().as_bytes().to_vec())
        }
        PrivateKey::Ed25519(seed) => {
            use ed25519_dalek::Signer as _;
            let key = ed25519_dalek::SigningKey::from_bytes(seed);
            Some(key.sign(message).to_bytes().to_vec())
        }
        PrivateKey::X25519(_) | PrivateKey::Dsa => None,
    }
}
