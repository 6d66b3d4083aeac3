//! ClusterExternalSecrets in a real cluster: who gets an ExternalSecret and a Secret, who keeps them,
//! and who loses them.

use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::require;
use serde_json::{Value, json};

const MINUTE: Duration = Duration::from_mins(1);
const NAMESPACES: &str = "api/v1/namespaces";

/// What a test works with: its namespaces carry its label, its objects its name.
struct Bench {
    name: &'static str,
    api: Api,
    aws: Aws,
}

impl Bench {
    fn new(cluster: &Cluster, name: &'static str) -> Self {
        let (api, aws) = (Api::of(cluster), Aws::start());
        aws.secrets().put("app/db", "CANARY");
        let store = json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterSecretStore",
            "metadata": { "name": name },
            "spec": {
                "provider": { "aws": { "service": "SecretsManager", "region": aws.region() } },
            },
        });
        api.create(&format!("{EXTERNAL_SECRETS}/clustersecretstores"), &store);
        Self { name, api, aws }
    }

    /// A namespace that is selected, or not.
    fn namespace(&self, suffix: &str, selected: bool) -> String {
        let name = format!("{}-{suffix}", self.name);
        let mut namespace =
            json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
        if selected {
            namespace["metadata"]["labels"] = json!({ "team": self.name });
        }
        self.api.create(NAMESPACES, &namespace);
        name
    }

    fn select(&self, namespace: &str, team: Option<&str>) {
        let labels = json!({ "metadata": { "labels": { "team": team } } });
        self.api.patch(&format!("{NAMESPACES}/{namespace}"), &labels);
    }

    fn external_secret_spec(&self) -> Value {
        json!({
            "secretStoreRef": { "name": self.name, "kind": "ClusterSecretStore" },
            "refreshInterval": "1h",
            "target": { "name": "db" },
            "data": [{ "secretKey": "db", "remoteRef": { "key": "app/db" } }],
        })
    }

    /// What selects the namespaces of this test.
    fn selectors(&self) -> Value {
        json!([{ "matchLabels": { "team": self.name } }])
    }

    /// A ClusterExternalSecret that is called like this test.
    fn cluster_external_secret(&self) -> Value {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ClusterExternalSecret",
            "metadata": { "name": self.name },
            "spec": {
                "externalSecretName": "web",
                "externalSecretMetadata": { "labels": { "from": "cluster" } },
                "namespaceSelectors": self.selectors(),
                "refreshTime": "1h",
                "externalSecretSpec": self.external_secret_spec(),
            },
        })
    }

    fn create(&self, object: &Value) {
        self.api.create(&format!("{EXTERNAL_SECRETS}/clusterexternalsecrets"), object);
    }

    fn path(&self) -> String {
        format!("{EXTERNAL_SECRETS}/clusterexternalsecrets/{}", self.name)
    }

    fn external_secret(&self, namespace: &str, name: &str) -> Option<Value> {
        let path = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/externalsecrets/{name}");
        self.api.get(&path)
    }

    fn secret(&self, namespace: &str) -> Option<Value> {
        self.api.get(&format!("{NAMESPACES}/{namespace}/secrets/db"))
    }

    /// Waits until an ExternalSecret is ready, and returns it and its Secret.
    #[track_caller]
    fn synced(&self, namespace: &str, name: &str) -> (Value, Value) {
        wait_until(MINUTE, &format!("{namespace}/{name} is ready"), || {
            let object = self.external_secret(namespace, name)?;
            let ready = object["status"]["conditions"][0]["status"] == "True";
            ready.then(|| self.secret(namespace)).flatten().map(|secret| (object, secret))
        })
    }

    /// Waits until the status is this: provisioned namespaces, failed ones, and `Ready`.
    #[track_caller]
    fn status(&self, provisioned: &[&str], failed: &[&str]) -> Value {
        let ready = if failed.is_empty() { "True" } else { "False" };
        let what = format!("the status {provisioned:?} {failed:?}");
        wait_until(MINUTE, &what, || {
            let status = self.api.get(&self.path())?["status"].take();
            let list = |field: &str, name: &dyn Fn(&Value) -> Value| {
                let items = status[field].as_array().into_iter().flatten();
                items.map(name).collect::<Vec<_>>()
            };
            let holds = list("provisionedNamespaces", &Value::clone) == provisioned
                && list("failedNamespaces", &|it| it["namespace"].clone()) == failed
                && status["conditions"][0]["status"] == ready;
            holds.then(|| status.clone())
        })
    }

    /// Versions of everything that a controller could write.
    fn versions(&self) -> Vec<(String, Value)> {
        let mut versions = Vec::new();
        for kind in ["externalsecrets", "clusterexternalsecrets", "clustersecretstores"] {
            versions.extend(self.api.list(&format!("{EXTERNAL_SECRETS}/{kind}")));
        }
        let selector = "labelSelector=reconcile.external-secrets.io/managed=true";
        versions.extend(self.api.list(&format!("api/v1/secrets?{selector}")));
        versions.extend(self.api.list(NAMESPACES));
        let version = |object: Value| {
            let metadata = &object["metadata"];
            let name = format!("{} {}", metadata["namespace"], metadata["name"]);
            (name, metadata["resourceVersion"].clone())
        };
        versions.into_iter().map(version).collect()
    }
}

fn uid(object: &Value) -> &Value {
    &object["metadata"]["uid"]
}

/// Whether a controller has looked at a ClusterExternalSecret.
fn looked(controller: &mut Controller, name: &str) {
    let series =
        format!(r#"clusterexternalsecret_reconcile_duration{{name="{name}",namespace=""}}"#);
    controller.wait_until(MINUTE, "a look", |it| it.metric(&series) > 0.0);
}

#[test]
fn namespaces_have_it_as_long_as_they_are_selected() {
    let cluster = require!(Cluster::setup().definitions().start());
    let bench = Bench::new(&cluster, "selected");
    let [web, taken, other] = [("web", true), ("taken", true), ("other", false)]
        .map(|(suffix, selected)| bench.namespace(suffix, selected));
    let foreign = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": "web", "labels": { "mine": "yes" } },
        "spec": bench.external_secret_spec(),
    });
    let below_taken = format!("{EXTERNAL_SECRETS}/namespaces/{taken}/externalsecrets");
    let foreign = bench.api.create(&below_taken, &foreign);
    bench.create(&bench.cluster_external_secret());
    let controller = Controller::start(&cluster, &bench.aws, &[]);

    let (made, secret) = bench.synced(&web, "web");
    assert_eq!(secret["data"]["db"], "Q0FOQVJZ");
    assert_eq!(made["metadata"]["labels"], json!({ "from": "cluster" }));
    let owner = &made["metadata"]["ownerReferences"][0];
    assert_eq!(
        (&owner["kind"], &owner["controller"]),
        (&json!("ClusterExternalSecret"), &json!(true))
    );
    let status = bench.status(&[&web], &[&taken]);
    assert_eq!(status["externalSecretName"], "web");
    assert_eq!(status["conditions"][0]["message"], "one or more namespaces failed");
    let reason = status["failedNamespaces"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("external secret already exists in namespace: "), "{reason}");
    let now = bench.external_secret(&taken, "web").unwrap();
    assert_eq!((uid(&now), &now["metadata"]["generation"]), (uid(&foreign), &json!(1)));
    assert_eq!(now["metadata"]["labels"], json!({ "mine": "yes" }));
    assert!(now["metadata"].get("ownerReferences").is_none(), "{now}");
    assert_eq!(bench.external_secret(&other, "web"), None);

    // A namespace that is made later, and one that is selected later.
    let late = bench.namespace("late", true);
    bench.select(&other, Some(bench.name));
    bench.synced(&late, "web");
    bench.synced(&other, "web");
    bench.status(&[&late, &other, &web], &[&taken]);

    // What somebody changes or deletes is repaired.
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{late}/externalsecrets/web");
    bench.api.patch(&path, &json!({ "spec": { "data": [] }, "metadata": { "labels": null } }));
    wait_until(MINUTE, "the repair", || {
        let now = bench.external_secret(&late, "web")?;
        let same = ["spec", "metadata"].map(|part| now[part]["data"] == made[part]["data"]);
        (same == [true; 2] && now["metadata"]["labels"]["from"] == "cluster").then_some(())
    });
    bench.api.delete(&path);
    wait_until(MINUTE, "another one", || {
        let now = bench.external_secret(&late, "web")?;
        (uid(&now) != uid(&made)).then_some(())
    });

    // The label goes, and with it both.
    bench.select(&late, None);
    wait_until(MINUTE, "the end of it", || {
        let left = [bench.external_secret(&late, "web"), bench.secret(&late)];
        (left == [None, None]).then_some(())
    });
    bench.status(&[&other, &web], &[&taken]);
    assert_eq!(uid(&bench.synced(&web, "web").1), uid(&secret));

    // Whoever had the name gives it up.
    bench.api.delete(&format!("{below_taken}/web"));
    bench.synced(&taken, "web");
    bench.status(&[&other, &taken, &web], &[]);
    let ready = r#"clusterexternalsecret_status_condition{condition="Ready",name="selected",namespace="",status="True"}"#;
    assert!(controller.metric(ready) > 0.0);
    let events = bench.api.list("api/v1/namespaces/default/events");
    let about = |event: &&Value| event["involvedObject"]["name"] == bench.name;
    let reasons: Vec<_> = events.iter().filter(about).map(|event| &event["reason"]).collect();
    for reason in ["Created", "Deleted", "UpdateFailed", "Provisioned"] {
        assert!(reasons.contains(&&json!(reason)), "{reason} is not in {reasons:?}");
    }

    // Another controller finds everything as it should be.
    controller.stop();
    let before = bench.versions();
    let mut controller = Controller::start(&cluster, &bench.aws, &[]);
    looked(&mut controller, bench.name);
    for namespace in [&web, &other, &taken] {
        let series =
            format!(r#"externalsecret_reconcile_duration{{name="web",namespace="{namespace}"}}"#);
        controller.wait_until(MINUTE, "a look", |it| it.metric(&series) > 0.0);
    }
    let text = controller.stop();
    assert_eq!(bench.versions(), before, "{text}");

    // Switched off, it does nothing, and says nothing.
    let off = ["--enable-cluster-external-secret-reconciler=false"];
    let controller = Controller::start(&cluster, &bench.aws, &off);
    let another = bench.namespace("another", true);
    bench.api.delete(&bench.path());
    wait_until(MINUTE, "garbage collection", || {
        let left = [&web, &other, &taken].map(|namespace| {
            bench.external_secret(namespace, "web").or_else(|| bench.secret(namespace))
        });
        (left == [None, None, None]).then_some(())
    });
    assert_eq!(bench.external_secret(&another, "web"), None);
    assert!(!controller.stop().contains("CANARY"));
}

#[test]
fn nothing_goes_that_is_not_known_to_have_to() {
    let cluster = require!(Cluster::setup().definitions().start());
    let bench = Bench::new(&cluster, "kept");
    let [web, copied] = [("web", true), ("copied", false)]
        .map(|(suffix, selected)| bench.namespace(suffix, selected));
    bench.create(&bench.cluster_external_secret());
    let controller = Controller::start(&cluster, &bench.aws, &[]);
    let (made, secret) = bench.synced(&web, "web");
    bench.status(&[&web], &[]);

    // A copy, as `kubectl get -o yaml` gives it, is somebody's.
    let copy = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": { "name": "web", "ownerReferences": made["metadata"]["ownerReferences"] },
        "spec": made["spec"],
    });
    bench.api.create(&format!("{EXTERNAL_SECRETS}/namespaces/{copied}/externalsecrets"), &copy);
    bench.synced(&copied, "web");

    // A selector that cannot be read selects nothing, which says nothing.
    let nonsense = json!([{ "matchExpressions": [
        { "key": "team", "operator": "Equals", "values": [bench.name] },
    ] }]);
    bench.api.patch(&bench.path(), &json!({ "spec": { "namespaceSelectors": nonsense } }));
    let status = bench.status(&[&web], &["unknown"]);
    let reason = status["failedNamespaces"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("spec.namespaceSelectors[0]: operator \"Equals\""), "{reason}");

    // Another name, the same target: the Secret stays the one that it is.
    let renamed = json!({ "spec": { "namespaceSelectors": bench.selectors(), "externalSecretName": "site" } });
    bench.api.patch(&bench.path(), &renamed);
    wait_until(MINUTE, "the new name", || {
        bench.external_secret(&web, "web").is_none().then_some(())
    });
    let (_, kept) = bench.synced(&web, "site");
    assert_eq!(uid(&kept), uid(&secret));
    assert_eq!(kept["metadata"]["ownerReferences"][0]["name"], "site");
    assert_eq!(bench.status(&[&web], &[])["externalSecretName"], "site");

    let (_, copy) = bench.synced(&copied, "web");
    assert_eq!(copy["data"]["db"], "Q0FOQVJZ");
    controller.stop();
}

#[test]
fn what_external_secrets_operator_made_is_taken_over() {
    let cluster = require!(Cluster::setup().definitions().start());
    let bench = Bench::new(&cluster, "taken-over");
    let web = bench.namespace("web", true);
    let guard = "externalsecrets.external-secrets.io/ces-taken-over";
    let namespace = format!("{NAMESPACES}/{web}");
    bench.api.patch(&namespace, &json!({ "metadata": { "finalizers": [guard] } }));
    let mut object = bench.cluster_external_secret();
    object["metadata"]["finalizers"] =
        json!(["externalsecrets.external-secrets.io/clusterexternalsecret-cleanup"]);
    bench.create(&object);
    let status = json!({ "status": {
        "externalSecretName": "web",
        "provisionedNamespaces": [web],
        "conditions": [{ "type": "Ready", "status": "True" }],
    } });
    let object = bench.api.patch(&format!("{}/status", bench.path()), &status);
    // What went through Go: the interval is spelled out.
    let mut spec = bench.external_secret_spec();
    spec["refreshInterval"] = json!("1h0m0s");
    let made = json!({
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {
            "name": "web",
            "labels": { "from": "cluster" },
            "ownerReferences": [{
                "apiVersion": "external-secrets.io/v1",
                "kind": "ClusterExternalSecret",
                "name": bench.name,
                "uid": uid(&object),
                "controller": true,
                "blockOwnerDeletion": true,
            }],
        },
        "spec": spec,
    });
    let path = format!("{EXTERNAL_SECRETS}/namespaces/{web}/externalsecrets");
    let made = bench.api.create(&path, &made);
    let mut controller = Controller::start(&cluster, &bench.aws, &[]);
    looked(&mut controller, bench.name);
    let (now, _) = bench.synced(&web, "web");
    for field in ["uid", "generation", "labels", "ownerReferences"] {
        assert_eq!(now["metadata"][field], made["metadata"][field], "{field}");
    }
    let after = bench.api.get(&bench.path()).unwrap();
    assert_eq!(after["status"], object["status"]);
    assert!(after["metadata"].get("finalizers").is_none(), "{after}");
    assert!(bench.api.get(&namespace).unwrap()["metadata"].get("finalizers").is_none());

    // One that ESO, still there, puts on again does not keep a namespace.
    bench.api.patch(&namespace, &json!({ "metadata": { "finalizers": [guard] } }));
    bench.api.delete(&namespace);
    wait_until(MINUTE, "the end of the namespace", || {
        bench.api.get(&namespace).is_none().then_some(())
    });
    bench.status(&[], &[]);
    controller.stop();
}
