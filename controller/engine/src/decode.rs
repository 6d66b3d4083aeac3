//! `decodingStrategy` and `nullBytePolicy` (ESO `esutils.Decode`, `esutils.ValidateNullBytes`).

use extsecret_crds::external_secret::{DecodingStrategy, NullBytePolicy};

use crate::error::ValueError;

/// Decodes the value of a key.
///
/// # Errors
/// If it is not encoded as `strategy` says; `Auto` takes such a value as it is.
pub fn decode(
    strategy: &DecodingStrategy,
    key: &str,
    value: Vec<u8>,
) -> Result<Vec<u8>, ValueError> {
    let decoded = |alphabet: Alphabet, strategy| {
        base64(alphabet, &value).map_err(|at| ValueError::Decode {
            strategy,
            key: key.to_owned(),
            at,
        })
    };
    match strategy {
        DecodingStrategy::None => Ok(value),
        DecodingStrategy::Base64 => decoded(Alphabet::Standard, "Base64"),
        DecodingStrategy::Base64Url => decoded(Alphabet::UrlSafe, "Base64URL"),
        DecodingStrategy::Auto => Ok(base64(Alphabet::Standard, &value)
            .or_else(|_| base64(Alphabet::UrlSafe, &value))
            .unwrap_or(value)),
        // An absent strategy that was written as "".
        DecodingStrategy::Other(other) if other.is_empty() => Ok(value),
        DecodingStrategy::Other(other) => Err(ValueError::Unknown {
            field: "decodingStrategy",
            value: other.clone(),
            known: DecodingStrategy::KNOWN.join(", "),
        }),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    Standard,
    UrlSafe,
}

impl Alphabet {
    fn digit(self, byte: u8) -> Option<u32> {
        Some(u32::from(match (byte, self) {
            (b'A'..=b'Z', _) => byte - b'A',
            (b'a'..=b'z', _) => byte - b'a' + 26,
            (b'0'..=b'9', _) => byte - b'0' + 52,
            (b'+', Self::Standard) | (b'-', Self::UrlSafe) => 62,
            (b'/', Self::Standard) | (b'_', Self::UrlSafe) => 63,
            _ => return None,
        }))
    }
}

/// Decodes as Go's `base64.StdEncoding` and `URLEncoding`: padding has to be there, line breaks may
/// be anywhere, and bits behind the last byte may be anything. An error is the offset that Go
/// names, in which it counts digits back from the end without regard to line breaks.
fn base64(alphabet: Alphabet, text: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let mut bits = 0u32;
    let mut digits = 0;
    for (at, &byte) in text.iter().enumerate() {
        if let Some(digit) = alphabet.digit(byte) {
            bits = bits << 6 | digit;
            digits += 1;
            if digits == 4 {
                let [_, bytes @ ..] = bits.to_be_bytes();
                out.extend(bytes);
                (bits, digits) = (0, 0);
            }
        } else if byte == b'=' && digits >= 2 {
            padding(text, at, digits)?;
            let [_, bytes @ ..] = (bits << (6 * (4 - digits))).to_be_bytes();
            out.extend(bytes.iter().take(digits - 1));
            return Ok(out);
        } else if !matches!(byte, b'\r' | b'\n') {
            return Err(at);
        }
    }
    if digits == 0 { Ok(out) } else { Err(text.len() - digits) }
}

/// Checks that behind `digits` digits nothing follows the `=` at `at` but the one that is missing.
fn padding(text: &[u8], at: usize, digits: usize) -> Result<(), usize> {
    let mut rest =
        text.iter().enumerate().skip(at + 1).filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    if digits == 2 {
        match rest.next() {
            Some((_, b'=')) => {}
            // The character before, line breaks included.
            Some((other, _)) => return Err(other - 1),
            None => return Err(text.len()),
        }
    }
    rest.next().map_or(Ok(()), |(garbage, _)| Err(garbage))
}

/// Checks a value against `policy`.
///
/// # Errors
/// If the policy forbids null bytes and there is one.
pub fn check_null_bytes(
    policy: &NullBytePolicy,
    key: &str,
    value: &[u8],
) -> Result<(), ValueError> {
    match policy {
        NullBytePolicy::Fail if value.contains(&0) => Err(ValueError::NullByte(key.to_owned())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(strategy: &DecodingStrategy, value: &[u8]) -> Option<Vec<u8>> {
        decode(strategy, "k", value.to_vec()).ok()
    }

    #[test]
    fn base64_is_read_as_go_reads_it() {
        for (value, expected) in [
            (&b"aGk="[..], Some(&b"hi"[..])),
            (b"a\nGk\r\n=\n", Some(b"hi")),
            (b"", Some(b"")),
            // The last two bits are not zero.
            (b"aGl=", Some(b"hi")),
            (b"aGk", None),
            (b"aGk=x", None),
            (b"aG k=", None),
            (b"\r\n", Some(b"")),
            (b"aA=\n=\n", Some(b"h")),
            (b"aA=", None),
            (b"====", None),
            (b"aGk=aGk=", None),
            (b"_-8=", None),
        ] {
            let found = decoded(&DecodingStrategy::Base64, value);
            assert_eq!(found.as_deref(), expected, "{}", value.escape_ascii());
        }
        assert_eq!(
            decoded(&DecodingStrategy::Base64Url, b"_-8=").as_deref(),
            Some(&b"\xff\xef"[..])
        );
    }

    #[test]
    fn auto_takes_what_fits() {
        for (value, expected) in
            [(&b"aGk="[..], &b"hi"[..]), (b"_-8=", b"\xff\xef"), (b"hi!", b"hi!")]
        {
            assert_eq!(decoded(&DecodingStrategy::Auto, value).as_deref(), Some(expected));
        }
    }

    #[test]
    fn errors_hold_no_value() {
        let error = decode(&DecodingStrategy::Base64, "k", b"hunter2!".to_vec()).unwrap_err();
        assert!(error.to_string().contains("illegal base64 data at input byte 7"), "{error}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        assert!(decode(&DecodingStrategy::Other("rot13".into()), "k", Vec::new()).is_err());
    }

    #[test]
    fn offsets_are_gos() {
        for (value, at) in [
            (&b"a"[..], 0),
            (b"aGk", 0),
            (b"aGkh\na", 5),
            (b"a\nG", 1),
            (b"aGk!", 3),
            (b"=", 0),
            (b"a=", 1),
            (b"aA=", 3),
            (b"aA=\nx", 3),
            (b"aGk=x", 4),
            (b"aA==\nx", 5),
            (b"aA=\n=x", 5),
        ] {
            assert_eq!(base64(Alphabet::Standard, value), Err(at), "{}", value.escape_ascii());
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_encoded_is_decoded(value: Vec<u8>, breaks in 1usize..80) {
            use base64::Engine as _;
            use base64::engine::general_purpose::{STANDARD, URL_SAFE};
            let wrapped = |text: String| {
                text.as_bytes().chunks(breaks).collect::<Vec<_>>().join(&b"\r\n"[..])
            };
            let (standard, url) = (wrapped(STANDARD.encode(&value)), wrapped(URL_SAFE.encode(&value)));
            let expected = Some(value);
            proptest::prop_assert_eq!(&decoded(&DecodingStrategy::Base64, &standard), &expected);
            proptest::prop_assert_eq!(&decoded(&DecodingStrategy::Base64Url, &url), &expected);
            proptest::prop_assert_eq!(&decoded(&DecodingStrategy::Auto, &url), &expected);
        }

        #[test]
        fn any_bytes_are_decoded_or_kept(value: Vec<u8>) {
            let _ = decoded(&DecodingStrategy::Base64, &value);
            proptest::prop_assert!(decoded(&DecodingStrategy::Auto, &value).is_some());
        }
    }

    #[test]
    fn null_bytes_fail_only_where_they_are_forbidden() {
        assert!(check_null_bytes(&NullBytePolicy::Ignore, "k", b"\0").is_ok());
        assert!(check_null_bytes(&NullBytePolicy::Fail, "k", b"0").is_ok());
        assert_eq!(
            check_null_bytes(&NullBytePolicy::Fail, "k", b"a\0"),
            Err(ValueError::NullByte("k".into()))
        );
    }
}
