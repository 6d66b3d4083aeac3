//! The whole way, for many Secrets.

use extsecret_tests::api::Api;
use extsecret_tests::call::assert_says;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::SOON;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::scene::{self, Scene, text};

/// A Deployment that reads a Secret, and its pod.
fn consumer(api: &Api, namespace: &str) {
    let labels = json!({ "app": "reader" });
    let container = json!({
        "name": "reader", "image": "reader", "envFrom": [{ "secretRef": { "name": "app-0" } }],
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "reader" },
        "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels }, "spec": { "containers": [container] } },
        },
    });
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &deployment);
}

/// The pods of all consumers, once they run.
fn consumers(scene: &Scene<'_>) -> Vec<String> {
    wait_until(SOON, "the readers run", || {
        let pods: Vec<Value> = scene.api.list("api/v1/pods?labelSelector=app%3Dreader");
        let running = pods.iter().filter(|it| it["status"]["phase"] == "Running").count();
        let uid = |it: &Value| text(&it["metadata"]["uid"]);
        (running == scene.namespaces.len()).then(|| pods.iter().map(uid).collect())
    })
}

#[test]
fn two_hundred_secrets_change_hands_and_nobody_notices() {
    let cluster = require!(scene::cluster("whole"));
    let scene = Scene::new(&cluster, 5, 40);
    scene.namespaces.iter().for_each(|namespace| consumer(&scene.api, namespace));
    let pods = consumers(&scene);
    let before = scene.secrets();
    assert_eq!(before.len(), 200);
    let guard = scene.guard();

    let plan = scene.migrate(&["plan", "-R", "-f", "new"]);
    assert_eq!(plan.status.code(), Some(0), "{plan}");
    assert_says(&plan.stdout, &["shadow, stop, demote, adopt, retire", "has 1 pod"]);
    assert_says(&plan.stdout, &["with POLLER_INTERVAL_MILLISECONDS=1000"]);
    assert_says(&plan.stderr, &["200 Secrets: 200 to hand over", "no Deployment reconciles"]);

    let ran = scene.migrate(&["apply", "-R", "-f", "new", "--yes"]);
    assert!(ran.status.success(), "{ran}");
    guard.check("guard-after");
    scene.is_over();
    assert_eq!(scene.secrets(), before);
    assert_eq!(consumers(&scene), pods);
    for deployment in scene.api.list("apis/apps/v1/deployments?labelSelector=app%3Dreader") {
        assert_eq!(deployment["metadata"]["generation"], 1);
    }
    for secret in &before {
        // No value is printed or kept.
        for (_, value) in secret.1.1.as_object().unwrap() {
            assert!(!ran.stdout.contains(value.as_str().unwrap()));
        }
    }
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("value of"), "{ran}");

    // Again: nothing is left to do.
    let versions = scene.versions();
    scene.apply("retire");
    assert_eq!(scene.versions(), versions);

    // At the end KES goes too.
    let ran = scene.apply("remove");
    assert_says(&ran, &["deployment.apps/kube-secrets/kubernetes-external-secrets deleted"]);
    let definition = "apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.kubernetes-client.io";
    wait_until(SOON, "the definition is gone", || {
        scene.api.get(definition).is_none().then_some(())
    });
    assert_eq!(scene.secrets(), before);
    guard.check("guard-end");
}
