use std::path::Path;

use serde_json::{Value, json};

use super::{definitions, files, v1};

const KINDS: [&str; 4] =
    ["ExternalSecret", "SecretStore", "ClusterSecretStore", "ClusterExternalSecret"];

/// Greatest size of all definitions together, in bytes: a chart with all of them stays far from
/// the limit of a Helm release.
const MAX_BYTES: usize = 200_000;

/// Calls `visit` with every part of a schema and its path.
fn walk(schema: &Value, path: &str, visit: &mut dyn FnMut(&str, &Value)) {
    visit(path, schema);
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        walk(property, &format!("{path}.{name}"), visit);
    }
    if let Some(items) = schema.get("items") {
        walk(items, &format!("{path}[]"), visit);
    }
    if let Some(values) = schema.get("additionalProperties") {
        walk(values, &format!("{path}{{}}"), visit);
    }
}

fn schema(kind: &str) -> &'static Value {
    v1(kind).unwrap_or_else(|| panic!("no schema of {kind}"))
}

#[test]
fn the_files_in_the_tree_are_fresh() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files().expect("YAML");
    assert_eq!(files.len(), KINDS.len());
    for file in files {
        let found = std::fs::read_to_string(folder.join(&file.name)).unwrap_or_default();
        assert!(
            found == file.yaml,
            "{} is stale: run `cargo run -p extsecret-crds --bin crdgen`",
            file.name
        );
    }
}

#[test]
fn the_files_are_small() {
    let sizes: Vec<(String, usize)> =
        files().expect("YAML").into_iter().map(|file| (file.name, file.yaml.len())).collect();
    let total: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(total < MAX_BYTES, "{total} bytes: {sizes:?}");
}

#[test]
fn the_files_say_what_the_definitions_say() {
    for (file, crd) in files().expect("YAML").into_iter().zip(definitions()) {
        let read: Value = serde_yaml::from_str(&file.yaml).expect("YAML");
        assert_eq!(read, serde_json::to_value(crd).expect("JSON"), "{}", file.name);
    }
}

/// What a structural schema must be for the API server to take it:
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#specifying-a-structural-schema>
#[test]
fn schemas_are_structural() {
    const KEYWORDS: [&str; 22] = [
        "additionalProperties",
        "default",
        "description",
        "enum",
        "format",
        "items",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minItems",
        "minLength",
        "minProperties",
        "nullable",
        "pattern",
        "properties",
        "required",
        "type",
        "x-kubernetes-int-or-string",
        "x-kubernetes-list-type",
        "x-kubernetes-map-type",
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-validations",
    ];
    for kind in KINDS {
        walk(schema(kind), kind, &mut |path, part| {
            let fields = part.as_object().unwrap_or_else(|| panic!("{path} is no object"));
            for keyword in fields.keys() {
                assert!(KEYWORDS.contains(&keyword.as_str()), "{path} has {keyword}");
            }
            let int_or_string = part["x-kubernetes-int-or-string"] == true;
            assert_eq!(part["type"].is_string(), !int_or_string, "type of {path}");
            assert!(
                part.get("properties").is_none() || part.get("additionalProperties").is_none(),
                "{path} has properties and additionalProperties"
            );
            for name in part["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap_or_default();
                assert!(part["properties"].get(name).is_some(), "{path} requires {name}");
            }
        });
    }
}

/// A `null` must be dropped by the API server, or a default would not be filled in.
#[test]
fn only_the_refresh_time_can_be_null() {
    for kind in KINDS {
        let mut nullable = Vec::new();
        walk(schema(kind), "", &mut |path, part| {
            if part["nullable"] == true {
                nullable.push(path.to_owned());
            }
        });
        let expected: &[&str] =
            if kind == "ExternalSecret" { &[".status.refreshTime"] } else { &[] };
        assert_eq!(nullable, expected, "{kind}");
    }
}

/// What the API server fills in decides what an object means; these are the defaults of ESO's v1.
#[test]
fn defaults_are_those_of_the_api() {
    let defaults = |kind: &str| {
        let mut all = serde_json::Map::new();
        walk(schema(kind), "", &mut |path, part| {
            if let Some(default) = part.get("default") {
                all.insert(path.to_owned(), default.clone());
            }
        });
        Value::Object(all)
    };
    let generator = "generators.external-secrets.io/v1alpha1";
    let mut expected = json!({
        ".spec.data[].sourceRef.generatorRef.apiVersion": generator,
        ".spec.dataFrom[].rewrite[].merge.conflictPolicy": "Error",
        ".spec.dataFrom[].rewrite[].merge.into": "",
        ".spec.dataFrom[].rewrite[].merge.priorityPolicy": "Strict",
        ".spec.dataFrom[].rewrite[].merge.strategy": "Extract",
        ".spec.dataFrom[].sourceRef.generatorRef.apiVersion": generator,
        ".spec.refreshInterval": "1h0m0s",
        ".spec.target": { "creationPolicy": "Owner", "deletionPolicy": "Retain" },
        ".spec.target.creationPolicy": "Owner",
        ".spec.target.deletionPolicy": "Retain",
        ".spec.target.template.engineVersion": "v2",
        ".spec.target.template.mergePolicy": "Replace",
        ".spec.target.template.templateFrom[].configMap.items[].templateAs": "Values",
        ".spec.target.template.templateFrom[].secret.items[].templateAs": "Values",
        ".spec.target.template.templateFrom[].target": "Data",
        ".status.binding.name": "",
    });
    assert_eq!(defaults("ExternalSecret"), expected);
    expected = json!({
        ".spec.provider.aws.sessionTagsPolicy": "None",
        ".spec.provider.azurekv.authType": "ServicePrincipal",
        ".spec.provider.azurekv.environmentType": "PublicCloud",
        ".spec.provider.azurekv.useAzureSDK": false,
        ".spec.provider.gcpsm.secretVersionSelectionPolicy": "LatestOrFail",
        ".spec.provider.kubernetes.remoteNamespace": "default",
        ".spec.provider.kubernetes.server.url": "kubernetes.default",
        ".spec.provider.vault.auth.appRole.path": "approle",
        ".spec.provider.vault.auth.kubernetes.mountPath": "kubernetes",
        ".spec.provider.vault.version": "v2",
    });
    assert_eq!(defaults("SecretStore"), expected);
    assert_eq!(defaults("ClusterSecretStore"), expected);
}

/// `kubectl explain` shows them. References describe themselves where they are used.
#[test]
fn fields_are_described() {
    for kind in KINDS {
        walk(schema(kind), kind, &mut |path, part| {
            let fields = part["properties"].as_object().into_iter().flatten();
            let parent_is_reference = part["properties"].get("namespace").is_some()
                && part["properties"].get("name").is_some();
            for (name, field) in fields {
                let given = ["apiVersion", "kind", "metadata", "spec", "status"];
                if (path == kind && given.contains(&name.as_str())) || parent_is_reference {
                    continue;
                }
                let text = field["description"].as_str().unwrap_or_default();
                assert!(text.ends_with(['.', '`']), "{path}.{name}: {text:?}");
                assert!(!text.contains("[`"), "{path}.{name} has a link of the source");
            }
        });
    }
}

#[test]
fn other_kinds_have_no_schema() {
    assert_eq!(v1("PushSecret"), None);
}
