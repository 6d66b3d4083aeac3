//! What the cluster is asked for what happened.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use extsecret_crds::ExternalSecret;
use extsecret_engine::hash::DATA_HASH_ANNOTATION;
use extsecret_restart::fingerprint::KeyId;
use extsecret_restart::kinds::Progress;
use extsecret_restart::record::{self, RECORD};
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use serde::Deserialize;
use serde_json::Value;

use super::row::{Revision, Row, of_workload, sort};
use crate::cli::HistoryOf;
use crate::cluster::kinds::{
    CONTROLLER_REVISIONS, CRON_JOBS, DAEMON_SETS, EVENTS, EXTERNAL_SECRETS, Kind, REPLICA_SETS,
    SECRETS, STATEFUL_SETS,
};
use crate::cluster::{Cluster, Selection, Unread, Why};
use crate::restarts::why;
use crate::status::consumers::{self, User, WORKLOADS, Workload};
use crate::status::gather;
use crate::status::workload::Named;

/// Reasons of Events of ExternalSecrets that say that a value was written, or was not.
const WRITES: [&str; 5] =
    ["Created", "Updated", "Deleted", "UpdateFailed", "MissingProviderSecret"];

/// What is known, the newest first, and where nobody could look.
pub(crate) fn gather(cluster: &Cluster, of: &HistoryOf) -> anyhow::Result<(Vec<Row>, Vec<String>)> {
    let mut found = Found::default();
    let namespace = cluster.namespace();
    let externals = external_secrets(cluster, namespace);
    match of {
        HistoryOf::Workload(named) => {
            let object = why::object(cluster, namespace, named)?;
            let externals = found.or_tell("ExternalSecrets", externals.map_err(|it| it.short()));
            found.workload(cluster, named, object, &externals)?;
        }
        HistoryOf::Secret(name) => {
            let externals = found.or_tell("ExternalSecrets", externals.map_err(|it| it.short()));
            let it =
                externals.iter().find(|it| it.spec.target_name(&name_of(&it.metadata)) == name);
            found.secret(cluster, name, it)?;
        }
        HistoryOf::ExternalSecret(name) => {
            let externals = externals?;
            let Some(it) = externals.iter().find(|it| name_of(&it.metadata) == *name) else {
                bail!(
                    "there is no ExternalSecret {namespace}/{name}; -n chooses another namespace"
                );
            };
            found.secret(cluster, it.spec.target_name(name), Some(it))?;
        }
    }
    sort(&mut found.rows);
    Ok((found.rows, found.unknown))
}

fn external_secrets(cluster: &Cluster, namespace: &str) -> Result<Vec<ExternalSecret>, Unread> {
    let mut all = Vec::new();
    let select = Selection::default();
    cluster.list(&EXTERNAL_SECRETS, Some(namespace), &select, |page| all.extend(page))?;
    Ok(all)
}

fn name_of(meta: &ObjectMeta) -> String {
    meta.name.clone().unwrap_or_default()
}

#[derive(Default)]
struct Found {
    rows: Vec<Row>,
    unknown: Vec<String>,
}

impl Found {
    /// What was found, or nothing and a word about why.
    fn or_tell<T: Default>(&mut self, what: &str, found: Result<T, String>) -> T {
        found.unwrap_or_else(|why| {
            self.unknown.push(format!("{what}: {why}"));
            T::default()
        })
    }

    /// Of a workload, and of the ExternalSecrets that make what it reads.
    fn workload(
        &mut self,
        cluster: &Cluster,
        named: &Named,
        object: Value,
        externals: &[ExternalSecret],
    ) -> anyhow::Result<()> {
        let namespace = cluster.namespace();
        let revisions = revisions(cluster, namespace, &named.kind, Some(&object));
        let mut revisions = self.or_tell("revisions", revisions);
        let uid = object["metadata"]["uid"].as_str().unwrap_or_default();
        let mine = revisions.remove(uid).unwrap_or_default();
        let what = || format!("{} is not as its kind wants it", named.words(namespace));
        let standing = why::standing(&object, named).with_context(what)?;
        let author = author(&object);
        let record = object["metadata"]["annotations"][RECORD].as_str();
        let record = record::read(record, KeyId::NONE);
        let name = named.kind.name_of(&named.name);
        let (record, author) = (record.record(), author.as_deref());
        self.rows.extend(of_workload(&name, mine, record, standing.progress, author));
        if named.kind == CRON_JOBS {
            self.unknown.push(
                "nothing: a CronJob is never restarted, its next run reads what there is"
                    .to_owned(),
            );
        }
        let workload: Workload = serde_json::from_value(object).with_context(what)?;
        let uses = workload.uses();
        let made = |it: &&ExternalSecret| {
            let target = it.spec.target_name(it.metadata.name.as_deref().unwrap_or_default());
            uses.read.iter().any(|read| &*read.secret == target)
        };
        let externals: Vec<&ExternalSecret> = externals.iter().filter(made).collect();
        let events = self.or_tell("Events", events(cluster, namespace));
        for event in &events {
            if is_about(event, named.kind.kind, &named.name) && is_restart(event) {
                self.rows.push(row(event, &name));
            }
        }
        for it in externals {
            self.external(it, &events, &|event| WRITES.contains(&reason(event)));
        }
        Ok(())
    }

    /// Of a Secret, of the ExternalSecret that makes it, and of workloads that were restarted for it.
    fn secret(
        &mut self,
        cluster: &Cluster,
        secret: &str,
        external: Option<&ExternalSecret>,
    ) -> anyhow::Result<()> {
        let namespace = cluster.namespace();
        let meta = match cluster.metadata(&SECRETS, Some(namespace), secret) {
            Err(
                error @ Unread {
                    why: Why::Unreachable { .. } | Why::Unauthorized(_) | Why::NotAName,
                    ..
                },
            ) => {
                return Err(error.into());
            }
            Ok(None) if external.is_none() && self.unknown.is_empty() => bail!(
                "there is no Secret {namespace}/{secret}, and no ExternalSecret that makes one; -n \
                 chooses another namespace"
            ),
            other => self.or_tell(&format!("Secret {secret}"), other.map_err(|it| it.short())),
        };
        if let Some(meta) = meta {
            self.rows.extend(writes(&meta, &SECRETS.name_of(secret), secret));
        }
        let events = self.or_tell("Events", events(cluster, namespace));
        if let Some(it) = external {
            self.external(it, &events, &|event| {
                is_restart(event) || WRITES.contains(&reason(event))
            });
        }
        let users = consumers::users(cluster, Some(namespace), |uses| {
            uses.read.iter().any(|it| &*it.secret == secret)
        });
        self.unknown.extend(users.unknown);
        for kind in &WORKLOADS {
            let mine: Vec<&User> = users.found.iter().filter(|it| it.kind == kind.kind).collect();
            if mine.is_empty() || *kind == CRON_JOBS {
                continue;
            }
            let revisions = revisions(cluster, namespace, kind, None);
            let mut revisions = self.or_tell(&format!("revisions of {}", kind.plural), revisions);
            for user in mine {
                let meta = &user.workload.metadata;
                let name = kind.name_of(meta.name.as_deref().unwrap_or_default());
                let of_it = revisions.remove(meta.uid.as_deref().unwrap_or_default());
                let said = meta.annotations.as_ref().and_then(|all| all.get(RECORD));
                let record = record::read(said.map(String::as_str), KeyId::NONE);
                let of_it = of_it.unwrap_or_default();
                // How far the last one is, `history` of the workload tells.
                let rows = of_workload(&name, of_it, record.record(), Progress::Done, None);
                self.rows.extend(
                    rows.into_iter()
                        .filter(|row| row.secrets.iter().any(|it| it == secret))
                        .map(|row| Row { result: String::new(), ..row }),
                );
                let named = |event: &&v1::Event| {
                    is_about(event, kind.kind, meta.name.as_deref().unwrap_or_default())
                        && is_restart(event)
                };
                self.rows.extend(events.iter().filter(named).map(|event| row(event, &name)));
            }
        }
        Ok(())
    }

    fn external(
        &mut self,
        it: &ExternalSecret,
        events: &[v1::Event],
        wanted: &dyn Fn(&v1::Event) -> bool,
    ) {
        let name = it.metadata.name.as_deref().unwrap_or_default();
        let object = EXTERNAL_SECRETS.name_of(name);
        let secret = it.spec.target_name(name).to_owned();
        let mine = events.iter().filter(|event| is_about(event, EXTERNAL_SECRETS.kind, name));
        for event in mine.filter(|event| wanted(event)) {
            self.rows.push(Row { secrets: vec![secret.clone()], ..row(event, &object) });
        }
        let Some(status) = &it.status else { return };
        let at = status.refresh_time.as_deref().and_then(|time| time.parse().ok());
        if at.is_some() {
            let ready = status.ready();
            let reason = ready.and_then(|it| it.reason.clone()).unwrap_or_default();
            self.rows.push(Row {
                at,
                what: "synced".to_owned(),
                object,
                by: it.metadata.managed_fields.iter().flatten().find_map(status_author),
                secrets: vec![secret],
                result: reason,
                ..Row::default()
            });
        }
    }
}

/// Who writes the status.
fn status_author(entry: &ManagedFieldsEntry) -> Option<String> {
    entry.manager.clone().filter(|_| entry.subresource.as_deref() == Some("status"))
}

/// Who has asked for a restart as kubectl does it.
fn author(object: &Value) -> Option<String> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let path =
        "/fieldsV1/f:spec/f:template/f:metadata/f:annotations/f:kubectl.kubernetes.io~1restartedAt";
    let mine = entries.iter().find(|it| it.pointer(path).is_some())?;
    Some(mine["manager"].as_str()?.to_owned())
}

/// Who has written keys of a Secret last, and when.
fn writes(meta: &ObjectMeta, object: &str, secret: &str) -> Vec<Row> {
    let entries = meta.managed_fields.iter().flatten();
    let mut rows: Vec<Row> = entries
        .filter_map(|entry| {
            let fields = &entry.fields_v1.as_ref()?.0;
            let data = fields.get("f:data").or_else(|| fields.get("f:stringData"))?.as_object()?;
            let keys = data.keys().filter_map(|key| key.strip_prefix("f:")).map(str::to_owned);
            Some(Row {
                at: entry.time.as_ref().map(|time| time.0),
                what: "written".to_owned(),
                object: object.to_owned(),
                by: entry.manager.clone(),
                secrets: vec![secret.to_owned()],
                keys: keys.collect(),
                ..Row::default()
            })
        })
        .collect();
    sort(&mut rows);
    let has_hash =
        meta.annotations.as_ref().is_some_and(|it| it.contains_key(DATA_HASH_ANNOTATION));
    if let Some(last) = rows.first_mut().filter(|_| has_hash) {
        last.version = gather::version(meta).map(|it| format!("version {it}"));
    }
    rows
}

#[derive(Deserialize)]
struct Owned {
    #[serde(default)]
    metadata: ObjectMeta,
    /// Of a `ReplicaSet`.
    #[serde(default)]
    spec: Value,
    /// Of a `ControllerRevision`.
    #[serde(default)]
    data: Value,
    #[serde(default)]
    revision: i64,
}

/// Revisions of the workloads of a kind, by the uid of the workload; with an object only those that its
/// selector finds.
fn revisions(
    cluster: &Cluster,
    namespace: &str,
    kind: &Kind,
    object: Option<&Value>,
) -> Result<BTreeMap<String, Vec<Revision>>, String> {
    let mut all: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    let from = match *kind {
        CRON_JOBS => return Ok(all),
        STATEFUL_SETS | DAEMON_SETS => CONTROLLER_REVISIONS,
        _ => REPLICA_SETS,
    };
    let labels = object.and_then(|it| it["spec"]["selector"]["matchLabels"].as_object());
    let labels = labels.map(|all| {
        let all =
            all.iter().map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()));
        all.collect::<Vec<_>>().join(",")
    });
    let select = Selection { labels, ..Selection::default() };
    cluster
        .list(&from, Some(namespace), &select, |page: Vec<Owned>| {
            for it in page {
                let owners = it.metadata.owner_references.iter().flatten();
                let owner = owners.into_iter().find(|it| it.controller == Some(true));
                let Some(owner) = owner.map(|it| it.uid.clone()) else { continue };
                all.entry(owner).or_default().push(revision(it));
            }
        })
        .map_err(|error| error.short())?;
    Ok(all)
}

fn revision(it: Owned) -> Revision {
    let said = it.metadata.annotations.unwrap_or_default();
    let number = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"]
        .iter()
        .find_map(|name| said.get(*name)?.parse().ok());
    let of_set = &it.spec["template"]["metadata"]["annotations"];
    let of_revision = &it.data["spec"]["template"]["metadata"]["annotations"];
    let annotations = if of_set.is_object() { of_set } else { of_revision };
    Revision {
        number: number.unwrap_or(it.revision),
        made: it.metadata.creation_timestamp.map(|it| it.0),
        annotations: serde_json::from_value(annotations.clone()).unwrap_or_default(),
    }
}

fn events(cluster: &Cluster, namespace: &str) -> Result<Vec<v1::Event>, String> {
    let mut events = Vec::new();
    let listed =
        cluster.list(&EVENTS, Some(namespace), &Selection::default(), |page: Vec<v1::Event>| {
            events.extend(
                page.into_iter().filter(|it| is_restart(it) || WRITES.contains(&reason(it))),
            );
        });
    listed.map(|_| events).map_err(|error| error.short())
}

fn reason(event: &v1::Event) -> &str {
    event.reason.as_deref().unwrap_or_default()
}

/// Whether it tells of a restart: ours, or one of Reloader's.
fn is_restart(event: &v1::Event) -> bool {
    reason(event).starts_with("Restart") || matches!(reason(event), "Reloaded" | "ReloadFail")
}

fn is_about(event: &v1::Event, kind: &str, name: &str) -> bool {
    let it = &event.involved_object;
    it.kind.as_deref() == Some(kind) && it.name.as_deref() == Some(name)
}

fn row(event: &v1::Event, object: &str) -> Row {
    let series = event.series.as_ref();
    let at = series
        .and_then(|it| it.last_observed_time.as_ref().map(|it| it.0))
        .or_else(|| event.last_timestamp.as_ref().map(|it| it.0))
        .or_else(|| event.event_time.as_ref().map(|it| it.0))
        .or_else(|| event.metadata.creation_timestamp.as_ref().map(|it| it.0));
    let component = event.reporting_component.clone().filter(|it| !it.is_empty());
    let source = event.source.as_ref().and_then(|it| it.component.clone());
    Row {
        at: at.map(|at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(at)),
        what: reason(event).to_owned(),
        object: object.to_owned(),
        by: component.or(source),
        result: event.message.clone().unwrap_or_default(),
        count: i64::from(series.and_then(|it| it.count).or(event.count).unwrap_or(1)),
        ..Row::default()
    }
}
