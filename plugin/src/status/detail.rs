//! What `status NAME` asks the cluster for. Each look-up may fail for itself.

use std::collections::BTreeSet;

use extsecret_crds::external_secret::{ExternalSecretSpec, SecretStoreRef, StoreKind};
use extsecret_crds::{ClusterSecretStore, ExternalSecret, SecretStore};
use extsecret_engine::hash::{DATA_HASH_ANNOTATION, data_hash};
use extsecret_engine::secret::Secret;
use extsecret_restart::written::Written;
use k8s_openapi::api::core::v1;

use super::consumers;
use super::facts::{Consumers, Event, Facts, Found, Read, Store, StoreFound, Target};
use super::model;
use crate::cluster::kinds::{
    CLUSTER_SECRET_STORES, EVENTS, EXTERNAL_SECRETS, KES_EXTERNAL_SECRETS, SECRET_STORES, SECRETS,
};
use crate::cluster::{Cluster, Selection, Unread, Why};

/// All that hangs on one ExternalSecret. With `metadata_only` no Secret is read.
///
/// # Errors
/// If nobody answers at all: then there is nothing to show.
pub(crate) fn facts(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    metadata_only: bool,
) -> Result<Facts, Unread> {
    let object = cluster.get::<ExternalSecret>(&EXTERNAL_SECRETS, Some(namespace), name);
    let object = match object {
        Err(error)
            if matches!(
                error.why,
                Why::Unreachable { .. } | Why::Unauthorized(_) | Why::NotAName
            ) =>
        {
            return Err(error);
        }
        other => found(other),
    };
    let known = object.as_ref().ok().and_then(Option::as_ref);
    let events = match known.and_then(|object| object.metadata.uid.as_deref()) {
        Some(uid) => events(cluster, namespace, uid),
        None => Ok(Vec::new()),
    };
    let stores = known.map(|object| stores(cluster, namespace, &object.spec)).unwrap_or_default();
    let target = known.map_or(name, |object| object.spec.target_name(name));
    let is_secret = known
        .and_then(|object| object.spec.target.as_ref())
        .is_none_or(|target| target.manifest.is_none());
    let secret =
        if is_secret { secret(cluster, namespace, target, metadata_only) } else { Ok(None) };
    let consumers = match &secret {
        Ok(Some(_)) => consumers::of_secret(cluster, namespace, target, &secret),
        Ok(None) if is_secret && known.is_some() => {
            consumers::of_secret(cluster, namespace, target, &secret)
        }
        _ => Consumers::default(),
    };
    let kes = match cluster.get(&KES_EXTERNAL_SECRETS, Some(namespace), name) {
        Err(Unread { why: Why::NotServed(_), .. }) => Ok(None),
        other => found(other),
    };
    Ok(Facts {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        object,
        events,
        stores,
        secret,
        consumers,
        kes,
    })
}

fn found<T>(result: Result<Option<T>, Unread>) -> Found<T> {
    result.map_err(|error| error.short())
}

/// Events about an object, the latest first.
pub(crate) fn events(cluster: &Cluster, namespace: &str, uid: &str) -> Result<Vec<Event>, String> {
    let select =
        Selection { fields: Some(format!("involvedObject.uid={uid}")), ..Selection::default() };
    let mut events = Vec::new();
    let listed = cluster.list(&EVENTS, Some(namespace), &select, |page: Vec<v1::Event>| {
        events.extend(page.into_iter().map(event));
    });
    listed.map_err(|error| error.short())?;
    events.sort_by_key(|event| std::cmp::Reverse(event.last));
    Ok(events)
}

fn event(event: v1::Event) -> Event {
    let series = event.series.as_ref();
    let last = series
        .and_then(|series| series.last_observed_time.as_ref().map(|time| time.0))
        .or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
        .or_else(|| event.metadata.creation_timestamp.as_ref().map(|time| time.0));
    let count = series.and_then(|series| series.count).or(event.count).unwrap_or(1);
    Event {
        last,
        count: i64::from(count),
        kind: event.type_.unwrap_or_default(),
        reason: event.reason.unwrap_or_default(),
        message: event.message.unwrap_or_default(),
    }
}

/// All stores that the object and its items name, each once.
fn stores(cluster: &Cluster, namespace: &str, spec: &ExternalSecretSpec) -> Vec<Store> {
    let own = spec.data().iter().filter_map(|item| item.source_ref.as_ref());
    let items = spec.data_from().iter().filter_map(|item| item.source_ref.as_ref());
    let refs = spec
        .secret_store_ref
        .iter()
        .chain(own.chain(items).filter_map(|source| source.store_ref.as_ref()));
    let mut names = BTreeSet::new();
    let wanted = refs.filter_map(|store: &SecretStoreRef| {
        let name = store.name.clone().filter(|name| !name.is_empty())?;
        names.insert((store.kind(), name.clone())).then(|| (store.kind(), name))
    });
    let wanted: Vec<_> = wanted.collect();
    wanted
        .into_iter()
        .map(|(kind, name)| {
            let found = match kind {
                StoreKind::ClusterSecretStore => cluster
                    .get::<ClusterSecretStore>(&CLUSTER_SECRET_STORES, None, &name)
                    .map(|it| it.map(|it| StoreFound { spec: it.spec, status: it.status })),
                _ => cluster
                    .get::<SecretStore>(&SECRET_STORES, Some(namespace), &name)
                    .map(|it| it.map(|it| StoreFound { spec: it.spec, status: it.status })),
            };
            Store { kind: kind.to_string(), name, found: found.map_err(|error| error.short()) }
        })
        .collect()
}

/// The target. Its values are measured and forgotten.
pub(crate) fn secret(
    cluster: &Cluster,
    namespace: &str,
    name: &str,
    metadata_only: bool,
) -> Found<Target> {
    if metadata_only {
        let meta = found(cluster.metadata(&SECRETS, Some(namespace), name))?;
        return Ok(meta.map(|meta| Target { meta, read: None }));
    }
    let secret: Option<v1::Secret> = found(cluster.get(&SECRETS, Some(namespace), name))?;
    Ok(secret.map(|secret| {
        let secret = Secret::from(secret);
        let hash = secret.metadata.annotations.as_ref();
        let hash = hash.and_then(|all| all.get(DATA_HASH_ANNOTATION));
        let read = Read {
            type_: secret.type_.clone().unwrap_or_else(|| "Opaque".to_owned()),
            sizes: secret.data.iter().map(|(key, value)| (key.clone(), value.len())).collect(),
            as_written: hash.map(|hash| *hash == data_hash(&secret.data)),
        };
        Target { meta: secret.metadata, read: Some(read) }
    }))
}

impl Target {
    /// The keys that it has.
    pub(crate) fn keys(&self) -> BTreeSet<String> {
        match &self.read {
            Some(read) => read.sizes.iter().map(|(key, _)| key.clone()).collect(),
            None => model::keys(&self.meta).into_iter().collect(),
        }
    }

    /// When its keys were last written, as the API server noted it.
    pub(crate) fn written(&self) -> Written {
        let entries = self.meta.managed_fields.iter().flatten();
        Written::of(
            self.meta.creation_timestamp.as_ref().map(|time| time.0),
            entries.filter_map(|it| Some((it.time.as_ref()?.0, &it.fields_v1.as_ref()?.0))),
        )
    }
}
