//! The command line: what is typed, nothing about what it does.

mod cluster;
mod consumers;
mod doctor;
mod freeze;
mod handover;
mod history;
mod iam;
mod migrate;
mod objects;
mod refresh;
mod render;
mod restart;
mod rollback;
mod scaffold;
mod status;
mod validate;

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use clap_complete::engine::{ArgValueCandidates, CompletionCandidate};

#[cfg(test)]
pub(crate) use cluster::Credential;
pub(crate) use cluster::{ClusterArgs, RequestTimeout};
pub(crate) use consumers::{ConsumersArgs, StaleArgs};
pub(crate) use doctor::DoctorArgs;
pub(crate) use freeze::{FreezeArgs, FrozenArgs, NameFormat, UnfreezeArgs};
pub(crate) use handover::{
    ApplyArgs, DoingArgs, HowArgs, Live, ManifestArgs, PlanArgs, ProgressArgs, RollbackArgs,
    WhichArgs,
};
pub(crate) use history::{HistoryArgs, HistoryOf};
pub(crate) use iam::{CheckFormat, Format as IamFormat, IamArgs};
pub(crate) use migrate::{ContextArgs, Format, InputArgs, MigrateArgs};
pub(crate) use objects::{ChangeArgs, DryRun, ObjectsArgs};
pub(crate) use refresh::RefreshArgs;
pub(crate) use render::{RenderArgs, ValueArgs};
pub(crate) use restart::{RestartArgs, WhyArgs};
pub(crate) use rollback::RollbackToArgs;
pub(crate) use scaffold::{ScaffoldArgs, ScaffoldKind, Service};
pub(crate) use status::{Format as StatusFormat, StatusArgs};
pub(crate) use validate::{Format as FindingsFormat, ValidateArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default())
    .placeholder(AnsiColor::Cyan.on_default().effects(Effects::DIMMED));

/// Migrate, check, watch and refresh the ExternalSecrets of a cluster, and restart what reads them.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-extsecret",
    version,
    styles = STYLES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,

    #[arg(
        long,
        global = true,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help = "When to use colours; auto: on a terminal, unless NO_COLOR is set"
    )]
    pub(crate) color: Color,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Migrate(Box<MigrateArgs>),
    Render(Box<RenderArgs>),
    Validate(Box<ValidateArgs>),
    Scaffold(Box<ScaffoldArgs>),
    Status(Box<StatusArgs>),
    Refresh(Box<RefreshArgs>),
    Consumers(Box<ConsumersArgs>),
    Stale(Box<StaleArgs>),
    Why(Box<WhyArgs>),
    Restart(Box<RestartArgs>),
    Rollback(Box<RollbackToArgs>),
    History(Box<HistoryArgs>),
    Freeze(Box<FreezeArgs>),
    Unfreeze(Box<UnfreezeArgs>),
    Doctor(Box<DoctorArgs>),
    Iam(Box<IamArgs>),
    Explain(ExplainArgs),
    Completion(CompletionArgs),
    Version(VersionArgs),
}

/// Explain a diagnostic code.
///
/// Prints what the code means, why it matters and what to do. Without a code, lists all of them.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # What does E10 mean, and what can be done about it?
  kubectl extsecret explain E10

  # List all codes
  kubectl extsecret explain")]
pub(crate) struct ExplainArgs {
    /// The code, for example E10
    #[arg(add = ArgValueCandidates::new(codes))]
    pub(crate) code: Option<String>,
}

/// Print the completion script of a shell, or of kubectl.
///
/// kubectl completes a plugin's words by running `kubectl_complete-PLUGIN` from the PATH. That
/// helper makes `kubectl extsecret <TAB>` work in every shell in which kubectl itself completes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  # Complete `kubectl extsecret` wherever kubectl completes: put the helper into a folder of the PATH
  kubectl extsecret completion kubectl --install ~/.krew/bin

  # Complete `kubectl-extsecret` called directly, in bash
  source <(kubectl-extsecret completion bash)")]
pub(crate) struct CompletionArgs {
    /// For whom
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: CompletionFor,

    /// With `kubectl`: write the helper into this folder, which must be in the PATH
    #[arg(long, value_name = "DIR")]
    pub(crate) install: Option<std::path::PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompletionFor {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
    Kubectl,
}

/// Print the version of this plugin.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  kubectl extsecret version
  kubectl extsecret version -o json")]
pub(crate) struct VersionArgs {
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes it the rule for everything printed from here on.
    pub(crate) fn apply(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// The command as its help shall speak of it: `kubectl extsecret` when started as a plugin.
pub(crate) fn command(program: Option<&OsStr>) -> clap::Command {
    let name = program
        .and_then(|program| Path::new(program).file_stem())
        .and_then(OsStr::to_str)
        .filter(|name| !name.starts_with("kubectl-"))
        .unwrap_or("kubectl extsecret");
    Cli::command().bin_name(name)
}

/// Reads the command line.
pub(crate) fn parse(mut command: clap::Command, args: Vec<OsString>) -> Result<Cli, clap::Error> {
    let matches = command.try_get_matches_from_mut(args)?;
    let cli = Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))?;
    let (verb, checked) = match &cli.command {
        Command::Migrate(args) => ("migrate", args.check()),
        Command::Render(args) => ("render", args.check()),
        Command::Status(args) => ("status", args.check()),
        Command::Validate(args) => ("validate", args.check()),
        Command::Iam(args) => ("iam", args.check()),
        Command::Scaffold(args) => ("scaffold", args.check()),
        Command::Freeze(args) => ("freeze", args.which.check()),
        Command::Unfreeze(args) => ("unfreeze", args.which.check()),
        Command::Refresh(_)
        | Command::Consumers(_)
        | Command::Stale(_)
        | Command::Why(_)
        | Command::Restart(_)
        | Command::History(_)
        | Command::Rollback(_)
        | Command::Doctor(_)
        | Command::Explain(_)
        | Command::Completion(_)
        | Command::Version(_) => return Ok(cli),
    };
    checked.map_err(|(kind, message)| match command.find_subcommand_mut(verb) {
        Some(command) => command.error(kind, message),
        None => clap::Error::raw(kind, message),
    })?;
    Ok(cli)
}

/// Completions for a code.
fn codes() -> Vec<CompletionCandidate> {
    crate::catalogue::all()
        .into_iter()
        .map(|code| CompletionCandidate::new(code.id).help(Some(code.title.into())))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_speaks_of_kubectl_when_started_as_a_plugin() {
        let name = |program: &str| {
            command(Some(OsStr::new(program))).get_bin_name().map(str::to_owned).unwrap()
        };
        assert_eq!(name("/opt/krew/bin/kubectl-extsecret"), "kubectl extsecret");
        assert_eq!(name("kubectl-extsecret.exe"), "kubectl extsecret");
        assert_eq!(name("/usr/bin/extsecret"), "extsecret");
    }
}
