//! What there is to reconcile, and how it is.

use std::collections::BTreeSet;

use extsecret_crds::condition::ConditionType;
use extsecret_crds::{ClusterSecretStore, Condition, SecretStore, SecretStoreStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;

use super::definitions::Served;
use super::{Check, Clocks, Section, State};
use crate::cluster::kinds::{CLUSTER_SECRET_STORES, Kind, SECRET_STORES};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::status::gather;
use crate::status::list::shorten;
use crate::status::model::{Health, Row};

/// Objects with the same trouble that are named.
const TOLD: usize = 5;

/// What was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    /// Whether the cluster serves our kinds.
    served: bool,
    rows: Found<Row>,
    kes: Found<Row>,
    stores: Found<Store>,
    cluster_stores: Found<Store>,
}

/// A list, as much of it as could be read.
#[derive(Clone, Debug)]
struct Found<T> {
    all: Vec<T>,
    /// The only namespace that may be read.
    only: Option<String>,
    unknown: Option<String>,
}

impl<T> Default for Found<T> {
    fn default() -> Self {
        Self { all: Vec::new(), only: None, unknown: None }
    }
}

/// A store, and what it says of itself.
#[derive(Clone, Debug, PartialEq)]
struct Store {
    place: String,
    ready: Option<Condition>,
}

pub(super) fn find(cluster: &Cluster, served: &Served, clocks: Clocks) -> Objects {
    let all = Selection::default();
    let mut objects = Objects { served: served.external_secrets, ..Objects::default() };
    if served.external_secrets {
        objects.rows = found(cluster, |namespace| {
            Ok(gather::external_secrets(cluster, namespace, &all, clocks.here)?.0)
        });
        objects.stores = found(cluster, |namespace| {
            stores(cluster, &SECRET_STORES, namespace, |it: SecretStore| (it.metadata, it.status))
        });
        objects.cluster_stores = found(cluster, |_| {
            let split = |it: ClusterSecretStore| (it.metadata, it.status);
            stores(cluster, &CLUSTER_SECRET_STORES, None, split)
        });
    }
    if served.kes {
        objects.kes =
            found(cluster, |namespace| gather::kes(cluster, namespace, &all, clocks.here));
    }
    objects
}

/// All of a kind, or those of the namespace if the caller may not see all.
fn found<T>(cluster: &Cluster, list: impl Fn(Option<&str>) -> Result<Vec<T>, Unread>) -> Found<T> {
    let mut only = None;
    let mut listed = list(None);
    if matches!(listed, Err(Unread { why: Why::Forbidden(_), .. })) {
        listed = list(Some(cluster.namespace()));
        only = Some(cluster.namespace().to_owned());
    }
    match listed {
        Ok(all) => Found { all, only, unknown: None },
        Err(error) => Found { all: Vec::new(), only: None, unknown: Some(error.short()) },
    }
}

fn stores<T: DeserializeOwned>(
    cluster: &Cluster,
    kind: &Kind,
    namespace: Option<&str>,
    split: impl Fn(T) -> (ObjectMeta, Option<SecretStoreStatus>),
) -> Result<Vec<Store>, Unread> {
    let mut stores = Vec::new();
    cluster.list(kind, namespace, &Selection::default(), |page: Vec<T>| {
        stores.extend(page.into_iter().map(|store| {
            let (meta, status) = split(store);
            let conditions = status.and_then(|status| status.conditions).unwrap_or_default();
            let name = meta.name.unwrap_or_default();
            Store {
                place: match meta.namespace {
                    Some(namespace) => format!("{} {namespace}/{name}", kind.kind),
                    None => format!("{} {name}", kind.kind),
                },
                ready: conditions.into_iter().find(|it| it.type_ == ConditionType::Ready),
            }
        }));
    })?;
    Ok(stores)
}

impl Objects {
    /// How many ExternalSecrets there are.
    pub(super) fn external_secrets(&self) -> usize {
        self.rows.all.len()
    }

    /// Who wrote the latest status, and when.
    pub(super) fn last_writer(&self) -> Option<(&str, Timestamp)> {
        let last = self.rows.all.iter().max_by_key(|row| row.last_sync)?;
        Some((last.controller.as_deref()?, last.last_sync?))
    }

    /// Secrets for which both operators have an object.
    pub(super) fn twins(&self) -> Vec<String> {
        let place = |row: &Row| format!("{}/{}", row.namespace, row.secret);
        let ours: BTreeSet<String> = self.rows.all.iter().map(place).collect();
        let twins: BTreeSet<String> =
            self.kes.all.iter().map(place).filter(|it| ours.contains(it)).collect();
        twins.into_iter().collect()
    }

    #[cfg(test)]
    pub(super) fn with_twins(places: &[&str]) -> Self {
        use crate::status::model::Api;
        let rows = |api| {
            let row = |place: &&str| {
                let (namespace, name) = place.split_once('/').unwrap();
                Row::unreadable(
                    api,
                    ObjectMeta {
                        namespace: Some(namespace.to_owned()),
                        name: Some(name.to_owned()),
                        ..ObjectMeta::default()
                    },
                )
            };
            Found { all: places.iter().map(row).collect(), ..Found::default() }
        };
        Self { rows: rows(Api::Eso), kes: rows(Api::Kes), ..Self::default() }
    }
}

pub(super) fn judge(objects: &Objects) -> Section {
    let mut checks = Vec::new();
    if objects.served {
        checks.push(stores_check(&objects.stores, "SecretStore"));
        checks.push(stores_check(&objects.cluster_stores, "ClusterSecretStore"));
        checks.push(rows_check(&objects.rows));
    }
    if !objects.kes.all.is_empty() {
        let count = objects.kes.all.len();
        let text = format!("{} of kubernetes-external-secrets", number(count, "object"));
        checks.push(
            Check::new("kubernetesExternalSecrets", State::Info, text)
                .and("`kubectl extsecret migrate` converts them"),
        );
    }
    Section { title: "Objects", checks }
}

/// `1 store`, `2 stores`.
fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

fn of<T>(found: &Found<T>, noun: &str) -> String {
    let text = number(found.all.len(), noun);
    match &found.only {
        Some(namespace) => format!("{text} in the namespace {namespace:?}"),
        None => text,
    }
}

fn stores_check(found: &Found<Store>, noun: &'static str) -> Check {
    const ABOUT: &str = "stores";
    if let Some(why) = &found.unknown {
        return Check::new(ABOUT, State::Unknown, format!("{noun}s: {why}"));
    }
    let count = of(found, noun);
    if found.all.is_empty() {
        return Check::new(ABOUT, State::Info, count);
    }
    let bad: Vec<&Store> = found
        .all
        .iter()
        .filter(|it| it.ready.as_ref().is_some_and(|ready| !ready.is_true()))
        .collect();
    // A store of a class that nobody looks after has no condition, and does no harm.
    let silent: Vec<&Store> = found.all.iter().filter(|it| it.ready.is_none()).collect();
    let (state, text) = match (bad.len(), silent.len()) {
        (0, 0) => (State::Ok, format!("{count}, all ready")),
        (0, silent) => {
            (State::Attention, format!("{count}, {silent} that no controller has looked at"))
        }
        (bad, _) => (State::Problem, format!("{count}, {bad} not ready")),
    };
    let mut check = Check::new(ABOUT, state, text);
    for store in bad.iter().take(TOLD) {
        let ready = store.ready.as_ref();
        let why = ready.and_then(|it| it.message.as_deref().or(it.reason.as_deref()));
        check.details.push(format!(
            "{}: {}",
            store.place,
            shorten(why.unwrap_or("no reason given"))
        ));
    }
    for store in silent.iter().take(TOLD) {
        check.details.push(format!("{}: no condition", store.place));
    }
    check
}

fn rows_check(found: &Found<Row>) -> Check {
    const ABOUT: &str = "externalSecrets";
    if let Some(why) = &found.unknown {
        return Check::new(ABOUT, State::Unknown, format!("ExternalSecrets: {why}"));
    }
    let count = of(found, "ExternalSecret");
    let of = |health| found.all.iter().filter(|row| row.health == health).count();
    let (failing, overdue) = (of(Health::Failing), of(Health::Stale));
    if failing + overdue == 0 {
        return match found.all.len() {
            0 => Check::new(ABOUT, State::Info, count),
            _ => Check::new(ABOUT, State::Ok, format!("{count}, none failing")),
        };
    }
    let mut parts = Vec::new();
    if failing > 0 {
        parts.push(format!("{failing} failing"));
    }
    if overdue > 0 {
        parts.push(format!("{overdue} overdue"));
    }
    Check::new(ABOUT, State::Problem, format!("{count}, {}", parts.join(", ")))
        .and("`kubectl extsecret status -A` shows which and why")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(status: Option<&str>) -> Store {
        let ready = status.map(|status| {
            serde_json::from_value(serde_json::json!({
                "type": "Ready", "status": status, "message": "no such role",
            }))
        });
        Store { place: "SecretStore a/b".to_owned(), ready: ready.map(Result::unwrap) }
    }

    #[test]
    fn stores_that_are_not_ready_are_named() {
        let check = |all: &[Option<&str>]| {
            let all = all.iter().map(|it| store(*it)).collect();
            stores_check(&Found { all, ..Found::default() }, "SecretStore")
        };
        assert_eq!(check(&[]).state, State::Info);
        assert_eq!(check(&[Some("True")]).state, State::Ok);
        assert_eq!(check(&[Some("True"), None]).state, State::Attention);
        let bad = check(&[Some("False"), Some("True")]);
        assert_eq!((bad.state, bad.text.as_str()), (State::Problem, "2 SecretStores, 1 not ready"));
        assert_eq!(bad.details, ["SecretStore a/b: no such role"]);
    }

    #[test]
    fn twins_are_objects_of_both_for_one_secret() {
        let mut objects = Objects::with_twins(&["a/b", "a/c"]);
        objects.kes.all.pop();
        assert_eq!(objects.twins(), ["a/b"]);
    }
}
