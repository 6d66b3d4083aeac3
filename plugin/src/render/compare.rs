//! The Secret that would be written against the one in the cluster, key by key.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use extsecret_crds::ExternalSecret;
use extsecret_engine::secret::Secret;
use serde::Serialize;

use super::mask::Mask;
use super::show::{Part, metadata_entries};

/// What becomes of one Secret.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    namespace: Option<String>,
    name: String,
    /// Whether there is such a Secret now.
    exists: bool,
    /// Whether there would be one.
    wanted: bool,
    /// What differs; nothing if the Secret is as it would be written.
    pub(crate) changes: Vec<Change>,
    /// Keys of the data that stay as they are.
    unchanged: Vec<String>,
}

/// One difference.
#[derive(Debug, Serialize)]
pub(crate) struct Change {
    /// `data`, `label`, `annotation`, `type`, `owner` or `immutable`.
    part: &'static str,
    /// The key, where the part has keys.
    key: Option<String>,
    /// As it is, masked.
    before: Option<String>,
    /// As it would be, masked.
    after: Option<String>,
}

/// Compares what is with what would be; `None` if there is nothing on either side.
pub(crate) fn compare(
    object: &ExternalSecret,
    existing: Option<&Secret>,
    wanted: Option<&Secret>,
    mask: &Mask,
) -> Option<Comparison> {
    let some = wanted.or(existing)?;
    let nothing = Secret::default();
    let (before, after) = (existing.unwrap_or(&nothing), wanted.unwrap_or(&nothing));
    let mut comparison = Comparison {
        namespace: some.metadata.namespace.clone(),
        name: some.name().to_owned(),
        exists: existing.is_some(),
        wanted: wanted.is_some(),
        changes: Vec::new(),
        unchanged: Vec::new(),
    };
    let keys: BTreeSet<_> = before.data.keys().chain(after.data.keys()).collect();
    for key in keys {
        let (old, new) = (before.data.get(key), after.data.get(key));
        if old == new {
            comparison.unchanged.push(key.clone());
        } else {
            let show = |value: &Vec<u8>| mask.show(value);
            comparison.add("data", Some(key), old.map(show), new.map(show));
        }
    }
    for (name, part, old, new) in [
        ("label", Part::Labels, &before.metadata.labels, &after.metadata.labels),
        (
            "annotation",
            Part::Annotations,
            &before.metadata.annotations,
            &after.metadata.annotations,
        ),
    ] {
        let differs = |key: &String| {
            old.as_ref().and_then(|map| map.get(key)) != new.as_ref().and_then(|map| map.get(key))
        };
        let shown =
            |map: Option<&BTreeMap<String, String>>| metadata_entries(object, part, map, mask);
        let (old_shown, new_shown) = (shown(old.as_ref()), shown(new.as_ref()));
        let keys: BTreeSet<_> = old_shown.keys().chain(new_shown.keys()).collect();
        for key in keys.into_iter().filter(|key| differs(key)) {
            comparison.add(
                name,
                Some(key),
                old_shown.get(key).cloned(),
                new_shown.get(key).cloned(),
            );
        }
    }
    let type_of = |secret: &Secret| secret.type_.clone().unwrap_or_else(|| "Opaque".to_owned());
    if existing.map(type_of) != wanted.map(type_of) {
        comparison.add("type", None, existing.map(type_of), wanted.map(type_of));
    }
    let owner =
        |secret: &Secret| secret.controller().map(|owner| format!("{} {}", owner.kind, owner.name));
    if owner(before) != owner(after) {
        comparison.add("owner", None, owner(before), owner(after));
    }
    let immutable =
        |secret: &Secret| secret.immutable.filter(|set| *set).map(|set| set.to_string());
    if immutable(before) != immutable(after) {
        comparison.add("immutable", None, immutable(before), immutable(after));
    }
    Some(comparison)
}

impl Comparison {
    fn add(
        &mut self,
        part: &'static str,
        key: Option<&String>,
        before: Option<String>,
        after: Option<String>,
    ) {
        self.changes.push(Change { part, key: key.cloned(), before, after });
    }

    /// For people.
    pub(crate) fn text(&self) -> String {
        let mut name = self.name.clone();
        if let Some(namespace) = &self.namespace {
            name.insert_str(0, &format!("{namespace}/"));
        }
        let verdict = match (self.exists, self.changes.len()) {
            (false, _) => "would be created".to_owned(),
            _ if !self.wanted => "would be deleted".to_owned(),
            (true, 0) => "no difference".to_owned(),
            (true, 1) => "1 difference".to_owned(),
            (true, count) => format!("{count} differences"),
        };
        let mut text = format!("Secret {name}: {verdict}\n");
        let title = |part: &str, key: Option<&str>| match key {
            Some(key) => format!("{part} {key}"),
            None => part.to_owned(),
        };
        let unchanged = self.unchanged.iter().map(|key| title("data", Some(key)));
        let changed = self.changes.iter().map(|it| title(it.part, it.key.as_deref()));
        let width = unchanged.chain(changed).map(|title| title.chars().count()).max().unwrap_or(0);
        for change in &self.changes {
            let title = title(change.part, change.key.as_deref());
            let (sign, what) = match (&change.before, &change.after) {
                (Some(before), Some(after)) => ('~', format!("{before} -> {after}")),
                (Some(before), None) => ('-', before.clone()),
                (None, Some(after)) => ('+', after.clone()),
                (None, None) => ('~', String::new()),
            };
            let _ = writeln!(text, "  {sign} {title:<width$}  {what}");
        }
        for key in &self.unchanged {
            let _ = writeln!(text, "  = {}", title("data", Some(key)));
        }
        text
    }
}
