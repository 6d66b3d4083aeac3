//! Merging maps as mergo does, with its way of changing the first map in place.

use super::{Bytes, ENTRY, MAX_NESTING, entry, insert};
use crate::error::Message;
use crate::funcs::arguments::dict;
use crate::funcs::{Call, Failure};
use crate::limits::LimitExceeded;
use crate::value::{Element, Map, Value};

pub(super) fn merge(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    or_empty(merged(call, arguments, false))
}

pub(super) fn must_merge(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    merged(call, arguments, false).map_err(Stop::into_failure)
}

pub(super) fn merge_overwrite(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    or_empty(merged(call, arguments, true))
}

pub(super) fn must_merge_overwrite(
    call: &mut Call<'_>,
    arguments: &[Value],
) -> Result<Value, Failure> {
    merged(call, arguments, true).map_err(Stop::into_failure)
}

/// Why a merge ended.
enum Stop {
    /// An error of mergo's; some entries may have been merged.
    Refused(Message),
    Failed(Failure),
}

impl Stop {
    fn into_failure(self) -> Failure {
        match self {
            Self::Refused(message) => Failure::Error(message),
            Self::Failed(failure) => failure,
        }
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// sprig hides mergo's errors behind an empty text.
fn or_empty(result: Result<Value, Stop>) -> Result<Value, Failure> {
    match result {
        Ok(value) => Ok(value),
        Err(Stop::Refused(_)) => Ok(Value::string("")),
        Err(Stop::Failed(failure)) => Err(failure),
    }
}

fn merged(call: &mut Call<'_>, arguments: &[Value], overwrite: bool) -> Result<Value, Stop> {
    let mut target = dict(arguments, 0);
    for index in 1..arguments.len() {
        let source = dict(arguments, index);
        if target.nil && !source.nil {
            target = Map::new(Element::Any, []);
        }
        merge_into(call, &target, &source, overwrite, 0)?;
    }
    Ok(Value::Map(target))
}

fn merge_into(
    call: &mut Call<'_>,
    target: &Map,
    source: &Map,
    overwrite: bool,
    depth: usize,
) -> Result<(), Stop> {
    if depth > MAX_NESTING {
        return Err(Failure::Limit(LimitExceeded::Depth).into());
    }
    if target.nil {
        return Ok(());
    }
    let keys: Vec<Bytes> = source.entries.borrow().keys().cloned().collect();
    call.work(keys.len())?;
    call.reserve(keys.len().saturating_mul(ENTRY))?;
    for key in keys {
        let Some(new) = entry(source, &key) else { continue };
        let old = entry(target, &key);
        match &new {
            Value::Nil | Value::Absent => {
                if overwrite {
                    put(call, target, source, key, Value::Nil)?;
                }
                continue;
            }
            Value::Map(new) => match &old {
                Some(Value::Map(old)) => merge_into(call, old, new, overwrite, depth + 1)?,
                Some(Value::Object(old)) if old.kind() == "ptr" && !overwrite => {
                    return Err(Stop::Refused("src and dst must be of same type".into()));
                }
                _ => {}
            },
            Value::List(_) if overwrite && old.as_ref().is_some_and(Value::truth) => {
                put(call, target, source, key.clone(), new.clone())?;
            }
            _ => {}
        }
        // Asked again: an empty map that others were merged into is not empty any more.
        let kept = old.is_some_and(|old| {
            old.truth()
                && (!overwrite
                    || matches!(new, Value::List(_))
                    || matches!((&new, &old), (Value::Map(_), Value::Map(_))))
        });
        if !kept {
            put(call, target, source, key, new)?;
        }
    }
    Ok(())
}

/// Go has no way to put an `interface {}` into a `map[string]string`.
fn put(
    call: &mut Call<'_>,
    target: &Map,
    source: &Map,
    key: Bytes,
    value: Value,
) -> Result<(), Failure> {
    if target.element == Element::String && source.element != Element::String {
        let text = "reflect.Value.SetMapIndex: value of type interface {} is not assignable to type string";
        return Err(text.into());
    }
    insert(call, target, key, value)
}
