//! One of several replicas works, the others wait: leader election over a Lease of the API server.
//!
//! The protocol and its times are client-go's. A replica that cannot renew its Lease stops before any
//! other may take it, whatever keeps it from renewing: an API server that hangs as well as one that
//! refuses. Only times that passed on this machine are compared, never the clocks of two, and every
//! write carries the version of the Lease that it is based on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};

/// How long a Lease is respected that nobody renews.
const DURATION: Duration = Duration::from_secs(15);

/// How long its holder tries to renew it before it gives up; the rest is its time to stop.
const RENEW_DEADLINE: Duration = Duration::from_secs(10);

/// How often it is renewed, and how often others look at it.
const PERIOD: Duration = Duration::from_secs(2);

/// How long one attempt may take. The client's own read timeout is none.
const PATIENCE: Duration = Duration::from_secs(5);

/// The Lease of External Secrets Operator. Two operators that hold one Lease would both believe that
/// the other's work is theirs.
const ESO_LEASE: &str = "external-secrets-controller";

/// The Lease, held and renewed in the background.
#[derive(Debug)]
pub(crate) struct Leadership {
    claim: Arc<Claim>,
    /// Ends when the Lease is lost.
    keeping: JoinHandle<()>,
}

/// Somebody's claim to a Lease.
struct Claim {
    api: Api<Lease>,
    name: String,
    identity: String,
    clock: fn() -> Timestamp,
}

/// A Lease that is held, as it was last written, and when that request began.
struct Held {
    lease: Lease,
    at: Instant,
}

/// What another's Lease said, and when it was first seen to say so.
struct Seen {
    spec: LeaseSpec,
    at: Instant,
}

/// How an attempt ended.
enum Attempt {
    Held(Box<Held>),
    /// Another holds the Lease, or was faster.
    Other(String),
}

impl Leadership {
    /// Waits until the Lease is held. The API server may be away meanwhile.
    ///
    /// `identity` stands for one process, or for processes that never run at the same time, such as
    /// those of one pod: whoever has it takes the Lease over at once. `clock` is for people who read
    /// the Lease.
    ///
    /// # Errors
    /// If the Lease or the identity must not be used.
    pub(crate) async fn acquire(
        client: Client,
        namespace: &str,
        lease: &str,
        identity: &str,
        clock: fn() -> Timestamp,
    ) -> anyhow::Result<Self> {
        ensure!(
            lease != ESO_LEASE,
            "the Lease {lease} is External Secrets Operator's: choose another name"
        );
        ensure!(!lease.is_empty() && !identity.is_empty(), "a Lease and its holder need names");
        let claim = Arc::new(Claim {
            api: Api::namespaced(client, namespace),
            name: lease.to_owned(),
            identity: identity.to_owned(),
            clock,
        });
        let held = claim.wait().await;
        tracing::info!(lease, identity, "leading");
        let keeper = Arc::clone(&claim);
        let keeping = tokio::spawn(async move { keeper.keep(held).await });
        Ok(Self { claim, keeping })
    }

    /// Ends when the Lease is lost, at the latest [`RENEW_DEADLINE`] after it was last renewed. The
    /// process has to end then: in the rest of [`DURATION`], before another begins.
    pub(crate) async fn lost(&mut self) {
        if !self.keeping.is_finished() {
            // A keeper that panicked keeps nothing, either.
            let _ = (&mut self.keeping).await;
        }
    }

    /// Gives the Lease up, so that another may take it at once. A Lease that is lost is left alone.
    pub(crate) async fn release(mut self) {
        self.keeping.abort();
        self.lost().await;
        match timeout(PATIENCE, self.claim.give_up()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                let cause = format!("{error:#}");
                tracing::warn!(cause, "the Lease is not given up: the next leader waits for it");
            }
            Err(_) => tracing::warn!("the Lease is not given up in time: the next leader waits"),
        }
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        // Whoever drops it works no more, and must not keep others from working.
        self.keeping.abort();
    }
}

impl Claim {
    async fn wait(&self) -> Box<Held> {
        let mut seen = None;
        // What was said last: an API server that is away for an hour is told once.
        let mut told = String::new();
        loop {
            let begun = Instant::now();
            let obstacle = match timeout(PATIENCE, self.take(&mut seen)).await {
                Ok(Ok(Attempt::Held(held))) => return held,
                Ok(Ok(Attempt::Other(holder))) => format!("{holder} leads"),
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "the API server does not answer".to_owned(),
            };
            if obstacle != told {
                tracing::info!(lease = self.name, cause = obstacle, "waiting to lead");
                told = obstacle;
            }
            // Those who wait for the same Lease should not ask at the same moments.
            let spread = getrandom::u32().unwrap_or_default() % 500;
            sleep_until(begun + PERIOD + Duration::from_millis(u64::from(spread))).await;
        }
    }

    /// Takes the Lease if nobody holds it.
    async fn take(&self, seen: &mut Option<Seen>) -> anyhow::Result<Attempt> {
        let at = Instant::now();
        let Some(lease) = self.read().await? else {
            return self.create(at).await;
        };
        let spec = lease.spec.clone().unwrap_or_default();
        if let Some(holder) = holder(&spec).filter(|holder| *holder != self.identity) {
            let holder = holder.to_owned();
            let seconds = spec.lease_duration_seconds.and_then(|it| u64::try_from(it).ok());
            let duration = seconds.map_or(DURATION, Duration::from_secs);
            let since = match seen {
                Some(seen) if seen.spec == spec => seen.at,
                _ => {
                    // The answer may be older than this moment, but not younger.
                    let at = Instant::now();
                    *seen = Some(Seen { spec, at });
                    at
                }
            };
            if since.elapsed() < duration {
                return Ok(Attempt::Other(holder));
            }
        }
        self.write(lease, at).await
    }

    /// Renews the Lease until it is lost.
    async fn keep(&self, mut held: Box<Held>) {
        let mut told = false;
        let mut next = held.at + PERIOD;
        loop {
            let deadline = held.at + RENEW_DEADLINE;
            sleep_until(next.min(deadline)).await;
            // This also ends it after a pause of the whole process.
            let begun = Instant::now();
            if begun >= deadline {
                tracing::error!(lease = self.name, "the Lease could not be renewed in time");
                return;
            }
            next = begun + PERIOD;
            let cause = match timeout_at(deadline.min(begun + PATIENCE), self.renew(&held)).await {
                Ok(Ok(Attempt::Held(renewed))) => {
                    held = renewed;
                    told = false;
                    continue;
                }
                Ok(Ok(Attempt::Other(holder))) => {
                    tracing::error!(lease = self.name, holder, "another has taken the Lease");
                    return;
                }
                Ok(Err(error)) => format!("{error:#}"),
                Err(_) => "the API server does not answer".to_owned(),
            };
            if !told {
                tracing::warn!(lease = self.name, cause, "the Lease is not renewed yet");
                told = true;
            }
        }
    }

    async fn renew(&self, held: &Held) -> anyhow::Result<Attempt> {
        let at = Instant::now();
        match self.write(held.lease.clone(), at).await? {
            Attempt::Held(held) => return Ok(Attempt::Held(held)),
            // Somebody wrote it: another leader, a person who set a label, or this process in a
            // request whose answer never came.
            Attempt::Other(_) => {}
        }
        let Some(lease) = self.read().await? else {
            return self.create(at).await;
        };
        match lease.spec.as_ref().and_then(holder) {
            Some(holder) if holder == self.identity => self.write(lease, at).await,
            holder => Ok(Attempt::Other(holder.unwrap_or("nobody").to_owned())),
        }
    }

    async fn read(&self) -> anyhow::Result<Option<Lease>> {
        self.api.get_opt(&self.name).await.map_err(brief).context("cannot read the Lease")
    }

    async fn create(&self, at: Instant) -> anyhow::Result<Attempt> {
        let metadata = ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() };
        let mut lease = Lease { metadata, spec: None };
        self.sign(&mut lease);
        let created = self.api.create(&PostParams::default(), &lease).await;
        attempt(created, at).context("cannot create the Lease")
    }

    /// Writes that the Lease is this one's, if it is as `lease` says.
    async fn write(&self, mut lease: Lease, at: Instant) -> anyhow::Result<Attempt> {
        self.sign(&mut lease);
        let written = self.api.replace(&self.name, &PostParams::default(), &lease).await;
        attempt(written, at).context("cannot write the Lease")
    }

    fn sign(&self, lease: &mut Lease) {
        let now = MicroTime((self.clock)());
        let spec = lease.spec.get_or_insert_default();
        if holder(spec) != Some(&self.identity) {
            let before = spec.lease_transitions;
            // The first holder is no transition.
            spec.lease_transitions = Some(before.map_or(0, |count| count.saturating_add(1)));
            spec.holder_identity = Some(self.identity.clone());
            spec.acquire_time = Some(now.clone());
        }
        spec.renew_time = Some(now);
        spec.lease_duration_seconds = i32::try_from(DURATION.as_secs()).ok();
    }

    async fn give_up(&self) -> anyhow::Result<()> {
        loop {
            let Some(mut lease) = self.read().await? else { return Ok(()) };
            let Some(spec) = lease.spec.as_mut() else { return Ok(()) };
            if holder(spec) != Some(&self.identity) {
                return Ok(());
            }
            spec.holder_identity = Some(String::new());
            spec.renew_time = Some(MicroTime((self.clock)()));
            // What is respected of a Lease without a holder, by those who do not look at that.
            spec.lease_duration_seconds = Some(1);
            match self.api.replace(&self.name, &PostParams::default(), &lease).await {
                Ok(_) => return Ok(()),
                // A renewal that was under way has arrived after all.
                Err(kube::Error::Api(status)) if status.code == 409 => {
                    sleep(Duration::from_millis(100)).await;
                }
                Err(error) => return Err(brief(error)).context("cannot write the Lease"),
            }
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "claim of {} to the Lease {}", self.identity, self.name)
    }
}

fn attempt(answer: kube::Result<Lease>, at: Instant) -> anyhow::Result<Attempt> {
    match answer {
        Ok(lease) => Ok(Attempt::Held(Box::new(Held { lease, at }))),
        // Created, changed or deleted by somebody else.
        Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {
            Ok(Attempt::Other("somebody else".to_owned()))
        }
        Err(error) => Err(brief(error)),
    }
}

fn holder(spec: &LeaseSpec) -> Option<&str> {
    spec.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// The error without the dump of the answer that kube puts behind it.
fn brief(error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) => anyhow::anyhow!("{} {}", status.code, status.message),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests;
