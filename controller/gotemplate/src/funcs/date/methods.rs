//! The methods of `time.Time` and `time.Duration` that a template can call: those with one result,
//! and arguments that a template can have.

use std::any::Any;
use std::rc::Rc;

use super::calendar::{ZERO, add, add_date, parts, rest, since, unix};
use super::format::{MONTHS, WEEKDAYS, format};
use super::{duration, quoted, time, time_string};
use crate::error::Message;
use crate::fmt::duration_text;
use crate::funcs::arguments::{any, int, made, text};
use crate::funcs::{Failure, Function, Type};
use crate::value::{Object, Time, Value, Zone};

const NONE: &[Type] = &[];
const DURATION: &[Type] = &[Type::Duration];

pub(in crate::funcs) const TIME_METHODS: &[Function] = &[
    Function::new("Add", DURATION, |_, arguments| {
        Ok(Value::Time(add(&time(arguments, 0), duration_at(arguments, 1))))
    }),
    Function::new("AddDate", &[Type::Int, Type::Int, Type::Int], |_, arguments| {
        let (years, months, days) = (int(arguments, 1), int(arguments, 2), int(arguments, 3));
        Ok(Value::Time(add_date(&time(arguments, 0), years, months, days)))
    }),
    Function::new("After", &[Type::Time], |_, arguments| {
        Ok(Value::Bool(time(arguments, 0).nanoseconds > time(arguments, 1).nanoseconds))
    }),
    Function::new("Before", &[Type::Time], |_, arguments| {
        Ok(Value::Bool(time(arguments, 0).nanoseconds < time(arguments, 1).nanoseconds))
    }),
    Function::new("Compare", &[Type::Time], |_, arguments| {
        let order = time(arguments, 0).nanoseconds.cmp(&time(arguments, 1).nanoseconds);
        Ok(Value::int(order as i64))
    }),
    Function::new("Day", NONE, |_, arguments| number(arguments, |time| parts(time).day.into())),
    Function::new("Equal", &[Type::Time], |_, arguments| {
        Ok(Value::Bool(time(arguments, 0).nanoseconds == time(arguments, 1).nanoseconds))
    }),
    Function::new("Format", &[Type::String], |call, arguments| {
        let layout = text(arguments, 1);
        call.work(layout.len() / 16)?;
        made(call, format(&time(arguments, 0), layout))
    }),
    Function::new("GoString", NONE, |call, arguments| made(call, go_string(&time(arguments, 0)))),
    Function::new("Hour", NONE, |_, arguments| number(arguments, |time| parts(time).hour.into())),
    Function::new("IsDST", NONE, |_, _| Ok(Value::Bool(false))),
    Function::new("IsZero", NONE, |_, arguments| {
        Ok(Value::Bool(time(arguments, 0).nanoseconds == ZERO))
    }),
    Function::new("Local", NONE, |_, arguments| in_zone(arguments, Zone::Local)),
    Function::new("Location", NONE, |_, arguments| {
        Ok(Value::Object(Rc::new(Location(time(arguments, 0).zone))))
    }),
    Function::new("Minute", NONE, |_, arguments| {
        number(arguments, |time| parts(time).minute.into())
    }),
    Function::new("Month", NONE, |_, arguments| {
        let number = parts(&time(arguments, 0)).month;
        let name = MONTHS.get(usize::from(number.saturating_sub(1))).copied().unwrap_or_default();
        named("time.Month", number, name)
    }),
    Function::new("Nanosecond", NONE, |_, arguments| {
        number(arguments, |time| parts(time).nanosecond.into())
    }),
    Function::new("Round", DURATION, |_, arguments| {
        let (time, unit) = (time(arguments, 0), duration_at(arguments, 1));
        let rest = rest(&time, unit);
        let up = unit > 0 && i128::from(rest) * 2 >= i128::from(unit);
        Ok(Value::Time(add(&time, if up { unit - rest } else { -rest })))
    }),
    Function::new("Second", NONE, |_, arguments| {
        number(arguments, |time| parts(time).second.into())
    }),
    Function::new("String", NONE, |call, arguments| made(call, time_string(&time(arguments, 0)))),
    Function::new("Sub", &[Type::Time], |_, arguments| {
        Ok(Value::Duration(since(&time(arguments, 0), &time(arguments, 1))))
    }),
    Function::new("Truncate", DURATION, |_, arguments| {
        let time = time(arguments, 0);
        let rest = rest(&time, duration_at(arguments, 1));
        Ok(Value::Time(add(&time, -rest)))
    }),
    Function::new("UTC", NONE, |_, arguments| in_zone(arguments, Zone::Utc)),
    Function::new("Unix", NONE, |_, arguments| Ok(Value::int64(unix(&time(arguments, 0))))),
    Function::new("UnixMicro", NONE, |_, arguments| since_epoch(arguments, 1_000)),
    Function::new("UnixMilli", NONE, |_, arguments| since_epoch(arguments, 1_000_000)),
    Function::new("UnixNano", NONE, |_, arguments| since_epoch(arguments, 1)),
    Function::new("Weekday", NONE, |_, arguments| {
        let number = parts(&time(arguments, 0)).weekday;
        let name = WEEKDAYS.get(usize::from(number)).copied().unwrap_or_default();
        named("time.Weekday", number, name)
    }),
    Function::new("Year", NONE, |_, arguments| number(arguments, |time| parts(time).year)),
    Function::new("YearDay", NONE, |_, arguments| {
        number(arguments, |time| parts(time).year_day.into())
    }),
];

pub(in crate::funcs) const DURATION_METHODS: &[Function] = &[
    Function::new("Abs", NONE, |_, arguments| {
        Ok(Value::Duration(duration_at(arguments, 0).checked_abs().unwrap_or(i64::MAX)))
    }),
    Function::new("Hours", NONE, |_, arguments| in_units(arguments, 3_600_000_000_000)),
    Function::new("Microseconds", NONE, |_, arguments| {
        Ok(Value::int64(duration_at(arguments, 0) / 1_000))
    }),
    Function::new("Milliseconds", NONE, |_, arguments| {
        Ok(Value::int64(duration_at(arguments, 0) / 1_000_000))
    }),
    Function::new("Minutes", NONE, |_, arguments| in_units(arguments, 60_000_000_000)),
    Function::new("Nanoseconds", NONE, |_, arguments| Ok(Value::int64(duration_at(arguments, 0)))),
    Function::new("Round", DURATION, |_, arguments| {
        Ok(Value::Duration(duration::round(duration_at(arguments, 0), duration_at(arguments, 1))))
    }),
    Function::new("Seconds", NONE, |_, arguments| in_units(arguments, 1_000_000_000)),
    Function::new("String", NONE, |call, arguments| {
        made(call, duration_text(duration_at(arguments, 0)))
    }),
    Function::new("Truncate", DURATION, |_, arguments| {
        let (own, unit) = (duration_at(arguments, 0), duration_at(arguments, 1));
        Ok(Value::Duration(if unit > 0 { own - own % unit } else { own }))
    }),
];

/// The fields that Go does not let a template see, and the methods with several results.
pub(in crate::funcs) fn unusable(name: &str) -> Option<String> {
    let second = match name {
        "wall" | "ext" | "loc" => {
            return Some(format!("{name} is an unexported field of struct type time.Time"));
        }
        "Date" | "Clock" => {
            return Some(format!("function {name} has 3 return values; should be 1 or 2"));
        }
        "ISOWeek" | "Zone" => "int",
        "ZoneBounds" => "time.Time",
        _ => return None,
    };
    Some(format!(
        "invalid function signature for {name}: second return value should be error; is {second}"
    ))
}

/// Go's `Time.GoString`.
pub(crate) fn go_string(time: &Time) -> String {
    let parts = parts(time);
    let month = MONTHS.get(usize::from(parts.month.saturating_sub(1))).copied().unwrap_or_default();
    let zone = match &time.zone {
        Zone::Utc => "time.UTC".to_owned(),
        Zone::Local => "time.Local".to_owned(),
        Zone::Named(name) | Zone::Fixed(_, name) => {
            format!("time.Location({})", quoted(name.as_bytes()))
        }
    };
    format!(
        "time.Date({}, time.{month}, {}, {}, {}, {}, {}, {zone})",
        parts.year, parts.day, parts.hour, parts.minute, parts.second, parts.nanosecond
    )
}

fn duration_at(arguments: &[Value], index: usize) -> i64 {
    match any(arguments, index) {
        Value::Duration(amount) => *amount,
        _ => 0,
    }
}

#[expect(clippy::cast_precision_loss, reason = "Go converts both parts in the same way")]
fn in_units(arguments: &[Value], unit: i64) -> Result<Value, Failure> {
    let amount = duration_at(arguments, 0);
    Ok(Value::Float((amount / unit) as f64 + (amount % unit) as f64 / unit as f64))
}

fn number(arguments: &[Value], part: fn(&Time) -> i64) -> Result<Value, Failure> {
    Ok(Value::int(part(&time(arguments, 0))))
}

fn in_zone(arguments: &[Value], zone: Zone) -> Result<Value, Failure> {
    Ok(Value::Time(Time { zone, ..time(arguments, 0) }))
}

/// Wraps around where Go's 64 bits end.
fn since_epoch(arguments: &[Value], unit: i128) -> Result<Value, Failure> {
    let count = time(arguments, 0).nanoseconds.div_euclid(unit);
    let wrapped = (count & i128::from(u64::MAX)).cast_unsigned();
    Ok(Value::int64(u64::try_from(wrapped).unwrap_or_default().cast_signed()))
}

/// A zone, which has a name and nothing else to show.
struct Location(Zone);

impl Location {
    fn name(&self) -> &str {
        match &self.0 {
            Zone::Utc | Zone::Local => "UTC",
            Zone::Named(name) | Zone::Fixed(_, name) => name,
        }
    }
}

impl Object for Location {
    fn type_name(&self) -> &'static str {
        "*time.Location"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn member(&self, name: &str) -> Option<Result<Value, Message>> {
        (name == "String").then(|| Ok(Value::string(self.name())))
    }

    fn text(&self) -> Vec<u8> {
        self.name().as_bytes().to_vec()
    }

    fn json(&self) -> Result<Vec<u8>, Message> {
        // A struct without exported fields.
        Ok(b"{}".to_vec())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A month or a day of the week: a number with a name.
struct Named {
    type_name: &'static str,
    number: u8,
    name: &'static str,
}

fn named(type_name: &'static str, number: u8, name: &'static str) -> Result<Value, Failure> {
    Ok(Value::Object(Rc::new(Named { type_name, number, name })))
}

impl Object for Named {
    fn type_name(&self) -> &'static str {
        self.type_name
    }

    fn kind(&self) -> &'static str {
        "int"
    }

    fn member(&self, name: &str) -> Option<Result<Value, Message>> {
        (name == "String").then(|| Ok(Value::string(self.name)))
    }

    fn text(&self) -> Vec<u8> {
        self.name.as_bytes().to_vec()
    }

    fn json(&self) -> Result<Vec<u8>, Message> {
        Ok(self.number.to_string().into_bytes())
    }

    fn integer(&self) -> Option<i64> {
        Some(self.number.into())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
