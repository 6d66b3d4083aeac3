//! `history`: what the cluster still knows of restarts that were.

use std::time::Duration;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::require;
use serde_json::{Value, json};

use crate::restarts::{wait_running, workload};
use crate::{PASSWORD_IN_BASE64, assert_code, assert_says, external_secret, run, spec, synced};

const SOON: Duration = Duration::from_mins(1);

/// An Event as a controller writes it.
fn event(api: &Api, namespace: &str, about: &Value, reason: &str, message: &str, at: &str) {
    let name = about["metadata"]["name"].as_str().unwrap();
    let event = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": { "name": format!("{name}.{}", reason.to_lowercase()) },
        "involvedObject": {
            "kind": about["kind"], "namespace": namespace, "name": name,
            "uid": about["metadata"]["uid"],
        },
        "type": "Normal", "reason": reason, "message": message, "count": 2,
        "reportingComponent": "extsecret-controller", "lastTimestamp": at,
    });
    api.create(&format!("api/v1/namespaces/{namespace}/events"), &event);
}

/// Marks the pods of a workload as the controller does, and notes it.
fn restart(api: &Api, path: &str, marker: &str, times: &[&str]) {
    let record = json!({
        "key": "00000000", "restarts": times, "marker": marker, "for": ["db", "mail?user"],
    });
    api.patch(
        path,
        &json!({
            "metadata": { "annotations": { "extsecret.io/restart-record": record.to_string() } },
            "spec": { "template": { "metadata": { "annotations": {
                "extsecret.io/restarted-for": marker,
            } } } },
        }),
    );
}

fn wait_rolled_out(api: &Api, path: &str) {
    wait_until(SOON, "it is rolled out", || {
        let it = api.get(path)?;
        let (spec, status) = (&it["spec"], &it["status"]);
        let seen = status["observedGeneration"] == it["metadata"]["generation"];
        let new = status["updatedReplicas"] == spec["replicas"];
        (seen
            && new
            && status["replicas"] == spec["replicas"]
            && status["availableReplicas"] == spec["replicas"])
            .then_some(())
    });
}

#[test]
fn what_has_restarted_a_workload() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let deployments = format!("apis/apps/v1/namespaces/{namespace}/deployments");
    let path = format!("{deployments}/api");
    let status = synced("True", "SecretSynced", "secret synced", 60);
    let external = external_secret(&api, &namespace, "db", &spec(), &status);
    let made = api.create(&deployments, &workload("Deployment", "api", "db", &json!({})));
    wait_running(&api, &namespace, 1);
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db" },
        "data": { "password": PASSWORD_IN_BASE64 },
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret);

    run(cluster, &namespace, "restart deployment/api --wait").succeeded();
    restart(&api, &path, "m1", &["2026-01-01T00:00:00Z"]);
    wait_rolled_out(&api, &path);
    let text = "all its pods are restarted, in 3 s";
    event(&api, &namespace, &made, "RestartCompleted", text, "2026-01-01T00:00:03Z");
    event(&api, &namespace, &external, "Updated", "secret updated", "2025-12-31T23:59:59Z");
    event(&api, &namespace, &made, "ScalingReplicaSet", "scaled", "2026-01-01T00:00:01Z");

    let ran = run(cluster, &namespace, "history deployment/api");
    assert_code(&ran, 0);
    assert_eq!(ran.stderr, "");
    let lines: Vec<Vec<&str>> = ran.stdout.lines().map(crate::words).collect();
    assert_eq!(lines[0], ["AGE", "WHAT", "OBJECT", "BY", "SECRET", "RESULT"]);
    assert_says(
        &ran.stdout,
        &[
            "revision 3: all its pods are new",
            "db,mail (user)",
            "revision 2: replaced by revision 3",
            "kubectl or another tool",
            "the oldest that is kept; replaced by revision 2",
            "RestartCompleted   deployment/api",
            "all its pods are restarted, in 3 s (2 times)",
            "secret updated",
            "SecretSynced",
            // The time that the controller has noted is not that of a revision here.
            "its revision is no longer kept",
        ],
    );
    assert!(!ran.stdout.contains("ScalingReplicaSet"), "{ran}");
    let json = run(cluster, &namespace, "history deploy/api -o json").json();
    let items = json["items"].as_array().unwrap();
    assert_eq!((&json["kind"], &json["name"]), (&json!("Deployment"), &json!("api")));
    let at: Vec<&str> = items.iter().filter_map(|it| it["at"].as_str()).collect();
    assert!(at.windows(2).all(|two| two[0] >= two[1]), "the newest first: {at:?}");
    let restarts: Vec<&Value> = items.iter().filter(|it| it["what"] == "restarted").collect();
    assert_eq!(restarts[0]["secrets"], json!(["db", "mail"]));
    assert_eq!(restarts[0]["keys"], json!(["user"]));
    assert_eq!(restarts[1]["by"], "kubectl or another tool");

    // Of the Secret: who wrote it, and what restarted for it.
    for of in ["secret/db", "externalsecret/db"] {
        let ran = run(cluster, &namespace, &format!("history {of} --no-headers"));
        assert_code(&ran, 0);
        assert_says(
            &ran.stdout,
            &["written", "secret/db", "db (password)", "deployment/api", "revision 3", "Updated"],
        );
        assert!(!ran.stdout.contains("revision 2"), "that was not for it\n{ran}");
    }
    let yaml = run(cluster, &namespace, "history es/db -o yaml").succeeded();
    assert_says(&yaml, &["kind: ExternalSecret", "what: written"]);

    // Who may see the workload, and no Secret, misses nothing of it.
    let role = ["create", "role", "reader", "--verb=get,list"];
    let resources = "deployments.apps,replicasets.apps,events,externalsecrets.external-secrets.io";
    let role = cluster.kubectl(role).args(["--resource", resources]);
    role.namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=reader"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let theirs = run(cluster, &namespace, "history deployment/api -o json --as reader").json();
    assert_eq!(theirs, json);
    let ran = run(cluster, &namespace, "history secret/db --as reader");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["warning: not looked at: Secret db: you may not read it"]);
    assert_says(&ran.stdout, &["deployment/api", "revision 3"]);
}

#[test]
fn other_kinds_and_what_is_not_there() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let sets = format!("apis/apps/v1/namespaces/{namespace}/statefulsets");
    api.create(&sets, &workload("StatefulSet", "db", "db", &json!({})));
    wait_running(&api, &namespace, 1);
    restart(&api, &format!("{sets}/db"), "m1", &[]);
    wait_until(SOON, "it is noted", || {
        let list = format!("apis/apps/v1/namespaces/{namespace}/controllerrevisions");
        (api.list(&list).len() == 2).then_some(())
    });
    let ran = run(cluster, &namespace, "history statefulset/db");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["restarted", "extsecret-controller", "revision 2: "]);

    let lacks: [(&str, i32, &[&str]); 7] = [
        ("history", 2, &["KIND/NAME"]),
        ("history db", 2, &["deployment/NAME", "secret/NAME or externalsecret/NAME"]),
        ("history pod/x", 2, &["not like deployment/NAME"]),
        ("history deployment/none", 2, &["there is no Deployment", "-n chooses another"]),
        ("history secret/none", 2, &["there is no Secret", "no ExternalSecret that makes one"]),
        ("history es/none", 2, &["there is no ExternalSecret"]),
        ("history statefulset/db --as guest", 2, &["cannot read StatefulSet", "auth can-i"]),
    ];
    for (args, code, words) in lacks {
        let ran = run(cluster, &namespace, args);
        assert_code(&ran, code);
        assert_eq!(ran.stdout, "", "{args}");
        assert_says(&ran.stderr, words);
    }
    // Nothing is known is said, too.
    external_secret(&api, &namespace, "new", &spec(), &Value::Null);
    let ran = run(cluster, &namespace, "history externalsecret/new");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["Nothing is known of externalsecret.external-secrets.io/new"]);
}
