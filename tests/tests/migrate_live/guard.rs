//! A watch of all Secrets of a scene, from its first event to its last: none of them is ever deleted
//! or changed in its data, however briefly.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::fleet::SOON;
use serde_json::{Value, json};

/// uid and data by namespace and name.
pub(crate) type Secrets = BTreeMap<(String, String), (String, Value)>;

pub(crate) struct Guard<'a> {
    api: &'a Api,
    namespace: String,
    watch: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

#[derive(Default)]
struct Seen {
    violations: Vec<String>,
    /// Names of the marks that were seen.
    marks: Vec<String>,
}

impl<'a> Guard<'a> {
    /// Looks from now on at what is there now.
    pub(crate) fn start(
        cluster: &Cluster,
        api: &'a Api,
        namespace: &str,
        secrets: Secrets,
    ) -> Self {
        let kubectl = cluster.kubectl([
            "get",
            "secrets",
            "--all-namespaces",
            "--watch",
            "--output-watch-events",
            "--output=json",
        ]);
        let mut watch = kubectl.until_input_ends().spawn().unwrap();
        let stdout = watch.stdout.take().unwrap();
        let seen = Arc::<(Mutex<Seen>, Condvar)>::default();
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            let events = serde_json::Deserializer::from_reader(BufReader::new(stdout));
            for event in events.into_iter::<Value>().map_while(Result::ok) {
                let (mutex, changed) = &*shared;
                mutex.lock().unwrap().look(&event, &secrets);
                changed.notify_all();
            }
        });
        let guard = Self { api, namespace: namespace.to_owned(), watch, seen };
        guard.check("guard-begins");
        guard
    }

    /// Fails if there was anything up to this moment: a mark is made, and seen.
    #[track_caller]
    pub(crate) fn check(&self, mark: &str) {
        let path = format!("api/v1/namespaces/{}/secrets", self.namespace);
        let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": mark } });
        self.api.create(&path, &secret);
        let (mutex, changed) = &*self.seen;
        let missing = |seen: &mut Seen| !seen.marks.iter().any(|known| known == mark);
        let (seen, late) =
            changed.wait_timeout_while(mutex.lock().unwrap(), SOON, missing).unwrap();
        assert!(!late.timed_out(), "the watch has not seen {mark}");
        assert_eq!(seen.violations, [] as [String; 0], "up to {mark}");
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        drop(self.watch.stdin.take());
        let _ = self.watch.wait();
    }
}

impl Seen {
    fn look(&mut self, event: &Value, secrets: &Secrets) {
        let object = &event["object"];
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
        let key = (text("namespace"), text("name"));
        if key.1.starts_with("guard-") {
            self.marks.push(key.1);
            return;
        }
        let Some((uid, data)) = secrets.get(&key) else { return };
        if event["type"] == "DELETED" {
            self.violations.push(format!("{}/{} was deleted", key.0, key.1));
        } else if text("uid") != *uid || object["data"] != *data {
            self.violations.push(format!("{}/{} was changed", key.0, key.1));
        }
    }
}
