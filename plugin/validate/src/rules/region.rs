//! L10: region that does not look like one.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L10",
    severity: Severity::Warning,
    title: "region that does not look like one",
    why: "The name of the region becomes part of the address that is called. A wrong one is an \
          address that nobody has, and an error that speaks of DNS.",
    action: "Write the region's code, such as eu-west-1.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(aws) = subject.store().and_then(|store| store.provider.aws.as_ref()) else { return };
    if !is_region(&aws.region) {
        let message = format!("{:?} is no name of an AWS region", shortened(&aws.region));
        to.push(subject.at(&CODE, "spec.provider.aws.region", message));
    }
}

/// Two letters, words, and a number: `us-gov-west-1`.
fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [first, middle @ .., last] = parts.as_slice() else { return false };
    let word = |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase());
    (2..=5).contains(&first.len())
        && word(first)
        && !middle.is_empty()
        && middle.iter().all(word)
        && !last.is_empty()
        && last.chars().all(|c| c.is_ascii_digit())
}

fn shortened(text: &str) -> String {
    text.chars().take(40).collect()
}
