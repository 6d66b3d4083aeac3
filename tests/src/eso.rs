//! ESO's own definitions of the kinds that this project shares with it.
//!
//! They are not part of the project. The tests that compare with them look for a folder with one
//! file per definition in `EXTSECRET_ESO_CRDS`, then in `shared/eso-crds` beside the repository,
//! and say so when there is none.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

use crate::tools;

/// Names the folder of the definitions.
const FOLDER: &str = "EXTSECRET_ESO_CRDS";

/// The kinds that both have.
pub const KINDS: [&str; 4] =
    ["ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"];

/// The files of ESO's definitions in the order of [`KINDS`]; `None`, and a line that names the
/// test, if they are not on this machine.
pub fn definitions(test: &str) -> Option<Vec<PathBuf>> {
    let named = env::var_os(FOLDER).map(PathBuf::from);
    let beside = tools::crate_dir().join("../../shared/eso-crds");
    let folder = match named {
        // Who names a folder wants the comparison.
        Some(folder) => folder,
        None if beside.is_dir() => beside,
        None => {
            // Past the capture of a test that passes; a closed stderr is no reason to fail.
            let line =
                format!("\nskipped: {test}: no definitions of ESO; name a folder in {FOLDER}");
            let _ = writeln!(io::stderr().lock(), "{line}");
            return None;
        }
    };
    let file = |kind: &str| format!("{}s.external-secrets.io.yaml", kind.to_lowercase());
    Some(KINDS.iter().map(|kind| folder.join(file(kind))).collect())
}
