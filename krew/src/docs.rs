//! Parts of documents that are made of something else, each between two comments:
//! `<!-- made of NAME -->` and `<!-- end -->`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::values;

/// A document of the tree, as it should be.
#[derive(Debug)]
pub struct Document {
    /// Its file.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Document {
    /// Whether the file says so already.
    pub fn is_fresh(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|text| text == self.text)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If that fails.
    pub fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.text)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

/// The programs whose help is a part of documents.
#[derive(Debug)]
pub struct Programs<'a> {
    /// `kubectl-extsecret`
    pub plugin: &'a Path,
    /// `extsecret-controller`
    pub controller: &'a Path,
}

/// Every document with such parts. `root` is the repository.
///
/// # Errors
/// If one cannot be read, or lacks the place for its part, or a program does not tell its help.
pub fn documents(root: &Path, programs: &Programs<'_>) -> anyhow::Result<Vec<Document>> {
    let values = read(&root.join("controller/chart/values.yaml"))?;
    let table = values::table(&values)?;
    let flags = format!("```text\n{}```\n", help(programs.controller, &[])?);
    let commands = commands(programs.plugin)?;
    Ok(vec![
        document(&root.join("controller/chart/README.md"), "values.yaml", &table)?,
        document(&root.join("controller/FLAGS.md"), "extsecret-controller --help", &flags)?,
        document(&root.join("plugin/REFERENCE.md"), "kubectl extsecret --help", &commands)?,
    ])
}

/// The help of the plugin and of each of its commands, as sections.
fn commands(plugin: &Path) -> anyhow::Result<String> {
    let name = "kubectl extsecret";
    let overview = help(plugin, &[])?;
    let mut text = format!("## {name}\n\n```text\n{overview}```\n");
    for command in listed(&overview) {
        let help = help(plugin, &[command])?;
        let _ = write!(text, "\n## {name} {command}\n\n```text\n{help}```\n");
        for inner in listed(&help) {
            let help = self::help(plugin, &[command, inner])?;
            let _ = write!(text, "\n## {name} {command} {inner}\n\n```text\n{help}```\n");
        }
    }
    Ok(text)
}

/// The commands that a help text lists.
fn listed(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = lines.take_while(|line| !line.is_empty());
    // A description that goes on is indented further.
    let name = |line: &'_ str| line.strip_prefix("  ").is_some_and(|it| !it.starts_with(' '));
    names.filter(|line| name(line)).filter_map(|line| line.split_whitespace().next()).collect()
}

fn help(program: &Path, commands: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program)
        .args(commands)
        .arg("--help")
        // Nothing about this terminal.
        .env_remove("COLUMNS")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start {}", program.display()))?;
    ensure!(output.status.success(), "{} --help: {}", program.display(), output.status);
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(text.lines().fold(String::new(), |mut text, line| {
        text.push_str(line.trim_end());
        text.push('\n');
        text
    }))
}

/// A document with a part replaced.
fn document(path: &Path, source: &str, part: &str) -> anyhow::Result<Document> {
    let text = read(path)?;
    let begin = format!("<!-- made of {source} -->\n");
    let place = || format!("{} has no `{}`", path.display(), begin.trim_end());
    let (before, rest) = text.split_once(&begin).with_context(place)?;
    let (_, after) = rest.split_once("<!-- end -->").with_context(place)?;
    let text = format!("{before}{begin}\n{}\n\n<!-- end -->{after}", part.trim_end());
    Ok(Document { path: path.to_owned(), text })
}

fn read(path: &Path) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_read_from_the_help() {
        let help = "Moves.\n\nUsage: x\n\nCommands:\n  migrate  Converts,\n           and more\n  render   Shows\n\nOptions:\n  -h  Help\n";
        assert_eq!(listed(help), ["migrate", "render"]);
        assert!(listed("Usage: x\n\nOptions:\n  -h  Help\n").is_empty());
    }
}
