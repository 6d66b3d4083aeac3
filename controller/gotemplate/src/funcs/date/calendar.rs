//! Moments and calendar dates, with the limits of Go's 64-bit seconds.

use super::zone;
use crate::value::{Time, Zone};

/// From Go's year 1 to the epoch.
const EPOCH: i64 = 62_135_596_800;

/// The year in whose March Go's count of days begins; a multiple of 400.
const FIRST_YEAR: i64 = -292_277_022_400;

/// From that March to the epoch, in seconds.
const FIRST_TO_EPOCH: i64 = {
    let days = -FIRST_YEAR / 400 * DAYS_OF_400_YEARS + MARCH_TO_DECEMBER;
    days * SECONDS_OF_A_DAY + EPOCH
};

const DAYS_OF_400_YEARS: i64 = 146_097;
const MARCH_TO_DECEMBER: i64 = 306;
const SECONDS_OF_A_DAY: i64 = 86_400;
const NANOSECONDS: i128 = 1_000_000_000;

/// Go's zero time, 1 January of the year 1.
pub(super) const ZERO: i128 = -(EPOCH as i128) * NANOSECONDS;

/// What a calendar and a clock show.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    pub(super) year: i64,
    /// From 1.
    pub(super) month: u8,
    /// From 1.
    pub(super) day: u8,
    /// From 1.
    pub(super) year_day: u16,
    /// From Sunday, which is 0.
    pub(super) weekday: u8,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanosecond: u32,
    /// Seconds east of UTC.
    pub(super) offset: i32,
    /// The zone's abbreviation; may be empty.
    pub(super) zone: String,
}

/// The moment this many seconds after the epoch. Go counts from the year 1 and wraps around there.
pub(super) fn from_unix(seconds: i64, zone: Zone) -> Time {
    let since_year_1 = seconds.wrapping_add(EPOCH);
    let nanoseconds = (i128::from(since_year_1) - i128::from(EPOCH)) * NANOSECONDS;
    Time { nanoseconds, zone }
}

/// Go's `Time.Unix`.
pub(super) fn unix(time: &Time) -> i64 {
    since_year_1(time).wrapping_sub(EPOCH)
}

fn since_year_1(time: &Time) -> i64 {
    let seconds = time.nanoseconds.div_euclid(NANOSECONDS) + i128::from(EPOCH);
    i64::try_from(seconds).unwrap_or(if seconds < 0 { i64::MIN } else { i64::MAX })
}

fn nanosecond(time: &Time) -> u32 {
    u32::try_from(time.nanoseconds.rem_euclid(NANOSECONDS)).unwrap_or(0)
}

/// The time this many nanoseconds later; Go's seconds stop at their limits.
pub(super) fn add(time: &Time, nanoseconds: i64) -> Time {
    let limit = |seconds: i64| (i128::from(seconds) - i128::from(EPOCH)) * NANOSECONDS;
    let sum = time.nanoseconds + i128::from(nanoseconds);
    let nanoseconds = sum.clamp(limit(-i64::MAX), limit(i64::MAX) + NANOSECONDS - 1);
    Time { nanoseconds, zone: time.zone.clone() }
}

/// Go's `later.Sub(earlier)`, which saturates.
pub(super) fn since(later: &Time, earlier: &Time) -> i64 {
    let passed = later.nanoseconds - earlier.nanoseconds;
    i64::try_from(passed).unwrap_or(if passed < 0 { i64::MIN } else { i64::MAX })
}

/// What calendar and clock show in the time's own zone.
pub(super) fn parts(time: &Time) -> Parts {
    let unix = unix(time);
    let (zone, offset) = zone::at(&time.zone, unix);
    // Wraps around as Go's unsigned seconds do.
    let seconds = unix.wrapping_add(i64::from(offset)).wrapping_add(FIRST_TO_EPOCH).cast_unsigned();
    let days = seconds / SECONDS_OF_A_DAY.unsigned_abs();
    let clock = seconds % SECONDS_OF_A_DAY.unsigned_abs();

    // Years begin in March here, so that a leap day is the last of its year.
    let cycle = DAYS_OF_400_YEARS.unsigned_abs();
    let (cycles, day) = (days / cycle, days % cycle);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let march_day = day - (365 * year + year / 4 - year / 100);
    let march_month = (5 * march_day + 2) / 153;
    let month_day = march_day - (153 * march_month + 2) / 5 + 1;
    let (month, next_year) =
        if march_month < 10 { (march_month + 3, 0) } else { (march_month - 9, 1) };
    let year = (cycles * 400 + year).cast_signed() + FIRST_YEAR + next_year;

    let small = |number: u64| u8::try_from(number).unwrap_or(0);
    let (month, day) = (small(month), small(month_day));
    Parts {
        year,
        month,
        day,
        year_day: days_before(year, month) + u16::from(day),
        // That first of March was a Wednesday.
        weekday: small((days + 3) % 7),
        hour: small(clock / 3600),
        minute: small(clock / 60 % 60),
        second: small(clock % 60),
        nanosecond: nanosecond(time),
        offset,
        zone,
    }
}

/// The days of the year before this month.
pub(super) fn days_before(year: i64, month: u8) -> u16 {
    (1..month).map(|month| u16::from(days_in(year, month))).sum()
}

/// The length of a month.
pub(super) fn days_in(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Whether the year has a 29 February.
pub(super) fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Midnight of the first of a month, in seconds since the epoch.
pub(super) fn unix_of_month(year: i64, month: u8) -> i128 {
    let before = i128::from(year) - 1;
    let leap_days = before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400);
    let days = before * 365 + leap_days + i128::from(days_before(year, month));
    days * i128::from(SECONDS_OF_A_DAY) - i128::from(EPOCH)
}

/// Go's `Time.AddDate`, in zones without summer time: days beyond a month's end run into the next.
pub(super) fn add_date(time: &Time, years: i64, months: i64, days: i64) -> Time {
    let parts = parts(time);
    let months = i128::from(parts.month) - 1 + i128::from(months);
    let year = i128::from(parts.year) + i128::from(years) + months.div_euclid(12);
    let month = u8::try_from(months.rem_euclid(12) + 1).unwrap_or(1);
    let limit = i128::from(i64::MAX / 4);
    let year = i64::try_from(year.clamp(-limit, limit)).unwrap_or_default();
    let days = i128::from(parts.day) - 1 + i128::from(days);
    let clock =
        i128::from(parts.hour) * 3600 + i128::from(parts.minute) * 60 + i128::from(parts.second)
            - i128::from(parts.offset);
    let seconds = unix_of_month(year, month) + days * i128::from(SECONDS_OF_A_DAY) + clock;
    // Go's seconds wrap around.
    let wrapped = (seconds & i128::from(u64::MAX)).cast_unsigned();
    let seconds = u64::try_from(wrapped).unwrap_or_default().cast_signed();
    let mut sum = from_unix(seconds, time.zone.clone());
    sum.nanoseconds += i128::from(parts.nanosecond);
    sum
}

/// The rest when the time since Go's year 1 is divided by a duration.
pub(super) fn rest(time: &Time, unit: i64) -> i64 {
    let since = time.nanoseconds - ZERO;
    i64::try_from(since.rem_euclid(i128::from(unit.max(1)))).unwrap_or_default()
}
