//! `doctor`, on clusters that are well and clusters that are not.

use std::time::Duration;

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::{kes, require};
use serde_json::{Value, json};

use crate::{assert_code, assert_says, external_secret, run, spec, synced};

const DEPLOYMENTS: &str = "apis/apps/v1/namespaces";

/// Runs a program as a Deployment, and waits until its pods run, or do not want to.
pub(crate) fn deploy(
    api: &Api,
    namespace: &str,
    name: &str,
    image: &str,
    args: &[&str],
    pod: &Value,
) {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name }, "annotations": pod },
                "spec": { "containers": [{ "name": name, "image": image, "args": args }] },
            },
        },
    });
    api.create(&format!("{DEPLOYMENTS}/{namespace}/deployments"), &deployment);
    wait_until(Duration::from_mins(1), "its pod was started", || {
        let pods =
            api.list(&format!("api/v1/namespaces/{namespace}/pods?labelSelector=app={name}"));
        pods.iter().find(|pod| !pod["status"]["containerStatuses"].is_null()).map(|_| ())
    });
    if pod.is_null() {
        available(api, namespace, name, 1);
    }
}

fn available(api: &Api, namespace: &str, name: &str, count: u64) {
    wait_until(Duration::from_mins(1), "so many are available", || {
        let it = api.get(&format!("{DEPLOYMENTS}/{namespace}/deployments/{name}")).unwrap();
        (it["status"]["availableReplicas"].as_u64().unwrap_or_default() == count).then_some(())
    });
}

fn scale(api: &Api, namespace: &str, name: &str, replicas: u64) {
    let path = format!("{DEPLOYMENTS}/{namespace}/deployments/{name}");
    api.patch(&path, &json!({ "spec": { "replicas": replicas } }));
    available(api, namespace, name, replicas);
}

pub(crate) fn store(api: &Api, namespace: &str, name: &str, ready: &str, message: &str) {
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": name },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": "eu-west-1" } } },
    });
    let list = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores");
    api.create(&list, &store);
    let condition = json!({ "type": "Ready", "status": ready, "message": message });
    let status = json!({ "status": { "conditions": [condition] } });
    api.patch(&format!("{list}/{name}/status"), &status);
}

/// A Lease that was renewed so long ago.
fn lease(api: &Api, namespace: &str, name: &str, seconds: i64) {
    let then =
        jiff::Timestamp::now().checked_sub(jiff::SignedDuration::from_secs(seconds)).unwrap();
    let lease = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name },
        "spec": {
            "holderIdentity": "pod-a", "leaseDurationSeconds": 15,
            "renewTime": then.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string(),
        },
    });
    api.create(&format!("apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"), &lease);
}

pub(crate) const ESO: &str = "ghcr.io/external-secrets/external-secrets:v2.9.0";
pub(crate) const KES: &str = "ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5";

/// A cluster of its own that serves both APIs.
pub(crate) fn both_apis() -> Option<Cluster> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kes.yaml");
    std::fs::write(&file, kes::DEFINITION).unwrap();
    Cluster::setup().definitions().crds(&file).user("guest").start()
}

#[test]
fn a_cluster_that_is_well_and_then_is_not() {
    let cluster = require!(both_apis());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();

    // Nobody reconciles, and nothing is to be reconciled.
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["!   no Deployment reconciles ExternalSecrets", "0 SecretStores"]);

    let status = synced("True", "SecretSynced", "secret synced", 60);
    external_secret(&api, &namespace, "db", &spec(), &status);
    store(&api, &namespace, "main", "True", "store validated");
    assert_code(&run(&cluster, &namespace, "doctor"), 1);

    let elects = ["--enable-leader-election", "--concurrent=5"];
    deploy(&api, &namespace, "eso", ESO, &elects, &Value::Null);
    lease(&api, &namespace, "external-secrets-controller", 0);
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            "ok  Kubernetes v",
            "ok  the clocks of API server and this machine agree",
            "encryption at rest: unknown",
            "ok  external-secrets.io v1",
            "externalsecrets.kubernetes-client.io v1",
            &format!(
                "ok  External Secrets Operator v2.9.0: {namespace}/eso, 1 of 1 pods available"
            ),
            "pod-a holds the Lease",
            "ok  1 SecretStore, all ready",
            "ok  1 ExternalSecret, none failing",
            "what these need: status, status NAME, refresh, stale",
        ],
    );
    assert_says(&ran.stderr, &["0 problems, 0 to look at, 1 unknown"]);
    let json = run(&cluster, &namespace, "doctor -o json").json();
    assert_eq!(json["summary"], json!({ "problems": 0, "attention": 0, "unknown": 1 }));
    let yaml = run(&cluster, &namespace, "doctor -o yaml").succeeded();
    assert_says(&yaml, &["about: encryptionAtRest", "state: unknown"]);

    // Who may do nothing learns what the server tells everybody, and why the rest is not known.
    let ran = run(&cluster, &namespace, "doctor --context guest");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            "ok  Kubernetes v",
            "ok  external-secrets.io v1",
            "?   Deployments: you may not read it (forbidden)",
            "?   SecretStores: you may not read it (forbidden)",
            "!   you may not do all that status does",
            "missing: list externalsecrets.external-secrets.io",
        ],
    );

    // A second one for the same objects, and what does not run.
    let ours = "registry.test/extsecret-controller:v0.1.0";
    deploy(&api, &namespace, "ours", ours, &[], &Value::Null);
    deploy(&api, &namespace, "kes", KES, &[], &json!({ "extsecret.test/crash": "true" }));
    store(&api, &namespace, "other", "False", "no such role");
    let failed = synced("False", "SecretSyncedError", "denied", 60);
    external_secret(&api, &namespace, "web", &spec(), &failed);
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 1);
    assert_says(
        &ran.stdout,
        &[
            &format!(
                "X   External Secrets Operator ({namespace}/eso) and extsecret-controller \
                 ({namespace}/ours) reconcile the same ExternalSecrets"
            ),
            &format!(
                "X   kubernetes-external-secrets 8.5.5: {namespace}/kes, 0 of 1 pods available"
            ),
            "CrashLoopBackOff",
            "X   2 SecretStores, 1 not ready",
            &format!("SecretStore {namespace}/other: no such role"),
            "X   2 ExternalSecrets, 1 failing",
        ],
    );

    // One of the two yields; the other dies, and its Lease is left.
    scale(&api, &namespace, "ours", 0);
    let path = format!(
        "apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/external-secrets-controller"
    );
    api.patch(&path, &json!({ "spec": { "renewTime": "2026-01-01T00:00:00.000000Z" } }));
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &["ours, scaled to 0", "its Lease was last renewed"]);
    assert!(!ran.stdout.contains("reconcile the same"), "{ran}");
}

#[test]
fn both_operators_write_one_secret() {
    let cluster = require!(both_apis());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    let status = synced("True", "SecretSynced", "secret synced", 60);
    external_secret(&api, &namespace, "db", &spec(), &status);
    deploy(&api, &namespace, "eso", ESO, &[], &Value::Null);
    deploy(&api, &namespace, "kes", KES, &[], &Value::Null);
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["!   kubernetes-external-secrets runs beside", "by both yet"]);
    let twin = json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "db" },
        "spec": { "backendType": "secretsManager", "data": [{ "key": "a", "name": "b" }] },
    });
    let list = format!("apis/kubernetes-client.io/v1/namespaces/{namespace}/externalsecrets");
    api.create(&list, &twin);
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &[&format!("both write 1 Secret: {namespace}/db"), "scale "]);
    // A webhook that nobody serves closes the API.
    let webhook = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": "secretstore-validate" },
        "webhooks": [{
            "name": "validate.secretstore.external-secrets.io",
            "rules": [{
                "apiGroups": ["external-secrets.io"], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["secretstores"],
            }],
            "clientConfig": { "service": { "namespace": namespace, "name": "eso-webhook" } },
            "admissionReviewVersions": ["v1"], "sideEffects": "None",
        }],
    });
    let path = "apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
    api.create(path, &webhook);
    let ran = run(&cluster, &namespace, "doctor");
    let says = format!("X   nobody answers for the admission webhook {namespace}/eso-webhook");
    assert_says(&ran.stdout, &[&says]);
}

#[test]
fn no_definitions_and_an_api_server_that_encrypts() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("encryption.yaml");
    let configuration = "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\n\
                         resources:\n- resources: [secrets]\n  providers:\n  - aescbc:\n      keys:\n\
                         \x20     - { name: first, secret: MDEyMzQ1Njc4OWFiY2RlZg== }\n  - identity: {}\n";
    std::fs::write(&file, configuration).unwrap();
    let flag = format!("--encryption-provider-config={}", file.display());
    let cluster = require!(Cluster::setup().apiserver_flag(&flag).start());
    let namespace = cluster.fresh_namespace();
    let secret = ["create", "secret", "generic", "db", "--from-literal=a=b"];
    cluster.kubectl(secret).namespace(&namespace).run().succeeded();
    let ran = run(&cluster, &namespace, "doctor");
    assert_code(&ran, 1);
    assert_says(
        &ran.stdout,
        &[
            "ok  Secrets are encrypted at rest by aescbc v1\n",
            "X   the cluster does not serve external-secrets.io",
        ],
    );
    assert!(!ran.stdout.contains("0 SecretStores"), "{ran}");
}
