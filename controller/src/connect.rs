//! What credentials are made of in the cluster, for `extsecret-provider`.

use std::sync::Arc;
use std::time::Duration;

use extsecret_provider::provider::{Cluster, ProviderError, ServiceAccount};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::apply::explain;
use crate::follow::{Content, Follow};
use crate::index::{Source, SourceKind};
use crate::system;

/// How long the API server may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// The cluster that this controller runs for.
pub(crate) struct Objects {
    client: Client,
    follow: Arc<Follow>,
}

impl Objects {
    pub(crate) fn new(client: Client, follow: Arc<Follow>) -> Self {
        Self { client, follow }
    }

    async fn content(&self, source: &Source) -> Result<Arc<Content>, ProviderError> {
        let now = system::instant();
        let content = self.follow.get(source, now, now + PATIENCE).await;
        let content = content.map_err(|error| ProviderError::Transient(error.to_string()))?;
        content.ok_or_else(|| {
            ProviderError::Invalid(format!(
                "{} {} does not exist: create it, or correct the reference of the store",
                source.kind.name(),
                source.name
            ))
        })
    }
}

impl Cluster for Objects {
    fn secret_key<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        key: &'a str,
    ) -> BoxFuture<'a, Result<Zeroizing<Vec<u8>>, ProviderError>> {
        async move {
            let source = Source::new(SourceKind::Secret, namespace, name);
            let content = self.content(&source).await?;
            let value = match &*content {
                Content::Secret { data, .. } => data.get(key),
                _ => None,
            };
            value.cloned().ok_or_else(|| {
                ProviderError::Invalid(format!("Secret {} has no key {key:?}", source.name))
            })
        }
        .boxed()
    }

    fn service_account<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
    ) -> BoxFuture<'a, Result<ServiceAccount, ProviderError>> {
        async move {
            let source = Source::new(SourceKind::ServiceAccount, namespace, name);
            match &*self.content(&source).await? {
                Content::ServiceAccount(account) => Ok(account.clone()),
                _ => Err(ProviderError::Transient(format!("{} is no account", source.name))),
            }
        }
        .boxed()
    }

    fn token<'a>(
        &'a self,
        namespace: &'a str,
        name: &'a str,
        audiences: &'a [String],
    ) -> BoxFuture<'a, Result<Zeroizing<String>, ProviderError>> {
        async move {
            let api: Api<v1::ServiceAccount> = Api::namespaced(self.client.clone(), namespace);
            let spec = TokenRequestSpec { audiences: audiences.to_vec(), ..Default::default() };
            let request = TokenRequest { spec, ..TokenRequest::default() };
            let params = PostParams::default();
            let answer = timeout(PATIENCE, api.create_token_request(name, &params, &request)).await;
            let what = || format!("cannot create a token for ServiceAccount {namespace}/{name}");
            match answer {
                Err(_) => Err(ProviderError::Transient(format!("{}: no answer", what()))),
                Ok(Err(kube::Error::Api(status))) if status.code == 404 => {
                    Err(ProviderError::Invalid(format!("{}: it does not exist", what())))
                }
                Ok(Err(kube::Error::Api(status))) if status.code == 403 => {
                    Err(ProviderError::Denied(format!(
                        "{}: this controller may not `create serviceaccounts/token` there",
                        what()
                    )))
                }
                Ok(Err(error)) => {
                    Err(ProviderError::Transient(format!("{}: {}", what(), explain(&error))))
                }
                Ok(Ok(answer)) => {
                    let token = answer.status.map(|status| status.token).unwrap_or_default();
                    Ok(Zeroizing::new(token))
                }
            }
        }
        .boxed()
    }
}
