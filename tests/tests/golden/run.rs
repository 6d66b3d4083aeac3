//! Runs the real binary.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use extsecret_tests::plugin::kubectl_extsecret;
use serde_json::Value;
use tempfile::TempDir;

use crate::case::{Case, documents};

/// What a run of `kubectl extsecret migrate` gave.
pub(crate) struct Run {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// The file of `--report`.
    pub(crate) report: Value,
}

impl Run {
    /// The objects on stdout.
    pub(crate) fn objects(&self) -> Vec<Value> {
        documents(&self.stdout)
    }

    /// Everything that the run showed or wrote, as text.
    pub(crate) fn all_text(&self) -> String {
        format!("{}\n{}\n{}", self.stdout, self.stderr, self.report)
    }
}

/// A folder for one test, below the target folder.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder below the target folder")
}

/// Starts the binary and nothing else.
pub(crate) fn plugin<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Output {
    Command::new(kubectl_extsecret())
        .args(args)
        .env_remove("NO_COLOR")
        .output()
        .expect("the plugin starts")
}

/// Runs `migrate` with `--report`.
pub(crate) fn migrate<S: AsRef<OsStr>>(args: impl IntoIterator<Item = S>) -> Run {
    let scratch = scratch();
    let report = scratch.path().join("report.json");
    let mut all = vec!["migrate".into(), "--report".into(), report.clone().into_os_string()];
    all.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
    let output = plugin(all);
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    let report = fs::read_to_string(&report)
        .unwrap_or_else(|e| panic!("no report was written: {e}\n{stderr}"));
    Run {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr,
        report: serde_json::from_str(&report).expect("the report is JSON"),
    }
}

/// Writes objects as one YAML file.
pub(crate) fn write_objects(path: &Path, objects: &[Value]) {
    let documents: Vec<_> =
        objects.iter().map(|o| serde_yaml::to_string(o).expect("JSON is YAML")).collect();
    fs::write(path, documents.join("---\n")).expect("a writable file");
}

/// The flags that describe the installation of a case; their files are written into `scratch`.
pub(crate) fn context_flags(case: &Case, scratch: &Path) -> Vec<String> {
    let context = case.context();
    let mut args = context.flags.clone();
    if let Some(objects) = context.deployment() {
        let path = scratch.join("kes.yaml");
        write_objects(&path, &objects);
        args.push(format!("--kes-deployment={}", path.display()));
    }
    let namespaces = context.namespaces();
    if !namespaces.is_empty() {
        let path = scratch.join("namespaces.yaml");
        write_objects(&path, &namespaces);
        args.push(format!("--filename={}", path.display()));
    }
    args
}

/// Runs a case as its context says.
pub(crate) fn run_case(case: &Case) -> Run {
    let scratch = scratch();
    let mut args = context_flags(case, scratch.path());
    args.push(format!("--filename={}", case.input().display()));
    migrate(args)
}
