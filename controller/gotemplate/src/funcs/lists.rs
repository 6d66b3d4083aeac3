//! Functions on lists.

use super::arguments::{any, int, made, rest as rest_of};
use super::math::cast;
use super::{Call, Failure, Function, Type};
use crate::value::{Element, List, Value, deep_equal};

use Type::{Any, Int};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("append", &[Any, Any], push),
    Function::new("chunk", &[Int, Any], chunk),
    Function::new("compact", &[Any], compact),
    Function::variadic("concat", &[], Any, concat),
    Function::new("first", &[Any], first),
    Function::new("has", &[Any, Any], has),
    Function::new("initial", &[Any], initial),
    Function::new("last", &[Any], last),
    Function::variadic("list", &[], Any, list),
    Function::new("mustAppend", &[Any, Any], push),
    Function::new("mustChunk", &[Int, Any], chunk),
    Function::new("mustCompact", &[Any], compact),
    Function::new("mustFirst", &[Any], first),
    Function::new("mustHas", &[Any, Any], has),
    Function::new("mustInitial", &[Any], initial),
    Function::new("mustLast", &[Any], last),
    Function::new("mustPrepend", &[Any, Any], prepend),
    Function::new("mustPush", &[Any, Any], push),
    Function::new("mustRest", &[Any], rest),
    Function::new("mustReverse", &[Any], reverse),
    Function::variadic("mustSlice", &[Any], Any, slice),
    Function::new("mustUniq", &[Any], uniq),
    Function::variadic("mustWithout", &[Any], Any, without),
    Function::new("prepend", &[Any, Any], prepend),
    Function::new("push", &[Any, Any], push),
    Function::new("rest", &[Any], rest),
    Function::new("reverse", &[Any], reverse),
    Function::variadic("seq", &[], Int, seq),
    Function::variadic("slice", &[Any], Any, slice),
    Function::variadic("tuple", &[], Any, list),
    Function::new("uniq", &[Any], uniq),
    Function::new("until", &[Int], until),
    Function::new("untilStep", &[Int, Int, Int], until_step),
    Function::variadic("without", &[Any], Any, without),
];

/// What Go says when a function asks a nil for its type.
const NIL: &str = "runtime error: invalid memory address or nil pointer dereference";

/// The argument as a list, or the error of a function that `cannot` do its work on other types.
fn list_of(value: &Value, cannot: &str) -> Result<List, Failure> {
    match value {
        Value::List(list) => Ok(list.clone()),
        Value::Nil | Value::Absent => Err(NIL.into()),
        other => Err(Failure::Error(format!("{cannot} {}", other.kind_name()).into())),
    }
}

/// A `[]interface {}` as a result, counted against the limits.
fn result(call: &mut Call<'_>, items: Vec<Value>) -> Result<Value, Failure> {
    call.reserve(items.len().saturating_mul(size_of::<Value>()))?;
    call.work(items.len() / 16)?;
    Ok(Value::list(items))
}

fn list(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    result(call, arguments.to_vec())
}

fn push(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot push on type")?;
    let mut items = list.items().to_vec();
    items.push(any(arguments, 1).clone());
    result(call, items)
}

fn prepend(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot prepend on type")?;
    let mut items = vec![any(arguments, 1).clone()];
    items.extend_from_slice(&list.items());
    result(call, items)
}

fn first(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find first on type")?;
    Ok(list.items().first().cloned().unwrap_or_default())
}

fn last(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find last on type")?;
    Ok(list.items().last().cloned().unwrap_or_default())
}

fn rest(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find rest on type")?;
    match list.items().split_first() {
        None => Ok(Value::List(List::nil(Element::Any))),
        Some((_, rest)) => result(call, rest.to_vec()),
    }
}

fn initial(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find initial on type")?;
    match list.items().split_last() {
        None => Ok(Value::List(List::nil(Element::Any))),
        Some((_, initial)) => result(call, initial.to_vec()),
    }
}

fn reverse(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find reverse on type")?;
    result(call, list.items().iter().rev().cloned().collect())
}

fn compact(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot compact on type")?;
    result(call, list.items().iter().filter(|item| item.truth()).cloned().collect())
}

fn is_among(call: &mut Call<'_>, items: &[Value], wanted: &Value) -> Result<bool, Failure> {
    call.work(items.len() / 16)?;
    for item in items {
        if deep_equal(call, wanted, item)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find uniq on type")?;
    let mut found = Vec::new();
    for item in list.items().iter() {
        if !is_among(call, &found, item)? {
            found.push(item.clone());
        }
    }
    result(call, found)
}

fn without(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "Cannot find without on type")?;
    let unwanted = rest_of(arguments, 1);
    let mut kept = Vec::new();
    for item in list.items().iter() {
        if !is_among(call, unwanted, item)? {
            kept.push(item.clone());
        }
    }
    result(call, kept)
}

fn has(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (wanted, list) = (any(arguments, 0), any(arguments, 1));
    if matches!(list, Value::Nil | Value::Absent) {
        return Ok(Value::Bool(false));
    }
    let list = list_of(list, "Cannot find has on type")?;
    is_among(call, &list.items(), wanted).map(Value::Bool)
}

/// A part of a list, which shares its elements with the whole.
fn slice(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let list = list_of(any(arguments, 0), "list should be type of slice or array but")?;
    if list.is_empty() {
        return Ok(Value::Nil);
    }
    let start = arguments.get(1).map_or(Ok(0), |start| usize::try_from(cast::to_int64(start)));
    let end = arguments.get(2).map_or(Ok(list.len()), |end| usize::try_from(cast::to_int64(end)));
    let part = start.ok().zip(end.ok()).and_then(|(start, end)| list.part(start, end));
    part.map(Value::List).ok_or_else(|| "reflect.Value.Slice: slice index out of bounds".into())
}

fn concat(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut items = Vec::new();
    for value in arguments {
        match value {
            Value::List(list) => {
                call.reserve(list.len().saturating_mul(size_of::<Value>()))?;
                items.extend_from_slice(&list.items());
            }
            Value::Nil | Value::Absent => return Err(NIL.into()),
            other => {
                let text = format!("Cannot concat type {} as list", other.kind_name());
                return Err(Failure::Error(text.into()));
            }
        }
    }
    if items.is_empty() {
        return Ok(Value::List(List::nil(Element::Any)));
    }
    result(call, items)
}

/// Counts as sprig does, in floating point, so that sizes below 1 have its results.
#[expect(clippy::cast_precision_loss, reason = "sprig's own arithmetic")]
fn chunk(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    const OUT_OF_RANGE: &str = "runtime error: makeslice: len out of range";
    let list = list_of(any(arguments, 1), "Cannot chunk type")?;
    let items = list.items();
    let size = int(arguments, 0);
    let last_index = items.len() as f64 - 1.0;
    let count = cast::truncated((last_index / size as f64).floor() + 1.0);
    let count = usize::try_from(count).map_err(|_| OUT_OF_RANGE)?;
    call.work(count)?;
    let mut chunks = Vec::new();
    for index in 0..count {
        let mut length = size;
        if index + 1 == count {
            length = cast::truncated((items.len() as f64 % size as f64).floor());
            if length == 0 {
                length = size;
            }
        }
        let length = usize::try_from(length).map_err(|_| OUT_OF_RANGE)?;
        let start = usize::try_from(size).unwrap_or_default().saturating_mul(index);
        let end = start.saturating_add(length);
        let part = items.get(start..end).ok_or("reflect: slice index out of range")?;
        chunks.push(result(call, part.to_vec())?);
    }
    call.reserve(count.saturating_mul(size_of::<Value>()))?;
    Ok(Value::List(List::new(Element::AnyList, chunks)))
}

fn steps(call: &mut Call<'_>, start: i64, end: i64, step: i64) -> Result<Vec<i64>, Failure> {
    let mut numbers = Vec::new();
    let down = end < start;
    if if down { step >= 0 } else { step <= 0 } {
        return Ok(numbers);
    }
    let mut number = start;
    // Go's numbers wrap around; the limit ends what has no end then.
    while if down { number > end } else { number < end } {
        call.reserve(size_of::<Value>())?;
        numbers.push(number);
        number = number.wrapping_add(step);
    }
    call.work(numbers.len() / 16)?;
    Ok(numbers)
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::new(Element::Int, numbers.into_iter().map(Value::int)))
}

fn until(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let count = int(arguments, 0);
    steps(call, 0, count, if count < 0 { -1 } else { 1 }).map(ints)
}

fn until_step(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    steps(call, int(arguments, 0), int(arguments, 1), int(arguments, 2)).map(ints)
}

fn seq(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let at = |index| int(arguments, index);
    let towards = |start: i64, end: i64| if end < start { -1 } else { 1 };
    let (start, step, end, beyond) = match arguments.len() {
        1 => (1, towards(1, at(0)), at(0), towards(1, at(0))),
        2 => (at(0), towards(at(0), at(1)), at(1), towards(at(0), at(1))),
        3 if at(2) < at(0) && at(1) > 0 => return Ok(Value::string("")),
        3 => (at(0), at(1), at(2), towards(at(0), at(2))),
        _ => return Ok(Value::string("")),
    };
    let numbers = steps(call, start, end.wrapping_add(beyond), step)?;
    let texts: Vec<String> = numbers.iter().map(i64::to_string).collect();
    made(call, texts.join(" "))
}
