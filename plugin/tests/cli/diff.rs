//! `--diff`

use std::process::Command;

use crate::run::{Folder, kes, refused};

#[test]
fn a_diff_is_what_in_place_would_do() {
    let folder = Folder::new();
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n";
    folder
        .write("in/a.yaml", format!("{service}---\n{}---\n{service}", kes("one", "app")))
        .write("in/b.yaml", kes("two", "web"));
    let before = folder.tree(".");
    let ran = folder.run("migrate -f in --diff");
    assert_eq!(folder.tree("."), before, "nothing is written");
    assert_eq!(ran.code, Some(0));
    assert!(!ran.stdout.contains("Service"), "lines of others are not shown:\n{}", ran.stdout);

    folder.run("migrate -f in --in-place");
    let edited = folder.tree("in");
    for (name, content) in &before {
        folder.write(name, content);
    }
    folder.remove("in/secret-stores.yaml");

    // git applies it, and the result is the same.
    folder.write("change.diff", &ran.stdout);
    let git = Command::new("git")
        .args(["apply", "--unidiff-zero", "change.diff"])
        .current_dir(folder.path())
        .env("GIT_CEILING_DIRECTORIES", folder.path().parent().unwrap())
        .status();
    // Without git there is still everything above.
    if let Ok(status) = git {
        assert!(status.success(), "{}", ran.stdout);
        assert_eq!(folder.tree("in"), edited);
    }
}

#[test]
fn secrets_next_to_a_change_are_not_shown() {
    let folder = Folder::new();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {p: hunter2}\n";
    folder.write("a.yaml", format!("{secret}---\n{}---\n{secret}", kes("one", "app")));
    let item = |text: &str| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    folder.write(
        "b.yaml",
        format!(
            "apiVersion: v1\nkind: List\nitems:\n{0}{1}{0}",
            item(secret),
            item(&kes("two", "app"))
        ),
    );
    let json = "{\"apiVersion\": \"kubernetes-client.io/v1\", \"kind\": \"ExternalSecret\", \"metadata\": {\"name\": \"x\", \"namespace\": \"app\"}, \"spec\": {\"backendType\": \"secretsManager\", \"region\": \"eu-west-1\", \"data\": [{\"key\": \"k\", \"name\": \"v\"}]}}";
    folder.write(
        "c.json",
        format!(
            "{{\"apiVersion\": \"v1\", \"kind\": \"List\", \"items\": [{json}, {{\"apiVersion\": \"v1\", \"kind\": \"Secret\", \"stringData\": {{\"p\": \"hunter2\"}}}}]}}"
        ),
    );
    let ran = folder.run("migrate -f a.yaml,b.yaml,c.json --diff");
    assert!(ran.stdout.contains("+++ b/a.yaml") && ran.stdout.contains("+++ b/b.yaml"));
    assert!(!ran.stdout.contains("hunter2"), "{}", ran.stdout);
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
}

#[test]
fn exit_codes_are_those_of_the_migration() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app"));
    assert_eq!(folder.run("migrate -f a.yaml --diff").code, Some(0));
    folder.write("a.yaml", refused("one", "app"));
    let ran = folder.run("migrate -f a.yaml --diff");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
}
