//! What krew makes of the plugin's archive and manifest: it installs them, and kubectl finds the plugin.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use extsecret_dist::platform::{PLATFORMS, Platform};
use extsecret_dist::{archive, manifest};
use extsecret_tests::call::Call;
use extsecret_tests::{plugin, require, tools};
use serde::Deserialize as _;
use serde_json::Value;
use tempfile::TempDir;

/// The archive for this machine and the manifest, as a release has them, but of the dev profile.
struct Release {
    folder: TempDir,
    archive: PathBuf,
    manifest: PathBuf,
}

fn root() -> &'static Path {
    tools::crate_dir().parent().unwrap()
}

/// The platform that the tests run on; krew's own tools are built for it, too.
fn platform() -> &'static Platform {
    let os = if cfg!(target_os = "macos") { "darwin" } else { "linux" };
    let arch = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    Platform::named(&format!("{os}/{arch}")).unwrap()
}

impl Release {
    fn build() -> Self {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let binary = folder.path().join("plugin");
        fs::copy(plugin::kubectl_extsecret(), &binary).unwrap();
        // What is for debuggers makes up most of it.
        Call::new(Path::new("strip")).args([&binary]).run().succeeded();
        let archive = archive::write(root(), platform(), &binary, folder.path()).unwrap();
        let uri = "https://example.test/releases";
        let manifest = manifest::write(root(), folder.path(), uri, false).unwrap();
        Self { folder, archive, manifest }
    }

    /// krew with a root of its own, and kubectl that finds it.
    fn krew(&self, krew: &Path) -> Call {
        let home = self.folder.path();
        let call = Call::new(krew).env("KREW_ROOT", home.join("krew")).env("HOME", home);
        ["KREW_OS", "KREW_ARCH", "KREW_DEFAULT_INDEX_URI"].into_iter().fold(call, Call::without_env)
    }
}

#[test]
fn krew_installs_the_plugin_and_kubectl_runs_it() {
    let krew = require!(tools::krew());
    let kubectl = require!(tools::kubectl());
    let validate = require!(tools::validate_krew_manifest());
    let release = Release::build();
    // krew's own check, which the maintainers of its index run.
    Call::new(&validate)
        .args(["-skip-install", "-manifest"])
        .args([&release.manifest])
        .run()
        .succeeded();
    let installed = release
        .krew(&krew)
        .args(["install", "--manifest"])
        .args([&release.manifest, Path::new("--archive"), &release.archive])
        .run();
    installed.succeeded();

    let version = Call::new(&kubectl)
        .first_in_path(&release.folder.path().join("krew/bin"))
        .env("HOME", release.folder.path())
        .args(["extsecret", "version"])
        .run()
        .succeeded();
    assert_eq!(version, format!("kubectl-extsecret {}\n", env!("CARGO_PKG_VERSION")));

    // What krew's index wants to find, and what users look for.
    let version = format!("v{}", env!("CARGO_PKG_VERSION"));
    let store = release.folder.path().join("krew/store/extsecret").join(version);
    for name in [
        "LICENSE",
        "README.md",
        "completions/_kubectl-extsecret",
        "man/kubectl-extsecret.1",
        "man/kubectl-extsecret-status.1",
        "man/kubectl-extsecret-doctor.1",
    ] {
        let text = fs::read_to_string(store.join(name)).unwrap();
        assert!(text.len() > 1000, "{name}: {} bytes", text.len());
    }
    let bash = fs::read_to_string(store.join("completions/kubectl-extsecret.bash")).unwrap();
    assert!(bash.contains("migrate"), "{bash}");

    // An archive that is not the one of the manifest is refused.
    let mut bytes = fs::read(&release.archive).unwrap();
    bytes.push(0);
    fs::write(&release.archive, bytes).unwrap();
    fs::remove_dir_all(release.folder.path().join("krew")).unwrap();
    let refused = release
        .krew(&krew)
        .args(["install", "--manifest"])
        .args([&release.manifest, Path::new("--archive"), &release.archive])
        .run()
        .failed();
    assert!(refused.contains("checksum"), "{refused}");
}

/// The same files give the same bytes: whoever builds a release again can compare.
#[test]
fn archives_are_reproducible() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let program = folder.path().join("program");
    let script = "#!/bin/sh\nif [ \"$*\" = __man ]; then echo it.1; else echo \"$1 of $2\"; fi\n";
    fs::write(&program, script).unwrap();
    Call::new(Path::new("chmod")).args(["+x"]).args([&program]).run().succeeded();
    let build = |name: &str| {
        let to = folder.path().join(name);
        fs::create_dir(&to).unwrap();
        fs::read(archive::write(root(), &PLATFORMS[0], &program, &to).unwrap()).unwrap()
    };
    let first = build("first");
    // Times of files are no part of it.
    let later = ["-d", "2001-01-01"];
    Call::new(Path::new("touch")).args(later).args([&program]).run().succeeded();
    assert!(first == build("second"));

    let listed = Call::new(Path::new("tar"))
        .args(["-tvzf"])
        .args([folder.path().join("first").join(PLATFORMS[0].archive())])
        .run()
        .succeeded();
    let (first, rest) = listed.split_once('\n').unwrap();
    assert!(
        first.starts_with("-rwxr-xr-x 0/0 ") && first.ends_with(" kubectl-extsecret"),
        "{first}"
    );
    assert_eq!(
        rest.lines().filter(|line| line.starts_with("-rw-r--r-- 0/0 ")).count(),
        7,
        "{rest}"
    );
}

/// Every platform of a release is one that krew knows, each once.
#[test]
fn krew_knows_every_platform() {
    let validate = require!(tools::validate_krew_manifest());
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    for platform in PLATFORMS {
        fs::write(folder.path().join(platform.archive()), platform.target).unwrap();
    }
    let file = manifest::write(root(), folder.path(), "https://example.test", true).unwrap();
    Call::new(&validate).args(["-skip-install", "-manifest"]).args([&file]).run().succeeded();
    let text = fs::read_to_string(&file).unwrap();
    let manifest = Value::deserialize(serde_yaml::Deserializer::from_str(&text)).unwrap();
    assert_eq!(manifest["spec"]["platforms"].as_array().unwrap().len(), PLATFORMS.len());
    let version = manifest["spec"]["version"].as_str().unwrap();
    assert_eq!(version, format!("v{}", env!("CARGO_PKG_VERSION")));
}
