//! Clusters in which something is missing.

use extsecret_tests::api::Api;
use extsecret_tests::call::Call;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::require;
use serde_json::Value;

use crate::{assert_code, assert_says, external_secret, run, spec, synced};

#[test]
fn no_definitions() {
    let cluster = require!(Cluster::setup().start());
    for verb in ["status", "status -A", "status -o json", "refresh --all", "refresh db"] {
        let ran = if verb.contains("-A") {
            crate::call(&cluster, verb).run()
        } else {
            run(&cluster, "default", verb)
        };
        assert_code(&ran, 2);
        assert_eq!(ran.stdout, "", "{verb}");
        assert_says(
            &ran.stderr,
            &[
                "the cluster does not serve externalsecrets.external-secrets.io",
                "are the CRDs of external-secrets.io installed?",
            ],
        );
    }
    // A look at one shows in its place what could not be looked at.
    let ran = run(&cluster, "default", "status db");
    assert_says(&ran.stdout, &["ExternalSecret default/db: the cluster does not serve"]);
}

#[test]
fn no_rights() {
    let cluster = require!(Cluster::setup().definitions().user("guest").start());
    let api = Api::of(&cluster);
    let namespace = cluster.fresh_namespace();
    external_secret(&api, &namespace, "db", &spec(), &Value::Null);
    for verb in ["status", "refresh db", "refresh --all"] {
        let ran = run(&cluster, &namespace, &format!("{verb} --context guest"));
        assert_code(&ran, 2);
        assert_eq!(ran.stdout, "");
        assert_says(
            &ran.stderr,
            &["list externalsecrets.external-secrets.io", "forbidden", "kubectl auth can-i"],
        );
    }
    let ran = run(&cluster, &namespace, "status db --context guest");
    assert_says(&ran.stdout, &["you may not read it (forbidden)"]);

    // Who may read ExternalSecrets only sees what hangs on them as far as that.
    let role = ["create", "role", "reader", "--verb=get,list,watch"];
    let role = cluster.kubectl(role).args(["--resource=externalsecrets.external-secrets.io"]);
    role.namespace(&namespace).run().succeeded();
    let binding = ["create", "rolebinding", "reader", "--role=reader", "--user=guest"];
    cluster.kubectl(binding).namespace(&namespace).run().succeeded();
    let ran = run(&cluster, &namespace, "status --context guest");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["db"]);
    let ran = run(&cluster, &namespace, "status -o wide --context guest");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["warning: VERSION and KEYS are not known", "forbidden"]);
    let ran = run(&cluster, &namespace, "status db --context guest");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            &format!("ExternalSecret {namespace}/db\n"),
            "events: you may not read it (forbidden)",
            "SecretStore main: you may not read it (forbidden)",
            "Secret db: you may not read it (forbidden)",
        ],
    );
    // To refresh is to change.
    let ran = run(&cluster, &namespace, "refresh db --context guest");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["cannot change ExternalSecret", "forbidden"]);

    // Impersonation is the API server's to judge.
    let ran = run(&cluster, &namespace, "status --as guest");
    assert_code(&ran, 0);
    let ran = run(&cluster, &namespace, "status --as nobody --as-group none --as-uid 7");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["User \"nobody\" cannot list"]);
}

#[test]
fn a_token_and_a_server_are_enough() {
    let cluster = require!(Cluster::shared_with_definitions());
    let namespace = cluster.fresh_namespace();
    let token = cluster.kubectl(["create", "token", "default"]).namespace(&namespace);
    let token = token.run().succeeded();
    let args = format!("status --token {} --kubeconfig /dev/null", token.trim());
    let server = cluster.server();
    // The account may read nothing: the server has recognised it.
    let ran =
        run(cluster, &namespace, &format!("{args} --server {server} --insecure-skip-tls-verify"));
    assert_code(&ran, 2);
    let account = format!("User \"system:serviceaccount:{namespace}:default\" cannot list");
    assert_says(&ran.stderr, &[&account]);
    assert!(!ran.stderr.contains(token.trim()), "{ran}");
    // Its certificate is not one that this machine trusts.
    let ran = run(cluster, &namespace, &format!("{args} --server {server}"));
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["no answer from the API server", "certificate"]);
}

#[test]
fn what_is_missing_is_named() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    let status = synced("False", "SecretSyncedError", "could not get it", 60);
    external_secret(&api, &namespace, "db", &spec(), &status);
    let ran = run(cluster, &namespace, "status db --exit-code");
    assert_code(&ran, 1);
    assert_says(
        &ran.stdout,
        &["SecretStore main: there is none", "Secret db: there is none", "could not get it"],
    );
    assert_says(&ran.stderr, &["kubectl extsecret refresh db"]);
    let ran = run(cluster, &namespace, "status other");
    assert_code(&ran, 2);
    assert_eq!(ran.stdout, "");
    assert_says(&ran.stderr, &["there is no ExternalSecret \"other\""]);
    let ran = run(cluster, &namespace, "status ../db");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["no name"]);
}

/// Those that are not about the cluster, and those that are no part of a kubeconfig.
const NOT_OURS: [&str; 8] = [
    "kuberc",
    "log-flush-frequency",
    "match-server-version",
    "profile",
    "profile-output",
    "v",
    "vmodule",
    "warnings-as-errors",
];

#[test]
fn flags_that_find_the_cluster_are_kubectls() {
    let kubectl = require!(extsecret_tests::tools::kubectl());
    let options = Call::new(&kubectl).args(["options"]).run().succeeded();
    let theirs: Vec<&str> = options
        .lines()
        .filter_map(|line| line.trim_start().split_once("--")?.1.split_once('='))
        .map(|(name, _)| name)
        .filter(|name| !NOT_OURS.contains(name))
        .collect();
    assert!(theirs.len() > 20, "{options}");
    for verb in ["status", "refresh", "doctor", "why", "restart", "scaffold", "iam", "render"] {
        let help = Call::new(kubectl_extsecret()).args([verb, "--help"]).run().succeeded();
        let missing: Vec<&&str> =
            theirs.iter().filter(|name| !help.contains(&format!("--{name}"))).collect();
        assert!(missing.is_empty(), "{verb} lacks {missing:?}");
    }
}
