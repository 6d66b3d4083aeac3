//! What each kind of workload can do, and how far its rollout is.
//!
//! Restarting means changing the pod template, and leaving the rest to whoever rolls out changes of it.
//! Where nobody does, or somebody undoes them, a change of the template is a lie: such workloads are
//! reported, and left alone.

use std::fmt;

use jiff::Timestamp;
use serde::Deserialize;

/// Kinds that pods come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `apps/v1`.
    Deployment,
    /// `apps/v1`.
    StatefulSet,
    /// `apps/v1`.
    DaemonSet,
    /// Argo's, which restarts by `spec.restartAt` without its canary steps.
    Rollout,
    /// `batch/v1`, whose next run reads what there is then: never touched.
    CronJob,
    /// `batch/v1`, which to restart is to run twice: never touched.
    Job,
    /// One that no template makes: never touched.
    Pod,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::Rollout,
        Self::CronJob,
        Self::Job,
        Self::Pod,
    ];

    /// As the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Rollout => "Rollout",
            Self::CronJob => "CronJob",
            Self::Job => "Job",
            Self::Pod => "Pod",
        }
    }

    /// Whether its pods are made anew when its template changes. What this is not true of is
    /// reported, and nothing is written to it, not even a record.
    pub const fn restarts(self) -> bool {
        match self {
            Self::Deployment | Self::StatefulSet | Self::DaemonSet | Self::Rollout => true,
            Self::CronJob | Self::Job | Self::Pod => false,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How far the rollout of a workload's present template is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// All pods are of it, and were available at least once.
    Done,
    /// Not yet.
    Rolling,
    /// It will not end by itself.
    Failed,
}

/// Why a workload cannot be restarted by its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// It is paused: a change of its template would wait, and come with somebody else's.
    Paused,
    /// `updateStrategy: OnDelete`: pods are made anew when somebody deletes them.
    OnDelete,
    /// Pods below this ordinal are not updated.
    Partition(i64),
    /// Another object makes it, and would take the change back.
    Owned {
        /// Its kind.
        kind: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// A Rollout whose template is that of another workload.
    TemplateElsewhere {
        /// Its kind.
        kind: Box<str>,
        /// Its name.
        name: Box<str>,
    },
    /// Of a `CronJob`: what runs is a Job, and the next one reads what there is then.
    NextRun,
    /// A Job that is under way.
    Job,
    /// A pod that nothing makes anew.
    BarePod,
}

impl Obstacle {
    /// A word for metrics and events.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Paused => "Paused",
            Self::OnDelete | Self::Partition(_) => "ManualRestartRequired",
            Self::Owned { .. } => "OwnedByController",
            Self::TemplateElsewhere { .. } => "TemplateElsewhere",
            Self::NextRun => "NextRun",
            Self::Job => "Job",
            Self::BarePod => "BarePod",
        }
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("it is paused: resume it, and it restarts"),
            Self::OnDelete => f.write_str("its update strategy is OnDelete: delete its pods"),
            Self::Partition(partition) => {
                write!(f, "its partition is {partition}: pods below it have to be deleted")
            }
            Self::Owned { kind, name } => {
                write!(f, "{kind} {name} controls it and would undo a restart: restart that")
            }
            Self::TemplateElsewhere { kind, name } => {
                write!(f, "its pod template is that of {kind} {name}: restart that")
            }
            Self::NextRun => f.write_str("a CronJob reads what there is when it runs next"),
            Self::Job => f.write_str("a Job runs once: let it end, or delete it"),
            Self::BarePod => {
                f.write_str("nothing makes this pod anew: delete it, and make it again")
            }
        }
    }
}

/// The last time at which somebody wrote who owns a part of a workload's pod template: it has not
/// changed after that. `None` if the API server does not say.
pub fn touched(workload: &serde_json::Value) -> Option<Timestamp> {
    let entries = workload.pointer("/metadata/managedFields")?.as_array()?.iter();
    let owners = entries.filter(|entry| entry.pointer("/fieldsV1/f:spec/f:template").is_some());
    owners.filter_map(|entry| entry.get("time")?.as_str()?.parse().ok()).max()
}

/// What of a workload says whether and how it restarts. Everything else is passed over.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Workload {
    spec: Option<Spec>,
    status: Option<Status>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec {
    replicas: Option<i64>,
    paused: Option<bool>,
    update_strategy: Option<Strategy>,
    workload_ref: Option<WorkloadRef>,
    restart_at: Option<String>,
    suspend: Option<bool>,
}

/// The workload whose template a Rollout takes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct WorkloadRef {
    kind: Option<Box<str>>,
    name: Option<Box<str>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Strategy {
    #[serde(rename = "type")]
    type_: Option<String>,
    rolling_update: Option<RollingUpdate>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct RollingUpdate {
    partition: Option<i64>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    /// A number; Argo writes it as a text.
    observed_generation: Option<serde_json::Value>,
    replicas: Option<i64>,
    updated_replicas: Option<i64>,
    available_replicas: Option<i64>,
    current_revision: Option<String>,
    update_revision: Option<String>,
    desired_number_scheduled: Option<i64>,
    updated_number_scheduled: Option<i64>,
    number_available: Option<i64>,
    current_number_scheduled: Option<i64>,
    /// A number; that of a `CronJob` is a list.
    active: Option<serde_json::Value>,
    phase: Option<String>,
    restarted_at: Option<String>,
    conditions: Option<Vec<Condition>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: String,
    reason: Option<String>,
    last_update_time: Option<String>,
}

impl Condition {
    /// Whether it was written after `touched`. Times show seconds only, so what is of one second is not
    /// certain; nor is what has no time.
    fn is_after(&self, touched: Option<Timestamp>) -> Option<bool> {
        let written: Timestamp = self.last_update_time.as_deref()?.parse().ok()?;
        Some(written.as_second() > touched?.as_second())
    }
}

/// What is to be known of a workload besides its template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far its rollout is.
    pub progress: Progress,
    /// What is in the way of a restart.
    pub obstacle: Option<Obstacle>,
    /// Whether it has no pods and wants none.
    pub idle: bool,
}

impl Workload {
    /// How many pods there are of a workload of this kind, and how many of them are not of its present
    /// template.
    pub fn pods(&self, kind: Kind) -> (i64, i64) {
        let none = Status::default();
        let status = self.status.as_ref().unwrap_or(&none);
        let (all, new) = match kind {
            Kind::Deployment | Kind::StatefulSet | Kind::Rollout => {
                (status.replicas, status.updated_replicas)
            }
            Kind::DaemonSet => (status.current_number_scheduled, status.updated_number_scheduled),
            Kind::Job => {
                let active = status.active.as_ref().and_then(serde_json::Value::as_i64);
                (active, active)
            }
            Kind::CronJob => (None, None),
            Kind::Pod => (Some(1), Some(1)),
        };
        let all = all.unwrap_or(0).max(0);
        (all, (all - new.unwrap_or(0)).max(0))
    }

    /// Of a workload of this kind and generation, whose template has not changed after `touched`, and
    /// the kind and name of what controls it.
    pub fn standing(
        &self,
        kind: Kind,
        generation: i64,
        touched: Option<Timestamp>,
        owner: Option<(&str, &str)>,
    ) -> Standing {
        let (no_spec, no_status) = (Spec::default(), Status::default());
        let spec = self.spec.as_ref().unwrap_or(&no_spec);
        let status = self.status.as_ref().unwrap_or(&no_status);
        let observed = match &status.observed_generation {
            Some(serde_json::Value::String(text)) => text.parse().ok(),
            Some(number) => number.as_i64(),
            None => None,
        };
        let progress = match kind {
            Kind::CronJob | Kind::Job | Kind::Pod => Progress::Done,
            _ if observed.is_none_or(|observed| observed < generation) => Progress::Rolling,
            Kind::Deployment => status.of_deployment(spec, touched),
            Kind::StatefulSet => status.of_stateful_set(),
            Kind::DaemonSet => status.of_daemon_set(),
            Kind::Rollout => status.of_rollout(spec),
        };
        let idle = match kind {
            Kind::DaemonSet => false,
            Kind::CronJob => spec.suspend == Some(true),
            Kind::Job => status.is_over(),
            Kind::Pod => matches!(status.phase.as_deref(), Some("Succeeded" | "Failed")),
            Kind::Deployment | Kind::StatefulSet | Kind::Rollout => {
                spec.replicas == Some(0) && status.replicas.unwrap_or(0) == 0
            }
        };
        Standing { progress, obstacle: spec.obstacle(kind, owner), idle }
    }
}

impl Spec {
    fn obstacle(&self, kind: Kind, owner: Option<(&str, &str)>) -> Option<Obstacle> {
        match (kind, owner) {
            // A CronJob makes no other for one that is under way.
            (Kind::Job, None | Some(("CronJob", _))) => return Some(Obstacle::Job),
            (_, Some((kind, name))) => {
                return Some(Obstacle::Owned { kind: kind.into(), name: name.into() });
            }
            (Kind::CronJob, None) => return Some(Obstacle::NextRun),
            (Kind::Pod, None) => return Some(Obstacle::BarePod),
            _ => {}
        }
        if let Some(elsewhere) = self.workload_ref.as_ref().filter(|_| kind == Kind::Rollout) {
            let WorkloadRef { kind, name } = elsewhere.clone();
            let (kind, name) = (kind.unwrap_or_default(), name.unwrap_or_default());
            return Some(Obstacle::TemplateElsewhere { kind, name });
        }
        if self.paused == Some(true) {
            return Some(Obstacle::Paused);
        }
        let strategy = self.update_strategy.as_ref()?;
        if strategy.type_.as_deref() == Some("OnDelete") {
            return Some(Obstacle::OnDelete);
        }
        let partition = strategy.rolling_update.as_ref()?.partition?;
        (kind == Kind::StatefulSet && partition > 0).then_some(Obstacle::Partition(partition))
    }
}

impl Status {
    /// Of a Job.
    fn is_over(&self) -> bool {
        let conditions = self.conditions.iter().flatten();
        conditions.into_iter().any(|it| {
            matches!(it.type_.as_str(), "Complete" | "Failed" | "Suspended") && it.status == "True"
        })
    }

    /// Its Progressing condition keeps saying that it is done while pods fail later for other
    /// reasons, which is no rollout. It also keeps saying so of the template before, where the
    /// Deployment controller's first write about the present one met a conflict: it notes what it
    /// observes, and lets a reason stand that it takes for final. So the reason alone says nothing:
    /// the numbers have to, as `kubectl rollout status` reads them, and where pods are not available,
    /// the reason has to be newer than the template.
    fn of_deployment(&self, spec: &Spec, touched: Option<Timestamp>) -> Progress {
        let conditions = self.conditions.iter().flatten();
        let progressing = conditions.into_iter().find(|it| it.type_ == "Progressing");
        let is_after = progressing.and_then(|it| it.is_after(touched));
        let updated = self.updated_replicas.unwrap_or(0);
        let is_new = updated >= spec.replicas.unwrap_or(1) && self.replicas.unwrap_or(0) <= updated;
        if is_new && self.available_replicas.unwrap_or(0) >= updated {
            return Progress::Done;
        }
        match progressing.and_then(|it| it.reason.as_deref()) {
            Some("NewReplicaSetAvailable") if is_new && is_after == Some(true) => {
                return Progress::Done;
            }
            Some("ProgressDeadlineExceeded") if is_after != Some(false) => return Progress::Failed,
            _ => {}
        }
        let failed = self
            .conditions
            .iter()
            .flatten()
            .any(|it| it.type_ == "ReplicaFailure" && it.status == "True");
        if failed { Progress::Failed } else { Progress::Rolling }
    }

    fn of_stateful_set(&self) -> Progress {
        let is_new =
            self.update_revision.is_some() && self.current_revision == self.update_revision;
        if is_new { Progress::Done } else { Progress::Rolling }
    }

    fn of_daemon_set(&self) -> Progress {
        let wanted = self.desired_number_scheduled.unwrap_or(0);
        let is_new = self.updated_number_scheduled.unwrap_or(0) >= wanted
            && self.number_available.unwrap_or(0) >= wanted;
        if is_new { Progress::Done } else { Progress::Rolling }
    }

    fn of_rollout(&self, spec: &Spec) -> Progress {
        if spec.restart_at.is_some() && spec.restart_at != self.restarted_at {
            return Progress::Rolling;
        }
        match self.phase.as_deref() {
            Some("Healthy") => Progress::Done,
            Some("Degraded") => Progress::Failed,
            _ => Progress::Rolling,
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::needless_pass_by_value, reason = "`json!` makes values")]

    use serde_json::{Value, json};

    use super::*;

    fn standing(kind: Kind, object: Value) -> Standing {
        let workload: Workload = serde_json::from_value(object).unwrap();
        workload.standing(kind, 3, "2026-11-25T12:00:00Z".parse().ok(), None)
    }

    fn progress(kind: Kind, spec: Value, status: Value) -> Progress {
        standing(kind, json!({ "spec": spec, "status": status })).progress
    }

    #[test]
    fn a_deployment_is_done_when_all_its_pods_are_new_and_available() {
        let spec = json!({ "replicas": 2 });
        let status = |observed: i64, replicas: i64, updated: i64, available: i64, reason: &str| {
            json!({
                "observedGeneration": observed, "replicas": replicas,
                "updatedReplicas": updated, "availableReplicas": available,
                "conditions": [{ "type": "Progressing", "status": "True", "reason": reason }],
            })
        };
        let updating = "ReplicaSetUpdated";
        for (status, expected) in [
            (status(3, 2, 2, 2, updating), Progress::Done),
            (status(2, 2, 2, 2, "NewReplicaSetAvailable"), Progress::Rolling),
            (status(3, 3, 2, 3, updating), Progress::Rolling),
            (status(3, 2, 2, 1, updating), Progress::Rolling),
            (status(3, 2, 1, 2, updating), Progress::Rolling),
            // The reason is that of the template before: with a pod more than wanted, with none
            // fewer, and with all pods stopped before new ones start.
            (status(3, 3, 1, 2, "NewReplicaSetAvailable"), Progress::Rolling),
            (status(3, 2, 1, 2, "NewReplicaSetAvailable"), Progress::Rolling),
            (status(3, 0, 0, 0, "NewReplicaSetAvailable"), Progress::Rolling),
            (status(3, 2, 2, 0, "NewReplicaSetAvailable"), Progress::Rolling),
            (status(3, 2, 2, 2, "NewReplicaSetAvailable"), Progress::Done),
            (status(3, 3, 1, 2, "ProgressDeadlineExceeded"), Progress::Failed),
        ] {
            assert_eq!(
                progress(Kind::Deployment, spec.clone(), status.clone()),
                expected,
                "{status}"
            );
        }
        assert_eq!(progress(Kind::Deployment, spec, json!(null)), Progress::Rolling);
    }

    /// The template was written at 12:00:00.
    #[test]
    fn a_reason_counts_only_for_the_template_that_it_was_written_for() {
        let of = |available: i64, reason: &str, written: &str| {
            let status = json!({
                "observedGeneration": 3, "replicas": 2,
                "updatedReplicas": 2, "availableReplicas": available,
                "conditions": [{ "type": "Progressing", "status": "True", "reason": reason,
                    "lastUpdateTime": format!("2026-11-25T{written}Z") }],
            });
            progress(Kind::Deployment, json!({ "replicas": 2 }), status)
        };
        let (done, late) = ("NewReplicaSetAvailable", "ProgressDeadlineExceeded");
        for before in ["11:00:00", "12:00:00"] {
            assert_eq!(of(1, done, before), Progress::Rolling, "{before}");
            assert_eq!(of(1, late, before), Progress::Rolling, "{before}");
            assert_eq!(of(2, late, before), Progress::Done, "{before}");
        }
        // A node that fails later is no rollout.
        assert_eq!(of(0, done, "12:00:01"), Progress::Done);
        assert_eq!(of(0, late, "12:00:01"), Progress::Failed);
    }

    #[test]
    fn other_kinds_tell_in_their_own_ways() {
        let set = |current: &str, update: &str| json!({ "observedGeneration": 3, "currentRevision": current, "updateRevision": update });
        let of = |status| progress(Kind::StatefulSet, json!({}), status);
        assert_eq!([of(set("a", "a")), of(set("a", "b"))], [Progress::Done, Progress::Rolling]);

        let set = |updated: i64, available: i64| {
            json!({ "observedGeneration": 3, "desiredNumberScheduled": 2,
                "updatedNumberScheduled": updated, "numberAvailable": available })
        };
        let of = |status| progress(Kind::DaemonSet, json!({}), status);
        assert_eq!(
            [of(set(2, 2)), of(set(1, 2)), of(set(2, 1))],
            [Progress::Done, Progress::Rolling, Progress::Rolling]
        );

        let status = |phase: &str, at: Value| json!({ "observedGeneration": "3", "phase": phase, "restartedAt": at });
        let spec = json!({ "restartAt": "2026-11-25T12:00:00Z" });
        let of = |status| progress(Kind::Rollout, spec.clone(), status);
        assert_eq!(of(status("Healthy", json!(null))), Progress::Rolling);
        assert_eq!(of(status("Healthy", json!("2026-11-25T12:00:00Z"))), Progress::Done);
        assert_eq!(of(status("Degraded", json!("2026-11-25T12:00:00Z"))), Progress::Failed);
    }

    #[test]
    fn what_nobody_would_roll_out_is_an_obstacle() {
        let of = |kind, spec: Value| standing(kind, json!({ "spec": spec })).obstacle;
        assert_eq!(of(Kind::Deployment, json!({ "paused": true })), Some(Obstacle::Paused));
        let on_delete = json!({ "updateStrategy": { "type": "OnDelete" } });
        assert_eq!(of(Kind::StatefulSet, on_delete.clone()), Some(Obstacle::OnDelete));
        assert_eq!(of(Kind::DaemonSet, on_delete), Some(Obstacle::OnDelete));
        let partition =
            |n: i64| json!({ "updateStrategy": { "rollingUpdate": { "partition": n } } });
        assert_eq!(of(Kind::StatefulSet, partition(2)), Some(Obstacle::Partition(2)));
        assert_eq!(of(Kind::StatefulSet, partition(0)), None);
        let elsewhere = of(
            Kind::Rollout,
            json!({ "workloadRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "a" } }),
        );
        let elsewhere = elsewhere.map(|it| (it.reason(), it.to_string()));
        let says = "its pod template is that of Deployment a: restart that".to_owned();
        assert_eq!(elsewhere, Some(("TemplateElsewhere", says)));
        let owned = Workload::default().standing(Kind::Deployment, 1, None, Some(("Kafka", "a")));
        assert_eq!(owned.obstacle.map(|it| it.reason()), Some("OwnedByController"));
        assert_eq!(of(Kind::Deployment, json!({ "updateStrategy": null })), None);
    }

    #[test]
    fn what_is_never_restarted_is_told_until_it_is_over() {
        for (kind, obstacle) in [
            (Kind::CronJob, Obstacle::NextRun),
            (Kind::Job, Obstacle::Job),
            (Kind::Pod, Obstacle::BarePod),
        ] {
            let it = standing(kind, json!({ "status": { "phase": "Running" } }));
            assert_eq!((it.obstacle, it.idle), (Some(obstacle), false));
            assert!(!kind.restarts());
        }
        let job =
            |owner| Workload::default().standing(Kind::Job, 1, None, Some((owner, "a"))).obstacle;
        assert_eq!(job("CronJob"), Some(Obstacle::Job));
        assert_eq!(job("Workflow").map(|it| it.reason()), Some("OwnedByController"));

        let over =
            |kind| json!({ "status": { "conditions": [{ "type": kind, "status": "True" }] } });
        assert!(standing(Kind::Job, over("Complete")).idle);
        assert!(standing(Kind::Job, over("Failed")).idle);
        assert!(!standing(Kind::Job, over("SuccessCriteriaMet")).idle);
        assert!(standing(Kind::Pod, json!({ "status": { "phase": "Succeeded" } })).idle);
        assert!(standing(Kind::CronJob, json!({ "spec": { "suspend": true } })).idle);
    }

    #[test]
    fn pods_are_counted_where_each_kind_tells_of_them() {
        let of = |kind, status: Value| {
            let workload: Workload = serde_json::from_value(json!({ "status": status })).unwrap();
            workload.pods(kind)
        };
        let status = json!({ "replicas": 5, "updatedReplicas": 2 });
        assert_eq!(of(Kind::Deployment, status), (5, 3));
        assert_eq!(of(Kind::StatefulSet, json!({ "replicas": 3 })), (3, 3));
        let status = json!({ "currentNumberScheduled": 4, "updatedNumberScheduled": 4 });
        assert_eq!(of(Kind::DaemonSet, status), (4, 0));
        assert_eq!(of(Kind::Job, json!({ "active": 2 })), (2, 0));
        assert_eq!(of(Kind::Pod, Value::Null), (1, 0));
        assert_eq!(of(Kind::CronJob, json!({ "active": [] })), (0, 0));
    }

    #[test]
    fn no_replicas_wanted_and_none_left_is_idle() {
        let idle = |replicas: i64| json!({ "spec": { "replicas": 0 }, "status": { "replicas": replicas } });
        assert!(standing(Kind::Deployment, idle(0)).idle);
        assert!(!standing(Kind::Deployment, idle(1)).idle);
        assert!(!standing(Kind::DaemonSet, idle(0)).idle);
    }
}
