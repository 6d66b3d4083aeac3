//! Trouble on demand: latency, errors, connections that break, answers that stop half-way.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use crate::error::AwsError;
use crate::ids::Ids;
use crate::policy::glob;

/// The rules in force; none at first. Of the rules that match a call, all latencies apply and the
/// first other effect.
#[derive(Debug, Default)]
pub struct Faults {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<(FaultId, Rule, u64)>,
    next: u64,
}

/// Names a rule that was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultId(u64);

/// Which calls get into which trouble.
///
/// ```
/// use extsecret_test_aws::{Effect, Rule};
///
/// Rule::on("secretsmanager:Get*").resource("app/*").times(2).effect(Effect::Reset);
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// `*` and `?` match as in IAM.
    operation: String,
    #[serde(default)]
    resource: Option<String>,
    #[serde(default)]
    caller: Option<String>,
    #[serde(default)]
    skip: u64,
    #[serde(default)]
    times: Option<u64>,
    #[serde(default)]
    percent: Option<u8>,
    effect: Effect,
}

/// What happens to a call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The answer comes later: by `millis`, and up to `jitter_millis` more. The operation itself is
    /// not disturbed.
    Latency {
        /// At least so long.
        millis: u64,
        /// At most so much longer.
        #[serde(default)]
        jitter_millis: u64,
    },
    /// An error of the service, such as `InternalServiceError` with 500 or `DecryptionFailure`. With
    /// [`Rule::resource`], a call about several resources reports it for the one only.
    Error {
        /// The code.
        code: String,
        /// For people.
        #[serde(default)]
        message: String,
        /// The HTTP status.
        #[serde(default = "bad_request")]
        status: u16,
    },
    /// An answer of something before the service, such as a load balancer: a status and HTML.
    Gateway {
        /// The HTTP status, such as 503.
        status: u16,
    },
    /// The connection is reset before anything was done.
    Reset,
    /// The operation is done, and the connection is reset instead of an answer.
    ResetAfter,
    /// The operation is done, and the answer ends in the middle of its body.
    Truncated,
    /// The operation is done, and the second half of the answer comes so much later.
    SlowBody {
        /// The pause.
        millis: u64,
    },
    /// The operation is done, and the answer says 200 but its body is not what was promised.
    Garbage,
    /// No answer, while the client keeps the connection.
    Hang,
}

fn bad_request() -> u16 {
    400
}

impl Rule {
    /// Calls of an operation in the notation of IAM, where `*` and `?` stand for anything:
    /// `secretsmanager:Get*`. Without [`effect`](Self::effect) they fail with
    /// `InternalServiceError`.
    pub fn on(operation: &str) -> Self {
        Self {
            operation: operation.to_owned(),
            resource: None,
            caller: None,
            skip: 0,
            times: None,
            percent: None,
            effect: Effect::error(
                500,
                "InternalServiceError",
                "An error occurred on the server side.",
            ),
        }
    }

    /// Only for a resource with such a name or ARN. Only errors can be tied to a resource.
    #[must_use]
    pub fn resource(mut self, pattern: &str) -> Self {
        self.resource = Some(pattern.to_owned());
        self
    }

    /// Only for a caller with such an ARN.
    #[must_use]
    pub fn caller(mut self, pattern: &str) -> Self {
        self.caller = Some(pattern.to_owned());
        self
    }

    /// Only so often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Only after so many calls went well.
    #[must_use]
    pub fn after(mut self, calls: u64) -> Self {
        self.skip = calls;
        self
    }

    /// Only for so many of a hundred calls, drawn from the double's seed.
    #[must_use]
    pub fn percent(mut self, percent: u8) -> Self {
        self.percent = Some(percent);
        self
    }

    /// What happens.
    #[must_use]
    pub fn effect(mut self, effect: Effect) -> Self {
        self.effect = effect;
        self
    }
}

impl Effect {
    /// An error of the service.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::Error { code: code.to_owned(), message: message.to_owned(), status }
    }

    /// What AWS says to a caller who asks too often.
    pub fn throttled() -> Self {
        Self::error(400, "ThrottlingException", "Rate exceeded")
    }

    /// What the journal calls it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Latency { .. } => "latency",
            Self::Error { .. } => "error",
            Self::Gateway { .. } => "gateway",
            Self::Reset => "reset",
            Self::ResetAfter => "reset-after",
            Self::Truncated => "truncated",
            Self::SlowBody { .. } => "slow-body",
            Self::Garbage => "garbage",
            Self::Hang => "hang",
        }
    }
}

/// What the rules ask for one call.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    pub(crate) latency: Duration,
    pub(crate) effect: Option<Effect>,
}

impl Faults {
    /// Adds a rule.
    pub fn add(&self, rule: Rule) -> FaultId {
        let mut state = self.lock();
        let id = FaultId(state.next);
        state.next += 1;
        state.rules.push((id, rule, 0));
        id
    }

    /// Removes a rule, if it is still there.
    pub fn remove(&self, id: FaultId) {
        self.lock().rules.retain(|(other, ..)| *other != id);
    }

    /// Removes all rules.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// How many calls a rule has met, those that it let pass included.
    pub fn met(&self, id: FaultId) -> u64 {
        self.lock().rules.iter().find(|(other, ..)| *other == id).map_or(0, |(.., met)| *met)
    }

    /// The trouble of a call before it is known what it is about.
    pub(crate) fn of_call(&self, operation: &str, caller: Option<&str>, ids: &Ids) -> Trouble {
        let mut trouble = Trouble::default();
        let mut state = self.lock();
        for (_, rule, met) in &mut state.rules {
            let is_latency = matches!(rule.effect, Effect::Latency { .. });
            // A rule that comes too late for this call is kept for the next one.
            let is_late = trouble.effect.is_some() && !is_latency;
            let is_about = rule.resource.is_none() && rule.is_about(operation, caller);
            if is_late || !is_about || !rule.hits(met, ids) {
                continue;
            }
            match &rule.effect {
                Effect::Latency { millis, jitter_millis } => {
                    let jitter = ids.below(jitter_millis.saturating_add(1));
                    trouble.latency += Duration::from_millis(millis.saturating_add(jitter));
                }
                effect => trouble.effect = Some(effect.clone()),
            }
        }
        trouble
    }

    /// The error that a call gets for one of its resources.
    pub(crate) fn of_resource(
        &self,
        operation: &str,
        caller: &str,
        resource: &[&str],
        ids: &Ids,
    ) -> Result<(), AwsError> {
        let mut state = self.lock();
        for (_, rule, met) in &mut state.rules {
            let Some(pattern) = &rule.resource else { continue };
            if !resource.iter().any(|name| glob(pattern, name))
                || !rule.is_about(operation, Some(caller))
                || !rule.hits(met, ids)
            {
                continue;
            }
            if let Effect::Error { code, message, status } = &rule.effect {
                return Err(AwsError::new(code.clone(), message.clone()).with_status(*status));
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Rule {
    fn is_about(&self, operation: &str, caller: Option<&str>) -> bool {
        let by_caller = match (&self.caller, caller) {
            (None, _) => true,
            (Some(pattern), Some(caller)) => glob(pattern, caller),
            (Some(_), None) => false,
        };
        by_caller && glob(&self.operation, operation)
    }

    fn hits(&self, met: &mut u64, ids: &Ids) -> bool {
        let number = *met;
        *met += 1;
        let in_turn =
            number >= self.skip && self.times.is_none_or(|times| number - self.skip < times);
        in_turn && self.percent.is_none_or(|percent| ids.below(100) < percent.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_hits_as_often_as_it_says() {
        let (faults, ids) = (Faults::default(), Ids::new(1));
        let id = faults.add(Rule::on("s:Get*").after(1).times(2).effect(Effect::Reset));
        let hits: Vec<_> =
            (0..4).map(|_| faults.of_call("s:GetIt", None, &ids).effect.is_some()).collect();
        assert_eq!(hits, [false, true, true, false]);
        assert!(faults.of_call("s:PutIt", None, &ids).effect.is_none());
        assert_eq!(faults.met(id), 4);
        faults.remove(id);
        assert!(faults.of_call("s:GetIt", None, &ids).effect.is_none());
    }

    #[test]
    fn latencies_add_up_and_the_first_effect_wins() {
        let (faults, ids) = (Faults::default(), Ids::new(1));
        for millis in [10, 20] {
            faults.add(Rule::on("*").effect(Effect::Latency { millis, jitter_millis: 0 }));
        }
        faults.add(Rule::on("*").effect(Effect::Truncated));
        let late = faults.add(Rule::on("*").effect(Effect::Reset));
        let trouble = faults.of_call("s:A", None, &ids);
        assert_eq!(faults.met(late), 0, "it waits for its turn");
        assert_eq!(trouble.latency, Duration::from_millis(30));
        assert_eq!(trouble.effect, Some(Effect::Truncated));
    }

    #[test]
    fn a_fault_of_a_resource_spares_the_others() {
        let (faults, ids) = (Faults::default(), Ids::new(1));
        let broken = Effect::error(400, "DecryptionFailure", "no key");
        faults.add(Rule::on("s:Get").resource("app/*").effect(broken));
        assert!(faults.of_call("s:Get", None, &ids).effect.is_none());
        let error = faults.of_resource("s:Get", "me", &["app/db"], &ids).unwrap_err();
        assert_eq!(error.code, "DecryptionFailure");
        assert!(faults.of_resource("s:Get", "me", &["web/db"], &ids).is_ok());
    }

    #[test]
    fn a_share_of_the_calls_is_hit() {
        let (faults, ids) = (Faults::default(), Ids::new(1));
        faults.add(Rule::on("*").percent(20));
        let hits = (0..1000).filter(|_| faults.of_call("s:A", None, &ids).effect.is_some()).count();
        assert!((150..250).contains(&hits), "{hits}");
    }
}
