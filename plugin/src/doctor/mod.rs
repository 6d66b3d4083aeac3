//! What `doctor` looks at: the cluster, its definitions, who reconciles, what there is to reconcile,
//! and what the caller may do.
//!
//! Each file looks at one of these and turns what it found, or why it found nothing, into checks;
//! what judges is apart from what asks.

mod access;
mod controllers;
mod definitions;
mod encryption;
mod freezes;
mod objects;
mod products;
mod report;
mod server;
mod webhook;

use anyhow::bail;
use jiff::Timestamp;

use crate::cluster::{Cluster, Unread, Why};
pub(crate) use controllers::{Restarter, restarter};
use report::Section;
pub(crate) use report::{Check, State, count, document, tree};

/// Where the report is read: machine and API server may not agree about the time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clocks {
    /// This machine's.
    pub(crate) here: Timestamp,
    /// The API server's, which writes the times that are compared.
    pub(crate) there: Timestamp,
}

/// Looks at everything.
///
/// # Errors
/// If nobody answers, or nobody who knows the caller: then nothing else can be said.
pub(crate) fn examine(cluster: &Cluster) -> anyhow::Result<Vec<Section>> {
    let (server, clocks) = server::look(cluster)?;
    let (definitions, kinds) = definitions::look(cluster);
    let found = controllers::find(cluster);
    let objects = objects::find(cluster, &kinds, clocks);
    let mut controllers = controllers::judge(&found, &objects, clocks);
    controllers.checks.extend(webhook::look(cluster));
    let freezes = freezes::look(cluster, clocks.there);
    let freezes = Some(freezes).filter(|it| !it.checks.is_empty());
    let all = [server, definitions, controllers, objects::judge(&objects)].into_iter();
    Ok(all.chain(freezes).chain([access::look(cluster)]).collect())
}

/// What there is of a successor of kubernetes-external-secrets.
pub(crate) struct Successor {
    /// Why its objects cannot be written.
    pub(crate) missing: Option<String>,
    /// Controllers, and what keeps them or their webhook from working.
    pub(crate) checks: Vec<Check>,
}

/// Looks only at those who reconcile objects of external-secrets.io.
///
/// # Errors
/// As [`examine`].
pub(crate) fn successor(cluster: &Cluster) -> anyhow::Result<Successor> {
    let (_, clocks) = server::look(cluster)?;
    let (definitions, _) = definitions::look(cluster);
    let missing = definitions.checks.iter().find(|check| check.state == State::Problem);
    let found = controllers::find(cluster).reconcilers();
    let mut checks = controllers::judge(&found, &objects::Objects::default(), clocks).checks;
    checks.extend(webhook::look(cluster));
    Ok(Successor { missing: missing.map(|check| check.text.clone()), checks })
}

/// An answer that ends the examination.
fn ends(error: &Unread) -> bool {
    matches!(error.why, Why::Unreachable { .. } | Why::Unauthorized(_) | Why::NotAName)
}

/// Ends it.
fn end<T>(error: Unread) -> anyhow::Result<T> {
    bail!(error)
}
