//! Many ExternalSecrets in a test cluster: made, looked at, and compared.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::api::{Api, EXTERNAL_SECRETS};
use crate::aws::Aws;
use crate::cluster::Cluster;
use crate::controller::{Controller, wait_until};

/// Longer than anything takes on a busy machine.
pub const SOON: Duration = Duration::from_mins(2);

/// A namespace with a store of its own and what reads from it.
#[derive(Debug)]
pub struct Fleet<'a> {
    /// The way to the cluster.
    pub api: &'a Api,
    /// Its namespace, which is the class of its controller, too: tests that share a cluster leave
    /// each other alone.
    pub namespace: String,
}

impl<'a> Fleet<'a> {
    /// A new namespace.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new(cluster: &Cluster, api: &'a Api) -> Self {
        Self { api, namespace: cluster.fresh_namespace() }
    }

    /// The flags of a controller that looks after this namespace only, and tells all it can.
    pub fn flags(&self) -> Vec<String> {
        let class = format!("--controller-class={}", self.namespace);
        vec![class, format!("--namespace={}", self.namespace), "--loglevel=debug".to_owned()]
    }

    /// Starts its controller.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn controller(&self, cluster: &Cluster, aws: &Aws) -> Controller {
        Controller::setup(cluster)
            .environment(aws.environment(aws.admin()))
            .args(self.flags())
            .start()
    }

    /// A path below the namespace: `secrets`, `events`.
    pub fn core(&self, path: &str) -> String {
        format!("api/v1/namespaces/{}/{path}", self.namespace)
    }

    /// A path of our own kinds below the namespace: `externalsecrets/web/status`.
    pub fn ours(&self, path: &str) -> String {
        format!("{EXTERNAL_SECRETS}/namespaces/{}/{path}", self.namespace)
    }

    /// Makes a store that reads from Secrets Manager, unless `more`, which goes into `aws`, says otherwise.
    ///
    /// # Panics
    /// If the API refuses it.
    pub fn store(&self, name: &str, region: &str, more: &Value) {
        let mut aws = json!({ "service": "SecretsManager", "region": region });
        for (field, value) in more.as_object().into_iter().flatten() {
            aws[field] = value.clone();
        }
        let store = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": { "name": name },
            "spec": { "controller": self.namespace, "provider": { "aws": aws } },
        });
        self.api.create(&self.ours("secretstores"), &store);
    }

    /// Makes an ExternalSecret with one key `value` of the store `aws`.
    ///
    /// # Panics
    /// If the API refuses it.
    pub fn external_secret(&self, name: &str, key: &str, interval: &str) -> Value {
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": name },
            "spec": {
                "refreshInterval": interval,
                "secretStoreRef": { "name": "aws", "kind": "SecretStore" },
                "data": [{ "secretKey": "value", "remoteRef": { "key": key } }],
            },
        });
        self.api.create(&self.ours("externalsecrets"), &object)
    }

    /// Makes an ExternalSecret that reads this, `data` or `dataFrom`, through a store.
    ///
    /// # Panics
    /// If the API refuses it.
    pub fn reader(&self, name: &str, store: &str, source: &Value) -> Value {
        let mut spec = json!({ "refreshInterval": "1h", "secretStoreRef": { "name": store } });
        for (field, value) in source.as_object().into_iter().flatten() {
            spec[field] = value.clone();
        }
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": name }, "spec": spec,
        });
        self.api.create(&self.ours("externalsecrets"), &object)
    }

    /// The condition `Ready` of an ExternalSecret.
    ///
    /// # Panics
    /// If there is no such object.
    pub fn ready(&self, name: &str) -> Option<Value> {
        let path = self.ours(&format!("externalsecrets/{name}"));
        let object = self.api.get(&path).unwrap_or_else(|| panic!("{path} is gone"));
        ready(&object).cloned()
    }

    /// How many ExternalSecrets are ready.
    pub fn count_ready(&self) -> usize {
        let all = self.api.list(&self.ours("externalsecrets"));
        all.iter().filter(|it| ready(it).is_some_and(|ready| ready["status"] == "True")).count()
    }

    /// Waits until so many ExternalSecrets are ready.
    ///
    /// # Panics
    /// If they do not become so.
    pub fn wait_ready(&self, count: usize) {
        wait_until(SOON, "they are ready", || (self.count_ready() == count).then_some(()));
    }

    /// The values `value` of the managed Secrets, by name, in base64.
    pub fn values(&self) -> BTreeMap<String, String> {
        let all = self.api.list(&self.core(&managed()));
        let value = |it: &Value| it["data"]["value"].as_str().unwrap_or_default().to_owned();
        all.iter().map(|it| (name(it), value(it))).collect()
    }

    /// How many managed Secrets have the value `value` that belongs to their name.
    ///
    /// # Panics
    /// As [`values`](Self::values).
    pub fn count_values(&self, value: impl Fn(&str) -> String) -> usize {
        let is_it = |(name, found): &(String, String)| *found == STANDARD.encode(value(name));
        self.values().into_iter().filter(is_it).count()
    }

    /// The versions of all managed Secrets and of all ExternalSecrets: two that are equal say that
    /// nothing was written.
    pub fn versions(&self) -> BTreeMap<String, String> {
        let secrets = self.api.list(&self.core(&managed()));
        let objects = self.api.list(&self.ours("externalsecrets"));
        let secrets = secrets.iter().map(|it| (format!("Secret {}", name(it)), it));
        let objects = objects.iter().map(|it| (format!("ExternalSecret {}", name(it)), it));
        let version =
            |it: &Value| it["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        secrets.chain(objects).map(|(name, it)| (name, version(it))).collect()
    }

    /// Waits until a controller has looked at so many ExternalSecrets since its start.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait_looked(&self, controller: &Controller, count: usize) {
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let count = count as f64;
        wait_until(SOON, "all were looked at", || (self.looks(controller) >= count).then_some(()));
    }

    /// How many times a controller has looked at an ExternalSecret since its start.
    ///
    /// # Panics
    /// If it does not tell.
    pub fn looks(&self, controller: &Controller) -> f64 {
        let all = controller.metrics();
        let name = "controller_runtime_reconcile_total{controller=\"externalsecret\"";
        let looks = all.iter().filter(|(series, _)| series.starts_with(name));
        looks.map(|(_, count)| count).sum()
    }
}

/// The list of managed Secrets.
fn managed() -> String {
    "secrets?labelSelector=reconcile.external-secrets.io/managed%3Dtrue".to_owned()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The condition `Ready` of an object.
pub fn ready(object: &Value) -> Option<&Value> {
    object["status"]["conditions"].as_array()?.iter().find(|it| it["type"] == "Ready")
}

/// Makes so many ExternalSecrets in a namespace, `app-00000` and so on, that nobody looks after:
/// five keys each, as objects of people have them.
///
/// # Panics
/// If the API refuses one.
pub fn fill(cluster: &Cluster, namespace: &str, objects: usize) {
    const HANDS: usize = 8;
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/externalsecrets");
    let key = |number: usize, key: usize| {
        let remote = format!("team/app-{number}");
        json!({
            "secretKey": format!("key-{key}"),
            "remoteRef": { "key": remote, "property": format!("property-{key}") },
        })
    };
    let make = |hand: usize| {
        let api = Api::of(cluster);
        for number in (hand..objects).step_by(HANDS) {
            let data: Vec<_> = (0..5).map(|it| key(number, it)).collect();
            let object = json!({
                "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
                "metadata": { "name": format!("app-{number:05}") },
                "spec": { "secretStoreRef": { "name": "main" }, "data": data },
            });
            api.create(&path, &object);
        }
    };
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let make = &make;
            scope.spawn(move || make(hand));
        }
    });
}
