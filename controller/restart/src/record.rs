//! What stands in a workload's own annotations: what its pods were started for, and when they were
//! restarted. Writing it restarts nothing; a restart and its record are one write.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fingerprint::{Fingerprint, KeyId};

/// Where a workload's record stands: in its own metadata, not in that of its pods.
pub const RECORD: &str = "extsecret.io/restart-record";

/// What the metadata of a pod template gets so that its pods are made anew.
pub const MARKER: &str = "extsecret.io/restarted-for";

/// Restarts that are remembered, which is more than are ever allowed in an hour.
pub const REMEMBERED: usize = 16;

/// A record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// With which its fingerprints are made.
    pub key: KeyId,
    /// What pods had when they were started, by the identity of the reference.
    pub had: BTreeMap<Box<str>, Fingerprint>,
    /// When the last restarts were, oldest first, to the second.
    pub restarts: Vec<Timestamp>,
    /// For which of the references the last restart was.
    pub last: Option<Restart>,
}

/// The last restart of a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restart {
    /// What its pod template got.
    pub marker: Box<str>,
    /// References that had changed.
    pub references: Vec<Box<str>>,
}

/// What was found in the place of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// None, or one that nobody can read: no reason for anything.
    Missing,
    /// One whose fingerprints are made with a key that is lost. Its times still count.
    OtherKey(Record),
    /// One.
    Record(Record),
}

impl Found {
    /// The record, whatever its key.
    pub fn record(&self) -> Option<&Record> {
        match self {
            Self::Missing => None,
            Self::OtherKey(record) | Self::Record(record) => Some(record),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Text {
    key: String,
    #[serde(default)]
    had: BTreeMap<Box<str>, String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    restarts: Vec<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    marker: Option<Box<str>>,
    #[serde(default, rename = "for", skip_serializing_if = "Vec::is_empty")]
    references: Vec<Box<str>>,
}

/// Reads what stands in a workload's annotation, which anybody may have written.
pub fn read(text: Option<&str>, key: KeyId) -> Found {
    let Some(text) = text else { return Found::Missing };
    let Ok(text) = serde_json::from_str::<Text>(text) else { return Found::Missing };
    let had = text.had.into_iter().filter_map(|(id, had)| Some((id, Fingerprint::parse(&had)?)));
    let mut restarts = text.restarts;
    restarts.sort_unstable();
    restarts.drain(..restarts.len().saturating_sub(REMEMBERED));
    let references = text.references;
    let last = text.marker.map(|marker| Restart { marker, references });
    let record = Record { key, had: had.collect(), restarts, last };
    if text.key == key.to_string() { Found::Record(record) } else { Found::OtherKey(record) }
}

impl Record {
    /// One that says nothing yet.
    pub fn new(key: KeyId) -> Self {
        Self { key, had: BTreeMap::new(), restarts: Vec::new(), last: None }
    }

    /// What was found, or one that says nothing yet of a key that is not known.
    pub fn new_like(found: &Found) -> Self {
        let none =
            || Self { key: KeyId::NONE, had: BTreeMap::new(), restarts: Vec::new(), last: None };
        found.record().cloned().unwrap_or_else(none)
    }

    /// Notes a restart for `references` at `now`, by which the pod template gets a marker.
    pub fn restarted(&mut self, now: Timestamp, marker: &str, references: Vec<Box<str>>) {
        self.restarts.push(Timestamp::from_second(now.as_second()).unwrap_or(now));
        self.restarts.sort_unstable();
        self.restarts.drain(..self.restarts.len().saturating_sub(REMEMBERED));
        self.last = Some(Restart { marker: marker.into(), references });
    }

    /// As it is written.
    pub fn write(&self) -> String {
        let had = self.had.iter().map(|(id, had)| (id.clone(), had.to_string()));
        let (marker, references) = match &self.last {
            Some(last) => (Some(last.marker.clone()), last.references.clone()),
            None => (None, Vec::new()),
        };
        let text = Text {
            key: self.key.to_string(),
            had: had.collect(),
            restarts: self.restarts.clone(),
            marker,
            references,
        };
        // Texts, numbers and times can always be written.
        serde_json::to_string(&text).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fingerprint::{Content, Key};
    use crate::scan::KeySet;

    fn key(seed: u8) -> Key {
        Key::new(&[seed; 32]).unwrap()
    }

    fn record() -> Record {
        let content = Content::of([("a", b"1".as_slice())]);
        let print = key(1).fingerprint("n", "db", &content, &KeySet::All);
        let mut record = Record::new(key(1).id());
        record.had.insert("db".into(), print);
        record.had.insert("db?x".into(), print);
        record.restarted("2026-11-25T12:00:00.7Z".parse().unwrap(), "m", vec!["db".into()]);
        record
    }

    #[test]
    fn what_is_written_is_read_and_holds_no_value() {
        let record = record();
        let text = record.write();
        assert_eq!(read(Some(&text), key(1).id()), Found::Record(record.clone()));
        assert_eq!(record.restarts, ["2026-11-25T12:00:00Z".parse().unwrap()]);
        assert!(text.len() < 200, "{text}");
    }

    #[test]
    fn the_times_of_a_record_outlive_its_key() {
        let found = read(Some(&record().write()), key(2).id());
        let Found::OtherKey(found) = found else { panic!("{found:?}") };
        assert_eq!(found.restarts.len(), 1);
    }

    #[test]
    fn garbage_is_no_record() {
        let id = key(1).id();
        for text in ["", "{", "[]", "{\"key\":7}", "null", "{\"had\":{}}"] {
            assert_eq!(read(Some(text), id), Found::Missing, "{text}");
        }
        // One bad fingerprint takes no other with it.
        let text = record().write().replacen("\"db\":\"", "\"db\":\"!", 1);
        let Found::Record(found) = read(Some(&text), id) else { panic!("{text}") };
        assert_eq!(found.had.keys().map(|id| &**id).collect::<Vec<_>>(), ["db?x"]);
    }

    #[test]
    fn only_the_last_restarts_are_remembered() {
        let mut record = record();
        for second in 0..100 {
            record.restarted(Timestamp::from_second(second).unwrap(), "m", Vec::new());
        }
        assert_eq!(record.restarts.len(), REMEMBERED);
    }

    proptest! {
        #[test]
        fn nothing_that_stands_there_does_harm(text in ".{0,80}") {
            let _ = read(Some(&text), key(1).id());
        }
    }
}
