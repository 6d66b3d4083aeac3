//! Modifiers: what turns one JSON text into another, such as `@reverse`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::get::{Applied, search};
use crate::limits::{Budget, LimitExceeded};
use crate::pretty;
use crate::scan::{Key, Members, parse_slice, squash, tail};
use crate::text::{self, trim, trim_space};
use crate::valid::valid;
use crate::value::{Found, Kind};

/// The modifiers that gjson knows.
#[derive(Clone, Copy)]
pub(crate) enum Modifier {
    Dig,
    Flatten,
    FromStr,
    Group,
    Join,
    Keys,
    Pretty,
    Reverse,
    This,
    ToStr,
    Ugly,
    Valid,
    Values,
}

impl Modifier {
    /// The modifier of a name, without the `@`.
    pub(crate) fn named(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"dig" => Self::Dig,
            b"flatten" => Self::Flatten,
            b"fromstr" => Self::FromStr,
            b"group" => Self::Group,
            b"join" => Self::Join,
            b"keys" => Self::Keys,
            b"pretty" => Self::Pretty,
            b"reverse" => Self::Reverse,
            b"this" => Self::This,
            b"tostr" => Self::ToStr,
            b"ugly" => Self::Ugly,
            b"valid" => Self::Valid,
            b"values" => Self::Values,
            _ => return None,
        })
    }
}

type Text<'a> = Result<Cow<'a, [u8]>, LimitExceeded>;

/// Applies the modifier that a path begins with, and gives what follows it: nothing if there is no
/// such modifier.
pub(crate) fn apply<'a, 'p>(
    budget: &mut Budget,
    json: &'a [u8],
    path: &'p [u8],
) -> Result<Option<Applied<'a, 'p>>, LimitExceeded> {
    let name = tail(path, 1);
    let end = name.iter().position(|byte| matches!(byte, b':' | b'|' | b'.'));
    let (name, rest) = name.split_at_checked(end.unwrap_or(name.len())).unwrap_or((name, b""));
    let Some(modifier) = Modifier::named(name) else { return Ok(None) };
    let (argument, rest) = match rest {
        [b':', rest @ ..] => split_argument(rest),
        _ => (&b""[..], rest),
    };
    budget.work(json.len().saturating_add(argument.len()))?;
    let made = match modifier {
        Modifier::This => Cow::Borrowed(json),
        Modifier::Valid if valid(json) => Cow::Borrowed(json),
        Modifier::FromStr if valid(json) => {
            let string = parse_slice(json);
            budget.reserve(json.len())?;
            Cow::Owned(string.string().into_owned())
        }
        Modifier::Valid | Modifier::FromStr => Cow::Borrowed(&b""[..]),
        Modifier::ToStr => {
            let mut out = Vec::new();
            text::quote(budget, &mut out, json)?;
            Cow::Owned(out)
        }
        Modifier::Ugly => Cow::Owned(pretty::ugly(budget, json)?),
        Modifier::Pretty => Cow::Owned(pretty::pretty(budget, json, &pretty_options(argument))?),
        Modifier::Reverse => reverse(budget, json)?,
        Modifier::Flatten => flatten(budget, json, option(argument, b"deep"))?,
        Modifier::Join => join(budget, json, option(argument, b"preserve"))?,
        Modifier::Keys => Cow::Owned(keys(budget, json)?),
        Modifier::Values => values(budget, json)?,
        Modifier::Group => Cow::Owned(group(budget, json)?),
        Modifier::Dig => {
            let mut out = b"[".to_vec();
            dig(budget, &mut out, &parse_slice(json), argument)?;
            out.push(b']');
            Cow::Owned(out)
        }
    };
    Ok(Some((made, rest)))
}

/// Splits the argument behind a colon from what follows it: one JSON value, or all up to a pipe.
fn split_argument(rest: &[u8]) -> (&[u8], &[u8]) {
    let mut end = 0;
    if matches!(rest.first(), Some(b'{' | b'[' | b'"')) {
        end = squash(rest).len();
    } else {
        while let Some(&byte) = rest.get(end) {
            match byte {
                b'|' => break,
                b'{' | b'[' | b'"' | b'(' => end += squash(tail(rest, end)).len(),
                _ => end += 1,
            }
        }
    }
    rest.split_at_checked(end).unwrap_or((rest, b""))
}

/// The members of a modifier's argument.
fn options(argument: &[u8]) -> impl Iterator<Item = (Cow<'_, [u8]>, Found<'_>)> {
    let members = if parse_slice(argument).kind == Kind::Json { argument } else { b"" };
    Members::of(members).filter_map(|(key, value)| Some((key?.text, value)))
}

/// Whether an option is set; the last one counts.
fn option(argument: &[u8], name: &[u8]) -> bool {
    options(argument).filter(|(key, _)| **key == *name).last().is_some_and(|(_, v)| v.as_bool())
}

fn pretty_options(argument: &[u8]) -> pretty::Options {
    // What is no space is dropped.
    let spaces = |value: &Found<'_>| {
        value.string().iter().copied().filter(|byte| b" \t\n\r".contains(byte)).collect()
    };
    let mut chosen = pretty::Options::default();
    for (key, value) in options(argument) {
        match &*key {
            b"sortKeys" => chosen.sort_keys = value.as_bool(),
            b"indent" => chosen.indent = spaces(&value),
            b"prefix" => chosen.prefix = spaces(&value),
            b"width" => chosen.width = value.as_int(),
            _ => {}
        }
    }
    chosen
}

fn reverse<'a>(budget: &mut Budget, json: &'a [u8]) -> Text<'a> {
    let parsed = parse_slice(json);
    if parsed.kind != Kind::Json {
        return Ok(Cow::Borrowed(json));
    }
    let (open, close) = if parsed.is_object() { (b'{', b'}') } else { (b'[', b']') };
    let members: Vec<_> = Members::of(&parsed.raw).collect();
    let mut out = vec![open];
    for (key, value) in members.iter().rev() {
        separate(budget, &mut out)?;
        if let Some(key) = key {
            budget.push(&mut out, key.raw)?;
            budget.push(&mut out, b":")?;
        }
        budget.push(&mut out, &value.raw)?;
    }
    out.push(close);
    Ok(Cow::Owned(out))
}

/// A comma, but not behind the opening bracket.
fn separate(budget: &mut Budget, out: &mut Vec<u8>) -> Result<(), LimitExceeded> {
    if out.len() > 1 { budget.push(out, b",") } else { Ok(()) }
}

fn flatten<'a>(budget: &mut Budget, json: &'a [u8], deep: bool) -> Text<'a> {
    let parsed = parse_slice(json);
    if !parsed.is_array() {
        return Ok(Cow::Borrowed(json));
    }
    budget.enter()?;
    budget.work(json.len())?;
    let mut out = b"[".to_vec();
    for (_, value) in Members::of(&parsed.raw) {
        let inner = if value.is_array() && deep {
            flatten(budget, &value.raw, deep)?
        } else {
            Cow::Borrowed(&*value.raw)
        };
        let inner = if value.is_array() { unwrap(&inner) } else { &inner };
        let inner = trim_space(inner);
        if !inner.is_empty() {
            separate(budget, &mut out)?;
            budget.push(&mut out, inner)?;
        }
    }
    out.push(b']');
    budget.leave();
    Ok(Cow::Owned(out))
}

/// What is between the brackets; the last character goes whatever it is.
fn unwrap(json: &[u8]) -> &[u8] {
    match trim(json) {
        [b'[' | b'{', inner @ .., _] => inner,
        json => json,
    }
}

fn keys(budget: &mut Budget, json: &[u8]) -> Result<Vec<u8>, LimitExceeded> {
    let parsed = parse_slice(json);
    let mut out = b"[".to_vec();
    if parsed.kind == Kind::Json {
        for (key, _) in Members::of(&parsed.raw) {
            separate(budget, &mut out)?;
            budget.push(&mut out, key.map_or(b"null", |key| key.raw))?;
        }
    } else if parsed.exists() {
        out.extend_from_slice(b"null");
    }
    out.push(b']');
    Ok(out)
}

fn values<'a>(budget: &mut Budget, json: &'a [u8]) -> Text<'a> {
    let parsed = parse_slice(json);
    if parsed.is_array() {
        return Ok(Cow::Borrowed(json));
    }
    let mut out = b"[".to_vec();
    if parsed.kind == Kind::Json {
        for (_, value) in Members::of(&parsed.raw) {
            separate(budget, &mut out)?;
            budget.push(&mut out, &value.raw)?;
        }
    } else {
        budget.push(&mut out, &parsed.raw)?;
    }
    out.push(b']');
    Ok(Cow::Owned(out))
}

/// One object of the members of all objects in an array. Unless `preserve`, a key stays where it
/// is first and has its last value.
fn join<'a>(budget: &mut Budget, json: &'a [u8], preserve: bool) -> Text<'a> {
    let parsed = parse_slice(json);
    if !parsed.is_array() {
        return Ok(Cow::Borrowed(json));
    }
    let objects: Vec<_> =
        Members::of(&parsed.raw).map(|(_, value)| value).filter(Found::is_object).collect();
    let mut out = b"{".to_vec();
    if preserve {
        for (index, object) in objects.iter().enumerate() {
            if index > 0 {
                budget.push(&mut out, b",")?;
            }
            budget.push(&mut out, unwrap(&object.raw))?;
        }
    } else {
        budget.work(json.len())?;
        let mut places = BTreeMap::new();
        let mut joined: Vec<(Key<'_>, Found<'_>)> = Vec::new();
        for object in &objects {
            for (key, value) in Members::of(&object.raw) {
                let Some(key) = key else { continue };
                let place = *places.entry(key.text.clone()).or_insert(joined.len());
                match joined.get_mut(place) {
                    Some((_, earlier)) => *earlier = value,
                    None => joined.push((key, value)),
                }
            }
        }
        for (key, value) in joined {
            separate(budget, &mut out)?;
            budget.push(&mut out, key.raw)?;
            budget.push(&mut out, b":")?;
            budget.push(&mut out, &value.raw)?;
        }
    }
    out.push(b'}');
    Ok(Cow::Owned(out))
}

/// An object of arrays becomes an array of objects.
fn group(budget: &mut Budget, json: &[u8]) -> Result<Vec<u8>, LimitExceeded> {
    let parsed = parse_slice(json);
    if !parsed.is_object() {
        return Ok(Vec::new());
    }
    budget.work(json.len())?;
    let mut groups: Vec<Vec<u8>> = Vec::new();
    for (key, array) in Members::of(&parsed.raw) {
        let Some(key) = key else { continue };
        if !array.is_array() {
            continue;
        }
        for (index, (_, value)) in Members::of(&array.raw).enumerate() {
            // A list costs more than its content.
            budget.reserve(key.raw.len() + value.raw.len() + size_of::<Vec<u8>>())?;
            if groups.len() == index {
                groups.push(b"{".to_vec());
            }
            let Some(out) = groups.get_mut(index) else { continue };
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(key.raw);
            out.push(b':');
            out.extend_from_slice(&value.raw);
        }
    }
    let mut out = b"[".to_vec();
    for group in groups {
        separate(budget, &mut out)?;
        budget.push(&mut out, &group)?;
        budget.push(&mut out, b"}")?;
    }
    out.push(b']');
    Ok(out)
}

/// What is at the path in a value and in all values within it.
fn dig(
    budget: &mut Budget,
    out: &mut Vec<u8>,
    value: &Found<'_>,
    path: &[u8],
) -> Result<(), LimitExceeded> {
    budget.enter()?;
    let found = search(budget, &value.raw, path)?;
    if found.exists() {
        separate(budget, out)?;
        budget.push(out, &found.raw)?;
    }
    drop(found);
    if value.kind == Kind::Json {
        budget.work(value.raw.len())?;
        for (_, inner) in Members::of(&value.raw) {
            dig(budget, out, &inner, path)?;
        }
    }
    budget.leave();
    Ok(())
}
