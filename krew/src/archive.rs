//! The archive of a platform: the plugin, its license, its README, completions, pages for man. The same files give the
//! same bytes.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use tar::{EntryType, Header};

use crate::platform::Platform;

/// Shells, and the files that they look for.
const COMPLETIONS: &[(&str, &str)] = &[
    ("bash", "completions/kubectl-extsecret.bash"),
    ("fish", "completions/kubectl-extsecret.fish"),
    ("powershell", "completions/kubectl-extsecret.ps1"),
    ("zsh", "completions/_kubectl-extsecret"),
];

/// Writes the archive of a platform into the folder `to`, and returns its file. `binary` is the plugin; it
/// has to run here, for it makes its completions and its pages itself.
///
/// # Errors
/// If a file cannot be read or written, or the plugin does not run.
pub fn write(
    root: &Path,
    platform: &Platform,
    binary: &Path,
    to: &Path,
) -> anyhow::Result<PathBuf> {
    let path = to.join(platform.archive());
    let mut archive = Archive::create(&path)?;
    let program = read(binary)?;
    archive.add(platform.binary(), 0o755, &program)?;
    for name in ["LICENSE", "README.md"] {
        archive.add(name, 0o644, &read(&root.join(name))?)?;
    }
    for (shell, name) in COMPLETIONS {
        archive.add(name, 0o644, &printed(binary, &["completion", shell])?)?;
    }
    let pages = String::from_utf8(printed(binary, &["__man"])?).context("names of pages")?;
    for page in pages.lines() {
        archive.add(&format!("man/{page}"), 0o644, &printed(binary, &["__man", page])?)?;
    }
    archive.finish().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// What the plugin prints.
fn printed(binary: &Path, args: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new(binary)
        .args(args)
        .output()
        .with_context(|| format!("cannot start {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} {}: {said}", binary.display(), args.join(" "));
    Ok(output.stdout)
}

fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// A `tar.gz` that is being written.
struct Archive {
    path: PathBuf,
    tar: tar::Builder<GzEncoder<BufWriter<File>>>,
}

impl Archive {
    fn create(path: &Path) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
        // No name and no time in it.
        let gzip = GzBuilder::new().write(BufWriter::new(file), Compression::default());
        Ok(Self { path: path.to_owned(), tar: tar::Builder::new(gzip) })
    }

    /// Adds a file that is nobody's and of no time.
    fn add(&mut self, name: &str, mode: u32, content: &[u8]) -> anyhow::Result<()> {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(mode);
        header.set_mtime(0);
        header.set_size(content.len() as u64);
        let added = self.tar.append_data(&mut header, name, content);
        added.with_context(|| format!("cannot write {name} to {}", self.path.display()))
    }

    fn finish(self) -> std::io::Result<()> {
        self.tar.into_inner()?.finish()?.flush()
    }
}
