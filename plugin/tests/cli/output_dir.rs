//! `--output-dir`

use crate::run::{Folder, kes, refused};

#[test]
fn the_tree_mirrors_the_input() {
    let folder = Folder::new();
    folder
        .write("in/a.yaml", kes("one", "app"))
        .write("in/deep/b.yml", kes("two", "app") + "---\n" + &kes("three", "web"))
        .write("in/deep/service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n")
        .write("in/deep/refused.yaml", refused("four", "app"));
    let before = folder.tree("in");
    let ran = folder.run("migrate -R -f in --output-dir out");
    assert_eq!(ran.stdout, "");
    assert_eq!(folder.names("out"), ["a.yaml", "deep/b.yml", "secret-stores.yaml"]);
    assert_eq!(folder.tree("in"), before);
    let both = folder.read("out/deep/b.yml");
    assert!(both.find("name: two").unwrap() < both.find("name: three").unwrap());
    assert_eq!(
        ran.summary(),
        "4 objects: 3 converted, 1 refused, 1 store, 1 other document left out"
    );
    assert_eq!(ran.code, Some(1));

    // The same again, also when the output lies in the input.
    let once = folder.tree("out");
    folder.run("migrate -R -f in --output-dir out");
    assert_eq!(folder.tree("out"), once);
    let ran = folder.run("migrate -R -f . --output-dir out");
    assert!(!folder.names("out").iter().any(|name| name.starts_with("out/")), "{}", ran.stderr);
}

#[test]
fn objects_from_stdin_get_files_by_their_names() {
    let folder = Folder::new();
    let evil = kes("\"../../evil\"", "\"..\"");
    let input = [kes("one", "app"), kes("one", "web"), evil].join("---\n");
    folder.run_with("migrate -f - --output-dir out", input);
    let names = folder.names("out");
    for name in ["app/one.yaml", "secret-stores.yaml", "web/one.yaml"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    assert_eq!(folder.names("."), names.iter().map(|n| format!("out/{n}")).collect::<Vec<_>>());
}

#[test]
fn names_that_meet_are_told_apart() {
    let folder = Folder::new();
    folder
        .write("one/x.yaml", kes("one", "app"))
        .write("two/x.yaml", kes("two", "app"))
        .write("two/secret-stores.yaml", kes("three", "app"));
    let ran = folder.run("migrate -f two -f one --output-dir out");
    assert_eq!(
        folder.names("out"),
        ["secret-stores-2.yaml", "secret-stores.yaml", "x-2.yaml", "x.yaml"]
    );
    assert!(folder.read("out/x.yaml").contains("name: one"));
    assert!(folder.read("out/secret-stores-2.yaml").contains("ClusterSecretStore"));
    assert!(ran.stderr.contains("warning[W28]"), "{}", ran.stderr);
    assert_eq!(ran.code, Some(0));
}

#[test]
fn json_stays_json() {
    let folder = Folder::new();
    let object = r#"{"apiVersion": "kubernetes-client.io/v1", "kind": "ExternalSecret",
        "metadata": {"name": "NAME", "namespace": "app"},
        "spec": {"backendType": "secretsManager", "region": "eu-west-1", "data": [{"key": "k", "name": "v"}]}}"#;
    let list = format!(
        r#"{{"apiVersion": "v1", "kind": "List", "items": [{}, {}]}}"#,
        object.replace("NAME", "two"),
        object.replace("NAME", "three")
    );
    folder.write("in/one.json", object.replace("NAME", "one")).write("in/list.json", list);
    let ran = folder.run("migrate -f in --output-dir out");
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    let json = |name| serde_json::from_str::<serde_json::Value>(&folder.read(name)).unwrap();
    assert_eq!(json("out/one.json")["apiVersion"], "external-secrets.io/v1");
    assert_eq!(json("out/list.json")["items"][1]["metadata"]["name"], "three");
}

#[test]
fn pass_through_keeps_the_rest_of_a_file_as_it_is() {
    let folder = Folder::new();
    let service = "# the service\napiVersion: v1\nkind: Service   # keep\nmetadata: {name: web}\n";
    folder.write(
        "in/a.yaml",
        format!("{service}---\n{}---\n{}", kes("one", "app"), refused("two", "app")),
    );
    folder.write("in/kustomization.yaml", "resources: [a.yaml]\n");
    folder.run("migrate -f in --output-dir out --pass-through");
    let text = folder.read("out/a.yaml");
    assert!(
        text.starts_with(&format!("{service}---\napiVersion: external-secrets.io/v1\n")),
        "{text}"
    );
    assert!(!text.contains("kubernetes-client.io") && !text.contains("name: two"), "{text}");
    assert_eq!(folder.read("out/kustomization.yaml"), "resources: [a.yaml]\n");
}

#[test]
fn pass_through_takes_refused_items_out_of_a_list() {
    let folder = Folder::new();
    let item = |text: String| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    folder.write(
        "in/list.yaml",
        format!(
            "apiVersion: v1\nkind: List\nitems:\n{}{}{}",
            item(kes("one", "app")),
            item(refused("two", "app")),
            item("apiVersion: v1\nkind: Service\nmetadata: {name: web}".into()),
        ),
    );
    let ran = folder.run("migrate -f in --output-dir out --pass-through");
    let text = folder.read("out/list.yaml");
    assert!(text.contains("name: one") && text.contains("kind: Service"), "{text}");
    assert!(!text.contains("name: two"), "{text}");
    assert_eq!(ran.summary(), "2 objects: 1 converted, 1 refused, 1 store");
}

#[test]
fn nothing_of_others_is_overwritten() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app"));
    folder.write("out/a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n");
    let before = folder.tree("out");
    let ran = folder.run("migrate -f in --output-dir out");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("out/a.yaml"), "{}", ran.stderr);
    assert_eq!(folder.tree("out"), before);

    let ran = folder.run("migrate -f in --output-dir in");
    assert_eq!(ran.code, Some(2), "{}", ran.stderr);
    assert!(ran.stderr.contains("--in-place"), "{}", ran.stderr);
    assert_eq!(folder.read("in/a.yaml"), kes("one", "app"));
}

#[test]
fn a_failed_write_leaves_no_half_of_the_result() {
    let folder = Folder::new();
    folder.write("in/a.yaml", kes("one", "app")).write("in/b/c.yaml", kes("two", "app"));
    // Where the folder `b` must be, there is a file.
    folder.write("out/b", "");
    let ran = folder.run("migrate -R -f in --output-dir out");
    assert_eq!(ran.code, Some(2));
    assert!(ran.stderr.contains("nothing was written"), "{}", ran.stderr);
    assert_eq!(folder.names("out"), ["b"]);
}
