//! Putting certificates in order, from the leaf to the root, by their key identifiers.

use super::x509::Certificate;
use super::{CERTIFICATE_STEPS, pem};
use crate::error::Message;
use crate::funcs::{Call, Failure};

/// All blocks of a PEM text as certificates.
pub(in crate::funcs) fn read(
    call: &mut Call<'_>,
    text: &[u8],
) -> Result<Vec<Certificate>, Failure> {
    call.reserve(text.len())?;
    call.work(text.len() / 64)?;
    let mut certificates = Vec::new();
    let mut rest = text;
    loop {
        let block;
        (block, rest) = pem::decode(rest);
        let Some(block) = block else { return Ok(certificates) };
        call.work(CERTIFICATE_STEPS)?;
        certificates.push(Certificate::parse(&block.bytes)?);
    }
}

/// The chain that the certificates form. It says nothing about signatures or validity.
///
/// # Errors
/// Not all of them belong to one chain, or there is no end.
pub(in crate::funcs) fn order(
    call: &mut Call<'_>,
    certificates: Vec<Certificate>,
) -> Result<Vec<Certificate>, Failure> {
    call.work(certificates.len().saturating_mul(certificates.len()))?;
    let parents: Vec<Option<usize>> = certificates
        .iter()
        .enumerate()
        .map(|(index, certificate)| {
            let issuer = certificate.extensions.authority_key_id.as_deref().unwrap_or_default();
            certificates.iter().enumerate().position(|(other, candidate)| {
                other != index && candidate.extensions.subject_key_id == issuer
            })
        })
        .collect();
    let mut leaves = (0..certificates.len()).filter(|index| !parents.contains(&Some(*index)));
    let leaf = leaves.next();
    if leaves.next().is_some() {
        return Err("found multiple leaf or disjunct certificates".into());
    }
    let leaf = leaf.ok_or(Message::from("no leaf certificate found"))?;

    let mut certificates: Vec<_> = certificates.into_iter().map(Some).collect();
    let mut chain = Vec::with_capacity(certificates.len());
    let mut next = Some(leaf);
    while let Some(index) = next {
        // A certificate that has been taken already closes a circle.
        let certificate = certificates.get_mut(index).and_then(Option::take);
        chain.push(certificate.ok_or(Message::from("constructing chain resulted in cycle"))?);
        next = parents.get(index).copied().flatten();
    }
    Ok(chain)
}
