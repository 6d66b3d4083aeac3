//! A real API server accepts what `migrate` writes, with unknown fields refused: under the
//! definitions of this project and, where they lie beside the repository, under those of External
//! Secrets Operator.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "golden/case.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod case;
#[path = "golden/run.rs"]
#[expect(dead_code, reason = "shared with the golden cases")]
mod run;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use extsecret_tests::call::Call;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::kubectl::Finished;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{eso, require, tools};
use serde_json::{Value, json};

use crate::case::Case;
use crate::run::{migrate, run_case};

/// What one run writes: the text, since kubectl must read it as it was meant.
struct Written {
    /// A golden case or a file.
    of: String,
    text: String,
}

impl Written {
    fn objects(&self) -> Vec<Value> {
        case::documents(&self.text)
    }
}

/// What `migrate` writes for every golden case and every example.
fn everything_written() -> Vec<Written> {
    let mut cases: Vec<String> = fs::read_dir(case::folder())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    cases.sort_unstable();
    let mut written: Vec<Written> = cases
        .into_iter()
        .map(|case| Written { text: applied(&case), of: case })
        .chain([examples()])
        .collect();
    written.retain(|written| !written.objects().is_empty());
    // As many cases convert something; that each writes what it should is asserted elsewhere.
    assert!(written.len() >= 60, "{} runs write something", written.len());
    written
}

/// What a cluster gets of a golden case: what `migrate` writes or, if that is a chart's template, what
/// Helm prints of it, which `golden` compares with this file.
fn applied(case: &str) -> String {
    let folder = case::folder().join(case);
    if folder.join("chart.yaml").exists() {
        return fs::read_to_string(folder.join("expected.yaml")).unwrap();
    }
    run_case(&Case::load(case)).stdout
}

/// What the README's first command writes.
fn examples() -> Written {
    let folder = tools::crate_dir().join("../plugin/examples");
    let run = migrate([
        "--recursive".to_owned(),
        format!("--filename={}", folder.join("kes").display()),
        format!("--kes-deployment={}", folder.join("kes-deployment.yaml").display()),
    ]);
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    Written { text: run.stdout, of: "plugin/examples".to_owned() }
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
    cluster.wait_established("--all");
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

/// Fails with what the server refuses, by its origin.
fn assert_accepted(cluster: &Cluster, all: &[Written]) {
    let objects: Vec<Value> = all.iter().flat_map(Written::objects).collect();
    create_namespaces(cluster, &objects);
    let mut refused = String::new();
    for written in all {
        let answer = dry_run(cluster, &written.text);
        if !answer.status.success() {
            let _ = writeln!(refused, "{}: {}", written.of, answer.stderr);
        }
    }
    assert!(refused.is_empty(), "the API server refuses:\n{refused}");
}

/// One object of each kind, with a field that no kind has: the server must refuse them all, or its
/// consent to the others would mean nothing.
fn assert_unknown_fields_are_refused(cluster: &Cluster, all: &[Written]) {
    let mut seen = BTreeSet::new();
    for mut object in all.iter().flat_map(Written::objects) {
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
    let written = everything_written();
    assert_accepted(cluster, &written);
    assert_unknown_fields_are_refused(cluster, &written);
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
    let Some(definitions) = eso::definitions("what migrate writes") else { return };
    let cluster = require!(Cluster::setup().start());
    check(&cluster, &definitions);
}

/// Asks the server whether it would create an object. Of a field that is null a server-side apply thinks otherwise.
fn created(cluster: &Cluster, object: &Value) -> Finished {
    cluster.kubectl(["create", "--dry-run=server", "--filename=-"]).stdin(object.to_string()).run()
}

/// What `validate` says of a manifest: true where it finds nothing wrong.
fn is_valid(manifest: &Value) -> bool {
    let ran = Call::new(kubectl_extsecret())
        .args(["validate", "--quiet", "--filename=-"])
        .stdin(manifest.to_string())
        .run();
    ran.status.success()
}

/// A list has no absent items, as an object has absent fields; and base64 is what decodes.
#[test]
fn validate_takes_no_more_and_no_less_than_the_server() {
    let definitions = yaml_files(&tools::crate_dir().join("../crds"));
    let cluster = require!(Cluster::setup().start());
    install(&cluster, &definitions);
    let external_secret = |spec: Value| {
        let mut object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": "db", "namespace": "default" },
            "spec": {
                "secretStoreRef": { "name": "main" },
                "data": [{ "secretKey": "a", "remoteRef": { "key": "b" } }],
            },
        });
        for (field, value) in spec.as_object().unwrap() {
            object["spec"][field] = value.clone();
        }
        object
    };
    let store = |bundle: &str| {
        json!({
            "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": { "name": "main", "namespace": "default" },
            "spec": { "provider": { "vault": {
                "server": "https://vault.example.test", "path": "secret", "version": "v2",
                "caBundle": bundle,
                "auth": { "tokenSecretRef": { "name": "vault", "key": "token" } },
            }}},
        })
    };
    let find = json!([{ "find": { "name": { "regexp": "^a" } } }]);
    let text = json!({ "secretKey": "a", "remoteRef": { "key": "b" } });
    let cases = [
        (true, external_secret(json!({}))),
        (true, external_secret(json!({ "data": null, "dataFrom": find, "refreshPolicy": null }))),
        (true, external_secret(json!({ "target": { "template": { "data": { "a": null } } } }))),
        (true, external_secret(json!({ "target": null }))),
        (false, external_secret(json!({ "data": [null] }))),
        (false, external_secret(json!({ "data": [text, null] }))),
        (false, external_secret(json!({ "dataFrom": [null] }))),
        (false, external_secret(json!({ "target": { "template": { "templateFrom": [null] } } }))),
        (true, store("aGVsbG8=")),
        (false, store("aGVsbG8")),
        (false, store("no base64")),
        (false, store("")),
        (false, store("aGVsbG8=\n")),
        (false, store("aGVs\nbG8=")),
    ];
    for (accepted, object) in cases {
        let answer = created(&cluster, &object);
        assert_eq!(answer.status.success(), accepted, "{object:#}: {}", answer.stderr);
        assert_eq!(is_valid(&object), accepted, "{object:#}");
    }
}
