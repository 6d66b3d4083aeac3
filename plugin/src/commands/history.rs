//! `kubectl extsecret history`

use anyhow::bail;

use super::consumers::print;
use crate::cli::{HistoryArgs, HistoryOf};
use crate::clock;
use crate::cluster::Cluster;
use crate::cluster::kinds::{EXTERNAL_SECRETS, SECRETS};
use crate::exit::Exit;
use crate::{history, output, tty};

pub(crate) fn run(args: &HistoryArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let (rows, unknown) = history::gather(&cluster, &args.of)?;
    if rows.is_empty() && unknown.len() > 1 {
        bail!(
            "nothing could be looked at: {}; `kubectl auth can-i --list -n {}` tells what you may do",
            unknown.join("; "),
            cluster.namespace()
        );
    }
    let (kind, name) = match &args.of {
        HistoryOf::Workload(named) => (named.kind, &named.name),
        HistoryOf::Secret(name) => (SECRETS, name),
        HistoryOf::ExternalSecret(name) => (EXTERNAL_SECRETS, name),
    };
    if let Some(format) = args.output {
        print(format, history::document(kind.kind, cluster.namespace(), name, &rows, &unknown))?;
        return Ok(Exit::Success);
    }
    if rows.is_empty() {
        output::stderr(&format!(
            "Nothing is known of {}: the cluster keeps Events for an hour or so, and old revisions as \
             the workload says.\n",
            kind.name_of(name)
        ));
    } else {
        let headers = !args.no_headers;
        output::stdout(&history::table(&rows, clock::now(), tty::stdout_width(), headers))?;
    }
    for why in &unknown {
        output::stderr(&format!("warning: not looked at: {why}\n"));
    }
    Ok(Exit::Success)
}
