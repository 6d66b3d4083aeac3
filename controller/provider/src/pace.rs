//! As fast as the provider lets us: how many calls are under way, and how many begin in a second.
//!
//! A quota belongs to an account, a region and a group of operations, and all who call share it, also
//! those in other programs. So it is found out, not configured: the number of calls at once starts
//! small and grows with success, and the first refusal measures what went through in the second
//! before it. From then on calls are spaced a little below that, and the rate creeps up again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::provider::Random;

/// Calls under way at first, and again after a refusal. A refusal comes to all that are under way,
/// so few is polite.
const FIRST_SLOTS: usize = 4;

/// Calls under way at most.
const MOST_SLOTS: usize = 12;

/// Successes that earn one more call at once.
const SUCCESSES_PER_SLOT: usize = 16;

/// Calls a second that are made however often they are refused: a quota that somebody else uses up
/// must not stop us for good.
const SLOWEST: f64 = 2.0;

/// Share of the measured rate that is used after a refusal.
const BACK_OFF: f64 = 0.7;

/// How much faster a second without a refusal makes it; at least one call every two seconds.
const GROWTH: f64 = 0.05;

/// A rate above this is as good as none.
const FASTEST: f64 = 2000.0;

/// Over how long successes are counted.
const MEASURED: Duration = Duration::from_secs(1);

/// How long nothing is sent after a refusal without `retry-after`, at least; a random share of the
/// same comes on top.
const PAUSE: Duration = Duration::from_millis(500);

/// What `retry-after` may ask for at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(20);

/// How a call ended, for its pace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered, with a value or an error that is not about the rate.
    Answered,
    /// It was refused for being one too many.
    Throttled(Option<Duration>),
    /// There was no answer.
    Lost,
}

/// The pace of one group of operations in one account and region.
pub(crate) struct Pace {
    state: Mutex<State>,
    changed: Notify,
    random: Random,
}

/// The right to one call. Dropping it without a report gives the right back.
pub(crate) struct Turn {
    pace: Arc<Pace>,
    began: Instant,
}

impl Pace {
    /// `ceiling` is the highest number of calls a second, however well it goes: a quota that is
    /// known to be low.
    pub(crate) fn new(ceiling: Option<f64>, random: Random) -> Self {
        let state = Mutex::new(State::new(ceiling, Instant::now()));
        Self { state, changed: Notify::new(), random }
    }

    /// Waits until one more call may begin.
    pub(crate) async fn turn(self: &Arc<Self>) -> Turn {
        loop {
            let changed = self.changed.notified();
            let now = Instant::now();
            let verdict = self.lock().admit(now);
            match verdict {
                Verdict::Go => return Turn { pace: Arc::clone(self), began: now },
                Verdict::At(moment) => tokio::time::sleep_until(moment).await,
                Verdict::Full => changed.await,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Says how the call ended.
    pub(crate) fn report(self, outcome: Outcome) {
        let share = (self.pace.random)().clamp(0.0, 1.0);
        self.pace.lock().ended(Instant::now(), self.began, outcome, share);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.pace.lock();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.pace.changed.notify_one();
    }
}

/// Whether one more call may begin.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Verdict {
    Go,
    At(Instant),
    /// When another one has ended.
    Full,
}

/// The pace without waiting: time comes in.
#[derive(Debug)]
struct State {
    under_way: usize,
    slots: usize,
    /// Successes on the way to the next slot.
    earned: usize,
    /// Calls a second; none is known before the first refusal.
    rate: Option<f64>,
    ceiling: Option<f64>,
    tokens: f64,
    filled: Instant,
    closed_until: Instant,
    /// The last refusal that changed the pace.
    cut: Option<Instant>,
    /// When calls of the last second were answered.
    answered: VecDeque<Instant>,
}

impl State {
    fn new(ceiling: Option<f64>, now: Instant) -> Self {
        Self {
            under_way: 0,
            slots: FIRST_SLOTS,
            earned: 0,
            rate: ceiling,
            ceiling,
            tokens: ceiling.unwrap_or_default(),
            filled: now,
            closed_until: now,
            cut: None,
            answered: VecDeque::new(),
        }
    }

    fn admit(&mut self, now: Instant) -> Verdict {
        if self.under_way >= self.slots {
            return Verdict::Full;
        }
        if now < self.closed_until {
            return Verdict::At(self.closed_until);
        }
        if let Some(rate) = self.fill(now) {
            if self.tokens < 1.0 {
                let wait = Duration::from_secs_f64((1.0 - self.tokens) / rate);
                return Verdict::At(now + wait.max(Duration::from_millis(1)));
            }
            self.tokens -= 1.0;
        }
        self.under_way += 1;
        Verdict::Go
    }

    /// Brings tokens and rate up to now.
    fn fill(&mut self, now: Instant) -> Option<f64> {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        let rate = self.rate?;
        // Nothing is saved up after a refusal; a quota that is only known by name lends a second.
        let most = if self.cut.is_some() { 1.0 } else { rate.max(1.0) };
        self.tokens = (self.tokens + passed * rate).min(most);
        if self.cut.is_some() {
            let grown = rate + passed * (rate * GROWTH).max(0.5);
            self.rate = match self.ceiling {
                Some(ceiling) => Some(grown.min(ceiling)),
                None => (grown < FASTEST).then_some(grown),
            };
        }
        Some(rate)
    }

    /// `share` spreads the pause.
    fn ended(&mut self, now: Instant, began: Instant, outcome: Outcome, share: f64) {
        while self.answered.front().is_some_and(|at| now.saturating_duration_since(*at) > MEASURED)
        {
            self.answered.pop_front();
        }
        match outcome {
            Outcome::Lost => {}
            Outcome::Answered => {
                // What is above the fastest rate needs no exact measure.
                if self.answered.len() < 4096 {
                    self.answered.push_back(now);
                }
                self.earned += 1;
                if self.earned >= SUCCESSES_PER_SLOT && self.slots < MOST_SLOTS {
                    self.earned = 0;
                    self.slots += 1;
                }
            }
            // Those that were on their way already say nothing new.
            Outcome::Throttled(_) if self.cut.is_some_and(|cut| began < cut) => {}
            Outcome::Throttled(after) => {
                self.fill(now);
                #[expect(clippy::cast_precision_loss, reason = "at most 4096")]
                let measured = self.answered.len() as f64;
                let fastest = self.rate.unwrap_or(FASTEST);
                self.rate = Some((measured.min(fastest) * BACK_OFF).max(SLOWEST));
                self.tokens = 0.0;
                self.slots = FIRST_SLOTS;
                self.earned = 0;
                self.cut = Some(now);
                let pause = after.unwrap_or(PAUSE).clamp(PAUSE, LONGEST_PAUSE);
                self.closed_until = now + pause + PAUSE.mul_f64(share);
            }
        }
    }
}

#[cfg(test)]
mod tests;
