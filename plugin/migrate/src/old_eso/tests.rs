use extsecret_manifest::node::Node;
use extsecret_manifest::source::FileId;
use serde_json::{Value as Json, json};

use super::*;

fn node(yaml: &str) -> Node {
    serde_yaml::from_str::<Json>(yaml).unwrap().into()
}

fn converted(yaml: &str) -> (Json, Vec<&'static str>) {
    let (node, found) = convert(FileId(0), &node(yaml)).unwrap();
    (node.to_json(), found.iter().map(|diagnostic| diagnostic.code.id).collect())
}

fn refused(yaml: &str) -> Diagnostic {
    let mut found = convert(FileId(0), &node(yaml)).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    let diagnostic = found.remove(0);
    assert_eq!(diagnostic.code.id, "E18");
    assert!(diagnostic.place.is_some() && diagnostic.field.is_some());
    diagnostic
}

fn external_secret(version: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: external-secrets.io/{version}, kind: ExternalSecret, \
         metadata: {{name: x, namespace: app}}, spec: {spec}}}"
    )
}

fn template(version: &str, template: &str) -> String {
    external_secret(
        version,
        &format!(
            "{{secretStoreRef: {{name: s}}, target: {{template: {template}}}, \
             data: [{{secretKey: a, remoteRef: {{key: k}}}}]}}"
        ),
    )
}

#[test]
fn v1beta1_changes_only_its_version() {
    let spec = json!({
        "refreshInterval": "1h",
        "secretStoreRef": {"name": "s", "kind": "ClusterSecretStore"},
        "target": {"name": "t", "creationPolicy": "Orphan", "template": {"data": {"a": "{{ .b }}"}}},
        "data": [{"secretKey": "a", "remoteRef": {"key": "k", "decodingStrategy": "None"}}],
        "dataFrom": [{"find": {"name": {"regexp": "x"}}, "rewrite": [{"regexp": {"source": "a", "target": "b"}}]}],
        "somethingNew": {"kept": true},
    });
    let (object, codes) = converted(&external_secret("v1beta1", &spec.to_string()));
    assert_eq!(object["apiVersion"], "external-secrets.io/v1");
    assert_eq!(object["spec"], spec, "no default is written, nothing unknown is lost");
    assert_eq!(codes, ["I05"]);
}

#[test]
fn other_versions_and_kinds_are_left_alone() {
    assert!(converts("ClusterExternalSecret") && !converts("PushSecret"));
    let v1 = node(&external_secret("v1", "{data: []}"));
    assert_eq!(convert(FileId(0), &v1), Ok((v1.clone(), vec![])));
}

#[test]
fn v1alpha1_items_of_data_from_are_nested() {
    let (object, codes) = converted(&external_secret(
        "v1alpha1",
        "{secretStoreRef: {name: s}, target: {creationPolicy: Merge}, dataFrom: [\
         {key: all, property: p, version: '3', conversionStrategy: Unicode}, \
         {extract: {key: mixed}}]}",
    ));
    assert_eq!(
        object["spec"]["dataFrom"],
        json!([
            {"extract": {"key": "all", "property": "p", "version": "3", "conversionStrategy": "Unicode"}},
            {"extract": {"key": "mixed"}},
        ])
    );
    assert_eq!(object["spec"]["target"], json!({"creationPolicy": "Merge"}));
    assert_eq!(codes, ["I05"]);
}

#[test]
fn comments_and_places_of_moved_items_are_kept() {
    let mut object = node(&external_secret("v1alpha1", "{dataFrom: [{key: all}]}"));
    let item = object.get_mut("spec").unwrap().get_mut("dataFrom").unwrap();
    let Value::Sequence(items) = &mut item.value else { panic!() };
    items[0].span = Span::new(10, 20);
    items[0].comments_mut().before.push("# why".into());
    items[0].get_mut("key").unwrap().comments_mut().trailing = Some("# which".into());

    let (object, _) = convert(FileId(0), &object).unwrap();
    let item = &object.at(&["spec", "dataFrom"]).unwrap().as_sequence().unwrap()[0];
    assert_eq!(item.comments.as_ref().unwrap().before, ["# why"]);
    assert_eq!(item.span, Span::new(10, 20));
    let extract = item.get("extract").unwrap();
    assert_eq!(extract.comments, None, "the comment is not said twice");
    assert_eq!(
        extract.get("key").unwrap().comments.as_ref().unwrap().trailing.as_deref(),
        Some("# which")
    );
}

#[test]
fn template_engine_v1_is_refused_where_it_could_matter() {
    let templates = [
        ("v1alpha1", "{data: {a: '{{ .a | toString }}'}}", "data.a"),
        ("v1alpha1", "{engineVersion: v1, data: {b: x, a: '{{ .a }}'}}", "data.a"),
        ("v1beta1", "{engineVersion: v1, data: {a: '{{ .a | toString }}'}}", "data.a"),
        ("v1alpha1", "{templateFrom: [{configMap: {name: c, items: [{key: k}]}}]}", "templateFrom"),
        (
            "v1beta1",
            "{engineVersion: v1, templateFrom: [{secret: {name: c, items: [{key: k}]}}]}",
            "templateFrom",
        ),
        (
            "v1alpha1",
            "{metadata: {annotations: {note: 'literal {{ }}'}}}",
            "metadata.annotations.note",
        ),
    ];
    for (version, text, field) in templates {
        let diagnostic = refused(&template(version, text));
        assert_eq!(
            diagnostic.field.as_deref(),
            Some(format!("spec.target.template.{field}").as_str()),
            "{text}"
        );
        assert!(!diagnostic.message.contains("{{"), "a template is never quoted");
    }
}

#[test]
fn template_engine_v2_and_static_text_are_converted() {
    for (version, text) in [
        ("v1alpha1", "{engineVersion: v2, data: {a: '{{ .a }}'}}"),
        ("v1beta1", "{data: {a: '{{ .a }}'}}"),
        ("v1beta1", "{templateFrom: [{configMap: {name: c, items: [{key: k}]}}]}"),
        ("v1alpha1", "{data: {a: text}, templateFrom: [], metadata: {labels: {a: b}}}"),
        ("v1alpha1", "{type: Opaque}"),
    ] {
        let (object, codes) = converted(&template(version, text));
        assert_eq!(codes, ["I05"], "{text}");
        let expected = serde_yaml::from_str::<Json>(text).unwrap();
        assert_eq!(object["spec"]["target"]["template"], expected, "{text}");
    }
    for version in ["v1alpha1", "v1beta1"] {
        let (object, codes) = converted(&template(version, "{engineVersion: v1, data: {a: text}}"));
        assert_eq!(object["spec"]["target"]["template"]["engineVersion"], "v2");
        assert_eq!(codes, ["I05", "I06"]);
    }
}

#[test]
fn the_spec_inside_a_cluster_external_secret_is_converted_too() {
    let ces = |spec: &str| {
        format!(
            "{{apiVersion: external-secrets.io/v1alpha1, kind: ClusterExternalSecret, \
             metadata: {{name: x}}, spec: {{externalSecretName: y, namespaceSelector: {{}}, \
             externalSecretSpec: {spec}}}}}"
        )
    };
    let (object, _) = converted(&ces("{dataFrom: [{key: k}]}"));
    assert_eq!(
        object["spec"]["externalSecretSpec"]["dataFrom"],
        json!([{"extract": {"key": "k"}}])
    );
    let diagnostic = refused(&ces("{dataFrom: [{key: k}], target: {template: {data: {a: '{{'}}}}"));
    assert_eq!(diagnostic.field.as_deref(), Some("spec.externalSecretSpec.target.template.data.a"));
}

#[test]
fn what_a_current_api_server_refuses_is_refused() {
    let diagnostic = refused(&external_secret(
        "v1beta1",
        "{data: [{secretKey: a, remoteRef: {key: x}}, {secretKey: a, remoteRef: {key: y}}]}",
    ));
    assert!(diagnostic.message.contains("duplicate secretKey"), "{}", diagnostic.message);

    let diagnostic = refused(&external_secret("v1beta1", "{data: top-secret}"));
    assert!(!diagnostic.message.contains("top-secret"), "{}", diagnostic.message);

    let patch = converted(&external_secret("v1beta1", "{refreshInterval: 5m}"));
    assert_eq!(patch.1, ["I05"], "a patch has no data of its own");
}

#[test]
fn cluster_exports_are_cleaned() {
    let mut exported = node(
        "{apiVersion: external-secrets.io/v1beta1, kind: ExternalSecret, metadata: {name: x, \
         uid: u, resourceVersion: '1', generation: 2, creationTimestamp: null, selfLink: s, \
         managedFields: [{}], labels: {a: b}, \
         annotations: {kubectl.kubernetes.io/last-applied-configuration: '{}'}, \
         finalizers: [externalsecrets.external-secrets.io/externalsecret-cleanup], \
         ownerReferences: [{uid: u}]}, spec: {}, status: {refreshTime: t}}",
    );
    exported.get_mut("status").unwrap().comments_mut().before.push("# said here".into());
    let (object, found) = convert(FileId(0), &exported).unwrap();
    assert_eq!(
        object.to_json(),
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": "x", "labels": {"a": "b"}},
            "spec": {},
        })
    );
    let codes: Vec<_> = found.iter().map(|diagnostic| diagnostic.code.id).collect();
    assert_eq!(codes, ["I05", "W02", "I04", "W30"]);
    assert_eq!(object.get("metadata").unwrap().comments.as_ref().unwrap().before, ["# said here"]);

    let (kept, _) = converted(
        "{apiVersion: external-secrets.io/v1beta1, kind: ExternalSecret, metadata: {name: x, \
         annotations: {argocd.argoproj.io/sync-wave: '1', kubectl.kubernetes.io/last-applied-configuration: '{}'}, \
         finalizers: [external-secrets.io/x, mine]}}",
    );
    assert_eq!(
        kept["metadata"],
        json!({
            "name": "x",
            "annotations": {"argocd.argoproj.io/sync-wave": "1"},
            "finalizers": ["mine"],
        })
    );
}

#[test]
fn stores_are_rewritten_and_removed_providers_named() {
    let store = |version: &str, provider: &str| {
        format!(
            "{{apiVersion: external-secrets.io/{version}, kind: ClusterSecretStore, \
             metadata: {{name: s}}, spec: {{refreshInterval: 60, provider: {provider}}}}}"
        )
    };
    let aws = "{aws: {service: SecretsManager, region: eu-west-1}}";
    let (object, codes) = converted(&store("v1beta1", aws));
    assert_eq!(object["spec"]["provider"], serde_yaml::from_str::<Json>(aws).unwrap());
    assert_eq!(object["spec"]["refreshInterval"], 60);
    assert_eq!(codes, ["I05"]);

    let (object, _) = converted(&store(
        "v1alpha1",
        "{kubernetes: {auth: {serviceAccount: {serviceAccount: {name: n, namespace: m}}}}}",
    ));
    assert_eq!(
        object["spec"]["provider"]["kubernetes"]["auth"],
        json!({"serviceAccount": {"name": "n", "namespace": "m"}})
    );

    assert!(
        refused(&store("v1beta1", "{alibaba: {regionID: r}}")).help.unwrap().contains("webhook")
    );
    refused(&store("v1beta1", "{device42: {host: h}}"));
    refused(&store("v1alpha1", "{fake: {data: [{key: k, valueMap: {a: b}}]}}"));
}

#[test]
fn odd_objects_do_not_panic() {
    for yaml in [
        "{apiVersion: external-secrets.io/v1beta1, kind: ExternalSecret}",
        "{apiVersion: external-secrets.io/v1alpha1, kind: ExternalSecret, metadata: [], spec: []}",
        "{apiVersion: external-secrets.io/v1alpha1, kind: SecretStore, spec: {provider: [1]}}",
        "{apiVersion: external-secrets.io/v1alpha1, kind: ExternalSecret, status: x, \
          metadata: {annotations: 1, finalizers: {}, ownerReferences: null}, \
          spec: {dataFrom: {key: k}, target: 1}}",
    ] {
        let _ = convert(FileId(0), &node(yaml));
    }
}
