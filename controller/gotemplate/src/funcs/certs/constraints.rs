//! Name constraints: no template sees them, but a certificate with malformed ones is refused.

use std::net::IpAddr;

use super::der::{self, Der};
use crate::error::Message;
use crate::fmt::quote;

/// Checks the extension as Go does.
pub(super) fn check(mut input: Der<'_>) -> Result<(), Message> {
    let invalid = "x509: invalid NameConstraints extension";
    let mut top = input.read(der::SEQUENCE).filter(|_| input.is_empty()).ok_or(invalid)?;
    let permitted = top.optional(der::context_constructed(0)).ok_or(invalid)?;
    let excluded = top.optional(der::context_constructed(1)).ok_or(invalid)?;
    if !top.is_empty() {
        return Err(invalid.into());
    }
    let subtrees = [permitted, excluded].map(|subtrees| subtrees.unwrap_or(Der(&[])));
    if subtrees.iter().all(|subtrees| subtrees.is_empty()) {
        return Err("x509: empty name constraints extension".into());
    }
    for mut subtrees in subtrees {
        while !subtrees.is_empty() {
            let subtree = subtrees.read(der::SEQUENCE);
            let base = subtree.and_then(|mut subtree| subtree.any()).ok_or(invalid)?;
            check_base(base.tag, base.content)?;
        }
    }
    Ok(())
}

fn check_base(tag: u8, value: &[u8]) -> Result<(), Message> {
    let failed = |kind: &str, reason: &str| {
        Message::new()
            .text(format!("x509: failed to parse {kind} constraint "))
            .secret(quote(value))
            .text(reason)
    };
    if matches!(tag, 0x81 | 0x82 | 0x86) && !value.is_ascii() {
        return Err(Message::new()
            .text("x509: invalid constraint value: x509: ")
            .secret(quote(value))
            .text(" cannot be encoded as an IA5String"));
    }
    match tag {
        0x82 if !is_domain(value, true) => Err(failed("dnsName", "")),
        0x87 => {
            let mask = match value.len() {
                8 => value.get(4..),
                32 => value.get(16..),
                _ => None,
            };
            let Some(mask) = mask else {
                let length = value.len();
                let text = format!("x509: IP constraint contained value of length {length}");
                return Err(text.into());
            };
            if is_mask(mask) {
                return Ok(());
            }
            Err(Message::new()
                .text("x509: IP constraint contained invalid mask ")
                .secret(data_encoding::HEXLOWER.encode(mask)))
        }
        0x81 => {
            let valid =
                if value.contains(&b'@') { is_mailbox(value) } else { is_domain(value, true) };
            if valid { Ok(()) } else { Err(failed("rfc822Name", "")) }
        }
        0x86 if std::str::from_utf8(value).is_ok_and(|text| text.parse::<IpAddr>().is_ok()) => {
            Err(failed("URI", ": cannot be IP address"))
        }
        0x86 if !is_domain(value, true) => Err(failed("URI", "")),
        _ => Ok(()),
    }
}

fn is_mask(mask: &[u8]) -> bool {
    let bits = mask.iter().fold((true, true), |(valid, ones), byte| {
        let contiguous = byte.leading_ones() + byte.trailing_zeros() >= 8;
        (valid && contiguous && (ones || *byte == 0), ones && *byte == 0xff)
    });
    bits.0
}

/// Labels without blanks; for a constraint one dot may lead.
pub(super) fn is_domain(name: &[u8], constraint: bool) -> bool {
    if name.is_empty() {
        return true;
    }
    if name.ends_with(b".") {
        return false;
    }
    let name = if constraint { name.strip_prefix(b".").unwrap_or(name) } else { name };
    name.iter().all(|byte| (33..=126).contains(byte))
        && name.split(|byte| *byte == b'.').all(|label| !label.is_empty())
}

/// An address of RFC 2821: a quoted or a plain local part, and a domain.
fn is_mailbox(address: &[u8]) -> bool {
    let domain = if let Some(quoted) = address.strip_prefix(b"\"") {
        after_quoted(quoted)
    } else {
        after_plain(address)
    };
    let Some(domain) = domain.and_then(|rest| rest.strip_prefix(b"@")) else { return false };
    domain.is_empty() || is_domain(domain, false)
}

fn after_quoted(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let (byte, tail) = rest.split_first()?;
        rest = tail;
        match byte {
            b'"' => return Some(rest),
            b'\\' => {
                let (escaped, tail) = rest.split_first()?;
                if !matches!(escaped, 1..=9 | 11 | 12 | 14..=127) {
                    return None;
                }
                rest = tail;
            }
            1..=8 | 11 | 12 | 14..=33 | 35..=91 | 93..=127 => {}
            _ => return None,
        }
    }
}

fn after_plain(mut rest: &[u8]) -> Option<&[u8]> {
    let mut local = Vec::new();
    while let Some((byte, tail)) = rest.split_first() {
        match byte {
            b'\\' => {
                let (escaped, tail) = tail.split_first()?;
                local.push(*escaped);
                rest = tail;
            }
            byte if byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(byte) => {
                local.push(*byte);
                rest = tail;
            }
            _ => break,
        }
    }
    let dots = local.windows(2).any(|pair| pair == b"..");
    let valid = !local.is_empty() && !local.starts_with(b".") && !local.ends_with(b".") && !dots;
    valid.then_some(rest)
}
