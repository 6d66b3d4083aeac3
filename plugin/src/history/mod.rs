//! What is still known of restarts that were.
//!
//! `gather` asks the cluster, `row` makes rows of what it found, `show` prints them.

mod gather;
mod row;
mod show;

pub(crate) use gather::gather;
pub(crate) use show::{document, table};
