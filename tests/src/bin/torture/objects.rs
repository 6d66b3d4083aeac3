//! The objects of a fleet, as they are sent to the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::history::THEIRS;
use crate::plan::{Consumer, Creation, Fleet, Shape, Source};

pub(crate) const FOREIGN: &str = "FOREIGN";

pub(crate) fn external_secret(fleet: &Fleet, source: &Source, variant: usize) -> Value {
    let key = &fleet.remotes[source.remotes[variant][0]];
    let property =
        |name: &str| json!({ "secretKey": name, "remoteRef": { "key": key, "property": name } });
    let mut target = json!({
        "creationPolicy": format!("{:?}", source.creation),
        "deletionPolicy": format!("{:?}", source.deletion),
    });
    if source.immutable {
        target["immutable"] = json!(true);
    }
    if source.shape == Shape::Template {
        target["template"] = json!({ "data": { "dsn": "{{ .user }}:{{ .password }}@db" } });
    }
    let mut spec = json!({
        "secretStoreRef": { "name": store_name(source.store) },
        "refreshPolicy": format!("{:?}", source.refresh),
        "refreshInterval": source.interval,
        "target": target,
    });
    match source.shape {
        Shape::Data | Shape::Template => {
            spec["data"] = json!([property("user"), property("password")]);
        }
        Shape::Extract => spec["dataFrom"] = json!([{ "extract": { "key": key } }]),
        Shape::Find => {
            let prefix = key.trim_end_matches(|it: char| it.is_ascii_digit());
            let pattern = format!("^{prefix}[0-9]$");
            spec["dataFrom"] = json!([{ "find": { "name": { "regexp": pattern } } }]);
        }
    }
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": source.name }, "spec": spec,
    })
}

pub(crate) fn store_name(number: usize) -> String {
    format!("store-{number}")
}

pub(crate) fn store(class: &str, number: usize, region: &str, role: Option<&str>) -> Value {
    let mut aws = json!({ "service": "SecretsManager", "region": region });
    if let Some(role) = role {
        aws["role"] = json!(role);
    }
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "SecretStore",
        "metadata": { "name": store_name(number) },
        "spec": { "controller": class, "provider": { "aws": aws } },
    })
}

/// The Secret that is there before the ExternalSecret, if one is.
pub(crate) fn target_before(source: &Source, owner: &Value) -> Option<Value> {
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": source.name },
        "data": { THEIRS: STANDARD.encode(FOREIGN) },
    });
    if source.foreign {
        secret["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": true,
        }]);
        return Some(secret);
    }
    (source.creation == Creation::Merge).then_some(secret)
}

pub(crate) fn deployment(fleet: &Fleet, consumer: &Consumer) -> Value {
    let secret = &fleet.sources[consumer.source].name;
    let variable = |key: &String| {
        json!({ "name": key.to_uppercase(),
            "valueFrom": { "secretKeyRef": { "name": secret, "key": key } } })
    };
    let container = if consumer.keys.is_empty() {
        json!({ "name": "app", "image": "app", "envFrom": [{ "secretRef": { "name": secret } }] })
    } else {
        let env: Vec<_> = consumer.keys.iter().map(variable).collect();
        json!({ "name": "app", "image": "app", "env": env })
    };
    let annotations =
        if consumer.opted_in { json!({ "extsecret.io/restart": "auto" }) } else { json!({}) };
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": consumer.name, "annotations": annotations },
        "spec": {
            "replicas": 1, "selector": { "matchLabels": { "app": consumer.name } },
            "template": {
                "metadata": { "labels": { "app": consumer.name } },
                "spec": { "containers": [container] },
            },
        },
    })
}

/// A policy that refuses what a controller of this project writes in a namespace, and its binding.
pub(crate) fn denial(namespace: &str) -> [Value; 2] {
    let policy = json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy",
        "metadata": { "name": namespace },
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "namespaceSelector": {
                    "matchLabels": { "kubernetes.io/metadata.name": namespace },
                },
                "resourceRules": [{
                    "apiGroups": ["", "apps", "external-secrets.io"], "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["secrets", "deployments", "externalsecrets/status"],
                }],
            },
            "validations": [{
                "expression": "!has(request.options.fieldManager) || \
                               !request.options.fieldManager.startsWith('ext')",
                "message": "not now",
            }],
        },
    });
    let binding = json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding", "metadata": { "name": namespace },
        "spec": { "policyName": namespace, "validationActions": ["Deny"] },
    });
    [policy, binding]
}
