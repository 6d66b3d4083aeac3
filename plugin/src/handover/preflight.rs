//! Whether a hand-over could be made at all: who takes over, and what the caller may do.

use std::collections::BTreeSet;

use anyhow::Context as _;
use extsecret_migrate::handover::{Blocker, Need, words};

use crate::cluster::{self, Access, Cluster};

/// What of these the caller may not do. Who may do something in all namespaces is asked once.
pub(crate) fn forbidden(
    cluster: &Cluster,
    needs: BTreeSet<Need>,
) -> anyhow::Result<Option<Blocker>> {
    let access = |need: &Need| Access::to(need.verb, cluster::kind(need.resource));
    let ask = |namespace: &str, needs: Vec<Need>| -> anyhow::Result<Vec<Need>> {
        let all: Vec<Access> = needs.iter().map(access).collect();
        let answers = cluster.may(namespace, &all).context("cannot ask what you may do")?;
        Ok(needs.into_iter().zip(answers).filter(|(_, may)| !may).map(|(need, _)| need).collect())
    };
    let everywhere: BTreeSet<Need> =
        needs.iter().map(|need| Need { namespace: String::new(), ..need.clone() }).collect();
    let denied: BTreeSet<Need> = ask("", everywhere.into_iter().collect())?.into_iter().collect();
    let mut missing = BTreeSet::new();
    let mut open: Vec<Need> = needs
        .into_iter()
        .filter(|need| denied.contains(&Need { namespace: String::new(), ..need.clone() }))
        .collect();
    open.sort_by(|a, b| a.namespace.cmp(&b.namespace));
    for chunk in open.chunk_by(|a, b| a.namespace == b.namespace) {
        let namespace = chunk[0].namespace.as_str();
        if namespace.is_empty() {
            missing.extend(chunk.iter().cloned());
        } else {
            missing.extend(ask(namespace, chunk.to_vec())?);
        }
    }
    Ok((!missing.is_empty()).then(|| Blocker::Forbidden { needs: words(&missing) }))
}
