//! Rows as people and programs read them.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::row::Row;
use crate::output::age;
use crate::output::table::{Cell, Column, Table, printable};

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// Columns that a result has at least, however narrow a terminal is.
const LEAST: usize = 24;

/// A table; on a terminal of a width, what has no room there is cut.
pub(crate) fn table(rows: &[Row], now: Timestamp, room: Option<usize>, headers: bool) -> String {
    let column = |header, cell: &dyn Fn(&Row) -> String| {
        let cells = rows.iter().map(|row| Cell::from(printable(&cell(row))));
        Column::new(header, cells.collect())
    };
    let several = rows.iter().any(|row| rows.first().is_some_and(|it| it.object != row.object));
    let mut table = Table::default();
    table.push(column("AGE", &|row| {
        row.at.map_or_else(|| "<unknown>".to_owned(), |at| age::since(at, now))
    }));
    table.push(column("WHAT", &|row| row.what.clone()));
    if several {
        // The kind is enough for people: no two kinds of one name are told of.
        table.push(column("OBJECT", &|row| short(&row.object)));
    }
    let by = column("BY", &|row| row.by.clone().unwrap_or_else(|| "-".to_owned()));
    table.push(by.dispensable(2));
    let secret = column("SECRET", &|row| match (row.secrets.join(","), row.keys.join(",")) {
        (secrets, _) if secrets.is_empty() => "-".to_owned(),
        (secrets, keys) if keys.is_empty() => secrets,
        (secrets, keys) => format!("{secrets} ({keys})"),
    });
    table.push(secret.dispensable(1));
    let room = room.unwrap_or(usize::MAX);
    table.fit(room.saturating_sub(LEAST), headers);
    let left = room.saturating_sub(table.width(headers) + 3).max(LEAST);
    table.push(column("RESULT", &|row| {
        let mut text = match &row.version {
            Some(version) if row.result.is_empty() => version.clone(),
            Some(version) => format!("{version}: {}", row.result),
            None => row.result.clone(),
        };
        if row.count > 1 {
            text = format!("{text} ({} times)", row.count);
        }
        cut(&text, left)
    }));
    table.text(headers)
}

/// `deployment/api` for `deployment.apps/api`.
fn short(object: &str) -> String {
    match object.split_once('/') {
        Some((kind, name)) => format!("{}/{name}", kind.split('.').next().unwrap_or_default()),
        None => object.to_owned(),
    }
}

fn cut(text: &str, room: usize) -> String {
    if text.chars().count() <= room {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(room.saturating_sub(3)).collect();
    short.push_str("...");
    short
}

/// The same for programs.
pub(crate) fn document(
    kind: &str,
    namespace: &str,
    name: &str,
    rows: &[Row],
    unknown: &[String],
) -> Value {
    json!({
        "version": VERSION,
        "kind": kind,
        "namespace": namespace,
        "name": name,
        "items": rows,
        "unknown": unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_fits_the_terminal() {
        let row = |object: &str| Row {
            at: Timestamp::from_second(0).ok(),
            what: "RestartCompleted".into(),
            object: object.into(),
            by: Some("extsecret-controller".into()),
            secrets: vec!["a-long-name-of-a-secret".into()],
            result: "all its pods are restarted, in 32 s, and that is a long story".into(),
            ..Row::default()
        };
        let now = Timestamp::from_second(60).unwrap();
        let rows = [row("deployment.apps/api"), row("externalsecret.external-secrets.io/db")];
        for room in [80, 100, 200] {
            let text = table(&rows, now, Some(room), true);
            assert!(text.lines().all(|line| line.chars().count() <= room), "{text}");
            assert!(text.contains("deployment/api") && text.contains("RESULT"), "{text}");
        }
        assert!(table(&rows[..1], now, None, false).starts_with("60s   RestartCompleted   ext"));
    }
}
