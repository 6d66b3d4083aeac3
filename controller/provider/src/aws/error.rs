//! What AWS said, in words that hold no value, no request id and no credential.

use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::time::Duration;

use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use super::tally::Api;
use crate::provider::ProviderError;

/// One call, for messages.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) api: Api,
    /// Name of the operation.
    pub(super) operation: &'static str,
    /// The secret, parameter or role, if the call is about one.
    pub(super) key: Option<&'a str>,
    /// The region.
    pub(super) region: &'a str,
}

/// What a code means, whoever sends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Denied,
    Rejected,
    Throttled,
    Invalid,
    Transient,
}

impl Call<'_> {
    /// Turns the SDK's error into ours. `is_missing` tells, from code and message, whether the
    /// secret does not exist.
    pub(super) fn error<E>(
        &self,
        error: &SdkError<E, HttpResponse>,
        is_missing: impl Fn(&str, &str) -> bool,
    ) -> ProviderError
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let SdkError::ServiceError(service) = error else {
            let cause = match error {
                SdkError::TimeoutError(_) => "no answer in time".to_owned(),
                error => sources(error),
            };
            return self.failed(Kind::Transient, "", &cause, None);
        };
        let (meta, answer) = (service.err().meta(), service.raw());
        let code = meta.code().unwrap_or_default();
        let text = meta.message().unwrap_or_default();
        if is_missing(code, text) {
            return ProviderError::NotFound;
        }
        let kind = match (kind(code), answer.status().as_u16()) {
            (Kind::Transient, 429) => Kind::Throttled,
            (kind, _) => kind,
        };
        let after = answer.headers().get("retry-after").and_then(|text| text.trim().parse().ok());
        self.failed(kind, code, text, after.map(Duration::from_secs))
    }

    /// The error of one item of an answer that is not an error as a whole.
    pub(super) fn item_error(
        &self,
        code: &str,
        text: &str,
        is_missing: impl Fn(&str, &str) -> bool,
    ) -> ProviderError {
        if is_missing(code, text) {
            return ProviderError::NotFound;
        }
        self.failed(kind(code), code, text, None)
    }

    /// What is asked for makes no sense.
    pub(super) fn invalid(&self, cause: &dyn std::fmt::Display) -> ProviderError {
        self.failed(Kind::Invalid, "", &cause.to_string(), None)
    }

    /// The answer makes no sense.
    pub(super) fn odd(&self, cause: &str) -> ProviderError {
        self.failed(Kind::Transient, "", cause, None)
    }

    fn failed(
        &self,
        kind: Kind,
        code: &str,
        text: &str,
        retry_after: Option<Duration>,
    ) -> ProviderError {
        let mut message = format!("{} {}", self.api, self.operation);
        if let Some(key) = self.key {
            let _ = write!(message, " of \"{key}\"");
        }
        let _ = write!(message, " in {}: ", self.region);
        let text = without_request_id(text);
        message.push_str(code);
        if !code.is_empty() && !text.is_empty() {
            message.push_str(": ");
        }
        message.push_str(text);
        if let Some(help) = help(code, text) {
            let _ = write!(message, "; {help}");
        }
        match kind {
            Kind::Denied => ProviderError::Denied(message),
            Kind::Rejected => ProviderError::Rejected(message),
            Kind::Throttled => ProviderError::Throttled { message, retry_after },
            Kind::Invalid => ProviderError::Invalid(message),
            Kind::Transient => ProviderError::Transient(message),
        }
    }
}

/// What a code says. What is not known may pass: it is tried again, and nothing is deleted for it.
fn kind(code: &str) -> Kind {
    match code {
        "AccessDenied"
        | "AccessDeniedException"
        | "DecryptionFailure"
        | "KmsAccessDenied"
        | "KMS.AccessDeniedException"
        | "OptInRequired"
        | "RegionDisabledException"
        | "UnauthorizedOperation" => Kind::Denied,
        "ExpiredToken"
        | "ExpiredTokenException"
        | "IDPRejectedClaim"
        | "IncompleteSignature"
        | "InvalidClientTokenId"
        | "InvalidIdentityToken"
        | "InvalidSignatureException"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "SignatureDoesNotMatch"
        | "UnrecognizedClientException" => Kind::Rejected,
        "BandwidthLimitExceeded"
        | "KmsThrottled"
        | "LimitExceededException"
        | "OverLimit"
        | "PriorRequestNotComplete"
        | "RequestLimitExceeded"
        | "RequestThrottled"
        | "RequestThrottledException"
        | "SlowDown"
        | "ThrottledException"
        | "Throttling"
        | "ThrottlingException"
        | "TooManyRequestsException" => Kind::Throttled,
        "AWS.SimpleQueueService.NonExistentQueue"
        | "InvalidAddress"
        | "InvalidFilterKey"
        | "InvalidFilterOption"
        | "InvalidFilterValue"
        | "InvalidKeyId"
        | "InvalidParameterException"
        | "InvalidParameterValue"
        | "PackedPolicyTooLarge"
        | "QueueDoesNotExist"
        | "ResourceExistsException"
        | "ValidationError"
        | "ValidationException" => Kind::Invalid,
        _ => Kind::Transient,
    }
}

/// The text up to where a request id begins: with it, no two errors would be alike.
fn without_request_id(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let ends = ["request id", "requestid", "request-id"].iter().filter_map(|id| lower.find(id));
    let Some(end) = ends.min() else { return text };
    let kept = text.get(..end).unwrap_or(text);
    kept.trim_end_matches([' ', '(', '[', ',', ';', ':'])
}

/// The next step, where there is one.
fn help(code: &str, cause: &str) -> Option<&'static str> {
    match code {
        "AccessDenied" | "AccessDeniedException" => {
            Some("grant the permission to the identity that the message names")
        }
        "DecryptionFailure" => Some("the identity needs kms:Decrypt on the key of the secret"),
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch" => {
            Some("the credentials are not valid in this account and region, or the clock is wrong")
        }
        "ExpiredTokenException" | "ExpiredToken" => {
            Some("renew the credentials, for example with `aws sso login`")
        }
        _ if cause.contains("credentials") => Some(
            "give AWS credentials as the AWS CLI finds them: environment, profile or `aws sso login`",
        ),
        _ => None,
    }
}

/// An error and what it came from, each once.
pub(super) fn sources(error: &dyn Error) -> String {
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

    const CALL: Call<'static> =
        Call { api: Api::Sts, operation: "AssumeRole", key: None, region: "r" };

    #[test]
    fn a_refusal_may_pass_and_a_wrong_request_does_not() {
        assert!(CALL.failed(kind("AccessDeniedException"), "", "", None).may_pass());
        assert!(!CALL.failed(kind("ValidationException"), "", "", None).may_pass());
        assert!(CALL.failed(kind("SomethingNew"), "", "", None).may_pass());
    }

    #[test]
    fn the_same_trouble_has_the_same_words() {
        for text in [
            "no such role (Request ID: 1-2-3)",
            "no such role, RequestID: 4-5-6, host id: 7",
            "no such role; request-id 8",
        ] {
            let error = CALL.failed(Kind::Transient, "Code", text, None).to_string();
            assert_eq!(error, "AWS STS AssumeRole in r: Code: no such role");
        }
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
