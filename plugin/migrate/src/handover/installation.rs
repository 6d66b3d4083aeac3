//! KES itself: its Deployments, its pods, and the definition of its kind.

use serde_json::Value;

use super::blocker::Blocker;
use super::gitops::{Manager, Tool};

/// What images of KES are called, wherever they are mirrored.
const IMAGE: &str = "kubernetes-external-secrets";

/// Settings of KES that a hand-over has to do with; no value of a Secret is ever in one.
const SETTINGS: [&str; 5] = [
    "INSTANCE_ID",
    "WATCHED_NAMESPACES",
    "POLLER_INTERVAL_MILLISECONDS",
    "DISABLE_POLLING",
    "ENFORCE_NAMESPACE_ANNOTATIONS",
];

/// All of KES in a cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Installation {
    /// Deployments that run it.
    pub deployments: Vec<Deployment>,
    /// Pods that may still write.
    pub pods: Vec<Pod>,
    /// The definition of its kind.
    pub definition: Option<Definition>,
}

/// A Deployment of KES.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its uid.
    pub uid: String,
    /// Pods that it shall have.
    pub replicas: i64,
    /// `matchLabels` of its selector.
    selector: Vec<(String, String)>,
    /// The Helm release that it belongs to.
    pub release: Option<String>,
    /// What its environment says of who is polled and how often: names and values.
    pub settings: Vec<(String, String)>,
}

/// A pod of KES that is not over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// True if a Deployment of KES keeps it: scaling that to zero ends it.
    pub scalable: bool,
}

/// The definition of KES's ExternalSecret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its uid.
    pub uid: String,
    /// The Helm release that it belongs to, and deletes it with itself.
    pub release: Option<String>,
}

impl Deployment {
    /// A Deployment, if KES runs in it, or if a person says so.
    pub fn of(object: &Value, named: &[(String, String)]) -> Option<Self> {
        let meta = &object["metadata"];
        let text = |field: &str| meta[field].as_str().unwrap_or_default().to_owned();
        let name = (text("namespace"), text("name"));
        if !named.contains(&name) && !runs_kes(&object["spec"]["template"]["spec"]) {
            return None;
        }
        let labels = object["spec"]["selector"]["matchLabels"].as_object();
        let label =
            |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
        Some(Self {
            namespace: name.0,
            name: name.1,
            uid: text("uid"),
            replicas: object["spec"]["replicas"].as_i64().unwrap_or(1),
            selector: labels.into_iter().flatten().filter_map(label).collect(),
            release: release(object),
            settings: settings(&object["spec"]["template"]["spec"]),
        })
    }

    fn selects(&self, pod: &Value) -> bool {
        let meta = &pod["metadata"];
        meta["namespace"].as_str() == Some(&self.namespace)
            && !self.selector.is_empty()
            && self.selector.iter().all(|(key, value)| meta["labels"][key].as_str() == Some(value))
    }
}

impl Pod {
    /// A pod, if it is one of KES and its processes may still run. One that ends still writes, and a
    /// Deployment does not count it any more (kes-migration 3.14, step 3).
    pub fn of(object: &Value, deployments: &[Deployment]) -> Option<Self> {
        if matches!(object["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
            return None;
        }
        let scalable = deployments.iter().any(|deployment| deployment.selects(object));
        if !scalable && !runs_kes(&object["spec"]) {
            return None;
        }
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        Some(Self { namespace: text("namespace"), name: text("name"), scalable })
    }
}

impl Definition {
    /// What a cluster says of it.
    pub fn of(object: &Value) -> Self {
        Self {
            uid: object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
            release: Manager::of(object)
                .filter(|manager| manager.tool != Tool::ArgoCd && !manager.keeps)
                .map(|manager| manager.name),
        }
    }
}

impl Installation {
    /// What of it forbids a hand-over, before anything is written.
    pub fn obstacles(&self) -> Vec<Blocker> {
        let mut blockers = Vec::new();
        let definition = self.definition.as_ref();
        if let Some(release) = definition.and_then(|definition| definition.release.clone()) {
            blockers.push(Blocker::DefinitionOfRelease { release });
        }
        let strange: Vec<_> = self.pods.iter().filter(|pod| !pod.scalable).map(name).collect();
        if !strange.is_empty() {
            blockers.push(Blocker::StrangePods { pods: strange });
        }
        blockers
    }

    /// The pods, as `namespace/name`.
    pub fn running(&self) -> Vec<String> {
        self.pods.iter().map(name).collect()
    }
}

fn name(pod: &Pod) -> String {
    format!("{}/{}", pod.namespace, pod.name)
}

fn release(object: &Value) -> Option<String> {
    object["metadata"]["annotations"]["meta.helm.sh/release-name"].as_str().map(str::to_owned)
}

fn settings(pod: &Value) -> Vec<(String, String)> {
    let containers = pod["containers"].as_array().into_iter().flatten();
    let variables = containers.filter_map(|it| it["env"].as_array()).flatten();
    let setting = |variable: &Value| {
        let name = SETTINGS.into_iter().find(|name| variable["name"] == *name)?;
        Some((name.to_owned(), variable["value"].as_str().unwrap_or_default().to_owned()))
    };
    variables.filter_map(setting).collect()
}

fn runs_kes(pod: &Value) -> bool {
    let containers = pod["containers"].as_array().into_iter().flatten();
    containers.filter_map(|it| it["image"].as_str()).any(|image| image.contains(IMAGE))
}
