//! L13: one secretKey twice.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use std::collections::BTreeSet;

use extsecret_crds::external_secret::DeletionPolicy;

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L13",
    severity: Severity::Warning,
    title: "one secretKey twice",
    why: "Only the last item with this key counts. With this deletionPolicy the webhook lets it \
          pass without a word.",
    action: "Remove one of the items, or give it another secretKey.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    // With Retain it is the API's own rule.
    if spec.deletion_policy() == DeletionPolicy::Retain {
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, item) in spec.data().iter().enumerate() {
        if !seen.insert(item.secret_key.as_str()) {
            let message = format!("only the last item with the key {:?} counts", item.secret_key);
            to.push(subject.at(&CODE, &format!("spec.data[{index}].secretKey"), message));
        }
    }
}
