//! Passwords, symmetric encryption, identifiers and keys.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::limits::LimitExceeded;
use crate::value::{Bytes, Value};

mod aes;
mod bcrypt;
pub(super) mod cbc;
mod derive_password;
pub(super) mod private_key;
pub(super) mod random;
mod rsa_decrypt;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("bcrypt", &[Type::String], bcrypt),
    Function::new("decryptAES", &[Type::String, Type::String], decrypt_aes),
    Function::new(
        "derivePassword",
        &[Type::Uint32, Type::String, Type::String, Type::String, Type::String],
        derive_password,
    ),
    Function::new("encryptAES", &[Type::String, Type::String], encrypt_aes),
    Function::new("genPrivateKey", &[Type::String], private_key::generate),
    Function::new("htpasswd", &[Type::String, Type::String, Type::HashAlgorithm], htpasswd),
    Function::new("randBytes", &[Type::Int], rand_bytes),
    Function::new(
        "rsaDecrypt",
        &[Type::String, Type::String, Type::String, Type::String],
        rsa_decrypt::rsa_decrypt,
    ),
    Function::new("uuidv4", &[], uuidv4),
];

/// What bcrypt costs, in steps: some 50 ms.
const BCRYPT_STEPS: usize = 50_000;

/// The argument at `index`, which the signature says is a string.
pub(super) fn string(args: &[Value], index: usize) -> Bytes {
    match args.get(index) {
        Some(Value::String(bytes)) => Bytes::clone(bytes),
        _ => Bytes::from([]),
    }
}

/// What Go's template engine reports when a function dereferences a nil pointer.
pub(super) const NIL_DEREFERENCE: &str =
    "runtime error: invalid memory address or nil pointer dereference";

fn bcrypt(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    Ok(Value::string(bcrypt_text(call, &string(args, 0))?))
}

/// The hash, or the sentence that sprig puts in its place.
fn bcrypt_text(call: &mut Call<'_>, password: &[u8]) -> Result<Vec<u8>, Failure> {
    if password.len() > bcrypt::MAX_PASSWORD {
        return Ok(b"failed to encrypt string with bcrypt: \
                    bcrypt: password length exceeds 72 bytes"
            .to_vec());
    }
    call.work(BCRYPT_STEPS)?;
    let mut salt = [0; 16];
    call.environment.fill_random(&mut salt);
    Ok(bcrypt::hash(password, salt).into_bytes())
}

fn htpasswd(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (user, password, algorithm) = (string(args, 0), string(args, 1), string(args, 2));
    if user.contains(&b':') {
        return Ok(Value::string([b"invalid username: ", &*user].concat()));
    }
    let hash = if *algorithm == *b"sha" {
        format!("{{SHA}}{}", STANDARD.encode(Sha1::digest(&password))).into_bytes()
    } else {
        bcrypt_text(call, &password)?
    };
    Ok(Value::string([&*user, b":", &hash].concat()))
}

fn derive_password(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let counter = match args.first() {
        Some(Value::Uint(counter, _)) => *counter,
        Some(Value::Int(counter, _)) => counter.cast_unsigned(),
        _ => 0,
    };
    // The executor has checked the range of an uint32.
    let counter = u32::try_from(counter).unwrap_or(u32::MAX);
    let (kind, password) = (string(args, 1), string(args, 2));
    let (user, site) = (string(args, 3), string(args, 4));
    let Some(templates) = derive_password::templates(&kind) else {
        return Ok(Value::string([b"cannot find password template ", &*kind].concat()));
    };
    call.work(derive_password::STEPS)?;
    let password = derive_password::derive(counter, templates, &password, &user, &site);
    Ok(Value::string(password.ok_or("failed to derive password")?))
}

fn encrypt_aes(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (password, text) = (string(args, 0), string(args, 1));
    if text.is_empty() {
        return Ok(Value::string(b""));
    }
    call.reserve(text.len().saturating_mul(3))?;
    call.work(text.len() / 16)?;
    let mut iv = [0; 16];
    call.environment.fill_random(&mut iv);
    Ok(Value::string(STANDARD.encode(aes::encrypt(&password, iv, &text))))
}

fn decrypt_aes(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (password, text) = (string(args, 0), string(args, 1));
    if text.is_empty() {
        return Ok(Value::string(b""));
    }
    call.reserve(text.len().saturating_mul(2))?;
    call.work(text.len() / 16)?;
    Ok(Value::string(aes::decrypt(&password, &text)?))
}

fn rand_bytes(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let count = match args.first() {
        Some(Value::Int(count, _)) => *count,
        _ => 0,
    };
    let Ok(count) = usize::try_from(count) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    // Go would refuse a length beyond the address space in the same words.
    if count > (1 << 47) {
        return Err("runtime error: makeslice: len out of range".into());
    }
    let needed = count.checked_mul(3).ok_or(Failure::Limit(LimitExceeded::Values))?;
    call.reserve(needed)?;
    call.work(count / 64)?;
    let mut bytes = zeroize::Zeroizing::new(vec![0; count]);
    call.environment.fill_random(&mut bytes);
    Ok(Value::string(STANDARD.encode(&*bytes)))
}

fn uuidv4(call: &mut Call<'_>, _: &[Value]) -> Result<Value, Failure> {
    use std::fmt::Write as _;

    call.work(1)?;
    let mut bytes = [0; 16];
    call.environment.fill_random(&mut bytes);
    let [.., version, _, variant, _, _, _, _, _, _, _] = &mut bytes;
    *version = (*version & 0x0f) | 0x40;
    *variant = (*variant & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _ = write!(text, "{byte:02x}");
    }
    Ok(Value::string(text))
}

/// A Go error that starts with fixed words and ends with another error.
pub(super) fn wrap(text: impl Into<String>, error: Message) -> Message {
    Message::new().text(text).then(error)
}
