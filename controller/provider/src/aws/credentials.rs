//! Credentials that are kept and renewed in time: however many calls are made, the Security Token
//! Service is asked once an hour.
//!
//! Of many who need the same credentials one gets them; the others wait and share what came of it,
//! a failure too. While old ones are good, a failed renewal is nobody's problem.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_credential_types::attributes::AccountId;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{
    ProvideCredentials, SharedCredentialsProvider, future::ProvideCredentials as Provided,
};
use aws_sdk_sts::error::SdkError;
use aws_sdk_sts::types::{Credentials as StsCredentials, Tag};
use futures::future::BoxFuture;
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::instrument::WithSubscriber as _;
use tracing::subscriber::NoSubscriber;

use super::error::Call;
use super::identity::{Hop, WebIdentity};
use super::tally::{Api, Tally};
use crate::provider::{Clock, Cluster, ProviderError};

/// The name of sessions, as CloudTrail shows it and a trust policy may ask for it.
const SESSION: &str = "external-secrets-provider-aws";

/// How long before their end credentials are renewed, at most; short-lived ones are used for three
/// quarters of their time.
const EARLY: Duration = Duration::from_mins(5);

/// How often credentials without an end are looked up again: a profile's file may change.
const LOOK_AGAIN: Duration = Duration::from_mins(15);

/// How long getting credentials may take, with everything that it needs.
const DEADLINE: Duration = Duration::from_secs(20);

/// How long nobody tries again after failures, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(16);

/// Credentials younger than this that never worked are not renewed for being refused.
const YOUNG: Duration = Duration::from_secs(30);

/// Where credentials come from.
pub(super) enum Origin {
    /// What the process itself has: environment, profile, container (EKS Pod Identity), token file
    /// (IRSA), instance.
    Own(SharedCredentialsProvider),
    /// An access key that somebody wrote down.
    Written(Credentials),
    /// The token of a ServiceAccount.
    WebIdentity { sts: Sts, cluster: Arc<dyn Cluster>, identity: WebIdentity },
    /// A role, with other credentials.
    Role { sts: Sts, from: Arc<Kept>, hop: Hop },
}

/// The Security Token Service in one region.
#[derive(Clone)]
pub(super) struct Sts {
    /// Without credentials.
    pub(super) config: aws_sdk_sts::Config,
    pub(super) region: String,
    pub(super) tally: Arc<Tally>,
}

/// Credentials of one identity.
pub(super) struct Kept {
    origin: Origin,
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    held: Option<Held>,
    generation: u64,
    failure: Option<Failure>,
}

struct Failure {
    error: ProviderError,
    /// When it was known.
    at: Instant,
    pause: Duration,
}

/// Credentials of the moment.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) credentials: Credentials,
    /// The account, or a stand-in that is one account's only. Not for showing.
    pub(super) account: Arc<str>,
    pub(super) generation: u64,
    renew_at: SystemTime,
    got_at: Instant,
    has_worked: Arc<AtomicBool>,
}

impl Held {
    /// The service has taken them.
    pub(super) fn worked(&self) {
        self.has_worked.store(true, Ordering::Relaxed);
    }
}

impl Kept {
    pub(super) fn new(origin: Origin, clock: Clock) -> Self {
        Self { origin, clock, state: Mutex::default() }
    }

    /// Credentials that are good now.
    pub(super) async fn get(&self) -> Result<Held, ProviderError> {
        let arrived = Instant::now();
        let mut state = self.state.lock().await;
        let now = (self.clock)();
        if let Some(held) = state.held.as_ref().filter(|held| now < held.renew_at) {
            return Ok(held.clone());
        }
        let old =
            state.held.clone().filter(|held| held.credentials.expiry().is_none_or(|end| now < end));
        if let Some(failure) = &state.failure
            && (failure.at >= arrived || arrived < failure.at + failure.pause)
        {
            return old.ok_or_else(|| failure.error.clone());
        }
        let made = tokio::time::timeout(DEADLINE, self.origin.make()).await;
        let made = made.unwrap_or_else(|_| {
            let cause = format!("{}: no credentials in {DEADLINE:?}", self.origin);
            Err(ProviderError::Transient(cause))
        });
        match made {
            Ok((credentials, account)) => {
                state.generation += 1;
                state.failure = None;
                let held = Held {
                    account: account.into(),
                    generation: state.generation,
                    renew_at: renew_at((self.clock)(), credentials.expiry()),
                    got_at: Instant::now(),
                    has_worked: Arc::default(),
                    credentials,
                };
                state.held = Some(held.clone());
                Ok(held)
            }
            Err(error) => {
                let before = state.failure.as_ref().map(|failure| failure.pause * 2);
                let pause = before.unwrap_or(Duration::from_secs(1)).min(LONGEST_PAUSE);
                state.failure = Some(Failure { error: error.clone(), at: Instant::now(), pause });
                old.ok_or(error)
            }
        }
    }

    /// The service did not take the credentials of this generation. Returns whether it is worth
    /// trying with others.
    pub(super) async fn reject(&self, generation: u64) -> bool {
        let mut state = self.state.lock().await;
        let Some(held) = &state.held else { return true };
        if held.generation != generation {
            return true;
        }
        let is_old = held.got_at.elapsed() > YOUNG || held.has_worked.load(Ordering::Relaxed);
        if matches!(self.origin, Origin::Written(_)) || !is_old {
            return false;
        }
        state.held = None;
        true
    }
}

/// When to renew credentials that end at `expiry`.
fn renew_at(now: SystemTime, expiry: Option<SystemTime>) -> SystemTime {
    let Some(expiry) = expiry else { return now + LOOK_AGAIN };
    let left = expiry.duration_since(now).unwrap_or_default();
    now + left.saturating_sub(EARLY.min(left / 4))
}

impl Origin {
    /// New credentials, and their account. A role asks for those that it is assumed with.
    fn make(&self) -> BoxFuture<'_, Result<(Credentials, String), ProviderError>> {
        Box::pin(async move {
            match self {
                Self::Own(chain) => {
                    let got =
                        chain.provide_credentials().with_subscriber(NoSubscriber::new()).await;
                    let credentials = got.map_err(|error| own_error(&error))?;
                    // The keys of a session change, the account behind them does not.
                    let account = credentials.account_id().map_or("own", AccountId::as_str);
                    Ok((credentials.clone(), account.to_owned()))
                }
                Self::Written(credentials) => Ok((credentials.clone(), account(credentials, None))),
                Self::WebIdentity { sts, cluster, identity } => {
                    let token = cluster.token(
                        &identity.namespace,
                        &identity.service_account,
                        &identity.audiences,
                    );
                    sts.with_token(&identity.role, &token.await?).await
                }
                Self::Role { sts, from, hop } => {
                    let mut held = from.get().await?;
                    let mut got = sts.assume(&held.credentials, hop).await;
                    if let Err(ProviderError::Rejected(_)) = got
                        && from.reject(held.generation).await
                    {
                        held = from.get().await?;
                        got = sts.assume(&held.credentials, hop).await;
                    }
                    if got.is_ok() {
                        held.worked();
                    }
                    got
                }
            }
        })
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Own(_) => f.write_str("the controller's own identity"),
            Self::Written(_) => f.write_str("an access key"),
            Self::WebIdentity { identity, .. } => write!(
                f,
                "service account {} (namespace: {})",
                identity.service_account, identity.namespace
            ),
            Self::Role { hop, .. } => write!(f, "role {}", hop.role),
        }
    }
}

impl Sts {
    async fn with_token(
        &self,
        role: &str,
        token: &str,
    ) -> Result<(Credentials, String), ProviderError> {
        let call = self.call("AssumeRoleWithWebIdentity", role);
        let client = aws_sdk_sts::Client::from_conf(self.config.clone());
        let request = client.assume_role_with_web_identity().role_arn(role);
        let request = request.role_session_name(SESSION).web_identity_token(token);
        let answer = request.send().with_subscriber(NoSubscriber::new()).await;
        self.tally.ended(call.api, call.operation, answer.is_ok());
        let answer = answer.map_err(|error| error_of(&call, &error))?;
        session(&call, role, answer.credentials)
    }

    async fn assume(
        &self,
        with: &Credentials,
        hop: &Hop,
    ) -> Result<(Credentials, String), ProviderError> {
        let call = self.call("AssumeRole", &hop.role);
        let config = self.config.to_builder().credentials_provider(with.clone());
        let client = aws_sdk_sts::Client::from_conf(config.build());
        let mut request = client.assume_role().role_arn(&hop.role).role_session_name(SESSION);
        request = request.set_external_id(hop.external_id.clone());
        for (key, value) in &hop.tags {
            let tag = Tag::builder().key(key).value(value).build();
            request = request.tags(tag.map_err(|error| call.invalid(&error))?);
        }
        if !hop.transitive.is_empty() {
            request = request.set_transitive_tag_keys(Some(hop.transitive.clone()));
        }
        let answer = request.send().with_subscriber(NoSubscriber::new()).await;
        self.tally.ended(call.api, call.operation, answer.is_ok());
        let answer = answer.map_err(|error| error_of(&call, &error))?;
        session(&call, &hop.role, answer.credentials)
    }

    fn call<'a>(&'a self, operation: &'static str, role: &'a str) -> Call<'a> {
        Call { api: Api::Sts, operation, key: Some(role), region: &self.region }
    }
}

fn error_of<E>(
    call: &Call<'_>,
    error: &SdkError<E, aws_smithy_runtime_api::client::orchestrator::HttpResponse>,
) -> ProviderError
where
    E: aws_smithy_types::error::metadata::ProvideErrorMetadata + std::error::Error + 'static,
{
    call.error(error, |_, _| false)
}

fn session(
    call: &Call<'_>,
    role: &str,
    got: Option<StsCredentials>,
) -> Result<(Credentials, String), ProviderError> {
    let got = got.ok_or_else(|| call.odd("the answer holds no credentials"))?;
    let expiry = SystemTime::try_from(got.expiration)
        .map_err(|_| call.odd("the answer does not say when the credentials end"))?;
    let credentials = Credentials::new(
        got.access_key_id,
        got.secret_access_key,
        Some(got.session_token),
        Some(expiry),
        "sts",
    );
    let account = account(&credentials, Some(role));
    Ok((credentials, account))
}

/// The account: of the role if there is one, of the credentials if they know it. Else the access key
/// stands for it.
fn account(credentials: &Credentials, role: Option<&str>) -> String {
    let of_role = role.and_then(|role| role.split(':').nth(4)).filter(|id| !id.is_empty());
    let known = of_role.or_else(|| credentials.account_id().map(AccountId::as_str));
    known.map_or_else(|| format!("of {}", credentials.access_key_id()), str::to_owned)
}

/// Why the process has no credentials of its own.
fn own_error(error: &CredentialsError) -> ProviderError {
    let cause = "no AWS credentials: none were found in the environment, a profile, a token file, \
                 the container or the instance";
    match error {
        CredentialsError::CredentialsNotLoaded(_) => ProviderError::Denied(format!(
            "{cause}; give AWS credentials as the AWS CLI finds them: environment, profile or \
             `aws sso login`"
        )),
        CredentialsError::ProviderTimedOut(_) => {
            ProviderError::Transient("no AWS credentials: no answer in time".to_owned())
        }
        error => {
            let text = super::error::sources(error);
            ProviderError::Transient(format!("no AWS credentials: {text}"))
        }
    }
}

/// Kept credentials as the SDK asks for them.
pub(super) struct Handle(pub(super) Arc<Kept>);

impl ProvideCredentials for Handle {
    fn provide_credentials<'a>(&'a self) -> Provided<'a>
    where
        Self: 'a,
    {
        Provided::new(async {
            match self.0.get().await {
                Ok(held) => Ok(held.credentials),
                Err(error) => Err(CredentialsError::provider_error(error)),
            }
        })
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "credentials of {}", self.0.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_renewed_before_they_end() {
        let now = SystemTime::UNIX_EPOCH;
        let after = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(renew_at(now, Some(after(3600))), after(3300));
        assert_eq!(renew_at(now, Some(after(400))), after(300));
        assert_eq!(renew_at(after(10), Some(now)), after(10), "over already");
        assert_eq!(renew_at(now, None), now + LOOK_AGAIN);
    }

    #[test]
    fn the_account_is_that_of_the_role() {
        let credentials = Credentials::new("AKID", "secret", None, None, "test");
        let role = "arn:aws:iam::123456789012:role/x";
        assert_eq!(account(&credentials, Some(role)), "123456789012");
        assert_eq!(account(&credentials, Some("x")), account(&credentials, None));
    }
}
