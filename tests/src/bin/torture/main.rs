//! Tortures the controller: random trouble for random fleets, against a model of what has to come of it.
//!
//! `cargo run -p extsecret-tests --bin torture -- --minutes 10` plays round after round and prints the seed
//! of each; `--seed S` plays one again, and `--program FILE` tortures another build. A round that fails is shrunk and saved below `torture` of the
//! target folder, and `--json FILE` writes what came of all. `--churn-minutes N` looks for leaks instead.

mod history;
mod leaks;
mod model;
mod objects;
mod passage;
mod plan;
mod shrink;
mod stage;
mod watch;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{env, fs, io};

use anyhow::{Context as _, bail};
use extsecret_tests::api::Api;
use extsecret_tests::cluster::Cluster;
use extsecret_tests::tools;
use serde_json::{Value, json};

use crate::leaks::churn;
use crate::plan::{Fleet, Operation, Size, plan};
use crate::shrink::shrink;
use crate::stage::{Outcome, PATIENCE, Place, play};
use crate::watch::begin;

const USAGE: &str = "usage: torture [--minutes N | --churn-minutes N] [--seed S] [--program FILE] \
                     [--shrink-minutes N] [--json FILE]";

/// How long a failing list may be shrunk, in minutes, unless it is said.
const SHRINKING: u64 = 20;

const SIZE: Size = Size { sources: 24, consumers: 16, phases: 3, operations: 40 };

struct Options {
    minutes: u64,
    churn_minutes: Option<u64>,
    seed: Option<u64>,
    program: Option<PathBuf>,
    json: Option<PathBuf>,
    shrink_minutes: u64,
}

fn options() -> anyhow::Result<Options> {
    let mut options = Options {
        minutes: 10,
        churn_minutes: None,
        seed: None,
        program: None,
        json: None,
        shrink_minutes: SHRINKING,
    };
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().context(USAGE);
        match arg.as_str() {
            "--minutes" => options.minutes = value()?.parse().context(USAGE)?,
            "--churn-minutes" => options.churn_minutes = Some(value()?.parse().context(USAGE)?),
            "--seed" => options.seed = Some(value()?.parse().context(USAGE)?),
            "--program" => options.program = Some(value()?.into()),
            "--shrink-minutes" => options.shrink_minutes = value()?.parse().context(USAGE)?,
            "--json" => options.json = Some(value()?.into()),
            _ => bail!("{USAGE}"),
        }
    }
    Ok(options)
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

fn main() -> anyhow::Result<ExitCode> {
    let options = options()?;
    let cluster = Cluster::setup().definitions().start().context("a cluster needs Go")?;
    let api = Api::of(&cluster);
    let place = Place {
        cluster: &cluster,
        api: &api,
        program: options.program.as_deref(),
        patience: PATIENCE,
    };
    if let Some(minutes) = options.churn_minutes {
        let (summary, is_well) = churn(&place, minutes)?;
        tell(&summary, options.json.as_deref())?;
        return Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let ends = begin() + Duration::from_mins(options.minutes);
    let first = options.seed.unwrap_or_else(|| u64::from(std::process::id()) << 20);
    let mut total = Outcome::default();
    let (mut rounds, mut failed) = (0, BTreeMap::<u64, Vec<String>>::new());
    for seed in first.. {
        let (fleet, operations) = plan(seed, SIZE);
        say(&format!("seed {seed}"))?;
        let outcome = play(&place, seed, &fleet, &operations)?;
        rounds += 1;
        say(&format!(
            "  {} operations, {} faults, {} restarts, {} writes, {} reads, {} starts, {} findings",
            outcome.operations,
            outcome.faults.values().sum::<usize>(),
            outcome.restarts,
            outcome.writes,
            outcome.reads,
            outcome.starts,
            outcome.findings.len()
        ))?;
        if !outcome.findings.is_empty() {
            let found: Vec<_> =
                outcome.findings.iter().map(|it| format!("{}: {}", it.kind, it.text)).collect();
            for text in &found {
                say(&format!("  {text}"))?;
            }
            keep(seed, &outcome)?;
            let ends = begin() + Duration::from_mins(options.shrink_minutes);
            let least = least(&place, seed, &fleet, &operations, &outcome, ends)?;
            save(seed, &fleet, &least, &found)?;
            failed.insert(seed, found);
        }
        add(&mut total, outcome);
        if options.seed.is_some() || begin() > ends {
            break;
        }
    }
    let summary = json!({
        "rounds": rounds,
        "operations": total.operations,
        "faults": total.faults.iter().map(|(it, count)| (format!("{it:?}"), json!(count)))
            .collect::<serde_json::Map<_, _>>(),
        "restarts": total.restarts,
        "writes": total.writes,
        "reads": total.reads,
        "starts": total.starts,
        "failed": failed.iter().map(|(seed, found)| (seed.to_string(), json!(found)))
            .collect::<serde_json::Map<_, _>>(),
    });
    tell(&summary, options.json.as_deref())?;
    Ok(if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Says what came of all, and writes it to a file if there is to be one.
fn tell(summary: &Value, file: Option<&Path>) -> anyhow::Result<()> {
    say(&serde_json::to_string_pretty(summary)?)?;
    if let Some(file) = file {
        fs::write(file, summary.to_string())
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn add(total: &mut Outcome, outcome: Outcome) {
    total.operations += outcome.operations;
    total.restarts += outcome.restarts;
    total.writes += outcome.writes;
    total.reads += outcome.reads;
    total.starts += outcome.starts;
    for (fault, count) in outcome.faults {
        *total.faults.entry(fault).or_default() += count;
    }
}

/// The least part of what was played that still leads to a finding of the same kind. The first rest stays:
/// before it, nobody has read anything.
fn least(
    place: &Place<'_>,
    seed: u64,
    fleet: &Fleet,
    operations: &[Operation],
    outcome: &Outcome,
    ends: Instant,
) -> anyhow::Result<Vec<Operation>> {
    let place = &Place { patience: place.patience / 3, ..*place };
    let played = &operations[..outcome.played.min(operations.len())];
    let (first, rest) = played.split_at(played.len().min(1));
    let whole = |fewer: &[Operation]| {
        let mut list = [first, fewer].concat();
        if list.len() < 2 || list.last() != Some(&Operation::Rest) {
            list.push(Operation::Rest);
        }
        list
    };
    let rest = shrink(rest.to_vec(), |fewer| -> anyhow::Result<_> {
        if begin() > ends {
            return Ok(None);
        }
        let again = play(place, seed, fleet, &whole(fewer))?;
        let is_same = |kind| outcome.findings.iter().any(|it| it.kind == kind);
        let fails = again.findings.iter().any(|it| is_same(it.kind));
        if fails {
            say(&format!("  shrunk to {} operations", fewer.len()))?;
        }
        Ok(Some(fails))
    })?;
    Ok(whole(&rest))
}

/// Saves what the controllers have printed.
fn keep(seed: u64, outcome: &Outcome) -> anyhow::Result<()> {
    let folder = tools::target_dir().join("torture");
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(format!("{seed}.log")), outcome.printed.join("\n----\n"))?;
    Ok(())
}

fn save(
    seed: u64,
    fleet: &Fleet,
    operations: &[Operation],
    found: &[String],
) -> anyhow::Result<()> {
    let folder = tools::target_dir().join("torture");
    fs::create_dir_all(&folder)?;
    let file = folder.join(format!("{seed}.json"));
    let text = json!({
        "seed": seed, "findings": found, "operations": operations, "fleet": fleet,
    });
    fs::write(&file, serde_json::to_string_pretty(&text)?)?;
    say(&format!("  saved as {}", file.display()))?;
    for operation in operations {
        say(&format!("    {}", serde_json::to_string(operation)?))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use extsecret_tests::require;

    /// Keeps the whole alive; hours of it are run by hand.
    #[test]
    fn a_short_round_finds_nothing() {
        let cluster = require!(Cluster::setup().definitions().start());
        let api = Api::of(&cluster);
        let place = Place { cluster: &cluster, api: &api, program: None, patience: PATIENCE };
        let size = Size { sources: 8, consumers: 5, phases: 1, operations: 14 };
        let (fleet, operations) = plan(4, size);
        let outcome = play(&place, 4, &fleet, &operations).unwrap();
        assert!(outcome.findings.is_empty(), "{outcome:#?}\n{fleet:#?}\n{operations:#?}");
        assert!(outcome.writes > 0 && outcome.operations > 5, "{outcome:?}");
    }
}
