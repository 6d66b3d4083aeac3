//! What was asked of the double: counts by operation, and a journal of calls. Never a value.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

/// Calls, by operation in the notation of IAM: `secretsmanager:GetSecretValue`.
#[derive(Debug)]
pub struct Counters {
    state: Mutex<State>,
    changed: Condvar,
    journal_length: usize,
}

#[derive(Debug, Default)]
struct State {
    received: BTreeMap<String, u64>,
    outcomes: BTreeMap<(String, String), u64>,
    connections: u64,
    journal: VecDeque<CallRecord>,
}

/// One answered call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CallRecord {
    /// `secretsmanager:GetSecretValue`.
    pub operation: String,
    /// `OK`, the error's code, or what a fault did (`reset`, `truncated`, ...).
    pub outcome: String,
    /// The ARN of the caller; none if it could not be told.
    pub caller: Option<String>,
    /// The access key that signed.
    pub access_key: Option<String>,
    /// The region of the signature.
    pub region: Option<String>,
    /// Names or ARNs of what the call was about, as far as it got.
    pub resources: Vec<String>,
    /// As in the answer's headers.
    pub request_id: String,
    /// When it came in, in the double's time.
    #[serde(serialize_with = "as_text")]
    pub at: Timestamp,
}

impl Counters {
    pub(crate) fn new(journal_length: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), journal_length }
    }

    /// How many calls of an operation came in, whatever came of them.
    pub fn calls(&self, operation: &str) -> u64 {
        self.lock().received.get(operation).copied().unwrap_or(0)
    }

    /// How many calls of an operation ended so: `OK`, an error's code, or a fault's effect.
    pub fn outcomes(&self, operation: &str, outcome: &str) -> u64 {
        let key = (operation.to_owned(), outcome.to_owned());
        self.lock().outcomes.get(&key).copied().unwrap_or(0)
    }

    /// How many connections clients have opened.
    pub fn connections(&self) -> u64 {
        self.lock().connections
    }

    /// All calls that came in, by operation.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.lock().received.clone()
    }

    /// How all calls ended, by operation and outcome.
    pub fn all_outcomes(&self) -> BTreeMap<String, BTreeMap<String, u64>> {
        let mut all: BTreeMap<String, BTreeMap<String, u64>> = BTreeMap::new();
        for ((operation, outcome), count) in &self.lock().outcomes {
            all.entry(operation.clone()).or_default().insert(outcome.clone(), *count);
        }
        all
    }

    /// The last calls, oldest first.
    pub fn journal(&self) -> Vec<CallRecord> {
        self.lock().journal.iter().cloned().collect()
    }

    /// Starts again from nothing.
    pub fn reset(&self) {
        *self.lock() = State::default();
        self.changed.notify_all();
    }

    /// Waits until at least so many calls of an operation have been answered; false if the time
    /// is over before.
    #[must_use = "false says that the calls did not come"]
    pub fn wait_for(&self, operation: &str, answered: u64, at_most: Duration) -> bool {
        let enough = |state: &mut State| {
            let done = state.outcomes.iter().filter(|((name, _), _)| name == operation);
            done.map(|(_, count)| count).sum::<u64>() < answered
        };
        let waited = self.changed.wait_timeout_while(self.lock(), at_most, enough);
        let (_state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        !timeout.timed_out()
    }

    pub(crate) fn connected(&self) {
        self.lock().connections += 1;
    }

    pub(crate) fn received(&self, operation: &str) {
        let mut state = self.lock();
        match state.received.get_mut(operation) {
            Some(count) => *count += 1,
            None => {
                state.received.insert(operation.to_owned(), 1);
            }
        }
    }

    pub(crate) fn answered(&self, record: CallRecord) {
        let mut state = self.lock();
        let key = (record.operation.clone(), record.outcome.clone());
        *state.outcomes.entry(key).or_default() += 1;
        if self.journal_length > 0 {
            if state.journal.len() >= self.journal_length {
                state.journal.pop_front();
            }
            state.journal.push_back(record);
        }
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_text<S: serde::Serializer>(moment: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(moment)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(operation: &str, outcome: &str) -> CallRecord {
        CallRecord {
            operation: operation.to_owned(),
            outcome: outcome.to_owned(),
            caller: None,
            access_key: None,
            region: None,
            resources: Vec::new(),
            request_id: String::new(),
            at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn counts_calls_and_how_they_ended() {
        let counters = Counters::new(2);
        for outcome in ["OK", "ThrottlingException", "OK"] {
            counters.received("ssm:GetParameter");
            counters.answered(record("ssm:GetParameter", outcome));
        }
        assert_eq!(counters.calls("ssm:GetParameter"), 3);
        assert_eq!(counters.outcomes("ssm:GetParameter", "OK"), 2);
        assert_eq!(counters.calls("ssm:GetParameters"), 0);
        let outcomes: Vec<_> = counters.journal().into_iter().map(|call| call.outcome).collect();
        assert_eq!(outcomes, ["ThrottlingException", "OK"], "only the last two are kept");
        counters.reset();
        assert!(counters.snapshot().is_empty());
    }

    #[test]
    fn waits_for_an_answer_of_another_thread() {
        let counters = Counters::new(0);
        std::thread::scope(|scope| {
            scope.spawn(|| counters.answered(record("sts:AssumeRole", "OK")));
            assert!(counters.wait_for("sts:AssumeRole", 1, Duration::from_mins(1)));
        });
        assert!(!counters.wait_for("sts:AssumeRole", 2, Duration::ZERO));
    }
}
