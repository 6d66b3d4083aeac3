//! Encodings and checksums. A decoder's error is its result, as ESO has it.

use data_encoding::HEXLOWER;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};

use super::arguments::{made, text};
use super::{Call, Failure, Function, Type};
use crate::runes::is_print;
use crate::value::Value;

const ONE: &[Type] = &[Type::String];

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("adler32sum", ONE, |call, arguments| {
        made(call, adler32(text(arguments, 0)).to_string())
    }),
    Function::new("b32dec", ONE, |call, arguments| decoded(call, arguments, base32)),
    Function::new("b32enc", ONE, |call, arguments| {
        encoded(call, arguments, &data_encoding::BASE32)
    }),
    Function::new("b64dec", ONE, |call, arguments| decoded(call, arguments, base64)),
    Function::new("b64enc", ONE, |call, arguments| {
        encoded(call, arguments, &data_encoding::BASE64)
    }),
    Function::new("hexdec", ONE, |call, arguments| decoded(call, arguments, hexadecimal)),
    Function::new("sha1sum", ONE, |call, arguments| {
        made(call, HEXLOWER.encode(&Sha1::digest(text(arguments, 0))))
    }),
    Function::new("sha256sum", ONE, |call, arguments| {
        made(call, HEXLOWER.encode(&Sha256::digest(text(arguments, 0))))
    }),
    Function::new("sha512sum", ONE, |call, arguments| {
        made(call, HEXLOWER.encode(&Sha512::digest(text(arguments, 0))))
    }),
];

fn encoded(
    call: &mut Call<'_>,
    arguments: &[Value],
    encoding: &data_encoding::Encoding,
) -> Result<Value, Failure> {
    let bytes = text(arguments, 0);
    call.reserve(encoding.encode_len(bytes.len()))?;
    Ok(Value::string(encoding.encode(bytes)))
}

fn decoded(
    call: &mut Call<'_>,
    arguments: &[Value],
    decode: fn(&[u8]) -> Result<Vec<u8>, String>,
) -> Result<Value, Failure> {
    let encoded = text(arguments, 0);
    call.reserve(encoded.len())?;
    Ok(Value::string(match decode(encoded) {
        Ok(bytes) => bytes,
        Err(error) => error.into_bytes(),
    }))
}

fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    let (mut low, mut high) = (1_u32, 0_u32);
    // So many bytes cannot overflow the sums.
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            low += u32::from(*byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

/// Go's standard base64: line ends are skipped, padding is needed, bits that are left over are not
/// looked at.
pub(super) fn base64(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let mut quantum: u32 = 0;
    let mut digits = 0;
    let mut input = text.iter().enumerate();
    while let Some((at, &byte)) = input.next() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'\r' | b'\n' => continue,
            b'=' if digits >= 2 => {
                let mut rest = input.filter(|(_, byte)| !line_end(byte));
                if digits == 2 {
                    match rest.next() {
                        None => return corrupt(text.len()),
                        Some((_, b'=')) => {}
                        // Go names the place before it.
                        Some((at, _)) => return corrupt(at - 1),
                    }
                }
                if let Some((at, _)) = rest.next() {
                    return corrupt(at);
                }
                let [_, first, second, _] = (quantum << (6 * (4 - digits))).to_be_bytes();
                bytes.push(first);
                if digits == 3 {
                    bytes.push(second);
                }
                return Ok(bytes);
            }
            _ => return corrupt(at),
        };
        quantum = quantum << 6 | u32::from(value);
        digits += 1;
        if digits == 4 {
            let [_, group @ ..] = quantum.to_be_bytes();
            bytes.extend_from_slice(&group);
            (quantum, digits) = (0, 0);
        }
    }
    if digits == 0 { Ok(bytes) } else { corrupt(text.len() - digits) }
}

/// Go's standard base32: line ends are skipped, padding is needed.
fn base32(text: &[u8]) -> Result<Vec<u8>, String> {
    let corrupt = |at: usize| Err(format!("illegal base32 data at input byte {at}"));
    let text: Vec<u8> =
        text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut bytes = Vec::with_capacity(text.len() / 8 * 5);
    let mut quantum: u64 = 0;
    let mut digits = 0;
    for (at, &byte) in text.iter().enumerate() {
        let rest = text.get(at + 1..).unwrap_or_default();
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'2'..=b'7' => byte - b'2' + 26,
            b'=' if digits >= 2 && rest.len() < 8 => {
                if rest.len() + digits < 7 {
                    return corrupt(text.len());
                }
                let wrong = rest.iter().take(7 - digits).position(|byte| *byte != b'=');
                if let Some(wrong) = wrong {
                    // Go counts from the end of what is left, one too few.
                    return corrupt((at + 1 + wrong).saturating_sub(1));
                }
                if matches!(digits, 3 | 6) {
                    return corrupt(at);
                }
                let group = (quantum << (5 * (8 - digits)) << 24).to_be_bytes();
                bytes.extend(group.into_iter().take(digits * 5 / 8));
                // What follows the padding is not looked at.
                return Ok(bytes);
            }
            _ => return corrupt(at),
        };
        quantum = quantum << 5 | u64::from(value);
        digits += 1;
        if digits == 8 {
            let group = (quantum << 24).to_be_bytes();
            bytes.extend(group.into_iter().take(5));
            (quantum, digits) = (0, 0);
        }
    }
    if digits == 0 { Ok(bytes) } else { corrupt(text.len() - digits) }
}

fn hexadecimal(text: &[u8]) -> Result<Vec<u8>, String> {
    let nibble = |byte: u8| {
        char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).ok_or(byte)
    };
    let pairs = text.chunks(2).map(|pair| match pair {
        [high, low] => Ok(Some(nibble(*high)? << 4 | nibble(*low)?)),
        [odd] => nibble(*odd).map(|_| None),
        _ => Ok(None),
    });
    let bytes: Result<Vec<Option<u8>>, u8> = pairs.collect();
    match bytes {
        Err(byte) => {
            let rune = char::from(byte);
            let shown = if is_print(rune) { format!(" '{rune}'") } else { String::new() };
            Err(format!("encoding/hex: invalid byte: U+{byte:04X}{shown}"))
        }
        Ok(bytes) if bytes.last() == Some(&None) => {
            Err("encoding/hex: odd length hex string".to_owned())
        }
        Ok(bytes) => Ok(bytes.into_iter().flatten().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_as_leniently_as_go() {
        assert_eq!(base64(b"YQ\n=\r=\n").unwrap(), b"a");
        assert_eq!(base64(b"YR==").unwrap(), b"a");
        assert_eq!(base64(b"YWI").unwrap_err(), "illegal base64 data at input byte 0");
        assert_eq!(base64(b"YQ=").unwrap_err(), "illegal base64 data at input byte 3");
        assert_eq!(base64(b"YQ==YQ==").unwrap_err(), "illegal base64 data at input byte 4");
        assert_eq!(base32(b"ME======").unwrap(), b"a");
        assert_eq!(base32(b"ME=====").unwrap_err(), "illegal base32 data at input byte 7");
        assert_eq!(hexadecimal(b"6a6B").unwrap(), b"jk");
        assert_eq!(hexadecimal(b"6a6").unwrap_err(), "encoding/hex: odd length hex string");
    }

    #[test]
    fn sums() {
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(adler32(&vec![0xFF; 100_000]), 0x149A_302C);
    }
}
