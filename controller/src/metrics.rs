//! Numbers for dashboards: those of External Secrets Operator under its names (eso-semantics 4.2), and
//! what it does not tell.
//!
//! There are half a dozen series for every object. The usual libraries keep each with copies of its
//! name, help and labels, some 700 bytes, which for a large fleet is more than all the rest that is
//! known of it. Here an object is one row of numbers, and series are only ever text.
//!
//! No label holds what a secret or an answer of AWS could get into.

mod objects;
mod process;
mod restarts;
mod text;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use extsecret_provider::aws::Counts;
use jiff::Timestamp;

use self::objects::Objects;
pub(crate) use self::restarts::RestartNumbers;
use self::text::{Text, Type};
use crate::key::{Key, Kind};

const KINDS: [Kind; 4] = [
    Kind::ExternalSecret,
    Kind::SecretStore,
    Kind::ClusterSecretStore,
    Kind::ClusterExternalSecret,
];

/// A call of a provider's API: External Secrets Operator's names of the provider and the call, and
/// whether it succeeded.
pub(crate) type Call = (&'static str, &'static str, bool);

/// All metrics of the process.
#[derive(Default)]
pub(crate) struct Metrics {
    objects: Mutex<BTreeMap<Key, Row>>,
    rest: Mutex<Rest>,
    /// Nothing where no workload restarts.
    restarts: Mutex<Option<RestartNumbers>>,
    panics: AtomicU64,
    events_dropped: AtomicU64,
    /// Whether this process may work; without leader election it always may.
    leads: AtomicBool,
}

/// What is known of one object.
#[derive(Clone, Default)]
struct Row {
    sync_calls: u64,
    sync_errors: u64,
    /// Seconds since 1970.
    refreshed: Option<i64>,
    took: Option<Duration>,
    conditions: Vec<(&'static str, bool)>,
}

/// What is not of one object.
#[derive(Clone, Default)]
struct Rest {
    reconciled: BTreeMap<(Kind, &'static str), u64>,
    watch_restarts: BTreeMap<String, u64>,
    calls: BTreeMap<Call, u64>,
    provider: Counts,
    depths: BTreeMap<&'static str, usize>,
    overdue: Duration,
    followed: usize,
    messages: Option<u64>,
    /// Events from the queue by form and what they led to.
    mapped: BTreeMap<(&'static str, &'static str), u64>,
    queue_reachable: Option<bool>,
}

impl Metrics {
    fn row(&self, key: &Key, change: impl FnOnce(&mut Row)) {
        let mut objects = lock(&self.objects);
        match objects.get_mut(key) {
            Some(row) => change(row),
            None => change(objects.entry(key.clone()).or_default()),
        }
    }

    /// An ExternalSecret is fetched.
    pub(crate) fn sync_call(&self, key: &Key) {
        self.row(key, |row| row.sync_calls += 1);
    }

    /// It was in vain.
    pub(crate) fn sync_error(&self, key: &Key) {
        self.row(key, |row| row.sync_errors += 1);
    }

    /// What a condition says.
    pub(crate) fn condition(&self, key: &Key, condition: &'static str, is_true: bool) {
        self.row(key, |row| {
            match row.conditions.iter_mut().find(|(known, _)| *known == condition) {
                Some((_, status)) => *status = is_true,
                None => row.conditions.push((condition, is_true)),
            }
        });
    }

    /// An object was looked at.
    pub(crate) fn reconciled(&self, key: &Key, took: Duration) {
        self.row(key, |row| row.took = Some(took));
    }

    /// Values were fetched.
    pub(crate) fn refreshed(&self, key: &Key, at: Timestamp) {
        self.row(key, |row| row.refreshed = Some(at.as_second()));
    }

    /// An object is gone, and so are its series.
    pub(crate) fn forget(&self, key: &Key) {
        lock(&self.objects).remove(key);
    }

    /// How a look ended: `success`, `error`, `requeue_after` or `panic`.
    pub(crate) fn result(&self, kind: Kind, result: &'static str) {
        *lock(&self.rest).reconciled.entry((kind, result)).or_default() += 1;
        if result == "panic" {
            self.panics.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// A watch was interrupted.
    pub(crate) fn watch_restarted(&self, kind: &str) {
        let mut rest = lock(&self.rest);
        match rest.watch_restarts.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                rest.watch_restarts.insert(kind.to_owned(), 1);
            }
        }
    }

    /// Events were not written.
    pub(crate) fn events_dropped(&self, number: usize) {
        self.events_dropped.fetch_add(number as u64, Ordering::Relaxed);
    }

    /// What waits in a queue.
    pub(crate) fn depth(&self, queue: &'static str, depth: usize) {
        lock(&self.rest).depths.insert(queue, depth);
    }

    /// How long the object that has waited longest has waited, and how many objects are watched by
    /// name.
    pub(crate) fn waits(&self, overdue: Duration, followed: usize) {
        let mut rest = lock(&self.rest);
        rest.overdue = overdue;
        rest.followed = followed;
    }

    /// An event of this form tells of a change: `mapped` to those who read it, or `unread` by anybody.
    pub(crate) fn mapped(&self, shape: &'static str, result: &'static str) {
        *lock(&self.rest).mapped.entry((shape, result)).or_default() += 1;
    }

    /// So many messages told of no change, and so many were not understood, since the start. None is
    /// a number, too: of a series that begins with one, Prometheus sees no increase.
    pub(crate) fn unmapped(&self, idle: u64, unreadable: u64) {
        let mut rest = lock(&self.rest);
        for (result, count) in [("idle", idle), ("unreadable", unreadable)] {
            rest.mapped.insert(("", result), count);
        }
    }

    /// How many messages wait in the queue of change events, if that is known.
    pub(crate) fn messages(&self, waiting: Option<u64>) {
        lock(&self.rest).messages = waiting;
    }

    /// Whether the queue of change events can be read, if there is one.
    pub(crate) fn queue_reachable(&self, reachable: Option<bool>) {
        lock(&self.rest).queue_reachable = reachable;
    }

    /// What was asked of AWS so far.
    pub(crate) fn provider(&self, counts: Counts) {
        lock(&self.rest).provider = counts;
    }

    /// How many calls of this kind were made so far.
    pub(crate) fn calls(&self, call: Call, total: u64) {
        lock(&self.rest).calls.insert(call, total);
    }

    /// Something has become of restarts.
    pub(crate) fn restarts(&self, change: impl FnOnce(&mut RestartNumbers)) {
        change(lock(&self.restarts).get_or_insert_default());
    }

    /// Whether this process may work.
    pub(crate) fn leads(&self, leads: bool) {
        self.leads.store(leads, Ordering::Relaxed);
    }

    /// The text format of Prometheus, version 0.0.4, piece by piece: whole it is some 700 bytes for
    /// every object. What is told is as of now.
    pub(crate) fn encode(&self) -> impl Iterator<Item = String> + Send + use<> {
        // Names are shared, so this copies little, and nobody waits while the text is made.
        let objects: Vec<(Key, Row)> =
            lock(&self.objects).iter().map(|(key, row)| (key.clone(), row.clone())).collect();
        let mut text = Text::default();
        self.write_rest(&mut text, &lock(&self.rest));
        if let Some(restarts) = &*lock(&self.restarts) {
            restarts.write(&mut text);
        }
        process::write(&mut text);
        Objects::new(objects).chain(std::iter::once(text.into_string()))
    }

    fn write_rest(&self, text: &mut Text, rest: &Rest) {
        let name = "externalsecret_provider_api_calls_count";
        text.family(name, Type::Counter, "Calls of a provider's API.");
        for ((provider, call, success), total) in &rest.calls {
            let status = if *success { "success" } else { "error" };
            let labels = [("call", *call), ("provider", *provider), ("status", status)];
            text.sample(&labels, *total);
        }
        text.family("controller_runtime_reconcile_total", Type::Counter, "Reconciliations.");
        for ((kind, result), total) in &rest.reconciled {
            text.sample(&[("controller", prefix(*kind)), ("result", result)], *total);
        }
        let name = "controller_runtime_reconcile_errors_total";
        text.family(name, Type::Counter, "Reconciliations that failed.");
        for kind in KINDS {
            let failed = ["error", "panic"].map(|result| rest.reconciled.get(&(kind, result)));
            let total: u64 = failed.into_iter().flatten().sum();
            text.sample(&[("controller", prefix(kind))], total);
        }
        text.family("workqueue_depth", Type::Gauge, "Objects that wait to be looked at.");
        for (queue, depth) in &rest.depths {
            text.sample(&[("name", queue)], depth);
        }
        let counts = rest.provider;
        let panics = self.panics.load(Ordering::Relaxed);
        let dropped = self.events_dropped.load(Ordering::Relaxed);
        for (name, help, total) in [
            (
                "provider_questions",
                "Values and searches that ExternalSecrets asked for.",
                counts.asked,
            ),
            ("provider_reads", "Those that AWS was asked; the rest shared an answer.", counts.read),
            ("provider_calls_saved", "Calls that another's answer made unnecessary.", counts.saved),
            ("provider_calls", "Calls of Secrets Manager and Parameter Store.", counts.calls),
            ("provider_calls_throttled", "Those that AWS refused for the rate.", counts.throttled),
            ("sts_calls", "Calls of the Security Token Service.", counts.sessions),
            ("reconcile_panics", "Reconciliations that panicked, each a bug.", panics),
            ("events_dropped", "Kubernetes Events that could not be written.", dropped),
        ] {
            text.family(&format!("extsecret_{name}_total"), Type::Counter, help);
            text.sample(&[], total);
        }
        let name = "extsecret_watch_restarts_total";
        text.family(name, Type::Counter, "Watches that were interrupted.");
        for (kind, total) in &rest.watch_restarts {
            text.sample(&[("kind", kind)], total);
        }
        let name = "extsecret_oldest_overdue_seconds";
        text.family(name, Type::Gauge, "How long the object that has waited longest has waited.");
        text.sample(&[], rest.overdue.as_secs_f64());
        let name = "extsecret_followed_objects";
        text.family(name, Type::Gauge, "Objects that are watched by name.");
        text.sample(&[], rest.followed);
        if let Some(waiting) = rest.messages {
            let name = "extsecret_queue_messages";
            text.family(name, Type::Gauge, "Messages that wait in the queue of change events.");
            text.sample(&[], waiting);
        }
        if !rest.mapped.is_empty() {
            let name = "extsecret_events_mapped_total";
            text.family(
                name,
                Type::Counter,
                "Messages of the queue of change events, by detail-type and what they led to.",
            );
            for ((shape, result), total) in &rest.mapped {
                text.sample(&[("shape", shape), ("result", result)], total);
            }
        }
        if let Some(reachable) = rest.queue_reachable {
            let name = "extsecret_queue_reachable";
            text.family(name, Type::Gauge, "Whether the queue of change events can be read.");
            text.sample(&[], u8::from(reachable));
        }
        text.family("extsecret_leader", Type::Gauge, "Whether this process may work.");
        text.sample(&[], u8::from(self.leads.load(Ordering::Relaxed)));
        text.family("extsecret_build_info", Type::Gauge, "The version, as a label.");
        text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    }
}

/// What metrics of a kind begin with, and the name of its controller.
const fn prefix(kind: Kind) -> &'static str {
    match kind {
        Kind::ExternalSecret => "externalsecret",
        Kind::SecretStore => "secretstore",
        Kind::ClusterSecretStore => "clustersecretstore",
        Kind::ClusterExternalSecret => "clusterexternalsecret",
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn web() -> Key {
        Key::new(Kind::ExternalSecret, "shop", "web")
    }

    fn told(metrics: &Metrics) -> String {
        metrics.encode().collect()
    }

    fn holds(metrics: &Metrics, lines: &[&str]) {
        let text = told(metrics);
        for line in lines {
            assert!(text.lines().any(|it| it == *line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn names_and_labels_are_those_that_dashboards_know() {
        let metrics = Metrics::default();
        metrics.sync_call(&web());
        metrics.sync_call(&web());
        metrics.sync_error(&web());
        metrics.condition(&web(), "Ready", true);
        metrics.condition(&web(), "Ready", false);
        metrics.reconciled(&web(), Duration::from_micros(3));
        metrics.calls(("AWS/SecretsManager", "GetSecretValue", true), 7);
        metrics.result(Kind::ExternalSecret, "error");
        metrics.depth("externalsecret", 4);
        let store = Key::new(Kind::ClusterSecretStore, "", "aws");
        metrics.condition(&store, "Ready", true);
        metrics.reconciled(&store, Duration::from_millis(1));
        holds(
            &metrics,
            &[
                "# TYPE externalsecret_sync_calls_total counter",
                r#"externalsecret_sync_calls_total{name="web",namespace="shop"} 2"#,
                "# TYPE externalsecret_sync_calls_error counter",
                r#"externalsecret_sync_calls_error{name="web",namespace="shop"} 1"#,
                r#"externalsecret_status_condition{condition="Ready",name="web",namespace="shop",status="False"} 1"#,
                r#"externalsecret_status_condition{condition="Ready",name="web",namespace="shop",status="True"} 0"#,
                "# TYPE externalsecret_reconcile_duration gauge",
                r#"externalsecret_reconcile_duration{name="web",namespace="shop"} 3000"#,
                r#"externalsecret_provider_api_calls_count{call="GetSecretValue",provider="AWS/SecretsManager",status="success"} 7"#,
                r#"clustersecretstore_status_condition{condition="Ready",name="aws",namespace="",status="True"} 1"#,
                r#"clustersecretstore_reconcile_duration{name="aws",namespace=""} 1000000"#,
                r#"controller_runtime_reconcile_total{controller="externalsecret",result="error"} 1"#,
                r#"controller_runtime_reconcile_errors_total{controller="externalsecret"} 1"#,
                r#"workqueue_depth{name="externalsecret"} 4"#,
            ],
        );
    }

    #[test]
    fn it_tells_what_was_saved_and_what_goes_wrong() {
        let metrics = Metrics::default();
        let counts =
            Counts { asked: 1000, read: 10, saved: 990, calls: 12, throttled: 2, sessions: 1 };
        metrics.provider(counts);
        metrics.refreshed(&web(), Timestamp::from_second(1_700_000_000).unwrap());
        metrics.waits(Duration::from_millis(1500), 3);
        metrics.events_dropped(1);
        metrics.result(Kind::SecretStore, "panic");
        metrics.watch_restarted("Secret");
        metrics.leads(true);
        metrics.messages(Some(9));
        metrics.mapped("Secret Label Updated", "mapped");
        metrics.unmapped(0, 2);
        metrics.queue_reachable(Some(false));
        holds(
            &metrics,
            &[
                "extsecret_provider_questions_total 1000",
                "extsecret_provider_reads_total 10",
                "extsecret_provider_calls_saved_total 990",
                "extsecret_provider_calls_total 12",
                "extsecret_provider_calls_throttled_total 2",
                "extsecret_sts_calls_total 1",
                r#"extsecret_refresh_timestamp_seconds{name="web",namespace="shop"} 1700000000"#,
                "extsecret_oldest_overdue_seconds 1.5",
                "extsecret_followed_objects 3",
                "extsecret_events_dropped_total 1",
                "extsecret_reconcile_panics_total 1",
                r#"controller_runtime_reconcile_errors_total{controller="secretstore"} 1"#,
                r#"extsecret_watch_restarts_total{kind="Secret"} 1"#,
                "extsecret_leader 1",
                "extsecret_queue_messages 9",
                r#"extsecret_events_mapped_total{shape="Secret Label Updated",result="mapped"} 1"#,
                r#"extsecret_events_mapped_total{shape="",result="unreadable"} 2"#,
                "extsecret_queue_reachable 0",
            ],
        );
        metrics.messages(None);
        assert!(!told(&metrics).contains("extsecret_queue_messages"));
    }

    #[test]
    fn what_alerts_look_at_is_there_before_it_happens() {
        let metrics = Metrics::default();
        metrics.unmapped(0, 0);
        metrics.restarts(|_| {});
        holds(
            &metrics,
            &[
                r#"extsecret_events_mapped_total{shape="",result="unreadable"} 0"#,
                r#"extsecret_restart_notices_total{result="failed"} 0"#,
                r#"extsecret_restart_notices_total{result="dropped"} 0"#,
                r#"extsecret_restarts_total{kind="Deployment",result="failed",reason="RolloutFailed"} 0"#,
                r#"extsecret_restarts_total{kind="Rollout",result="refused",reason="Refused"} 0"#,
            ],
        );
        metrics.restarts(|all| {
            all.restarts
                .insert((extsecret_restart::kinds::Kind::Deployment, "refused", "Refused"), 7);
            all.notices.insert("failed", 3);
        });
        holds(
            &metrics,
            &[
                r#"extsecret_restart_notices_total{result="failed"} 3"#,
                r#"extsecret_restarts_total{kind="Deployment",result="refused",reason="Refused"} 7"#,
            ],
        );
    }

    #[test]
    fn an_object_that_is_gone_leaves_no_series() {
        let metrics = Metrics::default();
        let other = Key::new(Kind::SecretStore, "shop", "web");
        for key in [web(), other.clone()] {
            metrics.sync_call(&key);
            metrics.condition(&key, "Ready", false);
            metrics.condition(&key, "Deleted", true);
            metrics.reconciled(&key, Duration::ZERO);
            metrics.refreshed(&key, Timestamp::UNIX_EPOCH);
        }
        metrics.forget(&web());
        let text = told(&metrics);
        let left = text.lines().filter(|line| line.contains(r#"name="web""#));
        assert!(left.clone().count() > 0);
        for line in left.filter(|line| !line.starts_with("extsecret_refresh")) {
            assert!(line.starts_with("secretstore_"), "{line}");
        }
        metrics.forget(&other);
        assert!(!told(&metrics).contains("web"));
    }

    #[test]
    fn every_series_is_below_its_family_and_stands_once() {
        let metrics = Metrics::default();
        for name in ["a", "b", "c"] {
            for kind in KINDS {
                let key = Key::new(kind, "shop", name);
                metrics.sync_call(&key);
                metrics.condition(&key, "Ready", true);
                metrics.reconciled(&key, Duration::ZERO);
            }
        }
        let text = told(&metrics);
        let (mut family, mut families, mut series) = ("", Vec::new(), Vec::new());
        for line in text.lines() {
            if let Some(declared) = line.strip_prefix("# TYPE ") {
                family = declared.split(' ').next().unwrap();
                families.push(family);
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line} below {family}");
                series.push(line.rsplit_once(' ').unwrap().0);
            }
        }
        for mut all in [families, series] {
            let before = all.len();
            all.sort_unstable();
            all.dedup();
            assert_eq!(all.len(), before);
        }
    }
}
