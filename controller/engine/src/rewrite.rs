//! `dataFrom[].rewrite`: other keys for the same values (eso-semantics 2.7; ESO
//! `esutils.RewriteMap`).

use std::collections::{BTreeMap, BTreeSet};

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
    let regexp = Regexp::new(&rewrite.source).map_err(|error| ValueError::Rewrite {
        index,
        cause: format!("regexp failed with failed to compile: {error}"),
    })?;
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
    let failed = |what: &str, error: gotemplate::Error| ValueError::Rewrite {
        index,
        cause: format!("transform failed with failed to {what}: {error}"),
    };
    // Seen in ESO 2.9 (2.16 item 4): a missing key is no error here.
    let options = Options { missing_key: MissingKey::Invalid, ..Options::default() };
    let template = Template::parse("transform", rewrite.template.as_bytes(), options)
        .map_err(|error| failed("parse template", error))?;
    let mut renamed = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        let data = Value::string_map([("value", &key)]);
        let new = template
            .execute(&data, environment, &Limits::default())
            .map_err(|error| failed(&format!("execute template for key {key:?}"), error))?;
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
        return Err(failed("merge failed with missing 'into' field".to_owned()));
    }
    let mut merged = BTreeMap::new();
    let mut conflicts = BTreeSet::new();
    for key in order(index, rewrite, &entries)? {
        let text = entries.get(key).map(Vec::as_slice).unwrap_or_default();
        let members = object(text).map_err(|cause| {
            failed(format!("merge failed with failed to unmarshal JSON of key {key:?}: {cause}"))
        })?;
        for (name, value) in members {
            if merged.insert(name.clone(), value).is_some() {
                conflicts.insert(name);
            }
        }
    }
    // Seen in ESO 2.9 (2.16 item 3): priority does not settle a conflict under this policy.
    if !conflicts.is_empty() && rewrite.conflict_policy() != MergeConflictPolicy::Ignore {
        let conflicts = conflicts.into_iter().collect::<Vec<_>>().join(", ");
        return Err(failed(format!(
            "merge failed with conflicts: {conflicts}: use conflictPolicy Ignore, with priority to \
             say which value wins"
        )));
    }
    let unwritable = |cause: gotemplate::Message| {
        failed(format!("merge failed with failed to marshal merged map: {cause}"))
    };
    if as_json {
        let members = merged.into_iter().map(|(name, value)| (name.as_bytes().into(), value));
        let text = json::encode(&Value::map(members), false, None).map_err(unwritable)?;
        // The sources stay beside it (2.16 item 3).
        let mut all = entries;
        all.insert(into.to_owned(), text);
        return Ok(all);
    }
    let spread = merged.into_iter().map(|(name, value)| Ok((name, text(&value)?)));
    spread.collect::<Result<_, _>>().map_err(unwritable)
}

/// The members of a JSON object as ESO reads them here, unlike in `extract`: numbers lose their
/// spelling, and digits that no float has. `null` has no members.
fn object(text: &[u8]) -> Result<BTreeMap<String, Value>, gotemplate::Message> {
    let mut members = BTreeMap::new();
    for (name, range) in json::members(text)? {
        let value = json::decode(text.get(range).unwrap_or_default())?;
        members.insert(String::from_utf8_lossy(&name).into_owned(), value);
    }
    Ok(members)
}

/// A member as a value of a Secret (ESO `esutils.GetByteValue`).
fn text(value: &Value) -> Result<Vec<u8>, gotemplate::Message> {
    Ok(match value {
        Value::String(text) => text.to_vec(),
        // Go's shortest form without an exponent is also Rust's.
        Value::Float(number) => number.to_string().into_bytes(),
        Value::Nil => Vec::new(),
        other => json::encode(other, true, None)?,
    })
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
        let cause = format!("merge failed with key {missing:?} not found in input map");
        return Err(ValueError::Rewrite { index, cause });
    }
    let first: BTreeSet<&str> = priority.iter().map(String::as_str).collect();
    let others = entries.keys().map(String::as_str).filter(|key| !first.contains(key));
    let last = priority.iter().map(String::as_str).filter(|key| entries.contains_key(*key));
    Ok(others.chain(last).collect())
}

#[cfg(test)]
mod tests;
