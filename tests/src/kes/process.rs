//! A stand-in for kubernetes-external-secrets itself: it writes what KES writes, when KES writes it,
//! and as blindly (kes-migration 1.9, 1.10 and 3.13).
//!
//! It lives in the pods of its Deployment. A pod has a finalizer and stays until its process has
//! ended, which is after the poll that is under way: a Deployment does not count such a pod any more,
//! and it still writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::KES;
use crate::api::Api;
use crate::cluster::Cluster;
use crate::controller::now;

/// Where it is installed.
pub const NAMESPACE: &str = "kube-secrets";

/// The name of its Deployment.
pub const DEPLOYMENT: &str = "kubernetes-external-secrets";

/// The path of its Deployment.
pub const PATH: &str =
    "apis/apps/v1/namespaces/kube-secrets/deployments/kubernetes-external-secrets";

/// Holds a pod until its process has ended.
const FINALIZER: &str = "test.extsecret.io/process";

/// Between two polls of an object; KES's own default is 10 s.
const INTERVAL: Duration = Duration::from_millis(400);

/// Between two looks at the cluster.
const TICK: Duration = Duration::from_millis(25);

/// The processes of KES in a cluster. They end with the value.
#[derive(Debug)]
pub struct Processes {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

/// One process.
struct Process {
    /// Its pod.
    pod: String,
    pollers: BTreeMap<String, Poller>,
    next: Instant,
}

/// What polls one object.
struct Poller {
    /// The object as it was seen last.
    object: Value,
    /// Its controller id was changed to another: it is polled once more.
    last: bool,
}

/// Installs its Deployment, with no pod.
///
/// # Panics
/// If the API refuses it.
pub fn install(api: &Api) {
    let labels = json!({ "app.kubernetes.io/name": DEPLOYMENT });
    let container = json!({
        "name": "kes", "image": "ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5",
        "env": [{ "name": "POLLER_INTERVAL_MILLISECONDS", "value": "1000" }],
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": DEPLOYMENT, "namespace": NAMESPACE },
        "spec": {
            "replicas": 0, "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels, "finalizers": [FINALIZER] },
                "spec": { "containers": [container] },
            },
        },
    });
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": NAMESPACE } });
    api.create("api/v1/namespaces", &namespace);
    api.create(&format!("apis/apps/v1/namespaces/{NAMESPACE}/deployments"), &deployment);
}

/// Gives its Deployment so many pods.
///
/// # Panics
/// If it is not installed.
pub fn scale(api: &Api, replicas: u32) {
    api.patch(PATH, &json!({ "spec": { "replicas": replicas } }));
}

impl Processes {
    /// Lets a process live in each of its pods, now and later. `values` is the backend: what its
    /// objects find under their keys.
    ///
    /// # Panics
    /// If the cluster cannot be talked to.
    pub fn start(cluster: &Cluster, values: BTreeMap<String, String>) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let world = World { api: Api::of(cluster), values, known: BTreeSet::new() };
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || world.run(&stopped));
        Self { stop, thread: Some(thread) }
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !thread::panicking()
        {
            panic!("the processes of KES ended before the test");
        }
    }
}

struct World {
    api: Api,
    values: BTreeMap<String, String>,
    /// Pods that have, or had, a process.
    known: BTreeSet<String>,
}

impl World {
    fn run(mut self, stop: &AtomicBool) {
        let mut processes: Vec<Process> = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            let pods = self.api.list(&format!("api/v1/namespaces/{NAMESPACE}/pods"));
            for pod in &pods {
                let uid = text(&pod["metadata"]["uid"]);
                let runs = pod["status"]["phase"] == "Running";
                if runs && !ends(pod) && self.known.insert(uid) {
                    let pod = text(&pod["metadata"]["name"]);
                    processes.push(Process { pod, pollers: BTreeMap::new(), next: now() });
                }
            }
            // Its definition goes when nothing runs any more.
            let objects = if processes.is_empty() { Vec::new() } else { self.objects() };
            for process in &mut processes {
                process.look(&objects);
                if now() >= process.next {
                    self.poll(process);
                    process.next = now() + INTERVAL;
                }
            }
            // A process is told to end at once, and has had time for one more poll.
            processes.retain(|process| {
                let pod = pods.iter().find(|pod| pod["metadata"]["name"] == process.pod.as_str());
                !pod.is_none_or(ends)
            });
            for pod in pods.iter().filter(|pod| ends(pod)) {
                let path = format!(
                    "api/v1/namespaces/{NAMESPACE}/pods/{}",
                    text(&pod["metadata"]["name"])
                );
                let change = json!({ "metadata": { "finalizers": null } });
                self.api.ask("PATCH", &path, Some(&change), "application/merge-patch+json");
            }
            thread::sleep(TICK);
        }
    }

    /// Its objects.
    fn objects(&self) -> Vec<Value> {
        self.api.list(&format!("{KES}/externalsecrets"))
    }

    /// One round: of what the process has in memory, whatever has become of it.
    fn poll(&self, process: &mut Process) {
        for poller in process.pollers.values() {
            let meta = &poller.object["metadata"];
            let (namespace, name) = (text(&meta["namespace"]), text(&meta["name"]));
            self.upsert(&namespace, &name, &poller.object);
            // The version in memory: a status update that comes too late is dropped.
            let mut object = poller.object.clone();
            object["status"] = json!({
                "lastSync": "2026-01-01T00:00:00.000Z", "status": "SUCCESS",
                "observedGeneration": meta["generation"],
            });
            let path = format!("{KES}/namespaces/{namespace}/externalsecrets/{name}/status");
            self.api.ask("PUT", &path, Some(&object), "application/json");
        }
        process.pollers.retain(|_, poller| !poller.last);
    }

    /// What an item of an object finds: a whole value, or what is below a name in one that is JSON.
    fn value(&self, item: &Value) -> String {
        let value = self.values.get(item["key"].as_str().unwrap_or_default());
        let value = value.map_or("", |it| it);
        let Some(property) = item["property"].as_str() else { return value.to_owned() };
        let members: Value = serde_json::from_str(value).unwrap_or_default();
        text(&members[property])
    }

    fn upsert(&self, namespace: &str, name: &str, object: &Value) {
        let list = format!("api/v1/namespaces/{namespace}/secrets");
        let path = format!("{list}/{name}");
        let items = object["spec"]["data"].as_array().into_iter().flatten();
        let mut names = Vec::new();
        let mut data = serde_json::Map::new();
        for item in items {
            names.push(text(&item["name"]));
            data.insert(text(&item["name"]), json!(STANDARD.encode(self.value(item))));
        }
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {
                "name": name, "namespace": namespace,
                "ownerReferences": [{
                    "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
                    "name": name, "uid": object["metadata"]["uid"], "controller": true,
                }],
            },
            "data": data,
        });
        let Some(there) = self.api.get(&path) else {
            self.api.ask("POST", &list, Some(&secret), "application/json");
            return;
        };
        // It compares texts, so the order of keys counts; and labels of others are a change.
        let unchanged = names.is_sorted()
            && there["data"] == secret["data"]
            && there["metadata"]["labels"].is_null()
            && there["metadata"]["annotations"].is_null();
        if !unchanged {
            self.api.ask("PUT", &path, Some(&secret), "application/json");
        }
    }
}

impl Process {
    /// What its watch tells it.
    fn look(&mut self, objects: &[Value]) {
        let mut there = BTreeSet::new();
        for object in objects {
            let uid = text(&object["metadata"]["uid"]);
            let its = object["spec"]["controllerId"].is_null();
            match self.pollers.get_mut(&uid) {
                Some(poller) if its => poller.object = object.clone(),
                // The event is skipped, and the poller stays for one more poll (1.10).
                Some(poller) => poller.last = true,
                None if its => {
                    let poller = Poller { object: object.clone(), last: false };
                    self.pollers.insert(uid.clone(), poller);
                }
                None => {}
            }
            there.insert(uid);
        }
        // A poll that is under way when its object goes still writes (3.13).
        for (uid, poller) in &mut self.pollers {
            poller.last |= !there.contains(uid);
        }
    }
}

fn ends(pod: &Value) -> bool {
    pod["metadata"]["deletionTimestamp"].is_string()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
