use super::*;
use crate::status::model::{Api, More, Store};

fn at(time: &str) -> Timestamp {
    format!("2026-11-25T{time}:00Z").parse().unwrap()
}

fn row(name: &str, health: Health) -> Row {
    let (ready, reason, problem) = match health {
        Health::Failing => ("False", "SecretSyncedError", Some("could not get it: denied")),
        Health::Stale => ("True", "SecretSynced", Some("its refresh is 3h overdue")),
        Health::Pending => ("Unknown", "", Some("new")),
        Health::Healthy => ("True", "SecretSynced", None),
    };
    Row {
        api_version: Api::Eso,
        namespace: "shop".into(),
        name: name.into(),
        store: Some(Store { kind: "SecretStore".into(), name: "main".into() }),
        health,
        ready: (health != Health::Pending).then(|| ready.into()),
        reason: Some(reason.into()).filter(|_| health != Health::Pending),
        message: problem.map(str::to_owned),
        problem: problem.map(str::to_owned),
        last_sync: (health != Health::Pending).then(|| at("11:30")),
        next_sync: Some(if health == Health::Stale { at("09:00") } else { at("12:30") }),
        secret: name.into(),
        created: Some(at("02:00")),
        refresh_interval: Some("1h0m0s".into()),
        refresh_policy: None,
        controller: Some("external-secrets".into()),
        more: More::default(),
    }
}

fn rows() -> Vec<Row> {
    let mut rows = vec![
        row("api-tokens", Health::Healthy),
        row("database", Health::Failing),
        row("old", Health::Stale),
        row("young", Health::Pending),
        row("cache", Health::Failing),
    ];
    rows[0].store = Some(Store { kind: "ClusterSecretStore".into(), name: "shared".into() });
    rows[0].refresh_policy = Some("OnChange".into());
    rows[0].next_sync = None;
    rows[0].more = More { version: Some("1bed8bcb".into()), keys: Some(2), consumers: None };
    rows
}

fn view(room: Option<usize>) -> View {
    View { now: at("12:00"), wide: false, headers: true, namespaces: true, apis: false, room }
}

/// Styles as words, which can be read.
fn shown(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn ordered<'a>(rows: &'a [Row], by: Option<&str>, worst_first: bool) -> Vec<&'a Row> {
    let mut rows: Vec<&Row> = rows.iter().collect();
    order(&mut rows, by, worst_first);
    rows
}

#[test]
fn the_table_in_a_pipe() {
    let rows = rows();
    let (table, left_out) = table(&ordered(&rows, None, false), view(None));
    assert!(left_out.is_empty());
    insta::assert_snapshot!(shown(&table));
}

#[test]
fn the_table_on_a_terminal_of_80_columns() {
    let rows = rows();
    let ordered = ordered(&rows, None, true);
    let (table, left_out) = table(&ordered, view(Some(80)));
    let text = shown(&table);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    insta::assert_snapshot!(format!("{text}{}", shown(&summary(&ordered, &left_out, Some(80)))));
}

#[test]
fn the_wide_table() {
    let rows = rows();
    let wide = View { wide: true, namespaces: false, ..view(Some(80)) };
    let (table, _) = table(&ordered(&rows, None, false), wide);
    insta::assert_snapshot!(shown(&table));
}

#[test]
fn the_document() {
    let rows = rows();
    let document = document(&[&rows[0], &rows[1]]);
    insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap());
}

#[test]
fn names_carry_the_group() {
    let mut rows = rows();
    rows[1].api_version = Api::Kes;
    assert_eq!(
        names(&[&rows[0], &rows[1]]),
        "externalsecret.external-secrets.io/api-tokens\nexternalsecret.kubernetes-client.io/database\n"
    );
}

#[test]
fn many_with_one_problem_are_told_once() {
    let rows: Vec<Row> = (0..40).map(|n| row(&format!("db-{n}"), Health::Failing)).collect();
    let rows: Vec<&Row> = rows.iter().collect();
    let text = shown(&summary(&rows, &[], None));
    assert!(text.contains("shop/db-0 and 39 more\n  could not get it: denied\n"), "{text}");
    assert_eq!(text.lines().count(), 4, "{text}");
}

#[test]
fn every_column_sorts() {
    let rows = rows();
    for key in SORT_KEYS {
        assert_eq!(ordered(&rows, Some(key), true).len(), 5, "{key}");
    }
    let names =
        |by| ordered(&rows, by, false).iter().map(|it| it.name.as_str()).collect::<Vec<_>>();
    assert_eq!(names(Some("last-sync"))[0], "young");
    assert_eq!(names(Some("next"))[0], "old");
    assert_eq!(names(Some("next"))[4], "api-tokens");
    assert_eq!(names(None), ["api-tokens", "cache", "database", "old", "young"]);
}

#[test]
fn a_problem_as_long_as_a_book_is_cut() {
    let long = "ü".repeat(1000);
    assert_eq!(shorten(&long).chars().count(), 401);
    assert_eq!(shorten(" short "), "short");
}

#[test]
fn a_path_sorts_too() {
    let all = rows();
    let mut rows: Vec<&Row> = all.iter().collect();
    assert!(order_by_path(&mut rows, &"{.name}".parse().unwrap()));
    let mut expected: Vec<&str> = all.iter().map(|row| row.name.as_str()).collect();
    expected.sort_unstable();
    assert_eq!(rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), expected);
    assert!(!order_by_path(&mut rows, &"{.colour}".parse().unwrap()));
}
