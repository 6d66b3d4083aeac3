//! How long a list of many ExternalSecrets takes, and how much memory.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::{fleet, plugin};

use crate::{largest, median, repeat};

/// How often each list is asked for.
const RUNS: usize = 11;

/// Measures with so many objects in a cluster of their own.
pub(crate) fn measure(objects: usize) -> anyhow::Result<String> {
    let program = plugin::build(&["--profile", "release-plugin"]);
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let namespace = cluster.fresh_namespace();
    fleet::fill(&cluster, &namespace, objects);
    let kubeconfig = format!("--kubeconfig={}", cluster.kubeconfig().display());
    let mut table = String::new();
    writeln!(table, "kubectl-extsecret status, {objects} objects, {RUNS} runs, one core")?;
    for args in [&["-A"][..], &["-A", "--output=name"], &["-A", "--output=wide"]] {
        let all = [&["status", kubeconfig.as_str()], args].concat();
        let costs = repeat(RUNS, &program, &all)?;
        ensure!(costs.iter().all(|cost| cost.status == 0), "{args:?} failed");
        writeln!(
            table,
            "{:<24}{:>10.0} ms{:>10.0} ms of the processor{:>8.1} MB",
            args.join(" "),
            median(&costs, |cost| cost.wall_ms),
            median(&costs, |cost| cost.user_ms + cost.system_ms),
            largest(&costs, |cost| cost.max_rss_mb),
        )?;
    }
    Ok(table)
}
