//! A cluster in which KES works, the files of its successor, and our controller, which waits.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Child;
use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::call::{Call, Finished};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::eso;
use extsecret_tests::fleet::SOON;
use extsecret_tests::kes::process::{self, Processes};
use extsecret_tests::kes::{self, KES};
use extsecret_tests::plugin::kubectl_extsecret;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::guard::{Guard, Secrets};

pub(crate) struct Scene<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) api: Api,
    pub(crate) namespaces: Vec<String>,
    pub(crate) dir: TempDir,
    pub(crate) aws: Aws,
    _controller: Controller,
    _kes: Processes,
}

/// A cluster of its own, as garbage collection of the definition of KES has to be quick.
pub(crate) fn cluster(test: &str) -> Option<Cluster> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{test}-kes.yaml"));
    fs::write(&file, kes::DEFINITION).unwrap();
    Cluster::setup().definitions().crds(&file).start()
}

/// Who takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Successor {
    /// Our controller.
    Ours,
    /// ESO's.
    Eso,
}

impl Successor {
    fn start(self, cluster: &Cluster, aws: &Aws) -> Controller {
        match self {
            Self::Ours => Controller::start(cluster, aws, &[]),
            Self::Eso => eso::start(cluster, aws),
        }
    }
}

impl<'a> Scene<'a> {
    /// KES has written its Secrets, and runs.
    pub(crate) fn new(cluster: &'a Cluster, namespaces: usize, each: usize) -> Self {
        Self::of(Successor::Ours, cluster, namespaces, each)
    }

    /// The same with another successor.
    pub(crate) fn of(
        successor: Successor,
        cluster: &'a Cluster,
        namespaces: usize,
        each: usize,
    ) -> Self {
        let api = Api::of(cluster);
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let aws = Aws::start();
        let mut values = BTreeMap::new();
        let names: Vec<String> = (0..namespaces).map(|it| format!("team-{it}")).collect();
        for namespace in &names {
            let object = json!({
                "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace },
            });
            api.create("api/v1/namespaces", &object);
            let mut file = String::new();
            for number in 0..each {
                for key in ["one", "two"] {
                    let key = format!("{namespace}/{number}/{key}");
                    let value = format!("value of {key}");
                    aws.secrets().put(&key, &value);
                    values.insert(key, value);
                }
                let _ = write!(file, "---\n{}", old(namespace, number));
            }
            fs::create_dir_all(dir.path().join("old")).unwrap();
            fs::write(dir.path().join(format!("old/{namespace}.yaml")), file).unwrap();
        }
        process::install(&api);
        let controller = successor.start(cluster, &aws);
        let kes = Processes::start(cluster, values);
        let old = dir.path().join("old");
        cluster.kubectl(["apply", "-R", "-f"]).args([&old]).run().succeeded();
        let scene =
            Self { cluster, api, namespaces: names, dir, aws, _controller: controller, _kes: kes };
        scene.plugin(&["-R", "-f", "old", "--output-dir", "new", "--region", scene.aws.region()]);
        process::scale(&scene.api, 1);
        let all = namespaces * each;
        wait_until(SOON, "KES has written its Secrets", || {
            (scene.secrets().len() == all && scene.old().iter().all(synced)).then_some(())
        });
        scene
    }

    pub(crate) fn guard(&self) -> Guard<'_> {
        Guard::start(self.cluster, &self.api, &self.namespaces[0], self.secrets())
    }

    /// `kubectl extsecret migrate` with these arguments.
    pub(crate) fn migrate(&self, args: &[&str]) -> Finished {
        self.call(args).deadline(Duration::from_mins(5)).run()
    }

    /// The same, which has to succeed.
    #[track_caller]
    pub(crate) fn plugin(&self, args: &[&str]) -> String {
        let ran = self.migrate(args);
        assert!(ran.status.success(), "{ran}");
        ran.stdout
    }

    fn call(&self, args: &[&str]) -> Call {
        Call::new(kubectl_extsecret())
            .args(["migrate"])
            .args(args)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("HOME", self.cluster.dir().join("home"))
            .in_folder(self.dir.path())
    }

    /// Starts it, and leaves it running.
    pub(crate) fn start(&self, args: &[&str]) -> Child {
        self.call(args).start()
    }

    /// Hands everything over, as far as said.
    #[track_caller]
    pub(crate) fn apply(&self, until: &str) -> String {
        self.plugin(&["apply", "-R", "-f", "new", "--yes", "--until", until])
    }

    /// Secrets of KES: uid and data.
    pub(crate) fn secrets(&self) -> Secrets {
        let list =
            |namespace: &String| self.api.list(&format!("api/v1/namespaces/{namespace}/secrets"));
        let secrets = self.namespaces.iter().flat_map(list);
        let ours = secrets.filter(|it| text(&it["metadata"]["name"]).starts_with("app-"));
        let ours = ours.filter(|it| !text(&it["metadata"]["name"]).ends_with("-shadow"));
        let entry = |it: Value| {
            let meta = &it["metadata"];
            let key = (text(&meta["namespace"]), text(&meta["name"]));
            (key, (text(&meta["uid"]), it["data"].clone()))
        };
        ours.map(entry).collect()
    }

    /// One Secret as it is.
    pub(crate) fn secret(&self, namespace: &str, name: &str) -> Value {
        self.api.get(&format!("api/v1/namespaces/{namespace}/secrets/{name}")).unwrap()
    }

    /// The group of the controller of each Secret.
    pub(crate) fn controllers(&self) -> Vec<String> {
        let keys: Vec<_> = self.secrets().into_keys().collect();
        keys.iter().map(|(namespace, name)| controller(&self.secret(namespace, name))).collect()
    }

    /// KES objects.
    pub(crate) fn old(&self) -> Vec<Value> {
        self.api.list(&format!("{KES}/externalsecrets"))
    }

    /// Their successors.
    pub(crate) fn new_objects(&self) -> Vec<Value> {
        self.api.list(&format!("{EXTERNAL_SECRETS}/externalsecrets"))
    }

    /// Versions of everything that a hand-over could touch.
    pub(crate) fn versions(&self) -> BTreeMap<String, String> {
        let lists = [
            format!("{KES}/externalsecrets"),
            format!("{EXTERNAL_SECRETS}/externalsecrets"),
            "api/v1/secrets".to_owned(),
            "api/v1/configmaps".to_owned(),
            format!("{EXTERNAL_SECRETS}/secretstores"),
            format!("{EXTERNAL_SECRETS}/clustersecretstores"),
            "apis/apps/v1/deployments".to_owned(),
        ];
        let mut versions = BTreeMap::new();
        for list in lists {
            for object in self.api.list(&list) {
                let meta = &object["metadata"];
                let name = format!("{list} {} {}", meta["namespace"], meta["name"]);
                versions.insert(name, text(&meta["resourceVersion"]));
            }
        }
        versions
    }

    /// Everything belongs to the new objects, and no KES object is left.
    #[track_caller]
    pub(crate) fn is_over(&self) {
        let groups = self.controllers();
        assert!(groups.iter().all(|group| group == "external-secrets.io"), "{groups:?}");
        assert_eq!(self.old(), [] as [Value; 0]);
        let owners = |(namespace, name): (String, String)| {
            let secret = self.secret(&namespace, &name);
            secret["metadata"]["ownerReferences"].as_array().map_or(0, Vec::len)
        };
        assert!(self.secrets().into_keys().all(|key| owners(key) == 1));
    }

    /// Everything is as it was before the first step: KES runs, and keeps what it kept.
    #[track_caller]
    pub(crate) fn is_back(&self) {
        let groups = self.controllers();
        assert!(groups.iter().all(|group| group == "kubernetes-client.io"), "{groups:?}");
        let old = self.old();
        assert_eq!(old.len(), self.secrets().len());
        assert!(old.iter().all(|it| it["spec"]["controllerId"].is_null()), "{old:?}");
        assert_eq!(self.new_objects(), [] as [Value; 0]);
        assert_eq!(self.api.get(process::PATH).unwrap()["spec"]["replicas"], 1);
        let copies =
            self.api.list("api/v1/configmaps?labelSelector=extsecret.io%2Fhandover%3Dkes-object");
        assert_eq!(copies, [] as [Value; 0]);
        // A poll of the KES that runs again marks everything as its own.
        wait_until(SOON, "KES keeps its Secrets", || {
            let labels = |(namespace, name): (String, String)| {
                self.secret(&namespace, &name)["metadata"]["labels"].is_null()
            };
            (self.secrets().into_keys().all(labels) && self.old().iter().all(synced)).then_some(())
        });
    }
}

/// True if KES has polled an object as it is.
fn synced(old: &Value) -> bool {
    old["status"]["observedGeneration"] == old["metadata"]["generation"]
}

/// The group of the controller of a Secret.
pub(crate) fn controller(secret: &Value) -> String {
    let owners = secret["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    let mut controllers = owners.filter(|it| it["controller"] == true);
    let version = controllers.next().map_or_else(String::new, |it| text(&it["apiVersion"]));
    assert!(controllers.next().is_none(), "two controllers: {secret}");
    version.split('/').next().unwrap().to_owned()
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every third lists its keys in an order that makes KES write at every poll.
fn old(namespace: &str, number: usize) -> String {
    let keys = if number.is_multiple_of(3) { ["two", "one"] } else { ["one", "two"] };
    let mut text = format!(
        "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata:\n  name: app-{number}\n  \
         namespace: {namespace}\nspec:\n  backendType: secretsManager\n  data:\n"
    );
    for key in keys {
        let _ = writeln!(text, "    - {{ key: {namespace}/{number}/{key}, name: {key} }}");
    }
    text
}
