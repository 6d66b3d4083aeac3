//! Certificates: PEM, chains, and making new ones.

use super::crypto::string;
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::value::Value;

mod asn1;
pub(super) mod base64;
mod chain;
mod constraints;
mod custom;
pub(super) mod der;
pub(super) mod ec;
mod extensions;
mod generate;
mod name;
pub(super) mod pem;
pub(super) mod private_key;
pub(super) mod public_key;
pub(super) mod rsa_key;
mod time;
pub(super) mod x509;

#[cfg(test)]
mod tests;

pub(super) use asn1::{Algorithm, Field, Fields, Kind, Parameters};
pub(super) use chain::order;
use x509::Certificate;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("buildCustomCert", &[Type::String, Type::String], custom::build),
    Function::new("certSANs", &[Type::String], cert_sans),
    Function::new("filterCertChain", &[Type::String, Type::String], filter_cert_chain),
    Function::new("filterPEM", &[Type::String, Type::String], filter_pem),
    Function::new("genCA", generate::AUTHORITY, generate::authority),
    Function::new("genCAWithKey", generate::AUTHORITY_WITH_KEY, generate::authority_with_key),
    Function::new("genSelfSignedCert", generate::SELF_SIGNED, generate::self_signed),
    Function::new(
        "genSelfSignedCertWithKey",
        generate::SELF_SIGNED_WITH_KEY,
        generate::self_signed_with_key,
    ),
    Function::new("genSignedCert", generate::SIGNED, generate::signed),
    Function::new("genSignedCertWithKey", generate::SIGNED_WITH_KEY, generate::signed_with_key),
];

/// A PEM block's name for a certificate.
pub(super) const CERTIFICATE: &[u8] = b"CERTIFICATE";

/// What parsing a certificate costs, in steps.
pub(super) const CERTIFICATE_STEPS: usize = 100;

/// Without what stands before the first block.
fn trim_junk(input: &[u8]) -> &[u8] {
    let pattern = b"-----BEGIN";
    let start = input.windows(pattern.len()).position(|window| window == pattern);
    input.get(start.unwrap_or(0)..).unwrap_or_default()
}

fn filter_pem(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (kind, input) = (string(args, 0), string(args, 1));
    call.reserve(input.len().saturating_mul(2))?;
    call.work(input.len() / 64)?;
    let mut output = zeroize::Zeroizing::new(Vec::new());
    let mut rest = trim_junk(&input);
    loop {
        let block;
        (block, rest) = pem::decode(rest);
        let Some(block) = block else { break };
        if equal_fold(&block.kind, &kind) {
            output.extend_from_slice(&block.encode()?);
        }
    }
    if output.is_empty() && !rest.is_empty() {
        return Err("error filtering pem: found junk".into());
    }
    Ok(Value::string(&*output))
}

/// Go's `strings.EqualFold`, for the letters that fold to ASCII and for equal text.
fn equal_fold(a: &[u8], b: &[u8]) -> bool {
    fn folded(bytes: &[u8]) -> Vec<char> {
        String::from_utf8_lossy(bytes)
            .chars()
            .map(|char| match char {
                // The signs of Kelvin and Angstrom, the long s, and the sharp and final letters
                // that Unicode folds to one simple letter.
                '\u{212a}' => 'k',
                '\u{17f}' => 's',
                '\u{212b}' => '\u{e5}',
                char => {
                    let mut lower = char.to_lowercase();
                    match (lower.next(), lower.next()) {
                        (Some(lower), None) => lower,
                        _ => char,
                    }
                }
            })
            .collect()
    }
    folded(a) == folded(b)
}

fn filter_cert_chain(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let (kind, input) = (string(args, 0), string(args, 1));
    let chain = chain::read(call, &input)?;
    let chain = order(call, chain)?;
    let mut output = Vec::new();
    let mut push = |certificate: &Certificate| {
        output.extend_from_slice(&pem::encode(CERTIFICATE, &certificate.raw));
    };
    match &*kind {
        b"leaf" => {
            if let Some(leaf) = chain.first().filter(|leaf| !is_root(leaf)) {
                push(leaf);
            }
        }
        b"intermediate" => {
            chain.iter().skip(1).take_while(|certificate| !is_root(certificate)).for_each(push);
        }
        b"root" => {
            if let Some(root) = chain.last().filter(|root| is_root(root)) {
                push(root);
            }
        }
        _ => {}
    }
    Ok(Value::string(output))
}

/// Whether a certificate names no other as its issuer.
fn is_root(certificate: &Certificate) -> bool {
    let extensions = &certificate.extensions;
    extensions.authority_key_id.as_ref().is_none_or(|id| *id == extensions.subject_key_id)
}

fn cert_sans(call: &mut Call<'_>, args: &[Value]) -> Result<Value, Failure> {
    let input = string(args, 0);
    call.work(input.len() / 64)?;
    let (Some(block), _) = pem::decode(trim_junk(&input)) else {
        return Err("failed to decode PEM block".into());
    };
    let certificate = Certificate::parse(&block.bytes)
        .map_err(|error| super::crypto::wrap("failed to parse certificate: ", error))?;
    let names = certificate.extensions.alternative_names;
    let ip = names.ip.into_iter().map(String::into_bytes);
    Ok(Value::strings(names.dns.into_iter().chain(ip).chain(names.email).chain(names.uri)))
}

/// The first certificate of a PEM text, as the PKCS#12 functions read it: without a block they
/// dereference nil.
pub(super) fn first_certificate<'a>(
    call: &mut Call<'_>,
    text: &'a [u8],
) -> Result<(Certificate, &'a [u8]), Failure> {
    call.work(CERTIFICATE_STEPS)?;
    let (block, rest) = pem::decode(text);
    let block = block.ok_or(Message::from(super::crypto::NIL_DEREFERENCE))?;
    Ok((Certificate::parse(&block.bytes)?, rest))
}
