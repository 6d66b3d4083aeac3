//! `validate` with a cluster: its objects, its definitions, and what its API server would take.

use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::call::{Call, Finished};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{kes, require};
use serde_json::{Value, json};

use crate::doctor::store;
use crate::{assert_code, assert_says, call, external_secret, run, spec};

const MANIFEST: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
spec:
  refreshInterval: 1h
  secretStoreRef:
    name: main
    kind: SecretStore
  data:
  - secretKey: password
    remoteRef:
      key: app/db
";

fn validate(cluster: &Cluster, namespace: &str, manifest: &str, more: &[&str]) -> Finished {
    Call::new(kubectl_extsecret())
        .args(["validate", "-f", "-", "--dry-run=server", "-n", namespace])
        .args(more)
        .env("KUBECONFIG", cluster.kubeconfig())
        .stdin(manifest)
        .run()
}

#[test]
fn what_is_in_the_cluster() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let ran = run(cluster, &namespace, "validate");
    assert_code(&ran, 0);
    external_secret(&api, &namespace, "well", &spec(), &Value::Null);
    // Its store is not there yet, which no manifest alone could tell.
    let ran = run(cluster, &namespace, "validate");
    assert_code(&ran, 1);
    let says = format!("there is no SecretStore \"main\" in the namespace \"{namespace}\"");
    assert_says(&ran.stderr, &["error[L17]", &says, &format!("{namespace}/well:")]);
    let ran = run(cluster, &namespace, "validate -l app=well");
    assert_says(&ran.stderr, &["error[L17]"]);
    store(&api, &namespace, "main", "True", "");
    let ran = run(cluster, &namespace, "validate");
    assert_code(&ran, 0);
    // A store without the label is there all the same.
    let ran = run(cluster, &namespace, "validate -l app=well");
    assert_code(&ran, 0);
    let mut odd = spec();
    odd["refreshInterval"] = json!("0");
    external_secret(&api, &namespace, "odd", &odd, &Value::Null);
    let ran = run(cluster, &namespace, "validate --strict");
    assert_code(&ran, 1);
    // The line in what somebody has written, without what the API server adds.
    let place = format!("--> externalsecrets.external-secrets.io/{namespace}/odd:13:");
    assert_says(&ran.stderr, &["warning[L01]", &place, "refreshInterval: \"0\""]);
    let ran = run(cluster, &namespace, "validate -l app=well --strict");
    assert_code(&ran, 0);
    // All that is there, and nothing that may not be seen.
    let ran = call(cluster, "validate -A -o json").run();
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(found["summary"]["objects"].as_u64().unwrap() >= 2, "{ran}");
    let ran = run(cluster, &namespace, "validate --as nobody");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot list externalsecrets.external-secrets.io", "forbidden"]);
}

#[test]
fn a_cluster_without_definitions_and_one_with_the_old_kind_only() {
    let cluster = require!(Cluster::setup().start());
    let namespace = cluster.fresh_namespace();
    let ran = run(&cluster, &namespace, "validate");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["does not serve externalsecrets.external-secrets.io"]);
    // A dry run has nobody to ask.
    let ran = validate(&cluster, &namespace, MANIFEST, &[]);
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["warning[D02]", "does not serve"]);

    cluster.kubectl(["apply", "--filename=-"]).stdin(kes::DEFINITION).run().succeeded();
    cluster.wait_established("externalsecrets.kubernetes-client.io");
    let old = json!({
        "apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": "old" },
        "spec": { "backendType": "nowhere", "data": [{ "key": "a", "name": "b" }] },
    });
    Api::of(&cluster).create(&format!("{}/namespaces/{namespace}/externalsecrets", kes::KES), &old);
    let ran = run(&cluster, &namespace, "validate");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["error[E", "externalsecrets.kubernetes-client.io"]);
}

const OLD: &str = "\
apiVersion: kubernetes-client.io/v1
kind: ExternalSecret
metadata:
  name: old
  namespace: NAMESPACE
spec:
  backendType: secretsManager
  region: eu-west-1
  data:
  - key: app/db
    name: password
";

#[test]
fn objects_of_the_old_kind_are_tried_where_the_cluster_has_it() {
    let cluster = require!(Cluster::setup().definitions().start());
    let namespace = cluster.fresh_namespace();
    // Once for all of them, and no reason to fail.
    let old = OLD.replace("NAMESPACE", &namespace);
    let two = format!("{old}---\n{}", old.replace("name: old", "name: older"));
    let ran = validate(&cluster, &namespace, &two, &["--strict"]);
    assert_code(&ran, 0);
    assert_eq!(ran.stderr.matches("info[D03]").count(), 1, "{ran}");
    assert_says(
        &ran.stderr,
        &[
            "2 objects of kubernetes-external-secrets were not tried by the API server",
            "the cluster does not serve externalsecrets.kubernetes-client.io",
            "2 objects checked: 1 info",
        ],
    );
    let ran = validate(&cluster, &namespace, &two, &["--suppress", "D03"]);
    assert_says(&ran.stderr, &["2 objects checked: nothing found"]);

    let backends = "{ type: object, x-kubernetes-preserve-unknown-fields: true, properties: { spec: { \
                    type: object, x-kubernetes-preserve-unknown-fields: true, properties: { \
                    backendType: { type: string, enum: [secretsManager, systemManager] } } } } }";
    let any = "{ type: object, x-kubernetes-preserve-unknown-fields: true }";
    let definition = kes::DEFINITION.replace(any, backends);
    cluster.kubectl(["apply", "--filename=-"]).stdin(definition).run().succeeded();
    cluster.wait_established("externalsecrets.kubernetes-client.io");
    let ran = validate(&cluster, &namespace, &two, &["--strict"]);
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["2 objects checked: nothing found"]);
    let list = format!("{}/namespaces/{namespace}/externalsecrets", kes::KES);
    assert!(Api::of(&cluster).list(&list).is_empty(), "a dry run makes nothing");
    // Its definition says what a backend is, and one object that is refused hides no other.
    let bad = two.replacen("secretsManager", "nowhere", 1);
    let ran = validate(&cluster, &namespace, &bad, &["-o", "json"]);
    assert_code(&ran, 1);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let of = |code: &str| {
        let all = found["findings"].as_array().unwrap().iter();
        all.filter(|it| it["code"] == code).map(|it| it["object"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of("D01"), [format!("ExternalSecret {namespace}/old")], "{ran}");
}

#[test]
fn what_the_api_server_says_of_files() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let list = format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/externalsecrets");
    let ran = validate(cluster, &namespace, MANIFEST, &[]);
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["1 object checked: nothing found"]);
    assert!(api.list(&list).is_empty(), "a dry run makes nothing");

    // Nothing is a value for the one and none for the other.
    let null = MANIFEST.replace("  data:", "  target:\n    name: null\n  data:");
    let create = ["create", "--filename=-", "--dry-run=server"];
    cluster.kubectl(create).namespace(&namespace).stdin(null.clone()).run().succeeded();
    let apply = ["apply", "--filename=-", "--dry-run=server", "--server-side"];
    let refused = cluster.kubectl(apply).namespace(&namespace).stdin(null.clone()).run().failed();
    assert_says(&refused, &["spec.target.name"]);
    let ran = validate(cluster, &namespace, &null, &[]);
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["warning[S07]: `spec.target.name` has no value", "error[D01]"]);

    // A value that does not fit is not shown; the API server would.
    let secret =
        MANIFEST.replace("  data:", "  target: { template: { data: { a: 424242 } } }\n  data:");
    let ran = validate(cluster, &namespace, &secret, &["-o", "json"]);
    assert_code(&ran, 1);
    assert!(!ran.stdout.contains("424242") && !ran.stderr.contains("424242"), "{ran}");

    // A policy of the cluster is nobody's to know beforehand.
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": namespace },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": { "resourceRules": [{
                "apiGroups": ["external-secrets.io"], "apiVersions": ["v1"],
                "operations": ["CREATE"], "resources": ["externalsecrets"],
            }] },
            "validations": [{
                "expression": "object.metadata.name != 'unwanted'",
                "message": "this name is not wanted",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": { "name": namespace },
        "spec": { "policyName": namespace, "validationActions": ["Deny"], "matchResources": {
            "namespaceSelector": {
                "matchLabels": { "kubernetes.io/metadata.name": namespace } } } },
    });
    let root = "apis/admissionregistration.k8s.io/v1";
    api.create(&format!("{root}/validatingadmissionpolicies"), &policy);
    api.create(&format!("{root}/validatingadmissionpolicybindings"), &binding);
    let unwanted = MANIFEST.replace("name: db", "name: unwanted");
    // The API server takes a moment until it minds a new policy.
    let ran = extsecret_tests::controller::wait_until(
        std::time::Duration::from_mins(1),
        "the policy is minded",
        || {
            let ran = validate(cluster, &namespace, &unwanted, &[]);
            (ran.status.code() == Some(1)).then_some(ran)
        },
    );
    assert_says(&ran.stderr, &["error[D01]", "this name is not wanted"]);

    // Where it cannot be asked, that is told, and the rest is checked.
    for (manifest, more, says) in [
        (MANIFEST, &["--as", "nobody"][..], "you may not"),
        (
            &MANIFEST.replace("name: db\n", "name: db\n  namespace: nowhere\n"),
            &[],
            "namespaces \"nowhere\" not found",
        ),
    ] {
        let ran = validate(cluster, &namespace, manifest, more);
        assert_code(&ran, 0);
        assert_says(&ran.stderr, &["warning[D02]", says]);
    }
}

#[test]
fn the_definitions_of_the_cluster_count() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    let definition = "apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io";
    let interval =
        "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/refreshInterval";
    let patch = json!([{ "op": "add", "path": format!("{interval}/enum"), "value": ["2h"] },
                       { "op": "remove", "path": format!("{interval}/default") }]);
    let (status, answer) =
        api.ask("PATCH", definition, Some(&patch), "application/json-patch+json");
    assert_eq!(status, 200, "{answer}");
    let ran = validate(&cluster, &namespace, MANIFEST, &[]);
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["error[S03]: `spec.refreshInterval` cannot be \"1h\"", "2h"]);
    let ran = validate(&cluster, &namespace, &MANIFEST.replace("1h", "2h"), &[]);
    assert_code(&ran, 0);
}
