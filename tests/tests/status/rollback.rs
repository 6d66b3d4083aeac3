//! `rollback`: an ExternalSecret reads the version before the current one again, and no value is shown.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_test_aws::Permissions;
use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::call::{Call, Finished, assert_code, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::wait_until;
use extsecret_tests::fleet::Fleet;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{require, terminal};
use serde_json::{Value, json};

use crate::restarts::{wait_running, workload};
use crate::{PASSWORD, PASSWORD_IN_BASE64, run};

const SOON: Duration = Duration::from_mins(1);

/// The value that comes after the password, and does not work.
const NEWER: &str = "newer-of-the-database";

/// Runs it with AWS at hand; no value may be seen.
#[track_caller]
fn rollback(cluster: &Cluster, aws: &Aws, namespace: &str, args: &str) -> Finished {
    asked(cluster, &aws.environment(aws.admin()), namespace, args)
}

#[track_caller]
fn asked(
    cluster: &Cluster,
    environment: &BTreeMap<&'static str, String>,
    namespace: &str,
    args: &str,
) -> Finished {
    let mut call = cluster.kubectl(["extsecret", "rollback"]).args(args.split_whitespace());
    call = call.plugins_in(kubectl_extsecret().parent().unwrap()).namespace(namespace);
    for (name, value) in environment {
        call = call.env(name, value);
    }
    let ran = call.run();
    for value in [PASSWORD, PASSWORD_IN_BASE64, NEWER, &STANDARD.encode(NEWER)] {
        assert!(!ran.stdout.contains(value) && !ran.stderr.contains(value), "a value\n{ran}");
    }
    assert!(!ran.stderr.contains("panicked"), "{ran}");
    ran
}

fn value(fleet: &Fleet<'_>, name: &str) -> String {
    let secret = fleet.api.get(&fleet.core(&format!("secrets/{name}"))).unwrap();
    secret["data"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn there_and_back_again() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, &api);
    let namespace = fleet.namespace.clone();
    let older = aws.secrets().put("app/db", PASSWORD);
    let controller = fleet.controller(cluster, &aws);
    fleet.store("aws", aws.region(), &json!({}));
    fleet.external_secret("db", "app/db", "1h");
    fleet.wait_ready(1);
    let mut api_pods = workload("Deployment", "api", "db", &json!({}));
    api_pods["spec"]["template"]["spec"]["containers"][0]["env"][0]["valueFrom"]["secretKeyRef"]
        ["key"] = json!("value");
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &api_pods);
    wait_running(&api, &namespace, 1);
    let newer = aws.secrets().put("app/db", NEWER);
    run(cluster, &namespace, "refresh db --wait").succeeded();
    assert_eq!(value(&fleet, "db"), STANDARD.encode(NEWER));

    // What would be, and nobody is asked where nobody is.
    let path = fleet.ours("externalsecrets/db");
    let before = api.get(&path).unwrap();
    for dry in ["--dry-run", "--dry-run=server"] {
        let ran = rollback(cluster, &aws, &namespace, &format!("db {dry}"));
        assert_code(&ran, 0);
        let pin = format!("+      version: uuid/{older}");
        let said = format!("pinned: app/db to uuid/{older} (");
        assert_says(&ran.stdout, &["--- now", "+++ then", &pin, &said, "dry run)"]);
        assert_says(&ran.stderr, &["a pin keeps new versions out until --undo takes it away"]);
    }
    let ran = rollback(cluster, &aws, &namespace, "db");
    assert_code(&ran, 2);
    assert_says(&ran.stdout, &[&format!("uuid/{older}")]);
    assert_says(&ran.stderr, &["there is no terminal to ask at: --yes says so"]);
    // A manifest that can be committed.
    let ran = rollback(cluster, &aws, &namespace, "db -o yaml");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["kind: ExternalSecret", &format!("version: uuid/{older}")]);
    assert!(!ran.stdout.contains("status:") && !ran.stdout.contains("uid:"), "{ran}");
    let apply = ["apply", "--filename=-", "--dry-run=server", "--validate=strict"];
    cluster.kubectl(apply).namespace(&namespace).stdin(ran.stdout).run().succeeded();
    assert_eq!(api.get(&path).unwrap()["spec"], before["spec"], "nothing has changed");

    let seconds = || jiff::Timestamp::now().as_second();
    let then = seconds();
    wait_until(SOON, "a later second", || (seconds() > then).then_some(()));
    let ran = rollback(cluster, &aws, &namespace, "db --yes --wait");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("externalsecret.external-secrets.io/db pinned: app/db to uuid/{older}\n"),
            "externalsecret.external-secrets.io/db synced\n",
            "deployment.apps/api has the value from before in 1 of 1 pods: nobody restarts it",
        ],
    );
    let next = format!("kubectl extsecret restart --secret db -n {namespace} --wait");
    assert_says(&ran.stderr, &[&next]);
    assert_eq!(value(&fleet, "db"), PASSWORD_IN_BASE64);
    let ran = rollback(cluster, &aws, &namespace, "db --yes");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["and not the current one: --undo takes that away"]);
    let ran = rollback(cluster, &aws, &namespace, &format!("db --to {older} --yes"));
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["is pinned to that already, unchanged"]);
    // A version without a label is one, too.
    aws.secrets().put("app/db", "newest");
    let ran = rollback(cluster, &aws, &namespace, &format!("db --to uuid/{newer} --dry-run"));
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&format!("-      version: uuid/{older}"), &newer]);
    let ran = rollback(cluster, &aws, &namespace, "db --to none --yes");
    assert_code(&ran, 2);
    assert_says(
        &ran.stderr,
        &["\"app/db\" has no version \"none\"", "(AWSCURRENT)", &older, "(AWSPREVIOUS)"],
    );

    let ran = rollback(cluster, &aws, &namespace, "db --undo --yes --wait --timeout 1m");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["follows the current version of app/db again", "synced"]);
    assert_eq!(value(&fleet, "db"), STANDARD.encode("newest"));
    let ran = rollback(cluster, &aws, &namespace, "db --undo --yes");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["is not pinned, unchanged"]);

    // A parameter has numbers, and a person may say no.
    aws.parameters().put("/app/token", PASSWORD);
    aws.parameters().put("/app/token", NEWER);
    fleet.store("parameters", aws.region(), &json!({ "service": "ParameterStore" }));
    let source =
        json!({ "data": [{ "secretKey": "value", "remoteRef": { "key": "/app/token" } }] });
    fleet.reader("token", "parameters", &source);
    fleet.wait_ready(2);
    let python = require!(extsecret_tests::venv::python());
    for (answer, code, words) in [("n", 1, "nothing was changed"), ("y", 0, "to 1")] {
        let question = [("Change the ExternalSecret", answer)];
        let mut call: Call = terminal::call(&python, &question, kubectl_extsecret());
        call = call.args(["rollback", "token", "-n", &namespace]);
        call = call.env("KUBECONFIG", cluster.kubeconfig());
        for (name, value) in aws.environment(aws.admin()) {
            call = call.env(name, value);
        }
        let ran = call.run();
        assert_code(&ran, code);
        assert_says(&ran.stdout, &["version: \"1\"", words]);
    }
    wait_until(SOON, "the first value is back", || {
        (value(&fleet, "token") == PASSWORD_IN_BASE64).then_some(())
    });
    controller.stop();
    // Nobody answers any more.
    let ran = rollback(cluster, &aws, &namespace, "token --undo --yes --wait --timeout 1s");
    assert_code(&ran, 124);
    assert_says(&ran.stderr, &["not synced in time", "kubectl extsecret doctor"]);
}

#[test]
fn what_cannot_be_pinned_is_told() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, &api);
    let namespace = fleet.namespace.clone();
    for key in ["app/one", "app/once", "app/two"] {
        aws.secrets().put(key, PASSWORD);
    }
    aws.secrets().put("app/one", NEWER);
    aws.secrets().put("app/two", NEWER);
    fleet.store("aws", aws.region(), &json!({}));
    fleet.store("parameters", aws.region(), &json!({ "service": "ParameterStore" }));
    aws.parameters().put("/app/token", PASSWORD);
    let vault = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "vault" },
        "spec": { "provider": { "vault": {
            "server": "https://vault.test", "path": "kv", "version": "v2",
            "auth": { "tokenSecretRef": { "name": "t", "key": "t" } },
        } } },
    });
    api.create(&fleet.ours("secretstores"), &vault);
    let item = |key: &str, more: &Value| {
        let mut it = json!({ "secretKey": key.replace('/', "-"), "remoteRef": { "key": key } });
        for (field, value) in more.as_object().into_iter().flatten() {
            it["remoteRef"][field] = value.clone();
        }
        it
    };
    let none = json!({});
    let find = json!({ "find": { "name": { "regexp": "app" } } });
    let extract = json!({ "extract": { "key": "app/two" } });
    fleet.reader("finds", "aws", &json!({ "dataFrom": [find] }));
    let two = json!({ "data": [item("app/one", &none)], "dataFrom": [extract] });
    fleet.reader("several", "aws", &two);
    fleet.reader("once", "aws", &json!({ "data": [item("app/once", &none)] }));
    let stage = json!({ "version": "AWSPENDING" });
    fleet.reader("stage", "aws", &json!({ "data": [item("app/one", &stage)] }));
    let label = json!({ "version": "stable" });
    fleet.reader("label", "parameters", &json!({ "data": [item("/app/token", &label)] }));
    fleet.reader("token", "parameters", &json!({ "data": [item("/app/token", &none)] }));
    fleet.reader("vault", "vault", &json!({ "data": [item("x", &none)] }));
    fleet.reader("lost", "none", &json!({ "data": [item("x", &none)] }));
    fleet.reader("gone", "aws", &json!({ "data": [item("app/none", &none)] }));
    let created = json!({ "data": [item("app/one", &none)], "refreshPolicy": "CreatedOnce" });
    fleet.reader("created", "aws", &created);
    let made = fleet.reader("owned", "aws", &json!({ "data": [item("app/one", &none)] }));
    // An owner that is there: what is of none would be collected.
    let many = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
        "metadata": { "name": namespace },
        "spec": { "namespaces": ["none"], "externalSecretSpec": made["spec"] },
    });
    let many = api.create(&format!("{EXTERNAL_SECRETS}/clusterexternalsecrets"), &many);
    let owner = json!([{
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
        "name": namespace, "uid": many["metadata"]["uid"], "controller": true,
    }]);
    let path = fleet.ours("externalsecrets/owned");
    api.patch(&path, &json!({ "metadata": { "ownerReferences": owner } }));

    let cases: [(&str, &[&str]); 14] = [
        ("finds", &["cannot be pinned", "dataFrom[0] finds secrets", "current versions"]),
        ("several", &["it reads several secrets", "--key says which (app/one, app/two)"]),
        ("several --key app/three", &["does not read \"app/three\"", "app/one, app/two"]),
        ("once", &["\"app/once\" has no previous version", "(AWSCURRENT)"]),
        ("stage", &["it reads what is labelled AWSPENDING", "move the label in AWS"]),
        ("label", &["it reads what is labelled stable of \"/app/token\""]),
        ("token --to stable", &["a label of Parameter Store, and labels move", "the number"]),
        ("token", &["\"/app/token\" has no older version 0: its current one is 1"]),
        ("vault", &["SecretStore \"vault\" is not for AWS"]),
        ("lost", &["there is no SecretStore \"none\"", "kubectl extsecret validate"]),
        ("gone", &["versions of \"app/none\" in", "AWS_PROFILE", "does not exist"]),
        ("created", &["refreshPolicy is CreatedOnce"]),
        ("owned", &["the ClusterExternalSecret ", "makes it and would put it back"]),
        ("nothing", &["there is no ExternalSecret", "-n chooses another namespace"]),
    ];
    for (args, words) in cases {
        let ran = rollback(cluster, &aws, &namespace, &format!("{args} --yes"));
        assert_code(&ran, 2);
        assert_eq!(ran.stdout, "", "{args}");
        assert_says(&ran.stderr, words);
    }
    // What a tool applies from Git is warned of; of several one may be pinned, also what is extracted.
    let id =
        json!({ "argocd.argoproj.io/tracking-id": "shop:external-secrets.io/ExternalSecret:a/b" });
    let path = fleet.ours("externalsecrets/several");
    api.patch(&path, &json!({ "metadata": { "annotations": id } }));
    let ran = rollback(cluster, &aws, &namespace, "several --key app/two --yes");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["pinned: app/two to uuid/"]);
    assert_says(&ran.stderr, &["Argo CD (shop) puts this back", "-o yaml prints"]);
    let spec = api.get(&path).unwrap()["spec"].clone();
    assert!(spec["dataFrom"][0]["extract"]["version"].is_string(), "{spec:#}");
    assert!(spec["data"][0]["remoteRef"]["version"].is_null(), "{spec:#}");

    // Rights are the caller's, at the cluster and at AWS.
    let ran = rollback(cluster, &aws, &namespace, "once --yes --as nobody");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot read ExternalSecret", "forbidden", "kubectl auth can-i"]);
    let guest = aws.identities().add_user(aws.account(), "guest", Permissions::nothing());
    let ran = asked(cluster, &aws.environment(&guest), &namespace, "once --yes");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["with your own credentials of AWS (AWS_PROFILE", "DescribeSecret"]);
    let role = ["create", "role", "reader", "--verb=get"];
    let resources = "externalsecrets.external-secrets.io,secretstores.external-secrets.io";
    let role = cluster.kubectl(role).args(["--resource", resources]);
    role.namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=reader"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let ran = rollback(cluster, &aws, &namespace, "several --key app/one --yes --as reader");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot change externalsecrets.external-secrets.io", "forbidden"]);
}
