//! Who uses a Secret: the workloads of its namespace, by their pod templates.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_engine::hash::MANAGED_LABEL;
use extsecret_restart::scan::{How, KeySet, PodTemplate, Use, Uses};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Serialize};

use super::facts::{Consumer, Consumers, Target};
use crate::cluster::kinds::{
    CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, INGRESSES, Kind, PODS, SECRETS, STATEFUL_SETS,
};
use crate::cluster::{Cluster, Selection, Unread};

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

    pub(crate) fn belongs_to(&self, workload: &Workload) -> bool {
        let wanted = &workload.spec.selector.match_labels;
        let labels = self.metadata.labels.as_ref();
        !wanted.is_empty()
            && labels.is_some_and(|labels| {
                wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
            })
    }

    /// When the first of its containers started that still runs: a container that starts again
    /// reads its variables anew.
    pub(crate) fn started(&self) -> Option<Timestamp> {
        let running = self.status.container_statuses.iter();
        let running = running.filter_map(|it| it.state.running.as_ref()?.started_at.as_ref());
        running.min_by_key(|time| time.0).or(self.status.start_time.as_ref()).map(|time| time.0)
    }
}

/// A workload that uses some Secret.
pub(crate) struct User {
    pub(crate) kind: &'static str,
    pub(crate) workload: Workload,
    pub(crate) uses: Uses,
}

/// All workloads of a namespace, or of all, that use a Secret for which `wanted` says yes; and the
/// kinds that could not be listed, with the reasons.
pub(crate) fn users(
    cluster: &Cluster,
    namespace: Option<&str>,
    wanted: impl Fn(&Uses) -> bool,
) -> (Vec<User>, Vec<String>) {
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for kind in &WORKLOADS {
        let select = Selection::default();
        let listed = cluster.list(kind, namespace, &select, |page: Vec<Workload>| {
            found.extend(page.into_iter().filter_map(|workload| {
                let uses = workload.uses();
                wanted(&uses).then_some(User { kind: kind.kind, workload, uses })
            }));
        });
        if let Err(error) = listed {
            unknown.push(format!("{}: {}", kind.plural, error.short()));
        }
    }
    (found, unknown)
}

/// The pods that run.
pub(crate) fn running(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Pod>, String> {
    let mut pods = Vec::new();
    let listed = cluster.list(&PODS, namespace, &Selection::default(), |page: Vec<Pod>| {
        pods.extend(page.into_iter().filter(Pod::runs));
    });
    listed.map(|_| pods).map_err(|error| format!("pods: {}", error.short()))
}

/// Who uses a Secret; `target` is what is known of it.
pub(crate) fn of_secret(
    cluster: &Cluster,
    namespace: &str,
    secret: &str,
    target: Option<&Target>,
) -> Consumers {
    let (users, unknown) = users(cluster, Some(namespace), |uses| concerns(uses, secret));
    let mut consumers = Consumers { found: Vec::new(), unknown };
    let mut pods = Vec::new();
    if !users.is_empty() {
        match running(cluster, Some(namespace)) {
            Ok(found) => pods = found,
            Err(why) => consumers.unknown.push(why),
        }
    }
    let keys = target.map(Target::keys);
    let written = target.and_then(Target::written);
    consumers.found =
        users.iter().map(|user| consumer(user, secret, keys.as_ref(), &pods, written)).collect();
    ingresses(cluster, namespace, secret, &mut consumers);
    consumers
}

/// Workloads with pods that started before a managed Secret, of which they keep what they read, was
/// last written.
pub(crate) fn stale(
    cluster: &Cluster,
    namespace: Option<&str>,
) -> Result<(Vec<Stale>, Vec<String>), Unread> {
    let select =
        Selection { labels: Some(format!("{MANAGED_LABEL}=true")), ..Selection::default() };
    let mut written: BTreeMap<(String, String), Timestamp> = BTreeMap::new();
    cluster.list_metadata(&SECRETS, namespace, &select, |page| {
        for secret in page {
            let target = Target { meta: secret.metadata, read: None };
            if let Some(at) = target.written() {
                let meta = target.meta;
                let key = (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default());
                written.insert(key, at);
            }
        }
    })?;
    let (users, mut unknown) = users(cluster, namespace, |uses| !uses.read.is_empty());
    let pods = match running(cluster, namespace) {
        Ok(pods) => pods,
        Err(why) => {
            unknown.push(why);
            Vec::new()
        }
    };
    let mut by_namespace: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in &pods {
        by_namespace
            .entry(pod.metadata.namespace.as_deref().unwrap_or_default())
            .or_default()
            .push(pod);
    }
    let mut found = Vec::new();
    for user in &users {
        let space = user.workload.metadata.namespace.as_deref().unwrap_or_default();
        let pods = by_namespace.get(space).map(Vec::as_slice).unwrap_or_default();
        found.extend(older(user, space, pods, &written));
    }
    found.sort_by(|a, b| {
        (&a.namespace, &a.kind, &a.name, &a.secret).cmp(&(
            &b.namespace,
            &b.kind,
            &b.name,
            &b.secret,
        ))
    });
    Ok((found, unknown))
}

/// A workload whose pods still have what a Secret held before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stale {
    pub(crate) namespace: String,
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) secret: String,
    /// When the Secret was last written.
    pub(crate) written: Timestamp,
    /// Pods that run, and of these those that started before.
    pub(crate) pods: usize,
    pub(crate) older: usize,
}

fn older(
    user: &User,
    namespace: &str,
    pods: &[&Pod],
    written: &BTreeMap<(String, String), Timestamp>,
) -> Vec<Stale> {
    let secrets: BTreeSet<&str> =
        user.uses.read.iter().filter(|it| keeps(it)).map(|it| &*it.secret).collect();
    let pods: Vec<&&Pod> = pods.iter().filter(|pod| pod.belongs_to(&user.workload)).collect();
    let stale = secrets.into_iter().filter_map(|secret| {
        let at = *written.get(&(namespace.to_owned(), secret.to_owned()))?;
        let older = pods.iter().filter(|pod| pod.started().is_some_and(|it| it < at)).count();
        (older > 0).then(|| Stale {
            namespace: namespace.to_owned(),
            kind: user.kind,
            name: user.workload.metadata.name.clone().unwrap_or_default(),
            secret: secret.to_owned(),
            written: at,
            pods: pods.len(),
            older,
        })
    });
    stale.collect()
}

/// True for what a running container never sees change. The kubelet keeps the files of a volume
/// current.
pub(crate) fn keeps(it: &Use) -> bool {
    matches!(it.how, How::Env | How::SubPath)
}

/// True if the pods use the Secret in any way.
pub(crate) fn concerns(uses: &Uses, secret: &str) -> bool {
    uses.read.iter().any(|it| &*it.secret == secret) || uses.named.contains(secret)
}

fn consumer(
    User { kind, workload, uses }: &User,
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
    let keeps = read.iter().any(|it| keeps(it));
    let older = written.filter(|_| keeps).map_or(0, |written| {
        pods.iter().filter(|pod| pod.started().is_some_and(|started| started < written)).count()
    });
    Consumer {
        kind: (*kind).to_owned(),
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
