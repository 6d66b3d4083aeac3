//! The flags of `validate`.

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;
use extsecret_manifest::diagnostic::Code;

use super::{ClusterArgs, ObjectsArgs};

const EXAMPLES: &str = "\
Examples:
  # Is this right, before it is applied?
  kubectl extsecret validate -f externalsecret.yaml

  # A folder, what kustomize makes of one, what another command prints
  kubectl extsecret validate -R -f apps
  kubectl extsecret validate -k overlays/production
  kubectl get externalsecrets,secretstores -A -o yaml | kubectl extsecret validate -f -

  # What is in the cluster
  kubectl extsecret validate -A

  # Would this cluster take it? Nothing is changed
  kubectl extsecret validate -R -f apps --dry-run=server

  # Correct misspelt fields and missing quotes
  kubectl extsecret validate -R -f apps --fix

  # In CI: annotations of a pull request, or a report for code scanning
  kubectl extsecret validate -R -f apps -o github
  kubectl extsecret validate -R -f apps -o sarif > extsecret.sarif

  # What does a code mean?
  kubectl extsecret explain L08

Exit codes: 0 no errors (with --strict: no warnings either), 1 some, 2 could not run.";

/// Find mistakes in manifests before they are applied.
///
/// Checks the kinds ExternalSecret, ClusterExternalSecret, SecretStore and ClusterSecretStore of
/// external-secrets.io/v1: what the API server would refuse or drop, what the admission webhook
/// would refuse, and what is accepted and surprises later. Objects of kubernetes-external-secrets
/// are checked, too: would they migrate? No provider is asked, and no cluster if there are files,
/// unless --dry-run=server says so.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ValidateArgs {
    #[command(flatten)]
    pub(crate) objects: ObjectsArgs,

    /// Also check by the definitions of the cluster, and have its API server try to apply each object
    /// that has no errors, and those of kubernetes-external-secrets if it serves their kind
    #[arg(long, value_name = "WHERE", require_equals = true, value_parser = ["server"])]
    pub(crate) dry_run: Option<String>,

    /// Correct in the files what can only be meant in one way: misspelt fields, missing quotes
    #[arg(long, requires = "filename")]
    pub(crate) fix: bool,

    /// How findings are written: for people to stderr, for programs to stdout
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t)]
    pub(crate) output: Format,

    /// Warnings count as errors
    #[arg(long)]
    pub(crate) strict: bool,

    /// Hide warnings and infos
    #[arg(short, long, conflicts_with = "strict")]
    pub(crate) quiet: bool,

    /// Hide one warning or info, by its code; may be repeated
    #[arg(
        long,
        value_name = "CODE",
        value_delimiter = ',',
        value_parser = super::migrate::hideable,
        add = ArgValueCandidates::new(super::codes)
    )]
    pub(crate) suppress: Vec<&'static Code>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// For whom findings are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people, with the lines
    #[default]
    Text,
    /// For programs
    Json,
    /// For code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

impl ValidateArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        self.objects.check()
    }
}
