//! The chart and a real cluster: what the API server says to each file of values, what is installed,
//! and what an installed External Secrets Operator keeps.

use extsecret_tests::cluster::Cluster;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::chart::{documents, of_kind, staged, template, values_files};
use crate::release::{Release, audited, restricted_namespace};

/// The kinds of the Prometheus Operator, as far as an API server cares.
fn monitoring(kind: &str, plural: &str) -> Value {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.monitoring.coreos.com") },
        "spec": {
            "group": "monitoring.coreos.com", "scope": "Namespaced",
            "names": { "kind": kind, "plural": plural },
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": { "openAPIV3Schema": schema },
            }],
        },
    })
}

/// Every object of every file of values is one that the API server takes, without a warning, in a
/// namespace that is `restricted`; and so is a pod as the Deployment makes it.
#[test]
fn a_real_api_server_takes_every_object() {
    let cluster = &require!(audited()).cluster;
    for (kind, plural) in
        [("ServiceMonitor", "servicemonitors"), ("PrometheusRule", "prometheusrules")]
    {
        let definition = monitoring(kind, plural);
        cluster.kubectl(["apply", "--filename=-"]).stdin(definition.to_string()).run().succeeded();
        cluster.wait_established(&format!("{plural}.monitoring.coreos.com"));
    }
    for file in values_files() {
        let namespace = restricted_namespace(cluster);
        let values = format!("--values={}", file.display());
        // The values that say where objects go would lead out of the namespace.
        let place = format!("--set=namespaceOverride={namespace}");
        let mut args = vec![values.as_str(), &place];
        let scoped = format!("--set=scopedNamespace={namespace}");
        if file.ends_with("scoped-values.yaml") {
            args.push(&scoped);
        }
        let text = template(&args).unwrap().succeeded();
        let applied = cluster
            .kubectl(["apply", "--dry-run=server", "--validate=strict", "--filename=-"])
            .namespace(&namespace)
            .stdin(text.clone())
            .run();
        assert!(!applied.stderr.contains("Warning"), "{}: {applied}", file.display());
        applied.succeeded();

        let objects = documents(&text);
        let mut pod = of_kind(&objects, "Deployment")["spec"]["template"].clone();
        let spec = pod["spec"].as_object_mut().unwrap();
        // What the file adds beside the controller is the user's own.
        spec.remove("initContainers");
        spec["containers"].as_array_mut().unwrap().truncate(1);
        // The account is not there in a dry run, nor is the priority that needs another namespace.
        spec.remove("serviceAccountName");
        spec.remove("priorityClassName");
        pod["apiVersion"] = json!("v1");
        pod["kind"] = json!("Pod");
        pod["metadata"]["name"] = json!("web");
        let make = |pod: &Value| {
            cluster
                .kubectl(["create", "--dry-run=server", "--filename=-"])
                .namespace(&namespace)
                .stdin(pod.to_string())
                .run()
        };
        make(&pod).succeeded();
        // It is the security context that makes it so.
        pod["spec"]["containers"][0].as_object_mut().unwrap().remove("securityContext");
        let refusal = make(&pod).failed();
        assert!(refusal.contains("violates PodSecurity"), "{refusal}");
    }
}

/// What Helm says after installing with these values.
fn notes(cluster: &Cluster, name: &str, namespace: &str, values: &Value) -> String {
    let helm = cluster.helm(["install", name]).args([staged()]).args(["--values=-"]);
    helm.namespace(namespace).stdin(values.to_string()).run().succeeded()
}

/// Definitions that somebody else installed are left alone, and said so; those of the release outlive it.
#[test]
fn definitions_of_others_are_left_alone() {
    let cluster = require!(Cluster::setup().start());
    let namespace = cluster.fresh_namespace();
    let bare = notes(&cluster, "bare", &namespace, &json!({}));
    assert!(bare.contains("MISSING"), "{bare}");
    assert!(
        bare.contains("ExternalSecret, SecretStore, ClusterSecretStore, ClusterExternalSecret")
    );
    cluster.helm(["uninstall", "bare"]).namespace(&namespace).run().succeeded();

    // A definition that belongs to the release of another chart, which runs.
    let definition = extsecret_tests::cluster::definitions();
    let definition =
        definition.iter().find(|it| it.ends_with("externalsecrets.external-secrets.io.yaml"));
    let crd = "crd/externalsecrets.external-secrets.io";
    cluster.kubectl(["create", "--filename"]).args([definition.unwrap()]).run().succeeded();
    let theirs = format!("meta.helm.sh/release-namespace={namespace}");
    let theirs = ["annotate", crd, "meta.helm.sh/release-name=eso", &theirs, "theirs=yes"];
    cluster.kubectl(theirs).run().succeeded();
    let operator = ["create", "deployment", "external-secrets", "--image=example.test/eso"];
    cluster.kubectl(operator).namespace(&namespace).run().succeeded();
    cluster
        .kubectl([
            "label",
            "deployment",
            "external-secrets",
            "app.kubernetes.io/name=external-secrets",
        ])
        .args(["--overwrite"])
        .namespace(&namespace)
        .run()
        .succeeded();

    let home = cluster.fresh_namespace();
    let values = json!({ "installCRDs": true });
    let said = notes(&cluster, "web", &home, &values);
    let version = |crd: &str| {
        let args = ["get", crd, "--output=json"];
        cluster.kubectl(args).run().json()["metadata"]["resourceVersion"].clone()
    };
    let (left, before) =
        ("NOTE: externalsecrets.external-secrets.io is not of this release", version(crd));
    assert!(said.contains(left), "{said}");
    assert!(
        said.contains(&format!(
            "RUNNING: External Secrets Operator works, too: external-secrets in {namespace}"
        )),
        "{said}"
    );
    assert!(!said.contains("secretstores.external-secrets.io is not"), "{said}");
    let own = "crd/secretstores.external-secrets.io";
    let installed = cluster.kubectl(["get", own, "--output=json"]).run().json();
    assert_eq!(installed["metadata"]["annotations"]["meta.helm.sh/release-name"], "web");

    // An upgrade goes on like that.
    let upgrade = cluster.helm(["upgrade", "web"]).args([staged()]).args(["--values=-"]);
    let changed = json!({ "installCRDs": true, "crds": { "annotations": { "seen": "yes" } } });
    let said = upgrade.namespace(&home).stdin(changed.to_string()).run().succeeded();
    assert!(said.contains(left), "{said}");
    assert_eq!(version(crd), before, "somebody else's definition was written");
    let installed = cluster.kubectl(["get", own, "--output=json"]).run().json();
    assert_eq!(installed["metadata"]["annotations"]["seen"], "yes");

    // Nothing that was synced goes with the release.
    cluster.helm(["uninstall", "web"]).namespace(&home).run().succeeded();
    for crd in [own, crd] {
        let left = cluster.kubectl(["get", crd, "--output=json"]).run().json();
        assert!(left["metadata"]["deletionTimestamp"].is_null(), "{crd}");
    }
    // Installed again, it has its own back.
    let said = notes(&cluster, "web", &home, &values);
    assert!(!said.contains("secretstores.external-secrets.io is not"), "{said}");
}

/// Two pods, a budget for them, and an upgrade.
#[test]
fn it_is_installed_upgraded_and_uninstalled() {
    let cluster = &require!(audited()).cluster;
    let values = json!({ "replicaCount": 2, "podDisruptionBudget": { "enabled": true }, "networkPolicy": { "enabled": true } });
    let release = Release::install(cluster, &values);
    assert_eq!(release.deployment["status"]["readyReplicas"], 2);
    cluster
        .helm(["upgrade", Release::NAME])
        .args([staged()])
        .args(["--reuse-values", "--set=log.level=debug", "--wait", "--timeout=100s"])
        .namespace(&release.namespace)
        .run()
        .succeeded();
    let names = |kinds: &str| {
        let args = ["get", kinds, "--output=name", "--selector=app.kubernetes.io/instance=sync"];
        cluster.kubectl(args).namespace(&release.namespace).run().succeeded()
    };
    let kinds = "deployment,serviceaccount,role,rolebinding,networkpolicy,poddisruptionbudget";
    assert_eq!(names(kinds).lines().count(), 6, "{}", names(kinds));
    cluster
        .helm(["uninstall", Release::NAME, "--wait"])
        .namespace(&release.namespace)
        .run()
        .succeeded();
    assert_eq!(names(kinds), "");
}
