//! Stores: whether their credentials can be had (eso-semantics 1.6, 3.6).

use std::time::Duration;

use extsecret_crds::condition::{Condition, ConditionType};
use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::rules::check_store;
use extsecret_crds::store::StoreCapabilities;
use extsecret_crds::{SecretStoreSpec, SecretStoreStatus};
use extsecret_engine::request::StoreName;
use extsecret_engine::status::Event;
use extsecret_provider::aws::is_referent;
use extsecret_provider::provider::{ProviderError, Scope};

use super::{Context, gate, reference};
use crate::cache::Store;
use crate::index::{Source, SourceKind};
use crate::key::{Key, Kind};
use crate::queue::Next;
use crate::system;
use crate::work::Place;

/// How long the provider may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Failures in a row before a store that was ready is said not to be, when the cause may pass by
/// itself: thousands of ExternalSecrets depend on that word.
const FAILURES: u32 = 3;

/// What is to be said about a store.
struct Verdict {
    ready: bool,
    reason: &'static str,
    message: String,
    may_pass: bool,
}

pub(super) async fn look(context: &Context, key: &Key, place: &mut Place) -> Next {
    let started = system::instant();
    let Some(store) = context.cache.store(key) else {
        context.metrics.forget(key);
        return Next::Gone;
    };
    let next = match &store.spec {
        Ok(spec) if !gate::is_ours(&context.options, spec) => Next::Idle,
        Ok(spec) => judged(context, key, &store, spec, place).await,
        Err(error) => {
            tracing::warn!(object = %key, cause = error, "cannot be read");
            Next::Idle
        }
    };
    context.metrics.reconciled(key, system::instant() - started);
    next
}

async fn judged(
    context: &Context,
    key: &Key,
    store: &Store,
    spec: &SecretStoreSpec,
    place: &mut Place,
) -> Next {
    // Somebody looks after the stores of other providers, or nobody can.
    let others = spec.provider.aws.is_none();
    if others && store.ready().is_some() {
        return Next::Idle;
    }
    let verdict = place.wait_for(judge(context, key, spec)).await;
    let failures = context.work.queue().failures(key);
    let interval = interval(context, spec);
    if !verdict.ready && verdict.may_pass && store.ready() == Some(true) && failures < FAILURES {
        tracing::warn!(object = %key, cause = verdict.message, "not validated this time");
        return Next::Backoff;
    }
    let written = say(context, key, store, &verdict).await;
    match (written, verdict.ready) {
        (Err(()), _) => Next::Backoff,
        // A rule that is broken stays broken until the store changes, which is watched.
        (Ok(()), false) if verdict.may_pass => Next::Backoff,
        (Ok(()), _) => Next::After(interval),
    }
}

fn interval(context: &Context, spec: &SecretStoreSpec) -> Duration {
    let interval = spec.refresh_interval.as_ref().and_then(|it| it.to_duration().ok());
    let interval = interval.and_then(extsecret_crds::duration::GoDuration::to_std);
    interval.filter(|it| !it.is_zero()).unwrap_or(context.options.store_interval)
}

async fn judge(context: &Context, key: &Key, spec: &SecretStoreSpec) -> Verdict {
    if let Some(violation) = check_store(spec).into_iter().next() {
        return Verdict {
            ready: false,
            reason: "InvalidStoreConfiguration",
            message: format!("unable to validate store: {violation}"),
            may_pass: false,
        };
    }
    let kind = match key.kind {
        Kind::ClusterSecretStore => StoreKind::ClusterSecretStore,
        _ => StoreKind::SecretStore,
    };
    let cluster = key.kind == Kind::ClusterSecretStore;
    let scope = Scope {
        store: StoreName { kind, name: key.name.name.to_string() },
        namespace: (!cluster).then(|| key.name.namespace.to_string()),
    };
    let valid = || Verdict {
        ready: true,
        reason: "Valid",
        message: "store validated".to_owned(),
        may_pass: false,
    };
    // Each namespace has its own credentials; there are none to look at here.
    if cluster && spec.provider.aws.as_ref().is_some_and(is_referent) {
        return valid();
    }
    let failed = |reason, what, error: &ProviderError| Verdict {
        ready: false,
        reason,
        message: format!("{what}: {error}"),
        may_pass: error.may_pass(),
    };
    let provider = match context.providers.connect(spec, &scope).await {
        Ok(provider) => provider,
        Err(error) => return failed("InvalidProviderConfig", "unable to create client", &error),
    };
    match provider.check(system::instant() + PATIENCE).await {
        Ok(()) => valid(),
        Err(error) => failed("ValidationFailed", "unable to validate store", &error),
    }
}

/// Writes the verdict where it is not written yet, and tells of it.
async fn say(context: &Context, key: &Key, store: &Store, verdict: &Verdict) -> Result<(), ()> {
    context.metrics.condition(key, "Ready", verdict.ready);
    let old = store.status.clone().unwrap_or_default();
    let before = old.conditions.iter().flatten().find(|it| it.type_ == ConditionType::Ready);
    let status = if verdict.ready { "True" } else { "False" };
    let condition = Condition {
        type_: ConditionType::Ready,
        status: status.to_owned(),
        reason: Some(verdict.reason.to_owned()),
        message: Some(verdict.message.clone()),
        last_transition_time: Some(since(before, status)),
        other: before.map(|before| before.other.clone()).unwrap_or_default(),
    };
    let told = before.is_some_and(|before| {
        before.status == condition.status
            && before.reason == condition.reason
            && before.message == condition.message
    });
    let capabilities = Some(StoreCapabilities::ReadWrite);
    let mut conditions = old.conditions.clone().unwrap_or_default();
    match queue(context, &conditions) {
        Some(condition) => set(&mut conditions, condition),
        None => conditions.retain(|it| it.type_ != queue_reachable()),
    }
    set(&mut conditions, condition);
    let status = SecretStoreStatus { capabilities, conditions: Some(conditions), ..old.clone() };
    if status == old {
        return Ok(());
    }
    if let Err(error) = context.apply.store_status(key, &store.metadata, &status).await {
        tracing::warn!(object = %key, cause = %error, "could not write the status");
        return Err(());
    }
    if !told {
        let event = Event {
            warning: !verdict.ready,
            reason: verdict.reason,
            message: verdict.message.clone(),
        };
        tracing::info!(object = %key, ready = verdict.ready, message = verdict.message, "store");
        context.recorder.record(reference(key.kind, &store.metadata), event);
    }
    Ok(())
}

/// The condition that tells whether the queue of changes can be read. ESO has none.
fn queue_reachable() -> ConditionType {
    ConditionType::Other("QueueReachable".to_owned())
}

/// Since when a condition has this status.
fn since(before: Option<&Condition>, status: &str) -> String {
    let same = before.filter(|before| before.status == status);
    let since = same.and_then(|same| same.last_transition_time.clone());
    since.unwrap_or_else(|| system::timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn set(conditions: &mut Vec<Condition>, condition: Condition) {
    match conditions.iter_mut().find(|it| it.type_ == condition.type_) {
        Some(before) => *before = condition,
        None => conditions.push(condition),
    }
}

/// What a store says of the queue of changes: nothing as long as it could always be read.
fn queue(context: &Context, conditions: &[Condition]) -> Option<Condition> {
    let health = context.queue.as_ref()?.borrow().clone();
    let before = conditions.iter().find(|it| it.type_ == queue_reachable());
    let (status, reason, message) = match (&health.cause, before) {
        (Some(cause), _) if !health.reachable => {
            let message = format!("changes are found by polling: {cause}");
            ("False", "QueueUnreachable", message)
        }
        (_, Some(_)) if health.reachable => {
            ("True", "QueueReachable", "changes are read from the queue".to_owned())
        }
        // Nobody knows yet.
        (_, before) => return before.cloned(),
    };
    Some(Condition {
        type_: queue_reachable(),
        status: status.to_owned(),
        reason: Some(reason.to_owned()),
        message: Some(message),
        last_transition_time: Some(since(before, status)),
        ..Condition::default()
    })
}

/// Whether the credentials of a store are made of `source`, for some ExternalSecret at least.
pub(crate) fn refers_to(key: &Key, spec: &SecretStoreSpec, source: &Source) -> bool {
    let Some(auth) = spec.provider.aws.as_ref().and_then(|aws| aws.auth.as_ref()) else {
        return false;
    };
    // Without a namespace, it is that of whoever uses the store.
    let is_meant = |namespace: Option<&str>, name: &str| {
        let own = key.kind == Kind::SecretStore;
        let fits = match namespace {
            _ if own => *key.name.namespace == *source.name.namespace,
            Some(namespace) => namespace == &*source.name.namespace,
            None => true,
        };
        fits && name == &*source.name.name
    };
    match source.kind {
        SourceKind::ConfigMap => false,
        SourceKind::Secret => auth.secret_ref.as_ref().is_some_and(|keys| {
            let all = [
                &keys.access_key_id_secret_ref,
                &keys.secret_access_key_secret_ref,
                &keys.session_token_secret_ref,
            ];
            all.into_iter().flatten().any(|selector| {
                is_meant(
                    selector.namespace.as_deref(),
                    selector.name.as_deref().unwrap_or_default(),
                )
            })
        }),
        SourceKind::ServiceAccount => auth
            .jwt
            .as_ref()
            .and_then(|jwt| jwt.service_account_ref.as_ref())
            .is_some_and(|account| is_meant(account.namespace.as_deref(), &account.name)),
    }
}
