//! `render` without a cluster and without AWS.

use crate::run::{Folder, Ran, examples};

const OBJECT: &str = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata:
  name: db
  namespace: app
spec:
  secretStoreRef: { name: main }
  data:
    - secretKey: password
      remoteRef: { key: app/db, property: password }
";

const VALUES: &str = "app/db: { user: app, password: hunter2 }\n";

fn folder(object: &str, values: &str) -> Folder {
    let folder = Folder::new();
    folder.write("es.yaml", object).write("values.yaml", values);
    folder
}

fn render(object: &str, values: &str, flags: &str) -> Ran {
    folder(object, values).run(&format!("render -f es.yaml --values values.yaml {flags}"))
}

/// The object with a template.
fn with_template(template: &str) -> String {
    format!("{OBJECT}  target:\n    template:\n{template}")
}

#[test]
fn the_example_of_the_readme_renders() {
    let examples = examples().join("render");
    let ran = Folder::new().run(&format!(
        "render -f {0}/externalsecret.yaml --values {0}/values.yaml --show-values",
        examples.display()
    ));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    for line in [
        "  url: postgres://shop:not%2Fa-real-password@db.shop.internal:5432/shop\n",
        "      pool: 25\n",
        "    replica1: db-2.shop.internal\n",
        "  replicas: '[\"db-1.shop.internal\",\"db-2.shop.internal\"]'\n",
        "type: Opaque\n",
    ] {
        assert!(ran.stdout.contains(line), "{line}\n{}", ran.stdout);
    }
}

#[test]
fn values_are_masked_so_that_nobody_can_apply_them() {
    let ran = render(OBJECT, VALUES, "");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("  password: \"<7 bytes, hash "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"));
    // The hash of the data would let others try values against it.
    assert!(!ran.stdout.contains("data-hash"), "{}", ran.stdout);
    let open = render(OBJECT, VALUES, "--show-values");
    assert!(open.stdout.contains("stringData:\n  password: hunter2\n"), "{}", open.stdout);
    assert!(open.stdout.contains("reconcile.external-secrets.io/data-hash: "), "{}", open.stdout);
}

#[test]
fn annotations_made_of_values_are_masked_too() {
    let object = with_template(
        "      metadata:\n        annotations: { plain: text, secret: '{{ .password }}' }\n",
    );
    let ran = render(&object, VALUES, "");
    assert!(ran.stdout.contains("    plain: text\n"), "{}", ran.stdout);
    assert!(ran.stdout.contains("    secret: \"<7 bytes, hash "), "{}", ran.stdout);
}

#[test]
fn a_template_that_fails_is_shown_at_its_line() {
    let object = with_template(
        "      data:\n        ok: '{{ .password }}'\n        config: |\n          one\n          two: {{ .nothing }}\n",
    );
    let ran = render(&object, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[T02]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("map has no entry for key \"nothing\""), "{}", ran.stderr);
    assert!(ran.stderr.contains("es.yaml:17:"), "{}", ran.stderr);
    assert_eq!(ran.stdout, "");
}

#[test]
fn a_template_that_cannot_be_parsed_is_shown_at_its_line() {
    let object = with_template(
        "      data:\n        config: |\n          one\n          {{ .a | nofunc }}\n",
    );
    let ran = render(&object, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[T01]"), "{}", ran.stderr);
    assert!(ran.stderr.contains("function \"nofunc\" not defined"), "{}", ran.stderr);
    assert!(ran.stderr.contains("es.yaml:16:"), "{}", ran.stderr);
}

#[test]
fn no_error_tells_a_value_unless_it_is_asked_for() {
    let object = with_template("      data:\n        config: '{{ fail .password }}'\n");
    let ran = render(&object, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("[redacted]") && !ran.stderr.contains("hunter2"), "{}", ran.stderr);
    let open = render(&object, VALUES, "--show-values");
    assert!(open.stderr.contains("hunter2"), "{}", open.stderr);
}

#[test]
fn a_secret_that_is_not_in_the_file_is_named() {
    let ran = render(OBJECT, "app/other: x\n", "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[V02]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("spec.data[0] (key=app/db): Secret does not exist"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("add \"app/db\" to the file of --values"), "{}", ran.stderr);
    assert!(ran.stderr.contains("es.yaml:9:"), "{}", ran.stderr);
}

#[test]
fn a_property_that_is_not_there_names_its_neighbours() {
    let ran = render(OBJECT, "app/db: { Password: hunter2 }\n", "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[V03]"), "{}", ran.stderr);
    assert!(
        ran.stderr.contains("it has \"Password\"") && !ran.stderr.contains("hunter2"),
        "{}",
        ran.stderr
    );
}

#[test]
fn versions_tags_and_searches_work_from_the_file() {
    let object = "\
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: { name: db }
spec:
  secretStoreRef: { name: main }
  data:
    - { secretKey: old, remoteRef: { key: app/token, version: AWSPREVIOUS } }
    - { secretKey: owner, remoteRef: { key: app/token, metadataPolicy: Fetch, property: owner } }
  dataFrom:
    - find: { name: { regexp: '^app/' } }
";
    let values =
        "app/token: new\napp/token@AWSPREVIOUS: old\napp/token@tags: { owner: blue }\nother: x\n";
    let ran = render(object, values, "--show-values");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout.ends_with("stringData:\n  app_token: new\n  old: old\n  owner: blue\n"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("  namespace: default\n"), "{}", ran.stdout);
}

#[test]
fn a_value_may_be_any_bytes() {
    let folder = folder(&OBJECT.replace(", property: password", ""), "");
    folder.write("key.bin", [0xff, 0, 1]);
    let ran = folder.run("render -f es.yaml --value-file app/db=key.bin --show-values");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("data:\n  password: /wAB\n"), "{}", ran.stdout);
}

#[test]
fn template_sources_come_from_the_same_files() {
    let from = "      templateFrom:\n        - configMap: { name: texts, items: [{ key: t }] }\n";
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: texts, namespace: app }\ndata:\n  t: 'pw {{ .password }} {{ .missing }}'\n";
    let alone = render(&with_template(from), VALUES, "");
    assert!(alone.stderr.contains("error[T03]"), "{}", alone.stderr);
    let folder = folder(&with_template(from), VALUES);
    folder.write("texts.yaml", config);
    let ran = folder.run("render -f es.yaml -f texts.yaml --values values.yaml");
    // The line of the ConfigMap, not of the ExternalSecret.
    assert!(ran.stderr.contains("texts.yaml:5:"), "{}", ran.stderr);
    folder.write("texts.yaml", config.replace(" {{ .missing }}", ""));
    let ran = folder.run("render -f es.yaml -f texts.yaml --values values.yaml --show-values");
    assert!(ran.stdout.contains("  t: pw hunter2\n"), "{}", ran.stdout);
}

#[test]
fn one_failing_object_does_not_hide_the_others() {
    let both = format!(
        "{OBJECT}---\n{}",
        OBJECT.replace("name: db", "name: broken").replace("app/db", "app/none")
    );
    let ran = render(&both, VALUES, "-o json");
    assert_eq!(ran.code, Some(1));
    let shown: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(shown["items"][0]["metadata"]["name"], "db", "{}", ran.stdout);
    assert!(ran.stderr.contains("ExternalSecret app/broken"), "{}", ran.stderr);
}

#[test]
fn what_is_not_ours_is_told() {
    let old = OBJECT.replace("external-secrets.io/v1", "external-secrets.io/v1beta1");
    let ran = render(&old, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr.contains("error[V01]") && ran.stderr.contains("kubectl extsecret migrate"),
        "{}",
        ran.stderr
    );
    let nothing = render("apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n", VALUES, "");
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("no ExternalSecret"), "{}", nothing.stderr);
    let typo = OBJECT.replace("{ name: main }", "main");
    let ran = render(&typo, VALUES, "");
    assert!(ran.stderr.contains("error[V01]"), "{}", ran.stderr);
}

#[test]
fn a_values_file_that_is_wrong_is_told_without_its_text() {
    for (values, expected) in [
        ("- hunter2\n", "is not a map"),
        ("hunter2: [\n", "line"),
        ("app/db:\n", "has no value"),
        ("", "holds no values"),
        ("a: 1\n---\nb: 2\n", "more than one document"),
    ] {
        let ran = render(OBJECT, values, "");
        assert_eq!(ran.code, Some(2), "{values}");
        assert!(ran.stderr.contains(expected), "{values}: {}", ran.stderr);
        assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    }
    let ran = Folder::new().run("render -f - --values -");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("cannot both read stdin"), "{}", ran.stderr);
}

#[test]
fn a_dangerous_secret_is_not_rendered() {
    let object = with_template(
        "      type: kubernetes.io/service-account-token\n      metadata:\n        annotations: { kubernetes.io/service-account.name: admin }\n",
    );
    let ran = render(&object, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[T04]"), "{}", ran.stderr);
}

#[test]
fn what_a_policy_decides_is_told() {
    let nothing = "  target: { deletionPolicy: Merge }\n";
    let deleted = OBJECT.replace("app/db", "app/none") + "  target: { deletionPolicy: Delete }\n";
    let ran = render(&deleted, VALUES, "");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(0), ""), "{}", ran.stderr);
    assert!(
        ran.stderr
            .contains("note: ExternalSecret app/db: secret deleted due to DeletionPolicy=Delete"),
        "{}",
        ran.stderr
    );
    let merged = OBJECT.replace("app/db", "app/none") + nothing;
    let ran = render(&merged, VALUES, "");
    assert!(
        ran.stdout.contains("kind: Secret") && ran.stderr.contains("not at the provider"),
        "{}",
        ran.stderr
    );
    let contradiction = OBJECT.replace("app/db", "app/none")
        + "  target: { deletionPolicy: Delete, creationPolicy: Merge }\n";
    let ran = render(&contradiction, VALUES, "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("error[T04]: could not delete secret"), "{}", ran.stderr);
}

#[test]
fn templates_may_have_the_delimiters_of_the_controller() {
    let object = with_template("      data: { url: '<< .password >>{{ }}' }\n");
    let flags = "--show-values --template-left-delimiter << --template-right-delimiter >>";
    let ran = render(&object, VALUES, flags);
    assert!(ran.code == Some(0) && ran.stdout.contains("hunter2{{ }}"), "{ran:?}");
    // Without them this is another text.
    let ran =
        render(&with_template("      data: { url: '<< .password >>' }\n"), VALUES, "--show-values");
    assert!(ran.stdout.contains("<< .password >>"), "{ran:?}");
}
