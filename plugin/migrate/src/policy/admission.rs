//! The admission policy that keeps key permissions up (Kubernetes 1.30 and later).
//!
//! One policy serves all namespaces: it reads the annotation from the namespace of the object, so
//! that the annotation stays the one place to change a permission. It checks what is written to
//! the API, so objects that a `ClusterExternalSecret` makes are checked too.
//!
//! What a namespace with the annotation may not do, because it would be a way around: list a store
//! without a path, or use a generator. A store named by a single item changes nothing, since its
//! keys are checked like all others. Objects that are being deleted pass: otherwise ESO could not
//! remove its finalizer from an object that the policy would refuse.

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;
use serde_json::{Value, json};

use super::Permissions;
use crate::codes;

/// The name of the policy and of its binding.
pub const NAME: &str = "kes-permitted-key-names";

const API_VERSION: &str = "admissionregistration.k8s.io/v1";

/// The policy and its binding, in the order to apply them.
pub fn objects(permissions: &Permissions<'_>) -> [Node; 2] {
    let policy = json!({
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": NAME},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [{
                    "apiGroups": ["external-secrets.io"],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["externalsecrets"],
                }],
            },
            "matchConditions": [{
                "name": "not-being-deleted",
                "expression": "!has(object.metadata.deletionTimestamp)",
            }],
            "variables": variables(permissions.key_annotation()),
            "validations": validations(permissions),
        },
    });
    let binding = json!({
        "apiVersion": API_VERSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": NAME},
        "spec": {"policyName": NAME, "validationActions": ["Deny"]},
    });
    [policy.into(), binding.into()]
}

/// What should be said once beside the policy.
pub fn notes() -> [Diagnostic; 2] {
    [
        Diagnostic::new(
            &codes::I06,
            "the admission policy also checks keys that come from dataFromWithOptions, which KES \
             did not",
        ),
        Diagnostic::new(
            &codes::I06,
            "the admission policy checks keys as they stand in ExternalSecrets; a SecretStore can \
             put a prefix before them",
        )
        .help("let only administrators create SecretStores in namespaces with the annotation"),
    ]
}

fn variables(annotation: &str) -> Value {
    // JSON quotes a text as CEL does.
    let name = Value::from(annotation).to_string();
    let annotations = "namespaceObject.metadata.annotations";
    let list = |field: &str| {
        format!("has(object.spec) && has(object.spec.{field}) ? object.spec.{field} : []")
    };
    json!([
        {
            "name": "pattern",
            "expression": format!(
                "has({annotations}) && {name} in {annotations} ? {annotations}[{name}] : ''"
            ),
        },
        {"name": "data", "expression": list("data")},
        {"name": "dataFrom", "expression": list("dataFrom")},
    ])
}

fn validations(permissions: &Permissions<'_>) -> Value {
    let annotation = permissions.key_annotation();
    let limited = |expression: &str, message: &str| {
        json!({
            "expression": format!("variables.pattern == '' || ({expression})"),
            "reason": "Forbidden",
            "message": format!("{message} (annotation {annotation} of the namespace)"),
        })
    };
    let mut validations = Vec::new();
    if permissions.enforced() {
        validations.push(json!({
            "expression": "variables.pattern != ''",
            "reason": "Forbidden",
            "message": format!("the namespace needs the annotation {annotation}"),
        }));
    }
    validations.extend([
        limited(
            "variables.data.all(item, item.remoteRef.key.matches(variables.pattern))",
            "spec.data has a remoteRef.key that is not permitted",
        ),
        limited(
            "variables.dataFrom.all(item, !has(item.extract) || \
             item.extract.key.matches(variables.pattern))",
            "spec.dataFrom has an extract.key that is not permitted",
        ),
        limited(
            "variables.dataFrom.all(item, !has(item.find) || \
             (has(item.find.path) && item.find.path.matches(variables.pattern)))",
            "spec.dataFrom has a find without path or with a path that is not permitted",
        ),
        limited(
            // Two lists of different types: the API server's type check does not add them.
            "variables.data.all(item, !has(item.sourceRef) || !has(item.sourceRef.generatorRef)) \
             && variables.dataFrom.all(item, !has(item.sourceRef) || \
             !has(item.sourceRef.generatorRef))",
            "generators are not permitted",
        ),
    ]);
    Value::Array(validations)
}

#[cfg(test)]
mod tests {
    use cel::{Context as Cel, Program};
    use extsecret_manifest::source::FileId;

    use super::*;
    use crate::Context;

    const KEYS: &str = "externalsecrets.kubernetes-client.io/permitted-key-name";

    fn context() -> Context {
        let mut context = Context::default();
        context.add_namespace(FileId(0), &namespace(json!({KEYS: "^/app/"})).into());
        context
    }

    fn namespace(annotations: Value) -> Value {
        let mut object =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "app"}});
        if !annotations.is_null() {
            object["metadata"]["annotations"] = annotations;
        }
        object
    }

    /// What an API server would decide, by the policy's own expressions. An expression that fails
    /// denies, as `failurePolicy: Fail` says.
    fn admits(policy: &Node, namespace: &Value, object: &Value) -> bool {
        let policy = policy.to_json();
        let spec = &policy["spec"];
        assert_eq!(spec["failurePolicy"], "Fail");
        let mut variables = serde_json::Map::new();
        let run = |expression: &Value, variables: &serde_json::Map<String, Value>| {
            let mut cel = Cel::default();
            cel.add_variable("object", object).unwrap();
            cel.add_variable("namespaceObject", namespace).unwrap();
            cel.add_variable("variables", variables).unwrap();
            let program = Program::compile(expression.as_str().unwrap()).unwrap();
            program.execute(&cel).ok().and_then(|value| value.json().ok())
        };
        for condition in spec["matchConditions"].as_array().unwrap() {
            if run(&condition["expression"], &variables) == Some(Value::Bool(false)) {
                return true;
            }
        }
        for variable in spec["variables"].as_array().unwrap() {
            let name = variable["name"].as_str().unwrap();
            let Some(value) = run(&variable["expression"], &variables) else { return false };
            variables.insert(name.into(), value);
        }
        spec["validations"]
            .as_array()
            .unwrap()
            .iter()
            .all(|rule| run(&rule["expression"], &variables) == Some(Value::Bool(true)))
    }

    fn external_secret(spec: &Value) -> Value {
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": "x", "namespace": "app"},
            "spec": spec,
        })
    }

    fn data(key: &str) -> Value {
        json!({"data": [{"secretKey": "v", "remoteRef": {"key": key}}]})
    }

    #[test]
    fn keys_are_admitted_by_the_annotation_of_the_namespace() {
        let context = context();
        let open = &objects(&Permissions::new(&context, false).unwrap())[0];
        let enforced = &objects(&Permissions::new(&context, true).unwrap())[0];
        let limited = namespace(json!({KEYS: "^/app/", "other": "x"}));
        let generator = json!({"kind": "Password", "name": "p"});

        let table = [
            (data("/app/x"), true),
            (data("/other/x"), false),
            (data("/prod/app/x"), false),
            (json!({}), true),
            (json!({"dataFrom": [{"extract": {"key": "/app/all"}}]}), true),
            (json!({"dataFrom": [{"extract": {"key": "/other"}}]}), false),
            (json!({"dataFrom": [{"find": {"path": "/app/", "name": {"regexp": "x"}}}]}), true),
            (json!({"dataFrom": [{"find": {"path": "/other", "name": {"regexp": "x"}}}]}), false),
            (json!({"dataFrom": [{"find": {"name": {"regexp": "^/app/"}}}]}), false),
            (json!({"dataFrom": [{"find": {"tags": {"a": "b"}}}]}), false),
            (json!({"dataFrom": [{"sourceRef": {"generatorRef": generator}}]}), false),
            (
                json!({"data": [{
                    "secretKey": "v",
                    "remoteRef": {"key": "/app/x"},
                    "sourceRef": {"generatorRef": generator},
                }]}),
                false,
            ),
            (
                json!({"data": [{
                    "secretKey": "v",
                    "remoteRef": {"key": "/other/x"},
                    "sourceRef": {"storeRef": {"name": "own"}},
                }]}),
                false,
            ),
            (
                json!({"dataFrom": [
                    {"extract": {"key": "/app/x"}},
                    {"extract": {"key": "/other"}, "sourceRef": {"storeRef": {"name": "own"}}},
                ]}),
                false,
            ),
            (json!({"data": [{"secretKey": "v", "remoteRef": {}}]}), false),
        ];
        for (spec, allowed) in table {
            let object = external_secret(&spec);
            assert_eq!(admits(open, &limited, &object), allowed, "{spec}");
            assert_eq!(admits(enforced, &limited, &object), allowed, "enforced: {spec}");
        }

        for free in
            [namespace(Value::Null), namespace(json!({"other": "x"})), namespace(json!({KEYS: ""}))]
        {
            for spec in [data("/other/x"), json!({"dataFrom": [{"find": {}}]})] {
                let object = external_secret(&spec);
                assert!(admits(open, &free, &object), "{free}");
                assert!(!admits(enforced, &free, &object), "enforced: {free}");
            }
        }
    }

    #[test]
    fn an_object_that_is_being_deleted_passes() {
        let context = context();
        let policy = &objects(&Permissions::new(&context, true).unwrap())[0];
        let mut object = external_secret(&data("/other"));
        object["metadata"]["deletionTimestamp"] = json!("2025-01-01T00:00:00Z");
        assert!(admits(policy, &namespace(json!({KEYS: "^/app/"})), &object));
    }

    #[test]
    fn a_pattern_that_is_none_denies() {
        let context = context();
        let policy = &objects(&Permissions::new(&context, false).unwrap())[0];
        assert!(!admits(policy, &namespace(json!({KEYS: "(?!x)"})), &external_secret(&data("/a"))));
    }

    #[test]
    fn the_annotation_may_have_another_name() {
        let deployment = json!({
            "kind": "Deployment",
            "spec": {"template": {"spec": {"containers": [{
                "name": "kubernetes-external-secrets",
                "env": [{"name": "NAMING_PERMITTED_ANNOTATION", "value": "corp/key's"}],
            }]}}},
        });
        let (context, _) = Context::from_deployment(FileId(0), &[deployment.into()]).unwrap();
        let policy = &objects(&Permissions::new(&context, false).unwrap())[0];
        let object = external_secret(&data("/other"));
        assert!(!admits(policy, &namespace(json!({"corp/key's": "^/app/"})), &object));
        assert!(admits(policy, &namespace(json!({KEYS: "^/app/"})), &object));
    }

    #[test]
    fn the_binding_denies_in_all_namespaces() {
        let context = context();
        let [policy, binding] = objects(&Permissions::new(&context, false).unwrap());
        assert_eq!(binding.at(&["spec", "policyName"]), policy.at(&["metadata", "name"]));
        assert_eq!(binding.to_json()["spec"]["validationActions"], json!(["Deny"]));
        assert_eq!(binding.at(&["spec", "matchResources"]), None);
    }
}
