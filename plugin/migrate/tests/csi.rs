//! What the golden cases leave out about classes of the CSI driver: comments, places, pods, order
//! and size.

use extsecret_manifest::read::{Limits, read};
use extsecret_manifest::source::{SourceFile, Sources};
use extsecret_manifest::write::write_documents;
use extsecret_migrate::{Context, FileHints, Migration, Migrator, Options, Outcome};

fn run(files: &[&str]) -> (Migration, Sources) {
    let (context, options) = (Context::default(), Options::default());
    let mut sources = Sources::default();
    let mut run = Migrator::new(&context, &options);
    for (i, text) in files.iter().enumerate() {
        let file = SourceFile::new(format!("{i}.yaml"), *text);
        let id = sources.add(file.clone());
        run.add(id, &file, &read(id, &file, &Limits::default()), FileHints::default());
    }
    (run.finish(), sources)
}

fn text(migration: &Migration) -> String {
    write_documents(migration.outputs.iter().map(extsecret_migrate::Output::node))
}

fn codes(migration: &Migration) -> Vec<&'static str> {
    let objects = migration.objects.iter().flat_map(|object| &object.diagnostics);
    objects.chain(&migration.diagnostics).map(|diagnostic| diagnostic.code.id).collect()
}

const CLASS: &str = r#"# head
apiVersion: secrets-store.csi.x-k8s.io/v1
kind: SecretProviderClass
metadata:
  name: web # name
  namespace: app
spec:
  provider: aws
  secretObjects:
  - secretName: one # first
    type: Opaque
    data:
    # the user
    - {objectName: user, key: u}
  - secretName: two # second
    type: Opaque
    data:
    - objectName: pass # password
      key: p
  parameters:
    region: eu-west-1 # region
    objects: |
      - objectName: "prod/user" # inner
        objectType: secretsmanager
        objectAlias: user
      # of the second
      - objectName: prod/pass
        objectType: secretsmanager
        objectAlias: pass
      - objectName: prod/unused # nobody reads it
        objectType: secretsmanager
"#;

const PODS: &str = r"
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: app}
spec:
  template:
    spec:
      serviceAccountName: web
      volumes:
      - name: secrets
        csi:
          driver: secrets-store.csi.k8s.io
          volumeAttributes: {secretProviderClass: web}
";

#[test]
fn every_comment_is_kept_at_its_secret() {
    let (migration, _) = run(&[CLASS]);
    let text = text(&migration);
    for comment in [
        "# head",
        "# name",
        "# first",
        "# the user",
        "# second",
        "# password",
        "# region",
        "# inner",
        "# of the second",
        "# nobody reads it",
    ] {
        assert_eq!(text.matches(comment).count(), 1, "{comment}\n{text}");
    }
    let (one, two) = text.split_once("name: two").expect("two objects");
    assert!(one.contains("# inner") && one.contains("# first"), "{one}");
    assert!(two.contains("# second") && two.contains("# of the second"), "{two}");
}

#[test]
fn pods_are_named_with_their_lines_and_lend_their_account() {
    for files in [[CLASS, PODS], [PODS, CLASS]] {
        let (migration, sources) = run(&files);
        let text = text(&migration);
        assert!(text.contains("# Mounted by Deployment app/web, volume secrets: "), "{text}");
        assert!(text.contains(".yaml:10\n"), "{text}");
        assert!(text.contains("serviceAccountRef:\n            name: web"), "{text}");
        assert!(text.contains("#   - name: \"secrets\""), "{text}");
        assert!(text.contains("# The file \"prod_unused\" is in no Secret."), "{text}");
        let all = migration.objects.iter().flat_map(|object| &object.diagnostics);
        let pods: Vec<_> = all.filter(|diagnostic| diagnostic.code.id == "W39").collect();
        let [pods] = pods.as_slice() else { panic!("{pods:?}") };
        let [(place, note)] = pods.related.as_slice() else { panic!("{pods:?}") };
        assert_eq!(note, "Deployment app/web, volume secrets");
        let file = sources.get(place.file).expect("the file");
        assert_eq!(file.location(place.span.start).line, 10);
        assert!(pods.help.as_ref().is_some_and(|help| help.contains("projected: {")), "{pods:?}");
    }
}

#[test]
fn places_in_the_text_of_objects_are_those_of_the_file() {
    let class = CLASS.replace("objectAlias: pass", "objectAlias: user");
    let (migration, sources) = run(&[&class]);
    let [object] = migration.objects.as_slice() else { panic!("{migration:?}") };
    assert_eq!(object.outcome, Outcome::Refused);
    let twice = object.diagnostics.first().expect("a finding");
    let location = |place: extsecret_manifest::source::Place| {
        let file = sources.get(place.file).expect("the file");
        (file.location(place.span.start).to_string(), file.slice(place.span).to_owned())
    };
    assert_eq!(location(twice.place.expect("a place")), ("29:22".into(), "user".into()));
    let (first, _) = twice.related.first().expect("the first one");
    assert_eq!(location(*first), ("25:22".into(), "user".into()));
}

#[test]
fn one_class_in_the_same_words_twice_is_written_twice_and_said() {
    let (migration, _) = run(&[CLASS, CLASS]);
    assert_eq!(migration.count(Outcome::Converted), 2);
    assert_eq!(codes(&migration).iter().filter(|code| **code == "W28").count(), 2);
    let other = CLASS.replace("prod/user", "stage/user");
    let (migration, _) = run(&[CLASS, &other]);
    assert_eq!(migration.count(Outcome::Refused), 2);
    assert_eq!(migration.outputs.len(), 0, "and no store that nothing uses");
    assert_eq!(codes(&migration), ["E26", "E26"]);
}

#[test]
fn what_is_said_about_the_run_is_said_once() {
    let mount = CLASS.replace("name: web", "name: other").replace("secretObjects", "ignored");
    let (migration, _) = run(&[CLASS, &mount]);
    let mut codes: Vec<_> = migration.diagnostics.iter().map(|d| d.code.id).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["W34", "W35", "W37", "W41"]);
}

/// Ten thousand objects with comments, members, collisions and pods: seconds at most, where
/// anything quadratic would take minutes.
#[test]
fn large_classes_are_read_in_linear_time() {
    use std::fmt::Write as _;
    let mut class = CLASS.split_once("  secretObjects").expect("a class").0.to_owned();
    class.push_str("  secretObjects:\n  - secretName: s\n    type: Opaque\n    data:\n");
    for i in 0..6_000 {
        let _ = writeln!(class, "    - {{objectName: a_{i}, key: k{i}}} # {i}");
    }
    class.push_str("  parameters:\n    region: eu-west-1\n    objects: |\n");
    for i in 0..6_000 {
        let _ = writeln!(class, "      - {{objectName: a/{i}, objectType: ssmparameter}} # {i}");
    }
    let (migration, _) = run(&[&class]);
    assert_eq!(migration.count(Outcome::Converted), 1, "{:?}", migration.objects[0].diagnostics);

    let mut mount = CLASS.split_once("  secretObjects").expect("a class").0.to_owned();
    mount.push_str(
        "  parameters:\n    region: eu-west-1\n    pathTranslation: \"False\"\n    objects: |\n",
    );
    for i in 0..10_000 {
        let separator = ["/", ":", "!", "="][i % 4];
        let _ = writeln!(
            mount,
            "      - {{objectName: \"a{separator}{}\", objectType: ssmparameter}}",
            i / 4
        );
    }
    let (migration, _) = run(&[&mount]);
    assert_eq!(migration.count(Outcome::Converted), 1, "{:?}", migration.objects[0].diagnostics);
}
