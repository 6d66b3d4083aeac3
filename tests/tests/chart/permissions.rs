//! What the chart lets the controller do is what the controller does.
//!
//! The audit log of the API server has every request: none may be refused, and no verb of a role may be
//! missing in it.

use std::collections::BTreeSet;
use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::{Aws, Permissions};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::release::{Audited, Release, Use, audited};

const MINUTE: Duration = Duration::from_mins(1);

/// A finalizer of External Secrets Operator, which the controller takes off.
const FINALIZER: &str = "externalsecrets.external-secrets.io/externalsecret-cleanup";
const CLUSTER_FINALIZER: &str = "externalsecrets.external-secrets.io/clusterexternalsecret-cleanup";

/// Objects of one namespace, and AWS.
struct Scene<'a> {
    cluster: &'a Cluster,
    api: Api,
    aws: Aws,
    namespace: String,
    /// The class of its controller: tests that share the cluster leave each other alone.
    class: String,
}

impl<'a> Scene<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let aws = Aws::start();
        for name in ["db", "gone"] {
            aws.secrets().put(name, "one");
        }
        let namespace = cluster.fresh_namespace();
        Self { cluster, api: Api::of(cluster), aws, class: namespace.clone(), namespace }
    }

    fn core(&self, path: &str) -> String {
        format!("api/v1/namespaces/{}/{path}", self.namespace)
    }

    fn ours(&self, path: &str) -> String {
        format!("{EXTERNAL_SECRETS}/namespaces/{}/{path}", self.namespace)
    }

    fn create_core(&self, path: &str, object: &Value) {
        self.api.create(&self.core(path), object);
    }

    /// The spec of a store with these credentials.
    fn store(&self, auth: &Value) -> Value {
        let mut aws = json!({ "service": "SecretsManager", "region": self.aws.region() });
        if !auth.is_null() {
            aws["auth"] = auth.clone();
        }
        json!({ "controller": self.class, "provider": { "aws": aws } })
    }

    fn create_store(&self, name: &str, auth: &Value) {
        let store = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
            "metadata": { "name": name }, "spec": self.store(auth),
        });
        self.api.create(&self.ours("secretstores"), &store);
    }

    /// An ExternalSecret that is called like its store, or like its key, with more in its spec.
    fn external_secret(&self, name: &str, store: &str, key: &str, more: &Value) {
        let mut object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
            "metadata": { "name": name, "finalizers": [FINALIZER] },
            "spec": {
                "refreshInterval": "1s",
                "secretStoreRef": { "name": store, "kind": "SecretStore" },
                "data": [{ "secretKey": "value", "remoteRef": { "key": key } }],
            },
        });
        for (field, value) in more.as_object().into_iter().flatten() {
            object["spec"][field] = value.clone();
        }
        self.api.create(&self.ours("externalsecrets"), &object);
    }

    fn secret(&self, name: &str) -> Option<Value> {
        self.api.get(&self.core(&format!("secrets/{name}")))
    }

    #[track_caller]
    fn has(&self, name: &str, value: Option<&str>) {
        wait_until(MINUTE, &format!("Secret {name} has {value:?}"), || {
            let secret = self.secret(name);
            let found = secret.as_ref().map(|it| it["data"]["value"].as_str().unwrap_or_default());
            (found == value).then_some(())
        });
    }

    /// Everything that an ExternalSecret can make the controller do in its namespace.
    fn plays(&self, audited: &Audited, user: &str, tokens: bool) {
        self.create_store("own", &Value::Null);
        let keys = self.aws.admin();
        let data = json!({ "id": keys.access_key_id, "key": keys.secret_access_key });
        self.create_core(
            "secrets",
            &json!({ "metadata": { "name": "credentials" }, "stringData": data }),
        );
        let of = |key: &str| json!({ "name": "credentials", "key": key });
        let refs =
            json!({ "accessKeyIDSecretRef": of("id"), "secretAccessKeySecretRef": of("key") });
        self.create_store("keys", &json!({ "secretRef": refs }));
        let role =
            self.aws.role_of(self.cluster, &self.namespace, "reader", Permissions::Everything);
        let annotations = json!({ "eks.amazonaws.com/role-arn": role });
        let account = json!({ "metadata": { "name": "reader", "annotations": annotations } });
        self.create_core("serviceaccounts", &account);
        self.create_store(
            "account",
            &json!({ "jwt": { "serviceAccountRef": { "name": "reader" } } }),
        );
        let text = json!({ "metadata": { "name": "text" }, "data": { "value": "text" } });
        self.create_core("configmaps", &text);

        let from = json!({ "configMap": { "name": "text", "items": [{ "key": "value" }] } });
        let template = json!({ "target": { "template": { "templateFrom": [from] } } });
        self.external_secret("own", "own", "db", &Value::Null);
        self.external_secret("keys", "keys", "db", &Value::Null);
        self.external_secret("templated", "own", "db", &template);
        self.external_secret(
            "gone",
            "own",
            "gone",
            &json!({ "target": { "deletionPolicy": "Delete" } }),
        );
        for name in ["own", "keys", "gone"] {
            self.has(name, Some("b25l"));
        }
        wait_until(MINUTE, "the templated Secret", || self.secret("templated"));
        self.external_secret("account", "account", "db", &Value::Null);
        if tokens {
            self.has("account", Some("b25l"));
        }
        self.aws.secrets().put("db", "two");
        self.has("own", Some("dHdv"));
        self.aws.secrets().delete("gone");
        self.has("gone", None);
        let object = self.ours("externalsecrets/own");
        wait_until(MINUTE, "the finalizer is taken off", || {
            let object = self.api.get(&object).unwrap();
            object["metadata"]["finalizers"].is_null().then_some(())
        });

        // Who is always a little late has to read once more.
        let reads = Use::of("external-secrets.io", "externalsecrets", "get");
        let mut number = 0;
        wait_until(MINUTE, "a status that was written too late", || {
            for _ in 0..50 {
                number += 1;
                let labels = json!({ "metadata": { "labels": { "n": number.to_string() } } });
                self.api.patch(&object, &labels);
            }
            audited.requests_of(user).iter().any(|(used, _)| *used == reads).then_some(())
        });
    }

    /// Workloads that read the Secret are restarted when it changes.
    fn plays_restarts(&self) {
        let container = json!({
            "name": "web", "image": "example.test/web",
            "env": [{ "name": "VALUE", "valueFrom": { "secretKeyRef": { "name": "own", "key": "value" } } }],
        });
        let labels = json!({ "app": "web" });
        let spec = json!({
            "replicas": 1,
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        });
        let kinds = [
            ("apps/v1", "deployments", "Deployment"),
            ("apps/v1", "statefulsets", "StatefulSet"),
            ("apps/v1", "daemonsets", "DaemonSet"),
            ("argoproj.io/v1alpha1", "rollouts", "Rollout"),
        ];
        let path = |group: &str, plural: &str| {
            format!("apis/{group}/namespaces/{}/{plural}", self.namespace)
        };
        for (group, plural, kind) in kinds {
            let mut spec = spec.clone();
            match kind {
                "DaemonSet" => _ = spec.as_object_mut().unwrap().remove("replicas"),
                "StatefulSet" => spec["serviceName"] = json!("web"),
                _ => {}
            }
            let asks = json!({ "extsecret.io/restart": "auto" });
            let mut workload = json!({
                "apiVersion": group, "kind": kind,
                "metadata": { "name": "web", "annotations": asks }, "spec": spec,
            });
            if kind == "Rollout" {
                // Its own controller is not there, and says so otherwise.
                workload["status"] =
                    json!({ "phase": "Healthy", "replicas": 1, "observedGeneration": "1" });
            }
            self.api.create(&path(group, plural), &workload);
        }
        // One that asks only when its pods run with an old value.
        let late = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "late" }, "spec": spec,
        });
        self.api.create(&path("apps/v1", "deployments"), &late);
        let get = |group: &str, plural: &str| self.api.get(&format!("{}/web", path(group, plural)));
        for (group, plural, _) in kinds {
            wait_until(MINUTE, &format!("what {plural} read is written down"), || {
                let workload = get(group, plural)?;
                let record = &workload["metadata"]["annotations"]["extsecret.io/restart-record"];
                record.is_string().then_some(())
            });
        }
        self.aws.secrets().put("db", "three");
        for (group, plural, kind) in kinds {
            wait_until(MINUTE, &format!("{plural} are restarted"), || {
                let spec = &get(group, plural)?["spec"];
                let marker =
                    &spec["template"]["metadata"]["annotations"]["extsecret.io/restarted-for"];
                let at = &spec["restartAt"];
                (if kind == "Rollout" { at } else { marker }).is_string().then_some(())
            });
        }
        let late = format!("{}/late", path("apps/v1", "deployments"));
        self.api.patch(
            &late,
            &json!({ "metadata": { "annotations": { "extsecret.io/restart": "auto" } } }),
        );
        wait_until(MINUTE, "who asks late is restarted", || {
            let template = &self.api.get(&late)?["spec"]["template"];
            template["metadata"]["annotations"]["extsecret.io/restarted-for"]
                .is_string()
                .then_some(())
        });
    }

    /// The same with the cluster-wide kinds. The namespace is selected, then not any more.
    fn plays_cluster_wide(&self) {
        let name = &self.namespace;
        let namespace = format!("api/v1/namespaces/{name}");
        let held = format!("externalsecrets.external-secrets.io/ces-{name}");
        let selected = json!({ "metadata": { "labels": { "team": name }, "finalizers": [held] } });
        self.api.patch(&namespace, &selected);
        let store = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ClusterSecretStore",
            "metadata": { "name": name }, "spec": self.store(&Value::Null),
        });
        self.api.create(&format!("{EXTERNAL_SECRETS}/clustersecretstores"), &store);
        let spec = json!({
            "refreshInterval": "1s",
            "secretStoreRef": { "name": name, "kind": "ClusterSecretStore" },
            "data": [{ "secretKey": "value", "remoteRef": { "key": "db" } }],
        });
        let object = json!({
            "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
            "metadata": { "name": name, "finalizers": [CLUSTER_FINALIZER] },
            "spec": {
                "externalSecretName": "everywhere",
                "namespaceSelectors": [{ "matchLabels": { "team": name } }],
                "externalSecretSpec": spec,
            },
        });
        let path = format!("{EXTERNAL_SECRETS}/clusterexternalsecrets");
        self.api.create(&path, &object);
        self.has("everywhere", Some("dHdv"));

        let object = format!("{path}/{name}");
        let slower = json!({ "spec": { "externalSecretSpec": { "refreshInterval": "1h" } } });
        self.api.patch(&object, &slower);
        wait_until(MINUTE, "the ExternalSecret is updated", || {
            let made = self.api.get(&self.ours("externalsecrets/everywhere"))?;
            (made["spec"]["refreshInterval"] == "1h").then_some(())
        });
        for path in [&object, &namespace] {
            wait_until(MINUTE, "ESO's finalizers are taken off", || {
                self.api.get(path).unwrap()["metadata"]["finalizers"].is_null().then_some(())
            });
        }
        self.api.patch(&namespace, &json!({ "metadata": { "labels": { "team": null } } }));
        wait_until(MINUTE, "the ExternalSecret is deleted", || {
            self.api.get(&self.ours("externalsecrets/everywhere")).is_none().then_some(())
        });
        wait_until(MINUTE, "nothing is provisioned", || {
            let object = self.api.get(&object).unwrap();
            object["status"]["provisionedNamespaces"].is_null().then_some(())
        });
    }
}

impl Use {
    fn of(group: &str, resource: &str, verb: &str) -> Self {
        Self { group: group.to_owned(), resource: resource.to_owned(), verb: verb.to_owned() }
    }
}

/// What roles allow. Those that only add to roles of people are not the controller's.
fn granted(objects: &[Value]) -> BTreeSet<Use> {
    let is_role = |it: &&Value| {
        let labels = it["metadata"]["labels"].to_string();
        (it["kind"] == "Role" || it["kind"] == "ClusterRole") && !labels.contains("aggregate-to")
    };
    let texts = |list: &Value| -> Vec<String> {
        list.as_array().unwrap().iter().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    let mut granted = BTreeSet::new();
    for rule in objects.iter().filter(is_role).flat_map(|it| it["rules"].as_array().unwrap()) {
        for group in texts(&rule["apiGroups"]) {
            for resource in texts(&rule["resources"]) {
                let verbs = texts(&rule["verbs"]);
                granted.extend(verbs.iter().map(|verb| Use::of(&group, &resource, verb)));
            }
        }
    }
    granted
}

/// Nothing was refused, and nothing is allowed that was not used.
#[track_caller]
fn uses_what_it_may(audited: &Audited, release: &Release<'_>, controller: Controller) {
    let said = controller.stop();
    let requests = audited.requests_of(&release.user());
    let refused: BTreeSet<_> =
        requests.iter().filter(|(_, allowed)| !allowed).map(|(used, _)| used).collect();
    assert!(refused.is_empty(), "refused: {refused:#?}");
    // What it says itself of a refusal, in whatever place.
    for words in ["Forbidden", "(403)", "not allow", "may not"] {
        assert!(!said.contains(words), "{words}: {said}");
    }
    let used: BTreeSet<_> = requests.into_iter().map(|(used, _)| used).collect();
    let granted = granted(&release.objects());
    assert!(granted.len() >= 15, "{granted:#?}");
    // Nobody asks for these: the API server looks at them when an owner is named, which the test
    // `owners_need_their_finalizers` shows.
    let unused: BTreeSet<_> = granted
        .difference(&used)
        .filter(|it| !(it.resource.ends_with("/finalizers") && it.verb == "update"))
        .collect();
    assert!(unused.is_empty(), "granted and never used: {unused:#?}");
    let beyond: BTreeSet<_> = used.difference(&granted).collect();
    assert!(beyond.is_empty(), "used and not granted by the chart: {beyond:#?}");
}

#[test]
fn a_full_installation_uses_all_that_it_may() {
    let audited = require!(audited());
    let scene = Scene::new(&audited.cluster);
    let values = json!({ "controllerClass": scene.class });
    let release = Release::install(&audited.cluster, &values);
    let controller = release.controller(&scene.aws).start();
    scene.plays(audited, &release.user(), true);
    scene.plays_cluster_wide();
    uses_what_it_may(audited, &release, controller);
}

#[test]
fn a_scoped_installation_needs_roles_only() {
    let audited = require!(audited());
    let scene = Scene::new(&audited.cluster);
    let values = json!({
        "controllerClass": scene.class, "scopedNamespace": scene.namespace, "scopedRBAC": true,
    });
    let release = Release::install(&audited.cluster, &values);
    let kinds: Vec<_> = release.objects().iter().map(|it| it["kind"].clone()).collect();
    let is_cluster_wide = |it: &&Value| it.as_str().unwrap().starts_with("Cluster");
    assert_eq!(kinds.iter().find(is_cluster_wide), None, "{kinds:?}");
    let elsewhere = Scene { class: scene.class.clone(), ..Scene::new(&audited.cluster) };
    elsewhere.create_store("own", &Value::Null);
    elsewhere.external_secret("own", "own", "db", &Value::Null);
    let controller = release.controller(&scene.aws).start();
    scene.plays(audited, &release.user(), true);
    let path = elsewhere.ours("externalsecrets/own");
    assert!(elsewhere.api.get(&path).unwrap()["status"].is_null());
    uses_what_it_may(audited, &release, controller);
}

/// Another namespace than its own, Rollouts among the workloads, and a key that has to be made.
#[test]
fn restarts_use_all_that_they_may() {
    let audited = require!(audited());
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "rollouts.argoproj.io" },
        "spec": {
            "group": "argoproj.io", "scope": "Namespaced",
            "names": { "kind": "Rollout", "plural": "rollouts" },
            "versions": [{
                "name": "v1alpha1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true,
                } },
            }],
        },
    });
    let kubectl = |args: &[&str]| audited.cluster.kubectl(args);
    kubectl(&["apply", "--filename=-"]).stdin(definition.to_string()).run().succeeded();
    audited.cluster.wait_established("rollouts.argoproj.io");
    let scene = Scene::new(&audited.cluster);
    let values = json!({
        "controllerClass": scene.class,
        "scopedNamespace": scene.namespace,
        "restarts": { "enabled": true },
        "extraArgs": { "restart-debounce": "1s", "restart-max-hold": "2s", "restart-min-interval": "1s" },
    });
    let release = Release::install(&audited.cluster, &values);
    let controller = release.controller(&scene.aws).start();
    scene.plays(audited, &release.user(), true);
    scene.plays_restarts();
    uses_what_it_may(audited, &release, controller);
}

#[test]
fn an_installation_that_only_syncs_makes_no_tokens() {
    let audited = require!(audited());
    let scene = Scene::new(&audited.cluster);
    let values = json!({
        "controllerClass": scene.class,
        "processClusterStore": false,
        "processClusterExternalSecret": false,
        "rbac": { "serviceAccountTokenCreate": false },
    });
    let release = Release::install(&audited.cluster, &values);
    let mut controller = release.controller(&scene.aws).start();
    // Somebody else may let it make the token of one account.
    let name = "--resource-name=reader";
    let kubectl = |args: &[&str]| {
        audited.cluster.kubectl(args).namespace(&scene.namespace).run().succeeded();
    };
    scene.plays(audited, &release.user(), false);
    let store = scene.ours("secretstores/account");
    let message = wait_until(MINUTE, "the store says what is missing", || {
        let store = scene.api.get(&store)?;
        let ready = extsecret_tests::fleet::ready(&store)?;
        (ready["status"] == "False").then(|| ready["message"].as_str().unwrap().to_owned())
    });
    assert!(message.contains("may not `create serviceaccounts/token`"), "{message}");
    controller.kill();

    kubectl(&[
        "create",
        "role",
        "token",
        "--verb=create",
        "--resource=serviceaccounts/token",
        name,
    ]);
    let subject = format!("--serviceaccount={}:{}", release.namespace, release.account());
    kubectl(&["create", "rolebinding", "token", "--role=token", &subject]);
    controller = release.controller(&scene.aws).start();
    scene.has("account", Some("dHdv"));
    controller.stop();
    let token = Use::of("", "serviceaccounts/token", "create");
    let requests = audited.requests_of(&release.user());
    let refused: BTreeSet<_> =
        requests.iter().filter(|(_, allowed)| !allowed).map(|(used, _)| used).collect();
    assert_eq!(refused, BTreeSet::from([&token]));
    let used: BTreeSet<_> = requests.iter().map(|(used, _)| used.clone()).collect();
    let granted = granted(&release.objects());
    assert!(!granted.contains(&token));
    let unused: Vec<_> =
        granted.difference(&used).filter(|it| !it.resource.ends_with("/finalizers")).collect();
    assert!(unused.is_empty(), "granted and never used: {unused:#?}");
}

/// Where owners are protected, a Secret is made only by who may finalize its owner.
#[test]
fn owners_need_their_finalizers() {
    let audited = require!(audited());
    let scene = Scene::new(&audited.cluster);
    let values = json!({ "controllerClass": scene.class, "openshiftFinalizers": false });
    let release = Release::install(&audited.cluster, &values);
    let controller = release.controller(&scene.aws).start();
    scene.create_store("own", &Value::Null);
    scene.external_secret("own", "own", "db", &Value::Null);
    // The first condition may be another one: the store is listed by a watch of its own, which can be later.
    wait_until(MINUTE, "the refusal", || {
        let object = scene.api.get(&scene.ours("externalsecrets/own"))?;
        let ready = extsecret_tests::fleet::ready(&object)?;
        let refused = ready["status"] == "False"
            && ready["message"].as_str().unwrap().contains("not allowed to write it");
        refused.then_some(())
    });
    assert_eq!(scene.secret("own"), None);
    controller.stop();
}
