//! Who uses a Secret: the workloads of its namespace, by their pod templates.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_engine::hash::MANAGED_LABEL;
use extsecret_restart::scan::{How, KeySet, PodTemplate, Use, Uses};
use extsecret_restart::stale::Pod;
pub(crate) use extsecret_restart::stale::keeps;
use extsecret_restart::written::Written;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

use super::facts::{Consumer, Consumers, Found, Target};
use crate::cluster::kinds::{
    CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, INGRESSES, Kind, PODS, ROLLOUTS, SECRETS, STATEFUL_SETS,
};
use crate::cluster::{Cluster, Selection, Unread, Why};

/// Kinds with a pod template.
pub(crate) const WORKLOADS: [Kind; 5] =
    [DEPLOYMENTS, STATEFUL_SETS, DAEMON_SETS, ROLLOUTS, CRON_JOBS];

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
    /// Whether a pod is found by its selector.
    pub(crate) fn has(&self, pod: &Pod) -> bool {
        let wanted = &self.spec.selector.match_labels;
        !wanted.is_empty() && wanted.iter().all(|(key, value)| pod.labels.get(key) == Some(value))
    }

    /// What its pods use.
    pub(crate) fn uses(&self) -> Uses {
        let job = self.spec.job_template.as_ref().map(|job| &job.spec.template);
        self.spec.template.as_ref().or(job).map(Uses::of).unwrap_or_default()
    }
}

/// A workload that uses some Secret.
pub(crate) struct User {
    pub(crate) kind: &'static str,
    pub(crate) workload: Workload,
    pub(crate) uses: Uses,
}

/// The users of Secrets.
#[derive(Default)]
pub(crate) struct Users {
    pub(crate) found: Vec<User>,
    /// The kinds that could not be listed, with the reasons.
    pub(crate) unknown: Vec<String>,
    /// How many kinds could be.
    listed: usize,
}

impl Users {
    /// Whether any kind could be listed.
    pub(crate) fn looked(&self) -> bool {
        self.listed > 0
    }
}

/// All workloads of a namespace, or of all, that use a Secret for which `wanted` says yes.
pub(crate) fn users(
    cluster: &Cluster,
    namespace: Option<&str>,
    wanted: impl Fn(&Uses) -> bool,
) -> Users {
    let mut all = Users::default();
    for kind in &WORKLOADS {
        let select = Selection::default();
        let listed = cluster.list(kind, namespace, &select, |page: Vec<Workload>| {
            all.found.extend(page.into_iter().filter_map(|workload| {
                let uses = workload.uses();
                wanted(&uses).then_some(User { kind: kind.kind, workload, uses })
            }));
        });
        match listed {
            Ok(_) => all.listed += 1,
            Err(error) if is_without(cluster, kind, &error) => {}
            Err(error) => all.unknown.push(format!("{}: {}", kind.plural, error.short())),
        }
    }
    all
}

/// Whether Rollouts could not be listed because there are none to be listed. Who may not list them
/// is told that before the server looks whether it serves them.
pub(crate) fn is_without(cluster: &Cluster, kind: &Kind, error: &Unread) -> bool {
    match error.why {
        _ if *kind != ROLLOUTS => false,
        Why::NotServed(_) => true,
        Why::Forbidden(_) => matches!(cluster.serves(&ROLLOUTS), Ok(false)),
        _ => false,
    }
}

/// The pods that run.
pub(crate) fn running(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<Pod>, String> {
    let mut pods = Vec::new();
    let listed = cluster.list(&PODS, namespace, &Selection::default(), |page: Vec<Pod>| {
        pods.extend(page.into_iter().filter(|pod| pod.runs));
    });
    listed.map(|_| pods).map_err(|error| format!("pods: {}", error.short()))
}

/// Who uses a Secret; `target` is what is known of it.
pub(crate) fn of_secret(
    cluster: &Cluster,
    namespace: &str,
    secret: &str,
    target: &Found<Target>,
) -> Consumers {
    let Users { found: users, unknown, listed } =
        users(cluster, Some(namespace), |uses| concerns(uses, secret));
    let mut consumers = Consumers { found: Vec::new(), unknown, looked: listed > 0 };
    let mut pods = Vec::new();
    if !users.is_empty() {
        match running(cluster, Some(namespace)) {
            Ok(found) => pods = found,
            Err(why) => consumers.unknown.push(why),
        }
    }
    let known = target.as_ref().ok().and_then(Option::as_ref);
    let written = known.map(Target::written).unwrap_or_default();
    // Of a Secret that may not be read nobody knows what it has not.
    let keys = target.as_ref().ok().map(|target| target.as_ref().map(Target::keys));
    consumers.found =
        users.iter().map(|user| consumer(user, secret, keys.as_ref(), &pods, &written)).collect();
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
    let mut written: BTreeMap<(String, String), Written> = BTreeMap::new();
    cluster.list_metadata(&SECRETS, namespace, &select, |page| {
        for secret in page {
            let target = Target { meta: secret.metadata, read: None };
            let at = target.written();
            let meta = target.meta;
            let key = (meta.namespace.unwrap_or_default(), meta.name.unwrap_or_default());
            written.insert(key, at);
        }
    })?;
    let Users { found: users, mut unknown, .. } =
        users(cluster, namespace, |uses| !uses.read.is_empty());
    let pods = match running(cluster, namespace) {
        Ok(pods) => pods,
        Err(why) => {
            unknown.push(why);
            Vec::new()
        }
    };
    let mut by_namespace: BTreeMap<&str, Vec<&Pod>> = BTreeMap::new();
    for pod in &pods {
        by_namespace.entry(&pod.namespace).or_default().push(pod);
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
    /// When what its pods keep of it was last written.
    pub(crate) written: Timestamp,
    /// Pods that run, and of these those that have what was there before.
    pub(crate) pods: usize,
    pub(crate) older: usize,
}

fn older(
    user: &User,
    namespace: &str,
    pods: &[&Pod],
    written: &BTreeMap<(String, String), Written>,
) -> Vec<Stale> {
    let kept = || user.uses.read.iter().filter(|it| keeps(it));
    let secrets: BTreeSet<&str> = kept().map(|it| &*it.secret).collect();
    let pods: Vec<&&Pod> = pods.iter().filter(|pod| user.workload.has(pod)).collect();
    let stale = secrets.into_iter().filter_map(|secret| {
        let written = written.get(&(namespace.to_owned(), secret.to_owned()))?;
        let older = pods.iter().filter(|pod| pod.is_older(secret, written)).count();
        let mine = kept().filter(|it| &*it.secret == secret);
        // What only older pods read is as old as the whole.
        let at = mine.filter_map(|it| written.since(&it.keys)).max().or_else(|| written.last())?;
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

/// True if the pods use the Secret in any way.
pub(crate) fn concerns(uses: &Uses, secret: &str) -> bool {
    uses.read.iter().any(|it| &*it.secret == secret) || uses.named.contains(secret)
}

/// Of a workload, by the keys that the Secret has; the outer `None` if nobody knows, the inner one if
/// there is no such Secret.
fn consumer(
    User { kind, workload, uses }: &User,
    secret: &str,
    keys: Option<&Option<BTreeSet<String>>>,
    pods: &[Pod],
    written: &Written,
) -> Consumer {
    let read: Vec<&Use> = uses.read.iter().filter(|it| &*it.secret == secret).collect();
    let mut lines: Vec<String> = read.iter().map(|it| line(it)).collect();
    if lines.is_empty() {
        lines.push("named for something else, such as pulling images".to_owned());
    }
    let missing =
        keys.and_then(Option::as_ref).map(|keys| missing(&read, keys)).unwrap_or_default();
    let pods: Vec<&Pod> = pods.iter().filter(|pod| workload.has(pod)).collect();
    let older = pods.iter().filter(|pod| pod.is_older(secret, written)).count();
    Consumer {
        kind: (*kind).to_owned(),
        name: workload.metadata.name.clone().unwrap_or_default(),
        uses: lines,
        missing,
        waits: keys == Some(&None) && needs(&read),
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

/// Whether pods that use a Secret like this do not start without it.
pub(crate) fn needs(read: &[&Use]) -> bool {
    read.iter().any(|it| !it.optional)
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
                    waits: false,
                    pods: 0,
                    older: 0,
                });
            }
        }
    });
    to.found.extend(found);
    match listed {
        Ok(_) => to.looked = true,
        Err(error) => to.unknown.push(format!("{}: {}", INGRESSES.plural, error.short())),
    }
}

#[cfg(test)]
mod tests;
