//! Durations as Go reads and writes them.
//!
//! The grammar and the limits are those of Go's `time.ParseDuration` and `Duration.String`: the
//! API takes such texts, and what is printed must be what its users know.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

const MICROSECOND: u64 = 1_000;
const MILLISECOND: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// Greatest magnitude in nanoseconds; only a negative duration reaches it.
const LIMIT: u64 = 1 << 63;

/// A signed number of nanoseconds in 64 bits: at most about 292 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GoDuration {
    nanoseconds: i64,
}

/// Why a text is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is not made of numbers with units.
    #[error("invalid duration {0:?}: write numbers with units, such as \"30s\" or \"1h30m\"")]
    Invalid(String),
    /// A number has no unit.
    #[error("missing unit in duration {0:?}: add one of ns, us, ms, s, m, h")]
    MissingUnit(String),
    /// A unit is not known.
    #[error("unknown unit {unit:?} in duration {text:?}: use one of ns, us, ms, s, m, h")]
    UnknownUnit {
        /// The unit.
        unit: String,
        /// The whole text.
        text: String,
    },
    /// The duration does not fit into 64 bits.
    #[error("duration {0:?} is too long: the limit is 2562047h47m16.854775807s")]
    TooLong(String),
}

impl GoDuration {
    /// A duration of so many nanoseconds.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self { nanoseconds }
    }

    /// The duration in nanoseconds.
    pub const fn nanoseconds(self) -> i64 {
        self.nanoseconds
    }

    /// True if the duration is zero or negative: in this API "never again".
    pub const fn is_zero_or_negative(self) -> bool {
        self.nanoseconds <= 0
    }

    /// The duration as the standard library has it; `None` if it is negative.
    pub fn to_std(self) -> Option<Duration> {
        u64::try_from(self.nanoseconds).ok().map(Duration::from_nanos)
    }
}

impl FromStr for GoDuration {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let invalid = || ParseError::Invalid(text.to_owned());
        let too_long = || ParseError::TooLong(text.to_owned());
        let (negative, mut rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if rest == "0" {
            return Ok(Self::default());
        }
        if rest.is_empty() {
            return Err(invalid());
        }
        let mut total: u64 = 0;
        while !rest.is_empty() {
            let (whole, after) = split_digits(rest);
            let (fraction, after) = match after.strip_prefix('.') {
                Some(after) => split_digits(after),
                None => ("", after),
            };
            if whole.is_empty() && fraction.is_empty() {
                return Err(invalid());
            }
            let end = after.find(|c: char| c == '.' || c.is_ascii_digit()).unwrap_or(after.len());
            let (unit, after) = after.split_at(end);
            if unit.is_empty() {
                return Err(ParseError::MissingUnit(text.to_owned()));
            }
            let unit = nanoseconds_of(unit).ok_or_else(|| ParseError::UnknownUnit {
                unit: unit.to_owned(),
                text: text.to_owned(),
            })?;
            let part = if whole.is_empty() { Some(0) } else { whole.parse::<u64>().ok() };
            total = part
                .and_then(|part| part.checked_mul(unit))
                .and_then(|part| part.checked_add(fraction_of(fraction, unit)))
                .filter(|part| *part <= LIMIT)
                .and_then(|part| total.checked_add(part))
                .filter(|total| *total <= LIMIT)
                .ok_or_else(too_long)?;
            rest = after;
        }
        let nanoseconds = if negative {
            0_i64.checked_sub_unsigned(total).ok_or_else(too_long)?
        } else {
            i64::try_from(total).map_err(|_| too_long())?
        };
        Ok(Self { nanoseconds })
    }
}

/// Nanoseconds of a unit. Both characters that look like a micro sign are one.
fn nanoseconds_of(unit: &str) -> Option<u64> {
    match unit {
        "ns" => Some(1),
        "us" | "\u{b5}s" | "\u{3bc}s" => Some(MICROSECOND),
        "ms" => Some(MILLISECOND),
        "s" => Some(SECOND),
        "m" => Some(60 * SECOND),
        "h" => Some(3600 * SECOND),
        _ => None,
    }
}

/// The decimal digits at the start of `text`, and the rest.
fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}

/// Nanoseconds of `0.<digits>` units.
///
/// Go computes this in floating point and drops the digits that no longer fit into 63 bits; the
/// last nanosecond depends on it, so the steps are the same here.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the loss is Go's, and the product is between 0 and an hour of nanoseconds"
)]
fn fraction_of(digits: &str, unit: u64) -> u64 {
    let mut value: u64 = 0;
    let mut scale: f64 = 1.0;
    for digit in digits.bytes() {
        if value > (LIMIT - 1) / 10 {
            break;
        }
        let longer = value * 10 + u64::from(digit - b'0');
        if longer > LIMIT {
            break;
        }
        value = longer;
        scale *= 10.0;
    }
    (value as f64 * (unit as f64 / scale)) as u64
}

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let magnitude = self.nanoseconds.unsigned_abs();
        let sign = if self.nanoseconds < 0 { "-" } else { "" };
        let text = match magnitude {
            0 => "0s".to_owned(),
            1..MICROSECOND => format!("{sign}{magnitude}ns"),
            MICROSECOND..MILLISECOND => format!("{sign}{}\u{b5}s", decimal(magnitude, MICROSECOND)),
            MILLISECOND..SECOND => format!("{sign}{}ms", decimal(magnitude, MILLISECOND)),
            _ => {
                let minutes = magnitude / (60 * SECOND);
                let seconds = decimal(magnitude % (60 * SECOND), SECOND);
                match (minutes / 60, minutes % 60) {
                    (0, 0) => format!("{sign}{seconds}s"),
                    (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
                    (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
                }
            }
        };
        f.pad(&text)
    }
}

/// `value / unit` with as many decimals as it needs. `unit` is a power of ten.
fn decimal(value: u64, unit: u64) -> String {
    let width = unit.ilog10() as usize;
    let fraction = format!("{:0width$}", value % unit);
    match fraction.trim_end_matches('0') {
        "" => (value / unit).to_string(),
        fraction => format!("{}.{fraction}", value / unit),
    }
}

#[cfg(test)]
mod tests;
