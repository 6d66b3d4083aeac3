//! The controller in front of many objects, in the middle of troubles, and as the successor of
//! another operator: what it costs, what it writes, and what it must never do.

mod beside_eso;
mod changes;
mod cost;
mod crashes;
mod takeover;
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
