//! `kubectl extsecret render` as a person runs it: values from AWS, objects from a cluster. No run
//! without `--show-values` may print a value, whatever happens to it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::aws::{Aws, Permissions};
use extsecret_tests::call::{Call, Finished, assert_code, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::require;
use serde_json::{Value, json};
use tempfile::TempDir;

/// What must not be seen.
const PASSWORD: &str = "pa55word-of-the-database";
const OTHER_PASSWORD: &str = "another-pa55word";

const OBJECT: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
spec:
  secretStoreRef: { name: main }
  data:
    - secretKey: password
      remoteRef: { key: app/db, property: password }
";

const TEMPLATE: &str = "  target:
    template:
      mergePolicy: Merge
      metadata:
        labels: { app: shop }
      templateFrom:
        - configMap:
            name: settings
            items: [{ key: url }]
";

const STORE: &str = "\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata:
  name: main
spec:
  provider:
    aws: { service: SecretsManager, region: us-east-1 }
";

const SETTINGS: &str = "\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data:
  url: 'postgres://app:{{ .password }}@db'
";

/// AWS with the secret of [`OBJECT`].
fn aws() -> Aws {
    let aws = Aws::start();
    put(&aws, PASSWORD);
    aws
}

fn put(aws: &Aws, password: &str) {
    aws.secrets().put("app/db", &json!({ "user": "app", "password": password }).to_string());
}

/// A folder with files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

/// The environment of whoever may do everything.
fn admin(aws: &Aws) -> BTreeMap<&'static str, String> {
    aws.environment(aws.admin())
}

fn render(folder: &Path, environment: &BTreeMap<&'static str, String>, args: &str) -> Finished {
    let mut call = Call::new(kubectl_extsecret())
        .args(["render"])
        .args(args.split_whitespace())
        .in_folder(folder)
        .env("HOME", folder)
        // No cluster of this machine is asked by accident.
        .env("KUBECONFIG", "/dev/null")
        .without_env("AWS_PROFILE");
    for (name, value) in environment {
        call = call.env(name, value);
    }
    let ran = call.run();
    if !args.contains("--show-values") {
        assert_secret(&ran);
    }
    ran
}

/// Nothing that was printed holds a value.
#[track_caller]
fn assert_secret(ran: &Finished) {
    for value in [PASSWORD, OTHER_PASSWORD] {
        for form in [value.to_owned(), STANDARD.encode(value)] {
            for output in [&ran.stdout, &ran.stderr] {
                assert!(!output.contains(&form), "a value is shown\n{ran}");
            }
        }
    }
}

#[test]
fn values_come_from_aws() {
    let aws = aws();
    let folder = folder(&[("es.yaml", OBJECT), ("store.yaml", STORE)]);
    let args = "-f es.yaml -f store.yaml -n app";
    let ran = render(folder.path(), &admin(&aws), args);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["name: db\n", "namespace: app\n", "  password: \"<24 bytes, hash "]);
    assert_eq!(ran.stderr, "");

    // The variables that the controller reads count, too, and before the SDK's own.
    let mut environment = admin(&aws);
    environment.insert("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned());
    environment.insert("AWS_SECRETSMANAGER_ENDPOINT", aws.endpoint().to_owned());
    let ran = render(folder.path(), &environment, &format!("{args} --show-values"));
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&format!("  password: {PASSWORD}\n")]);
}

#[test]
fn parameters_come_from_the_parameter_store() {
    let aws = Aws::start();
    aws.parameters().put("/app/db", &json!({ "password": PASSWORD }).to_string());
    let object = OBJECT.replace("key: app/db", "key: /app/db");
    let store = STORE.replace("SecretsManager", "ParameterStore");
    let folder = folder(&[("es.yaml", &object), ("store.yaml", &store)]);
    let ran = render(folder.path(), &admin(&aws), "-f es.yaml,store.yaml -n app --show-values");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&format!("  password: {PASSWORD}\n")]);
}

#[test]
fn what_aws_does_not_give_is_told() {
    let aws = aws();
    let nobody = aws.identities().add_user(aws.account(), "deploy", Permissions::nothing());
    let missing = OBJECT.replace("key: app/db", "key: app/gone");
    let property = OBJECT.replace("property: password", "property: passwort");
    let folder = folder(&[
        ("es.yaml", OBJECT),
        ("missing.yaml", &missing),
        ("property.yaml", &property),
        ("store.yaml", STORE),
    ]);
    let in_folder = |environment: &_, file: &str| {
        let args = format!("-f {file} -f store.yaml -n app");
        render(folder.path(), environment, &args)
    };
    for (environment, file, says) in [
        (
            aws.environment(&nobody),
            "es.yaml",
            &["secretsmanager:GetSecretValue", "user/deploy", "es.yaml:8:"][..],
        ),
        (admin(&aws), "missing.yaml", &["app/gone", "does not exist"]),
        (admin(&aws), "property.yaml", &["passwort"]),
        (aws.environment_without_credentials(), "es.yaml", &["credentials"]),
    ] {
        let ran = in_folder(&environment, file);
        assert_code(&ran, 1);
        assert_eq!(ran.stdout, "", "{file}");
        assert_says(&ran.stderr, says);
    }
    assert_eq!(
        aws.counters().outcomes("secretsmanager:GetSecretValue", "AccessDeniedException"),
        1
    );
}

#[test]
fn nothing_at_the_other_end_is_told_soon() {
    let aws = aws();
    let mut environment = admin(&aws);
    environment.insert("AWS_ENDPOINT_URL", "http://127.0.0.1:1".to_owned());
    let folder = folder(&[("es.yaml", OBJECT), ("store.yaml", STORE)]);
    let ran = render(folder.path(), &environment, "-f es.yaml -f store.yaml -n app");
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["AWS Secrets Manager GetSecretValue of \"app/db\" in us-east-1"]);
}

fn apply(cluster: &Cluster, namespace: &str, manifest: &str) {
    let apply = cluster.kubectl(["apply", "--filename=-"]).namespace(namespace);
    apply.stdin(manifest).run().succeeded();
}

/// A namespace with the ExternalSecret, its template and its store.
fn furnished(cluster: &Cluster) -> String {
    let namespace = cluster.fresh_namespace();
    apply(cluster, &namespace, &format!("{OBJECT}{TEMPLATE}---\n{STORE}---\n{SETTINGS}"));
    namespace
}

/// The environment of the administrator of both.
fn everywhere(cluster: &Cluster, aws: &Aws) -> BTreeMap<&'static str, String> {
    let mut environment = admin(aws);
    environment.insert("KUBECONFIG", cluster.kubeconfig().display().to_string());
    environment
}

#[test]
fn everything_comes_from_the_cluster() {
    let cluster = require!(Cluster::shared_with_definitions());
    let (aws, namespace, folder) = (aws(), furnished(cluster), folder(&[]));
    let environment = everywhere(cluster, &aws);
    let ran = render(folder.path(), &environment, &format!("db -n {namespace}"));
    assert_code(&ran, 0);
    assert_eq!(ran.stderr, "");
    let owner = format!("namespace: {namespace}\n");
    assert_says(
        &ran.stdout,
        &[&owner, "  password: \"<24 bytes", "  url: \"<42 bytes", "app: shop\n"],
    );
    assert_says(&ran.stdout, &["kind: ExternalSecret\n"]);
    // Annotations that only kubectl cares about are not copied.
    assert!(!ran.stdout.contains("last-applied"), "{ran}");

    // The namespace of the context counts where none is given.
    let config = folder.path().join("config");
    fs::copy(cluster.kubeconfig(), &config).unwrap();
    let config = config.display().to_string();
    let context = ["config", "set-context", "--current", "--kubeconfig", &config];
    cluster.kubectl(context).namespace(&namespace).run().succeeded();
    let ran = render(folder.path(), &environment, &format!("db --kubeconfig {config}"));
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&owner]);

    let ran = render(folder.path(), &environment, &format!("other -n {namespace}"));
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["no ExternalSecret \"other\"", &namespace]);

    cluster.kubectl(["delete", "configmap", "settings"]).namespace(&namespace).run().succeeded();
    let ran = render(folder.path(), &environment, &format!("db -n {namespace}"));
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["settings"]);

    cluster.kubectl(["delete", "secretstore", "main"]).namespace(&namespace).run().succeeded();
    let ran = render(folder.path(), &environment, &format!("db -n {namespace}"));
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["there is no SecretStore \"main\""]);
}

#[test]
fn a_manifest_finds_its_store_in_the_cluster() {
    let cluster = require!(Cluster::shared_with_definitions());
    let (aws, namespace) = (aws(), cluster.fresh_namespace());
    let store = STORE.replace("kind: Secret", "kind: ClusterSecret").replace("main", &namespace);
    apply(cluster, &namespace, &store);
    let named = format!("{{ name: {namespace}, kind: ClusterSecretStore }}");
    let folder = folder(&[("es.yaml", &OBJECT.replace("{ name: main }", &named))]);
    let environment = everywhere(cluster, &aws);
    let ran = render(folder.path(), &environment, &format!("-f es.yaml -n {namespace}"));
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["  password: \"<24 bytes"]);
}

#[test]
fn a_difference_is_shown_until_there_is_none() {
    let cluster = require!(Cluster::shared_with_definitions());
    let (aws, namespace, folder) = (aws(), furnished(cluster), folder(&[]));
    let environment = everywhere(cluster, &aws);
    let run =
        |flags: &str| render(folder.path(), &environment, &format!("db -n {namespace} {flags}"));
    let write = |verb: &str| {
        let shown = run("--show-values -o json");
        assert_code(&shown, 0);
        let write = cluster.kubectl([verb, "--filename=-"]).namespace(&namespace);
        write.stdin(shown.stdout).run().succeeded();
    };

    let ran = run("--diff");
    assert_code(&ran, 1);
    let title = format!("Secret {namespace}/db: ");
    assert_says(
        &ran.stdout,
        &[&format!("{title}would be created"), "+ data password", "+ data url"],
    );

    write("create");
    let ran = run("--diff");
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &[&format!("{title}no difference"), "= data password"]);

    put(&aws, OTHER_PASSWORD);
    let ran = run("--diff");
    assert_code(&ran, 1);
    assert_says(&ran.stdout, &["~ data password", "24 bytes", "-> 16 bytes"]);
    let ran = run("--diff -o json");
    assert_code(&ran, 1);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json[0]["exists"], true);

    write("replace");
    assert_code(&run("--diff"), 0);
}

#[test]
fn somebody_without_permission_is_told_what_for() {
    let cluster = require!(Cluster::shared_with_definitions());
    let (aws, namespace, folder) = (aws(), furnished(cluster), folder(&[]));
    let environment = everywhere(cluster, &aws);
    let ran = render(folder.path(), &environment, &format!("db -n {namespace} --as nobody"));
    assert_code(&ran, 2);
    assert_eq!(ran.stdout, "");
    let what = format!("cannot read ExternalSecret {namespace}/db");
    assert_says(&ran.stderr, &[&what, "User \"nobody\" cannot get", "kubectl auth can-i"]);
    assert_eq!(aws.counters().calls("secretsmanager:GetSecretValue"), 0);
}

#[test]
fn a_cluster_without_the_definitions_is_told_apart() {
    let cluster = require!(Cluster::setup().start());
    let (aws, folder) = (aws(), folder(&[("es.yaml", OBJECT)]));
    let environment = everywhere(&cluster, &aws);
    for args in ["db -n default", "-f es.yaml -n default"] {
        let ran = render(folder.path(), &environment, args);
        assert_code(&ran, 2);
        assert_says(&ran.stderr, &["are the CRDs of external-secrets.io installed?"]);
    }
}

#[test]
fn kubectl_runs_it_as_a_plugin() {
    let cluster = require!(Cluster::shared_with_definitions());
    let namespace = furnished(cluster);
    let values = format!("app/db: {{ password: {PASSWORD} }}\n");
    let folder = folder(&[("values.yaml", &values)]);
    let values = folder.path().join("values.yaml").display().to_string();
    let ran = cluster
        .kubectl(["extsecret", "render", "db", "--values", &values])
        .namespace(&namespace)
        .plugins_in(kubectl_extsecret().parent().unwrap())
        .run();
    assert_secret(&ran);
    assert_code(&ran, 0);
    assert_says(&ran.stdout, &["  password: \"<24 bytes", "  url: \"<42 bytes"]);
}
