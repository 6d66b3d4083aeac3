//! Argo Rollouts in every verb that shows or restarts workloads. The test plays Argo's part.

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{argo, require};
use serde_json::{Value, json};

use crate::restarts::{wait_running, write_until_stale};
use crate::{assert_code, assert_says, external_secret, run, spec, synced};

/// A Rollout, and a pod of it.
fn rollout(api: &Api, namespace: &str, name: &str) {
    let template = json!({
        "metadata": { "labels": { "app": name } },
        "spec": { "containers": [{
            "name": "it", "image": "it",
            "env": [{ "name": "P", "valueFrom": { "secretKeyRef": {
                "name": "db", "key": "password", "optional": true } } }],
        }] },
    });
    let object = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": name },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": name } }, "template": template,
            "strategy": { "canary": { "steps": [{ "setWeight": 10 }, { "pause": {} }] } },
        },
    });
    api.create(&argo::rollouts(namespace), &object);
    pod(api, namespace, name, &format!("{name}-1"), &template);
}

fn pod(api: &Api, namespace: &str, app: &str, name: &str, template: &Value) {
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": name, "labels": { "app": app } }, "spec": template["spec"],
    });
    api.create(&format!("api/v1/namespaces/{namespace}/pods"), &pod);
}

/// As Argo writes it: the generation is a text.
fn argo_says(api: &Api, namespace: &str, name: &str, phase: &str) {
    let path = format!("{}/{name}", argo::rollouts(namespace));
    let object = api.get(&path).unwrap();
    let status = json!({ "status": {
        "phase": phase, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1,
        "observedGeneration": object["metadata"]["generation"].to_string(),
        "restartedAt": object["spec"]["restartAt"],
    } });
    api.patch(&format!("{path}/status"), &status);
}

#[test]
fn a_rollout_is_a_workload_like_any_other() {
    let cluster = require!(Cluster::setup().definitions().user("guest").start());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(
        &api,
        &namespace,
        "db",
        &spec(),
        &synced("True", "SecretSynced", "secret synced", 60),
    );
    // Rights to everything that a cluster without Argo has.
    let kinds = "deployments.apps,statefulsets.apps,daemonsets.apps,cronjobs.batch,pods,secrets,\
                 ingresses.networking.k8s.io,externalsecrets.external-secrets.io,events";
    let role = ["create", "role", "reader", "--verb=get,list,watch,patch", "--resource"];
    cluster.kubectl(role).args([kinds]).namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=guest"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();

    // Without Argo nobody hears of Rollouts, whatever they may do.
    for verb in ["stale", "consumers db", "status db", "status -o wide", "restart --secret db"] {
        for context in ["", " --context guest"] {
            let ran = run(&cluster, &namespace, &format!("{verb}{context}"));
            assert_code(&ran, 0);
            let says = format!("{}{}", ran.stdout, ran.stderr).to_lowercase();
            assert!(!says.contains("rollouts"), "{verb}{context}: {ran}");
        }
    }
    let ran = run(&cluster, &namespace, "doctor");
    assert!(!ran.stdout.contains("argoproj"), "{ran}");
    let ran = run(&cluster, &namespace, "why rollout/web");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["the cluster does not serve rollouts.argoproj.io"]);

    argo::define(&cluster, &api);
    rollout(&api, &namespace, "web");
    argo_says(&api, &namespace, "web", "Healthy");
    wait_running(&api, &namespace, 1);
    write_until_stale(&cluster, &api, &namespace, "db", 1);

    let ran = run(&cluster, &namespace, "stale --no-headers");
    assert_says(&ran.stdout, &["rollout/web   db", "1/1"]);
    for verb in ["consumers db", "status db"] {
        let ran = run(&cluster, &namespace, verb);
        assert_says(
            &ran.stdout,
            &[
                "!   Rollout web, 1 of 1 pod started before the last write",
                "password as variables of the environment (optional)",
            ],
        );
    }
    let ran = run(&cluster, &namespace, "why rollout/web");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("Rollout {namespace}/web: 1 of 1 pod with an older value"),
            &format!("restart it: kubectl extsecret restart rollout/web -n {namespace}"),
            "made by the ExternalSecret db",
        ],
    );
    // Who may not look at them is told so.
    for verb in ["stale", "consumers db", "status db", "status -o wide"] {
        let ran = run(&cluster, &namespace, &format!("{verb} --context guest"));
        assert_code(&ran, 0);
        let says = format!("{}{}", ran.stdout, ran.stderr);
        assert_says(&says, &["rollouts: you may not read it (forbidden)"]);
    }
    let ran = run(&cluster, &namespace, "doctor --context guest");
    assert_says(&ran.stdout, &["missing: patch rollouts.argoproj.io"]);
}

#[test]
fn a_rollout_restarts_by_its_own_field() {
    let cluster = require!(Cluster::setup().definitions().start());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    argo::define(&cluster, &api);
    rollout(&api, &namespace, "web");
    argo_says(&api, &namespace, "web", "Healthy");
    let path = format!("{}/web", argo::rollouts(&namespace));
    let before = api.get(&path).unwrap();

    let ran = run(&cluster, &namespace, "restart --secret db --dry-run=server");
    assert_code(&ran, 0);
    assert_eq!(ran.stdout, "rollout.argoproj.io/web restarted (server dry run)\n");
    assert_eq!(api.get(&path).unwrap()["spec"], before["spec"]);

    let ran = run(&cluster, &namespace, "restart ro/web");
    assert_code(&ran, 0);
    assert_eq!(ran.stdout, "rollout.argoproj.io/web restarted\n");
    let after = api.get(&path).unwrap();
    let at = after["spec"]["restartAt"].as_str().unwrap();
    assert!(at.parse::<jiff::Timestamp>().is_ok(), "{at}");
    assert_eq!(after["spec"]["template"], before["spec"]["template"], "a canary would begin");
    // Until Argo has seen to it, it is not over.
    let ran = run(&cluster, &namespace, "restart rollout/web --wait --timeout 1s");
    assert_code(&ran, 124);
    assert_says(&ran.stderr, &["rollout.argoproj.io/web is not rolled out in time"]);
    argo_says(&api, &namespace, "web", "Healthy");

    // What is of another workload is restarted there.
    let elsewhere = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": { "name": "ref" },
        "spec": { "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" } },
    });
    api.create(&argo::rollouts(&namespace), &elsewhere);
    let ran = run(&cluster, &namespace, "restart rollout/ref");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["its pod template is that of Deployment api: restart that"]);
    let ran = run(&cluster, &namespace, "why rollout/ref");
    let next = format!("kubectl extsecret why deployment/api -n {namespace}");
    assert_says(&ran.stdout, &[&next]);
}
