//! The flags of `refresh`.

use clap::{ArgGroup, Args};
use clap_complete::engine::ArgValueCandidates;

use super::{ChangeArgs, ClusterArgs};
use crate::complete::live;

const EXAMPLES: &str = "\
Examples:
  # Fetch the values of one again, and wait until that is done
  kubectl extsecret refresh db --wait

  # All of an application, all of a namespace
  kubectl extsecret refresh -l app=shop
  kubectl extsecret refresh --all -n shop

Exit codes: 0 asked for, and with --wait done; 1 with --wait: some fetch failed; 2 could not run;
124 with --wait: not done in time.";

/// Have the values of ExternalSecrets fetched again now.
///
/// Sets the annotation force-sync, which is a change that External Secrets Operator and
/// extsecret-controller answer with a fetch. Without a template in the ExternalSecret, they copy the
/// annotation to the Secret.
///
/// With --wait says which version the Secret had and has: the beginning of the hash of its data, so
/// that a value that changed is seen, and none is shown. It waits a minute for all of them, unless
/// --timeout says otherwise.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("which").required(true).args(["names", "selector", "all"])
)]
pub(crate) struct RefreshArgs {
    /// Name of an ExternalSecret; may be repeated
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(live::external_secrets))]
    pub(crate) names: Vec<String>,

    /// Those with these labels, such as app=shop
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub(crate) selector: Option<String>,

    /// All of the namespace
    #[arg(long)]
    pub(crate) all: bool,

    /// With -l or --all: those of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["names", "namespace"])]
    pub(crate) all_namespaces: bool,

    #[command(flatten)]
    pub(crate) change: ChangeArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
