//! A real API server accepts what `migrate` writes, with unknown fields refused: under the
//! definitions of this project and, where they lie beside the repository, under those of External
//! Secrets Operator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "golden/case.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod case;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use extsecret_tests::cluster::Cluster;
use extsecret_tests::kubectl::Finished;
use extsecret_tests::{require, tools};
use serde_json::{Value, json};

/// What one golden case writes: the text, since kubectl must read it as it was meant.
struct Written {
    case: String,
    text: String,
}

impl Written {
    fn objects(&self) -> Vec<Value> {
        case::documents(&self.text)
    }
}

/// The objects that the golden cases prescribe. That `migrate` writes them, under names of its
/// own for stores, is what the golden cases assert.
fn golden_cases() -> Vec<Written> {
    let mut cases: Vec<Written> = fs::read_dir(case::folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter_map(|entry| {
            let text = fs::read_to_string(entry.path().join("expected.yaml")).ok()?;
            Some(Written { case: entry.file_name().into_string().unwrap(), text })
        })
        .collect();
    cases.sort_unstable_by(|one, other| one.case.cmp(&other.case));
    assert!(cases.len() >= 60, "{} golden cases write something", cases.len());
    cases
}

/// The YAML files of a folder; none if there is no such folder.
fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort_unstable();
    files
}

/// Installs definitions by server-side apply.
fn install(cluster: &Cluster, definitions: &[PathBuf]) {
    let files = definitions.iter().map(|file| format!("--filename={}", file.display()));
    cluster.kubectl(["apply", "--server-side"]).args(files).run().succeeded();
    cluster
        .kubectl(["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"])
        .run()
        .succeeded();
}

/// Creates the namespaces that the objects name.
fn create_namespaces(cluster: &Cluster, objects: &[Value]) {
    let names: BTreeSet<&str> =
        objects.iter().filter_map(|object| object["metadata"]["namespace"].as_str()).collect();
    let namespaces: Vec<Value> = names
        .iter()
        .map(
            |name| json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } }),
        )
        .collect();
    let list = json!({ "apiVersion": "v1", "kind": "List", "items": namespaces });
    cluster
        .kubectl(["apply", "--server-side", "--filename=-"])
        .stdin(list.to_string())
        .run()
        .succeeded();
}

/// Asks the server what it would say to these manifests.
fn dry_run(cluster: &Cluster, manifests: &str) -> Finished {
    cluster
        .kubectl(["apply", "--server-side", "--dry-run=server", "--validate=strict"])
        .args(["--filename=-"])
        .stdin(manifests)
        .run()
}

/// Fails with what the server refuses, by case.
fn assert_accepted(cluster: &Cluster, cases: &[Written]) {
    let objects: Vec<Value> = cases.iter().flat_map(Written::objects).collect();
    create_namespaces(cluster, &objects);
    let mut refused = String::new();
    for written in cases {
        let answer = dry_run(cluster, &written.text);
        if !answer.status.success() {
            let _ = writeln!(refused, "{}: {}", written.case, answer.stderr);
        }
    }
    assert!(refused.is_empty(), "the API server refuses:\n{refused}");
}

/// One object of each kind, with a field that no kind has: the server must refuse them all, or its
/// consent to the others would mean nothing.
fn assert_unknown_fields_are_refused(cluster: &Cluster, cases: &[Written]) {
    let mut seen = BTreeSet::new();
    for mut object in cases.iter().flat_map(Written::objects) {
        let kind = object["kind"].as_str().unwrap().to_owned();
        if !object["spec"].is_object() || !seen.insert(kind.clone()) {
            continue;
        }
        object["spec"]["noSuchField"] = json!(true);
        let refusal = dry_run(cluster, &object.to_string()).failed();
        assert!(refusal.contains("noSuchField"), "{kind}: {refusal}");
    }
    assert!(seen.contains("ExternalSecret") && seen.contains("ClusterSecretStore"), "{seen:?}");
}

fn check(cluster: &Cluster, definitions: &[PathBuf]) {
    install(cluster, definitions);
    let cases = golden_cases();
    assert_accepted(cluster, &cases);
    assert_unknown_fields_are_refused(cluster, &cases);
}

#[test]
fn our_definitions_accept_what_migrate_writes() {
    let definitions = yaml_files(&tools::crate_dir().join("../crds"));
    assert!(!definitions.is_empty(), "the generated definitions");
    let cluster = require!(Cluster::setup().start());
    check(&cluster, &definitions);
}

#[test]
fn the_operators_definitions_accept_what_migrate_writes() {
    // Not part of this repository: who has them checks against them.
    let definitions = yaml_files(&tools::crate_dir().join("../../shared/eso-crds"));
    if definitions.is_empty() {
        println!("no definitions of the operator in ../shared/eso-crds");
        return;
    }
    let cluster = require!(Cluster::setup().start());
    check(&cluster, &definitions);
}
