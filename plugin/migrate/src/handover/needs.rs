//! What the caller must be allowed to do, before the first change is made.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::{Facts, Stage};
use super::installation::Installation;
use super::request::{Body, Request, Resource};
use super::{Pair, Step};

/// Something that the caller must be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// As RBAC calls it.
    pub verb: &'static str,
    /// To which kind of object.
    pub resource: Resource,
    /// In which namespace; empty for what has none, or for all of them.
    pub namespace: String,
}

/// What one Secret takes at each step. The way back is part of it: no step is made that could not be
/// undone.
const EACH: [(Step, Resource, &[&str]); 6] = [
    (Step::Shadow, Resource::ExternalSecret, &["create", "patch", "delete"]),
    (Step::Shadow, Resource::ConfigMap, &["create", "patch", "delete"]),
    (Step::Stop, Resource::KesExternalSecret, &["patch"]),
    (Step::Demote, Resource::Secret, &["patch"]),
    (Step::Adopt, Resource::ExternalSecret, &["create", "patch", "delete"]),
    (Step::Retire, Resource::KesExternalSecret, &["create", "delete"]),
];

/// What everything up to a step takes, and the way back from there.
pub fn needs<'a>(
    secrets: impl IntoIterator<Item = (&'a Pair, &'a Facts)>,
    stores: &[Request],
    kes: &Installation,
    until: Step,
) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    let mut need = |resource: Resource, namespace: &str, verbs: &[&'static str]| {
        for verb in verbs {
            needs.insert(Need { verb, resource, namespace: namespace.to_owned() });
        }
    };
    let mut begins = false;
    for (pair, facts) in secrets {
        if matches!(facts.stage(), Stage::Apart | Stage::Retired) {
            continue;
        }
        begins = true;
        for (_, resource, verbs) in EACH.iter().filter(|(step, ..)| *step <= until) {
            need(*resource, &pair.namespace, verbs);
        }
    }
    if until >= Step::Stores {
        for store in stores {
            need(store.resource, &store.namespace, store.verbs());
        }
    }
    for deployment in &kes.deployments {
        if begins && until >= Step::Stop {
            need(Resource::Deployment, &deployment.namespace, &["patch"]);
            need(Resource::ConfigMap, &deployment.namespace, &["create", "patch"]);
        }
        if until >= Step::Remove && deployment.release.is_none() {
            need(Resource::Deployment, &deployment.namespace, &["delete"]);
        }
    }
    if until >= Step::Remove {
        // Whether any Secret still names a KES object.
        need(Resource::Secret, "", &["list"]);
        if kes.definition.is_some() {
            need(Resource::Definition, "", &["delete"]);
        }
    }
    needs
}

/// For people: a line for each thing, with the namespaces.
pub fn words(needs: &BTreeSet<Need>) -> Vec<String> {
    /// More names say no more.
    const TOLD: usize = 5;
    let mut all: BTreeMap<(Resource, &str), Vec<&str>> = BTreeMap::new();
    for Need { verb, resource, namespace } in needs {
        all.entry((*resource, verb)).or_default().push(namespace);
    }
    let line = |((resource, verb), mut namespaces): ((Resource, &str), Vec<&str>)| {
        namespaces.retain(|namespace| !namespace.is_empty());
        let place = match namespaces.as_slice() {
            [] => String::new(),
            few if few.len() <= TOLD => format!(" in {}", few.join(", ")),
            many => format!(" in {} and {} more", many[..TOLD].join(", "), many.len() - TOLD),
        };
        format!("{verb} {}{place}", resource.name())
    };
    all.into_iter().map(line).collect()
}

impl Request {
    /// What RBAC calls it. Server-side apply is both, as it makes what is not there.
    pub fn verbs(&self) -> &'static [&'static str] {
        match &self.body {
            Body::Create(_) => &["create"],
            Body::Apply(_) | Body::ApplyAs(..) => &["create", "patch"],
            Body::Merge(_) | Body::Patch(_) => &["patch"],
            Body::Delete(_) => &["delete"],
        }
    }
}
