//! Workloads as they come from a watch, and as little of them as can be kept.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fmt;
use std::hash::{Hash as _, Hasher as _};

use extsecret_restart::fragile::{self, Fragile};
use extsecret_restart::kinds::{Kind, Standing, Workload, touched};
use extsecret_restart::policy;
use extsecret_restart::record::{MARKER, RECORD};
use extsecret_restart::scan::{PodTemplate, Uses};
use extsecret_restart::stale::Began;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::{ApiResource, DynamicResourceScope, GroupVersionKind};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::apply::PodTimes;

/// Annotations that are read.
const OURS: [&str; 6] = [
    policy::RESTART,
    policy::MODE,
    policy::WAVE,
    policy::WINDOW,
    policy::FREEZE,
    policy::RESTART_ON,
];
/// What Reloader writes into the template of whatever it restarts.
const RELOADED: &str = "reloader.stakater.com/last-reloaded-from";
/// Reloader's.
const RELOADERS: &str = "reloader.stakater.com/";

/// Where workloads of a kind are.
pub(crate) fn resource(kind: Kind) -> ApiResource {
    let (group, version) = match kind {
        Kind::Rollout => ("argoproj.io", "v1alpha1"),
        Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet => ("apps", "v1"),
        Kind::CronJob | Kind::Job => ("batch", "v1"),
        Kind::Pod => ("", "v1"),
    };
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind.name()))
}

/// A workload.
#[derive(Clone)]
pub(crate) struct Seen {
    metadata: ObjectMeta,
    /// Annotations that are read.
    pub(crate) said: BTreeMap<Box<str>, Box<str>>,
    pub(crate) record: Option<Box<str>>,
    /// The marker of the pod template, or when a Rollout restarts.
    pub(crate) marker: Option<Box<str>>,
    /// What its pods read.
    pub(crate) uses: Uses,
    workload: Workload,
    /// Of the pod template.
    pub(crate) template: u64,
    /// When the pod template changed at the latest.
    pub(crate) touched: Option<Timestamp>,
    /// What Reloader has written into its template.
    pub(crate) reloaded: Option<Box<str>>,
    /// Whether it is a Reloader that runs.
    pub(crate) is_reloader: bool,
    /// Why its restart may be felt.
    pub(crate) fragile: Box<[Fragile]>,
    /// How its pods are found.
    pub(crate) selector: Option<Box<str>>,
    /// When its pods were made, if that need not be asked: it is one, or a `CronJob` that has run.
    pub(crate) own: Option<PodTimes>,
}

impl Seen {
    /// How many pods it has, and how many of them are of an older template.
    pub(crate) fn pods(&self, kind: Kind) -> (i64, i64) {
        self.workload.pods(kind)
    }

    /// How it stands.
    pub(crate) fn standing(&self, kind: Kind) -> Standing {
        let owners = self.metadata.owner_references.iter().flatten();
        let owner = owners.into_iter().find(|owner| owner.controller == Some(true));
        let owner = owner.map(|owner| (owner.kind.as_str(), owner.name.as_str()));
        let generation = self.metadata.generation.unwrap_or(0);
        self.workload.standing(kind, generation, self.touched, owner)
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Seen").field("name", &self.metadata.name).finish_non_exhaustive()
    }
}

impl<'de> Deserialize<'de> for Seen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(from)?;
        let metadata = value.get("metadata").unwrap_or(&Value::Null);
        let mut metadata = ObjectMeta::deserialize(metadata).map_err(D::Error::custom)?;
        let touched = touched(&value);
        metadata.managed_fields = None;
        metadata.labels = None;
        let mut annotations = metadata.annotations.take().unwrap_or_default();
        let record = annotations.remove(RECORD).map(String::into_boxed_str);
        annotations.retain(|name, _| OURS.contains(&name.as_str()) || name.contains(RELOADERS));
        let said = annotations.into_iter().map(|(name, text)| (name.into(), text.into()));
        let templates = ["/spec/template", "/spec/jobTemplate/spec/template"];
        let template = templates.into_iter().find_map(|place| value.pointer(place));
        // A pod is its own, without what changes while it runs.
        let pod = value.pointer("/spec/containers").map(|_| json!({ "spec": value["spec"] }));
        let template = template.or(pod.as_ref()).unwrap_or(&Value::Null);
        let mut hasher = DefaultHasher::new();
        template.to_string().hash(&mut hasher);
        // What cannot be read, such as the template of a Rollout that has none, reads nothing.
        let mut pods = PodTemplate::deserialize(template).unwrap_or_default();
        let marker = pods.metadata.annotations.remove(MARKER).map(String::into_boxed_str);
        let reloaded = pods.metadata.annotations.remove(RELOADED).map(String::into_boxed_str);
        let restart_at = value.pointer("/spec/restartAt").and_then(Value::as_str);
        Ok(Self {
            metadata,
            said: said.collect(),
            record,
            is_reloader: is_reloader(&value),
            reloaded,
            marker: marker.or_else(|| restart_at.map(Box::from)),
            uses: Uses::of(&pods),
            workload: Workload::deserialize(&value).map_err(D::Error::custom)?,
            template: hasher.finish(),
            touched,
            fragile: fragile::of(&value).into(),
            selector: value.pointer("/spec/selector").and_then(selector),
            own: own(&value, pod.is_some()),
        })
    }
}

/// Whether an object runs Reloader: its image is called so, in whatever registry.
fn is_reloader(object: &Value) -> bool {
    let containers = object.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let mut images = containers.into_iter().flatten().filter_map(|it| it.get("image")?.as_str());
    let is_its = |image: &str| {
        let name = image.rsplit('/').next().unwrap_or_default();
        name.split([':', '@']).next() == Some("reloader") && image.contains("stakater")
    };
    images.any(is_its) && object.pointer("/spec/replicas").and_then(Value::as_i64) != Some(0)
}

/// When pods were made, as far as a pod or a `CronJob` tells: all that it runs reads what there
/// was when it began.
fn own(object: &Value, is_pod: bool) -> Option<PodTimes> {
    let time = |value: &Value| value.as_str()?.parse::<Timestamp>().ok();
    if !is_pod {
        object.pointer("/spec/jobTemplate")?;
        let last = object.pointer("/status/lastScheduleTime").and_then(time);
        let ran = last.is_none().then(Vec::new);
        return Some(PodTimes { made: last.into_iter().collect(), ran });
    }
    let made = object.pointer("/metadata/creationTimestamp").and_then(time);
    Some(PodTimes { made: made.into_iter().collect(), ran: Some(Began::of_pod(object)) })
}

/// A label selector as the API server takes it in a query.
fn selector(selector: &Value) -> Option<Box<str>> {
    let labels = selector.get("matchLabels").and_then(Value::as_object);
    let mut parts: Vec<String> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    for it in selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten() {
        let key = it.get("key")?.as_str()?;
        let values = it.get("values").and_then(Value::as_array).into_iter().flatten();
        let values = values.filter_map(Value::as_str).collect::<Vec<_>>().join(",");
        parts.push(match it.get("operator")?.as_str()? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    // An empty one would find every pod.
    (!parts.is_empty()).then(|| parts.join(",").into())
}

impl Resource for Seen {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(dt: &ApiResource) -> Cow<'_, str> {
        dt.kind.as_str().into()
    }

    fn group(dt: &ApiResource) -> Cow<'_, str> {
        dt.group.as_str().into()
    }

    fn version(dt: &ApiResource) -> Cow<'_, str> {
        dt.version.as_str().into()
    }

    fn api_version(dt: &ApiResource) -> Cow<'_, str> {
        dt.api_version.as_str().into()
    }

    fn plural(dt: &ApiResource) -> Cow<'_, str> {
        dt.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_is_kept_and_nothing_else() {
        let object = json!({
            "metadata": {
                "name": "web", "namespace": "shop", "generation": 2, "labels": { "a": "b" },
                "annotations": {
                    "extsecret.io/restart": "auto", "extsecret.io/restart-record": "{}",
                    "reloader.stakater.com/auto": "true", "other": "x",
                },
                "managedFields": [
                    { "manager": "helm", "time": "2026-11-25T12:00:00Z",
                      "fieldsV1": { "f:spec": { "f:template": {} } } },
                    { "manager": "kcm", "time": "2026-11-25T13:00:00Z",
                      "fieldsV1": { "f:status": {} } },
                ],
            },
            "spec": {
                "selector": {
                    "matchLabels": { "app": "web" },
                    "matchExpressions": [
                        { "key": "tier", "operator": "In", "values": ["a", "b"] },
                        { "key": "old", "operator": "DoesNotExist" },
                    ],
                },
                "template": {
                    "metadata": { "annotations": { "extsecret.io/restarted-for": "m" } },
                    "spec": { "containers": [{ "envFrom": [{ "secretRef": { "name": "db" } }] }] },
                },
            },
        });
        let seen: Seen = serde_json::from_value(object).unwrap();
        let said: Vec<_> = seen.said.keys().map(|name| &**name).collect();
        assert_eq!(said, ["extsecret.io/restart", "reloader.stakater.com/auto"]);
        assert_eq!((seen.record.as_deref(), seen.marker.as_deref()), (Some("{}"), Some("m")));
        assert_eq!(seen.touched, "2026-11-25T12:00:00Z".parse().ok());
        assert_eq!(seen.selector.as_deref(), Some("app=web,tier in (a,b),!old"));
        assert_eq!(seen.uses.read.len(), 1);
        assert!(seen.meta().managed_fields.is_none() && seen.meta().labels.is_none());
        assert!(seen.own.is_none());
    }

    #[test]
    fn a_reloader_is_known_by_its_image() {
        let of = |image: &str, replicas: i64| {
            let spec = json!({ "containers": [{ "image": image }] });
            let object = json!({ "metadata": {},
                "spec": { "replicas": replicas, "template": { "spec": spec } } });
            serde_json::from_value::<Seen>(object).unwrap().is_reloader
        };
        assert!(of("ghcr.io/stakater/reloader:v1.4.21", 1));
        assert!(of("registry.example/stakater/reloader@sha256:00", 2));
        assert!(!of("stakater/reloader:v1", 0));
        assert!(!of("example/reloader-docs", 1) && !of("stakater/forecastle", 1));
    }

    #[test]
    fn a_pod_and_a_cron_job_tell_when_their_pods_were_made() {
        let spec = json!({ "containers": [
            { "name": "app", "envFrom": [{ "secretRef": { "name": "db" } }] }] });
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut pod = json!({
            "metadata": { "creationTimestamp": "2026-11-25T12:00:00Z" }, "spec": spec,
            "status": {
                "containerStatuses": [{ "name": "app",
                    "state": { "running": { "startedAt": "2026-11-25T12:00:05Z" } } }],
            },
        });
        let seen: Seen = serde_json::from_value(pod.clone()).unwrap();
        let own = seen.own.unwrap();
        assert_eq!(own.made, [at("2026-11-25T12:00:00Z")]);
        let began: Vec<_> = own.ran.into_iter().flatten().map(|it| it.at).collect();
        assert_eq!(began, [at("2026-11-25T12:00:05Z")]);
        assert_eq!(seen.uses.read.len(), 1);
        // Its status is no change of it.
        pod["status"] = json!({});
        let later: Seen = serde_json::from_value(pod).unwrap();
        assert_eq!(later.template, seen.template);

        let mut cron = json!({ "metadata": {},
            "spec": { "jobTemplate": { "spec": { "template": { "spec": spec } } } } });
        let seen: Seen = serde_json::from_value(cron.clone()).unwrap();
        assert_eq!((seen.uses.read.len(), seen.own.unwrap().made), (1, Vec::new()));
        cron["status"] = json!({ "lastScheduleTime": "2026-11-25T12:00:00Z" });
        let seen: Seen = serde_json::from_value(cron).unwrap();
        assert_eq!(seen.own.unwrap().made, [at("2026-11-25T12:00:00Z")]);
    }
}
