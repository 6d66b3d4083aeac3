//! What is known about each server: where it differs from AWS, and why we live with it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use extsecret_tests::tools;
use serde::Deserialize;

use crate::check::Check;
use crate::run::Results;

/// A file of `tests/conformance`, one per server.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Known {
    /// By the names of the checks.
    #[serde(default)]
    pub(crate) rows: BTreeMap<String, Deviation>,
    /// By code: a status that the server gives it everywhere.
    #[serde(default)]
    pub(crate) statuses: BTreeMap<String, Status>,
}

/// Where a server differs in one check.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deviation {
    /// What happens, in the words that the test finds for it.
    pub(crate) seen: String,
    /// Why, and what follows for tests that use the server.
    pub(crate) reason: String,
}

/// A status that is not AWS's.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Status {
    pub(crate) status: u16,
    pub(crate) reason: String,
}

/// What a check was on one server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    AsAws,
    Known,
    New,
    Changed,
    Vanished,
}

impl Verdict {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::AsAws => "ok",
            Self::Known => "known",
            Self::New => "NEW",
            Self::Changed => "CHANGED",
            Self::Vanished => "VANISHED",
        }
    }

    pub(crate) fn is_news(self) -> bool {
        matches!(self, Self::New | Self::Changed | Self::Vanished)
    }
}

impl Known {
    /// Reads the list of a server.
    pub(crate) fn load(server: &str) -> Self {
        let file = tools::crate_dir().join("conformance").join(format!("{server}.toml"));
        let text = fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("reading {}: {error}", file.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    }

    /// The statuses by their codes.
    pub(crate) fn statuses(&self) -> BTreeMap<String, u16> {
        self.statuses.iter().map(|(code, status)| (code.clone(), status.status)).collect()
    }

    pub(crate) fn verdict(&self, check: &str, results: &Results) -> Verdict {
        match (self.rows.get(check), results.deviations.get(check)) {
            (None, None) => Verdict::AsAws,
            (None, Some(_)) => Verdict::New,
            (Some(_), None) => Verdict::Vanished,
            (Some(known), Some(seen)) if known.seen == *seen => Verdict::Known,
            (Some(_), Some(_)) => Verdict::Changed,
        }
    }

    /// What a list and the results say differently; empty if nothing.
    pub(crate) fn news(&self, checks: &[Check], results: &Results) -> String {
        let mut news = String::new();
        for check in checks {
            let verdict = self.verdict(check.name, results);
            if !verdict.is_news() {
                continue;
            }
            let _ = writeln!(news, "{}: {}\n  AWS: {}", verdict.word(), check.name, check.says);
            if let Some(known) = self.rows.get(check.name) {
                let _ = writeln!(news, "  listed: {}", known.seen);
            }
            if let Some(seen) = results.deviations.get(check.name) {
                let _ = writeln!(news, "  seen:   {seen}");
            }
        }
        for (code, status) in &self.statuses {
            if !results.statuses_seen.contains(code) {
                let _ = writeln!(news, "VANISHED: {code} with status {}", status.status);
            }
        }
        for name in self.rows.keys().filter(|name| checks.iter().all(|c| c.name != **name)) {
            let _ = writeln!(news, "listed, but there is no such check: {name}");
        }
        for (name, reason) in self.reasons() {
            if reason.trim().is_empty() {
                let _ = writeln!(news, "listed without a reason: {name}");
            }
        }
        news
    }

    fn reasons(&self) -> impl Iterator<Item = (&String, &String)> {
        let rows = self.rows.iter().map(|(name, row)| (name, &row.reason));
        rows.chain(self.statuses.iter().map(|(code, status)| (code, &status.reason)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;

    const LIST: &str = "
        [statuses.Missing]
        status = 404
        reason = 'so it is'
        [rows.first]
        seen = 'one'
        reason = 'so it is'
    ";

    /// What a list says to these deviations, `Missing` having been seen with its status.
    fn news(list: &str, seen: &[(&'static str, &str)]) -> String {
        let known: Known = toml::from_str(list).unwrap();
        let results = Results {
            deviations: seen.iter().map(|(name, seen)| (*name, (*seen).to_owned())).collect(),
            statuses_seen: ["Missing".to_owned()].into(),
        };
        known.news(&[check("first", "AWS does."), check("second", "AWS does.")], &results)
    }

    #[test]
    fn what_is_listed_is_no_news() {
        assert_eq!(news(LIST, &[("first", "one")]), "");
    }

    #[test]
    fn every_difference_is_news() {
        let new = news(LIST, &[("first", "one"), ("second", "two")]);
        assert_eq!(new, "NEW: second\n  AWS: AWS does.\n  seen:   two\n");
        let changed = news(LIST, &[("first", "two")]);
        assert_eq!(changed, "CHANGED: first\n  AWS: AWS does.\n  listed: one\n  seen:   two\n");
        let vanished = news(LIST, &[]);
        assert_eq!(vanished, "VANISHED: first\n  AWS: AWS does.\n  listed: one\n");
    }

    #[test]
    fn a_list_is_about_what_there_is() {
        let status = news(&LIST.replace("Missing", "Other"), &[("first", "one")]);
        assert_eq!(status, "VANISHED: Other with status 404\n");
        let unknown = news(&LIST.replace("first", "third"), &[]);
        assert_eq!(unknown, "listed, but there is no such check: third\n");
        let silent = news(&LIST.replace("'so it is'", "' '"), &[("first", "one")]);
        assert_eq!(silent, "listed without a reason: first\nlisted without a reason: Missing\n");
    }
}
