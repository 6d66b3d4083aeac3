//! krew's manifest of the plugin, and the sums of the archives.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

use crate::platform::{PLATFORMS, Platform};

/// The place of the platforms in the template.
const NO_PLATFORMS: &str = "  platforms: []\n";

/// Writes `extsecret.yaml` and `SHA256SUMS` for the archives of `PLATFORMS` that lie in `folder`, and
/// returns the manifest's file. `uri` is where the archives will be, without their names.
///
/// # Errors
/// If `all` are wanted and one is missing, if there is none, or if a file cannot be read or written.
pub fn write(root: &Path, folder: &Path, uri: &str, all: bool) -> anyhow::Result<PathBuf> {
    let found: Vec<&Platform> =
        PLATFORMS.iter().filter(|it| folder.join(it.archive()).is_file()).collect();
    let missing: Vec<_> = PLATFORMS
        .iter()
        .map(Platform::archive)
        .filter(|name| !folder.join(name).is_file())
        .collect();
    ensure!(!found.is_empty(), "{} holds no archive", folder.display());
    ensure!(!all || missing.is_empty(), "these archives are missing: {}", missing.join(", "));

    let (mut sums, mut platforms) = (String::new(), "  platforms:\n".to_owned());
    for platform in found {
        let archive = platform.archive();
        let sum = sum(&folder.join(&archive))?;
        let _ = writeln!(sums, "{sum}  {archive}");
        let Platform { os, arch, .. } = platform;
        let _ = write!(
            platforms,
            "    - selector:\n        matchLabels:\n          os: {os}\n          arch: {arch}\n      \
             uri: {uri}/{archive}\n      sha256: {sum}\n      bin: {}\n",
            platform.binary(),
        );
    }
    let template = root.join("krew/extsecret.yaml");
    let text = fs::read_to_string(&template)
        .with_context(|| format!("cannot read {}", template.display()))?;
    ensure!(text.contains(NO_PLATFORMS), "{} has no place for platforms", template.display());
    // The first line is about the template.
    let (_, text) = text.split_once('\n').unwrap_or_default();
    let text = text
        .replace("VERSION", &format!("v{}", env!("CARGO_PKG_VERSION")))
        .replace("HOMEPAGE", env!("CARGO_PKG_REPOSITORY"))
        .replace(NO_PLATFORMS, &platforms);
    // krew wants the file to be called like the plugin.
    let manifest = folder.join("extsecret.yaml");
    for (path, text) in [(&manifest, text), (&folder.join("SHA256SUMS"), sums)] {
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(manifest)
}

fn sum(path: &Path) -> anyhow::Result<String> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let digest = Sha256::digest(bytes);
    Ok(digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    #[test]
    fn every_platform_has_its_entry_and_its_sum() {
        let folder = tempfile::tempdir().unwrap();
        let (first, rest) = PLATFORMS.split_first().unwrap();
        fs::write(folder.path().join(first.archive()), "abc").unwrap();
        let missing = write(&root(), folder.path(), "https://example.test", true).unwrap_err();
        assert!(missing.to_string().contains("darwin-arm64"), "{missing}");

        for platform in rest {
            fs::write(folder.path().join(platform.archive()), platform.target).unwrap();
        }
        let file = write(&root(), folder.path(), "https://example.test", true).unwrap();
        let manifest: serde_json::Value =
            serde_yaml::from_str(&fs::read_to_string(file).unwrap()).unwrap();
        let platforms = manifest["spec"]["platforms"].as_array().unwrap();
        assert_eq!(platforms.len(), PLATFORMS.len());
        // The sum of the three letters is well known.
        let sum = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(platforms[0]["sha256"], sum);
        assert_eq!(platforms[4]["bin"], "kubectl-extsecret.exe");
        let sums = fs::read_to_string(folder.path().join("SHA256SUMS")).unwrap();
        assert!(sums.starts_with(&format!("{sum}  kubectl-extsecret-v")), "{sums}");
        assert_eq!(sums.lines().count(), PLATFORMS.len());
    }

    #[test]
    fn nothing_is_no_release() {
        let folder = tempfile::tempdir().unwrap();
        let error = write(&root(), folder.path(), "https://example.test", false).unwrap_err();
        assert!(error.to_string().contains("holds no archive"), "{error}");
    }
}
