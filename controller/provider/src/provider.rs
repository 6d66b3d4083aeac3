//! What the controller needs of a provider, whichever it is.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use extsecret_crds::SecretStoreSpec;
use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::request::{Fetch, StoreName};
use futures::future::BoxFuture;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// Why a provider has no answer. The texts hold no value, no credential and no request id, and are
/// the same each time the cause is the same.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// There is no such secret, or not in this version, or it is about to be deleted. The only
    /// error that `deletionPolicy` is about.
    #[error("Secret does not exist")]
    NotFound,
    /// The identity may not do it. A permission may be granted at any time.
    #[error("{0}")]
    Denied(String),
    /// The credentials themselves are not accepted: expired, revoked, or of nobody.
    #[error("{0}")]
    Rejected(String),
    /// Too many calls.
    #[error("{message}")]
    Throttled {
        /// What happened.
        message: String,
        /// When to come back, if the provider says so.
        retry_after: Option<Duration>,
    },
    /// What is asked for makes no sense there, or the store is wrong: the same request gets the same
    /// answer.
    #[error("{0}")]
    Invalid(String),
    /// No answer, or one that says that the provider is in trouble.
    #[error("{0}")]
    Transient(String),
}

impl ProviderError {
    /// Whether trying again with nothing changed here can help.
    pub fn may_pass(&self) -> bool {
        !matches!(self, Self::NotFound | Self::Invalid(_))
    }

    /// A word for metrics: `not_found`, `denied`, `throttled`, `invalid` or `transient`.
    pub fn category(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Denied(_) | Self::Rejected(_) => "denied",
            Self::Throttled { .. } => "throttled",
            Self::Invalid(_) => "invalid",
            Self::Transient(_) => "transient",
        }
    }

    /// Whether it says something about the secret, so that everybody who asks gets it.
    pub(crate) fn is_an_answer(&self) -> bool {
        matches!(self, Self::NotFound | Self::Denied(_) | Self::Invalid(_))
    }
}

impl From<ProviderError> for FetchError {
    fn from(error: ProviderError) -> Self {
        match error {
            ProviderError::NotFound => Self::NoSecret,
            error => Self::Failed { message: error.to_string(), may_pass: error.may_pass() },
        }
    }
}

/// How old an answer may be, and how long to wait for it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// The earliest moment at which a call may have begun for its answer to be good enough.
    ///
    /// It is what makes one call serve many: for a periodic refresh it is the moment when the
    /// refresh fell due, less what refreshes may drift apart; for one that an event or a person
    /// asked for, the moment when that was noticed, so that what is older than the trigger is never
    /// taken for an answer to it.
    pub since: Instant,
    /// When to give up. Whoever else waits for the same answer still gets it.
    pub deadline: Instant,
}

/// An answer of a provider.
#[derive(Debug)]
pub struct Answer {
    /// What it says.
    pub fetched: Fetched,
    /// When the call for it began: what changed later is not in it. It may be long ago where the answer
    /// is shared, but is never before [`Window::since`].
    pub began: Instant,
}

/// Where values come from: one store, as one identity.
pub trait Provider: Send + Sync + fmt::Debug {
    /// Answers each of `wanted`, in order. One that cannot be had does not harm the others.
    ///
    /// Dropping the future stops the waiting, not the calls: others may wait for them.
    fn fetch<'a>(
        &'a self,
        wanted: &'a [Fetch],
        window: Window,
    ) -> BoxFuture<'a, Vec<Result<Answer, ProviderError>>>;

    /// Whether there are credentials: what the condition of a store is about. It says nothing about
    /// what they permit.
    fn check(&self, deadline: Instant) -> BoxFuture<'_, Result<(), ProviderError>>;
}

/// Makes a [`Provider`] of a store.
pub trait Providers: Send + Sync {
    /// The provider that `spec` describes, as seen from `scope`. It costs at most look-ups in the
    /// cluster; the provider itself is not called.
    ///
    /// # Errors
    /// If the store is wrong, or what its credentials are made of is not there.
    fn connect<'a>(
        &'a self,
        spec: &'a SecretStoreSpec,
        scope: &'a Scope,
    ) -> BoxFuture<'a, Result<Arc<dyn Provider>, ProviderError>>;
}

/// From where a store is used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The store.
    pub store: StoreName,
    /// The namespace of the ExternalSecret, which for a SecretStore is its own as well. `None` to
    /// look at a ClusterSecretStore by itself: with credentials of whichever namespace uses it
    /// there is nothing to connect to.
    pub namespace: Option<String>,
}

/// A ServiceAccount, as far as credentials need it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceAccount {
    /// Its uid: a new account of the same name is another identity.
    pub uid: String,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
}

/// The cluster, as far as credentials are made of it.
///
/// Every [`Providers::connect`] looks up what its store refers to, so the first two are best answered
/// from a watch. Their errors are [`ProviderError::Invalid`] for what is not there, and
/// [`ProviderError::Transient`] for trouble on the way; they name the object and never its content.
pub trait Cluster: Send + Sync {
    /// One key of a Secret.
    fn secret_key<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, ProviderError>>;

    /// A ServiceAccount.
    fn service_account<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<ServiceAccount, ProviderError>>;

    /// A new token of a ServiceAccount (`TokenRequest`) for these audiences.
    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> BoxFuture<'a, Result<Zeroizing<String>, ProviderError>>;
}

/// The time of day, which tells when credentials end.
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// Random numbers from 0 up to 1: what spreads retries. They protect nothing.
pub type Random = Arc<dyn Fn() -> f64 + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_exist_is_no_secret() {
        let text = String::new;
        for error in [
            ProviderError::Denied(text()),
            ProviderError::Rejected(text()),
            ProviderError::Throttled { message: text(), retry_after: None },
            ProviderError::Invalid(text()),
            ProviderError::Transient(text()),
        ] {
            let may_pass = error.category() != "invalid";
            assert_eq!(FetchError::from(error), FetchError::Failed { message: text(), may_pass });
        }
        assert_eq!(FetchError::from(ProviderError::NotFound), FetchError::NoSecret);
    }
}
