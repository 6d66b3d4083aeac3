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

use std::borrow::Cow;
use std::io::{self, Write as _};

use crate::tty;

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
///
/// On a terminal errors and warnings, which can be long sentences, are broken between words.
pub(crate) fn stderr(text: &str) {
    let broken;
    let text = match tty::stderr_width() {
        Some(room) => {
            broken =
                text.split_inclusive('\n').map(|line| sentence(line, room)).collect::<String>();
            &broken
        }
        None => text,
    };
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(text.as_bytes());
    let _ = stderr.flush();
}

fn sentence(line: &str, room: usize) -> Cow<'_, str> {
    let is_one = ["error: ", "warning: "].iter().any(|it| line.starts_with(it));
    if is_one && line.chars().count() > room {
        Cow::Owned(wrap::wrap(line, room, ""))
    } else {
        Cow::Borrowed(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_sentences_are_broken() {
        assert_eq!(sentence("error: one two three\n", 12), "error: one\ntwo three\n");
        for line in ["error: one\n", "17 |   a: long line of a file\n", "\n", ""] {
            assert_eq!(sentence(line, 12), line);
        }
    }
}
