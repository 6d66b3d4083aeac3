//! Connections, settings and clients.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::{SystemTimeSource, TimeSource as _};
use aws_smithy_http_client::pool::{self, ConnectionPool};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::SharedHttpClient;

pub use aws_credential_types::Credentials;

use super::call::{ATTEMPTS, Caller, FIRST_PAUSE, LOST, Paces, Retry};
use super::credentials::{Handle, Kept, Origin, Sts};
use super::parameter_store::ParameterStore;
use super::secrets_manager::SecretsManager;
use super::sqs::{Address, Sqs, WAIT};
use super::tally::Tally;
use crate::provider::ProviderError;

/// Connections to one host at most, idle ones included.
pub(super) const CONNECTIONS: usize = 16;

/// How long making a connection may take.
const CONNECT: Duration = Duration::from_secs(3);

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(6);

/// Addresses to use instead of AWS's own, by the names that ESO reads them from. The SDK's own
/// variables (`AWS_ENDPOINT_URL` and its kin) count where these are not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `AWS_SECRETSMANAGER_ENDPOINT`
    pub secrets_manager: Option<String>,
    /// `AWS_SSM_ENDPOINT`
    pub parameter_store: Option<String>,
    /// `AWS_STS_ENDPOINT`. The SDK itself calls the service for a token file (`IRSA` of the process)
    /// and reads `AWS_ENDPOINT_URL_STS` only.
    pub sts: Option<String>,
}

/// One pool of connections for everything.
#[derive(Clone)]
pub(super) struct Connections(SharedHttpClient);

impl Connections {
    pub(super) fn new() -> Result<Self, ProviderError> {
        let failed = |cause: &dyn fmt::Display| {
            ProviderError::Invalid(format!("cannot make connections to AWS: {cause}"))
        };
        let pool = ConnectionPool::builder()
            .max_connections_per_host(CONNECTIONS)
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https()
            .map_err(|error| failed(&error))?;
        let client = pool::Client::new(&pool).map_err(|error| failed(&error))?;
        Ok(Self(SharedHttpClient::new(client)))
    }

    /// The region that environment, profile or instance name.
    pub(super) async fn own_region(&self) -> Option<String> {
        let loader = aws_config::defaults(BehaviorVersion::latest()).http_client(self.0.clone());
        loader.load().await.region().map(ToString::to_string)
    }
}

/// What clients of one region are made of.
#[derive(Clone)]
pub(super) struct Regional {
    /// Without credentials.
    config: SdkConfig,
    own: Option<SharedCredentialsProvider>,
    endpoints: Endpoints,
    pub(super) region: String,
}

impl Regional {
    /// Reads the settings that the SDK has in environment and profile. Nothing is sent.
    pub(super) async fn load(
        connections: &Connections,
        region: &str,
        endpoints: &Endpoints,
    ) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .build();
        let config = aws_config::defaults(BehaviorVersion::latest())
            .http_client(connections.0.clone())
            .region(Region::new(region.to_owned()))
            .timeout_config(timeouts)
            .load()
            .await;
        let own = config.credentials_provider();
        let config = config.into_builder();
        let config = config.identity_cache(IdentityCache::no_cache()).build();
        let mut plain = config.to_builder();
        plain.set_credentials_provider(None);
        Self { config: plain.build(), own, endpoints: endpoints.clone(), region: region.to_owned() }
    }

    /// What the process has itself.
    pub(super) fn own(&self) -> Result<Origin, ProviderError> {
        let own = self.own.clone();
        own.map(Origin::Own).ok_or_else(|| {
            ProviderError::Denied("no AWS credentials are configured for this process".to_owned())
        })
    }

    /// The Security Token Service; `tally` counts.
    pub(super) fn sts(&self, tally: &Arc<Tally>) -> Sts {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(LOST)
            .build();
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let mut config = aws_sdk_sts::config::Builder::from(&self.config)
            .retry_config(retry.with_initial_backoff(FIRST_PAUSE))
            .timeout_config(timeouts);
        if let Some(endpoint) = &self.endpoints.sts {
            config = config.endpoint_url(endpoint);
        }
        Sts { config: config.build(), region: self.region.clone(), tally: Arc::clone(tally) }
    }

    /// Settings for IAM, which is asked as the process itself.
    pub(super) fn iam(
        &self,
        timeout: Option<Duration>,
    ) -> Result<aws_sdk_iam::Config, ProviderError> {
        let Origin::Own(own) = self.own()? else {
            return Err(ProviderError::Denied("no AWS credentials of this process".to_owned()));
        };
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(ATTEMPT)
            .operation_timeout(timeout.unwrap_or(LOST))
            .build();
        let retry = RetryConfig::standard().with_max_attempts(ATTEMPTS);
        let config = self.config.to_builder().credentials_provider(own).build();
        let config = aws_sdk_iam::config::Builder::from(&config)
            .retry_config(retry.with_initial_backoff(FIRST_PAUSE))
            .timeout_config(timeouts);
        Ok(config.build())
    }

    /// A queue with these credentials.
    pub(super) fn queue(
        &self,
        credentials: &Arc<Kept>,
        paces: &Arc<Paces>,
        address: Address,
        endpoint: Option<&str>,
    ) -> Sqs {
        let handle = SharedCredentialsProvider::new(Handle(Arc::clone(credentials)));
        let config = self.config.to_builder().credentials_provider(handle);
        let config = config.retry_config(RetryConfig::disabled()).build();
        let mut config = aws_sdk_sqs::config::Builder::from(&config);
        if let Some(endpoint) = endpoint {
            config = config.endpoint_url(endpoint);
        }
        let config = config.build();
        // An answer that takes its time is what long polling is about.
        let patient = TimeoutConfig::builder()
            .connect_timeout(CONNECT)
            .operation_attempt_timeout(WAIT + ATTEMPT)
            .build();
        let patient = config.to_builder().timeout_config(patient).build();
        let caller = Caller {
            credentials: Arc::clone(credentials),
            paces: Arc::clone(paces),
            region: self.region.clone(),
            retry: Retry::default(),
            deadline: None,
        };
        Sqs {
            client: aws_sdk_sqs::Client::from_conf(config),
            patient: aws_sdk_sqs::Client::from_conf(patient),
            caller,
            address,
        }
    }

    /// A client with these credentials.
    pub(super) fn client(
        &self,
        credentials: &Arc<Kept>,
        paces: &Arc<Paces>,
        retry: Retry,
        deadline: Option<Duration>,
    ) -> Client {
        let handle = SharedCredentialsProvider::new(Handle(Arc::clone(credentials)));
        // Attempts are ours: the SDK does not know the pace.
        let config = self.config.to_builder().credentials_provider(handle);
        let config = config.retry_config(RetryConfig::disabled()).build();
        let mut secrets = aws_sdk_secretsmanager::config::Builder::from(&config);
        if let Some(endpoint) = &self.endpoints.secrets_manager {
            secrets = secrets.endpoint_url(endpoint);
        }
        let mut parameters = aws_sdk_ssm::config::Builder::from(&config);
        if let Some(endpoint) = &self.endpoints.parameter_store {
            parameters = parameters.endpoint_url(endpoint);
        }
        let caller = Caller {
            credentials: Arc::clone(credentials),
            paces: Arc::clone(paces),
            region: self.region.clone(),
            retry,
            deadline,
        };
        Client {
            secrets_manager: SecretsManager {
                client: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
                caller: caller.clone(),
            },
            parameter_store: ParameterStore {
                client: aws_sdk_ssm::Client::from_conf(parameters.build()),
                caller,
            },
        }
    }
}

/// Both services in one region, with one identity: each question is a call, and nothing is shared
/// or remembered. For a short-lived process; a controller uses [`Aws`](super::Aws).
#[derive(Clone)]
pub struct Client {
    pub(super) secrets_manager: SecretsManager,
    pub(super) parameter_store: ParameterStore,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AWS in {}", self.secrets_manager.caller.region)
    }
}

impl Client {
    /// A client with the credentials that the AWS CLI would use: environment, profile, single
    /// sign-on, web identity, container or instance. Nothing is sent yet. `timeout` is for one
    /// call with all its attempts.
    ///
    /// # Errors
    /// If there can be no connections, as when the system has no certificates.
    pub async fn with_own_credentials(
        region: &str,
        endpoints: &Endpoints,
        timeout: Option<Duration>,
    ) -> Result<Self, ProviderError> {
        let regional = Regional::load(&Connections::new()?, region, endpoints).await;
        let own = regional.own()?;
        Ok(Self::alone(&regional, own, timeout))
    }

    /// A client with these credentials, whatever the environment holds. Nothing is sent yet.
    ///
    /// # Errors
    /// As [`with_own_credentials`](Self::with_own_credentials).
    pub async fn with_credentials(
        region: &str,
        endpoints: &Endpoints,
        credentials: Credentials,
        timeout: Option<Duration>,
    ) -> Result<Self, ProviderError> {
        let regional = Regional::load(&Connections::new()?, region, endpoints).await;
        Ok(Self::alone(&regional, Origin::Written(credentials), timeout))
    }

    fn alone(regional: &Regional, origin: Origin, timeout: Option<Duration>) -> Self {
        let kept = Kept::new(origin, Arc::new(|| SystemTimeSource::new().now()));
        // One caller has nobody to stay apart from.
        let paces = Paces::new(Arc::new(|| 0.5), &Arc::default());
        regional.client(&Arc::new(kept), &paces, Retry::default(), timeout)
    }
}
