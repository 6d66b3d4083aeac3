//! `dataFrom[].rewrite`: other keys for the same values (eso-semantics 2.7; ESO
//! `esutils.RewriteMap`).

use std::collections::BTreeSet;

use extsecret_crds::external_secret::{
    MergeConflictPolicy, MergePriorityPolicy, MergeStrategy, Rewrite, RewriteMerge, RewriteRegexp,
    RewriteTransform,
};
use gotemplate::regexp::Regexp;
use gotemplate::{Environment, Limits, MissingKey, Options, Template, Value, json};

use crate::error::ValueError;
use crate::keys;
use crate::secret::Data;

/// Longest key that an expression may make, in bytes, between one rewrite and the next. Keys of a
/// Secret are far shorter.
const MAX_NEW_KEY: usize = 1 << 16;

/// Applies the rewrites in order.
///
/// # Errors
/// The first rewrite that cannot be applied. In ESO, of two keys that become one, one wins by
/// chance; here that is an error.
pub fn rewrite(
    rewrites: &[Rewrite],
    mut entries: Data,
    environment: &mut dyn Environment,
) -> Result<Data, ValueError> {
    for (index, rewrite) in rewrites.iter().enumerate() {
        // The order in which ESO looks.
        entries = if let Some(merge) = &rewrite.merge {
            self::merge(index, merge, entries)?
        } else if let Some(regexp) = &rewrite.regexp {
            self::regexp(index, regexp, entries)?
        } else if let Some(transform) = &rewrite.transform {
            self::transform(index, transform, entries, environment)?
        } else {
            entries
        };
    }
    Ok(entries)
}

fn regexp(index: usize, rewrite: &RewriteRegexp, entries: Data) -> Result<Data, ValueError> {
    let regexp = Regexp::new(&rewrite.source)
        .map_err(|error| ValueError::Rewrite { index, cause: error.to_string() })?;
    let mut renamed = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let new = regexp
            .replace_all(key.as_bytes(), rewrite.target.as_bytes(), MAX_NEW_KEY)
            .map_err(|error| ValueError::Rewrite { index, cause: error.to_string() })?;
        renamed.push((key, String::from_utf8_lossy(&new).into_owned(), value));
    }
    keys::rename(&format!("rewrite[{index}].regexp"), renamed.into_iter())
}

/// Each key through a template, as `.value`.
fn transform(
    index: usize,
    rewrite: &RewriteTransform,
    entries: Data,
    environment: &mut dyn Environment,
) -> Result<Data, ValueError> {
    let failed = |error: gotemplate::Error| ValueError::Rewrite { index, cause: error.to_string() };
    // Seen in ESO 2.9 (2.16 item 4): a missing key is no error here.
    let options = Options { missing_key: MissingKey::Invalid, ..Options::default() };
    let template =
        Template::parse("transform", rewrite.template.as_bytes(), options).map_err(failed)?;
    let mut renamed = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let data = Value::string_map([("value", &key)]);
        let new = template.execute(&data, environment, &Limits::default()).map_err(failed)?;
        let new = String::from_utf8_lossy(&new).into_owned();
        renamed.push((key, new, value));
    }
    keys::rename(&format!("rewrite[{index}].transform"), renamed.into_iter())
}

/// Values that are JSON objects become one: its members are the keys (`Extract`), or it is the
/// value of a key (`JSON`).
fn merge(index: usize, rewrite: &RewriteMerge, entries: Data) -> Result<Data, ValueError> {
    let failed = |cause: String| ValueError::Rewrite { index, cause };
    let known = [
        ("strategy", rewrite.strategy.as_ref().map(|it| (it.is_known(), it.as_str()))),
        ("conflictPolicy", rewrite.conflict_policy.as_ref().map(|it| (it.is_known(), it.as_str()))),
        ("priorityPolicy", rewrite.priority_policy.as_ref().map(|it| (it.is_known(), it.as_str()))),
    ];
    for (field, value) in known {
        if let Some((false, value)) = value.filter(|(_, value)| !value.is_empty()) {
            return Err(failed(format!("merge.{field} {value:?} is not known")));
        }
    }
    let into = rewrite.into.as_deref().unwrap_or_default();
    let as_json = rewrite.strategy() == MergeStrategy::Json;
    if as_json && into.is_empty() {
        return Err(failed("merge.into is required with the strategy JSON".to_owned()));
    }
    let mut members = Data::new();
    for key in order(index, rewrite, &entries)? {
        let text = entries.get(key).map(Vec::as_slice).unwrap_or_default();
        let found = json::members(text).map_err(|error| {
            failed(format!("failed to unmarshal the value of {key:?}: {error}"))
        })?;
        for (name, range) in found {
            let name = String::from_utf8_lossy(&name).into_owned();
            let raw = text.get(range).unwrap_or_default().to_vec();
            let replaced = members.insert(name.clone(), raw).is_some();
            // Seen in ESO 2.9 (2.16 item 3): priority does not settle a conflict under this policy.
            if replaced && rewrite.conflict_policy() != MergeConflictPolicy::Ignore {
                return Err(failed(format!(
                    "merge failed with conflicts: {name:?} is in more than one value: use \
                     conflictPolicy Ignore, with priority to say which wins"
                )));
            }
        }
    }
    if as_json {
        // The sources stay beside it (2.16 item 3).
        let mut merged = entries;
        merged.insert(into.to_owned(), object(&members));
        return Ok(merged);
    }
    let spread = members.into_iter().map(|(name, raw)| {
        let value = match json::unquote(&raw) {
            Some(text) => text,
            None if raw == b"null" => Vec::new(),
            None => raw,
        };
        (name, value)
    });
    Ok(spread.collect())
}

/// The keys in the order in which they count: by name, and then those of `priority`.
fn order<'a>(
    index: usize,
    rewrite: &'a RewriteMerge,
    entries: &'a Data,
) -> Result<Vec<&'a str>, ValueError> {
    let priority = rewrite.priority.as_deref().unwrap_or_default();
    let missing = priority.iter().find(|key| !entries.contains_key(key.as_str()));
    if let Some(missing) = missing
        && rewrite.priority_policy() != MergePriorityPolicy::IgnoreNotFound
    {
        let cause = format!("merge.priority: key {missing:?} not found in the input");
        return Err(ValueError::Rewrite { index, cause });
    }
    let first: BTreeSet<&str> = priority.iter().map(String::as_str).collect();
    let others = entries.keys().map(String::as_str).filter(|key| !first.contains(key));
    let last = priority.iter().map(String::as_str).filter(|key| entries.contains_key(*key));
    Ok(others.chain(last).collect())
}

/// The members as a JSON object.
fn object(members: &Data) -> Vec<u8> {
    let mut text = vec![b'{'];
    for (index, (name, raw)) in members.iter().enumerate() {
        if index > 0 {
            text.push(b',');
        }
        let name = Value::string(name.as_bytes());
        // A text can always be written as JSON.
        text.extend(json::encode(&name, true, None).unwrap_or_default());
        text.push(b':');
        text.extend_from_slice(raw);
    }
    text.push(b'}');
    text
}

#[cfg(test)]
mod tests;
