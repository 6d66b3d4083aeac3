//! The flags of `status`.

use std::str::FromStr;

use clap::Args;
use clap::error::ErrorKind;
use clap_complete::engine::ArgValueCandidates;

use super::ClusterArgs;
use crate::complete::live;
use crate::output::jsonpath::Template;
use crate::status::list::{SORT_KEYS, SortBy};

const EXAMPLES: &str = "\
Examples:
  # What is wrong in this namespace? In all of them?
  kubectl extsecret status
  kubectl extsecret status -A

  # Everything about one: store, Secret, who uses it, events
  kubectl extsecret status db

  # Whose values may be old, because no refresh came when it should have?
  kubectl extsecret status -A --stale

  # What kubernetes-external-secrets still looks after
  kubectl extsecret status -A --kes

  # For a script: exit code 1 if anything is not healthy
  kubectl extsecret status -A --exit-code > /dev/null
  kubectl extsecret status -A -o jsonpath='{.items[?(@.health==\"failing\")].name}'

Exit codes: 0 shown, 1 with --exit-code: something is not healthy, 2 could not run.";

/// Show how ExternalSecrets are, and why.
///
/// Without a name lists the ExternalSecrets of the namespace: on a terminal the failing ones first,
/// and below the list what is wrong with them. With names shows everything that hangs on each.
///
/// The list reads no Secret; -o wide reads their metadata. With a name, the Secret is read for the
/// sizes of its values and to see whether somebody has changed it; --metadata-only leaves that out.
/// Values are never shown.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
pub(crate) struct StatusArgs {
    /// Name of an ExternalSecret to look at closely; may be repeated
    #[arg(value_name = "NAME", add = ArgValueCandidates::new(live::external_secrets))]
    pub(crate) names: Vec<String>,

    /// ExternalSecrets of all namespaces
    #[arg(short = 'A', long, conflicts_with_all = ["names", "namespace"])]
    pub(crate) all_namespaces: bool,

    /// Only objects with these labels, such as app=shop
    #[arg(short = 'l', long, value_name = "SELECTOR", conflicts_with = "names")]
    pub(crate) selector: Option<String>,

    /// Only objects with these fields, such as spec.secretStoreRef.name=main
    #[arg(long, value_name = "SELECTOR", conflicts_with = "names")]
    pub(crate) field_selector: Option<String>,

    /// Only objects whose refresh is overdue, or that were never synced
    #[arg(long, conflicts_with_all = ["names", "watch"])]
    pub(crate) stale: bool,

    /// Also objects of kubernetes-external-secrets (kubernetes-client.io/v1)
    #[arg(long, conflicts_with_all = ["names", "watch"])]
    pub(crate) kes: bool,

    /// Output format: table, wide, json, yaml, name or jsonpath=TEMPLATE
    #[arg(short, long, value_name = "FORMAT", default_value = "table", hide_default_value = true)]
    pub(crate) output: Format,

    /// Sort by a column, or by a field of -o json, such as {.lastSync}
    #[arg(
        long,
        value_name = "COLUMN|JSONPATH",
        value_parser = sort_key,
        conflicts_with_all = ["names", "watch"]
    )]
    pub(crate) sort_by: Option<SortBy>,

    /// Do not print the headers of the table
    #[arg(long)]
    pub(crate) no_headers: bool,

    /// Go on and print what changes
    #[arg(short, long, conflicts_with = "names")]
    pub(crate) watch: bool,

    /// End with exit code 1 if anything is not healthy
    #[arg(long, conflicts_with = "watch")]
    pub(crate) exit_code: bool,

    /// With a name: do not read the Secret, only its metadata
    #[arg(long, requires = "names")]
    pub(crate) metadata_only: bool,

    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// What is printed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Table,
    Wide,
    Json,
    Yaml,
    Name,
    JsonPath(Template),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "table" | "text" => Self::Table,
            "wide" => Self::Wide,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            "name" => Self::Name,
            _ => match text.split_once('=') {
                Some(("jsonpath", template)) if !template.is_empty() => {
                    Self::JsonPath(template.parse()?)
                }
                _ => {
                    return Err(
                        "known are table, wide, json, yaml, name and jsonpath=TEMPLATE".to_owned()
                    );
                }
            },
        })
    }
}

/// A column, as its header, as a field of the JSON form or as the field of the object that it shows;
/// or a `JSONPath`, with or without braces.
fn sort_key(text: &str) -> Result<SortBy, String> {
    let plain = |text: &str| -> String {
        text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
    };
    let wanted = match plain(text).as_str() {
        "created" | "metadatacreationtimestamp" => "age".to_owned(),
        "nextsync" => "next".to_owned(),
        "metadataname" => "name".to_owned(),
        "metadatanamespace" => "namespace".to_owned(),
        "health" => "ready".to_owned(),
        "specsecretstorerefname" => "store".to_owned(),
        "spectargetname" => "secret".to_owned(),
        "statusrefreshtime" => "lastsync".to_owned(),
        other => other.to_owned(),
    };
    if let Some(key) = SORT_KEYS.iter().copied().find(|key| plain(key) == wanted) {
        return Ok(SortBy::Column(key));
    }
    if text.starts_with('{') || text.starts_with('.') {
        let path = if text.starts_with('{') { text.to_owned() } else { format!("{{{text}}}") };
        return Ok(SortBy::Path(text.to_owned(), path.parse()?));
    }
    let columns = SORT_KEYS.join(", ");
    Err(format!(
        "there is no such column; there are {columns}, and JSONPaths such as {{.lastSync}}"
    ))
}

impl StatusArgs {
    /// What clap cannot check.
    pub(super) fn check(&self) -> Result<(), (ErrorKind, String)> {
        let conflict = |message: &str| Err((ErrorKind::ArgumentConflict, message.to_owned()));
        if self.watch && matches!(self.output, Format::Yaml | Format::JsonPath(_)) {
            return conflict("--watch prints tables, names and lines of JSON only");
        }
        if !self.names.is_empty() && self.output == Format::Wide {
            return conflict("-o wide is for the list: with a name everything is shown");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_named_in_many_ways() {
        for (text, key) in [
            ("name", "name"),
            ("LAST-SYNC", "last-sync"),
            ("lastSync", "last-sync"),
            (".metadata.creationTimestamp", "age"),
            ("{.metadata.name}", "name"),
            (".status.refreshTime", "last-sync"),
        ] {
            assert_eq!(sort_key(text), Ok(SortBy::Column(key)));
        }
        for text in ["{.controller}", ".store.kind", "{.reason[0]}"] {
            assert!(matches!(sort_key(text), Ok(SortBy::Path(..))), "{text}");
        }
        assert!(sort_key("{.a").unwrap_err().contains("not closed"));
        assert!(sort_key("colour").unwrap_err().contains("last-sync"));
    }

    #[test]
    fn formats_are_kubectls() {
        assert_eq!("wide".parse(), Ok(Format::Wide));
        assert!(matches!("jsonpath={.a}".parse(), Ok(Format::JsonPath(_))));
        assert!("jsonpath={.a".parse::<Format>().unwrap_err().contains("not closed"));
        assert!("xml".parse::<Format>().unwrap_err().contains("jsonpath"));
    }
}
