//! AWS Secrets Manager and Systems Manager Parameter Store (eso-semantics 3.3 to 3.5).

mod author;
mod call;
mod client;
mod credentials;
mod error;
mod identity;
mod parameter_store;
mod secrets_manager;
mod session;
mod simulate;
mod sqs;
mod store;
mod tally;

use std::collections::BTreeMap;

use extsecret_crds::external_secret::Find;
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::request::Fetch;
use futures::stream::{self, StreamExt as _};

use self::call::NotBefore;
use crate::provider::ProviderError;
use crate::value::SecretValue;

pub use author::{Version, own_region};
pub use client::{Client, Credentials, Endpoints};
pub use identity::is_referent;
pub use simulate::{Question, Simulator};
pub(crate) use sqs::{Address, BATCH, Message, Sqs, WAIT};
pub use store::{Aws, Counts, Settings};
pub use tally::Calls;

/// Requests that are under way at once for one store.
const CONCURRENCY: usize = 8;

impl Client {
    /// Answers each of `wanted`, in order. What is asked for twice is fetched once.
    pub async fn fetch(
        &self,
        store: &AwsProvider,
        wanted: &[&Fetch],
    ) -> Vec<Result<Fetched, FetchError>> {
        let mut distinct: Vec<&Fetch> = Vec::new();
        let order: Vec<usize> = wanted
            .iter()
            .map(|fetch| {
                distinct.iter().position(|known| known == fetch).unwrap_or_else(|| {
                    distinct.push(fetch);
                    distinct.len() - 1
                })
            })
            .collect();
        let answers: Vec<_> = stream::iter(distinct)
            .map(|fetch| self.answer(store, fetch))
            .buffered(CONCURRENCY)
            .collect()
            .await;
        let answers = order.into_iter().filter_map(|index| answers.get(index).cloned());
        answers.map(|answer| answer.map_err(FetchError::from)).collect()
    }

    async fn answer(&self, store: &AwsProvider, fetch: &Fetch) -> Result<Fetched, ProviderError> {
        let prefix = store.prefix.as_deref().unwrap_or_default();
        let batches = NotBefore::default();
        let (secrets, parameters) = (&self.secrets_manager, &self.parameter_store);
        let name = |key: &str| format!("{prefix}{key}");
        match (&store.service, fetch) {
            (AwsService::SecretsManager, Fetch::Value { key, version }) => {
                secrets.value(None, &name(key), version.as_deref()).await.map(|value| one(&value))
            }
            (AwsService::SecretsManager, Fetch::Tags { key }) => {
                secrets.tags(None, &name(key)).await.map(Fetched::Tags)
            }
            (AwsService::SecretsManager, Fetch::Find(find)) => {
                secrets.find(None, &scoped(prefix, find), &batches).await.map(|all| many(&all))
            }
            (AwsService::ParameterStore, Fetch::Value { key, version }) => parameters
                .value(None, &name(key), version.as_deref())
                .await
                .map(|value| one(&value)),
            (AwsService::ParameterStore, Fetch::Tags { key }) => {
                parameters.tags(None, &name(key)).await.map(Fetched::Tags)
            }
            (AwsService::ParameterStore, Fetch::Find(find)) => {
                parameters.find(None, prefix, find, &batches).await.map(|all| many(&all))
            }
            (service, _) => Err(unsupported(service)),
        }
    }
}

fn unsupported(service: &AwsService) -> ProviderError {
    ProviderError::Invalid(format!(
        "the AWS service {service} is not supported: use SecretsManager or ParameterStore"
    ))
}

fn one(value: &SecretValue) -> Fetched {
    Fetched::Value(value.to_payload())
}

fn many(all: &[(String, SecretValue)]) -> Fetched {
    Fetched::Found(all.iter().map(|(name, value)| (name.clone(), value.to_payload())).collect())
}

/// Where a search starts: the store's prefix and the path. A prefix that the path already begins
/// with is not put before it again, because ESO takes paths as whole names.
fn start(prefix: &str, path: Option<&str>) -> Option<String> {
    let path = path.unwrap_or_default();
    let whole = if path.starts_with(prefix) { path.to_owned() } else { format!("{prefix}{path}") };
    (!whole.is_empty()).then_some(whole)
}

/// The search with its whole path.
fn scoped(prefix: &str, find: &Find) -> Find {
    Find { path: start(prefix, find.path.as_deref()), ..find.clone() }
}

/// Tags as a map; of a key that stands twice, which AWS does not allow, the last counts.
fn tag_map<'a>(
    tags: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>,
) -> BTreeMap<String, String> {
    let pairs = tags
        .into_iter()
        .filter_map(|(key, value)| Some((key?.to_owned(), value.unwrap_or_default().to_owned())));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_applied_once() {
        assert_eq!(start("", None), None);
        assert_eq!(start("", Some("app/")).as_deref(), Some("app/"));
        assert_eq!(start("team/", None).as_deref(), Some("team/"));
        assert_eq!(start("team/", Some("app/")).as_deref(), Some("team/app/"));
        assert_eq!(start("team/", Some("team/app/")).as_deref(), Some("team/app/"));
    }
}
