//! `freeze` and `unfreeze`: who is held back, until when, and what waits meanwhile.

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::kubectl::Finished;
use extsecret_tests::require;
use serde_json::{Value, json};
use std::time::Duration;

use crate::restarts::{wait_running, workload, write_until_stale};
use crate::{assert_code, assert_says, call, external_secret, run, spec, synced};

const FREEZE: &str = "extsecret.io/restart-freeze";
const REASON: &str = "extsecret.io/restart-freeze-reason";
const MANAGER: &str = "kubectl-extsecret-freeze";
const UNTIL: &str = "2199-01-04T06:00:00Z";

fn deployments(namespace: &str) -> String {
    format!("apis/apps/v1/namespaces/{namespace}/deployments")
}

/// What the annotation of an object says.
fn frozen(api: &Api, path: &str) -> Value {
    api.get(path).unwrap()["metadata"]["annotations"][FREEZE].clone()
}

/// A deployment without pods that reads the Secret `db`.
fn still(api: &Api, namespace: &str, name: &str) -> String {
    let mut object = workload("Deployment", name, "db", &json!({ "/spec/replicas": 0 }));
    object["metadata"]["labels"] = json!({ "app": "shop" });
    api.create(&deployments(namespace), &object);
    format!("{}/{name}", deployments(namespace))
}

/// A program that says of itself that it restarts workloads of this namespace.
fn controller(api: &Api, namespace: &str, more: &[&str]) {
    let own = format!("--namespace={namespace}");
    let args: Vec<&str> =
        ["--restarts=enforce", own.as_str()].into_iter().chain(more.iter().copied()).collect();
    let mut controller = workload("Deployment", "ours", "none", &json!({}));
    controller["spec"]["template"]["spec"]["containers"] = json!([{
        "name": "controller", "image": "registry.test/extsecret-controller:v1", "args": args,
    }]);
    api.create(&deployments(namespace), &controller);
    wait_until(Duration::from_mins(1), "it is available", || {
        let it = api.get(&format!("{}/ours", deployments(namespace))).unwrap();
        (it["status"]["availableReplicas"] == 1).then_some(())
    });
}

#[test]
fn a_workload_is_frozen_and_unfrozen() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let path = format!("{}/api", deployments(&namespace));
    api.create(&deployments(&namespace), &workload("Deployment", "api", "db", &json!({})));
    wait_running(&api, &namespace, 1);
    write_until_stale(cluster, &api, &namespace, "db", 1);
    let template = api.get(&path).unwrap()["spec"]["template"].clone();

    for (dry, words) in [("--dry-run", "(dry run)"), ("--dry-run=server", "(server dry run)")] {
        let ran = run(cluster, &namespace, &format!("freeze deployment/api --for 2h {dry}"));
        assert_code(&ran, 0);
        assert_says(&ran.stdout, &["deployment.apps/api frozen until 2", "(120m)", words]);
        assert_eq!(frozen(&api, &path), Value::Null);
    }
    let args = format!("freeze deploy/api --until {UNTIL} --reason loadtest");
    let ran = run(cluster, &namespace, &args);
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("deployment.apps/api frozen until {UNTIL} ("),
            "\n  with an older value",
            "): loadtest\n",
            "with an older value: deployment/api (1 of 1 pod older than Secret db)",
            &format!("kubectl extsecret stale -n {namespace}"),
        ],
    );
    assert!(ran.stdout.starts_with("deployment.apps/api frozen"), "{ran}");
    assert_says(&ran.stderr, &["warning: nobody restarts workloads in"]);
    let object = api.get(&path).unwrap();
    assert_eq!(frozen(&api, &path), json!(UNTIL));
    assert_eq!(object["spec"]["template"], template, "pods are left alone");
    let managers = object["metadata"]["managedFields"].as_array().unwrap();
    let ours: Vec<&Value> = managers.iter().filter(|it| it["manager"] == MANAGER).collect();
    assert_eq!(ours.len(), 1, "{managers:#?}");
    assert!(ours[0]["fieldsV1"]["f:metadata"]["f:annotations"][format!("f:{FREEZE}")].is_object());
    assert!(ours[0]["fieldsV1"]["f:spec"].is_null());

    // Once more changes nothing, and nobody's freeze is made shorter.
    let version = object["metadata"]["resourceVersion"].clone();
    let ran = run(cluster, &namespace, &args);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["loadtest, unchanged"]);
    let ran = run(cluster, &namespace, "freeze deployment/api --for 2h");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["stays frozen until 2199", "which is longer", "comes first"]);
    assert_eq!(api.get(&path).unwrap()["metadata"]["resourceVersion"], version);
    let ran = run(cluster, &namespace, "freeze deployment/api");
    assert_says(&ran.stdout, &["frozen until somebody unfreezes it: loadtest, was until 2199"]);
    assert_eq!(frozen(&api, &path), json!("true"));

    // Whoever looks learns how it ends.
    let ends = format!("kubectl extsecret unfreeze deployment/api -n {namespace}");
    let ran = run(cluster, &namespace, "why deployment/api");
    let says = format!("frozen until somebody unfreezes it: loadtest; Deployment {namespace}/api");
    assert_says(&ran.stdout, &[&says, &format!("`{ends}` ends it")]);
    let ran = run(cluster, &namespace, "doctor");
    assert_says(&ran.stdout, &["Freezes", &format!("Deployment {namespace}/api is frozen"), &ends]);
    // Whoever asks for a restart gets it, with a word.
    let ran = run(cluster, &namespace, "restart deployment/api --dry-run");
    assert_code(&ran, 0);
    assert_says(
        &ran.stderr,
        &["warning: deployment.apps/api is frozen until somebody", "loadtest"],
    );

    let ran = run(cluster, &namespace, "unfreeze deployment/api --dry-run");
    assert_says(&ran.stdout, &["unfrozen, was frozen until", "(dry run)", "1 of 1 pod older"]);
    let ran = run(cluster, &namespace, "unfreeze deployment/api -o name");
    assert_code(&ran, 0);
    assert_eq!((&*ran.stdout, &*ran.stderr), ("deployment.apps/api\n", ""));
    let annotations = &api.get(&path).unwrap()["metadata"]["annotations"];
    assert!(annotations[FREEZE].is_null() && annotations[REASON].is_null(), "{annotations}");
    let ran = run(cluster, &namespace, "unfreeze deployment/api");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["deployment.apps/api not frozen, unchanged"]);
}

#[test]
fn the_most_careful_of_all_counts() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let secrets = format!("api/v1/namespaces/{namespace}/secrets");
    external_secret(&api, &namespace, "db", &spec(), &synced("True", "SecretSynced", "", 60));
    api.create(
        &secrets,
        &json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "db" },
        }),
    );
    still(&api, &namespace, "api");

    let ran = call(cluster, &format!("freeze --namespaces {namespace} --until {UNTIL}")).run();
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&format!("namespace/{namespace} frozen until {UNTIL}")]);
    assert_eq!(frozen(&api, &format!("api/v1/namespaces/{namespace}")), json!(UNTIL));
    let space = format!("Namespace {namespace} is frozen until {UNTIL}");
    let ends = format!("`kubectl extsecret unfreeze --namespaces {namespace}` ends it");
    for object in ["deployment/api", "externalsecret/db", "secret/db"] {
        let ran = run(cluster, &namespace, &format!("freeze {object} --for 1h"));
        assert_code(&ran, 0);
        assert_says(&ran.stdout, &["frozen until 2", &space, "that counts", &ends]);
        let ran = run(cluster, &namespace, &format!("unfreeze {object}"));
        assert_says(&ran.stdout, &["unfrozen, was frozen until", &space, &ends]);
    }
    call(cluster, &format!("unfreeze namespace/{namespace}")).run().succeeded();
    assert_eq!(frozen(&api, &format!("api/v1/namespaces/{namespace}")), Value::Null);

    // What an ExternalSecret says is copied to its Secret, and stays there until the next sync.
    run(cluster, &namespace, "freeze es/db secret/db").succeeded();
    let ran = run(cluster, &namespace, "unfreeze externalsecret.external-secrets.io/db");
    assert_says(
        &ran.stdout,
        &[
            "externalsecret.external-secrets.io/db unfrozen",
            &format!("Secret {namespace}/db is frozen until somebody unfreezes it: that counts"),
            &format!("kubectl extsecret unfreeze secret/db -n {namespace}"),
        ],
    );
    let ran = run(cluster, &namespace, "why deployment/api");
    assert_says(&ran.stdout, &[&format!("unfreeze secret/db -n {namespace}` ends it")]);

    // A controller of one namespace goes by its own flag, and not by what its namespace says.
    controller(&api, &namespace, &["--restart-freeze-until=2199-06-01T00:00:00Z"]);
    let ran = run(cluster, &namespace, &format!("freeze deployment/api --until {UNTIL}"));
    assert_says(
        &ran.stdout,
        &[
            &format!("the controller {namespace}/ours is frozen until 2199-06-01T00:00:00Z"),
            "the controller's flag --restart-freeze-until ends it",
        ],
    );
    assert_eq!(ran.stderr, "");
    let ran = run(cluster, &namespace, &format!("freeze namespace/{namespace} --dry-run"));
    assert_says(&ran.stdout, &["does not look at what the namespace says: freeze its workloads"]);
}

#[test]
fn many_by_a_label() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let (one, two) = (still(&api, &namespace, "one"), still(&api, &namespace, "two"));
    external_secret(&api, &namespace, "shop", &spec(), &Value::Null);
    let ran = run(cluster, &namespace, "freeze -l app=shop -o name");
    assert_code(&ran, 0);
    assert_eq!(ran.stdout, "deployment.apps/one\ndeployment.apps/two\n");
    assert_eq!((frozen(&api, &one), frozen(&api, &two)), (json!("true"), json!("true")));
    let ran = run(cluster, &namespace, "freeze externalsecrets -l app=shop -o name");
    assert_eq!(ran.stdout, "externalsecret.external-secrets.io/shop\n");
    let ran = run(cluster, &namespace, "unfreeze -l app=shop");
    assert_code(&ran, 0);
    assert_eq!((frozen(&api, &one), frozen(&api, &two)), (Value::Null, Value::Null));
    let ran = run(cluster, &namespace, "unfreeze -l app=none");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["No resources found."]);
}

#[test]
fn what_cannot_be_frozen_is_told() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let path = still(&api, &namespace, "api");
    let refused: [(&str, i32, &[&str]); 11] = [
        ("freeze", 2, &["which objects?", "deployment/api", "-l app=shop", "--namespaces shop"]),
        ("unfreeze", 2, &["which objects?", "kubectl extsecret doctor"]),
        ("freeze -A", 2, &["name the namespaces", "--restart-freeze-until"]),
        ("freeze deployment", 2, &["a kind alone names no object"]),
        ("freeze deployment/api -l app=shop", 2, &["name only kinds"]),
        ("freeze cronjob/report", 2, &["a CronJob is never restarted"]),
        ("freeze externalsecret.kubernetes-client.io/db", 2, &["externalsecret/NAME"]),
        ("freeze deployment/api --until 2001-01-01T00:00:00Z", 2, &["is over: it is 2"]),
        ("freeze deployment/api --for 0", 2, &["--for needs a time"]),
        (
            "freeze deployment/none",
            1,
            &["deployment.apps/none not changed: there is no Deployment"],
        ),
        ("freeze rollout/web", 1, &["does not serve rollouts.argoproj.io"]),
    ];
    for (args, code, words) in refused {
        let ran = run(cluster, &namespace, args);
        assert_code(&ran, code);
        assert_eq!(ran.stdout, "", "{args}");
        assert_says(&ran.stderr, words);
    }
    // One that is not there takes no other with it.
    let ran = run(cluster, &namespace, "freeze deployment/none deployment/api -o name");
    assert_code(&ran, 1);
    assert_eq!(ran.stdout, "deployment.apps/api\n");
    // Without rights nothing is looked at, and with those to read nothing is changed.
    let says = |ran: &Finished, words: &[&str]| {
        assert_code(ran, 1);
        assert_says(&ran.stderr, words);
    };
    let ran = run(cluster, &namespace, "unfreeze deployment/api --as guest");
    says(&ran, &["cannot read Deployment", "forbidden", "kubectl auth can-i"]);
    let ran = run(cluster, &namespace, "freeze -l app=shop --as guest");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot list deployments.apps", "forbidden"]);
    let role = ["create", "role", "reader", "--verb=get", "--resource=deployments.apps"];
    cluster.kubectl(role).namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=reader"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let ran = run(cluster, &namespace, "unfreeze deployment/api --as reader");
    says(&ran, &["deployment.apps/api not changed: cannot change Deployment", "forbidden"]);
    assert_eq!(frozen(&api, &path), json!("true"));
    // Who may change workloads only learns what else is not known.
    let role = ["create", "role", "writer", "--verb=get,patch", "--resource=deployments.apps"];
    cluster.kubectl(role).namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "writer", "--role=writer", "--user=writer"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let ran = run(cluster, &namespace, "unfreeze deployment/api --as writer");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            "deployment.apps/api unfrozen",
            "what the namespace says: you may not read it (forbidden)",
            "what waits is not known: Secrets: you may not read it (forbidden)",
        ],
    );
    assert_says(&ran.stderr, &["whether a controller restarts workloads", "is not known"]);
}
