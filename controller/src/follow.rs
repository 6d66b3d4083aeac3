//! Objects that are watched one by one, because something refers to them by name: the Secrets and
//! service accounts that credentials are made of, and what templates are read from.
//!
//! Whoever asks for one starts its watch, and gets it from memory from then on.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use extsecret_provider::provider::ServiceAccount;
use futures::StreamExt as _;
use futures::future::AbortHandle;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::{Api, Client, Resource};
use kube_runtime::WatchStreamExt as _;
use kube_runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroizing;

use crate::index::{Source, SourceKind};

/// How long an object is watched after it was last asked for.
const UNUSED: Duration = Duration::from_hours(3);

/// What an object holds. `Debug` shows no value.
#[derive(Clone, PartialEq)]
pub(crate) enum Content {
    ConfigMap(BTreeMap<String, String>),
    Secret {
        data: BTreeMap<String, Zeroizing<Vec<u8>>>,
        /// Whose it is: a target that is somebody else's is followed until it is not.
        owners: Vec<OwnerReference>,
    },
    ServiceAccount(ServiceAccount),
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConfigMap(_) => "ConfigMap",
            Self::Secret { .. } => "Secret",
            Self::ServiceAccount(_) => "ServiceAccount",
        })
    }
}

/// What is known of an object.
#[derive(Clone, Debug)]
enum Known {
    /// Nothing yet, because of this if there was an error.
    Nothing(Option<String>),
    Missing,
    Present(Arc<Content>),
}

/// An object that cannot be read now.
#[derive(Clone, Debug, thiserror::Error)]
#[error("cannot read {kind} {name}: {cause}", kind = .source_.kind.name(), name = .source_.name)]
pub(crate) struct Unreadable {
    source_: Source,
    cause: String,
}

impl SourceKind {
    /// As the API writes it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ConfigMap => "ConfigMap",
            Self::Secret => "Secret",
            Self::ServiceAccount => "ServiceAccount",
        }
    }
}

struct Followed {
    known: watch::Receiver<Known>,
    used: Instant,
    task: AbortHandle,
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether it is told what an object is like when it begins to be followed.
#[derive(Clone, Copy, Debug)]
enum First {
    Silent,
    IfPresent,
    Told,
}

type OnChange = Arc<dyn Fn(&Source) + Send + Sync>;

/// All objects that are followed.
pub(crate) struct Follow {
    client: Client,
    on_change: OnChange,
    all: Mutex<HashMap<Source, Followed>>,
}

impl Follow {
    /// Follows nothing yet. `on_change` is told when something else is known of an object than
    /// before, the first time excepted (but see [`begin`](Self::begin)).
    pub(crate) fn new(client: Client, on_change: OnChange) -> Self {
        Self { client, on_change, all: Mutex::default() }
    }

    /// Begins to follow an object without waiting for it. What it is like then is told, too, for it
    /// may have changed since the caller saw it; only if it was `missing` and still is, it is not.
    pub(crate) fn begin(&self, source: &Source, missing: bool, now: Instant) {
        drop(self.known(source, if missing { First::IfPresent } else { First::Told }, now));
    }

    /// What an object holds; `None` if there is none.
    ///
    /// # Errors
    /// If that is not known at `deadline`.
    pub(crate) async fn get(
        &self,
        source: &Source,
        now: Instant,
        deadline: Instant,
    ) -> Result<Option<Arc<Content>>, Unreadable> {
        let mut known = self.known(source, First::Silent, now);
        let is_known = |known: &Known| !matches!(known, Known::Nothing(_));
        // At the deadline it is told what is known then, which may be nothing.
        let _ = timeout_at(deadline, known.wait_for(is_known)).await.map(|known| known.map(drop));
        let answer = known.borrow().clone();
        match answer {
            Known::Present(content) => Ok(Some(content)),
            Known::Missing => Ok(None),
            Known::Nothing(cause) => {
                let cause = cause.unwrap_or_else(|| "the API server does not answer".to_owned());
                Err(Unreadable { source_: source.clone(), cause })
            }
        }
    }

    /// Objects that are followed: for metrics.
    pub(crate) fn len(&self) -> usize {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Lets go what nobody has asked for in hours and `is_needed` does not want either.
    pub(crate) fn forget_unused(&self, now: Instant, is_needed: impl Fn(&Source) -> bool) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|source, followed| {
            now.saturating_duration_since(followed.used) < UNUSED || is_needed(source)
        });
    }

    fn known(&self, source: &Source, first: First, now: Instant) -> watch::Receiver<Known> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        let follow = || self.follow(source, first, now);
        let followed = all.entry(source.clone()).or_insert_with(follow);
        followed.used = now;
        followed.known.clone()
    }

    fn follow(&self, source: &Source, first: First, now: Instant) -> Followed {
        let (to, known) = watch::channel(Known::Nothing(None));
        let client = self.client.clone();
        let on_change = (Arc::clone(&self.on_change), first);
        let task = match source.kind {
            SourceKind::ConfigMap => {
                start::<v1::ConfigMap>(client, source.clone(), to, on_change, |object| {
                    Content::ConfigMap(object.data.unwrap_or_default())
                })
            }
            SourceKind::Secret => {
                start::<v1::Secret>(client, source.clone(), to, on_change, |object| {
                    let data = object.data.into_iter().flatten();
                    Content::Secret {
                        data: data.map(|(key, v)| (key, Zeroizing::new(v.0))).collect(),
                        owners: object.metadata.owner_references.unwrap_or_default(),
                    }
                })
            }
            SourceKind::ServiceAccount => {
                start::<v1::ServiceAccount>(client, source.clone(), to, on_change, |object| {
                    Content::ServiceAccount(ServiceAccount {
                        uid: object.metadata.uid.unwrap_or_default(),
                        annotations: object.metadata.annotations.unwrap_or_default(),
                    })
                })
            }
        };
        Followed { known, used: now, task }
    }
}

fn start<K>(
    client: Client,
    source: Source,
    to: watch::Sender<Known>,
    (on_change, first): (OnChange, First),
    content: impl Fn(K) -> Content + Send + 'static,
) -> AbortHandle
where
    K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let api: Api<K> = Api::namespaced(client, &source.name.namespace);
    let config = watcher::Config::default().fields(&format!("metadata.name={}", source.name.name));
    let work = async move {
        let tell = |known: Known| {
            let is_there = matches!(known, Known::Present(_));
            let mut silent = false;
            let changed = to.send_if_modified(|now| {
                silent = matches!(now, Known::Nothing(_))
                    && match first {
                        First::Silent => true,
                        First::IfPresent => !is_there,
                        First::Told => false,
                    };
                let same = match (&*now, &known) {
                    (Known::Missing, Known::Missing) => true,
                    (Known::Present(before), Known::Present(after)) => before == after,
                    _ => false,
                };
                if !same {
                    *now = known;
                }
                !same
            });
            if changed && !silent {
                on_change(&source);
            }
        };
        let mut events = std::pin::pin!(watcher(api, config).default_backoff());
        let mut listed = false;
        while let Some(event) = events.next().await {
            match event {
                Ok(Event::Init) => listed = false,
                Ok(Event::InitApply(object)) => {
                    listed = true;
                    tell(Known::Present(Arc::new(content(object))));
                }
                Ok(Event::Apply(object)) => tell(Known::Present(Arc::new(content(object)))),
                Ok(Event::InitDone) if listed => {}
                Ok(Event::InitDone | Event::Delete(_)) => tell(Known::Missing),
                // What was known stays; the watch goes on by itself.
                Err(error) => {
                    let cause = crate::apply::explain_watch(&error);
                    to.send_if_modified(|known| {
                        if let Known::Nothing(reason) = known {
                            *reason = Some(cause);
                        }
                        false
                    });
                }
            }
        }
    };
    let (work, handle) = futures::future::abortable(work);
    tokio::spawn(work);
    handle
}
