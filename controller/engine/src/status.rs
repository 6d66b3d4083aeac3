//! What the status and the events say (eso-semantics 2.11): ESO's reasons and the beginning of its
//! messages, with the cause behind them, which ESO tells only in events that expire.

use std::fmt;

use extsecret_crds::condition::{Condition, ConditionType};
use extsecret_crds::external_secret::{Binding, ExternalSecretStatus};
use jiff::Timestamp;

use crate::collect::Missing;

/// Longest message of an event (Kubernetes `events` validation) and so of a condition, in bytes.
const MAX_MESSAGE: usize = 1024;

/// The reason for which an ExternalSecret is ready that waits for its target.
pub const TARGET_MISSING: &str = "SecretMissing";

/// The step that failed; each has ESO's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Fetching the values.
    GetData,
    /// Writing the Secret.
    Update,
    /// Writing a Secret that is immutable.
    UpdateImmutable,
    /// Deleting the Secret.
    Delete,
    /// Deleting Secrets of earlier names.
    DeleteOrphans,
    /// Becoming the Secret's controller.
    TakeOwnership,
    /// The Secret is another ExternalSecret's.
    OwnedByAnother,
}

impl Step {
    const fn message(self) -> &'static str {
        match self {
            Self::GetData => "could not get secret data from provider",
            Self::Update => "could not update secret",
            Self::UpdateImmutable => "could not update secret, target is immutable",
            Self::Delete => "could not delete secret",
            Self::DeleteOrphans => "could not delete orphaned secrets",
            Self::TakeOwnership => "failed to take ownership of target secret",
            Self::OwnedByAnother => "target is owned by another ExternalSecret",
        }
    }
}

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// At the interval.
    Interval,
    /// Soon, and then less and less often.
    Backoff,
    /// When something changes that this depends on.
    OnChange,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The status of the condition `Ready`.
    pub ready: bool,
    /// Its reason.
    pub reason: &'static str,
    /// Its message: ESO's text, and more behind it.
    pub message: String,
    /// When to try again.
    pub retry: Retry,
    /// Whether a Secret is bound to the ExternalSecret.
    pub bound: bool,
}

impl Outcome {
    fn done(reason: &'static str, message: &str) -> Self {
        let message = message.to_owned();
        Self { ready: true, reason, message, retry: Retry::Interval, bound: false }
    }

    /// The values are where they should be.
    pub(crate) fn synced() -> Self {
        Self::done("SecretSynced", "secret synced")
    }

    /// The target keeps its first values.
    pub(crate) fn frozen() -> Self {
        let message = "secret synced; the values at the provider are others, and were not written \
                       because the target is immutable";
        Self::done("SecretSynced", message)
    }

    /// The provider has nothing, and the target stays as it is.
    pub(crate) fn retained(exists: bool) -> Self {
        let mut outcome =
            Self::done("SecretSynced", "secret retained due to DeletionPolicy=Retain");
        if !exists {
            outcome.add("the provider returned no value, and there is no Secret");
        }
        outcome
    }

    /// The provider has nothing, and so there is no target.
    pub(crate) fn deleted(existed: bool) -> Self {
        let mut outcome =
            Self::done("SecretDeleted", "secret deleted due to DeletionPolicy=Delete");
        if !existed {
            outcome.add("there was none");
        }
        outcome
    }

    /// There is no target to merge into.
    pub(crate) fn target_missing() -> Self {
        Self::done(TARGET_MISSING, "secret will not be created due to CreationPolicy=Merge")
    }

    /// A step failed for this cause.
    pub fn failed(step: Step, cause: &dyn fmt::Display, may_pass: bool) -> Self {
        let message = cut(format!("{}: {cause}", step.message()));
        let retry = if may_pass { Retry::Backoff } else { Retry::OnChange };
        Self { ready: false, reason: "SecretSyncedError", message, retry, bound: false }
    }

    /// Adds the items whose secret the provider does not have.
    pub(crate) fn tell_missing(&mut self, missing: &[Missing]) {
        if self.ready && !missing.is_empty() {
            let list: Vec<_> = missing.iter().map(ToString::to_string).collect();
            self.add(&format!("not at the provider: {}", list.join(", ")));
        }
    }

    fn add(&mut self, text: &str) {
        self.message = cut(format!("{}; {text}", self.message));
    }
}

/// The text, if it is not too long.
fn cut(mut text: String) -> String {
    if text.len() > MAX_MESSAGE {
        text.truncate(text.floor_char_boundary(MAX_MESSAGE - 3));
        text.push_str("...");
    }
    text
}

/// Something to be told in an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `Warning` rather than `Normal`.
    pub warning: bool,
    /// ESO's reason.
    pub reason: &'static str,
    /// The text.
    pub message: String,
}

impl Event {
    pub(crate) fn failed(cause: &dyn fmt::Display) -> Self {
        Self { warning: true, reason: "UpdateFailed", message: cut(cause.to_string()) }
    }

    pub(crate) fn missing(missing: &Missing) -> Self {
        let message = cut(format!("secret does not exist at provider using {missing}"));
        Self { warning: false, reason: "MissingProviderSecret", message }
    }

    /// A Secret was made.
    pub fn created() -> Self {
        Self { warning: false, reason: "Created", message: "secret created".to_owned() }
    }

    /// A Secret was written.
    pub fn updated() -> Self {
        Self { warning: false, reason: "Updated", message: "secret updated".to_owned() }
    }

    /// A Secret was deleted with its last value.
    pub fn deleted() -> Self {
        let message = "secret deleted due to DeletionPolicy=Delete".to_owned();
        Self { warning: false, reason: "Deleted", message }
    }

    /// A Secret of an earlier target name was deleted.
    pub fn deleted_orphan() -> Self {
        let message = "secret deleted because it was orphaned".to_owned();
        Self { warning: false, reason: "Deleted", message }
    }
}

/// The status after `outcome`. `version` is what was synced
/// ([`current_version`](crate::refresh::current_version)), `binding` the name of the Secret that
/// was written, `now` the moment at which the work began, `fetched` that at which the call for the
/// values did: earlier, where an answer is shared.
///
/// On failure, `refreshTime` and `syncedResourceVersion` stay; `lastTransitionTime` changes only
/// with the condition's status.
pub fn next_status(
    old: Option<&ExternalSecretStatus>,
    outcome: &Outcome,
    version: &str,
    binding: Option<&str>,
    now: Timestamp,
    fetched: Timestamp,
) -> ExternalSecretStatus {
    let mut status = old.cloned().unwrap_or_default();
    // As the API server prints times: whole seconds.
    let text = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    if outcome.ready {
        status.refresh_time = Some(text(fetched));
        status.synced_resource_version = Some(version.to_owned());
    }
    if let Some(name) = binding {
        let other = status.binding.take().map(|binding| binding.other).unwrap_or_default();
        status.binding = Some(Binding { name: Some(name.to_owned()), other });
    }
    let ready = if outcome.ready { "True" } else { "False" };
    let conditions = status.conditions.get_or_insert_default();
    let old = conditions.iter().find(|condition| condition.type_ == ConditionType::Ready);
    let since =
        old.filter(|old| old.status == ready).and_then(|old| old.last_transition_time.clone());
    let condition = Condition {
        type_: ConditionType::Ready,
        status: ready.to_owned(),
        reason: Some(outcome.reason.to_owned()),
        message: Some(outcome.message.clone()),
        last_transition_time: Some(since.unwrap_or_else(|| text(now))),
        other: old.map(|old| old.other.clone()).unwrap_or_default(),
    };
    conditions.retain(|condition| condition.type_ != ConditionType::Ready);
    conditions.push(condition);
    status
}

#[cfg(test)]
mod tests;
