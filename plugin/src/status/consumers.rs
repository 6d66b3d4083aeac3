//! Who uses a Secret: the workloads of its namespace, by their pod templates.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_restart::scan::{How, KeySet, PodTemplate, Use, Uses};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::Deserialize;

use super::facts::{Consumer, Consumers, Target};
use crate::cluster::kinds::{
    CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, INGRESSES, Kind, PODS, STATEFUL_SETS,
};
use crate::cluster::{Cluster, Selection};

/// Kinds with a pod template.
pub(crate) const WORKLOADS: [Kind; 4] = [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, CRON_JOBS];

/// A workload, as far as it matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Workload {
    pub(crate) metadata: ObjectMeta,
    pub(crate) spec: WorkloadSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct WorkloadSpec {
    selector: Selector,
    template: Option<PodTemplate>,
    /// That of a `CronJob`.
    job_template: Option<JobTemplate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Selector {
    match_labels: BTreeMap<String, String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobTemplate {
    spec: JobSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct JobSpec {
    template: PodTemplate,
}

impl Workload {
    /// What its pods use.
    pub(crate) fn uses(&self) -> Uses {
        let job = self.spec.job_template.as_ref().map(|job| &job.spec.template);
        self.spec.template.as_ref().or(job).map(Uses::of).unwrap_or_default()
    }
}

/// A pod, as far as it matters here.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Pod {
    metadata: ObjectMeta,
    status: PodStatus,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    start_time: Option<Time>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<Running>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Running {
    started_at: Option<Time>,
}

impl Pod {
    fn runs(&self) -> bool {
        self.status.phase == "Running"
    }

    fn belongs_to(&self, workload: &Workload) -> bool {
        let wanted = &workload.spec.selector.match_labels;
        let labels = self.metadata.labels.as_ref();
        !wanted.is_empty()
            && labels.is_some_and(|labels| {
                wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
            })
    }

    /// When the first of its containers started that still runs: a container that starts again
    /// reads its variables anew.
    fn started(&self) -> Option<Timestamp> {
        let running = self.status.container_statuses.iter();
        let running = running.filter_map(|it| it.state.running.as_ref()?.started_at.as_ref());
        running.min_by_key(|time| time.0).or(self.status.start_time.as_ref()).map(|time| time.0)
    }
}

/// Who uses a Secret; `target` is what is known of it.
pub(crate) fn of_secret(
    cluster: &Cluster,
    namespace: &str,
    secret: &str,
    target: Option<&Target>,
) -> Consumers {
    let all = Selection::default();
    let mut consumers = Consumers::default();
    let mut found: Vec<(&'static str, Workload, Uses)> = Vec::new();
    for kind in &WORKLOADS {
        let listed = cluster.list(kind, Some(namespace), &all, |page: Vec<Workload>| {
            found.extend(page.into_iter().filter_map(|workload| {
                let uses = workload.uses();
                concerns(&uses, secret).then_some((kind.kind, workload, uses))
            }));
        });
        if let Err(error) = listed {
            consumers.unknown.push(format!("{}: {}", kind.plural, error.short()));
        }
    }
    let mut pods = Vec::new();
    if !found.is_empty() {
        let listed = cluster.list(&PODS, Some(namespace), &all, |page: Vec<Pod>| {
            pods.extend(page.into_iter().filter(Pod::runs));
        });
        if let Err(error) = listed {
            consumers.unknown.push(format!("pods: {}", error.short()));
        }
    }
    let keys = target.map(Target::keys);
    let written = target.and_then(Target::written);
    consumers.found = found
        .iter()
        .map(|(kind, workload, uses)| {
            consumer(kind, workload, uses, secret, keys.as_ref(), &pods, written)
        })
        .collect();
    ingresses(cluster, namespace, secret, &mut consumers);
    consumers
}

/// True if the pods use the Secret in any way.
pub(crate) fn concerns(uses: &Uses, secret: &str) -> bool {
    uses.read.iter().any(|it| &*it.secret == secret) || uses.named.contains(secret)
}

fn consumer(
    kind: &str,
    workload: &Workload,
    uses: &Uses,
    secret: &str,
    keys: Option<&BTreeSet<String>>,
    pods: &[Pod],
    written: Option<Timestamp>,
) -> Consumer {
    let read: Vec<&Use> = uses.read.iter().filter(|it| &*it.secret == secret).collect();
    let mut lines: Vec<String> = read.iter().map(|it| line(it)).collect();
    if lines.is_empty() {
        lines.push("named for something else, such as pulling images".to_owned());
    }
    // A Secret that is not there misses them all, which is told at the Secret itself.
    let missing = keys.map(|keys| missing(&read, keys)).unwrap_or_default();
    let pods: Vec<&Pod> = pods.iter().filter(|pod| pod.belongs_to(workload)).collect();
    // The kubelet keeps the files of a volume current.
    let keeps = read.iter().any(|it| matches!(it.how, How::Env | How::SubPath));
    let older = written.filter(|_| keeps).map_or(0, |written| {
        pods.iter().filter(|pod| pod.started().is_some_and(|started| started < written)).count()
    });
    Consumer {
        kind: kind.to_owned(),
        name: workload.metadata.name.clone().unwrap_or_default(),
        uses: lines,
        missing,
        pods: pods.len(),
        older,
    }
}

/// One way of using it, in words.
pub(crate) fn line(it: &Use) -> String {
    let keys = match &it.keys {
        KeySet::All => "all keys".to_owned(),
        KeySet::Some(keys) => keys.iter().map(|key| &**key).collect::<Vec<_>>().join(", "),
    };
    let how = match it.how {
        How::Env => "as variables of the environment",
        How::Volume => "as files of a volume",
        How::SubPath => "as files by subPath, which never change",
    };
    let optional = if it.optional { " (optional)" } else { "" };
    format!("{keys} {how}{optional}")
}

/// Keys without which its pods do not start.
fn missing(read: &[&Use], keys: &BTreeSet<String>) -> BTreeSet<String> {
    let needed = read.iter().filter(|it| !it.optional).filter_map(|it| match &it.keys {
        KeySet::All => None,
        KeySet::Some(keys) => Some(keys),
    });
    needed.flatten().filter(|key| !keys.contains(&***key)).map(ToString::to_string).collect()
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Ingress {
    metadata: ObjectMeta,
    spec: IngressSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct IngressSpec {
    tls: Vec<Tls>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tls {
    secret_name: Option<String>,
    hosts: Vec<String>,
}

fn ingresses(cluster: &Cluster, namespace: &str, secret: &str, to: &mut Consumers) {
    let mut found = Vec::new();
    let select = Selection::default();
    let listed = cluster.list(&INGRESSES, Some(namespace), &select, |page: Vec<Ingress>| {
        for ingress in page {
            let tls = ingress.spec.tls.into_iter();
            let mut hosts = Vec::new();
            let mut uses = false;
            for entry in tls.filter(|it| it.secret_name.as_deref() == Some(secret)) {
                uses = true;
                hosts.extend(entry.hosts);
            }
            if uses {
                found.push(Consumer {
                    kind: INGRESSES.kind.to_owned(),
                    name: ingress.metadata.name.unwrap_or_default(),
                    uses: vec![match hosts.len() {
                        0 => "certificate".to_owned(),
                        _ => format!("certificate of {}", hosts.join(", ")),
                    }],
                    missing: BTreeSet::new(),
                    pods: 0,
                    older: 0,
                });
            }
        }
    });
    to.found.extend(found);
    if let Err(error) = listed {
        to.unknown.push(format!("{}: {}", INGRESSES.plural, error.short()));
    }
}

#[cfg(test)]
mod tests;
