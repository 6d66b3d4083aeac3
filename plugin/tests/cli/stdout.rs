//! Manifests on stdout, words on stderr.

use std::process::Stdio;

use crate::run::{Folder, command, kes, refused};

#[test]
fn stores_come_first_and_everything_else_goes_to_stderr() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app"));
    let ran = folder.run("migrate -f a.yaml");
    let kinds: Vec<_> = ran.stdout.lines().filter(|line| line.starts_with("kind:")).collect();
    assert_eq!(kinds, ["kind: ClusterSecretStore", "kind: ExternalSecret"]);
    assert_eq!(ran.stdout.matches("---\n").count(), 1);
    assert_eq!(ran.summary(), "1 object: 1 converted, 0 refused, 1 store");
    assert_eq!(ran.code, Some(0));
}

#[test]
fn json_is_a_list() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app"));
    let ran = folder.run("migrate -f a.yaml -o json");
    let list: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"][1]["metadata"]["name"], "one");
}

#[test]
fn the_order_of_arguments_does_not_matter() {
    let folder = Folder::new();
    for name in ["c", "a", "b"] {
        folder.write(&format!("{name}.yaml"), kes(name, "app") + "---\n" + &refused("r", name));
    }
    let forward = folder.run("migrate -f a.yaml -f b.yaml,c.yaml --report forward.json");
    let backward = folder.run("migrate -f c.yaml -f b.yaml -f a.yaml --report backward.json");
    assert_eq!(forward.stdout, backward.stdout);
    assert_eq!(forward.stderr, backward.stderr);
    assert_eq!(folder.read("forward.json"), folder.read("backward.json"));
    assert_eq!(forward.summary(), "6 objects: 3 converted, 3 refused, 1 store");
}

#[test]
fn other_documents_are_left_out_unless_asked_for() {
    let folder = Folder::new();
    let service = "apiVersion: v1\nkind: Service   # ours\nmetadata: {name: web}\n";
    folder.write("a.yaml", format!("{service}---\n{}", kes("one", "app")));
    let ran = folder.run("migrate -f a.yaml");
    assert!(!ran.stdout.contains("Service"));
    assert_eq!(
        ran.summary(),
        "1 object: 1 converted, 0 refused, 1 store, 1 other document left out"
    );
    let ran = folder.run("migrate -f a.yaml --pass-through");
    assert!(ran.stdout.ends_with(&format!("---\n{service}")), "{}", ran.stdout);
    assert_eq!(ran.summary(), "1 object: 1 converted, 0 refused, 1 store");
}

#[test]
fn stdin_is_read() {
    let ran = Folder::new().run_with("migrate -f -", kes("one", "app"));
    assert_eq!(ran.code, Some(0), "{}", ran.stderr);
    assert!(ran.stdout.contains("name: one"));
}

#[test]
fn a_namespace_is_given_to_objects_without_one() {
    let text = kes("one", "app").replace("  namespace: app\n", "");
    let ran = Folder::new().run_with("migrate -f - -n team", text);
    assert!(ran.stdout.contains("namespace: team"), "{}", ran.stdout);
}

#[test]
fn quiet_and_suppress_hide_words_and_nothing_else() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app") + "---\n" + &refused("two", "app"));
    let loud = folder.run("migrate -f a.yaml");
    assert!(loud.stderr.contains("warning[W12]"));
    for flags in ["-q", "--suppress W12", "--suppress w12"] {
        let ran = folder.run(&format!("migrate -f a.yaml {flags}"));
        assert!(!ran.stderr.contains("W12"), "{flags}: {}", ran.stderr);
        assert!(ran.stderr.contains("error[E10]"), "{flags}: {}", ran.stderr);
        assert_eq!((ran.stdout.as_str(), ran.code), (loud.stdout.as_str(), loud.code));
    }
    let ran = folder.run("migrate -f a.yaml --suppress E10");
    assert_eq!(ran.code, Some(2), "an error cannot be hidden");
}

#[test]
fn colour_only_where_it_is_wanted() {
    let folder = Folder::new();
    folder.write("a.yaml", kes("one", "app"));
    assert!(!folder.run("migrate -f a.yaml").stderr.contains('\u{1b}'));
    let coloured = folder.run("migrate -f a.yaml --color always");
    assert!(coloured.stderr.contains('\u{1b}'));
    assert!(!coloured.stdout.contains('\u{1b}'), "manifests stay what they are");
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = Folder::new();
    let many: Vec<_> = (0..2000).map(|number| kes(&format!("x{number}"), "app")).collect();
    folder.write("a.yaml", many.join("---\n"));
    let mut child = command()
        .args(["migrate", "-f", "a.yaml"])
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("2000 objects: 2000 converted"), "{stderr}");
    assert!(!stderr.to_lowercase().contains("pipe"), "{stderr}");
}

#[test]
fn what_is_said_about_a_list_stays_with_its_first_object() {
    let folder = Folder::new();
    let item = "- apiVersion: kubernetes-client.io/v1\n  kind: ExternalSecret\n  metadata: {name: one, namespace: app}\n  spec: {backendType: secretsManager, region: us-east-1, data: [{key: k, name: v}]}\n";
    let list = format!(
        "# of the team\napiVersion: v1\nkind: List\nitems: # all of them\n{item}{}# the end\n",
        item.replace("one", "two")
    );
    folder.write("list.yaml", list.clone());
    let ran = folder.run("migrate -f list.yaml");
    for comment in ["# of the team", "# all of them", "# the end"] {
        assert_eq!(ran.stdout.matches(comment).count(), 1, "{comment}\n{}", ran.stdout);
    }
    assert!(ran.stdout.find("# of the team") < ran.stdout.find("name: one"));

    // In place the List itself keeps them.
    folder.run("migrate -f list.yaml --in-place");
    for comment in ["# of the team", "# all of them", "# the end"] {
        assert_eq!(folder.read("list.yaml").matches(comment).count(), 1, "{comment}");
    }
}
