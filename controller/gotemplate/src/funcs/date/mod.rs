//! Dates and durations, with Go's layouts. The local zone is UTC, as in ESO's image.

mod calendar;
mod duration;
mod format;
mod layout;
mod methods;
mod parse;
mod zone;

#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use super::arguments::{any, made, text};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::fmt::duration_text;
use crate::value::{IntType, Time, Value, Zone};

use calendar::{add, from_unix, since, unix};
pub(crate) use format::{time_json, time_string};
pub(crate) use methods::go_string;
pub(super) use methods::{DURATION_METHODS, TIME_METHODS, unusable};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("ago", &[Type::Any], ago),
    Function::new("date", &[Type::String, Type::Any], date),
    Function::new("dateInZone", &[Type::String, Type::Any, Type::String], date_in_zone),
    Function::new("dateModify", &[Type::String, Type::Time], date_modify),
    Function::new("date_in_zone", &[Type::String, Type::Any, Type::String], date_in_zone),
    Function::new("date_modify", &[Type::String, Type::Time], date_modify),
    Function::new("duration", &[Type::Any], duration),
    Function::new("durationRound", &[Type::Any], duration_round),
    Function::new("htmlDate", &[Type::Any], html_date),
    Function::new("htmlDateInZone", &[Type::Any, Type::String], html_date_in_zone),
    Function::new("mustDateModify", &[Type::String, Type::Time], must_date_modify),
    Function::new("mustToDate", &[Type::String, Type::String], must_to_date),
    Function::new("must_date_modify", &[Type::String, Type::Time], must_date_modify),
    Function::new("now", &[], now),
    Function::new("toDate", &[Type::String, Type::String], to_date),
    Function::new("unixEpoch", &[Type::Time], unix_epoch),
];

const HTML: &[u8] = b"2006-01-02";

const SECOND: i64 = 1_000_000_000;

fn current(call: &Call<'_>) -> Time {
    Time { nanoseconds: call.environment.now(), zone: Zone::Local }
}

/// Without the monotonic reading that Go's `time.Now` has and prints: `m=+0.012345678`.
fn now(call: &mut Call<'_>, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Time(current(call)))
}

fn time(arguments: &[Value], index: usize) -> Time {
    match any(arguments, index) {
        Value::Time(time) => time.clone(),
        _ => Time { nanoseconds: calendar::ZERO, zone: Zone::Utc },
    }
}

/// A time, or seconds since the epoch; anything else means now.
fn moment(call: &Call<'_>, value: &Value) -> Time {
    match value {
        Value::Time(time) => time.clone(),
        Value::Int(seconds, IntType::Int | IntType::Int32 | IntType::Int64) => {
            from_unix(*seconds, Zone::Local)
        }
        _ => current(call),
    }
}

fn in_zone(
    call: &mut Call<'_>,
    layout: &[u8],
    value: &Value,
    zone: Option<&[u8]>,
) -> Result<Value, Failure> {
    let mut time = moment(call, value);
    time.zone = match zone {
        None => Zone::Local,
        Some(name) => zone::load(name).unwrap_or(Zone::Utc),
    };
    call.work(layout.len() / 16)?;
    made(call, format::format(&time, layout))
}

fn date(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    in_zone(call, text(arguments, 0), any(arguments, 1), None)
}

fn date_in_zone(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    in_zone(call, text(arguments, 0), any(arguments, 1), Some(text(arguments, 2)))
}

fn html_date(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    in_zone(call, HTML, any(arguments, 0), None)
}

fn html_date_in_zone(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    in_zone(call, HTML, any(arguments, 0), Some(text(arguments, 1)))
}

fn date_modify(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let time = time(arguments, 1);
    Ok(Value::Time(match duration::parse(text(arguments, 0)) {
        Ok(amount) => add(&time, amount),
        Err(_) => time,
    }))
}

fn must_date_modify(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    match duration::parse(text(arguments, 0)) {
        Ok(amount) => Ok(Value::Time(add(&time(arguments, 1), amount))),
        Err(error) => Err(error.message(!call.literal).into()),
    }
}

fn to_date(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    call.work(text(arguments, 0).len() / 16)?;
    let parsed = parse::parse(text(arguments, 0), text(arguments, 1));
    Ok(Value::Time(parsed.unwrap_or_else(|_| time(&[], 0))))
}

fn must_to_date(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    call.work(text(arguments, 0).len() / 16)?;
    match parse::parse(text(arguments, 0), text(arguments, 1)) {
        Ok(time) => Ok(Value::Time(time)),
        Err(error) => Err(error.message(!call.literal).into()),
    }
}

fn unix_epoch(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, unix(&time(arguments, 0)).to_string())
}

fn ago(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let time = match any(arguments, 0) {
        Value::Int(_, IntType::Int32) => current(call),
        value => moment(call, value),
    };
    let passed = duration::round(since(&current(call), &time), SECOND);
    made(call, duration_text(passed))
}

fn duration(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let seconds = match any(arguments, 0) {
        Value::String(text) => saturating_int(text),
        Value::Int(seconds, IntType::Int64) => *seconds,
        _ => 0,
    };
    made(call, duration_text(seconds.wrapping_mul(SECOND)))
}

/// Go's `strconv.ParseInt` with its error ignored: 0, or the nearest number if it is too large.
fn saturating_int(text: &[u8]) -> i64 {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let number = digits.iter().fold(0_i128, |number, digit| {
        number.saturating_mul(10).saturating_add(i128::from(digit - b'0'))
    });
    if text.starts_with(b"-") {
        i64::try_from(-number).unwrap_or(i64::MIN)
    } else {
        i64::try_from(number).unwrap_or(i64::MAX)
    }
}

fn duration_round(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    const UNITS: &[(u64, &str)] = &[
        (365 * 24 * 3600, "y"),
        (30 * 24 * 3600, "mo"),
        (24 * 3600, "d"),
        (3600, "h"),
        (60, "m"),
        (1, "s"),
    ];
    let amount = match any(arguments, 0) {
        Value::String(text) => duration::parse(text).unwrap_or(0),
        Value::Int(amount, IntType::Int64) => *amount,
        Value::Time(time) => since(&current(call), time),
        _ => 0,
    };
    let amount = amount.unsigned_abs();
    for (seconds, name) in UNITS {
        let unit = seconds * 1_000_000_000;
        if amount > unit {
            return made(call, format!("{}{name}", amount / unit));
        }
    }
    made(call, "0s")
}

/// Go's `time` package quotes in its own way: every byte that is not plain ASCII as `\xNN`.
fn quoted(text: &[u8]) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for byte in text {
        match byte {
            b'"' | b'\\' => {
                quoted.push('\\');
                quoted.push(char::from(*byte));
            }
            b' '..0x80 => quoted.push(char::from(*byte)),
            _ => {
                let _ = write!(quoted, "\\x{byte:02x}");
            }
        }
    }
    quoted.push('"');
    quoted
}

/// Adds a quoted text that may hold a value.
fn push_quoted(message: Message, text: &[u8], secret: bool) -> Message {
    let quoted = quoted(text);
    if secret { message.secret(quoted) } else { message.text(quoted) }
}
