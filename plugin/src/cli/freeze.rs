//! The flags of `freeze` and `unfreeze`.

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use jiff::Timestamp;
use std::time::Duration;

use super::{ClusterArgs, DryRun};
use crate::complete::live;
use crate::restarts::freeze::Which;

/// Hold restarts because of changed Secrets back.
///
/// Sets the annotation extsecret.io/restart-freeze on a workload, on an ExternalSecret or its Secret (then
/// nothing restarts for that one), or on a namespace. extsecret-controller restarts nothing that is frozen;
/// what would have restarted waits, and restarts when the freeze is over. Values are synced all the while,
/// and restarts that a person asks for are not held back. A freeze is never made shorter: the latest of
/// workload, namespace, Secret, ExternalSecret and controller (--restart-freeze-until) counts.
///
/// A change of an ExternalSecret's annotations makes its controller fetch the values once.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # No restarts of one workload for two hours, of a namespace until Monday
  kubectl extsecret freeze deployment/api --for 2h --reason 'load test'
  kubectl extsecret freeze --namespaces shop --until 2027-01-04T06:00:00Z

  # Nobody restarts for this Secret until somebody unfreezes it
  kubectl extsecret freeze externalsecret/db

  # All workloads of an application: what would that be?
  kubectl extsecret freeze -l app=shop --for 2h --dry-run

Exit codes: 0 frozen, 1 some is not, 2 could not run.")]
pub(crate) struct FreezeArgs {
    #[command(flatten)]
    pub(crate) which: FrozenArgs,

    /// For how long, such as 30m or 2h [default: until somebody unfreezes it]
    #[arg(long = "for", value_name = "DURATION", value_parser = super::cluster::duration)]
    pub(crate) duration: Option<Duration>,

    /// Until when (RFC 3339), such as 2027-01-04T06:00:00Z
    #[arg(long, value_name = "TIME", conflicts_with = "duration")]
    pub(crate) until: Option<Timestamp>,

    /// Why, for whoever finds it frozen
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: Option<String>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Let restarts because of changed Secrets go on.
///
/// Takes the annotation extsecret.io/restart-freeze away. Says what still holds restarts back, and which
/// workloads have waited: these may restart at once.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # What has waited, and would restart?
  kubectl extsecret unfreeze deployment/api --dry-run
  kubectl extsecret unfreeze deployment/api

  # All workloads of an application, a whole namespace
  kubectl extsecret unfreeze -l app=shop
  kubectl extsecret unfreeze --namespaces shop

Exit codes: 0 not frozen, 1 some may be, 2 could not run.")]
pub(crate) struct UnfreezeArgs {
    #[command(flatten)]
    pub(crate) which: FrozenArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Which objects, and how.
#[derive(Args, Debug)]
pub(crate) struct FrozenArgs {
    /// Kind and name: a workload such as deployment/api, externalsecret/db, secret/db or
    /// namespace/shop; with -l only the kind
    #[arg(value_name = "KIND/NAME", add = ArgValueCandidates::new(live::freezable))]
    pub(crate) objects: Vec<Which>,

    /// Objects with these labels, such as app=shop; without a kind: workloads
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "namespaces")]
    pub(crate) selector: Option<String>,

    /// Whole namespaces; may be repeated
    #[arg(
        long,
        value_name = "NAMESPACE",
        value_delimiter = ',',
        conflicts_with = "objects",
        add = ArgValueCandidates::new(live::namespaces)
    )]
    pub(crate) namespaces: Vec<String>,

    /// Only to say that it is not how namespaces are named here.
    #[arg(short = 'A', long, hide = true)]
    pub(crate) all_namespaces: bool,

    /// Change nothing: say what would be done (client), or have the API server check it (server)
    #[arg(
        long,
        value_enum,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "client"
    )]
    pub(crate) dry_run: Option<DryRun>,

    /// Print only the names of the objects
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<NameFormat>,
}

/// The only format that there is besides text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameFormat {
    Name,
}

impl FrozenArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        if self.all_namespaces {
            let message = "-A is too much for one word: name the namespaces, as in `--namespaces \
                           shop,web`; what holds back all restarts of a cluster is the \
                           controller's flag --restart-freeze-until";
            return Err((ErrorKind::ArgumentConflict, message.to_owned()));
        }
        let named = self.objects.iter().filter(|it| it.name.is_some()).count();
        match &self.selector {
            Some(_) if named > 0 => {
                let message = "-l says which objects: with it name only kinds, as in `-l app=shop \
                               externalsecrets`";
                Err((ErrorKind::ArgumentConflict, message.to_owned()))
            }
            None if named < self.objects.len() => {
                let message = "a kind alone names no object: KIND/NAME does, as in \
                               deployment/api, or -l app=shop with the kind";
                Err((ErrorKind::ValueValidation, message.to_owned()))
            }
            None if self.objects.is_empty() && self.namespaces.is_empty() => {
                let message = "which objects? A workload, as in deployment/api; what one Secret \
                               restarts, as in externalsecret/db; all workloads with a label, as \
                               in -l app=shop; or whole namespaces, as in --namespaces shop. \
                               `kubectl extsecret doctor` shows what is frozen";
                Err((ErrorKind::MissingRequiredArgument, message.to_owned()))
            }
            _ => Ok(()),
        }
    }
}
