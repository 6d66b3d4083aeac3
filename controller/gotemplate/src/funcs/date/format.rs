//! How times print.

use std::fmt::Write as _;

use super::calendar::{Parts, parts};
use super::layout::{Element, Fraction, Offset, next};
use crate::error::Message;
use crate::value::Time;

/// Month names, from January.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Day names, from Sunday.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

const STRING: &[u8] = b"2006-01-02 15:04:05.999999999 -0700 MST";

const RFC_3339: &[u8] = b"2006-01-02T15:04:05.999999999Z07:00";

/// Go's `Time.String`, without the monotonic reading that a time from `now` has there.
pub(crate) fn time_string(time: &Time) -> String {
    String::from_utf8_lossy(&format(time, STRING)).into_owned()
}

/// Go's `Time.MarshalJSON`: the quoted text, or its error.
pub(crate) fn time_json(time: &Time) -> Result<Vec<u8>, Message> {
    let parts = parts(time);
    if !(0..=9999).contains(&parts.year) {
        return Err("Time.MarshalJSON: year outside of range [0,9999]".into());
    }
    if parts.offset.unsigned_abs() / 3600 >= 24 {
        return Err("Time.MarshalJSON: timezone hour outside of range [0,23]".into());
    }
    let mut json = vec![b'"'];
    json.extend(format(time, RFC_3339));
    json.push(b'"');
    Ok(json)
}

/// Go's `Time.Format`.
pub(super) fn format(time: &Time, mut layout: &[u8]) -> Vec<u8> {
    let parts = parts(time);
    let mut out = Vec::with_capacity(layout.len());
    loop {
        let chunk = next(layout);
        out.extend_from_slice(chunk.prefix);
        let Some(element) = chunk.element else { return out };
        layout = chunk.rest;
        append(&mut out, element, &parts);
    }
}

fn append(out: &mut Vec<u8>, element: Element, parts: &Parts) {
    let name = |names: &[&'static str], index: u8| {
        names.get(usize::from(index)).copied().unwrap_or_default()
    };
    let month = name(&MONTHS, parts.month.saturating_sub(1));
    let weekday = name(&WEEKDAYS, parts.weekday);
    let short = |name: &'static str| name.get(..3).unwrap_or_default();
    let hour12 = if parts.hour.is_multiple_of(12) { 12 } else { parts.hour % 12 };
    let text = match element {
        Element::LongMonth => month.to_owned(),
        Element::Month => short(month).to_owned(),
        Element::NumberMonth => parts.month.to_string(),
        Element::ZeroMonth => format!("{:02}", parts.month),
        Element::LongWeekday => weekday.to_owned(),
        Element::Weekday => short(weekday).to_owned(),
        Element::Day => parts.day.to_string(),
        Element::SpaceDay => format!("{:2}", parts.day),
        Element::ZeroDay => format!("{:02}", parts.day),
        Element::SpaceYearDay => format!("{:3}", parts.year_day),
        Element::ZeroYearDay => format!("{:03}", parts.year_day),
        Element::Hour => format!("{:02}", parts.hour),
        Element::Hour12 => hour12.to_string(),
        Element::ZeroHour12 => format!("{hour12:02}"),
        Element::Minute => parts.minute.to_string(),
        Element::ZeroMinute => format!("{:02}", parts.minute),
        Element::Second => parts.second.to_string(),
        Element::ZeroSecond => format!("{:02}", parts.second),
        Element::LongYear => {
            let sign = if parts.year < 0 { "-" } else { "" };
            format!("{sign}{:04}", parts.year.unsigned_abs())
        }
        Element::Year => format!("{:02}", parts.year.unsigned_abs() % 100),
        Element::UpperHalf => (if parts.hour >= 12 { "PM" } else { "AM" }).to_owned(),
        Element::LowerHalf => (if parts.hour >= 12 { "pm" } else { "am" }).to_owned(),
        Element::ZoneName if !parts.zone.is_empty() => parts.zone.clone(),
        Element::ZoneName => offset(NUMERIC, parts.offset),
        Element::Offset(shape) => offset(shape, parts.offset),
        Element::Fraction(shape) => fraction(shape, parts.nanosecond),
    };
    out.extend_from_slice(text.as_bytes());
}

const NUMERIC: Offset = Offset { z: false, colon: false, groups: 2 };

fn offset(shape: Offset, seconds: i32) -> String {
    if shape.z && seconds == 0 {
        return "Z".to_owned();
    }
    // Less than a minute west of UTC has no sign in Go.
    let sign = if seconds / 60 < 0 { '-' } else { '+' };
    let minutes = (seconds / 60).unsigned_abs();
    let colon = if shape.colon { ":" } else { "" };
    let mut text = format!("{sign}{:02}", minutes / 60);
    if shape.groups > 1 {
        let _ = write!(text, "{colon}{:02}", minutes % 60);
    }
    if shape.groups > 2 {
        // With the sign that such an offset does not show before the hours.
        let sign = if sign == '+' && seconds < 0 { "-" } else { "" };
        let _ = write!(text, "{colon}{sign}{:02}", seconds.unsigned_abs() % 60);
    }
    text
}

fn fraction(shape: Fraction, nanosecond: u32) -> String {
    if shape.trim && (shape.digits == 0 || nanosecond == 0) {
        return String::new();
    }
    let digits = format!("{nanosecond:09}");
    let mut digits = digits.get(..shape.digits.min(9)).unwrap_or_default();
    if shape.trim {
        digits = digits.trim_end_matches('0');
        if digits.is_empty() {
            return String::new();
        }
    }
    format!("{}{digits}", char::from(shape.separator))
}
