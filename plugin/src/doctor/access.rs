//! What the caller may do of what the verbs need.

use super::{Check, Section, State};
use crate::cluster::kinds::{
    CLUSTER_SECRET_STORES, CONFIG_MAPS, CRON_JOBS, DAEMON_SETS, DEPLOYMENTS, EVENTS,
    EXTERNAL_SECRETS, INGRESSES, NAMESPACES, PODS, ROLLOUTS, SECRET_STORES, SECRETS, STATEFUL_SETS,
};
use crate::cluster::{Access, Cluster};

/// What a verb asks the cluster for.
struct Need {
    verb: &'static str,
    all: &'static [Access],
    /// Where there are Rollouts, this as well.
    rollouts: Option<Access>,
}

const LIST: Access = Access::to("list", &EXTERNAL_SECRETS);
const GET: Access = Access::to("get", &EXTERNAL_SECRETS);
const STORES: Access = Access::to("get", &SECRET_STORES);
const CLUSTER_STORES: Access = Access::to("get", &CLUSTER_SECRET_STORES);
const READ_SECRETS: Access = Access::to("get", &SECRETS);
const LIST_PODS: Access = Access::to("list", &PODS);
const DEPLOYED: Access = Access::to("list", &DEPLOYMENTS);
const STATEFUL: Access = Access::to("list", &STATEFUL_SETS);
const DAEMONS: Access = Access::to("list", &DAEMON_SETS);
const JOBS: Access = Access::to("list", &CRON_JOBS);
const ROLLED: Access = Access::to("list", &ROLLOUTS);

const NEEDS: &[Need] = &[
    Need { verb: "status", all: &[LIST], rollouts: None },
    Need {
        verb: "status NAME",
        all: &[
            GET,
            STORES,
            CLUSTER_STORES,
            READ_SECRETS,
            Access::to("list", &EVENTS),
            LIST_PODS,
            DEPLOYED,
            STATEFUL,
            DAEMONS,
            JOBS,
            Access::to("list", &INGRESSES),
        ],
        rollouts: Some(ROLLED),
    },
    Need { verb: "refresh", all: &[LIST, Access::to("patch", &EXTERNAL_SECRETS)], rollouts: None },
    Need {
        verb: "stale",
        all: &[Access::to("list", &SECRETS), LIST_PODS, DEPLOYED, STATEFUL, DAEMONS, JOBS],
        rollouts: Some(ROLLED),
    },
    Need {
        verb: "why",
        all: &[
            Access::to("get", &SECRETS),
            Access::to("get", &DEPLOYMENTS),
            LIST,
            LIST_PODS,
            Access::to("list", &EVENTS),
        ],
        rollouts: Some(Access::to("get", &ROLLOUTS)),
    },
    Need {
        verb: "restart",
        all: &[
            Access::to("patch", &DEPLOYMENTS),
            Access::to("patch", &STATEFUL_SETS),
            Access::to("patch", &DAEMON_SETS),
        ],
        rollouts: Some(Access::to("patch", &ROLLOUTS)),
    },
    Need {
        verb: "freeze",
        all: &[
            Access::to("get", &DEPLOYMENTS),
            Access::to("patch", &DEPLOYMENTS),
            Access::to("get", &STATEFUL_SETS),
            Access::to("patch", &STATEFUL_SETS),
            Access::to("get", &DAEMON_SETS),
            Access::to("patch", &DAEMON_SETS),
        ],
        rollouts: Some(Access::to("patch", &ROLLOUTS)),
    },
    Need {
        verb: "freeze externalsecret/NAME",
        all: &[GET, Access::to("patch", &EXTERNAL_SECRETS)],
        rollouts: None,
    },
    Need {
        verb: "freeze --namespaces",
        all: &[Access::to("get", &NAMESPACES), Access::to("patch", &NAMESPACES)],
        rollouts: None,
    },
    Need {
        verb: "consumers",
        all: &[LIST_PODS, DEPLOYED, STATEFUL, DAEMONS, JOBS, Access::to("list", &INGRESSES)],
        rollouts: Some(ROLLED),
    },
    Need {
        verb: "validate",
        all: &[
            LIST,
            Access::to("list", &SECRET_STORES),
            Access::to("list", &CLUSTER_SECRET_STORES),
        ],
        rollouts: None,
    },
    Need { verb: "scaffold --from-secret", all: &[READ_SECRETS], rollouts: None },
    Need {
        verb: "scaffold --from-workload",
        all: &[
            Access::to("get", &DEPLOYMENTS),
            Access::to("get", &STATEFUL_SETS),
            Access::to("get", &DAEMON_SETS),
            Access::to("get", &CRON_JOBS),
        ],
        rollouts: Some(Access::to("get", &ROLLOUTS)),
    },
    Need {
        verb: "render NAME",
        all: &[GET, STORES, CLUSTER_STORES, READ_SECRETS, Access::to("get", &CONFIG_MAPS)],
        rollouts: None,
    },
    Need { verb: "iam", all: &[LIST, STORES, CLUSTER_STORES], rollouts: None },
];

pub(super) fn look(cluster: &Cluster) -> Section {
    // Nobody needs a right to what is not there.
    let rollouts = cluster.serves(&ROLLOUTS).unwrap_or(false);
    let extra = NEEDS.iter().filter_map(|need| need.rollouts.filter(|_| rollouts));
    let mut all: Vec<Access> =
        NEEDS.iter().flat_map(|need| need.all).copied().chain(extra).collect();
    all.sort_unstable();
    all.dedup();
    let checks = match cluster.may(cluster.namespace(), &all) {
        Ok(answers) => {
            let denied: Vec<Access> =
                all.iter().zip(answers).filter(|(_, yes)| !yes).map(|(it, _)| *it).collect();
            judge(&denied, cluster.namespace())
        }
        Err(error) => {
            vec![Check::new("access", State::Unknown, "what you may do").and(error.short())]
        }
    };
    Section { title: "You", checks }
}

fn judge(denied: &[Access], namespace: &str) -> Vec<Check> {
    let mut able = Vec::new();
    let mut checks = Vec::new();
    for need in NEEDS {
        let missing: Vec<String> = need
            .all
            .iter()
            .chain(&need.rollouts)
            .filter(|it| denied.contains(it))
            .map(Access::words)
            .collect();
        if missing.is_empty() {
            able.push(need.verb);
            continue;
        }
        let text = format!("you may not do all that {} does in {namespace:?}", need.verb);
        let check = Check::new("access", State::Attention, text);
        checks.push(check.and(format!("missing: {}", missing.join(", "))));
    }
    if !able.is_empty() {
        let text = format!("you may do in {namespace:?} what these need: {}", able.join(", "));
        checks.insert(0, Check::new("access", State::Ok, text));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_for_each_verb() {
        let checks = judge(&[], "shop");
        assert_eq!(checks.len(), 1);
        assert_eq!(checks[0].state, State::Ok);
        let checks = judge(&[Access::to("list", &PODS)], "shop");
        assert!(
            checks[0].text.contains("status, refresh, restart, freeze, ")
                && checks[0].text.ends_with("render NAME, iam"),
            "{checks:?}"
        );
        assert_eq!(checks[1].details, ["missing: list pods"]);
        assert_eq!(checks.len(), 5);
        let checks = judge(&[Access::to("patch", &ROLLOUTS)], "shop");
        assert_eq!(checks[1].details, ["missing: patch rollouts.argoproj.io"]);
    }
}
