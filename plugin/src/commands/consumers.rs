//! `kubectl extsecret consumers` and `kubectl extsecret stale`

use std::collections::BTreeSet;

use anyhow::bail;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::status::print_yaml;
use crate::cli::{ConsumersArgs, Format, StaleArgs};
use crate::clock;
use crate::cluster::kinds::SECRETS;
use crate::cluster::{Cluster, Unread, Why};
use crate::exit::Exit;
use crate::output::table::{Cell, Column, Table, printable};
use crate::output::tree::{Branch, Mark};
use crate::output::wrap::wrap;
use crate::output::{self, age};
use crate::status::consumers::{self, Stale};
use crate::status::facts::Target;
use crate::status::tree::{consumer, count};
use crate::tty;

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

pub(crate) fn run(args: &ConsumersArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let (namespace, name) = (cluster.namespace(), args.secret.as_str());
    // Whoever asks who uses a Secret may not be one who may read it.
    let target = match cluster.metadata(&SECRETS, Some(namespace), name) {
        // Nobody who answers, or nobody whom they know: the rest would be no better.
        Err(
            error @ Unread {
                why: Why::Unreachable { .. } | Why::Unauthorized(_) | Why::NotAName,
                ..
            },
        ) => return Err(error.into()),
        Err(error) => Err(error.short()),
        Ok(meta) => Ok(meta.map(|meta| Target { meta, read: None })),
    };
    let found = consumers::of_secret(&cluster, namespace, name, &target);
    if !found.looked {
        bail!(
            "nothing in the namespace {namespace:?} could be looked at: {}; `kubectl auth can-i --list -n \
             {namespace}` tells what you may do",
            found.unknown.join("; ")
        );
    }
    if let Some(format) = args.output {
        print(format, json!({ "version": VERSION, "secret": name, "consumers": found }))?;
        return Ok(Exit::Success);
    }
    let title = format!("Secret {namespace}/{name}");
    let mut root = match &target {
        Ok(Some(_)) => Branch::new(Mark::None, title),
        Ok(None) => Branch::new(Mark::Attention, format!("{title}: there is none")),
        Err(why) => Branch::new(Mark::Attention, format!("{title}: {why}")),
    };
    root.line(count(found.found.len(), "consumer"));
    root.lines.extend(found.unknown.iter().map(|why| format!("not looked at: {why}")));
    root.branches.extend(found.found.iter().map(consumer));
    output::stdout(&output::tree::text(&root, tty::stdout_width()))?;
    Ok(Exit::Success)
}

pub(crate) fn stale(args: &StaleArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    let namespace = (!args.all_namespaces).then(|| cluster.namespace().to_owned());
    let (found, unknown) = consumers::stale(&cluster, namespace.as_deref())?;
    match args.output {
        Some(format) => {
            print(format, json!({ "version": VERSION, "items": found, "unknown": unknown }))?;
        }
        None if found.is_empty() => {
            output::stderr(match namespace {
                Some(_) => "No stale workloads found in the namespace.\n",
                None => "No stale workloads found.\n",
            });
        }
        None => {
            let table = table(&found, namespace.is_none(), clock::now());
            output::stdout(&table.text(!args.no_headers))?;
            output::stderr(&next(&found, tty::stderr_width()));
        }
    }
    for why in &unknown {
        output::stderr(&format!("warning: not looked at: {why}\n"));
    }
    Ok(if args.exit_code && !found.is_empty() { Exit::Refused } else { Exit::Success })
}

/// What to type next: all of a namespace are restarted at once.
fn next(found: &[Stale], room: Option<usize>) -> String {
    let namespaces: BTreeSet<&str> = found.iter().map(|it| it.namespace.as_str()).collect();
    let mut namespaces = namespaces.into_iter();
    let namespace = match (namespaces.next(), namespaces.next()) {
        (Some(only), None) => printable(only),
        _ => "NAMESPACE".into(),
    };
    let text = format!(
        "`kubectl extsecret restart --stale -n {namespace} --wait` restarts them; \
         `kubectl extsecret why WORKLOAD` tells who else would"
    );
    wrap(&text, room.unwrap_or(usize::MAX), "")
}

fn table(found: &[Stale], namespaces: bool, now: Timestamp) -> Table {
    let column = |header, cell: &dyn Fn(&Stale) -> String| {
        Column::new(header, found.iter().map(|it| Cell::from(cell(it))).collect())
    };
    let mut table = Table::default();
    if namespaces {
        table.push(column("NAMESPACE", &|it| it.namespace.clone()));
    }
    table.push(column("WORKLOAD", &|it| format!("{}/{}", it.kind.to_lowercase(), it.name)));
    table.push(column("SECRET", &|it| it.secret.clone()));
    table.push(column("WRITTEN", &|it| age::since(it.written, now)));
    table.push(column("OLDER-PODS", &|it| format!("{}/{}", it.older, it.pods)));
    table
}

/// Prints a document for programs.
pub(super) fn print(format: Format, document: Value) -> anyhow::Result<()> {
    match format {
        Format::Yaml => print_yaml(document),
        Format::Json => {
            Ok(output::stdout_verbatim(&(serde_json::to_string_pretty(&document)? + "\n"))?)
        }
    }
}
