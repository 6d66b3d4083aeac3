//! `iam` on files.

use serde_json::Value;

use crate::run::Folder;

const OBJECTS: &str = "\
apiVersion: external-secrets.io/v1
kind: SecretStore
metadata: { name: main, namespace: shop }
spec:
  provider:
    aws:
      service: SecretsManager
      region: eu-west-1
      role: arn:aws:iam::111122223333:role/shop-reader
---
apiVersion: external-secrets.io/v1
kind: ClusterSecretStore
metadata: { name: parameters }
spec:
  provider:
    aws:
      service: ParameterStore
      region: eu-west-1
      auth: { jwt: { serviceAccountRef: { name: reader } } }
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: reader
  namespace: shop
  annotations: { eks.amazonaws.com/role-arn: 'arn:aws:iam::111122223333:role/shop-parameters' }
---
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db, namespace: shop }
spec:
  secretStoreRef: { name: main }
  data:
    - secretKey: password
      remoteRef: { key: shop/db, property: password }
    - secretKey: url
      sourceRef: { storeRef: { name: parameters, kind: ClusterSecretStore } }
      remoteRef: { key: /shop/url }
  dataFrom:
    - find: { name: { regexp: '^shop/api-' } }
";

const FLAGS: &str = "--controller-role arn:aws:iam::111122223333:role/external-secrets \
                     --controller-service-account external-secrets/external-secrets \
                     --oidc-provider https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE";

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("a.yaml", OBJECTS);
    folder
}

#[test]
fn each_form_holds_all_roles() {
    let folder = folder();
    for form in ["json", "terraform", "cloudformation"] {
        let ran = folder.run(&format!("iam -f a.yaml -o {form} {FLAGS}"));
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
        insta::assert_snapshot!(form, ran.stdout);
    }
}

#[test]
fn what_is_not_told_is_told() {
    let folder = folder();
    folder.write(
        "bare.yaml",
        OBJECTS.replace("      role: arn:aws:iam::111122223333:role/shop-reader\n", ""),
    );
    let ran = folder.run("iam -f bare.yaml");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    insta::assert_snapshot!(ran.stderr);
}

#[test]
fn exit_codes_say_whether_something_is_missing() {
    let folder = folder();
    folder.write("no-store.yaml", OBJECTS.replace("kind: SecretStore", "kind: Other"));
    folder.write(
        "region.yaml",
        OBJECTS.replace("region: eu-west-1\n      role", "region: ''\n      role"),
    );
    folder.write("template.yaml", OBJECTS.replace("key: shop/db", "key: 'shop/{{ .env }}'"));
    folder.write(
        "old.yaml",
        OBJECTS.replace("v1\nkind: ExternalSecret", "v1beta1\nkind: ExternalSecret"),
    );
    folder.write(
        "type.yaml",
        OBJECTS.replace("  data:\n    - secretKey: password", "  data: 1\n  x:\n    - a: b"),
    );
    folder.write("broken.yaml", "a: [\n");
    folder.write("nothing.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n");
    for (flags, code, says) in [
        ("-f a.yaml", 0, "--oidc-provider"),
        ("-f no-store.yaml", 1, "ExternalSecret shop/db: spec.data[0]: the SecretStore shop/main"),
        ("-f region.yaml", 1, "SecretStore shop/main: spec.provider.aws.region is missing"),
        ("-f template.yaml", 1, "ExternalSecret shop/db: spec.data[0]: \"shop/{{ .env }}\""),
        ("-f a.yaml -f broken.yaml", 1, "broken.yaml:"),
        ("-f old.yaml", 1, "kubectl extsecret migrate"),
        ("-f type.yaml", 1, "ExternalSecret shop/db"),
        ("-f nothing.yaml", 2, "there is no ExternalSecret"),
        ("-f nothing.yaml --check", 2, "there is no ExternalSecret"),
        ("-f old.yaml --check", 1, "kubectl extsecret migrate"),
        ("-f nowhere.yaml", 1, "nowhere.yaml"),
        ("-f a.yaml -A", 2, "cannot be used"),
        ("-f a.yaml --account-id shop", 2, "12 digits"),
        ("-f a.yaml --kms-key alias/shop", 2, "--kms-key"),
        ("-k=-x", 2, "dash"),
    ] {
        let ran = folder.run(&format!("iam {flags}"));
        assert_eq!(ran.code, Some(code), "{flags}: {ran:?}");
        assert!(ran.stderr.contains(says), "{flags}: {ran:?}");
    }
}

#[test]
fn a_cluster_external_secret_is_one_in_each_namespace() {
    let folder = Folder::new();
    let objects = OBJECTS.replace("kind: ExternalSecret\n", "kind: ClusterExternalSecret\n");
    let (before, spec) = objects.rsplit_once("spec:\n").unwrap();
    let spec = format!("  {}", spec.trim_end().replace('\n', "\n  "));
    let selectors =
        "  namespaceSelectors:\n  - matchLabels: { kubernetes.io/metadata.name: shop }\n";
    let all = format!("{before}spec:\n{selectors}  externalSecretSpec:\n{spec}");
    let ran = folder.run_with(&format!("iam -f - {FLAGS}"), &all);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["identities"].as_array().unwrap().len(), 3);

    let some = all.replace("kubernetes.io/metadata.name: shop", "team: shop");
    let ran = folder.run_with(&format!("iam -f - {FLAGS}"), some);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(ran.stderr.contains("ClusterExternalSecret db: "), "{ran:?}");
}

#[test]
fn no_value_is_shown() {
    let folder = folder();
    folder.write(
        "secret.yaml",
        "apiVersion: v1\nkind: Secret\nmetadata: { name: db }\nstringData: { password: hunter2 }\n",
    );
    for form in ["json", "terraform", "cloudformation"] {
        let ran = folder.run(&format!("iam -f a.yaml -f secret.yaml -o {form}"));
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{ran:?}");
    }
}

#[test]
fn flags_say_who_the_controller_is_and_how_it_reads() {
    let ran = |flags: &str| folder().run(&format!("iam -f a.yaml {FLAGS} {flags}")).stdout;
    let wanted = |part: &str, flags: &str| {
        let (without, with) = (ran(""), ran(flags));
        assert!(!without.contains(part), "without {flags}: {without}");
        assert!(with.contains(part), "with {flags}: {with}");
    };
    wanted("pods.eks.amazonaws.com", "--pod-identity");
    let key = "arn:aws:kms:eu-west-1:111122223333:key/one";
    wanted(key, &format!("--kms-key {key}"));
    // A search needs it anyhow, and one secret never does.
    let search = "  dataFrom:\n    - find: { name: { regexp: '^shop/api-' } }\n";
    let two = OBJECTS.replace(search, "    - { secretKey: key, remoteRef: { key: shop/key } }\n");
    assert_ne!(two, OBJECTS);
    let ran = |flags: &str| {
        let folder = Folder::new();
        folder.write("a.yaml", &two);
        folder.run(&format!("iam -f a.yaml {FLAGS} {flags}")).stdout
    };
    let batch = "BatchGetSecretValue";
    assert!(!ran("").contains(batch) && ran("--batch").contains(batch));
}
