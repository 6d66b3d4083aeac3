//! The objects of a fleet, as they are sent to the API.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::history::THEIRS;
use crate::model;
use crate::plan::{CLUSTER_STORE, Consumer, Creation, Fleet, Kind, Shape, Source};

pub(crate) const FOREIGN: &str = "FOREIGN";

/// The kind of what controls the Secrets of others.
const OWNER: &str = "ConfigMap";

pub(crate) fn external_secret(fleet: &Fleet, source: &Source, variant: usize) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret",
        "metadata": { "name": source.name }, "spec": spec(fleet, source, variant, ""),
    })
}

/// `round` is what the store of all namespaces is called.
fn spec(fleet: &Fleet, source: &Source, variant: usize, round: &str) -> Value {
    let read = &source.remotes[variant & 1];
    let keys = [&fleet.remotes[read[0]], &fleet.remotes[read[read.len().min(2) - 1]]];
    let property = |name: &str, key: &str| json!({ "secretKey": name, "remoteRef": { "key": key, "property": name } });
    let mut target = json!({
        "creationPolicy": format!("{:?}", source.creation),
        "deletionPolicy": format!("{:?}", source.deletion),
    });
    if source.target != source.name {
        target["name"] = json!(source.target);
    }
    if source.immutable {
        target["immutable"] = json!(true);
    }
    if source.shape == Shape::Template {
        target["template"] = json!({ "data": { "dsn": model::template(variant) } });
    }
    let store = if source.store == CLUSTER_STORE {
        json!({ "name": round, "kind": "ClusterSecretStore" })
    } else {
        json!({ "name": store_name(source.store) })
    };
    let mut spec = json!({
        "secretStoreRef": store,
        "refreshPolicy": format!("{:?}", source.refresh),
        "refreshInterval": format!("{}s", source.interval),
        "target": target,
    });
    match source.shape {
        Shape::Data | Shape::Template | Shape::Pair => {
            spec["data"] = json!([property("user", keys[0]), property("password", keys[1])]);
        }
        Shape::Extract => spec["dataFrom"] = json!([{ "extract": { "key": keys[0] } }]),
        Shape::Find => {
            let prefix = keys[0].trim_end_matches(|it: char| it.is_ascii_digit());
            let mut find = json!({ "name": { "regexp": format!("^{prefix}[0-9]$") } });
            if prefix.starts_with('/') {
                find["path"] = json!(prefix);
            }
            spec["dataFrom"] = json!([{ "find": find }]);
        }
    }
    spec
}

/// The name of an object that no namespace has.
pub(crate) fn cluster_name(round: &str, number: usize) -> String {
    format!("{round}-ces-{number}")
}

/// What makes `source` in the namespaces of a round that are selected.
pub(crate) fn cluster_external_secret(
    fleet: &Fleet,
    source: &Source,
    variant: usize,
    round: &str,
    number: usize,
) -> Value {
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": "ClusterExternalSecret",
        "metadata": { "name": cluster_name(round, number) },
        "spec": {
            "externalSecretName": source.name,
            "namespaceSelectors": [{ "matchLabels": { "torture": round, "selected": "yes" } }],
            "refreshTime": "1h",
            "externalSecretSpec": spec(fleet, source, variant, round),
        },
    })
}

pub(crate) fn store_name(number: usize) -> String {
    format!("store-{number}")
}

pub(crate) fn store(class: &str, number: usize, region: &str, role: Option<&str>) -> Value {
    let service = if number == 2 { "ParameterStore" } else { "SecretsManager" };
    let mut aws = json!({ "service": service, "region": region });
    if let Some(role) = role {
        aws["role"] = json!(role);
    }
    let (kind, name) = if number == CLUSTER_STORE {
        ("ClusterSecretStore", class.to_owned())
    } else {
        ("SecretStore", store_name(number))
    };
    json!({
        "apiVersion": "external-secrets.io/v1", "kind": kind, "metadata": { "name": name },
        "spec": { "controller": class, "provider": { "aws": aws } },
    })
}

/// A Secret that something else controls, with nothing of what was in it before.
pub(crate) fn seized(name: &str, owner: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret",
        "metadata": { "name": name, "ownerReferences": [{
            "apiVersion": "v1", "kind": OWNER, "name": owner["metadata"]["name"],
            "uid": owner["metadata"]["uid"], "controller": true,
        }] },
        "data": { THEIRS: STANDARD.encode(FOREIGN) },
    })
}

/// The Secret that is there before the ExternalSecret, if one is.
pub(crate) fn target_before(source: &Source, owner: &Value) -> Option<Value> {
    if source.foreign {
        return Some(seized(&source.target, owner));
    }
    let is_own = source.holder.is_none();
    (source.creation == Creation::Merge && is_own).then(|| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": { "name": source.target },
            "data": { THEIRS: STANDARD.encode(FOREIGN) },
        })
    })
}

pub(crate) fn workload(fleet: &Fleet, consumer: &Consumer) -> Value {
    let secret = &fleet.sources[consumer.source].target;
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
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": format!("{:?}", consumer.kind),
        "metadata": { "name": consumer.name, "annotations": annotations },
        "spec": {
            "selector": { "matchLabels": { "app": consumer.name } },
            "template": {
                "metadata": { "labels": { "app": consumer.name } },
                "spec": { "containers": [container] },
            },
        },
    });
    if consumer.kind != Kind::DaemonSet {
        object["spec"]["replicas"] = json!(1);
    }
    if consumer.kind == Kind::StatefulSet {
        object["spec"]["serviceName"] = json!("web");
    }
    object
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
                    "matchLabels": { "torture": namespace },
                },
                "resourceRules": [{
                    "apiGroups": ["", "apps", "external-secrets.io"], "apiVersions": ["*"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["secrets", "deployments", "statefulsets", "daemonsets",
                        "externalsecrets/status"],
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
