//! L06: store of another namespace.

use extsecret_crds::external_secret::{ExternalSecretSpec, SecretStoreRef, StoreKind};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L06",
    severity: Severity::Warning,
    title: "store of another namespace",
    why: "A SecretStore can be used from its own namespace only. The controller does not find \
          it, and says so for ever.",
    action: "Make the store in this namespace too, or use a ClusterSecretStore.",
};

fn check(subject: &Subject<'_>, all: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret().filter(|_| subject.is_one()) else { return };
    for (path, store) in refs(spec) {
        let Some(name) = store.name.as_deref() else { continue };
        let known = all.stores.get(name);
        let here = |namespace: Option<&str>| {
            // A namespace that is not written comes from elsewhere, and may be the same.
            namespace.is_none()
                || subject.object.namespace().is_none()
                || namespace == subject.object.namespace()
        };
        let message = match store.kind() {
            StoreKind::ClusterSecretStore => {
                if known.is_none() || all.cluster_stores.contains(name) {
                    continue;
                }
                format!("{name:?} is a SecretStore among these manifests, not a ClusterSecretStore")
            }
            _ => match known {
                Some(namespaces) if namespaces.iter().copied().any(here) => continue,
                Some(_) => format!("the SecretStore {name:?} is in another namespace"),
                None if all.cluster_stores.contains(name) => {
                    format!(
                        "{name:?} is a ClusterSecretStore among these manifests: say so in kind"
                    )
                }
                None => continue,
            },
        };
        to.push(subject.at(&CODE, &format!("{path}.name"), message));
    }
}

/// All stores that an ExternalSecret names, with the paths of what names them.
pub(super) fn refs(spec: &ExternalSecretSpec) -> Vec<(String, &SecretStoreRef)> {
    let mut refs: Vec<(String, &SecretStoreRef)> = Vec::new();
    refs.extend(spec.secret_store_ref.iter().map(|it| ("spec.secretStoreRef".to_owned(), it)));
    let sources = [
        ("data", spec.data().iter().map(|item| item.source_ref.as_ref()).collect::<Vec<_>>()),
        ("dataFrom", spec.data_from().iter().map(|item| item.source_ref.as_ref()).collect()),
    ];
    for (list, sources) in sources {
        for (index, source) in sources.into_iter().enumerate() {
            let store = source.and_then(|source| source.store_ref.as_ref());
            refs.extend(store.map(|it| (format!("spec.{list}[{index}].sourceRef.storeRef"), it)));
        }
    }
    refs
}
