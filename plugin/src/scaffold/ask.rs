//! Questions, where there is somebody to answer them.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use dialoguer::console::Term;
use dialoguer::{Confirm, Input, Select};

/// Somebody at a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Person(Term);

impl Person {
    /// `None` where nobody would see a question or could answer it.
    pub(crate) fn at_the_terminal() -> Option<Self> {
        let all = io::stdin().is_terminal() && io::stdout().is_terminal();
        (all && io::stderr().is_terminal()).then(|| Self(terminal()))
    }

    /// A text, which may not be empty unless there is a default.
    pub(crate) fn text(&self, question: &str, default: Option<&str>) -> anyhow::Result<String> {
        let mut input = Input::<String>::new().with_prompt(question);
        match default {
            Some("") => input = input.allow_empty(true),
            Some(default) => input = input.default(default.to_owned()),
            None => {}
        }
        let answer = input.interact_text_on(&self.0);
        answer.map(|text| text.trim().to_owned()).context("no answer")
    }

    /// One of these, as an index.
    pub(crate) fn one_of(&self, question: &str, all: &[String]) -> anyhow::Result<usize> {
        let select = Select::new().with_prompt(question).items(all).default(0).max_length(15);
        select.interact_on(&self.0).context("no answer")
    }

    /// Yes or no.
    pub(crate) fn agrees(&self, question: &str) -> anyhow::Result<bool> {
        let confirm = Confirm::new().with_prompt(question).default(false);
        confirm.interact_on(&self.0).context("no answer")
    }
}

/// Where questions are asked. Lists hide the cursor, and whoever leaves one with Ctrl-C would have none
/// from then on: here it stays.
#[cfg(unix)]
fn terminal() -> Term {
    Term::read_write_pair(io::stdin(), WithCursor)
}

#[cfg(not(unix))]
fn terminal() -> Term {
    Term::stderr()
}

/// Standard error, but for what hides the cursor.
#[cfg(unix)]
#[derive(Debug)]
struct WithCursor;

#[cfg(unix)]
impl io::Write for WithCursor {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const HIDE: &[u8] = b"\x1b[?25l";
        let kept = bytes.strip_prefix(HIDE).unwrap_or(bytes);
        io::stderr().write_all(kept)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(unix)]
impl std::os::fd::AsRawFd for WithCursor {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        io::stderr().as_raw_fd()
    }
}
