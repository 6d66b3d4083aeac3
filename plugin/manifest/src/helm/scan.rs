//! Where the actions of a template stand, and which of them belong together.
//!
//! The rules are those of Go's `text/template`: an action ends at the first `}}` outside a string,
//! a comment at its `*/`. What an action computes is not looked at.

use std::ops::Range;

use crate::blank::Blank as _;

/// What an action does to the text around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `if`: what follows may be left out.
    If,
    /// `range`, `with`, `define` or `block`: the dot means something else inside.
    Scope,
    /// `else`
    Else,
    /// `end`
    End,
    /// `break`, `continue`, or a variable that gets a value.
    Step,
    /// Text, or nothing, in its place.
    Prints,
    /// `/* ... */`
    Comment,
}

/// One `{{ ... }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Action {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
    /// The lines, counted from 0, in which it begins and ends.
    lines: (usize, usize),
}

/// Actions that are set aside as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub(super) span: Range<usize>,
    /// Its actions, by their place in the list of all.
    pub(super) actions: Range<usize>,
    /// There is nothing else on its lines.
    pub(super) alone: bool,
    /// It decides about text outside itself.
    pub(super) controls: bool,
    /// It may print something.
    pub(super) prints: bool,
}

/// Why a text is no template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) at: usize,
    pub(super) why: &'static str,
}

/// All actions of a text, in order.
pub(super) fn actions(text: &str) -> Result<Vec<Action>, Fault> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 0);
    let breaks =
        |from: usize, to: usize| text.get(from..to).unwrap_or_default().matches('\n').count();
    while let Some(start) = text.get(at..).and_then(|rest| rest.find("{{")).map(|to| at + to) {
        let end =
            end_of_action(text, start).ok_or(Fault { at: start, why: "this `{{` has no `}}`" })?;
        let inner = text.get(start + 2..end.saturating_sub(2)).unwrap_or_default();
        let begins = line + breaks(at, start);
        line = begins + breaks(start, end);
        found.push(Action { span: start..end, kind: kind(inner), lines: (begins, line) });
        at = end;
    }
    Ok(found)
}

/// One past the `}}` of the action that begins at `start`.
fn end_of_action(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut at = start + 2;
    if bytes.get(at) == Some(&b'-') && bytes.get(at + 1).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    let blank = text.get(at..)?;
    let comment = at + (blank.len() - blank.trim_blanks_start().len());
    if text.get(comment..)?.starts_with("/*") {
        let close = comment + 2 + text.get(comment + 2..)?.find("*/")? + 2;
        let rest = text.get(close..)?;
        let rest = rest.trim_blanks_start();
        let rest = rest.strip_prefix('-').unwrap_or(rest);
        let rest = rest.strip_prefix("}}")?;
        return Some(text.len() - rest.len());
    }
    let mut quote = None;
    while let Some(&byte) = bytes.get(at) {
        match (quote, byte) {
            (Some(b'"' | b'\''), b'\\') => at += 1,
            // Only a raw string goes on in the next line.
            (Some(b'"' | b'\''), b'\n') => return None,
            (Some(open), byte) if open == byte => quote = None,
            (None, b'"' | b'\'' | b'`') => quote = Some(byte),
            (None, b'}') if bytes.get(at + 1) == Some(&b'}') => return Some(at + 2),
            (None, b'{') if bytes.get(at + 1) == Some(&b'{') => return None,
            _ => {}
        }
        at += 1;
    }
    None
}

/// `inner` is what stands between the braces.
fn kind(inner: &str) -> Kind {
    let inner = inner.strip_prefix('-').unwrap_or(inner).trim_blanks_start();
    let word_end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    match inner.get(..word_end.unwrap_or(inner.len())).unwrap_or_default() {
        "" if inner.starts_with("/*") => Kind::Comment,
        "if" => Kind::If,
        "range" | "with" | "define" | "block" => Kind::Scope,
        "else" => Kind::Else,
        "end" => Kind::End,
        "break" | "continue" => Kind::Step,
        _ if inner.starts_with('$') && assigns(inner) => Kind::Step,
        _ => Kind::Prints,
    }
}

/// `$name :=` or `$name =`.
fn assigns(inner: &str) -> bool {
    let name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let rest = inner.trim_start_matches(name).trim_blanks_start();
    rest.starts_with(":=") || (rest.starts_with('=') && !rest.starts_with("=="))
}

/// Where the dot means something else than at the top of the file, and what opens such stretches.
pub(super) type Scopes = Vec<(Range<usize>, usize)>;

/// Puts together what belongs together: all actions of lines that hold nothing else, and an `if` or
/// `range` with its `end` where both stand on one line. Also says where scopes begin and end.
pub(super) fn units(text: &str, actions: &[Action]) -> Result<(Vec<Unit>, Scopes), Fault> {
    let (ends, scopes) = blocks(actions)?;
    let mut units: Vec<Unit> = Vec::new();
    let mut at = 0;
    while let Some(first) = actions.get(at) {
        let mut end = at + 1;
        let begins = begins_line(text, first.span.start);
        // Nothing but blanks between them, on the line where the one ends and the next begins.
        while let (true, Some(one), Some(next)) = (begins, actions.get(end - 1), actions.get(end))
            && text.get(one.span.end..next.span.start).is_some_and(is_blank)
        {
            end += 1;
        }
        let last = actions.get(end - 1).map_or(first.span.end, |last| last.span.end);
        let alone = begins && ends_line(text, last);
        let run = at..end;
        if alone {
            let all = actions.get(run.clone()).unwrap_or_default();
            let controls = all.iter().any(|a| !matches!(a.kind, Kind::Prints | Kind::Comment));
            let prints = all.iter().any(|a| a.kind == Kind::Prints);
            let span = first.span.start..last;
            units.push(Unit { span, actions: run, alone, controls, prints });
            at = end;
            continue;
        }
        let closing =
            ends.get(at).copied().flatten().and_then(|end| Some((end, actions.get(end)?)));
        let unit = match closing {
            Some((end, closing)) if first.lines.0 == closing.lines.1 => {
                let inner = actions.get(at + 1..end).unwrap_or_default();
                Unit {
                    span: first.span.start..closing.span.end,
                    actions: at..end + 1,
                    alone: false,
                    controls: inner.iter().any(|a| a.kind == Kind::Step),
                    prints: true,
                }
            }
            _ => Unit {
                span: first.span.clone(),
                actions: at..at + 1,
                alone: false,
                controls: !matches!(first.kind, Kind::Prints | Kind::Comment),
                prints: first.kind == Kind::Prints,
            },
        };
        at = unit.actions.end;
        units.push(unit);
    }
    Ok((units, scopes))
}

/// The `end` of each action that has one, and the stretches between them that are scopes.
fn blocks(actions: &[Action]) -> Result<(Vec<Option<usize>>, Scopes), Fault> {
    let mut ends = vec![None; actions.len()];
    let mut scopes = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (index, action) in actions.iter().enumerate() {
        match action.kind {
            Kind::If | Kind::Scope => open.push(index),
            Kind::End | Kind::Else if open.is_empty() => {
                return Err(Fault { at: action.span.start, why: "nothing is open here" });
            }
            Kind::End => {
                let Some(opener) = open.pop() else { continue };
                if let Some(end) = ends.get_mut(opener) {
                    *end = Some(index);
                }
                if let Some(begin) = actions.get(opener).filter(|a| a.kind == Kind::Scope) {
                    scopes.push((begin.span.end..action.span.start, begin.span.start));
                }
            }
            Kind::Else | Kind::Step | Kind::Prints | Kind::Comment => {}
        }
    }
    match open.last().and_then(|opener| actions.get(*opener)) {
        Some(action) => Err(Fault { at: action.span.start, why: "this has no `{{ end }}`" }),
        None => Ok((ends, scopes)),
    }
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(blank)
}

fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

pub(super) fn begins_line(text: &str, at: usize) -> bool {
    let before = text.as_bytes().get(..at).unwrap_or_default();
    before.iter().rev().find(|byte| !blank(**byte)).is_none_or(|byte| *byte == b'\n')
}

fn ends_line(text: &str, at: usize) -> bool {
    let after = text.get(at..).unwrap_or_default().trim_start_matches([' ', '\t']);
    after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n")
}
