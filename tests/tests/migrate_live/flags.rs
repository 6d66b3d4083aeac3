//! Flags that say where the files and the state are, what is meant, and how it is done.

use std::fs;

use extsecret_tests::call::{Call, Finished, assert_says};
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{require, tools};

use crate::others::SECRET;
use crate::scene::{self, Scene};

/// `kubectl extsecret` with these words, as a person types them.
fn extsecret(scene: &Scene<'_>, words: &str) -> Finished {
    let kubectl = tools::kubectl().unwrap();
    Call::new(&kubectl)
        .args(["extsecret"])
        .args(words.split_whitespace())
        .env("KUBECONFIG", scene.cluster.kubeconfig())
        .env("HOME", scene.cluster.dir().join("home"))
        // For the plugin, too, which has it read the kustomization.
        .first_in_path(kubectl.parent().unwrap())
        .first_in_path(kubectl_extsecret().parent().unwrap())
        .in_folder(scene.dir.path())
        .run()
}

#[test]
fn flags_choose_files_state_secrets_and_how_to_let_go() {
    let cluster = require!(scene::cluster("flags"));
    let scene = Scene::new(&cluster, 1, 2);
    let folder = scene.dir.path().join("new");
    let names = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().file_name());
    let names: Vec<_> = names.map(|it| it.into_string().unwrap()).collect();
    let list = format!("resources: [{}]\n", names.join(", "));
    fs::write(folder.join("kustomization.yaml"), list).unwrap();
    let before = scene.secrets();

    // An API server behind another address is known by a name in its certificate.
    let ask_by = |name: &str| extsecret(&scene, &format!("status -A --tls-server-name {name}"));
    assert_says(&ask_by("elsewhere.example.com").failed(), &["certificate"]);
    let ran = ask_by("localhost");
    assert!(ran.status.success(), "{ran}");

    let files = "--kustomize new --state-dir kept --kes kube-secrets/kubernetes-external-secrets";

    let plan = extsecret(&scene, &format!("migrate plan {files} --except team-0/app-1"));
    assert_says(&plan.succeeded(), &["app-0"]);
    let apply = format!("migrate apply {files} --yes --timeout 100s --until demote --hard-demote");
    extsecret(&scene, &apply).succeeded();
    assert!(scene.dir.path().join("kept").is_dir());
    assert!(!scene.dir.path().join("extsecret-handover").exists());
    let secret = scene.api.get(SECRET).unwrap();
    assert!(secret["metadata"]["ownerReferences"].is_null(), "{secret}");

    let status = extsecret(&scene, "migrate status --kustomize new --state-dir kept");
    assert_says(&status.stdout, &["app-0    demoted", "app-1    demoted"]);
    let versions = scene.versions();
    let back = format!("migrate rollback {files} --timeout 100s");
    let dry = extsecret(&scene, &format!("{back} --dry-run --except team-0/app-1")).succeeded();
    assert!(dry.contains("app-0") && !dry.contains("app-1"), "{dry}");
    assert_eq!(scene.versions(), versions);
    extsecret(&scene, &format!("{back} --yes")).succeeded();
    scene.is_back();
    assert_eq!(scene.secrets(), before);
}
