//! L03: find may match nothing.

use extsecret_crds::external_secret::{DataFromSource, DeletionPolicy};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L03",
    severity: Severity::Warning,
    title: "find may match nothing",
    why: "All keys come from searches. When they match nothing, the ExternalSecret is Ready all \
          the same, and the Secret is not made or stays as it was.",
    action: "Add a key that has to be there to data, or watch for the Secret itself.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    let Some(first) = spec.data_from().iter().position(searches) else { return };
    let only = spec.data().is_empty() && spec.data_from().iter().all(searches);
    if only && spec.deletion_policy() == DeletionPolicy::Retain {
        let message = "if nothing matches, this is Ready without a Secret";
        to.push(subject.at(&CODE, &format!("spec.dataFrom[{first}].find"), message));
    }
}

/// True for an item that only searches.
fn searches(item: &DataFromSource) -> bool {
    item.find.is_some() && item.extract.is_none()
}
