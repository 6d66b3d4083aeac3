//! Who reads what is printed.

use std::io::{self, IsTerminal as _};

/// Columns of a terminal that does not tell.
const COLUMNS: usize = 80;

/// Columns of the terminal that stdout is; `None` if it is none.
pub(crate) fn stdout_width() -> Option<usize> {
    let stdout = io::stdout();
    stdout.is_terminal().then(|| width(terminal_size::terminal_size_of(stdout)))
}

/// Columns of the terminal that stderr is; `None` if it is none.
pub(crate) fn stderr_width() -> Option<usize> {
    let stderr = io::stderr();
    stderr.is_terminal().then(|| width(terminal_size::terminal_size_of(stderr)))
}

fn width(size: Option<(terminal_size::Width, terminal_size::Height)>) -> usize {
    size.map_or(COLUMNS, |(width, _)| usize::from(width.0)).max(20)
}
