//! Writes lodash's answers to the cases of `tests/kes-oracle` into `tests/kes-oracle/vectors`.
//!
//! With `--check` it only tells whether they are what lodash says today.

use std::fs;
use std::io::{self, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use extsecret_tests::kes_oracle::{self, Mode, Sets};

fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let check = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--check"] => true,
        _ => bail!("usage: kes_vectors [--check]"),
    };
    let sets = Sets::load()?;
    let mut stale = 0;
    for mode in Mode::ALL {
        let Some(mut oracle) = kes_oracle::start(mode)? else {
            writeln!(io::stdout(), "SKIPPED kes_vectors: Node is not installed")?;
            return Ok(ExitCode::SUCCESS);
        };
        let mut unclaimed = kes_oracle::files("vectors", mode)?;
        for group in kes_oracle::corpus(mode)? {
            let file = kes_oracle::vectors_file(mode, &group.name);
            unclaimed.retain(|vectors| *vectors != file);
            let text = kes_oracle::written(&mut oracle, &sets, mode, &group)?;
            if fs::read_to_string(&file).is_ok_and(|old| old == text) {
                continue;
            }
            stale += 1;
            let shown = format!("{}/{}", mode.name(), group.name);
            if check {
                writeln!(io::stdout(), "stale: {shown}; run the program `kes_vectors`")?;
            } else {
                fs::create_dir_all(file.parent().context("a file is in a folder")?)?;
                fs::write(&file, text)?;
                writeln!(io::stdout(), "wrote {shown}")?;
            }
        }
        for file in unclaimed {
            stale += 1;
            writeln!(io::stdout(), "no corpus: {}", file.display())?;
            if !check {
                fs::remove_file(file)?;
            }
        }
    }
    Ok(if check && stale > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
