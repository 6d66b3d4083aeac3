//! Percent signs.

use super::Problem;

/// The part of an address, which decides what may stand there as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Path,
    Host,
    Zone,
    User,
    Fragment,
}

/// Go's `shouldEscape`.
pub(super) fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    let allowed: &[u8] = match part {
        Part::Path => b"-_.~$&+,;=/:@",
        Part::Host | Part::Zone => b"-_.~$&+,;=!()*':[]<>\"",
        Part::User => b"-_.~$&+,;=",
        Part::Fragment => b"-_.~$&+,;=/:@?!()*",
    };
    !allowed.contains(&byte)
}

pub(super) fn escape(text: &[u8], part: Part) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
    let mut escaped = Vec::with_capacity(text.len());
    for &byte in text {
        if must_escape(byte, part) {
            escaped.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        } else {
            escaped.push(byte);
        }
    }
    escaped
}

pub(super) fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, Problem> {
    let nibble = |at: usize| {
        let digit = char::from(*text.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    let wrong = |at: usize| {
        let shown = text.get(at..text.len().min(at + 3)).unwrap_or_default();
        Err(Problem::Part("invalid URL escape ", shown.to_vec(), ""))
    };
    let mut plain = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte != b'%' {
            let host = matches!(part, Part::Host | Part::Zone);
            if host && byte.is_ascii() && must_escape(byte, part) {
                return Err(Problem::Part("invalid character ", vec![byte], " in host name"));
            }
            plain.push(byte);
            at += 1;
            continue;
        }
        let (Some(high), Some(low)) = (nibble(at + 1), nibble(at + 2)) else { return wrong(at) };
        let value = high << 4 | low;
        let percent = text.get(at + 1..at + 3) == Some(b"25");
        let allowed = match part {
            // No ASCII is escaped in a host, but for the sign before a zone.
            Part::Host => high >= 8 || percent,
            Part::Zone => percent || value == b' ' || !must_escape(value, Part::Host),
            _ => true,
        };
        if !allowed {
            return wrong(at);
        }
        plain.push(value);
        at += 3;
    }
    Ok(plain)
}
