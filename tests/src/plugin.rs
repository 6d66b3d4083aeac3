//! The plugin's own binary, as a person would start it.

use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

/// The binary `kubectl-extsecret` of the dev profile, built on the first call.
///
/// Cargo gives a test the binaries of its own package only, so this asks cargo for the other one.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn kubectl_extsecret() -> &'static Path {
    // A failure is kept, too: hundreds of tests that try again would all print the same errors.
    static BUILT: OnceLock<Option<PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| panic::catch_unwind(|| build(&[])).ok());
    built.as_deref().unwrap_or_else(|| panic!("kubectl-extsecret does not compile"))
}

/// Builds the binary with more arguments for cargo, such as a profile, and says where it is.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn build(args: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "kubectl-extsecret"])
        .args(["--message-format", "json-render-diagnostics"])
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}", env!("CARGO")));
    assert!(output.status.success(), "cargo build of kubectl-extsecret: {}", output.status);
    Message::parse_stream(output.stdout.as_slice())
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
            _ => None,
        })
        .filter(|artifact| artifact.target.name == "kubectl-extsecret")
        .find_map(|artifact| artifact.executable)
        .unwrap_or_else(|| panic!("cargo built no binary kubectl-extsecret"))
        .into()
}
