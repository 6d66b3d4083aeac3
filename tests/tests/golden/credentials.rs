//! Credentials that stand in the input are never shown, and never written to a file.

use std::fs;

use crate::case::Case;
use crate::compare::reported;
use crate::run::{Run, migrate, run_case, scratch};

/// What only a holder of the credentials knows; no other text contains it.
const CANARY: &str = "c4n4ry";

/// Objects of all backends.
const OBJECTS: &str = "\
apiVersion: v1
kind: List
items:
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: sm, namespace: app}, spec: {backendType: secretsManager, data: [{key: k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: ssm, namespace: app}, spec: {backendType: systemManager, data: [{key: k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: vault, namespace: app}, spec: {backendType: vault, vaultMountPoint: m, vaultRole: r, data: [{key: secret/data/k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: azure, namespace: app}, spec: {backendType: azureKeyVault, keyVaultName: kv, data: [{key: k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: gcp, namespace: app}, spec: {backendType: gcpSecretsManager, projectId: p, data: [{key: k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: ibm, namespace: app}, spec: {backendType: ibmcloudSecretsManager, data: [{key: k, name: v, secretType: kv, property: payload.x}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: akeyless, namespace: app}, spec: {backendType: akeyless, data: [{key: k, name: v}]}}
- {apiVersion: kubernetes-client.io/v1, kind: ExternalSecret, metadata: {name: ali, namespace: app}, spec: {backendType: alicloudSecretsManager, data: [{key: k, name: v}]}}
";

/// Every setting of kubernetes-external-secrets that holds or may hold a credential.
const CREDENTIALS: &[&str] = &[
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "VAULT_TOKEN",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_SECRET",
    "IBM_CLOUD_SECRETS_MANAGER_API_APIKEY",
    "AKEYLESS_ACCESS_ID",
    "AKEYLESS_ACCESS_TYPE",
    "AKEYLESS_ACCESS_TYPE_PARAM",
    "ALICLOUD_ACCESS_KEY_ID",
    "ALICLOUD_ACCESS_KEY_SECRET",
    "DATABASE_PASSWORD",
];

const SETTINGS: &[(&str, &str)] = &[
    ("AWS_REGION", "eu-west-1"),
    ("VAULT_ADDR", "https://v:8200"),
    ("AZURE_TENANT_ID", "t1"),
    ("IBM_CLOUD_SECRETS_MANAGER_API_ENDPOINT", "https://ibm.example.com"),
    ("AKEYLESS_API_ENDPOINT", "https://gw:8080/v2"),
];

fn deployment() -> String {
    let head = "\
apiVersion: apps/v1
kind: Deployment
metadata: {name: kubernetes-external-secrets, namespace: kes}
spec:
  selector: {matchLabels: {app: kes}}
  template:
    metadata: {labels: {app: kes}}
    spec:
      serviceAccountName: kes
      containers:
      - name: kubernetes-external-secrets
        image: ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5
        env:
";
    let line =
        |name: &str, value: &str| format!("        - {{name: {name}, value: \"{value}\"}}\n");
    let settings = SETTINGS.iter().map(|(name, value)| line(name, value));
    let credentials = CREDENTIALS.iter().map(|name| line(name, &format!("{CANARY}-{name}")));
    std::iter::once(head.to_owned()).chain(settings).chain(credentials).collect()
}

fn values() -> String {
    let settings = SETTINGS.iter().map(|(name, value)| format!("  {name}: \"{value}\"\n"));
    let credentials = CREDENTIALS.iter().map(|name| format!("  {name}: {CANARY}-{name}\n"));
    std::iter::once("serviceAccount:\n  name: kes\nenv:\n".to_owned())
        .chain(settings)
        .chain(credentials)
        .collect()
}

fn assert_silent(run: &Run, context: &str) {
    for (place, text) in
        [("stdout", &run.stdout), ("stderr", &run.stderr), ("report", &run.report.to_string())]
    {
        assert!(!text.contains(CANARY), "{context}: a credential is on {place}:\n{text}");
    }
}

#[test]
fn credentials_of_the_installation_are_never_shown() {
    let scratch = scratch();
    let objects = scratch.path().join("objects.yaml");
    fs::write(&objects, OBJECTS).expect("a writable file");
    for (flag, name, text) in [
        ("kes-deployment", "deployment.yaml", deployment()),
        ("kes-values", "values.yaml", values()),
    ] {
        let installation = scratch.path().join(name);
        fs::write(&installation, text).expect("a writable file");
        for auth in ["controller", "kes-serviceaccount", "secret-ref", "serviceaccount=ns/name"] {
            let flags = [
                format!("--filename={}", objects.display()),
                format!("--{flag}={}", installation.display()),
                format!("--auth={auth}"),
                "--kes-namespace=kes".to_owned(),
            ];
            let run = migrate(&flags);
            assert_silent(&run, auth);
            // The settings beside them were read.
            assert!(run.stdout.contains("eu-west-1"), "{flag} {auth}:\n{}", run.stderr);
            assert!(run.stdout.contains("https://v:8200"), "{flag} {auth}:\n{}", run.stderr);
        }
    }
}

#[test]
fn a_flag_that_disagrees_with_the_installation_shows_no_credential() {
    let scratch = scratch();
    let objects = scratch.path().join("objects.yaml");
    fs::write(&objects, OBJECTS).expect("a writable file");
    let installation = scratch.path().join("deployment.yaml");
    fs::write(&installation, deployment()).expect("a writable file");
    let run = migrate([
        format!("--filename={}", objects.display()),
        format!("--kes-deployment={}", installation.display()),
        "--region=us-east-2".to_owned(),
        "--vault-server=https://other:8200".to_owned(),
        "--scope=namespace".to_owned(),
    ]);
    assert_silent(&run, "flags");
}

#[test]
fn secrets_beside_the_objects_are_never_quoted() {
    let scratch = scratch();
    // Each has a mistake, and the mistake's line or its neighbours hold the credential.
    let broken = [
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  a: {CANARY}\n  a: {CANARY}\n"
        ),
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n  a: \"{CANARY}\n"
        ),
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData:\n\ta: {CANARY}\n"
        ),
        format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{a: {CANARY}\n"),
        format!("kind: Secret\nstringData:\n  a: {{{{ {CANARY} }}}}\n  b: *{CANARY}\n"),
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"stringData\": {{\"a\": \"{CANARY}\"\n"
        ),
    ];
    for (number, text) in broken.iter().enumerate() {
        let path = scratch.path().join(format!("{number}.yaml"));
        fs::write(&path, text).expect("a writable file");
        let run = migrate([format!("--filename={}", path.display())]);
        assert_silent(&run, text);
    }
}

#[test]
fn values_of_the_installation_stay_out_of_skeletons() {
    for name in ["G36", "G11a", "G11b"] {
        let case = Case::load(name);
        let run = run_case(&case);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        for value in case.context().values().iter().filter(|value| !value.starts_with("https://")) {
            assert!(!run.all_text().contains(value), "{name}: {value} is shown");
        }
    }
}

#[test]
fn a_skeleton_names_the_keys_to_fill_in() {
    let run = run_case(&Case::load("G36"));
    let secret = run.stdout.split("---\n").find(|text| text.contains("kind: Secret\n"));
    let secret = secret.expect("a Secret to be filled in");
    for key in ["accessID", "accessType"] {
        assert!(secret.contains(&format!("{key}:")), "{key} is not named in\n{secret}");
    }
}

#[test]
fn templates_are_not_quoted_in_messages() {
    for name in ["G46a", "G46b", "G46c", "G46d", "G46e", "G40c"] {
        let run = run_case(&Case::load(name));
        for diagnostic in reported(&run.report) {
            for code in
                ["process.env", "function f", "toISOString", ".match(", "DB_HOST", "data.s1"]
            {
                assert!(!diagnostic.text().contains(code), "{name}: {diagnostic:?}");
            }
        }
    }
}
