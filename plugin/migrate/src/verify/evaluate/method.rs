//! Methods of strings, arrays and numbers.

use std::rc::Rc;

use super::operator::{has_own, same, to_integer, to_number};
use super::{Evaluator, Halt, regex, throws, unmodelled};
use crate::lodash::ir::{Expr, ExprKind, Method, Regex};
use crate::verify::js::{self, Js, Text, number, utf16};

/// `receiver.method(arguments)`
pub(super) fn call(
    evaluator: &mut Evaluator<'_>,
    method: Method,
    receiver: &Expr,
    arguments: &[Expr],
    optional: bool,
) -> Result<Js, Halt> {
    if let (Method::Test, ExprKind::Regex(pattern)) = (method, &receiver.kind) {
        let subject = match arguments.first() {
            Some(subject) => evaluator.expr(subject)?.to_text(),
            None => utf16("undefined"),
        };
        evaluator.spend(subject.len())?;
        return Ok(Js::Bool(regex::compile(pattern)?.is_match(&regex::subject(&subject)?)));
    }
    let receiver = evaluator.receiver(receiver, optional)?;
    let pattern = match arguments.first().map(|argument| &argument.kind) {
        Some(ExprKind::Regex(pattern)) => Some(pattern),
        _ => None,
    };
    let skipped = usize::from(pattern.is_some());
    let mut values = vec![Js::Undefined; skipped];
    for argument in arguments.iter().skip(skipped) {
        values.push(evaluator.expr(argument)?);
    }
    let size = match &receiver {
        Js::String(text) => text.len(),
        Js::Array(items) => items.len(),
        _ => 1,
    };
    evaluator.spend(size)?;
    let result = match &receiver {
        Js::String(text) => of_string(evaluator, method, text, pattern, &values)?,
        Js::Array(items) if pattern.is_none() => of_array(method, &receiver, items, &values)?,
        Js::Undefined | Js::Null => {
            return Err(throws("a method of null or undefined is called"));
        }
        other if pattern.is_none() => of_other(method, other, &values)?,
        _ => return Err(throws("the value has no such method")),
    };
    if let Js::String(text) = &result {
        evaluator.spend(text.len())?;
    }
    Ok(result)
}

const NO_METHOD: Halt = throws("the value has no such method");

fn of_other(method: Method, value: &Js, arguments: &[Js]) -> Result<Js, Halt> {
    match (method, value) {
        (Method::ToString, Js::Number(_)) if !matches!(arguments, [] | [Js::Undefined]) => {
            Err(unmodelled("a number in another base"))
        }
        (Method::ToString, Js::Bytes(_)) if !arguments.is_empty() => {
            Err(unmodelled("a Buffer in another encoding"))
        }
        // An object's own member of this name would be called instead.
        (_, Js::Object(object)) if object.get(&utf16(name_of(method))).is_some() => Err(NO_METHOD),
        (Method::ToString, value) => Ok(Js::String(value.to_text())),
        (Method::HasOwnProperty, value) => {
            Ok(Js::Bool(has_own(value, arguments.first().unwrap_or(&Js::Undefined))))
        }
        (Method::ToFixed, Js::Number(number)) => to_fixed(*number, arguments.first()),
        _ => Err(NO_METHOD),
    }
}

fn name_of(method: Method) -> &'static str {
    match method {
        Method::ToString => "toString",
        Method::HasOwnProperty => "hasOwnProperty",
        _ => "",
    }
}

/// `number.toFixed(digits)`: half is rounded up by the exact value, not by its shortest digits.
fn to_fixed(number: f64, digits: Option<&Js>) -> Result<Js, Halt> {
    let wanted = digits.map_or(0.0, to_integer);
    if !(0.0..=100.0).contains(&wanted) {
        return Err(throws("toFixed takes 0 to 100 digits"));
    }
    if !number.is_finite() || number.abs() >= 1e21 {
        return Ok(Js::text(&number::to_text(number)));
    }
    let wanted = (0..=100usize).find(|count| same_count(*count, wanted)).unwrap_or(0);
    // No double has more digits behind its point.
    let exact = format!("{:.1074}", number.abs());
    let (whole, rest) = exact.split_once('.').unwrap_or((&exact, ""));
    let (kept, cut) = rest.split_at_checked(wanted).unwrap_or((rest, ""));
    let mut all: Vec<u8> = whole.bytes().chain(kept.bytes()).collect();
    if cut.bytes().next().is_some_and(|digit| digit >= b'5') {
        let mut carry = true;
        for digit in all.iter_mut().rev() {
            if *digit == b'9' {
                *digit = b'0';
            } else {
                *digit += 1;
                carry = false;
                break;
            }
        }
        if carry {
            all.insert(0, b'1');
        }
    }
    let point = all.len().saturating_sub(wanted);
    let mut text = String::new();
    if number < 0.0 {
        text.push('-');
    }
    for (i, digit) in all.into_iter().enumerate() {
        if i == point {
            text.push('.');
        }
        text.push(char::from(digit));
    }
    Ok(Js::text(&text))
}

fn same_count(count: usize, wanted: f64) -> bool {
    u32::try_from(count).is_ok_and(|count| (f64::from(count) - wanted).abs() < 0.5)
}

/// A position in something of `length`: as `slice` counts it, negative ones from the end.
#[expect(clippy::cast_precision_loss, reason = "no string has 2^53 units")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
fn from_end(value: f64, length: usize) -> usize {
    let length_f = length as f64;
    let at = if value < 0.0 { (length_f + value).max(0.0) } else { value.min(length_f) };
    at as usize
}

/// A position in something of `length`: negative ones are 0.
fn clamped(value: f64, length: usize) -> usize {
    from_end(value.max(0.0), length)
}

/// The element `value` counted from the start, or from the end if it is negative.
#[expect(clippy::cast_precision_loss, reason = "no string has 2^53 units")]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
fn element(value: f64, length: usize) -> Option<usize> {
    let at = if value < 0.0 { length as f64 + value } else { value };
    (at >= 0.0 && at < length as f64).then_some(at as usize)
}

#[expect(clippy::cast_precision_loss, reason = "no string has 2^53 units")]
fn found(at: Option<usize>) -> Js {
    Js::Number(at.map_or(-1.0, |at| at as f64))
}

fn argument(arguments: &[Js], index: usize) -> Option<&Js> {
    arguments.get(index).filter(|value| !matches!(value, Js::Undefined))
}

fn integer(arguments: &[Js], index: usize, default: f64) -> f64 {
    argument(arguments, index).map_or(default, to_integer)
}

fn text(arguments: &[Js], index: usize) -> Text {
    arguments.get(index).unwrap_or(&Js::Undefined).to_text()
}

fn of_string(
    evaluator: &mut Evaluator<'_>,
    method: Method,
    receiver: &Text,
    pattern: Option<&Regex>,
    arguments: &[Js],
) -> Result<Js, Halt> {
    let length = receiver.len();
    let string = |units: &[u16]| Js::String(Rc::from(units));
    if let Some(pattern) = pattern {
        return of_pattern(evaluator, method, receiver, pattern, arguments);
    }
    Ok(match method {
        Method::At => match element(integer(arguments, 0, 0.0), length) {
            Some(at) => string(part(receiver, at, at + 1)),
            None => Js::Undefined,
        },
        Method::CharAt => {
            let at = integer(arguments, 0, 0.0);
            let at = if at < 0.0 { None } else { element(at, length) };
            string(at.map_or(&[][..], |at| part(receiver, at, at + 1)))
        }
        Method::CharCodeAt => {
            let at = integer(arguments, 0, 0.0);
            let at = if at < 0.0 { None } else { element(at, length) };
            let unit = at.and_then(|at| receiver.get(at));
            Js::Number(unit.map_or(f64::NAN, |unit| f64::from(*unit)))
        }
        Method::Concat => {
            let mut out = receiver.to_vec();
            for argument in arguments {
                argument.write(&mut out);
            }
            Js::String(out.into())
        }
        Method::StartsWith => {
            let from = clamped(integer(arguments, 1, 0.0), length);
            Js::Bool(part(receiver, from, length).starts_with(&text(arguments, 0)))
        }
        Method::EndsWith => {
            let end = clamped(integer(arguments, 1, f64::INFINITY), length);
            Js::Bool(part(receiver, 0, end).ends_with(&text(arguments, 0)))
        }
        Method::Includes => {
            let from = clamped(integer(arguments, 1, 0.0), length);
            let wanted = text(arguments, 0);
            evaluator.spend(wanted.len())?;
            Js::Bool(find(receiver, &wanted, from).is_some())
        }
        Method::IndexOf => {
            let from = clamped(integer(arguments, 1, 0.0), length);
            found(find(receiver, &text(arguments, 0), from))
        }
        Method::LastIndexOf => {
            let wanted = text(arguments, 0);
            let from = argument(arguments, 1).map_or(f64::NAN, to_number);
            let from = if from.is_nan() { length } else { clamped(from.trunc(), length) };
            let starts = (0..=from.min(length)).rev();
            found(starts.into_iter().find(|at| part(receiver, *at, length).starts_with(&wanted)))
        }
        Method::PadStart | Method::PadEnd => {
            let target = integer(arguments, 0, 0.0);
            let fill = argument(arguments, 1).map_or_else(|| utf16(" "), Js::to_text);
            if target > 1e6 {
                return Err(Halt::Stop(js::Stop::TooMuch));
            }
            let missing = clamped(target, 1_000_000).saturating_sub(length);
            let padding = fill.iter().copied().cycle().take(missing);
            let out: Vec<u16> = match (fill.is_empty(), method) {
                (true, _) => receiver.to_vec(),
                (_, Method::PadStart) => padding.chain(receiver.iter().copied()).collect(),
                _ => receiver.iter().copied().chain(padding).collect(),
            };
            Js::String(out.into())
        }
        Method::Repeat => {
            let count = integer(arguments, 0, 0.0);
            if !(0.0..f64::INFINITY).contains(&count) {
                return Err(throws("repeat is given a negative or endless count"));
            }
            if receiver.is_empty() {
                return Ok(string(&[]));
            }
            if count > 1e6 {
                return Err(Halt::Stop(js::Stop::TooMuch));
            }
            let count = clamped(count, 1_000_000);
            evaluator.spend(count.saturating_mul(length))?;
            Js::String(receiver.repeat(count).into())
        }
        Method::Replace | Method::ReplaceAll => {
            let (wanted, replacement) = (text(arguments, 0), text(arguments, 1));
            let all = method == Method::ReplaceAll;
            Js::String(replace(evaluator, receiver, &wanted, &replacement, all)?.into())
        }
        Method::Slice => {
            let start = from_end(integer(arguments, 0, 0.0), length);
            let end = from_end(integer(arguments, 1, f64::INFINITY), length);
            string(part(receiver, start, end))
        }
        Method::Substring => {
            let start = clamped(integer(arguments, 0, 0.0), length);
            let end = clamped(integer(arguments, 1, f64::INFINITY), length);
            string(part(receiver, start.min(end), start.max(end)))
        }
        Method::Substr => {
            let start = from_end(integer(arguments, 0, 0.0), length);
            let count = clamped(integer(arguments, 1, f64::INFINITY), length - start);
            string(part(receiver, start, start + count))
        }
        Method::Split => {
            let limit = split_limit(arguments)?;
            let parts: Vec<Js> = match argument(arguments, 0) {
                None => vec![string(receiver)],
                Some(separator) => split(receiver, &separator.to_text()),
            };
            evaluator.spend(parts.len())?;
            Js::Array(Rc::new(parts.into_iter().take(limit).collect()))
        }
        Method::ToLowerCase => Js::text(&whole(receiver)?.to_lowercase()),
        Method::ToUpperCase => Js::text(&whole(receiver)?.to_uppercase()),
        Method::ToString => Js::String(Rc::clone(receiver)),
        Method::HasOwnProperty => Js::Bool(has_own(
            &Js::String(Rc::clone(receiver)),
            arguments.first().unwrap_or(&Js::Undefined),
        )),
        Method::Trim => string(trim_end(trim_start(receiver))),
        Method::TrimStart => string(trim_start(receiver)),
        Method::TrimEnd => string(trim_end(receiver)),
        Method::Match => return Err(unmodelled("a pattern that is made of a text")),
        Method::Join
        | Method::Pop
        | Method::Reverse
        | Method::Shift
        | Method::Sort
        | Method::Test
        | Method::ToFixed => return Err(NO_METHOD),
    })
}

/// `replace`, `replaceAll`, `split` and `match` with a regular expression.
fn of_pattern(
    evaluator: &mut Evaluator<'_>,
    method: Method,
    receiver: &Text,
    pattern: &Regex,
    arguments: &[Js],
) -> Result<Js, Halt> {
    let regexp = regex::compile(pattern)?;
    let subject = regex::subject(receiver)?;
    Ok(match method {
        Method::ReplaceAll if !pattern.global => {
            return Err(throws("replaceAll needs a global pattern"));
        }
        Method::Replace | Method::ReplaceAll => {
            let replacement = String::from_utf16_lossy(&text(arguments, 1));
            let budget = evaluator.steps;
            let out = regex::replace(&regexp, &subject, &replacement, pattern.global, budget)?;
            Js::text(&out)
        }
        Method::Split => {
            let limit = split_limit(arguments)?;
            let parts = regex::split(&regexp, &subject);
            evaluator.spend(parts.len())?;
            Js::Array(Rc::new(parts.into_iter().take(limit).collect()))
        }
        Method::Match => {
            let found = regex::matches(&regexp, &subject, pattern.global);
            evaluator.spend(found.len())?;
            if found.is_empty() { Js::Null } else { Js::Array(Rc::new(found)) }
        }
        _ => return Err(throws("the method takes no regular expression")),
    })
}

fn split_limit(arguments: &[Js]) -> Result<usize, Halt> {
    match argument(arguments, 1) {
        None => Ok(usize::MAX),
        Some(limit) => {
            let limit = to_integer(limit);
            if limit < 0.0 || limit > f64::from(u32::MAX) {
                return Err(unmodelled("a limit of split that wraps around"));
            }
            Ok(clamped(limit, usize::try_from(u32::MAX).unwrap_or(usize::MAX)))
        }
    }
}

fn of_array(
    method: Method,
    receiver: &Js,
    items: &Rc<Vec<Js>>,
    arguments: &[Js],
) -> Result<Js, Halt> {
    let length = items.len();
    let list = |items: Vec<Js>| Js::Array(Rc::new(items));
    let first = arguments.first().unwrap_or(&Js::Undefined);
    Ok(match method {
        Method::At => {
            let at = element(integer(arguments, 0, 0.0), length);
            at.and_then(|at| items.get(at)).cloned().unwrap_or(Js::Undefined)
        }
        Method::Concat => {
            let mut out = items.to_vec();
            for argument in arguments {
                match argument {
                    Js::Array(more) => out.extend(more.iter().cloned()),
                    other => out.push(other.clone()),
                }
            }
            list(out)
        }
        Method::Includes => {
            let from = from_end(integer(arguments, 1, 0.0), length);
            let nan = |value: &Js| matches!(value, Js::Number(n) if n.is_nan());
            let is = |item: &Js| same(item, first) || (nan(item) && nan(first));
            Js::Bool(items.iter().skip(from).any(is))
        }
        Method::IndexOf => {
            let from = from_end(integer(arguments, 1, 0.0), length);
            found(items.iter().skip(from).position(|item| same(item, first)).map(|at| at + from))
        }
        Method::LastIndexOf if arguments.len() < 2 => {
            found(items.iter().rposition(|item| same(item, first)))
        }
        Method::LastIndexOf => return Err(unmodelled("lastIndexOf from a position")),
        Method::Join => {
            let separator = argument(arguments, 0).map_or_else(|| utf16(","), Js::to_text);
            let mut out = Vec::new();
            js::join(items, &separator, &mut out);
            Js::String(out.into())
        }
        Method::Pop => items.last().cloned().unwrap_or(Js::Undefined),
        Method::Shift => items.first().cloned().unwrap_or(Js::Undefined),
        Method::Reverse => list(items.iter().rev().cloned().collect()),
        Method::Sort if arguments.is_empty() => {
            let mut keyed: Vec<(bool, Text, Js)> = items
                .iter()
                .map(|item| (matches!(item, Js::Undefined), item.to_text(), item.clone()))
                .collect();
            // Undefined comes last, whatever it is called.
            keyed.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
            list(keyed.into_iter().map(|(_, _, item)| item).collect())
        }
        Method::Sort => return Err(unmodelled("sort by a function")),
        Method::Slice => {
            let start = from_end(integer(arguments, 0, 0.0), length);
            let end = from_end(integer(arguments, 1, f64::INFINITY), length);
            list(items.iter().take(end).skip(start).cloned().collect())
        }
        Method::ToString => Js::String(receiver.to_text()),
        Method::HasOwnProperty => Js::Bool(has_own(receiver, first)),
        _ => return Err(NO_METHOD),
    })
}

/// Units from `start` to `end`; none if they are the wrong way round.
fn part(text: &[u16], start: usize, end: usize) -> &[u16] {
    text.get(start..end.min(text.len())).unwrap_or_default()
}

/// Where `wanted` begins, at or behind `from`.
fn find(text: &[u16], wanted: &[u16], from: usize) -> Option<usize> {
    if wanted.is_empty() {
        return (from <= text.len()).then_some(from);
    }
    let rest = text.get(from..)?;
    rest.windows(wanted.len()).position(|window| window == wanted).map(|at| at + from)
}

fn split(text: &[u16], separator: &[u16]) -> Vec<Js> {
    let string = |units: &[u16]| Js::String(Rc::from(units));
    if separator.is_empty() {
        return text.iter().map(|unit| string(&[*unit])).collect();
    }
    let (mut parts, mut at) = (Vec::new(), 0);
    while let Some(next) = find(text, separator, at) {
        parts.push(string(part(text, at, next)));
        at = next + separator.len();
    }
    parts.push(string(part(text, at, text.len())));
    parts
}

fn replace(
    evaluator: &mut Evaluator<'_>,
    text: &[u16],
    wanted: &[u16],
    replacement: &[u16],
    all: bool,
) -> Result<Vec<u16>, Halt> {
    let (mut out, mut at, mut from) = (Vec::new(), 0, 0);
    while let Some(next) = find(text, wanted, from) {
        out.extend_from_slice(part(text, at, next));
        let before = out.len();
        expand(replacement, text, next, wanted, &mut out);
        evaluator.spend(out.len() - before + 1)?;
        at = next + wanted.len();
        from = at.max(next + 1);
        if !all {
            break;
        }
    }
    out.extend_from_slice(part(text, at, text.len()));
    Ok(out)
}

/// `$$`, `$&`, `` $` `` and `$'` of a replacement; there are no groups.
fn expand(replacement: &[u16], text: &[u16], at: usize, matched: &[u16], out: &mut Vec<u16>) {
    let mut units = replacement.iter().copied().peekable();
    while let Some(unit) = units.next() {
        let next = units.peek().and_then(|next| u8::try_from(*next).ok());
        let special: &[u16] = match (u8::try_from(unit), next) {
            (Ok(b'$'), Some(b'$')) => &[36],
            (Ok(b'$'), Some(b'&')) => matched,
            (Ok(b'$'), Some(b'`')) => part(text, 0, at),
            (Ok(b'$'), Some(b'\'')) => part(text, at + matched.len(), text.len()),
            _ => {
                out.push(unit);
                continue;
            }
        };
        units.next();
        out.extend_from_slice(special);
    }
}

fn is_blank(unit: u16) -> bool {
    char::from_u32(u32::from(unit)).is_some_and(number::is_blank)
}

fn trim_start(text: &[u16]) -> &[u16] {
    let at = text.iter().position(|unit| !is_blank(*unit)).unwrap_or(text.len());
    part(text, at, text.len())
}

fn trim_end(text: &[u16]) -> &[u16] {
    let end = text.iter().rposition(|unit| !is_blank(*unit)).map_or(0, |at| at + 1);
    part(text, 0, end)
}

/// The text, if no pair in it is halved.
fn whole(text: &[u16]) -> Result<String, Halt> {
    String::from_utf16(text).map_err(|_| unmodelled("the case of half a pair"))
}
