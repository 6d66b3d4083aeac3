//! The flags of `doctor`.

use clap::Args;

use super::{ClusterArgs, Format};

/// Look at everything that syncing needs, on one page.
///
/// Looks at the API server (version, clock, encryption at rest), the definitions and their versions,
/// who reconciles (External Secrets Operator, extsecret-controller, kubernetes-external-secrets,
/// Reloader) and whether several do the same work, their health, stores and ExternalSecrets, and at
/// what you may do. What could not be looked at is told in its place. No Secret is read.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Is everything there, and does it run?
  kubectl extsecret doctor

  # For a program, or a report of a bug
  kubectl extsecret doctor -o json

Exit codes: 0 no problem found, 1 some (marked X), 2 could not run.")]
pub(crate) struct DoctorArgs {
    /// Output format, if not for people
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
