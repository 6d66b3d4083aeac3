//! Values from outside: the only crate that talks to AWS. It fetches what the engine asks for, and
//! says in one vocabulary of errors what could not be had and whether trying again can help.
//!
//! ```text
//! Fetch ─▶ Provider::fetch ─▶ coalesce (one call for many who ask) ─▶ pace (as fast as AWS lets us)
//!               │                                                        │
//!               │ who: identity (store, namespace)                       ▼
//!               └───▶ credentials (kept, refreshed before they expire) ─▶ one pool of connections
//! ```
//!
//! Nothing here knows a Kubernetes client: what credentials are made of in the cluster comes through
//! [`Cluster`](provider::Cluster). What an SDK logs is dropped, because at its most verbose level it
//! logs whole answers.

pub mod aws;
mod coalesce;
pub mod events;
mod pace;
pub mod provider;
pub mod value;
