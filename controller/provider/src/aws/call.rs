//! One call: in its turn, with the credentials of the moment, and again where that can help.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::credentials::Kept;
use super::error::Call;
use super::tally::Tally;
use crate::pace::{Outcome, Pace, Turn};
use crate::provider::{ProviderError, Random};

/// Attempts at a call that gets no answer, if the store does not say otherwise.
pub(super) const ATTEMPTS: u32 = 3;

/// Attempts at a call that is refused for the rate. The pace spaces them.
const ATTEMPTS_WHEN_THROTTLED: u32 = 6;

/// What the first pause between two attempts is drawn from; the next are each twice as long.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// After so much time without an answer no further attempt is made, if the store does not say
/// otherwise: whoever asks can tell somebody, and comes back.
pub(super) const LOST: Duration = Duration::from_secs(10);

/// What the last pause is drawn from.
const LAST_PAUSE: Duration = Duration::from_secs(5);

/// Operations that share a quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Group {
    Secret,
    SecretBatch,
    SecretList,
    Parameter,
    ParameterList,
    ParameterTags,
    Queue,
}

impl Group {
    /// Calls a second that are known to be too many, a little less than that: AWS's default quotas
    /// where they are within reach of a fleet. They can be raised there; batches make up for it.
    fn ceiling(self) -> Option<f64> {
        match self {
            Self::Secret | Self::ParameterTags | Self::Queue => None,
            Self::SecretBatch | Self::SecretList => Some(80.0),
            Self::Parameter => Some(36.0),
            Self::ParameterList => Some(4.0),
        }
    }
}

/// What has been asked of AWS, since the start.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) calls: AtomicU64,
    pub(super) throttled: AtomicU64,
    /// Calls that one for several made unnecessary.
    pub(super) spared: AtomicU64,
}

impl Counts {
    pub(super) fn spare(&self, calls: usize) {
        self.spared.fetch_add(u64::try_from(calls).unwrap_or_default(), Ordering::Relaxed);
    }
}

/// What has a pace: an account, a region, and operations there.
type Quota = (Arc<str>, String, Group);

/// The paces of all accounts and regions.
pub(super) struct Paces {
    all: Mutex<HashMap<Quota, Arc<Pace>>>,
    pub(super) random: Random,
    pub(super) counts: Counts,
    tally: Arc<Tally>,
}

impl Paces {
    pub(super) fn new(random: Random, tally: &Arc<Tally>) -> Arc<Self> {
        let (all, counts, tally) = (Mutex::default(), Counts::default(), Arc::clone(tally));
        Arc::new(Self { all, random, counts, tally })
    }

    fn of(&self, account: &Arc<str>, region: &str, group: Group) -> Arc<Pace> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (Arc::clone(account), region.to_owned(), group);
        let new = || Arc::new(Pace::new(group.ceiling(), Arc::clone(&self.random)));
        Arc::clone(all.entry(key).or_insert_with(new))
    }

    /// Forgets those of access keys, which come and go. Those of accounts stay: there are few, and
    /// what was found out about their quotas is worth more.
    pub(super) fn forget_unused(&self) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(account, ..), pace| is_account(account) || Arc::strong_count(pace) > 1);
    }
}

fn is_account(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_digit())
}

/// How calls are tried again: `retrySettings` of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Retry {
    pub(super) attempts: u32,
    /// Attempts if the call is refused for the rate.
    pub(super) when_throttled: u32,
    /// After so much time without an answer it is the last.
    lost: Option<Duration>,
    /// A fixed pause between attempts; else a random one that grows.
    pub(super) pause: Option<Duration>,
}

impl Default for Retry {
    fn default() -> Self {
        Self { lost: Some(LOST), ..Self::new(ATTEMPTS, None) }
    }
}

impl Retry {
    /// So many attempts, and more if only the rate is the trouble.
    pub(super) fn new(attempts: u32, pause: Option<Duration>) -> Self {
        let when_throttled = ATTEMPTS_WHEN_THROTTLED.max(attempts);
        Self { attempts, when_throttled, lost: None, pause }
    }

    /// One attempt whatever comes of it: whoever calls comes back anyway.
    pub(super) fn never() -> Self {
        Self { attempts: 1, when_throttled: 1, lost: None, pause: None }
    }

    /// `tried` counts the attempts that were made.
    fn pause(self, tried: u32, random: &Random) -> Duration {
        self.pause.unwrap_or_else(|| {
            let most = FIRST_PAUSE.saturating_mul(1 << tried.saturating_sub(1).min(10));
            most.min(LAST_PAUSE).mul_f64(random().clamp(0.0, 1.0))
        })
    }
}

/// Makes the calls of one identity in one region.
#[derive(Clone)]
pub(super) struct Caller {
    pub(super) credentials: Arc<Kept>,
    pub(super) paces: Arc<Paces>,
    pub(super) region: String,
    pub(super) retry: Retry,
    /// For one call with all its attempts.
    pub(super) deadline: Option<Duration>,
}

impl Caller {
    /// Waits until a call of this group may be made.
    pub(super) async fn turn(&self, group: Group) -> Result<Turn, ProviderError> {
        let held = self.credentials.get().await?;
        Ok(self.paces.of(&held.account, &self.region, group).turn().await)
    }

    /// Makes a call, and makes it again as long as that can help. `turn` is for the first attempt,
    /// if the caller has waited for one already.
    pub(super) async fn run<T, F>(
        &self,
        call: &Call<'_>,
        group: Group,
        turn: Option<Turn>,
        send: impl Fn() -> F + Send + Sync,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        let is_sent = AtomicBool::new(false);
        let all = self.attempts(group, turn, send, &is_sent);
        let answer = match self.deadline {
            None => all.await,
            Some(deadline) => match tokio::time::timeout(deadline, all).await {
                Ok(answer) => answer,
                Err(_) => Err(ProviderError::Transient("AWS: no answer in time".to_owned())),
            },
        };
        if is_sent.into_inner() {
            self.paces.tally.ended(call.api, call.operation, answer.is_ok());
        }
        answer
    }

    async fn attempts<T, F>(
        &self,
        group: Group,
        mut turn: Option<Turn>,
        send: impl Fn() -> F + Send + Sync,
        is_sent: &AtomicBool,
    ) -> Result<T, ProviderError>
    where
        F: Future<Output = Result<T, ProviderError>> + Send,
    {
        let (mut lost, mut throttled, mut rejected) = (0, 0, 0);
        let mut lost_time = Duration::ZERO;
        loop {
            let held = self.credentials.get().await?;
            let this_turn = match turn.take() {
                Some(turn) => turn,
                None => self.paces.of(&held.account, &self.region, group).turn().await,
            };
            let counts = &self.paces.counts;
            counts.calls.fetch_add(1, Ordering::Relaxed);
            is_sent.store(true, Ordering::Relaxed);
            let began = Instant::now();
            // What the SDK logs may hold whole answers and the headers that sign requests.
            let answer = send().with_subscriber(NoSubscriber::new()).await;
            let error = match answer {
                Ok(answer) => {
                    held.worked();
                    this_turn.report(Outcome::Answered);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            tracing::debug!(
                region = self.region,
                operations = ?group,
                category = error.category(),
                %error,
                "AWS refused a call or did not answer"
            );
            match &error {
                ProviderError::Throttled { retry_after, .. } => {
                    counts.throttled.fetch_add(1, Ordering::Relaxed);
                    this_turn.report(Outcome::Throttled(*retry_after));
                    throttled += 1;
                    if throttled >= self.retry.when_throttled {
                        return Err(error);
                    }
                }
                ProviderError::Transient(_) => {
                    this_turn.report(Outcome::Lost);
                    lost += 1;
                    lost_time += began.elapsed();
                    let is_over = self.retry.lost.is_some_and(|most| lost_time >= most);
                    if lost >= self.retry.attempts || is_over {
                        return Err(error);
                    }
                    tokio::time::sleep(self.retry.pause(lost, &self.paces.random)).await;
                }
                ProviderError::Rejected(_) => {
                    this_turn.report(Outcome::Answered);
                    rejected += 1;
                    if rejected > 1 || !self.credentials.reject(held.generation).await {
                        return Err(error);
                    }
                }
                _ => {
                    held.worked();
                    this_turn.report(Outcome::Answered);
                    return Err(error);
                }
            }
        }
    }
}

/// A moment until which something is not tried.
#[derive(Debug, Default)]
pub(super) struct NotBefore(Mutex<Option<Instant>>);

impl NotBefore {
    pub(super) fn is_over(&self) -> bool {
        let until = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| until <= Instant::now())
    }

    pub(super) fn set(&self, pause: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + pause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_spread() {
        let random: Random = Arc::new(|| 0.5);
        let retry = Retry::default();
        assert_eq!(retry.pause(1, &random), Duration::from_millis(50));
        assert_eq!(retry.pause(3, &random), Duration::from_millis(200));
        assert_eq!(retry.pause(60, &random), LAST_PAUSE / 2);
        let fixed = Retry::new(5, Some(Duration::from_secs(7)));
        assert_eq!(fixed.pause(4, &random), Duration::from_secs(7));
    }
}
