//! Node's Buffer, and URL encoding.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Halt, throws, unmodelled};
use crate::lodash::ir::Encoding;
use crate::verify::js::{utf8, utf16};

/// `Buffer.from(text, from)`
pub(super) fn read(text: &[u16], from: Encoding) -> Result<Vec<u8>, Halt> {
    Ok(match from {
        Encoding::Utf8 => utf8(text).into_bytes(),
        Encoding::Ascii | Encoding::Latin1 => {
            text.iter().map(|unit| unit.to_le_bytes()[0]).collect()
        }
        Encoding::Base64 => {
            if text.iter().any(|unit| *unit > 0xff) {
                return Err(unmodelled("base64 with characters beyond Latin-1"));
            }
            base64(&text.iter().map(|unit| unit.to_le_bytes()[0]).collect::<Vec<_>>())
        }
        Encoding::Hex => hex(text),
    })
}

/// `buffer.toString(to)`
pub(super) fn write(bytes: &[u8], to: Encoding) -> Vec<u16> {
    match to {
        Encoding::Utf8 => String::from_utf8_lossy(bytes).encode_utf16().collect(),
        Encoding::Ascii => bytes.iter().map(|byte| u16::from(byte & 0x7f)).collect(),
        Encoding::Latin1 => bytes.iter().map(|byte| u16::from(*byte)).collect(),
        Encoding::Base64 => STANDARD.encode(bytes).encode_utf16().collect(),
        Encoding::Hex => bytes
            .iter()
            .flat_map(|byte| format!("{byte:02x}").into_bytes())
            .map(u16::from)
            .collect(),
    }
}

/// Node's lenient base64: both alphabets, foreign characters skipped, up to the first `=`, and a
/// single digit at the end dropped.
pub(in crate::verify) fn base64(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0u32, 0u32);
    for byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' => break,
            _ => continue,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count).to_le_bytes()[0]);
            bits &= (1 << count) - 1;
        }
    }
    out
}

/// Pairs of digits up to the first that is none.
fn hex(text: &[u16]) -> Vec<u8> {
    let digit = |unit: Option<&u16>| {
        let unit = u8::try_from(*unit?).ok()?;
        char::from(unit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
    };
    let mut out = Vec::new();
    for pair in text.chunks(2) {
        let (Some(high), Some(low)) = (digit(pair.first()), digit(pair.get(1))) else { break };
        out.push(high << 4 | low);
    }
    out
}

/// `encodeURIComponent(text)`, and with `kept` `encodeURI(text)`.
pub(super) fn percent(text: &[u16], kept: &[u8]) -> Result<Vec<u16>, Halt> {
    let Ok(text) = String::from_utf16(text) else {
        return Err(throws("half a pair cannot be written in a URL"));
    };
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte);
        if plain || kept.contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(utf16(&out).to_vec())
}

/// `decodeURIComponent(text)`
pub(super) fn unpercent(text: &[u16]) -> Result<Vec<u16>, Halt> {
    const WRONG: Halt = throws("the URL encoding is not well formed");
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&unit) = text.get(at) {
        if unit != u16::from(b'%') {
            out.push(unit);
            at += 1;
            continue;
        }
        // All bytes of one character.
        let first = text.get(at + 1..at + 3).map(hex).and_then(|it| it.first().copied());
        let first = first.ok_or(WRONG)?;
        let length = match first {
            0..=0x7f => 1,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => return Err(WRONG),
        };
        let mut bytes = Vec::with_capacity(length);
        for _ in 0..length {
            if text.get(at) != Some(&u16::from(b'%')) {
                return Err(WRONG);
            }
            let byte = text.get(at + 1..at + 3).map(hex).and_then(|it| it.first().copied());
            bytes.push(byte.ok_or(WRONG)?);
            at += 3;
        }
        let character = String::from_utf8(bytes).map_err(|_| WRONG)?;
        out.extend(character.encode_utf16());
    }
    Ok(out)
}
