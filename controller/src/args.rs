//! The flags, named as External Secrets Operator's where they mean the same.

use std::time::Duration;

use clap::{ArgAction, Parser};
use extsecret_crds::duration::GoDuration;

use crate::http::Address;
use crate::logs::{LogFormat, LogLevel};
use crate::restarts::RestartArgs;

/// Keeps Secrets in sync with what their ExternalSecrets ask AWS Secrets Manager and Parameter Store
/// for.
///
/// The cluster is that of KUBECONFIG, or the one this runs in. Flags that are named as those of
/// External Secrets Operator mean the same. AWS is reached with the SDK's default credentials unless
/// a store names others; AWS_SECRETSMANAGER_ENDPOINT, AWS_SSM_ENDPOINT, AWS_STS_ENDPOINT and
/// AWS_SQS_ENDPOINT replace its addresses.
#[expect(clippy::doc_markdown, reason = "they are help texts")]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[derive(Clone, Debug, Parser)]
#[command(name = "extsecret-controller", version)]
pub(crate) struct Args {
    /// Objects that are worked on at once, besides those that wait for AWS
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) concurrent: u16,

    /// Class of this controller: stores of other classes, and what uses them, are left alone
    #[arg(long, default_value = "default", value_name = "CLASS")]
    pub(crate) controller_class: String,

    /// Work in this namespace only, and with the permissions of a Role
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,

    /// How often a store is checked that does not say so itself
    #[arg(long, default_value = "5m", value_name = "DURATION", value_parser = duration)]
    pub(crate) store_requeue_interval: Duration,

    /// Use ClusterSecretStores
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) enable_cluster_store_reconciler: bool,

    /// Make ExternalSecrets for ClusterExternalSecrets; never with --namespace
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) enable_cluster_external_secret_reconciler: bool,

    /// Check SecretStores and ClusterSecretStores
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) enable_secret_store_reconciler: bool,

    /// An ExternalSecret waits until its store is ready
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) enable_flood_gate: bool,

    /// Take over Secrets that nothing controls, as External Secrets Operator does; with false they are
    /// left alone and the ExternalSecret says so
    #[arg(long, default_value_t = true, action = ArgAction::Set, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) adopt_secrets: bool,

    /// With refreshInterval 0, never fetch again even if the ExternalSecret changes, as External
    /// Secrets Operator does
    #[arg(long)]
    pub(crate) freeze_interval_zero: bool,

    /// Do not write status.refreshTime when nothing else changes; after a restart, values are fetched
    /// again sooner for it
    #[arg(long)]
    pub(crate) lazy_refresh_time: bool,

    /// The SQS queue to which EventBridge sends changes of secrets and parameters: they are synced within
    /// a second instead of at the next refresh. It is read with the process's own AWS credentials
    #[arg(long, value_name = "URL")]
    pub(crate) events_queue_url: Option<String>,

    /// Work only while holding a Lease, so that several replicas may run
    #[arg(long, action = ArgAction::Set, default_value_t = false, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL")]
    pub(crate) enable_leader_election: bool,

    /// The Lease
    #[arg(long, default_value = "extsecret-controller", value_name = "NAME")]
    pub(crate) leader_election_id: String,

    /// The namespace of the Lease [default: the one this runs in]
    #[arg(long, value_name = "NAMESPACE")]
    pub(crate) leader_election_namespace: Option<String>,

    /// The pod that this runs in, which stands for it in the Lease
    #[arg(long, env = "POD_UID", hide = true)]
    pub(crate) pod_uid: Option<String>,

    #[command(flatten)]
    pub(crate) restart: RestartArgs,

    /// What templates begin actions with
    #[arg(long, default_value = "{{", value_name = "TEXT")]
    pub(crate) template_left_delimiter: String,

    /// What templates end actions with
    #[arg(long, default_value = "}}", value_name = "TEXT")]
    pub(crate) template_right_delimiter: String,

    /// Where /metrics is served
    #[arg(long, default_value = ":8080", value_name = "ADDRESS")]
    pub(crate) metrics_addr: Address,

    /// Where /healthz and /readyz are served
    #[arg(long, default_value = ":8082", value_name = "ADDRESS")]
    pub(crate) live_addr: Address,

    /// How much is logged
    #[arg(long, value_enum, default_value_t, value_name = "LEVEL")]
    pub(crate) loglevel: LogLevel,

    /// How it is logged
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(crate) log_format: LogFormat,

    /// Where Secrets Manager is, instead of AWS's own address
    #[arg(long, env = "AWS_SECRETSMANAGER_ENDPOINT", hide = true)]
    pub(crate) secrets_manager_endpoint: Option<String>,

    /// Where Parameter Store is
    #[arg(long, env = "AWS_SSM_ENDPOINT", hide = true)]
    pub(crate) parameter_store_endpoint: Option<String>,

    /// Where the Simple Queue Service is
    #[arg(long, env = "AWS_SQS_ENDPOINT", hide = true)]
    pub(crate) sqs_endpoint: Option<String>,

    /// Where the Security Token Service is
    #[arg(long, env = "AWS_STS_ENDPOINT", hide = true)]
    pub(crate) sts_endpoint: Option<String>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration: GoDuration = text.parse().map_err(|error| format!("{error}"))?;
    let duration = duration.to_std().filter(|duration| !duration.is_zero());
    duration.ok_or_else(|| "give a time above zero, such as 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn flags_are_consistent_and_read_as_go_reads_them() {
        Args::command().debug_assert();
        let args = Args::try_parse_from([
            "x",
            "--enable-flood-gate=false",
            "--store-requeue-interval",
            "90s",
        ]);
        let args = args.unwrap();
        assert!(!args.enable_flood_gate && args.enable_secret_store_reconciler);
        assert_eq!(args.store_requeue_interval, Duration::from_secs(90));
        assert!(Args::try_parse_from(["x", "--concurrent", "0"]).is_err());
        let args = Args::try_parse_from(["x", "--restart-rollout-deadline", "90s"]).unwrap();
        assert_eq!(args.restart.deadline().as_secs(), 90);
        assert!(Args::try_parse_from(["x", "--restart-window", "at night"]).is_err());
        assert!(Args::try_parse_from(["x", "--store-requeue-interval", "-1s"]).is_err());
    }
}
