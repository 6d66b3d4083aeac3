//! The cluster that kubectl would talk to: reads, page by page where there are many, and the few
//! writes that a person asks for.

mod apply;
mod ask;
mod config;
mod error;
pub(crate) mod kinds;
mod watch;
mod write;

use std::time::Duration;

use anyhow::Context as _;
use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::{ClusterSecretStore, ExternalSecret, SecretStore, SecretStoreSpec};
use extsecret_engine::request::StoreName;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ListMeta, ObjectMeta};
use kube::Client;
use kube::api::{GetParams, ListParams, Patch, PatchParams};
use kube::core::Request;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::cli::ClusterArgs;
pub(crate) use ask::{Access, Server};
pub(crate) use config::read as kubeconfig;
pub(crate) use error::{Unread, Why};
use kinds::Kind;
pub(crate) use watch::Change;
pub(crate) use write::{Changed, kind};

/// Attempts at one request, and the first pause between two.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// Objects in one answer, as kubectl asks for them.
const PAGE: u32 = 500;

/// A connection, with the threads of its own that it needs.
pub(crate) struct Cluster {
    client: Client,
    /// The same without a time limit on answers: a watch may be silent for as long as it likes.
    patient: Client,
    server: String,
    namespace: String,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
}

/// Which objects of a kind.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) labels: Option<String>,
    pub(crate) fields: Option<String>,
}

/// One answer of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: ListMeta,
    /// `null` where a list of metadata has none.
    items: Option<Vec<T>>,
}

/// An object of which only the metadata was asked for.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Metadata {
    #[serde(default)]
    pub(crate) metadata: ObjectMeta,
}

impl Cluster {
    /// Reads the kubeconfig and gets ready; nothing is sent yet.
    pub(crate) fn connect(args: &ClusterArgs) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime for network connections")?;
        let (client, patient, server, namespace) = runtime.block_on(async {
            let config = config::load(args).await?;
            let server = config.cluster_url.to_string();
            let namespace =
                args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
            let mut patient = config.clone();
            patient.read_timeout = None;
            let client = Client::try_from(config).context("cannot connect to the cluster")?;
            let patient = Client::try_from(patient).context("cannot connect to the cluster")?;
            anyhow::Ok((client, patient, server, namespace))
        })?;
        Ok(Self { client, patient, server, namespace, runtime: Some(runtime) })
    }

    /// The namespace of the flag, else of the context.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// An ExternalSecret of v1.
    pub(crate) fn external_secret(
        &self,
        namespace: &str,
        name: &str,
    ) -> anyhow::Result<Option<ExternalSecret>> {
        Ok(self.get(&kinds::EXTERNAL_SECRETS, Some(namespace), name)?)
    }

    /// The spec of a store.
    pub(crate) fn store(
        &self,
        namespace: &str,
        store: &StoreName,
    ) -> anyhow::Result<Option<SecretStoreSpec>> {
        Ok(match store.kind {
            StoreKind::ClusterSecretStore => self
                .get::<ClusterSecretStore>(&kinds::CLUSTER_SECRET_STORES, None, &store.name)?
                .map(|store| store.spec),
            _ => self
                .get::<SecretStore>(&kinds::SECRET_STORES, Some(namespace), &store.name)?
                .map(|store| store.spec),
        })
    }

    /// A Secret with its values.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> anyhow::Result<Option<Secret>> {
        Ok(self.get(&kinds::SECRETS, Some(namespace), name)?)
    }

    /// A ConfigMap.
    pub(crate) fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> anyhow::Result<Option<ConfigMap>> {
        Ok(self.get(&kinds::CONFIG_MAPS, Some(namespace), name)?)
    }

    /// One object; `None` if there is none.
    pub(crate) fn get<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<T>, Unread> {
        self.get_as(kind, namespace, name, false)
    }

    /// The metadata of one object; the server sends nothing else.
    pub(crate) fn metadata(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<ObjectMeta>, Unread> {
        let found: Option<Metadata> = self.get_as(kind, namespace, name, true)?;
        Ok(found.map(|found| found.metadata))
    }

    fn get_as<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        metadata_only: bool,
    ) -> Result<Option<T>, Unread> {
        let tried = match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => format!("read {} {namespace}/{name}", kind.kind),
            None => format!("read {} {name}", kind.kind),
        };
        if !is_name(name) || namespace.is_some_and(|namespace| !is_name(namespace)) {
            return Err(Unread::new(tried, Why::NotAName));
        }
        let request = Request::new(kind.path(namespace));
        let params = GetParams::default();
        let text = self.send(&tried, kind, &async |client| {
            let request = if metadata_only {
                request.get_metadata(name, &params)
            } else {
                request.get(name, &params)
            };
            client.request_text(request.map_err(kube::Error::BuildRequest)?).await
        });
        match text {
            Ok(text) => read(&tried, &text).map(Some),
            Err(Answer::NoSuchObject) => Ok(None),
            Err(Answer::Unread(error)) => Err(error),
        }
    }

    /// All objects of a kind, page by page; returns the version at which the list is true.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        select: &Selection,
        each: impl FnMut(Vec<T>),
    ) -> Result<String, Unread> {
        self.list_as(kind, namespace, select, false, each)
    }

    /// The metadata of all objects of a kind, page by page.
    pub(crate) fn list_metadata(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        select: &Selection,
        each: impl FnMut(Vec<Metadata>),
    ) -> Result<String, Unread> {
        self.list_as(kind, namespace, select, true, each)
    }

    fn list_as<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        select: &Selection,
        metadata_only: bool,
        mut each: impl FnMut(Vec<T>),
    ) -> Result<String, Unread> {
        let tried = match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => format!("list {} in the namespace {namespace:?}", kind.resource()),
            None => format!("list {}", kind.resource()),
        };
        if namespace.is_some_and(|namespace| !is_name(namespace)) {
            return Err(Unread::new(tried, Why::NotAName));
        }
        let request = Request::new(kind.path(namespace));
        let mut params = ListParams {
            label_selector: select.labels.clone(),
            field_selector: select.fields.clone(),
            limit: Some(PAGE),
            ..ListParams::default()
        };
        loop {
            let text = self.send(&tried, kind, &async |client| {
                let request = if metadata_only {
                    request.list_metadata(&params)
                } else {
                    request.list(&params)
                };
                client.request_text(request.map_err(kube::Error::BuildRequest)?).await
            });
            let text = match text {
                Ok(text) => text,
                Err(Answer::NoSuchObject) => {
                    return Err(Unread::new(tried, Why::NotServed(kind.resource())));
                }
                Err(Answer::Unread(error)) => return Err(error),
            };
            let page: Page<T> = read(&tried, &text)?;
            drop(text);
            each(page.items.unwrap_or_default());
            params.continue_token = page.metadata.continue_.filter(|token| !token.is_empty());
            if params.continue_token.is_none() {
                return Ok(page.metadata.resource_version.unwrap_or_default());
            }
        }
    }

    /// Changes an object by a merge patch, or only asks whether the server would; `None` if there is
    /// no such object.
    pub(crate) fn patch<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        change: &serde_json::Value,
        dry_run: bool,
    ) -> Result<Option<T>, Unread> {
        self.merge(kind, namespace, name, change, (MANAGER, dry_run), false)
    }

    /// The same for metadata, in the name of `manager`; the server sends nothing else back.
    pub(crate) fn annotate(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        manager: &str,
        change: &serde_json::Value,
        dry_run: bool,
    ) -> Result<Option<ObjectMeta>, Unread> {
        let changed: Option<Metadata> =
            self.merge(kind, namespace, name, change, (manager, dry_run), true)?;
        Ok(changed.map(|it| it.metadata))
    }

    /// Both of these.
    fn merge<T: DeserializeOwned>(
        &self,
        kind: &Kind,
        namespace: Option<&str>,
        name: &str,
        change: &serde_json::Value,
        (manager, dry_run): (&str, bool),
        metadata_only: bool,
    ) -> Result<Option<T>, Unread> {
        let tried = match namespace.filter(|_| kind.namespaced) {
            Some(namespace) => format!("change {} {namespace}/{name}", kind.kind),
            None => format!("change {} {name}", kind.kind),
        };
        if !is_name(name) || namespace.is_some_and(|namespace| !is_name(namespace)) {
            return Err(Unread::new(tried, Why::NotAName));
        }
        let request = Request::new(kind.path(namespace));
        let params = PatchParams {
            field_manager: Some(manager.to_owned()),
            dry_run,
            ..PatchParams::default()
        };
        let text = self.send(&tried, kind, &async |client| {
            let patch = Patch::Merge(change);
            let request = if metadata_only {
                request.patch_metadata(name, &params, &patch)
            } else {
                request.patch(name, &params, &patch)
            };
            client.request_text(request.map_err(kube::Error::BuildRequest)?).await
        });
        match text {
            Ok(text) => read(&tried, &text).map(Some),
            Err(Answer::NoSuchObject) => Ok(None),
            Err(Answer::Unread(error)) => Err(error),
        }
    }

    /// Sends a request, and again when the server is busy.
    fn send(
        &self,
        tried: &str,
        kind: &Kind,
        ask: &impl AsyncFn(&Client) -> Result<String, kube::Error>,
    ) -> Result<String, Answer> {
        self.block_on(async {
            let mut pause = PAUSE;
            let mut attempt = 1;
            loop {
                let error = match ask(&self.client).await {
                    Ok(text) => return Ok(text),
                    Err(error) => error,
                };
                if let kube::Error::Api(status) = &error {
                    // A definition made anew is served some seconds after it is established
                    // (kes-migration 3.15).
                    let starts = status.code == 429 && status.message.contains("initializing");
                    let attempts = if starts { 10 * ATTEMPTS } else { ATTEMPTS };
                    if attempt < attempts && matches!(status.code, 429 | 503 | 504) {
                        tokio::time::sleep(pause).await;
                        pause = (2 * pause).min(8 * PAUSE);
                        attempt += 1;
                        continue;
                    }
                    if status.code == 404 && status.details.is_some() {
                        return Err(Answer::NoSuchObject);
                    }
                }
                let error = Unread::from_kube(tried, &self.server, &kind.resource(), &error);
                return Err(Answer::Unread(error));
            }
        })
    }

    /// Waits a moment before something is looked at again.
    pub(crate) fn pause(&self, time: Duration) {
        self.block_on(async { tokio::time::sleep(time).await });
    }

    fn block_on<F: Future>(&self, work: F) -> F::Output {
        match &self.runtime {
            Some(runtime) => runtime.block_on(work),
            #[expect(clippy::unreachable, reason = "it goes when the value goes")]
            None => unreachable!("a connection without a runtime"),
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // A look-up of a name that hangs must not hold the process.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// Who the API server notes as the author of changes.
const MANAGER: &str = "kubectl-extsecret";

enum Answer {
    NoSuchObject,
    Unread(Unread),
}

/// Reads an answer. What serde says of a text may quote it, and the text may be a Secret.
fn read<T: DeserializeOwned>(tried: &str, text: &str) -> Result<T, Unread> {
    serde_json::from_str(text).map_err(|error| {
        let cause = format!("line {}, column {}", error.line(), error.column());
        Unread::new(tried, Why::Unreadable(cause))
    })
}

/// True for what can stand in a path as one step. No name of an object holds anything else.
pub(crate) fn is_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:".contains(c);
    !text.is_empty() && text != "." && text != ".." && text.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_names_gets_into_a_path() {
        for name in ["db", "a.b-c", "system:admin"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", ".", "..", "a/b", "a?b", "a%2fb", "ü", "a b"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_list_without_items_is_empty() {
        for text in ["{}", r#"{"metadata":{},"items":null}"#, r#"{"items":[]}"#] {
            let page: Page<u32> = read("list", text).unwrap();
            assert!(page.items.unwrap_or_default().is_empty(), "{text}");
        }
    }

    #[test]
    fn an_unreadable_answer_is_not_quoted() {
        let error = read::<u32>("read Secret a/b", "\"hunter2\"").unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}
