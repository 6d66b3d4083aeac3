//! The project's own binaries, as people would start them.

use std::panic;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use cargo_metadata::Message;

/// A binary of another package of the workspace.
///
/// Cargo gives a test the binaries of its own package only, so this asks cargo for the others.
#[derive(Debug)]
pub struct Binary {
    package: &'static str,
    name: &'static str,
    /// A failure is kept, too: hundreds of tests that try again would all print the same errors.
    built: OnceLock<Option<PathBuf>>,
}

impl Binary {
    /// Describes one that is named as its package; nothing is built yet.
    pub(crate) const fn new(name: &'static str) -> Self {
        Self::of(name, name)
    }

    /// Describes one of a package; nothing is built yet.
    const fn of(package: &'static str, name: &'static str) -> Self {
        Self { package, name, built: OnceLock::new() }
    }

    /// The one of the dev profile, built on the first call.
    ///
    /// # Panics
    /// When it does not compile; cargo has then printed why.
    pub fn path(&self) -> &Path {
        let built = self.built.get_or_init(|| panic::catch_unwind(|| self.build(&[])).ok());
        built.as_deref().unwrap_or_else(|| panic!("{} does not compile", self.name))
    }

    /// Builds it with more arguments for cargo, such as a profile, and says where it is.
    ///
    /// # Panics
    /// When it does not compile; cargo has then printed why.
    pub fn build(&self, args: &[&str]) -> PathBuf {
        build(self.package, self.name, args)
    }
}

/// The program that makes what is released.
pub static DIST: Binary = Binary::of("extsecret-dist", "dist");

fn is_about_a_package(variable: &str) -> bool {
    let prefixes =
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];
    prefixes.iter().any(|prefix| variable.starts_with(prefix))
}

fn build(package: &str, name: &str, args: &[&str]) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo tells a test about its package. Build scripts that look at such variables would run again, and
    // all that depends on their crates would be compiled again, whenever builds of both kinds alternate.
    for (variable, _) in std::env::vars_os() {
        if variable.to_str().is_some_and(is_about_a_package) {
            cargo.env_remove(variable);
        }
    }
    let output = cargo
        .args(["build", "--locked", "--package", package])
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
