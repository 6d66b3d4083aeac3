//! The flags of `scaffold`.

use clap::builder::PossibleValue;
use clap::error::ErrorKind;
use clap::{ArgGroup, Args, ValueEnum};
use clap_complete::engine::ArgValueCandidates;

use super::ClusterArgs;
use super::render::AwsArgs;
use crate::complete::live;
use crate::scaffold::Auth;

const EXAMPLES: &str = "\
Examples:
  # Ask me
  kubectl extsecret scaffold

  # All members of the JSON in app/db, or one of them
  kubectl extsecret scaffold externalsecret db --store main --key app/db
  kubectl extsecret scaffold externalsecret db --store main --key app/db --property password

  # One key for each member that it has now: AWS is asked for their names
  kubectl extsecret scaffold externalsecret db --store main --from-aws app/db

  # For an existing Secret, for what a Deployment reads
  kubectl extsecret scaffold externalsecret db --store main --from-secret db --key app/db
  kubectl extsecret scaffold externalsecret --store main --from-workload deployment/api

  # Move a Secret to AWS: make the secret there, then print the ExternalSecret that reads it
  kubectl extsecret scaffold externalsecret db --store main --from-secret db --key app/db --push

  # A store whose service account has a role (IRSA)
  kubectl extsecret scaffold secretstore main --region eu-west-1 --auth service-account \\
    --service-account reader

Exit codes: 0 printed, 1 not confirmed, 2 could not run.";

/// Print a new ExternalSecret or store, with comments.
///
/// What is not said by flags is asked at a terminal; without one, or with --no-input, it is an error.
/// The result is the least that works, passes `validate`, and goes to stdout.
///
/// --from-aws and the list of secrets use your own AWS credentials and look at names and members of
/// JSON; --from-secret reads a Secret of the cluster for its keys. No value is printed. Only --push
/// writes: it makes a secret of Secrets Manager from a Secret, after you have confirmed it.
#[derive(Args, Debug)]
#[command(
    after_help = EXAMPLES,
    group = ArgGroup::new("source").args(["key", "from_aws"]),
    group = ArgGroup::new("existing").args(["from_aws", "from_secret", "from_workload"])
)]
pub(crate) struct ScaffoldArgs {
    /// What to make
    #[arg(value_enum, value_name = "KIND")]
    pub(crate) kind: Option<ScaffoldKind>,

    /// Its name
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Never ask
    #[arg(long)]
    pub(crate) no_input: bool,

    #[command(flatten)]
    pub(crate) external_secret: ExternalSecretArgs,

    #[command(flatten)]
    pub(crate) aws: StoreArgs,

    #[command(flatten)]
    pub(crate) endpoints: AwsArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// What an ExternalSecret is made of.
#[derive(Args, Debug)]
#[command(next_help_heading = "ExternalSecret")]
pub(crate) struct ExternalSecretArgs {
    /// SecretStore that values come from
    #[arg(
        long,
        value_name = "NAME",
        conflicts_with = "cluster_store",
        add = ArgValueCandidates::new(live::secret_stores)
    )]
    pub(crate) store: Option<String>,

    /// ClusterSecretStore that values come from
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::cluster_secret_stores))]
    pub(crate) cluster_store: Option<String>,

    /// Name of the secret at the provider
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Option<String>,

    /// Only this member of its JSON; may be repeated
    #[arg(long, value_name = "MEMBER", requires = "key", conflicts_with = "existing")]
    pub(crate) property: Vec<String>,

    /// Name of a secret of AWS whose members become keys
    #[arg(long, value_name = "NAME")]
    pub(crate) from_aws: Option<String>,

    /// Secret of the cluster whose keys are to be kept
    #[arg(long, value_name = "NAME", add = ArgValueCandidates::new(live::secrets))]
    pub(crate) from_secret: Option<String>,

    /// Workload whose Secrets are to be made, such as deployment/api
    #[arg(long, value_name = "KIND/NAME", add = ArgValueCandidates::new(live::workloads))]
    pub(crate) from_workload: Option<String>,

    /// With --from-secret: first make the secret in AWS Secrets Manager
    #[arg(long, requires = "from_secret")]
    pub(crate) push: bool,

    /// With --push: do not ask whether to do it
    #[arg(long, requires = "push")]
    pub(crate) yes: bool,

    /// Name of the Secret, if not that of the ExternalSecret
    #[arg(long, value_name = "NAME", conflicts_with = "existing")]
    pub(crate) target: Option<String>,

    /// How often values are fetched again
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = interval)]
    pub(crate) refresh_interval: String,
}

/// What a store is made of.
#[derive(Args, Debug)]
#[command(next_help_heading = "Store, and where --from-aws and --push look")]
pub(crate) struct StoreArgs {
    /// Service of AWS
    #[arg(long, value_enum, value_name = "SERVICE", default_value_t)]
    pub(crate) service: Service,

    /// Region of AWS, if not that of your own AWS settings
    #[arg(long, value_name = "REGION")]
    pub(crate) region: Option<String>,

    /// Role that the store assumes
    #[arg(long, value_name = "ARN")]
    pub(crate) role: Option<String>,

    /// Where the store has its credentials from
    #[arg(long, value_enum, value_name = "WAY")]
    pub(crate) auth: Option<Auth>,

    /// Service account for --auth service-account; for a cluster store NAMESPACE/NAME
    #[arg(long, value_name = "NAME")]
    pub(crate) service_account: Option<String>,

    /// Secret for --auth secret; for a cluster store NAMESPACE/NAME
    #[arg(long, value_name = "NAME", conflicts_with = "service_account")]
    pub(crate) secret: Option<String>,
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ScaffoldKind {
    ExternalSecret,
    SecretStore,
    ClusterSecretStore,
}

impl ValueEnum for ScaffoldKind {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::ExternalSecret, Self::SecretStore, Self::ClusterSecretStore]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(match self {
            Self::ExternalSecret => {
                PossibleValue::new("externalsecret").alias("es").alias("externalsecrets")
            }
            Self::SecretStore => {
                PossibleValue::new("secretstore").alias("ss").alias("secretstores")
            }
            Self::ClusterSecretStore => {
                PossibleValue::new("clustersecretstore").alias("css").alias("clustersecretstores")
            }
        })
    }
}

/// A service of AWS that holds values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Service {
    #[default]
    #[value(name = "SecretsManager", alias = "secretsmanager")]
    SecretsManager,
    #[value(name = "ParameterStore", alias = "parameterstore")]
    ParameterStore,
}

impl ScaffoldArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        if self.external_secret.push && self.aws.service != Service::SecretsManager {
            let message = "--push makes secrets of Secrets Manager only";
            return Err((ErrorKind::ArgumentConflict, message.to_owned()));
        }
        if self.name.is_some() && self.external_secret.from_workload.is_some() {
            let message = "with --from-workload each ExternalSecret is called like its Secret";
            return Err((ErrorKind::ArgumentConflict, message.to_owned()));
        }
        Ok(())
    }
}

fn interval(text: &str) -> Result<String, String> {
    match text.parse::<extsecret_crds::duration::GoDuration>() {
        Ok(duration) if duration.is_zero_or_negative() => {
            Err("values would never be fetched again".to_owned())
        }
        Ok(_) => Ok(text.to_owned()),
        Err(error) => Err(error.to_string()),
    }
}
