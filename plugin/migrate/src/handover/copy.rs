//! What the cluster itself keeps for the way back, in ConfigMaps: KES objects and how many pods KES
//! had. A KES object says where values are, not what they are.

use serde_json::{Value, json};

use super::request::{Body, Request, Resource};
use super::{Deployment, LABEL, PARKED, Pair};

/// What the names of copies begin with.
pub(super) const PREFIX: &str = "extsecret-handover.";

/// The name of the ConfigMap, beside KES, with the number of its pods. No copy has this name: there
/// is no dot in it.
pub const DEPLOYMENTS: &str = "extsecret-handover-deployments";

/// The value of [`LABEL`] on copies of KES objects.
pub const OBJECT: &str = "kes-object";

/// The key with the object.
const KEY: &str = "externalsecret.json";

/// The copy of a KES object.
#[derive(Clone, Debug, PartialEq)]
pub struct Copy {
    /// The ConfigMap's uid.
    pub uid: String,
    /// The KES object's uid when it was copied.
    pub of: String,
    /// Whose it is.
    pub pair: Pair,
    /// The KES object without what only the API server may set.
    pub object: Value,
}

impl Copy {
    /// Reads a ConfigMap; `None` if it is no copy.
    pub fn of(config_map: &Value) -> Option<Self> {
        let meta = &config_map["metadata"];
        let data = &config_map["data"];
        let object: Value = serde_json::from_str(data[KEY].as_str()?).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Self {
            uid: text(&meta["uid"])?,
            of: text(&data["uid"])?,
            pair: Pair {
                namespace: text(&meta["namespace"])?,
                secret: text(&object["metadata"]["name"])?,
                new: text(&data["new"])?,
            },
            object,
        })
    }

    /// The controller id that the object had.
    pub fn controller_id(&self) -> Option<&str> {
        self.object["spec"]["controllerId"].as_str()
    }
}

/// The ConfigMap for a KES object as it is in the cluster.
pub(super) fn keep(pair: &Pair, old: &Value) -> Request {
    let name = pair.copy();
    let mut object = clean(old);
    if object["spec"]["controllerId"] == PARKED
        && let Some(spec) = object["spec"].as_object_mut()
    {
        // Parked by hand before there was a copy: nobody knows another id.
        spec.shift_remove("controllerId");
    }
    let body = json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": name, "namespace": pair.namespace, "labels": labels(OBJECT) },
        "data": {
            KEY: object.to_string(),
            "uid": old["metadata"]["uid"],
            "new": pair.new,
        },
    });
    Request {
        resource: Resource::ConfigMap,
        namespace: pair.namespace.clone(),
        name,
        body: Body::Apply(body),
    }
}

/// The KES object made anew, parked: its Secret gets an owner again before anything changes for it.
pub(super) fn restore(copy: &Copy) -> Request {
    let mut object = copy.object.clone();
    object["spec"]["controllerId"] = json!(PARKED);
    Request {
        resource: Resource::KesExternalSecret,
        namespace: copy.pair.namespace.clone(),
        name: copy.pair.secret.clone(),
        body: Body::Create(object),
    }
}

/// The ConfigMaps with the pods that Deployments had, one for each namespace. A Deployment that is
/// at zero already keeps the number that was noted before.
pub fn deployments(deployments: &[Deployment]) -> Vec<Request> {
    let running = deployments.iter().filter(|deployment| deployment.replicas > 0);
    running
        .map(|deployment| Request {
            resource: Resource::ConfigMap,
            namespace: deployment.namespace.clone(),
            name: DEPLOYMENTS.to_owned(),
            // One field manager for each Deployment: each applies only its own number.
            body: Body::ApplyAs(
                format!("kubectl-extsecret-{}", deployment.uid),
                json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {
                        "name": DEPLOYMENTS, "namespace": deployment.namespace,
                        "labels": labels("kes-deployments"),
                    },
                    "data": { &deployment.name: deployment.replicas.to_string() },
                }),
            ),
        })
        .collect()
}

/// How many pods a Deployment had, by a ConfigMap of [`deployments`].
pub fn replicas(config_map: &Value, deployment: &str) -> Option<i64> {
    config_map["data"][deployment].as_str()?.parse().ok()
}

/// The change that gives a Deployment so many pods, and only this Deployment.
pub fn scale(deployment: &Deployment, replicas: i64) -> Request {
    Request {
        resource: Resource::Deployment,
        namespace: deployment.namespace.clone(),
        name: deployment.name.clone(),
        body: Body::Merge(json!({
            "metadata": { "uid": deployment.uid }, "spec": { "replicas": replicas },
        })),
    }
}

fn labels(what: &str) -> Value {
    json!({ "app.kubernetes.io/managed-by": "kubectl-extsecret", LABEL: what })
}

/// An object as a person would write it.
pub fn clean(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(meta) = object["metadata"].as_object_mut() {
        for field in [
            "uid",
            "resourceVersion",
            "generation",
            "creationTimestamp",
            "managedFields",
            "selfLink",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
        ] {
            meta.shift_remove(field);
        }
        // What garbage collection adds while it works.
        if let Some(finalizers) = meta.get_mut("finalizers").and_then(Value::as_array_mut) {
            finalizers.retain(|it| it != "orphan" && it != "foregroundDeletion");
            if finalizers.is_empty() {
                meta.shift_remove("finalizers");
            }
        }
    }
    object
}
