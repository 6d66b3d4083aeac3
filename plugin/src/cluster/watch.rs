//! Changes of objects as they happen.

use std::fmt::Debug;
use std::time::Duration;

use futures::TryStreamExt as _;
use kube::api::{WatchEvent, WatchParams};
use kube::core::Request;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use super::kinds::Kind;
use super::{Cluster, PAUSE, Selection, Unread, Why};

/// Connections in a row that fail before a watch is given up.
const ATTEMPTS: u32 = 3;

/// What happened to an object.
#[derive(Clone, Debug)]
pub(crate) enum Change<T> {
    /// It is there, or has changed.
    Is(T),
    /// It is gone; this is what it was.
    Gone(T),
}

impl Cluster {
    /// Tells of every change of the objects of a list after `version`, until `each` says that it is
    /// enough; `None` if it did not before the patience was over. Ends with [`Why::Expired`] when
    /// the list has to be read anew.
    pub(crate) fn watch<T, B>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        select: &Selection,
        mut version: String,
        patience: Option<Duration>,
        mut each: impl FnMut(Change<T>) -> std::ops::ControlFlow<B>,
    ) -> Result<Option<B>, Unread>
    where
        T: DeserializeOwned + Clone + Debug + HasVersion,
    {
        let tried = format!("watch {}", kind.resource());
        let request = Request::new(kind.path(namespace));
        let params = WatchParams {
            label_selector: select.labels.clone(),
            field_selector: select.fields.clone(),
            bookmarks: true,
            ..WatchParams::default()
        };
        let unread =
            |error: &kube::Error| Unread::from_kube(&tried, &self.server, &kind.resource(), error);
        let work = async {
            let mut failed = 0;
            loop {
                let request = request.watch(&params, &version).map_err(kube::Error::BuildRequest);
                let events = match request {
                    Ok(request) => self.patient.request_events::<T>(request).await,
                    Err(error) => Err(error),
                };
                let error = match events {
                    Err(error) => Some(error),
                    Ok(events) => {
                        let mut events = std::pin::pin!(events);
                        loop {
                            let change = match events.try_next().await {
                                // The server ends every watch now and then.
                                Ok(None) => break None,
                                Err(error) => break Some(error),
                                Ok(Some(WatchEvent::Added(it) | WatchEvent::Modified(it))) => {
                                    Change::Is(it)
                                }
                                Ok(Some(WatchEvent::Deleted(it))) => Change::Gone(it),
                                Ok(Some(WatchEvent::Bookmark(mark))) => {
                                    version = mark.metadata.resource_version;
                                    continue;
                                }
                                Ok(Some(WatchEvent::Error(status))) => {
                                    break Some(kube::Error::Api(status));
                                }
                            };
                            failed = 0;
                            let (Change::Is(it) | Change::Gone(it)) = &change;
                            if let Some(now) = it.version() {
                                now.clone_into(&mut version);
                            }
                            if let std::ops::ControlFlow::Break(end) = each(change) {
                                return Ok(end);
                            }
                        }
                    }
                };
                if let Some(error) = error {
                    let unread = unread(&error);
                    let passes = matches!(unread.why, Why::Unreachable { .. } | Why::Refused(_));
                    failed += 1;
                    if !passes || failed >= ATTEMPTS {
                        return Err(unread);
                    }
                }
                // A server that ends watches at once is not asked without a pause.
                sleep(PAUSE).await;
            }
        };
        self.block_on(async {
            match patience {
                None => work.await.map(Some),
                Some(patience) => match timeout(patience, work).await {
                    Ok(ended) => ended.map(Some),
                    Err(_) => Ok(None),
                },
            }
        })
    }
}

/// An object that knows its version.
pub(crate) trait HasVersion {
    /// Its `resourceVersion`.
    fn version(&self) -> Option<&str>;
}

impl HasVersion for extsecret_crds::ExternalSecret {
    fn version(&self) -> Option<&str> {
        self.metadata.resource_version.as_deref()
    }
}

impl HasVersion for serde_json::Value {
    fn version(&self) -> Option<&str> {
        self["metadata"]["resourceVersion"].as_str()
    }
}
