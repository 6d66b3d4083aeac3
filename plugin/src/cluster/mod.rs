//! The cluster that kubectl would talk to: reading single objects from it.

mod config;

use std::fmt::Debug;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use extsecret_crds::external_secret::StoreKind;
use extsecret_crds::{ClusterSecretStore, ExternalSecret, SecretStore, SecretStoreSpec};
use extsecret_engine::request::StoreName;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Resource};
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::cli::ClusterArgs;

/// Attempts at one read, and the first pause between two.
const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// A connection, with the threads of its own that it needs.
pub(crate) struct Cluster {
    client: Client,
    namespace: String,
    runtime: Runtime,
}

impl Cluster {
    /// Reads the kubeconfig and gets ready; nothing is sent yet.
    pub(crate) fn connect(args: &ClusterArgs) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime for network connections")?;
        let (client, namespace) = runtime.block_on(async {
            let config = config::load(args).await?;
            let namespace =
                args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
            let client = Client::try_from(config).context("cannot connect to the cluster")?;
            anyhow::Ok((client, namespace))
        })?;
        Ok(Self { client, namespace, runtime })
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
        self.get_custom::<ExternalSecret>(Some(namespace), name)
    }

    /// The spec of a store.
    pub(crate) fn store(
        &self,
        namespace: &str,
        store: &StoreName,
    ) -> anyhow::Result<Option<SecretStoreSpec>> {
        Ok(match store.kind {
            StoreKind::ClusterSecretStore => {
                self.get_custom::<ClusterSecretStore>(None, &store.name)?.map(|store| store.spec)
            }
            _ => self
                .get_custom::<SecretStore>(Some(namespace), &store.name)?
                .map(|store| store.spec),
        })
    }

    /// A Secret.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> anyhow::Result<Option<Secret>> {
        self.get(namespace, name)
    }

    /// A ConfigMap.
    pub(crate) fn config_map(
        &self,
        namespace: &str,
        name: &str,
    ) -> anyhow::Result<Option<ConfigMap>> {
        self.get(namespace, name)
    }

    fn get<K>(&self, namespace: &str, name: &str) -> anyhow::Result<Option<K>>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(self.client.clone(), namespace);
        let what = format!("{} {namespace}/{name}", K::kind(&()));
        self.runtime.block_on(with_retries(&what, || api.get_opt(name)))
    }

    /// Objects of our own API. A cluster without its CRDs is told apart from one without the
    /// object.
    fn get_custom<K>(&self, namespace: Option<&str>, name: &str) -> anyhow::Result<Option<K>>
    where
        K: Resource<DynamicType = ()> + DeserializeOwned,
    {
        let gvk = GroupVersionKind::gvk(&K::group(&()), &K::version(&()), &K::kind(&()));
        let resource = ApiResource::from_gvk_with_plural(&gvk, &K::plural(&()));
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
            None => Api::all_with(self.client.clone(), &resource),
        };
        let what = match namespace {
            Some(namespace) => format!("{} {namespace}/{name}", gvk.kind),
            None => format!("{} {name}", gvk.kind),
        };
        let object = self.runtime.block_on(with_retries(&what, || async {
            match api.get(name).await {
                Ok(object) => Ok(Some(object)),
                // "404 page not found" comes from a server that does not know the kind.
                Err(kube::Error::Api(status)) if status.code == 404 && status.details.is_some() => {
                    Ok(None)
                }
                Err(error) => Err(error),
            }
        }))?;
        let Some(object) = object else { return Ok(None) };
        let value = serde_json::to_value(object).with_context(|| format!("cannot read {what}"))?;
        let object = serde_json::from_value(value)
            .with_context(|| format!("{what} is not as its type wants it"))?;
        Ok(Some(object))
    }
}

/// Reads, and reads again when the server is busy. The error says what was asked for and what to do.
async fn with_retries<T, F>(what: &str, mut read: impl FnMut() -> F) -> anyhow::Result<T>
where
    F: Future<Output = Result<T, kube::Error>>,
{
    let mut pause = PAUSE;
    for attempt in 1.. {
        match read().await {
            Ok(found) => return Ok(found),
            Err(kube::Error::Api(status))
                if attempt < ATTEMPTS && matches!(status.code, 429 | 503 | 504) =>
            {
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            Err(error) => return Err(explain(what, error)),
        }
    }
    Err(anyhow!("cannot read {what}"))
}

fn explain(what: &str, error: kube::Error) -> anyhow::Error {
    match error {
        kube::Error::Api(status) if status.is_forbidden() => {
            anyhow!(
                "cannot read {what}: {}; `kubectl auth can-i get` tells what you may read",
                status.message
            )
        }
        // The plain "404 page not found" has no reason that could be looked at.
        kube::Error::Api(status) if status.code == 404 => anyhow!(
            "cannot read {what}: the cluster does not serve this kind: are the external-secrets.io CRDs installed?"
        ),
        kube::Error::Api(status) => anyhow!("cannot read {what}: {}", status.message),
        error => anyhow::Error::new(error).context(format!(
            "cannot read {what} from the cluster; --context and --kubeconfig choose another one"
        )),
    }
}
