//! Time zones, from the database that is part of the program.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::value::Zone;

static DATABASE: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// After so many seconds the calendar repeats itself.
const SECONDS_OF_400_YEARS: i64 = 146_097 * 86_400;

/// Go's `time.LoadLocation`: names are files there, so their case counts.
pub(super) fn load(name: &[u8]) -> Option<Zone> {
    let name = std::str::from_utf8(name).ok()?;
    match name {
        "" | "UTC" => Some(Zone::Utc),
        "Local" => Some(Zone::Local),
        _ => named(name).map(|_| Zone::Named(name.into())),
    }
}

fn named(name: &str) -> Option<TimeZone> {
    let zone = DATABASE.get(name).ok()?;
    (zone.iana_name() == Some(name)).then_some(zone)
}

/// The abbreviation and the seconds east of UTC at a moment.
pub(super) fn at(zone: &Zone, unix: i64) -> (String, i32) {
    match zone {
        // Where Go finds no local zone, it calls it UTC.
        Zone::Utc | Zone::Local => ("UTC".to_owned(), 0),
        Zone::Fixed(offset, name) => (name.to_string(), *offset),
        Zone::Named(name) => {
            let Some(zone) = named(name) else { return ("UTC".to_owned(), 0) };
            let info = zone.to_offset_info(timestamp(unix));
            (info.abbreviation().to_owned(), info.offset().seconds())
        }
    }
}

/// The moment, or one with the same calendar within the years that the database's rules are for.
fn timestamp(unix: i64) -> Timestamp {
    let last = Timestamp::MAX.as_second();
    let beyond = unix.saturating_sub(last).max(0);
    let cycles = beyond / SECONDS_OF_400_YEARS + i64::from(beyond % SECONDS_OF_400_YEARS > 0);
    let near = unix.saturating_sub(cycles.saturating_mul(SECONDS_OF_400_YEARS));
    Timestamp::from_second(near.clamp(Timestamp::MIN.as_second(), last)).unwrap_or(Timestamp::MIN)
}
