//! A watch: what happens in the cluster is seen when it happens, and costs the API server what one
//! more controller would.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead as _, BufReader};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use extsecret_crds::Condition;
use extsecret_tests::api::Api;
use extsecret_tests::controller::now;
use serde::Deserialize;

/// What of an object counts here.
#[derive(Debug, Deserialize)]
pub(super) struct Object {
    pub(super) metadata: Metadata,
    #[serde(default)]
    status: Status,
    /// Of a Secret, in base64.
    #[serde(default)]
    pub(super) data: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub(super) name: String,
}

#[derive(Debug, Default, Deserialize)]
struct Status {
    #[serde(default)]
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
struct Event {
    object: Object,
}

impl Object {
    fn is_ready(&self) -> bool {
        self.status
            .conditions
            .iter()
            .any(|it| it.type_ == extsecret_crds::condition::ConditionType::Ready && it.is_true())
    }
}

/// Objects of a list, as they are and whenever they change, with the moment at which that was seen.
pub(super) struct Watch(Receiver<(Instant, Object)>);

impl Watch {
    /// Watches a path of the API.
    pub(super) fn new(api: &Api, path: &str) -> Self {
        let mark = if path.contains('?') { '&' } else { '?' };
        let url = format!("http://{}/{path}{mark}watch=true", api.address());
        let (to, from) = mpsc::channel();
        thread::spawn(move || {
            let agent = ureq::Agent::config_builder().proxy(None).build();
            let answer = ureq::Agent::from(agent).get(&url).call();
            let mut answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
            let reader = answer.body_mut().with_config().limit(u64::MAX).reader();
            for line in BufReader::new(reader).lines() {
                // The cluster ends before this process.
                let Ok(line) = line else { return };
                let event: Event = serde_json::from_str(&line)
                    .unwrap_or_else(|error| panic!("{url}: {error}: {line}"));
                if to.send((now(), event.object)).is_err() {
                    return;
                }
            }
        });
        Self(from)
    }

    /// The next change, if there is one until then.
    pub(super) fn next(&self, until: Instant) -> Option<(Instant, Object)> {
        self.0.recv_timeout(until.saturating_duration_since(now())).ok()
    }

    /// Waits until so many objects are ready.
    ///
    /// # Panics
    /// If they do not become so in time.
    pub(super) fn wait_ready(&self, objects: usize, patience: Duration) {
        let ends = now() + patience;
        let mut ready = HashSet::new();
        while ready.len() < objects {
            let next = self.next(ends);
            let (_, object) = next.unwrap_or_else(|| panic!("{} are ready", ready.len()));
            if object.is_ready() {
                ready.insert(object.metadata.name);
            }
        }
    }
}
