//! The work of restarts: judge what has changed, plan, write, and tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use extsecret_engine::status::Event;
use extsecret_restart::decide::{Changed, Facts, Pods, Verdict, judge};
use extsecret_restart::kinds::{Kind, Progress};
use extsecret_restart::pace::{Held as Hold, Id, Rolling, Waiting, plan};
use extsecret_restart::policy::{self, Mode};
use extsecret_restart::record::Record;
use extsecret_restart::source::Stamp;
use extsecret_restart::window;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::Resource as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::seen::{Seen, resource};
use super::state::{Happened, Held, Inner, Outcome, Retry, State, Wait};
use crate::apply::{Apply, ApplyError, PodTimes, WorkloadChange};
use crate::events::Recorder;
use crate::key::Name;
use crate::metrics::Metrics;
use crate::system;

/// Calls to the API server at once.
const CALLS: usize = 16;
/// How long one may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// What happens within this time is judged together.
const TOGETHER: Duration = Duration::from_millis(25);
/// The longest pause between two attempts at a write.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);
/// Changes that are remembered for what is told of them.
const MOST_CHANGES: usize = 10_000;

/// What the work needs.
pub(crate) struct Worker {
    pub(crate) state: Arc<State>,
    pub(crate) apply: Apply,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Something that the API server is asked.
enum Job {
    Look(Id, Option<Box<str>>),
    Write(Id, WorkloadChange),
}

/// What it answered.
enum Answer {
    Pods(Id, Result<PodTimes, ApplyError>),
    Written(Id, bool, Result<Box<Seen>, ApplyError>),
}

/// A change of a Secret that workloads restart for.
struct Change {
    since: Stamp,
    /// When it was seen that somebody has to restart for it.
    failed: bool,
}

impl Worker {
    /// Works until it is dropped.
    pub(crate) async fn run(self) {
        let calls = Arc::new(Semaphore::new(CALLS));
        let mut jobs: JoinSet<Answer> = JoinSet::new();
        let mut changes: BTreeMap<Name, Change> = BTreeMap::new();
        loop {
            let now = system::timestamp();
            let (new, next) = self.round(&mut changes, now);
            for job in new {
                let (apply, calls) = (self.apply.clone(), Arc::clone(&calls));
                jobs.spawn(async move {
                    // Nobody closes it.
                    let _place = calls.acquire_owned().await;
                    work(&apply, job).await
                });
            }
            let until = next.map_or(Duration::from_secs(60), |next| {
                let pause = next.duration_since(system::timestamp());
                Duration::try_from(pause).unwrap_or_default().min(Duration::from_secs(60))
            });
            tokio::select! {
                () = self.state.bell.notified() => tokio::time::sleep(TOGETHER).await,
                Some(Ok(answer)) = jobs.join_next() => self.answered(answer),
                () = tokio::time::sleep(until.max(TOGETHER)) => {}
            }
            while let Some(Ok(answer)) = jobs.try_join_next() {
                self.answered(answer);
            }
        }
    }

    /// Judges, plans and tells. Returns what has to be asked of the API server, and when to come again.
    fn round(
        &self,
        changes: &mut BTreeMap<Name, Change>,
        now: Timestamp,
    ) -> (Vec<Job>, Option<Timestamp>) {
        let mut guard = self.state.lock();
        let inner = &mut *guard;
        self.tell_what_happened(inner, now);
        let due: Vec<_> = inner.later.iter().take_while(|(at, _)| *at <= now).cloned().collect();
        for it in due {
            inner.later.remove(&it);
            inner.dirty.insert(it.1);
        }
        let mut jobs = Vec::new();
        for id in std::mem::take(&mut inner.dirty) {
            jobs.extend(self.judge(inner, &id, now));
        }
        self.fail_late(inner, now);
        self.tell_of_changes(inner, changes, now);
        let next = self.start(inner, &mut jobs, now);
        let later = inner.later.first().map(|(at, _)| *at);
        let deadlines =
            inner.rolling.iter().filter_map(|id| self.deadline(inner.workloads.get(id)?));
        let deadline = deadlines.filter(|at| *at > now).min();
        (jobs, next.into_iter().chain(later).chain(deadline).min())
    }

    /// When a rollout that was begun here has failed by its time alone.
    fn deadline(&self, held: &Held) -> Option<Timestamp> {
        let begun = held.found.record()?.restarts.last()?;
        begun.checked_add(self.state.fixed.deadline).ok()
    }

    fn judge(&self, inner: &mut Inner, id: &Id, now: Timestamp) -> Option<Job> {
        let fixed = &self.state.fixed;
        let held = inner.workloads.get(id)?;
        if held.busy {
            // It is judged again with the answer.
            return None;
        }
        let references = inner.references(fixed, id, held);
        let pods = match &held.pods {
            Some(times) => Pods::Seen { made: &times.made, ran: times.ran },
            None => Pods::Unknown,
        };
        let facts = Facts {
            key: &fixed.key,
            adopted: fixed.adopted,
            namespace: &id.namespace,
            references: &references,
            found: &held.found,
            created: held.seen.meta().creation_timestamp.as_ref().map_or(Timestamp::MIN, |it| it.0),
            template: held.template,
            touched: held.seen.touched,
            waited: held.waited,
            pods,
            standing: &held.standing,
        };
        let verdict = judge(&facts, |secret| inner.source(&id.namespace, secret));
        let is_dry = self.mode(inner, id, held) == Mode::DryRun;
        let pause = held.retry.as_ref().map(|retry| retry.until).filter(|until| *until > now);
        let held = inner.workloads.get_mut(id)?;
        let is_rolling = held.standing.progress == Progress::Rolling;
        let first = |changed: &[Changed]| changed.iter().map(|it| it.since).reduce(Stamp::earliest);
        held.pods = None;
        let mut job = None;
        held.outcome = match verdict {
            Verdict::Settled => {
                if !is_rolling {
                    held.waited = None;
                }
                held.retry = None;
                Outcome::Settled
            }
            Verdict::Note(record, left) => {
                held.waited = held.waited.or(left);
                if !is_dry && pause.is_none() {
                    held.busy = true;
                    job = Some(Job::Write(id.clone(), change(held, &record, None)));
                }
                Outcome::Note
            }
            Verdict::AskPods => {
                if pause.is_none() {
                    held.busy = true;
                    job = Some(Job::Look(id.clone(), held.seen.selector.clone()));
                }
                Outcome::Look
            }
            Verdict::Rolling(changed) => {
                held.waited = held.waited.or_else(|| first(&changed));
                Outcome::Rolling(changed)
            }
            Verdict::Obstructed(changed, obstacle) => Outcome::Obstructed(changed, obstacle),
            Verdict::Restart { changed, record } => Outcome::Restart(changed, record),
        };
        held.waits(now);
        if held.wait.is_some() {
            inner.waiting.insert(id.clone());
        } else {
            inner.waiting.remove(id);
            if held.told != "" && matches!(held.outcome, Outcome::Settled) {
                held.told = "";
            }
        }
        if let Some(until) = pause {
            inner.later.insert((until, id.clone()));
        }
        job
    }

    fn mode(&self, inner: &Inner, id: &Id, held: &Held) -> Mode {
        let namespace = inner.namespace_said(&id.namespace, policy::MODE);
        Mode::of(self.state.fixed.mode, [held.said(policy::MODE), namespace])
    }

    /// What else a workload waits for.
    fn hold(&self, inner: &Inner, id: &Id, held: &Held, now: Timestamp) -> Option<Hold> {
        let fixed = &self.state.fixed;
        if let Some(retry) = held.retry.as_ref().filter(|retry| retry.until > now) {
            return Some(Hold::Retry(retry.until));
        }
        let of_secrets = held.outcome.changed().iter().flat_map(|changed| {
            let secret = Name::new(&id.namespace, &changed.secret);
            inner.secret_said(&secret, policy::FREEZE).map(Some).collect::<Vec<_>>()
        });
        let namespace = |what| inner.namespace_said(&id.namespace, what);
        let frozen = [held.said(policy::FREEZE), namespace(policy::FREEZE)];
        let frozen = policy::frozen(frozen.into_iter().chain(of_secrets), now);
        let until = fixed.frozen_until.filter(|until| *until > now).into_iter().chain(frozen).max();
        if let Some(until) = until {
            return Some(Hold::Frozen(until));
        }
        let windows =
            [held.said(policy::WINDOW), namespace(policy::WINDOW), fixed.window.as_deref()];
        window::opens(windows, now).map(Hold::Window)
    }

    /// Begins what may begin.
    fn start(&self, inner: &mut Inner, jobs: &mut Vec<Job>, now: Timestamp) -> Option<Timestamp> {
        let mut numbers = BTreeMap::<&'static str, usize>::new();
        let mut tells = Vec::new();
        let mut oldest = None;
        let mut waits = Vec::new();
        for id in &inner.waiting {
            let Some(held) = inner.workloads.get(id) else { continue };
            let Some(wait) = &held.wait else { continue };
            oldest = oldest.into_iter().chain([wait.first]).min();
            let changed = held.outcome.changed();
            let secrets = changed.iter().map(|it| &*it.secret).collect::<BTreeSet<_>>();
            let reason = match &held.outcome {
                Outcome::Restart(..) if self.mode(inner, id, held) == Mode::DryRun => {
                    tells.push((
                        id.clone(),
                        "DryRun",
                        false,
                        format!(
                            "it would restart because of {}: this is a dry run",
                            listed(changed)
                        ),
                    ));
                    "DryRun"
                }
                // Written, and not answered yet.
                Outcome::Restart(..) if held.busy => continue,
                Outcome::Restart(..) => {
                    waits.push(Waiting {
                        id,
                        wave: policy::wave(held.said(policy::WAVE)),
                        secrets: secrets.into_iter().collect(),
                        first: wait.first,
                        last: wait.last,
                        restarts: &wait.record.restarts,
                        held: self.hold(inner, id, held, now),
                        refused: held.retry.as_ref().is_some_and(|retry| retry.refused),
                    });
                    continue;
                }
                Outcome::Rolling(_) => "RolloutInProgress",
                Outcome::Obstructed(_, obstacle) => {
                    tells.push((id.clone(), obstacle.reason(), true, format!(
                        "its pods do not have what {} holds now, and it is not restarted: {obstacle}",
                        listed(changed)
                    )));
                    obstacle.reason()
                }
                Outcome::Settled | Outcome::Note | Outcome::Look => continue,
            };
            *numbers.entry(reason).or_default() += 1;
        }
        // What is being written is as good as under way.
        let under_way = inner.rolling.iter().chain(inner.waiting.iter().filter(|id| {
            let held = inner.workloads.get(id);
            held.is_some_and(|held| held.busy && matches!(held.outcome, Outcome::Restart(..)))
        }));
        let rolling: Vec<_> = under_way
            .filter_map(|id| {
                let held = inner.workloads.get(id)?;
                let secrets = restarted_for(held);
                // What has changed since is another's business.
                let failed = held.failed && matches!(held.outcome, Outcome::Settled);
                if held.failed && !failed {
                    return None;
                }
                Some(Rolling { id, wave: policy::wave(held.said(policy::WAVE)), secrets, failed })
            })
            .collect();
        let recent: Vec<_> = inner
            .workloads
            .values()
            .filter_map(|held| held.found.record()?.restarts.last().copied())
            .collect();
        let planned = plan(now, &self.state.fixed.limits, &waits, &rolling, &recent);
        let rolling = rolling.iter().filter(|it| !it.failed).count();
        for (index, hold) in &planned.held {
            let Some(it) = waits.get(*index) else { continue };
            *numbers.entry(hold.reason()).or_default() += 1;
            if let Some(text) = deferred(*hold) {
                let warning = matches!(hold, Hold::Loop(_) | Hold::Halted);
                let text =
                    format!("the restart because of {} waits: {text}", it.secrets.join(", "));
                tells.push((it.id.clone(), hold.reason(), warning, text));
            }
        }
        let ids: Vec<_> =
            planned.start.iter().filter_map(|index| Some(waits.get(*index)?.id.clone())).collect();
        drop(waits);
        for id in ids {
            jobs.extend(self.begin(inner, &id, now));
        }
        for (id, reason, warning, text) in tells {
            self.tell_once(inner, &id, reason, warning, text);
        }
        let oldest = oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        self.metrics.restarts(|all| {
            all.pending = numbers;
            all.oldest_seconds = oldest;
            all.rolling = rolling;
        });
        planned.next
    }

    fn begin(&self, inner: &mut Inner, id: &Id, now: Timestamp) -> Option<Job> {
        let fixed = &self.state.fixed;
        let held = inner.workloads.get_mut(id)?;
        let Outcome::Restart(changed, record) = &held.outcome else { return None };
        let mut record = record.clone();
        let references = changed.iter().map(|it| it.id.clone()).collect();
        let before = held.seen.marker.as_deref().unwrap_or_default();
        let marker = match id.kind {
            // Its pods are made anew without the steps that are for another version.
            Kind::Rollout => Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
            Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => {
                fixed.key.marker(before, record.had.iter().map(|(id, had)| (&**id, *had)))
            }
        };
        record.restarted(now, &marker, references);
        let secrets = listed(changed);
        held.under_way = changed.iter().map(|it| (it.secret.clone(), it.since)).collect();
        held.busy = true;
        tracing::info!(workload = %id, secrets, "restarting");
        Some(Job::Write(id.clone(), change(held, &record, Some(marker))))
    }

    fn answered(&self, answer: Answer) {
        let now = system::timestamp();
        let mut guard = self.state.lock();
        let inner = &mut *guard;
        match answer {
            Answer::Pods(id, answer) => {
                let Some(held) = inner.workloads.get_mut(&id) else { return };
                held.busy = false;
                match answer {
                    Ok(times) => held.pods = Some(times),
                    Err(error) => self.failed(inner, &id, &error, false, now),
                }
                inner.dirty.insert(id);
            }
            Answer::Written(id, is_restart, answer) => {
                if let Some(held) = inner.workloads.get_mut(&id) {
                    held.busy = false;
                }
                inner.dirty.insert(id.clone());
                match answer {
                    Ok(seen) => self.written(inner, &id, *seen, is_restart),
                    Err(error) => self.failed(inner, &id, &error, is_restart, now),
                }
            }
        }
    }

    fn written(&self, inner: &mut Inner, id: &Id, seen: Seen, is_restart: bool) {
        inner.put_workload(&self.state.fixed, id.kind, seen);
        let Some(held) = inner.workloads.get_mut(id) else { return };
        held.retry = None;
        if held.standing.progress != Progress::Rolling {
            held.waited = None;
        }
        if !is_restart {
            return;
        }
        held.wait = None;
        held.failed = false;
        held.told = "RestartStarted";
        let text = format!("restarting it because of {}", restarted_for(held).join(", "));
        self.recorder.record(about(id, held), event(false, "RestartStarted", text));
        inner.waiting.remove(id);
        self.metrics.restarts(|all| *all.restarts.entry((id.kind, "started")).or_default() += 1);
    }

    fn failed(
        &self,
        inner: &mut Inner,
        id: &Id,
        error: &ApplyError,
        is_restart: bool,
        now: Timestamp,
    ) {
        let Some(held) = inner.workloads.get_mut(id) else { return };
        let times = held.retry.as_ref().map_or(0, |retry| retry.times) + 1;
        let refused = !error.may_pass();
        let first = match error {
            // What it is now will be seen at once.
            ApplyError::Conflict | ApplyError::Gone | ApplyError::Exists => 100,
            ApplyError::Refused(_) | ApplyError::Unavailable(_) => 500,
        };
        let pause = SignedDuration::from_millis(first << times.min(10)).min(LONGEST_PAUSE);
        let until = now.checked_add(pause).unwrap_or(now);
        held.retry = Some(Retry { times, until, refused });
        inner.later.insert((until, id.clone()));
        if matches!(error, ApplyError::Conflict | ApplyError::Gone) {
            return;
        }
        let cause = error.to_string();
        tracing::warn!(workload = %id, cause, times, "cannot write it; it is tried again");
        if is_restart {
            let result = if refused { "refused" } else { "error" };
            self.metrics.restarts(|all| *all.restarts.entry((id.kind, result)).or_default() += 1);
        }
        if refused {
            let text = format!("it cannot be restarted, and it is tried again: {cause}");
            self.tell_once(inner, id, "RestartRefused", true, text);
        }
    }

    fn tell_what_happened(&self, inner: &mut Inner, now: Timestamp) {
        for (id, happened) in std::mem::take(&mut inner.happened) {
            let Some(held) = inner.workloads.get_mut(&id) else { continue };
            match happened {
                Happened::Wiped => {
                    tracing::debug!(workload = %id, "its record was taken away");
                    self.metrics.restarts(|all| all.wiped += 1);
                }
                Happened::Completed => {
                    let record = held.found.record();
                    let begun = record.and_then(|record| record.restarts.last().copied());
                    let took = begun.map_or(0.0, |begun| now.duration_since(begun).as_secs_f64());
                    let took = took.max(0.0);
                    let text = format!("all its pods are restarted, in {took:.0} s");
                    self.recorder.record(about(&id, held), event(false, "RestartCompleted", text));
                    tracing::info!(workload = %id, seconds = took, "restarted");
                    self.metrics.restarts(|all| {
                        *all.restarts.entry((id.kind, "completed")).or_default() += 1;
                        all.rollouts.0 += 1;
                        all.rollouts.1 += took;
                    });
                }
            }
        }
    }

    /// Notices rollouts that have failed.
    fn fail_late(&self, inner: &mut Inner, now: Timestamp) {
        let rolling: Vec<_> = inner.rolling.iter().cloned().collect();
        for id in rolling {
            let Some(held) = inner.workloads.get_mut(&id) else { continue };
            let is_late = self.deadline(held).is_some_and(|deadline| deadline <= now);
            let failed = held.standing.progress == Progress::Failed || is_late;
            if failed == held.failed {
                continue;
            }
            held.failed = failed;
            if failed {
                let text = format!(
                    "its rollout because of {} fails: what else was to restart for that waits until it \
                     is mended, or the content changes again",
                    restarted_for(held).join(", ")
                );
                tracing::warn!(workload = %id, "its restart has failed");
                self.recorder.record(about(&id, held), event(true, "RestartFailed", text));
                self.metrics
                    .restarts(|all| *all.restarts.entry((id.kind, "failed")).or_default() += 1);
            }
        }
    }

    /// Tells at an ExternalSecret who restarts for it, and when all have.
    fn tell_of_changes(&self, inner: &Inner, changes: &mut BTreeMap<Name, Change>, now: Timestamp) {
        let mut open: BTreeMap<Name, (Stamp, Vec<&Id>, bool)> = BTreeMap::new();
        for id in inner.waiting.iter().chain(&inner.rolling) {
            let Some(held) = inner.workloads.get(id) else { continue };
            let waits = held.outcome.changed().iter().map(|it| (&it.secret, it.since));
            let is_rolling = inner.rolling.contains(id);
            let rolls =
                held.under_way.iter().filter(|_| is_rolling).map(|(secret, at)| (secret, *at));
            for (secret, since) in waits.chain(rolls) {
                let it = open.entry(Name::new(&id.namespace, secret)).or_insert((
                    since,
                    Vec::new(),
                    false,
                ));
                it.0 = since;
                it.1.push(id);
                it.2 |= held.failed;
            }
        }
        for (secret, (since, ids, failed)) in &open {
            let before = changes.get(secret);
            if before.is_none_or(|before| before.since != *since) {
                let count = ids.iter().collect::<BTreeSet<_>>().len();
                let text = format!(
                    "{count} workloads restart because of a change of Secret {}",
                    secret.name
                );
                self.tell_externals(inner, secret, event(false, "RestartScheduled", text));
            }
            if *failed && before.is_none_or(|before| !before.failed) {
                let text =
                    format!("a rollout because of Secret {} fails: the rest waits", secret.name);
                self.tell_externals(inner, secret, event(true, "RestartFailed", text));
            }
            if changes.len() < MOST_CHANGES || before.is_some() {
                changes.insert(secret.clone(), Change { since: *since, failed: *failed });
            }
        }
        let over: Vec<_> = changes.keys().filter(|it| !open.contains_key(*it)).cloned().collect();
        for secret in over {
            let Some(change) = changes.remove(&secret) else { continue };
            let took = now.duration_since(change.since.time).as_secs_f64().max(0.0);
            let text = format!(
                "all that restart for Secret {} have, {took:.0} s after it changed",
                secret.name
            );
            self.tell_externals(inner, &secret, event(false, "RestartCompleted", text));
            self.metrics.restarts(|all| {
                all.running.0 += 1;
                all.running.1 += took;
            });
        }
    }

    fn tell_externals(&self, inner: &Inner, secret: &Name, event: Event) {
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

    fn tell_once(
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
        let reason = match why {
            "DryRun"
            | "Paused"
            | "ManualRestartRequired"
            | "OwnedByController"
            | "TemplateElsewhere" => {
                self.metrics.restarts(|all| *all.suppressed.entry(why).or_default() += 1);
                "RestartSuppressed"
            }
            "RestartRefused" => "RestartFailed",
            "RestartLoopSuspected" => why,
            _ => "RestartDeferred",
        };
        tracing::info!(workload = %id, why, text, "not restarted now");
        self.recorder.record(about(id, held), event(warning, reason, text));
    }
}

impl Held {
    /// Notes since when it has to restart, and when that last changed.
    fn waits(&mut self, now: Timestamp) {
        let record = match &self.outcome {
            Outcome::Restart(_, record) => record.clone(),
            Outcome::Rolling(_) | Outcome::Obstructed(..) => match &self.wait {
                Some(_) => return,
                None => Record::new_like(&self.found),
            },
            // It is not known yet.
            Outcome::Look => return,
            Outcome::Settled | Outcome::Note => {
                self.wait = None;
                return;
            }
        };
        match &mut self.wait {
            Some(wait) if wait.record.had == record.had => wait.record = record,
            Some(wait) => (wait.last, wait.record) = (now, record),
            None => self.wait = Some(Wait { first: now, last: now, record }),
        }
    }
}

async fn work(apply: &Apply, job: Job) -> Answer {
    let late = || ApplyError::Unavailable("the API server does not answer".to_owned());
    match job {
        Job::Look(id, selector) => {
            let Some(selector) = selector else {
                // Nobody can tell its pods: they are taken for old.
                let times = PodTimes { made: vec![Timestamp::MIN], ran: Some(Timestamp::MIN) };
                return Answer::Pods(id, Ok(times));
            };
            let pods = tokio::time::timeout(PATIENCE, apply.pods(&id.namespace, &selector)).await;
            Answer::Pods(id, pods.unwrap_or_else(|_| Err(late())))
        }
        Job::Write(id, change) => {
            let answer = tokio::time::timeout(PATIENCE, apply.workload(&id, &change)).await;
            let answer = answer.unwrap_or_else(|_| Err(late())).map(Box::new);
            Answer::Written(id, change.marker.is_some(), answer)
        }
    }
}

fn change(held: &Held, record: &Record, marker: Option<String>) -> WorkloadChange {
    let metadata = held.seen.meta();
    WorkloadChange {
        uid: metadata.uid.as_deref().unwrap_or_default().into(),
        version: metadata.resource_version.as_deref().unwrap_or_default().into(),
        record: record.write(),
        marker,
    }
}

/// Secrets that a workload was restarted for last.
fn restarted_for(held: &Held) -> Vec<&str> {
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

fn listed(changed: &[Changed]) -> String {
    let secrets: BTreeSet<_> = changed.iter().map(|it| &*it.secret).collect();
    let secrets: Vec<_> = secrets.into_iter().collect();
    format!("Secret {}", secrets.join(", "))
}

/// What is told of a reason to wait; `None` if that is over soon.
fn deferred(hold: Hold) -> Option<String> {
    let until = |at: Timestamp| {
        if at == Timestamp::MAX {
            return "for ever".to_owned();
        }
        format!("until {}", at.round(jiff::Unit::Second).unwrap_or(at))
    };
    Some(match hold {
        Hold::MinInterval(at) => format!("it was restarted not long ago; {}", until(at)),
        Hold::Loop(at) => {
            format!("it was restarted so often that something is wrong; {}", until(at))
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

fn about(id: &Id, held: &Held) -> ObjectReference {
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

fn event(warning: bool, reason: &'static str, message: String) -> Event {
    Event { warning, reason, message }
}
