//! `decodingStrategy` and `nullBytePolicy` (ESO `esutils.Decode`, `esutils.ValidateNullBytes`).

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use extsecret_crds::external_secret::{DecodingStrategy, NullBytePolicy};

use crate::error::ValueError;

/// Go's decoders accept bits behind the last byte that are not zero.
const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
    .with_decode_allow_trailing_bits(true);

const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Decodes a value.
///
/// # Errors
/// If it is not encoded as `strategy` says; `Auto` takes such a value as it is.
pub fn decode(strategy: &DecodingStrategy, value: Vec<u8>) -> Result<Vec<u8>, ValueError> {
    match strategy {
        DecodingStrategy::None => Ok(value),
        DecodingStrategy::Base64 => base64(&STANDARD, "Base64", &value),
        DecodingStrategy::Base64Url => base64(&URL_SAFE, "Base64URL", &value),
        DecodingStrategy::Auto => Ok(base64(&STANDARD, "Base64", &value)
            .or_else(|_| base64(&URL_SAFE, "Base64URL", &value))
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

/// Go's decoder passes over line breaks, wherever they are.
fn base64(
    engine: &GeneralPurpose,
    strategy: &'static str,
    value: &[u8],
) -> Result<Vec<u8>, ValueError> {
    let is_break = |byte: &u8| matches!(byte, b'\r' | b'\n');
    let decoded = if value.iter().any(is_break) {
        let dense: Vec<u8> = value.iter().copied().filter(|byte| !is_break(byte)).collect();
        engine.decode(dense)
    } else {
        engine.decode(value)
    };
    decoded.map_err(|error| {
        use base64::DecodeError;
        let at = match error {
            DecodeError::InvalidByte(at, _)
            | DecodeError::InvalidLastSymbol(at, _)
            | DecodeError::InvalidLength(at) => at,
            DecodeError::InvalidPadding => value.len(),
        };
        ValueError::Decode { strategy, at }
    })
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
        decode(strategy, value.to_vec()).ok()
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
        let error = decode(&DecodingStrategy::Base64, b"hunter2!".to_vec()).unwrap_err();
        assert!(error.to_string().contains("illegal base64 data at input byte 7"), "{error}");
        assert!(!format!("{error:?}").contains("hunter"), "{error:?}");
        assert!(decode(&DecodingStrategy::Other("rot13".into()), Vec::new()).is_err());
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
