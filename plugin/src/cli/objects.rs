//! The flags that say which objects are looked at, and those of a change that is tried.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, ValueEnum};

use crate::cluster::Selection;

/// Objects of files, or else of the cluster.
#[derive(Args, Debug)]
pub(crate) struct ObjectsArgs {
    /// File or directory with manifests, or - for stdin, instead of the cluster; may be repeated
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

    /// Take what `kubectl kustomize` makes of this directory instead of the cluster
    #[arg(short = 'k', long, value_name = "DIR", value_hint = clap::ValueHint::DirPath)]
    pub(crate) kustomize: Option<PathBuf>,

    /// Objects of all namespaces of the cluster
    #[arg(short = 'A', long, conflicts_with_all = ["filename", "kustomize", "namespace"])]
    pub(crate) all_namespaces: bool,

    /// Only objects of the cluster with these labels, such as app=shop
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with_all = ["filename", "kustomize"])]
    pub(crate) selector: Option<String>,
}

impl ObjectsArgs {
    /// True if no cluster is to be asked for them.
    pub(crate) fn are_in_files(&self) -> bool {
        !self.filename.is_empty() || self.kustomize.is_some()
    }

    /// Which of the cluster.
    pub(crate) fn selection(&self) -> Selection {
        Selection { labels: self.selector.clone(), ..Selection::default() }
    }

    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        check_kustomize(self.kustomize.as_deref())
    }
}

/// kubectl would take such a directory for a flag.
pub(super) fn check_kustomize(folder: Option<&Path>) -> Result<(), (ErrorKind, String)> {
    if folder.is_some_and(|dir| dir.as_os_str().as_encoded_bytes().starts_with(b"-")) {
        let message = "the directory of -k cannot begin with a dash; write ./ before it";
        return Err((ErrorKind::ValueValidation, message.to_owned()));
    }
    Ok(())
}

/// How a change is made: waited for, or only tried.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct ChangeArgs {
    /// Wait until it is done
    #[arg(long)]
    pub(crate) wait: bool,

    /// With --wait: how long to wait, such as 90s or 10m
    #[arg(
        long,
        value_name = "DURATION",
        value_parser = super::cluster::duration,
        requires = "wait"
    )]
    pub(crate) timeout: Option<Duration>,

    /// Change nothing: say what would be done (client), or have the API server check it (server)
    #[arg(
        long,
        value_enum,
        value_name = "WHERE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "client",
        conflicts_with = "wait"
    )]
    pub(crate) dry_run: Option<DryRun>,
}

/// Who says what would be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DryRun {
    Client,
    Server,
}
