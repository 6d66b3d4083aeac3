//! ESO's own definitions of the kinds that this project shares with it.
//!
//! They are not part of the project. The tests that compare with them look for a folder with one
//! file per definition in `EXTSECRET_ESO_CRDS`, then in `shared/eso-crds` beside the repository,
//! and say so when there is none.

use std::env;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Names the folder of the definitions.
const FOLDER: &str = "EXTSECRET_ESO_CRDS";

/// The kinds that both have.
pub(crate) const KINDS: [&str; 4] =
    ["ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"];

/// ESO's definition of one of [`KINDS`].
pub(crate) struct Definition {
    /// The whole definition, with its version v1 only.
    pub(crate) crd: Value,
}

impl Definition {
    /// The version v1.
    pub(crate) fn v1(&self) -> &Value {
        &self.crd["spec"]["versions"][0]
    }

    /// The schema of an object.
    pub(crate) fn schema(&self) -> &Value {
        &self.v1()["schema"]["openAPIV3Schema"]
    }
}

/// ESO's definitions in the order of [`KINDS`]; `None`, and a line that says so, if they are not
/// on this machine.
pub(crate) fn definitions(test: &str) -> Option<Vec<Definition>> {
    let named = env::var_os(FOLDER).map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/eso-crds");
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
    Some(KINDS.iter().map(|kind| read(&folder, kind)).collect())
}

fn read(folder: &Path, kind: &str) -> Definition {
    let path = folder.join(format!("{}s.external-secrets.io.yaml", kind.to_lowercase()));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let mut crd: Value = serde_yaml::from_str(&text)
        .unwrap_or_else(|error| panic!("cannot parse {}: {error}", path.display()));
    let versions = crd["spec"]["versions"].as_array_mut().expect("versions");
    versions.retain(|version| version["name"] == "v1");
    assert_eq!(versions.len(), 1, "version v1 in {}", path.display());
    Definition { crd }
}
