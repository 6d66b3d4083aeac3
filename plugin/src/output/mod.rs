//! How results look. Manifests and what was asked for go to stdout, everything else to stderr.

pub(crate) mod age;
pub(crate) mod diff;
pub(crate) mod findings;
pub(crate) mod jsonpath;
pub(crate) mod manifests;
pub(crate) mod report;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod tree;
pub(crate) mod wrap;

use std::io::{self, Write as _};

/// Prints to stdout, with styles only where they are wanted.
pub(crate) fn stdout(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Prints bytes to stdout exactly as they are, whatever they hold.
pub(crate) fn stdout_verbatim(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Stdout for many small pieces, exactly as they are; the caller flushes it.
pub(crate) fn stdout_in_pieces() -> impl io::Write {
    io::BufWriter::with_capacity(1 << 16, io::stdout().lock())
}

/// Prints to stderr. Nobody can be told when that fails.
pub(crate) fn stderr(text: &str) {
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}
