//! A Python environment with the packages of `conformance/requirements.txt`.
//!
//! It is made in the target folder the first time a test asks for it, and again when the file or
//! the Python release change. Every package is checked against its hash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use sha2::{Digest, Sha256};

use crate::call::Call;
use crate::tools;

/// Downloads of some 60 MB, on a slow line.
const INSTALL_DEADLINE: Duration = Duration::from_mins(10);

/// What Python must be able to do, and what it says: its release and its file.
const PROBE: &str = "
import ensurepip, sys, venv
assert sys.version_info >= (3, 10), 'older than 3.10'
print(sys.version, sys.executable)
";

/// The environment's Python; `None` if there is no Python to make it with, which only a CI run may
/// not put up with.
///
/// # Panics
///
/// If the packages cannot be installed, or if Python is missing and the environment says `CI=true`.
pub fn python() -> Option<PathBuf> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    PYTHON.get_or_init(|| Some(environment(&machine_python()?))).clone()
}

fn environment(release: &str) -> PathBuf {
    let requirements = tools::crate_dir().join("conformance/requirements.txt");
    let wanted = fs::read_to_string(&requirements)
        .unwrap_or_else(|error| panic!("reading {}: {error}", requirements.display()));
    let key = tools::hex(&Sha256::digest(format!("{release}\n{wanted}")));

    let folder = tools::folder().join("python");
    let python = folder.join("bin/python");
    let key_file = folder.join("key");
    fs::create_dir_all(tools::folder()).expect("a folder for tools");
    let _lock = tools::lock(&tools::folder().join("python.lock"), "the Python environment");
    // Written last: an environment without it is not finished.
    if fs::read_to_string(&key_file).is_ok_and(|made| made == key) {
        return python;
    }

    tools::show("installing Python packages: half a minute");
    match fs::remove_dir_all(&folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            panic!("removing {}: {error}", folder.display())
        }
        _ => {}
    }
    isolated(Path::new("python3")).args(["-m", "venv"]).args([&folder]).run().succeeded();
    isolated(&python)
        .args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"])
        // Nothing is built, so that nobody's build script runs, and nothing is taken that is not
        // listed.
        .args(["--only-binary=:all:", "--require-hashes", "--no-deps", "--requirement"])
        .args([&requirements])
        .deadline(INSTALL_DEADLINE)
        .run()
        .succeeded();
    fs::write(&key_file, &key)
        .unwrap_or_else(|error| panic!("writing {}: {error}", key_file.display()));
    python
}

/// Python that sees no packages but its own.
fn isolated(python: &Path) -> Call {
    Call::new(python).args(["-I"])
}

/// Which Python the machine has; `None` if there is none, or none that can make environments.
fn machine_python() -> Option<String> {
    let reason = match probe() {
        Ok(release) => return Some(release),
        Err(reason) => {
            format!("Python 3.10 or newer with `venv` is not installed ({})", reason.trim())
        }
    };
    assert!(!tools::in_ci(), "{reason}: a CI run must have it");
    tools::show(&format!("\nskipped: {reason}; the tests that need it pass unseen"));
    None
}

fn probe() -> Result<String, String> {
    let output = Command::new("python3")
        .args(["-I", "-c", PROBE])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("python3: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(complaint.lines().last().unwrap_or("python3 fails").to_owned())
}
