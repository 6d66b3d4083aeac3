//! The double's own time, which a test may move: deletion windows, credentials that expire, message
//! visibility, token buckets.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Starts at the machine's time and runs with it, until told otherwise.
#[derive(Debug)]
pub struct Clock {
    state: Mutex<State>,
    moved: watch::Sender<()>,
}

#[derive(Debug)]
struct State {
    /// The double's time at `since`.
    base: Timestamp,
    since: Instant,
    frozen: bool,
}

impl Clock {
    pub(crate) fn new() -> Self {
        let state = State { base: machine_time(), since: instant(), frozen: false };
        Self { state: Mutex::new(state), moved: watch::Sender::new(()) }
    }

    /// The double's time.
    pub fn now(&self) -> Timestamp {
        self.lock().now()
    }

    /// Moves the time forward.
    pub fn advance(&self, by: Duration) {
        self.change(|state| {
            state.base = later(state.now(), by);
            state.since = instant();
        });
    }

    /// Sets the time, back as well as forward.
    pub fn set(&self, to: Timestamp) {
        self.change(|state| {
            state.base = to;
            state.since = instant();
        });
    }

    /// Stops the time: from now on only [`advance`](Self::advance) and [`set`](Self::set) move it.
    pub fn freeze(&self) {
        self.change(|state| {
            state.base = state.now();
            state.frozen = true;
        });
    }

    /// Lets the time run again.
    pub fn resume(&self) {
        self.change(|state| {
            state.base = state.now();
            state.since = instant();
            state.frozen = false;
        });
    }

    /// Wakes whoever waits for a moment of the double's time each time it jumps.
    pub(crate) fn jumps(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.moved.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> Timestamp {
        if self.frozen { self.base } else { later(self.base, instant() - self.since) }
    }
}

/// A moment after another; the end of time where there is none.
pub(crate) fn later(moment: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by)
        .ok()
        .and_then(|by| moment.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}

/// The time of the machine, with which clients sign: moving the double's clock does not make their
/// signatures stale.
pub(crate) fn machine_time() -> Timestamp {
    Timestamp::now()
}

#[expect(clippy::disallowed_methods, reason = "the one place where time comes in")]
fn instant() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frozen_clock_moves_only_when_told() {
        let clock = Clock::new();
        clock.freeze();
        let start = clock.now();
        assert_eq!(clock.now(), start);
        clock.advance(Duration::from_hours(24));
        assert_eq!(clock.now().duration_since(start), SignedDuration::from_hours(24));
        clock.set(start);
        assert_eq!(clock.now(), start);
        clock.resume();
        assert!(clock.now() >= start);
    }

    #[test]
    fn a_jump_is_announced() {
        let clock = Clock::new();
        let jumps = clock.jumps();
        assert!(!jumps.has_changed().unwrap());
        clock.advance(Duration::from_secs(1));
        assert!(jumps.has_changed().unwrap());
    }
}
