//! Namespaces, and the ClusterExternalSecrets that make ExternalSecrets in them.

use std::collections::BTreeMap;
use std::sync::Arc;

use extsecret_crds::ClusterExternalSecret;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::time::Instant;

use super::{Cache, State, Wakes, external_secret, name_of, version};
use crate::key::{Key, Kind, Name};
use crate::packed::Watched;
use crate::queue::{Trigger, Urgency};

/// What begins ESO's finalizers on namespaces; the name of a ClusterExternalSecret follows
/// (eso-semantics 1.9).
pub(crate) const NAMESPACE_FINALIZER: &str = "externalsecrets.external-secrets.io/ces-";

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Namespace {
    pub(crate) uid: Box<str>,
    pub(crate) labels: BTreeMap<String, String>,
    /// Whether it is being deleted.
    pub(crate) terminating: bool,
    /// The ClusterExternalSecrets whose ESO finalizers are on it.
    pub(crate) held_by: Vec<Arc<str>>,
}

impl From<ObjectMeta> for Namespace {
    fn from(metadata: ObjectMeta) -> Self {
        let finalizers = metadata.finalizers.unwrap_or_default();
        let holders = finalizers.iter().filter_map(|it| it.strip_prefix(NAMESPACE_FINALIZER));
        Self {
            uid: metadata.uid.unwrap_or_default().into(),
            labels: metadata.labels.unwrap_or_default(),
            terminating: metadata.deletion_timestamp.is_some(),
            held_by: holders.map(Arc::from).collect(),
        }
    }
}

fn maker(name: &str) -> Key {
    Key::new(Kind::ClusterExternalSecret, "", name)
}

/// What the ExternalSecrets of a ClusterExternalSecret are called.
fn name_of_made(watched: &Watched<ClusterExternalSecret>) -> Option<&str> {
    let spec = watched.object.as_ref().ok().map(|object| &object.spec);
    let name = spec.and_then(|spec| spec.external_secret_name.as_deref());
    name.filter(|name| !name.is_empty()).or(watched.metadata.name.as_deref())
}

impl Cache {
    /// A namespace that was made, changed or seen.
    pub(crate) fn put_namespace(&self, metadata: ObjectMeta, now: Instant) -> Wakes {
        let name: Arc<str> = metadata.name.as_deref().unwrap_or_default().into();
        let namespace = Arc::new(Namespace::from(metadata));
        let mut state = self.state();
        let before = state.namespaces.insert(Arc::clone(&name), Arc::clone(&namespace));
        if before.as_ref() == Some(&namespace) {
            return Wakes::new();
        }
        let mut wakes = state.wake_cluster_external_secrets(now);
        // One that is gone may have left a finalizer behind.
        let holders = namespace.held_by.iter().map(|holder| maker(holder));
        wakes.extend(holders.map(|key| (key, Trigger::new(Urgency::Changed, now))));
        if before.is_some_and(|before| before.labels != namespace.labels) {
            // A condition of a ClusterSecretStore may let it in now.
            let theirs = state.external_secrets.keys().filter(|es| *es.namespace == *name);
            wakes.extend(
                theirs.map(|name| (external_secret(name), Trigger::new(Urgency::Changed, now))),
            );
        }
        wakes
    }

    /// A namespace that is gone.
    pub(crate) fn remove_namespace(&self, name: &str, now: Instant) -> Wakes {
        let mut state = self.state();
        state.namespaces.remove(name);
        state.wake_cluster_external_secrets(now)
    }

    /// A namespace.
    pub(crate) fn namespace(&self, name: &str) -> Option<Arc<Namespace>> {
        self.state().namespaces.get(name).cloned()
    }

    /// All namespaces, in the order of their names.
    pub(crate) fn namespaces(&self) -> Vec<(Arc<str>, Arc<Namespace>)> {
        let state = self.state();
        state.namespaces.iter().map(|(name, it)| (Arc::clone(name), Arc::clone(it))).collect()
    }

    /// A ClusterExternalSecret that was made, changed or seen.
    pub(crate) fn put_cluster_external_secret(
        &self,
        watched: Watched<ClusterExternalSecret>,
        now: Instant,
    ) -> Wakes {
        let name = name_of(&watched.metadata);
        let key = Key { kind: Kind::ClusterExternalSecret, name: name.clone() };
        let mut state = self.state();
        let before = state.cluster_external_secrets.get(&name);
        let same = before.filter(|before| before.metadata.uid == watched.metadata.uid);
        if same.is_some_and(|before| {
            version(&before.metadata) != 0
                && version(&before.metadata) >= version(&watched.metadata)
        }) {
            return Wakes::new();
        }
        let changed = same.is_none_or(|before| {
            let (a, b) = (&before.metadata, &watched.metadata);
            a.generation != b.generation
                || a.annotations != b.annotations
                || a.labels != b.labels
                || a.deletion_timestamp != b.deletion_timestamp
        });
        state.cluster_external_secrets.insert(name, Arc::new(watched));
        if changed { vec![(key, Trigger::new(Urgency::Changed, now))] } else { Wakes::new() }
    }

    /// A ClusterExternalSecret that is gone.
    pub(crate) fn remove_cluster_external_secret(&self, name: &Name, now: Instant) -> Wakes {
        let key = Key { kind: Kind::ClusterExternalSecret, name: name.clone() };
        match self.state().cluster_external_secrets.remove(name) {
            Some(_) => vec![(key, Trigger::new(Urgency::Changed, now))],
            None => Wakes::new(),
        }
    }

    /// A ClusterExternalSecret.
    pub(crate) fn cluster_external_secret(
        &self,
        name: &Name,
    ) -> Option<Arc<Watched<ClusterExternalSecret>>> {
        self.state().cluster_external_secrets.get(name).cloned()
    }

    /// The ExternalSecrets whose controller is called like this ClusterExternalSecret.
    pub(crate) fn made_by(&self, maker: &str) -> Vec<Name> {
        self.state().made.get(maker).into_iter().flatten().cloned().collect()
    }
}

impl State {
    pub(super) fn link_made(&mut self, name: &Name, maker: Option<&Arc<str>>) {
        let before = self.external_secrets.get(name).and_then(|held| held.owner.clone());
        if before.as_ref() != maker {
            self.unlink_made(name, before.as_ref());
        }
        if let Some(maker) = maker {
            self.made.entry(Arc::clone(maker)).or_default().insert(name.clone());
        }
    }

    pub(super) fn unlink_made(&mut self, name: &Name, maker: Option<&Arc<str>>) {
        let Some(maker) = maker else { return };
        if let Some(names) = self.made.get_mut(maker) {
            names.remove(name);
            if names.is_empty() {
                self.made.remove(maker);
            }
        }
    }

    /// Those to whom an ExternalSecret belongs, and, if its name may be free now, those who want it.
    pub(super) fn wake_makers(
        &self,
        name: &str,
        owners: &[Option<Arc<str>>],
        anybody: bool,
        now: Instant,
    ) -> Wakes {
        let wants = |watched: &&Arc<Watched<ClusterExternalSecret>>| {
            anybody && name_of_made(watched) == Some(name)
        };
        let others = self.cluster_external_secrets.values().filter(wants);
        let others = others.filter_map(|watched| watched.metadata.name.as_deref().map(maker));
        let owners = owners.iter().flatten().map(|owner| maker(owner));
        let mut keys: Vec<_> = owners.chain(others).collect();
        keys.sort();
        keys.dedup();
        keys.into_iter().map(|key| (key, Trigger::new(Urgency::Changed, now))).collect()
    }

    fn wake_cluster_external_secrets(&self, now: Instant) -> Wakes {
        let mut names: Vec<_> = self.cluster_external_secrets.keys().cloned().collect();
        names.sort();
        let keys = names.into_iter().map(|name| Key { kind: Kind::ClusterExternalSecret, name });
        keys.map(|key| (key, Trigger::new(Urgency::Changed, now))).collect()
    }
}
