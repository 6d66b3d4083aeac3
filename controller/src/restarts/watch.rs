//! The watches of workloads.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use extsecret_restart::kinds::Kind;
use futures::StreamExt as _;
use kube::{Api, Client, Resource as _};
use kube_runtime::WatchStreamExt as _;
use kube_runtime::watcher::{self, Event, watcher};
use tokio::sync::watch;

use super::seen::{Seen, resource};
use super::state::{State, id};
use crate::apply::explain_watch;
use crate::metrics::Metrics;

/// How often it is asked whether there are Rollouts now.
const ASK_AGAIN: Duration = Duration::from_mins(1);

/// Where Rollouts are defined.
const ROLLOUTS: &str = "argoproj.io/v1alpha1";

/// Pods that carry no mark of what makes pods of a template: those that are left nobody else tells of.
const BARE_PODS: &str = "!pod-template-hash,!rollouts-pod-template-hash,!controller-revision-hash,\
    !job-name,!batch.kubernetes.io/job-name";

/// What the watches of workloads need.
#[derive(Clone)]
pub(crate) struct WorkloadWatches {
    pub(crate) client: Client,
    pub(crate) state: Arc<State>,
    pub(crate) metrics: Arc<Metrics>,
    /// The only namespace, if there is one.
    pub(crate) namespace: Option<String>,
}

impl WorkloadWatches {
    /// Starts them, and says which are listed. Rollouts are watched as soon as the cluster has them;
    /// what is only told of keeps nobody waiting.
    pub(crate) fn start(&self) -> Vec<(&'static str, watch::Receiver<bool>)> {
        let rollouts = self.clone();
        tokio::spawn(async move {
            while !rollouts.has_rollouts().await {
                tokio::time::sleep(ASK_AGAIN).await;
            }
            drop(rollouts.follow(Kind::Rollout));
        });
        for told in [Kind::CronJob, Kind::Job, Kind::Pod] {
            drop(self.follow(told));
        }
        let kinds = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet];
        kinds.map(|kind| (kind.name(), self.follow(kind))).into()
    }

    async fn has_rollouts(&self) -> bool {
        let found = self.client.list_api_group_resources(ROLLOUTS).await;
        found.is_ok_and(|found| found.resources.iter().any(|it| it.name == "rollouts"))
    }

    fn follow(&self, kind: Kind) -> watch::Receiver<bool> {
        let (to, listed) = watch::channel(false);
        let this = self.clone();
        let resource = resource(kind);
        let api: Api<Seen> = match &this.namespace {
            Some(namespace) => Api::namespaced_with(this.client.clone(), namespace, &resource),
            None => Api::all_with(this.client.clone(), &resource),
        };
        tokio::spawn(async move {
            let mut seen = BTreeSet::new();
            let mut troubled = false;
            let config = match kind {
                Kind::Pod => watcher::Config::default().labels(BARE_PODS),
                _ => watcher::Config::default(),
            };
            let mut events = std::pin::pin!(watcher(api, config).default_backoff());
            while let Some(event) = events.next().await {
                // A list that is about to be asked for is no answer yet.
                let is_answer = event.as_ref().is_ok_and(|it| !matches!(it, Event::Init));
                if is_answer && std::mem::take(&mut troubled) {
                    tracing::info!(kind = kind.name(), "the watch goes on");
                }
                match event {
                    Ok(Event::Init) => seen.clear(),
                    Ok(Event::InitApply(object)) => {
                        seen.insert(id(kind, object.meta()));
                        this.state.put_workload(kind, object);
                    }
                    Ok(Event::InitDone) => {
                        for gone in this.state.unseen(kind, &seen) {
                            this.state.remove_workload(&gone);
                        }
                        seen = BTreeSet::new();
                        to.send_replace(true);
                    }
                    Ok(Event::Apply(object)) => this.state.put_workload(kind, object),
                    Ok(Event::Delete(object)) => {
                        this.state.remove_workload(&id(kind, object.meta()));
                    }
                    Err(error) => {
                        this.metrics.watch_restarted(kind.name());
                        if !std::mem::replace(&mut troubled, true) {
                            let cause = explain_watch(&error);
                            tracing::warn!(kind = kind.name(), cause, "the watch was interrupted");
                        }
                    }
                }
            }
        });
        listed
    }
}
