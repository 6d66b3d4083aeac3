//! Where our crates differ from Go on purpose.

use std::fs;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use serde::Deserialize;

use super::{Line, Mode, folder};

/// A group of cases that we answer otherwise. All patterns that are given must match.
#[derive(Debug)]
pub struct Difference {
    mode: String,
    case: Option<Regex>,
    go: Option<Regex>,
    ours: Option<Regex>,
    /// The field of a case with which Go must say what we say.
    go_with: Option<String>,
    /// Why.
    pub reason: String,
}

/// The file `tests/oracle/differences.toml`.
#[derive(Debug)]
pub struct Differences(Vec<Difference>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    difference: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    mode: String,
    case: Option<String>,
    go: Option<String>,
    ours: Option<String>,
    go_with: Option<String>,
    reason: String,
}

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read or an entry makes no sense.
    pub fn load() -> anyhow::Result<Self> {
        let path = folder().join("differences.toml");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let entries = file.difference.into_iter().map(|entry| {
            anyhow::ensure!(
                entry.case.is_some() || entry.ours.is_some(),
                "a difference explains everything: {}",
                entry.reason
            );
            Mode::named(&entry.mode)?;
            let pattern = |text: Option<String>| text.map(|text| Regex::new(&text)).transpose();
            Ok(Difference {
                mode: entry.mode,
                case: pattern(entry.case)?,
                go: pattern(entry.go)?,
                ours: pattern(entry.ours)?,
                go_with: entry.go_with,
                reason: entry.reason,
            })
        });
        Ok(Self(entries.collect::<anyhow::Result<_>>()?))
    }

    /// The number of the first entry that explains a difference. `ask` gives Go's answer to another
    /// case, if there is one.
    ///
    /// # Errors
    /// Those of `ask`.
    pub fn explain(
        &self,
        mode: Mode,
        case: &Line,
        (go, ours): (&Line, &Line),
        ask: &mut dyn FnMut(&Line) -> anyhow::Result<Option<Line>>,
    ) -> anyhow::Result<Option<usize>> {
        // Text that is not UTF-8 is matched too, as far as it goes.
        let shown = |line: &Line| {
            let mut shown = line.clone();
            for (name, value) in line {
                let bytes = value.as_str().and_then(|text| STANDARD.decode(text).ok());
                if let (Some(name), Some(bytes)) = (name.strip_suffix("_base64"), bytes) {
                    shown.insert(name.to_owned(), String::from_utf8_lossy(&bytes).into());
                }
            }
            serde_json::to_string(&shown).unwrap_or_default()
        };
        let (case_text, go_text, ours_text) = (shown(case), shown(go), shown(ours));
        let matches = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
        };
        for (number, difference) in self.of(mode) {
            if !matches(&difference.case, &case_text)
                || !matches(&difference.go, &go_text)
                || !matches(&difference.ours, &ours_text)
            {
                continue;
            }
            if let Some(field) = &difference.go_with {
                let mut other = case.clone();
                other.insert(field.clone(), true.into());
                if ask(&other)?.as_ref() != Some(ours) {
                    continue;
                }
            }
            return Ok(Some(number));
        }
        Ok(None)
    }

    /// The entries of a mode, with their numbers.
    pub fn of(&self, mode: Mode) -> impl Iterator<Item = (usize, &Difference)> {
        self.0.iter().enumerate().filter(move |(_, difference)| difference.mode == mode.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, value: &str) -> Line {
        Line::from_iter([(name.to_owned(), value.into())])
    }

    #[test]
    fn a_second_answer_must_be_ours() {
        let differences = Differences::load().unwrap();
        let case = line("template", r#"{{ printf "%d" now | sha256sum }}"#);
        let (go, ours) = (line("output", "ab"), line("output", "cd"));
        let explained = |second: Option<Line>| {
            let mut asked = Vec::new();
            let mut ask = |other: &Line| {
                asked.push(other.clone());
                Ok(second.clone())
            };
            let found = differences.explain(Mode::Template, &case, (&go, &ours), &mut ask).unwrap();
            (found.is_some(), asked)
        };
        let mut again = case.clone();
        again.insert("text_times".to_owned(), true.into());
        assert_eq!(explained(Some(ours.clone())), (true, vec![again.clone()]));
        assert_eq!(explained(Some(go.clone())), (false, vec![again.clone()]));
        assert_eq!(explained(None), (false, vec![again]));
    }
}
