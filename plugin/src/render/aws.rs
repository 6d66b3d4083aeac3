//! Values that AWS has now, read with the caller's own credentials.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use anyhow::Context as _;
use extsecret_crds::SecretStoreSpec;
use extsecret_engine::collect::{FetchError, Fetched};
use extsecret_engine::request::{Fetch, StoreName};
use extsecret_provider::aws::{Client, Endpoints};
use tokio::runtime::Runtime;

/// Clients by region, with the threads of their own that they need.
pub(crate) struct Aws {
    runtime: Runtime,
    endpoints: Endpoints,
    timeout: Option<Duration>,
    clients: BTreeMap<String, Client>,
}

impl Aws {
    /// Gets ready; nothing is sent yet.
    pub(crate) fn new(endpoints: Endpoints, timeout: Option<Duration>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime for network connections")?;
        Ok(Self { runtime, endpoints, timeout, clients: BTreeMap::new() })
    }

    /// Answers each of `wanted`. The error says why the store cannot be asked at all.
    pub(crate) fn fetch(
        &mut self,
        store: &StoreName,
        spec: &SecretStoreSpec,
        wanted: &[&Fetch],
    ) -> Result<Vec<Result<Fetched, FetchError>>, String> {
        let Some(aws) = &spec.provider.aws else {
            let provider = spec.provider.names().join(" and ");
            let provider = if provider.is_empty() { "no provider".to_owned() } else { provider };
            return Err(format!(
                "the {store} is for {provider}: values are read from AWS only; give them with --values"
            ));
        };
        if aws.region.is_empty() {
            return Err(format!("the {store} has no region"));
        }
        let Self { runtime, endpoints, timeout, clients } = self;
        let client = match clients.entry(aws.region.clone()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let client = Client::with_own_credentials(&aws.region, endpoints, *timeout);
                let client = runtime.block_on(client);
                place.insert(client.map_err(|error| format!("{store}: {error}"))?)
            }
        };
        Ok(runtime.block_on(client.fetch(aws, wanted)))
    }
}
