//! The controller's own binary, at work on a test cluster and a double of AWS.
//!
//! ```no_run
//! # use extsecret_tests::{aws::Aws, cluster::Cluster, controller::Controller};
//! # fn example(cluster: &Cluster) {
//! let aws = Aws::start();
//! let controller = Controller::start(cluster, &aws, &["--loglevel=debug"]);
//! assert_eq!(controller.metrics()["extsecret_events_dropped_total"], 0.0);
//! controller.stop();
//! # }
//! ```
//!
//! The process ends with the value, and with the test's process however that ends.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead as _, BufReader, Read};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::aws::Aws;
use crate::binary::Binary;
use crate::cluster::Cluster;

/// How long the start may take: far longer than on a busy machine.
const START: Duration = Duration::from_mins(1);

/// How long the end may take.
const END: Duration = Duration::from_secs(40);

/// How many of its last lines a failing test shows.
const SHOWN_LINES: usize = 60;

/// Its binary.
pub static PROGRAM: Binary = Binary::new("extsecret-controller");

/// What a controller shall be like; begin with [`Controller::setup`].
#[must_use = "nothing starts before `start`"]
#[derive(Debug)]
pub struct Setup {
    /// Else that of the dev profile, which is built when it is needed.
    program: Option<PathBuf>,
    args: Vec<OsString>,
    environment: BTreeMap<OsString, OsString>,
}

/// A running controller.
#[derive(Debug)]
pub struct Controller {
    process: Child,
    /// Ends the process if this one is killed.
    guard: Child,
    output: Arc<Output>,
    ended: bool,
    agent: ureq::Agent,
}

/// What it has printed so far, on both pipes.
#[derive(Debug, Default)]
struct Output {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    closed_pipes: usize,
}

impl Setup {
    /// Runs this binary instead of the one of the dev profile.
    pub fn program(mut self, program: &Path) -> Self {
        self.program = Some(program.to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets environment variables; it has none of the machine's but PATH.
    pub fn environment<K: Into<OsString>, V: Into<OsString>>(
        mut self,
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        self.environment.extend(variables);
        self
    }

    /// Works for the cluster as whoever this file says.
    pub fn kubeconfig(self, file: &Path) -> Self {
        self.environment([("KUBECONFIG", file)])
    }

    /// Starts it, and does not wait.
    ///
    /// # Panics
    /// If there is no such program.
    pub fn spawn(self) -> Controller {
        let program = self.program.as_deref().unwrap_or_else(|| PROGRAM.path());
        let mut process = Command::new(program)
            .args(["--metrics-addr=127.0.0.1:0", "--live-addr=127.0.0.1:0"])
            .args(&self.args)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(&self.environment)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for this process, which ends it.
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", program.display()));
        // The kernel closes the pipe to it when the test's process is gone.
        let guard = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$0\"", &process.id().to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap_or_else(|error| panic!("starting sh: {error}"));
        let output = Arc::<Output>::default();
        output.collect(process.stdout.take().expect("a pipe"));
        output.collect(process.stderr.take().expect("a pipe"));
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(10)))
            .proxy(None)
            .build();
        Controller { process, guard, output, ended: false, agent: agent.into() }
    }

    /// Starts it and waits until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(self) -> Controller {
        let mut controller = self.spawn();
        controller.wait_ready();
        controller
    }
}

impl Controller {
    /// Starts one for a cluster, with the double's all-powerful user as its own identity, and waits
    /// until it is ready.
    ///
    /// # Panics
    /// If it does not become ready.
    pub fn start(cluster: &Cluster, aws: &Aws, args: &[&str]) -> Self {
        Self::setup(cluster).environment(aws.environment(aws.admin())).args(args).start()
    }

    /// The same without an identity of its own: stores have to bring one.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_without_credentials(cluster: &Cluster, aws: &Aws, args: &[&str]) -> Self {
        Self::setup(cluster).environment(aws.environment_without_credentials()).args(args).start()
    }

    /// Prepares one for a cluster.
    pub fn setup(cluster: &Cluster) -> Setup {
        let setup = Setup { program: None, args: Vec::new(), environment: BTreeMap::new() };
        setup.kubeconfig(cluster.kubeconfig()).environment([("HOME", cluster.dir().join("home"))])
    }

    /// Waits until it says that it is ready.
    ///
    /// # Panics
    /// If it ends before, or takes a minute.
    pub fn wait_ready(&mut self) {
        self.wait_until(START, "it is ready", |it| {
            it.addresses().is_some() && it.get("/readyz").is_ok_and(|(status, _)| status == 200)
        });
    }

    /// Waits until something holds of it.
    ///
    /// # Panics
    /// If it ends before, or takes longer than the deadline.
    pub fn wait_until(
        &mut self,
        deadline: Duration,
        what: &str,
        mut holds: impl FnMut(&Self) -> bool,
    ) {
        let ends = now() + deadline;
        loop {
            if holds(self) {
                return;
            }
            if let Ok(Some(status)) = self.process.try_wait() {
                panic!("the controller ended before {what}: {status}");
            }
            assert!(now() < ends, "not in {deadline:?}: {what}");
            thread::sleep(POLL);
        }
    }

    /// What it answers to a path that it serves: the status and the text.
    ///
    /// # Errors
    /// If it does not answer.
    ///
    /// # Panics
    /// If it has not said yet where it listens.
    pub fn get(&self, path: &str) -> Result<(u16, String), ureq::Error> {
        let (live, metrics) = self.addresses().expect("a controller that listens");
        let address = if path == "/metrics" { metrics } else { live };
        let mut answer = self.agent.get(format!("http://{address}{path}")).call()?;
        let text = answer.body_mut().read_to_string()?;
        Ok((answer.status().as_u16(), text))
    }

    /// Where it serves its health and its metrics, once it does.
    pub fn addresses(&self) -> Option<(String, String)> {
        self.output.lock().lines.iter().find_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            let listening = line["message"] == "listening";
            let address = |name: &str| line[name].as_str().map(str::to_owned);
            listening.then(|| Some((address("live")?, address("metrics")?)))?
        })
    }

    /// Its metrics, by series as they are printed: `name{label="value"}`.
    ///
    /// # Panics
    /// If it does not serve them.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let (status, text) =
            self.get("/metrics").unwrap_or_else(|error| panic!("/metrics: {error}"));
        assert_eq!(status, 200, "/metrics: {text}");
        let series = |line: &str| {
            let (series, value) = line.rsplit_once(' ')?;
            Some((series.to_owned(), value.parse().ok()?))
        };
        text.lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| series(line).unwrap_or_else(|| panic!("not a series: {line}")))
            .collect()
    }

    /// One metric; none is zero.
    ///
    /// # Panics
    /// As [`metrics`](Self::metrics).
    pub fn metric(&self, series: &str) -> f64 {
        self.metrics().get(series).copied().unwrap_or_default()
    }

    /// Its log so far: the lines that are JSON.
    pub fn logs(&self) -> Vec<Value> {
        let output = self.output.lock();
        output.lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// All that it has printed so far, on stdout and stderr.
    pub fn text(&self) -> String {
        self.output.lock().lines.join("\n")
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The memory that it occupies, in bytes (Linux).
    ///
    /// # Panics
    /// If it is gone, or this is not Linux.
    pub fn rss_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most memory that it has occupied, in bytes (Linux).
    ///
    /// # Panics
    /// As [`rss_bytes`](Self::rss_bytes).
    pub fn peak_rss_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// How many descriptors it holds open (Linux).
    ///
    /// # Panics
    /// As [`rss_bytes`](Self::rss_bytes).
    pub fn descriptors(&self) -> usize {
        let path = format!("/proc/{}/fd", self.pid());
        fs::read_dir(&path).unwrap_or_else(|error| panic!("{path}: {error}")).count()
    }

    fn memory(&self, field: &str) -> u64 {
        let status = self.proc("status");
        let kilobytes = status.lines().find_map(|line| line.strip_prefix(field));
        let kilobytes = kilobytes.and_then(|text| text.trim().strip_suffix(" kB")?.parse().ok());
        kilobytes.map_or_else(|| panic!("no memory in {status}"), |it: u64| it * 1024)
    }

    /// The processor time that it has used, in user space and for it in the kernel (Linux).
    ///
    /// # Panics
    /// If it is gone, or this is not Linux.
    pub fn cpu_seconds(&self) -> f64 {
        let stat = self.proc("stat");
        // The name, in parentheses, may hold anything.
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        let ticks = |field: &str| field.parse::<u32>().expect("a number of ticks");
        let ticks: u32 = fields.split(' ').skip(11).take(2).map(ticks).sum();
        // What the kernel counts for user space in is hundredths of seconds wherever Rust runs.
        f64::from(ticks) / 100.0
    }

    fn proc(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.pid());
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends it a signal, such as `TERM` or `STOP`.
    ///
    /// # Panics
    /// If it cannot be sent.
    pub fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {pid}");
    }

    /// Kills it as the kernel does when memory is short, and returns what it had printed.
    pub fn kill(mut self) -> String {
        let _ = self.process.kill();
        let _ = self.wait_for_end(END);
        self.text()
    }

    /// Asks it to stop, and returns all that it has printed.
    ///
    /// # Panics
    /// If it does not end with success in time.
    pub fn stop(mut self) -> String {
        self.signal("TERM");
        let status = self.wait_for_end(END).expect("an end after SIGTERM");
        assert!(status.success(), "after SIGTERM: {status}");
        self.text()
    }

    /// Waits until it ends by itself; `None` if it does not before the deadline.
    pub fn wait_for_end(&mut self, deadline: Duration) -> Option<ExitStatus> {
        // Both pipes are closed by its end, after the last line.
        let output = self.output.lock();
        let open = |state: &mut State| state.closed_pipes < 2;
        let (output, late) = self
            .output
            .changed
            .wait_timeout_while(output, deadline, open)
            .unwrap_or_else(PoisonError::into_inner);
        drop(output);
        if late.timed_out() {
            return None;
        }
        // Before its number can be another's.
        self.end_guard();
        self.ended = true;
        self.process.wait().ok()
    }

    fn end_guard(&mut self) {
        let _ = self.guard.kill();
        let _ = self.guard.wait();
    }
}

impl Drop for Controller {
    fn drop(&mut self) {
        if !self.ended {
            self.end_guard();
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
        if thread::panicking() {
            self.show();
        }
    }
}

impl Controller {
    #[expect(clippy::print_stderr, reason = "libtest shows it below the test that failed")]
    fn show(&self) {
        let output = self.output.lock();
        let skipped = output.lines.len().saturating_sub(SHOWN_LINES);
        eprintln!("---- the last lines of the controller, {skipped} before them");
        for line in output.lines.iter().skip(skipped) {
            eprintln!("{line}");
        }
    }
}

impl Output {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads a pipe to its end on a thread of its own.
    fn collect(self: &Arc<Self>, pipe: impl Read + Send + 'static) {
        let output = Arc::clone(self);
        thread::spawn(move || {
            for line in BufReader::new(pipe).split(b'\n').map_while(Result::ok) {
                output.lock().lines.push(String::from_utf8_lossy(&line).into_owned());
                output.changed.notify_all();
            }
            output.lock().closed_pipes += 1;
            output.changed.notify_all();
        });
    }
}

/// How often it is looked whether something holds.
const POLL: Duration = Duration::from_millis(20);

/// Waits until there is something, and returns it.
///
/// # Panics
/// If there is nothing before the deadline; the message says what was waited for.
#[track_caller]
pub fn wait_until<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let ends = now() + deadline;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(now() < ends, "not in {deadline:?}: {what}");
        thread::sleep(POLL);
    }
}

/// The time, for measuring what real processes take.
#[expect(clippy::disallowed_methods, reason = "a deadline for real processes is in real time")]
pub fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that is a shell script.
    fn script(text: &str) -> (tempfile::TempDir, Setup) {
        let dir = tempfile::tempdir().unwrap();
        let (source, program) = (dir.path().join("source"), dir.path().join("program"));
        fs::write(&source, format!("#!/bin/sh\n{text}")).unwrap();
        // Another process writes the program: were it open for writing here, a process that another
        // test starts at that moment would hold it open too, and the kernel then refuses to run it.
        let install =
            Command::new("install").args(["-m", "755"]).args([&source, &program]).status();
        assert!(install.is_ok_and(|status| status.success()), "install {}", program.display());
        (dir, Setup { program: Some(program), args: Vec::new(), environment: BTreeMap::new() })
    }

    const WORKS: &str = r#"
        trap 'echo bye >&2; exit 0' TERM
        echo '{"message":"listening","live":"127.0.0.1:1","metrics":"127.0.0.1:2"}'
        echo "$GREETING $*"
        while :; do sleep 0.01; done
    "#;

    fn hears(controller: &mut Controller, word: &str) {
        controller.wait_until(START, word, |it| it.text().contains(word));
    }

    #[test]
    fn what_it_prints_is_kept_to_the_last_line() {
        let (_dir, setup) = script(WORKS);
        let mut controller = setup.args(["--x"]).environment([("GREETING", "hello")]).spawn();
        hears(&mut controller, "hello");
        assert_eq!(controller.addresses(), Some(("127.0.0.1:1".into(), "127.0.0.1:2".into())));
        assert_eq!(controller.logs().len(), 1);
        if cfg!(target_os = "linux") {
            assert!(controller.rss_bytes() > 100_000);
            assert!(controller.peak_rss_bytes() >= controller.rss_bytes());
            assert!(controller.cpu_seconds() < 60.0);
        }
        let text = controller.stop();
        assert!(
            text.contains("hello --metrics-addr=127.0.0.1:0 --live-addr=127.0.0.1:0 --x"),
            "{text}"
        );
        assert!(text.ends_with("bye"), "{text}");
    }

    #[test]
    fn one_that_is_killed_says_nothing_more() {
        let (_dir, setup) = script(WORKS);
        let mut controller = setup.environment([("GREETING", "hello")]).spawn();
        hears(&mut controller, "hello");
        assert!(!controller.kill().contains("bye"));
    }

    #[test]
    #[should_panic(expected = "ended before it is ready: exit status: 3")]
    fn one_that_ends_is_not_waited_for() {
        let (_dir, setup) = script("exit 3");
        setup.start();
    }

    #[test]
    #[should_panic(expected = "after SIGTERM: exit status: 1")]
    fn a_failure_at_the_end_is_a_failure() {
        let (_dir, setup) = script("trap 'exit 1' TERM; echo up; while :; do sleep 0.01; done");
        let mut controller = setup.spawn();
        hears(&mut controller, "up");
        controller.stop();
    }
}
