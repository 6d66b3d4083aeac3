//! One ClusterExternalSecret: the ExternalSecrets that it has in namespaces (eso-semantics 1.9).
//!
//! Its deletion is left to garbage collection. ESO's finalizers, on it and on namespaces, are taken
//! off: with ESO gone they would keep namespaces for ever.

mod plan;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use extsecret_crds::cluster_external_secret::ClusterExternalSecretStatus;
use extsecret_crds::condition::ConditionType;
use extsecret_crds::duration::GoDuration;
use extsecret_crds::{ClusterExternalSecret, ExternalSecret};
use extsecret_engine::status::Event;
use futures::StreamExt as _;

use self::plan::{Doom, Selection, Step, Tally, made_name};
use super::{Context, reference};
use crate::apply::{ApplyError, ESO_CLUSTER_FINALIZER};
use crate::cache::{NAMESPACE_FINALIZER, Namespace};
use crate::key::{Key, Name};
use crate::queue::Next;
use crate::system;

/// How often it is tried to write what others change meanwhile.
const ATTEMPTS: usize = 4;

/// Namespaces that are written to at once.
const AT_ONCE: usize = 8;

/// How often it is looked at if it does not say so (as with ESO).
const INTERVAL: Duration = Duration::from_hours(1);

/// A shorter interval is no use: what happens is watched.
const SHORTEST: Duration = Duration::from_secs(1);

/// How many namespaces an event names.
const NAMED: usize = 10;

/// Longest message of an event (Kubernetes `events` validation), in bytes.
const MAX_MESSAGE: usize = 1024;

pub(super) async fn look(context: &Context, key: &Key) -> Next {
    if !context.options.cluster_external_secrets {
        return Next::Gone;
    }
    let started = system::instant();
    let Some(watched) = context.cache.cluster_external_secret(&key.name) else {
        context.metrics.forget(key);
        // What ESO left on namespaces that are to go.
        return match release(context, key, |_, namespace| namespace.terminating).await {
            Ok(()) => Next::Gone,
            Err(()) => Next::Backoff,
        };
    };
    let next = match &watched.object {
        Ok(object) => known(context, key, object).await,
        Err(error) => {
            tracing::warn!(object = %key, cause = error, "cannot be read");
            Next::Idle
        }
    };
    context.metrics.reconciled(key, system::instant() - started);
    next
}

async fn known(context: &Context, key: &Key, object: &ClusterExternalSecret) -> Next {
    let deleted = object.metadata.deletion_timestamp.is_some();
    let released = release(context, key, |relief, namespace| {
        let first = context.memory.relieve(relief);
        first || deleted || namespace.terminating
    });
    if released.await.is_err() || relieve(context, key, object).await.is_err() {
        return Next::Backoff;
    }
    if deleted {
        return Next::Idle;
    }
    let interval = interval(key, object);
    let selection = match Selection::of(object) {
        Ok(selection) => selection,
        Err(cause) => {
            let status = plan::status_refused(object, &cause);
            return match say(context, key, object, &status).await {
                Ok(()) => interval.map_or(Next::Idle, Next::After),
                Err(()) => Next::Backoff,
            };
        }
    };
    let mut work = Work { context, key, object, selection: &selection, report: Report::default() };
    work.provide().await;
    let cleared = work.clear().await;
    let Report { tally, news, may_pass } = work.report;
    news.tell(context, key, object);
    if cleared.is_err() {
        return Next::Backoff;
    }
    let status = plan::status_of(object, &tally);
    match say(context, key, object, &status).await {
        Ok(()) if !may_pass => interval.map_or(Next::Idle, Next::After),
        _ => Next::Backoff,
    }
}

/// How often it asks to be looked at.
fn interval(key: &Key, object: &ClusterExternalSecret) -> Option<Duration> {
    let Some(text) = &object.spec.refresh_time else { return Some(INTERVAL) };
    match text.parse::<GoDuration>() {
        Ok(interval) if interval.is_zero_or_negative() => None,
        Ok(interval) => interval.to_std().map(|interval| interval.max(SHORTEST)),
        Err(error) => {
            tracing::warn!(object = %key, cause = %error, "spec.refreshTime is passed over");
            Some(INTERVAL)
        }
    }
}

/// Takes ESO's finalizers off those namespaces that are `meant`. Each is tried once, unless it has
/// to go: whoever puts it there again will do so for ever.
async fn release(
    context: &Context,
    key: &Key,
    meant: impl Fn(&str, &Namespace) -> bool,
) -> Result<(), ()> {
    let mut result = Ok(());
    for (name, namespace) in context.cache.namespaces() {
        let relief = format!("{}/{}", namespace.uid, key.name.name);
        if !namespace.held_by.contains(&key.name.name) || !meant(&relief, &namespace) {
            continue;
        }
        let finalizer = format!("{NAMESPACE_FINALIZER}{}", key.name.name);
        match context.apply.relieve_namespace(&name, &finalizer).await {
            Ok(Some(metadata)) => {
                context.work.wake(context.cache.put_namespace(metadata, system::instant()));
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(
                    object = %key, namespace = &*name, cause = %error,
                    "could not remove ESO's finalizer from a namespace"
                );
                if error.may_pass() {
                    context.memory.not_relieved(&relief);
                    result = Err(());
                }
            }
        }
    }
    result
}

/// Takes ESO's finalizer off the object.
async fn relieve(context: &Context, key: &Key, object: &ClusterExternalSecret) -> Result<(), ()> {
    let metadata = &object.metadata;
    let has = metadata.finalizers.iter().flatten().any(|name| name == ESO_CLUSTER_FINALIZER);
    let uid = metadata.uid.as_deref().unwrap_or_default();
    if !has || !(context.memory.relieve(uid) || metadata.deletion_timestamp.is_some()) {
        return Ok(());
    }
    match context.apply.relieve_cluster_external_secret(metadata).await {
        Ok(Some(object)) => {
            let now = system::instant();
            context.work.wake(context.cache.put_cluster_external_secret(object, now));
            Ok(())
        }
        Ok(None) => Ok(()),
        Err(error) => {
            tracing::warn!(object = %key, cause = %error, "could not remove ESO's finalizer");
            if error.may_pass() {
                context.memory.not_relieved(uid);
                return Err(());
            }
            Ok(())
        }
    }
}

/// One look.
struct Work<'a> {
    context: &'a Context,
    key: &'a Key,
    object: &'a ClusterExternalSecret,
    selection: &'a Selection<'a>,
    report: Report,
}

/// What was found and done.
#[derive(Default)]
struct Report {
    tally: Tally,
    news: News,
    /// Whether something failed that may succeed later.
    may_pass: bool,
}

/// Namespaces in which something was done.
#[derive(Default)]
struct News {
    created: BTreeSet<Arc<str>>,
    updated: BTreeSet<Arc<str>>,
    deleted: BTreeSet<Arc<str>>,
}

/// What became of one namespace.
enum Provided {
    Already,
    Created,
    Updated,
    Not(String),
    Failed(ApplyError),
    /// It is gone.
    Nowhere,
}

/// What became of one ExternalSecret that was to go.
enum Cleared {
    Deleted,
    /// It is not to go any more.
    Kept,
    Failed(ApplyError),
}

impl Work<'_> {
    /// Sees to it that every namespace that is selected has its ExternalSecret.
    async fn provide(&mut self) {
        let namespaces = self.context.cache.namespaces();
        let meant = namespaces.into_iter().filter(|(name, namespace)| {
            !namespace.terminating && self.selection.selects(name, namespace)
        });
        let this = &*self;
        let provided: Vec<_> = futures::stream::iter(meant)
            .map(|(name, _)| async move { (this.provide_one(&name).await, name) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let Report { tally, news, may_pass } = &mut self.report;
        for (provided, namespace) in provided {
            match provided {
                Provided::Nowhere => continue,
                Provided::Not(reason) => {
                    tally.failed.insert(namespace, reason);
                    continue;
                }
                Provided::Failed(error) => {
                    *may_pass = true;
                    let reason = format!("could not create or update ExternalSecret: {error}");
                    tally.failed.insert(namespace, reason);
                    continue;
                }
                Provided::Already => {}
                Provided::Created => _ = news.created.insert(Arc::clone(&namespace)),
                Provided::Updated => _ = news.updated.insert(Arc::clone(&namespace)),
            }
            tally.provisioned.insert(namespace);
        }
    }

    async fn provide_one(&self, namespace: &str) -> Provided {
        let name = Name::new(namespace, made_name(self.object));
        for _ in 0..ATTEMPTS {
            let existing = match self.context.cache.external_secret(&name).transpose() {
                Ok(existing) => existing,
                Err(error) => {
                    let reason = format!("could not get existing ExternalSecret: {error}");
                    return Provided::Not(reason);
                }
            };
            let (written, done) = match plan::step(self.object, namespace, existing.as_ref()) {
                Step::Nothing => return Provided::Already,
                Step::Leave(reason) => return Provided::Not(reason),
                Step::Create(made) => {
                    (self.context.apply.create_external_secret(*made).await, Provided::Created)
                }
                Step::Update(changed) => {
                    (self.context.apply.replace_external_secret(*changed).await, Provided::Updated)
                }
            };
            match written {
                Ok(written) => {
                    if let (Provided::Created, Some(uid)) = (&done, &written.metadata.uid) {
                        self.context.memory.made().insert(uid.clone());
                    }
                    let wakes = self.context.cache.put_external_secret(&written, system::instant());
                    self.context.work.wake(wakes);
                    return done;
                }
                // What is known is not so any more, or not yet.
                Err(ApplyError::Exists | ApplyError::Conflict) => {
                    if let Err(error) = self.reread(&name).await {
                        return Provided::Failed(error);
                    }
                }
                // The ExternalSecret is gone, or its namespace.
                Err(ApplyError::Gone) if existing.is_some() => {
                    if let Err(error) = self.reread(&name).await {
                        return Provided::Failed(error);
                    }
                }
                Err(ApplyError::Gone) => return Provided::Nowhere,
                Err(error) => return Provided::Failed(error),
            }
        }
        Provided::Failed(ApplyError::Conflict)
    }

    /// Brings what is known of an ExternalSecret up to date.
    async fn reread(&self, name: &Name) -> Result<(), ApplyError> {
        let now = system::instant();
        let wakes = match self.context.apply.read_external_secret(name).await? {
            Some(read) => self.context.cache.put_external_secret(&read, now),
            None => self.context.cache.remove_external_secret(name, u64::MAX, now),
        };
        self.context.work.wake(wakes);
        Ok(())
    }

    /// Deletes the ExternalSecrets that are not wanted any more.
    ///
    /// # Errors
    /// If what was seen is not certain: then nothing may be concluded.
    async fn clear(&mut self) -> Result<(), ()> {
        let doomed: Vec<_> = self.context.cache.made_by(&self.key.name.name);
        let doomed = doomed.into_iter().filter_map(|name| {
            let existing = self.context.cache.external_secret(&name)?.ok()?;
            let namespace = self.context.cache.namespace(&name.namespace);
            let doom = self.doom(namespace.as_deref(), &existing)?;
            Some((name, doom))
        });
        let mut certain = false;
        let mut dooms = Vec::new();
        for (name, doom) in doomed.collect::<Vec<_>>() {
            // The other has to be there first.
            let waits = matches!(doom, Doom::Renamed { .. })
                && !self.report.tally.provisioned.contains(&name.namespace);
            if waits {
                self.report.tally.former_left = true;
                continue;
            }
            if !certain {
                self.confirm().await?;
                certain = true;
            }
            dooms.push((name, doom));
        }
        let this = &*self;
        let cleared: Vec<_> = futures::stream::iter(dooms)
            .map(|(name, doom)| async move { (this.clear_one(&name).await, name, doom) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let Report { tally, news, may_pass } = &mut self.report;
        for (cleared, name, doom) in cleared {
            match cleared {
                Cleared::Kept => {}
                Cleared::Deleted => _ = news.deleted.insert(name.namespace),
                Cleared::Failed(error) => {
                    *may_pass = true;
                    tally.former_left |= matches!(doom, Doom::Renamed { .. });
                    tally.provisioned.remove(&name.namespace);
                    let what = "external secret in non matching namespace could not be deleted";
                    tally.failed.insert(name.namespace, format!("{what}: {error}"));
                }
            }
        }
        Ok(())
    }

    fn doom(&self, namespace: Option<&Namespace>, existing: &ExternalSecret) -> Option<Doom> {
        let uid = existing.metadata.uid.as_deref().unwrap_or_default();
        let made_here = self.context.memory.made().contains(uid);
        plan::doom(self.object, self.selection, namespace, existing, made_here)
    }

    /// Whether the object still says so. Namespaces and objects come through different watches: one
    /// that was changed together with its namespaces may be known in part.
    async fn confirm(&self) -> Result<(), ()> {
        let now = system::instant();
        let read = match self.context.apply.read_cluster_external_secret(&self.key.name).await {
            Ok(Some(read)) => read,
            // The change comes through the watch.
            Ok(None) => return Err(()),
            Err(error) => {
                tracing::warn!(object = %self.key, cause = %error, "could not be read");
                return Err(());
            }
        };
        let (seen, current) = (&self.object.metadata, &read.metadata);
        let same = seen.uid == current.uid
            && seen.generation == current.generation
            && current.deletion_timestamp.is_none();
        self.context.work.wake(self.context.cache.put_cluster_external_secret(read, now));
        if same { Ok(()) } else { Err(()) }
    }

    /// Deletes one ExternalSecret, if it is to go to judge from what the API server says now.
    async fn clear_one(&self, name: &Name) -> Cleared {
        let (context, key) = (self.context, self.key);
        for _ in 0..ATTEMPTS {
            let namespace = match context.apply.read_namespace(&name.namespace).await {
                Ok(Some(metadata)) => {
                    let now = system::instant();
                    context.work.wake(context.cache.put_namespace(metadata.clone(), now));
                    Namespace::from(metadata)
                }
                Ok(None) => return Cleared::Kept,
                Err(error) => return Cleared::Failed(error),
            };
            let existing = context.cache.external_secret(name).and_then(Result::ok);
            let Some(existing) = existing else { return Cleared::Kept };
            let Some(doom) = self.doom(Some(&namespace), &existing) else { return Cleared::Kept };
            let keep_secret = matches!(doom, Doom::Renamed { keep_secret: true });
            match context.apply.delete_external_secret(&existing.metadata, keep_secret).await {
                Ok(left) => {
                    if let Some(left) = left {
                        let wakes = context.cache.put_external_secret(&left, system::instant());
                        context.work.wake(wakes);
                    }
                    tracing::info!(object = %key, deleted = %name, cause = ?doom, "deleted");
                    let uid = existing.metadata.uid.as_deref().unwrap_or_default();
                    context.memory.made().remove(uid);
                    return Cleared::Deleted;
                }
                Err(ApplyError::Conflict) => {
                    if let Err(error) = self.reread(name).await {
                        return Cleared::Failed(error);
                    }
                }
                Err(error) => return Cleared::Failed(error),
            }
        }
        Cleared::Failed(ApplyError::Conflict)
    }
}

impl News {
    fn tell(&self, context: &Context, key: &Key, object: &ClusterExternalSecret) {
        let what = [
            ("Created", "created", &self.created),
            ("Updated", "updated", &self.updated),
            ("Deleted", "deleted", &self.deleted),
        ];
        for (reason, did, namespaces) in what {
            if namespaces.is_empty() {
                continue;
            }
            let list = list(namespaces.iter().map(ToString::to_string));
            let message = cut(format!("external secret {did} in {list}"));
            tracing::info!(object = %key, message, "namespaces");
            let event = Event { warning: false, reason, message };
            context.recorder.record(reference(key.kind, &object.metadata), event);
        }
    }
}

/// The first of many.
fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(NAMED);
    let named: Vec<_> = items.take(NAMED).collect();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}

fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_MESSAGE));
    text
}

/// Writes the status where it is not written yet, and tells of it.
async fn say(
    context: &Context,
    key: &Key,
    object: &ClusterExternalSecret,
    status: &ClusterExternalSecretStatus,
) -> Result<(), ()> {
    let failures = status.failed_namespaces.as_deref().unwrap_or_default();
    let ready = failures.is_empty();
    context.metrics.condition(key, "Ready", ready);
    let Some(base) = context.cache.cluster_external_secret(&key.name) else { return Ok(()) };
    let mut metadata = base.metadata.clone();
    if metadata.uid != object.metadata.uid {
        return Ok(());
    }
    // What this look itself has read may be newer; its status is the one that it was made from.
    let current = base.object.as_ref().unwrap_or(object);
    if plan::is_told(current, status) {
        return Ok(());
    }
    for _ in 0..ATTEMPTS {
        match context.apply.cluster_external_secret_status(&metadata, status).await {
            Ok(written) => {
                let now = system::instant();
                context.work.wake(context.cache.put_cluster_external_secret(written, now));
                tell(context, key, object, status);
                return Ok(());
            }
            Err(ApplyError::Gone) => return Ok(()),
            Err(ApplyError::Conflict) => {
                let read = context.apply.read_cluster_external_secret(&key.name).await;
                let Ok(read) = read else { return Err(()) };
                let Some(read) = read else { return Ok(()) };
                let changed = read.metadata.uid != object.metadata.uid
                    || read.metadata.generation != object.metadata.generation;
                metadata.clone_from(&read.metadata);
                let now = system::instant();
                context.work.wake(context.cache.put_cluster_external_secret(read, now));
                // It is another one now, and is looked at again.
                if changed {
                    return Ok(());
                }
            }
            Err(error) => {
                tracing::warn!(object = %key, cause = %error, "could not write the status");
                return Err(());
            }
        }
    }
    Err(())
}

/// Tells how it is now, if it was not like that before.
fn tell(
    context: &Context,
    key: &Key,
    object: &ClusterExternalSecret,
    status: &ClusterExternalSecretStatus,
) {
    let old = object.status.as_ref();
    let failures = status.failed_namespaces.as_deref().unwrap_or_default();
    let before = old.and_then(|old| old.failed_namespaces.as_deref()).unwrap_or_default();
    let was_ready = old.is_some_and(|old| {
        let ready = old.conditions.iter().flatten().find(|it| it.type_ == ConditionType::Ready);
        ready.is_some_and(extsecret_crds::Condition::is_true)
    });
    let event = if !failures.is_empty() && failures != before {
        let failures = failures.iter().map(|failure| {
            format!("{}: {}", failure.namespace, failure.reason.as_deref().unwrap_or_default())
        });
        let message = cut(format!("one or more namespaces failed: {}", list(failures)));
        tracing::warn!(object = %key, message, "not ready");
        Event { warning: true, reason: "UpdateFailed", message }
    } else if failures.is_empty() && !was_ready {
        let count = status.provisioned_namespaces.as_ref().map_or(0, Vec::len);
        let message = format!("provisioned {count} namespaces");
        Event { warning: false, reason: "Provisioned", message }
    } else {
        return;
    };
    context.recorder.record(reference(key.kind, &object.metadata), event);
}
