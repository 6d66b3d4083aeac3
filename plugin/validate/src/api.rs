//! What the admission webhook of External Secrets Operator would refuse, and the API's own rules
//! (`x-kubernetes-validations`). They are written once, in [`extsecret_crds::rules`].

use extsecret_crds::rules::{self, Rule, Violation};
use extsecret_manifest::diagnostic::{Code, Diagnostic};

use crate::codes;
use crate::subject::Subject;

/// Checks the rules of the API.
#[must_use]
pub fn check(subject: &Subject<'_>) -> Vec<Diagnostic> {
    let mut violations = Vec::new();
    violations
        .extend(subject.external_secret().map(rules::check_external_secret).into_iter().flatten());
    violations.extend(subject.store().map(rules::check_store).into_iter().flatten());
    violations
        .into_iter()
        // The schema counts providers, too, and says it at the same place.
        .filter(|violation| violation.rule != Rule::OneProvider)
        .map(|violation| {
            let Violation { rule, field, message } = violation;
            subject.at(code(rule), &field, message)
        })
        .collect()
}

/// The code of a rule.
#[must_use]
pub fn code(rule: Rule) -> &'static Code {
    match rule {
        Rule::DeleteNeedsOwner => &codes::DELETE_NEEDS_OWNER,
        Rule::MergeNeedsTarget => &codes::MERGE_NEEDS_TARGET,
        Rule::SomeData => &codes::SOME_DATA,
        Rule::OneSource => &codes::ONE_SOURCE,
        Rule::SomeSource => &codes::SOME_SOURCE,
        Rule::SourceRefNotEmpty => &codes::SOURCE_REF_NOT_EMPTY,
        Rule::UniqueSecretKeys => &codes::UNIQUE_SECRET_KEYS,
        Rule::NoIssuedToken => &codes::NO_ISSUED_TOKEN,
        Rule::KnownTemplateTarget => &codes::KNOWN_TEMPLATE_TARGET,
        Rule::StoreRefreshInterval => &codes::STORE_REFRESH_INTERVAL,
        Rule::NamespaceRegex => &codes::NAMESPACE_REGEX,
        Rule::AwsDeletion => &codes::AWS_DELETION,
        Rule::AwsReservedTags => &codes::AWS_RESERVED_TAGS,
        // A rule that is new there has a code before it has one of its own.
        _ => &codes::API_RULE,
    }
}
