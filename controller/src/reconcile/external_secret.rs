//! One ExternalSecret: when its values are fetched, and what becomes of them (eso-semantics 2.6).

use std::time::Duration;

use extsecret_crds::ExternalSecret;
use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::{CreationPolicy, DeletionPolicy, RefreshPolicy};
use extsecret_crds::rules::check_external_secret;
use extsecret_engine::hash::owner_label;
use extsecret_engine::plan::{self, Action, Input, Plan};
use extsecret_engine::refresh::{self, Cause, Decision, RefreshOptions, current_version};
use extsecret_engine::status::{Event, Retry, Step, TARGET_MISSING, next_status};
use extsecret_engine::{ownership, secret::Secret, windows};
use jiff::Timestamp;
use tokio::time::Instant;

use super::gate::{self, Business};
use super::values::{self, Values};
use super::{Context, reference};
use crate::apply::{ApplyError, ESO_FINALIZER};
use crate::cache::Summary;
use crate::index::{Source, SourceKind};
use crate::key::{Key, Name};
use crate::packed::ManagedSecret;
use crate::queue::{Next, Trigger, Urgency};
use crate::system;
use crate::work::Place;

/// How often it is tried to write what others change meanwhile.
const ATTEMPTS: usize = 4;

/// Share of the interval during which refreshes share an answer.
const SHARED: f64 = 0.1;

/// Longest time that an answer is shared for: values are not kept longer.
pub(crate) const LONGEST_SHARE: Duration = Duration::from_secs(30);

/// How long to leave an ExternalSecret alone that only a change can help.
const SLOWEST: Duration = Duration::from_hours(1);
const SLOW: Duration = Duration::from_mins(5);

/// How long at most until a status that could not be written is written, and what failed with it done,
/// unless the interval is longer.
const UNSAID: Duration = Duration::from_secs(30);

/// Of what the API server refuses: an admission policy may be lifted, and a right be given, without
/// anything that would be seen here.
const MAY_PASS: bool = true;

/// The target as it is known.
enum Existing {
    /// Not there.
    Nothing,
    /// All but its values.
    Known(Summary),
    /// As it was just read.
    Read(Secret),
}

impl Existing {
    fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Nothing => None,
            Self::Known(summary) => Some(&summary.secret),
            Self::Read(secret) => Some(secret),
        }
    }
}

pub(super) async fn look(
    context: &Context,
    key: &Key,
    trigger: Trigger,
    place: &mut Place,
) -> Next {
    let started = system::instant();
    let Some(object) = context.cache.external_secret(&key.name) else {
        context.metrics.forget(key);
        context.memory.forget(&key.name);
        return Next::Gone;
    };
    let next = match object {
        Ok(object) => known(context, key, &object, trigger, place).await,
        Err(error) => {
            tracing::warn!(object = %key, cause = error, "cannot be read");
            Next::Idle
        }
    };
    context.metrics.reconciled(key, system::instant() - started);
    next
}

async fn known(
    context: &Context,
    key: &Key,
    object: &ExternalSecret,
    trigger: Trigger,
    place: &mut Place,
) -> Next {
    match gate::business(context, object, system::instant()) {
        Business::Ours => {}
        Business::Others => {
            tracing::debug!(object = %key, "left to another controller");
            return Next::Idle;
        }
        Business::NotYet => return Next::After(gate::PATIENCE),
    }
    if relieve(context, key, object).await.is_err() {
        return Next::Backoff;
    }
    if object.metadata.deletion_timestamp.is_some() {
        return Next::Idle;
    }
    let name = &key.name;
    let target = Name::new(&name.namespace, object.spec.target_name(&name.name));
    let summary = context.cache.secret(&target);
    let now = system::timestamp();
    let exact = with_exact_time(context, name, object);

    if let Some(summary) = &summary
        && let Some(plan) = plan::refuse(object, &summary.secret, context.options.adopt)
    {
        let version = current_version(object);
        return finish(context, key, object, plan, &version, When::at(now)).await;
    }
    let cause = match due(context, &exact, summary.as_ref(), now, trigger) {
        Ok(Decision::Fetch(cause)) => cause,
        Ok(Decision::Wait(pause)) => {
            seen(context, key, object);
            return pause.map_or(Next::Idle, Next::After);
        }
        Err(error) => {
            let plan = plan::failed(Step::GetData, &error, false);
            let version = current_version(object);
            return finish(context, key, object, plan, &version, When::at(now)).await;
        }
    };
    let version = current_version(object);
    context.metrics.sync_call(key);
    if let Some(violation) = check_external_secret(&object.spec).into_iter().next() {
        let plan = plan::failed(Step::GetData, &violation, false);
        return finish(context, key, object, plan, &version, When::at(now)).await;
    }
    let since = since(object, cause, trigger);
    let begun = system::instant();
    let values = place.wait_for(values::fetch(context, object, since)).await;
    // Those that share an answer fall due together again, and none has a value that is older than its
    // interval.
    let age = values.began.map_or(Duration::ZERO, |began| begun.saturating_duration_since(began));
    let when = When { looked: now, fetched: now.checked_sub(age).unwrap_or(now) };
    // Its values may have taken their time. What has become of it meanwhile leads here again, and what
    // this look was for is owed until then.
    if is_outdated(context, &key.name, object) {
        tracing::debug!(object = %key, "it was changed or deleted meanwhile: nothing is written");
        return Next::Backoff;
    }
    let plan = write(context, key, object, &target, summary, &values).await;
    if let (Some(restarts), Ok(plan)) = (&context.restarts, &plan) {
        let before = exact.status.as_ref().and_then(|status| status.refresh_time.as_deref());
        let before = before.and_then(|time| time.parse().ok());
        let wrote = plan.events.iter().any(|it| matches!(it.reason, "Created" | "Updated"));
        restarts.fetched(&target, values.made, before, wrote);
    }
    let plan = match plan {
        Ok(plan) => plan,
        Err(error) => {
            tracing::warn!(object = %key, cause = %error, "could not write");
            plan::failed(Step::Update, &error, MAY_PASS)
        }
    };
    finish(context, key, object, plan, &version, when).await
}

/// Whether an ExternalSecret is not any more what was looked at: who deletes one to keep a Secret as it
/// is, or takes back a policy that deletes, must not be too late because AWS is slow.
fn is_outdated(context: &Context, name: &Name, object: &ExternalSecret) -> bool {
    let Some(Ok(now)) = context.cache.external_secret(name) else { return true };
    let (now, then) = (&now.metadata, &object.metadata);
    now.uid != then.uid
        || now.generation != then.generation
        || now.deletion_timestamp != then.deletion_timestamp
}

/// When something happened.
#[derive(Clone, Copy)]
struct When {
    /// The look at the object.
    looked: Timestamp,
    /// The call that its values are from, or the look where there was none.
    fetched: Timestamp,
}

impl When {
    fn at(now: Timestamp) -> Self {
        Self { looked: now, fetched: now }
    }
}

/// Takes ESO's finalizer off: garbage collection does what it was for, and with ESO gone it would
/// keep the object for ever.
async fn relieve(context: &Context, key: &Key, object: &ExternalSecret) -> Result<(), ()> {
    let metadata = &object.metadata;
    let has = metadata.finalizers.iter().flatten().any(|name| name == ESO_FINALIZER);
    let uid = metadata.uid.as_deref().unwrap_or_default();
    if !has || !(context.memory.relieve(uid) || metadata.deletion_timestamp.is_some()) {
        return Ok(());
    }
    match context.apply.remove_finalizer(object).await {
        Ok(Some(object)) => {
            let wakes = context.cache.put_external_secret(&object, system::instant());
            context.work.wake(wakes);
            Ok(())
        }
        // The change comes through the watch, and leads here again.
        Ok(None) | Err(ApplyError::Conflict) => Ok(()),
        Err(error) => {
            tracing::warn!(object = %key, cause = %error, "could not remove ESO's finalizer");
            Err(())
        }
    }
}

/// With the exact time of the last refresh, where this process knows it: the status has whole
/// seconds, and an interval of five would be one of four and a half.
fn with_exact_time(context: &Context, name: &Name, object: &ExternalSecret) -> ExternalSecret {
    let mut object = object.clone();
    let Some(exact) = context.memory.refreshed(name) else { return object };
    let Some(status) = &mut object.status else { return object };
    let written: Option<Timestamp> =
        status.refresh_time.as_deref().and_then(|time| time.parse().ok());
    let later = written.is_some_and(|written| exact.as_second() >= written.as_second());
    if later {
        status.refresh_time = Some(exact.to_string());
    }
    object
}

fn refresh_options(context: &Context) -> RefreshOptions {
    RefreshOptions { frozen_interval_zero: context.options.frozen_interval_zero, spread: true }
}

fn due(
    context: &Context,
    object: &ExternalSecret,
    summary: Option<&Summary>,
    now: Timestamp,
    trigger: Trigger,
) -> Result<Decision, extsecret_crds::duration::ParseError> {
    let options = refresh_options(context);
    let known = summary
        .map(|summary| refresh::Target { intact: plan::is_intact(&summary.secret, &summary.hash) });
    let decision = refresh::decide_for(object, known, now, options)?;
    let Decision::Wait(pause) = decision else { return Ok(decision) };
    // ESO notices neither: a template's source that changed, and an owner reference that was taken
    // away (eso-semantics 2.4, 2.16 item 10).
    let policy = object.spec.refresh_policy();
    let frozen = context.options.frozen_interval_zero
        && object.spec.refresh_interval()?.is_zero_or_negative();
    if trigger.refetch && policy != RefreshPolicy::CreatedOnce && !frozen {
        return Ok(Decision::Fetch(Cause::Changed));
    }
    // What failed for news or a change that came before its time is not due by its interval, and was
    // woken because something was put right.
    let status = object.status.as_ref().and_then(|status| status.ready());
    let is_unwell = status.is_some_and(|ready| !ready.is_true())
        && (trigger.urgency < Urgency::Due
            || !object.spec.refresh_interval()?.is_zero_or_negative());
    // Whoever wants no polling now, or ever, wants no news, either.
    let is_open = || object.spec.sync_windows.as_ref().is_none_or(|it| windows::allow(it, now));
    if (trigger.told || is_unwell) && policy == RefreshPolicy::Periodic && !frozen && is_open() {
        return Ok(Decision::Fetch(Cause::Changed));
    }
    let owns = object.spec.creation_policy() == CreationPolicy::Owner;
    if owns && summary.is_some_and(|it| !ownership::controls(object, &it.secret)) {
        return Ok(Decision::Fetch(Cause::Drift));
    }
    Ok(Decision::Wait(pause))
}

/// From when on an answer of the provider is good enough.
fn since(object: &ExternalSecret, cause: Cause, trigger: Trigger) -> Instant {
    let interval = object.spec.refresh_interval().ok().and_then(GoDuration::to_std);
    match (cause, interval) {
        // Those that ask for the same thing keep the pauses between them, and share an answer if
        // these are short.
        (Cause::Interval, Some(interval)) if trigger.urgency == Urgency::Due => {
            let share = interval.mul_f64(SHARED).min(LONGEST_SHARE);
            trigger.since.checked_sub(share).unwrap_or(trigger.since)
        }
        _ => trigger.since,
    }
}

/// Writes the Secret, and what has to be said afterwards.
async fn write(
    context: &Context,
    key: &Key,
    object: &ExternalSecret,
    target: &Name,
    summary: Option<Summary>,
    values: &Values,
) -> Result<Plan, ApplyError> {
    let policy = object.spec.creation_policy();
    // What is merged into has values of its own, and what must not change has to be compared.
    let must_read = match (&policy, &summary) {
        (CreationPolicy::None, _) => false,
        (CreationPolicy::Merge, _) | (CreationPolicy::CreateOrMerge, Some(_)) => true,
        (_, Some(summary)) => summary.secret.immutable == Some(true),
        // Of one without the label that makes it known, nothing is known: it must not outlive its values
        // because somebody took the label away.
        (_, None) => {
            object.spec.deletion_policy() == DeletionPolicy::Delete
                && values.collected.as_ref().is_ok_and(|it| it.data.is_empty())
        }
    };
    let mut existing = match summary {
        _ if must_read => read(context, target).await?,
        Some(summary) => Existing::Known(summary),
        None => Existing::Nothing,
    };
    for _ in 0..ATTEMPTS {
        let mut plan = decide(context, object, values, &existing);
        let action = std::mem::replace(&mut plan.action, Action::Nothing);
        match action {
            Action::Nothing => {}
            Action::Create(secret) => {
                match context.apply.create_secret(&key.name.name, secret).await {
                    Ok(secret) => {
                        remember(context, secret);
                        plan.events.push(Event::created());
                    }
                    Err(ApplyError::Exists) => {
                        existing = read(context, target).await?;
                        continue;
                    }
                    Err(error) => return Err(error),
                }
            }
            Action::Update(secret) => match &existing {
                Existing::Known(summary) if is_same(&secret, summary) => {}
                Existing::Known(_) | Existing::Nothing => {
                    existing = read(context, target).await?;
                    continue;
                }
                Existing::Read(before) => {
                    if let Some(restarts) = &context.restarts {
                        restarts.writes_secret(before);
                    }
                    let written = context.apply.replace_secret(&key.name.name, secret).await;
                    if let (Some(restarts), Err(_)) = (&context.restarts, &written) {
                        restarts.did_not_write_secret(target);
                    }
                    match written {
                        Ok(secret) => {
                            remember(context, secret);
                            plan.events.push(Event::updated());
                        }
                        Err(ApplyError::Conflict | ApplyError::Gone) => {
                            existing = read(context, target).await?;
                            continue;
                        }
                        Err(error) => return Err(error),
                    }
                }
            },
            Action::Delete => {
                let Some(secret) = existing.secret() else { return Ok(plan) };
                match context.apply.delete_secret(secret).await {
                    Ok(()) => {
                        context.cache.forget_secret(target);
                        plan.events.push(Event::deleted());
                    }
                    Err(ApplyError::Conflict) => {
                        existing = read(context, target).await?;
                        continue;
                    }
                    Err(error) => return Ok(plan::failed(Step::Delete, &error, MAY_PASS)),
                }
            }
        }
        if plan.delete_orphans
            && let Err(error) = delete_orphans(context, object, target, &mut plan).await
        {
            return Ok(plan::failed(Step::DeleteOrphans, &error, MAY_PASS));
        }
        return Ok(plan);
    }
    Err(ApplyError::Conflict)
}

/// Whether writing `secret` would change nothing. What the known Secret lacks is its values, and of
/// those there is the hash.
fn is_same(secret: &Secret, known: &Summary) -> bool {
    secret.metadata == known.secret.metadata
        && secret.type_ == known.secret.type_
        && secret.immutable == known.secret.immutable
        && extsecret_engine::hash::data_hash(&secret.data) == *known.hash
}

async fn read(context: &Context, target: &Name) -> Result<Existing, ApplyError> {
    Ok(match context.apply.read_secret(target).await? {
        Some(secret) => Existing::Read(Secret::from(secret)),
        None => Existing::Nothing,
    })
}

/// Templates may take seconds, and meanwhile others have to be looked at.
fn decide(
    context: &Context,
    object: &ExternalSecret,
    values: &Values,
    existing: &Existing,
) -> Plan {
    let mut environment = match system::System::new() {
        Ok(environment) => environment,
        Err(error) => return plan::failed(Step::Update, &error, true),
    };
    let input = Input {
        object,
        collected: values.collected.as_ref(),
        existing: existing.secret(),
        sources: &values.sources,
        settings: &context.options.templates,
        adopt: context.options.adopt,
    };
    let has_template = object.spec.target.as_ref().is_some_and(|target| target.template.is_some());
    if has_template {
        tokio::task::block_in_place(|| plan::plan(&input, &mut environment))
    } else {
        plan::plan(&input, &mut environment)
    }
}

/// The answer to a write is the newest there is.
fn remember(context: &Context, secret: k8s_openapi::api::core::v1::Secret) {
    // Whoever it wakes is the one that is being looked at.
    let _ = context.cache.put_secret(&ManagedSecret::of(secret), system::instant());
}

/// Deletes the Secrets that this ExternalSecret made under other names.
async fn delete_orphans(
    context: &Context,
    object: &ExternalSecret,
    target: &Name,
    plan: &mut Plan,
) -> Result<(), ApplyError> {
    let namespace = object.metadata.namespace.as_deref().unwrap_or_default();
    let name = object.metadata.name.as_deref().unwrap_or_default();
    for orphan in context.cache.secrets_of(namespace, &owner_label(namespace, name)) {
        if orphan == *target {
            continue;
        }
        // A label can be copied; the owner reference says whose it is.
        let Some(summary) = context.cache.secret(&orphan) else { continue };
        if !ownership::controls(object, &summary.secret) {
            continue;
        }
        context.apply.delete_secret(&summary.secret).await?;
        context.cache.forget_secret(&orphan);
        plan.events.push(Event::deleted_orphan());
    }
    Ok(())
}

/// Sets the metrics of an ExternalSecret that needs nothing.
fn seen(context: &Context, key: &Key, object: &ExternalSecret) {
    if let Some(ready) = object.status.as_ref().and_then(|status| status.ready()) {
        context.metrics.condition(key, "Ready", ready.is_true());
    }
    let refreshed = object.status.as_ref().and_then(|status| status.refresh_time.as_deref());
    if let Some(refreshed) = refreshed.and_then(|time| time.parse::<Timestamp>().ok()) {
        context.metrics.refreshed(key, refreshed);
    }
}

/// Says how it ended, and when to look again.
async fn finish(
    context: &Context,
    key: &Key,
    object: &ExternalSecret,
    plan: Plan,
    version: &str,
    when: When,
) -> Next {
    let outcome = &plan.outcome;
    let spec = &object.spec;
    context.metrics.condition(key, "Ready", outcome.ready);
    if outcome.ready {
        context.metrics.refreshed(key, when.fetched);
        context.memory.set_refreshed(&key.name, when.fetched);
    } else {
        context.metrics.sync_error(key);
    }
    let before = object.status.as_ref().and_then(|status| status.ready());
    let told = before.is_some_and(|before| {
        before.is_true() == outcome.ready && before.message.as_deref() == Some(&outcome.message)
    });
    if !told {
        tracing::info!(
            object = %key, ready = outcome.ready, reason = outcome.reason,
            message = outcome.message, "synced"
        );
    }
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let binding = outcome.bound.then(|| spec.target_name(name));
    let status =
        next_status(object.status.as_ref(), outcome, version, binding, when.looked, when.fetched);
    let written = say(context, key, object, &status).await;
    for event in plan.events {
        // What is said about the same state again and again is said once.
        let is_news = matches!(event.reason, "Created" | "Updated" | "Deleted") || !told;
        if is_news {
            context.recorder.record(reference(key.kind, &object.metadata), event);
        }
    }
    let interval = spec.refresh_interval().ok().and_then(GoDuration::to_std);
    let interval = interval.filter(|it| !it.is_zero());
    if written.is_err() {
        return match interval {
            Some(interval) => Next::BackoffWithin(interval.max(UNSAID)),
            None => Next::Backoff,
        };
    }
    if !outcome.ready && matches!(outcome.retry, Retry::OnChange)
        || outcome.reason == TARGET_MISSING
    {
        // The target may be nobody's whom the watch of managed Secrets would show.
        let target = Source::new(SourceKind::Secret, &key.name.namespace, spec.target_name(name));
        let missing = outcome.reason == TARGET_MISSING;
        context.follow.begin(&target, missing, system::instant());
    }
    match outcome.retry {
        // Whoever refreshes often anyway is not helped by longer pauses.
        Retry::Backoff => match interval {
            Some(interval) => Next::BackoffWithin(interval),
            None => Next::Backoff,
        },
        Retry::OnChange => {
            let interval = interval.unwrap_or(SLOWEST);
            Next::After(interval.clamp(SLOW, SLOWEST))
        }
        Retry::Interval => {
            let mut after = object.clone();
            let mut status = status;
            status.refresh_time = Some(when.fetched.to_string());
            after.status = Some(status);
            match refresh::next(&after, system::timestamp(), refresh_options(context)) {
                Ok(Some(pause)) => Next::After(pause),
                Ok(None) | Err(_) => Next::Idle,
            }
        }
    }
}

/// Writes the status, if there is something to write.
async fn say(
    context: &Context,
    key: &Key,
    object: &ExternalSecret,
    status: &extsecret_crds::ExternalSecretStatus,
) -> Result<(), ()> {
    let current = context.cache.external_secret(&key.name).and_then(Result::ok);
    let mut base = current.filter(|it| it.metadata.uid == object.metadata.uid);
    for _ in 0..ATTEMPTS {
        let Some(object) = &base else { return Ok(()) };
        if is_written(context, object, status) {
            return Ok(());
        }
        match context.apply.external_secret_status(object, status).await {
            Ok(object) => {
                let wakes = context.cache.put_external_secret(&object, system::instant());
                context.work.wake(wakes);
                return Ok(());
            }
            Err(ApplyError::Gone) => return Ok(()),
            Err(ApplyError::Conflict) => {
                let uid = object.metadata.uid.clone();
                match context.apply.read_external_secret(&key.name).await {
                    Ok(Some(read)) => {
                        let wakes = context.cache.put_external_secret(&read, system::instant());
                        context.work.wake(wakes);
                        base = read.object.ok().filter(|it| it.metadata.uid == uid);
                    }
                    Ok(None) => return Ok(()),
                    Err(_) => return Err(()),
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

/// Whether the status says so already.
fn is_written(
    context: &Context,
    object: &ExternalSecret,
    status: &extsecret_crds::ExternalSecretStatus,
) -> bool {
    let Some(old) = &object.status else { return false };
    if old == status {
        return true;
    }
    let mut old = old.clone();
    if context.options.lazy_refresh_time && old.refresh_time.is_some() {
        old.refresh_time.clone_from(&status.refresh_time);
    }
    old == *status
}
