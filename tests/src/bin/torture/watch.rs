//! Every version of what a namespace holds, as the API server tells it.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_tests::api::Api;
use extsecret_tests::controller::now;
use serde_json::Value;

use crate::history::{Data, Entry, What};
use crate::plan::Kind;

/// What a version of an object says.
type Read = fn(&Value, bool, &str) -> Option<What>;

/// It goes on until it is dropped.
pub(crate) struct Watch {
    entries: Arc<Mutex<Vec<Entry>>>,
    over: Arc<AtomicBool>,
    begun: Instant,
}

impl Watch {
    /// Watches a namespace that is still empty.
    pub(crate) fn of(api: &Api, namespace: &str, begun: Instant) -> Self {
        let watch = Self { entries: Arc::default(), over: Arc::default(), begun };
        watch.follow(api, &format!("api/v1/namespaces/{namespace}/secrets"), "", secret);
        watch.follow(api, &format!("api/v1/namespaces/{namespace}/pods"), "", pod);
        for kind in Kind::ALL {
            let path = format!("apis/apps/v1/namespaces/{namespace}/{}", kind.plural());
            watch.follow(api, &path, "", workload);
        }
        watch
    }

    /// Watches the Secrets of one more namespace, and tells their names with a prefix.
    pub(crate) fn more(&self, api: &Api, namespace: &str, prefix: &str) {
        self.follow(api, &format!("api/v1/namespaces/{namespace}/secrets"), prefix, secret);
    }

    fn follow(&self, api: &Api, path: &str, prefix: &str, read: Read) {
        let (entries, over) = (Arc::clone(&self.entries), Arc::clone(&self.over));
        let (begun, prefix) = (self.begun, prefix.to_owned());
        let tell = move |object: &Value, is_deleted| -> Option<u64> {
            let revision = revision_of(object)?;
            if let Some(what) = read(object, is_deleted, &prefix) {
                let entry = Entry { revision, at: begun.elapsed(), what };
                entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
            }
            Some(revision)
        };
        let list = api.get(path).unwrap_or_default();
        for object in list["items"].as_array().into_iter().flatten() {
            tell(object, false);
        }
        let mut revision = list["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
        let base = format!("http://{}/{path}?watch=1&timeoutSeconds=3000", api.address());
        thread::spawn(move || {
            let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
            while !over.load(Ordering::Relaxed) {
                let url = format!("{base}&resourceVersion={revision}");
                // The proxy ends with the process.
                let Ok(answer) = agent.get(&url).call() else { return };
                let reader = BufReader::new(answer.into_body().into_reader());
                let events = serde_json::Deserializer::from_reader(reader).into_iter::<Value>();
                for event in events.map_while(Result::ok) {
                    if over.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Some(at) = tell(&event["object"], event["type"] == "DELETED") {
                        revision = at.to_string();
                    }
                }
            }
        });
    }

    /// All that was seen so far.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// The revision of an object or a list.
pub(crate) fn revision_of(object: &Value) -> Option<u64> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

/// When something began.
pub(crate) fn begin() -> Instant {
    now()
}

fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// The data of a Secret; what is no text is told as such.
pub(crate) fn data(secret: &Value) -> Data {
    let text = |value: &Value| {
        let bytes = STANDARD.decode(value.as_str().unwrap_or_default()).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_else(|_| "no text".to_owned())
    };
    let pairs = secret["data"].as_object().into_iter().flatten();
    pairs.map(|(key, value)| (key.clone(), text(value))).collect::<BTreeMap<_, _>>()
}

#[expect(clippy::unnecessary_wraps, reason = "one of several that are called alike")]
fn secret(object: &Value, is_deleted: bool, prefix: &str) -> Option<What> {
    let name = format!("{prefix}{}", name(object));
    let label = &object["metadata"]["labels"]["reconcile.external-secrets.io/managed"];
    Some(What::Secret {
        name,
        data: (!is_deleted).then(|| data(object)),
        managed: is_deleted || label == "true",
    })
}

fn workload(object: &Value, is_deleted: bool, _: &str) -> Option<What> {
    let template = object["spec"]["template"].to_string();
    (!is_deleted).then(|| What::Workload { name: name(object), template })
}

fn pod(object: &Value, is_deleted: bool, _: &str) -> Option<What> {
    Some(What::Pod {
        consumer: object["metadata"]["labels"]["app"].as_str()?.to_owned(),
        name: name(object),
        is_there: !is_deleted && object["metadata"]["deletionTimestamp"].is_null(),
        runs: object["status"]["phase"] == "Running",
    })
}
