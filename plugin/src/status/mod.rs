//! What state the secrets of a cluster are in.
//!
//! ```text
//! cluster ── gather ──▶ objects ── model ──▶ rows ── list ──▶ table, json, yaml, name, jsonpath
//!                            │
//!                            └──── tree ──▶ one ExternalSecret with all that hangs on it
//! ```
//!
//! Only `gather` asks the cluster; everything else is a function of what it found and of the time.

pub(crate) mod gather;
pub(crate) mod list;
pub(crate) mod model;
