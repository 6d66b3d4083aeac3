//! Real kubectl, as an administrator of a test cluster.
//!
//! ```no_run
//! # use extsecret_tests::cluster::Cluster;
//! # fn example(cluster: &Cluster) {
//! let namespace = cluster.fresh_namespace();
//! let applied = cluster.kubectl(["apply", "--filename=-"]).namespace(&namespace).stdin("...").run();
//! applied.succeeded();
//! # }
//! ```

use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a call may take before it fails the test: far beyond any answer of a busy machine.
const DEADLINE: Duration = Duration::from_mins(2);

/// A call of kubectl, before it is made.
#[must_use = "nothing runs before `run` or `watch_until`"]
#[derive(Debug)]
pub struct Kubectl {
    command: Command,
    stdin: Option<Vec<u8>>,
}

/// What a finished kubectl left.
#[must_use = "look at it, or say `succeeded`"]
#[derive(Debug)]
pub struct Finished {
    /// The command line, for messages.
    pub command: String,
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Kubectl {
    pub(crate) fn new(program: &Path, kubeconfig: &Path, home: &Path) -> Self {
        let mut command = Command::new(program);
        command
            // Discovery caches and the user's own kubectl settings live in the home folder.
            .env("HOME", home)
            .env("KUBECONFIG", kubeconfig)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command, stdin: None }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Works in this namespace.
    pub fn namespace(self, namespace: &str) -> Self {
        self.args(["--namespace", namespace])
    }

    /// Acts as another context of the kubeconfig: a user given to [`crate::cluster::Setup::user`].
    pub fn context(self, context: &str) -> Self {
        self.args(["--context", context])
    }

    /// What to read from standard input; add `--filename=-` or the like.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self.command.stdin(Stdio::piped());
        self
    }

    /// Puts a folder first in PATH: kubectl finds its plugins there.
    ///
    /// # Panics
    ///
    /// If the name of the folder holds a `:`.
    pub fn plugins_in(mut self, folder: &Path) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
        self.command.env("PATH", std::env::join_paths(folders).expect("a folder name without ':'"));
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it does not start, or has not ended after two minutes.
    pub fn run(mut self) -> Finished {
        let command = self.command_line();
        let mut child = self.spawn();
        let (sender, outputs) = mpsc::channel();
        collect(child.stdout.take().expect("a pipe"), sender.clone(), Stream::Out);
        collect(child.stderr.take().expect("a pipe"), sender, Stream::Err);
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for _ in 0..2 {
            match outputs.recv_timeout(DEADLINE) {
                Ok((Stream::Out, text)) => stdout = text,
                Ok((Stream::Err, text)) => stderr = text,
                Err(_) => {
                    end(&mut child);
                    panic!("{command}: not ended after {DEADLINE:?}");
                }
            }
        }
        let status = child.wait().unwrap_or_else(|error| panic!("{command}: {error}"));
        Finished { command, status, stdout, stderr }
    }

    /// Runs a `get ... --watch`, and returns the first object that `wanted` says yes to.
    ///
    /// Give it `get RESOURCE` and, for one object, `--field-selector=metadata.name=NAME`: an
    /// object that is not there yet is then no error. Objects that are deleted are passed with
    /// `None`; if `wanted` says yes to that, the result is `null`.
    ///
    /// # Panics
    ///
    /// If no object was wanted before the deadline; the message shows the last one.
    pub fn watch_until(
        self,
        deadline: Duration,
        mut wanted: impl FnMut(Option<&Value>) -> bool,
    ) -> Value {
        let mut watch = self.args(["--watch", "--output-watch-events", "--output=json"]);
        let command = watch.command_line();
        let ends = now() + deadline;
        let mut child = watch.spawn();
        let (sender, outputs) = mpsc::channel();
        collect(child.stderr.take().expect("a pipe"), sender, Stream::Err);
        let events = read_events(child.stdout.take().expect("a pipe"));
        let mut last = Value::Null;
        loop {
            match events.recv_timeout(ends.saturating_duration_since(now())) {
                Ok(mut event) => {
                    let object = event["object"].take();
                    let deleted = event["type"] == "DELETED";
                    if wanted((!deleted).then_some(&object)) {
                        end(&mut child);
                        return if deleted { Value::Null } else { object };
                    }
                    last = object;
                }
                Err(RecvTimeoutError::Timeout) => {
                    end(&mut child);
                    panic!("{command}: not seen in {deadline:?}; last seen:\n{last:#}");
                }
                Err(RecvTimeoutError::Disconnected) => {
                    end(&mut child);
                    let complaint = outputs.recv_timeout(DEADLINE).map(|(_, text)| text);
                    panic!("{command}: ended early: {}", complaint.unwrap_or_default());
                }
            }
        }
    }

    fn spawn(&mut self) -> Child {
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", self.command_line()));
        if let (Some(text), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            // A thread: kubectl may write before it has read all, and may end before it has.
            thread::spawn(move || pipe.write_all(&text));
        }
        child
    }

    fn command_line(&self) -> String {
        let mut words: Vec<OsString> = vec!["kubectl".into()];
        words.extend(self.command.get_args().map(OsStr::to_os_string));
        words.join(OsStr::new(" ")).to_string_lossy().into_owned()
    }
}

impl Finished {
    /// What it printed.
    ///
    /// # Panics
    ///
    /// If it failed.
    #[track_caller]
    pub fn succeeded(self) -> String {
        assert!(self.status.success(), "{self}");
        self.stdout
    }

    /// What it complained about.
    ///
    /// # Panics
    ///
    /// If it did not fail.
    #[track_caller]
    pub fn failed(self) -> String {
        assert!(!self.status.success(), "{self}");
        self.stderr
    }

    /// What it printed, read as JSON.
    ///
    /// # Panics
    ///
    /// If it failed or printed something else.
    #[track_caller]
    pub fn json(self) -> Value {
        assert!(self.status.success(), "{self}");
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("not JSON: {error}\n{self}"),
        }
    }
}

impl std::fmt::Display for Finished {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { command, status, stdout, stderr } = self;
        write!(f, "{command}: {status}\n{stderr}{stdout}")
    }
}

#[derive(Debug)]
enum Stream {
    Out,
    Err,
}

/// Reads a pipe to its end on a thread of its own, so that a full pipe blocks nobody.
fn collect(
    mut pipe: impl Read + Send + 'static,
    sender: mpsc::Sender<(Stream, String)>,
    stream: Stream,
) {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let text = match pipe.read_to_end(&mut bytes) {
            Ok(_) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("reading the output: {error}"),
        };
        // Nobody listens any more after a deadline.
        let _ = sender.send((stream, text));
    });
}

/// The JSON values of a pipe as they come.
fn read_events(pipe: impl Read + Send + 'static) -> mpsc::Receiver<Value> {
    let (sender, events) = mpsc::channel();
    thread::spawn(move || {
        let values = serde_json::Deserializer::from_reader(io::BufReader::new(pipe)).into_iter();
        for event in values.map_while(Result::ok) {
            if sender.send(event).is_err() {
                break;
            }
        }
    });
    events
}

/// Ends a child whose result does not matter.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

#[expect(clippy::disallowed_methods, reason = "a deadline for real processes is in real time")]
fn now() -> Instant {
    Instant::now()
}
