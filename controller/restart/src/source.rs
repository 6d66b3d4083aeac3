//! What a Secret holds, and since when: when each of its keys last changed, as far as that is known.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::fingerprint::Content;
use crate::scan::KeySet;
use crate::written::Written;

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

/// A version of a Secret, and what is known of when it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// When the object was made.
    pub created: Timestamp,
    /// When its keys were written.
    pub written: Written,
    /// Which version it is.
    pub version: u64,
    /// When it was seen, by the clock of whoever saw it: what the API server notes no time of, did
    /// not happen later.
    pub seen: Timestamp,
}

impl Version {
    /// One of which everything was written at one time.
    pub fn at(created: Timestamp, written: Stamp) -> Self {
        let Stamp { time, version } = written;
        Self { created, written: Written::at(time), version, seen: time }
    }

    fn stamp(&self, time: Option<Timestamp>) -> Stamp {
        Stamp { time: time.unwrap_or(self.created), version: self.version }
    }
}

/// How a key came to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Course {
    /// Nobody saw it: it was there when the Secret was seen first.
    Found,
    /// The key was not there before.
    Came,
    /// It had another one.
    Changed,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Since {
    at: Stamp,
    course: Course,
}

/// A Secret over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    content: Content,
    since: BTreeMap<Box<str>, Since>,
    /// When a key last appeared or went.
    shape: Stamp,
    /// When anything of it was last written, that leaves a time.
    touched: Option<Timestamp>,
    /// When the object was made.
    created: Timestamp,
    /// Whether it is there.
    exists: bool,
}

impl Source {
    /// A Secret that is seen for the first time. Whatever it holds was there when its data was last
    /// written, and perhaps before.
    pub fn new(content: Content, version: &Version) -> Self {
        let since = content.0.keys().map(|key| {
            let at = version.stamp(version.written.key(key));
            (key.clone(), Since { at, course: Course::Found })
        });
        let since = since.collect();
        Self {
            content,
            since,
            shape: version.stamp(version.written.last()),
            touched: version.written.touched(),
            created: version.created,
            exists: true,
        }
    }

    /// What it holds now. Returns whether anything is different.
    ///
    /// A value is never taken for older than it is. Of a key that went, nobody may have noted a time;
    /// it counts when it was seen then.
    pub fn update(&mut self, content: Content, version: &Version) -> bool {
        let changed = content != self.content || !self.exists;
        let written = &version.written;
        let lost = self.content.0.keys().any(|key| !content.0.contains_key(key));
        let since = content.0.iter().map(|(key, value)| {
            let before = self.content.0.get(key);
            let known = self.since.get(key).filter(|_| before == Some(value));
            let course = if before.is_some() { Course::Changed } else { Course::Came };
            let now = || Since { at: version.stamp(written.key(key)), course };
            (key.clone(), known.cloned().unwrap_or_else(now))
        });
        let since: BTreeMap<_, _> = since.collect();
        let gained = since.iter().filter(|(key, _)| !self.content.0.contains_key(*key));
        let gained = gained.map(|(_, since)| since.at).reduce(Stamp::latest);
        if lost {
            let noted = written.touched().filter(|at| Some(*at) > self.touched);
            let unnoted = || written.touched().max(Some(version.seen));
            let went = version.stamp(noted.or_else(unnoted));
            self.shape = gained.map_or(went, |gained| gained.latest(went));
        } else if let Some(gained) = gained {
            self.shape = gained;
        }
        self.since = since;
        self.content = content;
        self.touched = written.touched();
        self.created = version.created;
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

    fn of<'a>(&'a self, keys: &'a KeySet) -> impl Iterator<Item = (&'a str, &'a Since)> {
        let counts = move |key: &str| match keys {
            KeySet::All => true,
            KeySet::Some(keys) => keys.contains(key),
        };
        self.since.iter().map(|(key, since)| (&**key, since)).filter(move |(key, _)| counts(key))
    }

    /// When what these keys hold last changed. That a key went counts for what reads all of them.
    pub fn since(&self, keys: &KeySet) -> Stamp {
        let first = match keys {
            KeySet::All => self.shape,
            KeySet::Some(_) => Stamp { time: Timestamp::MIN, version: 0 },
        };
        self.of(keys).map(|(_, since)| since.at).fold(first, Stamp::latest)
    }

    /// Which of these keys changed by the write at `first` or later; all of them where nobody saw
    /// which did.
    pub fn changed_since<'a>(
        &'a self,
        keys: &'a KeySet,
        first: Stamp,
    ) -> impl Iterator<Item = &'a str> {
        self.of(keys).filter(move |(_, since)| !first.is_after(since.at)).map(|(key, _)| key)
    }

    /// Whether it is known that [`Source::since`] is when these keys changed, and not only that they
    /// have not changed later. The first write that is seen certainly changed something of all keys.
    pub fn is_since_certain(&self, keys: &KeySet) -> bool {
        let KeySet::Some(some) = keys else { return true };
        self.content.0.keys().all(|key| some.contains(key))
            || self.of(keys).any(|(_, since)| since.course != Course::Found)
    }

    /// Whether these keys have the values that they came with, so that whatever did not start without
    /// them has no other.
    pub fn is_new(&self, keys: &KeySet) -> bool {
        let created = self.created.as_second();
        self.since(keys).time.as_second() <= created
            || (*keys != KeySet::All
                && self.of(keys).all(|(_, since)| {
                    since.course == Course::Came || since.at.time.as_second() <= created
                }))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn stamp(second: i64, version: u64) -> Stamp {
        Stamp { time: Timestamp::from_second(second).unwrap(), version }
    }

    /// A version that is written at once, of a Secret that was made at 1.
    fn at(second: i64, version: u64) -> Version {
        Version::at(Timestamp::from_second(1).unwrap(), stamp(second, version))
    }

    fn content(data: &[(&str, &str)]) -> Content {
        Content::of(data.iter().map(|(key, value)| (*key, value.as_bytes())))
    }

    #[test]
    fn the_keys_that_changed_are_told_from_those_that_did_not() {
        let made = content(&[("a", "1"), ("b", "1"), ("c", "1")]);
        let mut source = Source::new(made, &at(5, 1));
        source.update(content(&[("a", "2"), ("b", "1"), ("c", "1")]), &at(9, 2));
        source.update(content(&[("a", "2"), ("b", "2"), ("c", "1")]), &at(9, 3));
        let changed = |keys: &KeySet, second: i64, version: u64| {
            let changed = source.changed_since(keys, stamp(second, version));
            changed.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(changed(&KeySet::All, 9, 2), ["a", "b"]);
        // Within the same second.
        assert_eq!(changed(&KeySet::All, 9, 3), ["b"]);
        assert_eq!(changed(&KeySet::All, 10, 4), [""; 0]);
        assert_eq!(changed(&key("a"), 9, 2), ["a"]);
        assert_eq!(changed(&key("c"), 9, 2), [""; 0]);
        // Nobody saw which of them the first write changed.
        assert_eq!(changed(&KeySet::All, 5, 1), ["a", "b", "c"]);
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
        let mut secret = Source::new(content(&[("a", "1"), ("b", "1")]), &at(10, 5));
        assert!(secret.update(content(&[("a", "2"), ("b", "1")]), &at(20, 6)));
        assert_eq!(secret.since(&key("a")), stamp(20, 6));
        assert_eq!(secret.since(&key("b")), stamp(10, 5));
        assert_eq!(secret.since(&KeySet::All), stamp(20, 6));
        // A write that changes no value, such as of a label.
        assert!(!secret.update(content(&[("a", "2"), ("b", "1")]), &at(30, 7)));
        assert_eq!(secret.since(&KeySet::All), stamp(20, 6));
        // A key that goes.
        assert!(secret.update(content(&[("a", "2")]), &at(40, 8)));
        assert_eq!(secret.since(&key("a")), stamp(20, 6));
        assert_eq!(secret.since(&KeySet::All), stamp(40, 8));
    }

    #[test]
    fn which_key_the_first_write_changed_is_not_known() {
        let mut secret = Source::new(content(&[("a", "1"), ("b", "1")]), &at(10, 5));
        let both = KeySet::Some(BTreeSet::from(["a".into(), "b".into()]));
        let certain = |secret: &Source| {
            [key("a"), key("b"), both.clone(), KeySet::All]
                .map(|keys| secret.is_since_certain(&keys))
        };
        assert_eq!(certain(&secret), [false, false, true, true]);
        secret.update(content(&[("a", "2"), ("b", "1")]), &at(20, 6));
        assert_eq!(certain(&secret), [true, false, true, true]);
    }

    #[test]
    fn a_secret_that_comes_back_the_same_has_not_changed_meanwhile() {
        let again = Timestamp::from_second(20).unwrap();
        let mut secret = Source::new(content(&[("a", "1")]), &at(10, 5));
        secret.remove();
        assert_eq!(secret.content(), None);
        assert!(secret.update(content(&[("a", "1")]), &Version::at(again, stamp(20, 6))));
        assert_eq!(secret.since(&KeySet::All), stamp(10, 5));
        assert_eq!(secret.created(), again);
    }

    /// What kubectl leaves that takes a key out and changes nothing else.
    #[test]
    fn a_key_that_went_without_a_time_went_when_that_was_seen() {
        let mut secret = Source::new(content(&[("a", "1"), ("b", "1")]), &at(10, 5));
        let seen = |second: i64, version: u64| Version {
            seen: stamp(second, 0).time,
            version,
            ..at(10, version)
        };
        secret.update(content(&[("b", "1")]), &seen(600, 6));
        assert_eq!(secret.since(&KeySet::All), stamp(600, 6));
        assert_eq!(secret.since(&key("b")), stamp(10, 5));
        // A label, later.
        secret.update(content(&[("b", "1")]), &at(700, 7));
        assert_eq!(secret.since(&KeySet::All), stamp(600, 6));
        // One that leaves a time, of however slow a watch.
        secret.update(content(&[]), &Version { seen: stamp(999, 0).time, ..at(800, 8) });
        assert_eq!(secret.since(&KeySet::All), stamp(800, 8));
    }

    #[test]
    fn keys_that_came_have_what_they_came_with_until_they_change() {
        let both = KeySet::Some(BTreeSet::from(["a".into(), "b".into()]));
        let mut secret = Source::new(content(&[("a", "1")]), &at(1, 5));
        assert!(secret.is_new(&key("a")) && secret.is_new(&KeySet::All));
        secret.update(content(&[("a", "1"), ("b", "1")]), &at(20, 6));
        assert!(secret.is_new(&key("b")) && secret.is_new(&both));
        // What reads all of them starts without one.
        assert!(!secret.is_new(&KeySet::All));
        secret.update(content(&[("a", "2"), ("b", "1")]), &at(30, 7));
        assert!(secret.is_new(&key("b")) && !secret.is_new(&both) && !secret.is_new(&key("a")));
        // Who was here first, nobody knows.
        let found = Source::new(content(&[("a", "1")]), &at(20, 5));
        assert!(!found.is_new(&key("a")));
    }
}
