//! The extensions of a certificate: Go reads them all, so that a malformed one fails the
//! certificate, though templates see four of them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::constraints::is_domain;
use super::der::{self, Der, Oid};
use crate::error::Message;
use crate::fmt::quote;
use crate::funcs::url::host_and_text;

/// What templates see of them.
#[derive(Default)]
pub(in crate::funcs) struct Extensions {
    /// `None` if the extension or its key identifier is absent.
    pub(in crate::funcs) authority_key_id: Option<Vec<u8>>,
    /// Empty if absent: Go tells the two apart, and no function does.
    pub(in crate::funcs) subject_key_id: Vec<u8>,
    pub(in crate::funcs) alternative_names: AlternativeNames,
}

/// Subject alternative names, by kind.
#[derive(Default)]
pub(in crate::funcs) struct AlternativeNames {
    pub(in crate::funcs) dns: Vec<Vec<u8>>,
    pub(in crate::funcs) email: Vec<Vec<u8>>,
    pub(in crate::funcs) ip: Vec<String>,
    pub(in crate::funcs) uri: Vec<Vec<u8>>,
}

struct Extension<'a> {
    oid: Oid,
    critical: bool,
    value: &'a [u8],
}

impl Extensions {
    /// Reads the content of the certificate's field.
    pub(super) fn read(&mut self, mut list: Der<'_>) -> Result<(), Message> {
        let mut list = list.read(der::SEQUENCE).ok_or("x509: malformed extensions")?;
        let mut seen = BTreeSet::new();
        let mut extensions = Vec::new();
        while !list.is_empty() {
            let extension = list.read(der::SEQUENCE).ok_or("x509: malformed extension")?;
            let extension = Extension::parse(extension)?;
            let oid = extension.oid.text();
            if seen.contains(&oid) {
                let text =
                    format!("x509: certificate contains duplicate extension with OID \"{oid}\"");
                return Err(text.into());
            }
            seen.insert(oid);
            extensions.push(extension);
        }
        extensions.iter().try_for_each(|extension| self.process(extension))
    }

    fn process(&mut self, extension: &Extension<'_>) -> Result<(), Message> {
        let value = Der(extension.value);
        match extension.oid.arcs() {
            [2, 5, 29, 15] => {
                { value }.bits().ok_or("x509: invalid key usage")?;
            }
            [2, 5, 29, 19] => basic_constraints(value)?,
            [2, 5, 29, 17] => self.alternative_names = alternative_names(value)?,
            [2, 5, 29, 30] => super::constraints::check(value)?,
            [2, 5, 29, 31] => distribution_points(value)?,
            [2, 5, 29, 35] => self.authority_key_id = authority_key_id(extension)?,
            [2, 5, 29, 36] => policy_constraints(value)?,
            [2, 5, 29, 37] => extended_key_usages(value)?,
            [2, 5, 29, 14] => {
                if extension.critical {
                    return Err("x509: subject key identifier incorrectly marked critical".into());
                }
                let id = { value }.read(der::OCTET_STRING);
                self.subject_key_id = id.ok_or("x509: invalid subject key identifier")?.0.to_vec();
            }
            [2, 5, 29, 32] => policies(value)?,
            [2, 5, 29, 33] => policy_mappings(value)?,
            [2, 5, 29, 54] => {
                let skipped = { value }.int();
                skipped.ok_or("x509: invalid inhibit any policy extension")?;
            }
            [1, 3, 6, 1, 5, 5, 7, 1, 1] => authority_info_access(extension)?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Extension<'a> {
    fn parse(mut input: Der<'a>) -> Result<Self, Message> {
        let oid = input.oid().ok_or("x509: malformed extension OID field")?;
        let critical = if input.peek(der::BOOLEAN) {
            input.boolean().ok_or("x509: malformed extension critical field")?
        } else {
            false
        };
        let value = input.read(der::OCTET_STRING).ok_or("x509: malformed extension value field")?;
        Ok(Self { oid, critical, value: value.0 })
    }
}

fn basic_constraints(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid basic constraints";
    let mut input = input.read(der::SEQUENCE).ok_or(invalid)?;
    if input.peek(der::BOOLEAN) {
        input.boolean().ok_or(invalid)?;
    }
    if input.peek(der::INTEGER) {
        input.int().filter(|length| *length >= 0).ok_or(invalid)?;
    }
    Ok(())
}

fn alternative_names(mut input: Der<'_>) -> Result<AlternativeNames, Message> {
    let list = input.read(der::SEQUENCE);
    let mut list = list.ok_or("x509: invalid subject alternative names")?;
    let mut names = AlternativeNames::default();
    while !list.is_empty() {
        let name = list.any().ok_or("x509: invalid subject alternative name")?;
        let content = name.content;
        let ascii = |kind: &str| {
            if content.is_ascii() {
                Ok(content.to_vec())
            } else {
                Err(Message::from(format!("x509: SAN {kind} is malformed")))
            }
        };
        match name.tag {
            0x81 => names.email.push(ascii("rfc822Name")?),
            0x82 => names.dns.push(ascii("dNSName")?),
            0x86 => names.uri.push(uri(&ascii("uniformResourceIdentifier")?)?),
            0x87 => names.ip.push(ip(content)?),
            _ => {}
        }
    }
    Ok(names)
}

fn uri(text: &[u8]) -> Result<Vec<u8>, Message> {
    let failed = || Message::from("x509: cannot parse URI ").secret(quote(text)).text(": ");
    let (host, text) = host_and_text(text).map_err(|error| failed().then(error))?;
    if is_domain(&host, false) { Ok(text) } else { Err(failed().text("invalid domain")) }
}

fn ip(bytes: &[u8]) -> Result<String, Message> {
    if let Ok(bytes) = <[u8; 4]>::try_from(bytes) {
        return Ok(Ipv4Addr::from(bytes).to_string());
    }
    match <[u8; 16]>::try_from(bytes) {
        // Go shows an IPv4 address in IPv6 clothes as what it is.
        Ok(bytes) => Ok(match Ipv6Addr::from(bytes).to_canonical() {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => address.to_string(),
        }),
        Err(_) => Err(format!("x509: cannot parse IP address of length {}", bytes.len()).into()),
    }
}

fn authority_key_id(extension: &Extension<'_>) -> Result<Option<Vec<u8>>, Message> {
    if extension.critical {
        return Err("x509: authority key identifier incorrectly marked critical".into());
    }
    let invalid = "x509: invalid authority key identifier";
    let mut input = Der(extension.value).read(der::SEQUENCE).ok_or(invalid)?;
    let id = input.optional(der::context(0)).ok_or(invalid)?;
    Ok(id.map(|id| id.0.to_vec()))
}

fn extended_key_usages(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid extended key usages";
    let mut list = input.read(der::SEQUENCE).ok_or(invalid)?;
    while !list.is_empty() {
        list.oid().ok_or(invalid)?;
    }
    Ok(())
}

fn distribution_points(mut input: Der<'_>) -> Result<(), Message> {
    let list = input.read(der::SEQUENCE);
    let mut list = list.ok_or("x509: invalid CRL distribution points")?;
    let invalid = "x509: invalid CRL distribution point";
    while !list.is_empty() {
        let mut point = list.read(der::SEQUENCE).ok_or(invalid)?;
        let name = point.optional(der::context_constructed(0)).ok_or(invalid)?;
        let Some(mut name) = name else { continue };
        let mut name = name.read(der::context_constructed(0)).ok_or(invalid)?;
        while name.peek(der::context(6)) {
            name.read(der::context(6)).ok_or(invalid)?;
        }
    }
    Ok(())
}

fn policy_constraints(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid policy constraints extension";
    let mut input = input.read(der::SEQUENCE).ok_or(invalid)?;
    for number in [0, 1] {
        let tag = der::context(number);
        if input.peek(tag) {
            input.integer_tagged(tag).and_then(der::signed).ok_or(invalid)?;
        }
    }
    Ok(())
}

fn policies(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid certificate policies";
    let mut list = input.read(der::SEQUENCE).ok_or(invalid)?;
    let mut seen = BTreeSet::new();
    while !list.is_empty() {
        let mut policy = list.read(der::SEQUENCE).ok_or(invalid)?;
        let oid = policy.read(der::OBJECT_IDENTIFIER).ok_or(invalid)?.0;
        if !seen.insert(oid) || !is_oid(oid) {
            return Err(invalid.into());
        }
    }
    Ok(())
}

/// Arcs of any size here, each written in its shortest form.
fn is_oid(bytes: &[u8]) -> bool {
    let mut start = true;
    for byte in bytes {
        if start && *byte == 0x80 {
            return false;
        }
        start = byte & 0x80 == 0;
    }
    start && !bytes.is_empty()
}

fn policy_mappings(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid policy mappings extension";
    let mut list = input.read(der::SEQUENCE).ok_or(invalid)?;
    while !list.is_empty() {
        let mut mapping = list.read(der::SEQUENCE).ok_or(invalid)?;
        mapping.read(der::OBJECT_IDENTIFIER).ok_or(invalid)?;
        mapping.read(der::OBJECT_IDENTIFIER).ok_or(invalid)?;
    }
    Ok(())
}

fn authority_info_access(extension: &Extension<'_>) -> Result<(), Message> {
    if extension.critical {
        return Err("x509: authority info access incorrectly marked critical".into());
    }
    let invalid = "x509: invalid authority info access";
    let mut list = Der(extension.value).read(der::SEQUENCE).ok_or(invalid)?;
    while !list.is_empty() {
        let mut access = list.read(der::SEQUENCE).ok_or(invalid)?;
        access.oid().ok_or(invalid)?;
        access.optional(der::context(6)).ok_or(invalid)?;
    }
    Ok(())
}
