//! Changes as the API server gets them. There is no way to say "delete a Secret" here, nor "delete"
//! without a uid.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::copy;
use super::{Change, Facts, KES_GROUP, LABEL, PARKED, Pair, Reference, TOUCHED, Write};

/// The longest name of an object.
const LONGEST: usize = 253;

/// A kind of object that is changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Of kubernetes-external-secrets.
    KesExternalSecret,
    /// Of external-secrets.io.
    ExternalSecret,
    /// A Secret.
    Secret,
    /// A ConfigMap.
    ConfigMap,
    /// A Deployment.
    Deployment,
    /// A SecretStore.
    SecretStore,
    /// A ClusterSecretStore.
    ClusterSecretStore,
    /// A `CustomResourceDefinition`.
    Definition,
}

impl Resource {
    /// The name with its group: two groups share `externalsecrets`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KesExternalSecret => "externalsecrets.kubernetes-client.io",
            Self::ExternalSecret => "externalsecrets.external-secrets.io",
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
            Self::Deployment => "deployments.apps",
            Self::SecretStore => "secretstores.external-secrets.io",
            Self::ClusterSecretStore => "clustersecretstores.external-secrets.io",
            Self::Definition => "customresourcedefinitions.apiextensions.k8s.io",
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What kind of object.
    pub resource: Resource,
    /// In which namespace; empty for what has none.
    pub namespace: String,
    /// Which one.
    pub name: String,
    /// What about it.
    pub body: Body,
}

/// What about an object.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// It is made, and was not there.
    Create(Value),
    /// It becomes this (server-side apply).
    Apply(Value),
    /// The same under a name of its own as field manager.
    ApplyAs(String, Value),
    /// Some fields change; a `metadata.uid` in it is a condition.
    Merge(Value),
    /// A JSON patch, with its tests.
    Patch(Value),
    /// It goes.
    Delete(Deletion),
}

/// How an object goes: by uid, and never a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    uid: String,
    orphan: bool,
}

impl Deletion {
    /// The uid that the object must have.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// True if what it owns stays.
    pub fn orphan(&self) -> bool {
        self.orphan
    }
}

impl Request {
    /// The deletion of an object that is no Secret.
    pub fn delete(
        resource: Resource,
        namespace: &str,
        name: &str,
        uid: &str,
        orphan: bool,
    ) -> Option<Self> {
        (resource != Resource::Secret && !uid.is_empty()).then(|| Self {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            body: Body::Delete(Deletion { uid: uid.to_owned(), orphan }),
        })
    }

    /// It for `plan -o json`, as golden case G60 writes it.
    pub fn document(&self) -> Value {
        let (what, detail) = match &self.body {
            Body::Create(object) => ("create", object.clone()),
            Body::Apply(object) | Body::ApplyAs(_, object) => ("apply", object.clone()),
            Body::Merge(change) => ("merge", change.clone()),
            Body::Patch(ops) => ("patch", ops.clone()),
            Body::Delete(how) => {
                let policy = if how.orphan { "Orphan" } else { "Background" };
                let conditions = json!({ "uid": how.uid });
                ("delete", json!({ "propagationPolicy": policy, "preconditions": conditions }))
            }
        };
        let mut document = json!({ "resource": self.resource.name() });
        if !self.namespace.is_empty() {
            document["namespace"] = json!(self.namespace);
        }
        document["name"] = json!(self.name);
        document[what] = detail;
        document
    }
}

impl Write {
    /// What the API server gets. `object` is the ExternalSecret of the files, `mark` what no earlier
    /// touch has left behind, such as the time; `None` if the change needs what is not there.
    pub fn request(
        &self,
        pair: &Pair,
        facts: &Facts,
        object: Option<&Value>,
        mark: &str,
    ) -> Option<Request> {
        let old = |body: Body| Request {
            resource: Resource::KesExternalSecret,
            namespace: pair.namespace.clone(),
            name: pair.secret.clone(),
            body,
        };
        let new = |name: &str, body: Body| Request {
            resource: Resource::ExternalSecret,
            namespace: pair.namespace.clone(),
            name: name.to_owned(),
            body,
        };
        let secret = |ops: Value| Request {
            resource: Resource::Secret,
            namespace: pair.namespace.clone(),
            name: pair.secret.clone(),
            body: Body::Patch(ops),
        };
        let namespace = &pair.namespace;
        Some(match self {
            Self::Keep => copy::keep(pair, &facts.old.as_ref()?.object),
            Self::Shadow => new(&pair.shadow(), Body::Apply(shadow(pair, object?))),
            Self::DropShadow { uid } => {
                let name = pair.shadow();
                Request::delete(Resource::ExternalSecret, namespace, &name, uid, false)?
            }
            Self::Park { uid } => old(Body::Merge(json!({
                "metadata": { "uid": uid }, "spec": { "controllerId": PARKED },
            }))),
            Self::Demote(reference) | Self::Promote(reference) | Self::Renew(reference) => {
                secret(reference.ops())
            }
            Self::Apply => new(&pair.new, Body::Apply(real(pair, object?))),
            Self::Touch { uid } => new(
                &pair.new,
                Body::Merge(json!({
                    "metadata": { "uid": uid, "annotations": { TOUCHED: mark } },
                })),
            ),
            Self::Retire { uid } => {
                Request::delete(Resource::KesExternalSecret, namespace, &pair.secret, uid, true)?
            }
            Self::Restore => copy::restore(facts.copy.as_ref()?),
            Self::Own { secret: uid, version, others, owner } => {
                let reference = json!({
                    "apiVersion": format!("{KES_GROUP}/v1"), "kind": "ExternalSecret",
                    "name": pair.secret, "uid": owner, "controller": false,
                });
                let add = if *others {
                    json!({ "op": "add", "path": "/metadata/ownerReferences/-", "value": reference })
                } else {
                    json!({ "op": "add", "path": "/metadata/ownerReferences", "value": [reference] })
                };
                secret(json!([
                    { "op": "test", "path": "/metadata/uid", "value": uid },
                    { "op": "test", "path": "/metadata/resourceVersion", "value": version },
                    add,
                ]))
            }
            Self::Orphan { uid } => new(
                &pair.new,
                Body::Merge(json!({
                    "metadata": { "uid": uid }, "spec": { "target": { "creationPolicy": "Orphan" } },
                })),
            ),
            Self::DropNew { uid } => {
                Request::delete(Resource::ExternalSecret, namespace, &pair.new, uid, false)?
            }
            Self::Unpark { uid, controller_id } => old(Body::Merge(json!({
                "metadata": { "uid": uid }, "spec": { "controllerId": controller_id },
            }))),
            Self::Forget { uid } => {
                Request::delete(Resource::ConfigMap, namespace, &pair.copy(), uid, false)?
            }
        })
    }
}

impl Reference {
    /// Golden case G60: what is changed is the one that was looked at.
    fn ops(&self) -> Value {
        let path = format!("/metadata/ownerReferences/{}", self.at);
        let change = match &self.change {
            Change::Controller(controller) => json!({
                // A reference without the field has to get one.
                "op": if *controller { "add" } else { "replace" },
                "path": format!("{path}/controller"), "value": controller,
            }),
            Change::Remove => json!({ "op": "remove", "path": path }),
            Change::Uid(uid) => {
                json!({ "op": "replace", "path": format!("{path}/uid"), "value": uid })
            }
        };
        json!([
            { "op": "test", "path": "/metadata/uid", "value": self.secret },
            { "op": "test", "path": format!("{path}/uid"), "value": self.owner },
            change,
        ])
    }
}

/// The ExternalSecret of the files, in the namespace that it was read for.
fn real(pair: &Pair, object: &Value) -> Value {
    let mut real = copy::clean(object);
    real["metadata"]["namespace"] = json!(pair.namespace);
    real
}

/// The same under another name, with a Secret of its own.
fn shadow(pair: &Pair, object: &Value) -> Value {
    let mut spec = object["spec"].clone();
    spec["target"]["name"] = json!(pair.shadow());
    json!({
        "apiVersion": object["apiVersion"], "kind": object["kind"],
        "metadata": {
            "name": pair.shadow(), "namespace": pair.namespace,
            "labels": { "app.kubernetes.io/managed-by": "kubectl-extsecret", LABEL: "shadow" },
        },
        "spec": spec,
    })
}

/// What tells one spec of an ExternalSecret, as the API server has completed it, from another: all
/// of it but where it writes.
pub fn spec_id(object: &Value) -> String {
    let mut spec = object["spec"].clone();
    if let Some(target) = spec["target"].as_object_mut() {
        target.shift_remove("name");
        target.shift_remove("creationPolicy");
    }
    spec.sort_all_objects();
    hex(spec.to_string().as_bytes(), 16)
}

/// A name with an end, not longer than names may be.
pub(super) fn suffixed(name: &str, end: &str) -> String {
    match name.get(..LONGEST - end.len() - 9) {
        Some(start) if name.len() + end.len() > LONGEST => {
            format!("{start}-{}{end}", hex(name.as_bytes(), 8))
        }
        _ => format!("{name}{end}"),
    }
}

/// A name with a beginning, not longer than names may be.
pub(super) fn prefixed(start: &str, name: &str) -> String {
    match name.get(..LONGEST - start.len() - 9) {
        Some(rest) if name.len() + start.len() > LONGEST => {
            format!("{start}{rest}-{}", hex(name.as_bytes(), 8))
        }
        _ => format!("{start}{name}"),
    }
}

fn hex(bytes: &[u8], digits: usize) -> String {
    let digest = Sha256::digest(bytes);
    let text = digest.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = std::fmt::Write::write_fmt(&mut text, format_args!("{byte:02x}"));
        text
    });
    text.chars().take(digits).collect()
}
