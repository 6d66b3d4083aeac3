//! Reading a file: what is in it, after its integrity has been checked.

use zeroize::Zeroizing;

use super::kdf::{Hash, Purpose};
use super::pbe::{self, Pbkdf2, unsupported, whole};
use super::{Password, charge, explain};
use crate::error::Message;
use crate::funcs::certs::private_key::PrivateKey;
use crate::funcs::certs::x509::Certificate;
use crate::funcs::certs::{Algorithm, CERTIFICATE_STEPS, Field, Fields, Kind, Parameters};
use crate::funcs::crypto::wrap;
use crate::funcs::{Call, Failure};

pub(super) const DATA: &[u32] = &[1, 2, 840, 113_549, 1, 7, 1];
pub(super) const ENCRYPTED_DATA: &[u32] = &[1, 2, 840, 113_549, 1, 7, 6];
pub(super) const KEY_BAG: &[u32] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 1];
pub(super) const SHROUDED_KEY_BAG: &[u32] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 2];
pub(super) const CERTIFICATE_BAG: &[u32] = &[1, 2, 840, 113_549, 1, 12, 10, 1, 3];
pub(super) const X509_CERTIFICATE: &[u32] = &[1, 2, 840, 113_549, 1, 9, 22, 1];
pub(super) const SHA1: &[u32] = &[1, 3, 14, 3, 2, 26];
pub(super) const SHA256: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 2, 1];
pub(super) const SHA512: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 2, 3];
const PBMAC1: &[u32] = &[1, 2, 840, 113_549, 1, 5, 14];

/// A file's key and certificates, the key's own one first.
pub(super) struct Contents {
    pub(super) key: PrivateKey,
    pub(super) certificates: Vec<Certificate>,
}

/// The tag of a value behind an explicit `[0]`.
const EXPLICIT: Parameters =
    Parameters { explicit: true, tag: Some(0), optional: false, set: false, omit_empty: false };

/// Reads a file with exactly one key and at least one certificate.
pub(super) fn decode(
    call: &mut Call<'_>,
    file: &[u8],
    password: &[u8],
) -> Result<Contents, Failure> {
    call.reserve(file.len())?;
    call.work(file.len() / 16)?;
    let (safes, password) = safe_contents(call, file, Password::new(password)?)?;
    let mut key = None;
    let mut certificates = Vec::new();
    for safe in &safes {
        for bag in bags(safe)? {
            match &*bag.id {
                CERTIFICATE_BAG => {
                    call.work(CERTIFICATE_STEPS)?;
                    certificates.push(certificate(bag.value)?);
                }
                KEY_BAG | SHROUDED_KEY_BAG if key.is_some() => {
                    return Err("pkcs12: expected exactly one key bag".into());
                }
                KEY_BAG => key = Some(PrivateKey::parse_pkcs8(bag.value)?),
                SHROUDED_KEY_BAG => key = Some(shrouded_key(call, bag.value, &password)?),
                _ => {}
            }
        }
    }
    if certificates.is_empty() {
        return Err("pkcs12: certificate missing".into());
    }
    let key = key.ok_or("pkcs12: private key missing")?;
    Ok(Contents { key, certificates })
}

/// `contentInfo`
struct ContentInfo<'a> {
    kind: Vec<u32>,
    content: &'a [u8],
}

impl<'a> ContentInfo<'a> {
    fn read(fields: &mut Fields<'a>) -> Result<Self, Message> {
        let mut inner = fields.required(Kind::Struct("contentInfo"))?.fields();
        let kind = inner.required(Kind::Oid)?.oid()?.arcs().to_vec();
        let content = inner.field(Kind::Raw, Parameters { optional: true, ..EXPLICIT })?;
        Ok(Self { kind, content: content.map(|field| field.content).unwrap_or_default() })
    }
}

/// `macData`
struct MacData<'a> {
    algorithm: Algorithm<'a>,
    digest: &'a [u8],
    salt: &'a [u8],
    iterations: i64,
}

impl<'a> MacData<'a> {
    fn read(field: Field<'a>) -> Result<Self, Message> {
        let mut fields = field.fields();
        let mut info = fields.required(Kind::Struct("digestInfo"))?.fields();
        let algorithm = Algorithm::read(&mut info)?;
        let digest = info.required(Kind::Octets)?.content;
        let salt = fields.required(Kind::Octets)?.content;
        let iterations = fields.field(Kind::Int, Parameters::OPTIONAL)?;
        let iterations = iterations.map(Field::int).transpose()?.unwrap_or(1);
        Ok(Self { algorithm, digest, salt, iterations })
    }

    /// Whether the message has been made with this password.
    fn verify(
        &self,
        call: &mut Call<'_>,
        message: &[u8],
        password: &Password,
    ) -> Result<bool, Failure> {
        call.work(message.len() / 64)?;
        let expected = if self.algorithm.is(PBMAC1) {
            self.pbmac1(call, message, password)?
        } else {
            let hashes = [(SHA1, Hash::Sha1), (SHA256, Hash::Sha256), (SHA512, Hash::Sha512)];
            let hash = hashes.into_iter().find(|(oid, _)| self.algorithm.is(oid));
            let Some((_, hash)) = hash else {
                let text = "MAC digest algorithm not supported: ";
                return Err(unsupported(text).secret(self.algorithm.text()).into());
            };
            charge(call, self.iterations, 1)?;
            let (password, salt) = (password.ucs2(), self.salt);
            let key = hash.derive(Purpose::Mac, password, salt, self.iterations, hash.size());
            hash.mac(&key, message)
        };
        Ok(equal(&expected, self.digest))
    }

    fn pbmac1(
        &self,
        call: &mut Call<'_>,
        message: &[u8],
        password: &Password,
    ) -> Result<Vec<u8>, Failure> {
        let text = "error decoding PBMAC1 parameters: ";
        let read = || {
            let parameters = whole(self.algorithm.parameters, Kind::Struct("pbmac1Params"))?;
            let mut fields = parameters.fields();
            Ok((Algorithm::read(&mut fields)?, Algorithm::read(&mut fields)?))
        };
        let (derivation, mac) = read().map_err(|error| wrap(text, error))?;
        if !derivation.is(pbe::PBKDF2) {
            return Err(pbe::unsupported_derivation(&derivation).into());
        }
        let derivation = Pbkdf2::read(derivation.parameters)?;
        if !derivation.salt_is_octets {
            let text = "only octet string salts are supported for PBMAC1/PBKDF2";
            return Err(unsupported(text).into());
        }
        let function = derivation.hash("PBMAC1 PRF ")?;
        let hash = pbe::hmac_hash(&mac)?;
        let size = usize::try_from(derivation.key_length).unwrap_or_default();
        if size == 0 {
            let text = "pkcs12: PBMAC1 requires explicit KeyLength parameter in PBKDF2 parameters";
            return Err(text.into());
        }
        let key = derivation.derive(call, function, password, size)?;
        Ok(hash.mac(&key, message))
    }
}

/// Compares without telling by its time where two differ.
fn equal(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}

/// A decrypted part of a file.
type Safe = Zeroizing<Vec<u8>>;

/// The decrypted parts of a file, and the password that fits.
fn safe_contents(
    call: &mut Call<'_>,
    file: &[u8],
    password: Password,
) -> Result<(Vec<Safe>, Password), Failure> {
    let (version, safe, mac) =
        outer(file).map_err(|error| wrap("pkcs12: error reading P12 data: ", error))?;
    if version != 3 {
        return Err(unsupported("can only decode v3 PFX PDU's").into());
    }
    if safe.kind != DATA {
        return Err(unsupported("only password-protected PFX is implemented").into());
    }
    let message = whole(safe.content, Kind::Raw)?.content;
    let password = match mac {
        None if password.is_empty() => password,
        None => return Err("pkcs12: no MAC in data".into()),
        Some(mac) => fitting_password(call, &mac, message, password)?,
    };

    let list = Fields::new(message).required(Kind::Slice)?;
    let mut list = list.elements(Kind::Struct("contentInfo"))?;
    let mut infos = Vec::new();
    while !list.rest().is_empty() {
        infos.push(ContentInfo::read(&mut list)?);
    }
    whole(message, Kind::Slice)?;
    if !(1..=2).contains(&infos.len()) {
        let count = infos.len();
        return Err(unsupported(format!(
            "expected between 1 and 2 items in the authenticated safe, but this file has {count}"
        ))
        .into());
    }
    let mut safes = Vec::new();
    for info in infos {
        let safe = match &*info.kind {
            DATA => Zeroizing::new(whole(info.content, Kind::Octets)?.content.to_vec()),
            ENCRYPTED_DATA => encrypted_data(call, info.content, &password)?,
            _ => {
                return Err(unsupported(
                    "only data and encryptedData content types are supported in authenticated safe",
                )
                .into());
            }
        };
        // Go reads the bags of one part before it decrypts the next.
        bags(&safe)?;
        safes.push(safe);
    }
    Ok((safes, password))
}

/// The fields of `pfxPdu`.
fn outer(file: &[u8]) -> Result<(i64, ContentInfo<'_>, Option<MacData<'_>>), Message> {
    let mut inner = whole_fields(file, "pfxPdu")?;
    let version = inner.int()?;
    let safe = ContentInfo::read(&mut inner)?;
    let mac = inner.field(Kind::Struct("macData"), Parameters::OPTIONAL)?;
    let mac = mac.map(MacData::read).transpose()?;
    whole(file, Kind::Struct("pfxPdu"))?;
    Ok((version, safe, mac))
}

/// The password, or none at all where an empty one does not fit.
fn fitting_password(
    call: &mut Call<'_>,
    mac: &MacData<'_>,
    message: &[u8],
    password: Password,
) -> Result<Password, Failure> {
    if mac.verify(call, message, &password)? {
        return Ok(password);
    }
    if password.is_empty() {
        let none = Password::none();
        if mac.verify(call, message, &none)? {
            return Ok(none);
        }
    }
    Err("pkcs12: decryption password incorrect".into())
}

fn encrypted_data(
    call: &mut Call<'_>,
    content: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let read = || {
        let mut fields = whole_fields(content, "encryptedData")?;
        let version = fields.int()?;
        let mut info = fields.required(Kind::Struct("encryptedContentInfo"))?.fields();
        info.required(Kind::Oid)?.oid()?;
        let algorithm = Algorithm::read(&mut info)?;
        let implicit = Parameters { tag: Some(0), ..Parameters::OPTIONAL };
        let encrypted = info.field(Kind::Octets, implicit)?;
        let encrypted = encrypted.map(|field| field.content).unwrap_or_default();
        Ok::<_, Message>((version, algorithm, encrypted))
    };
    let (version, algorithm, encrypted) = read()?;
    whole(content, Kind::Struct("encryptedData"))?;
    if version != 0 {
        return Err(unsupported("only version 0 of EncryptedData is supported").into());
    }
    pbe::decrypt(call, &algorithm, encrypted, password)
}

/// The fields of the first value; what follows it is for a later check, as in Go.
fn whole_fields<'a>(bytes: &'a [u8], name: &'static str) -> Result<Fields<'a>, Message> {
    Ok(Fields::new(bytes).required(Kind::Struct(name))?.fields())
}

/// `safeBag`
struct Bag<'a> {
    id: Vec<u32>,
    value: &'a [u8],
}

fn bags(safe: &[u8]) -> Result<Vec<Bag<'_>>, Message> {
    let list = Fields::new(safe).required(Kind::Slice)?;
    let mut list = list.elements(Kind::Struct("safeBag"))?;
    let mut bags = Vec::new();
    while !list.rest().is_empty() {
        let mut fields = list.required(Kind::Struct("safeBag"))?.fields();
        let id = fields.required(Kind::Oid)?.oid()?.arcs().to_vec();
        let value = fields.field(Kind::Raw, EXPLICIT)?;
        let value = value.map(|field| field.content).unwrap_or_default();
        let set = Parameters { set: true, ..Parameters::OPTIONAL };
        if let Some(attributes) = fields.field(Kind::Slice, set)? {
            let mut attributes = attributes.elements(Kind::Struct("pkcs12Attribute"))?;
            while !attributes.rest().is_empty() {
                let attribute = attributes.required(Kind::Struct("pkcs12Attribute"))?;
                let mut attribute = attribute.fields();
                attribute.required(Kind::Oid)?.oid()?;
                attribute.required(Kind::Raw)?;
            }
        }
        bags.push(Bag { id, value });
    }
    whole(safe, Kind::Slice)?;
    Ok(bags)
}

fn certificate(bag: &[u8]) -> Result<Certificate, Message> {
    let read = || {
        let mut fields = whole_fields(bag, "certBag")?;
        let id = fields.required(Kind::Oid)?.oid()?;
        let data = fields.field(Kind::Octets, EXPLICIT)?;
        whole(bag, Kind::Struct("certBag"))?;
        Ok((id, data.map(|field| field.content).unwrap_or_default()))
    };
    let (id, data) = read().map_err(|error| wrap("pkcs12: error decoding cert bag: ", error))?;
    if id.arcs() != X509_CERTIFICATE {
        return Err(unsupported("only X509 certificates are supported in cert bags"));
    }
    let mut certificates = Certificate::parse_all(data)?;
    match (certificates.pop(), certificates.is_empty()) {
        (Some(certificate), true) => Ok(certificate),
        _ => Err("pkcs12: expected exactly one certificate in the certBag".into()),
    }
}

fn shrouded_key(
    call: &mut Call<'_>,
    bag: &[u8],
    password: &Password,
) -> Result<PrivateKey, Failure> {
    let read = || {
        let mut fields = whole_fields(bag, "encryptedPrivateKeyInfo")?;
        let algorithm = Algorithm::read(&mut fields)?;
        let encrypted = fields.required(Kind::Octets)?.content;
        whole(bag, Kind::Struct("encryptedPrivateKeyInfo"))?;
        Ok((algorithm, encrypted))
    };
    let (algorithm, encrypted) =
        read().map_err(|error| wrap("pkcs12: error decoding PKCS#8 shrouded key bag: ", error))?;
    let key = pbe::decrypt(call, &algorithm, encrypted, password)
        .map_err(explain("pkcs12: error decrypting PKCS#8 shrouded key bag: "))?;
    whole(&key, Kind::Raw)
        .map_err(|error| wrap("pkcs12: error unmarshaling decrypted private key: ", error))?;
    let key = PrivateKey::parse_pkcs8(&key)
        .map_err(|error| wrap("pkcs12: error parsing PKCS#8 private key: ", error))?;
    Ok(key)
}
