use std::collections::BTreeMap;

use extsecret_engine::property::Payload;
use extsecret_manifest::read::{Content, Limits, read};
use extsecret_manifest::source::FileId;
use serde_json::{Value as Json, json};

use super::store::Values;
use super::*;
use crate::{Context, Migrator};

struct Run {
    migration: Migration,
    numbers: Verification,
}

impl Run {
    fn codes(&self) -> Vec<&str> {
        let all = self.migration.objects.iter().flat_map(|object| &object.diagnostics);
        all.map(|diagnostic| diagnostic.code.id).collect()
    }

    fn messages(&self, code: &str) -> Vec<&str> {
        let all = self.migration.objects.iter().flat_map(|object| &object.diagnostics);
        all.filter(|found| found.code.id == code).map(|found| found.message.as_str()).collect()
    }
}

/// Migrates `text`, spoils what was written with `spoil`, and verifies.
fn run(text: &str, values: Option<&[(&str, &str)]>, spoil: impl Fn(&mut Json)) -> Run {
    let file = SourceFile::new("kes.yaml", text);
    let documents = read(FileId(0), &file, &Limits::default());
    let options = Options {
        region: Some("eu-west-1".into()),
        namespace: Some("app".into()),
        ..Options::default()
    };
    let mut migrator = Migrator::new(&Context::default(), &options);
    migrator.add(FileId(0), &file, &documents, FileHints::default());
    let mut migration = migrator.finish();
    for output in migration.outputs.iter_mut().filter(|output| output.kind == "ExternalSecret") {
        let mut json = output.body.to_json();
        spoil(&mut json);
        output.body = json.into();
    }
    let nodes: Vec<&Node> = documents
        .iter()
        .map(|document| match &document.content {
            Content::Node(node) => node,
            _ => panic!("a document that cannot be read"),
        })
        .collect();
    let again = |origin: &Origin| {
        let node = nodes.get(origin.document)?;
        Some(Read { file: &file, node, hints: FileHints::default() })
    };
    let values = values.map(|values| {
        let payload =
            |text: &str| Payload { string: Some(text.as_bytes().to_vec()), ..Payload::default() };
        Values(
            values.iter().map(|(k, v)| ((*k).to_owned(), payload(v))).collect::<BTreeMap<_, _>>(),
        )
    });
    let numbers = verify(
        &mut migration,
        &options,
        again,
        values.as_ref().map(|values| values as &dyn Source),
    );
    Run { migration, numbers }
}

fn object(spec: &str) -> String {
    let head = "apiVersion: kubernetes-client.io/v1\nkind: ExternalSecret\nmetadata: {name: o}\n\
                spec:\n  backendType: secretsManager";
    let spec = spec.trim_matches('\n').replace('\n', "\n  ");
    format!("{head}\n  {spec}\n")
}

const PLAIN: &str = "
data:
- {key: app/a, name: whole}
- {key: app/b, name: port, property: db.port}
- {key: app/b, name: host, property: 'hosts[0].name'}
template:
  stringData: {note: '{{ static }}'}
";

#[test]
fn what_was_converted_right_has_no_unannounced_difference() {
    let found = run(&object(PLAIN), None, |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    assert_eq!((found.numbers.verified, found.numbers.keys, found.numbers.unannounced), (1, 4, 0));
    // A member can be null, of which KES made a word.
    let messages = found.messages("W07");
    let wanted = "when member `hosts.0.name` of `app/b` is null, is an object";
    assert!(messages.iter().any(|text| text.contains(wanted)), "{messages:?}");
}

#[test]
fn every_way_to_spoil_an_object_is_found() {
    type Spoil = fn(&mut Json);
    let spoils: [(&str, Spoil); 9] = [
        ("another property", |o| o["spec"]["data"][1]["remoteRef"]["property"] = json!("db.host")),
        ("another key", |o| o["spec"]["data"][0]["remoteRef"]["key"] = json!("app/b")),
        ("a lost item", |o| {
            o["spec"]["data"].as_array_mut().unwrap().remove(0);
        }),
        ("another name", |o| o["spec"]["data"][0]["secretKey"] = json!("hole")),
        ("a version", |o| o["spec"]["data"][0]["remoteRef"]["version"] = json!("AWSPREVIOUS")),
        ("decoding", |o| o["spec"]["data"][0]["remoteRef"]["decodingStrategy"] = json!("Base64")),
        ("another text", |o| {
            o["spec"]["target"]["template"]["data"]["note"] = json!("{{ \"{{\" }} static }} ");
        }),
        ("templates that replace", |o| {
            o["spec"]["target"]["template"]["mergePolicy"] = json!("Replace");
        }),
        ("a label", |o| {
            o["spec"]["target"]["template"]["metadata"] = json!({"labels": {"a": "b"}});
        }),
    ];
    for (what, spoil) in spoils {
        let found = run(&object(PLAIN), None, spoil);
        assert!(!found.messages("E20").is_empty(), "{what}: {:?}", found.codes());
    }
}

#[test]
fn lenient_and_strict_base64_differ_as_announced() {
    let spec = "data:\n- {key: app/a, name: cert, isBinary: true}";
    let found = run(&object(spec), None, |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    assert!(found.messages("W05").iter().any(|text| text.contains("is base64 without padding")));
    // Without its announcement, the same is an error: the codes of the object are what counts.
    let without = run(&object("data:\n- {key: app/a, name: cert}"), None, |o| {
        o["spec"]["data"][0]["remoteRef"]["decodingStrategy"] = json!("Base64");
    });
    assert!(!without.messages("E20").is_empty());
}

#[test]
fn whole_objects_become_keys() {
    let spec = "dataFrom: [app/all]\ndata:\n- {key: app/a, name: other}";
    let found = run(&object(spec), None, |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    assert!(found.messages("W07").iter().any(|text| text.starts_with("a key of dataFrom[0] can")));
    assert!(found.messages("W08").iter().any(|text| text.contains("`app/all` is not JSON")));
}

#[test]
fn given_values_are_compared_and_never_shown() {
    let values =
        [("app/a", "text"), ("app/b", r#"{"db":{"port":5432.0},"hosts":[{"name":null}]}"#)];
    let found = run(&object(PLAIN), Some(&values), |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    assert_eq!(
        found.messages("W07"),
        [
            "`host` gets other bytes than KES wrote, with the values given: KES wrote the word null, \
          ESO writes nothing"
        ]
    );
    assert_eq!((found.numbers.same, found.numbers.announced), (3, 1));

    let spoilt = run(&object(PLAIN), Some(&[("app/a", "hunter2"), values[1]]), |o| {
        o["spec"]["data"][0]["remoteRef"]["key"] = json!("app/b");
    });
    assert_eq!(spoilt.messages("E20").len(), 1);
    for diagnostic in &spoilt.migration.objects[0].diagnostics {
        assert!(!format!("{diagnostic:?}").contains("hunter2"), "{diagnostic:?}");
    }
}

#[test]
fn what_cannot_be_verified_is_named() {
    let found = run(&object(PLAIN), Some(&[("app/a", "text")]), |_| {});
    assert_eq!(found.numbers.verified, 0);
    assert_eq!(
        found.messages("W33"),
        ["the object could not be verified: the values given have none for `app/b`"]
    );
    let old = "apiVersion: external-secrets.io/v1beta1\nkind: ExternalSecret\nmetadata: {name: o}\n\
               spec: {secretStoreRef: {name: s}, data: [{secretKey: a, remoteRef: {key: k}}]}";
    let found = run(old, None, |_| {});
    assert_eq!((found.numbers.objects, found.numbers.verified), (1, 0));
    assert!(found.messages("W33")[0].contains("KES did not read it"));
}

#[test]
fn findings_stand_at_the_item() {
    let text = object(PLAIN);
    let found = run(&text, None, |o| {
        o["spec"]["data"][0]["remoteRef"]["key"] = json!("app/b");
    });
    let diagnostics = &found.migration.objects[0].diagnostics;
    let at = diagnostics.iter().find(|found| found.code.id == "E20").unwrap();
    assert_eq!(at.field.as_deref(), Some("spec.data[0]"));
    let start = at.place.unwrap().span.start as usize;
    assert!(text[start..].contains("key: app/a"), "{}", &text[start..]);
}

#[test]
fn parameters_below_a_path_are_verified() {
    let spec = "data:\n- {path: /app, recursive: true}\n- {key: /app/x, name: x}";
    let text = object(spec).replace("secretsManager", "systemManager");
    let found = run(&text, None, |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    assert!(
        found.messages("W11").iter().any(|text| text.contains("parameters below the path collide"))
    );
    let found = run(&text.replace(", recursive: true", ""), None, |_| {});
    assert_eq!(found.messages("E20"), [""; 0]);
    let spoilt = run(&text, None, |o| {
        o["spec"]["dataFrom"][0].as_object_mut().unwrap().remove("rewrite");
    });
    assert!(!spoilt.messages("E20").is_empty());
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { cases: 40, ..Default::default() })]
    #[test]
    fn any_values_are_compared(a in "\\PC{0,12}", b in "[\\[\\]{}\":,a-z0-9.nul ]{0,24}") {
        let found = run(&object(PLAIN), Some(&[("app/a", &a), ("app/b", &b)]), |_| {});
        proptest::prop_assert_eq!(found.messages("E20"), [""; 0]);
    }
}
