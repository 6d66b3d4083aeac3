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

/// What a version of an object says.
type Read = fn(&Value, bool) -> Option<What>;

/// It goes on until it is dropped.
pub(crate) struct Watch {
    entries: Arc<Mutex<Vec<Entry>>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    /// Watches a namespace that is still empty.
    pub(crate) fn of(api: &Api, namespace: &str, begun: Instant) -> Self {
        let watch = Self { entries: Arc::default(), over: Arc::default() };
        let read: [(&str, Read); 3] = [
            ("api/v1/namespaces/NS/secrets", secret),
            ("apis/apps/v1/namespaces/NS/deployments", deployment),
            ("api/v1/namespaces/NS/pods", pod),
        ];
        for (path, read) in read {
            let path = path.replace("NS", namespace);
            let list = api.get(&path).unwrap_or_default();
            let mut revision =
                list["metadata"]["resourceVersion"].as_str().unwrap_or("0").to_owned();
            let base = format!("http://{}/{path}?watch=1&timeoutSeconds=3000", api.address());
            let (entries, over) = (Arc::clone(&watch.entries), Arc::clone(&watch.over));
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
                        let object = &event["object"];
                        let Some(at) = revision_of(object) else { continue };
                        revision = at.to_string();
                        let Some(what) = read(object, event["type"] == "DELETED") else { continue };
                        let entry = Entry { revision: at, at: begun.elapsed(), what };
                        entries.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                    }
                }
            });
        }
        watch
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
fn secret(object: &Value, is_deleted: bool) -> Option<What> {
    Some(What::Secret { name: name(object), data: (!is_deleted).then(|| data(object)) })
}

fn deployment(object: &Value, is_deleted: bool) -> Option<What> {
    let template = object["spec"]["template"].to_string();
    (!is_deleted).then(|| What::Deployment { name: name(object), template })
}

fn pod(object: &Value, is_deleted: bool) -> Option<What> {
    Some(What::Pod {
        consumer: object["metadata"]["labels"]["app"].as_str()?.to_owned(),
        name: name(object),
        is_there: !is_deleted && object["metadata"]["deletionTimestamp"].is_null(),
        runs: object["status"]["phase"] == "Running",
    })
}
