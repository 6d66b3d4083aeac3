//! Rows as they are printed.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{Health, Row, is_periodic};
use crate::output::age;
use crate::output::jsonpath::Template;
use crate::output::table::{Cell, Column, Table, printable};
use crate::output::wrap::wrap;

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// Problems that the summary tells; the rest is counted.
const PROBLEMS: usize = 5;

/// How a table is to be.
#[expect(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) now: Timestamp,
    pub(crate) wide: bool,
    pub(crate) headers: bool,
    /// Objects of several namespaces.
    pub(crate) namespaces: bool,
    /// Objects of both APIs.
    pub(crate) apis: bool,
    /// Columns of the terminal; `None` for a file or a pipe, which have room for everything.
    pub(crate) room: Option<usize>,
}

/// The table, and the headers of the columns that have no room.
pub(crate) fn table(rows: &[&Row], view: View) -> (String, Vec<&'static str>) {
    let column = |header, cell: &dyn Fn(&Row) -> Cell| {
        Column::new(header, rows.iter().map(|row| cell(row)).collect())
    };
    let mut table = Table::default();
    if view.apis {
        table.push(column("API", &|row| row.api_version.short().into()));
    }
    if view.namespaces {
        table.push(column("NAMESPACE", &|row| row.namespace.as_str().into()));
    }
    table.push(column("NAME", &|row| row.name.as_str().into()));
    table.push(column("STORE", &|row| store(row).into()).dispensable(1));
    table.push(column("READY", &ready));
    table.push(column("REASON", &|row| or_none(row.reason.as_deref())));
    table.push(column("LAST-SYNC", &|row| match row.last_sync {
        Some(at) => age::since(at, view.now).into(),
        None => "<never>".into(),
    }));
    table.push(column("NEXT", &|row| next(row, view.now)).dispensable(2));
    table.push(column("SECRET", &|row| row.secret.as_str().into()).dispensable(4));
    table.push(
        column("AGE", &|row| match row.created {
            Some(at) => age::since(at, view.now).into(),
            None => "<unknown>".into(),
        })
        .dispensable(3),
    );
    if view.wide {
        table.push(column("INTERVAL", &interval));
        table.push(column("VERSION", &|row| match row.more.keys {
            None => "<unknown>".into(),
            Some(_) => or_none(row.more.version.as_deref()),
        }));
        table.push(column("KEYS", &|row| count(row.more.keys)));
        table.push(column("CONSUMERS", &|row| count(row.more.consumers)));
        table.push(column("CONTROLLER", &|row| or_none(row.controller.as_deref())));
    }
    // Who asks for everything gets everything.
    let room = view.room.filter(|_| !view.wide);
    let left_out = room.map(|room| table.fit(room, view.headers)).unwrap_or_default();
    (table.text(view.headers), left_out)
}

fn store(row: &Row) -> String {
    match &row.store {
        None => "<none>".to_owned(),
        Some(store) if store.kind == "ClusterSecretStore" => format!("cluster/{}", store.name),
        Some(store) => store.name.clone(),
    }
}

fn ready(row: &Row) -> Cell {
    let style = match row.health {
        Health::Healthy => AnsiColor::Green.on_default(),
        Health::Failing => AnsiColor::Red.on_default(),
        Health::Stale | Health::Pending => AnsiColor::Yellow.on_default(),
    };
    Cell::from(row.ready.as_deref().unwrap_or("Unknown")).styled(style)
}

fn next(row: &Row, now: Timestamp) -> Cell {
    // What failed is tried again earlier, or not at all: only the controller knows.
    if matches!(row.health, Health::Failing | Health::Pending) {
        return "<unknown>".into();
    }
    let Some(at) = row.next_sync.filter(|_| is_periodic(row)) else { return "<none>".into() };
    if at > now {
        return age::since(now, at).into();
    }
    let late = Cell::from(format!("{} late", age::since(at, now)));
    if row.health == Health::Stale { late.styled(AnsiColor::Yellow.on_default()) } else { late }
}

fn interval(row: &Row) -> Cell {
    match row.refresh_policy.as_deref() {
        Some(policy) if !is_periodic(row) => policy.into(),
        _ => or_none(row.refresh_interval.as_deref()),
    }
}

fn or_none(text: Option<&str>) -> Cell {
    text.filter(|text| !text.is_empty()).unwrap_or("<none>").into()
}

fn count(number: Option<usize>) -> Cell {
    number.map_or_else(|| "<unknown>".into(), |number| number.to_string().into())
}

/// What `--sort-by` may say: the names of the columns.
pub(crate) const SORT_KEYS: &[&str] =
    &["namespace", "name", "store", "ready", "reason", "last-sync", "next", "secret", "age"];

/// What a list is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SortBy {
    /// One of [`SORT_KEYS`].
    Column(&'static str),
    /// What a `JSONPath` finds in the JSON form of a row, as it was typed.
    Path(String, Template),
}

/// Puts rows in the order of what a path finds in them: numbers as numbers, what has nothing first.
/// False if it finds nothing in any.
pub(crate) fn order_by_path(rows: &mut [&Row], path: &Template) -> bool {
    let mut found: Vec<(String, &Row)> = rows
        .iter()
        .map(|row| (path.render(&serde_json::to_value(row).unwrap_or_default()), *row))
        .collect();
    found.sort_by(|(a, _), (b, _)| match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(a), Ok(b)) => a.total_cmp(&b),
        _ => a.cmp(b),
    });
    let any = found.iter().any(|(text, _)| !text.is_empty());
    for (place, (_, row)) in rows.iter_mut().zip(found) {
        *place = row;
    }
    any
}

/// Puts rows in order: by namespace and name, by a column, or the worst first.
pub(crate) fn order(rows: &mut [&Row], by: Option<&str>, worst_first: bool) {
    let name = |a: &Row, b: &Row| {
        (&a.namespace, &a.name, a.api_version).cmp(&(&b.namespace, &b.name, b.api_version))
    };
    rows.sort_by(|a, b| {
        let first = match by {
            Some("name") => a.name.cmp(&b.name),
            Some("store") => store(a).cmp(&store(b)),
            Some("ready") => (a.health, &a.ready).cmp(&(b.health, &b.ready)),
            Some("reason") => a.reason.cmp(&b.reason),
            // What never was comes first, then what was longest ago.
            Some("last-sync") => a.last_sync.cmp(&b.last_sync),
            // What never comes stands last.
            Some("next") => {
                let key = |row: &Row| (row.next_sync.is_none(), row.next_sync);
                key(a).cmp(&key(b))
            }
            Some("secret") => a.secret.cmp(&b.secret),
            // The youngest first, as ages grow.
            Some("age") => b.created.cmp(&a.created),
            None if worst_first => a.health.cmp(&b.health),
            _ => Ordering::Equal,
        };
        first.then_with(|| name(a, b))
    });
}

/// The rows as a document for programs.
pub(crate) fn document(rows: &[&Row]) -> Value {
    let count = |health| rows.iter().filter(|row| row.health == health).count();
    json!({
        "version": VERSION,
        "summary": {
            "objects": rows.len(),
            "healthy": count(Health::Healthy),
            "failing": count(Health::Failing),
            "stale": count(Health::Stale),
            "pending": count(Health::Pending),
        },
        "items": rows,
    })
}

/// `externalsecret.external-secrets.io/NAME`, a line for each.
pub(crate) fn names(rows: &[&Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{}", row.api_version.kind().name_of(&row.name));
    }
    text
}

/// How it stands, and what to look at next, for people.
pub(crate) fn summary(rows: &[&Row], left_out: &[&str], room: Option<usize>) -> String {
    let room = room.unwrap_or(usize::MAX);
    let mut text = String::new();
    let mut parts = Vec::new();
    let mut problems: BTreeMap<(Health, &str), Vec<&Row>> = BTreeMap::new();
    for health in [Health::Failing, Health::Stale, Health::Pending, Health::Healthy] {
        let word = match health {
            Health::Failing => "failing",
            Health::Stale => "stale",
            Health::Pending => "pending",
            Health::Healthy => "healthy",
        };
        let number = rows.iter().filter(|row| row.health == health).count();
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    for row in rows {
        if let (Health::Failing | Health::Stale, Some(problem)) = (row.health, &row.problem) {
            problems.entry((row.health, problem)).or_default().push(row);
        }
    }
    let objects = if rows.len() == 1 { "object" } else { "objects" };
    let _ = writeln!(text, "{} {objects}: {}", rows.len(), parts.join(", "));
    if !left_out.is_empty() {
        let note = format!("no room for {}: -o wide shows all columns", left_out.join(", "));
        text.push_str(&wrap(&note, room, ""));
    }
    let red = AnsiColor::Red.on_default();
    let yellow = AnsiColor::Yellow.on_default();
    // What concerns many comes first.
    let mut told: Vec<_> = problems.into_iter().collect();
    told.sort_by_key(|((health, _), rows)| (*health, std::cmp::Reverse(rows.len())));
    for ((health, problem), rows) in told.iter().take(PROBLEMS) {
        let Some(first) = rows.first() else { continue };
        let who = match rows.len() {
            1 => format!("{}/{}", first.namespace, first.name),
            more => format!("{}/{} and {} more", first.namespace, first.name, more - 1),
        };
        let style: Style = if *health == Health::Failing { red } else { yellow };
        let _ = writeln!(text, "{style}{}{style:#}", printable(&who));
        text.push_str(&wrap(&printable(&shorten(problem)), room, "  "));
    }
    if let Some(more) = told.len().checked_sub(PROBLEMS).filter(|more| *more > 0) {
        let _ = writeln!(text, "and {more} other problems");
    }
    let first = told
        .iter()
        .flat_map(|(_, rows)| rows)
        .find(|row| row.api_version == super::model::Api::Eso);
    if let Some(first) = first {
        let next = format!(
            "`kubectl extsecret status {} -n {}` shows everything about the first",
            printable(&first.name),
            printable(&first.namespace)
        );
        text.push_str(&wrap(&next, room, ""));
    }
    text
}

/// A message of a controller may be as long as an answer of AWS.
pub(crate) fn shorten(text: &str) -> String {
    shorten_to(text, 400)
}

/// The same, to so many characters.
pub(crate) fn shorten_to(text: &str, most: usize) -> String {
    let text = text.trim();
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
