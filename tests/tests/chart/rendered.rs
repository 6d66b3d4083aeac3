//! What Helm renders for each file of values.

use std::fs;

use extsecret_crds::schema;
use extsecret_tests::call::Call;
use extsecret_tests::controller::PROGRAM;
use extsecret_tests::{require, tools};
use serde_json::json;

use crate::chart::{
    arguments, documents, helm, local, of_kind, root, scratch, source, staged, template,
    values_files,
};

#[test]
fn helm_finds_nothing_wrong() {
    require!(tools::helm());
    for file in values_files() {
        let values = format!("--values={}", file.display());
        helm(&["lint", "--strict", ".", &values]).unwrap().succeeded();
        helm(&["lint", "--strict", ".", &values, "--set=installCRDs=true"]).unwrap().succeeded();
    }
}

/// Snapshots: a change of what users get is seen in review.
#[test]
fn it_renders_what_it_did() {
    require!(tools::helm());
    for file in values_files() {
        let values = format!("--values={}", file.display());
        let text = template(&[&values]).unwrap().succeeded();
        let text = text.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        let name = file.file_name().unwrap().to_str().unwrap().trim_end_matches("-values.yaml");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(name, text);
        });
    }
}

/// The program knows every flag that the chart gives it: it stops at the cluster, which is not there,
/// and not before.
#[test]
fn the_controller_takes_every_argument() {
    require!(tools::helm());
    let home = scratch();
    for file in values_files() {
        let text = template(&[&format!("--values={}", file.display())]).unwrap().succeeded();
        let started = Call::new(PROGRAM.path())
            .args(["--metrics-addr=127.0.0.1:0", "--live-addr=127.0.0.1:0"])
            .args(local(arguments(of_kind(&documents(&text), "Deployment"))))
            .env("KUBECONFIG", home.path().join("none"))
            .env("HOME", home.path())
            .run();
        let said = format!("{}{}", started.stdout, started.stderr);
        assert_eq!(started.status.code(), Some(1), "{}: {said}", file.display());
        assert!(said.contains("there is no cluster to work for"), "{}: {said}", file.display());
    }
}

/// The definitions of a package are those of the tree, each kept when the release goes.
#[test]
fn a_package_holds_the_definitions() {
    require!(tools::helm());
    let folder = scratch();
    let path = tools::helm().unwrap();
    let package = extsecret_dist::chart::package(root(), folder.path(), &path).unwrap();
    let package = package.to_str().unwrap();
    let rendered = helm(&["template", "web", package, "--set=installCRDs=true"]).unwrap();
    let rendered = documents(&rendered.succeeded());
    let files = schema::files().unwrap();
    for file in &files {
        let expected = &documents(&file.yaml)[0];
        let name = &expected["metadata"]["name"];
        let found = rendered.iter().find(|it| it["metadata"]["name"] == *name);
        let found = found.unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(found["spec"], expected["spec"], "{name}");
        assert_eq!(found["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "{name}");
    }
    let is_definition = |it: &&serde_json::Value| it["kind"] == "CustomResourceDefinition";
    assert_eq!(rendered.iter().filter(is_definition).count(), files.len());

    let without = ["template", "web", package, "--set=installCRDs=true"];
    let without = [&without[..], &["--set=crds.createClusterExternalSecret=false"]].concat();
    let rendered = documents(&helm(&without).unwrap().succeeded());
    assert_eq!(rendered.iter().filter(is_definition).count(), files.len() - 1);
}

/// From a clone there are none, and that is said instead of installing less than was asked for.
#[test]
fn a_clone_refuses_to_install_definitions() {
    require!(tools::helm());
    let source = source();
    let source = source.to_str().unwrap();
    helm(&["template", "web", source]).unwrap().succeeded();
    let refusal = helm(&["template", "web", source, "--set=installCRDs=true"]).unwrap().failed();
    assert!(refusal.contains("this folder holds no CRDs"), "{refusal}");
}

#[test]
fn chart_and_workspace_have_one_version_and_one_address() {
    let chart = &documents(&fs::read_to_string(source().join("Chart.yaml")).unwrap())[0];
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(chart["version"], version);
    assert_eq!(chart["appVersion"], version);
    let annotations = chart["annotations"].as_object().unwrap();
    let images = annotations["artifacthub.io/images"].as_str().unwrap();
    assert!(images.contains(&format!("extsecret-controller:{version}\n")), "{images}");
    let workspace: toml::Table =
        fs::read_to_string(root().join("Cargo.toml")).unwrap().parse().unwrap();
    assert_eq!(chart["home"], workspace["workspace"]["package"]["repository"].as_str().unwrap());
    assert_eq!(chart["sources"], json!([chart["home"]]));
    // What Artifact Hub reads as YAML within the annotation is YAML, and names what the chart installs.
    let listed = &documents(annotations["artifacthub.io/crds"].as_str().unwrap())[0];
    let mut listed: Vec<_> =
        listed.as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    listed.sort_unstable();
    let files = schema::files().unwrap();
    let mut names: Vec<_> = files.iter().map(|it| it.name.trim_end_matches(".yaml")).collect();
    names.sort_unstable();
    assert_eq!(listed, names);
    for name in ["links", "crdsExamples", "images"] {
        let text = annotations[&format!("artifacthub.io/{name}")].as_str().unwrap();
        assert!(documents(text)[0].is_array(), "{name}: {text}");
    }
    assert!(staged().join("files/crds").is_dir());
}
