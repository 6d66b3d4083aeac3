//! Whatever is wrong with one file, it is named with its place and code, and the rest is converted.

use std::fmt::Write as _;

use crate::run::{Folder, kes};

/// Puts a bad file beside a good one and expects one finding, and the good one converted.
fn assert_found(name: &str, content: impl AsRef<[u8]>, code: &str, place: &str, says: &str) {
    let folder = Folder::new();
    folder.write("in/good.yaml", kes("good", "app")).write(&format!("in/{name}"), content);
    let ran = folder.run("migrate -f in");
    assert!(ran.shows(code, &format!("in/{name}:{place}")), "{name}:\n{}", ran.stderr);
    assert!(ran.stderr.contains(says), "{name} should say {says:?}:\n{}", ran.stderr);
    assert!(ran.stdout.contains("\n  name: good\n"), "{name} stopped the others:\n{}", ran.stderr);
    assert_eq!(ran.summary(), "2 objects: 1 converted, 1 refused, 1 store", "{name}");
    assert_eq!(ran.code, Some(1), "{name}");
}

#[test]
fn not_yaml() {
    let text = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata: {name: x\n";
    assert_found("a.yaml", text, "R01", "3:11", "error[R01]");
}

#[test]
fn a_helm_template() {
    let text = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata:\n\
                \x20 name: {{ .Release.Name }}\nspec:\n{{- with .Values.spec }}\n  data: {{ . }}\n";
    assert_found("a.yaml", text, "E14", "4:10", "Helm template");
}

#[test]
fn a_kustomize_patch() {
    let text = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\n\
                metadata: {name: p}\n$patch: delete\n";
    assert_found("a.yaml", text, "E14", "1:1", "Kustomize patch");
}

#[test]
fn an_incomplete_object_that_a_kustomization_names_is_a_patch() {
    let text = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\n\
                metadata: {name: base}\nspec: {backendType: secretsManager, data: }\n";
    assert_found("a.yaml", text, "E08", "", "error[E08]");

    let folder = Folder::new();
    folder.write("in/a.yaml", text).write("in/kustomization.yaml", "patches:\n- path: ./a.yaml\n");
    let ran = folder.run("migrate -f in/a.yaml");
    assert!(ran.stderr.contains("error[E14]"), "{}", ran.stderr);
}

#[test]
fn an_unknown_backend() {
    let text = kes("x", "app").replace("secretsManager", "consul");
    assert_found("a.yaml", text, "E01", "7:16", "consul");
}

#[test]
fn a_missing_region() {
    assert_found("a.yaml", crate::run::refused("x", "app"), "E10", "", "--region");
}

#[test]
fn a_tab_in_the_indentation() {
    let text = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata:\n\tname: x\n";
    assert_found("a.yaml", text, "R07", "4:1", "tab");
}

#[test]
fn a_binary_file() {
    assert_found("a.yaml", b"\x7fELF\x02\x01\x01\x00\xff\xfe", "R03", "1:1", "not");
}

#[test]
fn duplicate_keys() {
    let text = kes("x", "app").replace("  region:", "  region: us-east-1\n  region:");
    assert_found("a.yaml", text, "R02", "9:3", "region");
}

#[test]
fn an_object_over_one_mebibyte() {
    let mut text = kes("x", "app");
    for number in 0..40_000 {
        let _ = write!(text, "  - key: a/long/path\n    name: k{number}\n");
    }
    assert_found("a.yaml", text, "R06", "1:1", "at most 1048576 bytes");
}

#[cfg(unix)]
#[test]
fn an_unreadable_file() {
    let folder = Folder::new();
    folder.write("in/good.yaml", kes("good", "app"));
    // Not a question of permissions, which do not bind root.
    std::os::unix::fs::symlink("nowhere", folder.path().join("in/gone.yaml")).unwrap();
    let ran = folder.run("migrate -f in");
    assert!(ran.shows("R08", "in/gone.yaml:1:1"), "{}", ran.stderr);
    assert_eq!(ran.summary(), "2 objects: 1 converted, 1 refused, 1 store");
    assert_eq!(ran.code, Some(1));
}

#[test]
fn a_file_that_is_not_there() {
    let folder = Folder::new();
    folder.write("good.yaml", kes("good", "app"));
    let ran = folder.run("migrate -f nope.yaml -f good.yaml");
    assert!(ran.shows("R08", "nope.yaml:1:1"), "{}", ran.stderr);
    assert!(ran.stdout.contains("name: good"));
    assert_eq!(ran.code, Some(1));

    let alone = folder.run("migrate -f nope.yaml");
    assert!(alone.shows("R08", "nope.yaml:1:1"), "{}", alone.stderr);
    assert_eq!(alone.code, Some(2), "nothing could be read");
}

#[test]
fn empty_input() {
    let folder = Folder::new();
    folder.write("empty.yaml", "").write("comments.yaml", "# nothing\n---\n");
    folder.write("good.yaml", kes("good", "app"));
    for name in ["empty.yaml", "comments.yaml"] {
        let ran = folder.run(&format!("migrate -f {name} -f good.yaml"));
        assert!(ran.shows("R09", &format!("{name}:1:1")), "{}", ran.stderr);
        assert!(ran.stdout.contains("name: good"));
        assert_eq!(ran.code, Some(1));
    }
    let stdin = folder.run("migrate -f -");
    assert!(stdin.shows("R09", "<stdin>:1:1"), "{}", stdin.stderr);
    assert_ne!(stdin.code, Some(0));

    // One that merely lies in the folder is worth a word, and not a failed run.
    let all = folder.run("migrate -f .");
    assert!(all.shows("F01", "empty.yaml:1:1"), "{}", all.stderr);
    assert_eq!(all.code, Some(0));
}

#[test]
fn a_directory_without_manifests() {
    let folder = Folder::new();
    folder.write("docs/readme.md", "# x\n").write("deep/down/good.yaml", kes("good", "app"));
    let ran = folder.run("migrate -R -f docs -f deep");
    assert!(ran.shows("R09", "docs:1:1"), "{}", ran.stderr);
    assert!(ran.stdout.contains("name: good"));
    assert_eq!(ran.code, Some(1));

    let ran = folder.run("migrate -f deep");
    assert!(ran.shows("R09", "deep:1:1") && ran.stderr.contains("-R"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(2));
}

#[test]
fn one_bad_document_leaves_the_others_of_its_file() {
    let folder = Folder::new();
    let bad = "apiVersion: kubernetes-client.io/v1\nkind: {";
    folder.write("a.yaml", [&kes("one", "app"), bad, &kes("two", "app")].join("\n---\n"));
    let ran = folder.run("migrate -f a.yaml");
    assert!(ran.stdout.contains("name: one") && ran.stdout.contains("name: two"));
    assert_eq!(ran.summary(), "3 objects: 2 converted, 1 refused, 1 store");
}

#[test]
fn many_findings_in_one_object_stay_readable() {
    let folder = Folder::new();
    let mut text = kes("x", "app");
    for number in 0..30 {
        let _ = write!(text, "  - key: k\n    name: \"bad key {number}\"\n");
    }
    folder.write("a.yaml", text);
    let ran = folder.run("migrate -f a.yaml");
    assert_eq!(ran.stderr.matches("error[E09]").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("and 25 more of these here"), "{}", ran.stderr);
    assert!(ran.stderr.lines().count() < 60, "{}", ran.stderr);
}

#[test]
fn urls_are_refused() {
    let ran = Folder::new().run("migrate -f https://example.com/a.yaml");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("URLs are not read"), "{}", ran.stderr);
}

#[test]
fn deep_nesting_ends_in_a_finding() {
    let folder = Folder::new();
    folder.write("a.yaml", "[".repeat(200_000)).write("b.yaml", kes("good", "app"));
    let ran = folder.run("migrate -f .");
    assert!(ran.stdout.contains("name: good"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(1));
}
