//! When restarts may begin: windows in the calendar of a place.

use extsecret_crds::duration::GoDuration;
use jiff::{SignedDuration, Timestamp};

/// The longest window.
const LONGEST: SignedDuration = SignedDuration::from_hours(24 * 31);

/// A window that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no window such as \"0 2 * * 1-5 Europe/Berlin 2h\": {cause}")]
pub struct WindowError {
    text: String,
    cause: String,
}

/// Windows of one length that begin by a schedule.
#[derive(Clone, Debug)]
pub struct Window {
    begins: cronexpr::Crontab,
    lasts: SignedDuration,
}

impl Window {
    /// Five fields of a schedule, an IANA time zone (or none for UTC), and a duration.
    pub fn parse(text: &str) -> Result<Self, WindowError> {
        let fail = |cause: String| WindowError { text: text.to_owned(), cause };
        let words: Vec<&str> = text.split_whitespace().collect();
        let (schedule, duration) = match words.as_slice() {
            [schedule @ .., duration] if schedule.len() == 5 => {
                (format!("{} UTC", schedule.join(" ")), duration)
            }
            [schedule @ .., duration] if schedule.len() == 6 => (schedule.join(" "), duration),
            words => return Err(fail(format!("it has {} words", words.len()))),
        };
        let begins = cronexpr::parse_crontab(&schedule).map_err(|error| fail(error.to_string()))?;
        let lasts: GoDuration =
            duration.parse().map_err(|_| fail(format!("{duration} is no duration")))?;
        let lasts = SignedDuration::from_nanos(lasts.nanoseconds());
        if lasts <= SignedDuration::ZERO || lasts > LONGEST {
            return Err(fail(format!("{duration} is no time between 0 and 31 days")));
        }
        Ok(Self { begins, lasts })
    }

    /// `None` if a restart may begin at `now`, otherwise when it may, which may be never.
    pub fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        // The first that begins after the one that would be over at `now`.
        let earliest = now.checked_sub(self.lasts).unwrap_or(Timestamp::MIN);
        let begin = self.begins.find_next(earliest).map_or(Timestamp::MAX, |at| at.timestamp());
        (begin > now).then_some(begin)
    }
}

/// When a restart may begin of which several windows are said: all have to be open. One that cannot
/// be read never is.
pub fn opens<'a>(
    said: impl IntoIterator<Item = Option<&'a str>>,
    now: Timestamp,
) -> Option<Timestamp> {
    let said = said.into_iter().flatten().filter(|text| !text.trim().is_empty());
    said.filter_map(|text| match Window::parse(text) {
        Ok(window) => window.opens(now),
        Err(_) => Some(Timestamp::MAX),
    })
    .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_is_open_from_its_begin_until_it_is_over() {
        let window = Window::parse("0 2 * * * 2h").unwrap();
        assert_eq!(window.opens(at("2026-11-25T01:59:59Z")), Some(at("2026-11-25T02:00:00Z")));
        assert_eq!(window.opens(at("2026-11-25T02:00:00Z")), None);
        assert_eq!(window.opens(at("2026-11-25T03:59:59Z")), None);
        assert_eq!(window.opens(at("2026-11-25T04:00:00Z")), Some(at("2026-11-26T02:00:00Z")));
    }

    #[test]
    fn a_window_keeps_the_time_of_its_place() {
        let window = Window::parse("0 2 * * 1-5 Europe/Berlin 1h").unwrap();
        // Wednesday in winter, and in summer.
        assert_eq!(window.opens(at("2026-11-25T01:30:00Z")), None);
        assert_eq!(window.opens(at("2026-07-15T00:30:00Z")), None);
        assert_eq!(window.opens(at("2026-07-15T01:30:00Z")), Some(at("2026-07-16T00:00:00Z")));
        // Saturday.
        assert_eq!(window.opens(at("2026-11-28T01:30:00Z")), Some(at("2026-11-30T01:00:00Z")));
    }

    #[test]
    fn what_is_no_window_never_opens() {
        for text in ["2h", "0 2 * * * 2", "0 2 * * * 0s", "99 2 * * * 2h", "0 2 * * * Mars/One 1h"]
        {
            assert!(Window::parse(text).is_err(), "{text}");
            assert_eq!(opens([Some(text)], at("2026-11-25T02:00:00Z")), Some(Timestamp::MAX));
        }
        assert_eq!(opens([None, Some(" ")], at("2026-11-25T02:00:00Z")), None);
    }

    #[test]
    fn all_windows_have_to_be_open() {
        let said = [Some("0 2 * * * 2h"), Some("0 3 * * * 2h")];
        assert_eq!(opens(said, at("2026-11-25T02:30:00Z")), Some(at("2026-11-25T03:00:00Z")));
        assert_eq!(opens(said, at("2026-11-25T03:30:00Z")), None);
    }
}
