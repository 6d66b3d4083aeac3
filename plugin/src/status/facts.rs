//! All that hangs on one ExternalSecret, as it was found.

use std::collections::BTreeSet;

use extsecret_crds::{ExternalSecret, SecretStoreSpec, SecretStoreStatus};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

use super::model::KesObject;

/// What a look-up found: nothing, something, or the reason why nobody knows.
pub(crate) type Found<T> = Result<Option<T>, String>;

/// All that hangs on one ExternalSecret.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) object: Found<ExternalSecret>,
    pub(crate) events: Result<Vec<Event>, String>,
    pub(crate) stores: Vec<Store>,
    pub(crate) secret: Found<Target>,
    pub(crate) consumers: Consumers,
    /// The object of kubernetes-external-secrets of the same name. One that is not there, or whose
    /// kind the cluster does not serve, is `None`.
    pub(crate) kes: Found<KesObject>,
}

/// Something that happened, as the cluster tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Event {
    pub(crate) last: Option<Timestamp>,
    pub(crate) count: i64,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) reason: String,
    pub(crate) message: String,
}

/// A store that the object names.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) found: Found<StoreFound>,
}

/// The store itself.
#[derive(Clone, Debug)]
pub(crate) struct StoreFound {
    pub(crate) spec: SecretStoreSpec,
    pub(crate) status: Option<SecretStoreStatus>,
}

/// The Secret that is written, without a value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Target {
    pub(crate) meta: ObjectMeta,
    /// Known only where the Secret was read and not only its metadata, as all that follows.
    pub(crate) read: Option<Read>,
}

/// What is known of values without showing one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) type_: String,
    /// Keys and the sizes of their values in bytes.
    pub(crate) sizes: Vec<(String, usize)>,
    /// Whether the data is as the annotation tells; `None` if there is no annotation.
    pub(crate) as_written: Option<bool>,
}

/// Who uses the Secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consumers {
    pub(crate) found: Vec<Consumer>,
    /// Where nobody could look, and why.
    pub(crate) unknown: Vec<String>,
    /// Whether anybody could look anywhere.
    #[serde(skip)]
    pub(crate) looked: bool,
}

/// A workload that uses the Secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Consumer {
    pub(crate) kind: String,
    pub(crate) name: String,
    /// How it uses which keys, a line for each way.
    pub(crate) uses: Vec<String>,
    /// Keys that it needs and that the Secret does not have.
    pub(crate) missing: BTreeSet<String>,
    /// Whether there is no such Secret, and its pods do not start without.
    pub(crate) waits: bool,
    /// Pods that run, and of these those that started before the Secret was last written.
    pub(crate) pods: usize,
    pub(crate) older: usize,
}
