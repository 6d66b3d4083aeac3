//! `kubectl extsecret iam` is believed: a cluster whose roles have exactly the printed policies syncs
//! everything, and no statement is there for nothing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;

use extsecret_tests::api::Api;
use extsecret_tests::aws::{AUDIENCE, Aws, Config, Credentials, Permissions, Policy, Role};
use extsecret_tests::call::{Call, assert_code, assert_says};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::{Controller, wait_until};
use extsecret_tests::fleet::{Fleet, SOON};
use extsecret_tests::plugin::kubectl_extsecret;
use extsecret_tests::require;
use serde_json::{Value, json};

const KEY: &str = "0a1b2c3d-0000-4000-8000-000000000001";

/// Each ExternalSecret: its name, its store, and what it asks for.
fn external_secrets() -> Vec<(&'static str, &'static str, Value)> {
    let data = |key: &str| json!({ "data": [{ "secretKey": "a", "remoteRef": { "key": key } }] });
    let tags = |key: &str| {
        let from = json!({ "key": key, "metadataPolicy": "Fetch" });
        json!({ "data": [{ "secretKey": "a", "remoteRef": from }] })
    };
    let find = |find: Value| json!({ "dataFrom": [{ "find": find }] });
    let mut missing = data("shop/gone");
    missing["target"] = json!({ "deletionPolicy": "Delete" });
    vec![
        ("value", "secrets", data("shop/value")),
        ("encrypted", "secrets", data("shop/encrypted")),
        ("missing", "secrets", missing),
        ("tags", "secrets", tags("shop/value")),
        ("found", "secrets", find(json!({ "name": { "regexp": "^found/" } }))),
        ("found-by-tag", "secrets", find(json!({ "tags": { "team": "blue" } }))),
        ("parameter", "parameters", data("/shop/value")),
        ("encrypted-parameter", "parameters", data("/shop/encrypted")),
        ("parameter-tags", "parameters", tags("/shop/value")),
        ("path", "parameters", find(json!({ "path": "/path/of", "name": { "regexp": "." } }))),
        (
            "parameters-by-tag",
            "parameters",
            find(json!({ "path": "/tagged", "tags": { "team": "blue" } })),
        ),
    ]
}

/// What fails without a statement.
fn needs(sid: &str) -> Option<&'static str> {
    Some(match sid {
        "ReadSecrets" => "value",
        "DecryptSecrets" => "encrypted",
        "DescribeSecrets" => "tags",
        "FindSecrets" => "found",
        "ReadParameters" => "parameter",
        "DecryptParameters" => "encrypted-parameter",
        "ReadTagsOfParameters" => "parameter-tags",
        "ReadPathsOfParameters" => "path",
        "FindParameters" => "parameters-by-tag",
        _ => return None,
    })
}

fn fill(aws: &Aws) {
    let (secrets, parameters) = (aws.secrets(), aws.parameters());
    let key = json!({
        "Name": "shop/encrypted", "SecretString": "one", "KmsKeyId": KEY,
        "ClientRequestToken": "00000000-0000-4000-8000-000000000001",
    });
    secrets.act("CreateSecret", &key);
    for name in ["shop/value", "found/a", "found/b", "blue/a", "red/a"] {
        secrets.put(name, "one");
    }
    let tags = json!([{ "Key": "team", "Value": "blue" }]);
    secrets.act("TagResource", &json!({ "SecretId": "blue/a", "Tags": tags }));
    let key = json!({
        "Name": "/shop/encrypted", "Value": "one", "Type": "SecureString", "KeyId": KEY,
    });
    parameters.act("PutParameter", &key);
    for name in ["/shop/value", "/path/of/a", "/tagged/a", "/tagged/b"] {
        parameters.put(name, "one");
    }
    let tagged = json!({ "ResourceType": "Parameter", "ResourceId": "/tagged/a", "Tags": tags });
    parameters.act("AddTagsToResource", &tagged);
}

struct Bench<'a> {
    fleet: Fleet<'a>,
    aws: &'a Aws,
    issuer: String,
    pokes: u32,
}

impl Bench<'_> {
    fn role(&self, name: &str) -> String {
        format!("arn:aws:iam::{}:role/{name}", self.aws.account())
    }

    fn store(&self, name: &str, service: &str, more: &Value) {
        let mut aws = more.clone();
        aws["service"] = json!(service);
        self.fleet.store(name, self.aws.region(), &aws);
    }

    fn account(&self, name: &str, annotations: &Value) {
        let account = json!({
            "apiVersion": "v1", "kind": "ServiceAccount",
            "metadata": { "name": name, "annotations": annotations },
        });
        self.fleet.api.create(&self.fleet.core("serviceaccounts"), &account);
    }

    /// What the command prints about the namespace, by role.
    fn policies(&self, cluster: &Cluster) -> Vec<Value> {
        let ran = Call::new(kubectl_extsecret())
            .args(["iam", "-n", &self.fleet.namespace, "--oidc-provider", &self.issuer])
            .args(["--controller-role", &self.role("controller")])
            .args(["--controller-service-account", &format!("{}/controller", self.fleet.namespace)])
            .env("KUBECONFIG", cluster.kubeconfig())
            .run();
        assert_code(&ran, 0);
        assert_eq!(ran.stderr, "");
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        report["identities"].as_array().unwrap().clone()
    }

    /// Lets a role do what these statements say.
    fn allow(&self, role: &str, statements: &[Value]) {
        let policy = json!({ "Statement": statements }).to_string();
        let permissions = Permissions::Policies(vec![Policy::parse(&policy).unwrap()]);
        self.aws.identities().set_permissions(role, permissions);
    }

    /// Has an ExternalSecret fetched again, and waits until its condition is so; a false one is so
    /// because AWS said no.
    #[track_caller]
    fn becomes(&mut self, name: &str, status: &str) {
        self.pokes += 1;
        let poke = json!({ "metadata": { "annotations": { "poke": self.pokes.to_string() } } });
        let path = self.fleet.ours(&format!("externalsecrets/{name}"));
        self.fleet.api.patch(&path, &poke);
        let ready = wait_until(SOON, &format!("{name} is {status}"), || {
            self.fleet.ready(name).filter(|ready| ready["status"] == status)
        });
        let denied = ready["message"].to_string().contains("AccessDenied");
        assert_eq!(denied, status == "False", "{name}: {ready}");
    }
}

/// A file with the token that a pod of the controller would have.
fn token(bench: &Bench<'_>, cluster: &Cluster) -> std::path::PathBuf {
    let path = bench.fleet.core("serviceaccounts/controller/token");
    let token = bench.fleet.api.create(&path, &json!({ "spec": { "audiences": [AUDIENCE] } }));
    let file = cluster.dir().join(format!("token-{}", bench.fleet.namespace));
    fs::write(&file, token["status"]["token"].as_str().unwrap()).unwrap();
    file
}

#[test]
fn the_printed_policies_are_enough_and_each_statement_is_needed() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let aws = Aws::start();
    fill(&aws);
    let issuer = aws.trust(cluster);
    let mut bench = Bench { fleet: Fleet::new(cluster, &api), aws: &aws, issuer, pokes: 0 };
    let (reader, parameters) = (bench.role("reader"), bench.role("parameters"));
    bench.account("controller", &json!({}));
    bench.account("parameters", &json!({ "eks.amazonaws.com/role-arn": parameters }));
    let role = json!({ "role": reader, "externalID": "shop-1", "sessionTagsPolicy": "Simple" });
    bench.store("secrets", "SecretsManager", &role);
    let jwt = json!({ "auth": { "jwt": { "serviceAccountRef": { "name": "parameters" } } } });
    bench.store("parameters", "ParameterStore", &jwt);
    let objects = external_secrets();
    for (name, store, source) in &objects {
        bench.fleet.reader(name, store, source);
    }

    let grants = bench.policies(cluster);
    assert_eq!(grants.len(), 3, "{grants:#?}");
    for grant in &grants {
        let trust = Policy::parse(&grant["trustPolicy"].to_string()).unwrap();
        let role = Role::new(grant["role"].as_str().unwrap()).trusts(trust);
        aws.identities().add_role(role.may(Permissions::nothing()));
    }
    let controller = Controller::setup(cluster)
        .environment(aws.environment_without_credentials())
        .environment([("AWS_WEB_IDENTITY_TOKEN_FILE", token(&bench, cluster).into_os_string())])
        .environment([("AWS_ROLE_ARN", bench.role("controller"))])
        .args(bench.fleet.flags())
        .start();
    // Before there is a session, nothing can be read without the permission to start one.
    for (name, ..) in &objects {
        bench.becomes(name, "False");
    }
    let statements = |grant: &Value| grant["policy"]["Statement"].as_array().unwrap().clone();
    for grant in &grants {
        bench.allow(grant["role"].as_str().unwrap(), &statements(grant));
    }
    for (name, ..) in &objects {
        bench.becomes(name, "True");
    }

    let mut tried = Vec::new();
    for grant in &grants {
        let role = grant["role"].as_str().unwrap();
        let all = statements(grant);
        for (index, statement) in all.iter().enumerate() {
            let sid = statement["Sid"].as_str().unwrap();
            let found_by_tag = !statement["Condition"].is_null();
            let name = match (sid, found_by_tag, role.ends_with("/reader")) {
                // That one was needed above; the session that it started goes on.
                ("AssumeRolesWithTags", ..) => continue,
                ("ReadWhatIsFound" | "ReadWhatIsFound2", true, true) => "found-by-tag",
                ("ReadWhatIsFound" | "ReadWhatIsFound2", true, false) => "parameters-by-tag",
                ("ReadWhatIsFound" | "ReadWhatIsFound2", false, _) => "found",
                (sid, ..) => needs(sid).unwrap_or_else(|| panic!("{sid} is for nothing")),
            };
            let mut others = all.clone();
            others.remove(index);
            bench.allow(role, &others);
            bench.becomes(name, "False");
            bench.allow(role, &all);
            bench.becomes(name, "True");
            tried.push(sid.to_owned());
        }
    }
    assert_eq!(tried.len(), 12, "{tried:?}");
    // A secret that is not there is told from one that may not be read.
    let missing = bench.fleet.ready("missing").unwrap();
    assert_eq!(missing["reason"], "SecretDeleted", "{missing}");
    controller.stop();
}

#[test]
fn a_cluster_that_does_not_tell_everything_is_no_silence() {
    let cluster = require!(Cluster::shared_with_definitions());
    let api = Api::of(cluster);
    let fleet = Fleet::new(cluster, &api);
    fleet.external_secret("web", "app/db", "1h");
    let iam = |more: &[&str]| {
        Call::new(kubectl_extsecret())
            .args(["iam", "-n", &fleet.namespace])
            .args(more)
            .env("KUBECONFIG", cluster.kubeconfig())
            .run()
    };
    let ran = iam(&[]);
    assert_code(&ran, 1);
    let label = format!("warning: ExternalSecret {}/web: spec.data[0]: ", fleet.namespace);
    assert_says(&ran.stderr, &[&label, "is not known: there is none"]);

    fleet.store("aws", "eu-west-1", &json!({}));
    let ran = iam(&[]);
    assert_code(&ran, 0);
    assert_says(&ran.stderr, &["--account-id", "ACCOUNT_ID"]);
    assert_says(&ran.stdout, &[":secret:app/db-??????"]);

    let ran = iam(&["--as", "nobody"]);
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["externalsecrets.external-secrets.io", "forbidden"]);
    let ran = iam(&["-l", "app=none"]);
    assert_code(&ran, 2);
    assert_says(&ran.stderr, &["there is no ExternalSecret"]);
}

/// Three ExternalSecrets of two stores with roles of their own.
const MANIFESTS: &str = "\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: { name: secrets, namespace: shop }
spec:
  provider:
    aws: { service: SecretsManager, region: eu-west-1, role: 'arn:aws:iam::123456789012:role/secrets' }
---
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: { name: parameters, namespace: shop }
spec:
  provider:
    aws: { service: ParameterStore, region: eu-west-1, role: 'arn:aws:iam::123456789012:role/parameters' }
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db, namespace: shop }
spec:
  secretStoreRef: { name: secrets }
  data: [{ secretKey: a, remoteRef: { key: shop/db } }]
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: both, namespace: shop }
spec:
  secretStoreRef: { name: secrets }
  data:
    - { secretKey: a, remoteRef: { key: shop/db } }
    - { secretKey: b, remoteRef: { key: shop/api } }
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: url, namespace: shop }
spec:
  secretStoreRef: { name: parameters }
  data: [{ secretKey: a, remoteRef: { key: /shop/url } }]
";

#[test]
fn what_a_role_lacks_is_told_with_those_who_fail() {
    let aws = Aws::start_with(Config { account: "123456789012".to_owned(), ..Config::default() });
    let key = "arn:aws:kms:eu-west-1:123456789012:key/0a1b2c3d";
    let role = |name: &str| format!("arn:aws:iam::123456789012:role/{name}");
    let iam_as = |caller: &Credentials, flags: &[&str]| {
        let mut call = Call::new(kubectl_extsecret()).args(["iam", "-f", "-"]);
        call = call.args(["--controller-role", &role("controller")]).args(["--kms-key", key]);
        for (name, value) in aws.environment(caller) {
            call = call.env(name, value);
        }
        call.args(flags).stdin(MANIFESTS).run()
    };
    let iam = |flags: &[&str]| iam_as(aws.admin(), flags);

    // Roles with what is printed, and no more.
    let report = iam(&[]).json();
    for grant in report["identities"].as_array().unwrap() {
        let policy = Policy::parse(&grant["policy"].to_string()).unwrap();
        let made = Role::new(grant["role"].as_str().unwrap());
        aws.identities().add_role(made.may(Permissions::Policies(vec![policy])));
    }
    let ran = iam(&["--check"]);
    assert_code(&ran, 0);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("nothing is missing\n", ""));

    // A role that may read one of two secrets: only who needs the other fails.
    let resource = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/db-*";
    let some = Permissions::allow(&["secretsmanager:GetSecretValue", "kms:*"], &[resource, key]);
    aws.identities().set_permissions(&role("secrets"), some);
    let ran = iam(&["--check"]);
    assert_code(&ran, 1);
    assert_eq!(
        ran.stdout,
        "arn:aws:iam::123456789012:role/secrets lacks\n  \
         secretsmanager:GetSecretValue on \
         arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-??????\n    \
         ExternalSecret shop/both\n"
    );
    // Decryption of some values only, by the context that the service gives.
    let context = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/api-*";
    let policy = json!({ "Statement": [
        { "Effect": "Allow", "Action": "secretsmanager:*", "Resource": "*" },
        { "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key, "Condition": {
            "StringLike": { "kms:EncryptionContext:SecretARN": context } } },
    ] });
    let policy = Policy::parse(&policy.to_string()).unwrap();
    aws.identities().set_permissions(&role("secrets"), Permissions::Policies(vec![policy]));
    let json: Value = serde_json::from_str(&iam(&["--check=json"]).stdout).unwrap();
    assert_eq!(json["failing"], json!(["ExternalSecret shop/both", "ExternalSecret shop/db"]));
    assert_eq!(json["missing"][0]["action"], "kms:Decrypt");
    insta::assert_snapshot!("check", format!("{}{json:#}", iam(&["--check"]).stdout));

    // One that is not there.
    aws.identities().set_permissions(&role("secrets"), Permissions::Everything);
    aws.identities().remove_role(&role("parameters"));
    let ran = iam(&["--check"]);
    assert_code(&ran, 1);
    let says = "role/parameters does not exist\n    ExternalSecret shop/url\n";
    assert_says(&ran.stdout, &[says]);

    // Nothing is said of what nobody was asked.
    let ran = iam_as(
        &aws.identities().add_user("123456789012", "eve", Permissions::nothing()),
        &["--check"],
    );
    assert_code(&ran, 1);
    assert_eq!(ran.stdout, "");
    assert_says(&ran.stderr, &["not asked", "iam:SimulatePrincipalPolicy"]);
    let ran = iam(&["--check", "--kms-key", "none", "-o", "json"]);
    assert_code(&ran, 2);
    let mut call = Call::new(kubectl_extsecret()).args(["iam", "-f", "-", "--check"]);
    for (name, value) in aws.environment(aws.admin()) {
        call = call.env(name, value);
    }
    let ran =
        call.stdin(MANIFESTS.replace(", role: 'arn:aws:iam::123456789012:role/secrets'", "")).run();
    assert_code(&ran, 1);
    assert_says(&ran.stderr, &["its ARN is not known"]);
}
