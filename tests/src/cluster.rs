//! A real Kubernetes control plane for tests: `tests/cluster`, as a child process.
//!
//! A test binary shares one ([`Cluster::shared`]) and takes a namespace of its own for each test
//! ([`Cluster::fresh_namespace`]). A test that stops, restarts or configures the control plane
//! starts its own ([`Cluster::setup`]).
//!
//! Nothing outlives the test process: the cluster stops when the pipe to it closes, which the
//! kernel does however the process ends. State and logs are in `test-clusters` of the target
//! folder until the same test binary runs again.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::panic;
use std::path::{Path, PathBuf};
use std::process::{self, Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Mutex, Once, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use extsecret_crds::schema;
use serde::Deserialize;

use crate::controller::wait_until;
use crate::helm::Helm;
use crate::kubectl::Kubectl;
use crate::tools;

/// Beyond the control plane's own deadline for its start, so that its reasons are heard.
const START_DEADLINE: Duration = Duration::from_mins(4);

/// How much of each log a failing test shows, in bytes.
const SHOWN_OF_A_LOG: usize = 3000;

/// The folders of what runs, for a panic to show their logs.
static RUNNING: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A running control plane.
#[derive(Debug)]
pub struct Cluster {
    dir: PathBuf,
    kubectl: PathBuf,
    ready: Ready,
    process: Child,
    lines: Mutex<Receiver<String>>,
    /// Says, as long as this process lives, that the folder is in use.
    _lock: File,
}

/// What a control plane shall be like; start with [`Cluster::setup`].
#[must_use = "nothing starts before `start`"]
#[derive(Debug, Default)]
pub struct Setup {
    args: Vec<String>,
}

/// The line that the program prints once everything runs.
#[derive(Debug, Deserialize)]
struct Ready {
    kubeconfig: PathBuf,
    server: String,
    pid: u32,
    pids: BTreeMap<String, u32>,
    start_ms: u64,
}

/// The line that the program prints once the API server runs again.
#[derive(Deserialize)]
struct Restarted {
    pids: BTreeMap<String, u32>,
}

/// The files with the definitions of the tree.
///
/// # Panics
///
/// If there are none.
pub fn definitions() -> Vec<PathBuf> {
    let folder = tools::crate_dir().join("../crds");
    let files = schema::files().unwrap_or_else(|error| panic!("the definitions: {error}"));
    files.into_iter().map(|file| folder.join(file.name)).collect()
}

impl Setup {
    /// Creates the CRDs of a YAML file before the controllers start. Garbage collection looks for
    /// new kinds every 30 s only, and knows these from the first moment.
    pub fn crds(self, file: &Path) -> Self {
        self.arg("--crds", &file.display().to_string())
    }

    /// Creates the definitions of the tree.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn definitions(self) -> Self {
        definitions().iter().fold(self, |setup, file| setup.crds(file))
    }

    /// Adds a user with no rights, as a context of the kubeconfig: `NAME` or `NAME:GROUP,GROUP`.
    pub fn user(self, user: &str) -> Self {
        self.arg("--user", user)
    }

    /// Adds a flag of kube-apiserver.
    pub fn apiserver_flag(self, flag: &str) -> Self {
        self.arg("--apiserver-arg", flag)
    }

    /// Has this many nodes instead of one.
    pub fn nodes(self, count: u32) -> Self {
        self.arg("--nodes", &count.to_string())
    }

    fn arg(mut self, name: &str, value: &str) -> Self {
        self.args.push(format!("{name}={value}"));
        self
    }

    /// Starts it and waits until it is ready; `None` if Go is not installed.
    ///
    /// # Panics
    ///
    /// If it does not become ready; the message says why.
    pub fn start(self) -> Option<Cluster> {
        let program = tools::cluster_program()?;
        let kubectl = tools::kubectl()?;
        let (dir, lock) = new_folder("test-clusters")
            .unwrap_or_else(|error| panic!("making a folder for a test cluster: {error}"));
        let log = dir.join("logs/up.log");
        let complaints = File::create(&log).expect("a log in a new folder");
        let mut process = Command::new(program)
            .args(["up", "--with-stdin", "--dir"])
            .arg(&dir)
            .args(self.args)
            // It holds the pipe's other end, and stops when this process is gone.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints)
            // What kills the test's process group shall leave it alive to clean up.
            .process_group(0)
            .spawn()
            .expect("starting the test cluster's program");
        let lines = read_lines(process.stdout.take().expect("a pipe"));
        let line = lines.recv_timeout(START_DEADLINE).unwrap_or_else(|error| {
            let _ = process.kill();
            let _ = process.wait();
            let complaint = fs::read_to_string(&log).unwrap_or_default();
            panic!("the test cluster did not start ({error}): {complaint}\nlogs: {}", dir.display())
        });
        show_logs_of_failures(&dir);
        let ready = parse(&line, "READY ");
        Some(Cluster { dir, kubectl, ready, process, lines: Mutex::new(lines), _lock: lock })
    }
}

impl Cluster {
    /// The cluster that all tests of this binary share; `None` if Go is not installed.
    ///
    /// # Panics
    ///
    /// As [`Setup::start`].
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::setup().start()).as_ref()
    }

    /// The same with the definitions of the tree. A test binary uses one of the two.
    ///
    /// # Panics
    ///
    /// As [`Setup::start`].
    pub fn shared_with_definitions() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        SHARED.get_or_init(|| Self::setup().definitions().start()).as_ref()
    }

    /// Prepares a cluster of the test's own.
    pub fn setup() -> Setup {
        Setup::default()
    }

    /// An administrator's kubeconfig; other users are further contexts.
    pub fn kubeconfig(&self) -> &Path {
        &self.ready.kubeconfig
    }

    /// The URL of the API server.
    pub fn server(&self) -> &str {
        &self.ready.server
    }

    /// State and logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The process that runs the parts.
    pub fn pid(&self) -> u32 {
        self.ready.pid
    }

    /// The processes of the parts, by name: `etcd`, `apiserver`, `controller-manager`,
    /// `scheduler`, `nodes`. A restart of the API server makes a new one.
    pub fn pids(&self) -> &BTreeMap<String, u32> {
        &self.ready.pids
    }

    /// How long the start took.
    pub fn start_took(&self) -> Duration {
        Duration::from_millis(self.ready.start_ms)
    }

    /// Real kubectl as an administrator.
    pub fn kubectl<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Kubectl {
        Kubectl::new(&self.kubectl, self.kubeconfig(), &self.dir.join("home")).args(args)
    }

    /// Waits until definitions are served: one by its name, or `--all`.
    ///
    /// # Panics
    ///
    /// If they do not come to be.
    #[track_caller]
    pub fn wait_established(&self, which: &str) {
        let wait = ["wait", "--for=condition=Established", "--timeout=60s", "crd", which];
        wait_until(Duration::from_mins(2), "definitions are established", || {
            let ran = self.kubectl(wait).run();
            // kubectl takes a status that nobody has written yet for a wrong one.
            let is_early = ran.stderr.contains("accessor error");
            assert!(is_early || ran.status.success(), "{ran}");
            ran.status.success().then_some(())
        });
    }

    /// Real Helm as an administrator.
    ///
    /// # Panics
    ///
    /// If it cannot be built.
    pub fn helm<A: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = A>) -> Helm {
        let program = tools::helm().expect("Go, which has built the cluster");
        Helm::new(&program, self.kubeconfig(), &self.dir.join("home")).args(args)
    }

    /// A new namespace, named after the test that asks, with its default service account: pods
    /// may be made at once. Nobody needs to delete it, which would take five seconds.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn fresh_namespace(&self) -> String {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = namespace_name(thread::current().name().unwrap_or("test"), number);
        self.kubectl(["create", "namespace", &name]).run().succeeded();
        self.kubectl(["get", "serviceaccounts", "--field-selector=metadata.name=default"])
            .namespace(&name)
            .watch_until(Duration::from_mins(1), |account| account.is_some());
        name
    }

    /// Kills the API server, starts it again on the same port, and waits until it is ready.
    ///
    /// # Panics
    ///
    /// If it does not become ready again.
    pub fn restart_apiserver(&mut self) {
        signal(self.ready.pid, "-USR1");
        let lines = self.lines.get_mut().unwrap_or_else(PoisonError::into_inner);
        let line = lines.recv_timeout(START_DEADLINE).expect("the API server comes back");
        self.ready.pids = parse::<Restarted>(&line, "RESTARTED ").pids;
    }

    /// Stops the API server while something else happens: whoever asks it gets no answer.
    ///
    /// # Panics
    ///
    /// If it is gone.
    pub fn without_apiserver(&self, during: impl FnOnce()) {
        let pid = self.ready.pids["apiserver"];
        signal(pid, "-STOP");
        let started = Continued(pid);
        during();
        drop(started);
    }
}

/// A process that goes on when this is dropped.
struct Continued(u32);

impl Drop for Continued {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-CONT", &self.0.to_string()]).status();
    }
}

/// The end of a cluster that a test started for itself. A shared one ends with the process.
impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It kills its parts and ends, whatever it is doing.
        let _ = self.process.wait();
        // The large part of the state; it is still there if the program was killed.
        let _ = fs::remove_dir_all(self.dir.join("etcd"));
        running(|dirs| dirs.retain(|dir| *dir != self.dir));
    }
}

/// Sends a signal, by the program that every Unix has: the standard library only knows SIGKILL.
fn signal(pid: u32, signal: &str) {
    let status = Command::new("kill").args([signal, &pid.to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill {signal} {pid}");
}

fn parse<T: for<'a> Deserialize<'a>>(line: &str, word: &str) -> T {
    line.strip_prefix(word)
        .and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_else(|| panic!("expected {word}and JSON, got {line:?}"))
}

/// The lines of a pipe as they come; the end of the pipe disconnects.
pub(crate) fn read_lines(pipe: impl io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// Makes a folder for one cluster or the like, in a folder of the target folder, and removes those
/// that earlier runs of this binary left.
///
/// The name says which run a folder is of; the lock, which the kernel lets go with the process,
/// whether that run still goes on.
pub(crate) fn new_folder(kind: &str) -> io::Result<(PathBuf, File)> {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let all = tools::target_dir().join(kind);
    fs::create_dir_all(&all)?;
    // Nobody may look at a folder between its making and its locking.
    let everything = File::create(all.join("lock"))?;
    everything.lock()?;

    let prefix = format!("{}-", binary_name());
    for entry in fs::read_dir(&all)? {
        let entry = entry?;
        if !entry.file_name().to_string_lossy().starts_with(&prefix) {
            continue;
        }
        // No lock yet: its run ended while it made the folder.
        let used = File::open(entry.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_err());
        if !used {
            // A cluster whose test was killed may still be cleaning up: the next run gets the rest.
            let _ = fs::remove_dir_all(entry.path());
        }
    }

    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let dir = all.join(format!("{prefix}{}-{number}", process::id()));
    fs::create_dir_all(dir.join("logs"))?;
    let lock = File::create(dir.join("lock"))?;
    lock.lock()?;
    Ok((dir, lock))
}

/// The name of this program, without the hash that cargo adds to test binaries.
fn binary_name() -> String {
    let program = env::current_exe().unwrap_or_default();
    let name = program.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    match name.rsplit_once('-') {
        Some((name, hash)) if hash.len() == 16 => name.to_owned(),
        _ => name,
    }
}

/// A DNS label out of the name of a test, of at most 63 characters.
fn namespace_name(test: &str, number: u32) -> String {
    let last = test.rsplit("::").next().unwrap_or(test);
    let mut name: String = last
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .take(50)
        .collect();
    name.insert_str(0, "t-");
    let _ = write!(name, "-{number}");
    name
}

/// From now on, a panic shows the ends of the logs in this folder.
pub(crate) fn show_logs_of_failures(dir: &Path) {
    static HOOK: Once = Once::new();
    running(|dirs| dirs.push(dir.to_owned()));
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            before(info);
            running(|dirs| dirs.iter().for_each(|dir| show_logs(dir)));
        }));
    });
}

pub(crate) fn running(work: impl FnOnce(&mut Vec<PathBuf>)) {
    work(&mut RUNNING.lock().unwrap_or_else(PoisonError::into_inner));
}

#[expect(clippy::print_stderr, reason = "libtest shows it below the test that failed")]
fn show_logs(dir: &Path) {
    let logs = dir.join("logs");
    let Ok(entries) = fs::read_dir(&logs) else { return };
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.sort_unstable();
    for file in files {
        let text = fs::read(&file).unwrap_or_default();
        if text.is_empty() {
            continue;
        }
        let (_, end) = text.split_at(text.len().saturating_sub(SHOWN_OF_A_LOG));
        eprintln!("---- the end of {}\n{}", file.display(), String::from_utf8_lossy(end));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namespace_names_are_dns_labels() {
        assert_eq!(namespace_name("tests::a_Secret_appears", 7), "t-a-secret-appears-7");
        let long = namespace_name(&"x".repeat(300), u32::MAX);
        assert!(long.len() <= 63, "{long}");
    }
}
