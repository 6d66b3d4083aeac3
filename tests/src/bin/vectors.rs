//! Writes Go's answers to the cases of `tests/oracle/corpus` into `tests/oracle/vectors`.
//!
//! With `--check` it only tells whether they are what Go says today.

use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use extsecret_tests::oracle::{self, Mode, Oracle};

fn main() -> anyhow::Result<ExitCode> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let check = match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => false,
        ["--check"] => true,
        _ => bail!("usage: vectors [--check]"),
    };
    let mut stale = 0;
    for mode in Mode::ALL {
        let Some(mut oracle) = Oracle::start(mode)? else {
            writeln!(io::stdout(), "SKIPPED vectors: Go is not installed")?;
            return Ok(ExitCode::SUCCESS);
        };
        let mut unclaimed = oracle::files("vectors", mode)?;
        for corpus in oracle::files("corpus", mode)? {
            let name = corpus.file_name().context("a file has a name")?;
            let file: PathBuf = oracle::folder().join("vectors").join(mode.name()).join(name);
            unclaimed.retain(|vectors| *vectors != file);
            let text = oracle::vectors(&mut oracle, &corpus)?;
            if fs::read_to_string(&file).is_ok_and(|old| old == text) {
                continue;
            }
            stale += 1;
            let shown = format!("{mode}/{}", name.display());
            if check {
                writeln!(io::stdout(), "stale: {shown}; run the program `vectors`")?;
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
