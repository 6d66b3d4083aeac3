//! The table of a chart's values, from the comments of `values.yaml`.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// What a comment begins with that describes the key below it.
const MARK: &str = "# -- ";

/// One key that is described.
#[derive(Debug)]
struct Row {
    path: String,
    text: String,
}

/// The table, in Markdown.
///
/// # Errors
/// If the text is not YAML, or a value is described neither by itself nor with what it is a part of.
pub(crate) fn table(text: &str) -> anyhow::Result<String> {
    let values: Value = serde_yaml::from_str(text).context("values.yaml cannot be read")?;
    let mut table = "| value | default | meaning |\n| --- | --- | --- |\n".to_owned();
    for Row { path, text } in rows(text)? {
        let pointer = format!("/{}", path.replace('.', "/"));
        let value = values.pointer(&pointer).with_context(|| format!("no value {path}"))?;
        let _ = writeln!(table, "| `{path}` | `{value}` | {} |", text.replace('|', "\\|"));
    }
    Ok(table)
}

fn rows(text: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    let mut description: Option<&str> = None;
    // Keys above the line, each with its indentation, and whether it is described.
    let mut above: Vec<(usize, &str, bool)> = Vec::new();
    for line in text.lines() {
        let content = line.trim_start();
        if let Some(text) = content.strip_prefix(MARK) {
            ensure!(description.is_none(), "a description without a key before: {text}");
            description = Some(text);
            continue;
        }
        let indentation = line.len() - content.len();
        let Some((key, value)) = content.split_once(':').filter(|_| is_key(content)) else {
            continue;
        };
        while above.last().is_some_and(|(depth, ..)| *depth >= indentation) {
            above.pop();
        }
        let described = description.is_some() || above.iter().any(|(.., described)| *described);
        above.push((indentation, key, described));
        if let Some(text) = description.take() {
            let keys: Vec<_> = above.iter().map(|(_, key, _)| *key).collect();
            rows.push(Row { path: keys.join("."), text: text.to_owned() });
        } else if !described && !value.trim().is_empty() {
            bail!("{key} has no description: write one above it, after `{MARK}`");
        }
    }
    Ok(rows)
}

fn is_key(content: &str) -> bool {
    content.starts_with(|c: char| c.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_described_key_is_a_row() {
        let text = "\
# A comment.
image:
  # -- Where it is
  repository: a/b
  # -- Its tag
  tag: \"\"
# -- All of it
probe:
  spec:
    port: 1
";
        let table = table(text).unwrap();
        let rows: Vec<_> = table.lines().skip(2).collect();
        assert_eq!(
            rows,
            [
                "| `image.repository` | `\"a/b\"` | Where it is |",
                "| `image.tag` | `\"\"` | Its tag |",
                "| `probe` | `{\"spec\":{\"port\":1}}` | All of it |",
            ]
        );
    }

    #[test]
    fn a_value_without_a_description_is_told() {
        let error = table("image:\n  tag: x\n").unwrap_err();
        assert!(error.to_string().contains("tag has no description"), "{error}");
    }
}
