//! The flags of `render`.

use std::path::PathBuf;

use clap::Args;
use clap::error::ErrorKind;

use super::{ClusterArgs, Format};

const EXAMPLES: &str = "\
Examples:
  # What Secret does this manifest make? Values from a file, no cluster and no AWS
  kubectl extsecret render -f externalsecret.yaml --values values.yaml

  # The same with the values that AWS has now, read with your own credentials
  kubectl extsecret render -f externalsecret.yaml -f store.yaml

  # What would change in the cluster? Exit code 1 if anything would
  kubectl extsecret render db -n app --diff

  # A file of values: names of secrets, and their text or what their JSON says
  #   app/db: {user: app, password: s3cret}
  #   app/token: abc
  #   app/token@AWSPREVIOUS: old

Values are shown by their length and a short hash, unless --show-values is given. The hash has
another key in each run: equal hashes in one output are equal values, and tell nothing else.

Exit codes: 0 rendered (with --diff: no difference), 1 something could not be rendered (with
--diff: or differs), 2 could not run.";

/// Show the Secret that an ExternalSecret makes, before anything is applied.
///
/// Uses the engine that the controller syncs with. The ExternalSecret comes from files (-f) or from
/// the cluster (NAME), the values from a file (--values) or from AWS with your own credentials.
/// Other objects that it names are taken from the same files first. Nothing is
/// written anywhere.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct RenderArgs {
    /// Name of an ExternalSecret in the cluster; may be repeated
    #[arg(value_name = "NAME", required_unless_present = "filename")]
    pub(crate) names: Vec<String>,

    /// File or directory with manifests, or - for stdin; may be repeated
    #[arg(
        short,
        long,
        value_name = "FILENAME",
        value_delimiter = ',',
        conflicts_with = "names",
        value_hint = clap::ValueHint::AnyPath
    )]
    pub(crate) filename: Vec<PathBuf>,

    /// Read the directories in -f recursively
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,

    #[command(flatten)]
    pub(crate) values: ValueArgs,

    /// Compare with the Secret in the cluster, key by key
    #[arg(long)]
    pub(crate) diff: bool,

    /// Print values as they are
    #[arg(long)]
    pub(crate) show_values: bool,

    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// What begins an action in a template, as the controller is configured
    #[arg(long, value_name = "TEXT", default_value = "{{", hide_default_value = true)]
    pub(crate) template_left_delimiter: String,

    /// What ends an action in a template
    #[arg(long, value_name = "TEXT", default_value = "}}", hide_default_value = true)]
    pub(crate) template_right_delimiter: String,

    #[command(flatten)]
    pub(crate) aws: AwsArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Where AWS is, by the variables that the controller reads, too.
#[derive(Args, Debug)]
pub(crate) struct AwsArgs {
    #[arg(long, hide = true, env = "AWS_SECRETSMANAGER_ENDPOINT")]
    pub(crate) aws_secretsmanager_endpoint: Option<String>,

    #[arg(long, hide = true, env = "AWS_SSM_ENDPOINT")]
    pub(crate) aws_ssm_endpoint: Option<String>,
}

#[derive(Args, Debug)]
#[command(next_help_heading = "Values")]
pub(crate) struct ValueArgs {
    /// YAML or JSON file that maps names of secrets to their values; no store is asked
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) values: Option<PathBuf>,

    /// The value of a secret is the content of a file, whatever its bytes; may be repeated
    #[arg(long, value_name = "NAME=FILE")]
    pub(crate) value_file: Vec<String>,
}

impl ValueArgs {
    /// True when the values come from files alone.
    pub(crate) fn offline(&self) -> bool {
        self.values.is_some() || !self.value_file.is_empty()
    }

    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        let broken = self.value_file.iter().find(|it| {
            it.split_once('=').is_none_or(|(name, file)| name.is_empty() || file.is_empty())
        });
        match broken {
            None => Ok(()),
            Some(broken) => {
                let message = format!("--value-file {broken:?} is not NAME=FILE");
                Err((ErrorKind::ValueValidation, message))
            }
        }
    }
}

impl RenderArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        self.values.check()?;
        if self.template_left_delimiter.is_empty() || self.template_right_delimiter.is_empty() {
            let message = "a template delimiter cannot be empty".to_owned();
            return Err((ErrorKind::ValueValidation, message));
        }
        let stdin = |path: &PathBuf| path.as_os_str() == "-";
        if self.values.values.as_ref().is_some_and(stdin) && self.filename.iter().any(stdin) {
            let message = "-f and --values cannot both read stdin".to_owned();
            return Err((ErrorKind::ArgumentConflict, message));
        }
        Ok(())
    }
}
