//! The host of an address, which may be an IPv6 address in brackets.

use super::Problem;
use super::escape::{Part, unescape};

/// A host, maybe with a port.
pub(super) fn parse_host(scheme: &[u8], host: &[u8]) -> Result<Vec<u8>, Problem> {
    let bad_port = |port: &[u8]| Problem::Part("invalid port ", port.to_vec(), " after host");
    match host.iter().rposition(|byte| *byte == b'[') {
        None => {}
        Some(0) => return parse_literal(host, bad_port),
        Some(_) => return Err(Problem::Words("invalid IP-literal")),
    }
    let first = host.iter().position(|byte| *byte == b':');
    let last = host.iter().rposition(|byte| *byte == b':');
    // Several colons are let pass for schemes other than the web's.
    let colon = if matches!(scheme, b"http" | b"https") { first } else { last };
    let port = colon.and_then(|at| host.get(at..)).unwrap_or_default();
    if !valid_optional_port(port) {
        return Err(bad_port(port));
    }
    unescape(host, Part::Host)
}

/// `[...]` with maybe a port.
fn parse_literal(host: &[u8], bad_port: fn(&[u8]) -> Problem) -> Result<Vec<u8>, Problem> {
    let Some(end) = host.iter().rposition(|byte| *byte == b']') else {
        return Err(Problem::Words("missing ']' in host"));
    };
    let port = host.get(end + 1..).unwrap_or_default();
    if !valid_optional_port(port) {
        return Err(bad_port(port));
    }
    let port = unescape(port, Part::Host)?;
    let name = host.get(1..end).unwrap_or_default();
    let name = match name.windows(3).position(|three| three == b"%25") {
        Some(zone) => {
            let (name, zone) = name.split_at(zone);
            [unescape(name, Part::Host)?, unescape(zone, Part::Zone)?].concat()
        }
        None => unescape(name, Part::Host)?,
    };
    check_ipv6(&name)?;
    Ok([b"[", name.as_slice(), b"]", port.as_slice()].concat())
}

pub(super) fn valid_optional_port(port: &[u8]) -> bool {
    match port.split_first() {
        None => true,
        Some((b':', digits)) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
    }
}

/// What Go's `netip.ParseAddr` takes, without plain IPv4.
fn check_ipv6(address: &[u8]) -> Result<(), Problem> {
    let fault = |words| Problem::Ip { address: address.to_vec(), words, at: Vec::new() };
    match address.iter().find(|byte| matches!(byte, b'.' | b':' | b'%')) {
        Some(b'.') => {
            check_ipv4(address, address)?;
            Err(Problem::Words("invalid IP-literal"))
        }
        Some(b':') => check_groups(address),
        Some(_) => Err(fault("missing IPv6 address")),
        None => Err(fault("unable to parse IP")),
    }
}

fn check_ipv4(whole: &[u8], text: &[u8]) -> Result<(), Problem> {
    let fault =
        |words, at: &[u8]| Err(Problem::Ip { address: whole.to_vec(), words, at: at.to_vec() });
    let (mut value, mut digits, mut fields) = (0_u32, 0, 0);
    for (at, byte) in text.iter().enumerate() {
        let here = text.get(at..).unwrap_or_default();
        match byte {
            b'0'..=b'9' => {
                if digits == 1 && value == 0 {
                    return fault("IPv4 field has octet with leading zero", b"");
                }
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return fault("IPv4 field has value >255", b"");
                }
            }
            b'.' if digits == 0 || here.len() == 1 => {
                return fault("IPv4 field must have at least one digit", here);
            }
            b'.' if fields == 3 => return fault("IPv4 address too long", b""),
            b'.' => {
                fields += 1;
                (value, digits) = (0, 0);
            }
            _ => return fault("unexpected character", here),
        }
    }
    if fields < 3 { fault("IPv4 address too short", b"") } else { Ok(()) }
}

fn check_groups(address: &[u8]) -> Result<(), Problem> {
    let fault =
        |words, at: &[u8]| Err(Problem::Ip { address: address.to_vec(), words, at: at.to_vec() });
    let mut rest = address;
    if let Some(percent) = address.iter().position(|byte| *byte == b'%') {
        rest = address.get(..percent).unwrap_or_default();
        if address.len() == percent + 1 {
            return fault("zone must be a non-empty string", b"");
        }
    }
    let mut ellipsis = false;
    if let Some(after) = rest.strip_prefix(b"::") {
        ellipsis = true;
        rest = after;
        if rest.is_empty() {
            return Ok(());
        }
    }
    // In bytes of the address, of which there are 16.
    let mut read = 0;
    while read < 16 {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits > 4 {
            return fault("each group must have 4 or less digits", rest);
        }
        if digits == 0 {
            return fault("each colon-separated field must have at least one digit", rest);
        }
        if rest.get(digits) == Some(&b'.') {
            if !ellipsis && read != 12 {
                let words = "embedded IPv4 address must replace the final 2 fields of the address";
                return fault(words, rest);
            }
            if read + 4 > 16 {
                let words = "too many hex fields to fit an embedded IPv4 at the end of the address";
                return fault(words, rest);
            }
            check_ipv4(address, rest)?;
            rest = b"";
            read += 4;
            break;
        }
        read += 2;
        rest = rest.get(digits..).unwrap_or_default();
        let Some((sign, after)) = rest.split_first() else { break };
        if *sign != b':' {
            return fault("unexpected character, want colon", rest);
        }
        if after.is_empty() {
            return fault("colon must be followed by more characters", rest);
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(b":") {
            if ellipsis {
                return fault("multiple :: in address", rest);
            }
            ellipsis = true;
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
    }
    if !rest.is_empty() {
        return fault("trailing garbage after address", rest);
    }
    match (read < 16, ellipsis) {
        (true, false) => fault("address string too short", b""),
        (false, true) => fault("the :: must expand to at least one field of zeros", b""),
        _ => Ok(()),
    }
}
