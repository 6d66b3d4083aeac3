//! One table of what AWS does, asked of our AWS double and of emulators that others have written.
//!
//! The double must answer as AWS is documented to; that others, who read the same documentation,
//! answer alike is what keeps our reading from being wishful. Where a server differs is listed in
//! `tests/conformance`, with a reason: a deviation that is not listed fails, and so does a listed
//! one that is gone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check;
mod checks;
mod deviations;
#[cfg(target_os = "linux")]
mod leftovers;
mod run;
mod servers;

use std::collections::BTreeSet;
use std::env;
use std::fmt::Write as _;
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::thread;

use check::Check;
use deviations::{Known, Verdict};
use extsecret_tests::tools::report_skip;
use run::Results;
use servers::ALL;

/// A server and what it made of the table.
struct Column {
    name: &'static str,
    known: Known,
    outcome: Outcome,
}

enum Outcome {
    Ran(Results),
    /// What it needs is not installed.
    CannotRun,
    Failed(String),
}

impl Column {
    fn verdict(&self, check: &Check) -> Option<Verdict> {
        match &self.outcome {
            Outcome::Ran(results) => Some(self.known.verdict(check.name, results)),
            Outcome::CannotRun | Outcome::Failed(_) => None,
        }
    }
}

/// A server, asked once for all tests of this file.
fn column(number: usize) -> &'static Column {
    static COLUMNS: [OnceLock<Column>; ALL.len()] = [const { OnceLock::new() }; ALL.len()];
    COLUMNS[number].get_or_init(|| {
        let (name, run) = ALL[number];
        let known = Known::load(name);
        let statuses = known.statuses();
        // On a thread, so that all tests hear of a panic.
        let outcome = match thread::spawn(move || run(statuses)).join() {
            Ok(Some(results)) => Outcome::Ran(results),
            Ok(None) => Outcome::CannotRun,
            Err(panic) => Outcome::Failed(
                panic.downcast::<String>().map_or_else(|_| "it panicked".into(), |text| *text),
            ),
        };
        Column { name, known, outcome }
    })
}

/// Fails if the list of a server does not say what is seen.
#[track_caller]
fn assert_no_news(server: &str, line: u32) {
    let column = column(ALL.iter().position(|(name, _)| *name == server).unwrap());
    let checks = checks::all();
    match &column.outcome {
        Outcome::Ran(results) => {
            let news = column.known.news(&checks, results);
            assert!(news.is_empty(), "{server} and its list differ\n\n{}\n{news}", table(&checks));
        }
        Outcome::CannotRun => report_skip(module_path!(), line),
        Outcome::Failed(reason) => panic!("{server}: {reason}"),
    }
}

/// The rows in which some server and its list differ, side by side with the other servers.
fn table(checks: &[Check]) -> String {
    let columns: Vec<&Column> = (0..ALL.len()).map(column).collect();
    let mut table = format!("{:40}", "");
    for column in &columns {
        let _ = write!(table, " {:10}", column.name);
    }
    table.push('\n');
    for check in checks {
        let verdicts: Vec<_> = columns.iter().map(|column| column.verdict(check)).collect();
        if verdicts.iter().flatten().any(|verdict| verdict.is_news()) {
            let _ = write!(table, "{:40}", check.name);
            for verdict in verdicts {
                let _ = write!(table, " {:10}", verdict.map_or("not run", Verdict::word));
            }
            table.push('\n');
        }
    }
    table
}

#[test]
fn double() {
    assert_no_news("double", line!());
}

#[test]
fn ministack() {
    assert_no_news("ministack", line!());
}

#[test]
fn moto() {
    assert_no_news("moto", line!());
}

#[test]
fn every_check_has_its_own_name_and_says_what_aws_does() {
    let checks = checks::all();
    let names: BTreeSet<&str> = checks.iter().map(|check| check.name).collect();
    assert_eq!(names.len(), checks.len());
    for check in &checks {
        assert!(check.says.ends_with('.') && !check.steps.is_empty(), "{}", check.name);
    }
}

/// Runs one test of this file on a machine without Python.
fn without_python(test: &str, ci: &str) -> Output {
    let empty = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    Command::new(env::current_exe().unwrap())
        .args(["--exact", test])
        .env("PATH", empty.path())
        .env("CI", ci)
        .output()
        .unwrap()
}

#[test]
fn without_python_an_emulator_is_skipped_aloud_and_fails_in_ci() {
    let skipped = without_python("moto", "");
    let said = String::from_utf8_lossy(&skipped.stderr);
    assert!(skipped.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("SKIPPED ")).collect();
    assert_eq!(lines, ["SKIPPED aws_conformance::moto"], "{said}");
    assert!(said.contains("Python 3.10 or newer"), "{said}");

    let failed = without_python("moto", "true");
    assert!(!failed.status.success());
    let said = String::from_utf8_lossy(&failed.stdout);
    assert!(said.contains("Python 3.10 or newer"), "{said}");
}
