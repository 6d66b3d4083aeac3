//! `kubectl extsecret`: moves kubernetes-external-secrets objects to external-secrets.io/v1.
//!
//! This crate does all reading, writing and printing; the decisions are made by
//! `extsecret-manifest` and `extsecret-migrate`.

mod catalogue;
mod cli;
mod clock;
mod cluster;
mod commands;
mod complete;
mod doctor;
mod exit;
mod files;
mod handover;
mod history;
mod iam;
mod input;
mod manual;
mod output;
mod placement;
mod render;
mod restarts;
mod rollback;
mod scaffold;
mod status;
#[cfg(test)]
mod testing;
mod tty;
mod validation;

use std::process::ExitCode;

use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    report_bugs();
    let mut args: Vec<_> = std::env::args_os().collect();
    let command = cli::command(args.first().map(std::ffi::OsString::as_os_str));
    if args.get(1).is_some_and(|word| word == complete::WORD) {
        args.remove(1);
        return complete::answer(command, args).into();
    }
    if args.get(1).is_some_and(|word| word == manual::WORD) {
        return manual::answer(command, args.get(2)).into();
    }
    let cli = match cli::parse(command, args) {
        Ok(cli) => cli,
        Err(error) => {
            // The text of `--help` goes to stdout, that of a mistake to stderr.
            let exit = if error.use_stderr() { Exit::CouldNotRun } else { Exit::Success };
            return match error.print() {
                Err(error) if !exit::is_broken_pipe(&error) => Exit::CouldNotRun.into(),
                _ => exit.into(),
            };
        }
    };
    cli.color.apply();
    commands::run(cli.command).unwrap_or_else(|error| exit::explain(&error)).into()
}

/// Turns a panic into a request for a bug report.
///
/// The panic's own message is not printed: it may quote the manifest that was being read.
fn report_bugs() {
    std::panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        anstream::eprintln!(
            "error: kubectl-extsecret {} hit a bug at {place} and stopped.\n\
             Please report it with this line and, if you can share it, the manifest \
             (without secret values).",
            env!("CARGO_PKG_VERSION"),
        );
        // The exit code of a panic is not one of ours, and with `panic = "abort"` it is a signal.
        #[expect(clippy::exit, reason = "the only way out of a panic with a chosen exit code")]
        std::process::exit(Exit::CouldNotRun as i32);
    }));
}
