//! Go's durations as text: `1h15m30.918s`.

use super::push_quoted;
use crate::error::Message;

/// Why a text is no duration, in Go's words.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Error {
    problem: Problem,
    text: Vec<u8>,
}

#[cfg_attr(test, derive(Debug))]
enum Problem {
    Invalid,
    MissingUnit,
    UnknownUnit(Vec<u8>),
}

impl Error {
    pub(super) fn message(&self, secret: bool) -> Message {
        let message = match &self.problem {
            Problem::Invalid => "time: invalid duration ".into(),
            Problem::MissingUnit => "time: missing unit in duration ".into(),
            Problem::UnknownUnit(unit) => {
                push_quoted("time: unknown unit ".into(), unit, secret).text(" in duration ")
            }
        };
        push_quoted(message, &self.text, secret)
    }
}

const LIMIT: u64 = 1 << 63;

/// Go's `time.ParseDuration`, in nanoseconds.
pub(super) fn parse(text: &[u8]) -> Result<i64, Error> {
    let error = |problem| Error { problem, text: text.to_vec() };
    let invalid = || error(Problem::Invalid);
    let (negative, mut rest) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if rest == b"0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (whole, after) = split_digits(rest);
        let (fraction, after) = match after.strip_prefix(b".") {
            Some(after) => split_digits(after),
            None => (&b""[..], after),
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(invalid());
        }
        let whole = leading_int(whole).ok_or_else(invalid)?;
        let end = after.iter().position(|byte| *byte == b'.' || byte.is_ascii_digit());
        let (unit, after) = after.split_at(end.unwrap_or(after.len()));
        rest = after;
        let unit = match unit {
            b"" => return Err(error(Problem::MissingUnit)),
            b"ns" => 1,
            // The micro sign and the Greek letter.
            b"us" | b"\xC2\xB5s" | b"\xCE\xBCs" => 1_000,
            b"ms" => 1_000_000,
            b"s" => 1_000_000_000,
            b"m" => 60_000_000_000,
            b"h" => 3_600_000_000_000,
            unknown => return Err(error(Problem::UnknownUnit(unknown.to_vec()))),
        };
        if whole > LIMIT / unit {
            return Err(invalid());
        }
        let amount = whole * unit + part_of(fraction, unit);
        total = total.checked_add(amount).filter(|total| *total <= LIMIT).ok_or_else(invalid)?;
    }
    if negative {
        return Ok(total.wrapping_neg().cast_signed());
    }
    i64::try_from(total).map_err(|_| invalid())
}

fn split_digits(text: &[u8]) -> (&[u8], &[u8]) {
    let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    text.split_at(count)
}

/// Go's limit is 2^63, which it lets pass.
fn leading_int(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0_u64, |number, digit| {
        if number > LIMIT / 10 {
            return None;
        }
        Some(number * 10 + u64::from(digit - b'0')).filter(|number| *number <= LIMIT)
    })
}

/// The digits behind the point, in units; those that no longer fit are left out.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "Go computes it in floating point"
)]
fn part_of(digits: &[u8], unit: u64) -> u64 {
    let mut number: u64 = 0;
    let mut scale = 1.0;
    for digit in digits {
        if number > (LIMIT - 1) / 10 {
            break;
        }
        let next = number * 10 + u64::from(digit - b'0');
        if next > LIMIT {
            break;
        }
        number = next;
        scale *= 10.0;
    }
    (number as f64 * (unit as f64 / scale)) as u64
}

/// Go's `Duration.Round`: half away from zero, and saturating.
pub(super) fn round(amount: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return amount;
    }
    let rest = i128::from(amount) % i128::from(unit);
    let down = i128::from(amount) - rest;
    let rounded = if rest.abs() * 2 < i128::from(unit) {
        down
    } else {
        down + i128::from(unit) * rest.signum()
    };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}
