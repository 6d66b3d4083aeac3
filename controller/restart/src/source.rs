//! What a Secret holds, and since when: when each of its keys last changed, as far as that is known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fingerprint::Content;
use crate::scan::KeySet;

/// When something was written, as the API server has it: its clock shows seconds only, so of two
/// writes within one the versions tell which was first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// By the API server's clock.
    pub time: Timestamp,
    /// The version that the object got by it; 0 if that is not known.
    pub version: u64,
}

impl Stamp {
    /// Whether this certainly came after the other. Versions are only asked about one second: where
    /// kinds are stored apart, theirs cannot be compared.
    pub fn is_after(self, other: Self) -> bool {
        let (mine, theirs) = (self.time.as_second(), other.time.as_second());
        mine > theirs || (mine == theirs && other.version > 0 && self.version > other.version)
    }

    /// The first of the two.
    #[must_use]
    pub fn earliest(self, other: Self) -> Self {
        if self.is_after(other) { other } else { self }
    }

    fn latest(self, other: Self) -> Self {
        let key = |stamp: Self| (stamp.time.as_second(), stamp.version);
        if key(other) > key(self) { other } else { self }
    }
}

/// A Secret over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    content: Content,
    since: BTreeMap<Box<str>, Stamp>,
    /// When a key last appeared or went.
    shape: Stamp,
    /// The write by which it was seen first: which of its keys that changed, nobody saw.
    first: Stamp,
    /// When the object was made.
    created: Timestamp,
    /// Whether it is there.
    exists: bool,
}

impl Source {
    /// A Secret that is seen for the first time. Whatever it holds was there when its data was last
    /// written, and perhaps before.
    pub fn new(content: Content, created: Timestamp, written: Stamp) -> Self {
        let since = content.0.keys().map(|key| (key.clone(), written)).collect();
        Self { content, since, shape: written, first: written, created, exists: true }
    }

    /// What it holds now, by a write at `written`; the object was made at `created`. Returns whether
    /// anything is different.
    pub fn update(&mut self, content: Content, created: Timestamp, written: Stamp) -> bool {
        let changed = content != self.content || !self.exists;
        if !content.0.keys().eq(self.content.0.keys()) {
            self.shape = written;
        }
        let since = content.0.iter().map(|(key, value)| {
            let before = self.since.get(key).filter(|_| self.content.0.get(key) == Some(value));
            (key.clone(), before.copied().unwrap_or(written))
        });
        self.since = since.collect();
        self.content = content;
        self.created = created;
        self.exists = true;
        changed
    }

    /// It is gone. What it held is remembered: it may come back.
    pub fn remove(&mut self) {
        self.exists = false;
    }

    /// What it holds, if it is there.
    pub fn content(&self) -> Option<&Content> {
        self.exists.then_some(&self.content)
    }

    /// When the object was made.
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// When what these keys hold last changed.
    pub fn since(&self, keys: &KeySet) -> Stamp {
        let none = Stamp { time: Timestamp::MIN, version: 0 };
        let changed = match keys {
            KeySet::All => return self.since.values().copied().fold(self.shape, Stamp::latest),
            KeySet::Some(keys) => keys.iter().filter_map(|key| self.since.get(key)),
        };
        changed.copied().fold(none, Stamp::latest)
    }

    /// Which of these keys changed at `time` or later; all of them where nobody saw which did.
    pub fn changed_since<'a>(
        &'a self,
        keys: &'a KeySet,
        time: Timestamp,
    ) -> impl Iterator<Item = &'a str> {
        let counts = move |key: &str| match keys {
            KeySet::All => true,
            KeySet::Some(keys) => keys.contains(key),
        };
        // Times show seconds only.
        let changed = self
            .since
            .iter()
            .filter(move |(key, since)| counts(key) && since.time.as_second() >= time.as_second());
        changed.map(|(key, _)| &**key)
    }

    /// Whether it is known that [`Source::since`] is when these keys changed, and not only that they
    /// have not changed later. The first write that is seen certainly changed something of all keys.
    pub fn is_since_certain(&self, keys: &KeySet) -> bool {
        let KeySet::Some(keys) = keys else { return true };
        let changed = keys.iter().filter_map(|key| self.since.get(key));
        self.content.0.keys().all(|key| keys.contains(key))
            || changed.into_iter().any(|since| *since != self.first)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn stamp(second: i64, version: u64) -> Stamp {
        Stamp { time: Timestamp::from_second(second).unwrap(), version }
    }

    fn content(data: &[(&str, &str)]) -> Content {
        Content::of(data.iter().map(|(key, value)| (*key, value.as_bytes())))
    }

    #[test]
    fn the_keys_that_changed_are_told_from_those_that_did_not() {
        let made = content(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let mut source = Source::new(made, stamp(5, 1).time, stamp(5, 1));
        source.update(
            content(&[("a", "2"), ("b", "1"), ("c", "1")]),
            stamp(5, 1).time,
            stamp(9, 2),
        );
        source.update(
            content(&[("a", "2"), ("b", "2"), ("c", "1")]),
            stamp(5, 1).time,
            stamp(12, 3),
        );
        let changed = |keys: &KeySet, second: i64| {
            let changed = source.changed_since(keys, stamp(second, 0).time);
            changed.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(changed(&KeySet::All, 9), ["a", "b"]);
        assert_eq!(changed(&KeySet::All, 10), ["b"]);
        assert_eq!(changed(&key("a"), 9), ["a"]);
        assert_eq!(changed(&key("c"), 9), [""; 0]);
        // Nobody saw which of them the first write changed.
        assert_eq!(changed(&KeySet::All, 5), ["a", "b", "c"]);
    }

    fn key(key: &str) -> KeySet {
        KeySet::Some(BTreeSet::from([key.into()]))
    }

    #[test]
    fn versions_decide_within_a_second_only() {
        assert!(stamp(11, 1).is_after(stamp(10, 9)));
        assert!(!stamp(10, 9).is_after(stamp(11, 1)));
        assert!(stamp(10, 9).is_after(stamp(10, 8)));
        assert!(!stamp(10, 8).is_after(stamp(10, 8)));
        assert!(!stamp(10, 9).is_after(stamp(10, 0)));
        assert!(!stamp(10, 0).is_after(stamp(10, 1)));
    }

    #[test]
    fn each_key_has_its_own_time() {
        let made = Timestamp::from_second(1).unwrap();
        let mut secret = Source::new(content(&[("a", "1"), ("b", "1")]), made, stamp(10, 5));
        assert!(secret.update(content(&[("a", "2"), ("b", "1")]), made, stamp(20, 6)));
        assert_eq!(secret.since(&key("a")), stamp(20, 6));
        assert_eq!(secret.since(&key("b")), stamp(10, 5));
        assert_eq!(secret.since(&KeySet::All), stamp(20, 6));
        // A write that changes no value, such as of a label.
        assert!(!secret.update(content(&[("a", "2"), ("b", "1")]), made, stamp(30, 7)));
        assert_eq!(secret.since(&KeySet::All), stamp(20, 6));
        // A key that goes.
        assert!(secret.update(content(&[("a", "2")]), made, stamp(40, 8)));
        assert_eq!(secret.since(&key("a")), stamp(20, 6));
        assert_eq!(secret.since(&KeySet::All), stamp(40, 8));
    }

    #[test]
    fn which_key_the_first_write_changed_is_not_known() {
        let made = Timestamp::from_second(1).unwrap();
        let mut secret = Source::new(content(&[("a", "1"), ("b", "1")]), made, stamp(10, 5));
        let both = KeySet::Some(BTreeSet::from(["a".into(), "b".into()]));
        let certain = |secret: &Source| {
            [key("a"), key("b"), both.clone(), KeySet::All]
                .map(|keys| secret.is_since_certain(&keys))
        };
        assert_eq!(certain(&secret), [false, false, true, true]);
        secret.update(content(&[("a", "2"), ("b", "1")]), made, stamp(20, 6));
        assert_eq!(certain(&secret), [true, false, true, true]);
    }

    #[test]
    fn a_secret_that_comes_back_the_same_has_not_changed_meanwhile() {
        let made = Timestamp::from_second(1).unwrap();
        let again = Timestamp::from_second(20).unwrap();
        let mut secret = Source::new(content(&[("a", "1")]), made, stamp(10, 5));
        secret.remove();
        assert_eq!(secret.content(), None);
        assert!(secret.update(content(&[("a", "1")]), again, stamp(20, 6)));
        assert_eq!(secret.since(&KeySet::All), stamp(10, 5));
        assert_eq!(secret.created(), again);
    }
}
