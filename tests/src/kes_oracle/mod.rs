//! Our translation of KES's templates against lodash: cases, lodash's answers, ours, and what may
//! differ.
//!
//! See `tests/kes-oracle/README.md` for the form of cases and answers.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::oracle::{self, Line, Oracle};
use crate::{node, tools};

mod comparison;
pub mod grammar;
mod judge;
mod object;
mod ours;

pub use comparison::{Comparison, Counts};
pub use judge::{Finding, Judged, Kind, judge};
pub use object::{ObjectJudged, judge_object};
pub use ours::{Ours, translate};

/// The values of one data set, by key.
pub type Values = BTreeMap<String, Vec<u8>>;

/// The set that a case's own sets add to.
const BASE_SET: &str = "strings";

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    /// What lodash makes of one string.
    Template,
    /// What KES makes of an object's `spec.template`.
    Object,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Template, Self::Object];

    /// Its name for the program, and of its folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::Object => "object",
        }
    }
}

/// The folder `tests/kes-oracle`.
pub fn folder() -> PathBuf {
    tools::crate_dir().join("kes-oracle")
}

/// A file of the corpus, as cases.
#[derive(Debug)]
pub struct Group {
    /// Its name: that of the file without `.jsonl`.
    pub name: String,
    /// The cases.
    pub cases: Vec<Line>,
}

/// The groups of a mode, in order; those that are generated come last.
///
/// # Errors
/// If a file cannot be read.
pub fn corpus(mode: Mode) -> anyhow::Result<Vec<Group>> {
    let mut groups = files("corpus", mode)?
        .iter()
        .map(|file| Ok(Group { name: stem(file), cases: oracle::read(file)? }))
        .collect::<anyhow::Result<Vec<_>>>()?;
    if mode == Mode::Template {
        groups.push(Group { name: "generated".to_owned(), cases: grammar::committed() });
    }
    Ok(groups)
}

/// The groups of a mode with lodash's answers.
///
/// # Errors
/// If a file cannot be read.
pub fn vectors(mode: Mode) -> anyhow::Result<Vec<Group>> {
    let files = files("vectors", mode)?;
    files.iter().map(|file| Ok(Group { name: stem(file), cases: oracle::read(file)? })).collect()
}

/// The file with the answers to a group.
pub fn vectors_file(mode: Mode, group: &str) -> PathBuf {
    folder().join("vectors").join(mode.name()).join(format!("{group}.jsonl"))
}

/// The files with cases (`corpus`) or answers (`vectors`) of a mode.
///
/// # Errors
/// If the folder cannot be read.
pub fn files(kind: &str, mode: Mode) -> anyhow::Result<Vec<PathBuf>> {
    oracle::files_in(&folder().join(kind).join(mode.name()))
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The data sets that cases name.
#[derive(Debug)]
pub struct Sets(Map<String, Value>);

impl Sets {
    /// Reads `corpus/sets.json`.
    ///
    /// # Errors
    /// If the file is missing or malformed.
    pub fn load() -> anyhow::Result<Self> {
        let path = folder().join("corpus/sets.json");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        Ok(Self(serde_json::from_str(&text).with_context(|| path.display().to_string())?))
    }

    /// The data sets of a case, each with its name, as the program takes them.
    ///
    /// # Errors
    /// If the case names a set that there is not.
    pub fn of(&self, mode: Mode, case: &Line) -> anyhow::Result<Vec<(String, Value)>> {
        let Some(sets) = case.get("sets") else {
            let all = self.0.iter().map(|(name, set)| (name.clone(), set.clone()));
            return Ok(all.collect());
        };
        let sets = sets.as_array().context("`sets` is a list")?;
        sets.iter().enumerate().map(|(number, set)| self.one(mode, number, set)).collect()
    }

    fn one(&self, mode: Mode, number: usize, set: &Value) -> anyhow::Result<(String, Value)> {
        match set {
            Value::String(name) => {
                let found = self.0.get(name).with_context(|| format!("there is no set {name}"))?;
                Ok((name.clone(), found.clone()))
            }
            Value::Object(own) => {
                let base = (mode == Mode::Template).then(|| self.0.get(BASE_SET)).flatten();
                let mut values = base.and_then(Value::as_object).cloned().unwrap_or_default();
                for (key, value) in own {
                    // Null takes a value away.
                    values.shift_remove(key);
                    if !value.is_null() {
                        values.insert(key.clone(), value.clone());
                    }
                }
                Ok((format!("own{number}"), Value::Object(values)))
            }
            _ => anyhow::bail!("a set is a name or a map of values"),
        }
    }
}

/// The bytes of a data set.
///
/// # Errors
/// If a value is neither a text nor `{"base64": TEXT}`.
pub fn bytes_of(set: &Value) -> anyhow::Result<Values> {
    let set = set.as_object().context("a set is a map")?;
    set.iter()
        .map(|(key, value)| {
            let bytes = match (value.as_str(), value.get("base64").and_then(Value::as_str)) {
                (Some(text), _) => text.as_bytes().to_vec(),
                (None, Some(text)) => STANDARD.decode(text)?,
                (None, None) => anyhow::bail!("{key} is neither a text nor base64"),
            };
            Ok((key.clone(), bytes))
        })
        .collect()
}

/// The keys that are in every data set of a case: those that the object fetches by name.
pub fn declared(sets: &[(String, Value)]) -> BTreeSet<String> {
    let keys = |set: &Value| -> BTreeSet<String> {
        set.as_object().into_iter().flat_map(|set| set.keys().cloned()).collect()
    };
    let mut sets = sets.iter().map(|(_, set)| keys(set));
    let first = sets.next().unwrap_or_default();
    sets.fold(first, |all, keys| all.intersection(&keys).cloned().collect())
}

/// The program, for one mode; `None` if Node is not installed.
///
/// # Errors
/// If it cannot be started.
pub fn start(mode: Mode) -> anyhow::Result<Option<Oracle>> {
    let Some(packages) = node::packages() else { return Ok(None) };
    let mut command = Command::new("node");
    command
        .arg("--no-deprecation")
        .arg(folder().join("oracle.js"))
        .arg(mode.name())
        .env("NODE_PATH", packages);
    // Settings of the machine would change what runs.
    command.env_remove("NODE_OPTIONS").env("TZ", "UTC").env("LC_ALL", "C.UTF-8");
    Oracle::run(&mut command).map(Some)
}

/// The answers to cases: each case with `answers` added, and `sorted` where order matters.
///
/// # Errors
/// If a case is malformed or the program ends.
pub fn answered(
    oracle: &mut Oracle,
    sets: &Sets,
    mode: Mode,
    cases: &[Line],
) -> anyhow::Result<Vec<Line>> {
    // What nobody should run is not run.
    let runs = |case: &&Line| case.get("run") != Some(&Value::Bool(false));
    let questions = cases
        .iter()
        .filter(runs)
        .map(|case| {
            let mut question = case.clone();
            let sets = sets.of(mode, case)?.into_iter().map(|(_, set)| set).collect();
            question.insert("sets".to_owned(), Value::Array(sets));
            Ok(question)
        })
        .collect::<anyhow::Result<Vec<_>>>()?;
    let mut answers = oracle.ask(&questions)?.into_iter();
    cases
        .iter()
        .map(|case| {
            let mut line = case.clone();
            if runs(&case) {
                line.extend(answers.next().context("an answer for each case")?);
            }
            Ok(line)
        })
        .collect()
}

/// The text of the file with a group's answers.
///
/// # Errors
/// As [`answered`]; and if a case stands there twice.
pub fn written(
    oracle: &mut Oracle,
    sets: &Sets,
    mode: Mode,
    group: &Group,
) -> anyhow::Result<String> {
    let mut seen = BTreeSet::new();
    for case in &group.cases {
        let shown = serde_json::to_string(case)?;
        ensure!(seen.insert(shown.clone()), "{}: {shown} stands there twice", group.name);
    }
    let mut text = String::new();
    for line in answered(oracle, sets, mode, &group.cases)? {
        text.push_str(&serde_json::to_string(&line)?);
        text.push('\n');
    }
    Ok(text)
}
