//! Regular expressions of JavaScript, as far as Rust's engine means the same by them.

use std::fmt::Write as _;

use regex::{Regex as Compiled, RegexBuilder};

use super::{Halt, unmodelled};
use crate::lodash::ir::Regex;
use crate::verify::js::{Js, Stop};

/// Bytes that a compiled expression may take.
const MAX_SIZE: usize = 1 << 20;

/// What JavaScript's `\s` is, inside of a class.
const BLANKS: &str = r"\t\n\x0B\x0C\r \x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}";

/// The expression for Rust's engine.
pub(super) fn compile(regex: &Regex) -> Result<Compiled, Halt> {
    const UNKNOWN: Halt = unmodelled("a regular expression of this form");
    let pattern = translate(&regex.pattern, regex).ok_or(UNKNOWN)?;
    RegexBuilder::new(&pattern)
        .case_insensitive(regex.ignore_case)
        .size_limit(MAX_SIZE)
        .nest_limit(50)
        .build()
        .map_err(|_| UNKNOWN)
}

/// A subject that JavaScript and Rust see alike: one unit is one character.
pub(super) fn subject(text: &[u16]) -> Result<String, Halt> {
    if text.iter().any(|unit| (0xd800..0xe000).contains(unit)) {
        return Err(unmodelled("a regular expression on characters beyond the first 65536"));
    }
    Ok(String::from_utf16_lossy(text))
}

/// `None` for what may mean something else in Rust.
fn translate(pattern: &str, regex: &Regex) -> Option<String> {
    // Folding case beyond ASCII follows other tables.
    if regex.ignore_case && !pattern.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut chars = pattern.chars().peekable();
    let mut class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let escaped = chars.next()?;
                match escaped {
                    'd' => out.push_str(if class { "0-9" } else { "[0-9]" }),
                    'w' => out.push_str(if class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                    's' if class => out.push_str(BLANKS),
                    's' => {
                        out.push('[');
                        out.push_str(BLANKS);
                        out.push(']');
                    }
                    'D' => out.push_str("[^0-9]"),
                    'W' => out.push_str("[^0-9A-Za-z_]"),
                    'S' => {
                        out.push_str("[^");
                        out.push_str(BLANKS);
                        out.push(']');
                    }
                    'b' if class => out.push_str(r"\x08"),
                    'b' => out.push_str(r"(?-u:\b)"),
                    'B' if !class => return None,
                    'n' | 'r' | 't' | 'f' | 'v' => {
                        out.push('\\');
                        out.push(escaped);
                    }
                    '0' if !chars.peek().is_some_and(char::is_ascii_digit) => {
                        out.push_str(r"\x00");
                    }
                    'x' | 'u' => {
                        let count = if escaped == 'x' { 2 } else { 4 };
                        let digits: String = chars.by_ref().take(count).collect();
                        let code = u32::from_str_radix(&digits, 16).ok()?;
                        if digits.len() != count || (0xd800..0xe000).contains(&code) {
                            return None;
                        }
                        // Writing to a String does not fail.
                        let _ = write!(out, "\\x{{{code:x}}}");
                    }
                    '-' => out.push_str(r"\-"),
                    c if c.is_ascii_punctuation() => {
                        out.push('\\');
                        out.push(c);
                    }
                    // Back-references, named classes, control characters and the like.
                    _ => return None,
                }
            }
            '[' if class => out.push_str(r"\["),
            '[' => {
                class = true;
                out.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                // `[]` and `[^]` are nothing and anything in JavaScript.
                if chars.peek() == Some(&']') {
                    return None;
                }
            }
            ']' if class => {
                class = false;
                out.push(']');
            }
            // Operators of classes in Rust.
            '&' | '~' if class => {
                out.push('\\');
                out.push(c);
            }
            '-' if class && chars.peek() == Some(&'-') => return None,
            '.' if !class => {
                out.push_str(if regex.dot_all { "(?s:.)" } else { r"[^\n\r\x{2028}\x{2029}]" });
            }
            '^' | '$' if !class && regex.multiline => return None,
            '$' if !class => out.push_str(r"\z"),
            '(' if !class && chars.peek() == Some(&'?') => {
                out.push('(');
                chars.next();
                out.push('?');
                match chars.peek() {
                    Some(':') => {}
                    Some('<') => {
                        chars.next();
                        if matches!(chars.peek(), Some('=' | '!')) {
                            return None;
                        }
                        out.push('<');
                    }
                    _ => return None,
                }
            }
            // Rust counts a brace as a quantifier or an error; JavaScript may take it literally.
            '{' if !class => {
                let ahead: String = chars.clone().take_while(|c| *c != '}').collect();
                let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
                let counts = match ahead.split_once(',') {
                    Some((low, high)) => !low.is_empty() && number(low) && number(high),
                    None => !ahead.is_empty() && number(&ahead),
                };
                if !counts || !chars.clone().any(|c| c == '}') {
                    return None;
                }
                out.push('{');
            }
            c => out.push(c),
        }
    }
    // A group in a loop forgets its last turn in JavaScript and not in Rust; only what is
    // captured could tell.
    (!class).then_some(out)
}

/// `subject.replace(regexp, replacement)`
pub(super) fn replace(
    regexp: &Compiled,
    subject: &str,
    replacement: &str,
    all: bool,
    budget: usize,
) -> Result<String, Halt> {
    let mut out = String::new();
    let mut at = 0;
    for captures in regexp.captures_iter(subject) {
        let Some(whole) = captures.get(0) else { break };
        out.push_str(subject.get(at..whole.start()).unwrap_or_default());
        expand(replacement, subject, &captures, &mut out)?;
        at = whole.end();
        if out.len() > budget {
            return Err(Halt::Stop(Stop::TooMuch));
        }
        if !all {
            break;
        }
    }
    out.push_str(subject.get(at..).unwrap_or_default());
    Ok(out)
}

/// `$$`, `$&`, `` $` ``, `$'`, `$1` and `$12` of a replacement.
fn expand(
    replacement: &str,
    subject: &str,
    captures: &regex::Captures<'_>,
    out: &mut String,
) -> Result<(), Halt> {
    let whole = captures.get(0).map(|whole| whole.range()).unwrap_or_default();
    let groups = captures.len();
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let digit = |at: usize| {
            after.as_bytes().get(at).filter(|b| b.is_ascii_digit()).map(|b| usize::from(b - b'0'))
        };
        let one = digit(0);
        let two = one.zip(digit(1)).map(|(tens, ones)| tens * 10 + ones);
        let group = match (two, one) {
            (Some(two), _) if (1..groups).contains(&two) => Some((two, 2)),
            (_, Some(one)) if (1..groups).contains(&one) => Some((one, 1)),
            _ => None,
        };
        let (text, taken) = match after.as_bytes().first() {
            Some(b'$') => ("$", 1),
            Some(b'&') => (subject.get(whole.clone()).unwrap_or_default(), 1),
            Some(b'`') => (subject.get(..whole.start).unwrap_or_default(), 1),
            Some(b'\'') => (subject.get(whole.end..).unwrap_or_default(), 1),
            Some(b'<') => return Err(unmodelled("a named group in a replacement")),
            _ => match group {
                Some((group, taken)) => (captures.get(group).map_or("", |it| it.as_str()), taken),
                None => ("$", 0),
            },
        };
        out.push_str(text);
        rest = after.get(taken..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(())
}

/// `subject.split(regexp)`, with what groups caught between the parts.
pub(super) fn split(regexp: &Compiled, subject: &str) -> Vec<Js> {
    if subject.is_empty() {
        return if regexp.is_match("") { Vec::new() } else { vec![Js::text("")] };
    }
    let mut parts = Vec::new();
    let mut at = 0;
    for captures in regexp.captures_iter(subject) {
        let Some(whole) = captures.get(0) else { break };
        // Nothing at the start, at the end, or right where the last part ended, splits nothing.
        if whole.is_empty() && (whole.start() <= at || whole.start() == subject.len()) {
            continue;
        }
        parts.push(Js::text(subject.get(at..whole.start()).unwrap_or_default()));
        for group in captures.iter().skip(1) {
            parts.push(group.map_or(Js::Undefined, |group| Js::text(group.as_str())));
        }
        at = whole.end();
    }
    parts.push(Js::text(subject.get(at..).unwrap_or_default()));
    parts
}

/// `subject.match(regexp)`: all matches, or the groups of the first.
pub(super) fn matches(regexp: &Compiled, subject: &str, all: bool) -> Vec<Js> {
    if all {
        return regexp.find_iter(subject).map(|found| Js::text(found.as_str())).collect();
    }
    let groups = regexp.captures(subject);
    let groups = groups.as_ref().map(|it| it.iter()).into_iter().flatten();
    groups.map(|group| group.map_or(Js::Undefined, |group| Js::text(group.as_str()))).collect()
}
