//! What AWS said, in words that hold no value, no request id and no credential.

use std::error::Error;
use std::fmt::{Debug, Write as _};

use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use extsecret_engine::collect::FetchError;

/// Codes after which the same call may go through a little later.
const PASSING: &[&str] = &[
    "InternalServerError",
    "InternalServiceError",
    "LimitExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// One call, for messages.
pub(super) struct Call<'a> {
    /// `AWS Secrets Manager` or `AWS Parameter Store`.
    pub(super) service: &'static str,
    /// Name of the operation.
    pub(super) operation: &'static str,
    /// The secret or parameter, if the call is about one.
    pub(super) key: Option<&'a str>,
    /// The region.
    pub(super) region: &'a str,
}

impl Call<'_> {
    /// Turns the SDK's error into ours. `is_missing` tells, from code and message, whether the
    /// secret does not exist.
    pub(super) fn error<E, R>(
        &self,
        error: &SdkError<E, R>,
        is_missing: impl Fn(&str, &str) -> bool,
    ) -> FetchError
    where
        E: ProvideErrorMetadata + Error + 'static,
        R: Debug + 'static,
    {
        let metadata = match error {
            SdkError::ServiceError(service) => Some(service.err().meta()),
            _ => None,
        };
        let code = metadata.and_then(|meta| meta.code()).unwrap_or_default();
        let text = metadata.and_then(|meta| meta.message()).unwrap_or_default();
        if is_missing(code, text) {
            return FetchError::NoSecret;
        }
        let mut cause = match error {
            SdkError::ServiceError(_) if text.is_empty() => code.to_owned(),
            SdkError::ServiceError(_) => format!("{code}: {text}"),
            SdkError::TimeoutError(_) => "no answer in time".to_owned(),
            error => sources(error),
        };
        if let Some(help) = help(code, &cause) {
            let _ = write!(cause, "; {help}");
        }
        // What is not an answer of the service, such as a refused connection, may pass as well.
        let may_pass = metadata.is_none() || PASSING.contains(&code) || !is_about_the_request(code);
        self.failed(&cause, may_pass)
    }

    /// An error of our own about this call.
    pub(super) fn failed(&self, cause: &str, may_pass: bool) -> FetchError {
        let mut message = format!("{} {}", self.service, self.operation);
        if let Some(key) = self.key {
            let _ = write!(message, " of \"{key}\"");
        }
        let _ = write!(message, " in {}: {cause}", self.region);
        FetchError::Failed { message, may_pass }
    }
}

/// Codes that the same request will get again. Permissions may be granted meanwhile, so a refusal
/// is not one of them.
fn is_about_the_request(code: &str) -> bool {
    matches!(code, "InvalidParameterException" | "ValidationException" | "InvalidKeyId")
}

/// The next step, where there is one.
fn help(code: &str, cause: &str) -> Option<&'static str> {
    match code {
        "AccessDeniedException" => {
            Some("grant the permission to the identity that the message names")
        }
        "DecryptionFailure" => Some("the identity needs kms:Decrypt on the key of the secret"),
        "UnrecognizedClientException" | "InvalidClientTokenId" | "InvalidSignatureException" => {
            Some("the credentials are not valid in this account and region, or the clock is wrong")
        }
        "ExpiredTokenException" | "ExpiredToken" => {
            Some("sign in again, for example with `aws sso login`")
        }
        _ if cause.contains("credentials") => Some(
            "give AWS credentials as the AWS CLI finds them: environment, profile or `aws sso login`",
        ),
        _ => None,
    }
}

/// An error and what it came from, each once.
fn sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            let _ = write!(text, ": {more}");
        }
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_may_pass_and_a_wrong_request_does_not() {
        assert!(!is_about_the_request("AccessDeniedException"));
        assert!(is_about_the_request("ValidationException"));
    }

    #[test]
    fn sources_are_told_once() {
        #[derive(Debug, thiserror::Error)]
        #[error("outer: inner")]
        struct Outer(#[source] Inner);
        #[derive(Debug, thiserror::Error)]
        #[error("inner")]
        struct Inner;
        assert_eq!(sources(&Outer(Inner)), "outer: inner");
    }
}
