//! Numbers as text, and texts as numbers.

/// `String(number)`: the shortest digits that mean this number, with an exponent from 10^21 and
/// below 10^-6 (ECMA-262, `Number::toString`).
pub(in crate::verify) fn to_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    if number == 0.0 {
        return "0".into();
    }
    let sign = if number < 0.0 { "-" } else { "" };
    // The digits of Rust's own shortest form; only their layout differs.
    let scientific = format!("{:e}", number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let point = exponent + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));
    if count <= point && point <= 21 {
        format!("{sign}{digits}{}", zeros(point - count))
    } else if 0 < point && point <= 21 {
        let (whole, rest) =
            digits.split_at_checked(point.unsigned_abs() as usize).unwrap_or_default();
        format!("{sign}{whole}.{rest}")
    } else if -6 < point && point <= 0 {
        format!("{sign}0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at_checked(1).unwrap_or_default();
        let dot = if rest.is_empty() { "" } else { "." };
        let plus = if exponent < 0 { "-" } else { "+" };
        format!("{sign}{first}{dot}{rest}e{plus}{}", exponent.unsigned_abs())
    }
}

/// `Number(text)`
pub(in crate::verify) fn from_text(text: &[u16]) -> f64 {
    let text = String::from_utf16_lossy(text);
    let text = text.trim_matches(is_blank);
    if text.is_empty() {
        return 0.0;
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let all = !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix));
            return if all { whole(digits, radix) } else { f64::NAN };
        }
    }
    if decimal_prefix(text) == text.len() { decimal(text) } else { f64::NAN }
}

/// `parseFloat(text)`: as much of the beginning as is a number.
pub(in crate::verify) fn parse_float(text: &[u16]) -> f64 {
    let text = String::from_utf16_lossy(text);
    let text = text.trim_start_matches(is_blank);
    decimal(text.get(..decimal_prefix(text)).unwrap_or_default())
}

/// `parseInt(text, radix)`; without a radix, 0.
pub(in crate::verify) fn parse_int(text: &[u16], radix: i32) -> f64 {
    let text = String::from_utf16_lossy(text);
    let text = text.trim_start_matches(is_blank);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let (radix, text) = match (radix, hex) {
        (0 | 16, Some(rest)) => (16, rest),
        (0, None) => (10, text),
        (radix @ 2..=36, _) => (radix.unsigned_abs(), text),
        _ => return f64::NAN,
    };
    let end = text.find(|c: char| !c.is_digit(radix)).unwrap_or(text.len());
    let digits = text.get(..end).unwrap_or_default();
    if digits.is_empty() { f64::NAN } else { sign * whole(digits, radix) }
}

/// A whole number from its digits. Decimal ones are rounded once, as JavaScript does.
fn whole(digits: &str, radix: u32) -> f64 {
    if radix == 10 {
        return digits.parse().unwrap_or(f64::NAN);
    }
    digits
        .chars()
        .filter_map(|c| c.to_digit(radix))
        .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit))
}

/// The number that a text is which [`decimal_prefix`] has measured.
fn decimal(text: &str) -> f64 {
    match text.trim_start_matches(['+', '-']) {
        "" => f64::NAN,
        "Infinity" if text.starts_with('-') => f64::NEG_INFINITY,
        "Infinity" => f64::INFINITY,
        _ => text.parse().unwrap_or(f64::NAN),
    }
}

/// How many bytes at the beginning are a decimal number; 0 if none are.
fn decimal_prefix(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits =
        |from: usize| bytes.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let start = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    if text.get(start..).is_some_and(|rest| rest.starts_with("Infinity")) {
        return start + "Infinity".len();
    }
    let before = digits(start);
    let mut at = start + before;
    let mut after = 0;
    if bytes.get(at) == Some(&b'.') {
        after = digits(at + 1);
        if before + after > 0 {
            at += 1 + after;
        }
    }
    if before + after == 0 {
        return 0;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = digits(at + 1 + sign);
        if exponent > 0 {
            at += 1 + sign + exponent;
        }
    }
    at
}

/// White space and line ends of JavaScript.
pub(in crate::verify) fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'
            ..='\u{200a}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202f}'
                | '\u{205f}'
                | '\u{3000}'
                | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (-1.5, "-1.5"),
            (1e3, "1000"),
            (12_345_678.0, "12345678"),
            (9_007_199_254_740_993.0, "9007199254740992"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (1.25e25, "1.25e+25"),
            (0.000_001, "0.000001"),
            (0.000_000_1, "1e-7"),
            (1.5e-9, "1.5e-9"),
            (0.1 + 0.2, "0.30000000000000004"),
            (123.456, "123.456"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(to_text(number), text);
        }
    }

    #[test]
    fn texts_are_read_as_javascript_reads_them() {
        let number = |text: &str| to_text(from_text(&text.encode_utf16().collect::<Vec<_>>()));
        for (text, expected) in [
            ("", "0"),
            (" 12\n", "12"),
            ("1e3", "1000"),
            (".5", "0.5"),
            ("5.", "5"),
            ("0x1F", "31"),
            ("1_000", "NaN"),
            ("12px", "NaN"),
            ("inf", "NaN"),
            ("-Infinity", "-Infinity"),
            (".", "NaN"),
            ("+-1", "NaN"),
        ] {
            assert_eq!(number(text), expected, "{text:?}");
        }
        let int =
            |text: &str, radix| to_text(parse_int(&text.encode_utf16().collect::<Vec<_>>(), radix));
        assert_eq!(int("12px", 0), "12");
        assert_eq!(int(" -0x1f", 0), "-31");
        assert_eq!(int("1e3", 10), "1");
        assert_eq!(int("", 10), "NaN");
        assert_eq!(int("z", 36), "35");
        assert_eq!(int("1", 1), "NaN");
        let float = |text: &str| to_text(parse_float(&text.encode_utf16().collect::<Vec<_>>()));
        assert_eq!(float("3.14abc"), "3.14");
        assert_eq!(float("1e"), "1");
        assert_eq!(float("abc"), "NaN");
    }
}
