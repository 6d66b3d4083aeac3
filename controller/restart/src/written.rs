//! When the keys of a Secret were last written, as far as its managed fields tell.
//!
//! The API server notes who has written which fields, and one time for all of those. What that says:
//!
//! - Whoever is noted with a key has not seen another value put there since, so that the value is at
//!   least as old as the time of each of them, and of the oldest. It may be older: a write that changed
//!   another of his keys, or only labels, has moved his time.
//! - Who applies `stringData` is noted with that, and stays noted when others write `data` later: a key
//!   is not older than the newest of those.
//! - A key that goes leaves nothing behind with the key in it. Who makes Secrets of ExternalSecrets
//!   writes a hash of all data beside it, so that his time is not earlier.
//! - Whoever takes a key out and changes nothing else is not noted with any time at all.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::scan::KeySet;

/// The annotation that changes whenever an ExternalSecret's controller changes data.
const HASH: &str = "f:reconcile.external-secrets.io/data-hash";

/// When the keys of a Secret were last written: at the latest then, for each of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    keys: BTreeMap<Box<str>, Timestamp>,
    last: Option<Timestamp>,
    touched: Option<Timestamp>,
    /// When somebody last wrote data who makes Secrets of ExternalSecrets.
    hashed: Option<Timestamp>,
}

impl Written {
    /// From the entries of `metadata.managedFields`, time and `fieldsV1` of each, and when the object
    /// was made: whatever it holds was not there before.
    pub fn of<'a>(
        created: Option<Timestamp>,
        entries: impl IntoIterator<Item = (Timestamp, &'a Value)>,
    ) -> Self {
        let mut written = Self::default();
        let mut texts = BTreeMap::<&str, Timestamp>::new();
        for (at, fields) in entries {
            let at = created.map_or(at, |created| at.max(created));
            written.touched = written.touched.max(Some(at));
            let (data, text) = (keys(fields, "f:data"), keys(fields, "f:stringData"));
            let hash = fields.get("f:metadata").and_then(|it| it.get("f:annotations")?.get(HASH));
            if hash.is_some() {
                written.hashed = written.hashed.max(Some(at));
            }
            if data.is_some() || text.is_some() || hash.is_some() {
                written.last = written.last.max(Some(at));
            }
            for key in data.into_iter().flatten() {
                let known = written.keys.entry(key.into()).or_insert(at);
                *known = at.min(*known);
            }
            for key in text.into_iter().flatten() {
                let known = texts.entry(key).or_insert(at);
                *known = at.max(*known);
            }
        }
        for (key, at) in texts {
            let known = written.keys.entry(key.into()).or_insert(at);
            *known = at.max(*known);
        }
        written
    }

    /// All of it at one time.
    pub fn at(time: Timestamp) -> Self {
        let last = Some(time);
        Self { keys: BTreeMap::new(), last, touched: last, hashed: None }
    }

    /// The same for a Secret that was there when it became an ExternalSecret's: what was put into it
    /// for that is as old as it says, and the rest as the object. Whoever calls it something, or applies
    /// it again as it was, has moved the time of all that he had put there.
    #[must_use]
    pub fn adopted(self, created: Timestamp) -> Self {
        let theirs = |at: Timestamp| if Some(at) == self.hashed { at } else { created };
        let keys: BTreeMap<_, _> =
            self.keys.into_iter().map(|(key, at)| (key, theirs(at))).collect();
        let last = keys.values().copied().max().or(Some(created));
        Self { keys, last, touched: last, hashed: self.hashed }
    }

    /// When anything was last written, or went as far as that leaves a trace; `None` if nobody has
    /// written data.
    pub fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// When anything at all of the Secret was last written, such as a label.
    pub fn touched(&self) -> Option<Timestamp> {
        self.touched
    }

    /// When a key that is there was last written.
    pub fn key(&self, key: &str) -> Option<Timestamp> {
        self.keys.get(key).copied().or(self.last)
    }

    /// When the last of these keys was written; `None` if none of them is there: that one goes is no
    /// change for what names it. For what reads all that there is, it is.
    pub fn since(&self, keys: &KeySet) -> Option<Timestamp> {
        match keys {
            KeySet::All => self.last,
            KeySet::Some(keys) => keys.iter().filter_map(|key| self.keys.get(key)).copied().max(),
        }
    }
}

/// Names of the keys below a field.
fn keys<'a>(fields: &'a Value, field: &str) -> Option<impl Iterator<Item = &'a str> + use<'a>> {
    let keys = fields.get(field)?.as_object()?.keys();
    Some(keys.filter_map(|key| key.strip_prefix("f:")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    fn at(time: &str) -> Timestamp {
        format!("2026-11-25T{time}Z").parse().unwrap()
    }

    fn some(keys: &[&str]) -> KeySet {
        KeySet::Some(keys.iter().map(|key| Box::from(*key)).collect::<BTreeSet<_>>())
    }

    fn data(keys: &[&str]) -> Value {
        let keys = keys.iter().map(|key| (format!("f:{key}"), json!({})));
        json!({ "f:data": keys.chain([(".".to_owned(), json!({}))]).collect::<serde_json::Map<_, _>>() })
    }

    fn hash() -> Value {
        json!({ "f:metadata": { "f:annotations": { HASH: {} } } })
    }

    #[test]
    fn each_key_is_as_old_as_the_last_write_of_who_wrote_it() {
        let written = Written::of(
            None,
            [
                (at("10:00:00"), &data(&["user"])),
                (at("12:00:00"), &data(&["password", "ca.crt"])),
                (at("13:00:00"), &json!({ "f:metadata": { "f:labels": { "f:a": {} } } })),
            ],
        );
        assert_eq!(written.since(&some(&["user"])), Some(at("10:00:00")));
        assert_eq!(written.since(&some(&["password", "user"])), Some(at("12:00:00")));
        assert_eq!(written.since(&some(&["gone"])), None);
        assert_eq!(written.since(&KeySet::All), Some(at("12:00:00")));
        assert_eq!(written.touched(), Some(at("13:00:00")));
    }

    /// Who applies what is there already is noted as well, and has changed nothing.
    #[test]
    fn a_key_that_two_hold_is_as_old_as_the_older_of_them() {
        let both = [(at("10:00:00"), &data(&["a", "b"])), (at("12:00:00"), &data(&["a"]))];
        for entries in [both, [both[1], both[0]]] {
            let written = Written::of(None, entries);
            assert_eq!(written.since(&some(&["a"])), Some(at("10:00:00")));
            assert_eq!(written.since(&KeySet::All), Some(at("12:00:00")));
        }
    }

    #[test]
    fn who_applies_text_may_be_older_than_the_value_and_is_never_overlooked() {
        let text = json!({ "f:stringData": { "f:a": {} } });
        for (first, second) in [(&text, &data(&["a"])), (&data(&["a"]), &text)] {
            let written = Written::of(None, [(at("10:00:00"), first), (at("12:00:00"), second)]);
            assert_eq!(written.since(&some(&["a"])), Some(at("12:00:00")));
        }
        let alone = Written::of(None, [(at("10:00:00"), &text)]);
        assert_eq!(alone.since(&some(&["a"])), Some(at("10:00:00")));
    }

    /// What is left of an ExternalSecret's write that took its last keys out of a Secret of others.
    #[test]
    fn the_last_key_of_an_external_secret_does_not_go_unnoticed() {
        let (theirs, ours) = (data(&["theirs"]), hash());
        let written = Written::of(None, [(at("10:00:00"), &theirs), (at("12:00:00"), &ours)]);
        assert_eq!(written.since(&KeySet::All), Some(at("12:00:00")));
        assert_eq!(written.since(&some(&["theirs"])), Some(at("10:00:00")));
    }

    #[test]
    fn labels_and_annotations_of_others_are_no_content() {
        let label = json!({ "f:metadata": { "f:annotations": { "f:a": {} }, "f:labels": {} } });
        let written =
            Written::of(None, [(at("10:00:00"), &data(&["a"])), (at("12:00:00"), &label)]);
        assert_eq!(written.last(), Some(at("10:00:00")));
        assert_eq!(Written::of(None, [(at("12:00:00"), &label)]).last(), None);
    }

    #[test]
    fn of_a_secret_that_is_adopted_only_what_was_put_into_it_for_that_is_new() {
        let (theirs, ours) = (
            data(&["theirs", "value"]),
            json!({
                "f:data": { "f:value": {} }, "f:metadata": { "f:annotations": { HASH: {} } },
            }),
        );
        let (created, labelled, merged) = (at("10:00:00"), at("11:00:00"), at("12:00:00"));
        let written = |ours: &Value| {
            let entries = [(labelled, &data(&["theirs"])), (merged, ours)];
            Written::of(Some(created), entries).adopted(created)
        };
        let added = written(&ours);
        assert_eq!(added.since(&some(&["value"])), Some(merged));
        assert_eq!(added.since(&some(&["theirs"])), Some(created));
        assert_eq!(added.since(&KeySet::All), Some(merged));
        // All that it would have put there was there.
        assert_eq!(written(&hash()).since(&KeySet::All), Some(created));
        // Somebody else calls it ours.
        let label = Written::of(Some(created), [(labelled, &theirs)]).adopted(created);
        assert_eq!(label.since(&KeySet::All), Some(created));
    }

    /// A copy of a Secret that is put back keeps the times of the one that it was made of.
    #[test]
    fn nothing_was_written_before_there_was_the_object() {
        let data = data(&["a"]);
        let written = Written::of(Some(at("11:00:00")), [(at("10:00:00"), &data)]);
        assert_eq!(written.since(&some(&["a"])), Some(at("11:00:00")));
        assert_eq!(written.since(&KeySet::All), Some(at("11:00:00")));
    }
}
