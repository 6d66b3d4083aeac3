//! The work of restarts: judge what has changed, plan, write, and tell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use extsecret_restart::decide::{Changed, Facts, Pods, Verdict, judge};
use extsecret_restart::fingerprint::Content;
use extsecret_restart::kinds::{Kind, Obstacle, Progress};
use extsecret_restart::pace::{Held as Hold, Id, Rolling, Waiting, plan};
use extsecret_restart::policy::{self, Mode};
use extsecret_restart::record::Record;
use extsecret_restart::source::Stamp;
use extsecret_restart::window;
use jiff::{SignedDuration, Timestamp};
use kube::Resource as _;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::seen::Seen;
use super::state::{Held, Inner, Outcome, Retry, State, secrets_of};
use super::tell::{CHANGED, Change, about, deferred, event, listed, obstructed, restarted_for};
use super::webhook::Notifier;
use crate::apply::{Apply, ApplyError, PodTimes, WorkloadChange};
use crate::events::Recorder;
use crate::key::{Key, Kind as Synced, Name};
use crate::metrics::Metrics;
use crate::system;
use crate::work::Work;

/// Calls to the API server at once.
const CALLS: usize = 16;
/// It is looked whether something is due this often.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// What happens within this time is judged together.
const TOGETHER: Duration = Duration::from_millis(25);
/// How often it is looked whether what is being synced is.
const SETTLING: SignedDuration = SignedDuration::from_millis(250);
/// The longest pause between two attempts at a write.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// What the work needs.
pub(crate) struct Worker {
    pub(crate) state: Arc<State>,
    pub(crate) apply: Apply,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) metrics: Arc<Metrics>,
    /// Where it is seen what is being synced.
    pub(crate) work: Arc<Work>,
    /// Who brings notices, if anybody gets them.
    pub(crate) notifier: Option<Notifier>,
}

/// Something that the API server is asked.
enum Job {
    Look(Id, Option<Box<str>>),
    /// A restart, with what the Secrets that it is for are taken to hold.
    Restart(Id, WorkloadChange, Vec<(Name, Content)>),
    Write(Id, WorkloadChange),
}

/// What it answered.
enum Answer {
    Pods(Id, Result<PodTimes, ApplyError>),
    Written(Id, bool, Result<Box<Seen>, ApplyError>),
}

impl Worker {
    /// Works until it is dropped.
    pub(crate) async fn run(self) {
        let calls = Arc::new(Semaphore::new(CALLS));
        let mut jobs: JoinSet<Answer> = JoinSet::new();
        let mut changes: BTreeMap<Name, Change> = BTreeMap::new();
        let mut steady = system::Steady::new();
        loop {
            let now = system::timestamp();
            if steady.is_put_back(now, system::instant()) {
                self.state.lock().put_back(now);
            }
            let (new, next) = self.round(&mut changes, now);
            for job in new {
                let (apply, calls) = (self.apply.clone(), Arc::clone(&calls));
                jobs.spawn(async move {
                    // Nobody closes it.
                    let _place = calls.acquire_owned().await;
                    work(&apply, job).await
                });
            }
            let until = next.map_or(LONGEST_SLEEP, |next| {
                let pause = next.duration_since(system::timestamp());
                Duration::try_from(pause).unwrap_or_default().min(LONGEST_SLEEP)
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
        let next = self.start(inner, &mut jobs, now);
        self.tell_of_changes(inner, changes, now);
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
        let held = inner.workloads.get_mut(id)?;
        if held.busy {
            // It is judged again with the answer.
            return None;
        }
        if held.standing.progress == Progress::Rolling {
            // A clock that is put back makes nobody wait for longer.
            let since = held.rolling_since.map_or(now, |since| since.min(now));
            held.rolling_since = Some(since);
        }
        let rollout_until = held.rollout_until(fixed.deadline);
        let held = inner.workloads.get(id)?;
        let references = inner.references(fixed, id, held);
        let pods = match held.pods.as_ref().or(held.seen.own.as_ref()) {
            Some(times) => Pods::Seen { made: &times.made, ran: times.ran.as_deref() },
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
            overdue: rollout_until.is_some_and(|until| until <= now),
        };
        let verdict = judge(&facts, |secret| inner.source(&id.namespace, secret));
        let writes = self.mode(inner, id, held) == Mode::Enforce;
        let pause = held.retry.as_ref().map(|retry| retry.until).filter(|until| *until > now);
        let held = inner.workloads.get_mut(id)?;
        let is_rolling = held.standing.progress == Progress::Rolling;
        let first = |changed: &[Changed]| changed.iter().map(|it| it.since).reduce(Stamp::earliest);
        held.pods = None;
        let mut job = None;
        held.outcome = match verdict {
            // Nothing is written to what is never restarted.
            Verdict::Note(..) if !id.kind.restarts() => {
                held.retry = None;
                Outcome::Settled
            }
            Verdict::Settled => {
                if !is_rolling {
                    held.waited = None;
                }
                held.retry = None;
                Outcome::Settled
            }
            Verdict::Note(record, left) => {
                held.waited = held.waited.or(left);
                held.noted_at_rest = !is_rolling;
                if writes && pause.is_none() {
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
        held.note_wait(now);
        let since = first(held.outcome.changed());
        held.changed = held.changed.into_iter().chain(since).reduce(Stamp::earliest);
        self.tell_of_loop(held, id, now);
        if held.waits.get().is_some() {
            inner.waiting.insert(id.clone());
        } else {
            inner.waiting.remove(id);
            if !held.told.is_empty() && matches!(held.outcome, Outcome::Settled) {
                held.told = "";
            }
            (held.notified, held.changed) = (None, None);
        }
        let ends = rollout_until.filter(|_| matches!(held.outcome, Outcome::Rolling(_)));
        for until in pause.into_iter().chain(ends) {
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
        if let Some(until) = self.settles(inner, id, held, now) {
            return Some(Hold::Settling(until));
        }
        let windows =
            [held.said(policy::WINDOW), namespace(policy::WINDOW), fixed.window.as_deref()];
        window::opens(windows, now).map(Hold::Window)
    }

    /// Until when another value of what a workload reads may be on its way, such as the user name that
    /// belongs to a password. It is not waited for longer than for changes that follow each other.
    fn settles(&self, inner: &Inner, id: &Id, held: &Held, now: Timestamp) -> Option<Timestamp> {
        let first = held.waits.get()?.first.min(now);
        let longest = first.checked_add(self.state.fixed.limits.max_hold).ok()?;
        let externals = secrets_of(id, &held.seen).flat_map(|secret| {
            let names = inner.externals(&secret).map(|(name, _)| Name::new(&id.namespace, name));
            names.collect::<Vec<_>>()
        });
        let keys = externals.map(|name| Key { kind: Synced::ExternalSecret, name });
        let keys: Vec<_> = keys.collect();
        if longest <= now || keys.is_empty() {
            return None;
        }
        let queue = self.work.queue();
        let until = now.checked_add(SETTLING).unwrap_or(longest).min(longest);
        keys.iter().any(|key| queue.is_open(key)).then_some(until)
    }

    /// Begins what may begin.
    fn start(&self, inner: &mut Inner, jobs: &mut Vec<Job>, now: Timestamp) -> Option<Timestamp> {
        let mut numbers = BTreeMap::<&'static str, usize>::new();
        let mut tells = Vec::new();
        let mut oldest = None;
        let mut waits = Vec::new();
        let mut stale = BTreeMap::<Box<str>, i64>::new();
        for id in inner.waiting.union(&inner.rolling) {
            let Some(held) = inner.workloads.get(id) else { continue };
            let (all, old) = held.seen.pods(id.kind);
            let pods = if held.waits.get().is_some() { all } else { old };
            *stale.entry(id.namespace.clone()).or_default() += pods;
        }
        for id in &inner.waiting {
            let Some(held) = inner.workloads.get(id) else { continue };
            let Some(wait) = held.waits.get() else { continue };
            if id.kind.restarts() {
                oldest = oldest.into_iter().chain([wait.first]).min();
            }
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
                // It is somebody else's turn.
                Outcome::Restart(_, record)
                    if held.notified.as_ref() == Some(&record.had)
                        && self.mode(inner, id, held) == Mode::Notify =>
                {
                    "Notified"
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
                    let warning = *obstacle != Obstacle::NextRun;
                    // Whether a key that it reads has changed at all is not known of what was
                    // written before this process came: it counts, and nobody is told.
                    if id.kind.restarts() || changed.iter().any(|it| it.certain) {
                        let text = obstructed(id.kind, changed, obstacle);
                        tells.push((id.clone(), obstacle.reason(), warning, text));
                    }
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
            let secrets = it.secrets.join(", ");
            if let Some(text) = deferred(*hold) {
                let warning = matches!(hold, Hold::Loop(_) | Hold::Halted);
                let text = format!("the restart because of {secrets} waits: {text}");
                tells.push((it.id.clone(), hold.reason(), warning, text));
            } else if inner.workloads.get(it.id).is_some_and(Held::is_news) {
                let text = format!("it restarts soon because of {secrets}: {}", hold.reason());
                tells.push((it.id.clone(), "RestartScheduled", false, text));
            }
        }
        let ids: Vec<_> =
            planned.start.iter().filter_map(|index| Some(waits.get(*index)?.id.clone())).collect();
        drop(waits);
        let mut due = Vec::new();
        for id in ids {
            if let Some(job) = self.begin(inner, &id, now) {
                jobs.push(job);
            } else {
                *numbers.entry("Notified").or_default() += 1;
                due.extend(self.due(inner, &id));
            }
        }
        self.notify(due, now);
        for (id, reason, warning, text) in tells {
            self.tell_once(inner, &id, reason, warning, text);
        }
        let oldest = oldest.map_or(0.0, |oldest| now.duration_since(oldest).as_secs_f64().max(0.0));
        self.metrics.restarts(|all| {
            all.pending = numbers;
            all.stale = stale;
            all.reloaders = inner.reloaders.len();
            all.oldest_seconds = oldest;
            all.rolling = rolling;
            all.by_workload.retain(|(id, _), _| inner.workloads.contains_key(id));
        });
        planned.next
    }

    /// Begins a restart, or tells who is to do it.
    fn begin(&self, inner: &mut Inner, id: &Id, now: Timestamp) -> Option<Job> {
        let fixed = &self.state.fixed;
        let notifies = self.mode(inner, id, inner.workloads.get(id)?) == Mode::Notify;
        let held = inner.workloads.get_mut(id)?;
        let Outcome::Restart(changed, record) = &held.outcome else { return None };
        if notifies {
            let text = format!(
                "its pods do not have what {} holds now: restart it; nobody else does (notify)",
                listed(changed)
            );
            held.notified = Some(record.had.clone());
            held.told = "";
            self.tell_once(inner, id, "Notified", true, text);
            self.count(id, "notified", CHANGED);
            return None;
        }
        let mut record = record.clone();
        let references = changed.iter().map(|it| it.id.clone()).collect();
        let before = held.seen.marker.as_deref().unwrap_or_default();
        let marker = match id.kind {
            // Its pods are made anew without the steps that are for another version.
            Kind::Rollout => Timestamp::from_second(now.as_second()).unwrap_or(now).to_string(),
            _ => fixed.key.marker(before, record.had.iter().map(|(id, had)| (&**id, *had))),
        };
        record.restarted(now, &marker, references);
        let secrets = listed(changed);
        held.under_way = changed.iter().map(|it| (it.secret.clone(), it.since)).collect();
        held.busy = true;
        tracing::info!(workload = %id, secrets, "restarting");
        if held.retry.is_none() && !held.seen.fragile.is_empty() {
            let why: Vec<_> = held.seen.fragile.iter().map(ToString::to_string).collect();
            let text = format!("its restart may be felt: {}", why.join("; "));
            self.recorder.record(about(id, held), event(true, "RestartMayInterrupt", text));
        }
        let change = change(held, &record, Some(marker));
        let secrets: BTreeSet<_> =
            held.under_way.iter().map(|(secret, _)| secret.clone()).collect();
        let taken = |secret: Box<str>| {
            let content = inner.source(&id.namespace, &secret)?.content()?.clone();
            Some((Name::new(&id.namespace, &secret), content))
        };
        Some(Job::Restart(id.clone(), change, secrets.into_iter().filter_map(taken).collect()))
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
        // A note alone makes a Deployment look for a moment as if it were rolled out.
        if is_restart || held.noted_at_rest {
            held.waited = None;
        }
        if !is_restart {
            return;
        }
        held.waits.is_over();
        held.failed = false;
        held.told = "RestartStarted";
        let secrets = held.under_way.iter();
        let secrets =
            secrets.map(|(secret, since)| format!("{secret} (version {})", since.version));
        let text = format!("restarting it because of {}", secrets.collect::<Vec<_>>().join(", "));
        self.recorder.record(about(id, held), event(false, "RestartStarted", text));
        inner.waiting.remove(id);
        self.count(id, "started", CHANGED);
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
            let (result, reason) =
                if refused { ("refused", "Refused") } else { ("error", "Unavailable") };
            self.count(id, result, reason);
        }
        if refused {
            let text = format!("it cannot be restarted, and it is tried again: {cause}");
            self.tell_once(inner, id, "RestartRefused", true, text);
        }
    }

    /// Notices rollouts that have failed.
    fn fail_late(&self, inner: &mut Inner, now: Timestamp) {
        let rolling: Vec<_> = inner.rolling.iter().cloned().collect();
        for id in rolling {
            let Some(held) = inner.workloads.get_mut(&id) else { continue };
            let is_late = self.deadline(held).is_some_and(|deadline| deadline <= now);
            let says_so = held.standing.progress == Progress::Failed;
            let failed = says_so || is_late;
            // Once it has, it is not mended before it is over.
            if !failed || held.failed {
                continue;
            }
            held.failed = true;
            let text = format!(
                "its rollout because of {} fails: what else was to restart for that waits until it \
                 is mended, or the content changes again",
                restarted_for(held).join(", ")
            );
            tracing::warn!(workload = %id, "its restart has failed");
            self.recorder.record(about(&id, held), event(true, "RestartFailed", text));
            self.count(&id, "failed", if says_so { "RolloutFailed" } else { "RolloutDeadline" });
        }
    }
}

impl Held {
    /// Whether nothing was told yet of what it waits for.
    fn is_news(&self) -> bool {
        matches!(self.told, "" | "RestartStarted")
    }

    /// Notes since when it has to restart, and when that last changed.
    fn note_wait(&mut self, now: Timestamp) {
        match &self.outcome {
            Outcome::Restart(_, record) => self.waits.has_to(record.clone(), now),
            Outcome::Rolling(_) | Outcome::Obstructed(..) => {
                self.waits.would_have_to(&self.found, now);
            }
            // It is not known yet.
            Outcome::Look => {}
            Outcome::Settled => self.waits.is_taken_back(now),
            Outcome::Note => self.waits.is_over(),
        }
    }
}

async fn work(apply: &Apply, job: Job) -> Answer {
    match job {
        Job::Look(id, selector) => {
            let Some(selector) = selector else {
                // Nobody can tell its pods: they are taken for old.
                let times = PodTimes { made: vec![Timestamp::MIN], ran: None };
                return Answer::Pods(id, Ok(times));
            };
            let pods = apply.pods(&id.namespace, &selector).await;
            Answer::Pods(id, pods)
        }
        Job::Restart(id, change, secrets) => {
            let answer = match as_taken(apply, &secrets).await {
                Ok(()) => apply.workload(&id, &change).await.map(Box::new),
                Err(error) => Err(error),
            };
            Answer::Written(id, true, answer)
        }
        Job::Write(id, change) => {
            let answer = apply.workload(&id, &change).await.map(Box::new);
            Answer::Written(id, false, answer)
        }
    }
}

/// Whether Secrets still hold what a restart is for. Who was stopped for a while may not have been told
/// yet that one is gone, and pods that are made without it cannot start.
///
/// # Errors
/// [`ApplyError::Conflict`] if not: the watch will tell.
async fn as_taken(apply: &Apply, secrets: &[(Name, Content)]) -> Result<(), ApplyError> {
    for (name, taken) in secrets {
        let secret = apply.read_secret(name).await?.unwrap_or_default();
        let data = secret.data.unwrap_or_default();
        let holds = Content::of(data.iter().map(|(key, value)| (&**key, &*value.0)));
        if holds != *taken {
            return Err(ApplyError::Conflict);
        }
    }
    Ok(())
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
