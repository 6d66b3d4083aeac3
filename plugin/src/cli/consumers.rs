//! The flags of `consumers` and `stale`.

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{ClusterArgs, Format};
use crate::complete::live;

/// Show which workloads use a Secret, and how.
///
/// Looks at the pod templates of the namespace: variables, files of volumes, files by subPath, and
/// what only names the Secret. Tells pods that started before the Secret was last written, and keys
/// that are missing. Of the Secret only the metadata is read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Who reads this Secret, and what of it?
  kubectl extsecret consumers database

  # For a program
  kubectl extsecret consumers database -o json

Exit codes: 0 shown, 2 could not run.")]
pub(crate) struct ConsumersArgs {
    /// Name of the Secret
    #[arg(value_name = "SECRET", add = ArgValueCandidates::new(live::secrets))]
    pub(crate) secret: String,

    /// Output format, if not for people
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// List workloads whose pods still have an older value.
///
/// Those are pods with a container that started before what it reads of a managed Secret, as a variable
/// or as a file by subPath, was last written: neither changes while it runs. A container that was
/// started again in its pod has read both anew. A write that changed another key of the same author,
/// or only labels, counts as well: that the API server does not tell apart. Only metadata of Secrets
/// is read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Who has to be restarted after a rotation?
  kubectl extsecret stale
  kubectl extsecret stale -A --exit-code

Exit codes: 0 shown, 1 with --exit-code: there are some, 2 could not run.")]
pub(crate) struct StaleArgs {
    /// Workloads of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,

    /// Output format, if not a table
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// Do not print the headers of the table
    #[arg(long)]
    pub(crate) no_headers: bool,

    /// End with exit code 1 if there are any
    #[arg(long)]
    pub(crate) exit_code: bool,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
