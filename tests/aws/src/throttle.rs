//! Token buckets, as AWS limits its callers: by account, region and group of operations.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

/// Limits; none at first. Tokens come back in the double's time.
#[derive(Debug, Default)]
pub struct Throttle {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    limits: Vec<Limit>,
    /// By index of the limit, account and region.
    buckets: HashMap<(usize, String, String), Bucket>,
}

#[derive(Debug)]
struct Limit {
    operations: Vec<String>,
    per_second: f64,
    burst: f64,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    at: Timestamp,
}

/// AWS's quotas per account and region, in requests per second: operations that share one stand
/// together. As documented, not measured, and adjustable at AWS: a test that needs a number sets
/// its own.
const QUOTAS: &[(&[&str], u32)] = &[
    (&["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"], 10_000),
    (&["secretsmanager:BatchGetSecretValue"], 100),
    (&["secretsmanager:ListSecrets"], 100),
    (&["secretsmanager:ListSecretVersionIds"], 50),
    (
        &[
            "secretsmanager:CreateSecret",
            "secretsmanager:PutSecretValue",
            "secretsmanager:UpdateSecret",
            "secretsmanager:UpdateSecretVersionStage",
            "secretsmanager:TagResource",
            "secretsmanager:UntagResource",
        ],
        50,
    ),
    (&["secretsmanager:DeleteSecret"], 50),
    (&["secretsmanager:RestoreSecret"], 50),
    (&["secretsmanager:RotateSecret", "secretsmanager:CancelRotateSecret"], 50),
    (&["ssm:GetParameter", "ssm:GetParameters", "ssm:GetParametersByPath"], 40),
    (&["ssm:PutParameter"], 3),
    (&["ssm:DescribeParameters", "ssm:GetParameterHistory"], 5),
    (&["sts:AssumeRole", "sts:GetCallerIdentity"], 600),
];

impl Throttle {
    /// Limits the operations together, so many calls a second after a burst. A later limit for
    /// the same operation adds to the earlier one.
    pub fn limit(&self, operations: &[&str], per_second: u32, burst: u32) {
        self.lock().limits.push(Limit {
            operations: operations.iter().map(|&name| name.to_owned()).collect(),
            per_second: per_second.into(),
            burst: burst.into(),
        });
    }

    /// Sets AWS's default quotas, with a burst of one second.
    pub fn aws_quotas(&self) {
        for (operations, per_second) in QUOTAS {
            self.limit(operations, *per_second, *per_second);
        }
    }

    /// Lifts all limits.
    pub fn clear(&self) {
        *self.lock() = State::default();
    }

    /// Takes a token of each limit that applies; false if one of them has none.
    pub(crate) fn admits(
        &self,
        operation: &str,
        account: &str,
        region: &str,
        now: Timestamp,
    ) -> bool {
        let mut state = self.lock();
        if state.limits.is_empty() {
            return true;
        }
        let State { limits, buckets } = &mut *state;
        let mut keys = Vec::new();
        for (index, limit) in limits.iter().enumerate() {
            if !limit.operations.iter().any(|name| name == operation) {
                continue;
            }
            let key = (index, account.to_owned(), region.to_owned());
            let bucket = buckets
                .entry(key.clone())
                .or_insert_with(|| Bucket { tokens: limit.burst, at: now });
            let passed = now.duration_since(bucket.at).as_secs_f64().max(0.0);
            bucket.tokens = limit.burst.min(bucket.tokens + passed * limit.per_second);
            bucket.at = now;
            if bucket.tokens < 1.0 {
                return false;
            }
            keys.push(key);
        }
        for key in keys {
            if let Some(bucket) = buckets.get_mut(&key) {
                bucket.tokens -= 1.0;
            }
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::later;

    #[test]
    fn a_burst_then_the_rate() {
        let throttle = Throttle::default();
        let start = Timestamp::UNIX_EPOCH;
        let admits = |operation, millis| {
            throttle.admits(operation, "1", "r", later(start, Duration::from_millis(millis)))
        };
        assert!(admits("s:A", 0), "no limit, no refusal");
        throttle.limit(&["s:A", "s:B"], 10, 2);
        assert!(admits("s:A", 0));
        assert!(admits("s:B", 0), "the burst is two");
        assert!(!admits("s:A", 0), "and shared");
        assert!(admits("s:C", 0), "by those that are named");
        assert!(!admits("s:A", 99));
        assert!(admits("s:A", 100), "ten a second");
        assert!(!admits("s:B", 100));
        assert!(throttle.admits("s:A", "2", "r", start), "every account has its own");
        throttle.clear();
        assert!(admits("s:A", 100));
    }
}
