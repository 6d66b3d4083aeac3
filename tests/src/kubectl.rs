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

use std::ffi::OsStr;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub use crate::call::Finished;
use crate::call::{Call, DEADLINE, Stream, collect, end};

/// A call of kubectl, before it is made.
#[must_use = "nothing runs before `run` or `watch_until`"]
#[derive(Debug)]
pub struct Kubectl {
    call: Call,
}

impl Kubectl {
    pub(crate) fn new(program: &Path, kubeconfig: &Path, home: &Path) -> Self {
        // Discovery caches and the user's own kubectl settings live in the home folder.
        Self { call: Call::new(program).env("HOME", home).env("KUBECONFIG", kubeconfig) }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(self, args: impl IntoIterator<Item = A>) -> Self {
        Self { call: self.call.args(args) }
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
    pub fn stdin(self, text: impl Into<Vec<u8>>) -> Self {
        Self { call: self.call.stdin(text) }
    }

    /// Sets a variable of the environment, for a plugin that reads one.
    pub fn env(self, name: &str, value: impl AsRef<OsStr>) -> Self {
        Self { call: self.call.env(name, value) }
    }

    /// Puts a folder first in PATH: kubectl finds its plugins there.
    ///
    /// # Panics
    ///
    /// If the name of the folder holds a `:`.
    pub fn plugins_in(self, folder: &Path) -> Self {
        Self { call: self.call.first_in_path(folder) }
    }

    /// The call as a command that runs until its standard input ends, which the kernel sees to
    /// however this process ends; for those that serve.
    pub fn until_input_ends(self) -> Command {
        self.call.until_input_ends()
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it does not start, or has not ended after two minutes.
    pub fn run(self) -> Finished {
        self.call.run()
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
        let command = watch.call.command_line();
        let ends = now() + deadline;
        let mut child = watch.call.spawn();
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
}

impl Kubectl {
    /// Runs it until it prints a line that `wanted` says yes to, and returns that.
    ///
    /// # Panics
    ///
    /// If there was none before the deadline, or before it ended.
    pub fn line_until(self, deadline: Duration, mut wanted: impl FnMut(&str) -> bool) -> String {
        let mut call = self.call;
        let command = call.command_line();
        let ends = now() + deadline;
        let mut child = call.spawn();
        let (sender, outputs) = mpsc::channel();
        collect(child.stderr.take().expect("a pipe"), sender, Stream::Err);
        let lines = crate::cluster::read_lines(child.stdout.take().expect("a pipe"));
        loop {
            match lines.recv_timeout(ends.saturating_duration_since(now())) {
                Ok(line) if wanted(&line) => {
                    end(&mut child);
                    return line;
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => {
                    end(&mut child);
                    panic!("{command}: no such line in {deadline:?}");
                }
                Err(RecvTimeoutError::Disconnected) => {
                    end(&mut child);
                    let complaint = outputs.recv_timeout(DEADLINE).map(|(_, text)| text);
                    panic!("{command}: ended early: {}", complaint.unwrap_or_default());
                }
            }
        }
    }
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

#[expect(clippy::disallowed_methods, reason = "a deadline for real processes is in real time")]
fn now() -> Instant {
    Instant::now()
}
