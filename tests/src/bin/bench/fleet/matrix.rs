//! How cost grows: fleets of several sizes, on ten keys and on a key each, with a role and without.
//!
//! Each fleet has a cluster of its own, in front of an AWS whose answers take 8 ms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use extsecret_tests::api::Api;
use extsecret_tests::aws::{Aws, Effect, Role, Rule};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::controller::now;
use extsecret_tests::fleet::Fleet;
use serde::Serialize;
use serde_json::json;

use super::seen::Watch;
use super::{Bench, Count, KEYS, PATIENCE, changes, released};

/// How long an answer of AWS takes.
const LATENCY: u64 = 8;

/// How many make objects at once.
const HANDS: usize = 8;

/// What one fleet costs.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    objects: usize,
    keys: usize,
    role: bool,
    /// A controller starts in front of objects that were never synced.
    cold: Phase,
    /// The same controller starts again.
    restart: Phase,
    /// Objects are made in front of a controller that runs: from the first object made to the last one
    /// ready.
    running: Phase,
    /// From the last object made to the last one ready.
    behind_seconds: f64,
}

/// What happened in a while.
#[derive(Debug, Serialize)]
struct Phase {
    seconds: f64,
    cpu_seconds: f64,
    rss_mb: u64,
    peak_rss_mb: u64,
    aws_calls: BTreeMap<String, u64>,
    /// Those of this program are among them: GET and LIST.
    api_requests: BTreeMap<String, u64>,
}

/// Measures fleets of these sizes.
pub(crate) fn measure(sizes: &[usize], program: Option<&Path>) -> anyhow::Result<Vec<Row>> {
    let program = released(program);
    let mut rows = Vec::new();
    for &objects in sizes {
        for keys in [KEYS, objects] {
            for role in [false, true] {
                rows.push(measure_one(objects, keys, role, &program)?);
            }
        }
    }
    Ok(rows)
}

fn measure_one(objects: usize, keys: usize, role: bool, program: &Path) -> anyhow::Result<Row> {
    let [cold, restart] = in_a_cluster(keys, role, |bench| {
        make(bench, objects, keys);
        let watch = Watch::new(bench.fleet.api, &bench.fleet.ours("externalsecrets"));
        let before = bench.count();
        let controller = bench.start(program);
        watch.wait_ready(objects, PATIENCE);
        let cold = phase(bench, &before, &controller);
        controller.kill();
        let before = bench.count();
        let controller = bench.start(program);
        bench.wait_looked(&controller, objects)?;
        let restart = phase(bench, &before, &controller);
        controller.stop();
        Ok([cold, restart])
    })?;
    let (running, behind_seconds) = in_a_cluster(keys, role, |bench| {
        let controller = bench.start(program);
        let watch = Watch::new(bench.fleet.api, &bench.fleet.ours("externalsecrets"));
        let before = bench.count();
        make(bench, objects, keys);
        let made = now();
        watch.wait_ready(objects, PATIENCE);
        let behind = made.elapsed().as_secs_f64();
        let running = phase(bench, &before, &controller);
        controller.stop();
        Ok((running, behind))
    })?;
    Ok(Row { objects, keys, role, cold, restart, running, behind_seconds })
}

/// A cluster with a store, and an AWS with so many keys.
fn in_a_cluster<T>(
    keys: usize,
    role: bool,
    measure: impl FnOnce(&mut Bench<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let (api, aws) = (Api::of(&cluster), Aws::start());
    let fleet = Fleet::new(&cluster, &api);
    let arn = format!("arn:aws:iam::{}:role/reader", aws.account());
    aws.identities().add_role(Role::new(&arn).trusts_principal(aws.account()));
    for key in 0..keys {
        aws.secrets().put(&format!("app/{key}"), "first");
    }
    aws.faults().add(Rule::on("*").effect(Effect::Latency { millis: LATENCY, jitter_millis: 0 }));
    fleet.store("aws", aws.region(), &if role { json!({ "role": arn }) } else { json!({}) });
    measure(&mut Bench { cluster: &cluster, fleet, aws: &aws, table: String::new() })
}

fn make(bench: &Bench<'_>, objects: usize, keys: usize) {
    let make = |hand: usize| {
        let api = Api::of(bench.cluster);
        let fleet = Fleet { api: &api, namespace: bench.fleet.namespace.clone() };
        for number in (hand..objects).step_by(HANDS) {
            let key = format!("app/{}", number % keys);
            fleet.external_secret(&format!("es-{number}"), &key, "1h");
        }
    };
    thread::scope(|scope| {
        for hand in 0..HANDS {
            let make = &make;
            scope.spawn(move || make(hand));
        }
    });
}

fn phase(
    bench: &Bench<'_>,
    before: &Count,
    controller: &extsecret_tests::controller::Controller,
) -> Phase {
    let seconds = before.at.elapsed().as_secs_f64();
    let (cpu_seconds, rss) = (controller.cpu_seconds(), controller.rss_bytes());
    let after = bench.count();
    Phase {
        seconds,
        cpu_seconds,
        rss_mb: rss >> 20,
        peak_rss_mb: controller.peak_rss_bytes() >> 20,
        aws_calls: changes(&before.aws, &after.aws),
        api_requests: changes(&before.requests, &after.requests),
    }
}

/// What was measured, for people.
pub(crate) fn table(rows: &[Row]) -> anyhow::Result<String> {
    let mut table = String::new();
    writeln!(table, "the controller in front of an AWS that takes {LATENCY} ms")?;
    writeln!(
        table,
        "{:>7}{:>7}{:>6}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}{:>11}{:>9}",
        "objects",
        "keys",
        "role",
        "cold s",
        "CPU ms*",
        "RSS MB",
        "peak MB",
        "AWS calls",
        "writes*",
        "behind s",
        "restart s",
        "calls"
    )?;
    for row in rows {
        let each = |number: f64| number / as_f64(row.objects);
        let calls = |phase: &Phase| phase.aws_calls.values().sum::<u64>();
        let writes: u64 =
            row.cold.api_requests.iter().filter(|(name, _)| is_write(name)).map(|(_, it)| it).sum();
        writeln!(
            table,
            "{:>7}{:>7}{:>6}{:>9.1}{:>9.2}{:>9}{:>9}{:>10}{:>9.2}{:>9.1}{:>11.1}{:>9}",
            row.objects,
            row.keys,
            if row.role { "yes" } else { "no" },
            row.cold.seconds,
            each(row.cold.cpu_seconds * 1000.0),
            row.cold.rss_mb,
            row.cold.peak_rss_mb,
            calls(&row.cold),
            each(as_f64(usize::try_from(writes)?)),
            row.behind_seconds,
            row.restart.seconds,
            calls(&row.restart),
        )?;
    }
    writeln!(table, "* of each object; writes are those of Secrets and statuses")?;
    growth(rows, &mut table)?;
    Ok(table)
}

fn is_write(name: &str) -> bool {
    let of_an_object = name.contains(" secrets") || name.contains(" externalsecrets status");
    of_an_object && ["POST ", "PUT ", "PATCH "].iter().any(|verb| name.starts_with(verb))
}

/// From the smallest fleet to the largest: time for each object, and memory.
fn growth(rows: &[Row], table: &mut String) -> anyhow::Result<()> {
    let (Some(first), Some(last)) = (rows.iter().find(|it| it.objects >= 1000), rows.last()) else {
        return Ok(());
    };
    for (of_keys, what) in [(false, "ten keys"), (true, "a key each")] {
        let fits = |row: &&Row, objects: usize| {
            row.objects == objects && row.role && (row.keys == row.objects) == of_keys
        };
        let of = |objects: usize| rows.iter().find(|row| fits(row, objects));
        let (Some(small), Some(large)) = (of(first.objects), of(last.objects)) else { continue };
        if small.objects == large.objects {
            continue;
        }
        let time = |row: &Row| row.cold.seconds / as_f64(row.objects) * 1000.0;
        let more = as_f64(large.objects - small.objects);
        let memory = as_f64(usize::try_from(large.cold.rss_mb)?)
            - as_f64(usize::try_from(small.cold.rss_mb)?);
        writeln!(
            table,
            "{what}, with a role, {} to {}: {:.2} and {:.2} ms for each object, {:.1} KB for each more",
            small.objects,
            large.objects,
            time(small),
            time(large),
            memory * 1024.0 / more,
        )?;
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "thousands")]
fn as_f64(number: usize) -> f64 {
    number as f64
}
