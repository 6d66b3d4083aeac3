//! When restarts happen: not at once, not all together, and not again and again.
//!
//! All of this is a function of what stands in the cluster and of how long a change has been waiting.
//! Whoever starts anew forgets only the latter, and waits a little longer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use jiff::{SignedDuration, Timestamp};

use crate::kinds::Kind;

/// How long restarts count against a workload that is restarted often.
const HOUR: SignedDuration = SignedDuration::from_hours(1);
/// What restarts of all workloads together are counted within.
const MINUTE: SignedDuration = SignedDuration::from_mins(1);

/// One workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// Its namespace.
    pub namespace: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its kind.
    pub kind: Kind,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

/// How much at once, and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A change waits until nothing has changed for this long,
    pub debounce: SignedDuration,
    /// but no longer than this.
    pub max_hold: SignedDuration,
    /// The pause between two restarts of a workload; it doubles with each in an hour, and is never
    /// longer than that. Whoever waits for one that has doubled is suspected of a loop. Zero is none.
    pub min_interval: SignedDuration,
    /// Restarts of one workload in an hour; 0 is any number.
    pub per_hour: usize,
    /// Restarts of all workloads in a minute; 0 is any number.
    pub per_minute: usize,
    /// Rollouts under way at once.
    pub at_once: usize,
    /// In one namespace.
    pub at_once_in_namespace: usize,
    /// Because of one Secret.
    pub at_once_for_secret: usize,
    /// Of `DaemonSets`: each takes a pod away from every node, in whatever order.
    pub daemon_sets_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            debounce: SignedDuration::from_secs(10),
            max_hold: SignedDuration::from_secs(60),
            min_interval: SignedDuration::from_mins(5),
            per_hour: 6,
            per_minute: 120,
            at_once: 20,
            at_once_in_namespace: 20,
            at_once_for_secret: 20,
            daemon_sets_at_once: 2,
        }
    }
}

/// A workload that has to restart.
#[derive(Clone, Debug)]
pub struct Waiting<'a> {
    /// Which.
    pub id: &'a Id,
    /// Lower ones first.
    pub wave: i32,
    /// Secrets that have changed.
    pub secrets: Vec<&'a str>,
    /// When it was first seen that it has to.
    pub first: Timestamp,
    /// When content that it reads last changed under our eyes.
    pub last: Timestamp,
    /// When it was restarted, oldest first.
    pub restarts: &'a [Timestamp],
    /// What else it waits for.
    pub held: Option<Held>,
    /// Whether it was refused: whoever comes after does not wait for it.
    pub refused: bool,
}

/// A workload that was restarted and has not ended its rollout.
#[derive(Clone, Debug)]
pub struct Rolling<'a> {
    /// Which.
    pub id: &'a Id,
    /// Its wave.
    pub wave: i32,
    /// Secrets that it was restarted for.
    pub secrets: Vec<&'a str>,
    /// Whether it will not end by itself, and still holds what has changed last.
    pub failed: bool,
}

/// Why a restart does not happen now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Content may change again soon.
    Debounce(Timestamp),
    /// Another Secret that it reads is being synced.
    Settling(Timestamp),
    /// It was restarted not long ago.
    MinInterval(Timestamp),
    /// It was restarted again and again, and would be once more: as if something were wrong.
    Loop(Timestamp),
    /// No window is open; it may never be.
    Window(Timestamp),
    /// Somebody has said so; it may be for ever.
    Frozen(Timestamp),
    /// A rollout for the same Secret has failed.
    Halted,
    /// Lower waves are not done.
    Wave,
    /// Enough rollouts are under way.
    Busy,
    /// Enough restarts were begun within a minute.
    Rate(Timestamp),
    /// The API server did not take it.
    Retry(Timestamp),
}

impl Held {
    /// A word for metrics and events.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Debounce(_) => "Debounce",
            Self::Settling(_) => "Settling",
            Self::MinInterval(_) => "MinInterval",
            Self::Loop(_) => "RestartLoopSuspected",
            Self::Window(_) => "Window",
            Self::Frozen(_) => "Frozen",
            Self::Halted => "Halted",
            Self::Wave => "Wave",
            Self::Busy => "Busy",
            Self::Rate(_) => "Rate",
            Self::Retry(_) => "Retry",
        }
    }

    /// Until when; `None` if something else has to happen.
    pub const fn until(self) -> Option<Timestamp> {
        match self {
            Self::Debounce(until)
            | Self::Settling(until)
            | Self::MinInterval(until)
            | Self::Loop(until)
            | Self::Window(until)
            | Self::Frozen(until)
            | Self::Rate(until)
            | Self::Retry(until) => Some(until),
            Self::Halted | Self::Wave | Self::Busy => None,
        }
    }
}

/// What happens now, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Indices of those that restart now, in order.
    pub start: Vec<usize>,
    /// Indices of the others, and why.
    pub held: Vec<(usize, Held)>,
    /// When to plan again, if nothing happens before.
    pub next: Option<Timestamp>,
}

/// Chooses who restarts at `now`. `recent` are the times at which any workload was restarted lately.
pub fn plan(
    now: Timestamp,
    limits: &Limits,
    waiting: &[Waiting<'_>],
    rolling: &[Rolling<'_>],
    recent: &[Timestamp],
) -> Plan {
    let mut order: Vec<_> = waiting.iter().enumerate().collect();
    order.sort_by_key(|(_, it)| (it.wave, it.id));
    let mut use_ = Use::of(rolling);
    let mut recent: Vec<_> =
        recent.iter().copied().filter(|at| is_within(*at, now, MINUTE)).collect();
    recent.sort_unstable();
    let mut plan = Plan::default();
    for (index, it) in order {
        let held = it
            .held
            .or_else(|| limits.debounce(it, now))
            .or_else(|| limits.interval(it.restarts, now))
            .or_else(|| use_.hold(limits, it))
            .or_else(|| limits.rate(&recent));
        if let Some(held) = held {
            if !it.refused {
                use_.blocks(it);
            }
            plan.next = plan.next.into_iter().chain(held.until()).min();
            plan.held.push((index, held));
        } else {
            use_.begins(it);
            recent.push(now);
            plan.start.push(index);
        }
    }
    plan
}

/// Whether `at` is less than `span` before `now`. What is later than now was written by a clock that
/// is ahead: it counts if it is by less than that, too, so that no clock stops anything for good.
fn is_within(at: Timestamp, now: Timestamp, span: SignedDuration) -> bool {
    now.duration_since(at).abs() < span
}

/// `at` and that much later, or the end of time.
fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

impl Limits {
    fn debounce(&self, it: &Waiting<'_>, now: Timestamp) -> Option<Held> {
        // A clock that was put back must not hold a change for longer.
        let (first, last) = (it.first.min(now), it.last.min(now));
        let until = later(last, self.debounce).min(later(first, self.max_hold));
        (until > now).then_some(Held::Debounce(until))
    }

    /// Restarts are sorted.
    fn interval(&self, restarts: &[Timestamp], now: Timestamp) -> Option<Held> {
        let lately: Vec<_> =
            restarts.iter().copied().filter(|at| is_within(*at, now, HOUR)).collect();
        if self.per_hour > 0
            && let Some(oldest) =
                lately.len().checked_sub(self.per_hour).and_then(|i| lately.get(i))
        {
            let until = later(*oldest, HOUR);
            return (until > now).then_some(Held::Loop(until));
        }
        let doublings = u32::try_from(lately.len().saturating_sub(1)).unwrap_or(u32::MAX).min(16);
        let interval = self.min_interval.saturating_mul(1 << doublings).min(HOUR);
        let until = later(*lately.last()?, interval);
        // A value that changes now and then does so once or twice in an hour.
        let held = if doublings == 0 { Held::MinInterval(until) } else { Held::Loop(until) };
        (until > now).then_some(held)
    }

    /// Restarts are sorted.
    fn rate(&self, recent: &[Timestamp]) -> Option<Held> {
        let index = recent.len().checked_sub(self.per_minute.max(1))?;
        let oldest = recent.get(index).filter(|_| self.per_minute > 0)?;
        Some(Held::Rate(later(*oldest, MINUTE)))
    }
}

/// What is taken of the limits.
#[derive(Default)]
struct Use<'a> {
    all: usize,
    daemon_sets: usize,
    namespaces: BTreeMap<&'a str, usize>,
    /// By namespace and name.
    secrets: BTreeMap<(&'a str, &'a str), usize>,
    halted: BTreeSet<(&'a str, &'a str)>,
    /// The lowest wave in which a Secret is not done.
    waves: BTreeMap<(&'a str, &'a str), i32>,
}

impl<'a> Use<'a> {
    fn of(rolling: &[Rolling<'a>]) -> Self {
        let mut use_ = Self::default();
        for it in rolling {
            let secrets = it.secrets.iter().map(|secret| (&*it.id.namespace, *secret));
            if it.failed {
                use_.halted.extend(secrets);
            } else {
                use_.take(it.id, it.wave, secrets);
            }
        }
        use_
    }

    fn take(&mut self, id: &'a Id, wave: i32, secrets: impl Iterator<Item = (&'a str, &'a str)>) {
        self.all += 1;
        self.daemon_sets += usize::from(id.kind == Kind::DaemonSet);
        *self.namespaces.entry(&id.namespace).or_default() += 1;
        for secret in secrets {
            *self.secrets.entry(secret).or_default() += 1;
            self.open(secret, wave);
        }
    }

    fn open(&mut self, secret: (&'a str, &'a str), wave: i32) {
        let lowest = self.waves.entry(secret).or_insert(wave);
        *lowest = wave.min(*lowest);
    }

    fn begins(&mut self, it: &Waiting<'a>) {
        let secrets = it.secrets.iter().map(|secret| (&*it.id.namespace, *secret));
        self.take(it.id, it.wave, secrets);
    }

    fn blocks(&mut self, it: &Waiting<'a>) {
        for secret in &it.secrets {
            self.open((&it.id.namespace, secret), it.wave);
        }
    }

    fn hold(&self, limits: &Limits, it: &Waiting<'a>) -> Option<Held> {
        let secrets = || it.secrets.iter().map(|secret| (&*it.id.namespace, *secret));
        if secrets().any(|secret| self.halted.contains(&secret)) {
            return Some(Held::Halted);
        }
        if secrets().any(|secret| self.waves.get(&secret).is_some_and(|wave| *wave < it.wave)) {
            return Some(Held::Wave);
        }
        let in_namespace = self.namespaces.get(&*it.id.namespace).copied().unwrap_or(0);
        let for_secret =
            secrets().filter_map(|secret| self.secrets.get(&secret).copied()).max().unwrap_or(0);
        let busy = self.all >= limits.at_once
            || in_namespace >= limits.at_once_in_namespace
            || for_secret >= limits.at_once_for_secret
            || (it.id.kind == Kind::DaemonSet && self.daemon_sets >= limits.daemon_sets_at_once);
        busy.then_some(Held::Busy)
    }
}

#[cfg(test)]
mod tests;
