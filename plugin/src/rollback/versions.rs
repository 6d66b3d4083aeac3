//! Versions of secrets, by their ids. No value is read.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, bail};
use extsecret_crds::provider::{AwsProvider, AwsService};
use extsecret_provider::aws::{Client, Endpoints, Version};
use tokio::runtime::Runtime;

use super::pins::{BY_ID, is_number};

/// What the current version and the one before it are labelled with.
const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";

/// AWS, with the caller's own credentials, by region.
pub(crate) struct Versions {
    runtime: Runtime,
    endpoints: Endpoints,
    timeout: Option<Duration>,
    clients: BTreeMap<String, Client>,
}

impl Versions {
    /// Gets ready; nothing is sent yet.
    pub(crate) fn new(endpoints: Endpoints, timeout: Option<Duration>) -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("cannot start the runtime for network connections")?;
        Ok(Self { runtime, endpoints, timeout, clients: BTreeMap::new() })
    }

    /// What `version` of an entry has to be so that it reads `to`: `previous`, or an id.
    pub(crate) fn find(
        &mut self,
        aws: &AwsProvider,
        key: &str,
        to: &str,
    ) -> anyhow::Result<String> {
        let key = format!("{}{key}", aws.prefix.as_deref().unwrap_or_default());
        if aws.service == AwsService::ParameterStore {
            return self.number(aws, &key, to);
        }
        let known = self.ask(aws, &key, async |client| client.versions(&key, false).await)?;
        if to == "previous" {
            return match with(&known, PREVIOUS) {
                Some(it) => Ok(format!("{BY_ID}{}", it.id)),
                None => bail!("{key:?} has no previous version; its versions: {}", told(&known)),
            };
        }
        let id = to.strip_prefix(BY_ID).unwrap_or(to);
        if let Some(it) = known.iter().find(|it| it.id == id) {
            if it.stages.iter().any(|it| it == CURRENT) {
                bail!("{id} is the current version of {key:?}: --undo follows it again");
            }
            return Ok(format!("{BY_ID}{id}"));
        }
        // Versions without a label are kept for a while.
        let all = self.ask(aws, &key, async |client| client.versions(&key, true).await)?;
        if all.iter().any(|it| it.id == id) {
            return Ok(format!("{BY_ID}{id}"));
        }
        bail!("{key:?} has no version {id:?}; its versions: {}", told(&all))
    }

    fn number(&mut self, aws: &AwsProvider, key: &str, to: &str) -> anyhow::Result<String> {
        if to != "previous" && !is_number(to) {
            bail!(
                "{to:?} is a label of Parameter Store, and labels move: --to takes the number of a \
                 version"
            );
        }
        let current = self.ask(aws, key, async |client| client.parameter_version(key).await)?;
        let wanted = match to.parse::<i64>() {
            Ok(number) => number,
            Err(_) => current.saturating_sub(1),
        };
        if wanted < 1 || wanted >= current {
            bail!("{key:?} has no older version {wanted}: its current one is {current}");
        }
        Ok(wanted.to_string())
    }

    fn ask<T>(
        &mut self,
        aws: &AwsProvider,
        key: &str,
        ask: impl AsyncFnOnce(&Client) -> Result<T, extsecret_provider::provider::ProviderError>,
    ) -> anyhow::Result<T> {
        let Self { runtime, endpoints, timeout, clients } = self;
        if !clients.contains_key(&aws.region) {
            let client = Client::with_own_credentials(&aws.region, endpoints, *timeout);
            clients.insert(aws.region.clone(), runtime.block_on(client)?);
        }
        let client = clients.get(&aws.region).context("a client that was just made")?;
        runtime.block_on(ask(client)).with_context(|| {
            format!(
                "the versions of {key:?} in {} are not told with your own credentials of AWS (AWS_PROFILE \
                 chooses others)",
                aws.region
            )
        })
    }
}

fn with<'a>(all: &'a [Version], stage: &str) -> Option<&'a Version> {
    all.iter().find(|it| it.stages.iter().any(|it| it == stage))
}

/// Ids with their labels.
fn told(all: &[Version]) -> String {
    let one = |it: &Version| match it.stages.as_slice() {
        [] => it.id.clone(),
        stages => format!("{} ({})", it.id, stages.join(", ")),
    };
    all.iter().map(one).collect::<Vec<_>>().join("; ")
}
