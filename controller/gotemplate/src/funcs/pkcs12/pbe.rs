//! Encryption with a password.

use aes::{Aes128, Aes192, Aes256};
use cipher::{BlockCipherDecrypt, BlockSizeUser, KeyInit};
use des::TdesEde3;
use rc2::Rc2;
use zeroize::Zeroizing;

use super::kdf::{Hash, Purpose};
use super::{Password, charge};
use crate::error::Message;
use crate::funcs::certs::{Algorithm, Field, Fields, Kind, Parameters, der};
use crate::funcs::crypto::cbc;
use crate::funcs::{Call, Failure};

pub(super) const TRIPLE_DES: &[u32] = &[1, 2, 840, 113_549, 1, 12, 1, 3];
pub(super) const RC2_128: &[u32] = &[1, 2, 840, 113_549, 1, 12, 1, 5];
pub(super) const RC2_40: &[u32] = &[1, 2, 840, 113_549, 1, 12, 1, 6];
pub(super) const PBES2: &[u32] = &[1, 2, 840, 113_549, 1, 5, 13];
pub(super) const PBKDF2: &[u32] = &[1, 2, 840, 113_549, 1, 5, 12];
const HMAC_SHA1: &[u32] = &[1, 2, 840, 113_549, 2, 7];
pub(super) const HMAC_SHA256: &[u32] = &[1, 2, 840, 113_549, 2, 9];
const HMAC_SHA512: &[u32] = &[1, 2, 840, 113_549, 2, 11];
const AES_128: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 1, 2];
const AES_192: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 1, 22];
const AES_256: &[u32] = &[2, 16, 840, 1, 101, 3, 4, 1, 42];

/// The iterations of what is encrypted here, as in Go.
const ITERATIONS: u16 = 2048;

/// What the library says about something that it knows and does not support.
pub(super) fn unsupported(text: impl Into<String>) -> Message {
    Message::new().text("pkcs12: ").text(text)
}

/// The same with an identifier from the file.
fn unsupported_algorithm(before: &str, algorithm: &Algorithm<'_>) -> Message {
    unsupported(before).secret(algorithm.text()).text(" is not supported")
}

/// Reads one value and nothing behind it.
pub(super) fn whole(bytes: &[u8], kind: Kind) -> Result<Field<'_>, Message> {
    let mut fields = Fields::new(bytes);
    let field = fields.required(kind)?;
    if fields.rest().is_empty() { Ok(field) } else { Err("pkcs12: trailing data found".into()) }
}

/// Decrypts what a password and the given algorithm have encrypted.
pub(super) fn decrypt(
    call: &mut Call<'_>,
    algorithm: &Algorithm<'_>,
    encrypted: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    if algorithm.is(PBES2) {
        return decrypt_pbes2(call, algorithm, encrypted, password);
    }
    let key_size = if algorithm.is(TRIPLE_DES) {
        24
    } else if algorithm.is(RC2_128) {
        16
    } else if algorithm.is(RC2_40) {
        5
    } else {
        return Err(unsupported_algorithm("pbe algorithm ", algorithm).into());
    };
    let mut fields = whole(algorithm.parameters, Kind::Struct("pbeParams"))?.fields();
    let salt = fields.required(Kind::Octets)?.content;
    let iterations = fields.int()?;
    charge(call, iterations, 3)?;
    let derive =
        |purpose, size| Hash::Sha1.derive(purpose, password.ucs2(), salt, iterations, size);
    let (key, iv) = (derive(Purpose::Key, key_size), derive(Purpose::Iv, 8));
    if algorithm.is(TRIPLE_DES) {
        let cipher = TdesEde3::new_from_slice(&key).map_err(|_| NO_KEY)?;
        return decrypt_blocks(call, &cipher, &iv, encrypted);
    }
    let cipher = Rc2::new_with_eff_key_len(&key, key_size * 8);
    decrypt_blocks(call, &cipher, &iv, encrypted)
}

/// No cipher refuses a key of its own size.
const NO_KEY: &str = "pkcs12: invalid key size";

fn decrypt_pbes2(
    call: &mut Call<'_>,
    algorithm: &Algorithm<'_>,
    encrypted: &[u8],
    password: &Password,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut fields = whole(algorithm.parameters, Kind::Struct("pbes2Params"))?.fields();
    let derivation = Algorithm::read(&mut fields)?;
    let scheme = Algorithm::read(&mut fields)?;
    if !derivation.is(PBKDF2) {
        return Err(unsupported_algorithm("pbes2 kdf algorithm ", &derivation).into());
    }
    let derivation = Pbkdf2::read(derivation.parameters)?;
    if !derivation.salt_is_octets {
        let text = "only octet string salts are supported for pbes2/pbkdf2";
        return Err(unsupported(text).into());
    }
    let hash = derivation.hash("pbes2 prf ")?;
    let size = if scheme.is(AES_256) {
        32
    } else if scheme.is(AES_192) {
        24
    } else if scheme.is(AES_128) {
        16
    } else {
        return Err(unsupported_algorithm("pbes2 algorithm ", &scheme).into());
    };
    let key = derivation.derive(call, hash, password, size)?;
    let iv = scheme.content;
    if iv.len() != 16 {
        return Err("cipher.NewCBCDecrypter: IV length must equal block size".into());
    }
    Ok(match size {
        32 => {
            let cipher = Aes256::new_from_slice(&key).map_err(|_| NO_KEY)?;
            decrypt_blocks(call, &cipher, iv, encrypted)?
        }
        24 => {
            let cipher = Aes192::new_from_slice(&key).map_err(|_| NO_KEY)?;
            decrypt_blocks(call, &cipher, iv, encrypted)?
        }
        _ => {
            let cipher = Aes128::new_from_slice(&key).map_err(|_| NO_KEY)?;
            decrypt_blocks(call, &cipher, iv, encrypted)?
        }
    })
}

fn decrypt_blocks<C>(
    call: &mut Call<'_>,
    cipher: &C,
    iv: &[u8],
    encrypted: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Failure>
where
    C: BlockCipherDecrypt + BlockSizeUser,
{
    let size = C::block_size();
    if encrypted.is_empty() {
        return Err("pkcs12: empty encrypted data".into());
    }
    if !encrypted.len().is_multiple_of(size) {
        return Err("pkcs12: input is not a multiple of the block size".into());
    }
    call.reserve(encrypted.len())?;
    call.work(encrypted.len() / 16)?;
    let mut text = Zeroizing::new(encrypted.to_vec());
    cbc::decrypt(cipher, iv, &mut text);
    let padding = text.last().copied().unwrap_or_default();
    let length = usize::from(padding);
    let valid =
        (1..=size).contains(&length) && text.iter().rev().take(length).all(|byte| *byte == padding);
    if !valid {
        return Err("pkcs12: decryption error, incorrect padding".into());
    }
    let rest = text.len() - length;
    text.truncate(rest);
    Ok(text)
}

/// `pbkdf2Params`
pub(super) struct Pbkdf2<'a> {
    salt: &'a [u8],
    pub(super) salt_is_octets: bool,
    iterations: i64,
    pub(super) key_length: i64,
    function: Algorithm<'a>,
}

impl<'a> Pbkdf2<'a> {
    pub(super) fn read(parameters: &'a [u8]) -> Result<Self, Message> {
        let mut fields = whole(parameters, Kind::Struct("pbkdf2Params"))?.fields();
        let salt = fields.required(Kind::Raw)?;
        let iterations = fields.int()?;
        let key_length = fields.field(Kind::Int, Parameters::OPTIONAL)?;
        let key_length = key_length.map(Field::int).transpose()?.unwrap_or_default();
        let function = fields.field(Kind::Struct("AlgorithmIdentifier"), Parameters::OPTIONAL)?;
        let function = function.map(Algorithm::from_field).transpose()?;
        Ok(Self {
            salt: salt.content,
            salt_is_octets: salt.tag == 4,
            iterations,
            key_length,
            function: function.unwrap_or(Algorithm::ABSENT),
        })
    }

    /// The hash function, SHA-1 if none is named.
    pub(super) fn hash(&self, name: &str) -> Result<Hash, Message> {
        if self.function.is(HMAC_SHA256) {
            Ok(Hash::Sha256)
        } else if self.function.is(HMAC_SHA512) {
            Ok(Hash::Sha512)
        } else if self.function.oid.is_none() || self.function.is(HMAC_SHA1) {
            Ok(Hash::Sha1)
        } else {
            Err(unsupported_algorithm(name, &self.function))
        }
    }

    pub(super) fn derive(
        &self,
        call: &mut Call<'_>,
        hash: Hash,
        password: &Password,
        size: usize,
    ) -> Result<Zeroizing<Vec<u8>>, Failure> {
        call.reserve(size)?;
        charge(call, self.iterations, size.div_ceil(hash.size()))?;
        Ok(hash.pbkdf2(password.utf8(), self.salt, self.iterations, size))
    }
}

/// The function of an HMAC.
pub(super) fn hmac_hash(algorithm: &Algorithm<'_>) -> Result<Hash, Message> {
    [(HMAC_SHA1, Hash::Sha1), (HMAC_SHA256, Hash::Sha256), (HMAC_SHA512, Hash::Sha512)]
        .into_iter()
        .find(|(oid, _)| algorithm.is(oid))
        .map(|(_, hash)| hash)
        .ok_or_else(|| unsupported_algorithm("PBMAC1 MAC algorithm ", algorithm))
}

/// What is not supported about an integrity check.
pub(super) fn unsupported_derivation(algorithm: &Algorithm<'_>) -> Message {
    unsupported_algorithm("PBMAC1 KDF algorithm ", algorithm)
}

/// Encrypts with AES-256 and a key by PBKDF2: the `AlgorithmIdentifier`, and the ciphertext.
pub(super) fn encrypt(
    call: &mut Call<'_>,
    text: &[u8],
    password: &Password,
) -> Result<(Zeroizing<Vec<u8>>, Vec<u8>), Failure> {
    charge(call, i64::from(ITERATIONS), 1)?;
    call.reserve(text.len())?;
    call.work(text.len() / 16)?;
    let (mut salt, mut iv) = ([0; 16], [0; 16]);
    call.environment.fill_random(&mut salt);
    call.environment.fill_random(&mut iv);
    let key = Hash::Sha256.pbkdf2(password.utf8(), &salt, i64::from(ITERATIONS), 32);
    let cipher = Aes256::new_from_slice(&key).map_err(|_| NO_KEY)?;
    let encrypted = cbc::encrypt(&cipher, &iv, text);

    let function = der::write(der::SEQUENCE, &der::write_oid(HMAC_SHA256));
    let derivation: [&[u8]; 3] = [
        &der::write(der::OCTET_STRING, &salt),
        &der::write_unsigned(&ITERATIONS.to_be_bytes()),
        &function,
    ];
    let derivation = der::write_all(der::SEQUENCE, &derivation);
    let derivation = der::write_all(der::SEQUENCE, &[&der::write_oid(PBKDF2), &derivation]);
    let iv = der::write(der::OCTET_STRING, &iv);
    let scheme = der::write_all(der::SEQUENCE, &[&der::write_oid(AES_256), &iv]);
    let parameters = der::write_all(der::SEQUENCE, &[&derivation, &scheme]);
    Ok((der::write_all(der::SEQUENCE, &[&der::write_oid(PBES2), &parameters]), encrypted))
}

/// The iterations of an integrity check that is made here.
pub(super) const MAC_ITERATIONS: u16 = ITERATIONS;
