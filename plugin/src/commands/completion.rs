//! `kubectl extsecret completion`

use std::io;
use std::path::Path;

use anyhow::{Context as _, bail};
use clap_complete::Shell;

use crate::cli::{self, CompletionArgs, CompletionFor};
use crate::exit::Exit;
use crate::files::{self, Access};
use crate::output;

/// The name under which kubectl looks for the helper.
const HELPER: &str = "kubectl_complete-extsecret";

/// What the helper does: hand kubectl's words to the plugin.
const HELPER_SCRIPT: &str = "#!/bin/sh\nexec kubectl-extsecret __complete \"$@\"\n";

pub(crate) fn run(args: &CompletionArgs) -> anyhow::Result<Exit> {
    let shell = match args.shell {
        CompletionFor::Bash => Shell::Bash,
        CompletionFor::Zsh => Shell::Zsh,
        CompletionFor::Fish => Shell::Fish,
        CompletionFor::PowerShell => Shell::PowerShell,
        CompletionFor::Kubectl => return helper(args.install.as_deref()),
    };
    if args.install.is_some() {
        bail!("--install goes with `completion kubectl`; redirect the script of a shell instead");
    }
    // The scripts complete the program's own name: `kubectl extsecret` is kubectl's to complete.
    let mut command = cli::command(Some("kubectl-extsecret".as_ref()));
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "kubectl-extsecret", &mut script);
    output::stdout(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Success)
}

fn helper(folder: Option<&Path>) -> anyhow::Result<Exit> {
    let Some(folder) = folder else {
        output::stdout(HELPER_SCRIPT)?;
        return Ok(Exit::Success);
    };
    let path = folder.join(HELPER);
    match std::fs::read(&path) {
        Ok(found) if found != HELPER_SCRIPT.as_bytes() => {
            bail!("{} exists and is another program; not overwritten", path.display())
        }
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("cannot look at {}", path.display()));
        }
        _ => {}
    }
    files::write(&path, HELPER_SCRIPT, Access::Executable)
        .with_context(|| format!("cannot write {}", path.display()))?;
    output::stdout(&format!(
        "{} written. It works when {} is in the PATH.\n",
        path.display(),
        folder.display()
    ))?;
    Ok(Exit::Success)
}
