//! `why` and `restart`, on workloads that real controllers roll out.

use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::{PASSWORD_IN_BASE64, assert_code, assert_says, external_secret, run, spec, synced};

const SOON: Duration = Duration::from_mins(1);

/// A workload that reads a Secret as a variable; the Secret need not be there.
pub(crate) fn workload(kind: &str, name: &str, secret: &str, more: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": { "name": name },
        "spec": {
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{
                    "name": "it", "image": "it",
                    "env": [{ "name": "P", "valueFrom": { "secretKeyRef": {
                        "name": secret, "key": "password", "optional": true } } }],
                }] },
            },
        },
    });
    for (pointer, value) in more.as_object().into_iter().flatten() {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        object.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    object
}

fn list(namespace: &str, kind: &str) -> String {
    format!("apis/apps/v1/namespaces/{namespace}/{kind}")
}

pub(crate) fn wait_running(api: &Api, namespace: &str, count: usize) {
    wait_until(SOON, "the pods run", || {
        let pods = api.list(&format!("api/v1/namespaces/{namespace}/pods"));
        let runs = |pod: &&Value| pod["status"]["phase"] == "Running";
        (pods.iter().filter(runs).count() == count).then_some(())
    });
}

/// Writes a managed Secret until everything that runs is older than it.
pub(crate) fn write_until_stale(
    cluster: &Cluster,
    api: &Api,
    namespace: &str,
    name: &str,
    count: usize,
) {
    let secrets = format!("api/v1/namespaces/{namespace}/secrets");
    if api.get(&format!("{secrets}/{name}")).is_none() {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": name, "labels": { "reconcile.external-secrets.io/managed": "true" },
            },
            "data": { "password": PASSWORD_IN_BASE64 },
        });
        api.create(&secrets, &secret);
    }
    let mut writes = 0;
    // Times of the API server are whole seconds: it is written until one has passed.
    wait_until(SOON, "the pods are older than the value", || {
        writes += 1;
        let other = json!({ "stringData": { "password": format!("other-{writes}") } });
        api.patch(&format!("{secrets}/{name}"), &other);
        let stale = run(cluster, namespace, "stale --no-headers").stdout;
        (stale.lines().filter(|line| line.contains(name)).count() == count).then_some(())
    });
}

#[test]
fn why_it_runs_with_an_old_value_and_how_that_ends() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let deployments = list(&namespace, "deployments");
    api.create(&deployments, &workload("Deployment", "api", "db", &json!({})));
    let status = synced("True", "SecretSynced", "secret synced", 60);
    external_secret(&api, &namespace, "db", &spec(), &status);
    wait_running(&api, &namespace, 1);

    let ran = run(cluster, &namespace, "why deployment/api");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("ok  Deployment {namespace}/api: 1 pod as new as what they read"),
            "Secret db: there is none",
            "made by the ExternalSecret db",
            "nobody asks for it (extsecret.io/restart: auto)",
        ],
    );
    write_until_stale(cluster, &api, &namespace, "db", 1);
    let ran = run(cluster, &namespace, "why deploy/api");
    assert_says(
        &ran.stdout,
        &[
            "!   Deployment",
            "1 of 1 pod with an older value",
            &format!("restart it: kubectl extsecret restart deployment/api -n {namespace}"),
            "password as variables of the environment (optional)",
        ],
    );
    let json = run(cluster, &namespace, "why deployment/api -o json").json();
    assert_eq!((&json["verdict"], &json["older"]), (&json!("restartByHand"), &json!(1)));

    // Nothing happens in vain.
    let template = |api: &Api| {
        api.get(&format!("{deployments}/api")).unwrap()["spec"]["template"]["metadata"].clone()
    };
    for dry in ["--dry-run", "--dry-run=server"] {
        let ran = run(cluster, &namespace, &format!("restart --stale {dry}"));
        assert_code(&ran, 0);
        assert_says(&ran.stdout, &["deployment.apps/api restarted (", "dry run)"]);
        assert!(template(&api)["annotations"].is_null());
    }
    let ran = run(cluster, &namespace, "restart deployment/api --wait");
    assert_code(&ran, 0);
    assert_eq!(ran.stdout, "deployment.apps/api restarted\ndeployment.apps/api rolled out\n");
    assert!(template(&api)["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string());
    let ran = run(cluster, &namespace, "stale");
    assert_says(&ran.stderr, &["No stale workloads"]);
    let ran = run(cluster, &namespace, "restart --stale");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["No workloads found"]);
}

#[test]
fn who_restarts_it_and_what_is_in_the_way() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let deployments = list(&namespace, "deployments");
    let record = json!({
        "key": "00000000", "restarts": ["2026-11-20T12:00:00Z"], "marker": "m", "for": ["db"],
    });
    let said = json!({
        "extsecret.io/restart": "auto", "extsecret.io/restart-wave": "2",
        "extsecret.io/restart-window": "0 2 1 1 * UTC 1h",
        "extsecret.io/restart-record": record.to_string(),
    });
    let more = json!({ "/metadata/annotations": said });
    api.create(&deployments, &workload("Deployment", "api", "db", &more));
    wait_running(&api, &namespace, 1);
    write_until_stale(cluster, &api, &namespace, "db", 1);
    let ran = run(cluster, &namespace, "why deployment/api");
    assert_says(&ran.stdout, &["nobody restarts workloads here", "restart it: "]);

    // A controller of this namespace, which other tests do not see.
    let args = ["--restarts=enforce".to_owned(), format!("--namespace={namespace}")];
    let mut controller = workload("Deployment", "ours", "none", &json!({}));
    controller["spec"]["template"]["spec"]["containers"] = json!([{
        "name": "controller", "image": "registry.test/extsecret-controller:v1", "args": args,
    }]);
    api.create(&deployments, &controller);
    wait_until(SOON, "it is available", || {
        let it = api.get(&format!("{deployments}/ours")).unwrap();
        (it["status"]["availableReplicas"] == 1).then_some(())
    });
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": "api.1" },
        "involvedObject": {
            "kind": "Deployment", "namespace": namespace, "name": "api",
            "uid": api.get(&format!("{deployments}/api")).unwrap()["metadata"]["uid"],
        },
        "type": "Normal", "reason": "RestartDeferred", "message": "waits for its window",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    });
    api.create(&format!("api/v1/namespaces/{namespace}/events"), &event);
    let ran = run(cluster, &namespace, "why deployment/api");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("{namespace}/ours restarts workloads"),
            "its window opens in ",
            "in the wave 2",
            "restarted by the controller ",
            " ago, for db",
            "the controller is to restart it; Events below say when",
            "a change restarts the workload: the workload says so",
            "RestartDeferred: waits for its window",
        ],
    );
    // What is paused nobody restarts.
    api.patch(&format!("{deployments}/api"), &json!({ "spec": { "paused": true } }));
    let ran = run(cluster, &namespace, "why deployment/api");
    assert_says(&ran.stdout, &["it cannot be restarted: it is paused"]);
    let ran = run(cluster, &namespace, "restart deployment/api");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["deployment.apps/api not restarted: it is paused"]);
}

#[test]
fn many_restart_in_their_order_and_failures_stop_it() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let wave =
        |wave: &str| json!({ "/metadata/annotations": { "extsecret.io/restart-wave": wave } });
    let deployments = list(&namespace, "deployments");
    api.create(&deployments, &workload("Deployment", "last", "db", &wave("2")));
    let mut broken = wave("1");
    broken["/spec/progressDeadlineSeconds"] = json!(1);
    api.create(&deployments, &workload("Deployment", "middle", "db", &broken));
    api.create(
        &list(&namespace, "statefulsets"),
        &workload("StatefulSet", "first", "db", &json!({})),
    );
    let on_delete = json!({ "/spec/updateStrategy": { "type": "OnDelete" } });
    let agent = workload("DaemonSet", "agent", "other", &on_delete);
    api.create(&list(&namespace, "daemonsets"), &agent);
    wait_running(&api, &namespace, 4);
    // The new pods of the one in the middle do not come up.
    let crash = json!({ "extsecret.test/crash": "true" });
    let ran = run(cluster, &namespace, "restart --secret db --dry-run");
    assert_code(&ran, 0);
    assert_eq!(
        ran.stdout,
        "statefulset.apps/first restarted (dry run)\n\
         deployment.apps/middle restarted (dry run)\n\
         deployment.apps/last restarted (dry run)\n"
    );
    let ran = run(cluster, &namespace, "restart daemonset/agent");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["its update strategy is OnDelete: delete its pods"]);
    let template = json!({ "metadata": { "annotations": crash } });
    api.patch(
        &format!("{deployments}/middle"),
        &json!({ "spec": { "paused": true, "template": template } }),
    );
    api.patch(&format!("{deployments}/middle"), &json!({ "spec": { "paused": false } }));
    let ran = run(cluster, &namespace, "restart --secret db --wait");
    assert_code(&ran, 1);
    assert_says(
        &ran.stdout,
        &["statefulset.apps/first rolled out", "deployment.apps/middle restarted"],
    );
    assert_says(&ran.stderr, &["middle cannot be rolled out", "nothing more is restarted"]);
    assert!(!ran.stdout.contains("last"), "{ran}");
}

#[test]
fn what_cannot_be_restarted_is_told() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let template = &workload("Deployment", "x", "db", &json!({}))["spec"]["template"];
    let mut pod = template.clone();
    pod["spec"]["restartPolicy"] = json!("Never");
    let cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": { "name": "report" },
        "spec": { "schedule": "0 0 1 1 *", "jobTemplate": { "spec": { "template": pod } } },
    });
    api.create(&format!("apis/batch/v1/namespaces/{namespace}/cronjobs"), &cron);
    let ran = run(cluster, &namespace, "why cronjob/report");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["reads what there is when it runs next", "Secret db"]);
    let ran = run(cluster, &namespace, "restart cronjob/report deployment/none");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["cronjob.batch/report not restarted", "there is no Deployment"]);
    for verb in ["why pod/x", "restart x", "restart", "restart deploy/x --stale"] {
        assert_code(&run(cluster, &namespace, verb), 2);
    }
    let ran = run(cluster, &namespace, "why deployment/none");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &[&format!("there is no Deployment {namespace}/none")]);
    // Without rights.
    let ran = run(cluster, &namespace, "why cronjob/report --as nobody");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot read CronJob", "forbidden"]);
    // Who may read workloads only still learns what those tell.
    let role = ["create", "role", "reader", "--verb=get,list", "--resource=cronjobs.batch"];
    cluster.kubectl(role).namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=reader"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let ran = run(cluster, &namespace, "why cronjob/report --as reader");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &["not looked at: ExternalSecrets: you may not read it", "Secret db: you may not read it"],
    );
}
