//! What is known of the cluster, kept small, and what follows from each change of it: who has to be
//! looked at.
//!
//! Fed by the watches and by the answers to this controller's own writes, whichever comes first; what
//! is older than what is known is passed over.

mod cluster;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use extsecret_crds::condition::ConditionType;
use extsecret_crds::{
    ClusterExternalSecret, ClusterSecretStore, ExternalSecret, SecretStore, SecretStoreSpec,
    SecretStoreStatus,
};
use extsecret_engine::hash::OWNER_LABEL;
use extsecret_engine::secret::Secret;
use extsecret_engine::status::TARGET_MISSING;
use extsecret_provider::events::Change;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;

use crate::changes;
use crate::few::Few;
use crate::index::{Index, Links, Source};
use crate::key::{Key, Kind, Name};
use crate::packed::{ManagedSecret, Packed, Watched, unpack};
use crate::queue::{Trigger, Urgency};

pub(crate) use self::cluster::{NAMESPACE_FINALIZER, Namespace};

/// An object that has to be looked at, and why.
pub(crate) type Wakes = Vec<(Key, Trigger)>;

/// An ExternalSecret.
struct Held {
    packed: Packed,
    uid: Box<str>,
    version: u64,
    /// What of it, if it changes, is a reason to look at it: generation, labels, annotations and
    /// whether it is being deleted. Not its status.
    fingerprint: u64,
    synced: bool,
    ready: bool,
    /// Whether somebody else has to make its target.
    waits: bool,
    /// The ClusterExternalSecret that controls it.
    owner: Option<Arc<str>>,
    /// Hash of all that own it.
    owners: u64,
}

/// A managed Secret.
struct HeldSecret {
    packed: Packed,
    uid: Box<str>,
    version: u64,
    hash: Box<str>,
    /// What of it, if it changes, is a reason to look at its ExternalSecret.
    fingerprint: u64,
    owner_label: Option<Box<str>>,
}

/// A Secret as far as it is known without reading it: everything but its values, and their hash.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) secret: Secret,
    pub(crate) hash: Box<str>,
}

/// A store.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) metadata: ObjectMeta,
    /// Or why it cannot be read.
    pub(crate) spec: Result<SecretStoreSpec, String>,
    pub(crate) status: Option<SecretStoreStatus>,
    version: u64,
    /// When this controller saw it first.
    pub(crate) seen: Instant,
}

impl Store {
    /// Whether it is ready, if anybody has said so or otherwise.
    pub(crate) fn ready(&self) -> Option<bool> {
        let conditions = self.status.as_ref().and_then(|status| status.conditions.as_ref());
        let ready = conditions.into_iter().flatten().find(|it| it.type_ == ConditionType::Ready);
        ready.map(extsecret_crds::Condition::is_true)
    }

    /// What its condition says.
    pub(crate) fn message(&self) -> Option<&str> {
        let conditions = self.status.as_ref().and_then(|status| status.conditions.as_ref());
        let ready = conditions.into_iter().flatten().find(|it| it.type_ == ConditionType::Ready);
        ready.and_then(|ready| ready.message.as_deref())
    }
}

#[derive(Default)]
struct State {
    external_secrets: HashMap<Name, Held>,
    secrets: HashMap<Name, HeldSecret>,
    by_owner: HashMap<Box<str>, Few<Name>>,
    stores: HashMap<Key, Arc<Store>>,
    cluster_external_secrets: HashMap<Name, Arc<Watched<ClusterExternalSecret>>>,
    namespaces: BTreeMap<Arc<str>, Arc<Namespace>>,
    /// ExternalSecrets by the ClusterExternalSecret that controls them.
    made: HashMap<Arc<str>, BTreeSet<Name>>,
    index: Index,
}

/// The cache.
#[derive(Default)]
pub(crate) struct Cache {
    state: Mutex<State>,
}

/// Versions are numbers that grow (Kubernetes API conventions since 1.35; before, in fact).
pub(crate) fn version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

fn name_of(metadata: &ObjectMeta) -> Name {
    Name::new(
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

fn uid(metadata: &ObjectMeta) -> Box<str> {
    metadata.uid.as_deref().unwrap_or_default().into()
}

/// The ClusterExternalSecret that made it.
fn cluster_owner(metadata: &ObjectMeta) -> Option<Arc<str>> {
    let owners = metadata.owner_references.iter().flatten();
    let mut owners = owners.filter(|owner| {
        owner.controller == Some(true) && owner.kind == Kind::ClusterExternalSecret.name()
    });
    owners.next().map(|owner| owner.name.as_str().into())
}

fn external_secret(name: &Name) -> Key {
    Key { kind: Kind::ExternalSecret, name: name.clone() }
}

impl Cache {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An ExternalSecret that was made, changed or seen.
    pub(crate) fn put_external_secret(
        &self,
        watched: &Watched<ExternalSecret>,
        now: Instant,
    ) -> Wakes {
        let metadata = &watched.metadata;
        let name = name_of(metadata);
        let key = external_secret(&name);
        let status = watched.object.as_ref().ok().and_then(|object| object.status.as_ref());
        let synced = status.and_then(|status| status.synced_resource_version.as_deref());
        let owners = metadata.owner_references.iter().flatten();
        let owners = owners.map(|it| (&it.kind, &it.name, &it.uid, it.controller));
        let held = Held {
            packed: watched.packed.clone(),
            uid: uid(metadata),
            version: version(metadata),
            fingerprint: hash((
                metadata.generation,
                &metadata.labels,
                &metadata.annotations,
                metadata.deletion_timestamp.is_some(),
            )),
            synced: synced.is_some_and(|version| !version.is_empty()),
            ready: status
                .and_then(|status| status.ready())
                .is_some_and(extsecret_crds::Condition::is_true),
            waits: status
                .and_then(|status| status.ready())
                .is_some_and(|ready| ready.reason.as_deref() == Some(TARGET_MISSING)),
            owner: cluster_owner(metadata),
            owners: hash(owners.collect::<Vec<_>>()),
        };
        let mut state = self.state();
        let mut wakes = Wakes::new();
        let before = state.external_secrets.get(&name);
        let same = before.filter(|before| before.uid == held.uid);
        if same.is_some_and(|before| before.version != 0 && before.version >= held.version) {
            return wakes;
        }
        let changed = same.is_none_or(|before| before.fingerprint != held.fingerprint);
        if changed {
            let urgency = match before {
                _ if !held.synced => Urgency::First,
                None => Urgency::Due,
                Some(_) => Urgency::Changed,
            };
            wakes.push((key.clone(), Trigger::new(urgency, now)));
        }
        if same.is_none_or(|before| changed || before.owners != held.owners) {
            let owners = [before.and_then(|before| before.owner.clone()), held.owner.clone()];
            let anybody = same.is_none_or(|before| before.owners != held.owners);
            wakes.extend(state.wake_makers(&name.name, &owners, anybody, now));
        }
        if changed {
            let links = watched.object.as_ref().map(Links::of).unwrap_or_default();
            state.index.set(&key, links);
        }
        state.link_made(&name, held.owner.as_ref());
        state.external_secrets.insert(name, held);
        wakes
    }

    /// An ExternalSecret that was gone at this version.
    pub(crate) fn remove_external_secret(&self, name: &Name, at: u64, now: Instant) -> Wakes {
        let mut state = self.state();
        if state.external_secrets.get(name).is_some_and(|held| held.version > at) {
            return Wakes::new();
        }
        let Some(held) = state.external_secrets.remove(name) else { return Wakes::new() };
        let key = external_secret(name);
        state.index.remove(&key);
        state.unlink_made(name, held.owner.as_ref());
        let mut wakes = state.wake_makers(&name.name, &[held.owner], true, now);
        wakes.push((key, Trigger::new(Urgency::Changed, now)));
        wakes
    }

    /// An ExternalSecret as it was seen last, or why it cannot be read.
    pub(crate) fn external_secret(&self, name: &Name) -> Option<Result<ExternalSecret, String>> {
        let packed = self.state().external_secrets.get(name)?.packed.clone();
        Some(serde_json::from_slice(&packed.text()).map_err(|error| error.to_string()))
    }

    /// How many ExternalSecrets there are.
    pub(crate) fn external_secrets(&self) -> usize {
        self.state().external_secrets.len()
    }

    /// A managed Secret that was made, changed or seen.
    pub(crate) fn put_secret(&self, secret: &ManagedSecret, now: Instant) -> Wakes {
        let metadata = &secret.metadata;
        let name = name_of(metadata);
        let owner_label = metadata.labels.as_ref().and_then(|labels| labels.get(OWNER_LABEL));
        let owners = metadata.owner_references.iter().flatten();
        let owners: Vec<_> = owners.map(|it| (&it.kind, &it.name, it.controller)).collect();
        let held = HeldSecret {
            packed: secret.pack(),
            uid: uid(metadata),
            version: version(metadata),
            hash: secret.hash.clone(),
            fingerprint: hash((
                &secret.hash,
                &metadata.labels,
                &metadata.annotations,
                &secret.type_,
                secret.immutable,
                owners,
            )),
            owner_label: owner_label.map(|label| label.as_str().into()),
        };
        let mut state = self.state();
        let before = state.secrets.get(&name);
        let same = before.filter(|before| before.uid == held.uid);
        if same.is_some_and(|before| before.version != 0 && before.version >= held.version) {
            return Wakes::new();
        }
        let changed = same.is_none_or(|before| before.fingerprint != held.fingerprint);
        let name = state.index.known(name);
        state.unlink_owner(&name);
        if let Some(label) = &held.owner_label {
            state.by_owner.entry(label.clone()).or_default().insert(name.clone());
        }
        state.secrets.insert(name.clone(), held);
        if changed { state.writers(&name, now) } else { Wakes::new() }
    }

    /// A managed Secret that was gone at this version, or not managed any more.
    pub(crate) fn remove_secret(&self, name: &Name, at: u64, now: Instant) -> Wakes {
        let mut state = self.state();
        if state.secrets.get(name).is_some_and(|held| held.version > at) {
            return Wakes::new();
        }
        state.unlink_owner(name);
        if state.secrets.remove(name).is_none() {
            return Wakes::new();
        }
        state.writers(name, now)
    }

    /// Forgets a Secret without waking anybody: somebody is at it.
    pub(crate) fn forget_secret(&self, name: &Name) {
        let mut state = self.state();
        state.unlink_owner(name);
        state.secrets.remove(name);
    }

    /// A managed Secret without its values.
    pub(crate) fn secret(&self, name: &Name) -> Option<Summary> {
        let (packed, hash) = {
            let state = self.state();
            let held = state.secrets.get(name)?;
            (held.packed.clone(), held.hash.clone())
        };
        Some(Summary { secret: unpack(&packed), hash })
    }

    /// Names of the Secrets in `namespace` that carry an owner label.
    pub(crate) fn secrets_of(&self, namespace: &str, owner_label: &str) -> Vec<Name> {
        let state = self.state();
        let names = state.by_owner.get(owner_label).into_iter().flat_map(Few::iter);
        names.filter(|name| &*name.namespace == namespace).cloned().collect()
    }

    /// A store that was made, changed or seen.
    pub(crate) fn put_store(&self, key: &Key, watched: StoreParts, now: Instant) -> Wakes {
        let mut state = self.state();
        let before = state.stores.get(key).cloned();
        let before = before.filter(|before| before.metadata.uid == watched.metadata.uid);
        let version = version(&watched.metadata);
        if before.as_ref().is_some_and(|before| before.version != 0 && before.version >= version) {
            return Wakes::new();
        }
        let StoreParts { metadata, spec, status } = watched;
        let seen = before.as_ref().map_or(now, |before| before.seen);
        let store = Arc::new(Store { metadata, spec, status, version, seen });
        state.stores.insert(key.clone(), Arc::clone(&store));
        let mut wakes = Wakes::new();
        let changed = before.as_ref().is_none_or(|before| before.spec != store.spec);
        let annotated = before.as_ref().is_some_and(|before| {
            before.metadata.annotations != store.metadata.annotations
                || before.metadata.labels != store.metadata.labels
        });
        if changed || annotated {
            wakes.push((key.clone(), Trigger::new(Urgency::Awaited, now)));
        }
        // The values of a store that is another one now are other values.
        let everybody = changed && before.is_some();
        let became_ready = store.ready() == Some(true)
            && before.as_ref().is_none_or(|before| before.ready() != Some(true));
        for user in state.index.users_of_store(key) {
            if everybody {
                wakes.push((user.clone(), Trigger::refetch(now)));
            } else if became_ready || before.is_none() {
                // Those that are ready, too: a look that has failed meanwhile may not have said so yet.
                // For them nothing is read.
                let ready = state.external_secrets.get(&user.name).is_some_and(|held| held.ready);
                let urgency = if ready { Urgency::Changed } else { Urgency::First };
                wakes.push((user.clone(), Trigger::new(urgency, now)));
            }
        }
        wakes
    }

    /// A store that is gone.
    pub(crate) fn remove_store(&self, key: &Key, now: Instant) -> Wakes {
        match self.state().stores.remove(key) {
            Some(_) => vec![(key.clone(), Trigger::new(Urgency::Changed, now))],
            None => Wakes::new(),
        }
    }

    /// A store.
    pub(crate) fn store(&self, key: &Key) -> Option<Arc<Store>> {
        self.state().stores.get(key).cloned()
    }

    /// All stores for which `is_wanted`, and their users.
    pub(crate) fn wake_stores(
        &self,
        now: Instant,
        is_wanted: impl Fn(&Key, &SecretStoreSpec) -> bool,
    ) -> Wakes {
        let state = self.state();
        let mut wakes = Wakes::new();
        let mut stores: Vec<_> = state.stores.iter().collect();
        stores.sort_by_key(|(key, _)| *key);
        for (key, store) in stores {
            if !store.spec.as_ref().is_ok_and(|spec| is_wanted(key, spec)) {
                continue;
            }
            wakes.push((key.clone(), Trigger::new(Urgency::Awaited, now)));
            let users = state.index.users_of_store(key);
            wakes.extend(users.map(|user| (user.clone(), Trigger::new(Urgency::Changed, now))));
        }
        wakes
    }

    /// Those whose templates are read from `source`, and those that write it.
    pub(crate) fn wake_users(&self, source: &Source, now: Instant) -> Wakes {
        let state = self.state();
        let users = state.index.users_of_source(source).cloned();
        let mut wakes: Wakes = users.map(|user| (user, Trigger::refetch(now))).collect();
        if source.kind == crate::index::SourceKind::Secret {
            let writers = state.index.writers_of(&source.name).filter(|writer| {
                let held = state.external_secrets.get(&writer.name);
                held.is_some_and(|held| held.waits || !held.ready)
            });
            wakes.extend(writers.map(|key| (key.clone(), Trigger::new(Urgency::Changed, now))));
        }
        wakes
    }

    /// Who reads a value that has changed.
    pub(crate) fn readers_of(&self, change: &Change) -> BTreeSet<Key> {
        let state = self.state();
        let mut readers = BTreeSet::new();
        let aws = state.stores.iter().filter_map(|(key, store)| {
            let aws = store.spec.as_ref().ok()?.provider.aws.as_ref()?;
            Some((key, aws, changes::is_own(aws, change)?))
        });
        readers.extend(aws.flat_map(|(key, aws, is_own)| {
            let prefix = aws.prefix.as_deref().unwrap_or_default();
            let names = change.names.iter().filter_map(move |name| name.strip_prefix(prefix));
            let all: Vec<&str> = change.names.iter().map(String::as_str).collect();
            let index = &state.index;
            let finders: Vec<_> = index.finders(key, &all).cloned().collect();
            let account = &change.account;
            let readers = names.flat_map(move |name| index.readers(key, account, is_own, name));
            readers.cloned().chain(finders)
        }));
        readers
    }

    /// Whether a template is read from `source`, or a Secret that is waited for is `source`.
    pub(crate) fn is_used(&self, source: &Source) -> bool {
        let state = self.state();
        state.index.users_of_source(source).next().is_some()
            || state.index.writers_of(&source.name).next().is_some()
    }

    /// What is known of a kind and not in `seen`: it went while nobody watched.
    pub(crate) fn unseen(&self, what: Kept, seen: &HashSet<Name>) -> Vec<Name> {
        let state = self.state();
        let stores = |kind: Kind| {
            let keys = state.stores.keys().filter(move |key| key.kind == kind);
            keys.map(|key| key.name.clone()).collect::<Vec<_>>()
        };
        let names: Vec<Name> = match what {
            Kept::ExternalSecrets => state.external_secrets.keys().cloned().collect(),
            Kept::Secrets => state.secrets.keys().cloned().collect(),
            Kept::SecretStores => stores(Kind::SecretStore),
            Kept::ClusterSecretStores => stores(Kind::ClusterSecretStore),
            Kept::Namespaces => state.namespaces.keys().map(|name| Name::new("", name)).collect(),
            Kept::ClusterExternalSecrets => {
                state.cluster_external_secrets.keys().cloned().collect()
            }
        };
        let mut names: Vec<_> = names.into_iter().filter(|name| !seen.contains(name)).collect();
        names.sort();
        names
    }
}

/// What the cache keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    ExternalSecrets,
    Secrets,
    SecretStores,
    ClusterSecretStores,
    ClusterExternalSecrets,
    Namespaces,
}

/// A store of either kind, as it came.
#[derive(Debug)]
pub(crate) struct StoreParts {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: Result<SecretStoreSpec, String>,
    pub(crate) status: Option<SecretStoreStatus>,
}

impl From<Watched<SecretStore>> for StoreParts {
    fn from(watched: Watched<SecretStore>) -> Self {
        let (spec, status) = match watched.object {
            Ok(store) => (Ok(store.spec), store.status),
            Err(error) => (Err(error), None),
        };
        Self { metadata: watched.metadata, spec, status }
    }
}

impl From<Watched<ClusterSecretStore>> for StoreParts {
    fn from(watched: Watched<ClusterSecretStore>) -> Self {
        let (spec, status) = match watched.object {
            Ok(store) => (Ok(store.spec), store.status),
            Err(error) => (Err(error), None),
        };
        Self { metadata: watched.metadata, spec, status }
    }
}

impl State {
    fn unlink_owner(&mut self, name: &Name) {
        let label = self.secrets.get(name).and_then(|held| held.owner_label.clone());
        let Some(label) = label else { return };
        if let Some(names) = self.by_owner.get_mut(&label) {
            names.remove(name);
            if names.is_empty() {
                self.by_owner.remove(&label);
            }
        }
    }

    fn writers(&self, secret: &Name, now: Instant) -> Wakes {
        let writers = self.index.writers_of(secret).cloned();
        writers.map(|key| (key, Trigger::new(Urgency::Changed, now))).collect()
    }
}
