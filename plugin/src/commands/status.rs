//! `kubectl extsecret status`

use std::ops::ControlFlow;

use anyhow::bail;
use extsecret_crds::ExternalSecret;
use extsecret_manifest::node::Node;
use jiff::Timestamp;
use serde_json::Value;

use crate::cli::{StatusArgs, StatusFormat as Format};
use crate::clock;
use crate::cluster::kinds::EXTERNAL_SECRETS;
use crate::cluster::{Change, Cluster, Selection, Unread, Why};
use crate::exit::Exit;
use crate::output;
use crate::output::manifests::{self, Part};
use crate::status::list::{self, SortBy, View};
use crate::status::model::{Health, Row};
use crate::status::{detail, document, gather, tree};
use crate::tty;

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<Exit> {
    let cluster = Cluster::connect(&args.cluster)?;
    if !args.names.is_empty() {
        return details(args, &cluster);
    }
    let namespace = (!args.all_namespaces).then(|| cluster.namespace().to_owned());
    let namespace = namespace.as_deref();
    let select = Selection { labels: args.selector.clone(), fields: args.field_selector.clone() };
    let now = clock::now();
    let listed = gather::external_secrets(&cluster, namespace, &select, now);
    let (mut rows, version) = match listed {
        Ok(listed) => listed,
        // Before the first ExternalSecret there may be objects of the old kind, and only those.
        Err(error @ Unread { why: Why::NotServed(_), .. }) => {
            if !args.kes {
                return Err(without_definitions(&cluster, namespace, error));
            }
            (Vec::new(), String::new())
        }
        Err(error) => return Err(error.into()),
    };
    if args.kes {
        rows.extend(gather::kes(&cluster, namespace, &select, now)?);
    }
    if args.stale {
        rows.retain(|row| row.health != Health::Pending && is_stale(row, now));
    }
    if args.output == Format::Wide && !rows.is_empty() {
        add_more(&cluster, namespace, &mut rows);
    }
    let mut ordered: Vec<&Row> = rows.iter().collect();
    let worst_first = tty::stdout_width().is_some();
    let column = match &args.sort_by {
        Some(SortBy::Column(column)) => Some(*column),
        _ => None,
    };
    list::order(&mut ordered, column, worst_first && args.sort_by.is_none());
    if let Some(SortBy::Path(text, path)) = &args.sort_by
        && !list::order_by_path(&mut ordered, path)
        && !ordered.is_empty()
    {
        bail!("no object has {text}: fields are those of `status -o json`, below items");
    }
    print(args, &ordered, namespace.is_none(), now)?;
    if ordered.is_empty() && !args.watch {
        tell_of_nothing(args, &cluster, namespace);
    } else if !args.watch && !args.kes {
        tell_of_kes(&cluster, namespace);
    }
    if args.watch {
        return watch(args, &cluster, namespace, &select, version);
    }
    let unhealthy = rows.iter().any(|row| row.health != Health::Healthy);
    Ok(if args.exit_code && unhealthy { Exit::Refused } else { Exit::Success })
}

/// Shows all that hangs on each of the objects that are named.
fn details(args: &StatusArgs, cluster: &Cluster) -> anyhow::Result<Exit> {
    let namespace = cluster.namespace();
    let mut documents = Vec::new();
    let mut worst = Health::Healthy;
    let mut absent = Vec::new();
    for name in &args.names {
        let facts = detail::facts(cluster, namespace, name, args.metadata_only)?;
        let now = clock::now();
        let (branch, health) = tree::tree(&facts, now);
        worst = worst.min(health);
        if matches!(facts.object, Ok(None)) {
            absent.push(name);
            // Of what is in no way there, a tree says nothing.
            if matches!((&facts.kes, &facts.secret), (Ok(None), Ok(None))) {
                continue;
            }
        }
        match &args.output {
            Format::Table | Format::Wide => {
                output::stdout(&output::tree::text(&branch, tty::stdout_width()))?;
                if args.names.len() > 1 {
                    output::stdout("\n")?;
                }
                output::stderr(&tree::footer(&facts, health, tty::stderr_width()));
            }
            Format::Name => {
                output::stdout_verbatim(&(EXTERNAL_SECRETS.name_of(name) + "\n"))?;
            }
            Format::Json | Format::Yaml | Format::JsonPath(_) => {
                documents.push(document::document(&facts, health, now));
            }
        }
    }
    if !documents.is_empty() {
        let all = document::all(&documents);
        match &args.output {
            Format::Yaml => print_yaml(all)?,
            Format::JsonPath(template) => output::stdout_verbatim(&template.render(&all))?,
            _ => output::stdout_verbatim(&(serde_json::to_string_pretty(&all)? + "\n"))?,
        }
    }
    for name in &absent {
        output::stderr(&format!(
            "error: there is no ExternalSecret {name:?} in the namespace {namespace:?}; -n chooses \
             another one\n"
        ));
    }
    Ok(match (absent.is_empty(), args.exit_code && worst != Health::Healthy) {
        (false, _) => Exit::CouldNotRun,
        (true, true) => Exit::Refused,
        (true, false) => Exit::Success,
    })
}

fn is_stale(row: &Row, now: Timestamp) -> bool {
    row.last_sync.is_none() || row.health == Health::Stale || row.overdue(now).is_positive()
}

/// What stands in the columns that only `-o wide` has. Where it may not be read, they say so.
fn add_more(cluster: &Cluster, namespace: Option<&str>, rows: &mut [Row]) {
    if let Err(error) = gather::add_secrets(cluster, namespace, rows) {
        output::stderr(&format!("warning: VERSION and KEYS are not known: {error}\n"));
    }
    let unknown = gather::add_consumers(cluster, namespace, rows);
    if !unknown.is_empty() {
        output::stderr(&format!("warning: CONSUMERS are not known: {}\n", unknown.join("; ")));
    }
}

/// Prints rows, and for people what is to be said of them.
fn print(args: &StatusArgs, rows: &[&Row], namespaces: bool, now: Timestamp) -> anyhow::Result<()> {
    match &args.output {
        Format::Table | Format::Wide => {
            if rows.is_empty() {
                return Ok(());
            }
            let view = View {
                now,
                wide: args.output == Format::Wide,
                headers: !args.no_headers,
                namespaces,
                apis: args.kes,
                room: tty::stdout_width(),
            };
            let (table, left_out) = list::table(rows, view);
            output::stdout(&table)?;
            if !args.watch {
                output::stderr(&list::summary(rows, &left_out, tty::stderr_width()));
            }
        }
        Format::Name => output::stdout_verbatim(&list::names(rows))?,
        Format::Json if args.watch => {
            for row in rows {
                output::stdout_verbatim(&(serde_json::to_string(row)? + "\n"))?;
            }
        }
        Format::Json => {
            let text = serde_json::to_string_pretty(&list::document(rows))?;
            output::stdout_verbatim(&(text + "\n"))?;
        }
        Format::Yaml => print_yaml(list::document(rows))?,
        Format::JsonPath(template) => {
            output::stdout_verbatim(&template.render(&list::document(rows)))?;
        }
    }
    Ok(())
}

/// Prints one document as YAML.
pub(super) fn print_yaml(document: Value) -> anyhow::Result<()> {
    let node = Node::from(document);
    let mut stdout = output::stdout_in_pieces();
    let part = Part::Written(std::borrow::Cow::Owned(node));
    manifests::yaml(std::iter::once(part), &mut stdout)?;
    std::io::Write::flush(&mut stdout)?;
    Ok(())
}

/// Prints what changes, until somebody stops it.
fn watch(
    args: &StatusArgs,
    cluster: &Cluster,
    namespace: Option<&str>,
    select: &Selection,
    mut version: String,
) -> anyhow::Result<Exit> {
    let quiet = StatusQuiet(args);
    loop {
        let seen = cluster.watch(
            &EXTERNAL_SECRETS,
            namespace,
            select,
            version.clone(),
            None,
            |change: Change<ExternalSecret>| {
                let now = clock::now();
                let row = match change {
                    Change::Is(object) => Row::of(&object, now),
                    Change::Gone(object) => {
                        let mut row = Row::of(&object, now);
                        row.ready = Some("Deleted".to_owned());
                        row
                    }
                };
                match quiet.print(&row, namespace.is_none(), now) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => ControlFlow::Break(error),
                }
            },
        );
        match seen {
            Ok(Some(error)) => return Err(error),
            // Without a limit of patience it does not end by itself.
            Ok(None) => {}
            Err(Unread { why: Why::Expired, .. }) => {
                let (rows, now) =
                    gather::external_secrets(cluster, namespace, select, clock::now())?;
                for row in &rows {
                    quiet.print(row, namespace.is_none(), clock::now())?;
                }
                version = now;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// Rows that follow a table.
struct StatusQuiet<'a>(&'a StatusArgs);

impl StatusQuiet<'_> {
    fn print(&self, row: &Row, namespaces: bool, now: Timestamp) -> anyhow::Result<()> {
        if !matches!(self.0.output, Format::Table | Format::Wide) {
            return print(self.0, &[row], namespaces, now);
        }
        let view = View {
            now,
            wide: self.0.output == Format::Wide,
            headers: false,
            namespaces,
            apis: false,
            room: tty::stdout_width(),
        };
        output::stdout(&list::table(&[row], view).0)?;
        Ok(())
    }
}

fn tell_of_nothing(args: &StatusArgs, cluster: &Cluster, namespace: Option<&str>) {
    let which = if args.stale { "No stale resources found" } else { "No resources found" };
    output::stderr(&match namespace {
        Some(namespace) => format!("{which} in {namespace} namespace.\n"),
        None => format!("{which}.\n"),
    });
    if !args.kes {
        tell_of_kes(cluster, namespace);
    }
}

fn tell_of_kes(cluster: &Cluster, namespace: Option<&str>) {
    let count = gather::count_kes(cluster, namespace);
    if count > 0 {
        let objects = if count == 1 { "object" } else { "objects" };
        output::stderr(&format!(
            "{count} {objects} of kubernetes-external-secrets not shown: --kes shows them\n"
        ));
    }
}

fn without_definitions(cluster: &Cluster, namespace: Option<&str>, error: Unread) -> anyhow::Error {
    match gather::count_kes(cluster, namespace) {
        0 => error.into(),
        count => anyhow::anyhow!(
            "{error} There are {count} objects of kubernetes-external-secrets: --kes shows them"
        ),
    }
}
