//! New manifests: minimal, with comments that say what each part is for, and such that `validate` has
//! nothing to say about them.
//!
//! What is asked of a person, of the cluster and of AWS becomes a [`Draft`] or a [`StoreDraft`];
//! writing those is pure.

pub(crate) mod ask;
pub(crate) mod author;
mod document;
pub(crate) mod draft;
pub(crate) mod store;
pub(crate) mod workload;

pub(crate) use draft::{Draft, Item, Source};
pub(crate) use store::{Auth, StoreDraft};
