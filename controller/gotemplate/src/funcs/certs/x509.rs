//! Certificates as Go's `x509.ParseCertificate` accepts them, with its error texts.

use super::der::{self, Der, Oid};
use super::extensions;
use super::name::Name;
use super::public_key::PublicKey;
use crate::error::Message;

/// The parts of a certificate that templates depend on.
pub(in crate::funcs) struct Certificate {
    /// The whole certificate in DER.
    pub(in crate::funcs) raw: Vec<u8>,
    pub(in crate::funcs) subject: Name,
    /// The subject as it stands in the certificate.
    pub(in crate::funcs) raw_subject: Vec<u8>,
    /// `None`: of an algorithm that Go does not know.
    pub(in crate::funcs) public_key: Option<PublicKey>,
    pub(in crate::funcs) extensions: extensions::Extensions,
}

impl Certificate {
    /// Reads one certificate and nothing else.
    pub(in crate::funcs) fn parse(bytes: &[u8]) -> Result<Self, Message> {
        let (certificate, rest) = Self::parse_first(bytes)?;
        if rest.is_empty() { Ok(certificate) } else { Err("x509: trailing data".into()) }
    }

    /// Reads certificates that stand one behind the other.
    pub(in crate::funcs) fn parse_all(bytes: &[u8]) -> Result<Vec<Self>, Message> {
        let mut certificates = Vec::new();
        let mut rest = bytes;
        while !rest.is_empty() {
            let certificate;
            (certificate, rest) = Self::parse_first(rest)?;
            certificates.push(certificate);
        }
        Ok(certificates)
    }

    fn parse_first(bytes: &[u8]) -> Result<(Self, &[u8]), Message> {
        let mut input = Der(bytes);
        let whole = input.element(der::SEQUENCE).ok_or("x509: malformed certificate")?;
        let rest = input.0;
        let mut input = Der(whole.content);
        let mut tbs = input.read(der::SEQUENCE).ok_or("x509: malformed tbs certificate")?;

        let version = version(&mut tbs)?;
        let serial = tbs.integer().ok_or("x509: malformed serial number")?;
        if serial.first().is_some_and(|first| *first >= 0x80) {
            return Err("x509: negative serial number".into());
        }

        let inner = tbs.read(der::SEQUENCE);
        let inner = inner.ok_or("x509: malformed signature algorithm identifier")?;
        let outer = input.read(der::SEQUENCE).ok_or("x509: malformed algorithm identifier")?;
        if inner.0 != outer.0 {
            return Err("x509: inner and outer signature algorithm identifiers don't match".into());
        }
        algorithm(inner)?;

        let issuer = tbs.element(der::SEQUENCE).ok_or("x509: malformed issuer")?;
        Name::parse(Der(issuer.content))?;
        let mut validity = tbs.read(der::SEQUENCE).ok_or("x509: malformed validity")?;
        time(&mut validity)?;
        time(&mut validity)?;
        let raw_subject = tbs.element(der::SEQUENCE).ok_or("x509: malformed issuer")?;
        let subject = Name::parse(Der(raw_subject.content))?;

        let mut spki = tbs.read(der::SEQUENCE).ok_or("x509: malformed spki")?;
        let key_algorithm = spki.read(der::SEQUENCE);
        let key_algorithm =
            key_algorithm.ok_or("x509: malformed public key algorithm identifier")?;
        let (key_algorithm, parameters) = algorithm(key_algorithm)?;
        let key = spki.bits().ok_or("x509: malformed subjectPublicKey")?;
        let public_key = PublicKey::parse(&key_algorithm, parameters, &key.right_aligned())?;

        let mut extensions = extensions::Extensions::default();
        if version > 1 {
            tbs.optional(der::context(1)).ok_or("x509: malformed issuerUniqueID")?;
            tbs.optional(der::context(2)).ok_or("x509: malformed subjectUniqueID")?;
        }
        if version == 3 {
            let list = tbs.optional(der::context_constructed(3));
            if let Some(list) = list.ok_or("x509: malformed extensions")? {
                extensions.read(list)?;
            }
        }
        input.bits().ok_or("x509: malformed signature")?;

        let certificate = Self {
            raw: whole.whole.to_vec(),
            subject,
            raw_subject: raw_subject.whole.to_vec(),
            public_key,
            extensions,
        };
        Ok((certificate, rest))
    }
}

/// 1 to 3.
fn version(tbs: &mut Der<'_>) -> Result<i64, Message> {
    let version = match tbs.optional(der::context_constructed(0)) {
        None => None,
        Some(None) => Some(0),
        Some(Some(mut inner)) => inner.int().filter(|_| inner.is_empty()),
    };
    let version = version.filter(|version| *version >= 0).ok_or("x509: malformed version")?;
    if version > 2 { Err("x509: invalid version".into()) } else { Ok(version + 1) }
}

/// An algorithm and its parameters as a whole element, empty if there are none.
fn algorithm(mut input: Der<'_>) -> Result<(Oid, &[u8]), Message> {
    let oid = input.oid().ok_or("x509: malformed OID")?;
    if input.is_empty() {
        return Ok((oid, &[]));
    }
    let parameters = input.any().ok_or("x509: malformed parameters")?;
    Ok((oid, parameters.whole))
}

/// Checks a time; no function tells it.
fn time(input: &mut Der<'_>) -> Result<(), Message> {
    if input.peek(der::UTC_TIME) {
        let text = input.read(der::UTC_TIME);
        text.filter(|text| is_utc_time(text.0)).ok_or("x509: malformed UTCTime")?;
    } else if input.peek(der::GENERALIZED_TIME) {
        let text = input.read(der::GENERALIZED_TIME);
        text.filter(|text| is_generalized_time(text.0)).ok_or("x509: malformed GeneralizedTime")?;
    } else {
        return Err("x509: unsupported time format".into());
    }
    Ok(())
}

/// `YYMMDDhhmm[ss]` and a zone.
fn is_utc_time(text: &[u8]) -> bool {
    let Some((numbers, zone)) = split_zone(text) else { return false };
    let [year, rest @ ..] = &*numbers else { return false };
    let year = if *year >= 69 { 1900 + u32::from(*year) } else { 2000 + u32::from(*year) };
    let without_seconds = matches!(rest, [_, _, _, _]) && is_moment(year, &[rest, &[0]].concat());
    (without_seconds || is_moment(year, rest)) && is_zone(zone)
}

/// `YYYYMMDDhhmmss` and a zone.
fn is_generalized_time(text: &[u8]) -> bool {
    let Some((numbers, zone)) = split_zone(text) else { return false };
    let [century, year, rest @ ..] = &*numbers else { return false };
    is_moment(u32::from(*century) * 100 + u32::from(*year), rest) && is_zone(zone)
}

/// The digits before the zone as numbers of two, and the zone.
fn split_zone(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let end = text.iter().position(|byte| !byte.is_ascii_digit())?;
    let (digits, zone) = text.split_at(end);
    let (pairs, rest) = digits.as_chunks::<2>();
    let numbers = pairs.iter().map(|[tens, ones]| (tens - b'0') * 10 + (ones - b'0')).collect();
    rest.is_empty().then_some((numbers, zone))
}

/// Month, day, hour, minute and second of a year.
fn is_moment(year: u32, numbers: &[u8]) -> bool {
    let [month, day, hour, minute, second] = *numbers else { return false };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day) && hour < 24 && minute < 60 && second < 60
}

/// Go compares the text with its own writing of the time, so that there is one for each zone.
fn is_zone(zone: &[u8]) -> bool {
    match zone {
        b"Z" => true,
        [b'+' | b'-', digits @ ..] => match split_zone(&[digits, b"Z"].concat()) {
            Some((numbers, b"Z")) => match *numbers {
                [hours, minutes] => hours <= 24 && minutes < 60 && (hours, minutes) != (0, 0),
                _ => false,
            },
            _ => false,
        },
        _ => false,
    }
}
