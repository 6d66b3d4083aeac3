//! Each code has a manifest that triggers it and one that does not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::read::{Content, Document, Limits, read};
use extsecret_manifest::source::{FileId, SourceFile};
use extsecret_manifest::stream;
use extsecret_validate::{Manifests, Stores, Verdict, check, codes};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn documents(text: &str) -> Vec<Document> {
    let file = SourceFile::new("f.yaml", text);
    let documents = read(FileId(0), &file, &Limits::default());
    for document in &documents {
        assert!(!matches!(document.content, Content::Broken(_)), "{document:?}");
    }
    documents
}

fn findings(text: &str) -> Vec<Diagnostic> {
    let documents = documents(text);
    let objects: Vec<_> = documents.iter().flat_map(stream::objects).collect();
    let mut all = Manifests::default();
    for object in &objects {
        all.add(object);
    }
    if text.starts_with("# All stores of a cluster") {
        let of = |kind: &'static str| {
            let mine = objects.iter().filter(move |it| it.kind() == Some(kind));
            mine.map(move |it| {
                let namespace = it.namespace().unwrap_or_default();
                (namespace.to_owned(), it.name().unwrap_or_default().to_owned())
            })
        };
        all.know(Stores {
            stores: Some(of("SecretStore").collect()),
            cluster_stores: Some(of("ClusterSecretStore").map(|(_, name)| name).collect()),
        });
    }
    let verdicts = objects.iter().map(|object| check(object, &all));
    verdicts
        .flat_map(|verdict| match verdict {
            Verdict::Checked(found) => found,
            _ => Vec::new(),
        })
        .collect()
}

fn fixture(code: &str, which: &str) -> String {
    let path = folder().join(format!("{code}.{which}.yaml"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_code_has_its_fixtures_and_they_do_what_they_say() {
    let mut known = BTreeSet::new();
    // That of rules of the API that have no code of their own yet.
    for code in codes::all().filter(|code| code.id != "A14") {
        assert!(known.insert(code.id), "{} twice", code.id);
        let bad = findings(&fixture(code.id, "bad"));
        let hit = bad.iter().find(|found| found.code.id == code.id);
        let hit = hit.unwrap_or_else(|| panic!("{} is not found: {bad:#?}", code.id));
        assert!(hit.field.is_some(), "{hit:?}");
        let others: Vec<_> = bad.iter().filter(|found| found.code.id != code.id).collect();
        assert!(others.is_empty(), "{}: more than one thing is wrong: {others:#?}", code.id);
        let good = findings(&fixture(code.id, "good"));
        assert!(good.is_empty(), "{}: {good:#?}", code.id);
    }
    let files = fs::read_dir(folder()).unwrap().map(|file| file.unwrap().file_name());
    for file in files {
        let name = file.to_string_lossy().into_owned();
        let code = name.split('.').next().unwrap();
        assert!(known.contains(code), "{name} is of no code");
    }
}

#[test]
fn findings_stand_where_the_mistake_is() {
    for (code, written) in [
        ("S01", "refreshInterwal"),
        ("S02", "yes"),
        ("S03", "owner"),
        ("S05", "external-secrets.io/v1beta1"),
        ("S07", "null"),
        ("A07", "password"),
        ("L02", "1d"),
        ("L08", "'db://{{ .pasword }}'"),
        ("L10", "eu_west_1"),
        ("L15", "two hours"),
    ] {
        let text = fixture(code, "bad");
        let found = findings(&text);
        let place = found[0].place.unwrap();
        assert_eq!(&text[place.span.range()], written, "{code}: {found:?}");
    }
}

#[test]
fn what_was_meant_is_said() {
    for (code, help) in [
        ("S01", "did you mean `refreshInterval`?"),
        ("S02", "put it in quotes: without them kubectl reads something else"),
        ("S03", "did you mean `Owner`?"),
        ("L08", "did you mean `password`?"),
    ] {
        assert_eq!(findings(&fixture(code, "bad"))[0].help.as_deref(), Some(help));
    }
}

#[test]
fn nothing_is_no_item_of_a_list_and_no_base64() {
    let good = fixture("S02", "good");
    let (head, _) = good.split_once("  data:").unwrap();
    let found = findings(&format!("{head}  data:\n  -\n"));
    let messages: Vec<_> = found.iter().map(|it| (it.code.id, it.message.as_str())).collect();
    assert_eq!(messages, [("S02", "`spec.data[0]` must be a map, found nothing")]);

    let store = |bundle: &str| {
        format!(
            "apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {{ name: main }}\n\
             spec: {{ provider: {{ vault: {{ server: https://vault.example.test, version: v2, path: secret,\n\
             auth: {{ tokenSecretRef: {{ name: vault, key: token }} }}, caBundle: {bundle} }} }} }}\n"
        )
    };
    assert_eq!(findings(&store("aGVsbG8=")), []);
    for bundle in ["''", "hunter2", "\"aGVsbG8=\\n\""] {
        let found = findings(&store(bundle));
        let [found] = found.as_slice() else { panic!("{bundle}: {found:?}") };
        assert_eq!(found.code.id, "S03");
        assert!(!found.message.contains("hunter2"), "{found:?}");
    }
}

#[test]
fn files_without_a_namespace_may_go_to_different_ones() {
    let text = fixture("L12", "bad").replace("  namespace: shop\n", "");
    assert_eq!(findings(&text).len(), 1, "in one file they go together");
    let files: Vec<&str> = text.split("---\n").collect();
    let read = |(number, text): (u32, &&str)| {
        let file = SourceFile::new("f.yaml", *text);
        read(FileId(number), &file, &Limits::default())
    };
    let documents: Vec<Document> = (0..).zip(&files).flat_map(read).collect();
    let objects: Vec<_> = documents.iter().flat_map(stream::objects).collect();
    let mut all = Manifests::default();
    for object in &objects {
        all.add(object);
    }
    for object in &objects {
        assert_eq!(check(object, &all), Verdict::Checked(Vec::new()));
    }
}

#[test]
fn no_value_is_in_a_finding() {
    for text in [
        fixture("L11", "bad"),
        fixture("L11", "bad").replace(
            "template:\n      data:\n        db-password: hunter2",
            "template: { data: { db-password: hunter2 } }",
        ),
    ] {
        assert!(text.contains("hunter2"));
        let found = findings(&text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(!format!("{found:?}").contains("hunter2"));
        // Nor in the lines that are shown with it.
        if let Some(place) = found[0].place {
            let start = text[..place.span.range().start].rfind('\n').map_or(0, |at| at + 1);
            let line = text[start..].lines().next().unwrap();
            assert_eq!(line.trim(), "template:");
        }
    }
}

#[test]
fn other_kinds_are_told_apart() {
    for (text, verdict) in [
        ("apiVersion: v1\nkind: Secret\nmetadata: { name: a }\n", Verdict::NotOurs),
        (
            "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata: { name: a }\n",
            Verdict::OldKind,
        ),
        (
            "apiVersion: external-secrets.io/v1alpha1\nkind: PushSecret\nmetadata: { name: a }\n",
            Verdict::NotOurs,
        ),
    ] {
        let documents = documents(text);
        let objects = stream::objects(&documents[0]);
        assert_eq!(check(&objects[0], &Manifests::default()), verdict, "{text}");
    }
}

proptest::proptest! {
    #[test]
    fn no_manifest_makes_it_stumble(body in "[a-zA-Z0-9:{}\\[\\], \n'\"-]{0,200}") {
        let text = format!(
            "apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nspec:\n  data: {body}\n"
        );
        let file = SourceFile::new("f.yaml", text.as_str());
        let documents = read(FileId(0), &file, &Limits::default());
        for object in documents.iter().flat_map(stream::objects) {
            check(&object, &Manifests::default());
        }
    }
}
