//! What is to be looked at next. First syncs overtake changes, and changes overtake what is merely
//! due; an object is never looked at twice at once, and what happens to it meanwhile is not lost.
//!
//! It is told the time and reads none, so that its order can be tested.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::Duration;

use tokio::time::Instant;

use crate::key::Key;

/// The shortest pause after a failure, which doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The longest pause after a failure (as long as ESO's).
const LONGEST_PAUSE: Duration = Duration::from_mins(7);

/// How urgent it is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// Others wait for it: a store.
    Awaited,
    /// Somebody waits for a Secret that is not there.
    First,
    /// Something changed.
    Changed,
    /// Its time has come.
    Due,
}

const URGENCIES: usize = 4;

/// Why an object is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Trigger {
    pub(crate) urgency: Urgency,
    /// Since when: an answer of the provider that is older says nothing about it.
    pub(crate) since: Instant,
    /// Whether values are to be fetched even if the object itself gives no reason: something that it
    /// refers to has changed.
    pub(crate) refetch: bool,
    /// Whether the provider says that a value has changed: to be fetched if polling would, too.
    pub(crate) told: bool,
}

impl Trigger {
    pub(crate) fn new(urgency: Urgency, since: Instant) -> Self {
        Self { urgency, since, refetch: false, told: false }
    }

    pub(crate) fn refetch(since: Instant) -> Self {
        Self { refetch: true, ..Self::new(Urgency::Changed, since) }
    }

    pub(crate) fn told(since: Instant) -> Self {
        Self { told: true, ..Self::new(Urgency::Changed, since) }
    }

    fn and(self, other: Self) -> Self {
        Self {
            urgency: self.urgency.min(other.urgency),
            since: self.since.max(other.since),
            refetch: self.refetch || other.refetch,
            told: self.told || other.told,
        }
    }
}

/// What comes after an object was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing, until something happens.
    Idle,
    /// Again after so long.
    After(Duration),
    /// Again soon, and less and less often.
    Backoff,
    /// The same, but never less often than this.
    BackoffWithin(Duration),
    /// The object is gone.
    Gone,
}

#[derive(Debug, Default)]
struct Entry {
    waiting: Option<Trigger>,
    due: Option<(Instant, u64)>,
    running: bool,
    failures: u32,
    /// What the look under way is for, or the last one, if it failed: the next is for that, too.
    owed: Option<Trigger>,
}

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: HashMap<Key, Entry>,
    waiting: [VecDeque<Key>; URGENCIES],
    /// By time, and by a number because times may be equal.
    due: BTreeMap<(Instant, u64), Key>,
    numbers: u64,
    running: usize,
}

impl Queue {
    /// Something happened to `key`.
    pub(crate) fn add(&mut self, key: &Key, trigger: Trigger) {
        let entry = self.entries.entry(key.clone()).or_default();
        let before = entry.waiting;
        let trigger = before.map_or(trigger, |waiting| waiting.and(trigger));
        entry.waiting = Some(trigger);
        if !entry.running && before.is_none_or(|before| before.urgency != trigger.urgency) {
            self.waiting[trigger.urgency as usize].push_back(key.clone());
        }
    }

    /// `key` is to be looked at in `pause`, unless it is to be sooner anyway.
    pub(crate) fn add_later(&mut self, key: &Key, now: Instant, pause: Duration) {
        let at = now.checked_add(pause).unwrap_or(now + Duration::from_hours(24 * 365));
        let entry = self.entries.entry(key.clone()).or_default();
        if let Some(due) = entry.due {
            if due.0 <= at {
                return;
            }
            self.due.remove(&due);
        }
        self.numbers += 1;
        let place = (at, self.numbers);
        entry.due = Some(place);
        self.due.insert(place, key.clone());
    }

    /// What to look at now; [`done`](Self::done) has to follow.
    pub(crate) fn next(&mut self, now: Instant) -> Option<(Key, Trigger)> {
        while let Some(first) = self.due.first_entry() {
            if first.key().0 > now {
                break;
            }
            let (place, key) = first.remove_entry();
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.due = None;
            }
            self.add(&key, Trigger::new(Urgency::Due, place.0));
        }
        for urgency in 0..URGENCIES {
            while let Some(key) = self.waiting[urgency].pop_front() {
                let Some(entry) = self.entries.get_mut(&key) else { continue };
                // It may have become more urgent since it was put here.
                let fits = |trigger: &Trigger| trigger.urgency as usize == urgency;
                if entry.running || !entry.waiting.as_ref().is_some_and(fits) {
                    continue;
                }
                let Some(mut trigger) = entry.waiting.take() else { continue };
                if let Some(owed) = entry.owed {
                    trigger = Trigger { urgency: trigger.urgency, ..trigger.and(owed) };
                }
                entry.owed = Some(trigger);
                entry.running = true;
                if let Some(due) = entry.due.take() {
                    self.due.remove(&due);
                }
                self.running += 1;
                return Some((key, trigger));
            }
        }
        None
    }

    /// When [`next`](Self::next) has something at the latest, if nothing happens before.
    pub(crate) fn until(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// `key` was looked at. `random` is from 0 up to 1 and spreads what failed together.
    pub(crate) fn done(&mut self, key: &Key, next: Next, now: Instant, random: f64) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if !entry.running {
            return;
        }
        entry.running = false;
        self.running -= 1;
        let pause = match next {
            Next::Idle | Next::Gone => {
                (entry.failures, entry.owed) = (0, None);
                None
            }
            Next::After(pause) => {
                (entry.failures, entry.owed) = (0, None);
                Some(pause)
            }
            Next::Backoff | Next::BackoffWithin(_) => {
                let longest = match next {
                    Next::BackoffWithin(longest) => longest.clamp(FIRST_PAUSE, LONGEST_PAUSE),
                    _ => LONGEST_PAUSE,
                };
                let pause = FIRST_PAUSE.saturating_mul(1 << entry.failures.min(16));
                // What is tried often because it is refreshed often owes no long pause for it, if it
                // fails in another way then.
                if pause < longest {
                    entry.failures += 1;
                }
                Some(pause.min(longest).mul_f64(1.0 + random.clamp(0.0, 1.0) / 4.0))
            }
        };
        if let Some(trigger) = entry.waiting {
            self.waiting[trigger.urgency as usize].push_back(key.clone());
        } else if next == Next::Gone {
            if let Some(due) = entry.due {
                self.due.remove(&due);
            }
            self.entries.remove(key);
            return;
        }
        if let Some(pause) = pause {
            self.add_later(key, now, pause);
        }
    }

    /// Whether `key` is being looked at, or will be at once, or was told to have changed and the look for
    /// that has not gone well yet.
    pub(crate) fn is_open(&self, key: &Key) -> bool {
        self.entries.get(key).is_some_and(|entry| {
            let told = entry.owed.is_some_and(|trigger| trigger.told);
            entry.running || entry.waiting.is_some() || told
        })
    }

    /// How often `key` has failed in a row.
    pub(crate) fn failures(&self, key: &Key) -> u32 {
        self.entries.get(key).map_or(0, |entry| entry.failures)
    }

    /// Objects that wait to be looked at.
    pub(crate) fn depth(&self) -> usize {
        self.entries.values().filter(|entry| entry.waiting.is_some() && !entry.running).count()
    }

    /// How long the one that has waited longest has waited.
    pub(crate) fn oldest(&self, now: Instant) -> Duration {
        let waits = self.entries.values().filter(|entry| !entry.running);
        let since = waits.filter_map(|entry| entry.waiting).map(|trigger| trigger.since).min();
        let due = self.until();
        let since = [since, due].into_iter().flatten().min();
        since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::key::Kind;

    fn key(name: &str) -> Key {
        Key::new(Kind::ExternalSecret, "shop", name)
    }

    fn names(queue: &mut Queue, now: Instant) -> Vec<String> {
        std::iter::from_fn(|| queue.next(now)).map(|(key, _)| key.name.name.to_string()).collect()
    }

    #[test]
    fn first_syncs_overtake_changes_and_changes_what_is_due() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add_later(&key("due"), now, Duration::ZERO);
        queue.add(&key("changed"), Trigger::new(Urgency::Changed, now));
        queue.add(&key("first"), Trigger::new(Urgency::First, now));
        queue.add(&key("store"), Trigger::new(Urgency::Awaited, now));
        assert_eq!(names(&mut queue, now), ["store", "first", "changed", "due"]);
    }

    #[test]
    fn what_is_told_is_open_until_a_look_goes_well_and_what_fails_by_itself_is_not() {
        let now = Instant::now();
        let mut queue = Queue::default();
        assert!(!queue.is_open(&key("a")));
        queue.add_later(&key("a"), now, Duration::ZERO);
        assert!(!queue.is_open(&key("a")), "it is only due");
        for (trigger, open) in
            [(Trigger::new(Urgency::Changed, now), false), (Trigger::told(now), true)]
        {
            queue.add(&key("a"), trigger);
            assert!(queue.is_open(&key("a")));
            let (a, _) = queue.next(now).unwrap();
            assert!(queue.is_open(&a), "it is being looked at");
            queue.done(&a, Next::Backoff, now, 0.0);
            assert_eq!(queue.is_open(&a), open);
        }
        let (a, _) = queue.next(now + Duration::from_hours(1)).unwrap();
        queue.done(&a, Next::Idle, now, 0.0);
        assert!(!queue.is_open(&a));
    }

    #[test]
    fn what_becomes_urgent_is_not_looked_at_twice() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add(&key("a"), Trigger::new(Urgency::Due, now));
        queue.add(&key("b"), Trigger::new(Urgency::Due, now));
        queue.add(&key("b"), Trigger::new(Urgency::First, now));
        assert_eq!(names(&mut queue, now), ["b", "a"]);
    }

    #[test]
    fn what_happens_meanwhile_is_looked_at_afterwards_and_with_its_own_time() {
        let now = Instant::now();
        let later = now + Duration::from_secs(3);
        let mut queue = Queue::default();
        queue.add(&key("a"), Trigger::new(Urgency::First, now));
        let (first, _) = queue.next(now).unwrap();
        queue.add(&first, Trigger::refetch(later));
        assert!(queue.next(later).is_none(), "it is being looked at");
        queue.done(&first, Next::Idle, later, 0.0);
        let (_, trigger) = queue.next(later).unwrap();
        assert_eq!(trigger, Trigger::refetch(later));
    }

    #[test]
    fn pauses_grow_and_end_with_a_success() {
        let mut now = Instant::now();
        let mut queue = Queue::default();
        let a = key("a");
        let mut pauses = Vec::new();
        queue.add(&a, Trigger::new(Urgency::First, now));
        for _ in 0..12 {
            queue.next(now).unwrap();
            queue.done(&a, Next::Backoff, now, 0.0);
            let at = queue.until().unwrap();
            pauses.push((at - now).as_secs());
            now = at;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 420, 420, 420]);
        queue.next(now).unwrap();
        queue.done(&a, Next::After(Duration::from_secs(5)), now, 0.0);
        assert_eq!((queue.failures(&a), queue.until().unwrap() - now), (0, Duration::from_secs(5)));
    }

    #[test]
    fn what_a_look_was_for_is_not_forgotten_when_it_fails() {
        let now = Instant::now();
        let mut queue = Queue::default();
        let a = key("a");
        queue.add(&a, Trigger::told(now));
        queue.next(now).unwrap();
        queue.done(&a, Next::Backoff, now, 0.0);
        let later = queue.until().unwrap();
        let (_, trigger) = queue.next(later).unwrap();
        assert_eq!(trigger, Trigger { urgency: Urgency::Due, ..Trigger::told(later) });
        queue.done(&a, Next::After(Duration::from_secs(1)), later, 0.0);
        let (_, trigger) = queue.next(queue.until().unwrap()).unwrap();
        assert!(!trigger.told, "it is done");
    }

    #[test]
    fn what_is_refreshed_often_is_tried_again_as_often() {
        let now = Instant::now();
        let mut queue = Queue::default();
        let a = key("a");
        let mut pauses = Vec::new();
        for longest in [0, 5, 5, 5, 5, 3_600, 3_600] {
            queue.add(&a, Trigger::new(Urgency::First, now));
            queue.next(now).unwrap();
            queue.done(&a, Next::BackoffWithin(Duration::from_secs(longest)), now, 0.0);
            pauses.push((queue.until().unwrap() - now).as_secs());
        }
        assert_eq!(pauses, [1, 1, 2, 4, 5, 8, 16]);
    }

    /// What failed every second for a while, and then could not even say so, came back after seven
    /// minutes.
    #[test]
    fn many_short_pauses_make_no_long_one() {
        let now = Instant::now();
        let mut queue = Queue::default();
        let a = key("a");
        let second = Next::BackoffWithin(Duration::from_secs(1));
        for next in [second; 20].into_iter().chain([Next::Backoff; 2]) {
            queue.add(&a, Trigger::new(Urgency::First, now));
            queue.next(now).unwrap();
            queue.done(&a, next, now, 0.0);
        }
        assert_eq!((queue.until().unwrap() - now).as_secs(), 2);
    }

    #[test]
    fn the_earlier_of_two_times_counts_and_looking_clears_it() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add_later(&key("a"), now, Duration::from_mins(1));
        queue.add_later(&key("a"), now, Duration::from_secs(5));
        queue.add_later(&key("a"), now, Duration::from_secs(30));
        assert_eq!(queue.until(), Some(now + Duration::from_secs(5)));
        queue.add(&key("a"), Trigger::new(Urgency::Changed, now));
        queue.next(now).unwrap();
        assert_eq!(queue.until(), None);
    }

    #[test]
    fn what_is_gone_leaves_nothing_behind() {
        let now = Instant::now();
        let mut queue = Queue::default();
        queue.add(&key("a"), Trigger::new(Urgency::Changed, now));
        let (a, _) = queue.next(now).unwrap();
        queue.add_later(&a, now, Duration::from_secs(5));
        queue.done(&a, Next::Gone, now, 0.0);
        assert!(queue.entries.is_empty() && queue.due.is_empty() && queue.running == 0);
    }

    proptest! {
        /// Whatever happens in whatever order: nobody is looked at twice at once, and everybody to
        /// whom something happened is looked at after that.
        #[test]
        fn nothing_is_lost(steps in prop::collection::vec((0..5u8, 0..6u8, 0..4u8), 0..200)) {
            let mut now = Instant::now();
            let mut queue = Queue::default();
            let mut running: Vec<Key> = Vec::new();
            let mut owed = std::collections::BTreeSet::new();
            for (step, who, how) in steps {
                now += Duration::from_millis(200);
                let who = key(&who.to_string());
                let urgency =
                    [Urgency::Awaited, Urgency::First, Urgency::Changed, Urgency::Due][how as usize];
                match step {
                    0 | 1 => {
                        queue.add(&who, Trigger::new(urgency, now));
                        owed.insert(who);
                    }
                    2 => queue.add_later(&who, now, Duration::from_secs(u64::from(how))),
                    3 => if let Some((key, _)) = queue.next(now) {
                        prop_assert!(!running.contains(&key));
                        owed.remove(&key);
                        running.push(key);
                    },
                    _ => if let Some(key) = running.pop() {
                        let next = [Next::Idle, Next::After(Duration::ZERO), Next::Backoff, Next::Gone];
                        queue.done(&key, next[how as usize], now, 0.5);
                    },
                }
            }
            for key in running {
                queue.done(&key, Next::Idle, now, 0.0);
            }
            now += Duration::from_hours(1);
            while let Some((key, _)) = queue.next(now) {
                owed.remove(&key);
                queue.done(&key, Next::Idle, now, 0.0);
            }
            prop_assert!(owed.is_empty(), "{owed:?}");
            prop_assert_eq!(queue.running, 0);
        }
    }
}
