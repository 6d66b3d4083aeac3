//! Which APIs the cluster serves, and in which versions.

use std::collections::BTreeSet;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use serde::Deserialize;

use super::{Check, Section, State};
use crate::cluster::kinds::{
    CLUSTER_SECRET_STORES, DEFINITIONS, EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, Kind, SECRET_STORES,
};
use crate::cluster::{Cluster, Unread, Why};

/// Without these nothing works.
const NEEDED: [Kind; 3] = [EXTERNAL_SECRETS, SECRET_STORES, CLUSTER_SECRET_STORES];

/// Kinds that some of our readers will look for.
#[derive(Clone, Debug, Default)]
pub(super) struct Served {
    pub(super) external_secrets: bool,
    pub(super) kes: bool,
}

/// A group as discovery tells it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    versions: Vec<Version>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resources {
    resources: Vec<Resource>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Resource {
    name: String,
}

/// What was found out about External Secrets Operator's group.
struct Found {
    versions: Vec<String>,
    /// Resources of v1.
    kinds: BTreeSet<String>,
    /// Of the definitions that may be read: versions in which objects may be stored.
    stored: Result<BTreeSet<String>, String>,
}

pub(super) fn look(cluster: &Cluster) -> (Section, Served) {
    let eso = group(cluster);
    let kes = versions(cluster, KES_EXTERNAL_SECRETS.group);
    let csi = versions(cluster, "secrets-store.csi.x-k8s.io");
    let served = Served {
        external_secrets: match &eso {
            Ok(found) => found.kinds.contains(EXTERNAL_SECRETS.plural),
            // Whoever may not ask discovery may still list objects.
            Err(_) => true,
        },
        kes: kes.as_ref().is_ok_and(|versions| !versions.is_empty()),
    };
    let mut checks = eso.map_or_else(
        |why| vec![Check::new("definitions", State::Unknown, format!("definitions: {why}"))],
        |found| judge(&found),
    );
    if let Ok(versions) = kes
        && !versions.is_empty()
    {
        let text = format!("{} {}", KES_EXTERNAL_SECRETS.resource(), versions.join(", "));
        let check = Check::new("definitions", State::Info, text);
        checks.push(check.and("of kubernetes-external-secrets, which nobody maintains any more"));
    }
    if let Ok(versions) = csi
        && !versions.is_empty()
    {
        let text = format!("secrets-store.csi.x-k8s.io {}", versions.join(", "));
        checks.push(
            Check::new("definitions", State::Info, text).and("of the Secrets Store CSI driver"),
        );
    }
    (Section { title: "Definitions", checks }, served)
}

fn group(cluster: &Cluster) -> Result<Found, String> {
    let short = |error: Unread| error.short();
    let versions = versions(cluster, EXTERNAL_SECRETS.group)?;
    let path = format!("/apis/{}/{}", EXTERNAL_SECRETS.group, EXTERNAL_SECRETS.version);
    let kinds = cluster.document::<Resources>(&path).map_err(short)?.unwrap_or_default();
    let kinds = kinds.resources.into_iter().map(|it| it.name).collect();
    Ok(Found { versions, kinds, stored: stored(cluster) })
}

fn versions(cluster: &Cluster, group: &str) -> Result<Vec<String>, String> {
    let found = cluster.document::<Group>(&format!("/apis/{group}"));
    let found = found.map_err(|error| error.short())?.unwrap_or_default();
    Ok(found.versions.into_iter().map(|it| it.version).collect())
}

/// Versions other than v1 in which some object may be stored.
fn stored(cluster: &Cluster) -> Result<BTreeSet<String>, String> {
    let mut all = BTreeSet::new();
    for kind in NEEDED {
        let found: Option<CustomResourceDefinition> =
            match cluster.get(&DEFINITIONS, None, &kind.resource()) {
                Err(Unread { why: Why::NotServed(_), .. }) => None,
                other => other.map_err(|error| error.short())?,
            };
        let status = found.and_then(|it| it.status);
        let versions = status.and_then(|it| it.stored_versions).unwrap_or_default();
        let old = versions.into_iter().filter(|it| it != EXTERNAL_SECRETS.version);
        all.extend(old.map(|version| format!("{} {version}", kind.plural)));
    }
    Ok(all)
}

fn judge(found: &Found) -> Vec<Check> {
    let problem = |text: String| Check::new("definitions", State::Problem, text);
    let group = EXTERNAL_SECRETS.group;
    if found.versions.is_empty() {
        return vec![
            problem(format!("the cluster does not serve {group}"))
                .and("the charts of External Secrets Operator and of extsecret-controller bring the definitions"),
        ];
    }
    let versions = found.versions.join(", ");
    if !found.versions.iter().any(|it| it == EXTERNAL_SECRETS.version) {
        return vec![
            problem(format!("{group} {versions}: v1 is not served"))
                .and("External Secrets Operator serves v1 since 0.16; update its definitions")
                .and("`kubectl extsecret migrate` converts manifests of older versions"),
        ];
    }
    let missing: Vec<String> = NEEDED
        .iter()
        .filter(|kind| !found.kinds.contains(kind.plural))
        .map(Kind::resource)
        .collect();
    let mut checks = vec![if missing.is_empty() {
        Check::new("definitions", State::Ok, format!("{group} {versions}"))
    } else {
        problem(format!("{group} {versions}, without {}", missing.join(", ")))
    }];
    match &found.stored {
        Ok(old) if !old.is_empty() => {
            let old: Vec<&str> = old.iter().map(String::as_str).collect();
            checks.push(
                Check::new("storedVersions", State::Attention, "objects may be stored in old versions")
                    .and(old.join(", "))
                    .and("before a version is dropped, all objects have to be written once, and status.storedVersions of the definition set"),
            );
        }
        Ok(_) => {}
        Err(why) => checks.push(Check::new(
            "storedVersions",
            State::Unknown,
            format!("versions in which objects are stored: {why}"),
        )),
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(versions: &[&str], kinds: &[Kind], stored: &[&str]) -> Found {
        Found {
            versions: versions.iter().map(ToString::to_string).collect(),
            kinds: kinds.iter().map(|kind| kind.plural.to_owned()).collect(),
            stored: Ok(stored.iter().map(ToString::to_string).collect()),
        }
    }

    #[test]
    fn what_is_missing_is_a_problem() {
        let states = |found: &Found| -> Vec<State> {
            judge(found).into_iter().map(|check| check.state).collect()
        };
        assert_eq!(states(&found(&[], &[], &[])), [State::Problem]);
        assert_eq!(states(&found(&["v1beta1"], &[], &[])), [State::Problem]);
        assert_eq!(states(&found(&["v1"], &NEEDED[..2], &[])), [State::Problem]);
        assert_eq!(states(&found(&["v1", "v1beta1"], &NEEDED, &[])), [State::Ok]);
        let old = found(&["v1"], &NEEDED, &["secretstores v1beta1"]);
        assert_eq!(states(&old), [State::Ok, State::Attention]);
    }
}
