//! How the process ends.

use std::io;
use std::process::ExitCode;

use crate::output;

/// Exit codes, as `kubectl diff` and most linters use them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is done.
    Success = 0,
    /// It ran, and something needs a person: an object was refused.
    Refused = 1,
    /// Usage error, nothing readable, or the result could not be written.
    CouldNotRun = 2,
    /// What was waited for did not happen in time.
    TimedOut = 124,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

/// Prints an error that stopped the command and says how the process ends.
///
/// A reader that went away (`| head`) is no error.
pub(crate) fn explain(error: &anyhow::Error) -> Exit {
    if error.chain().any(|cause| cause.downcast_ref::<io::Error>().is_some_and(is_broken_pipe)) {
        return Exit::Success;
    }
    output::stderr(&format!("error: {}\n", chain(error)));
    Exit::CouldNotRun
}

/// An error and its causes. Some libraries repeat the cause in their own text.
fn chain(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// True when the reading end of a pipe was closed.
pub(crate) fn is_broken_pipe(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_was_told_is_not_told_again() {
        let error = anyhow::anyhow!("no such file").context("a: no such file").context("outer");
        assert_eq!(chain(&error), "outer: a: no such file");
    }
}
