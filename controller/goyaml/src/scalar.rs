//! Which value a bare word stands for.
//!
//! A cluster's programs read YAML 1.1 as Go's yaml.v2 does it, turn the result into JSON, and read
//! numbers from that JSON once more. kubectl keeps integers that fit into 64 bits, everything else
//! becomes a double. Both steps are repeated here, so `0777` is 511 and `1e3` is the integer 1000.

use std::borrow::Cow;

use serde_json::{Number, Value};

use crate::float;

/// What a scalar is before it becomes JSON; keys are spelled from this, not from the JSON value.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalar<'a> {
    /// `~`, `null`, or nothing at all.
    Null,
    /// `yes`, `off` and their like.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Above `i64::MAX`.
    Uint(u64),
    /// A number with a fraction or an exponent, or one of YAML's names for what is not finite.
    Float(f64),
    /// Everything else.
    Text(Cow<'a, str>),
}

/// Why a scalar has no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The explicit tag and the text, which looks like `found`, contradict each other.
    Tag {
        /// The short form of the tag that the text would have had.
        found: &'static str,
    },
    /// `.inf` or `.nan`.
    NotFinite,
    /// `!!binary` without valid base64.
    Base64,
    /// `!!binary` whose bytes are no UTF-8.
    Binary,
    /// A null as a key.
    NullKey,
    /// A key above `i64::MAX`.
    BigKey,
}

impl Refusal {
    /// The end of a sentence that begins with the place.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Tag { .. } => "the tag does not fit this value",
            Self::NotFinite => "infinity and NaN have no form in JSON",
            Self::Base64 => "this !!binary value is not valid base64",
            Self::Binary => "this !!binary value holds bytes that are not UTF-8 text",
            Self::NullKey => "null cannot be a key",
            Self::BigKey => "a number this large cannot be a key",
        }
    }
}

/// An explicit tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the tags")]
pub enum Tag {
    Str,
    Bool,
    Int,
    Float,
    Null,
    Timestamp,
    Binary,
    Merge,
    /// Any other tag: the value is text, whatever it looks like.
    Other,
}

impl Tag {
    /// From the part after `tag:yaml.org,2002:`.
    pub fn core(suffix: &str) -> Self {
        match suffix {
            "str" => Self::Str,
            "bool" => Self::Bool,
            "int" => Self::Int,
            "float" => Self::Float,
            "null" => Self::Null,
            "timestamp" => Self::Timestamp,
            "binary" => Self::Binary,
            "merge" => Self::Merge,
            _ => Self::Other,
        }
    }
}

/// Reads a scalar. `plain` is false for everything in quotes and for block scalars.
pub fn resolve(text: Cow<'_, str>, plain: bool, tag: Option<Tag>) -> Result<Scalar<'_>, Refusal> {
    match tag {
        None if !plain => Ok(Scalar::Text(text)),
        None => Ok(by_look(&text, false).unwrap_or(Scalar::Text(text))),
        Some(Tag::Str | Tag::Other | Tag::Merge) => Ok(Scalar::Text(text)),
        Some(Tag::Binary) => {
            let bytes = base64(&text).ok_or(Refusal::Base64)?;
            String::from_utf8(bytes)
                .map(|text| Scalar::Text(Cow::Owned(text)))
                .map_err(|_| Refusal::Binary)
        }
        Some(Tag::Timestamp) if is_timestamp(&text) => Ok(Scalar::Text(text)),
        Some(tag) => match (by_look(&text, true), tag) {
            (Some(Scalar::Null), Tag::Null) => Ok(Scalar::Null),
            (Some(value @ Scalar::Bool(_)), Tag::Bool)
            | (Some(value @ (Scalar::Int(_) | Scalar::Uint(_))), Tag::Int)
            | (Some(value @ Scalar::Float(_)), Tag::Float) => Ok(value),
            #[expect(clippy::cast_precision_loss, reason = "that is what the tag asks for")]
            (Some(Scalar::Int(int)), Tag::Float) => Ok(Scalar::Float(int as f64)),
            (found, _) => Err(Refusal::Tag { found: found.as_ref().map_or("!!str", Scalar::tag) }),
        },
    }
}

/// Whether text is read as text when it stands bare.
pub fn is_text(text: &str) -> bool {
    by_look(text, false).is_none() && !is_timestamp(text)
}

/// Null, a boolean or a number, when a bare word looks like one.
fn by_look(text: &str, tagged: bool) -> Option<Scalar<'static>> {
    let first = text.as_bytes().first().copied();
    match first {
        None => Some(Scalar::Null),
        Some(b'y' | b'Y' | b'n' | b'N' | b't' | b'T' | b'f' | b'F' | b'o' | b'O' | b'~') => {
            by_name(text)
        }
        Some(b'.') => match text {
            ".nan" | ".NaN" | ".NAN" => Some(Scalar::Float(f64::NAN)),
            ".inf" | ".Inf" | ".INF" => Some(Scalar::Float(f64::INFINITY)),
            _ => fraction(text).map(Scalar::Float),
        },
        Some(b'+' | b'-' | b'0'..=b'9') => number(text, tagged),
        Some(_) => None,
    }
}

fn by_name(text: &str) -> Option<Scalar<'static>> {
    Some(match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Scalar::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Scalar::Bool(false)
        }
        "~" | "null" | "Null" | "NULL" => Scalar::Null,
        _ => return None,
    })
}

fn number(text: &str, tagged: bool) -> Option<Scalar<'static>> {
    match text {
        "+.inf" | "+.Inf" | "+.INF" => return Some(Scalar::Float(f64::INFINITY)),
        "-.inf" | "-.Inf" | "-.INF" => return Some(Scalar::Float(f64::NEG_INFINITY)),
        _ => {}
    }
    // A date stays text, and is looked for first: `2001-01-01` holds no underscore, but a date
    // must not be taken apart as a number.
    if !tagged && is_timestamp(text) {
        return None;
    }
    let plain: Cow<'_, str> =
        if text.contains('_') { Cow::Owned(text.replace('_', "")) } else { Cow::Borrowed(text) };
    let (negative, magnitude) = match plain.as_bytes().first() {
        Some(b'-') => (true, plain.get(1..)?),
        Some(b'+') => (false, plain.get(1..)?),
        _ => (false, &*plain),
    };
    let signed = magnitude.len() != plain.len();
    if let Some(absolute) = unsigned(magnitude) {
        if negative {
            if absolute <= i64::MIN.unsigned_abs() {
                return Some(Scalar::Int(0_i64.wrapping_sub_unsigned(absolute)));
            }
        } else if let Ok(int) = i64::try_from(absolute) {
            return Some(Scalar::Int(int));
        } else if !signed {
            return Some(Scalar::Uint(absolute));
        }
    }
    if let Some(float) = decimal(&plain) {
        return Some(Scalar::Float(float));
    }
    // yaml.v2 reads on behind `0b` as if the number began there.
    let digits = plain.strip_prefix("0b").filter(|digits| digits.starts_with(['-', '+']))?;
    i64::from_str_radix(digits, 2).ok().map(Scalar::Int)
}

/// An integer as Go's `ParseUint(s, 0, 64)` takes it, without its underscore rules.
fn unsigned(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (digits, radix) = match bytes {
        [b'0', b'x' | b'X', ..] => (text.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (text.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (text.get(2..)?, 2),
        [b'0', _, ..] => (text.get(1..)?, 8),
        _ => (text, 10),
    };
    // `from_str_radix` would take one more sign.
    if !digits.bytes().next()?.is_ascii_alphanumeric() {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// A number that begins with its point. Here, and only here, Go's rules for `_` hold: each stands
/// between two digits.
fn fraction(text: &str) -> Option<f64> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut gaps = bytes.iter().enumerate().filter(|&(_, b)| *b == b'_').map(|(at, _)| at);
    if !gaps.all(|at| at > 0 && digit(at - 1) && digit(at + 1)) {
        return None;
    }
    decimal(&text.replace('_', ""))
}

/// A decimal fraction: `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, when it is finite.
fn decimal(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (unsigned.get(..at)?, Some(unsigned.get(at + 1..)?)),
        None => (unsigned, None),
    };
    let all_digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        None => all_digits(mantissa),
        Some(("", fraction)) => all_digits(fraction),
        Some((whole, fraction)) => {
            all_digits(whole) && (fraction.is_empty() || all_digits(fraction))
        }
    };
    let exponent_ok = exponent.is_none_or(|e| all_digits(e.strip_prefix(['-', '+']).unwrap_or(e)));
    if !mantissa_ok || !exponent_ok {
        return None;
    }
    // Go reports an overflow, and the text stays text.
    text.parse::<f64>().ok().filter(|f| f.is_finite())
}

/// One of the four forms of a date that yaml.v2 knows, with all that Go's `time.Parse` lets pass.
pub fn is_timestamp(text: &str) -> bool {
    date(text).is_some_and(|rest| match rest.as_bytes() {
        [] => true,
        [b'T' | b't', ..] => rest.get(1..).and_then(clock).is_some_and(is_zone),
        [b' ', ..] => clock(rest.trim_start_matches(' ')) == Some(""),
        _ => false,
    })
}

/// What follows a date.
fn date(text: &str) -> Option<&str> {
    let (year, rest) = text.split_at_checked(4)?;
    if !year.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let year: u32 = year.parse().ok()?;
    let (month, rest) = short(rest.strip_prefix('-')?)?;
    let (day, rest) = short(rest.strip_prefix('-')?)?;
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(rest)
}

/// What follows a time of day.
fn clock(text: &str) -> Option<&str> {
    let (hour, rest) = short(text)?;
    let (minute, rest) = short(rest.strip_prefix(':')?)?;
    let (second, rest) = short(rest.strip_prefix(':')?)?;
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let fraction =
        rest.strip_prefix(['.', ',']).filter(|f| f.starts_with(|c: char| c.is_ascii_digit()));
    Some(fraction.map_or(rest, |f| f.trim_start_matches(|c: char| c.is_ascii_digit())))
}

/// `Z` or `+hh:mm`.
fn is_zone(text: &str) -> bool {
    let two = |a: u8, b: u8, max: u8| {
        a.is_ascii_digit() && b.is_ascii_digit() && (a - b'0') * 10 + (b - b'0') <= max
    };
    match text.as_bytes() {
        [b'Z'] => true,
        // Go lets the 24th hour and the 60th minute pass.
        [b'+' | b'-', a, b, b':', c, d] => two(*a, *b, 24) && two(*c, *d, 60),
        _ => false,
    }
}

/// A number of one or two digits, and what follows it.
fn short(text: &str) -> Option<(u32, &str)> {
    let digits = text.bytes().take(2).take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at_checked(digits)?;
    Some((number.parse().ok()?, rest))
}

/// Standard base64 with padding; line breaks are skipped, as Go does.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut group, mut filled, mut padding) = (0_u32, 0_u8, 0_u8);
    for b in text.bytes() {
        let sextet = match b {
            b'\r' | b'\n' => continue,
            b'=' if filled >= 2 => {
                padding += 1;
                filled += 1;
                group <<= 6;
                if filled == 4 {
                    filled = 5;
                }
                continue;
            }
            _ if padding > 0 => return None,
            b'A'..=b'Z' => b - b'A',
            b'a'..=b'z' => b - b'a' + 26,
            b'0'..=b'9' => b - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        group = group << 6 | u32::from(sextet);
        filled += 1;
        if filled == 4 {
            let [_, a, b, c] = group.to_be_bytes();
            bytes.extend([a, b, c]);
            (group, filled) = (0, 0);
        }
    }
    match (filled, padding) {
        (0, 0) => {}
        (5, 1) => {
            let [_, a, b, _] = group.to_be_bytes();
            bytes.extend([a, b]);
        }
        (5, 2) => {
            let [_, a, ..] = group.to_be_bytes();
            bytes.push(a);
        }
        _ => return None,
    }
    Some(bytes)
}

impl Scalar<'_> {
    /// The short form of the tag that a bare word like this has.
    const fn tag(&self) -> &'static str {
        match self {
            Self::Null => "!!null",
            Self::Bool(_) => "!!bool",
            Self::Int(_) | Self::Uint(_) => "!!int",
            Self::Float(_) => "!!float",
            Self::Text(_) => "!!str",
        }
    }

    /// The JSON value that reaches the API server.
    pub fn into_value(self) -> Result<Value, Refusal> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(b) => Value::Bool(b),
            Self::Int(i) => Value::Number(i.into()),
            #[expect(clippy::cast_precision_loss, reason = "kubectl loses it the same way")]
            Self::Uint(u) => double(u as f64).ok_or(Refusal::NotFinite)?,
            Self::Float(f) => double(f).ok_or(Refusal::NotFinite)?,
            Self::Text(text) => Value::String(text.into_owned()),
        })
    }

    /// The text of this scalar as a key.
    pub fn into_key(self) -> Result<String, Refusal> {
        Ok(match self {
            Self::Null => return Err(Refusal::NullKey),
            Self::Uint(_) => return Err(Refusal::BigKey),
            Self::Bool(b) => b.to_string(),
            Self::Int(i) => i.to_string(),
            Self::Float(f) => float_key(f),
            Self::Text(text) => text.into_owned(),
        })
    }
}

/// A double as JSON carries it: whole numbers below 2^63 come out of the JSON as integers.
pub fn double(f: f64) -> Option<Value> {
    if !f.is_finite() {
        return None;
    }
    // From 1e21 on Go writes an exponent, and the number stays a double.
    if f.fract() == 0.0 && f.abs() < 1e21 {
        // Not a cast: Go writes the shortest digits and fills up with zeros, and reads those.
        if let Ok(int) = format!("{f}").parse::<i64>() {
            return Some(Value::Number(int.into()));
        }
    }
    Number::from_f64(f).map(Value::Number)
}

/// A float as a key: with the digits of a 32 bit float, because that is how a cluster's programs
/// spell them.
fn float_key(f: f64) -> String {
    match short_float(f).as_str() {
        "NaN" => ".nan".to_owned(),
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        text => text.to_owned(),
    }
}

/// Go's `FormatFloat(f, 'g', -1, 32)`.
pub fn short_float(f: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "that is what 32 bits leave")]
    let f = f as f32;
    general(f64::from(f), &float::scientific_32(f))
}

/// Go's `FormatFloat(f, 'g', -1, 64)`.
pub fn float(f: f64) -> String {
    general(f, &float::scientific(f))
}

/// The shortest digits, with an exponent where Go writes one.
fn general(f: f64, scientific: &str) -> String {
    if f.is_nan() {
        return "NaN".to_owned();
    }
    if f.is_infinite() {
        return if f > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return float::plain(scientific);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}
