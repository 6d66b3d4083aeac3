//! ESO itself: its reconcilers, built from its Go module, and its own definitions of the kinds that
//! this project shares with it.
//!
//! The definitions are not part of the project. The tests that compare with them look for a folder with one
//! file per definition in `EXTSECRET_ESO_CRDS`, then in `shared/eso-crds` beside the repository,
//! and say so when there is none.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::api::Api;
use crate::aws::Aws;
use crate::cluster::Cluster;
use crate::controller::{Controller, wait_until};
use crate::fleet::SOON;
use crate::tools;

/// It looks for the states of generators wherever values come from `dataFrom`.
fn states(api: &Api) {
    const DEFINITIONS: &str = "apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let group = "generators.external-secrets.io";
    let name = format!("generatorstates.{group}");
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": name },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": {
                "kind": "GeneratorState", "listKind": "GeneratorStateList",
                "plural": "generatorstates", "singular": "generatorstate",
            },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    });
    let path = format!("{DEFINITIONS}/{name}");
    if api.get(&path).is_none() {
        api.create(DEFINITIONS, &definition);
    }
    wait_until(SOON, "the states are served", || {
        let definition = api.get(&path)?;
        let conditions = definition["status"]["conditions"].as_array()?.clone();
        let served = |it: &Value| it["type"] == "Established" && it["status"] == "True";
        conditions.iter().any(served).then_some(())
    });
}

/// Starts it for a cluster as [`Controller::start`] starts ours, and waits until it is ready. It takes
/// the class `default`.
///
/// # Panics
/// If it does not become ready, or there is no Go.
pub fn start(cluster: &Cluster, aws: &Aws) -> Controller {
    states(&Api::of(cluster));
    // Its SDK knows no variable for all services.
    let names = ["AWS_SECRETSMANAGER_ENDPOINT", "AWS_SSM_ENDPOINT", "AWS_STS_ENDPOINT"];
    Controller::setup(cluster)
        .environment(aws.environment(aws.admin()))
        .environment(names.map(|name| (name, aws.endpoint())))
        .program(&tools::eso().expect("Go, as there is a cluster"))
        .start()
}

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
