//! Restarts of workloads, with real rollouts: everything is counted from objects of the API.

mod changes;
mod crashes;
mod gate;
mod kinds;
mod merged;
mod notices;
mod pace;
mod rollouts;
mod room;
mod says;
mod start;
mod synced;
mod troubles;

use std::sync::OnceLock;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;

/// The cluster that these tests share, with the definitions of the tree; `None` if Go is missing.
fn shared() -> Option<(&'static Cluster, &'static Api)> {
    static SHARED: OnceLock<Option<(&'static Cluster, Api)>> = OnceLock::new();
    let shared = SHARED.get_or_init(|| {
        let cluster = Cluster::shared_with_definitions()?;
        Some((cluster, Api::of(cluster)))
    });
    shared.as_ref().map(|(cluster, api)| (*cluster, api))
}
