//! Programs that tests drive, built from the Go modules beside this crate.
//!
//! Every machine tests with the same versions, whatever is installed on it: the modules pin them.
//! A program is built into the target folder the first time a test asks for it, and again when its
//! module, its flags or the Go release change. Several test processes may ask at once.

use std::env;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::thread;

use sha2::{Digest, Sha256};

/// A program of a Go module.
#[derive(Debug)]
pub struct GoProgram {
    /// The file name it gets.
    name: &'static str,
    /// Its module: a folder of this crate.
    module: &'static str,
    /// What to build: a package path, `.` for the module's own program.
    package: &'static str,
    /// The linker's `-X` settings, given the text of go.mod: the versions to report.
    stamp: fn(&str) -> String,
    /// What of its dependencies is left out.
    without: Option<&'static Without>,
    /// The built file; `None` inside if Go is missing.
    built: OnceLock<Option<PathBuf>>,
}

/// A dependency that is built without some of its parts. The module replaces it by `./source`.
#[derive(Debug)]
struct Without {
    module: &'static str,
    /// What Go says of its files: they are these or none.
    sum: &'static str,
    /// Its folders that are built.
    folders: &'static [&'static str],
    /// Its files that stand for others.
    instead: &'static [(&'static str, &'static str)],
}

static CLUSTER: GoProgram = GoProgram::new("cluster", "cluster", ".", kubernetes_version);
static KUBECTL: GoProgram =
    GoProgram::new("kubectl", "cluster", "k8s.io/kubernetes/cmd/kubectl", kubernetes_version);

static ORACLE: GoProgram = GoProgram::new("oracle", "oracle", ".", |_| String::new());

static HELM: GoProgram = GoProgram::new("helm", "tools", "helm.sh/helm/v4/cmd/helm", helm_version);
static KREW: GoProgram = GoProgram::new("krew", "tools", "sigs.k8s.io/krew/cmd/krew", krew_version);
static VALIDATE_KREW_MANIFEST: GoProgram = GoProgram::new(
    "validate-krew-manifest",
    "tools",
    "sigs.k8s.io/krew/cmd/validate-krew-manifest",
    krew_version,
);

/// ESO's packages for AWS alone: its own program takes the SDKs of forty providers along.
static ESO: GoProgram = GoProgram {
    name: "eso",
    module: "eso",
    package: ".",
    stamp: |_| String::new(),
    built: OnceLock::new(),
    without: Some(&Without {
        module: "github.com/external-secrets/external-secrets",
        sum: "h1:iNY+gIgSyL5higXTfnz+hdPCaiB/43UiHLqE7HBpj68=",
        folders: &["apis", "pkg"],
        instead: &[
            (
                "pkg/provider/register/register.go",
                "package register\n\nimport _ \"github.com/external-secrets/external-secrets/pkg/provider/aws\"\n",
            ),
            ("pkg/generator/register/register.go", "package register\n"),
        ],
    }),
};

/// The program of `tests/cluster`, a control plane; `None` if Go is not installed.
pub fn cluster_program() -> Option<PathBuf> {
    CLUSTER.path()
}

/// A kubectl of the same version as the control plane; `None` if Go is not installed.
pub fn kubectl() -> Option<PathBuf> {
    KUBECTL.path()
}

/// Go's own answers to templates, paths, patterns and documents; `None` if Go is not installed.
pub fn oracle() -> Option<PathBuf> {
    ORACLE.path()
}

/// The controller of ESO; `None` if Go is not installed.
pub fn eso() -> Option<PathBuf> {
    ESO.path()
}

/// Helm; `None` if Go is not installed.
pub fn helm() -> Option<PathBuf> {
    HELM.path()
}

/// The plugin manager krew; `None` if Go is not installed. It wants git.
pub fn krew() -> Option<PathBuf> {
    KREW.path()
}

/// krew's own check of a plugin manifest; `None` if Go is not installed. It works without network
/// with `-skip-install` only.
pub fn validate_krew_manifest() -> Option<PathBuf> {
    VALIDATE_KREW_MANIFEST.path()
}

/// Takes a value out of an `Option`, or reports the test as skipped and returns from it.
///
/// Every skip is one line that starts with `SKIPPED `, so that a run can count them.
#[macro_export]
macro_rules! require {
    ($tool:expr) => {
        match $tool {
            Some(tool) => tool,
            None => {
                $crate::tools::report_skip(module_path!(), line!());
                return;
            }
        }
    };
}

/// Prints the line of a skipped test; called by [`require!`].
pub fn report_skip(module: &str, line: u32) {
    let thread = thread::current();
    // With one thread libtest runs tests on the main thread, which is named after none of them.
    match thread.name() {
        Some(test) if test != "main" => show(&format!("\nSKIPPED {module}::{test}")),
        _ => show(&format!("\nSKIPPED {module} (line {line})")),
    }
}

/// Writes a line past libtest's capture, which hides the output of a test that passes.
pub(crate) fn show(line: &str) {
    // A closed stderr is no reason to fail a test.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The folder that cargo builds into: whatever tests leave behind goes there.
///
/// # Panics
///
/// If this program does not know its own file.
pub fn target_dir() -> &'static Path {
    static TARGET: OnceLock<PathBuf> = OnceLock::new();
    TARGET.get_or_init(|| {
        let program = env::current_exe().expect("the file of this program");
        // Cargo marks the folder with this file, whatever its name and the profile's depth.
        let marked = program.ancestors().find(|folder| folder.join("CACHEDIR.TAG").is_file());
        let workspace = crate_dir().parent().unwrap_or(crate_dir());
        marked.map_or_else(|| workspace.join("target"), Path::to_path_buf)
    })
}

/// The folder of the built programs, for `PATH`.
pub fn folder() -> PathBuf {
    target_dir().join("tools")
}

/// The folder of this crate.
pub fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

impl GoProgram {
    /// Describes a program; nothing is built yet.
    pub const fn new(
        name: &'static str,
        module: &'static str,
        package: &'static str,
        stamp: fn(&str) -> String,
    ) -> Self {
        Self { name, module, package, stamp, without: None, built: OnceLock::new() }
    }

    /// The built program; `None` if Go is not installed, which only a CI run may not put up with.
    ///
    /// # Panics
    ///
    /// If the build fails, or if Go is missing and the environment says `CI=true`.
    pub fn path(&self) -> Option<PathBuf> {
        self.built.get_or_init(|| Some(self.build(&go_release()?))).clone()
    }

    fn build(&self, go: &str) -> PathBuf {
        let module = crate_dir().join(self.module);
        let stamp = (self.stamp)(&read(&module.join("go.mod")));
        // The same flags for all programs: others would compile every dependency once more.
        let ldflags = format!("-ldflags=-s -w {stamp}");
        let flags = ["build", "-trimpath", "-mod=readonly", "-buildvcs=false", &ldflags];
        let key = self.key(&module, go, &flags);

        let tools = folder();
        fs::create_dir_all(&tools)
            .unwrap_or_else(|error| panic!("creating {}: {error}", tools.display()));
        let program = tools.join(self.name);
        let key_file = tools.join(format!("{}.key", self.name));
        let _lock = lock(&tools.join("lock"), self.name);
        if program.is_file() && fs::read_to_string(&key_file).is_ok_and(|built| built == key) {
            return program;
        }

        show(&format!("building {} with Go: minutes the first time, seconds later", self.name));
        let new = tools.join(format!("{}.new", self.name));
        let module = match self.without {
            Some(without) => without.stage(&module, &tools.join(format!("{}-module", self.name))),
            None => module,
        };
        let output = go_command(&module)
            .args(flags)
            .arg("-o")
            .arg(&new)
            .arg(self.package)
            .output()
            .unwrap_or_else(|error| panic!("running go build in {}: {error}", module.display()));
        assert!(
            output.status.success(),
            "go build {} in {} failed ({}):\n{}{}",
            self.package,
            module.display(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        // The key goes first and comes last: at no moment does it stand beside another program.
        // Renaming leaves a running older program its file.
        let replaced = match fs::remove_file(&key_file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => fs::rename(&new, &program).and_then(|()| fs::write(&key_file, &key)),
        };
        replaced.unwrap_or_else(|error| panic!("replacing {}: {error}", program.display()));
        program
    }

    /// A hash of all that decides what is built.
    fn key(&self, module: &Path, go: &str, flags: &[&str]) -> String {
        let mut hash = Sha256::new();
        let mut add = |name: &str, content: &str| {
            // Lengths keep apart what would read the same when joined.
            hash.update(format!("{} {} {name}{content}", name.len(), content.len()));
        };
        add("go", go);
        add("package", self.package);
        add("flags", &flags.join("\n"));
        add("without", &format!("{:?}", self.without));
        let mut files = vec!["go.mod".to_owned(), "go.sum".to_owned()];
        if self.package == "." {
            files.extend(go_sources(module));
        }
        for file in files {
            add(&file, &read(&module.join(&file)));
        }
        hex(&hash.finalize())
    }
}

impl Without {
    /// Makes a copy of a module in which the dependency is what shall be built of it.
    fn stage(&self, module: &Path, stage: &Path) -> PathBuf {
        let go_mod = read(&module.join("go.mod"));
        let wanted = format!("{}@{}", self.module, required_version(&go_mod, self.module));
        let output = go_command(&folder())
            .args(["mod", "download", "-json", &wanted])
            .output()
            .unwrap_or_else(|error| panic!("running go mod download: {error}"));
        let answer: serde_json::Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("go mod download {wanted}: {error}: {output:?}"));
        let dir = answer["Dir"].as_str().unwrap_or_else(|| panic!("no {wanted}: {answer}"));
        assert_eq!(answer["Sum"], self.sum, "{wanted} is not what it was");

        let staged = || {
            if stage.exists() {
                fs::remove_dir_all(stage)?;
            }
            let source = stage.join("source");
            copy(Path::new(dir), &source, &["go.mod".to_owned(), "go.sum".to_owned()])?;
            for part in self.folders {
                let files = files_below(&Path::new(dir).join(part), |it| !it.ends_with("_test.go"));
                copy(&Path::new(dir).join(part), &source.join(part), &files)?;
            }
            for (file, text) in self.instead {
                fs::write(source.join(file), text)?;
            }
            let mut files = go_sources(module);
            files.extend(["go.mod".to_owned(), "go.sum".to_owned()]);
            copy(module, stage, &files)
        };
        staged().unwrap_or_else(|error: io::Error| panic!("{}: {error}", stage.display()));
        stage.to_owned()
    }
}

/// Copies files; the copies can be written.
fn copy(from: &Path, to: &Path, files: &[String]) -> io::Result<()> {
    for file in files {
        let to = to.join(file);
        fs::create_dir_all(to.parent().unwrap_or(&to))?;
        fs::write(&to, fs::read(from.join(file))?)?;
    }
    Ok(())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The Go files of a module, by their paths in it and in their order.
fn go_sources(module: &Path) -> Vec<String> {
    let go = |name: &str| Path::new(name).extension().is_some_and(|extension| extension == "go");
    files_below(module, go)
}

/// Files of a folder, by their paths in it and in their order.
fn files_below(module: &Path, taken: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        let place = module.join(&folder);
        let entries = fs::read_dir(&place)
            .unwrap_or_else(|error| panic!("listing {}: {error}", place.display()));
        for entry in entries {
            let entry = entry.expect("an entry of the module's folder");
            let path = folder.join(entry.file_name());
            if entry.file_type().expect("the kind of an entry").is_dir() {
                folders.push(path);
            } else {
                let path = path.into_os_string().into_string().expect("a name in UTF-8");
                names.extend(Some(path).filter(|path| taken(path)));
            }
        }
    }
    names.sort_unstable();
    names
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("reading {}: {error}", file.display()))
}

/// Locks a file until the value goes away, be it by the end of the process.
pub(crate) fn lock(path: &Path, name: &str) -> File {
    let locked = File::create(path).and_then(|file| {
        if file.try_lock().is_err() {
            show(&format!("waiting for another test process that builds {name} or the like"));
            file.lock()?;
        }
        Ok(file)
    });
    locked.unwrap_or_else(|error| panic!("locking {}: {error}", path.display()))
}

/// Go, set up so that the machine's settings do not change what is built.
fn go_command(module: &Path) -> Command {
    let mut command = Command::new("go");
    command
        .current_dir(module)
        .stdin(Stdio::null())
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .env("GOWORK", "off");
    for name in ["GOOS", "GOARCH", "GOFLAGS"] {
        command.env_remove(name);
    }
    command
}

/// What `go version` says; `None` if there is no Go.
fn go_release() -> Option<String> {
    static RELEASE: OnceLock<Option<String>> = OnceLock::new();
    RELEASE
        .get_or_init(|| match go_command(crate_dir()).arg("version").output() {
            Ok(output) if output.status.success() => {
                Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
            Ok(output) => {
                panic!("go version: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let reason =
                    "Go is not installed (no `go` in PATH), so no control plane, kubectl, Helm or krew";
                assert!(!in_ci(), "{reason}: a CI run must have it");
                show(&format!("\nskipped: {reason}; the tests that need them pass unseen"));
                None
            }
            Err(error) => panic!("running go: {error}"),
        })
        .clone()
}

#[expect(clippy::disallowed_methods, reason = "set by the machine, not given to a command line")]
pub(crate) fn in_ci() -> bool {
    env::var("CI").is_ok_and(|value| value == "true")
}

/// The version that Kubernetes programs report. Without it they say `v0.0.0-master`, and clients
/// that compare versions (Helm, kubectl itself) go wrong.
fn kubernetes_version(go_mod: &str) -> String {
    let version = required_version(go_mod, "k8s.io/kubernetes");
    let mut parts = version.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let package = "k8s.io/component-base/version";
    format!(
        "-X {package}.gitVersion={version} -X {package}.gitMajor={major} \
         -X {package}.gitMinor={minor} -X {package}.gitTreeState=clean"
    )
}

/// The version that Helm reports. Without it, it says `v4.3`.
fn helm_version(go_mod: &str) -> String {
    let module = "helm.sh/helm/v4";
    format!("-X {module}/internal/version.version={}", required_version(go_mod, module))
}

/// The version that krew reports. Without it, it says `unknown`.
fn krew_version(go_mod: &str) -> String {
    let module = "sigs.k8s.io/krew";
    format!("-X {module}/internal/version.gitTag={}", required_version(go_mod, module))
}

/// The version of a module that go.mod requires.
fn required_version<'a>(go_mod: &'a str, module: &str) -> &'a str {
    go_mod
        .lines()
        .filter_map(|line| line.trim().strip_prefix(module)?.strip_prefix(' '))
        .find_map(|rest| rest.split_whitespace().next())
        .unwrap_or_else(|| panic!("go.mod requires no {module}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_from_go_mod() {
        let stamp = kubernetes_version(
            "require (\n\tk8s.io/kubelet v0.37.2\n\tk8s.io/kubernetes v1.37.2\n)",
        );
        assert!(stamp.contains(".gitVersion=v1.37.2 "), "{stamp}");
        assert!(stamp.contains(".gitMajor=1 ") && stamp.contains(".gitMinor=37 "), "{stamp}");
    }

    #[test]
    fn a_comment_behind_a_version_is_no_part_of_it() {
        let go_mod = "\thelm.sh/helm/v4/extra v0.1.0\n\thelm.sh/helm/v4 v4.3.1 // indirect\n";
        assert_eq!(helm_version(go_mod), "-X helm.sh/helm/v4/internal/version.version=v4.3.1");
    }

    #[test]
    fn a_key_follows_every_source() {
        let module = tempfile::tempdir_in(target_dir()).unwrap();
        for file in ["go.mod", "go.sum", "main.go", "notes.txt"] {
            fs::write(module.path().join(file), file).unwrap();
        }
        let key = |program: &GoProgram, flags: &[&str]| program.key(module.path(), "go1", flags);
        let own = GoProgram::new("own", "own", ".", |_| String::new());
        let tool = GoProgram::new("tool", "own", "example.test/tool", |_| String::new());
        let (own_before, tool_before) = (key(&own, &["-x"]), key(&tool, &["-x"]));
        assert_ne!(own_before, key(&own, &["-y"]));
        assert_ne!(own_before, tool_before);

        fs::write(module.path().join("notes.txt"), "other").unwrap();
        assert_eq!(own_before, key(&own, &["-x"]));
        fs::write(module.path().join("main.go"), "other").unwrap();
        let own_changed = key(&own, &["-x"]);
        assert_ne!(own_before, own_changed);
        fs::create_dir(module.path().join("inner")).unwrap();
        fs::write(module.path().join("inner/inner.go"), "inner").unwrap();
        assert_ne!(own_changed, key(&own, &["-x"]));
        // A tool is built from its dependencies alone.
        assert_eq!(tool_before, key(&tool, &["-x"]));
        fs::write(module.path().join("go.sum"), "other").unwrap();
        assert_ne!(tool_before, key(&tool, &["-x"]));
    }
}
