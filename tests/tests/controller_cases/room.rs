//! Where a case takes place.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_engine::hash::{data_hash, owner_label, synced_resource_version};
use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::{Aws, Credentials, Permissions};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet;
use serde_json::{Map, Value, json};

/// Far longer than anything takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

const MANAGED: &str = "reconcile.external-secrets.io/managed";
const CREATED_BY: &str = "reconcile.external-secrets.io/created-by";
const DATA_HASH: &str = "reconcile.external-secrets.io/data-hash";

/// What all cases share.
pub(crate) struct Bench {
    pub(crate) cluster: Cluster,
    pub(crate) api: Api,
    pub(crate) aws: Aws,
    pub(crate) controller: Controller,
}

/// It ends with the process. A start that fails is not tried again.
static BENCH: LazyLock<Option<Bench>> = LazyLock::new(|| {
    let cluster = Cluster::setup().definitions().start()?;
    let (api, aws) = (Api::of(&cluster), Aws::start());
    let controller = Controller::start_without_credentials(&cluster, &aws, &["--loglevel=debug"]);
    Some(Bench { cluster, api, aws, controller })
});

/// A namespace and an AWS account for one case. The account's user may do everything there; the
/// namespace has the user's key, and with it the stores `secrets` and `parameters`.
pub(crate) struct Room {
    pub(crate) bench: &'static Bench,
    pub(crate) namespace: String,
    pub(crate) account: String,
    /// What was seen last while something else was waited for.
    last: Mutex<String>,
}

/// One of the two services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Service {
    SecretsManager,
    ParameterStore,
}

impl Service {
    /// The store of a room that reads it.
    pub(crate) fn store(self) -> &'static str {
        match self {
            Self::SecretsManager => "secrets",
            Self::ParameterStore => "parameters",
        }
    }

    /// The spec of a store that reads it, with more fields below `aws`.
    pub(crate) fn spec(self, more: &Value) -> Value {
        let mut aws = json!({ "service": format!("{self:?}"), "region": "us-east-1" });
        merge(&mut aws, more);
        json!({ "provider": { "aws": aws } })
    }
}

impl Room {
    /// Furnishes one, named after the case; `None` if there can be no cluster.
    pub(crate) fn open(case: &str) -> Option<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let bench = BENCH.as_ref()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let slug: String = case
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(40)
            .collect();
        let room = Self {
            bench,
            namespace: format!("c-{slug}-{number}"),
            account: format!("7{number:011}"),
            last: Mutex::default(),
        };
        let namespace = json!({ "metadata": { "name": room.namespace } });
        bench.api.create("api/v1/namespaces", &namespace);
        let user = bench.aws.identities().add_user(&room.account, "room", Permissions::Everything);
        room.put_keys("aws-keys", &user);
        for service in [Service::SecretsManager, Service::ParameterStore] {
            room.put_store(service.store(), &service.spec(&keys("aws-keys", None)));
        }
        // What is read through a store that is not known yet is looked at again when it is.
        for service in [Service::SecretsManager, Service::ParameterStore] {
            room.wait_checked(service.store());
        }
        Some(room)
    }

    /// The API server.
    pub(crate) fn api(&self) -> &'static Api {
        &self.bench.api
    }

    /// Puts a secret or a parameter with these tags.
    pub(crate) fn put(&self, service: Service, name: &str, value: &str, tags: &Value) {
        let tags: Vec<Value> = tags
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| json!({ "Key": key, "Value": value }))
            .collect();
        match service {
            Service::SecretsManager => {
                let secrets = self.secrets();
                secrets.put(name, value);
                if !tags.is_empty() {
                    secrets.act("TagResource", &json!({ "SecretId": name, "Tags": tags }));
                }
            }
            Service::ParameterStore => {
                let parameters = self.parameters();
                parameters.put(name, value);
                if !tags.is_empty() {
                    let input =
                        json!({ "ResourceType": "Parameter", "ResourceId": name, "Tags": tags });
                    parameters.act("AddTagsToResource", &input);
                }
            }
        }
    }

    /// Puts secrets without tags.
    pub(crate) fn put_secrets(&self, secrets: &[(&str, &str)]) {
        for (name, value) in secrets {
            self.secrets().put(name, value);
        }
    }

    /// Deletes a secret or a parameter.
    pub(crate) fn delete_remote(&self, service: Service, name: &str) {
        match service {
            Service::SecretsManager => self.secrets().delete(name),
            Service::ParameterStore => self.parameters().delete(name),
        }
    }

    /// The room's secrets.
    pub(crate) fn secrets(&self) -> extsecret_test_aws::Secrets<'_> {
        self.bench.aws.secrets().in_account(&self.account)
    }

    /// The room's parameters.
    pub(crate) fn parameters(&self) -> extsecret_test_aws::Parameters<'_> {
        self.bench.aws.parameters().in_account(&self.account)
    }

    /// Writes an access key into a Secret of the namespace.
    pub(crate) fn put_keys(&self, name: &str, keys: &Credentials) {
        let mut data = json!({ "id": keys.access_key_id, "secret": keys.secret_access_key });
        if let Some(token) = &keys.session_token {
            data["token"] = json!(token);
        }
        self.create("secrets", name, &json!({ "stringData": data }));
    }

    /// Makes a SecretStore.
    pub(crate) fn put_store(&self, name: &str, spec: &Value) {
        self.create("secretstores", name, &json!({ "spec": spec }));
    }

    /// Waits until it is said whether a store is ready.
    #[track_caller]
    pub(crate) fn wait_checked(&self, name: &str) {
        self.wait("secretstores", name, "whether it is ready", |store| {
            let is_told = store.as_ref().is_some_and(|store| fleet::ready(store).is_some());
            if is_told { Ok(()) } else { Err(format!("{store:?}")) }
        });
    }

    /// Makes an ExternalSecret of the store `secrets`, unless `spec` says otherwise.
    pub(crate) fn put_external_secret(&self, name: &str, spec: &Value) {
        self.put_external_secret_with(name, spec, &json!({}));
    }

    /// The same with metadata.
    pub(crate) fn put_external_secret_with(&self, name: &str, spec: &Value, metadata: &Value) {
        let object = with_store(spec);
        self.create("externalsecrets", name, &json!({ "metadata": metadata, "spec": object }));
    }

    /// Makes an object of the namespace.
    #[track_caller]
    pub(crate) fn create(&self, kind: &str, name: &str, object: &Value) -> Value {
        self.bench.api.create(&self.path(kind, ""), &complete(kind, name, object))
    }

    /// The path of an object of the namespace, or of a ClusterSecretStore.
    pub(crate) fn path(&self, kind: &str, name: &str) -> String {
        let namespace = &self.namespace;
        let folder = match kind {
            "clustersecretstores" => format!("{EXTERNAL_SECRETS}/{kind}"),
            "externalsecrets" | "secretstores" => {
                format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/{kind}")
            }
            _ => format!("api/v1/namespaces/{namespace}/{kind}"),
        };
        if name.is_empty() { folder } else { format!("{folder}/{name}") }
    }

    /// An object as it is now.
    pub(crate) fn get(&self, kind: &str, name: &str) -> Option<Value> {
        self.bench.api.get(&self.path(kind, name))
    }

    /// Changes fields of an object.
    #[track_caller]
    pub(crate) fn patch(&self, kind: &str, name: &str, change: &Value) -> Value {
        self.bench.api.patch(&self.path(kind, name), change)
    }

    /// Deletes an object.
    #[track_caller]
    pub(crate) fn delete(&self, kind: &str, name: &str) {
        self.bench.api.delete(&self.path(kind, name));
    }

    /// Waits until something can be found of an object, and returns it.
    #[track_caller]
    pub(crate) fn wait<T>(
        &self,
        kind: &str,
        name: &str,
        what: impl Display,
        mut find: impl FnMut(Option<Value>) -> Result<T, String>,
    ) -> T {
        let what = format!("{kind}/{name} of {}: {what}", self.namespace);
        let found = wait_until(PATIENCE, &what, || match find(self.get(kind, name)) {
            Ok(found) => Some(found),
            Err(seen) => {
                *self.last.lock().unwrap_or_else(PoisonError::into_inner) = seen;
                None
            }
        });
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clear();
        found
    }

    /// Waits until an ExternalSecret is ready in the version that it has, and returns it.
    #[track_caller]
    pub(crate) fn ready(&self, name: &str) -> Value {
        self.says(name, "True", "SecretSynced", "secret synced")
    }

    /// Waits until an ExternalSecret failed with this beginning of the message, and returns it.
    #[track_caller]
    pub(crate) fn fails(&self, name: &str, message: &str) -> Value {
        self.says(name, "False", "SecretSyncedError", message)
    }

    /// Waits until the condition of an ExternalSecret is so; a message begins with `message`. A true
    /// one is about the version that it has.
    #[track_caller]
    pub(crate) fn says(&self, name: &str, status: &str, reason: &str, message: &str) -> Value {
        let what = format!("{status} {reason}: {message}");
        self.wait("externalsecrets", name, what, |object| {
            let object = object.ok_or("there is none")?;
            let condition = ready_condition(&object);
            let text = |field: &str| condition[field].as_str().unwrap_or_default();
            let is_so = text("status") == status
                && text("reason") == reason
                && text("message").starts_with(message)
                && (status == "False"
                    || object["status"]["syncedResourceVersion"] == version_of(&object));
            if is_so { Ok(object) } else { Err(object["status"].to_string()) }
        })
    }

    /// Waits until a Secret is exactly so beside the controller's marks, and returns it. What is not
    /// said is: `Opaque`, no data, no labels, no annotations.
    #[track_caller]
    pub(crate) fn has(&self, name: &str, wanted: &Value) -> Value {
        let mut complete = json!({ "type": "Opaque", "data": {}, "labels": {}, "annotations": {} });
        merge(&mut complete, wanted);
        self.wait("secrets", name, &complete, |secret| {
            let secret = secret.ok_or("there is none")?;
            let plain = plain(&secret);
            if plain == complete { Ok(secret) } else { Err(plain.to_string()) }
        })
    }

    /// Waits until there is no such object.
    #[track_caller]
    pub(crate) fn is_gone(&self, kind: &str, name: &str) {
        self.wait(kind, name, "it is gone", |object| {
            object.map_or(Ok(()), |object| Err(object["metadata"].to_string()))
        });
    }

    /// Waits for an event about an ExternalSecret, and returns its message.
    #[track_caller]
    pub(crate) fn event(&self, about: &str, reason: &str, part: &str) -> String {
        let what = format!("the event {reason} with {part}");
        self.wait("events", "", what, |list| {
            let list = list.unwrap_or_default();
            let events = list["items"].as_array().into_iter().flatten();
            let told: Vec<_> = events.filter(|it| it["involvedObject"]["name"] == about).collect();
            let text = |event: &Value| event["message"].as_str().unwrap_or_default().to_owned();
            let is_it = |event: &&&Value| event["reason"] == reason && text(event).contains(part);
            told.iter().find(is_it).map(|event| text(event)).ok_or_else(|| format!("{told:?}"))
        })
    }

    /// Checks the controller's marks on a Secret of an ExternalSecret, and whose it is.
    #[track_caller]
    pub(crate) fn assert_marks(&self, secret: &Value, external_secret: &str, is_owned: bool) {
        let metadata = &secret["metadata"];
        assert_eq!(metadata["labels"][MANAGED], "true", "{metadata}");
        let data: BTreeMap<String, Vec<u8>> = decoded(secret).into_iter().collect();
        assert_eq!(metadata["annotations"][DATA_HASH], data_hash(&data), "{metadata}");
        let created_by = metadata["labels"].get(CREATED_BY).and_then(Value::as_str);
        let owners = metadata["ownerReferences"].as_array().map_or(&[][..], Vec::as_slice);
        if !is_owned {
            assert_eq!(created_by, None, "{metadata}");
            assert!(owners.is_empty(), "{metadata}");
            return;
        }
        assert_eq!(created_by, Some(&*owner_label(&self.namespace, external_secret)));
        let object = self.get("externalsecrets", external_secret).unwrap_or_default();
        let owner = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "name": external_secret, "uid": object["metadata"]["uid"],
            "controller": true, "blockOwnerDeletion": true,
        });
        assert_eq!(owners, [owner]);
    }
}

impl Room {
    /// How often the room's account was asked about a secret.
    pub(crate) fn reads(&self, name: &str) -> usize {
        let calls = self.bench.aws.counters().journal().into_iter().filter(|call| {
            call.caller.as_deref().is_some_and(|caller| caller.contains(&self.account))
        });
        let arn = format!(":secret:{name}-");
        calls.filter(|call| call.resources.iter().any(|it| it == name || it.contains(&arn))).count()
    }

    /// Lets the controller refresh something else, so often that whatever is due every second was
    /// due meanwhile.
    #[track_caller]
    pub(crate) fn let_seconds_pass(&self) {
        let tick = |value: &str| self.put_secrets(&[("clock", value)]);
        let shows = |value: &str| {
            self.has("clock", &json!({ "data": { "tick": value } }));
        };
        tick("0");
        if self.get("externalsecrets", "clock").is_none() {
            let spec = json!({ "refreshInterval": "1s", "data": data(&[("tick", "clock", "")]) });
            self.put_external_secret("clock", &spec);
        }
        shows("0");
        for value in ["1", "2"] {
            tick(value);
            shows(value);
        }
    }
}

impl Drop for Room {
    #[expect(clippy::print_stderr, reason = "libtest shows it below the test that failed")]
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if !last.is_empty() {
            eprintln!("---- seen last: {last}");
        }
        for kind in ["externalsecrets", "secretstores", "events"] {
            for object in self.bench.api.list(&self.path(kind, "")) {
                let name = &object["metadata"]["name"];
                let (status, reason) = (&object["status"], &object["reason"]);
                eprintln!("---- {kind} {name}: {status} {reason} {}", object["message"]);
            }
        }
        for line in self.bench.controller.text().lines() {
            if line.contains(&self.namespace) {
                eprintln!("{line}");
            }
        }
    }
}

/// An object with all that the API server wants.
pub(crate) fn complete(kind: &str, name: &str, object: &Value) -> Value {
    let (group, kind_name) = match kind {
        "externalsecrets" => ("external-secrets.io/v1", "ExternalSecret"),
        "secretstores" => ("external-secrets.io/v1", "SecretStore"),
        "clustersecretstores" => ("external-secrets.io/v1", "ClusterSecretStore"),
        "secrets" => ("v1", "Secret"),
        "configmaps" => ("v1", "ConfigMap"),
        "serviceaccounts" => ("v1", "ServiceAccount"),
        other => panic!("no case makes {other}"),
    };
    let mut complete =
        json!({ "apiVersion": group, "kind": kind_name, "metadata": { "name": name } });
    merge(&mut complete, object);
    complete
}

/// The authentication of a store by an access key in a Secret.
pub(crate) fn keys(name: &str, namespace: Option<&str>) -> Value {
    let selector = |key: &str| {
        let mut selector = json!({ "name": name, "key": key });
        if let Some(namespace) = namespace {
            selector["namespace"] = json!(namespace);
        }
        selector
    };
    json!({ "auth": { "secretRef": {
        "accessKeyIDSecretRef": selector("id"), "secretAccessKeySecretRef": selector("secret"),
    } } })
}

/// Items of `data`: the key in the Secret, the key at AWS, and a property unless it is empty.
pub(crate) fn data(items: &[(&str, &str, &str)]) -> Value {
    let items = items.iter().map(|(secret_key, key, property)| {
        let mut reference = json!({ "key": key });
        if !property.is_empty() {
            reference["property"] = json!(property);
        }
        json!({ "secretKey": secret_key, "remoteRef": reference })
    });
    items.collect()
}

/// A spec that names a store, and an interval that is not over before the test.
fn with_store(spec: &Value) -> Value {
    let mut complete = json!({
        "refreshInterval": "1h", "secretStoreRef": { "name": "secrets", "kind": "SecretStore" },
    });
    merge(&mut complete, spec);
    complete
}

/// The condition `Ready` of an object, or null.
pub(crate) fn ready_condition(object: &Value) -> Value {
    fleet::ready(object).cloned().unwrap_or_default()
}

/// What `status.syncedResourceVersion` is when the object is synced as it is.
pub(crate) fn version_of(object: &Value) -> String {
    let metadata = &object["metadata"];
    let map = |field: &str| -> Option<BTreeMap<String, String>> {
        serde_json::from_value(metadata[field].clone()).unwrap()
    };
    let generation = metadata["generation"].as_i64().unwrap_or_default();
    synced_resource_version(generation, map("annotations").as_ref(), map("labels").as_ref())
}

/// The data of a Secret.
fn decoded(secret: &Value) -> impl IntoIterator<Item = (String, Vec<u8>)> {
    let data = secret["data"].as_object().cloned().unwrap_or_default();
    data.into_iter()
        .map(|(key, value)| (key, STANDARD.decode(value.as_str().unwrap_or_default()).unwrap()))
}

/// A Secret without the controller's marks, and with readable values.
pub(crate) fn plain(secret: &Value) -> Value {
    let unmarked = |field: &str| -> Map<String, Value> {
        let all = secret["metadata"][field].as_object().cloned().unwrap_or_default();
        all.into_iter()
            .filter(|(key, _)| ![MANAGED, CREATED_BY, DATA_HASH].contains(&key.as_str()))
            .collect()
    };
    let data: BTreeMap<String, String> = decoded(secret)
        .into_iter()
        .map(|(key, value)| (key, String::from_utf8_lossy(&value).into_owned()))
        .collect();
    json!({
        "type": secret["type"], "data": data,
        "labels": unmarked("labels"), "annotations": unmarked("annotations"),
    })
}

/// Adds the fields of `more`, those of objects within objects one by one.
pub(crate) fn merge(into: &mut Value, more: &Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, more) => *into = more.clone(),
    }
}
