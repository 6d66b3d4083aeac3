//! Whether a pod that runs still has what a Secret held before, without any mark on it: by when its
//! containers started, and when what they read was last written.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::scan::{Container, How, KeySet, PodSpec, Use, or_default};
use crate::written::Written;

/// How much older than the Secret the files of a volume can be: the kubelet looks after a pod every
/// minute to minute and a half, and may know the Secret from a cache that lives for a minute.
const VOLUME_LAG: SignedDuration = SignedDuration::from_secs(150);

/// True for what a running container never sees change. The kubelet keeps the files of a volume
/// current, except those that are mounted by `subPath`.
pub fn keeps(it: &Use) -> bool {
    matches!(it.how, How::Env | How::SubPath)
}

/// A pod, and since when its containers have what they have.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(from = "Object")]
pub struct Pod {
    /// Where it is.
    pub namespace: String,
    /// How it is found.
    pub labels: BTreeMap<String, String>,
    /// Whether it runs.
    pub runs: bool,
    reads: Vec<Read>,
}

/// What a container keeps of a Secret.
#[derive(Clone, Debug)]
struct Read {
    what: Use,
    /// It has at least what was there then.
    since: Timestamp,
}

impl Pod {
    /// Whether one of its containers still has what the Secret held before it was last written.
    ///
    /// Only what containers keep counts (see [`keeps`]). Times are those of the API server and of the
    /// pod's node, to the second; of one and the same second nobody knows, and it does not count.
    pub fn is_older(&self, secret: &str, written: &Written) -> bool {
        let mine = self.reads.iter().filter(|it| &*it.what.secret == secret);
        mine.into_iter().any(|it| written.since(&it.what.keys).is_some_and(|at| it.since < at))
    }
}

/// When a container began to run that reads keys of a Secret, in whatever way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Began {
    /// The Secret, in the namespace of the pod.
    pub secret: Box<str>,
    /// Of which it reads these.
    pub keys: KeySet,
    /// When it began; of an init container that is over as well.
    pub at: Timestamp,
}

impl Began {
    /// Of all containers of a pod that have begun. Those that wait, do so for something that they
    /// read, or have ended and read it again.
    pub fn of_pod(pod: &Value) -> Vec<Self> {
        let Object { spec, status, .. } = Object::deserialize(pod).unwrap_or_default();
        let volumes = spec.volumes();
        let all = [
            (&spec.containers, &status.container_statuses),
            (&spec.init_containers, &status.init_container_statuses),
        ];
        let containers = all.into_iter().flat_map(|(containers, statuses)| {
            containers.iter().filter_map(|container| {
                let state = &statuses.iter().find(|it| it.name == container.name)?.state;
                Some((container, state.running.or(state.terminated)?.started_at?))
            })
        });
        let reads = containers.flat_map(|(container, at)| {
            let read = container.read(&volumes).into_iter();
            read.map(move |Use { secret, keys, .. }| Self { secret, keys, at })
        });
        reads.collect()
    }
}

/// A pod as the API has it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    #[serde(deserialize_with = "or_default")]
    metadata: Metadata,
    #[serde(deserialize_with = "or_default")]
    spec: PodSpec,
    #[serde(deserialize_with = "or_default")]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Metadata {
    #[serde(deserialize_with = "or_default")]
    namespace: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    creation_timestamp: Option<Timestamp>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    start_time: Option<Timestamp>,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    #[serde(deserialize_with = "or_default")]
    name: Box<str>,
    #[serde(deserialize_with = "or_default")]
    restart_count: u64,
    #[serde(deserialize_with = "or_default")]
    state: ContainerState,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    running: Option<Started>,
    terminated: Option<Started>,
    waiting: Option<serde::de::IgnoredAny>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Started {
    started_at: Option<Timestamp>,
}

/// The run of a container that counts.
struct Run {
    started: Timestamp,
    /// Whether it ran in this pod before.
    again: bool,
}

impl Run {
    /// The time from which on whatever it read in this way was written.
    ///
    /// Each start reads variables anew, and mounts the files by `subPath` anew from the volume as it is
    /// then: when a pod starts that has just been filled, later it may lag behind. A first start may come
    /// long after that, of a large image.
    fn since(&self, how: How, pod: Timestamp) -> Timestamp {
        match how {
            How::SubPath if self.again => {
                let lagging = self.started.checked_sub(VOLUME_LAG).unwrap_or(Timestamp::MIN);
                lagging.max(pod)
            }
            How::SubPath => pod,
            How::Env | How::Volume => self.started,
        }
    }
}

impl From<Object> for Pod {
    fn from(Object { metadata, spec, status }: Object) -> Self {
        let mut reads = Vec::new();
        if let Some(pod) = status.start_time.or(metadata.creation_timestamp) {
            let volumes = spec.volumes();
            let mut add = |container: &Container, all: &[ContainerStatus], is_init| {
                let status = all.iter().find(|it| it.name == container.name);
                let Some(run) = run(container, status, is_init, pod) else { return };
                let kept = container.read(&volumes).into_iter().filter(keeps);
                reads.extend(kept.map(|what| Read { since: run.since(what.how, pod), what }));
            };
            for it in &spec.containers {
                add(it, &status.container_statuses, false);
            }
            for it in &spec.init_containers {
                add(it, &status.init_container_statuses, true);
            }
        }
        Self {
            namespace: metadata.namespace,
            labels: metadata.labels,
            runs: status.phase == "Running",
            reads,
        }
    }
}

/// The run of a container whose values its pod still has; `None` if it reads them when it starts next.
/// What an init container made of them stays.
fn run(
    container: &Container,
    status: Option<&ContainerStatus>,
    is_init: bool,
    pod: Timestamp,
) -> Option<Run> {
    let Some(status) = status else { return Some(Run { started: pod, again: false }) };
    let is_sidecar = container.restart_policy.as_deref() == Some("Always");
    let ended = status.state.terminated.filter(|_| is_init && !is_sidecar);
    let is_over = status.state.terminated.is_some() && ended.is_none();
    if is_over || status.state.waiting.is_some() {
        return None;
    }
    let started = status.state.running.or(ended).and_then(|it| it.started_at);
    Some(Run { started: started.unwrap_or(pod), again: status.restart_count > 0 })
}

#[cfg(test)]
mod tests;
