//! The flags of `history`.

use std::str::FromStr;

use clap::Args;
use clap_complete::engine::ArgValueCandidates;

use super::{ClusterArgs, Format};
use crate::complete::live;
use crate::status::workload::Named;

/// Show which restarts there were, for which Secret, and how they ended.
///
/// Tells what the cluster still knows, the newest first: revisions of the workload with what changed their
/// pod templates, restarts that extsecret-controller has noted, Events of the workload and of the
/// ExternalSecrets that make what it reads, and their last sync. Of a Secret or ExternalSecret: who wrote
/// it, which keys, and what its changes have restarted. API servers keep Events for an hour or so.
///
/// Values are never read. For a workload no right on Secrets is needed.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  # Why did this restart last night, and did it work?
  kubectl extsecret history deployment/api

  # Who has written this Secret, and what restarted for it?
  kubectl extsecret history secret/db

  # For a program
  kubectl extsecret history externalsecret/db -o json

Exit codes: 0 shown, 2 could not run.")]
pub(crate) struct HistoryArgs {
    /// Kind and name: a workload such as deployment/api, secret/db or externalsecret/db
    #[arg(value_name = "KIND/NAME", add = ArgValueCandidates::new(live::with_a_past))]
    pub(crate) of: HistoryOf,

    /// Output format, if not a table
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    pub(crate) output: Option<Format>,

    /// Do not print the headers of the table
    #[arg(long)]
    pub(crate) no_headers: bool,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// Whose past it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum HistoryOf {
    Workload(Named),
    Secret(String),
    ExternalSecret(String),
}

impl FromStr for HistoryOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').unwrap_or((text, ""));
        let make = match kind.to_lowercase().as_str() {
            "secret" | "secrets" => Self::Secret,
            "es"
            | "externalsecret"
            | "externalsecrets"
            | "externalsecret.external-secrets.io"
            | "externalsecrets.external-secrets.io" => Self::ExternalSecret,
            _ => {
                let named: Result<Named, String> = text.parse();
                return named
                    .map(Self::Workload)
                    .map_err(|error| format!("{error}, secret/NAME or externalsecret/NAME"));
            }
        };
        if name.is_empty() {
            return Err("the name is missing".to_owned());
        }
        Ok(make(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_past_it_is() {
        assert_eq!("secret/db".parse(), Ok(HistoryOf::Secret("db".into())));
        assert_eq!("es/db".parse(), Ok(HistoryOf::ExternalSecret("db".into())));
        assert!(matches!("sts/db".parse(), Ok(HistoryOf::Workload(_))));
        for text in ["db", "secret", "secret/", "externalsecret.kubernetes-client.io/db"] {
            assert!(text.parse::<HistoryOf>().is_err(), "{text}");
        }
    }
}
