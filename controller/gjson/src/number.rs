//! Numbers as Go's `strconv` reads and writes them.

use std::borrow::Cow;

/// Beyond it not every integer is a float.
pub(crate) const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// `strconv.ParseFloat` without its error: what is no number is 0, what is too large is infinite.
pub(crate) fn parse(text: &[u8]) -> f64 {
    special(text).or_else(|| read(text)).unwrap_or(0.0)
}

/// `strconv.FormatFloat(number, 'f', -1, 64)`.
pub(crate) fn format(number: f64) -> String {
    if number.is_nan() {
        "NaN".to_owned()
    } else if number.is_infinite() {
        if number > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        number.to_string()
    }
}

/// Digits with an optional minus, modulo 2^64.
pub(crate) fn parse_int(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix(b"-") {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    let number = parse_uint(digits)?.cast_signed();
    Some(if negative { number.wrapping_neg() } else { number })
}

/// Digits, modulo 2^64.
pub(crate) fn parse_uint(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?;
        Some(number.wrapping_mul(10).wrapping_add(digit))
    })
}

/// A float as a whole number, with the processor's answer for what does not fit.
#[expect(clippy::cast_possible_truncation, reason = "the fraction is meant to go")]
pub(crate) fn truncate(number: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&number) { number as i64 } else { i64::MIN }
}

/// Infinity, with or without sign, and NaN, without.
fn special(text: &[u8]) -> Option<f64> {
    if text.eq_ignore_ascii_case(b"nan") {
        return Some(f64::NAN);
    }
    let (negative, name) = split_sign(text);
    (name.eq_ignore_ascii_case(b"inf") || name.eq_ignore_ascii_case(b"infinity"))
        .then_some(if negative { f64::NEG_INFINITY } else { f64::INFINITY })
}

/// Whether there is a minus, and what follows the sign.
fn split_sign(text: &[u8]) -> (bool, &[u8]) {
    match text.strip_prefix(b"-") {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix(b"+").unwrap_or(text)),
    }
}

/// A decimal or hexadecimal number in Go's spelling.
fn read(text: &[u8]) -> Option<f64> {
    let (negative, unsigned) = split_sign(text);
    let digits = if unsigned.contains(&b'_') {
        if !underscores_separate(unsigned) {
            return None;
        }
        Cow::Owned(unsigned.iter().copied().filter(|&byte| byte != b'_').collect())
    } else {
        Cow::Borrowed(unsigned)
    };
    let number = match &*digits {
        [b'0', b'x' | b'X', rest @ ..] => hexadecimal(rest)?,
        rest => decimal(rest)?,
    };
    Some(if negative { -number } else { number })
}

/// Underscores stand between digits, or between the prefix of a base and a digit.
fn underscores_separate(unsigned: &[u8]) -> bool {
    let (mut after_digit, hex, rest) = match unsigned {
        [b'0', b'x' | b'X', rest @ ..] => (true, true, rest),
        [b'0', b'b' | b'B' | b'o' | b'O', rest @ ..] => (true, false, rest),
        rest => (false, false, rest),
    };
    let mut after_underscore = false;
    for &byte in rest {
        let digit = byte.is_ascii_digit() || hex && byte.is_ascii_hexdigit();
        if byte == b'_' && !after_digit || after_underscore && !digit {
            return false;
        }
        (after_digit, after_underscore) = (digit, byte == b'_');
    }
    !after_underscore
}

/// Splits off the exponent behind one of `marks`: `None` if it is malformed.
fn exponent<'a>(text: &'a [u8], marks: &[u8]) -> Option<(&'a [u8], Option<i64>)> {
    let Some(at) = text.iter().position(|byte| marks.contains(byte)) else {
        return Some((text, None));
    };
    let (mantissa, rest) = text.split_at(at);
    let (negative, digits) = split_sign(rest.get(1..)?);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Far beyond any float, as Go: no exponent overflows.
    let magnitude = digits.iter().fold(0i64, |exponent, &digit| {
        if exponent < 10_000 { exponent * 10 + i64::from(digit - b'0') } else { exponent }
    });
    Some((mantissa, Some(if negative { -magnitude } else { magnitude })))
}

fn decimal(text: &[u8]) -> Option<f64> {
    let (mantissa, exponent) = exponent(text, b"eE")?;
    let mut points = 0;
    let mut digits = 0;
    for byte in mantissa {
        match byte {
            b'.' => points += 1,
            b'0'..=b'9' => digits += 1,
            _ => return None,
        }
    }
    if points > 1 || digits == 0 {
        return None;
    }
    let mantissa = std::str::from_utf8(mantissa).ok()?;
    format!("{mantissa}e{}", exponent.unwrap_or(0)).parse().ok()
}

/// Hexadecimal digits with a binary exponent, which Go insists on.
fn hexadecimal(text: &[u8]) -> Option<f64> {
    let (digits, power) = exponent(text, b"pP")?;
    let mut power = power?;
    let mut mantissa = 0u64;
    let mut sticky = false;
    let mut any = false;
    let mut point = false;
    for &byte in digits {
        if byte == b'.' {
            if point {
                return None;
            }
            point = true;
            continue;
        }
        let digit = char::from(byte).to_digit(16)?;
        any = true;
        if mantissa >> 60 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
            if point {
                power -= 4;
            }
        } else {
            sticky |= digit != 0;
            if !point {
                power += 4;
            }
        }
    }
    if !any {
        return None;
    }
    if mantissa == 0 {
        return Some(0.0);
    }
    let shift = mantissa.leading_zeros();
    Some(rounded(mantissa << shift, power - i64::from(shift), sticky))
}

/// `mantissa * 2^power`, rounded half to even; the top bit of the mantissa is set.
fn rounded(mantissa: u64, power: i64, sticky: bool) -> f64 {
    // 53 bits are kept, fewer below the smallest normal number.
    let drop = (-1074 - power).max(11);
    if power > 1024 {
        return f64::INFINITY;
    }
    if drop > 64 {
        return 0.0;
    }
    let wide = u128::from(mantissa);
    let kept = wide >> drop;
    let rest = wide & ((1u128 << drop) - 1);
    let half = 1u128 << (drop - 1);
    let up = rest > half || rest == half && (sticky || kept & 1 == 1);
    let kept = u64::try_from(kept).unwrap_or(u64::MAX) + u64::from(up);
    let power = i32::try_from(power + drop).unwrap_or(i32::MAX);
    // In two steps, so that no factor is itself too large or too small.
    #[expect(clippy::cast_precision_loss, reason = "at most 53 bits")]
    let number = kept as f64 * 2f64.powi(power / 2) * 2f64.powi(power - power / 2);
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        for (text, expected) in [
            ("1", "1"),
            ("-0", "-0"),
            ("1e3", "1000"),
            ("1e400", "+Inf"),
            ("-1e400", "-Inf"),
            ("1_000", "1000"),
            ("1__0", "0"),
            ("_1", "0"),
            ("0x10", "0"),
            ("0x10p0", "16"),
            ("0x_1p4", "16"),
            ("0x1.8p1", "3"),
            (
                "0x1p-1074",
                "0.000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000005",
            ),
            ("0x1p1024", "+Inf"),
            ("0x1.fffffffffffff8p1023", "+Inf"),
            ("0x1p-2000", "0"),
            ("inf", "+Inf"),
            ("-Infinity", "-Inf"),
            ("infi", "0"),
            ("nan", "NaN"),
            ("-nan", "0"),
            (".5", "0.5"),
            ("5.", "5"),
            (".", "0"),
            ("1.2.3", "0"),
            ("1e", "0"),
            ("123456789012345678901234567890.5", "123456789012345680000000000000"),
        ] {
            assert_eq!(format(parse(text.as_bytes())), expected, "{text}");
        }
    }
}
