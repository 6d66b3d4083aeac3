//! What a process finds in its environment is a process's own: tests of it get one each.

use std::ffi::OsStr;
use std::process::Command;

/// Says to a process that it is the one to do the work.
const MARK: &str = "EXTSECRET_TEST_ALONE";

/// Runs a test in a process of its own with these variables, and with no other that the SDK reads.
/// `name` is the test's full name.
pub(crate) fn alone(name: &str, variables: &[(&str, &str)], test: impl FnOnce()) {
    if is_alone(name) { test() } else { run_alone(name, variables) }
}

/// Whether this is the process that was started for a test.
pub(crate) fn is_alone(name: &str) -> bool {
    std::env::var_os(MARK).is_some_and(|marked| marked == *name)
}

/// Starts that process, and waits until it has done the work.
pub(crate) fn run_alone(name: &str, variables: &[(&str, &str)]) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--nocapture", "--include-ignored"]);
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("AWS_") {
            command.env_remove(key);
        }
    }
    let settings = [
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        (MARK, name),
    ];
    command.envs(settings).envs(variables.iter().map(|(key, value)| (OsStr::new(key), value)));
    let output = command.output().unwrap();
    let (out, log) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{name} by itself:\n{out}\n{log}");
    assert!(out.contains("1 passed"), "{name} is not the name of this test:\n{out}");
}
