//! The machine's clocks and random source: nothing else in this crate reads them.

use std::time::{Duration, SystemTime};

use gotemplate::{Environment, Stretched};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// How long the templates of one ExternalSecret may take together.
const TEMPLATES: Duration = Duration::from_secs(5);

/// Now, for measuring.
pub(crate) fn instant() -> Instant {
    Instant::now()
}

/// The time of day.
#[expect(clippy::disallowed_methods, reason = "the one place that reads this clock")]
pub(crate) fn time() -> SystemTime {
    SystemTime::now()
}

/// The time of day, for the status of objects.
pub(crate) fn timestamp() -> Timestamp {
    Timestamp::try_from(time()).unwrap_or_default()
}

/// Notices that the time of day was put back, by which what is due at a time of day would be late.
pub(crate) struct Steady {
    time: Timestamp,
    at: Instant,
}

impl Steady {
    /// What clocks drift apart by, and are put right by in passing.
    const SLACK: SignedDuration = SignedDuration::from_secs(1);

    pub(crate) fn new() -> Self {
        Self { time: timestamp(), at: instant() }
    }

    /// Whether it was, since this was asked last: it is `time`, and `at` for measuring.
    pub(crate) fn is_put_back(&mut self, time: Timestamp, at: Instant) -> bool {
        let passed = SignedDuration::try_from(at.saturating_duration_since(self.at));
        let expected = passed.ok().and_then(|passed| self.time.checked_add(passed).ok());
        (self.time, self.at) = (time, at);
        expected.is_some_and(|expected| expected.duration_since(time) > Self::SLACK)
    }
}

/// A random number from 0 up to 1, which spreads retries and protects nothing.
pub(crate) fn random() -> f64 {
    let bits = getrandom::u32().unwrap_or_default();
    f64::from(bits) / (f64::from(u32::MAX) + 1.0)
}

/// A number that no other process has.
///
/// # Errors
/// If the system gives no random bytes.
pub(crate) fn unique() -> anyhow::Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    Ok(u128::from_le_bytes(bytes))
}

/// Time and randomness for templates. Whoever gets no seed gets no template, rather than a key of
/// zeros.
pub(crate) struct System {
    random: Stretched,
    now: Timestamp,
    until: Instant,
}

impl System {
    /// # Errors
    /// If the system gives no random bytes.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed)?;
        let random = Stretched::new(seed);
        Ok(Self { random, now: timestamp(), until: instant() + TEMPLATES })
    }
}

impl Environment for System {
    fn now(&self) -> i128 {
        self.now.as_nanosecond()
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        self.random.fill(buffer);
    }

    fn expired(&self) -> bool {
        instant() > self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_put_back_is_noticed_once() {
        let mut steady = Steady::new();
        let (time, at) = (steady.time, steady.at);
        let mut ask = |hand: i64, passed: u64| {
            let time = time.checked_add(SignedDuration::from_secs(hand)).unwrap();
            steady.is_put_back(time, at + Duration::from_secs(passed))
        };
        assert!(!ask(60, 60));
        // Put forward, nothing is late.
        assert!(!ask(7320, 120));
        // By less than has passed.
        assert!(ask(7330, 180));
        assert!(!ask(7390, 240));
        assert!(ask(-7200, 300));
        assert!(!ask(-7141, 360));
    }
}
