//! The plugin in front of ten thousand objects: what each of its larger verbs takes.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{fleet, plugin};
use serde::Serialize;

use crate::{Cost, corpus, largest, median, repeat, write_corpus};

/// How often each is run; the median counts.
const RUNS: usize = 5;

/// One command.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    what: String,
    objects: usize,
    runs: Vec<Cost>,
}

/// Measures on files, and in a cluster of its own with as many objects.
pub(crate) fn measure() -> anyhow::Result<Vec<Row>> {
    let objects = corpus::FILES * corpus::OBJECTS_PER_FILE;
    let program = plugin::build(&["--profile", "release-plugin"]);
    let folder = write_corpus()?;
    let manifests = format!("--filename={}", folder.join("manifests").display());
    let context = format!("--kes-deployment={}", folder.join("kes-deployment.yaml").display());
    let made = folder.join("made");
    if made.exists() {
        std::fs::remove_dir_all(&made)?;
    }
    let into = format!("--output-dir={}", made.display());
    // Some of the corpus cannot be converted, which is an exit code of its own.
    let migrate = ["migrate", &manifests, &context];
    repeat(1, &program, &[&migrate[..], &[&into]].concat())?;
    let new = format!("--filename={}", made.display());

    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    fleet::fill(&cluster, &cluster.fresh_namespace(), objects);
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let commands: [(&str, Vec<&str>); 5] = [
        ("migrate", migrate.to_vec()),
        ("validate, what migrate makes", vec!["validate", "--recursive", &new]),
        ("validate, objects of KES", vec!["validate", "--recursive", &manifests]),
        ("status -A", vec!["status", "-A", &kubeconfig]),
        ("status -A -o wide", vec!["status", "-A", "-o", "wide", &kubeconfig]),
    ];
    let mut rows = Vec::new();
    for (what, args) in commands {
        let runs = repeat(RUNS, &program, &args)?;
        // 1 is that something was found; 2 is that it did not work.
        ensure!(runs.iter().all(|run| matches!(run.status, 0 | 1)), "{what}: {runs:?}");
        rows.push(Row { what: what.to_owned(), objects, runs });
    }
    Ok(rows)
}

/// What was measured, for people.
pub(crate) fn table(rows: &[Row]) -> Result<String, std::fmt::Error> {
    let mut table = String::new();
    writeln!(table, "kubectl-extsecret, profile release-plugin, one core, {RUNS} runs")?;
    writeln!(table, "{:<34}{:>10}{:>14}{:>12}", "", "wall ms", "processor ms", "max RSS MB")?;
    for Row { what, objects, runs } in rows {
        writeln!(
            table,
            "{:<34}{:>10.0}{:>14.0}{:>12.1}",
            format!("{what}, {objects}"),
            median(runs, |it| it.wall_ms),
            median(runs, |it| it.user_ms + it.system_ms),
            largest(runs, |it| it.max_rss_mb),
        )?;
    }
    Ok(table)
}
