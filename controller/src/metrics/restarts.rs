//! Numbers of restarts.

use std::collections::BTreeMap;

use extsecret_restart::kinds::Kind;
use extsecret_restart::pace::Id;

use super::text::{Text, Type};

/// What is told of restarts.
#[derive(Clone, Debug, Default)]
pub(crate) struct RestartNumbers {
    /// Restarts by kind, result and reason.
    pub(crate) restarts: BTreeMap<(Kind, &'static str, &'static str), u64>,
    /// The same by workload, if that is asked for.
    pub(crate) by_workload: BTreeMap<(Id, &'static str), u64>,
    /// Workloads that wait, by reason.
    pub(crate) pending: BTreeMap<&'static str, usize>,
    /// How long the first of them has.
    pub(crate) oldest_seconds: f64,
    /// Restarts that are not made, by reason.
    pub(crate) suppressed: BTreeMap<&'static str, u64>,
    /// Notices, by what has become of them.
    pub(crate) notices: BTreeMap<&'static str, u64>,
    /// Rollouts under way.
    pub(crate) rolling: usize,
    /// Rollouts that are over, and the time that they took together.
    pub(crate) rollouts: (u64, f64),
    /// Changes that all workloads run, and the time that they took together.
    pub(crate) running: (u64, f64),
    /// Pods that do not have what a Secret holds now, by namespace.
    pub(crate) stale: BTreeMap<Box<str>, i64>,
    /// What runs Reloader.
    pub(crate) reloaders: usize,
    /// Records that were taken away.
    pub(crate) wiped: u64,
}

/// What alerts look at begins with zero: of a series that begins with one, Prometheus sees no increase.
fn begun() -> BTreeMap<(Kind, &'static str, &'static str), u64> {
    let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Rollout];
    let bad = [("failed", "RolloutFailed"), ("failed", "RolloutDeadline"), ("refused", "Refused")];
    let all = kinds.into_iter().flat_map(|kind| bad.map(|(result, reason)| (kind, result, reason)));
    all.map(|labels| (labels, 0)).collect()
}

impl RestartNumbers {
    pub(super) fn write(&self, text: &mut Text) {
        text.family(
            "extsecret_restarts_total",
            Type::Counter,
            "Restarts of workloads, by kind, result, and the reason of that.",
        );
        let mut restarts = begun();
        restarts.extend(self.restarts.iter().map(|(labels, count)| (*labels, *count)));
        for ((kind, result, reason), count) in restarts {
            text.sample(&[("kind", kind.name()), ("result", result), ("reason", reason)], count);
        }
        text.family(
            "extsecret_workload_restarts_total",
            Type::Counter,
            "Restarts by workload and result, where --restart-metrics-by-workload asks for them.",
        );
        for ((id, result), count) in &self.by_workload {
            let (namespace, kind, name) = (&*id.namespace, id.kind.name(), &*id.name);
            let labels =
                [("namespace", namespace), ("kind", kind), ("name", name), ("result", result)];
            text.sample(&labels, count);
        }
        text.family(
            "extsecret_restart_pending",
            Type::Gauge,
            "Workloads that have to restart, by what they wait for.",
        );
        for (reason, count) in &self.pending {
            text.sample(&[("reason", reason)], count);
        }
        text.family(
            "extsecret_restart_pending_oldest_seconds",
            Type::Gauge,
            "How long the first of them has been waiting.",
        );
        text.sample(&[], self.oldest_seconds);
        text.family(
            "extsecret_restart_suppressed_total",
            Type::Counter,
            "Restarts that were needed and not made, by reason.",
        );
        for (reason, count) in &self.suppressed {
            text.sample(&[("reason", reason)], count);
        }
        text.family(
            "extsecret_restart_notices_total",
            Type::Counter,
            "Notices to --restart-notify-url, by result: sent, failed or dropped.",
        );
        for result in ["sent", "failed", "dropped"] {
            let count = self.notices.get(result).copied().unwrap_or(0);
            text.sample(&[("result", result)], count);
        }
        text.family(
            "extsecret_stale_pods",
            Type::Gauge,
            "Pods of workloads that restart, or should, which have an older value.",
        );
        for (namespace, count) in &self.stale {
            text.sample(&[("namespace", namespace)], count);
        }
        text.family(
            "extsecret_restart_reloaders",
            Type::Gauge,
            "Workloads that run Reloader, which restarts what asks both a second time.",
        );
        text.sample(&[], self.reloaders);
        text.family("extsecret_restart_rollouts", Type::Gauge, "Rollouts that are under way.");
        text.sample(&[], self.rolling);
        for (name, help, (count, seconds)) in [
            (
                "extsecret_rollout_duration_seconds",
                "From a restart to the end of its rollout",
                self.rollouts,
            ),
            (
                "extsecret_secret_to_running_seconds",
                "From when the provider made a value, or else the write of its Secret, until all that restart for it run it",
                self.running,
            ),
        ] {
            let sum = format!("{name}_sum");
            text.family(&sum, Type::Counter, &format!("{help}, all together."));
            text.sample(&[], seconds);
            let total = format!("{name}_count");
            text.family(&total, Type::Counter, &format!("{help}, how often."));
            text.sample(&[], count);
        }
        text.family(
            "extsecret_restart_marker_wiped_total",
            Type::Counter,
            "Records of restarts that somebody has taken off workloads.",
        );
        text.sample(&[], self.wiped);
    }
}
