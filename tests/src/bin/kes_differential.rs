//! Makes up lodash templates without end and reports those that our translation renders otherwise.
//!
//! `cargo run -p extsecret-tests --bin kes_differential -- --minutes 10`. What the short
//! form announces by a code is counted; any other difference is shown and makes the run fail. The
//! seed of a run makes it again. With `--corpus` the vectors are compared instead, with `--stops`
//! what stops on plain strings is shown, too.

use std::io::{self, Write as _};
use std::panic;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use extsecret_migrate::lodash::Style;
use extsecret_tests::kes_oracle::{self, Comparison, Group, Mode, grammar};
use extsecret_tests::random::Random;

/// Cases that are asked at once.
const BATCH: u64 = 200;

const USAGE: &str =
    "usage: kes_differential [--minutes N] [--seed N] [--short] [--corpus] [--stops]";

struct Settings {
    time: Duration,
    seed: u64,
    style: Style,
    corpus: bool,
    stops: bool,
}

fn settings() -> anyhow::Result<Settings> {
    let mut settings = Settings {
        time: Duration::from_mins(1),
        seed: 1,
        style: Style::Exact,
        corpus: false,
        stops: false,
    };
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        let mut value = || args.next().context(USAGE);
        match arg.as_str() {
            "--minutes" => settings.time = Duration::from_secs_f64(value()?.parse::<f64>()? * 60.0),
            "--seed" => settings.seed = value()?.parse()?,
            "--short" => settings.style = Style::Short,
            "--corpus" => settings.corpus = true,
            "--stops" => settings.stops = true,
            _ => bail!(USAGE),
        }
    }
    Ok(settings)
}

fn main() -> anyhow::Result<ExitCode> {
    let settings = settings()?;
    // A panic is reported with its case.
    panic::set_hook(Box::new(|_| {}));
    let mut comparison = Comparison::new(settings.style)?;
    if settings.corpus {
        for group in kes_oracle::vectors(Mode::Template)? {
            comparison.group(&group)?;
            show(&mut comparison, settings.stops)?;
        }
    } else {
        made_up(&settings, &mut comparison)?;
    }
    writeln!(io::stdout(), "{comparison}")?;
    for (cause, (templates, answers)) in &comparison.causes {
        writeln!(
            io::stdout(),
            "  stops on {answers:4} answers of {} templates: {cause}",
            templates.len()
        )?;
    }
    let clean = comparison.counts.differ == 0;
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::disallowed_methods, reason = "a run has a length")]
fn made_up(settings: &Settings, comparison: &mut Comparison) -> anyhow::Result<()> {
    let Some(mut oracle) = kes_oracle::start(Mode::Template)? else {
        bail!("Node is not installed")
    };
    let end = Instant::now() + settings.time;
    let mut batch = 0;
    while Instant::now() < end {
        let mut random = Random::new(settings.seed.wrapping_mul(1_000_003).wrapping_add(batch));
        let cases: Vec<_> = (0..BATCH).map(|_| grammar::case(&mut random)).collect();
        let cases = kes_oracle::answered(&mut oracle, &comparison.sets, Mode::Template, &cases)?;
        comparison.group(&Group { name: format!("batch {batch}"), cases })?;
        show(comparison, settings.stops)?;
        batch += 1;
    }
    Ok(())
}

/// Shows what was found and forgets it: a run may be long.
fn show(comparison: &mut Comparison, stops: bool) -> anyhow::Result<()> {
    for stop in comparison.stops.drain(..).filter(|_| stops) {
        writeln!(io::stdout(), "STOP {stop}")?;
    }
    for finding in comparison.findings.drain(..) {
        writeln!(io::stdout(), "DIFFERENCE {finding}")?;
    }
    Ok(())
}
