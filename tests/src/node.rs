//! Node, with the packages of `kes-oracle/package-lock.json`.
//!
//! The packages go into the target folder the first time a test asks for them, and again when the
//! lock file or the Node release change. Every package is checked against its hash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::tools;

/// Downloads of a few MB, on a slow line.
const INSTALL_DEADLINE: Duration = Duration::from_mins(5);

/// The oldest release that the program runs on.
const OLDEST: u32 = 18;

/// The folder of the installed packages, for `NODE_PATH`; `None` if there is no Node to use them
/// with, which only a CI run may not put up with.
///
/// # Panics
///
/// If the packages cannot be installed, or if Node is missing and the environment says `CI=true`.
pub fn packages() -> Option<PathBuf> {
    static PACKAGES: OnceLock<Option<PathBuf>> = OnceLock::new();
    PACKAGES.get_or_init(|| Some(installed(&machine_node()?))).clone()
}

fn installed(release: &str) -> PathBuf {
    let source = tools::crate_dir().join("kes-oracle");
    let files = ["package.json", "package-lock.json"].map(|name| {
        let path = source.join(name);
        let text = fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("reading {}: {error}", path.display()));
        (name, text)
    });
    let wanted = files.each_ref().map(|(_, text)| text.as_str()).join("\n");
    let key = tools::hex(&Sha256::digest(format!("{release}\n{wanted}")));

    let folder = tools::folder().join("kes-oracle");
    let packages = folder.join("node_modules");
    let key_file = folder.join("key");
    fs::create_dir_all(tools::folder()).expect("a folder for tools");
    let _lock = tools::lock(&tools::folder().join("kes-oracle.lock"), "the packages for Node");
    // Written last: a folder without it is not finished.
    if fs::read_to_string(&key_file).is_ok_and(|made| made == key) {
        return packages;
    }

    tools::show("installing lodash and js-yaml for Node: seconds");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            panic!("removing {}: {error}", folder.display())
        }
        _ => {}
    }
    fs::create_dir_all(&folder).expect("a folder for packages");
    for (name, text) in &files {
        fs::write(folder.join(name), text).expect("a copy of a manifest");
    }
    Call::new(Path::new("npm"))
        // Nobody's script runs, and nothing but the packages is asked for.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"])
        .in_folder(&folder)
        .deadline(INSTALL_DEADLINE)
        .run()
        .succeeded();
    fs::write(&key_file, &key)
        .unwrap_or_else(|error| panic!("writing {}: {error}", key_file.display()));
    packages
}

/// Which Node the machine has; `None` if there is none, or no npm, or an old one.
fn machine_node() -> Option<String> {
    let reason = match (version("node"), version("npm")) {
        (Ok(node), Ok(npm)) if major(&node).is_some_and(|major| major >= OLDEST) => {
            return Some(format!("{node} {npm}"));
        }
        (Ok(node), Ok(_)) => format!("{node} is older than {OLDEST}"),
        (Err(error), _) | (_, Err(error)) => error,
    };
    let reason = format!("Node {OLDEST} or newer with npm is not installed ({reason})");
    assert!(!tools::in_ci(), "{reason}: a CI run must have it");
    tools::show(&format!("\nskipped: {reason}; the tests that need it pass unseen"));
    None
}

fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{program}: {}", output.status)) }
}

fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_is_read_from_what_node_says() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major("20.20.2"), None);
    }
}
