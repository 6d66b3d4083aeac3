//! Checks, as people and as programs read them.

use serde::Serialize;
use serde_json::{Value, json};

use crate::output::tree::{Branch, Mark};

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// What a check found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum State {
    /// A fact, neither good nor bad.
    Info,
    /// As it should be.
    Ok,
    /// Nobody could look.
    Unknown,
    /// It works, and may surprise.
    Attention,
    /// Something does not work.
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Check {
    /// A word for programs.
    pub(crate) about: &'static str,
    pub(crate) state: State,
    pub(crate) text: String,
    /// More about it, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) details: Vec<String>,
}

/// Checks that belong together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) checks: Vec<Check>,
}

impl Check {
    pub(crate) fn new(about: &'static str, state: State, text: impl Into<String>) -> Self {
        Self { about, state, text: text.into(), details: Vec::new() }
    }

    /// The same, with a line more.
    pub(crate) fn and(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }
}

/// The page.
pub(crate) fn tree(sections: &[Section], title: String) -> Branch {
    let mut root = Branch::new(Mark::None, title);
    root.branches = sections
        .iter()
        .filter(|section| !section.checks.is_empty())
        .map(|section| {
            let mut branch = Branch::new(Mark::None, section.title);
            branch.branches = section.checks.iter().map(leaf).collect();
            branch
        })
        .collect();
    root
}

fn leaf(check: &Check) -> Branch {
    let (mark, text) = match check.state {
        State::Info => (Mark::None, check.text.clone()),
        State::Ok => (Mark::Good, check.text.clone()),
        State::Unknown => (Mark::None, format!("?   {}", check.text)),
        State::Attention => (Mark::Attention, check.text.clone()),
        State::Problem => (Mark::Bad, check.text.clone()),
    };
    let mut branch = Branch::new(mark, text);
    branch.lines.clone_from(&check.details);
    branch
}

/// The same for programs.
pub(crate) fn document(sections: &[Section]) -> Value {
    json!({
        "version": VERSION,
        "summary": {
            "problems": count(sections, State::Problem),
            "attention": count(sections, State::Attention),
            "unknown": count(sections, State::Unknown),
        },
        "sections": sections,
    })
}

/// How many checks ended like this.
pub(crate) fn count(sections: &[Section], state: State) -> usize {
    let checks = sections.iter().flat_map(|section| &section.checks);
    checks.filter(|check| check.state == state).count()
}
