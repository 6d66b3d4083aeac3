//! ESO's own definitions, read.

use std::fs;
use std::path::Path;

use extsecret_tests::eso;
pub(crate) use extsecret_tests::eso::KINDS;
use serde_json::Value;

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
    Some(eso::definitions(test)?.iter().map(|path| read(path)).collect())
}

fn read(path: &Path) -> Definition {
    let text = fs::read_to_string(path)
        .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
    let mut crd: Value = serde_yaml::from_str(&text)
        .unwrap_or_else(|error| panic!("cannot parse {}: {error}", path.display()));
    let versions = crd["spec"]["versions"].as_array_mut().expect("versions");
    versions.retain(|version| version["name"] == "v1");
    assert_eq!(versions.len(), 1, "version v1 in {}", path.display());
    Definition { crd }
}
