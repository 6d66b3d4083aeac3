//! What stops a hand-over before anything is written, with what to do (G60, kes-migration 3.14).

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use extsecret_tests::call::{Call, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::process;
use extsecret_tests::kes::{self, KES};
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::scene::{self, Scene};

const SECRET: &str = "api/v1/namespaces/team-0/secrets/app-1";
const DEFINITION: &str =
    "apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.kubernetes-client.io";

/// Refused with this code and these words, by `plan` and by `apply`, and nothing was written.
#[track_caller]
fn refused(scene: &Scene<'_>, code: &str, words: &[&str]) {
    let versions = scene.versions();
    for verb in ["plan", "apply"] {
        let mut args = vec![verb, "-R", "-f", "new"];
        args.extend((verb == "apply").then_some("--yes"));
        let ran = scene.migrate(&args);
        assert_eq!(ran.status.code(), Some(1), "{ran}");
        assert_says(&ran.stderr, &[&format!("error[{code}]"), "help:"]);
        assert_says(&ran.stderr, words);
    }
    assert_eq!(scene.versions(), versions, "{code}");
}

/// With one of its owner references changed.
fn owners(scene: &Scene<'_>, change: impl FnOnce(&mut Value)) -> Value {
    let before = scene.api.get(SECRET).unwrap()["metadata"]["ownerReferences"].clone();
    let mut after = before.clone();
    change(&mut after);
    scene.api.patch(SECRET, &json!({ "metadata": { "ownerReferences": after } }));
    before
}

#[test]
fn what_cannot_be_handed_over_stops_before_any_write() {
    let cluster = require!(scene::cluster("refused"));
    let scene = Scene::new(&cluster, 1, 3);
    // A KES that runs would mend what is broken here.
    process::scale(&scene.api, 0);
    let pods = format!("api/v1/namespaces/{}/pods", process::NAMESPACE);
    wait_until(SOON, "KES has ended", || scene.api.list(&pods).is_empty().then_some(()));
    let before = scene.secrets();

    let status = format!("{KES}/namespaces/team-0/externalsecrets/app-1/status");
    let set = |text: &str| scene.api.patch(&status, &json!({ "status": { "status": text } }));
    set("ERROR, access denied to team-0/1/one");
    refused(&scene, "H01", &["access denied", "team-0/app-1"]);
    set("SUCCESS");

    let patch = |change: &Value| scene.api.patch(SECRET, change);
    patch(&json!({ "data": { "by-hand": "eA==" } }));
    refused(&scene, "H05", &["by-hand", "--accept"]);
    patch(&json!({ "data": { "by-hand": null } }));

    let back = owners(&scene, |it| {
        it[0]["controller"] = json!(false);
        let uid = it[0]["uid"].clone();
        it.as_array_mut().unwrap().push(json!({
            "apiVersion": "some.io/v1", "kind": "Foo", "name": "foo", "uid": uid,
            "controller": true,
        }));
    });
    refused(&scene, "H06", &["Foo foo", "some.io"]);
    patch(&json!({ "metadata": { "ownerReferences": back } }));

    // Garbage collection would take such a reference away.
    let collector = scene.cluster.pids()["controller-manager"].to_string();
    let signal = |name: &str| {
        let told = Command::new("kill").args(["-s", name, &collector]).status().unwrap();
        assert!(told.success());
    };
    signal("STOP");
    let back = owners(&scene, |it| it[0]["uid"] = json!("00000000-0000-0000-0000-000000000000"));
    refused(&scene, "H04", &["00000000-0000-0000-0000-000000000000", "team-0/app-1"]);
    patch(&json!({ "metadata": { "ownerReferences": back } }));
    signal("CONT");

    let helm = json!({ "metadata": {
        "annotations": { "meta.helm.sh/release-name": "old-kes" },
    } });
    scene.api.patch(DEFINITION, &helm);
    refused(&scene, "H11", &["old-kes", "helm.sh/resource-policy=keep"]);
    let keep = json!({ "metadata": { "annotations": { "helm.sh/resource-policy": "keep" } } });
    scene.api.patch(DEFINITION, &keep);

    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "by-hand" },
        "spec": { "containers": [{ "name": "kes", "image": "kubernetes-external-secrets:8" }] },
    });
    scene.api.create(&pods, &pod);
    wait_until(SOON, "the pod runs", || {
        (scene.api.list(&pods)[0]["status"]["phase"] == "Running").then_some(())
    });
    refused(&scene, "H12", &["kube-secrets/by-hand", "--kes"]);
    scene.api.delete(&format!("{pods}/by-hand"));
    wait_until(SOON, "the pod is gone", || scene.api.list(&pods).is_empty().then_some(()));

    permissions(&scene);

    // Other values in the backend: nothing but the shadow is written, and that goes again.
    scene.aws.secrets().put("team-0/1/one", "another value");
    let ran = scene.migrate(&["apply", "-R", "-f", "new", "--yes"]);
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    assert_says(&ran.stderr, &["error[H08]", "keys with other values: one", "team-0/app-1"]);
    assert!(!ran.stderr.contains("another value"), "{ran}");
    assert!(scene.old().iter().all(|it| it["spec"]["controllerId"].is_null()));
    wait_until(SOON, "the shadows are gone", || scene.new_objects().is_empty().then_some(()));
    assert_eq!(scene.secrets(), before);
    scene.aws.secrets().put("team-0/1/one", "value of team-0/1/one");

    // What is immutable stays so, and comes last.
    patch(&json!({ "immutable": true }));
    refused(&scene, "H03", &["immutable"]);
    scene.plugin(&["apply", "-R", "-f", "new", "--yes", "--except", "team-0/app-1"]);
    assert_eq!(scene.old().len(), 1);
    assert_eq!(scene.secrets(), before);
    // KES was stopped by hand, and stays so.
    assert_eq!(scene.api.get(process::PATH).unwrap()["spec"]["replicas"], 0);
}

/// Somebody who lacks a permission is told which before anything is written.
fn permissions(scene: &Scene<'_>) {
    let role = |name: &str, rules: &Value| {
        let path = "apis/rbac.authorization.k8s.io/v1";
        let role = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": { "name": name }, "rules": rules,
        });
        scene.api.create(&format!("{path}/clusterroles"), &role);
        let binding = json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": { "name": name },
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name,
            },
            "subjects": [{
                "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "limited",
            }],
        });
        scene.api.create(&format!("{path}/clusterrolebindings"), &binding);
    };
    role("reader", &json!([{ "apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"] }]));
    role(
        "writer",
        &json!([{
            "apiGroups": ["external-secrets.io", "kubernetes-client.io", "apps"],
            "resources": ["*"], "verbs": ["*"],
        }]),
    );
    let versions = scene.versions();
    let plan = |until: &str| {
        scene.migrate(&["plan", "-R", "-f", "new", "--as", "limited", "--until", until])
    };
    let told = "you may not patch secrets in team-0; create configmaps in kube-secrets, team-0;";
    wait_until(SOON, "the permissions are known", || {
        let ran = plan("retire");
        (ran.status.code() == Some(1) && ran.stderr.contains(told)).then_some(())
    });
    let ran = plan("retire");
    assert_says(&ran.stderr, &["error[H17]", "delete configmaps in team-0", "--only NAMESPACE"]);
    assert!(!ran.stderr.contains("externalsecrets.external-secrets.io in"), "{ran}");
    let ran = plan("stores");
    assert_eq!(ran.status.code(), Some(0), "{ran}");
    assert_eq!(scene.versions(), versions);

    role(
        "the-rest",
        &json!([{ "apiGroups": [""], "resources": ["secrets", "configmaps"], "verbs": ["*"] }]),
    );
    wait_until(SOON, "nothing is missing", || {
        (plan("retire").status.code() == Some(0)).then_some(())
    });
}

#[test]
fn without_a_successor_nothing_is_begun() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("alone-kes.yaml");
    fs::write(&file, kes::DEFINITION).unwrap();
    let cluster = require!(Cluster::setup().crds(&file).start());
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let new = "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: a, namespace: default}\n\
               spec: {secretStoreRef: {name: a}, data: [{secretKey: a, remoteRef: {key: a}}]}\n";
    fs::write(dir.path().join("new.yaml"), new).unwrap();
    let ran = Call::new(kubectl_extsecret())
        .args(["migrate", "apply", "-f", "new.yaml", "--yes"])
        .env("KUBECONFIG", cluster.kubeconfig())
        .in_folder(dir.path())
        .run();
    assert_eq!(ran.status.code(), Some(1), "{ran}");
    let words = ["error[H18]", "does not serve external-secrets.io", "nothing was changed"];
    assert_says(&ran.stderr, &words);
    assert!(!dir.path().join("extsecret-handover").exists());
}

#[test]
fn usage_errors_come_before_the_cluster() {
    let cluster = require!(scene::cluster("usage"));
    let scene = Scene::new(&cluster, 1, 1);
    let versions = scene.versions();
    let ran = scene.migrate(&["apply", "--yes"]);
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    assert_says(&ran.stderr, &["the converted manifests are missing"]);
    let ran = scene.migrate(&["apply", "-R", "-f", "old", "--yes"]);
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    assert_says(&ran.stderr, &["kubernetes-client.io/v1", "convert it first"]);
    let ran = scene.migrate(&["apply", "-R", "-f", "new"]);
    assert_eq!(ran.status.code(), Some(2), "{ran}");
    assert_says(&ran.stderr, &["--yes"]);
    for dry_run in ["client", "server"] {
        let ran =
            scene.migrate(&["apply", "-R", "-f", "new", "--yes", &format!("--dry-run={dry_run}")]);
        assert!(ran.status.success(), "{ran}");
    }
    // KES writes on, which is all that may have changed.
    let ours = |versions: std::collections::BTreeMap<String, String>| {
        versions.into_iter().filter(|(name, _)| !name.contains(kes::KES)).collect::<Vec<_>>()
    };
    let secrets = |name: &str| name.starts_with("api/v1/secrets");
    let after: Vec<_> =
        ours(scene.versions()).into_iter().filter(|(name, _)| !secrets(name)).collect();
    let before: Vec<_> = ours(versions).into_iter().filter(|(name, _)| !secrets(name)).collect();
    assert_eq!(after, before);
    assert!(!scene.dir.path().join("extsecret-handover").exists());
}
