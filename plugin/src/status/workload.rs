//! A workload as people name it: `deployment/api`, `sts/db`.

use std::str::FromStr;

use extsecret_restart::kinds;

use super::consumers::{WORKLOADS, Workload};
use crate::cluster::kinds::{CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, Kind, ROLLOUTS, STATEFUL_SETS};
use crate::cluster::{Cluster, Unread};

/// Kind and name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) kind: Kind,
    pub(crate) name: String,
}

impl FromStr for Named {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = || "not like deployment/NAME, statefulset/NAME, daemonset/NAME, rollout/NAME or cronjob/NAME";
        let (kind, name) = text.split_once('/').ok_or_else(known)?;
        let kind = kind.to_lowercase();
        // `deployments.apps`, as kubectl prints it.
        let kind = kind.split('.').next().unwrap_or_default();
        let kind = match kind {
            "deploy" => DEPLOYMENTS,
            "sts" => STATEFUL_SETS,
            "ds" => DAEMON_SETS,
            "cj" => CRON_JOBS,
            "ro" => ROLLOUTS,
            _ => {
                let is_it = |it: &&Kind| it.plural == kind || it.kind.to_lowercase() == kind;
                *WORKLOADS.iter().find(is_it).ok_or_else(known)?
            }
        };
        if name.is_empty() {
            return Err(known().to_owned());
        }
        Ok(Self { kind, name: name.to_owned() })
    }
}

impl Named {
    /// `Deployment shop/api`.
    pub(crate) fn words(&self, namespace: &str) -> String {
        format!("{} {namespace}/{}", self.kind.kind, self.name)
    }

    /// Whether its pods are made anew when somebody asks for it.
    pub(crate) fn restarts(&self) -> bool {
        kinds::Kind::ALL.iter().any(|it| it.name() == self.kind.kind && it.restarts())
    }

    /// The workload; `None` if there is none.
    pub(crate) fn get(
        &self,
        cluster: &Cluster,
        namespace: &str,
    ) -> Result<Option<Workload>, Unread> {
        cluster.get(&self.kind, Some(namespace), &self.name)
    }

    /// The same, where there has to be one.
    pub(crate) fn need(&self, cluster: &Cluster, namespace: &str) -> anyhow::Result<Workload> {
        let found = self.get(cluster, namespace)?;
        found.ok_or_else(|| {
            anyhow::anyhow!("there is no {}; -n chooses another namespace", self.words(namespace))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_named_as_for_kubectl() {
        for (text, kind) in [
            ("deployment/api", DEPLOYMENTS),
            ("deploy/api", DEPLOYMENTS),
            ("deployment.apps/api", DEPLOYMENTS),
            ("StatefulSet/api", STATEFUL_SETS),
            ("ds/api", DAEMON_SETS),
            ("cronjobs/api", CRON_JOBS),
            ("rollout.argoproj.io/api", ROLLOUTS),
            ("ro/api", ROLLOUTS),
        ] {
            assert_eq!(text.parse(), Ok(Named { kind, name: "api".to_owned() }), "{text}");
        }
        for text in ["api", "pod/api", "deployment/", "/api"] {
            assert!(text.parse::<Named>().is_err(), "{text}");
        }
    }
}
