//! Sync windows: the times at which an interval may, or may not, lead to a refresh.
//!
//! A schedule means what it means to ESO, whose parser is `robfig/cron` v3 (`ParseStandard`): five
//! fields or a descriptor, Sunday is 0, and a day has to match both day fields as long as one of
//! them is a star, else either.

use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::{SyncWindowKind, SyncWindows};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan as _};

/// How far ahead a tick is looked for, in years; `30 2 30 2 *` has none.
const YEARS_AHEAD: i16 = 5;

/// Why a window cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The schedule is no cron expression.
    #[error("schedule {schedule:?} is no cron expression: {cause}")]
    Schedule {
        /// As it was written.
        schedule: String,
        /// What is wrong with it.
        cause: String,
    },
    /// The duration is no Go duration, or not positive.
    #[error("duration {0:?} is no positive Go duration such as 2h or 30m")]
    Duration(String),
}

/// Whether the windows let an interval lead to a refresh at `now`. A window that cannot be parsed
/// counts as if it were not there, as in ESO; [`check`] tells about it.
pub fn allow(windows: &SyncWindows, now: Timestamp) -> bool {
    let inside = windows
        .windows
        .iter()
        .filter_map(|window| Window::new(&window.schedule, &window.duration).ok())
        .any(|window| window.contains(now));
    match windows.kind {
        SyncWindowKind::Deny => !inside,
        _ => inside,
    }
}

/// The next moment after `now` at which [`allow`] may turn true; `None` if there is none within
/// five years, or if it is true already.
pub fn opens(windows: &SyncWindows, now: Timestamp) -> Option<Timestamp> {
    if allow(windows, now) {
        return None;
    }
    let parsed = windows
        .windows
        .iter()
        .filter_map(|window| Window::new(&window.schedule, &window.duration).ok());
    match windows.kind {
        // All windows that are open now have to be over.
        SyncWindowKind::Deny => parsed.filter_map(|window| window.ends(now)).max(),
        _ => parsed.filter_map(|window| window.schedule.next(now)).min(),
    }
}

/// What is wrong with the windows: the index of each that cannot be used, and why.
pub fn check(windows: &SyncWindows) -> Vec<(usize, WindowError)> {
    let checked = windows.windows.iter().enumerate();
    checked
        .filter_map(|(index, window)| {
            Window::new(&window.schedule, &window.duration).err().map(|error| (index, error))
        })
        .collect()
}

struct Window {
    schedule: Schedule,
    length: SignedDuration,
}

impl Window {
    fn new(schedule: &str, duration: &str) -> Result<Self, WindowError> {
        let length = duration
            .parse::<GoDuration>()
            .ok()
            .filter(|length| !length.is_zero_or_negative())
            .ok_or_else(|| WindowError::Duration(duration.to_owned()))?;
        let schedule = Schedule::parse(schedule)
            .map_err(|cause| WindowError::Schedule { schedule: schedule.to_owned(), cause })?;
        Ok(Self { schedule, length: SignedDuration::from_nanos(length.nanoseconds()) })
    }

    /// Whether a tick lies in the `length` up to `now`, which is itself part of the window.
    fn contains(&self, now: Timestamp) -> bool {
        self.ends(now).is_some()
    }

    /// When the window that is open at `now` ends.
    fn ends(&self, now: Timestamp) -> Option<Timestamp> {
        let since = now.checked_sub(self.length).ok()?;
        let tick = self.schedule.next(since).filter(|tick| *tick <= now)?;
        tick.checked_add(self.length).ok()
    }
}

/// A parsed schedule.
enum Schedule {
    /// `@every`: so many whole seconds after any moment.
    Every(SignedDuration),
    Fields(Box<Fields>),
}

/// A set bit for each value that matches.
struct Fields {
    minute: u64,
    hour: u64,
    day: u64,
    month: u64,
    weekday: u64,
    /// Whether one of the day fields is a star without a step: then both have to match.
    any_day: bool,
}

/// The values that a field may have.
struct Bounds {
    name: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] =
    &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const MINUTE: Bounds = Bounds { name: "minute", min: 0, max: 59, names: &[] };
const HOUR: Bounds = Bounds { name: "hour", min: 0, max: 23, names: &[] };
const DAY: Bounds = Bounds { name: "day of month", min: 1, max: 31, names: &[] };
const MONTH: Bounds = Bounds { name: "month", min: 1, max: 12, names: MONTHS };
const WEEKDAY: Bounds = Bounds { name: "day of week", min: 0, max: 6, names: WEEKDAYS };

impl Schedule {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(descriptor) = text.strip_prefix('@') {
            return Self::descriptor(descriptor);
        }
        if text.starts_with("TZ=") || text.starts_with("CRON_TZ=") {
            return Err("a time zone is not supported: windows are in UTC".to_owned());
        }
        let fields: Vec<_> = text.split_whitespace().collect();
        let [minute, hour, day, month, weekday] = fields.as_slice() else {
            return Err(format!("it has {} fields instead of 5", fields.len()));
        };
        let (day, any_day) = field(day, &DAY)?;
        let (weekday, any_weekday) = field(weekday, &WEEKDAY)?;
        Ok(Self::Fields(Box::new(Fields {
            minute: field(minute, &MINUTE)?.0,
            hour: field(hour, &HOUR)?.0,
            day,
            month: field(month, &MONTH)?.0,
            weekday,
            any_day: any_day || any_weekday,
        })))
    }

    fn descriptor(name: &str) -> Result<Self, String> {
        let fields = match name {
            "yearly" | "annually" => "0 0 1 1 *",
            "monthly" => "0 0 1 * *",
            "weekly" => "0 0 * * 0",
            "daily" | "midnight" => "0 0 * * *",
            "hourly" => "0 * * * *",
            _ => {
                let every = name.strip_prefix("every ").ok_or_else(|| {
                    format!("@{name} is not known: use @hourly, @daily, @weekly, @monthly, @yearly or @every with a duration")
                })?;
                let every: GoDuration = every.parse().map_err(|error| format!("{error}"))?;
                // Whole seconds, and at least one.
                let seconds = (every.nanoseconds() / 1_000_000_000).max(1);
                return Ok(Self::Every(SignedDuration::from_secs(seconds)));
            }
        };
        Self::parse(fields)
    }

    /// The first tick after `from`.
    fn next(&self, from: Timestamp) -> Option<Timestamp> {
        let whole = Timestamp::from_second(from.as_second()).ok()?;
        match self {
            Self::Every(every) => whole.checked_add(*every).ok(),
            Self::Fields(fields) => fields.next(whole),
        }
    }
}

impl Fields {
    fn next(&self, from: Timestamp) -> Option<Timestamp> {
        let start = from.to_zoned(TimeZone::UTC).datetime().checked_add(1.second()).ok()?;
        let mut date = start.date();
        // A tick is at second 0: within a minute that has begun, only the next one can match.
        let begun = start.time().second() > 0;
        let mut minute_of_day = u32::try_from(start.time().hour()).ok()? * 60
            + u32::try_from(start.time().minute()).ok()?
            + u32::from(begun);
        let last = date.checked_add(YEARS_AHEAD.years()).ok()?;
        while date <= last {
            if self.matches(date) {
                let found = (minute_of_day..24 * 60).find(|minute| {
                    self.hour & (1 << (minute / 60)) != 0 && self.minute & (1 << (minute % 60)) != 0
                });
                if let Some(minute) = found {
                    let hour = i8::try_from(minute / 60).ok()?;
                    let time = Time::new(hour, i8::try_from(minute % 60).ok()?, 0, 0).ok()?;
                    return TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok();
                }
            }
            minute_of_day = 0;
            date = date.tomorrow().ok()?;
        }
        None
    }

    fn matches(&self, date: Date) -> bool {
        let bit = |set: u64, value: i8| set & (1_u64 << value.unsigned_abs()) != 0;
        let day = bit(self.day, date.day());
        let weekday = bit(self.weekday, date.weekday().to_sunday_zero_offset());
        bit(self.month, date.month()) && if self.any_day { day && weekday } else { day || weekday }
    }
}

/// The values of a field, and whether it is a star.
fn field(text: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let (mut set, mut star) = (0, false);
    for part in text.split(',').filter(|part| !part.is_empty()) {
        let (values, is_star) = range(part, bounds)?;
        set |= values;
        star |= is_star;
    }
    Ok((set, star))
}

fn range(text: &str, bounds: &Bounds) -> Result<(u64, bool), String> {
    let invalid = |why: &str| format!("{text:?} as the {}: {why}", bounds.name);
    let mut halves = text.split('/');
    let (span, step) = (halves.next().unwrap_or_default(), halves.next());
    let mut ends = span.split('-');
    let (first, second) = (ends.next().unwrap_or_default(), ends.next());
    if halves.next().is_some() || ends.next().is_some() {
        return Err(invalid("too many slashes or hyphens"));
    }
    let value = |text: &str| number(text, bounds).ok_or_else(|| invalid("not a number in range"));
    let mut star = false;
    let (start, mut end) = match (first, second) {
        ("*" | "?", _) => {
            star = true;
            (bounds.min, bounds.max)
        }
        (first, None) => (value(first)?, value(first)?),
        (first, Some(second)) => (value(first)?, value(second)?),
    };
    let step = match step {
        None => 1,
        Some(step) => {
            let step: u32 = step.parse().map_err(|_| invalid("the step is not a number"))?;
            if second.is_none() && !star {
                end = bounds.max;
            }
            star &= step <= 1;
            step
        }
    };
    if start > end || step == 0 {
        return Err(invalid("the range is empty"));
    }
    let values = (start..=end).step_by(usize::try_from(step).unwrap_or(usize::MAX));
    Ok((values.fold(0, |set, value| set | 1 << value), star))
}

fn number(text: &str, bounds: &Bounds) -> Option<u32> {
    let named = bounds.names.iter().position(|name| name.eq_ignore_ascii_case(text));
    let value = match named {
        Some(index) => u32::try_from(index).ok()? + bounds.min,
        None => text.parse().ok()?,
    };
    (bounds.min..=bounds.max).contains(&value).then_some(value)
}

#[cfg(test)]
mod tests;
