//! Where our translation renders other bytes than lodash, and says so by a code.

use std::fs;

use anyhow::Context as _;
use regex::Regex;
use serde::Deserialize;

use super::{Finding, Kind, folder};

/// One reason for differences.
#[derive(Debug)]
pub struct Difference {
    code: String,
    template: Regex,
    kes: Option<Regex>,
    ours: Option<Regex>,
    /// Why.
    pub reason: String,
}

/// The file `tests/kes-oracle/differences.toml`.
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
    code: String,
    template: String,
    kes: Option<String>,
    ours: Option<String>,
    reason: String,
}

impl Differences {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read or an entry makes no sense.
    pub fn load() -> anyhow::Result<Self> {
        let path = folder().join("differences.toml");
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let file: File = toml::from_str(&text).with_context(|| path.display().to_string())?;
        let entries = file.difference.into_iter().map(|entry| {
            let pattern = |text: Option<String>| text.map(|text| Regex::new(&text)).transpose();
            Ok(Difference {
                code: entry.code,
                template: Regex::new(&entry.template)?,
                kes: pattern(entry.kes)?,
                ours: pattern(entry.ours)?,
                reason: entry.reason,
            })
        });
        Ok(Self(entries.collect::<anyhow::Result<_>>()?))
    }

    /// The number of the first entry that explains a finding. Its code must be on the translation:
    /// a difference that the user is not told of is never explained.
    pub fn explain(&self, template: &str, codes: &[&str], finding: &Finding) -> Option<usize> {
        if finding.kind == Kind::Malformed {
            return None;
        }
        let shown = |answer: &Result<Vec<u8>, String>| match answer {
            Ok(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Err(error) => format!("ERROR {error}"),
        };
        let matches = |pattern: &Option<Regex>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.is_match(text))
        };
        let (kes, ours) = (shown(&finding.kes), shown(&finding.ours));
        self.0.iter().position(|entry| {
            codes.contains(&entry.code.as_str())
                && entry.template.is_match(template)
                && matches(&entry.kes, &kes)
                && matches(&entry.ours, &ours)
        })
    }

    /// All entries, by number.
    pub fn all(&self) -> impl Iterator<Item = (usize, &Difference)> {
        self.0.iter().enumerate()
    }
}
