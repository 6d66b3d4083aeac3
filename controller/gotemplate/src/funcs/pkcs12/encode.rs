//! Writing a file in the form that go-pkcs12 calls modern: AES-256, and HMAC with SHA-256.

use sha1::{Digest as _, Sha1};
use zeroize::Zeroizing;

use super::decode::{
    CERTIFICATE_BAG, DATA, ENCRYPTED_DATA, SHA256, SHROUDED_KEY_BAG, X509_CERTIFICATE,
};
use super::kdf::{Hash, Purpose};
use super::password::ucs2;
use super::pbe::{self, MAC_ITERATIONS};
use super::{Password, charge};
use crate::error::Message;
use crate::funcs::certs::der;
use crate::funcs::certs::private_key::PrivateKey;
use crate::funcs::certs::x509::Certificate;
use crate::funcs::{Call, Failure};

const FRIENDLY_NAME: &[u32] = &[1, 2, 840, 113_549, 1, 9, 20];
const LOCAL_KEY_ID: &[u32] = &[1, 2, 840, 113_549, 1, 9, 21];
const JAVA_TRUST_STORE: &[u32] = &[2, 16, 840, 1, 113_894, 746_875, 1, 1];
const ANY_USAGE: &[u32] = &[2, 5, 29, 37, 0];

type Bytes = Zeroizing<Vec<u8>>;

/// A file with a key and its certificates, the key's own one first.
pub(super) fn key_store(
    call: &mut Call<'_>,
    key: &PrivateKey,
    chain: &[Certificate],
    password: &[u8],
) -> Result<Bytes, Failure> {
    let password = Password::new(password)?;
    let fingerprint = chain.first().map(|own| Sha1::digest(&own.raw)).unwrap_or_default();
    let local_key_id = attribute(LOCAL_KEY_ID, &der::write(der::OCTET_STRING, &fingerprint));
    let bags: Vec<Bytes> = chain
        .iter()
        .enumerate()
        .map(|(index, certificate)| {
            let attributes: &[&[u8]] = if index == 0 { &[&local_key_id] } else { &[] };
            certificate_bag(certificate, attributes)
        })
        .collect();

    let key = key.pkcs8().ok_or("x509: unknown key type while marshaling PKCS#8")?;
    let (algorithm, encrypted) = pbe::encrypt(call, &key, &password)?;
    let encrypted = der::write(der::OCTET_STRING, &encrypted);
    let shrouded = der::write_all(der::SEQUENCE, &[&algorithm, &encrypted]);
    let key_bag = bag(SHROUDED_KEY_BAG, &shrouded, &[&local_key_id]);

    let certificates = encrypted_safe(call, &bags, &password)?;
    let keys = der::write(der::OCTET_STRING, &der::write(der::SEQUENCE, &key_bag));
    let keys = content_info(DATA, &keys);
    file(call, &[&certificates, &keys], &password)
}

/// A file of certificates that Java trusts.
pub(super) fn trust_store(
    call: &mut Call<'_>,
    certificates: &[Certificate],
    password: &[u8],
) -> Result<Bytes, Failure> {
    let password = Password::new(password)?;
    let trusted = attribute(JAVA_TRUST_STORE, &der::write_oid(ANY_USAGE));
    let bags = certificates.iter().map(|certificate| {
        let name = der::write(der::BMP_STRING, &ucs2(&certificate.subject.text())?);
        let name = attribute(FRIENDLY_NAME, &name);
        Ok(certificate_bag(certificate, &[&trusted, &name]))
    });
    let bags: Vec<Bytes> = bags.collect::<Result<_, Message>>()?;
    let safe = encrypted_safe(call, &bags, &password)?;
    file(call, &[&safe], &password)
}

/// An attribute of one value.
fn attribute(id: &[u32], value: &[u8]) -> Bytes {
    der::write_all(der::SEQUENCE, &[&der::write_oid(id), &der::write(der::SET, value)])
}

fn certificate_bag(certificate: &Certificate, attributes: &[&[u8]]) -> Bytes {
    let data = der::write(der::OCTET_STRING, &certificate.raw);
    let data = der::write(der::context_constructed(0), &data);
    let value = der::write_all(der::SEQUENCE, &[&der::write_oid(X509_CERTIFICATE), &data]);
    bag(CERTIFICATE_BAG, &value, attributes)
}

fn bag(id: &[u32], value: &[u8], attributes: &[&[u8]]) -> Bytes {
    // The elements of a set stand in the order of their bytes.
    let mut attributes = attributes.to_vec();
    attributes.sort_unstable();
    let parts: [&[u8]; 3] = [
        &der::write_oid(id),
        &der::write(der::context_constructed(0), value),
        &der::write_all(der::SET, &attributes),
    ];
    der::write_all(der::SEQUENCE, &parts)
}

fn content_info(kind: &[u32], content: &[u8]) -> Bytes {
    let content = der::write(der::context_constructed(0), content);
    der::write_all(der::SEQUENCE, &[&der::write_oid(kind), &content])
}

/// Bags, encrypted.
fn encrypted_safe(
    call: &mut Call<'_>,
    bags: &[Bytes],
    password: &Password,
) -> Result<Bytes, Failure> {
    let bags: Vec<&[u8]> = bags.iter().map(|bag| &***bag).collect();
    let (algorithm, encrypted) =
        pbe::encrypt(call, &der::write_all(der::SEQUENCE, &bags), password)?;
    let parts: [&[u8]; 3] =
        [&der::write_oid(DATA), &algorithm, &der::write(der::context(0), &encrypted)];
    let info = der::write_all(der::SEQUENCE, &parts);
    let data = der::write_all(der::SEQUENCE, &[&der::write_unsigned(&[0]), &info]);
    Ok(content_info(ENCRYPTED_DATA, &data))
}

/// The whole file, with its integrity check.
fn file(call: &mut Call<'_>, safes: &[&[u8]], password: &Password) -> Result<Bytes, Failure> {
    charge(call, i64::from(MAC_ITERATIONS), 1)?;
    let message = der::write_all(der::SEQUENCE, safes);
    let mut salt = [0; 16];
    call.environment.fill_random(&mut salt);
    let iterations = i64::from(MAC_ITERATIONS);
    let key = Hash::Sha256.derive(Purpose::Mac, password.ucs2(), &salt, iterations, 32);
    let digest = Hash::Sha256.mac(&key, &message);

    let algorithm = der::write(der::SEQUENCE, &der::write_oid(SHA256));
    let digest = der::write(der::OCTET_STRING, &digest);
    let parts: [&[u8]; 3] = [
        &der::write_all(der::SEQUENCE, &[&algorithm, &digest]),
        &der::write(der::OCTET_STRING, &salt),
        &der::write_unsigned(&MAC_ITERATIONS.to_be_bytes()),
    ];
    let mac = der::write_all(der::SEQUENCE, &parts);
    let parts: [&[u8]; 3] = [
        &der::write_unsigned(&[3]),
        &content_info(DATA, &der::write(der::OCTET_STRING, &message)),
        &mac,
    ];
    Ok(der::write_all(der::SEQUENCE, &parts))
}
