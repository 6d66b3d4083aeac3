//! Go's `strconv.FormatFloat`.

use std::fmt::Write as _;

/// No `f64` has more significant decimal digits than this; behind them are zeros.
const MOST_DIGITS: usize = 1100;

/// What Go calls a number without digits; `None` when it has some.
pub(crate) fn not_finite(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("+Inf"),
        f64::NEG_INFINITY => Some("-Inf"),
        _ => None,
    }
}

/// `strconv.FormatFloat(value, verb, precision, 64)`; no precision is Go's -1, the shortest text
/// that reads back as the same number.
pub(crate) fn format_float(value: f64, verb: u8, precision: Option<usize>) -> Vec<u8> {
    if let Some(name) = not_finite(value) {
        return name.as_bytes().to_vec();
    }
    let mut text = if value.is_sign_negative() { "-".to_owned() } else { String::new() };
    let magnitude = value.abs();
    match verb {
        b'b' => binary(&mut text, magnitude),
        b'x' | b'X' => hexadecimal(&mut text, magnitude, verb == b'X', precision),
        b'e' | b'E' => {
            let decimal = Decimal::rounded(magnitude, precision.map(|p| p.saturating_add(1)));
            let precision = precision.unwrap_or(decimal.digits.len().saturating_sub(1));
            decimal.exponent_form(&mut text, precision, verb);
        }
        b'f' => {
            if let Some(precision) = precision {
                let exact = precision.min(MOST_DIGITS);
                let _ = write!(text, "{magnitude:.exact$}");
                zeros(&mut text, precision - exact);
            } else {
                let decimal = Decimal::rounded(magnitude, None);
                let fraction = decimal.digits.len().saturating_sub(decimal.whole());
                decimal.point_form(&mut text, fraction.saturating_add(decimal.leading_zeros()));
            }
        }
        _ => general(&mut text, magnitude, precision, verb),
    }
    text.into_bytes()
}

/// `%g` and `%G`: with an exponent if that is very small or not below the precision.
fn general(text: &mut String, magnitude: f64, precision: Option<usize>, verb: u8) {
    let decimal = Decimal::rounded(magnitude, precision.map(|p| p.max(1)));
    let count = decimal.digits.len();
    let signed_count = i64::try_from(count).unwrap_or(i64::MAX);
    let (mut wanted, from) = match precision {
        None => (count, 6),
        Some(precision) => {
            // Zero has no digits, and asks for none.
            let wanted = if count == 0 { precision } else { precision.max(1) };
            let is_whole = signed_count < decimal.point;
            let from = if wanted > count && !is_whole { count } else { wanted };
            (wanted, i64::try_from(from).unwrap_or(i64::MAX))
        }
    };
    let exponent = decimal.point - 1;
    if exponent < -4 || exponent >= from {
        // 'e' stands two before 'g', and 'E' before 'G'.
        let digits = wanted.min(count);
        return decimal.exponent_form(text, digits.saturating_sub(1), verb - 2);
    }
    if i64::try_from(wanted).unwrap_or(i64::MAX) > decimal.point {
        wanted = count;
    }
    let fraction = i64::try_from(wanted).unwrap_or(i64::MAX).saturating_sub(decimal.point);
    decimal.point_form(text, usize::try_from(fraction).unwrap_or_default());
}

/// A number as `0.digits * 10^point`, without zeros at the end; zero has no digits.
struct Decimal {
    digits: Vec<u8>,
    point: i64,
}

impl Decimal {
    /// Rounded to so many digits, or the fewest that read back as the same number.
    fn rounded(magnitude: f64, count: Option<usize>) -> Self {
        if magnitude == 0.0 {
            return Self { digits: Vec::new(), point: 0 };
        }
        let text = match count {
            None => goyaml::float::scientific(magnitude),
            Some(count) => {
                let fraction = count.saturating_sub(1).min(MOST_DIGITS);
                format!("{magnitude:.fraction$e}")
            }
        };
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mut digits: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
        while digits.last() == Some(&b'0') {
            digits.pop();
        }
        Self { digits, point: exponent.parse::<i64>().unwrap_or_default() + 1 }
    }

    /// How many digits stand before the point.
    fn whole(&self) -> usize {
        usize::try_from(self.point).unwrap_or_default()
    }

    /// How many zeros stand behind the point before the first digit.
    fn leading_zeros(&self) -> usize {
        usize::try_from(-self.point).unwrap_or_default()
    }

    fn push_digit(&self, text: &mut String, index: Option<usize>) {
        let digit = index.and_then(|index| self.digits.get(index)).copied().unwrap_or(b'0');
        text.push(char::from(digit));
    }

    /// `d.ddde+dd`
    fn exponent_form(&self, text: &mut String, fraction: usize, verb: u8) {
        self.push_digit(text, Some(0));
        if fraction > 0 {
            text.push('.');
            let known = fraction.min(self.digits.len());
            for index in 1..=known {
                self.push_digit(text, Some(index));
            }
            zeros(text, fraction - known);
        }
        let exponent = if self.digits.is_empty() { 0 } else { self.point - 1 };
        let sign = if exponent < 0 { '-' } else { '+' };
        let _ = write!(text, "{}{sign}{:02}", char::from(verb), exponent.abs());
    }

    /// `ddd.ddd`
    fn point_form(&self, text: &mut String, fraction: usize) {
        for index in 0..self.whole() {
            self.push_digit(text, Some(index));
        }
        if self.whole() == 0 {
            text.push('0');
        }
        if fraction > 0 {
            text.push('.');
            for place in 0..fraction {
                let index = self.point.saturating_add(i64::try_from(place).unwrap_or(i64::MAX));
                self.push_digit(text, usize::try_from(index).ok());
            }
        }
    }
}

fn zeros(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n('0', count));
}

/// The significand with its leading bit, and the exponent of its last bit.
fn parts(magnitude: f64) -> (u64, i64) {
    let bits = magnitude.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match i64::try_from(bits >> 52).unwrap_or_default() {
        0 => (fraction, 1 - 1075),
        exponent => (fraction | 1 << 52, exponent - 1075),
    }
}

/// `%b`: `4503599627370496p-52`
fn binary(text: &mut String, magnitude: f64) {
    let (significand, exponent) = parts(magnitude);
    let sign = if exponent < 0 { "" } else { "+" };
    let _ = write!(text, "{significand}p{sign}{exponent}");
}

/// `%x`: `0x1.8p+01`
fn hexadecimal(text: &mut String, magnitude: f64, upper: bool, precision: Option<usize>) {
    let (mut significand, mut exponent) = parts(magnitude);
    exponent += 52;
    if significand == 0 {
        exponent = 0;
    } else {
        // The first bit at place 60, so that the fraction is fifteen whole digits.
        let shift = i64::from(significand.leading_zeros()) - 3;
        significand <<= shift;
        exponent -= shift - 8;
    }
    if let Some(precision @ 0..15) = precision {
        let dropped = 60 - precision * 4;
        let rest = significand & ((1 << dropped) - 1);
        let kept = significand >> dropped;
        let half = 1_u64 << (dropped - 1);
        let up = rest > half || (rest == half && kept & 1 == 1);
        significand = (kept + u64::from(up)) << dropped;
        if significand >> 61 != 0 {
            significand >>= 1;
            exponent += 1;
        }
    }
    let fraction = significand & ((1 << 60) - 1);
    let mut digits = format!("{fraction:015x}");
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(precision) => {
            digits.truncate(precision);
            zeros(&mut digits, precision.saturating_sub(15));
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let whole = significand >> 60;
    let exponent = exponent.abs();
    if upper {
        digits.make_ascii_uppercase();
        let _ = write!(text, "0X{whole}{point}{digits}P{sign}{exponent:02}");
    } else {
        let _ = write!(text, "0x{whole}{point}{digits}p{sign}{exponent:02}");
    }
}
