//! `kubectl extsecret explain`

use std::fmt::Write as _;

use anyhow::bail;
use extsecret_manifest::diagnostic::Code;

use crate::catalogue;
use crate::cli::ExplainArgs;
use crate::exit::Exit;
use crate::output;

/// Width of a text that is read, not scanned.
const WIDTH: usize = 80;

pub(crate) fn run(args: &ExplainArgs) -> anyhow::Result<Exit> {
    let text = match &args.code {
        None => list(),
        Some(word) => match catalogue::find(word) {
            Some(code) => page(code),
            None => bail!("{}", unknown(word)),
        },
    };
    output::stdout(&text)?;
    Ok(Exit::Success)
}

/// All codes, one a line.
fn list() -> String {
    let mut text = String::new();
    for code in catalogue::all() {
        let severity = code.severity.as_str();
        let _ = writeln!(text, "{:<5} {severity:<9} {}", code.id, code.title);
    }
    text
}

/// Everything that is known about one code.
fn page(code: &Code) -> String {
    format!(
        "{} ({}): {}\n\nWhy\n{}\nWhat to do\n{}",
        code.id,
        code.severity.as_str(),
        code.title,
        indented(code.why),
        indented(code.action),
    )
}

fn indented(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + word.chars().count() + 3 > WIDTH {
            let _ = writeln!(lines, "  {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(lines, "  {line}");
    lines
}

fn unknown(word: &str) -> String {
    let mut text = format!("no code {word:?}");
    let near = catalogue::near(word);
    if !near.is_empty() {
        text.push_str("; did you mean one of these?");
        for code in near {
            let _ = write!(text, "\n  {:<5} {}", code.id, code.title);
        }
    }
    text.push_str("\n`kubectl extsecret explain` lists all codes");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_stay_inside_the_width() {
        for code in catalogue::all() {
            let page = page(code);
            for line in page.lines().skip(1) {
                assert!(line.chars().count() <= WIDTH, "{}: {line}", code.id);
            }
            assert!(page.contains("What to do"), "{page}");
        }
    }
}
