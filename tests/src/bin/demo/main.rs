//! The whole product on one screen: a cluster of kubernetes-external-secrets is checked, migrated,
//! handed over and watched through a rotation, by the commands that a person would type.
//!
//! ```sh
//! cargo run -p extsecret-tests --bin demo
//! ```
//!
//! Everything is made for it, and nothing is left: no process and no folder, also after Ctrl-C and
//! after a step that is not what it should be (exit code 1).

mod interrupt;
mod stage;
mod story;

use std::process::ExitCode;

use extsecret_tests::controller::PROGRAM;
use extsecret_tests::{plugin, tools};

use crate::interrupt::Interrupt;
use crate::stage::Stage;

/// What a shell says of a program that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

#[expect(clippy::print_stderr, reason = "what went wrong, for who looks at the screen")]
fn main() -> ExitCode {
    match play() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<stage::Interrupted>() => {
            eprintln!("\n{error}");
            ExitCode::from(INTERRUPTED)
        }
        Err(error) => {
            eprintln!("\nThe demo failed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn play() -> anyhow::Result<()> {
    stage::say(
        "kubectl extsecret, a demo: from kubernetes-external-secrets to a rotated secret and a \
         restarted workload.\nIt runs in a Kubernetes control plane and with a double of AWS that it \
         starts for itself, and leaves nothing behind.\n",
    )?;
    // Until something runs, Ctrl-C ends this program, and what compiles with it.
    stage::say("Building the plugin, the controller, the control plane, kubectl and Helm ...")?;
    stage::say("(the first time some ten minutes, later seconds)")?;
    let _ = (plugin::kubectl_extsecret(), PROGRAM.path());
    if [tools::cluster_program(), tools::kubectl(), tools::helm()].contains(&None) {
        anyhow::bail!("Go 1.26 or newer has to be in the PATH: the control plane is built with it");
    }
    let interrupt = Interrupt::watch()?;
    stage::say("Starting them ...\n")?;
    let mut stage = Stage::set(interrupt)?;
    story::tell(&mut stage)
}
