//! Clients of a double.

use aws_sdk_secretsmanager::config::retry::RetryConfig;
use aws_sdk_secretsmanager::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use extsecret_test_aws::{Config, Double};

/// A double of the test's own.
pub(crate) fn double() -> Double {
    Double::start(Config::default()).unwrap()
}

/// Settings of an SDK client: no retries, so that a test sees what was said.
macro_rules! sdk_config {
    ($sdk:ident, $double:expr, $credentials:expr, $region:expr) => {
        $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new($region.to_owned()))
            .endpoint_url($double.endpoint())
            .credentials_provider(sdk_credentials($credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .retry_config(RetryConfig::disabled())
            .build()
    };
}

/// Secrets Manager as somebody sees it.
pub(crate) fn secrets_as(
    double: &Double,
    credentials: &extsecret_test_aws::Credentials,
) -> aws_sdk_secretsmanager::Client {
    secrets_in(double, credentials, double.region())
}

/// Secrets Manager of a region as somebody sees it.
pub(crate) fn secrets_in(
    double: &Double,
    credentials: &extsecret_test_aws::Credentials,
    region: &str,
) -> aws_sdk_secretsmanager::Client {
    let config = sdk_config!(aws_sdk_secretsmanager, double, credentials, region);
    aws_sdk_secretsmanager::Client::from_conf(config)
}

/// Secrets Manager as the administrator sees it.
pub(crate) fn secrets(double: &Double) -> aws_sdk_secretsmanager::Client {
    secrets_as(double, double.admin())
}

/// STS as somebody sees it.
pub(crate) fn sts_as(
    double: &Double,
    credentials: &extsecret_test_aws::Credentials,
) -> aws_sdk_sts::Client {
    let config = sdk_config!(aws_sdk_sts, double, credentials, double.region());
    aws_sdk_sts::Client::from_conf(config)
}

/// Parameter Store as somebody sees it.
pub(crate) fn parameters_as(
    double: &Double,
    credentials: &extsecret_test_aws::Credentials,
) -> aws_sdk_ssm::Client {
    let config = sdk_config!(aws_sdk_ssm, double, credentials, double.region());
    aws_sdk_ssm::Client::from_conf(config)
}

/// SQS as the administrator sees it.
pub(crate) fn queues(double: &Double) -> aws_sdk_sqs::Client {
    let config = sdk_config!(aws_sdk_sqs, double, double.admin(), double.region());
    aws_sdk_sqs::Client::from_conf(config)
}

fn sdk_credentials(credentials: &extsecret_test_aws::Credentials) -> Credentials {
    Credentials::new(
        &credentials.access_key_id,
        &credentials.secret_access_key,
        credentials.session_token.clone(),
        None,
        "test",
    )
}

/// The code of an error that the service answered.
pub(crate) fn code<E, R>(result: &Result<impl Sized, SdkError<E, R>>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    match result {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.code().unwrap_or("no code").to_owned(),
    }
}

/// The message of an error that the service answered.
pub(crate) fn message<E, R>(result: &Result<impl Sized, SdkError<E, R>>) -> String
where
    SdkError<E, R>: ProvideErrorMetadata,
{
    match result {
        Ok(_) => "OK".to_owned(),
        Err(error) => error.message().unwrap_or_default().to_owned(),
    }
}
