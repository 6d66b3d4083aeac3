//! A namespace with managed Secrets and workloads that read them, and a controller that looks after it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::Api;
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, Setup, wait_until};
use extsecret_tests::fleet::SOON;
use serde_json::{Value, json};

/// How long a change waits in these tests, in seconds.
const DEBOUNCE: u64 = 1;

/// The annotation with the record.
const RECORD: &str = "extsecret.io/restart-record";

pub(crate) struct Room<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) api: &'a Api,
    pub(crate) aws: Aws,
    pub(crate) namespace: String,
}

/// A workload: its kind and name.
pub(crate) type Workload = (&'static str, String);

impl<'a> Room<'a> {
    pub(crate) fn new((cluster, api): (&'a Cluster, &'a Api)) -> Self {
        Self { cluster, api, aws: Aws::start(), namespace: cluster.fresh_namespace() }
    }

    /// Flags that leave nothing to wait for but a short debounce.
    pub(crate) fn flags(&self) -> Vec<String> {
        let namespace = &self.namespace;
        [
            format!("--controller-class={namespace}"),
            format!("--namespace={namespace}"),
            format!("--restart-key-namespace={namespace}"),
            format!("--restart-debounce={DEBOUNCE}s"),
            "--loglevel=debug".into(),
            "--restarts=enforce".into(),
            "--restart-max-hold=5s".into(),
            "--restart-min-interval=0s".into(),
            "--restart-max-per-hour=0".into(),
            "--restart-max-per-minute=0".into(),
            "--restart-concurrent=50".into(),
            "--restart-concurrent-per-namespace=50".into(),
            "--restart-concurrent-per-secret=50".into(),
            "--restart-concurrent-daemonsets=50".into(),
        ]
        .into()
    }

    pub(crate) fn controller(&self) -> Controller {
        self.controller_with(&[])
    }

    /// One with more flags, each of which replaces that of the same name.
    pub(crate) fn controller_with(&self, more: &[&str]) -> Controller {
        self.setup(more).start()
    }

    pub(crate) fn setup(&self, more: &[&str]) -> Setup {
        let name = |flag: &str| flag.split('=').next().unwrap_or_default().to_owned();
        let mut flags = self.flags();
        flags.retain(|flag| more.iter().all(|more| name(more) != name(flag)));
        Controller::setup(self.cluster)
            .environment(self.aws.environment(self.aws.admin()))
            .args(flags)
            .args(more)
    }

    fn core(&self, path: &str) -> String {
        format!("api/v1/namespaces/{}/{path}", self.namespace)
    }

    pub(crate) fn apps(&self, kind: &str, name: &str) -> String {
        let plural = match kind {
            "Deployment" => "deployments",
            "StatefulSet" => "statefulsets",
            "DaemonSet" => "daemonsets",
            kind => panic!("no kind of apps: {kind}"),
        };
        format!("apis/apps/v1/namespaces/{}/{plural}/{name}", self.namespace)
    }

    /// Makes a Secret as if an ExternalSecret had.
    pub(crate) fn secret(&self, name: &str, data: &[(&str, &str)]) {
        let data: BTreeMap<_, _> =
            data.iter().map(|(key, value)| (*key, STANDARD.encode(value))).collect();
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": name, "labels": { "reconcile.external-secrets.io/managed": "true" },
            },
            "data": data,
        });
        self.api.create(&self.core("secrets"), &secret);
    }

    /// Gives a key of a Secret another value.
    pub(crate) fn put(&self, name: &str, key: &str, value: &str) {
        self.patch_secret(name, &json!({ "data": { key: STANDARD.encode(value) } }));
    }

    pub(crate) fn patch_secret(&self, name: &str, change: &Value) {
        self.api.patch(&self.core(&format!("secrets/{name}")), change);
    }

    pub(crate) fn secret_version(&self, name: &str) -> String {
        let secret = self.api.get(&self.core(&format!("secrets/{name}"))).expect("a Secret");
        secret["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn delete_secret(&self, name: &str) {
        let path = self.core(&format!("secrets/{name}"));
        self.api.delete(&path);
        wait_until(SOON, "the Secret is gone", || self.api.get(&path).is_none().then_some(()));
    }

    /// Makes a workload that asks to be restarted, with more in its spec.
    pub(crate) fn workload(&self, kind: &'static str, name: &str, pod: &Value) -> Workload {
        self.workload_with(kind, name, pod, &json!({}), &json!({}))
    }

    pub(crate) fn workload_with(
        &self,
        kind: &'static str,
        name: &str,
        pod: &Value,
        spec: &Value,
        pod_annotations: &Value,
    ) -> Workload {
        let mut all = json!({
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": pod_annotations },
                "spec": pod,
            },
        });
        if kind != "DaemonSet" {
            all["replicas"] = json!(1);
        }
        if kind == "StatefulSet" {
            all["serviceName"] = json!("none");
        }
        for (field, value) in spec.as_object().into_iter().flatten() {
            all[field] = value.clone();
        }
        let object = json!({
            "apiVersion": "apps/v1", "kind": kind,
            "metadata": { "name": name, "annotations": { "extsecret.io/restart": "auto" } },
            "spec": all,
        });
        let path = self.apps(kind, "");
        self.api.create(path.trim_end_matches('/'), &object);
        (kind, name.to_owned())
    }

    /// A Deployment of one pod that reads the keys of a Secret as variables.
    pub(crate) fn deployment(&self, name: &str, secret: &str, keys: &[&str]) -> Workload {
        self.workload("Deployment", name, &reads(secret, keys))
    }

    /// So many Deployments, `web-0` and so on, that read the key `used` of the Secret `db`.
    pub(crate) fn consumers(&self, count: usize) -> Vec<Workload> {
        (0..count)
            .map(|number| self.deployment(&format!("web-{number}"), "db", &["used"]))
            .collect()
    }

    /// Annotates a workload; null takes away.
    pub(crate) fn annotate(&self, (kind, name): &Workload, what: &str, value: &Value) {
        let change = json!({ "metadata": { "annotations": { what: value } } });
        self.api.patch(&self.apps(kind, name), &change);
    }

    pub(crate) fn get(&self, (kind, name): &Workload) -> Value {
        let path = self.apps(kind, name);
        self.api.get(&path).unwrap_or_else(|| panic!("{path} is gone"))
    }

    /// How often its pods were made anew: the revisions of its template but the first.
    pub(crate) fn restarts(&self, workload: &Workload) -> i64 {
        wait_until(SOON, "it is observed", || {
            let object = self.get(workload);
            let generation = &object["metadata"]["generation"];
            if object["status"]["observedGeneration"] != *generation {
                return None;
            }
            // The generation of a Deployment grows with its annotations, too.
            let revision = &object["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            let revision = match workload.0 {
                "Deployment" => revision.as_str()?.parse().ok()?,
                _ => generation.as_i64()?,
            };
            Some(revision - 1)
        })
    }

    pub(crate) fn restarts_of(&self, workloads: &[Workload]) -> Vec<i64> {
        workloads.iter().map(|workload| self.restarts(workload)).collect()
    }

    pub(crate) fn version(&self, workload: &Workload) -> String {
        let object = self.get(workload);
        object["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn record(&self, workload: &Workload) -> Option<String> {
        self.get(workload)["metadata"]["annotations"][RECORD].as_str().map(str::to_owned)
    }

    /// Takes away whatever the controller has noted, as a tool does that puts workloads back.
    pub(crate) fn strip(&self, (kind, name): &Workload) {
        let change = json!({ "metadata": { "annotations": { RECORD: null } } });
        self.api.patch(&self.apps(kind, name), &change);
    }

    /// Whether all its pods are of its present template, and ready.
    pub(crate) fn is_done(&self, workload: &Workload) -> bool {
        is_done(workload.0, &self.get(workload))
    }

    pub(crate) fn wait_done(&self, workloads: &[Workload]) {
        wait_until(SOON, "their rollouts are over", || {
            workloads.iter().all(|it| self.is_done(it)).then_some(())
        });
    }

    /// Waits until the controller has noted what pods have.
    pub(crate) fn wait_noted(&self, workloads: &[Workload]) {
        wait_until(SOON, "they are noted", || {
            workloads.iter().all(|it| self.record(it).is_some()).then_some(())
        });
    }

    pub(crate) fn wait_restarts(&self, workloads: &[Workload], count: i64) {
        wait_until(SOON, "they are restarted", || {
            workloads.iter().all(|it| self.restarts(it) >= count).then_some(())
        });
    }

    /// Waits until the controller has certainly judged everything that happened before: it restarts
    /// something for a change that is made now.
    pub(crate) fn wait_judged(&self) {
        let name = "sentinel";
        let path = self.core("secrets/sentinel");
        let it = ("Deployment", name.to_owned());
        if self.api.get(&path).is_none() {
            self.secret(name, &[("key", "0")]);
            self.deployment(name, name, &["key"]);
            self.wait_done(std::slice::from_ref(&it));
            self.wait_noted(std::slice::from_ref(&it));
        }
        let count = self.restarts(&it) + 1;
        self.put(name, "key", &count.to_string());
        self.wait_restarts(std::slice::from_ref(&it), count);
        self.wait_done(std::slice::from_ref(&it));
    }

    /// Reasons of the events that the controller has written about an object of this name.
    pub(crate) fn events(&self, name: &str) -> Vec<String> {
        let events = self.api.list(&self.core("events"));
        let of = events.iter().filter(|event| event["involvedObject"]["name"] == name);
        let ours = of.filter(|event| event["source"]["component"] == "extsecret-controller");
        ours.map(|event| event["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn deployments(&self) -> Vec<Value> {
        let path = self.apps("Deployment", "");
        self.api.list(path.trim_end_matches('/'))
    }
}

/// A pod that reads keys of a Secret as variables.
pub(crate) fn reads(secret: &str, keys: &[&str]) -> Value {
    let variable = |key: &&str| {
        json!({ "name": key.to_uppercase(),
            "valueFrom": { "secretKeyRef": { "name": secret, "key": key } } })
    };
    let env: Vec<_> = keys.iter().map(variable).collect();
    json!({ "containers": [{ "name": "app", "image": "app", "env": env }] })
}

pub(crate) fn is_done(kind: &str, object: &Value) -> bool {
    let (status, generation) = (&object["status"], &object["metadata"]["generation"]);
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    if status["observedGeneration"] != *generation {
        return false;
    }
    if kind == "DaemonSet" {
        let wanted = number("desiredNumberScheduled");
        return wanted > 0
            && number("updatedNumberScheduled") == wanted
            && number("numberAvailable") == wanted;
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    number("updatedReplicas") == wanted
        && number("replicas") == wanted
        && number("availableReplicas") == wanted
}
