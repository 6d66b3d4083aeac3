//! What was asked of AWS, as metrics show it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

/// A service of AWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Api {
    SecretsManager,
    ParameterStore,
    Sts,
    Sqs,
    Iam,
}

impl Api {
    /// The name in metrics. The first two are ESO's; the others it does not count.
    fn label(self) -> &'static str {
        match self {
            Self::SecretsManager => "AWS/SecretsManager",
            Self::ParameterStore => "AWS/ParameterStore",
            Self::Sts => "AWS/STS",
            Self::Sqs => "AWS/SQS",
            Self::Iam => "AWS/IAM",
        }
    }
}

/// The name in messages.
impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecretsManager => "AWS Secrets Manager",
            Self::ParameterStore => "AWS Parameter Store",
            Self::Sts => "AWS STS",
            Self::Sqs => "AWS SQS",
            Self::Iam => "AWS IAM",
        })
    }
}

/// Calls of one operation with one end, since the start: a series of ESO's
/// `externalsecret_provider_api_calls_count`.
///
/// As in ESO, a call counts once, however often it was tried, and what does not exist is an error. A
/// call that could not be made for want of credentials is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calls {
    /// Label `provider`: `AWS/SecretsManager` or `AWS/ParameterStore`; beyond ESO's also `AWS/STS` and
    /// `AWS/SQS`.
    pub provider: &'static str,
    /// Label `call`: the operation, such as `GetSecretValue`.
    pub call: &'static str,
    /// Label `status`: `success` or `error`.
    pub status: &'static str,
    /// How many; never less than before.
    pub number: u64,
}

/// Successes and errors.
type Ends = (u64, u64);

/// Counts calls by operation and end.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<BTreeMap<(Api, &'static str), Ends>>);

impl Tally {
    /// A call has ended.
    pub(super) fn ended(&self, api: Api, operation: &'static str, is_success: bool) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (successes, errors) = all.entry((api, operation)).or_default();
        let count = if is_success { successes } else { errors };
        *count = count.saturating_add(1);
    }

    /// Everything that was called so far, in a fixed order.
    pub(super) fn all(&self) -> Vec<Calls> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let both = all.iter().flat_map(|((api, operation), (successes, errors))| {
            let (provider, call) = (api.label(), label(operation));
            [("success", *successes), ("error", *errors)].map(|(status, number)| Calls {
                provider,
                call,
                status,
                number,
            })
        });
        both.filter(|calls| calls.number > 0).collect()
    }

    /// All calls of one service.
    pub(super) fn of(&self, api: Api) -> u64 {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.iter().filter(|((other, _), _)| *other == api);
        own.map(|(_, (successes, errors))| successes.saturating_add(*errors)).sum()
    }
}

/// ESO names this operation in the singular.
fn label(operation: &'static str) -> &'static str {
    if operation == "DescribeParameters" { "DescribeParameter" } else { operation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_told_with_the_labels_of_eso() {
        let tally = Tally::default();
        tally.ended(Api::Sts, "AssumeRole", true);
        tally.ended(Api::ParameterStore, "DescribeParameters", false);
        for is_success in [true, false, true] {
            tally.ended(Api::SecretsManager, "GetSecretValue", is_success);
        }
        let of = |provider, call, status, number| Calls { provider, call, status, number };
        let all = [
            of("AWS/SecretsManager", "GetSecretValue", "success", 2),
            of("AWS/SecretsManager", "GetSecretValue", "error", 1),
            of("AWS/ParameterStore", "DescribeParameter", "error", 1),
            of("AWS/STS", "AssumeRole", "success", 1),
        ];
        assert_eq!(tally.all(), all);
        assert_eq!((tally.of(Api::SecretsManager), tally.of(Api::Sqs)), (3, 0));
    }
}
