//! What is told of restarts: Events on workloads and ExternalSecrets, and numbers.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_engine::status::Event;
use extsecret_restart::decide::Changed;
use extsecret_restart::kinds::{Kind, Obstacle};
use extsecret_restart::notice::{Due, News, notices};
use extsecret_restart::pace::{Held as Hold, Id};
use extsecret_restart::scan::KeySet;
use extsecret_restart::source::Stamp;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;

use super::seen::resource;
use super::state::{Happened, Held, Inner, Outcome};
use super::work::Worker;
use crate::key::Name;

/// Changes that are remembered for what is told of them.
const MOST_CHANGES: usize = 10_000;

/// What an ExternalSecret is told of why some wait.
const TOLD_APART: [&str; 5] = [
    "RestartDeferred",
    "RestartSuppressed",
    "RestartFailed",
    "RestartLoopSuspected",
    "RestartNeeded",
];

/// Why a workload restarts.
pub(super) const CHANGED: &str = "SecretChanged";

/// A change of a Secret that workloads restart for.
pub(super) struct Change {
    since: Stamp,
    /// Whether it is told that the first of them restarts.
    started: bool,
    /// Whether it is told that a rollout for it has failed.
    failed: bool,
    /// For which reasons it is told that some wait.
    told: BTreeSet<&'static str>,
}

/// How the workloads stand that restart for one Secret.
struct Open<'a> {
    since: Stamp,
    ids: BTreeSet<&'a Id>,
    /// Whether one of them certainly has to: the rollout that another is in may be all that it needs.
    certain: bool,
    started: bool,
    failed: bool,
    /// Why some of them wait, and the first that does for it.
    waits: BTreeMap<&'static str, &'a Id>,
}

impl Worker {
    pub(super) fn tell_what_happened(&self, inner: &mut Inner, now: Timestamp) {
        for (id, happened) in std::mem::take(&mut inner.happened) {
            let Some(held) = inner.workloads.get_mut(&id) else { continue };
            match happened {
                Happened::Wiped => {
                    tracing::debug!(workload = %id, "its record was taken away");
                    self.metrics.restarts(|all| all.wiped += 1);
                }
                Happened::Reloaded => {
                    let text = "Reloader has restarted it: it shall ask one of the two only";
                    let event = event(true, "RestartedByReloader", text.to_owned());
                    self.recorder.record(about(&id, held), event);
                }
                Happened::Completed => {
                    let record = held.found.record();
                    let begun = record.and_then(|record| record.restarts.last().copied());
                    let took = begun.map_or(0.0, |begun| now.duration_since(begun).as_secs_f64());
                    let took = took.max(0.0);
                    let text = format!("all its pods are restarted, in {took:.0} s");
                    self.recorder.record(about(&id, held), event(false, "RestartCompleted", text));
                    tracing::info!(workload = %id, seconds = took, "restarted");
                    self.count(&id, "completed", CHANGED);
                    self.metrics.restarts(|all| {
                        all.rollouts.0 += 1;
                        all.rollouts.1 += took;
                    });
                }
            }
        }
    }

    /// Tells at an ExternalSecret who restarts for it, and when all have.
    pub(super) fn tell_of_changes(
        &self,
        inner: &Inner,
        changes: &mut BTreeMap<Name, Change>,
        now: Timestamp,
    ) {
        let open = open(inner);
        for (secret, it) in &open {
            let name = &secret.name;
            let count = it.ids.len();
            if changes.get(secret).is_none_or(|before| before.since != it.since) {
                // What is told of already is not over, either.
                if !it.certain {
                    continue;
                }
                if changes.len() >= MOST_CHANGES && !changes.contains_key(secret) {
                    continue;
                }
                let text = match count {
                    1 => format!("a workload has to restart: Secret {name} has changed"),
                    _ => format!("{count} workloads have to restart: Secret {name} has changed"),
                };
                self.tell_externals(inner, secret, &event(false, "RestartScheduled", text));
                let (since, told) = (it.since, BTreeSet::new());
                let change = Change { since, started: false, failed: false, told };
                changes.insert(secret.clone(), change);
            }
            let Some(change) = changes.get_mut(secret) else { continue };
            if it.started && !std::mem::replace(&mut change.started, true) {
                let text = match count {
                    1 => format!("the workload restarts for Secret {name}"),
                    _ => format!("the first of {count} workloads restarts for Secret {name}"),
                };
                self.tell_externals(inner, secret, &event(false, "RestartStarted", text));
            }
            let failed = std::mem::replace(&mut change.failed, it.failed);
            if it.failed && !failed {
                let text = format!("a rollout because of Secret {name} fails: the rest waits");
                self.tell_externals(inner, secret, &event(true, "RestartFailed", text));
            }
            for (why, id) in &it.waits {
                if change.told.insert(why) {
                    let text = format!("{id}, and perhaps others, waits with Secret {name}: {why}");
                    self.tell_externals(inner, secret, &event(false, reason_of(why), text));
                }
            }
        }
        let over: Vec<_> = changes.keys().filter(|it| !open.contains_key(*it)).cloned().collect();
        for secret in over {
            let Some(change) = changes.remove(&secret) else { continue };
            let begun = inner.origin(&secret).into_iter().chain([change.since.time]).min();
            let took = begun.map_or(0.0, |begun| now.duration_since(begun).as_secs_f64().max(0.0));
            let text = format!(
                "all that had to restart for Secret {} have, {took:.0} s after its value was made",
                secret.name
            );
            self.tell_externals(inner, &secret, &event(false, "RestartCompleted", text));
            self.metrics.restarts(|all| {
                all.running.0 += 1;
                all.running.1 += took;
            });
        }
    }

    fn tell_externals(&self, inner: &Inner, secret: &Name, event: &Event) {
        for (name, external) in inner.externals(secret) {
            let about = ObjectReference {
                api_version: Some("external-secrets.io/v1".to_owned()),
                kind: Some("ExternalSecret".to_owned()),
                namespace: Some(secret.namespace.to_string()),
                name: Some(name.to_owned()),
                uid: Some(external.uid.to_string()),
                ..ObjectReference::default()
            };
            self.recorder.record(about, event.clone());
        }
    }

    /// What a notice says of a workload that somebody else has to restart.
    pub(super) fn due(&self, inner: &Inner, id: &Id) -> Option<Due> {
        let fixed = &self.state.fixed;
        let held = inner.workloads.get(id)?;
        let Outcome::Restart(changed, record) = &held.outcome else { return None };
        let references = inner.references(fixed, id, held);
        let mut secrets = BTreeMap::<Box<str>, News>::new();
        for it in changed {
            let source = inner.source(&id.namespace, &it.secret)?;
            let reference = references.iter().find(|reference| reference.id == it.id)?;
            let since = held.changed.unwrap_or(it.since);
            let news = secrets.entry(it.secret.clone()).or_default();
            news.version = source.since(&KeySet::All).version.to_string();
            news.keys.extend(source.changed_since(&reference.keys, since).map(Box::from));
        }
        let had = record.had.iter().map(|(id, had)| (&**id, *had));
        let marker = fixed.key.marker(&id.to_string(), had).into();
        Some(Due { workload: id.clone(), secrets, marker })
    }

    /// Sends notices of what somebody else has to restart.
    pub(super) fn notify(&self, due: Vec<Due>, now: Timestamp) {
        let Some(notifier) = &self.notifier else { return };
        let key = &self.state.fixed.key;
        let name = |markers: &[Box<str>]| key.marker(&markers.join(" "), []);
        for notice in notices(now, due, name) {
            notifier.send(notice);
        }
    }

    /// Counts what has become of a workload's restart, and why.
    pub(super) fn count(&self, id: &Id, result: &'static str, reason: &'static str) {
        let of_it = self.state.fixed.counts_workloads;
        self.metrics.restarts(|all| {
            *all.restarts.entry((id.kind, result, reason)).or_default() += 1;
            if of_it {
                *all.by_workload.entry((id.clone(), result)).or_default() += 1;
            }
        });
    }

    /// Tells once that content does not come to rest.
    pub(super) fn tell_of_loop(&self, held: &mut Held, id: &Id, now: Timestamp) {
        if !held.waits.begin_to_come_and_go(now) {
            return;
        }
        let text = "what it reads of Secrets changes and changes back again and again: it is not \
                    restarted for that; look who writes them";
        tracing::warn!(workload = %id, "content comes and goes");
        let event = event(true, "RestartLoopSuspected", text.to_owned());
        self.recorder.record(about(id, held), event);
    }

    pub(super) fn tell_once(
        &self,
        inner: &mut Inner,
        id: &Id,
        why: &'static str,
        warning: bool,
        text: String,
    ) {
        let Some(held) = inner.workloads.get_mut(id) else { return };
        if held.told == why {
            return;
        }
        held.told = why;
        let reason = reason_of(why);
        if reason == "RestartSuppressed" {
            self.metrics.restarts(|all| *all.suppressed.entry(why).or_default() += 1);
        }
        tracing::info!(workload = %id, why, text, "not restarted now");
        self.recorder.record(about(id, held), event(warning, reason, text));
    }
}

/// Who restarts for which Secret, or waits to.
fn open(inner: &Inner) -> BTreeMap<Name, Open<'_>> {
    let mut open: BTreeMap<Name, Open<'_>> = BTreeMap::new();
    for id in inner.waiting.iter().chain(&inner.rolling) {
        let Some(held) = inner.workloads.get(id).filter(|_| id.kind.restarts()) else { continue };
        let in_rollout = matches!(held.outcome, Outcome::Rolling(_));
        let waits = held.outcome.changed().iter().map(|it| (&it.secret, it.since, false));
        let is_rolling = inner.rolling.contains(id);
        let rolls = held.under_way.iter().filter(|_| is_rolling);
        let rolls = rolls.map(|(secret, since)| (secret, *since, true));
        for (secret, since, rolls) in waits.chain(rolls) {
            let (ids, waits) = (BTreeSet::new(), BTreeMap::new());
            let none = || Open { since, ids, certain: false, started: false, failed: false, waits };
            let it = open.entry(Name::new(&id.namespace, secret)).or_insert_with(none);
            let certain = rolls || !in_rollout;
            if certain || !it.certain {
                it.since = since;
            }
            it.certain |= certain;
            it.ids.insert(id);
            it.started |= rolls;
            it.failed |= held.failed;
            if !rolls && TOLD_APART.contains(&reason_of(held.told)) && !held.told.is_empty() {
                it.waits.entry(held.told).or_insert(id);
            }
        }
    }
    open
}

/// As what it is told that a workload does not restart now.
fn reason_of(why: &'static str) -> &'static str {
    match why {
        "DryRun"
        | "Paused"
        | "ManualRestartRequired"
        | "OwnedByController"
        | "TemplateElsewhere"
        | "NextRun"
        | "Job"
        | "BarePod" => "RestartSuppressed",
        "RestartRefused" => "RestartFailed",
        "Notified" => "RestartNeeded",
        "RestartLoopSuspected" | "RestartScheduled" | "RestartStarted" => why,
        _ => "RestartDeferred",
    }
}

/// Secrets that a workload was restarted for last.
pub(super) fn restarted_for(held: &Held) -> Vec<&str> {
    let changed = held.outcome.changed();
    if held.busy && !changed.is_empty() {
        return changed.iter().map(|it| &*it.secret).collect();
    }
    let last = held.found.record().and_then(|record| record.last.as_ref());
    let references = last.map(|last| last.references.as_slice()).unwrap_or_default();
    let secrets =
        references.iter().map(|id| id.split_once('?').map_or(&**id, |(secret, _)| secret));
    secrets.collect::<BTreeSet<_>>().into_iter().collect()
}

pub(super) fn listed(changed: &[Changed]) -> String {
    let secrets: BTreeSet<_> = changed.iter().map(|it| &*it.secret).collect();
    let secrets: Vec<_> = secrets.into_iter().collect();
    format!("Secret {}", secrets.join(", "))
}

/// What is told of one that nobody would roll out.
pub(super) fn obstructed(kind: Kind, changed: &[Changed], obstacle: &Obstacle) -> String {
    let secrets = listed(changed);
    if kind.restarts() {
        return format!(
            "its pods do not have what {secrets} holds now, and it is not restarted: {obstacle}"
        );
    }
    // Without a record it is only known when something was written of them.
    format!(
        "what it runs may have older values than {secrets} holds now, and it is left alone: {obstacle}"
    )
}

/// What is told of a reason to wait; `None` if that is over soon.
pub(super) fn deferred(hold: Hold) -> Option<String> {
    let until = |at: Timestamp| {
        if at == Timestamp::MAX {
            return "for ever".to_owned();
        }
        format!("until {}", at.round(jiff::Unit::Second).unwrap_or(at))
    };
    Some(match hold {
        Hold::MinInterval(at) => format!("it was restarted not long ago; {}", until(at)),
        Hold::Loop(at) => {
            format!("it was restarted again and again, as if something were wrong; {}", until(at))
        }
        Hold::Window(at) => format!("no window is open; {}", until(at)),
        Hold::Frozen(at) => format!("restarts are frozen; {}", until(at)),
        Hold::Halted => "a rollout for the same change has failed".to_owned(),
        Hold::Debounce(_)
        | Hold::Settling(_)
        | Hold::Wave
        | Hold::Busy
        | Hold::Rate(_)
        | Hold::Retry(_) => {
            return None;
        }
    })
}

pub(super) fn about(id: &Id, held: &Held) -> ObjectReference {
    let metadata = held.seen.meta();
    ObjectReference {
        api_version: Some(resource(id.kind).api_version),
        kind: Some(id.kind.name().to_owned()),
        namespace: Some(id.namespace.to_string()),
        name: Some(id.name.to_string()),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        ..ObjectReference::default()
    }
}

pub(super) fn event(warning: bool, reason: &'static str, message: String) -> Event {
    Event { warning, reason, message }
}
