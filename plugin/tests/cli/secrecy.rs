//! What is secret is not shown: not in messages, not in snippets, not in reports.

use crate::run::{Folder, kes};

const CANARY: &str = "hunter2-hunter2";

fn assert_silent(folder: &Folder, args: &str) {
    let ran = folder.run(&format!("{args} --report report.json"));
    for (place, text) in [("stdout", &ran.stdout), ("stderr", &ran.stderr)] {
        assert!(!text.contains(CANARY), "{args}: on {place}:\n{text}");
    }
    if folder.path().join("report.json").exists() {
        assert!(!folder.read("report.json").contains(CANARY), "{args}");
    }
}

#[test]
fn files_about_the_installation_are_not_quoted_even_when_broken() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    let texts = [
        format!("env:\n  AWS_SECRET_ACCESS_KEY: {CANARY}\n  AWS_SECRET_ACCESS_KEY: {CANARY}\n"),
        format!("env:\n\tAWS_SECRET_ACCESS_KEY: {CANARY}\n"),
        format!("env: [AWS_SECRET_ACCESS_KEY: {CANARY}\n"),
        format!("{CANARY}\n"),
        format!("kind: Deployment\nspec: {{x: {CANARY}}}\n"),
    ];
    for text in &texts {
        folder.write("kes.yaml", text);
        for flag in ["--kes-values", "--kes-deployment"] {
            assert_silent(&folder, &format!("migrate -f in {flag} kes.yaml"));
        }
    }
    folder.write("kes.yaml", &texts[0]);
    let ran = folder.run("migrate -f in --kes-values kes.yaml");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.shows("R02", "kes.yaml:3:3"), "{}", ran.stderr);
}

#[test]
fn a_file_that_is_no_manifest_at_all_is_not_quoted() {
    let folder = Folder::new();
    folder.write("credentials", format!("[default]\naws_secret_access_key = {CANARY}: [\n"));
    folder.write("env.yaml", format!("PASSWORD: {CANARY}\nPASSWORD: {CANARY}\n"));
    assert_silent(&folder, "migrate -f credentials -f env.yaml");
    let ran = folder.run("migrate -f env.yaml");
    assert!(ran.shows("R02", "env.yaml:2:1"), "{}", ran.stderr);
}

#[test]
fn a_broken_document_next_to_a_secret_is_not_quoted() {
    let folder = Folder::new();
    let secret = format!("apiVersion: v1\nkind: Secret\nstringData: {{p: {CANARY}}}\n");
    let broken = kes("one", "app").replace("metadata:", "metadata: {");
    folder.write("a.yaml", format!("{secret}---\n{broken}{CANARY}\n"));
    assert_silent(&folder, "migrate -f a.yaml");
}

#[test]
fn a_secret_is_not_copied_unless_asked_for() {
    let folder = Folder::new();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{p: {CANARY}}}\n"
    );
    folder.write("in/a.yaml", format!("{secret}---\n{}", kes("one", "app")));
    assert_silent(&folder, "migrate -f in");
    assert_silent(&folder, "migrate -f in -o json");
    assert_silent(&folder, "migrate -f in --diff");
    folder.run("migrate -f in --output-dir out");
    for text in folder.tree("out").values() {
        assert!(!String::from_utf8_lossy(text).contains(CANARY));
    }
}

/// A template may hold a password beside what cannot be translated (issue 6).
#[test]
fn a_template_that_is_refused_is_pointed_at_and_not_quoted() {
    let folder = Folder::new();
    let template = format!(
        "  template:\n    stringData:\n      dsn: \"{CANARY}:<%= process.env.HOME %>\"\n      url: \"{CANARY}:<% while (true) {{ %>\"\n"
    );
    folder.write("a.yaml", kes("one", "app") + &template);
    let ran = folder.run("migrate -f a.yaml --report report.json");
    assert_eq!(ran.code, Some(1), "{}", ran.stderr);
    assert!(ran.shows("E07", "a.yaml:"), "{}", ran.stderr);
    // Each place has its reason, as it has with its line.
    assert!(ran.stderr.contains("template.stringData.url` uses "), "{}", ran.stderr);
    assert!(!ran.stderr.contains(CANARY) && !ran.stderr.contains("HOME"), "{}", ran.stderr);
    let report = folder.read("report.json");
    assert!(report.contains("E07") && !report.contains(CANARY), "{report}");
}
