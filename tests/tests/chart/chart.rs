//! The chart as it is published, and what Helm makes of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use extsecret_dist::chart;
use extsecret_tests::call::Finished;
use extsecret_tests::helm::Helm;
pub(crate) use extsecret_tests::release::{arguments, local};
use extsecret_tests::tools;
use serde::Deserialize as _;
use serde_json::Value;
use tempfile::TempDir;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    tools::crate_dir().parent().unwrap()
}

/// The folder of the chart in the repository.
pub(crate) fn source() -> PathBuf {
    root().join("controller/chart")
}

/// A folder of the test's own, inside the target folder.
pub(crate) fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The chart with the definitions, put together once for all tests.
pub(crate) fn staged() -> &'static Path {
    static STAGED: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, staged) = STAGED.get_or_init(|| {
        let folder = scratch();
        let staged = chart::stage(root(), folder.path()).unwrap();
        (folder, staged)
    });
    staged
}

/// Helm without a cluster; `None` if Go is not installed.
pub(crate) fn helm(args: &[&str]) -> Option<Finished> {
    let home = scratch();
    Some(Helm::without_cluster(home.path())?.in_folder(staged()).args(args).run())
}

/// What Helm renders of the release `web` in the namespace `platform`, with more arguments.
pub(crate) fn template(args: &[&str]) -> Option<Finished> {
    let all = [&["template", "web", ".", "--namespace=platform"], args].concat();
    helm(&all)
}

/// The files with values that the chart is tested with: what Helm's own tool for testing charts looks
/// for, too.
pub(crate) fn values_files() -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(source().join("ci")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    assert!(files.len() >= 5, "{files:?}");
    files
}

/// The documents of a YAML text; empty ones are left out.
pub(crate) fn documents(text: &str) -> Vec<Value> {
    serde_yaml::Deserializer::from_str(text)
        .map(|document| Value::deserialize(document).unwrap_or_else(|e| panic!("{e} in\n{text}")))
        .filter(|document| !document.is_null())
        .collect()
}

/// The object of a kind.
pub(crate) fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|it| it["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}
