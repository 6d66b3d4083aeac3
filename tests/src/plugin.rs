//! The plugin's own binary.

use std::path::{Path, PathBuf};

use crate::binary::Binary;

static PLUGIN: Binary = Binary::new("kubectl-extsecret");

/// The binary `kubectl-extsecret` of the dev profile, built on the first call.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn kubectl_extsecret() -> &'static Path {
    PLUGIN.path()
}

/// Builds the binary with more arguments for cargo, such as a profile, and says where it is.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn build(args: &[&str]) -> PathBuf {
    PLUGIN.build(args)
}
