//! The watches that feed the cache, each started again by itself when it ends.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use extsecret_crds::{ClusterExternalSecret, ClusterSecretStore, ExternalSecret, SecretStore};
use extsecret_engine::hash::MANAGED_LABEL;
use futures::StreamExt as _;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::{Api, Client, Resource};
use kube_runtime::WatchStreamExt as _;
use kube_runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::apply::explain_watch;
use crate::cache::{Cache, Kept, StoreParts, Wakes, version};
use crate::key::{Key, Kind, Name};
use crate::metrics::Metrics;
use crate::packed::{ManagedSecret, Watched};
use crate::restarts::State;
use crate::work::Work;

/// Objects in one answer to a list: a page is in memory as JSON and as objects at once.
const PAGE: u32 = 100;

/// What the watches need.
#[derive(Clone)]
pub(crate) struct Watches {
    pub(crate) client: Client,
    pub(crate) cache: Arc<Cache>,
    pub(crate) work: Arc<Work>,
    pub(crate) metrics: Arc<Metrics>,
    /// Of restarts, if there are any.
    pub(crate) restarts: Option<Arc<State>>,
    /// The only namespace, if there is one.
    pub(crate) namespace: Option<String>,
}

/// What a watch does with what it sees.
trait Feed: Send + 'static {
    type Object: Resource<DynamicType = ()> + Clone + fmt::Debug + DeserializeOwned + Send + 'static;

    const KEPT: Kept;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes;
    /// `at` is the version at which it was gone.
    fn remove(cache: &Cache, name: &Name, at: u64, now: Instant) -> Wakes;

    /// What restarts have to know of it; `listed` if it may have been there before it was seen.
    fn tell(_: &State, _: &Self::Object, _listed: bool) {}
    /// That it is gone.
    fn tell_gone(_: &State, _: &Name) {}
}

struct ExternalSecrets;

impl Feed for ExternalSecrets {
    type Object = Watched<ExternalSecret>;
    const KEPT: Kept = Kept::ExternalSecrets;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        cache.put_external_secret(&object, now)
    }

    fn remove(cache: &Cache, name: &Name, at: u64, now: Instant) -> Wakes {
        cache.remove_external_secret(name, at, now)
    }

    fn tell(state: &State, object: &Self::Object, _: bool) {
        let metadata = &object.metadata;
        let name = metadata.name.as_deref().unwrap_or_default();
        let target = object.object.as_ref().ok().and_then(|it| it.spec.target.as_ref());
        let target = target.and_then(|target| target.name.as_deref()).filter(|it| !it.is_empty());
        state.put_external_secret(metadata, target.unwrap_or(name));
    }

    fn tell_gone(state: &State, name: &Name) {
        state.remove_external_secret(name);
    }
}

struct Secrets;

impl Feed for Secrets {
    type Object = ManagedSecret;
    const KEPT: Kept = Kept::Secrets;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        cache.put_secret(&object, now)
    }

    fn remove(cache: &Cache, name: &Name, at: u64, now: Instant) -> Wakes {
        cache.remove_secret(name, at, now)
    }

    fn tell(state: &State, object: &Self::Object, listed: bool) {
        state.put_secret(object, listed);
    }

    fn tell_gone(state: &State, name: &Name) {
        state.remove_secret(name);
    }
}

struct SecretStores;

impl Feed for SecretStores {
    type Object = Watched<SecretStore>;
    const KEPT: Kept = Kept::SecretStores;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        let key = Key { kind: Kind::SecretStore, name: name_of(&object) };
        cache.put_store(&key, StoreParts::from(object), now)
    }

    fn remove(cache: &Cache, name: &Name, _: u64, now: Instant) -> Wakes {
        cache.remove_store(&Key { kind: Kind::SecretStore, name: name.clone() }, now)
    }
}

struct ClusterSecretStores;

impl Feed for ClusterSecretStores {
    type Object = Watched<ClusterSecretStore>;
    const KEPT: Kept = Kept::ClusterSecretStores;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        let key = Key { kind: Kind::ClusterSecretStore, name: name_of(&object) };
        cache.put_store(&key, StoreParts::from(object), now)
    }

    fn remove(cache: &Cache, name: &Name, _: u64, now: Instant) -> Wakes {
        cache.remove_store(&Key { kind: Kind::ClusterSecretStore, name: name.clone() }, now)
    }
}

struct ClusterExternalSecrets;

impl Feed for ClusterExternalSecrets {
    type Object = Watched<ClusterExternalSecret>;
    const KEPT: Kept = Kept::ClusterExternalSecrets;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        cache.put_cluster_external_secret(object, now)
    }

    fn remove(cache: &Cache, name: &Name, _: u64, now: Instant) -> Wakes {
        cache.remove_cluster_external_secret(name, now)
    }
}

struct Namespaces;

impl Feed for Namespaces {
    type Object = PartialObjectMeta<Namespace>;
    const KEPT: Kept = Kept::Namespaces;

    fn put(cache: &Cache, object: Self::Object, now: Instant) -> Wakes {
        cache.put_namespace(object.metadata, now)
    }

    fn remove(cache: &Cache, name: &Name, _: u64, now: Instant) -> Wakes {
        cache.remove_namespace(&name.name, now)
    }

    fn tell(state: &State, object: &Self::Object, _: bool) {
        state.put_namespace(&object.metadata);
    }

    fn tell_gone(state: &State, name: &Name) {
        state.remove_namespace(&name.name);
    }
}

fn name_of(object: &impl Resource) -> Name {
    let metadata = object.meta();
    Name::new(
        metadata.namespace.as_deref().unwrap_or_default(),
        metadata.name.as_deref().unwrap_or_default(),
    )
}

/// The watches that have their first list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Started(Vec<(&'static str, watch::Receiver<bool>)>);

impl Started {
    /// Waits for these, too.
    pub(crate) fn and(&mut self, others: Vec<(&'static str, watch::Receiver<bool>)>) {
        self.0.extend(others);
    }

    /// Waits for all of them.
    pub(crate) async fn all(&mut self) {
        for (_, listed) in &mut self.0 {
            // The sender lives as long as the process.
            let _ = listed.wait_for(|listed| *listed).await;
        }
    }

    /// Kinds that have not been listed yet.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        self.0.iter().filter(|(_, listed)| !*listed.borrow()).map(|(kind, _)| *kind).collect()
    }
}

/// Which of the optional kinds are watched.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) cluster_stores: bool,
    pub(crate) cluster_external_secrets: bool,
}

impl Watches {
    /// Starts all of them.
    pub(crate) fn start(&self, wanted: Wanted) -> Started {
        let mut started = Started::default();
        let everything = watcher::Config::default().page_size(PAGE);
        started
            .0
            .push(("SecretStore", self.follow::<SecretStores>(self.api(), everything.clone())));
        let managed = everything.clone().labels(&format!("{MANAGED_LABEL}=true"));
        started.0.push(("Secret", self.follow::<Secrets>(self.api(), managed)));
        if self.namespace.is_none() {
            let all = Api::all(self.client.clone());
            started.0.push(("Namespace", self.follow::<Namespaces>(all, everything.clone())));
            if wanted.cluster_stores {
                let all = Api::all(self.client.clone());
                let listed = self.follow::<ClusterSecretStores>(all, everything.clone());
                started.0.push(("ClusterSecretStore", listed));
            }
            if wanted.cluster_external_secrets {
                let all = Api::all(self.client.clone());
                let listed = self.follow::<ClusterExternalSecrets>(all, everything.clone());
                started.0.push(("ClusterExternalSecret", listed));
            }
        }
        started.0.push(("ExternalSecret", self.follow::<ExternalSecrets>(self.api(), everything)));
        started
    }

    fn api<K>(&self) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        match &self.namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    fn tell<F: Feed>(&self, object: &F::Object, listed: bool) {
        if let Some(restarts) = &self.restarts {
            F::tell(restarts, object, listed);
        }
    }

    fn follow<F: Feed>(
        &self,
        api: Api<F::Object>,
        config: watcher::Config,
    ) -> watch::Receiver<bool> {
        let (to, listed) = watch::channel(false);
        let this = self.clone();
        let kind = <F::Object as Resource>::kind(&()).into_owned();
        tokio::spawn(async move {
            let mut seen = HashSet::new();
            let mut troubled = false;
            let mut events = std::pin::pin!(watcher(api, config).default_backoff());
            while let Some(event) = events.next().await {
                let now = crate::system::instant();
                // A list that is about to be asked for is no answer yet.
                let is_answer = event.as_ref().is_ok_and(|it| !matches!(it, Event::Init));
                if is_answer && std::mem::take(&mut troubled) {
                    tracing::info!(kind, "the watch goes on");
                }
                match event {
                    Ok(Event::Init) => seen.clear(),
                    Ok(Event::InitApply(object)) => {
                        seen.insert(name_of(&object));
                        this.tell::<F>(&object, true);
                        this.work.wake(F::put(&this.cache, object, now));
                    }
                    Ok(Event::InitDone) => {
                        for name in this.cache.unseen(F::KEPT, &seen) {
                            this.restarts.iter().for_each(|it| F::tell_gone(it, &name));
                            this.work.wake(F::remove(&this.cache, &name, u64::MAX, now));
                        }
                        seen = HashSet::new();
                        to.send_replace(true);
                    }
                    Ok(Event::Apply(object)) => {
                        this.tell::<F>(&object, false);
                        this.work.wake(F::put(&this.cache, object, now));
                    }
                    Ok(Event::Delete(object)) => {
                        let at = version(object.meta());
                        this.restarts.iter().for_each(|it| F::tell_gone(it, &name_of(&object)));
                        this.work.wake(F::remove(&this.cache, &name_of(&object), at, now));
                    }
                    Err(error) => {
                        this.metrics.watch_restarted(&kind);
                        // Once: an API server that is away for an hour is one line.
                        if !std::mem::replace(&mut troubled, true) {
                            let cause = explain_watch(&error);
                            tracing::warn!(kind, cause, "the watch was interrupted");
                        }
                    }
                }
            }
        });
        listed
    }
}
