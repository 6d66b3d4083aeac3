//! The flags of `rollback`.

use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::render::AwsArgs;
use super::{ChangeArgs, ClusterArgs};
use crate::complete::live;

/// Have a Secret hold an older version of its values again.
///
/// Pins what the ExternalSecret reads of one secret of AWS to the version before the current one, or to
/// --to: its version id is written into remoteRef.version, and the controller fetches that. Asks AWS with
/// your own credentials for ids of versions, never for a value. Shows what changes and asks
/// before it changes anything. To restart workloads is the controller's work, or `restart`'s: --wait says
/// who restarts.
///
/// A pin stays until --undo takes it away: new versions are not synced meanwhile. What a tool applies from
/// Git or a chart comes back with its next sync: -o yaml prints the manifest to commit instead.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # The new password does not work: what would change, and go back
  kubectl extsecret rollback db --dry-run
  kubectl extsecret rollback db --wait

  # To a version of which the id is known; of one of several secrets
  kubectl extsecret rollback db --to 8e2f1c1a-6a8f-4f1f-9c0a-3d1b5a7e2c11 --key app/db

  # Follow the current version again
  kubectl extsecret rollback db --undo

Exit codes: 0 pinned, and with --wait synced; 1 it is not; 2 could not run; 124 with --wait: not synced
in time.")]
pub(crate) struct RollbackToArgs {
    /// Name of the ExternalSecret
    #[arg(value_name = "EXTERNALSECRET", add = ArgValueCandidates::new(live::external_secrets))]
    pub(crate) name: String,

    /// previous, or a version id: a number for Parameter Store
    #[arg(long, value_name = "VERSION", default_value = "previous", conflicts_with = "undo")]
    pub(crate) to: String,

    /// The secret of AWS, if the ExternalSecret reads several; may be repeated
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<String>,

    /// Take pins of version ids away
    #[arg(long)]
    pub(crate) undo: bool,

    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

    /// Change nothing, and print the manifest as it would be, without its status
    #[arg(
        short,
        long,
        value_enum,
        value_name = "FORMAT",
        conflicts_with_all = ["wait", "dry_run", "yes"]
    )]
    pub(crate) output: Option<YamlFormat>,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// The format of manifests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum YamlFormat {
    Yaml,
}
