//! Clients for one region and one identity.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;

pub use aws_sdk_secretsmanager::config::Credentials;

use super::parameter_store::ParameterStore;
use super::secrets_manager::SecretsManager;

/// Attempts at one call, as the SDK's standard retry counts them.
const ATTEMPTS: u32 = 3;

/// Addresses to use instead of AWS's own, by the names that ESO reads them from. The SDK's own
/// variables (`AWS_ENDPOINT_URL` and its kin) count where these are not set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// `AWS_SECRETSMANAGER_ENDPOINT`
    pub secrets_manager: Option<String>,
    /// `AWS_SSM_ENDPOINT`
    pub parameter_store: Option<String>,
}

/// Both services in one region, with one identity. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client {
    pub(super) secrets_manager: SecretsManager,
    pub(super) parameter_store: ParameterStore,
}

impl Client {
    /// A client with the credentials that the AWS CLI would use: environment, profile, single
    /// sign-on, web identity, container or instance. Nothing is sent yet. `timeout` is for one
    /// call with all its attempts.
    pub async fn with_own_credentials(
        region: &str,
        endpoints: &Endpoints,
        timeout: Option<Duration>,
    ) -> Self {
        Self::new(region, endpoints, None, timeout).await
    }

    /// A client with these credentials, whatever the environment holds. Nothing is sent yet.
    pub async fn with_credentials(
        region: &str,
        endpoints: &Endpoints,
        credentials: Credentials,
        timeout: Option<Duration>,
    ) -> Self {
        Self::new(region, endpoints, Some(credentials), timeout).await
    }

    async fn new(
        region: &str,
        endpoints: &Endpoints,
        credentials: Option<Credentials>,
        timeout: Option<Duration>,
    ) -> Self {
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build_https();
        let mut timeouts = TimeoutConfig::builder();
        timeouts.set_operation_timeout(timeout);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS))
            .timeout_config(timeouts.build());
        if let Some(credentials) = credentials {
            loader = loader.credentials_provider(credentials);
        }
        let config = loader.load().await;
        let mut secrets = aws_sdk_secretsmanager::config::Builder::from(&config);
        if let Some(endpoint) = &endpoints.secrets_manager {
            secrets = secrets.endpoint_url(endpoint);
        }
        let mut parameters = aws_sdk_ssm::config::Builder::from(&config);
        if let Some(endpoint) = &endpoints.parameter_store {
            parameters = parameters.endpoint_url(endpoint);
        }
        Self {
            secrets_manager: SecretsManager {
                client: aws_sdk_secretsmanager::Client::from_conf(secrets.build()),
                region: region.to_owned(),
            },
            parameter_store: ParameterStore {
                client: aws_sdk_ssm::Client::from_conf(parameters.build()),
                region: region.to_owned(),
            },
        }
    }
}
