//! What restarts are decided on, kept current by the watches: what Secrets hold, who reads it, and
//! what everybody says.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use extsecret_restart::decide::Changed;
use extsecret_restart::fingerprint::{Fingerprint, Key};
use extsecret_restart::kinds::{Kind, Obstacle, Progress, Standing};
use extsecret_restart::pace::{Id, Limits};
use extsecret_restart::policy::{self, Mode, Reloader, Said, Wish};
use extsecret_restart::record::{Found, Record, read};
use extsecret_restart::scan::{KeySet, Reference};
use extsecret_restart::source::{Source, Stamp};
use extsecret_restart::wait::{Waits, rollout_until};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource as _;
use tokio::sync::Notify;

use super::secrets::{Before, Known};
use super::seen::Seen;
use crate::apply::PodTimes;
use crate::cache::version;
use crate::key::Name;

/// What does not change while the process runs.
pub(crate) struct Fixed {
    pub(crate) key: Key,
    /// When fingerprints of this key began.
    pub(crate) adopted: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) limits: Limits,
    pub(crate) by_default: bool,
    pub(crate) denied: BTreeSet<String>,
    pub(crate) window: Option<String>,
    pub(crate) frozen_until: Option<Timestamp>,
    pub(crate) reloader: bool,
    pub(crate) deadline: SignedDuration,
    /// Whether restarts are counted by workload.
    pub(crate) counts_workloads: bool,
}

/// Annotations that are read.
pub(super) type Annotations = BTreeMap<Box<str>, Box<str>>;

/// An ExternalSecret.
pub(super) struct External {
    pub(super) uid: Box<str>,
    said: Annotations,
}

/// What has to be done about a workload.
#[derive(Default)]
pub(super) enum Outcome {
    /// Nothing.
    #[default]
    Settled,
    /// It will be written what its pods have.
    Note,
    /// Its pods have to be looked at.
    Look,
    /// It has to restart.
    Restart(Vec<Changed>, Record),
    /// It has to restart when its rollout is over, unless that suffices.
    Rolling(Vec<Changed>),
    /// Somebody has to restart it.
    Obstructed(Vec<Changed>, Obstacle),
}

impl Outcome {
    /// What has changed.
    pub(super) fn changed(&self) -> &[Changed] {
        match self {
            Self::Settled | Self::Note | Self::Look => &[],
            Self::Restart(changed, _) | Self::Rolling(changed) | Self::Obstructed(changed, _) => {
                changed
            }
        }
    }
}

/// A write that was in vain.
pub(super) struct Retry {
    pub(super) times: u32,
    pub(super) until: Timestamp,
    pub(super) refused: bool,
}

/// A workload that reads Secrets.
pub(super) struct Held {
    pub(super) seen: Seen,
    pub(super) version: u64,
    pub(super) standing: Standing,
    pub(super) found: Found,
    /// When the template changed under our eyes.
    pub(super) template: Option<Stamp>,
    pub(super) waited: Option<Stamp>,
    /// Since when a rollout of its present template is seen to be under way, by whomever.
    pub(super) rolling_since: Option<Timestamp>,
    /// Whether no rollout was under way when it was decided what is being noted.
    pub(super) noted_at_rest: bool,
    pub(super) pods: Option<PodTimes>,
    pub(super) outcome: Outcome,
    pub(super) waits: Waits,
    /// When the first of what it waits to restart for changed, by the API server's clock.
    pub(super) changed: Option<Stamp>,
    /// For which content it was told that somebody has to restart it.
    pub(super) notified: Option<BTreeMap<Box<str>, Fingerprint>>,
    pub(super) retry: Option<Retry>,
    /// Whether something is being written of it, or asked.
    pub(super) busy: bool,
    /// What was told of it last.
    pub(super) told: &'static str,
    /// The marker of the last restart whose rollout is known to be over.
    pub(super) over: Option<Box<str>>,
    /// Whether its restart, which is under way, is known to have failed.
    pub(super) failed: bool,
    /// Secrets that it is restarted for, and since when their content is what it is.
    pub(super) under_way: Vec<(Box<str>, Stamp)>,
}

impl Held {
    /// Whether a rollout that was begun here is not over. What somebody else rolls out after it was
    /// is none of ours.
    fn is_rolling(&self) -> bool {
        let last = self.found.record().and_then(|record| record.last.as_ref());
        self.standing.progress != Progress::Done
            && last.is_some_and(|last| {
                self.seen.marker.as_deref() == Some(&*last.marker)
                    && self.over.as_deref() != Some(&*last.marker)
            })
    }

    /// Until when its rollout is waited for, whoever began it; `None` if none is under way.
    pub(super) fn rollout_until(&self, deadline: SignedDuration) -> Option<Timestamp> {
        let ours = self.found.record().and_then(|record| record.restarts.last().copied());
        let ours = ours.filter(|_| self.is_rolling());
        let begun = self.seen.touched.map(|touched| ours.map_or(touched, |it| it.max(touched)));
        Some(rollout_until(self.rolling_since?, begun, deadline))
    }

    pub(super) fn said(&self, name: &str) -> Option<&str> {
        self.seen.said.get(name).map(|text| &**text)
    }
}

/// What happened to a workload, for whoever tells.
pub(super) enum Happened {
    /// The rollout that was begun here is over.
    Completed,
    /// Somebody has taken its record away.
    Wiped,
    /// Reloader has restarted it.
    Reloaded,
}

#[derive(Default)]
pub(super) struct Inner {
    pub(super) secrets: HashMap<Name, Known>,
    /// What Secrets hold that nobody has called ours until now, and that are being written.
    pub(super) before: HashMap<Name, Before>,
    /// By the Secret that they make.
    externals: HashMap<Name, BTreeMap<Box<str>, External>>,
    targets: HashMap<Name, Name>,
    namespaces: HashMap<Box<str>, Annotations>,
    pub(super) workloads: HashMap<Id, Held>,
    pub(super) readers: HashMap<Name, BTreeSet<Id>>,
    /// Have to be judged.
    pub(super) dirty: BTreeSet<Id>,
    /// Have to restart.
    pub(super) waiting: BTreeSet<Id>,
    /// Were restarted, and their rollout is not over.
    pub(super) rolling: BTreeSet<Id>,
    /// Have to be judged at a time.
    pub(super) later: BTreeSet<(Timestamp, Id)>,
    pub(super) happened: Vec<(Id, Happened)>,
    /// What runs Reloader.
    pub(super) reloaders: BTreeSet<Id>,
}

/// The state of restarts.
pub(crate) struct State {
    pub(super) fixed: Fixed,
    inner: Mutex<Inner>,
    /// Rings when something has to be judged.
    pub(super) bell: Notify,
}

pub(super) fn ours(annotations: Option<&BTreeMap<String, String>>) -> Annotations {
    let ours = annotations.into_iter().flatten().filter(|(name, _)| {
        name.starts_with("extsecret.io/restart") || name.contains("reloader.stakater.com/")
    });
    ours.map(|(name, text)| (name.as_str().into(), text.as_str().into())).collect()
}

fn text<'a>(said: &'a Annotations, name: &str) -> Option<&'a str> {
    said.get(name).map(|text| &**text)
}

pub(super) fn id(kind: Kind, metadata: &ObjectMeta) -> Id {
    Id {
        namespace: metadata.namespace.as_deref().unwrap_or_default().into(),
        name: metadata.name.as_deref().unwrap_or_default().into(),
        kind,
    }
}

pub(super) fn name(metadata: &ObjectMeta) -> Name {
    Name::new(
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

impl State {
    pub(crate) fn new(fixed: Fixed) -> Self {
        Self { fixed, inner: Mutex::default(), bell: Notify::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An ExternalSecret is there, and makes the Secret `target`.
    pub(crate) fn put_external_secret(&self, metadata: &ObjectMeta, target: &str) {
        let it = name(metadata);
        let target = Name::new(&it.namespace, target);
        let uid = metadata.uid.as_deref().unwrap_or_default().into();
        let external = External { uid, said: ours(metadata.annotations.as_ref()) };
        let mut inner = self.lock();
        inner.forget_external(&it, &target);
        inner.targets.insert(it.clone(), target.clone());
        let all = inner.externals.entry(target.clone()).or_default();
        let before = all.insert((*it.name).into(), external);
        let differs =
            |external: &External| before.as_ref().is_none_or(|it| it.said != external.said);
        if all.get(&*it.name).is_some_and(differs) {
            inner.wake_readers(&target);
            self.bell.notify_one();
        }
    }

    /// An ExternalSecret is gone.
    pub(crate) fn remove_external_secret(&self, it: &Name) {
        let nowhere = Name::new("", "");
        let mut inner = self.lock();
        inner.forget_external(it, &nowhere);
        inner.targets.remove(it);
    }

    /// A namespace is there.
    pub(crate) fn put_namespace(&self, metadata: &ObjectMeta) {
        let name: Box<str> = metadata.name.as_deref().unwrap_or_default().into();
        let said = ours(metadata.annotations.as_ref());
        let mut inner = self.lock();
        let none = Annotations::new();
        if *inner.namespaces.get(&name).unwrap_or(&none) == said {
            return;
        }
        let ids: Vec<_> =
            inner.workloads.keys().filter(|id| id.namespace == name).cloned().collect();
        inner.namespaces.insert(name, said);
        inner.dirty.extend(ids);
        self.bell.notify_one();
    }

    /// A namespace is gone.
    pub(crate) fn remove_namespace(&self, name: &str) {
        self.lock().namespaces.remove(name);
    }

    /// A workload is there.
    pub(crate) fn put_workload(&self, kind: Kind, seen: Seen) {
        let mut inner = self.lock();
        inner.put_workload(&self.fixed, kind, seen);
        self.bell.notify_one();
    }

    /// A workload is gone.
    pub(crate) fn remove_workload(&self, id: &Id) {
        let mut inner = self.lock();
        inner.reloaders.remove(id);
        inner.forget_workload(id);
        drop(inner);
        self.bell.notify_one();
    }

    /// Workloads of a kind that are known, and not among those.
    pub(crate) fn unseen(&self, kind: Kind, seen: &BTreeSet<Id>) -> Vec<Id> {
        let inner = self.lock();
        let known = inner.workloads.keys().filter(|id| id.kind == kind && !seen.contains(id));
        known.cloned().collect()
    }
}

impl Inner {
    /// The clock was put back: what is due at a time of day is looked at anew, and what is tried again
    /// is tried at once.
    pub(super) fn put_back(&mut self, now: Timestamp) {
        self.workloads.values_mut().for_each(|held| {
            held.waits.put_back(now);
            if let Some(retry) = &mut held.retry {
                retry.until = now;
            }
        });
        self.later.clear();
        self.dirty.extend(self.workloads.keys().cloned());
    }

    pub(super) fn wake_readers(&mut self, secret: &Name) {
        let readers = self.readers.get(secret).into_iter().flatten().cloned();
        self.dirty.extend(readers);
    }

    fn forget_external(&mut self, it: &Name, target: &Name) {
        let Some(before) = self.targets.get(it).filter(|before| *before != target).cloned() else {
            return;
        };
        if let Some(all) = self.externals.get_mut(&before) {
            all.remove(&*it.name);
            if all.is_empty() {
                self.externals.remove(&before);
            }
        }
        self.wake_readers(&before);
    }

    /// What makes a Secret.
    pub(super) fn externals(&self, secret: &Name) -> impl Iterator<Item = (&str, &External)> {
        self.externals.get(secret).into_iter().flatten().map(|(name, it)| (&**name, it))
    }

    fn forget_workload(&mut self, id: &Id) {
        if let Some(held) = self.workloads.remove(id) {
            for secret in secrets_of(id, &held.seen) {
                if let Some(readers) = self.readers.get_mut(&secret) {
                    readers.remove(id);
                    if readers.is_empty() {
                        self.readers.remove(&secret);
                        // It was kept for them only.
                        let is_gone = |known: &Known| known.source.content().is_none();
                        if self.secrets.get(&secret).is_some_and(is_gone) {
                            self.secrets.remove(&secret);
                        }
                    }
                }
            }
        }
        for set in [&mut self.dirty, &mut self.waiting, &mut self.rolling] {
            set.remove(id);
        }
    }

    pub(super) fn put_workload(&mut self, fixed: &Fixed, kind: Kind, seen: Seen) {
        let id = id(kind, seen.meta());
        let version = version(seen.meta());
        if self.workloads.get(&id).is_some_and(|held| held.version > version) {
            return;
        }
        let standing = seen.standing(kind);
        if !seen.is_reloader {
            self.reloaders.remove(&id);
        } else if self.reloaders.insert(id.clone()) {
            tracing::warn!(
                workload = %id,
                "Reloader runs beside this: whatever asks both of them is restarted twice"
            );
        }
        let is_going = seen.meta().deletion_timestamp.is_some();
        let is_over = standing.idle && matches!(kind, Kind::Job | Kind::Pod);
        if is_going || is_over || (secrets_of(&id, &seen).next().is_none() && seen.record.is_none())
        {
            return self.forget_workload(&id);
        }
        let found = read(seen.record.as_deref(), fixed.key.id());
        let before = self.workloads.get_mut(&id).filter(|it| it.seen.meta().uid == seen.meta().uid);
        let Some(held) = before else {
            self.forget_workload(&id);
            for secret in secrets_of(&id, &seen) {
                self.readers.entry(secret).or_default().insert(id.clone());
            }
            let mut held = Held {
                seen,
                version,
                standing,
                found,
                template: None,
                waited: None,
                rolling_since: None,
                noted_at_rest: false,
                pods: None,
                outcome: Outcome::Settled,
                waits: Waits::default(),
                changed: None,
                notified: None,
                retry: None,
                busy: false,
                told: "",
                over: None,
                failed: false,
                under_way: Vec::new(),
            };
            if held.standing.progress == Progress::Done {
                held.over.clone_from(&held.seen.marker);
            }
            if held.is_rolling() {
                self.rolling.insert(id.clone());
            }
            self.workloads.insert(id.clone(), held);
            self.dirty.insert(id);
            return;
        };
        if held.seen.template != seen.template {
            held.template = seen.touched.map(|time| Stamp { time, version });
            held.rolling_since = None;
        }
        if seen.reloaded.is_some() && held.seen.reloaded != seen.reloaded {
            self.happened.push((id.clone(), Happened::Reloaded));
        }
        if held.seen.record.is_some() && seen.record.is_none() {
            self.happened.push((id.clone(), Happened::Wiped));
        }
        let is_old = |secret: &Name| secrets_of(&id, &seen).all(|it| it != *secret);
        let old: Vec<_> = secrets_of(&id, &held.seen).filter(is_old).collect();
        let new: Vec<_> = secrets_of(&id, &seen).collect();
        held.seen = seen;
        held.version = version;
        held.standing = standing;
        held.found = found;
        held.pods = None;
        if held.standing.progress != Progress::Rolling {
            held.rolling_since = None;
        }
        if held.standing.progress == Progress::Done {
            held.over.clone_from(&held.seen.marker);
        }
        let is_rolling = held.is_rolling();
        if is_rolling {
            self.rolling.insert(id.clone());
        } else if self.rolling.remove(&id) {
            held.failed = false;
            let done = held.standing.progress == Progress::Done;
            self.happened.extend(done.then(|| (id.clone(), Happened::Completed)));
        }
        for secret in old {
            if let Some(readers) = self.readers.get_mut(&secret) {
                readers.remove(&id);
            }
        }
        for secret in new {
            self.readers.entry(secret).or_default().insert(id.clone());
        }
        self.dirty.insert(id);
    }

    /// What a namespace says.
    pub(super) fn namespace_said(&self, namespace: &str, name: &str) -> Option<&str> {
        text(self.namespaces.get(namespace)?, name)
    }

    /// When the provider made what led to the last write of a Secret, if that is known.
    pub(super) fn origin(&self, secret: &Name) -> Option<Timestamp> {
        self.secrets.get(secret)?.origin
    }

    pub(super) fn source(&self, namespace: &str, secret: &str) -> Option<&Source> {
        self.secrets.get(&Name::new(namespace, secret)).map(|known| &known.source)
    }

    /// What a Secret and the ExternalSecrets that make it say.
    pub(super) fn secret_said<'a>(
        &'a self,
        secret: &Name,
        what: &'a str,
    ) -> impl Iterator<Item = &'a str> {
        let known = self.secrets.get(secret).and_then(|known| text(&known.said, what));
        let externals = self.externals.get(secret).into_iter().flat_map(BTreeMap::values);
        known.into_iter().chain(externals.filter_map(move |it| text(&it.said, what)))
    }

    /// What a workload may restart for.
    pub(super) fn references(&self, fixed: &Fixed, id: &Id, held: &Held) -> Vec<Reference> {
        let on = held.said(policy::RESTART_ON);
        let mut references = held.seen.uses.references(|it| policy::counts(on, it));
        let workload = Wish::of_workload(held.said(policy::RESTART));
        let namespace = Wish::of_namespace(self.namespace_said(&id.namespace, policy::RESTART));
        if let Wish::For(names) = &workload {
            let read: BTreeSet<_> = references.iter().map(|it| it.secret.clone()).collect();
            references.extend(names.difference(&read).map(|secret| Reference {
                id: secret.clone(),
                secret: secret.clone(),
                keys: KeySet::All,
                optional: true,
            }));
        }
        references.retain(|reference| {
            let secret = Name::new(&id.namespace, &reference.secret);
            let killed =
                self.secret_said(&secret, policy::RESTART).any(|it| policy::is_killed(Some(it)));
            let reloader = fixed.reloader.then(|| self.reloader(held, &secret)).flatten();
            let said = Said {
                allowed: !fixed.denied.contains(&*id.namespace),
                killed,
                workload: reloader
                    .as_ref()
                    .filter(|_| workload == Wish::Inherit)
                    .unwrap_or(&workload),
                namespace: &namespace,
                default: fixed.by_default,
            };
            policy::rule(said, &reference.secret).0
        });
        references
    }

    fn reloader(&self, held: &Held, secret: &Name) -> Option<Wish> {
        let of_secret = |what| self.secret_said(secret, what).next();
        let reloader = Reloader {
            auto: held.said("reloader.stakater.com/auto"),
            secret_auto: held.said("secret.reloader.stakater.com/auto"),
            reload: held.said("secret.reloader.stakater.com/reload"),
            exclude: held.said("secrets.exclude.reloader.stakater.com/reload"),
            search: held.said("reloader.stakater.com/search"),
            matches: of_secret("reloader.stakater.com/match"),
            ignore: of_secret("reloader.stakater.com/ignore"),
        };
        reloader.wish(&secret.name)
    }
}

/// Secrets that a workload reads, or names.
pub(super) fn secrets_of<'a>(id: &'a Id, seen: &'a Seen) -> impl Iterator<Item = Name> + use<'a> {
    let named = match Wish::of_workload(seen.said.get(policy::RESTART).map(|text| &**text)) {
        Wish::For(names) => names,
        _ => BTreeSet::new(),
    };
    let mut all: BTreeSet<Box<str>> = seen.uses.read.iter().map(|it| it.secret.clone()).collect();
    all.extend(named);
    all.into_iter().map(|secret| Name::new(&id.namespace, &secret))
}
