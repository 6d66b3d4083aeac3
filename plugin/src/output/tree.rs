//! A tree of findings, as text.

use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;

use super::table::printable;
use super::wrap::wrap;

/// How something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mark {
    /// A fact, neither good nor bad.
    #[default]
    None,
    Good,
    Attention,
    Bad,
}

/// Something, what is to be said of it, and what hangs on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Branch {
    pub(crate) mark: Mark,
    pub(crate) title: String,
    /// Each is wrapped where it is too long.
    pub(crate) lines: Vec<String>,
    pub(crate) branches: Vec<Branch>,
}

impl Branch {
    pub(crate) fn new(mark: Mark, title: impl Into<String>) -> Self {
        Self { mark, title: title.into(), ..Self::default() }
    }

    pub(crate) fn line(&mut self, line: impl Into<String>) {
        self.lines.push(line.into());
    }
}

/// The tree; lines are wrapped to a terminal of this width.
pub(crate) fn text(tree: &Branch, room: Option<usize>) -> String {
    let mut text = String::new();
    draw(tree, "", "", room.unwrap_or(usize::MAX), &mut text);
    text
}

/// `first` stands before the title, `rest` before all that follows. Trees are as deep as the code
/// that builds them.
fn draw(branch: &Branch, first: &str, rest: &str, room: usize, to: &mut String) {
    let style = match branch.mark {
        Mark::None => Style::new(),
        Mark::Good => AnsiColor::Green.on_default(),
        Mark::Attention => AnsiColor::Yellow.on_default(),
        Mark::Bad => AnsiColor::Red.on_default(),
    };
    let sign = match branch.mark {
        Mark::None => "",
        Mark::Good => "ok  ",
        Mark::Attention => "!   ",
        Mark::Bad => "X   ",
    };
    let below = if branch.branches.is_empty() { "    " } else { "│   " };
    let below = format!("{rest}{below}");
    let room_here = room.saturating_sub(first.chars().count() + sign.len());
    let title = wrap(&printable(&branch.title), room_here, "");
    for (index, line) in title.lines().enumerate() {
        let _ = match index {
            0 => writeln!(to, "{first}{style}{sign}{line}{style:#}"),
            _ => writeln!(to, "{below}{style}{line}{style:#}"),
        };
    }
    for line in &branch.lines {
        let body = line.trim_start();
        let indent = line.len() - body.len();
        to.push_str(&wrap(&printable(body), room, &format!("{below}{:indent$}", "")));
    }
    let last = branch.branches.len().saturating_sub(1);
    for (index, inner) in branch.branches.iter().enumerate() {
        let (corner, bar) =
            if index == last { ("└── ", "    ") } else { ("├── ", "│   ") };
        draw(inner, &format!("{rest}{corner}"), &format!("{rest}{bar}"), room, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hang_on_their_branches() {
        let mut root = Branch::new(Mark::Bad, "root");
        root.line("one two three four five six seven");
        let mut inner = Branch::new(Mark::Good, "first");
        inner.line("x");
        inner.line("  y z");
        inner.branches.push(Branch::new(Mark::None, "leaf"));
        root.branches = vec![inner, Branch::new(Mark::Attention, "last")];
        let text = anstream::adapter::strip_str(&text(&root, Some(24))).to_string();
        assert_eq!(
            text,
            "X   root\n│   one two three four\n│   five six seven\n├── ok  first\n│   │   x\n\
             │   │     y z\n│   └── leaf\n└── !   last\n"
        );
    }
}
