//! What `doctor` looks at: the cluster, its definitions, who reconciles, what there is to reconcile,
//! and what the caller may do.
//!
//! Each file looks at one of these and turns what it found, or why it found nothing, into checks;
//! what judges is apart from what asks.

mod access;
mod controllers;
mod definitions;
mod encryption;
mod objects;
mod products;
mod report;
mod server;
mod webhook;

use anyhow::bail;
use jiff::Timestamp;

use crate::cluster::{Cluster, Unread, Why};
pub(crate) use controllers::{Restarter, restarter};
use report::{Check, Section};
pub(crate) use report::{State, count, document, tree};

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
    Ok(vec![server, definitions, controllers, objects::judge(&objects), access::look(cluster)])
}

/// An answer that ends the examination.
fn ends(error: &Unread) -> bool {
    matches!(error.why, Why::Unreachable { .. } | Why::Unauthorized(_) | Why::NotAName)
}

/// Ends it.
fn end<T>(error: Unread) -> anyhow::Result<T> {
    bail!(error)
}
