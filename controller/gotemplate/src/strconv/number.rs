//! Reading numbers.

/// Why a text is not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NumberError {
    /// Go's `ErrSyntax`.
    Syntax,
    /// Go's `ErrRange`.
    Range,
}

/// `strconv.ParseUint(text, base, 64)`. Base 0 takes prefixes and underscores as Go source does.
pub(crate) fn parse_uint(text: &[u8], base: u32) -> Result<u64, NumberError> {
    if text.is_empty() {
        return Err(NumberError::Syntax);
    }
    let source_like = base == 0;
    let (base, digits) = if source_like { prefix(text) } else { (base, text) };
    let mut number = 0_u64;
    let mut underscores = false;
    for byte in digits {
        if *byte == b'_' && source_like {
            underscores = true;
            continue;
        }
        let digit = char::from(*byte).to_digit(base).ok_or(NumberError::Syntax)?;
        number = number
            .checked_mul(base.into())
            .and_then(|n| n.checked_add(digit.into()))
            .ok_or(NumberError::Range)?;
    }
    if underscores && !underscores_well_placed(text) {
        return Err(NumberError::Syntax);
    }
    Ok(number)
}

/// `strconv.ParseInt(text, base, 64)`.
pub(crate) fn parse_int(text: &[u8], base: u32) -> Result<i64, NumberError> {
    let (negative, digits) = sign(text);
    let number = parse_uint(digits, base)?;
    if negative {
        0_i64.checked_sub_unsigned(number).ok_or(NumberError::Range)
    } else {
        i64::try_from(number).map_err(|_| NumberError::Range)
    }
}

/// `strconv.ParseFloat(text, 64)`.
pub(crate) fn parse_float(text: &[u8]) -> Result<f64, NumberError> {
    let (negative, unsigned) = sign(text);
    let lower = unsigned.to_ascii_lowercase();
    match lower.as_slice() {
        b"inf" | b"infinity" => {
            return Ok(if negative { f64::NEG_INFINITY } else { f64::INFINITY });
        }
        b"nan" if unsigned.len() == text.len() => return Ok(f64::NAN),
        _ => {}
    }
    if lower.contains(&b'_') && !underscores_well_placed(text) {
        return Err(NumberError::Syntax);
    }
    let digits: Vec<u8> = lower.into_iter().filter(|byte| *byte != b'_').collect();
    let magnitude = match digits.strip_prefix(b"0x") {
        Some(hex) => hex_float(hex).ok_or(NumberError::Syntax)?,
        None => decimal_float(&digits).ok_or(NumberError::Syntax)?,
    };
    if magnitude.is_infinite() {
        return Err(NumberError::Range);
    }
    Ok(if negative { -magnitude } else { magnitude })
}

fn sign(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    }
}

/// The base that a prefix announces, and the text behind it.
fn prefix(text: &[u8]) -> (u32, &[u8]) {
    match text {
        [b'0', b'b' | b'B', rest @ ..] if !rest.is_empty() => (2, rest),
        [b'0', b'o' | b'O', rest @ ..] if !rest.is_empty() => (8, rest),
        [b'0', b'x' | b'X', rest @ ..] if !rest.is_empty() => (16, rest),
        [b'0', rest @ ..] => (8, rest),
        _ => (10, text),
    }
}

/// Underscores stand between digits, or between a prefix and a digit.
fn underscores_well_placed(text: &[u8]) -> bool {
    let (_, text) = sign(text);
    let (mut after_digit, hex, text) = match text {
        [b'0', b'x' | b'X', rest @ ..] => (true, true, rest),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (true, false, rest),
        _ => (false, false, text),
    };
    let mut after_underscore = false;
    for byte in text {
        let digit = byte.is_ascii_digit() || (hex && byte.is_ascii_hexdigit());
        let underscore = *byte == b'_';
        if (underscore && !after_digit) || (after_underscore && !digit) {
            return false;
        }
        (after_digit, after_underscore) = (digit, underscore);
    }
    !after_underscore
}

/// Digits with at most one point, then an exponent behind `marker`: digits before the point,
/// digits after it, and the exponent.
fn split_float(
    text: &[u8],
    marker: u8,
    digit: fn(&u8) -> bool,
) -> Option<(&[u8], &[u8], Option<i64>)> {
    let (mantissa, exponent) = match text.iter().position(|byte| *byte == marker) {
        Some(at) => {
            let (negative, digits) = sign(text.get(at + 1..)?);
            if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
                return None;
            }
            // Far beyond every float, and far from overflow.
            let value = digits
                .iter()
                .fold(0_i64, |n, byte| (n * 10 + i64::from(byte - b'0')).min(1_000_000_000));
            (text.get(..at)?, Some(if negative { -value } else { value }))
        }
        None => (text, None),
    };
    let point = mantissa.iter().position(|byte| *byte == b'.');
    let (whole, fraction) = match point {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
        None => (mantissa, &b""[..]),
    };
    let valid = whole.iter().chain(fraction).all(digit) && whole.len() + fraction.len() > 0;
    valid.then_some((whole, fraction, exponent))
}

fn decimal_float(text: &[u8]) -> Option<f64> {
    split_float(text, b'e', u8::is_ascii_digit)?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// `text` is what follows `0x`, in lower case.
fn hex_float(text: &[u8]) -> Option<f64> {
    let (whole, fraction, exponent) = split_float(text, b'p', u8::is_ascii_hexdigit)?;
    // The value is `mantissa * 2^exponent`; the lowest bit also stands for all that was cut off.
    let mut exponent = exponent?;
    let mut mantissa = 0_u64;
    for (place, byte) in whole.iter().chain(fraction).enumerate() {
        let digit = u64::from(char::from(*byte).to_digit(16)?);
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | digit;
        } else {
            mantissa |= u64::from(digit != 0);
            exponent += 4;
        }
        if place >= whole.len() {
            exponent -= 4;
        }
    }
    Some(scale(mantissa, exponent))
}

/// `mantissa * 2^exponent`, rounded once, to even.
fn scale(mantissa: u64, exponent: i64) -> f64 {
    const FRACTION_BITS: i64 = 52;
    const MIN_EXPONENT: i64 = -1074;
    if mantissa == 0 {
        return 0.0;
    }
    let bits = i64::from(u64::BITS - mantissa.leading_zeros());
    // How many low bits do not fit: those beyond 53, and more for a subnormal number.
    let drop = (bits - (FRACTION_BITS + 1)).max(MIN_EXPONENT - exponent);
    if drop > bits {
        return 0.0;
    }
    let rounded = if drop <= 0 {
        mantissa
    } else {
        let kept = mantissa.checked_shr(u32::try_from(drop).unwrap_or(u32::MAX)).unwrap_or(0);
        let half = 1_u64 << (drop - 1);
        let rest = mantissa & (half | (half - 1));
        kept + u64::from(rest > half || (rest == half && kept & 1 == 1))
    };
    let mut exponent = exponent + drop.max(0);
    #[expect(clippy::cast_precision_loss, reason = "at most 53 bits")]
    let mut value = rounded as f64;
    // Each factor and every product on the way is exact: the bits already fit.
    while exponent > 0 && value.is_finite() {
        let step = exponent.min(1000);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(0));
        exponent -= step;
    }
    while exponent < 0 {
        let step = exponent.max(-1000);
        value *= 2_f64.powi(i32::try_from(step).unwrap_or(0));
        exponent -= step;
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_integers_like_go() {
        use NumberError::{Range, Syntax};
        for (text, unsigned, signed, decimal) in [
            ("", Err(Syntax), Err(Syntax), Err(Syntax)),
            ("1_000", Ok(1000), Ok(1000), Err(Syntax)),
            ("0x_1f", Ok(31), Ok(31), Err(Syntax)),
            ("0_7", Ok(7), Ok(7), Err(Syntax)),
            ("_1", Err(Syntax), Err(Syntax), Err(Syntax)),
            ("1_", Err(Syntax), Err(Syntax), Err(Syntax)),
            ("1__0", Err(Syntax), Err(Syntax), Err(Syntax)),
            ("0b1_0", Ok(2), Ok(2), Err(Syntax)),
            ("0o17", Ok(15), Ok(15), Err(Syntax)),
            ("0x", Err(Syntax), Err(Syntax), Err(Syntax)),
            ("0", Ok(0), Ok(0), Ok(0)),
            ("-0", Err(Syntax), Ok(0), Err(Syntax)),
            ("+5", Err(Syntax), Ok(5), Err(Syntax)),
            ("08", Err(Syntax), Err(Syntax), Ok(8)),
            ("18446744073709551616", Err(Range), Err(Range), Err(Range)),
            ("9223372036854775808", Ok(1 << 63), Err(Range), Ok(1 << 63)),
        ] {
            assert_eq!(parse_uint(text.as_bytes(), 0), unsigned, "{text}");
            assert_eq!(parse_int(text.as_bytes(), 0), signed, "{text}");
            assert_eq!(parse_uint(text.as_bytes(), 10), decimal, "{text}");
        }
        assert_eq!(parse_int(b"-9223372036854775808", 10), Ok(i64::MIN));
        assert_eq!(parse_int(b"-9223372036854775809", 10), Err(Range));
    }

    #[test]
    fn reads_floats_like_go() {
        use NumberError::{Range, Syntax};
        for (text, expected) in [
            ("1.", Ok(1.0)),
            ("1e5", Ok(1e5)),
            (".5", Ok(0.5)),
            ("1_0.5", Ok(10.5)),
            ("1e10_0", Ok(1e100)),
            ("0x1p-2", Ok(0.25)),
            ("0X1.8P3", Ok(12.0)),
            ("0x_1p1", Ok(2.0)),
            ("0xep1", Ok(28.0)),
            ("0x.8p0", Ok(0.5)),
            ("0x1p-1074", Ok(f64::from_bits(1))),
            ("0x1p-1075", Ok(0.0)),
            ("0x1.8p-1075", Ok(f64::from_bits(1))),
            ("0x1p-9999999999", Ok(0.0)),
            ("0x1.fffffffffffffp1023", Ok(f64::MAX)),
            ("0x123456789abcdef123p0", Ok(f64::from_bits(0x4432_3456_789a_bcdf))),
            ("0x10000000000000800000000000000001p0", Ok(f64::from_bits(0x47b0_0000_0000_0001))),
            ("-Infinity", Ok(f64::NEG_INFINITY)),
            ("-1e-400", Ok(0.0)),
            ("0x1.fffffffffffff8p1023", Err(Range)),
            ("0x1p1024", Err(Range)),
            ("0x1p999999999999", Err(Range)),
            ("1e309", Err(Range)),
            ("", Err(Syntax)),
            (".", Err(Syntax)),
            ("1e", Err(Syntax)),
            ("+nan", Err(Syntax)),
            ("infi", Err(Syntax)),
            ("0x1", Err(Syntax)),
            ("0x1p", Err(Syntax)),
            ("0x.p0", Err(Syntax)),
            ("0x", Err(Syntax)),
            (" 1", Err(Syntax)),
            ("1_.5", Err(Syntax)),
            ("1.5.5", Err(Syntax)),
        ] {
            assert_eq!(parse_float(text.as_bytes()), expected, "{text}");
        }
        assert!(parse_float(b"NaN").expect("a number").is_nan());
    }
}
