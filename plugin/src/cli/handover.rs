//! The flags of `migrate plan`, `apply`, `status` and `rollback`.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use clap::builder::TypedValueParser as _;
use clap::error::ErrorKind;
use clap::{Args, Subcommand, ValueEnum};
use extsecret_migrate::handover::Step;

use super::{ClusterArgs, DryRun};

/// What is done to a cluster.
#[derive(Debug, Subcommand)]
pub(crate) enum Live {
    Plan(PlanArgs),
    Apply(ApplyArgs),
    Status(ProgressArgs),
    Rollback(RollbackArgs),
}

const PLAN: &str = "\
Examples:
  # Convert what is in the cluster, and see what a hand-over would do
  kubectl get externalsecrets.kubernetes-client.io -A -o yaml |
    kubectl extsecret migrate -f - --region eu-west-1 --output-dir new
  kubectl extsecret migrate plan -R -f new

  # Every change as the API server would get it
  kubectl extsecret migrate plan -R -f new -o json

Exit codes: 0 nothing is in the way, 1 something is, 2 could not run.";

/// Print what a hand-over of the cluster would do, and what is in its way.
///
/// Reads the converted manifests (-f, -k) and the cluster: the KES objects, KES itself, who owns the
/// Secrets, and who applies the objects (Argo CD, Flux, Helm). Changes nothing.
#[derive(Args, Debug)]
#[command(after_help = PLAN)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,

    #[command(flatten)]
    pub(crate) which: WhichArgs,

    #[command(flatten)]
    pub(crate) how: HowArgs,

    /// Print JSON: all facts, blockers and changes
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Json>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

const APPLY: &str = "\
Examples:
  # Hand everything over
  kubectl extsecret migrate apply -R -f new

  # Only compare: shadows are written, compared with the Secrets and deleted
  kubectl extsecret migrate apply -R -f new --until shadow

  # One namespace first; KES goes on for the others afterwards
  kubectl extsecret migrate apply -R -f new --only shop

Steps: preflight, stores, shadow, stop, demote, adopt, retire, remove. All but the last are done
unless --until says otherwise; remove deletes KES's Deployment and definition.

It can be interrupted at any moment: run it again, and it goes on from what the cluster says. No
Secret is deleted or changed, and nothing is deleted but by uid.

Exit codes: 0 done, 1 stopped: stderr says why and what to do, 2 could not run.";

/// Hand the cluster over from KES, step by step.
///
/// Applies the stores, writes a shadow of each Secret and compares it, parks the KES objects and
/// stops KES, makes the new ExternalSecrets the owners of the Secrets, and retires the KES objects.
/// Each step is proved against the cluster before and after. What forbids the hand-over of one Secret
/// stops it before anything is written.
#[derive(Args, Debug)]
#[command(after_help = APPLY)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,

    #[command(flatten)]
    pub(crate) which: WhichArgs,

    #[command(flatten)]
    pub(crate) how: HowArgs,

    #[command(flatten)]
    pub(crate) doing: DoingArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

const STATUS: &str = "\
Examples:
  # How far is it?
  kubectl extsecret migrate status

Exit codes: 0 all is handed over, or nothing is begun; 1 some of it is under way; 2 could not run.";

/// Show how far a hand-over is.
///
/// A line for each Secret of the files, or without files for each whose hand-over was begun: who owns
/// it now, and whether its ExternalSecret is Ready. Reads the cluster only.
#[derive(Args, Debug)]
#[command(after_help = STATUS)]
pub(crate) struct ProgressArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,

    #[command(flatten)]
    pub(crate) which: WhichArgs,

    /// Print JSON
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Json>,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

const ROLLBACK: &str = "\
Examples:
  # Everything back to KES
  kubectl extsecret migrate rollback

  # One Secret
  kubectl extsecret migrate rollback --only shop/db

The successor has to run: it is what lets the Secrets go. Stores stay, they harm nobody.

Exit codes: 0 done, 1 stopped: stderr says why and what to do, 2 could not run.";

/// Give Secrets back to KES, from wherever a hand-over is.
///
/// For each Secret whose hand-over was begun: the KES object is its owner again (made anew if it was
/// retired), the new ExternalSecret lets it go and is deleted, the KES object leaves its parking place,
/// and KES is started as it was. No Secret is deleted or changed.
#[derive(Args, Debug)]
#[command(after_help = ROLLBACK)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,

    #[command(flatten)]
    pub(crate) which: WhichArgs,

    #[command(flatten)]
    pub(crate) doing: DoingArgs,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// The converted manifests.
#[derive(Args, Debug)]
#[command(next_help_heading = "Manifests")]
pub(crate) struct ManifestArgs {
    /// File or directory with converted manifests, or - for stdin; may be repeated
    #[arg(
        short,
        long,
        value_name = "FILENAME",
        value_delimiter = ',',
        value_hint = clap::ValueHint::AnyPath
    )]
    pub(crate) filename: Vec<PathBuf>,

    /// Read the directories in -f recursively
    #[arg(short = 'R', long, requires = "filename")]
    pub(crate) recursive: bool,

    /// Take what `kubectl kustomize` makes of this directory
    #[arg(short = 'k', long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) kustomize: Option<PathBuf>,
}

/// Which Secrets, and which KES.
#[derive(Args, Debug)]
#[command(next_help_heading = "Scope")]
pub(crate) struct WhichArgs {
    /// Only Secrets of this namespace, or only this one; may be repeated
    #[arg(long, value_name = "NAMESPACE[/NAME]", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// Not Secrets of this namespace, or not this one; may be repeated
    #[arg(long, value_name = "NAMESPACE[/NAME]", value_delimiter = ',')]
    pub(crate) except: Vec<String>,

    /// Deployment that runs KES under an image of another name; may be repeated
    #[arg(long, value_name = "NAMESPACE/NAME", value_delimiter = ',', value_parser = two)]
    pub(crate) kes: Vec<(String, String)>,

    /// Folder for the key of the comparisons and for copies of the KES objects; no values
    #[arg(
        long,
        value_name = "DIR",
        default_value = "extsecret-handover",
        value_hint = clap::ValueHint::DirPath
    )]
    pub(crate) state_dir: PathBuf,
}

/// How far, and what is allowed.
#[derive(Args, Debug)]
#[command(next_help_heading = "Steps")]
pub(crate) struct HowArgs {
    /// Stop after this step
    #[arg(long, value_name = "STEP", value_parser = step(), default_value = "retire")]
    pub(crate) until: Step,

    /// Take other values and keys than the Secret has now; may be repeated
    #[arg(long, value_name = "NAMESPACE/NAME", value_delimiter = ',', value_parser = two)]
    pub(crate) accept: Vec<(String, String)>,

    /// Remove the owner reference of KES in step demote, instead of making it that of no controller
    #[arg(long)]
    pub(crate) hard_demote: bool,
}

/// How changes are made.
#[derive(Args, Debug)]
#[command(next_help_heading = "Changes")]
pub(crate) struct DoingArgs {
    /// Do not ask
    #[arg(short, long)]
    pub(crate) yes: bool,

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

    /// How long to wait for each proof
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "2m",
        value_parser = super::cluster::duration
    )]
    pub(crate) timeout: Duration,
}

/// The only format for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Json {
    Json,
}

impl Live {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        let (manifests, needed) = match self {
            Self::Plan(args) => (&args.manifests, true),
            Self::Apply(args) => (&args.manifests, true),
            Self::Status(args) => (&args.manifests, false),
            Self::Rollback(args) => (&args.manifests, false),
        };
        if needed && !manifests.any() {
            let message = "the converted manifests are missing: -f FILENAME or -k DIR";
            return Err((ErrorKind::MissingRequiredArgument, message.to_owned()));
        }
        super::objects::check_kustomize(manifests.kustomize.as_deref())
    }
}

impl ManifestArgs {
    /// True if there are any.
    pub(crate) fn any(&self) -> bool {
        !self.filename.is_empty() || self.kustomize.is_some()
    }
}

impl WhichArgs {
    /// True for a Secret that is meant.
    pub(crate) fn takes(&self, namespace: &str, name: &str) -> bool {
        let hit = |word: &String| match word.split_once('/') {
            Some(pair) => pair == (namespace, name),
            None => word == namespace,
        };
        (self.only.is_empty() || self.only.iter().any(hit)) && !self.except.iter().any(hit)
    }
}

fn step() -> impl clap::builder::TypedValueParser<Value = Step> {
    let names = Step::ALL.map(Step::as_str);
    PossibleValuesParser::new(names).map(|word| {
        Step::ALL.into_iter().find(|step| step.as_str() == word).unwrap_or(Step::Retire)
    })
}

fn two(text: &str) -> Result<(String, String), String> {
    match text.split_once('/') {
        Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => {
            Ok((namespace.to_owned(), name.to_owned()))
        }
        _ => Err("write NAMESPACE/NAME".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_choose_namespaces_and_secrets() {
        let which = |only: &[&str], except: &[&str]| WhichArgs {
            only: only.iter().map(|&it| it.to_owned()).collect(),
            except: except.iter().map(|&it| it.to_owned()).collect(),
            kes: Vec::new(),
            state_dir: PathBuf::new(),
        };
        assert!(which(&[], &[]).takes("shop", "db"));
        assert!(which(&["shop"], &[]).takes("shop", "db"));
        assert!(!which(&["shop"], &["shop/db"]).takes("shop", "db"));
        assert!(!which(&["shop/mail", "pay"], &[]).takes("shop", "db"));
    }
}
