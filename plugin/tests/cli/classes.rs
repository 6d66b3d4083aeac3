//! Classes of the CSI driver, which may become more than one object.

use crate::run::Folder;

const CLASS: &str = r"apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata: {name: web, namespace: app}
spec:
  provider: aws
  secretObjects:
  - {secretName: one, type: Opaque, data: [{objectName: a, key: k}]}
  - {secretName: two, type: Opaque, data: [{objectName: a, key: k}]}
  parameters:
    region: eu-west-1
    objects: |
      - {objectName: a, objectType: secretsmanager}
";

const SERVICE: &str = "apiVersion: v1\nkind: Service   # stays\nmetadata: {name: web}\n";

fn item(text: &str) -> String {
    format!("- {}\n", text.trim_end().replace('\n', "\n  "))
}

#[test]
fn all_of_them_stand_where_the_class_stood() {
    let folder = Folder::new();
    folder.write("a.yaml", format!("{SERVICE}---\n{CLASS}---\n{SERVICE}"));
    let diff = folder.run("migrate -f a.yaml --diff");
    assert_eq!(diff.code, Some(0), "{}", diff.stderr);
    assert!(diff.stdout.contains("-kind: SecretProviderClass"), "{}", diff.stdout);
    assert_eq!(diff.stdout.matches("+kind: ExternalSecret").count(), 2, "{}", diff.stdout);

    folder.run("migrate -f a.yaml --in-place");
    let after = folder.read("a.yaml");
    let others = after.starts_with(&format!("{SERVICE}---\n# Pods"))
        && after.ends_with(&format!("---\n{SERVICE}"));
    assert!(others, "{after}");
    assert_eq!(after.matches("\nkind: ExternalSecret\n").count(), 2, "{after}");
    assert!(!after.contains("SecretProviderClass\n"), "{after}");
    let again = folder.run("migrate -f . --in-place");
    assert_eq!((again.code, folder.read("a.yaml")), (Some(0), after));
}

#[test]
fn in_a_list_they_are_items() {
    let folder = Folder::new();
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(CLASS), item(SERVICE));
    folder.write("in/a.yaml", &list);
    let ran = folder.run("migrate -f in --output-dir out --pass-through");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let copied = folder.read("out/a.yaml");
    folder.run("migrate -f in --in-place");
    let after = folder.read("in/a.yaml");
    assert_eq!(copied, after);
    assert!(after.ends_with(&item(SERVICE)), "{after}");
    assert_eq!(after.matches("kind: ExternalSecret\n").count(), 2, "{after}");
}

#[test]
fn broken_objects_are_shown_where_they_are_broken() {
    let folder = Folder::new();
    folder.write("a.yaml", CLASS.replace("secretsmanager}", "[}"));
    let ran = folder.run("migrate -f a.yaml");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[E21]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("a.yaml:12:"), "{}", ran.stderr);
    assert!(ran.stderr.contains("12 |       - {objectName: a, objectType: [}"), "{}", ran.stderr);
}
