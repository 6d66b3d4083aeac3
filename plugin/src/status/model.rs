//! One ExternalSecret as a row: what its status says, and what it does not say.

use extsecret_crds::ExternalSecret;
use extsecret_crds::external_secret::RefreshPolicy;
use extsecret_engine::refresh::{self, RefreshOptions};
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cluster::kinds::{EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, Kind};

/// How long after its time a refresh may come before somebody should look: controllers spread
/// their work, and have a queue.
const GRACE: SignedDuration = SignedDuration::from_mins(5);

/// How long a new object may wait for its first sync.
const FIRST_SYNC: SignedDuration = SignedDuration::from_mins(1);

/// Which API an object is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub(crate) enum Api {
    /// External Secrets Operator, and our controller.
    #[serde(rename = "external-secrets.io/v1")]
    Eso,
    /// kubernetes-external-secrets.
    #[serde(rename = "kubernetes-client.io/v1")]
    Kes,
}

impl Api {
    pub(crate) fn kind(self) -> &'static Kind {
        match self {
            Self::Eso => &EXTERNAL_SECRETS,
            Self::Kes => &KES_EXTERNAL_SECRETS,
        }
    }

    pub(crate) fn short(self) -> &'static str {
        match self {
            Self::Eso => "ESO",
            Self::Kes => "KES",
        }
    }
}

/// How an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Health {
    /// It does not do what it should.
    Failing,
    /// It did, but its refresh is overdue: who should look after it does not.
    Stale,
    /// It has just been made.
    Pending,
    /// All is well.
    Healthy,
}

/// One object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) api_version: Api,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) store: Option<Store>,
    pub(crate) health: Health,
    /// Status of the condition `Ready`.
    pub(crate) ready: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) message: Option<String>,
    /// What is wrong, in words; absent if nothing is.
    pub(crate) problem: Option<String>,
    pub(crate) last_sync: Option<Timestamp>,
    /// When values are fetched again; absent if only a change leads to that.
    pub(crate) next_sync: Option<Timestamp>,
    pub(crate) secret: String,
    pub(crate) created: Option<Timestamp>,
    pub(crate) refresh_interval: Option<String>,
    pub(crate) refresh_policy: Option<String>,
    /// Who wrote the status.
    pub(crate) controller: Option<String>,
    /// What only a look at other objects tells; absent if nobody looked.
    #[serde(flatten)]
    pub(crate) more: More,
}

/// What a look at other objects tells about a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct More {
    /// The first characters of the target's data hash: it changes when a value does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<String>,
    /// How many keys the target has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keys: Option<usize>,
    /// How many workloads use it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) consumers: Option<usize>,
}

/// Where values come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Store {
    pub(crate) kind: String,
    pub(crate) name: String,
}

impl Row {
    /// What the status of an ExternalSecret says at `now`.
    pub(crate) fn of(object: &ExternalSecret, now: Timestamp) -> Self {
        let meta = &object.metadata;
        let spec = &object.spec;
        let status = object.status.as_ref();
        let ready = status.and_then(extsecret_crds::ExternalSecretStatus::ready);
        let last_sync: Option<Timestamp> =
            status.and_then(|it| it.refresh_time.as_deref()).and_then(|time| time.parse().ok());
        let name = meta.name.clone().unwrap_or_default();
        let created = meta.creation_timestamp.as_ref().map(|time| time.0);
        let next_sync = next_sync(object, last_sync, now);
        let mut row = Self {
            api_version: Api::Eso,
            namespace: meta.namespace.clone().unwrap_or_default(),
            store: store(object),
            health: Health::Healthy,
            ready: ready.map(|ready| ready.status.clone()),
            reason: ready.and_then(|ready| ready.reason.clone()),
            message: ready.and_then(|ready| ready.message.clone()),
            problem: None,
            last_sync,
            next_sync,
            secret: spec.target_name(&name).to_owned(),
            created,
            refresh_interval: spec.refresh_interval.clone(),
            refresh_policy: spec.refresh_policy.as_ref().map(ToString::to_string),
            controller: status_manager(meta),
            more: More::default(),
            name,
        };
        row.judge(now);
        row
    }

    /// What the status of an object of kubernetes-external-secrets says at `now`.
    pub(crate) fn of_kes(object: &KesObject, now: Timestamp) -> Self {
        let name = object.metadata.name.clone().unwrap_or_default();
        let text = object.status.status.clone();
        // "SUCCESS", or "ERROR, " and the cause.
        let (reason, message) = match text.as_deref().map(|text| text.split_once(", ")) {
            Some(Some((reason, cause))) => (Some(reason.to_owned()), Some(cause.to_owned())),
            Some(None) => (text.clone(), None),
            None => (None, None),
        };
        let ready = reason.as_ref().map(|it| if it == "SUCCESS" { "True" } else { "False" });
        let backend = object.spec.backend_type.as_ref();
        let backend = backend.or(object.secret_descriptor.backend_type.as_ref());
        let mut row = Self {
            api_version: Api::Kes,
            namespace: object.metadata.namespace.clone().unwrap_or_default(),
            store: backend.map(|backend| Store { kind: "backend".into(), name: backend.clone() }),
            health: Health::Healthy,
            ready: ready.map(str::to_owned),
            reason,
            message,
            problem: None,
            last_sync: object.status.last_sync.as_deref().and_then(|time| time.parse().ok()),
            // The interval is a setting of the controller, and in no object.
            next_sync: None,
            secret: name.clone(),
            created: object.metadata.creation_timestamp.as_ref().map(|time| time.0),
            refresh_interval: None,
            refresh_policy: None,
            controller: status_manager(&object.metadata),
            more: More::default(),
            name,
        };
        row.judge(now);
        row
    }

    /// A row for an object that is not as its type wants it.
    pub(crate) fn unreadable(api: Api, meta: ObjectMeta) -> Self {
        let name = meta.name.unwrap_or_default();
        Self {
            api_version: api,
            namespace: meta.namespace.unwrap_or_default(),
            store: None,
            health: Health::Failing,
            ready: None,
            reason: None,
            message: None,
            problem: Some("the object is not as its kind wants it".to_owned()),
            last_sync: None,
            next_sync: None,
            secret: name.clone(),
            created: meta.creation_timestamp.map(|time| time.0),
            refresh_interval: None,
            refresh_policy: None,
            controller: None,
            more: More::default(),
            name,
        }
    }

    /// Sets health and problem.
    fn judge(&mut self, now: Timestamp) {
        let reason = self.reason.as_deref().unwrap_or_default();
        let age = self.created.map(|created| now.duration_since(created));
        let overdue = self.overdue(now);
        let (health, problem) = match self.ready.as_deref() {
            Some("True") if reason == "SecretMissing" || reason == "ResourceMissing" => {
                let problem = "there is no target to merge into, and its creationPolicy makes none";
                (Health::Failing, Some(problem.to_owned()))
            }
            Some("True") if overdue > GRACE => {
                let late = crate::output::age::span(overdue.as_secs());
                let problem = format!("its refresh is {late} overdue: does a controller run?");
                (Health::Stale, Some(problem))
            }
            Some("True") => (Health::Healthy, None),
            Some(_) => {
                let cause = self.message.clone().or_else(|| self.reason.clone());
                (Health::Failing, Some(cause.unwrap_or_else(|| "it does not say why".to_owned())))
            }
            None if age.is_some_and(|age| age < FIRST_SYNC) => {
                (Health::Pending, Some("new: not synced yet".to_owned()))
            }
            None => {
                let problem =
                    "no controller has looked at it: is one running, for its class of store?";
                (Health::Failing, Some(problem.to_owned()))
            }
        };
        self.health = health;
        self.problem = problem;
    }

    /// How long ago the next refresh should have been; zero if it is still to come.
    pub(crate) fn overdue(&self, now: Timestamp) -> SignedDuration {
        let late = self.next_sync.map(|next| now.duration_since(next));
        late.filter(SignedDuration::is_positive).unwrap_or_default()
    }
}

/// When the interval asks for the next fetch, also when that is over.
fn next_sync(
    object: &ExternalSecret,
    last_sync: Option<Timestamp>,
    now: Timestamp,
) -> Option<Timestamp> {
    let left = refresh::next(object, now, RefreshOptions::default()).ok()??;
    if !left.is_zero() {
        return now.checked_add(SignedDuration::try_from(left).ok()?).ok();
    }
    // With windows, what counts is when the last one opened, and nobody knows that.
    if object.spec.sync_windows.is_some() {
        return Some(now);
    }
    let interval = object.spec.refresh_interval().ok()?.nanoseconds();
    last_sync?.checked_add(SignedDuration::from_nanos(interval)).ok()
}

/// The store of the object, else of the first item that has one.
fn store(object: &ExternalSecret) -> Option<Store> {
    let spec = &object.spec;
    let own = spec.data().iter().filter_map(|item| item.source_ref.as_ref());
    let items = spec.data_from().iter().filter_map(|item| item.source_ref.as_ref());
    let mut refs = spec
        .secret_store_ref
        .iter()
        .chain(own.chain(items).filter_map(|source| source.store_ref.as_ref()));
    refs.find_map(|store| {
        let name = store.name.clone().filter(|name| !name.is_empty())?;
        Some(Store { kind: store.kind().to_string(), name })
    })
}

/// Who wrote the status last, as the API server noted it.
fn status_manager(meta: &ObjectMeta) -> Option<String> {
    let entries = meta.managed_fields.iter().flatten();
    entries
        .filter(|entry| entry.subresource.as_deref() == Some("status"))
        .max_by_key(|entry| entry.time.as_ref().map(|time| time.0))
        .and_then(|entry| entry.manager.clone())
}

/// How many keys of its data somebody has set, as far as the API server noted it: without reading
/// one.
pub(crate) fn keys(meta: &ObjectMeta) -> Vec<String> {
    let mut keys = std::collections::BTreeSet::new();
    for entry in meta.managed_fields.iter().flatten() {
        let data = entry.fields_v1.as_ref().and_then(|fields| fields.0.get("f:data"));
        let fields = data.and_then(Value::as_object).into_iter().flat_map(|data| data.keys());
        keys.extend(fields.filter_map(|key| key.strip_prefix("f:")).map(str::to_owned));
    }
    keys.into_iter().collect()
}

/// An object of kubernetes-external-secrets, as far as its state is concerned.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct KesObject {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: KesSpec,
    /// Where old objects have what is in `spec` today.
    pub(crate) secret_descriptor: KesSpec,
    pub(crate) status: KesStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct KesSpec {
    pub(crate) backend_type: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct KesStatus {
    pub(crate) last_sync: Option<String>,
    pub(crate) status: Option<String>,
}

/// True if an object is fetched for in intervals.
pub(crate) fn is_periodic(row: &Row) -> bool {
    let policy = row.refresh_policy.as_deref().unwrap_or("Periodic");
    policy != RefreshPolicy::CreatedOnce.to_string()
        && policy != RefreshPolicy::OnChange.to_string()
}

#[cfg(test)]
mod tests;
