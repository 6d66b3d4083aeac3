//! Functions on texts.

use super::arguments::{any, int, made, made_strings, shown, text};
use super::{Call, Failure, Function, Type};
use crate::error::Message;
use crate::fmt;
use crate::runes;
use crate::value::{Bytes, Element, List, Value};

mod case;
mod random;
mod wrap;

use Type::{Any, Int, String};

pub(super) use random::Random;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("abbrev", &[Int, String], abbrev),
    Function::new("abbrevboth", &[Int, Int, String], abbrev_both),
    Function::new("camelcase", &[String], case::camel),
    Function::variadic("cat", &[], Any, cat),
    Function::new("contains", &[String, String], contains),
    Function::new("fail", &[String], fail),
    Function::new("hasPrefix", &[String, String], has_prefix),
    Function::new("hasSuffix", &[String, String], has_suffix),
    Function::new("hello", &[], hello),
    Function::new("indent", &[Int, String], indent),
    Function::new("initials", &[String], initials),
    Function::new("join", &[String, Any], join),
    Function::new("kebabcase", &[String], case::kebab),
    Function::new("lower", &[String], lower),
    Function::new("nindent", &[Int, String], nindent),
    Function::new("nospace", &[String], no_space),
    Function::new("plural", &[String, String, Int], plural),
    Function::variadic("quote", &[], Any, quote),
    Function::new("randAlpha", &[Int], random::alpha),
    Function::new("randAlphaNum", &[Int], random::alpha_num),
    Function::new("randAscii", &[Int], random::ascii),
    Function::new("randNumeric", &[Int], random::numeric),
    Function::new("repeat", &[Int, String], repeat),
    Function::new("replace", &[String, String, String], replace),
    Function::new("shuffle", &[String], random::shuffle),
    Function::new("snakecase", &[String], case::snake),
    Function::new("sortAlpha", &[Any], sort_alpha),
    Function::new("split", &[String, String], split),
    Function::new("splitList", &[String, String], split_list),
    Function::new("splitn", &[String, Int, String], split_n),
    Function::variadic("squote", &[], Any, squote),
    Function::new("substr", &[Int, Int, String], substr),
    Function::new("swapcase", &[String], case::swap),
    Function::new("title", &[String], title),
    Function::new("toString", &[Any], to_string),
    Function::new("toStrings", &[Any], to_strings),
    Function::new("trim", &[String], trim),
    Function::new("trimAll", &[String, String], trim_all),
    Function::new("trimPrefix", &[String, String], trim_prefix),
    Function::new("trimSuffix", &[String, String], trim_suffix),
    Function::new("trimall", &[String, String], trim_all),
    Function::new("trunc", &[Int, String], trunc),
    Function::new("untitle", &[String], case::untitle),
    Function::new("upper", &[String], upper),
    Function::new("wrap", &[Int, String], wrap::wrap),
    Function::new("wrapWith", &[Int, String, String], wrap::wrap_with),
];

/// What sprig makes of any value where it wants a string.
pub(super) fn strval(call: &mut Call<'_>, value: &Value) -> Result<Bytes, Failure> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => Ok(fmt::display(call, other)?.into()),
    }
}

/// What sprig makes of any value where it wants a list of strings. A `[]string` stays the same
/// list, with its elements shared.
pub(super) fn strslice(call: &mut Call<'_>, value: &Value) -> Result<List, Failure> {
    let items = match value {
        Value::Nil | Value::Absent => Vec::new(),
        Value::List(list) if list.element == Element::String => return Ok(list.clone()),
        Value::List(list) => {
            call.work(list.len())?;
            let mut texts = Vec::with_capacity(list.len());
            for item in list.items().iter() {
                if !matches!(item, Value::Nil | Value::Absent) {
                    texts.push(Value::String(strval(call, item)?));
                }
            }
            texts
        }
        other => vec![Value::String(strval(call, other)?)],
    };
    call.reserve(items.len().saturating_mul(size_of::<Value>()))?;
    Ok(List::new(Element::String, items))
}

/// The first `end` bytes; `end` is never negative where this is called.
fn head(text: &[u8], end: i64) -> &[u8] {
    usize::try_from(end).ok().and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The bytes from `start` on.
fn tail(text: &[u8], start: i64) -> &[u8] {
    usize::try_from(start).ok().and_then(|start| text.get(start..)).unwrap_or_default()
}

fn length(text: &[u8]) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn hello(_: &mut Call<'_>, _: &[Value]) -> Result<Value, Failure> {
    Ok(Value::string("Hello!"))
}

fn fail(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Err(shown(call, Message::new(), text(arguments, 0)).into())
}

fn abbrev(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (width, text) = (int(arguments, 0), text(arguments, 1));
    let short = if width < 4 { text.to_vec() } else { abbreviated(text, 0, width) };
    made(call, short)
}

fn abbrev_both(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (left, right, text) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    let stays = right < 4 || (left > 0 && right < 7);
    made(call, if stays { text.to_vec() } else { abbreviated(text, left, right) })
}

/// At most `width` bytes, at least 4, of which some are from `offset` on; dots for the others.
fn abbreviated(text: &[u8], offset: i64, width: i64) -> Vec<u8> {
    let len = length(text);
    if len <= width {
        return text.to_vec();
    }
    let room = width - 3;
    let mut offset = offset.min(len);
    // An offset near the smallest number overflows, as in Go.
    if len.wrapping_sub(offset) < room {
        offset = len - room;
    }
    if offset <= 4 {
        return [head(text, room), b"..."].concat();
    }
    if width < 7 {
        return Vec::new();
    }
    if offset + room < len {
        return [b"...", head(tail(text, offset), room - 3), b"..."].concat();
    }
    [b"...", tail(text, len - room)].concat()
}

fn trunc(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (count, text) = (int(arguments, 0), text(arguments, 1));
    let len = length(text);
    made(
        call,
        match count {
            _ if count < 0 && len + count > 0 => tail(text, len + count),
            _ if count >= 0 && len > count => head(text, count),
            _ => text,
        },
    )
}

fn substr(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (start, end, text) = (int(arguments, 0), int(arguments, 1), text(arguments, 2));
    let len = length(text);
    let out_of_range = |what: std::string::String| {
        let message = Message::from("runtime error: slice bounds out of range ");
        Err(Failure::Error(message.secret(what)))
    };
    if start < 0 {
        return match end {
            ..0 => out_of_range(format!("[:{end}]")),
            _ if end > len => out_of_range(format!("[:{end}] with length {len}")),
            _ => made(call, head(text, end)),
        };
    }
    let end = if end < 0 || end > len { len } else { end };
    if start > end {
        return out_of_range(format!("[{start}:{end}]"));
    }
    made(call, tail(head(text, end), start))
}

fn trim(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, trimmed(text(arguments, 0), runes::is_space))
}

fn trim_all(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (cutset, text) = (text(arguments, 0), text(arguments, 1));
    let mut cutset: Vec<char> = runes::runes(cutset).collect();
    cutset.sort_unstable();
    made(call, trimmed(text, |rune| cutset.binary_search(&rune).is_ok()))
}

/// Without the runes at both ends that `cut` names.
fn trimmed(mut text: &[u8], cut: impl Fn(char) -> bool) -> &[u8] {
    while let (rune, size @ 1..) = runes::decode(text)
        && cut(rune)
    {
        text = text.get(size..).unwrap_or_default();
    }
    while let (rune, size @ 1..) = runes::decode_last(text)
        && cut(rune)
    {
        text = text.get(..text.len() - size).unwrap_or_default();
    }
    text
}

fn trim_prefix(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (prefix, text) = (text(arguments, 0), text(arguments, 1));
    made(call, text.strip_prefix(prefix).unwrap_or(text))
}

fn trim_suffix(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (suffix, text) = (text(arguments, 0), text(arguments, 1));
    made(call, text.strip_suffix(suffix).unwrap_or(text))
}

/// Go's `strings.Map`: what is not UTF-8 becomes U+FFFD.
fn mapped(text: &[u8], mut map: impl FnMut(char) -> char) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    for rune in runes::runes(text) {
        runes::push(&mut result, map(rune));
    }
    result
}

fn upper(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, mapped(text(arguments, 0), runes::to_upper))
}

fn lower(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made(call, mapped(text(arguments, 0), runes::to_lower))
}

fn title(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut before = ' ';
    let title = mapped(text(arguments, 0), |rune| {
        let first = separates(before);
        before = rune;
        if first { runes::to_title(rune) } else { rune }
    });
    made(call, title)
}

fn separates(rune: char) -> bool {
    if rune.is_ascii() {
        return !rune.is_ascii_alphanumeric() && rune != '_';
    }
    runes::is_space(rune)
}

/// Takes bytes for runes, as goutils does: once a space is removed, other bytes beyond ASCII are
/// written anew as UTF-8.
fn no_space(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let text = text(arguments, 0);
    let is_space = |byte: &u8| runes::is_space(char::from(*byte));
    if !text.iter().any(is_space) {
        return made(call, text);
    }
    let mut rest = Vec::with_capacity(text.len());
    for byte in text.iter().filter(|byte| !is_space(byte)) {
        runes::push(&mut rest, char::from(*byte));
    }
    made(call, rest)
}

/// Takes bytes for runes too.
fn initials(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let mut found = Vec::new();
    let mut gap = true;
    for &byte in text(arguments, 0) {
        let rune = char::from(byte);
        let space = runes::is_space(rune);
        if gap && !space {
            runes::push(&mut found, rune);
        }
        gap = space;
    }
    made(call, found)
}

fn repeat(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (count, text) = (int(arguments, 0), text(arguments, 1));
    let Ok(count) = usize::try_from(count) else {
        return Err("strings: negative Repeat count".into());
    };
    let size = text.len().checked_mul(count).filter(|&size| i64::try_from(size).is_ok());
    let Some(size) = size else {
        return Err("strings: Repeat output length overflow".into());
    };
    call.reserve(size)?;
    Ok(Value::string(if text.is_empty() { Vec::new() } else { text.repeat(count) }))
}

fn indent(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    indented(call, arguments, b"")
}

fn nindent(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    indented(call, arguments, b"\n")
}

fn indented(call: &mut Call<'_>, arguments: &[Value], before: &[u8]) -> Result<Value, Failure> {
    let (spaces, text) = (int(arguments, 0), text(arguments, 1));
    let Ok(spaces) = usize::try_from(spaces) else {
        return Err("strings: negative Repeat count".into());
    };
    let lines = memchr::memchr_iter(b'\n', text).count() + 1;
    let padding = spaces.saturating_mul(lines);
    call.reserve(padding.saturating_add(before.len()).saturating_add(text.len()))?;
    let mut result = before.to_vec();
    for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
        if index > 0 {
            result.push(b'\n');
        }
        result.resize(result.len() + spaces, b' ');
        result.extend_from_slice(line);
    }
    Ok(Value::string(result))
}

fn replace(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (old, new, text) = (text(arguments, 0), text(arguments, 1), text(arguments, 2));
    let places: Vec<usize> = if old.is_empty() {
        let ends = std::iter::once(text.len());
        runes::indices(text).map(|(place, _, _)| place).chain(ends).collect()
    } else {
        memchr::memmem::find_iter(text, old).collect()
    };
    let kept = text.len() - places.len() * old.len();
    call.reserve(places.len().saturating_mul(new.len()).saturating_add(kept))?;
    let mut result = Vec::with_capacity(kept + places.len() * new.len());
    let mut from = 0;
    for place in places {
        result.extend_from_slice(text.get(from..place).unwrap_or_default());
        result.extend_from_slice(new);
        from = place + old.len();
    }
    result.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok(Value::string(result))
}

fn contains(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let (part, text) = (text(arguments, 0), text(arguments, 1));
    Ok(Value::Bool(memchr::memmem::find(text, part).is_some()))
}

fn has_prefix(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(text(arguments, 1).starts_with(text(arguments, 0))))
}

fn has_suffix(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(Value::Bool(text(arguments, 1).ends_with(text(arguments, 0))))
}

fn plural(_: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    Ok(any(arguments, usize::from(int(arguments, 2) != 1)).clone())
}

/// The texts of all arguments but nil, with a space between them.
fn joined(
    call: &mut Call<'_>,
    arguments: &[Value],
    text: impl Fn(&mut Call<'_>, &Value) -> Result<Vec<u8>, Failure>,
) -> Result<Value, Failure> {
    let mut result = Vec::new();
    let mut first = true;
    for argument in arguments.iter().filter(|value| !matches!(value, Value::Nil | Value::Absent)) {
        if !std::mem::take(&mut first) {
            result.push(b' ');
        }
        let text = text(call, argument)?;
        result.extend_from_slice(&text);
    }
    made(call, result)
}

fn cat(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    joined(call, arguments, fmt::display)
}

fn quote(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    joined(call, arguments, |call, value| {
        let text = strval(call, value)?;
        fmt::sprintf(call, b"%q", &[Value::String(text)])
    })
}

fn squote(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    joined(call, arguments, |call, value| {
        let text = fmt::display(call, value)?;
        Ok([b"'", text.as_slice(), b"'"].concat())
    })
}

fn to_string(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    strval(call, any(arguments, 0)).map(Value::String)
}

fn to_strings(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    strslice(call, any(arguments, 0)).map(Value::List)
}

fn join(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let separator = text(arguments, 0);
    let list = strslice(call, any(arguments, 1))?;
    let items = list.items();
    let texts = || items.iter().map(|item| text(std::slice::from_ref(item), 0));
    let separators = separator.len().saturating_mul(items.len().saturating_sub(1));
    let size = texts().map(<[u8]>::len).fold(separators, usize::saturating_add);
    call.reserve(size)?;
    let mut result = Vec::with_capacity(size);
    for (index, text) in texts().enumerate() {
        if index > 0 {
            result.extend_from_slice(separator);
        }
        result.extend_from_slice(text);
    }
    Ok(Value::string(result))
}

/// Sorts a `[]string` in place: every variable that holds it sees the new order.
fn sort_alpha(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let value = any(arguments, 0);
    if !matches!(value, Value::List(_)) {
        let text = strval(call, value)?;
        return Ok(Value::strings([text]));
    }
    let list = strslice(call, value)?;
    call.work(list.len())?;
    let mut sorted = list.items().to_vec();
    sorted.sort_by(|a, b| match (a, b) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        _ => std::cmp::Ordering::Equal,
    });
    list.replace(sorted);
    Ok(Value::List(list))
}

/// Go's `strings.SplitN`: at most `limit` parts if it is not negative.
fn parts<'t>(text: &'t [u8], separator: &[u8], limit: i64) -> Vec<&'t [u8]> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts = Vec::new();
    if limit == 0 {
        return parts;
    }
    let mut from = 0;
    if separator.is_empty() {
        for (place, _, size) in runes::indices(text) {
            if parts.len() + 1 == limit {
                break;
            }
            parts.push(text.get(place..place + size).unwrap_or_default());
            from = place + size;
        }
        if from < text.len() {
            parts.push(text.get(from..).unwrap_or_default());
        }
        return parts;
    }
    for place in memchr::memmem::find_iter(text, separator) {
        if parts.len() + 1 == limit {
            break;
        }
        parts.push(text.get(from..place).unwrap_or_default());
        from = place + separator.len();
    }
    parts.push(text.get(from..).unwrap_or_default());
    parts
}

fn split(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    numbered(call, &parts(text(arguments, 1), text(arguments, 0), -1))
}

fn split_n(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    numbered(call, &parts(text(arguments, 2), text(arguments, 0), int(arguments, 1)))
}

fn split_list(call: &mut Call<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    made_strings(call, parts(text(arguments, 1), text(arguments, 0), -1))
}

fn numbered(call: &mut Call<'_>, parts: &[&[u8]]) -> Result<Value, Failure> {
    // An entry of the map takes far more than its text.
    let texts: usize = parts.iter().map(|part| part.len()).sum();
    call.reserve(texts.saturating_add(parts.len().saturating_mul(100)))?;
    let entries = parts.iter().enumerate().map(|(index, part)| (format!("_{index}"), part));
    Ok(Value::string_map(entries))
}
