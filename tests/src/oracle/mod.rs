//! Our crates against Go's libraries: cases, Go's answers, ours, and what may differ.
//!
//! See `tests/oracle/README.md` for the form of cases and answers.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io::{self, BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread;

use anyhow::{Context as _, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::tools;

mod differences;
mod ours;

pub use differences::{Difference, Differences};
pub use ours::answer;

/// A case, or a case with its answer.
pub type Line = Map<String, Value>;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "tests/oracle/README.md describes them")]
pub enum Mode {
    Base64,
    Gjson,
    Hash,
    Json,
    Regexp,
    Template,
    /// What has randomness in it: only Go answers.
    Verify,
    Yaml,
}

impl Mode {
    /// All modes that have a corpus.
    pub const ALL: [Self; 7] = [
        Self::Base64,
        Self::Gjson,
        Self::Hash,
        Self::Json,
        Self::Regexp,
        Self::Template,
        Self::Yaml,
    ];

    /// Its name on command lines and of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Gjson => "gjson",
            Self::Hash => "hash",
            Self::Json => "json",
            Self::Regexp => "regexp",
            Self::Template => "template",
            Self::Verify => "verify",
            Self::Yaml => "yaml",
        }
    }

    /// The mode of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> anyhow::Result<Self> {
        let found = Self::ALL.into_iter().find(|mode| mode.name() == name);
        found.with_context(|| format!("there is no mode {name}"))
    }

    /// The names of the fields that hold an answer.
    const fn answers(self) -> &'static [&'static str] {
        match self {
            Self::Gjson => &["output", "output_base64", "raw", "raw_base64", "exists", "type"],
            Self::Regexp => {
                &["output", "output_base64", "outputs", "outputs_base64", "error", "error_base64"]
            }
            Self::Json => &["output", "output_base64", "members_base64", "error", "error_base64"],
            _ => &["output", "output_base64", "error", "error_base64", "panic", "panic_base64"],
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The folder `tests/oracle`.
pub fn folder() -> PathBuf {
    tools::crate_dir().join("oracle")
}

/// The files of a mode's corpus or vectors (`kind`), in order; none if the folder is missing.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(kind: &str, mode: Mode) -> anyhow::Result<Vec<PathBuf>> {
    files_in(&folder().join(kind).join(mode.name()))
}

/// The files with cases in a folder, in order; none if the folder is missing.
pub(crate) fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot list {}", folder.display()))?,
    };
    let mut files = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    files.sort_unstable();
    Ok(files)
}

/// The lines of a file with cases, empty ones left out.
///
/// # Errors
/// If the file cannot be read or a line is no JSON object.
pub fn read(file: &Path) -> anyhow::Result<Vec<Line>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(index, line)| {
            serde_json::from_str(line).with_context(|| format!("{}:{}", file.display(), index + 1))
        })
        .collect()
}

/// The fields of a line that are its answer.
pub fn answer_of(mode: Mode, line: &Line) -> Line {
    let fields = line.iter().filter(|(name, _)| mode.answers().contains(&name.as_str()));
    let mut answer: Line = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    // Here our words are text.
    if mode == Mode::Regexp
        && let Some(said) = answer.remove("error_base64")
    {
        let said = STANDARD.decode(said.as_str().unwrap_or_default()).unwrap_or_default();
        answer.insert("error".to_owned(), String::from_utf8_lossy(&said).into());
    }
    answer
}

/// A program that answers one line after the other: Go's, most of the time.
pub struct Oracle {
    child: Child,
    questions: Option<BufWriter<ChildStdin>>,
    answers: BufReader<ChildStdout>,
}

impl Oracle {
    /// Starts the program; `None` if Go is not installed.
    ///
    /// # Errors
    /// If it cannot be started.
    pub fn start(mode: Mode) -> anyhow::Result<Option<Self>> {
        let Some(program) = tools::oracle() else { return Ok(None) };
        Self::run(Command::new(program).arg(mode.name())).map(Some)
    }

    /// Starts any program that answers one line after the other.
    pub(crate) fn run(command: &mut Command) -> anyhow::Result<Self> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let questions = child.stdin.take().map(BufWriter::new);
        let answers = child.stdout.take().map(BufReader::new).context("its output is piped")?;
        Ok(Self { child, questions, answers })
    }

    /// Asks for the answers to some cases, all at once.
    ///
    /// # Errors
    /// If the program ends or refuses a case.
    pub fn ask(&mut self, cases: &[Line]) -> anyhow::Result<Vec<Line>> {
        let questions = self.questions.as_mut().context("the oracle was closed")?;
        let answers = &mut self.answers;
        thread::scope(|scope| {
            // Questions go out while answers come in: a full pipe would stop both sides.
            let asking = scope.spawn(move || -> anyhow::Result<()> {
                for case in cases {
                    serde_json::to_writer(&mut *questions, case)?;
                    questions.write_all(b"\n")?;
                }
                Ok(questions.flush()?)
            });
            let mut answered = Vec::with_capacity(cases.len());
            let mut line = String::new();
            for case in cases {
                line.clear();
                if answers.read_line(&mut line)? == 0 {
                    let case = serde_json::to_string(case)?;
                    bail!("the oracle ended, at this case or one of the next: {case}");
                }
                answered.push(serde_json::from_str(&line)?);
            }
            asking.join().map_err(|_| anyhow::anyhow!("asking failed"))??;
            Ok(answered)
        })
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It ends with its input.
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

/// The vectors that belong to a file of the corpus: its lines as they are, with Go's answers.
///
/// # Errors
/// If a case is no case, or if Go does not give the same answer twice.
pub fn vectors(oracle: &mut Oracle, corpus: &Path) -> anyhow::Result<String> {
    let cases = read(corpus)?;
    let (first, second) = (oracle.ask(&cases)?, oracle.ask(&cases)?);
    let mut seen = BTreeSet::new();
    let mut text = String::new();
    for ((case, answered), again) in cases.iter().zip(&first).zip(&second) {
        let shown = serde_json::to_string(case)?;
        let file = corpus.display();
        ensure!(answered == again, "{file}: Go answers {shown} in more than one way");
        ensure!(answered.len() > case.len(), "{file}: Go has no answer to {shown}");
        ensure!(seen.insert(shown.clone()), "{file}: {shown} stands there twice");
        text.push_str(&serde_json::to_string(answered)?);
        text.push('\n');
    }
    Ok(text)
}
