//! L09: deletionPolicy that deletes.

use extsecret_crds::external_secret::{CreationPolicy, DeletionPolicy};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L09",
    severity: Severity::Warning,
    title: "deletionPolicy that deletes",
    why: "deletionPolicy Delete takes the Secret away as soon as the provider says that a value \
          does not exist, also when somebody deleted it by mistake and AWS would still give it \
          back. With creationPolicy Orphan it fails instead, when that happens.",
    action: "Use Retain, unless the Secret has to go with the values.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    if spec.deletion_policy() != DeletionPolicy::Delete {
        return;
    }
    let message = match spec.creation_policy() {
        CreationPolicy::Owner => "the Secret is deleted when a value is gone at the provider",
        CreationPolicy::Orphan => "creationPolicy Orphan owns no Secret, so nothing can be deleted",
        // The API refuses the others.
        _ => return,
    };
    to.push(subject.at(&CODE, "spec.target.deletionPolicy", message));
}
