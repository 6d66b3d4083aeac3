//! Why a workload restarts because of a Secret or does not, and restarts that a person asks for.
//!
//! `why` asks the cluster, `tell` makes words of what was found; `rollout` changes workloads and waits,
//! `freeze` holds restarts back.

pub(crate) mod freeze;
pub(crate) mod rollout;
mod tell;
pub(crate) mod why;

pub(crate) use tell::{document, tree};
