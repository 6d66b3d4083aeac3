//! PKCS#12 files as `software.sslmate.com/src/go-pkcs12` reads and writes them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::certs::private_key::PrivateKey;
use super::certs::x509::Certificate;
use super::certs::{self, CERTIFICATE, CERTIFICATE_STEPS, first_certificate, pem};
use super::crypto::{NIL_DEREFERENCE, string, wrap};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::value::Value;

mod decode;
mod encode;
mod kdf;
mod password;
mod pbe;

use password::Password;

#[cfg(test)]
mod tests;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("fullPemToPkcs12", &[Type::String; 2], |call, args| {
        full_pem_to_pkcs12(call, args, &[])
    }),
    Function::new("fullPemToPkcs12Pass", &[Type::String; 3], |call, args| {
        full_pem_to_pkcs12(call, args, &string(args, 2))
    }),
    Function::new("pemToPkcs12", &[Type::String; 2], |call, args| pem_to_pkcs12(call, args, &[])),
    Function::new("pemToPkcs12Pass", &[Type::String; 3], |call, args| {
        pem_to_pkcs12(call, args, &string(args, 2))
    }),
    Function::new("pemTruststoreToPKCS12", &[Type::String], |call, args| {
        trust_store(call, &string(args, 0), &[])
    }),
    Function::new("pemTruststoreToPKCS12Pass", &[Type::String; 2], |call, args| {
        trust_store(call, &string(args, 0), &string(args, 1))
    }),
    Function::new("pkcs12cert", &[Type::String], |call, args| {
        certificates(call, &[], &string(args, 0))
    }),
    Function::new("pkcs12certPass", &[Type::String; 2], |call, args| {
        certificates(call, &string(args, 0), &string(args, 1))
    }),
    Function::new("pkcs12key", &[Type::String], |call, args| key(call, &[], &string(args, 0))),
    Function::new("pkcs12keyPass", &[Type::String; 2], |call, args| {
        key(call, &string(args, 0), &string(args, 1))
    }),
];

/// Puts words before the function's own error.
fn explain(text: &str) -> impl FnOnce(Failure) -> Failure {
    move |failure| match failure {
        Failure::Error(error) => Failure::Error(wrap(text, error)),
        limit @ Failure::Limit(_) => limit,
    }
}

fn key(call: &mut Call<'_>, password: &[u8], file: &[u8]) -> Result<Value, Failure> {
    let contents = decode::decode(call, file, password)
        .map_err(explain("unable to decode pkcs12 with password: "))?;
    let key = contents.key.pkcs8().ok_or("x509: unknown key type while marshaling PKCS#8")?;
    Ok(Value::string(&*pem::encode(b"PRIVATE KEY", &key)))
}

fn certificates(call: &mut Call<'_>, password: &[u8], file: &[u8]) -> Result<Value, Failure> {
    let contents = decode::decode(call, file, password)
        .map_err(explain("unable to decode pkcs12 certificate with password: "))?;
    let text = |certificates: &[Certificate]| {
        let blocks = certificates.iter().map(|certificate| &certificate.raw);
        blocks.flat_map(|raw| pem::encode(CERTIFICATE, raw).to_vec()).collect::<Vec<u8>>()
    };
    // What is not one chain stays as it is.
    let unordered = text(&contents.certificates);
    match certs::order(call, contents.certificates) {
        Ok(chain) => Ok(Value::string(text(&chain))),
        Err(Failure::Error(_)) => Ok(Value::string(unordered)),
        Err(limit @ Failure::Limit(_)) => Err(limit),
    }
}

fn pem_to_pkcs12(call: &mut Call<'_>, args: &[Value], password: &[u8]) -> Result<Value, Failure> {
    let certificate = string(args, 0);
    let (certificate, _) = first_certificate(call, &certificate)?;
    key_store(call, &[certificate], &string(args, 1), password)
}

fn full_pem_to_pkcs12(
    call: &mut Call<'_>,
    args: &[Value],
    password: &[u8],
) -> Result<Value, Failure> {
    let text = string(args, 0);
    let (certificate, rest) = first_certificate(call, &text)?;
    let mut chain = vec![certificate];
    chain.extend(authorities(call, rest)?);
    key_store(call, &chain, &string(args, 1), password)
}

/// Certificates up to the very end of a text: whatever else follows the last one is an error, even
/// an empty line.
fn authorities(call: &mut Call<'_>, text: &[u8]) -> Result<Vec<Certificate>, Failure> {
    let mut certificates = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let certificate;
        (certificate, rest) = first_certificate(call, rest)?;
        certificates.push(certificate);
    }
    Ok(certificates)
}

/// A file with the key and its chain, in base64.
fn key_store(
    call: &mut Call<'_>,
    chain: &[Certificate],
    key: &[u8],
    password: &[u8],
) -> Result<Value, Failure> {
    call.work(CERTIFICATE_STEPS * 10)?;
    let (block, _) = pem::decode(key);
    let block = block.ok_or(Message::from(NIL_DEREFERENCE))?;
    let key = PrivateKey::parse(&block.bytes)?;
    let file = encode::key_store(call, &key, chain, password)?;
    finish(call, &file)
}

fn trust_store(call: &mut Call<'_>, text: &[u8], password: &[u8]) -> Result<Value, Failure> {
    let certificates = authorities(call, text)?;
    let file = encode::trust_store(call, &certificates, password)?;
    finish(call, &file)
}

fn finish(call: &mut Call<'_>, file: &Zeroizing<Vec<u8>>) -> Result<Value, Failure> {
    call.reserve(file.len().saturating_mul(3))?;
    Ok(Value::string(STANDARD.encode(&**file)))
}

/// What is told of a derivation, in steps: it may have any number of iterations.
fn charge(call: &mut Call<'_>, iterations: i64, blocks: usize) -> Result<(), Failure> {
    let iterations = usize::try_from(iterations.max(1)).unwrap_or(usize::MAX);
    call.work((iterations / 4 + 1).saturating_mul(blocks.max(1)))
}
