//! `scaffold`, from what a cluster and AWS have.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::{Api, EXTERNAL_SECRETS};
use extsecret_tests::aws::Aws;
use extsecret_tests::call::{Call, Finished, assert_code, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::fleet::Fleet;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::{require, terminal};
use serde_json::{Value, json};

use crate::{PASSWORD, PASSWORD_IN_BASE64, external_secret, run, spec};

/// Runs it with AWS at hand; no value may be seen.
#[track_caller]
fn scaffold(cluster: &Cluster, aws: &Aws, namespace: &str, args: &str) -> Finished {
    let mut call = Call::new(kubectl_extsecret()).args(["scaffold"]).args(args.split_whitespace());
    call = call.args(["-n", namespace]).env("KUBECONFIG", cluster.kubeconfig());
    for (name, value) in aws.environment(aws.admin()) {
        call = call.env(name, value);
    }
    let ran = call.run();
    for value in [PASSWORD, PASSWORD_IN_BASE64] {
        assert!(!ran.stdout.contains(value) && !ran.stderr.contains(value), "a value\n{ran}");
    }
    ran
}

/// What is printed is what `validate` has nothing to say about, and the API server takes it.
#[track_caller]
fn applies(cluster: &Cluster, namespace: &str, manifests: &str) {
    let checked = Call::new(kubectl_extsecret()).args(["validate", "--strict", "-f", "-"]);
    let checked = checked.stdin(manifests).run();
    assert_code(&checked, 0);
    assert_says(&checked.stderr, &["nothing found"]);
    let apply = ["apply", "--filename=-", "--dry-run=server", "--validate=strict"];
    cluster.kubectl(apply).namespace(namespace).stdin(manifests).run().succeeded();
}

fn secret(api: &Api, namespace: &str, name: &str, type_: &str, data: &Value) {
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name },
        "type": type_, "data": data,
    });
    api.create(&format!("api/v1/namespaces/{namespace}/secrets"), &secret);
}

#[test]
fn a_secret_moves_to_aws_and_comes_back() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let fleet = Fleet::new(cluster, &api);
    let namespace = fleet.namespace.clone();
    let data = json!({
        "password": PASSWORD_IN_BASE64, "db.host": "aG9zdA==", "a_key": "eA==", "bytes": "/wCAgQ==",
    });
    secret(&api, &namespace, "db", "example.com/db", &data);
    let flags = "externalsecret --from-secret db --store aws";

    // Without a terminal nothing is written unless that is said.
    let ran = scaffold(cluster, &aws, &namespace, &format!("{flags} --key shop/db --push"));
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["this would make the secret shop/db", "--yes"]);
    assert_eq!(ran.stdout, "");
    let ran = scaffold(cluster, &aws, &namespace, flags);
    assert_code(&ran, 0);
    let says = format!(
        "# The secret {namespace}/db has to hold JSON with the members\n# a_key, bytes, db.host, \
         password.\n"
    );
    assert_says(&ran.stdout, &[&says, "is taken over", "type: example.com/db"]);
    applies(cluster, &namespace, &ran.stdout);

    let ran = scaffold(cluster, &aws, &namespace, &format!("{flags} --key shop/db --push --yes"));
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["made the secret shop/db", "a_key, bytes, db.host, password"]);
    applies(cluster, &namespace, &ran.stdout);
    // There is one already: it is not written again.
    let again = scaffold(cluster, &aws, &namespace, &format!("{flags} --key shop/db --push --yes"));
    assert_code(&again, 2);
    assert_says(&again.stderr, &["ResourceExistsException"]);

    // The controller brings the same bytes.
    let path = fleet.core("secrets/db");
    fleet.api.delete(&path);
    let controller = fleet.controller(cluster, &aws);
    fleet.store("aws", aws.region(), &json!({}));
    let apply = cluster.kubectl(["apply", "--filename=-"]).namespace(&namespace);
    apply.stdin(ran.stdout).run().succeeded();
    fleet.wait_ready(1);
    let made = api.get(&path).unwrap();
    assert_eq!((&made["data"], &made["type"]), (&data, &json!("example.com/db")));
    controller.stop();
}

#[test]
fn names_of_members_come_from_aws_and_values_do_not() {
    let cluster = require!(Cluster::shared_with_definitions());
    let aws = Aws::start();
    let namespace = cluster.fresh_namespace();
    let value = json!({ "user": "app", "password": PASSWORD, "a/b": 1 }).to_string();
    aws.secrets().put("app/db", &value);
    aws.secrets().put("app/token", PASSWORD);
    let ran = scaffold(cluster, &aws, &namespace, "es db --store main --from-aws app/db");
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &[
            "secretKey: user",
            "property: password",
            "secretKey: a_b",
            "property: a/b",
            "key: app/db",
        ],
    );
    applies(cluster, &namespace, &ran.stdout);
    let ran = scaffold(cluster, &aws, &namespace, "es token --store main --from-aws app/token");
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["holds no JSON object"]);
    applies(cluster, &namespace, &ran.stdout);
    let ran = scaffold(cluster, &aws, &namespace, "es no --store main --from-aws app/none");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot look into \"app/none\"", "does not exist"]);
}

#[test]
fn what_a_workload_reads() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let namespace = cluster.fresh_namespace();
    let key = |secret: &str, key: &str| json!({ "name": key, "valueFrom": { "secretKeyRef": { "name": secret, "key": key } } });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": "api" } },
            "template": {
                "metadata": { "labels": { "app": "api" } },
                "spec": { "containers": [{
                    "name": "api", "image": "api",
                    "env": [key("db", "user"), key("db", "password"), key("made", "x")],
                    "envFrom": [{ "secretRef": { "name": "settings" } }],
                }] },
            },
        },
    });
    api.create(&format!("apis/apps/v1/namespaces/{namespace}/deployments"), &deployment);
    external_secret(&api, &namespace, "made", &spec(), &Value::Null);
    let flags = "externalsecret --store main --from-workload deploy/api";
    let ran = scaffold(cluster, &aws, &namespace, &format!("{flags} --key team"));
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["an ExternalSecret makes the Secret made already"]);
    assert_says(
        &ran.stdout,
        &[
            &format!("# Read by the Deployment {namespace}/api."),
            "# The secret team/db has to hold JSON with the members\n# password, user.",
            "key: team/settings",
            "---\n",
        ],
    );
    assert!(!ran.stdout.contains("made"), "{ran}");
    let checked = Call::new(kubectl_extsecret()).args(["validate", "-f", "-"]);
    assert_says(
        &checked.stdin(ran.stdout.clone()).run().stderr,
        &["2 objects checked: nothing found"],
    );
    let apply = cluster.kubectl(["apply", "--filename=-"]).namespace(&namespace);
    apply.stdin(ran.stdout).run().succeeded();
    // Now everything is made.
    let ran = scaffold(cluster, &aws, &namespace, flags);
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["reads no Secret that has to be made"]);
    let ran = scaffold(cluster, &aws, &namespace, "es --store main --from-workload deploy/none");
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &[&format!("there is no Deployment {namespace}/none")]);
}

#[test]
fn what_cannot_be_kept_is_refused() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let namespace = cluster.fresh_namespace();
    secret(&api, &namespace, "empty", "Opaque", &json!({}));
    secret(&api, &namespace, "join", "bootstrap.kubernetes.io/token", &json!({ "a": "eA==" }));
    for (name, says) in [
        ("none", "there is no Secret \"none\""),
        ("empty", "has no keys"),
        ("join", "which the cluster itself makes"),
    ] {
        let ran = run(cluster, &namespace, &format!("scaffold es --store a --from-secret {name}"));
        assert_code(&ran, 2);
        assert_says(&ran.stderr, &[says]);
    }
    // Nothing that cannot be read is guessed.
    let guest = format!("scaffold es --store a --from-secret none --as nobody -n {namespace}");
    let ran = crate::call(cluster, &guest).run();
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["cannot read Secret", "forbidden"]);
}

#[test]
fn a_person_is_asked() {
    let cluster = require!(Cluster::shared_with_definitions());
    let python = require!(extsecret_tests::venv::python());
    let api = Api::of(cluster);
    let aws = Aws::start();
    aws.secrets().put("app/db", &json!({ "user": "a", "password": PASSWORD }).to_string());
    aws.secrets().put("app/mail", "x");
    let namespace = cluster.fresh_namespace();
    let store = json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore", "metadata": { "name": "main" },
        "spec": { "provider": { "aws": { "service": "SecretsManager", "region": "eu-west-1" } } },
    });
    api.create(&format!("{EXTERNAL_SECRETS}/namespaces/{namespace}/secretstores"), &store);

    let talk = |conversation: &[(&str, &str)], args: &[&str]| {
        let mut call = terminal::call(&python, conversation, kubectl_extsecret());
        call = call.args(["scaffold", "-n", &namespace]).args(args);
        call = call.env("KUBECONFIG", cluster.kubeconfig());
        for (name, value) in aws.environment(aws.admin()) {
            call = call.env(name, value);
        }
        let ran = call.run();
        assert!(!ran.stdout.contains(PASSWORD), "{ran}");
        ran
    };
    let from_a_list = [
        ("What shall it be", "\r"),
        ("Where the values come from", "j\r"),
        ("Its name begins with", "app/\r"),
        ("Which one", "\r"),
        ("Name of the ExternalSecret", "\r"),
        ("Which store", "\r"),
    ];
    let ran = talk(&from_a_list, &[]);
    assert_code(&ran, 0);
    assert_says(
        &ran.stdout,
        &["app/mail", "property: password", "name: db\r", "name: main", "secretKey: user"],
    );
    let store = [
        ("What shall it be", "j\r"),
        ("Name of the store", "shop\r"),
        ("Region of AWS", "eu-west-1\r"),
        ("Whose credentials", "j\r"),
        ("Name of the service account", "reader\r"),
    ];
    let ran = talk(&store, &[]);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["kind: SecretStore", "name: shop", "serviceAccountRef"]);

    // Only who says yes makes a secret.
    secret(&api, &namespace, "db", "Opaque", &json!({ "password": PASSWORD_IN_BASE64 }));
    let flags = ["es", "--store", "main", "--from-secret", "db", "--key", "new/db", "--push"];
    let ran = talk(&[("Make the secret new/db", "n")], &flags);
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &["nothing was made"]);
    let ran = talk(&[("Make the secret new/db", "y")], &flags);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["made the secret new/db"]);
    // Whoever leaves finds the terminal as it was; the signal ends it as any other program.
    let ran = talk(&[("What shall it be", "\u{3}")], &[]);
    assert_code(&ran, 254);
    assert!(!ran.stdout.contains("\u{1b}[?25l"), "the cursor is hidden\n{ran}");
    // Nobody is asked who does not want to be.
    let ran = talk(&[], &["--no-input"]);
    assert_code(&ran, 2);
    assert_says(&ran.stdout, &["KIND is missing"]);
}

#[test]
fn bytes_are_kept_as_base64_in_aws() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    let namespace = cluster.fresh_namespace();
    secret(&api, &namespace, "key", "Opaque", &json!({ "raw": STANDARD.encode([0xff, 0xfe, 0]) }));
    let flags = "externalsecret --from-secret key --store main --push --yes";
    let ran = scaffold(cluster, &aws, &namespace, flags);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["decodingStrategy: Base64", &format!("key: {namespace}/key")]);
}
