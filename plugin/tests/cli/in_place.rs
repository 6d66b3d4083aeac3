//! `--in-place`: the files of a repository, with nothing changed but the objects.

use crate::run::{Folder, kes, refused};

#[test]
fn only_the_objects_change() {
    let folder = Folder::new();
    // Whatever formatting people have.
    let head = "\u{feff}# head\n\nkey:   'odd'   # spacing\nlist: [1,2,   3]\n\n---\n";
    let middle = "---   # a separator with a comment\n\nkind: Other\n\ttext: tab and broken\n";
    let tail = "---\na: \"no newline at the end\"";
    let text = format!("{head}{}{middle}---\n{}{tail}", kes("one", "app"), refused("two", "app"));
    folder.write("in/a.yaml", &text);
    let ran = folder.run("migrate -f in --in-place");
    let after = folder.read("in/a.yaml");
    assert!(after.starts_with(head), "{after}\n{}", ran.stderr);
    assert!(after.ends_with(&format!("{middle}---\n{}{tail}", refused("two", "app"))), "{after}");
    assert!(after.contains("---\napiVersion: external-secrets.io/v1\n"), "{after}");
    assert_eq!(ran.stdout, "");
    assert_eq!(folder.names("in"), ["a.yaml", "secret-stores.yaml"]);
}

#[test]
fn line_ends_stay() {
    let folder = Folder::new();
    let service = "apiVersion: v1\r\nkind: Service\r\nmetadata: {name: web}\r\n";
    folder.write("a.yaml", format!("{service}---\r\n{}", kes("one", "app").replace('\n', "\r\n")));
    let ran = folder.run("migrate -f a.yaml --in-place");
    let after = folder.read("a.yaml");
    assert!(after.starts_with(&format!("{service}---\r\napiVersion: external")), "{}", ran.stderr);
    assert_eq!(after.matches('\n').count(), after.matches("\r\n").count(), "{after:?}");
}

#[test]
fn items_of_a_list_are_edited_where_they_stand() {
    let folder = Folder::new();
    let item = |text: String| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    let service = "- apiVersion: v1\n  kind: Service   # stays\n  metadata: {name: web}\n";
    let refused = item(refused("two", "app"));
    folder.write(
        "a.yaml",
        format!(
            "apiVersion: v1\nkind: List\nitems:\n{service}{}{refused}",
            item(kes("one", "app"))
        ),
    );
    folder.run("migrate -f a.yaml --in-place");
    let after = folder.read("a.yaml");
    let head = format!("apiVersion: v1\nkind: List\nitems:\n{service}- apiVersion: external-");
    assert!(after.starts_with(&head) && after.ends_with(&refused), "{after}");
}

#[test]
fn a_second_run_adds_what_was_refused_in_the_first() {
    let folder = Folder::new();
    folder
        .write("in/a.yaml", kes("one", "app"))
        .write("in/b.yaml", refused("two", "web"))
        .write("in/c.yaml", refused("three", "web"));
    assert_eq!(folder.run("migrate -f in --in-place").code, Some(1));
    let first = folder.read("in/secret-stores.yaml");
    assert!(first.contains("- app") && !first.contains("- web"), "{first}");

    folder.write("in/b.yaml", kes("two", "web"));
    folder.run("migrate -f in --in-place");
    let second = folder.read("in/secret-stores.yaml");
    assert!(second.contains("  - namespaces:\n    - app\n    - web\n"), "{second}");
    assert_eq!(second.matches("kind: ClusterSecretStore").count(), 1, "{second}");

    let ran = folder.run("migrate -f in --in-place --region us-east-1");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let third = folder.read("in/secret-stores.yaml");
    assert!(third.starts_with(second.trim_end()), "{third}");
    assert!(third.contains("region: us-east-1"), "{third}");

    // And then there is nothing left to do.
    let before = folder.tree("in");
    let ran = folder.run("migrate -f in --in-place");
    assert_eq!(ran.summary(), "0 objects: 0 converted, 0 refused, 0 stores");
    assert_eq!(folder.tree("in"), before);
}

#[test]
fn the_stores_file_may_be_named_and_is_not_taken_from_others() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    folder.write("config.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n");
    let before = folder.tree(".");
    let ran = folder.run("migrate -f in --in-place --stores config.yaml");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("--stores"), "{}", ran.stderr);
    assert_eq!(folder.tree("."), before);

    folder.run("migrate -f in --in-place --stores base/stores.yaml");
    assert_eq!(folder.names("."), ["base/stores.yaml", "config.yaml", "in/a.yaml"]);
}

#[test]
fn another_store_of_the_same_name_is_not_replaced() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    folder.run("migrate -f in --in-place");
    let stores =
        folder.read("in/secret-stores.yaml").replace("eu-west-1\n  cond", "eu-north-1\n  cond");
    folder.write("in/secret-stores.yaml", &stores).write("in/b.yaml", kes("two", "app"));
    let ran = folder.run("migrate -f in --in-place");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(folder.read("in/b.yaml").contains("kubernetes-client.io"));
    assert_eq!(folder.read("in/secret-stores.yaml"), stores);
}

#[cfg(unix)]
#[test]
fn permissions_and_links_stay() {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::new();
    folder.write("real/a.yaml", kes("one", "app")).write("in/b.yaml", kes("two", "app"));
    let (real, link) = (folder.path().join("real/a.yaml"), folder.path().join("in/a.yaml"));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, &link).unwrap();
    folder.run("migrate -f in --in-place");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(folder.read("real/a.yaml").contains("external-secrets.io/v1"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn what_cannot_be_edited_is_left_and_said() {
    let folder = Folder::new();
    let utf16: Vec<u8> = "\u{feff}"
        .encode_utf16()
        .chain(kes("one", "app").encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    folder.write("in/a.yaml", &utf16).write("in/b.yaml", kes("two", "app"));
    let ran = folder.run("migrate -f in --in-place");
    assert!(ran.shows("F02", "in/a.yaml:1:1"), "{}", ran.stderr);
    assert_eq!(folder.tree("in")["a.yaml"], utf16);
    assert!(folder.read("in/b.yaml").contains("external-secrets.io/v1"));
    assert_eq!(ran.code, Some(1));
}

#[test]
fn stdin_cannot_be_edited() {
    for flag in ["--in-place", "--diff"] {
        let ran = Folder::new().run_with(&format!("migrate -f - {flag}"), kes("one", "app"));
        assert_eq!(ran.code, Some(2));
        assert!(ran.stderr.contains("stdin cannot be edited"), "{}", ran.stderr);
    }
}
