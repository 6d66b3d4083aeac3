//! One look at one object: what it should be like, and the writes that make it so.

mod cluster_external_secret;
mod external_secret;
mod gate;
mod store;
mod values;

pub(crate) use external_secret::LONGEST_SHARE;
pub(crate) use store::refers_to;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extsecret_engine::template;
use extsecret_provider::events::queue::Health;
use extsecret_provider::provider::Providers;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::sync::watch;

use crate::apply::Apply;
use crate::cache::Cache;
use crate::events::Recorder;
use crate::follow::Follow;
use crate::key::{Key, Kind, Name};
use crate::metrics::Metrics;
use crate::queue::{Next, Trigger};
use crate::work::{Place, Work};

/// What is the same for every object.
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[derive(Clone, Debug)]
pub(crate) struct Options {
    /// Stores of another class are somebody else's.
    pub(crate) class: String,
    /// How often a store is looked at that does not say so itself.
    pub(crate) store_interval: Duration,
    /// An ExternalSecret waits until its store is ready.
    pub(crate) flood_gate: bool,
    /// Whether a Secret that is nobody's may be taken over.
    pub(crate) adopt: bool,
    /// An interval of zero ends all refreshes, as with ESO.
    pub(crate) frozen_interval_zero: bool,
    /// The status is not written when nothing in it changes but the time of the refresh.
    pub(crate) lazy_refresh_time: bool,
    /// Whether there are stores of the cluster at all.
    pub(crate) cluster_stores: bool,
    /// Whether ClusterExternalSecrets are looked at.
    pub(crate) cluster_external_secrets: bool,
    /// Whether stores are looked at.
    pub(crate) stores: bool,
    /// How templates are run.
    pub(crate) templates: template::Settings,
}

/// Everything that a look needs.
pub(crate) struct Context {
    pub(crate) options: Options,
    pub(crate) cache: Arc<Cache>,
    pub(crate) work: Arc<Work>,
    pub(crate) follow: Arc<Follow>,
    pub(crate) apply: Apply,
    pub(crate) providers: Arc<dyn Providers>,
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) memory: Memory,
    /// Of restarts, if there are any.
    pub(crate) restarts: Option<Arc<crate::restarts::State>>,
    /// Whether the queue of changes can be read, if there is one.
    pub(crate) queue: Option<watch::Receiver<Health>>,
}

/// What this process knows of objects, and the API server does not.
#[derive(Default)]
pub(crate) struct Memory {
    /// The exact times of refreshes; a status has whole seconds.
    refreshed: Mutex<HashMap<Name, Timestamp>>,
    /// ExternalSecrets, by uid, that were made here.
    made: Mutex<HashSet<String>>,
    /// Objects, by uid, that ESO's finalizer was taken off: once, because whoever puts it there again
    /// will do so for ever.
    relieved: Mutex<HashSet<String>>,
}

impl Memory {
    fn refreshed(&self, name: &Name) -> Option<Timestamp> {
        self.refreshed.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied()
    }

    fn set_refreshed(&self, name: &Name, at: Timestamp) {
        self.refreshed.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), at);
    }

    fn forget(&self, name: &Name) {
        self.refreshed.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Whether this is the first time for the object.
    fn relieve(&self, uid: &str) -> bool {
        self.relieved.lock().unwrap_or_else(PoisonError::into_inner).insert(uid.to_owned())
    }

    /// It did not succeed: the next time is the first again.
    fn not_relieved(&self, uid: &str) {
        self.relieved.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }

    fn made(&self) -> MutexGuard<'_, HashSet<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at `key`.
pub(crate) async fn look(
    context: &Context,
    key: &Key,
    trigger: Trigger,
    place: &mut Place,
) -> Next {
    match key.kind {
        Kind::ExternalSecret => external_secret::look(context, key, trigger, place).await,
        Kind::SecretStore | Kind::ClusterSecretStore => store::look(context, key, place).await,
        Kind::ClusterExternalSecret => cluster_external_secret::look(context, key).await,
    }
}

/// What an event is about.
fn reference(kind: Kind, metadata: &ObjectMeta) -> ObjectReference {
    ObjectReference {
        api_version: Some(extsecret_crds::API_VERSION.to_owned()),
        kind: Some(kind.name().to_owned()),
        namespace: metadata.namespace.clone(),
        name: metadata.name.clone(),
        uid: metadata.uid.clone(),
        resource_version: metadata.resource_version.clone(),
        field_path: None,
    }
}
