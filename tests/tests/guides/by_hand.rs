//! What the guide to the migration promises: its commands hand a cluster over, and back, and no
//! Secret is ever absent or changed meanwhile.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::call::{Call, Finished, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::{self, KES};
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{require, tools};
use serde_json::{Value, json};
use tempfile::TempDir;

const NAMESPACES: [&str; 2] = ["shop", "pay"];
const NAMES: [&str; 2] = ["db", "mail"];
const ALL: usize = NAMESPACES.len() * NAMES.len();

/// The value `pa55word` of all Secrets, in base64.
const DATA: &str = "cGE1NXdvcmQ=";

/// The commands of a section of the guide, block by block: what is indented as code, where it is.
fn commands(heading: &str) -> Vec<String> {
    let guide = fs::read_to_string(tools::crate_dir().join("../plugin/MIGRATION.md")).unwrap();
    let (_, section) = guide.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut blocks = Vec::new();
    let mut open = false;
    for line in section.lines() {
        match line.strip_prefix("       ") {
            Some(line) if open => {
                let block: &mut String = blocks.last_mut().unwrap();
                block.push_str(line);
                block.push('\n');
            }
            Some(line) => {
                blocks.push(format!("{line}\n"));
                open = true;
            }
            None => open = false,
        }
    }
    blocks
}

/// A cluster that KES has worked in, with its successor started, and the files of its repository.
struct Scene<'a> {
    cluster: &'a Cluster,
    api: Api,
    repository: TempDir,
    _controller: Controller,
    aws: Aws,
}

impl<'a> Scene<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let api = Api::of(cluster);
        let repository = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        fs::create_dir(repository.path().join("manifests")).unwrap();
        let aws = Aws::start();
        aws.secrets().put("app/password", "pa55word");
        let controller = Controller::start(cluster, &aws, &[]);
        let scene = Self { cluster, api, repository, _controller: controller, aws };
        scene.kes(1);
        for namespace in NAMESPACES {
            scene.sh(&format!("kubectl create namespace {namespace}")).succeeded();
            let objects = NAMES.map(|name| old(namespace, name)).join("---\n");
            fs::write(scene.file(&format!("manifests/{namespace}.yaml")), objects).unwrap();
        }
        scene.sh("kubectl apply -R -f manifests").succeeded();
        for namespace in NAMESPACES {
            for name in NAMES {
                kes::secret_of(&scene.api, namespace, name, &json!({ "password": DATA }));
            }
        }
        let region = scene.aws.region();
        let migrate =
            format!("kubectl extsecret migrate -R -f manifests --in-place --region {region}");
        scene.sh(&migrate).succeeded();
        scene
    }

    /// The Deployment of KES, with so many pods on nodes.
    fn kes(&self, replicas: u32) {
        let labels = json!({ "app.kubernetes.io/name": "kubernetes-external-secrets" });
        let container = json!({
            "name": "kes", "image": "ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5",
        });
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "kubernetes-external-secrets", "namespace": "kube-secrets" },
            "spec": {
                "replicas": replicas, "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels }, "spec": { "containers": [container] },
                },
            },
        });
        let _ = self.sh("kubectl create namespace kube-secrets");
        self.kubectl(&["apply", "--filename=-"], &deployment.to_string());
        self.kubectl(
            &[
                "rollout",
                "status",
                "--namespace=kube-secrets",
                "--timeout=60s",
                "deployment/kubernetes-external-secrets",
            ],
            "",
        );
    }

    fn kubectl(&self, args: &[&str], input: &str) {
        self.cluster.kubectl(args).stdin(input).run().succeeded();
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.repository.path().join(name)
    }

    /// Runs commands as a person would, who has kubectl and the plugin.
    fn sh(&self, commands: &str) -> Finished {
        Call::new(Path::new("bash"))
            .args(["-o", "pipefail", "-c", commands])
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("HOME", self.cluster.dir().join("home"))
            .first_in_path(tools::kubectl().unwrap().parent().unwrap())
            .first_in_path(kubectl_extsecret().parent().unwrap())
            .in_folder(self.repository.path())
            .run()
    }

    /// Runs commands that look for what must not be: as long as they find something, it is not time to go on.
    fn nothing(&self, commands: &str) {
        wait_until(SOON, commands, || {
            let ran = self.sh(commands);
            assert_eq!(ran.stderr, "", "{commands}");
            ran.stdout.trim().is_empty().then_some(())
        });
    }

    /// All Secrets of the applications: uid and data, which never change.
    fn secrets(&self) -> BTreeMap<String, (String, Value)> {
        let mut all = BTreeMap::new();
        for namespace in NAMESPACES {
            for secret in self.api.list(&format!("api/v1/namespaces/{namespace}/secrets")) {
                let text = |field: &str| secret["metadata"][field].as_str().unwrap().to_owned();
                let what = (text("uid"), secret["data"].clone());
                all.insert(format!("{namespace}/{}", text("name")), what);
            }
        }
        all
    }

    /// The groups of the owners of each Secret, and which of them is the controller.
    fn owners(&self) -> Vec<Vec<(String, bool)>> {
        let secrets = NAMESPACES
            .iter()
            .flat_map(|namespace| self.api.list(&format!("api/v1/namespaces/{namespace}/secrets")));
        let owner = |owner: &Value| {
            let group = owner["apiVersion"].as_str().unwrap().split('/').next().unwrap();
            (group.to_owned(), owner["controller"] == true)
        };
        secrets
            .map(|it| {
                let owners = it["metadata"]["ownerReferences"].as_array();
                owners.into_iter().flatten().map(owner).collect()
            })
            .collect()
    }

    /// The `controllerId` of each object of KES.
    fn parked(&self) -> Vec<Value> {
        let objects = self.api.list(&format!("{KES}/externalsecrets"));
        objects.iter().map(|it| it["spec"]["controllerId"].clone()).collect()
    }

    fn new_objects(&self) -> usize {
        self.api.list(&format!("{EXTERNAL_SECRETS}/externalsecrets")).len()
    }
}

fn old(namespace: &str, name: &str) -> String {
    format!(
        "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata:\n  name: {name}\n  namespace: {namespace}\n\
         spec:\n  backendType: secretsManager\n  data:\n    - key: app/password\n      name: password\n"
    )
}

fn only(group: &str, controller: bool) -> Vec<Vec<(String, bool)>> {
    vec![vec![(group.to_owned(), controller)]; ALL]
}

#[test]
fn the_commands_of_the_guide_hand_over_and_back() {
    let cluster = require!(Cluster::setup().definitions().crds(&definition("hand-over")).start());
    let scene = Scene::new(&cluster);
    let before = scene.secrets();
    assert_eq!(before.len(), ALL);

    let hand_over = commands("6. The same by hand");
    let [stores, copy, stop, other, demote, apply, unowned, retire] = hand_over.as_slice() else {
        panic!("{hand_over:#?}");
    };
    let way_back = commands("The way back");
    let [orphan, owned, delete, promote, restore] = way_back.as_slice() else {
        panic!("{way_back:#?}");
    };

    scene.sh(stores).succeeded();
    scene.sh(copy).succeeded();
    let up_to_the_adoption = || {
        scene.sh(stop).succeeded();
        scene.nothing(other);
        assert_eq!(scene.parked(), vec![json!("handed-over"); ALL]);
        scene.sh(demote).succeeded();
        assert_eq!(scene.owners(), only("kubernetes-client.io", false));
        assert_says(&scene.sh(unowned).stdout, &["shop/db", "shop/mail", "pay/db", "pay/mail"]);
        scene.sh(apply).succeeded();
        scene.nothing(unowned);
        assert_eq!(scene.secrets(), before);
    };

    // Back, as long as the objects of KES are there.
    up_to_the_adoption();
    scene.sh(orphan).succeeded();
    scene.nothing(owned);
    scene.sh(delete).succeeded();
    scene.sh(promote).succeeded();
    assert_eq!(scene.owners(), only("kubernetes-client.io", true));
    scene.sh(restore).succeeded();
    assert_eq!(scene.parked(), vec![Value::Null; ALL]);
    assert_eq!((scene.secrets(), scene.new_objects()), (before.clone(), 0));

    // Forth again; while KES runs nothing is retired, nor is what nobody has adopted.
    up_to_the_adoption();
    scene.kes(1);
    let ran = scene.sh(retire);
    assert_says(&ran.stdout, &["stopped: a pod of KES runs"]);
    assert!(!ran.stdout.contains("retired"), "{ran}");
    scene.sh(stop).succeeded();
    scene.nothing(other);
    let path = "api/v1/namespaces/shop/secrets/db";
    let adopted = scene.api.get(path).unwrap()["metadata"]["ownerReferences"].clone();
    let mut taken = adopted.clone();
    for owner in taken.as_array_mut().unwrap() {
        owner["controller"] = json!(owner["apiVersion"] == "kubernetes-client.io/v1");
    }
    scene.api.patch(path, &json!({ "metadata": { "ownerReferences": taken } }));
    let ran = scene.sh(retire);
    assert_says(
        &ran.stdout,
        &["kept shop/db: its controller is kubernetes-client.io/v1", "retired pay/mail"],
    );
    assert_eq!(ran.stdout.matches("retired").count(), ALL - 1, "{ran}");
    scene.api.patch(path, &json!({ "metadata": { "ownerReferences": adopted } }));
    assert_says(&scene.sh(retire).stdout, &["retired shop/db"]);
    wait_until(SOON, "the last object of KES is gone", || scene.parked().is_empty().then_some(()));
    assert_eq!(scene.owners(), only("external-secrets.io", true));
    assert_eq!(scene.secrets(), before);

    // Back once more: what was retired is made anew.
    scene.sh(orphan).succeeded();
    scene.nothing(owned);
    scene.sh(delete).succeeded();
    scene.sh(promote).succeeded();
    scene.sh(restore).succeeded();
    assert_eq!(scene.parked(), vec![Value::Null; ALL]);
    assert_eq!((scene.secrets(), scene.new_objects()), (before, 0));
}

/// A file with the definition of KES.
fn definition(test: &str) -> std::path::PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-kes.yaml"));
    fs::write(&file, kes::DEFINITION).unwrap();
    file
}
