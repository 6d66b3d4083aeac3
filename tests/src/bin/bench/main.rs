//! Measures the released binary as a user would see it: wall time, CPU and memory of one process.
//!
//! `cargo run -p extsecret-tests --release --bin bench` measures everything; with `--json FILE` it is
//! written as JSON, too. `-- migrate` prints a table and one line of
//! JSON. Each run is pinned to one core and is a process of its own, because the kernel keeps only
//! the largest memory of all children. `-- controller 1000` measures the controller on a cluster of
//! its own, and `-- throttled 200` in front of an AWS that allows few calls, see [`fleet`].

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io};

use anyhow::{Context as _, bail, ensure};
use extsecret_tests::plugin;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use self::fleet::matrix;

mod at_scale;
#[path = "../../../../plugin/migrate/benches/migrate/corpus.rs"]
mod corpus;
mod costs;
mod fleet;
mod restarts;
mod status;

/// How often the migration is run; the median counts.
const RUNS: usize = 11;
/// How often the start-up is measured; it is short, so noise is large.
const STARTS: usize = 51;

const USAGE: &str = "\
usage: bench [--json FILE]
       bench fleets OBJECTS[,OBJECTS...] [PROGRAM]
       bench plugin
       bench costs
       bench migrate
       bench controller OBJECTS [INTERVAL [PROGRAM]]
       bench throttled OBJECTS [PROGRAM]
       bench restarts OBJECTS [PROGRAM]
       bench status OBJECTS
       bench measure PROGRAM [ARGUMENT...]";

/// What one run of a program took.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
struct Cost {
    wall_ms: f64,
    user_ms: f64,
    system_ms: f64,
    max_rss_mb: f64,
    status: i32,
}

fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<_> = env::args().skip(1).collect();
    let output = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => everything(None)?,
        ["--json", file] => everything(Some(Path::new(file)))?,
        ["fleets", sizes] => matrix::table(&matrix::measure(&numbers(sizes)?, None)?)?,
        ["fleets", sizes, program] => {
            matrix::table(&matrix::measure(&numbers(sizes)?, Some(Path::new(program)))?)?
        }
        ["plugin"] => at_scale::table(&at_scale::measure()?)?,
        ["costs"] => costs::chart()?,
        ["migrate"] => migrate()?,
        ["controller", objects] => fleet::measure(objects.parse()?, "1h", None)?,
        ["controller", objects, interval] => fleet::measure(objects.parse()?, interval, None)?,
        ["controller", objects, interval, program] => {
            fleet::measure(objects.parse()?, interval, Some(Path::new(program)))?
        }
        ["throttled", objects] => fleet::measure_throttled(objects.parse()?, None)?,
        ["throttled", objects, program] => {
            fleet::measure_throttled(objects.parse()?, Some(Path::new(program)))?
        }
        ["restarts", objects] => restarts::measure(objects.parse()?, None)?,
        ["restarts", objects, program] => {
            restarts::measure(objects.parse()?, Some(Path::new(program)))?
        }
        ["status", objects] => status::measure(objects.parse()?)?,
        ["measure", program, arguments @ ..] => {
            serde_json::to_string(&measure(Path::new(program), arguments)?)?
        }
        _ => bail!("{USAGE}"),
    };
    writeln!(io::stdout(), "{output}")?;
    Ok(ExitCode::SUCCESS)
}

/// The fleets of [`everything`].
const SIZES: [usize; 4] = [100, 1_000, 5_000, 10_000];

/// All that is told of in the documents: half an hour.
fn everything(json: Option<&Path>) -> anyhow::Result<String> {
    let fleets = matrix::measure(&SIZES, None)?;
    let plugin = at_scale::measure()?;
    let refreshes = fleet::measure(1_000, "5s", None)?;
    let throttled = fleet::measure_throttled(200, None)?;
    let restarts = restarts::measure(1_000, None)?;
    if let Some(file) = json {
        let all = serde_json::json!({
            "fleets": fleets, "plugin": plugin,
            "refreshes": refreshes, "throttled": throttled, "restarts": restarts,
        });
        fs::write(file, serde_json::to_string_pretty(&all)?)
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    let (fleets, plugin) = (matrix::table(&fleets)?, at_scale::table(&plugin)?);
    Ok([fleets, plugin, refreshes, throttled, restarts, costs::chart()?].join("\n"))
}

fn numbers(list: &str) -> anyhow::Result<Vec<usize>> {
    list.split(',').map(|it| it.parse().with_context(|| format!("{it:?} is no number"))).collect()
}

/// Runs a program once on one core. The only child of this process, so its usage is the child's.
#[expect(clippy::disallowed_methods, reason = "this program exists to read the clock")]
fn measure(program: &Path, arguments: &[&str]) -> anyhow::Result<Cost> {
    let mut core = CpuSet::new();
    core.set(0)?;
    sched_setaffinity(Pid::from_raw(0), &core).context("cannot pin to one core")?;

    let start = Instant::now();
    let status = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .with_context(|| format!("cannot start {}", program.display()))?;
    let wall = start.elapsed();

    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(Cost {
        wall_ms: milliseconds(wall),
        user_ms: millis(usage.user_time()),
        system_ms: millis(usage.system_time()),
        // Linux counts kilobytes here.
        max_rss_mb: as_f64(usage.max_rss()) / 1024.0,
        status: status.code().unwrap_or(-1),
    })
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn millis(time: nix::sys::time::TimeVal) -> f64 {
    as_f64(time.tv_sec()) * 1000.0 + as_f64(time.tv_usec()) / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn as_f64(number: i64) -> f64 {
    number as f64
}

/// Runs a program several times, each in a fresh process of this one.
fn repeat(times: usize, program: &Path, arguments: &[&str]) -> anyhow::Result<Vec<Cost>> {
    let this = env::current_exe()?;
    (0..times)
        .map(|_| {
            let output =
                Command::new(&this).arg("measure").arg(program).args(arguments).output()?;
            ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            Ok(serde_json::from_slice(&output.stdout)?)
        })
        .collect()
}

fn median(costs: &[Cost], field: impl Fn(&Cost) -> f64) -> f64 {
    let mut values: Vec<_> = costs.iter().map(field).collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn largest(costs: &[Cost], field: impl Fn(&Cost) -> f64) -> f64 {
    costs.iter().map(field).fold(0.0, f64::max)
}

/// Writes the corpus below the target folder and says where.
fn write_corpus() -> anyhow::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench");
    let manifests = folder.join("manifests");
    if manifests.exists() {
        fs::remove_dir_all(&manifests)?;
    }
    fs::create_dir_all(&manifests)?;
    for (name, text) in corpus::files() {
        fs::write(manifests.join(name), text)?;
    }
    fs::write(folder.join("kes-deployment.yaml"), corpus::DEPLOYMENT)?;
    Ok(folder.canonicalize()?)
}

fn migrate() -> anyhow::Result<String> {
    let program = plugin::build(&["--profile", "release-plugin"]);
    let folder = write_corpus()?;
    let manifests = format!("--filename={}", folder.join("manifests").display());
    let context = format!("--kes-deployment={}", folder.join("kes-deployment.yaml").display());
    let report = format!("--report={}", folder.join("report.json").display());

    let conversion = repeat(RUNS, &program, &["migrate", &manifests, &context])?;
    let reporting = repeat(RUNS, &program, &["migrate", &manifests, &context, &report])?;
    let starts = repeat(STARTS, &program, &["--help"])?;

    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.join("report.json"))?)?;
    let objects = corpus::FILES * corpus::OBJECTS_PER_FILE;
    ensure!(
        written["summary"]["objects"] == objects,
        "the report counts {} objects of {objects}",
        written["summary"]["objects"]
    );
    ensure!(starts.iter().all(|cost| cost.status == 0), "--help failed");

    let mut table = String::new();
    writeln!(table, "kubectl-extsecret, profile release-plugin, one core")?;
    writeln!(
        table,
        "{:<34}{:>10}{:>10}{:>10}{:>12}",
        "", "wall ms", "user ms", "sys ms", "max RSS MB"
    )?;
    for (name, costs) in [
        (format!("migrate, {objects} objects, {RUNS} runs"), &conversion),
        (format!("the same with --report, {RUNS} runs"), &reporting),
        (format!("--help, {STARTS} runs"), &starts),
    ] {
        writeln!(
            table,
            "{name:<34}{:>10.1}{:>10.1}{:>10.1}{:>12.1}",
            median(costs, |c| c.wall_ms),
            median(costs, |c| c.user_ms),
            median(costs, |c| c.system_ms),
            largest(costs, |c| c.max_rss_mb),
        )?;
    }
    let json = serde_json::json!({
        "objects": objects,
        "summary": written["summary"],
        "migrate": conversion,
        "migrate_with_report": reporting,
        "help": starts,
    });
    write!(table, "{json}")?;
    Ok(table)
}
