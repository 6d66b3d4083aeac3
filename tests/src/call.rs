//! A program that a test runs to its end, and what it left.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long a call may take before it fails the test: far beyond any answer of a busy machine.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// A call of a program, before it is made.
#[must_use = "nothing runs before `run`"]
#[derive(Debug)]
pub struct Call {
    command: Command,
    stdin: Option<Vec<u8>>,
    deadline: Duration,
}

/// What a finished program left.
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

impl Call {
    /// A call of this program without arguments, with nothing to read.
    pub fn new(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self { command, stdin: None, deadline: DEADLINE }
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.command.args(args);
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes an environment variable of the machine away.
    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Works in this folder.
    pub fn in_folder(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// What to read from standard input.
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(text.into());
        self.command.stdin(Stdio::piped());
        self
    }

    /// Puts a folder first in PATH.
    ///
    /// # Panics
    ///
    /// If the name of the folder holds a `:`.
    pub fn first_in_path(mut self, folder: &Path) -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
        self.command.env("PATH", std::env::join_paths(folders).expect("a folder name without ':'"));
        self
    }

    /// Waits this long for its end, instead of two minutes.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Runs it to its end.
    ///
    /// # Panics
    ///
    /// If it does not start, or has not ended at the deadline.
    pub fn run(mut self) -> Finished {
        let command = self.command_line();
        let deadline = self.deadline;
        let mut child = self.spawn();
        let (sender, outputs) = mpsc::channel();
        collect(child.stdout.take().expect("a pipe"), sender.clone(), Stream::Out);
        collect(child.stderr.take().expect("a pipe"), sender, Stream::Err);
        let (mut stdout, mut stderr) = (String::new(), String::new());
        for _ in 0..2 {
            match outputs.recv_timeout(deadline) {
                Ok((Stream::Out, text)) => stdout = text,
                Ok((Stream::Err, text)) => stderr = text,
                Err(_) => {
                    end(&mut child);
                    panic!("{command}: not ended after {deadline:?}");
                }
            }
        }
        let status = child.wait().unwrap_or_else(|error| panic!("{command}: {error}"));
        Finished { command, status, stdout, stderr }
    }

    /// The call as a command that runs until its standard input ends.
    pub(crate) fn until_input_ends(self) -> Command {
        let mut command = Command::new("sh");
        // The shell gives what runs in its background nothing to read.
        command
            .args(["-c", r#""$0" "$@" & read -r _; kill $!; wait"#])
            .arg(self.command.get_program())
            .args(self.command.get_args())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for who started it, and needs it to end well.
            .process_group(0);
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// Starts it and leaves it running, with pipes to read what it prints.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(mut self) -> Child {
        self.spawn()
    }

    pub(crate) fn spawn(&mut self) -> Child {
        let mut child = self
            .command
            .spawn()
            .unwrap_or_else(|error| panic!("starting {}: {error}", self.command_line()));
        if let (Some(text), Some(mut pipe)) = (self.stdin.take(), child.stdin.take()) {
            // A thread: a program may write before it has read all, and may end before it has.
            thread::spawn(move || pipe.write_all(&text));
        }
        child
    }

    pub(crate) fn command_line(&self) -> String {
        let program = PathBuf::from(self.command.get_program());
        let mut words: Vec<OsString> = vec![program.file_name().unwrap_or_default().into()];
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
pub(crate) enum Stream {
    Out,
    Err,
}

/// Reads a pipe to its end on a thread of its own, so that a full pipe blocks nobody.
pub(crate) fn collect(
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

/// Ends a child whose result does not matter.
pub(crate) fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// Asserts the status that a command ended with.
///
/// # Panics
/// If it ended with another one, or by a signal.
#[track_caller]
pub fn assert_code(ran: &Finished, code: i32) {
    assert_eq!(ran.status.code(), Some(code), "{ran}");
}

/// Asserts that a text holds all of these.
///
/// # Panics
/// If one is missing.
#[track_caller]
pub fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}
