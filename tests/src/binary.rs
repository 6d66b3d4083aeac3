//! The project's own binaries, as people would start them.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use cargo_metadata::Message;

/// Builds the binary that is named as its package, with more arguments for cargo, such as a profile,
/// and says where it is.
///
/// Cargo gives a test the binaries of its own package only, so this asks cargo for the others.
///
/// # Panics
/// When it does not compile; cargo has then printed why.
pub fn build(name: &str, args: &[&str]) -> PathBuf {
    let output = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", name])
        .args(["--message-format", "json-render-diagnostics"])
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|e| panic!("cannot start {}: {e}", env!("CARGO")));
    assert!(output.status.success(), "cargo build of {name}: {}", output.status);
    Message::parse_stream(output.stdout.as_slice())
        .filter_map(|message| match message {
            Ok(Message::CompilerArtifact(artifact)) => Some(artifact),
            _ => None,
        })
        .filter(|artifact| artifact.target.name == name)
        .find_map(|artifact| artifact.executable)
        .unwrap_or_else(|| panic!("cargo built no binary {name}"))
        .into()
}
