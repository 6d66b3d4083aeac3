//! Functions on maps.

use std::rc::Rc;

use super::arguments::{any, dict, rest, text};
use super::strings::strval;
use super::{Call, Failure, Function, Type};
use crate::limits::LimitExceeded;
use crate::value::{Bytes, List, MAX_NESTING, Map, Value};

mod merge;

use Type::{Any, Dict, String};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("deepCopy", &[Any], deep_copy),
    Function::variadic("dict", &[], Any, make),
    Function::variadic("dig", &[], Any, dig),
    Function::new("get", &[Dict, String], get),
    Function::new("hasKey", &[Dict, String], has_key),
    Function::variadic("keys", &[], Dict, keys),
    Function::variadic("merge", &[Dict], Dict, merge::merge),
    Function::variadic("mergeOverwrite", &[Dict], Dict, merge::merge_overwrite),
    Function::new("mustDeepCopy", &[Any], deep_copy),
    Function::variadic("mustMerge", &[Dict], Dict, merge::must_merge),
    Function::variadic("mustMergeOverwrite", &[Dict], Dict, merge::must_merge_overwrite),
    Function::variadic("omit", &[Dict], String, omit),
    Function::variadic("pick", &[Dict], String, pick),
    Function::variadic("pluck", &[String], Dict, pluck),
    Function::new("set", &[Dict, String, Any], set),
    Function::new("unset", &[Dict, String], unset),
    Function::new("values", &[Dict], values),
];

/// What an entry of a map takes beside its text.
const ENTRY: usize = 100;

/// What is in a map under `key`.
fn entry(map: &Map, key: &[u8]) -> Option<Value> {
    map.entries.borrow().get(key).cloned()
}

/// A `map[string]interface {}` as a result, counted against the limits.
fn result(call: &mut Call<'_>, entries: Vec<(Bytes, Value)>) -> Result<Value, Failure> {
    call.reserve(entries.len().saturating_mul(ENTRY))?;
    call.work(entries.len() / 16)?;
    Ok(Value::map(entries))
}

/// Puts a value into a map, for all that share the map.
///
/// Go lets a map contain itself and dies when it is printed; here it is refused, also because
/// such a map would never be freed.
fn insert(call: &mut Call<'_>, map: &Map, key: Bytes, value: Value) -> Result<(), Failure> {
    if reaches(call, &value, map)? {
        return Err(Failure::Limit(LimitExceeded::Depth));
    }
    call.reserve(ENTRY)?;
    map.entries.borrow_mut().insert(key, value);
    Ok(())
}

/// Whether `map` is `value` or somewhere within it.
fn reaches(call: &mut Call<'_>, value: &Value, map: &Map) -> Result<bool, Failure> {
    let mut rest = vec![value.clone()];
    while let Some(value) = rest.pop() {
        match value {
            Value::List(list) => {
                call.work(list.len() / 16 + 1)?;
                let items = list.items();
                rest.extend(items.iter().filter(|item| is_container(item)).cloned());
            }
            Value::Map(inner) => {
                if Rc::ptr_eq(&inner.entries, &map.entries) {
                    return Ok(true);
                }
                let entries = inner.entries.borrow();
                call.work(entries.len() / 16 + 1)?;
                rest.extend(entries.values().filter(|item| is_container(item)).cloned());
            }
            _ => {}
        }
    }
    Ok(false)
}

const fn is_container(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Map(_))
}

fn make(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut entries = Vec::new();
    for pair in arguments.chunks(2) {
        let key = strval(call, any(pair, 0))?;
        entries.push((key, pair.get(1).cloned().unwrap_or_else(|| Value::string(""))));
    }
    result(call, entries)
}

fn get(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let found = entry(&dict(arguments, 0), text(arguments, 1));
    Ok(found.unwrap_or_else(|| Value::string("")))
}

fn set(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    if map.nil {
        return Err("assignment to entry in nil map".into());
    }
    insert(call, &map, text(arguments, 1).into(), any(arguments, 2).clone())?;
    Ok(Value::Map(map))
}

fn unset(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    map.entries.borrow_mut().remove(text(arguments, 1));
    Ok(Value::Map(map))
}

fn has_key(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    let has = map.entries.borrow().contains_key(text(arguments, 1));
    Ok(Value::Bool(has))
}

fn pluck(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let key = text(arguments, 0);
    let maps = 1..arguments.len();
    let found: Vec<Value> = maps.filter_map(|index| entry(&dict(arguments, index), key)).collect();
    call.reserve(found.len().saturating_mul(size_of::<Value>()))?;
    Ok(Value::list(found))
}

/// In the order of each map's keys; in Go they come in any order.
fn keys(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut keys: Vec<Bytes> = Vec::new();
    for index in 0..arguments.len() {
        let map = dict(arguments, index);
        let entries = map.entries.borrow();
        call.reserve(entries.len().saturating_mul(size_of::<Value>()))?;
        keys.extend(entries.keys().cloned());
    }
    Ok(Value::strings(keys))
}

/// In the order of the keys; in Go they come in any order.
fn values(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    let values: Vec<Value> = map.entries.borrow().values().cloned().collect();
    call.reserve(values.len().saturating_mul(size_of::<Value>()))?;
    Ok(Value::list(values))
}

fn pick(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    let wanted = (1..arguments.len()).map(|index| text(arguments, index));
    let picked = wanted.filter_map(|key| Some((key.into(), entry(&map, key)?))).collect();
    result(call, picked)
}

fn omit(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let map = dict(arguments, 0);
    let unwanted: Vec<&[u8]> = (1..arguments.len()).map(|index| text(arguments, index)).collect();
    let entries = map.entries.borrow();
    call.work((entries.len() / 16).saturating_mul(unwanted.len()))?;
    let kept = entries.iter().filter(|(key, _)| !unwanted.contains(&key.as_ref()));
    let kept = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
    result(call, kept)
}

/// Follows keys through maps within maps; the last argument is the map, the one before it what
/// is given where a key is missing.
fn dig(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let [keys @ .., default, map] = arguments else {
        return Err("dig needs at least three arguments".into());
    };
    if keys.is_empty() {
        return Err("dig needs at least three arguments".into());
    }
    let mut map = asserted_dict(map)?;
    let other = keys.iter().find(|key| !matches!(key, Value::String(_)));
    if let Some(other) = other {
        return Err(not_a(other, "string"));
    }
    for index in 0..keys.len() {
        let Some(found) = entry(&map, text(keys, index)) else {
            return Ok(default.clone());
        };
        if rest(keys, index + 1).is_empty() {
            return Ok(found);
        }
        map = asserted_dict(&found)?;
    }
    Ok(default.clone())
}

fn asserted_dict(value: &Value) -> Result<Map, Failure> {
    match value {
        Value::Map(map) if map.element == crate::value::Element::Any => Ok(map.clone()),
        other => Err(not_a(other, "map[string]interface {}")),
    }
}

fn not_a(value: &Value, wanted: &str) -> Failure {
    let found = match value {
        Value::Nil | Value::Absent => "nil",
        other => other.type_name(),
    };
    let text = format!("interface conversion: interface {{}} is {found}, not {wanted}");
    Failure::Error(text.into())
}

fn deep_copy(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let value = any(arguments, 0);
    if matches!(value, Value::Nil | Value::Absent) {
        return Err("reflect: call of reflect.Value.Type on zero Value".into());
    }
    copied(call, value, 0)
}

fn copied(call: &mut Call<'_>, value: &Value, depth: usize) -> Result<Value, Failure> {
    if depth > MAX_NESTING {
        return Err(Failure::Limit(LimitExceeded::Depth));
    }
    Ok(match value {
        Value::List(list) if list.nil => value.clone(),
        Value::List(list) => {
            call.reserve(list.len().saturating_mul(size_of::<Value>()))?;
            call.work(list.len() / 16 + 1)?;
            let items = list.items();
            let items: Result<Vec<_>, _> =
                items.iter().map(|item| copied(call, item, depth + 1)).collect();
            Value::List(List::new(list.element, items?))
        }
        Value::Map(map) if map.nil => value.clone(),
        Value::Map(map) => {
            let mut entries = Vec::new();
            let source = map.entries.borrow();
            call.reserve(source.len().saturating_mul(ENTRY))?;
            call.work(source.len() / 16 + 1)?;
            for (key, value) in source.iter() {
                entries.push((key.clone(), copied(call, value, depth + 1)?));
            }
            Value::Map(Map::new(map.element, entries))
        }
        Value::Object(object) => object.deep_copy().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    })
}
