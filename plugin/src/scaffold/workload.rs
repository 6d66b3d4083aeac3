//! Drafts for what a workload reads.

use std::collections::{BTreeMap, BTreeSet};

use extsecret_restart::scan::{KeySet, Uses};

use super::draft::{Draft, Item, Source, property};

/// What is read of a Secret: all keys, or these.
pub(crate) fn secrets(uses: &Uses) -> BTreeMap<String, Option<BTreeSet<String>>> {
    let mut secrets: BTreeMap<String, Option<BTreeSet<String>>> = BTreeMap::new();
    for it in &uses.read {
        let known = secrets.entry(it.secret.to_string()).or_insert_with(|| Some(BTreeSet::new()));
        match (&it.keys, known) {
            (KeySet::All, known) => *known = None,
            (KeySet::Some(_), None) => {}
            (KeySet::Some(keys), Some(known)) => {
                known.extend(keys.iter().map(ToString::to_string));
            }
        }
    }
    secrets
}

/// The draft for one of them, from a secret of this name.
pub(crate) fn draft(base: &Draft, name: &str, keys: Option<&BTreeSet<String>>, key: &str) -> Draft {
    let item = |member: &String| Item {
        secret_key: member.clone(),
        key: key.to_owned(),
        property: Some(property(member)),
        base64: false,
    };
    let source = match keys {
        None => Source::Extract(key.to_owned()),
        Some(keys) => Source::Items(keys.iter().map(item).collect()),
    };
    Draft { name: name.to_owned(), source, ..base.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_one_secret_are_put_together() {
        let template = json!({ "spec": { "containers": [{
            "env": [
                { "valueFrom": { "secretKeyRef": { "name": "db", "key": "user" } } },
                { "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
            ],
            "envFrom": [{ "secretRef": { "name": "all" } }],
        }] } });
        let uses = Uses::of(&serde_json::from_value(template).unwrap());
        let found = secrets(&uses);
        assert_eq!(found["all"], None);
        assert_eq!(found["db"], Some(BTreeSet::from(["password".into(), "user".into()])));
    }
}
