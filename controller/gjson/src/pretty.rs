//! `@pretty` and `@ugly`, as `github.com/tidwall/pretty`: white space for reading, or none. Neither
//! insists on valid JSON.

use std::borrow::Cow;
use std::cmp::Ordering;

use crate::limits::{Budget, LimitExceeded};
use crate::number;
use crate::scan::{between, string_end, tail};
use crate::text::{trim_space, unquote};

/// How to print.
pub(crate) struct Options {
    /// Columns that an array may fill to stand in one line.
    pub(crate) width: i64,
    /// What every line begins with.
    pub(crate) prefix: Vec<u8>,
    /// One level of indentation.
    pub(crate) indent: Vec<u8>,
    pub(crate) sort_keys: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { width: 80, prefix: Vec::new(), indent: b"  ".to_vec(), sort_keys: false }
    }
}

/// Without white space outside strings.
pub(crate) fn ugly(budget: &mut Budget, json: &[u8]) -> Result<Vec<u8>, LimitExceeded> {
    budget.reserve(json.len())?;
    let mut out = Vec::with_capacity(json.len());
    let mut at = 0;
    while let Some(&byte) = json.get(at) {
        let end = if byte == b'"' { string_end(json, at + 1).end } else { at + 1 };
        if byte > b' ' {
            out.extend_from_slice(between(json, at, end));
        }
        at = end;
    }
    Ok(out)
}

/// One member or element a line, except for arrays that fit into one.
pub(crate) fn pretty(
    budget: &mut Budget,
    json: &[u8],
    options: &Options,
) -> Result<Vec<u8>, LimitExceeded> {
    let mut out = Vec::new();
    budget.push(&mut out, &options.prefix)?;
    let mut printer = Printer { budget, json, options, out, line: 0 };
    printer.value(0, Layout::Lines { depth: 0, sort: options.sort_keys })?;
    let mut out = printer.out;
    if !out.is_empty() {
        out.push(b'\n');
    }
    Ok(out)
}

#[derive(Clone, Copy)]
enum Layout {
    Lines { depth: usize, sort: bool },
    OneLine,
}

struct Printer<'j, 'b> {
    budget: &'b mut Budget,
    json: &'j [u8],
    options: &'j Options,
    out: Vec<u8>,
    /// Where the last line break stands.
    line: usize,
}

/// Behind the value, and whether it may stand in one line.
type Printed = (usize, bool);

impl Printer<'_, '_> {
    fn push(&mut self, bytes: &[u8]) -> Result<(), LimitExceeded> {
        self.budget.push(&mut self.out, bytes)
    }

    /// Prints the first value at or behind `at`.
    fn value(&mut self, mut at: usize, layout: Layout) -> Result<Printed, LimitExceeded> {
        let from = at;
        while let Some(&byte) = self.json.get(at) {
            match byte {
                b'"' => return Ok((self.string(at)?, true)),
                b'{' | b'[' => {
                    self.budget.work(at - from)?;
                    return self.container(at, byte, layout);
                }
                b'n' if self.json.get(at + 1).is_none_or(|&next| next == b'u') => {
                    self.push(b"null")?;
                    return Ok((at + 4, true));
                }
                b't' => {
                    self.push(b"true")?;
                    return Ok((at + 4, true));
                }
                b'f' => {
                    self.push(b"false")?;
                    return Ok((at + 5, true));
                }
                b'0'..=b'9' | b'-' | b'+' | b'i' | b'I' | b'N' | b'n' => {
                    let length = tail(self.json, at + 1)
                        .iter()
                        .position(|byte| matches!(byte, 0..=b' ' | b',' | b':' | b']' | b'}'));
                    let end = length.map_or(self.json.len(), |length| at + 1 + length);
                    self.push(between(self.json, at, end))?;
                    return Ok((end, true));
                }
                _ => at += 1,
            }
        }
        self.budget.work(at.saturating_sub(from))?;
        Ok((at, true))
    }

    fn string(&mut self, at: usize) -> Result<usize, LimitExceeded> {
        let end = string_end(self.json, at + 1).end;
        self.push(between(self.json, at, end))?;
        Ok(end)
    }

    /// Prints the object or array at `at`.
    fn container(&mut self, at: usize, open: u8, layout: Layout) -> Result<Printed, LimitExceeded> {
        self.budget.enter()?;
        let printed = match layout {
            Layout::Lines { .. } if open == b'[' && self.options.width > 0 => {
                match self.in_one_line(at)? {
                    Some(end) => (end, true),
                    None => self.members(at, open, layout)?,
                }
            }
            Layout::OneLine if open == b'{' && self.options.width > 0 => (at, false),
            _ => self.members(at, open, layout)?,
        };
        self.budget.leave();
        Ok(printed)
    }

    /// Prints an array in one line if it fits, and gives its end.
    fn in_one_line(&mut self, at: usize) -> Result<Option<usize>, LimitExceeded> {
        let before = self.out.len();
        let used = i64::try_from(before - self.line).unwrap_or(i64::MAX);
        let most = self.options.width.saturating_sub(used);
        if most <= 3 {
            return Ok(None);
        }
        let line = self.line;
        let (end, fits) = self.members(at, b'[', Layout::OneLine)?;
        self.line = line;
        let length = i64::try_from(self.out.len() - before).unwrap_or(i64::MAX);
        if fits && length <= most {
            return Ok(Some(end));
        }
        self.out.truncate(before);
        Ok(None)
    }

    fn members(
        &mut self,
        mut at: usize,
        open: u8,
        layout: Layout,
    ) -> Result<Printed, LimitExceeded> {
        let object = open == b'{';
        let close = if object { b'}' } else { b']' };
        let inner = match layout {
            Layout::Lines { depth, sort } => Layout::Lines { depth: depth + 1, sort },
            Layout::OneLine => Layout::OneLine,
        };
        let mut pairs = Vec::new();
        let mut count = 0usize;
        self.push(&[open])?;
        at += 1;
        while let Some(&byte) = self.json.get(at) {
            self.budget.work(0)?;
            if byte == close {
                if let Layout::Lines { depth, sort } = layout {
                    if object && sort {
                        self.sort(&mut pairs);
                    }
                    if count > 0 {
                        self.line_break()?;
                    }
                    if self.out.last() != Some(&open) {
                        self.indentation(depth)?;
                    }
                }
                self.push(&[close])?;
                return Ok((at + 1, !object));
            }
            if byte <= b' ' || object && byte != b'"' {
                at += 1;
                continue;
            }
            if count > 0 {
                self.push(b",")?;
                if self.options.width != -1 && !object {
                    self.push(b" ")?;
                }
            }
            count += 1;
            let mut pair = Pair { key: (at, at), text: (0, 0) };
            if let Layout::Lines { depth, .. } = layout {
                self.line_break()?;
                pair.text.0 = self.out.len();
                self.indentation(depth + 1)?;
            }
            if object {
                at = self.string(at)?;
                pair.key.1 = at;
                self.push(if matches!(layout, Layout::Lines { .. }) { b": " } else { b":" })?;
            }
            let (end, fits) = self.value(at, inner)?;
            at = end;
            if let Layout::OneLine = layout
                && !fits
            {
                return Ok((at, false));
            }
            pair.text.1 = self.out.len();
            if object {
                pairs.push(pair);
            }
        }
        Ok((at, !object))
    }

    /// Begins a line, in place of a space at the end of the last one.
    fn line_break(&mut self) -> Result<(), LimitExceeded> {
        self.line = self.out.len();
        if self.out.last() == Some(&b' ') {
            self.out.pop();
        }
        self.push(b"\n")
    }

    fn indentation(&mut self, depth: usize) -> Result<(), LimitExceeded> {
        let options = self.options;
        self.budget.reserve(options.indent.len().saturating_mul(depth))?;
        self.push(&options.prefix)?;
        for _ in 0..depth {
            self.out.extend_from_slice(&options.indent);
        }
        Ok(())
    }

    /// Sorts the members printed last by key, and by value where keys are equal.
    fn sort(&mut self, pairs: &mut [Pair]) {
        let (Some(first), Some(last)) = (pairs.first(), pairs.last()) else { return };
        let (start, end) = (first.text.0, last.text.1);
        pairs.sort_by(|a, b| self.compare(*a, *b));
        let mut sorted = Vec::with_capacity(end.saturating_sub(start));
        for pair in pairs.iter() {
            if !sorted.is_empty() {
                sorted.extend_from_slice(b",\n");
            }
            sorted.extend_from_slice(between(&self.out, pair.text.0, pair.text.1));
        }
        self.out.truncate(start);
        self.out.extend_from_slice(&sorted);
    }

    fn compare(&self, a: Pair, b: Pair) -> Ordering {
        let key = |pair: Pair| between(self.json, pair.key.0, pair.key.1);
        let value = |pair: Pair| {
            let text = trim_space(between(&self.out, pair.text.0, pair.text.1));
            // Behind the key and its colon.
            text.get(key(pair).len() + 1..).map_or(text, trim_space)
        };
        compare(key(a), key(b)).then_with(|| compare(value(a), value(b)))
    }
}

/// A member of an object.
#[derive(Clone, Copy)]
struct Pair {
    /// The key in the JSON.
    key: (usize, usize),
    /// The printed lines of key and value.
    text: (usize, usize),
}

/// The order of values: by kind, then by content.
fn compare(a: &[u8], b: &[u8]) -> Ordering {
    let kind = |text: &[u8]| match text.first() {
        None | Some(b'n') => 0,
        Some(b'f') => 1,
        Some(b'"') => 3,
        Some(b't') => 4,
        Some(b'[' | b'{') => 5,
        Some(_) => 2,
    };
    kind(a).cmp(&kind(b)).then_with(|| match kind(a) {
        2 => {
            let (a, b) = (number::parse(a), number::parse(b));
            a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
        }
        3 => string(a).cmp(&string(b)),
        _ => a.cmp(b),
    })
}

/// The content of a string; nothing if it has escapes and is malformed.
fn string(text: &[u8]) -> Cow<'_, [u8]> {
    let inner = tail(text, 1);
    match inner.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        Some(at) if inner.get(at) == Some(&b'"') => Cow::Borrowed(between(inner, 0, at)),
        Some(_) => Cow::Owned(unquote(text).unwrap_or_default()),
        None => Cow::Borrowed(b""),
    }
}
