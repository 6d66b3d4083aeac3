use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use extsecret_manifest::source::FileId;

use super::*;

const FILE: FileId = FileId(0);

fn documents(yaml: &str) -> Vec<Node> {
    serde_yaml::Deserializer::from_str(yaml)
        .map(|document| {
            let value: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
            Node::from(value)
        })
        .collect()
}

fn read(yaml: &str) -> (Context, Vec<Diagnostic>) {
    Context::from_deployment(FILE, &documents(yaml)).unwrap()
}

/// A Deployment with one container of KES whose fields beyond name and image are given.
fn deployment(container: &str) -> String {
    let container = container.replace('\n', "\n          ");
    format!(
        "apiVersion: apps/v1\n\
         kind: Deployment\n\
         metadata: {{name: kes, namespace: kes}}\n\
         spec:\n\
        \x20 template:\n\
        \x20   spec:\n\
        \x20     serviceAccountName: kes-sa\n\
        \x20     volumes:\n\
        \x20       - {{name: gcp, secret: {{secretName: gsm}}}}\n\
        \x20       - {{name: nested, secret: {{secretName: inner, items: [{{key: a, path: sub/b.json}}]}}}}\n\
        \x20       - name: mixed\n\
        \x20         projected:\n\
        \x20           sources:\n\
        \x20             - configMap: {{name: ca, items: [{{key: root, path: ca.crt}}]}}\n\
        \x20             - secret: {{name: client}}\n\
        \x20             - serviceAccountToken: {{path: token}}\n\
        \x20       - {{name: scratch, emptyDir: {{}}}}\n\
        \x20     containers:\n\
        \x20       - name: kubernetes-external-secrets\n\
        \x20         image: ghcr.io/external-secrets/kubernetes-external-secrets:8.5.5\n\
        \x20         {container}"
    )
}

fn env(entries: &str) -> (Context, Vec<Diagnostic>) {
    read(&deployment(&format!("env:\n{entries}")))
}

fn codes(diagnostics: &[Diagnostic]) -> Vec<&str> {
    diagnostics.iter().map(|diagnostic| diagnostic.code.id).collect()
}

fn in_secret(name: &str, key: &str) -> Credential {
    Credential::Secret(ObjectKey { name: name.into(), key: key.into() })
}

#[test]
fn a_context_of_nothing_knows_nothing() {
    let context = Context::default();
    assert_eq!(context.region(), Ok(None));
    assert_eq!(context.aws_keys(), Ok(None));
    assert_eq!(context.vault_addr(), Ok(None));
    assert_eq!(context.google_key_file(), Ok(None));
    assert_eq!(context.interval_millis(), Ok(10_000));
    assert_eq!(context.role_annotation(), Ok("iam.amazonaws.com/permitted"));
    assert!(!context.polling_disabled() && !context.enforce_annotations());
    assert_eq!(context.watched_namespaces(), Ok(vec![]));

    let missing = context.missing("the region", "AWS_REGION");
    assert_eq!(missing.code.id, "E10");
    assert!(missing.help.unwrap().contains("`--region`"));
}

#[test]
fn the_deployment_says_who_kes_is() {
    let yaml = deployment("env: []")
        + "\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: kes-sa\n  namespace: kes\n  \
           annotations: {eks.amazonaws.com/role-arn: 'arn:aws:iam::1:role/kes'}\n\
           ---\napiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: kes-sa\n  namespace: other\n  \
           annotations: {eks.amazonaws.com/role-arn: wrong}\n\
           ---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: app\n  annotations: {a: b}\n";
    let (context, diagnostics) = read(&yaml);
    assert_eq!(context.namespace.as_deref(), Some("kes"));
    assert_eq!(context.service_account.as_ref().unwrap().name, "kes-sa");
    assert_eq!(context.irsa_role(), Some("arn:aws:iam::1:role/kes"));
    assert_eq!(context.namespaces["app"]["a"], "b");
    assert_eq!(diagnostics, []);
}

#[test]
fn a_deployment_without_service_account_runs_as_default() {
    let yaml = deployment("env: []").replace("serviceAccountName: kes-sa", "replicas: 1");
    assert_eq!(read(&yaml).0.service_account.unwrap().name, "default");
}

#[test]
fn plain_values_are_read_and_empty_ones_count_as_unset() {
    let (context, diagnostics) = env("- {name: AWS_REGION, value: eu-west-1}\n\
         - {name: VAULT_NAMESPACE, value: ''}\n\
         - {name: AWS_INTERMEDIATE_ROLE_ARN}\n\
         - {name: DISABLE_POLLING, value: 'false'}\n\
         - {name: ENFORCE_NAMESPACE_ANNOTATIONS, value: ''}\n\
         - {name: WATCHED_NAMESPACES, value: ' a, ,b,'}\n\
         - {name: POLLER_INTERVAL_MILLISECONDS, value: '30000'}\n");
    assert_eq!(context.region(), Ok(Some("eu-west-1")));
    assert_eq!(context.vault_namespace(), Ok(None));
    assert_eq!(context.intermediate_role(), Ok(None));
    assert!(context.polling_disabled(), "presence counts, not the value");
    assert!(context.enforce_annotations(), "presence counts, also of an empty value");
    assert_eq!(context.watched_namespaces(), Ok(vec!["a", "b"]));
    assert_eq!(context.interval_millis(), Ok(30_000));
    assert_eq!(diagnostics, []);
}

#[test]
fn an_interval_of_zero_or_nonsense_is_refused() {
    for value in ["0", "-5", "fast", "NaN", "1e300"] {
        let (context, _) =
            env(&format!("- {{name: POLLER_INTERVAL_MILLISECONDS, value: '{value}'}}\n"));
        assert_eq!(context.interval_millis().unwrap_err().code.id, "E10", "{value}");
    }
}

#[test]
fn later_entries_win_and_references_to_earlier_ones_are_filled_in() {
    let (context, _) = env("- {name: AWS_REGION, value: first}\n\
         - {name: HOST, value: vault.example.com}\n\
         - {name: VAULT_ADDR, value: 'https://$(HOST):8200'}\n\
         - {name: DEFAULT_VAULT_ROLE, value: 'a$$(HOST)$(NOBODY)$x'}\n\
         - {name: AWS_REGION, value: second}\n");
    assert_eq!(context.region(), Ok(Some("second")));
    assert_eq!(context.vault_addr(), Ok(Some("https://vault.example.com:8200")));
    assert_eq!(context.default_vault_role(), Ok(Some("a$(HOST)$(NOBODY)$x")));
}

#[test]
fn a_value_that_only_the_pod_knows_is_unknown() {
    let (context, diagnostics) =
        env("- {name: NODE, valueFrom: {fieldRef: {fieldPath: status.hostIP}}}\n\
         - {name: VAULT_ADDR, value: 'http://$(NODE):8200'}\n\
         - {name: AWS_REGION, valueFrom: {fieldRef: {fieldPath: metadata.labels}}}\n");
    assert_eq!(codes(&diagnostics), ["W31", "W31"]);
    let error = context.vault_addr().unwrap_err();
    assert_eq!(error.code.id, "E10");
    assert!(error.message.contains("$(NODE)"), "{}", error.message);
    assert!(error.help.unwrap().contains("--vault-server"));
    assert!(context.region().unwrap_err().message.contains("fieldRef"));
}

#[test]
fn config_maps_beside_the_deployment_are_used() {
    let reference = |name: &str, cm: &str, key: &str, optional: bool| {
        format!(
            "- {{name: {name}, valueFrom: {{configMapKeyRef: {{name: {cm}, key: {key}, \
             optional: {optional}}}}}}}\n"
        )
    };
    let entries = reference("AWS_REGION", "settings", "region", false)
        + &reference("VAULT_ADDR", "elsewhere", "addr", false)
        + &reference("VAULT_NAMESPACE", "settings", "nothing", true)
        + &reference("DEFAULT_VAULT_ROLE", "settings", "nothing", false);
    let yaml = deployment(&format!("env:\n{entries}"))
        + "\n---\napiVersion: v1\nkind: List\nitems:\n\
           - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings, namespace: other}, data: {region: no}}\n\
           - {apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {region: eu-central-1}}\n";
    let (context, diagnostics) = read(&yaml);
    assert_eq!(context.region(), Ok(Some("eu-central-1")));
    assert_eq!(context.vault_namespace(), Ok(None), "optional and absent is unset");
    assert!(context.vault_addr().unwrap_err().message.contains("ConfigMap elsewhere"));
    assert!(context.default_vault_role().unwrap_err().message.contains("no such key"));
    assert_eq!(codes(&diagnostics), ["W31", "W31"]);
}

#[test]
fn env_from_knows_prefixes_and_order() {
    let yaml = deployment(
        "envFrom:\n\
         - {configMapRef: {name: a}}\n\
         - {prefix: VAULT_, configMapRef: {name: b}}\n\
         - {prefix: AWS_, secretRef: {name: keys}}\n\
         env:\n\
         - {name: DEFAULT_VAULT_ROLE, value: from-env}\n",
    ) + "\n---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, data: {AWS_REGION: r, DEFAULT_VAULT_ROLE: from-cm}}\n\
         ---\n{apiVersion: v1, kind: ConfigMap, metadata: {name: b}, data: {ADDR: 'https://v'}}\n\
         ---\n{apiVersion: v1, kind: Secret, metadata: {name: keys}, data: {ACCESS_KEY_ID: QUtJQQ==}, stringData: {SECRET_ACCESS_KEY: hunter2}}\n";
    let (context, diagnostics) = read(&yaml);
    assert_eq!(context.region(), Ok(Some("r")));
    assert_eq!(context.vault_addr(), Ok(Some("https://v")));
    assert_eq!(context.default_vault_role(), Ok(Some("from-env")));
    assert_eq!(
        context.aws_keys(),
        Ok(Some(AwsKeys {
            access_key_id: in_secret("keys", "ACCESS_KEY_ID"),
            secret_access_key: in_secret("keys", "SECRET_ACCESS_KEY"),
            session_token: None,
        }))
    );
    assert_eq!(diagnostics, []);
    let shown = format!("{context:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("QUtJQQ"), "{shown}");
}

#[test]
fn an_env_from_source_that_was_not_given_leaves_unset_facts_open() {
    let yaml = deployment(
        "envFrom:\n- {prefix: VAULT_, secretRef: {name: hidden}}\n\
         env:\n- {name: VAULT_ADDR, value: 'https://v'}\n",
    );
    let (context, diagnostics) = read(&yaml);
    assert_eq!(codes(&diagnostics), ["W31"]);
    assert_eq!(context.vault_addr(), Ok(Some("https://v")), "env wins over envFrom");
    assert!(context.vault_namespace().unwrap_err().message.contains("Secret hidden"));
    assert_eq!(context.region(), Ok(None), "the prefix rules AWS_REGION out");
}

#[test]
fn credentials_are_references_or_only_known_to_be_there() {
    let (context, _) =
        env("- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: aws, key: id}}}\n\
         - {name: AWS_SECRET_ACCESS_KEY, value: wJalrXUtnFEMI}\n\
         - {name: AZURE_TENANT_ID, value: tenant-1}\n\
         - {name: AZURE_CLIENT_ID, value: client-1}\n\
         - {name: AKEYLESS_ACCESS_ID, value: p-1}\n\
         - {name: IBM_CLOUD_SECRETS_MANAGER_API_APIKEY, value: ''}\n\
         - {name: HTTP_PROXY, value: 'http://user:proxypw@proxy'}\n\
         - {name: VAULT_ADDR, value: 'https://user:urlpw@vault'}\n\
         - {name: GOOGLE_APPLICATION_CREDENTIALS, value: '{\"private_key\": \"pasted\"}'}\n\
         - {name: MY_PASSWORD, value: foreign}\n");
    let keys = context.aws_keys().unwrap().unwrap();
    assert_eq!(keys.access_key_id, in_secret("aws", "id"));
    assert_eq!(keys.secret_access_key, Credential::Inline);
    assert_eq!(context.azure_tenant(), Ok(Some("tenant-1")));
    assert_eq!(context.azure_client_id(), Ok(Some(Credential::Inline)));
    assert_eq!(context.azure_identity(), Ok(Some("client-1")));
    assert_eq!(context.akeyless_access_id(), Ok(Some(Credential::Inline)));
    assert_eq!(context.ibm_api_key(), Ok(None), "an empty key is none");
    assert_eq!(context.setting("MY_PASSWORD"), None, "foreign variables are forgotten");

    let errors = [context.vault_addr().unwrap_err(), context.google_key_file().unwrap_err()];
    let shown = format!("{context:?} {errors:?} {:?}", context.controller_wide());
    for value in ["wJalr", "tenant-1", "client-1", "p-1", "proxypw", "urlpw", "pasted", "foreign"] {
        assert!(!shown.contains(value), "{value} is shown in {shown}");
    }
}

#[test]
fn one_half_of_a_key_pair_is_none() {
    let (context, _) =
        env("- {name: AWS_ACCESS_KEY_ID, valueFrom: {secretKeyRef: {name: a, key: b}}}\n");
    assert_eq!(context.aws_keys(), Ok(None));
}

#[test]
fn mounted_files_lead_to_their_objects() {
    use FileSource::{ConfigMap, Secret};

    let mounts = "volumeMounts:\n\
        - {name: gcp, mountPath: /app/gcp/}\n\
        - {name: nested, mountPath: /app/gcp/nested}\n\
        - {name: mixed, mountPath: /etc/mixed}\n\
        - {name: scratch, mountPath: /etc/mixed/scratch}\n\
        - {name: gcp, mountPath: /etc/one.json, subPath: creds.json}\n\
        - {name: gcp, mountPath: /etc/var, subPathExpr: $(POD)}\n";
    let resolve = |path: &str| {
        let yaml =
            format!("{mounts}env:\n- {{name: GOOGLE_APPLICATION_CREDENTIALS, value: {path}}}\n");
        read(&deployment(&yaml)).0.google_key_file()
    };
    let file = |source, name: &str, key: &str| {
        Ok(Some(MountedFile { source, name: name.into(), key: key.into() }))
    };
    assert_eq!(resolve("/app/gcp/creds.json"), file(Secret, "gsm", "creds.json"));
    assert_eq!(resolve("/app//gcp/./creds.json"), file(Secret, "gsm", "creds.json"));
    assert_eq!(resolve("/app/gcp/nested/sub/b.json"), file(Secret, "inner", "a"));
    assert_eq!(resolve("/etc/mixed/ca.crt").unwrap_err().code.id, "E10", "could be either");
    assert_eq!(resolve("/etc/mixed/key"), file(Secret, "client", "key"));
    assert_eq!(resolve("/etc/one.json"), file(Secret, "gsm", "creds.json"));
    for path in [
        "/app/gcp/nested/other",
        "/app/gcpx/creds.json",
        "/etc/mixed/scratch/f",
        "/etc/var/f",
        "/app/gcp/../gcp/creds.json",
        "/app/gcp/deep/f",
        "/elsewhere",
    ] {
        assert_eq!(resolve(path).unwrap_err().code.id, "E10", "{path}");
    }

    let yaml = format!("{mounts}env:\n- {{name: NODE_EXTRA_CA_CERTS, value: /etc/mixed/ca.crt}}\n");
    let given = deployment(&yaml)
        + "\n---\n{apiVersion: v1, kind: Secret, metadata: {name: client}, data: {key: ''}}\n";
    let (context, _) = read(&given);
    assert_eq!(context.vault_ca(), file(ConfigMap, "ca", "root"), "the Secret has no such key");
}

#[test]
fn kes_is_told_from_its_neighbours() {
    let container = |name: &str, image: &str| format!("{{name: {name}, image: '{image}'}}");
    let with = |containers: &[String]| {
        let yaml = format!(
            "{{apiVersion: apps/v1, kind: Deployment, metadata: {{name: d}}, spec: {{template: \
             {{spec: {{containers: [{}]}}}}}}}}",
            containers.join(", ")
        );
        Context::from_deployment(FILE, &documents(&yaml))
    };
    let agent = container("agent", "vault:1.9");
    let eso = container("external-secrets", "ghcr.io/external-secrets/external-secrets:v2.9.0");
    let mirrored = container("app", "registry:5000/mirror/kubernetes-external-secrets@sha256:0");
    let short = container("external-secrets", "registry:5000/kes");

    assert!(with(&[agent.clone(), mirrored.clone()]).is_ok());
    assert!(with(&[agent.clone(), short.clone()]).is_ok());
    assert!(with(&[container("x", "y")]).is_ok(), "the only container is taken");
    assert!(with(&[eso.clone(), mirrored.clone()]).is_ok());

    let error = with(&[agent.clone(), container("x", "y")]).unwrap_err();
    assert!(error.message.contains("agent of Deployment d, x of Deployment d"), "{error:?}");
    let error = with(&[mirrored.clone(), mirrored]).unwrap_err();
    assert_eq!(error.related.len(), 1);
    assert!(with(&[eso]).unwrap_err().message.contains("External Secrets Operator"));
    assert!(with(&[]).unwrap_err().message.contains("no Deployment"));
}

#[test]
fn settings_that_only_the_whole_eso_can_have_are_listed() {
    let (context, _) = env("- {name: AWS_SM_ENDPOINT, value: 'https://sm'}\n\
         - {name: AWS_SSM_ENDPOINT, value: ''}\n\
         - {name: WATCHED_NAMESPACES, value: a}\n\
         - {name: LOCALSTACK, value: '1'}\n");
    let settings = context.controller_wide();
    let families: Vec<_> = settings.iter().map(|setting| setting.family).collect();
    assert_eq!(families, [Family::Aws, Family::Any, Family::Aws]);
    assert!(settings[0].diagnostic.message.contains("AWS_SECRETSMANAGER_ENDPOINT"));
    assert!(settings.iter().all(|setting| setting.diagnostic.code.id == "W19"));
}

#[test]
fn namespaces_given_twice_do_not_depend_on_order() {
    let namespace = |value: &str| {
        documents(&format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: app, annotations: {{k: {value}}}}}}}"
        ))
        .remove(0)
    };
    let mut one = Context::default();
    assert_eq!(one.add_namespace(FILE, &namespace("a")), None);
    assert_eq!(one.add_namespace(FILE, &namespace("a")), None);
    assert_eq!(one.add_namespace(FILE, &namespace("b")).unwrap().code.id, "W31");
    let mut other = Context::default();
    other.add_namespace(FILE, &namespace("b"));
    other.add_namespace(FILE, &namespace("a"));
    assert_eq!(one, other);
}

mod helm {
    use super::*;

    fn values(yaml: &str) -> (Context, Vec<Diagnostic>) {
        Context::from_helm_values(FILE, &documents(yaml)[0], Release::default()).unwrap()
    }

    #[test]
    fn the_charts_own_defaults_apply() {
        let (context, diagnostics) = values("{}");
        assert_eq!(context.region(), Ok(Some("us-west-2")));
        assert_eq!(context.vault_addr(), Ok(Some("http://127.0.0.1:8200")));
        assert_eq!(context.interval_millis(), Ok(10_000));
        assert_eq!(context.service_account, None, "its name depends on the release");
        assert_eq!(diagnostics, []);
    }

    #[test]
    fn empty_values_are_not_rendered() {
        let (context, _) = values(
            "env: {AWS_REGION: null, VAULT_ADDR: '', DISABLE_POLLING: false, \
             ENFORCE_NAMESPACE_ANNOTATIONS: 'false', POLLER_INTERVAL_MILLISECONDS: 60000}",
        );
        assert_eq!(context.region(), Ok(None));
        assert_eq!(context.vault_addr(), Ok(None));
        assert!(!context.polling_disabled(), "false is empty to the chart");
        assert!(context.enforce_annotations(), "the text \"false\" is not");
        assert_eq!(context.interval_millis(), Ok(60_000));
    }

    #[test]
    fn references_files_and_volumes_are_read() {
        let (context, diagnostics) = values(
            "env: {GOOGLE_APPLICATION_CREDENTIALS: /app/gcp/key.json, NODE_EXTRA_CA_CERTS: /ca/ca.pem}\n\
             envVarsFromSecret:\n  AWS_ACCESS_KEY_ID: {secretKeyRef: aws, key: id}\n  \
             AWS_SECRET_ACCESS_KEY: {secretKeyRef: aws, key: key}\n\
             envVarsFromConfigMap:\n  AWS_REGION: {configMapKeyRef: cm, key: region}\n\
             filesFromSecret:\n  gcp: {secret: gcp-creds, mountPath: /app/gcp}\n\
             extraVolumes: [{name: ca, configMap: {name: company-ca}}]\n\
             extraVolumeMounts: [{name: ca, mountPath: /ca}]\n",
        );
        assert_eq!(context.aws_keys().unwrap().unwrap().access_key_id, in_secret("aws", "id"));
        assert!(context.region().unwrap_err().message.contains("ConfigMap cm"));
        assert_eq!(codes(&diagnostics), ["W31"]);
        assert_eq!(context.google_key_file().unwrap().unwrap().name, "gcp-creds");
        assert_eq!(context.vault_ca().unwrap().unwrap().name, "company-ca");
    }

    #[test]
    fn the_service_account_is_named_as_the_chart_does() {
        let account = |yaml: &str, release: Option<&str>| {
            let release = Release { name: release, namespace: Some("kes") };
            let (context, _) =
                Context::from_helm_values(FILE, &documents(yaml)[0], release).unwrap();
            assert_eq!(context.namespace.as_deref(), Some("kes"));
            context.service_account.map(|account| account.name)
        };
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(account("serviceAccount: {name: own}", None), some("own"));
        assert_eq!(account("serviceAccount: {create: false}", None), some("default"));
        assert_eq!(account("fullnameOverride: full", None), some("full"));
        assert_eq!(account("{}", Some("r")), some("r-kubernetes-external-secrets"));
        assert_eq!(account("nameOverride: kes", Some("my-kes")), some("my-kes"));
        assert_eq!(account("{}", None), None);
    }

    #[test]
    fn values_of_a_chart_around_it_are_found() {
        let (context, _) = values("kubernetes-external-secrets: {env: {AWS_REGION: eu-north-1}}");
        assert_eq!(context.region(), Ok(Some("eu-north-1")));
    }

    #[test]
    fn a_manifest_is_not_taken_for_values() {
        for yaml in ["{apiVersion: apps/v1, kind: Deployment}", "[1]", "text"] {
            let error = Context::from_helm_values(FILE, &documents(yaml)[0], Release::default());
            assert_eq!(error.unwrap_err().code.id, "E10", "{yaml}");
        }
    }
}
