//! The controller's chart as it is published: the folder `controller/chart` with the definitions of
//! `crds`, of which the repository has no second copy.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

/// The chart's name, and that of the folder in its package.
pub const NAME: &str = "extsecret-controller";

/// What the names of the definitions end with.
const DEFINITION: &str = ".external-secrets.io.yaml";

/// Puts the chart together in a new folder below `to`, and returns it. `root` is the repository.
///
/// # Errors
/// If a file cannot be read or written, or the definitions are missing.
pub fn stage(root: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    let staged = to.join(NAME);
    copy_folder(&root.join("controller/chart"), &staged)?;
    let definitions = staged.join("files/crds");
    fs::create_dir_all(&definitions)
        .with_context(|| format!("cannot create {}", definitions.display()))?;
    let mut found = 0;
    for file in files(&root.join("crds"))? {
        let name = file.file_name().unwrap_or_default();
        if name.to_string_lossy().ends_with(DEFINITION) {
            copy(&file, &definitions.join(name))?;
            found += 1;
        }
    }
    ensure!(found > 0, "{} holds no definitions", root.join("crds").display());
    Ok(staged)
}

/// Packages the chart into the folder `to` with Helm, and returns the file.
///
/// # Errors
/// As [`stage`], or if Helm fails.
pub fn package(root: &Path, to: &Path, helm: &Path) -> anyhow::Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let scratch = to.join("chart");
    if scratch.exists() {
        fs::remove_dir_all(&scratch)
            .with_context(|| format!("cannot remove {}", scratch.display()))?;
    }
    let staged = stage(root, &scratch)?;
    let status = Command::new(helm)
        .arg("package")
        .arg(&staged)
        .args(["--version", version, "--app-version", version, "--destination"])
        .arg(to)
        .status()
        .with_context(|| format!("cannot start {}", helm.display()))?;
    ensure!(status.success(), "helm package: {status}");
    fs::remove_dir_all(&scratch).with_context(|| format!("cannot remove {}", scratch.display()))?;
    Ok(to.join(format!("{NAME}-{version}.tgz")))
}

fn copy_folder(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("cannot create {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))? {
        let entry = entry.with_context(|| format!("cannot list {}", from.display()))?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_folder(&path, &target)?;
        } else {
            copy(&path, &target)?;
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    let copied = fs::copy(from, to);
    copied.with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

/// The files of a folder in their order.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot list {}", folder.display());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort_unstable();
    Ok(files)
}
