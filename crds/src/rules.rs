//! What the API itself states about an object beyond its schema.
//!
//! ESO checks these rules in an admission webhook, which is optional, so an object that breaks one
//! can stand in a cluster. They are written once, here, for whoever checks manifests and for
//! whoever acts on them. The beginning of each message is the text that users know from the
//! webhook, so that it can be searched for.
//!
//! The functions take specs as they were written: defaults count as the API server would fill them
//! in.

use std::collections::BTreeSet;
use std::fmt;

use regex::Regex;

use crate::external_secret::{
    CreationPolicy, DataFromSource, DeletionPolicy, ExternalSecretSpec, ExternalSecretTarget,
    ExternalSecretTemplate, TemplateFrom,
};
use crate::provider::AwsProvider;
use crate::store::{SecondsOrDuration, SecretStoreSpec};

/// Type of Secrets for which the cluster itself issues tokens.
const SERVICE_ACCOUNT_TOKEN: &str = "kubernetes.io/service-account-token";

/// Annotation that says for which ServiceAccount.
const SERVICE_ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";

/// Type of Secrets with which a node joins the cluster.
const BOOTSTRAP_TOKEN: &str = "bootstrap.kubernetes.io/token";

/// Parts of a Secret that the output of a template can go to.
const SECRET_PARTS: [&str; 3] = ["Data", "Annotations", "Labels"];

/// Tags that the session tag policies write themselves.
const RESERVED_TAGS: [&str; 3] = ["esoNamespace", "esoStoreName", "esoStoreKind"];

/// Days that Secrets Manager accepts as a recovery window.
const RECOVERY_WINDOW: std::ops::RangeInclusive<i64> = 7..=30;

/// A rule of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// A target that is not owned cannot be deleted.
    DeleteNeedsOwner,
    /// A target that is never written cannot lose keys.
    MergeNeedsTarget,
    /// There is something to fetch.
    SomeData,
    /// An item of `dataFrom` has at most one source.
    OneSource,
    /// An item of `dataFrom` has a source.
    SomeSource,
    /// A `sourceRef` names something.
    SourceRefNotEmpty,
    /// No two items write the same key.
    UniqueSecretKeys,
    /// No Secret is made for which the cluster would issue a token.
    NoIssuedToken,
    /// The output of a template goes to a part of a Secret that there is.
    KnownTemplateTarget,
    /// A store has exactly one provider.
    OneProvider,
    /// The refresh interval of a store can be read and is not negative.
    StoreRefreshInterval,
    /// A regular expression for namespaces compiles.
    NamespaceRegex,
    /// Secrets Manager deletes at once or with a recovery window, and the window is one that it
    /// accepts.
    AwsDeletion,
    /// Custom session tags do not take the names of those that the policy writes.
    AwsReservedTags,
}

impl Rule {
    /// A short name for reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeleteNeedsOwner => "delete-needs-owner",
            Self::MergeNeedsTarget => "merge-needs-target",
            Self::SomeData => "some-data",
            Self::OneSource => "one-source",
            Self::SomeSource => "some-source",
            Self::SourceRefNotEmpty => "source-ref-not-empty",
            Self::UniqueSecretKeys => "unique-secret-keys",
            Self::NoIssuedToken => "no-issued-token",
            Self::KnownTemplateTarget => "known-template-target",
            Self::OneProvider => "one-provider",
            Self::StoreRefreshInterval => "store-refresh-interval",
            Self::NamespaceRegex => "namespace-regex",
            Self::AwsDeletion => "aws-deletion",
            Self::AwsReservedTags => "aws-reserved-tags",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A place where an object breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The rule.
    pub rule: Rule,
    /// The field, from the root of the object: `spec.data[2].secretKey`. For a
    /// ClusterExternalSecret it is relative to `spec.externalSecretSpec` (with `spec` in front).
    pub field: String,
    /// What is wrong and what to do.
    pub message: String,
}

impl Violation {
    fn new(rule: Rule, field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { rule, field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Checks the spec of an ExternalSecret. Empty if it breaks no rule.
pub fn check_external_secret(spec: &ExternalSecretSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    found.extend(policies(spec));
    if spec.data().is_empty() && spec.data_from().is_empty() {
        found.push(Violation::new(
            Rule::SomeData,
            "spec",
            "either data or dataFrom should be specified: there is nothing to fetch",
        ));
    }
    for (index, item) in spec.data_from().iter().enumerate() {
        found.extend(data_from(item, &format!("spec.dataFrom[{index}]")));
    }
    if spec.deletion_policy() == DeletionPolicy::Retain {
        found.extend(duplicate_keys(spec));
    }
    if let Some(target) = spec.target.as_ref().filter(|target| target.is_secret()) {
        found.extend(issued_token(target));
        found.extend(template_targets(target));
    }
    found
}

/// Creation and deletion policies that contradict each other.
///
/// `Orphan` with `Delete` is let through, as in the webhook.
fn policies(spec: &ExternalSecretSpec) -> Option<Violation> {
    let field = "spec.target.deletionPolicy";
    match (spec.deletion_policy(), spec.creation_policy()) {
        (
            DeletionPolicy::Delete,
            policy @ (CreationPolicy::Merge | CreationPolicy::None | CreationPolicy::CreateOrMerge),
        ) => Some(Violation::new(
            Rule::DeleteNeedsOwner,
            field,
            format!(
                "deletionPolicy=Delete must not be used when the controller doesn't own the \
                 secret, which is so with creationPolicy={policy}: use creationPolicy=Owner, or \
                 deletionPolicy=Retain"
            ),
        )),
        (DeletionPolicy::Merge, CreationPolicy::None) => Some(Violation::new(
            Rule::MergeNeedsTarget,
            field,
            "deletionPolicy=Merge must not be used with creationPolicy=None: no target is \
             written, so none can lose keys",
        )),
        _ => None,
    }
}

fn data_from(item: &DataFromSource, field: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    let generator = item.source_ref.as_ref().is_some_and(|source| source.generator_ref.is_some());
    let sources = [item.extract.is_some(), item.find.is_some(), generator];
    if sources.into_iter().filter(|set| *set).count() > 1 {
        found.push(Violation::new(
            Rule::OneSource,
            field,
            "extract, find, or generatorRef cannot be set at the same time: use one item for each",
        ));
    }
    match &item.source_ref {
        None if item.extract.is_none() && item.find.is_none() => found.push(Violation::new(
            Rule::SomeSource,
            field,
            "either extract, find, or sourceRef must be set to dataFrom",
        )),
        Some(source) if source.store_ref.is_none() && source.generator_ref.is_none() => {
            found.push(Violation::new(
                Rule::SourceRefNotEmpty,
                format!("{field}.sourceRef"),
                "generatorRef or storeRef must be set when using sourceRef in dataFrom",
            ));
        }
        _ => {}
    }
    found
}

fn duplicate_keys(spec: &ExternalSecretSpec) -> Vec<Violation> {
    let mut seen = BTreeSet::new();
    let items = spec.data().iter().enumerate();
    let repeated = items.filter(|(_, item)| !seen.insert(item.secret_key.as_str()));
    repeated
        .map(|(index, item)| {
            Violation::new(
                Rule::UniqueSecretKeys,
                format!("spec.data[{index}].secretKey"),
                format!(
                    "duplicate secretKey found: {}: only the last item with this key would count",
                    item.secret_key
                ),
            )
        })
        .collect()
}

/// Secrets into which the cluster itself writes, or from which it takes, a credential. Whoever may
/// make an ExternalSecret could so get a token of any ServiceAccount of the namespace, or let a
/// node join the cluster (GHSA-fq7h-9x26-6j22).
fn issued_token(target: &ExternalSecretTarget) -> Option<Violation> {
    let template = target.template.as_ref()?;
    match template.type_.as_deref()? {
        BOOTSTRAP_TOKEN => Some(Violation::new(
            Rule::NoIssuedToken,
            "spec.target.template.type",
            format!("Secrets of type {BOOTSTRAP_TOKEN} let nodes join the cluster and are refused"),
        )),
        SERVICE_ACCOUNT_TOKEN => {
            let annotations = template.metadata.as_ref().and_then(|meta| meta.annotations.as_ref());
            let named = annotations.is_some_and(|all| all.contains_key(SERVICE_ACCOUNT_NAME));
            let templated = |from: &TemplateFrom| from.target().eq_ignore_ascii_case("Annotations");
            let field = if named {
                format!("spec.target.template.metadata.annotations[{SERVICE_ACCOUNT_NAME}]")
            } else {
                let index = template.template_from().iter().position(templated)?;
                format!("spec.target.template.templateFrom[{index}].target")
            };
            Some(Violation::new(
                Rule::NoIssuedToken,
                field,
                format!(
                    "a Secret of type {SERVICE_ACCOUNT_TOKEN} with the annotation \
                     {SERVICE_ACCOUNT_NAME} gets a token from the cluster and is refused: remove \
                     the annotation, or make the token by other means"
                ),
            ))
        }
        _ => None,
    }
}

fn template_targets(target: &ExternalSecretTarget) -> Vec<Violation> {
    let items = target.template.iter().flat_map(ExternalSecretTemplate::template_from).enumerate();
    let known = |target: &str| {
        target.is_empty() || SECRET_PARTS.iter().any(|part| part.eq_ignore_ascii_case(target))
    };
    items
        .filter(|(_, from)| !known(from.target()))
        .map(|(index, from)| {
            Violation::new(
                Rule::KnownTemplateTarget,
                format!("spec.target.template.templateFrom[{index}].target"),
                format!(
                    "invalid target {:?} for a Secret: use Data, Annotations or Labels",
                    from.target()
                ),
            )
        })
        .collect()
}

/// Checks the spec of a SecretStore or ClusterSecretStore. Empty if it breaks no rule.
pub fn check_store(spec: &SecretStoreSpec) -> Vec<Violation> {
    let mut found = Vec::new();
    let providers = spec.provider.names();
    if providers.len() != 1 {
        let set = if providers.is_empty() { "none".to_owned() } else { providers.join(", ") };
        found.push(Violation::new(
            Rule::OneProvider,
            "spec.provider",
            format!("exactly one provider must be set, found {set}"),
        ));
    }
    found.extend(spec.refresh_interval.as_ref().and_then(store_refresh_interval));
    for (index, condition) in spec.conditions().iter().enumerate() {
        for (number, regex) in condition.namespace_regexes.iter().flatten().enumerate() {
            let field = format!("spec.conditions[{index}].namespaceRegexes[{number}]");
            found.extend(namespace_regex(regex, field));
        }
    }
    found.extend(spec.provider.aws.iter().flat_map(aws));
    found
}

fn store_refresh_interval(interval: &SecondsOrDuration) -> Option<Violation> {
    let message = match interval.to_duration() {
        Ok(duration) if duration.nanoseconds() >= 0 => return None,
        Ok(duration) => format!("refreshInterval must not be negative, found {duration}"),
        Err(error) => format!("invalid refreshInterval: {error}, or a whole number of seconds"),
    };
    Some(Violation::new(Rule::StoreRefreshInterval, "spec.refreshInterval", message))
}

/// The dialect is that of the `regex` crate, which has all of RE2 that names need. `\Q...\E` and
/// `\C` are the exceptions.
fn namespace_regex(regex: &str, field: String) -> Option<Violation> {
    let error = Regex::new(regex).err()?;
    // The last line of the error says what is wrong; those before draw where.
    let cause = error.to_string();
    let cause = cause.lines().last().unwrap_or_default().trim();
    let cause = cause.strip_prefix("error: ").unwrap_or(cause);
    let message = format!("failed to compile the namespace regex {regex:?}: {cause}");
    Some(Violation::new(Rule::NamespaceRegex, field, message))
}

fn aws(provider: &AwsProvider) -> Vec<Violation> {
    let mut found = Vec::new();
    if let Some(settings) = &provider.secrets_manager {
        let field = "spec.provider.aws.secretsManager";
        if let Some(days) = settings.recovery_window_in_days {
            if settings.force_delete_without_recovery == Some(true) {
                found.push(Violation::new(
                    Rule::AwsDeletion,
                    field,
                    "forceDeleteWithoutRecovery and recoveryWindowInDays exclude each other",
                ));
            }
            if !RECOVERY_WINDOW.contains(&days) {
                found.push(Violation::new(
                    Rule::AwsDeletion,
                    format!("{field}.recoveryWindowInDays"),
                    format!("recoveryWindowInDays must be between 7 and 30, found {days}"),
                ));
            }
        }
    }
    let tags = provider.custom_session_tags.iter().flatten().map(|(key, _)| key.as_str());
    found.extend(tags.filter(|key| RESERVED_TAGS.contains(key)).map(|key| {
        Violation::new(
            Rule::AwsReservedTags,
            format!("spec.provider.aws.customSessionTags[{key}]"),
            format!("{key} is written by the session tag policy itself: use another name"),
        )
    }));
    found
}

#[cfg(test)]
mod tests;
