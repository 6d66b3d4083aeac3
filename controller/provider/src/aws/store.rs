//! AWS as the controller uses it: one [`Aws`] for the process, one provider for each use of a store.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extsecret_crds::SecretStoreSpec;
use extsecret_crds::duration::GoDuration;
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_engine::request::Fetch;
use futures::future::{BoxFuture, join_all};
use tokio::time::{Instant, timeout_at};

use super::call::{Paces, Retry};
use super::client::{Connections, Endpoints, Regional};
use super::credentials::{Kept, Origin};
use super::identity::{Base, Identity, identify};
use super::session::{Service, Session};
use super::sqs::{Address, Sqs};
use super::tally::{Api, Calls, Tally};
use super::unsupported;
use crate::coalesce::Memory;
use crate::provider::{
    Answer, Clock, Cluster, Provider, ProviderError, Providers, Random, Scope, Window,
};

/// How long an identity is remembered that nobody uses.
const UNUSED: Duration = Duration::from_hours(2);

/// How often it is looked for those.
const LOOK: Duration = Duration::from_mins(10);

/// What the process gives.
#[derive(Clone)]
pub struct Settings {
    /// Addresses to use instead of AWS's own.
    pub endpoints: Endpoints,
    /// What credentials are made of.
    pub cluster: Arc<dyn Cluster>,
    /// The time of day.
    pub clock: Clock,
    /// What spreads retries.
    pub random: Random,
    /// How long answers are remembered: the furthest that [`Window::since`] can usefully go back.
    pub keep: Duration,
    /// Bytes of values that are remembered at most. Beyond them values are delivered, and not shared
    /// with those who ask later.
    pub most: usize,
}

/// What was asked and what it took, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Questions: values, tags and searches that somebody wanted.
    pub asked: u64,
    /// Questions that were put to AWS; the rest shared an answer.
    pub read: u64,
    /// Calls that were not made because another brought the answer: questions that shared one, and
    /// all but the first of the values that one call brought. Never less than before.
    pub saved: u64,
    /// Calls of Secrets Manager and Parameter Store, refused and repeated ones included.
    pub calls: u64,
    /// Calls that were refused for the rate.
    pub throttled: u64,
    /// Calls of the Security Token Service.
    pub sessions: u64,
}

type Shared<K, V> = Mutex<HashMap<K, Arc<V>>>;

/// AWS for a whole process: one pool of connections, and of every identity one set of credentials,
/// one queue and one memory. Needs a runtime of tokio wherever it is used.
pub struct Aws {
    settings: Settings,
    connections: Connections,
    regions: tokio::sync::Mutex<HashMap<String, Arc<Regional>>>,
    credentials: Shared<(String, Identity), Kept>,
    sessions: Shared<(String, Identity, Retry), Session>,
    looked: Mutex<Instant>,
    paces: Arc<Paces>,
    memory: Arc<Memory>,
    tally: Arc<Tally>,
}

impl fmt::Debug for Aws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Aws").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Aws {
    /// Gets ready; nothing is sent yet.
    ///
    /// # Errors
    /// If there can be no connections, as when the system has no certificates.
    pub fn new(settings: Settings) -> Result<Self, ProviderError> {
        let tally = Arc::default();
        Ok(Self {
            connections: Connections::new()?,
            regions: tokio::sync::Mutex::default(),
            credentials: Mutex::default(),
            sessions: Mutex::default(),
            looked: Mutex::new(Instant::now()),
            paces: Paces::new(Arc::clone(&settings.random), &tally),
            memory: Arc::new(Memory::new(settings.keep, settings.most)),
            tally,
            settings,
        })
    }

    /// What was asked and what it took.
    pub fn counts(&self) -> Counts {
        let load = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counts {
            asked: load(&self.memory.asked),
            read: load(&self.memory.read),
            saved: load(&self.memory.shared).saturating_add(load(&self.paces.counts.spared)),
            calls: load(&self.paces.counts.calls),
            throttled: load(&self.paces.counts.throttled),
            sessions: self.tally.of(Api::Sts),
        }
    }

    /// Calls by operation and end, of all services: ESO's metric `externalsecret_provider_api_calls_count`
    /// and more. What the SDK asks of the Security Token Service itself, for a token file of the process,
    /// is not among them.
    pub fn calls(&self) -> Vec<Calls> {
        self.tally.all()
    }

    /// Identities that are remembered, each with its credentials: for metrics.
    pub fn identities(&self) -> usize {
        lock(&self.credentials).len()
    }

    /// One queue, read with what the process itself has. Nothing is sent yet, unless the machine has
    /// to be asked for the region.
    pub(crate) async fn sqs(
        &self,
        address: Address,
        endpoint: Option<&str>,
    ) -> Result<Sqs, ProviderError> {
        let region = match address.region() {
            Some(region) => region.to_owned(),
            None => self.connections.own_region().await.ok_or_else(|| address.lacks_region())?,
        };
        let regional = self.regional(&region).await;
        let own = Identity { base: Base::Own, hops: Vec::new() };
        let credentials = self.credentials(&regional, &own, None)?;
        // Its calls are not among those for values, and neither is its pace.
        let paces = Paces::new(self.random(), &self.tally);
        Ok(regional.queue(&credentials, &paces, address, endpoint))
    }

    pub(crate) fn clock(&self) -> Clock {
        Arc::clone(&self.settings.clock)
    }

    pub(crate) fn random(&self) -> Random {
        Arc::clone(&self.settings.random)
    }

    async fn session(
        &self,
        aws: &AwsProvider,
        spec: &SecretStoreSpec,
        scope: &Scope,
    ) -> Result<Arc<Session>, ProviderError> {
        let store = &scope.store;
        if !is_region(&aws.region) {
            return Err(ProviderError::Invalid(format!(
                "{store}: {:?} is not the name of an AWS region, such as eu-west-1",
                aws.region
            )));
        }
        let retry = retry(spec, scope)?;
        let (identity, written) = identify(aws, scope, &*self.settings.cluster).await?;
        let key = (aws.region.clone(), identity, retry);
        if let Some(session) = lock(&self.sessions).get(&key) {
            session.touch();
            return Ok(Arc::clone(session));
        }
        self.forget_unused();
        let regional = self.regional(&aws.region).await;
        let credentials = self.credentials(&regional, &key.1, written)?;
        let mut sessions = lock(&self.sessions);
        let session = sessions.entry(key).or_insert_with(|| {
            let client = regional.client(&credentials, &self.paces, retry, None);
            Arc::new(Session::new(&client, &self.memory))
        });
        session.touch();
        Ok(Arc::clone(session))
    }

    async fn regional(&self, region: &str) -> Arc<Regional> {
        let mut regions = self.regions.lock().await;
        if let Some(regional) = regions.get(region) {
            return Arc::clone(regional);
        }
        let endpoints = &self.settings.endpoints;
        let regional = Arc::new(Regional::load(&self.connections, region, endpoints).await);
        regions.insert(region.to_owned(), Arc::clone(&regional));
        regional
    }

    /// The credentials of an identity, and of all that it is reached through: roles that are
    /// assumed from the same session share it.
    fn credentials(
        &self,
        regional: &Regional,
        identity: &Identity,
        written: Option<aws_credential_types::Credentials>,
    ) -> Result<Arc<Kept>, ProviderError> {
        let sts = || regional.sts(&self.tally);
        let mut all = lock(&self.credentials);
        let mut kept_as = |hops: usize, origin: Origin| {
            let hops = identity.hops.iter().take(hops).cloned().collect();
            let identity = Identity { base: identity.base.clone(), hops };
            let new = || Arc::new(Kept::new(origin, Arc::clone(&self.settings.clock)));
            Arc::clone(all.entry((regional.region.clone(), identity)).or_insert_with(new))
        };
        let base = match (&identity.base, written) {
            (Base::Own, _) => regional.own()?,
            (Base::Written(_), Some(credentials)) => Origin::Written(credentials),
            (Base::Written(_), None) => {
                return Err(ProviderError::Invalid("there is no access key".to_owned()));
            }
            (Base::WebIdentity(identity), _) => Origin::WebIdentity {
                sts: sts(),
                cluster: Arc::clone(&self.settings.cluster),
                identity: identity.clone(),
            },
        };
        let mut kept = kept_as(0, base);
        for (index, hop) in identity.hops.iter().enumerate() {
            let origin = Origin::Role { sts: sts(), from: kept, hop: hop.clone() };
            kept = kept_as(index + 1, origin);
        }
        Ok(kept)
    }

    /// Lets identities go that nobody uses any more, such as those of keys that were replaced.
    fn forget_unused(&self) {
        {
            let mut looked = lock(&self.looked);
            if looked.elapsed() < LOOK {
                return;
            }
            *looked = Instant::now();
        }
        let is_used = |session: &Arc<Session>| {
            Arc::strong_count(session) > 1 || session.used().elapsed() < UNUSED
        };
        lock(&self.sessions).retain(|_, session| is_used(session));
        let mut credentials = lock(&self.credentials);
        // A role holds what it is assumed with, so the last of a chain goes first.
        loop {
            let before = credentials.len();
            credentials.retain(|_, kept| Arc::strong_count(kept) > 1);
            if credentials.len() == before {
                break;
            }
        }
        self.paces.forget_unused();
    }
}

/// Whether it looks like a region. New ones appear, so there is no list.
pub(super) fn is_region(name: &str) -> bool {
    let mut parts = name.split('-');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let is_word = |text: &str| text.len() > 1 && text.bytes().all(|byte| byte.is_ascii_lowercase());
    match rest.split_last() {
        Some((number, words)) if !words.is_empty() => {
            is_word(first)
                && words.iter().all(|word| is_word(word))
                && !number.is_empty()
                && number.bytes().all(|byte| byte.is_ascii_digit())
        }
        _ => false,
    }
}

/// `retrySettings`: as many attempts as it says, with a fixed pause if it names one.
fn retry(spec: &SecretStoreSpec, scope: &Scope) -> Result<Retry, ProviderError> {
    let Some(settings) = &spec.retry_settings else { return Ok(Retry::default()) };
    let attempts = settings.max_retries.and_then(|many| u32::try_from(many).ok());
    let pause = match settings.retry_interval.as_deref().filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(interval(text).ok_or_else(|| {
            ProviderError::Invalid(format!(
                "{}: retrySettings.retryInterval {text:?} is not a duration such as 10s",
                scope.store
            ))
        })?),
    };
    let attempts = attempts.filter(|many| *many > 0).unwrap_or(Retry::default().attempts);
    Ok(Retry::new(attempts.min(100), pause))
}

fn interval(text: &str) -> Option<Duration> {
    let interval: GoDuration = text.parse().ok()?;
    u64::try_from(interval.nanoseconds()).ok().map(Duration::from_nanos)
}

impl Providers for Aws {
    fn connect<'a>(
        &'a self,
        spec: &'a SecretStoreSpec,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Arc<dyn Provider>, ProviderError>> {
        Box::pin(async move {
            let Some(aws) = &spec.provider.aws else {
                let names = spec.provider.names().join(" and ");
                let names = if names.is_empty() { "no provider".to_owned() } else { names };
                return Err(ProviderError::Invalid(format!(
                    "{}: it is for {names}, and only aws is supported",
                    scope.store
                )));
            };
            let service = match &aws.service {
                AwsService::SecretsManager => Service::Secrets,
                AwsService::ParameterStore => Service::Parameters,
                service => return Err(unsupported(service)),
            };
            let session = self.session(aws, spec, scope).await?;
            let prefix = aws.prefix.clone().unwrap_or_default();
            let provider: Arc<dyn Provider> = Arc::new(Store { session, service, prefix });
            Ok(provider)
        })
    }
}

/// One use of a store.
struct Store {
    session: Arc<Session>,
    service: Service,
    prefix: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of AWS", self.service)
    }
}

fn late() -> ProviderError {
    ProviderError::Transient("AWS: no answer in time".to_owned())
}

impl Provider for Store {
    fn fetch<'a>(
        &'a self,
        wanted: &'a [Fetch],
        window: Window,
    ) -> BoxFuture<'a, Vec<Result<Answer, ProviderError>>> {
        let ask = move |fetch: &'a Fetch| async move {
            let answer = self.session.ask(self.service, &self.prefix, fetch, window.since);
            let answer = timeout_at(window.deadline, answer).await;
            let (value, began) = answer.map_err(|_| late())??;
            Ok(Answer { fetched: value.to_fetched(), began })
        };
        Box::pin(async move {
            self.session.touch();
            join_all(wanted.iter().map(ask)).await
        })
    }

    fn check(&self, deadline: Instant) -> BoxFuture<'_, Result<(), ProviderError>> {
        Box::pin(async move {
            let credentials = timeout_at(deadline, self.session.credentials.get()).await;
            credentials.map_err(|_| late())?.map(drop)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_told_by_its_shape() {
        for region in ["eu-west-1", "us-gov-east-1", "us-iso-west-1", "ap-southeast-12"] {
            assert!(is_region(region), "{region}");
        }
        for region in
            ["", "eu", "west-1", "eu-west", "EU-west-1", "eu-west-1/x", "eu--1", "a.b-c-1"]
        {
            assert!(!is_region(region), "{region}");
        }
    }
}
