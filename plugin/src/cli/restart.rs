//! The flags of `why` and `restart`.

use clap::{ArgGroup, Args};
use clap_complete::engine::ArgValueCandidates;

use super::{ChangeArgs, ClusterArgs, Format};
use crate::complete::live;
use crate::status::workload::Named;

/// Explain why a workload restarts because of a Secret, or does not.
///
/// Shows which Secrets its pods read, when each was last written, how many pods started before that,
/// and who makes it; whether a change of it restarts the workload and who has said so; who restarts
/// workloads in this cluster, what is in the way, and when it was restarted last. Only metadata of
/// Secrets is read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The password was rotated an hour ago: why does this run with the old one?
  kubectl extsecret why deployment/api

  # For a program
  kubectl extsecret why statefulset/db -o json

Exit codes: 0 shown, 2 could not run.")]
pub(crate) struct WhyArgs {
    /// Kind and name, such as deployment/api, statefulset/db, daemonset/agent, rollout/web or
    /// cronjob/report
    #[arg(value_name = "WORKLOAD", add = ArgValueCandidates::new(live::workloads))]
    pub(crate) workload: Named,

    /// Output format, if not for people
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Restart workloads, so that their pods read what Secrets hold now.
///
/// Changes the pod template as `kubectl rollout restart` does; how pods are replaced is up to the
/// workload. An Argo Rollout gets spec.restartAt, as `kubectl argo rollouts restart` sets it: no canary
/// steps. A workload that is paused, that waits for its pods to be deleted, that another object
/// controls, or that is a cron job is left alone, and said why.
///
/// With --secret restarts those that keep what they read of a Secret, with --stale those of which some
/// pod is older than a managed Secret that it reads: in the order of their waves (annotation
/// extsecret.io/restart-wave). With --wait one wave has ended before the next begins; it waits
/// ten minutes for each workload, unless --timeout says otherwise.
#[derive(Args, Debug)]
#[command(
    after_help = "\
Examples:
  # Restart one, and wait for its new pods
  kubectl extsecret restart deployment/api --wait

  # All that read a Secret; all that have an older value. What would that be?
  kubectl extsecret restart --secret database --dry-run
  kubectl extsecret restart --stale --wait

Exit codes: 0 restarted, and with --wait rolled out; 1 some was not; 2 could not run; 124 with --wait:
not done in time.",
    group = ArgGroup::new("which").required(true).args(["workloads", "secret", "stale"])
)]
pub(crate) struct RestartArgs {
    /// Kind and name, such as deployment/api; may be repeated
    #[arg(value_name = "WORKLOAD", add = ArgValueCandidates::new(live::workloads))]
    pub(crate) workloads: Vec<Named>,

    /// Those that read this Secret as variables or by subPath
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::secrets))]
    pub(crate) secret: Option<String>,

    /// Those whose pods are older than a managed Secret that they read
    #[arg(long)]
    pub(crate) stale: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
