//! The plugin's own binary, as a person would start it.

use std::panic;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::binary;

const NAME: &str = "kubectl-extsecret";

/// The binary `kubectl-extsecret` of the dev profile, built on the first call.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn kubectl_extsecret() -> &'static Path {
    // A failure is kept, too: hundreds of tests that try again would all print the same errors.
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| panic::catch_unwind(|| build(&[])).ok());
    built.as_deref().unwrap_or_else(|| panic!("{NAME} does not compile"))
}

/// Builds the binary with more arguments for cargo, such as a profile, and says where it is.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn build(args: &[&str]) -> PathBuf {
    binary::build(NAME, args)
}
