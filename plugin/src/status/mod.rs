//! What state the secrets of a cluster are in.
//!
//! ```text
//! cluster ── gather ──▶ objects ── model ──▶ rows ── list ──▶ table, json, yaml, name, jsonpath
//!    │
//!    └──── detail, consumers ──▶ facts ── tree, document ──▶ one ExternalSecret with all that
//!                                                            hangs on it
//! ```
//!
//! Only `gather`, `detail` and `consumers` ask the cluster; everything else is a function of what it found and of the time.

pub(crate) mod consumers;
pub(crate) mod detail;
pub(crate) mod document;
pub(crate) mod facts;
pub(crate) mod gather;
pub(crate) mod list;
pub(crate) mod model;
pub(crate) mod tree;
pub(crate) mod workload;
