//! One file per verb.

mod completion;
mod consumers;
mod doctor;
mod explain;
mod freeze;
mod handover;
mod history;
mod iam;
mod migrate;
mod refresh;
mod render;
mod restart;
mod rollback;
mod scaffold;
mod status;
mod validate;
mod version;

use crate::cli::Command;
use crate::exit::Exit;

/// Runs a verb to its end. An error means that it could not do its work.
pub(crate) fn run(command: Command) -> anyhow::Result<Exit> {
    match command {
        Command::Migrate(args) => migrate::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Scaffold(args) => scaffold::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Refresh(args) => refresh::run(&args),
        Command::Consumers(args) => consumers::run(&args),
        Command::Stale(args) => consumers::stale(&args),
        Command::Why(args) => restart::why(&args),
        Command::Restart(args) => restart::restart(&args),
        Command::Rollback(args) => rollback::run(&args),
        Command::History(args) => history::run(&args),
        Command::Freeze(args) => freeze::freeze(&args),
        Command::Unfreeze(args) => freeze::unfreeze(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Iam(args) => iam::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Completion(args) => completion::run(&args),
        Command::Version(args) => version::run(&args),
    }
}
