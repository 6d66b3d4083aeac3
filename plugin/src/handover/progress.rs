//! How far a run is, for a person at a terminal; and a line for each thing that was done.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output;
use crate::tty;

/// A bar on stderr, where that is a terminal.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// One that is not shown.
    pub(crate) fn hidden() -> Self {
        Self { bar: ProgressBar::hidden() }
    }

    /// One of so many steps.
    pub(crate) fn of(steps: usize) -> Self {
        if tty::stderr_width().is_none() {
            return Self::hidden();
        }
        let bar =
            ProgressBar::with_draw_target(u64::try_from(steps).ok(), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg:10} [{bar:40}] {pos}/{len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar }
    }

    /// What is done now.
    pub(crate) fn now(&self, what: &'static str) {
        self.bar.set_message(what);
    }

    /// One step more is done.
    pub(crate) fn step(&self) {
        self.bar.inc(1);
    }

    /// Prints a line to stdout, above the bar.
    pub(crate) fn say(&self, line: &str) -> anyhow::Result<()> {
        Ok(self.bar.suspend(|| output::stdout(&format!("{line}\n")))?)
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
