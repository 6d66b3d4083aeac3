//! How long a change has been waiting for its restart, and whether content comes and goes.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};

use crate::record::{Found, Record};

/// Changes that were taken back within this time count together.
const LATELY: SignedDuration = SignedDuration::from_mins(10);
/// So many of them are no accident.
const TOO_MANY: usize = 5;

/// Until when a rollout is waited for that was first seen under way at `seen`, and did not begin after
/// `begun`, if that is known: of what was not rolled out lately, pods that are missing or not available
/// are no rollout, though nobody calls it over.
pub fn rollout_until(
    seen: Timestamp,
    begun: Option<Timestamp>,
    deadline: SignedDuration,
) -> Timestamp {
    // Two clocks: one that is ahead makes nobody wait for longer.
    let since = begun.map_or(seen, |begun| begun.min(seen));
    since.checked_add(deadline).unwrap_or(Timestamp::MAX)
}

/// A change that waits. All times are of the controller's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// When it was first seen that the workload has to restart.
    pub first: Timestamp,
    /// When what it has to restart for last changed.
    pub last: Timestamp,
    /// What it holds when it has restarted.
    pub record: Record,
}

/// What one workload waits for, and how often that was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    wait: Option<Wait>,
    taken_back: VecDeque<Timestamp>,
    told: bool,
}

impl Waits {
    /// What it waits for, if it does.
    pub fn get(&self) -> Option<&Wait> {
        self.wait.as_ref()
    }

    /// It has to restart, and holds `record` then.
    pub fn has_to(&mut self, record: Record, now: Timestamp) {
        match &mut self.wait {
            Some(wait) if wait.record.had == record.had => wait.record = record,
            Some(wait) => (wait.last, wait.record) = (now, record),
            None => self.wait = Some(Wait { first: now, last: now, record }),
        }
    }

    /// It would have to, but something is in the way that ends it or lasts.
    pub fn would_have_to(&mut self, found: &Found, now: Timestamp) {
        let new = || Wait { first: now, last: now, record: Record::new_like(found) };
        self.wait.get_or_insert_with(new);
    }

    /// The clock was put back to `now`: what it waits for did not begin later than that.
    pub fn put_back(&mut self, now: Timestamp) {
        if let Some(wait) = &mut self.wait {
            (wait.first, wait.last) = (wait.first.min(now), wait.last.min(now));
        }
    }

    /// Its pods have all that there is, by a restart or another rollout.
    pub fn is_over(&mut self) {
        self.wait = None;
    }

    /// Its pods have all that there is, because content is again what they were started for.
    pub fn is_taken_back(&mut self, now: Timestamp) {
        if self.wait.take().is_some() {
            self.taken_back.push_back(now);
            if self.taken_back.len() > TOO_MANY {
                self.taken_back.pop_front();
            }
        }
    }

    /// Whether content goes away and comes back again and again, so that no restart would help and
    /// none happens, and it was not so when this was asked last.
    pub fn begin_to_come_and_go(&mut self, now: Timestamp) -> bool {
        let first = self.taken_back.front().filter(|_| self.taken_back.len() >= TOO_MANY);
        let is_so = first.is_some_and(|first| now.duration_since(*first) < LATELY);
        !std::mem::replace(&mut self.told, is_so) && is_so
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_put_back_makes_no_wait_longer() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let record = Record::new_like(&Found::Missing);
        let mut waits = Waits::default();
        waits.put_back(at(5));
        waits.has_to(record.clone(), at(1000));
        waits.put_back(at(10));
        assert_eq!(waits.get(), Some(&Wait { first: at(10), last: at(10), record }));
        waits.put_back(at(20));
        assert_eq!(waits.get().map(|wait| (wait.first, wait.last)), Some((at(10), at(10))));
    }

    #[test]
    fn a_rollout_is_waited_for_no_longer_than_its_deadline() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let until = |begun: Option<i64>| {
            rollout_until(at(1000), begun.map(at), SignedDuration::from_secs(60))
        };
        assert_eq!(until(None), at(1060));
        assert_eq!(until(Some(990)), at(1050));
        // A node fails long after the template was touched.
        assert_eq!(until(Some(10)), at(70));
        // Written by a clock that is ahead.
        assert_eq!(until(Some(5000)), at(1060));
        let never = rollout_until(at(0), None, SignedDuration::MAX);
        assert_eq!(never, Timestamp::MAX);
    }
}
