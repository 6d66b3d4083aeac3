//! Writes the custom resource definitions as YAML, or checks that those in the tree are fresh.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use extsecret_crds::schema::{self, DefinitionFile};

const USAGE: &str = "\
Usage: crdgen [--check] [FOLDER]

Writes the custom resource definitions into FOLDER (default: the crate's own folder).
With --check nothing is written; the exit status is 1 if a file is missing or stale.
";

/// What the command line asks for.
struct Arguments {
    check: bool,
    folder: PathBuf,
}

fn main() -> ExitCode {
    let outcome = match parse(std::env::args_os().skip(1)) {
        Ok(Some(arguments)) => run(&arguments),
        Ok(None) => return finish(&mut io::stdout(), USAGE, ExitCode::SUCCESS),
        Err(message) => Err(format!("{message}\n\n{USAGE}")),
    };
    match outcome {
        Ok(stale) if stale.is_empty() => ExitCode::SUCCESS,
        Ok(stale) => {
            let text = format!(
                "stale: {}\nrun `cargo run -p extsecret-crds --bin crdgen` and commit the result\n",
                stale.join("\nstale: ")
            );
            finish(&mut io::stderr(), &text, ExitCode::FAILURE)
        }
        Err(message) => finish(&mut io::stderr(), &format!("error: {message}\n"), 2.into()),
    }
}

/// Prints the last words and passes the exit status on. Who closed the stream does not want them.
fn finish(to: &mut dyn io::Write, text: &str, status: ExitCode) -> ExitCode {
    let _ = to.write_all(text.as_bytes());
    status
}

/// Reads the command line; `None` if it asks for help.
fn parse(words: impl Iterator<Item = std::ffi::OsString>) -> Result<Option<Arguments>, String> {
    let mut check = false;
    let mut folder = None;
    for word in words {
        match word.to_str() {
            Some("-h" | "--help") => return Ok(None),
            Some("--check") => check = true,
            Some(flag) if flag.starts_with('-') => return Err(format!("unknown flag {flag}")),
            _ if folder.is_some() => return Err("more than one folder".to_owned()),
            _ => folder = Some(PathBuf::from(word)),
        }
    }
    let folder = folder.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    Ok(Some(Arguments { check, folder }))
}

/// Writes or checks the files; returns the paths that are stale.
fn run(arguments: &Arguments) -> Result<Vec<String>, String> {
    let files = schema::files().map_err(|error| format!("cannot write the schema: {error}"))?;
    let mut stale = Vec::new();
    for DefinitionFile { name, yaml } in files {
        let path = arguments.folder.join(name);
        if arguments.check {
            if !is_fresh(&path, &yaml)? {
                stale.push(path.display().to_string());
            }
        } else {
            fs::write(&path, yaml)
                .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        }
    }
    Ok(stale)
}

fn is_fresh(path: &Path, yaml: &str) -> Result<bool, String> {
    match fs::read(path) {
        Ok(found) => Ok(found == yaml.as_bytes()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(format!("cannot read {}: {error}", path.display())),
    }
}
