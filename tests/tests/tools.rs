//! The programs of `tests/tools`: what the tests rely on when they drive Helm and krew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use extsecret_tests::call::{Call, Finished};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::helm::Helm;
use extsecret_tests::{require, tools};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// A folder of the test's own, inside the target folder.
fn folder() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

#[test]
fn helm_says_which_version_it_is() {
    let home = folder();
    let helm = require!(Helm::without_cluster(home.path()));
    let go_mod = fs::read_to_string(tools::crate_dir().join("tools/go.mod")).unwrap();
    let said = helm.args(["version", "--template={{.Version}}"]).run().succeeded();
    assert!(go_mod.contains(&format!("helm.sh/helm/v4 {said} ")), "{said}");
}

/// The chart that Helm itself makes is a good one; with a broken template it is not.
#[test]
fn helm_creates_lints_and_renders_a_chart() {
    let home = folder();
    require!(tools::helm());
    let helm = |args: &[&str]| {
        let helm = Helm::without_cluster(home.path()).unwrap();
        helm.in_folder(home.path()).args(args).run()
    };
    helm(&["create", "web"]).succeeded();
    helm(&["lint", "--strict", "web"]).succeeded();
    let rendered = helm(&["template", "blue", "web", "--set=replicaCount=7"]).succeeded();
    assert!(rendered.contains("kind: Deployment\n"), "{rendered}");
    assert!(rendered.contains("name: blue-web\n"), "{rendered}");
    assert!(rendered.contains("replicas: 7\n"), "{rendered}");

    write(&home.path().join("web/templates/broken.yaml"), "{{ .Values.no.such.thing }}");
    // It prints its findings, and complains about their number only.
    let findings = helm(&["lint", "web"]);
    assert!(!findings.status.success() && findings.stdout.contains("broken.yaml"), "{findings}");
}

/// A chart of one Deployment, whose pods start once there is a Secret named `settings`.
fn chart(folder: &Path) -> PathBuf {
    let chart = folder.join("web");
    write(&chart.join("Chart.yaml"), "apiVersion: v2\nname: web\nversion: 1.2.3\n");
    write(&chart.join("values.yaml"), "replicas: 1\n");
    write(
        &chart.join("templates/deployment.yaml"),
        "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: example.test/web, envFrom: [{secretRef: {name: settings}}]}]
",
    );
    chart
}

#[test]
fn helm_waits_for_what_it_installs() {
    let cluster = require!(Cluster::shared());
    let namespace = cluster.fresh_namespace();
    let home = folder();
    let chart = chart(home.path());
    let helm = |args: &[&str]| cluster.helm(args).namespace(&namespace);
    let chart = chart.to_str().unwrap();

    let early = helm(&["install", "web", chart, "--wait", "--timeout=2s"]).run().failed();
    assert!(early.contains("web"), "{early}");
    cluster
        .kubectl(["create", "secret", "generic", "settings", "--from-literal=a=b"])
        .namespace(&namespace)
        .run()
        .succeeded();
    helm(&["upgrade", "web", chart, "--values=-", "--wait", "--timeout=60s"])
        .stdin("replicas: 2\n")
        .run()
        .succeeded();
    let deployment = cluster
        .kubectl(["get", "deployment", "web", "--output=json"])
        .namespace(&namespace)
        .run()
        .json();
    assert_eq!(deployment["status"]["readyReplicas"], 2, "{:#}", deployment["status"]);
    let releases = helm(&["list", "--output=json"]).run().json();
    assert_eq!(releases[0]["chart"], "web-1.2.3", "{releases:#}");
    assert_eq!(releases[0]["status"], "deployed", "{releases:#}");

    helm(&["uninstall", "web"]).run().succeeded();
    cluster
        .kubectl(["wait", "--for=delete", "--timeout=60s", "deployment/web"])
        .namespace(&namespace)
        .run()
        .succeeded();
}

/// A plugin that greets, as an archive with its manifest: all that krew needs, without network.
struct Greeter {
    folder: TempDir,
    archive: PathBuf,
}

impl Greeter {
    const NAME: &str = "bench-greeter";

    fn new() -> Self {
        let folder = folder();
        let program = folder.path().join("kubectl-bench_greeter");
        write(&program, "#!/bin/sh\necho \"greetings, $1\"\n");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let archive = folder.path().join("greeter.tar.gz");
        Call::new(Path::new("tar"))
            .in_folder(folder.path())
            .args(["-czf", "greeter.tar.gz", "kubectl-bench_greeter"])
            .run()
            .succeeded();
        Self { folder, archive }
    }

    fn sha256(&self) -> String {
        let mut text = String::new();
        for byte in Sha256::digest(fs::read(&self.archive).unwrap()) {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// Writes the plugin's manifest; its file bears the plugin's name, as krew's index wants it.
    fn manifest(&self, sha256: &str) -> PathBuf {
        let manifest = json!({
            "apiVersion": "krew.googlecontainertools.github.com/v1alpha2",
            "kind": "Plugin",
            "metadata": { "name": Self::NAME },
            "spec": {
                "version": "v0.1.0",
                "homepage": "https://example.test/",
                "shortDescription": "Greet somebody",
                "description": "Greets whom its first argument names.",
                "platforms": [{
                    "selector": { "matchExpressions": [
                        { "key": "os", "operator": "In", "values": ["darwin", "linux"] },
                    ]},
                    "uri": "https://example.test/greeter.tar.gz",
                    "sha256": sha256,
                    "bin": "kubectl-bench_greeter",
                }],
            },
        });
        let file = self.folder.path().join(format!("{}.yaml", Self::NAME));
        write(&file, &manifest.to_string());
        file
    }

    /// krew with a root of its own.
    fn krew(&self, krew: &Path) -> Call {
        let root = self.folder.path().join("root");
        let call = Call::new(krew).env("KREW_ROOT", root).env("HOME", self.folder.path());
        ["KREW_OS", "KREW_ARCH", "KREW_DEFAULT_INDEX_URI"].into_iter().fold(call, Call::without_env)
    }

    fn install(&self, krew: &Path, manifest: &Path) -> Finished {
        self.krew(krew)
            .args(["install", "--manifest"])
            .args([manifest])
            .args([Path::new("--archive"), &self.archive])
            .run()
    }
}

#[test]
fn krew_installs_an_archive_without_network() {
    let krew = require!(tools::krew());
    let kubectl = require!(tools::kubectl());
    let greeter = Greeter::new();
    let version = greeter.krew(&krew).args(["version"]).run().succeeded();
    let go_mod = fs::read_to_string(tools::crate_dir().join("tools/go.mod")).unwrap();
    let tag = version.lines().find_map(|line| line.strip_prefix("GitTag")).unwrap().trim();
    assert!(go_mod.contains(&format!("sigs.k8s.io/krew {tag} ")), "{version}");

    let wrong = greeter.install(&krew, &greeter.manifest(&"0".repeat(64))).failed();
    assert!(wrong.contains("checksum"), "{wrong}");

    greeter.install(&krew, &greeter.manifest(&greeter.sha256())).succeeded();
    let greeting = Call::new(&kubectl)
        .first_in_path(&greeter.folder.path().join("root/bin"))
        .args([Greeter::NAME, "world"])
        .run()
        .succeeded();
    assert_eq!(greeting, "greetings, world\n");
}

#[test]
fn krew_judges_a_plugin_manifest() {
    let validate = require!(tools::validate_krew_manifest());
    let greeter = Greeter::new();
    let file = greeter.manifest(&greeter.sha256());
    let judge = || Call::new(&validate).args(["-skip-install", "-manifest"]).args([&file]).run();
    judge().succeeded();

    let mut manifest: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    manifest["spec"]["platforms"][0]["sha256"] = json!("short");
    write(&file, &manifest.to_string());
    let refusal = judge().failed();
    assert!(refusal.contains("sha256"), "{refusal}");
}
