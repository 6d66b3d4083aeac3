//! Go's `time.ParseInLocation`, with the local zone.

use super::calendar::{days_before, days_in, is_leap, unix_of_month};
use super::format::{MONTHS, WEEKDAYS};
use super::layout::{Element, Offset, next};
use super::push_quoted;
use crate::error::Message;
use crate::value::{Time, Zone};

/// Why a text is no time, in Go's words.
#[cfg_attr(test, derive(Debug))]
pub(super) struct Error {
    layout: Vec<u8>,
    value: Vec<u8>,
    problem: Problem,
}

#[cfg_attr(test, derive(Debug))]
enum Problem {
    /// This part of the layout does not describe this rest of the value.
    Mismatch {
        layout: Vec<u8>,
        value: Vec<u8>,
    },
    ExtraText(Vec<u8>),
    OutOfRange(&'static str),
    YearDayMismatch(&'static str),
}

impl Error {
    pub(super) fn message(&self, secret: bool) -> Message {
        let message = push_quoted("parsing time ".into(), &self.value, secret);
        match &self.problem {
            Problem::Mismatch { layout, value } => {
                let message = push_quoted(message.text(" as "), &self.layout, secret);
                let message = push_quoted(message.text(": cannot parse "), value, secret);
                push_quoted(message.text(" as "), layout, secret)
            }
            Problem::ExtraText(rest) => push_quoted(message.text(": extra text: "), rest, secret),
            Problem::OutOfRange(what) => message.text(format!(": {what} out of range")),
            Problem::YearDayMismatch(what) => {
                message.text(format!(": day-of-year does not match {what}"))
            }
        }
    }
}

/// Why one element could not be read.
enum Fault {
    Mismatch,
    Range(&'static str),
}

/// What the elements said.
#[derive(Default)]
struct Fields {
    year: i64,
    month: Option<i64>,
    day: Option<i64>,
    year_day: Option<i64>,
    hour: i64,
    minute: i64,
    second: i64,
    nanosecond: i64,
    afternoon: bool,
    morning: bool,
    utc: bool,
    /// Seconds east. Go takes one second west for "none".
    offset: Option<i32>,
    zone: Vec<u8>,
}

/// Reads `value` as `layout` describes it.
pub(super) fn parse(layout: &[u8], value: &[u8]) -> Result<Time, Error> {
    let fail = |problem| Error { layout: layout.to_vec(), value: value.to_vec(), problem };
    let mut fields = Fields::default();
    let mut layout_rest = layout;
    let mut rest = value;
    loop {
        let chunk = next(layout_rest);
        rest = skip(rest, chunk.prefix).map_err(|value| {
            fail(Problem::Mismatch { layout: chunk.prefix.to_vec(), value: value.to_vec() })
        })?;
        let Some(element) = chunk.element else { break };
        layout_rest = chunk.rest;
        match fields.read(element, rest, layout_rest) {
            Ok(after) => rest = after,
            Err(Fault::Range(what)) => return Err(fail(Problem::OutOfRange(what))),
            Err(Fault::Mismatch) => {
                let (layout, value) = (chunk.text.to_vec(), rest.to_vec());
                return Err(fail(Problem::Mismatch { layout, value }));
            }
        }
    }
    if !rest.is_empty() {
        return Err(fail(Problem::ExtraText(rest.to_vec())));
    }
    fields.time().map_err(fail)
}

impl Fields {
    /// Reads one element from the start of `value`; returns what follows.
    fn read<'v>(
        &mut self,
        element: Element,
        value: &'v [u8],
        layout: &[u8],
    ) -> Result<&'v [u8], Fault> {
        use Element as E;
        let mut rest = value;
        match element {
            E::Year => {
                let (digits, after) = split(value, 2)?;
                let year = atoi(digits)?;
                self.year = year + if year >= 69 { 1900 } else { 2000 };
                rest = after;
            }
            E::LongYear => {
                let (digits, after) = split(value, 4)?;
                if !digits.first().is_some_and(u8::is_ascii_digit) {
                    return Err(Fault::Mismatch);
                }
                self.year = atoi(digits)?;
                rest = after;
            }
            E::Month => (self.month, rest) = name(&MONTHS, 3, value)?,
            E::LongMonth => (self.month, rest) = name(&MONTHS, usize::MAX, value)?,
            E::Weekday => rest = name(&WEEKDAYS, 3, value)?.1,
            E::LongWeekday => rest = name(&WEEKDAYS, usize::MAX, value)?.1,
            E::NumberMonth | E::ZeroMonth => {
                let (month, after) = number(value, element == E::ZeroMonth)?;
                within(month, 1..13, "month")?;
                self.month = Some(month);
                rest = after;
            }
            E::Day | E::SpaceDay | E::ZeroDay => {
                if element == E::SpaceDay {
                    rest = value.strip_prefix(b" ").unwrap_or(value);
                }
                let (day, after) = number(rest, element == E::ZeroDay)?;
                self.day = Some(day);
                rest = after;
            }
            E::SpaceYearDay | E::ZeroYearDay => {
                if element == E::SpaceYearDay {
                    rest = rest.strip_prefix(b" ").unwrap_or(rest);
                    rest = rest.strip_prefix(b" ").unwrap_or(rest);
                }
                let count = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
                if count == 0 || (element == E::ZeroYearDay && count != 3) {
                    return Err(Fault::Mismatch);
                }
                let (digits, after) = split(rest, count)?;
                self.year_day = Some(atoi(digits)?);
                rest = after;
            }
            E::Hour => {
                (self.hour, rest) = number(value, false)?;
                within(self.hour, 0..24, "hour")?;
            }
            E::Hour12 | E::ZeroHour12 => {
                (self.hour, rest) = number(value, element == E::ZeroHour12)?;
                within(self.hour, 0..13, "hour")?;
            }
            E::Minute | E::ZeroMinute => {
                (self.minute, rest) = number(value, element == E::ZeroMinute)?;
                within(self.minute, 0..60, "minute")?;
            }
            E::Second | E::ZeroSecond => {
                (self.second, rest) = number(value, element == E::ZeroSecond)?;
                within(self.second, 0..60, "second")?;
                let digits = rest.get(1..).unwrap_or_default();
                let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let follows = rest.first().is_some_and(|byte| matches!(byte, b'.' | b','));
                // A fraction may follow that the layout does not have.
                if follows && count > 0 && !matches!(next(layout).element, Some(E::Fraction(_))) {
                    let (fraction, after) = split(rest, count + 1)?;
                    self.nanosecond = nanoseconds(fraction)?;
                    rest = after;
                }
            }
            E::UpperHalf | E::LowerHalf => {
                let (half, after) = split(value, 2)?;
                match (half, element == E::UpperHalf) {
                    (b"PM", true) | (b"pm", false) => self.afternoon = true,
                    (b"AM", true) | (b"am", false) => self.morning = true,
                    _ => return Err(Fault::Mismatch),
                }
                rest = after;
            }
            E::Offset(shape) => match value.strip_prefix(b"Z") {
                Some(after) if shape.z => {
                    self.utc = true;
                    rest = after;
                }
                _ => {
                    let (offset, after) = offset(shape, value)?;
                    self.offset = (offset != -1).then_some(offset);
                    rest = after;
                }
            },
            E::ZoneName => {
                if let Some(after) = value.strip_prefix(b"UTC") {
                    self.utc = true;
                    return Ok(after);
                }
                let (zone, after) = split(value, zone_length(value).ok_or(Fault::Mismatch)?)?;
                self.zone = zone.to_vec();
                rest = after;
            }
            E::Fraction(shape) if shape.trim => {
                let digits = value.get(1..).unwrap_or_default();
                let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
                if count > 0 && value.first().is_some_and(|byte| matches!(byte, b'.' | b',')) {
                    let (fraction, after) = split(value, count + 1)?;
                    self.nanosecond = nanoseconds(fraction)?;
                    rest = after;
                }
            }
            E::Fraction(shape) => {
                let (fraction, after) = split(value, shape.digits + 1)?;
                self.nanosecond = nanoseconds(fraction)?;
                rest = after;
            }
        }
        Ok(rest)
    }

    fn time(mut self) -> Result<Time, Problem> {
        if self.afternoon && self.hour < 12 {
            self.hour += 12;
        } else if self.morning && self.hour == 12 {
            self.hour = 0;
        }
        if let Some(year_day) = self.year_day {
            let days = if is_leap(self.year) { 366 } else { 365 };
            if !(1..=days).contains(&year_day) {
                return Err(Problem::OutOfRange("day-of-year"));
            }
            let before = |month: u8| i64::from(days_before(self.year, month));
            let month = (1..=12).rev().find(|month| before(*month) < year_day).unwrap_or(1);
            let day = year_day - before(month);
            if self.month.is_some_and(|other| other != i64::from(month)) {
                return Err(Problem::YearDayMismatch("month"));
            }
            if self.day.is_some_and(|other| other != day) {
                return Err(Problem::YearDayMismatch("day"));
            }
            self.month = Some(i64::from(month));
            self.day = Some(day);
        }
        let month = u8::try_from(self.month.unwrap_or(1)).unwrap_or(1);
        let day = u8::try_from(self.day.unwrap_or(1)).unwrap_or(0);
        if !(1..=days_in(self.year, month)).contains(&day) {
            return Err(Problem::OutOfRange("day"));
        }
        let seconds = i64::try_from(unix_of_month(self.year, month)).unwrap_or_default()
            + (i64::from(day) - 1) * 86_400
            + self.hour * 3600
            + self.minute * 60
            + self.second;
        let at = |seconds: i64, zone| Time {
            nanoseconds: i128::from(seconds) * 1_000_000_000 + i128::from(self.nanosecond),
            zone,
        };
        if self.utc {
            return Ok(at(seconds, Zone::Utc));
        }
        let name = String::from_utf8_lossy(&self.zone);
        if let Some(offset) = self.offset {
            let local = offset == 0 && (name.is_empty() || name == "UTC");
            let zone = if local { Zone::Local } else { Zone::Fixed(offset, name.into()) };
            return Ok(at(seconds - i64::from(offset), zone));
        }
        if name.is_empty() {
            return Ok(at(seconds, Zone::Local));
        }
        // A zone that Go does not know has no offset, unless its name gives one; and then the
        // clock does not show what was read.
        let hours = name.strip_prefix("GMT").and_then(|hours| hours.parse::<i32>().ok());
        let offset = hours.unwrap_or(0).saturating_mul(3600);
        Ok(at(seconds, Zone::Fixed(offset, name.into())))
    }
}

fn split(value: &[u8], at: usize) -> Result<(&[u8], &[u8]), Fault> {
    value.split_at_checked(at).ok_or(Fault::Mismatch)
}

fn within(number: i64, range: std::ops::Range<i64>, what: &'static str) -> Result<(), Fault> {
    if range.contains(&number) { Ok(()) } else { Err(Fault::Range(what)) }
}

/// Takes literal text of the layout off the value, with any number of spaces for some spaces.
/// The error is where the value differs.
fn skip<'v>(mut value: &'v [u8], mut prefix: &[u8]) -> Result<&'v [u8], &'v [u8]> {
    while let Some((&expected, after)) = prefix.split_first() {
        match value.split_first() {
            Some((b' ', _)) | None if expected == b' ' => {
                prefix = without_spaces(prefix);
                value = without_spaces(value);
            }
            Some((byte, rest)) if *byte == expected => {
                prefix = after;
                value = rest;
            }
            _ => return Err(value),
        }
    }
    Ok(value)
}

fn without_spaces(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_prefix(b" ") {
        text = rest;
    }
    text
}

/// The number of the name that the value begins with, from 1, in any case.
fn name<'v>(
    names: &[&str],
    length: usize,
    value: &'v [u8],
) -> Result<(Option<i64>, &'v [u8]), Fault> {
    for (number, name) in (1..).zip(names) {
        let name = name.as_bytes();
        let name = name.get(..length.min(name.len())).unwrap_or_default();
        if let Some((start, rest)) = value.split_at_checked(name.len())
            && start.eq_ignore_ascii_case(name)
        {
            return Ok((Some(number), rest));
        }
    }
    Err(Fault::Mismatch)
}

/// One or two digits, or exactly two.
fn number(value: &[u8], fixed: bool) -> Result<(i64, &[u8]), Fault> {
    let count = value.iter().take(2).take_while(|byte| byte.is_ascii_digit()).count();
    if count == 0 || (fixed && count != 2) {
        return Err(Fault::Mismatch);
    }
    let (digits, rest) = split(value, count)?;
    Ok((atoi(digits)?, rest))
}

/// A decimal number of a few digits, maybe with a sign. No digits at all are 0 in Go.
fn atoi(text: &[u8]) -> Result<i64, Fault> {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(Fault::Mismatch);
    }
    let number = digits.iter().fold(0_i64, |number, digit| {
        number.saturating_mul(10).saturating_add(i64::from(digit - b'0'))
    });
    Ok(if text.starts_with(b"-") { -number } else { number })
}

/// `.123`, of which nine digits count.
fn nanoseconds(fraction: &[u8]) -> Result<i64, Fault> {
    let Some((b'.' | b',', digits)) = fraction.split_first() else { return Err(Fault::Mismatch) };
    let digits = digits.get(..digits.len().min(9)).unwrap_or_default();
    let number = atoi(digits)?;
    if number < 0 {
        return Err(Fault::Range("fractional second"));
    }
    let missing = u32::try_from(9_usize.saturating_sub(digits.len())).unwrap_or(0);
    Ok(number.saturating_mul(10_i64.pow(missing)))
}

/// `+07:00` and its like, in seconds.
fn offset(shape: Offset, value: &[u8]) -> Result<(i32, &[u8]), Fault> {
    let groups = shape.groups;
    let step = if shape.colon { 3 } else { 2 };
    let (text, rest) = split(value, 1 + groups * step - usize::from(shape.colon))?;
    let mut numbers = [0_i32; 3];
    let mut wrong = false;
    for (index, number) in numbers.iter_mut().enumerate().take(groups) {
        let at = 1 + index * step;
        if index > 0 && shape.colon && text.get(at - 1) != Some(&b':') {
            return Err(Fault::Mismatch);
        }
        match text.get(at..at + 2) {
            // Behind a wrong number Go reads no further.
            Some(digits) if !wrong && digits.iter().all(u8::is_ascii_digit) => {
                *number = i32::try_from(atoi(digits)?).unwrap_or(0);
            }
            _ => wrong = true,
        }
    }
    let [hours, minutes, seconds] = numbers;
    // Checked before anything else, the last one telling.
    if seconds > 60 {
        return Err(Fault::Range("time zone offset second"));
    }
    if minutes > 60 {
        return Err(Fault::Range("time zone offset minute"));
    }
    if hours > 24 {
        return Err(Fault::Range("time zone offset hour"));
    }
    let total = (hours * 60 + minutes) * 60 + seconds;
    match text.first() {
        Some(b'+') if !wrong => Ok((total, rest)),
        Some(b'-') if !wrong => Ok((-total, rest)),
        _ => Err(Fault::Mismatch),
    }
}

/// How many bytes at the start look like the abbreviation of a zone.
fn zone_length(value: &[u8]) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with(b"ChST") || value.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = value.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(rest));
    }
    if matches!(value.first(), Some(b'+' | b'-')) {
        return Some(signed_hours(value)).filter(|length| *length > 0);
    }
    let upper = value.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    match upper {
        3 => Some(3),
        4 if value.get(3) == Some(&b'T') || value.starts_with(b"WITA") => Some(4),
        5 if value.get(4) == Some(&b'T') => Some(5),
        _ => None,
    }
}

/// The length of `+3` or `-04`, up to 23 hours; 0 if there is none.
fn signed_hours(value: &[u8]) -> usize {
    let Some((b'+' | b'-', digits)) = value.split_first() else { return 0 };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let hours = digits.get(..count).unwrap_or_default();
    match atoi(hours) {
        Ok(0..=23) if count > 0 => count + 1,
        _ => 0,
    }
}
