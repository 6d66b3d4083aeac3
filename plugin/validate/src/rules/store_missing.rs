//! L17: no such store.

use extsecret_crds::external_secret::StoreKind;
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use super::store_elsewhere::refs;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L17",
    severity: Severity::Error,
    title: "no such store",
    why: "The cluster has no store of this name that the object could use. The controller fails, \
          and says so for ever. Only objects of the cluster are looked at like this: what the store \
          of a file is, another file may say.",
    action: "Make the store, correct the name, or say kind: ClusterSecretStore if it is one.",
};

fn check(subject: &Subject<'_>, all: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    for (path, store) in refs(spec) {
        let Some(name) = store.name.as_deref().filter(|it| !it.is_empty()) else { continue };
        // What is a store of another namespace or kind, L06 tells.
        if all.stores.contains_key(name) || all.cluster_stores.contains(name) {
            continue;
        }
        let kind = store.kind();
        let missing = match (&kind, &all.known, subject.object.namespace()) {
            (StoreKind::ClusterSecretStore, Some(known), _) => {
                known.cluster_stores.as_ref().is_some_and(|all| !all.contains(name))
            }
            (_, Some(known), Some(namespace)) if subject.is_one() => {
                let key = (namespace.to_owned(), name.to_owned());
                known.stores.as_ref().is_some_and(|all| !all.contains(&key))
            }
            _ => false,
        };
        if missing {
            let place = match (&kind, subject.object.namespace()) {
                (StoreKind::ClusterSecretStore, _) | (_, None) => "in the cluster".to_owned(),
                (_, Some(namespace)) => format!("in the namespace {namespace:?}"),
            };
            let message = format!("there is no {kind} {name:?} {place}");
            to.push(subject.at(&CODE, &format!("{path}.name"), message));
        }
    }
}
