//! Older versions of values: which entries of an ExternalSecret read which secret, and how they are
//! pinned.
//!
//! `pins` works on the manifest, `versions` asks AWS for ids.

pub(crate) mod pins;
pub(crate) mod versions;
