//! L16: no store.

use extsecret_crds::external_secret::{SecretStoreRef, SourceRef};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L16",
    severity: Severity::Error,
    title: "no store",
    why: "Nobody says where the values come from: neither the object nor this item names a \
          store. The controller fails.",
    action: "Set spec.secretStoreRef, or sourceRef.storeRef of the item.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    let named = |store: &SecretStoreRef| store.name.as_deref().is_some_and(|it| !it.is_empty());
    if spec.secret_store_ref.as_ref().is_some_and(named) {
        return;
    }
    let without = |source: Option<&SourceRef>| {
        source.is_none_or(|source| {
            source.generator_ref.is_none() && !source.store_ref.as_ref().is_some_and(named)
        })
    };
    let data = spec.data().iter().position(|item| without(item.source_ref.as_ref()));
    let from = spec.data_from().iter().position(|item| without(item.source_ref.as_ref()));
    let path = match (data, from) {
        (Some(index), _) => format!("spec.data[{index}]"),
        (None, Some(index)) => format!("spec.dataFrom[{index}]"),
        (None, None) => return,
    };
    to.push(subject.at(&CODE, &path, "this item comes from no store"));
}
