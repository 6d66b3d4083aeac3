//! Go's regular expressions: the syntax, the matches and the replacements of Go's `regexp`.
//!
//! The automata are those of `regex-automata`; the syntax is read here, because Rust's and Go's
//! differ in many small ways. Matching takes time linear in the subject.

mod class;
mod error;
mod expand;
mod parse;
mod subject;

#[cfg(test)]
mod tests;

use std::ops::Range;

use regex_automata::meta;
use regex_automata::util::captures::Captures;
use regex_automata::{Input, MatchKind};

use error::Code;
pub use error::Error;
use subject::Subject;

/// How large one compiled pattern may be, in bytes, for each direction that it is read in.
const COMPILED_BYTES: usize = 16 << 20;

/// A compiled pattern.
#[derive(Clone, Debug)]
pub struct Regexp {
    regex: meta::Regex,
    /// The name of each group, from group 1 on.
    names: Vec<String>,
    /// The pattern is the empty string.
    empty: bool,
}

/// The result of a replacement would be longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the result of the replacement is too long")]
pub struct TooLong;

impl Regexp {
    /// Compiles a pattern in Go's syntax.
    ///
    /// # Errors
    /// What Go refuses, in its words; and patterns whose automaton is larger than 16 MB, which Go
    /// would take in part: these are `expression too large`, too.
    pub fn new(pattern: impl AsRef<[u8]>) -> Result<Self, Error> {
        let pattern = pattern.as_ref();
        let parsed = parse::parse(pattern)?;
        let config = meta::Config::new()
            .match_kind(MatchKind::LeftmostFirst)
            .utf8_empty(true)
            .nfa_size_limit(Some(COMPILED_BYTES));
        let regex = meta::Builder::new()
            .configure(config)
            .build_from_hir(&parsed.hir)
            .map_err(|_| Error::new(Code::Large, pattern))?;
        Ok(Self { regex, names: parsed.names, empty: pattern.is_empty() })
    }

    /// How much memory the automaton takes, in bytes: a measure of what a search may cost.
    pub fn size(&self) -> usize {
        self.regex.memory_usage()
    }

    /// Whether the pattern matches somewhere in `subject`.
    pub fn is_match(&self, subject: &[u8]) -> bool {
        self.regex.is_match(Input::new(Subject::new(subject).text()))
    }

    /// The leftmost match.
    pub fn find<'s>(&self, subject: &'s [u8]) -> Option<&'s [u8]> {
        let text = Subject::new(subject);
        let found = self.regex.find(Input::new(text.text()))?;
        subject.get(text.original(found.range()))
    }

    /// The first `limit` matches that do not overlap, all if `limit` is negative. `None` stands
    /// for Go's nil: there is none.
    pub fn find_all<'s>(&self, subject: &'s [u8], limit: i64) -> Option<Vec<&'s [u8]>> {
        let found = self.find_ranges(subject, limit);
        (!found.is_empty())
            .then(|| found.into_iter().filter_map(|range| subject.get(range)).collect())
    }

    fn find_ranges(&self, subject: &[u8], limit: i64) -> Vec<Range<usize>> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let text = Subject::new(subject);
        let mut found = Vec::new();
        let mut position = 0;
        let mut last_end = None;
        while found.len() < limit && position <= text.text().len() {
            let input = Input::new(text.text()).range(position..);
            let Some(matched) = self.regex.find(input) else { break };
            let mut accept = true;
            if matched.end() == position {
                // No empty match right behind another match.
                accept = last_end != Some(matched.start());
                position = text.after(position);
            } else {
                position = matched.end();
            }
            last_end = Some(matched.end());
            if accept {
                found.push(text.original(matched.range()));
            }
        }
        found
    }

    /// The groups of every match that does not overlap, the whole match first; `None` for a group
    /// that took no part.
    pub(crate) fn all_groups<'s>(&self, subject: &'s [u8]) -> Vec<Vec<Option<&'s [u8]>>> {
        let text = Subject::new(subject);
        let mut captures = self.regex.create_captures();
        let mut all = Vec::new();
        let mut position = 0;
        while position <= text.text().len() {
            let input = Input::new(text.text()).range(position..);
            self.regex.search_captures(&input, &mut captures);
            let Some(matched) = captures.get_match() else { break };
            let group = |index| {
                let span = captures.get_group(index)?;
                subject.get(text.original(span.range()))
            };
            all.push((0..captures.group_len()).map(group).collect());
            position = text.after(position).max(matched.end());
        }
        all
    }

    /// Splits `subject` at the matches into at most `limit` parts, any number if it is negative.
    /// `None` stands for Go's nil, which a limit of 0 yields.
    pub fn split<'s>(&self, subject: &'s [u8], limit: i64) -> Option<Vec<&'s [u8]>> {
        if limit == 0 {
            return None;
        }
        if subject.is_empty() && !self.empty {
            return Some(vec![subject]);
        }
        let mut parts = Vec::new();
        let (mut begin, mut end) = (0, 0);
        for found in self.find_ranges(subject, limit) {
            if usize::try_from(limit).is_ok_and(|limit| parts.len() + 1 >= limit) {
                break;
            }
            end = found.start;
            if found.end != 0 {
                parts.extend(subject.get(begin..end));
            }
            begin = found.end;
        }
        if end != subject.len() {
            parts.extend(subject.get(begin..));
        }
        Some(parts)
    }

    /// Replaces every match by `replacement`, in which `$1`, `${1}` and `${name}` stand for groups.
    ///
    /// # Errors
    /// [`TooLong`] if the result would be longer than `limit` bytes.
    pub fn replace_all(
        &self,
        subject: &[u8],
        replacement: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, TooLong> {
        if !replacement.contains(&b'$') {
            return self.replace_all_literal(subject, replacement, limit);
        }
        let replacement = expand::Replacement::new(replacement, &self.names);
        self.replace(subject, limit, |out, text, captures| {
            replacement.expand(limit, out, |group| {
                let span = captures.get_group(group)?;
                subject.get(text.original(span.range()))
            })
        })
    }

    /// Replaces every match by `replacement` as it is.
    ///
    /// # Errors
    /// [`TooLong`] if the result would be longer than `limit` bytes.
    pub fn replace_all_literal(
        &self,
        subject: &[u8],
        replacement: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, TooLong> {
        self.replace(subject, limit, |out, _, _| append(out, replacement, limit))
    }

    fn replace(
        &self,
        subject: &[u8],
        limit: usize,
        mut insert: impl FnMut(&mut Vec<u8>, &Subject<'_>, &Captures) -> Result<(), TooLong>,
    ) -> Result<Vec<u8>, TooLong> {
        let text = Subject::new(subject);
        let mut captures = self.regex.create_captures();
        let mut out = Vec::new();
        let mut last_end = 0;
        let mut position = 0;
        while position <= text.text().len() {
            let input = Input::new(text.text()).range(position..);
            self.regex.search_captures(&input, &mut captures);
            let Some(matched) = captures.get_match() else { break };
            let between = text.original(last_end..matched.start());
            append(&mut out, subject.get(between).unwrap_or_default(), limit)?;
            // Not for an empty match right behind another match.
            if matched.end() > last_end || matched.start() == 0 {
                insert(&mut out, &text, &captures)?;
            }
            last_end = matched.end();
            position = text.after(position).max(matched.end());
        }
        let tail = text.original(last_end..text.text().len());
        append(&mut out, subject.get(tail).unwrap_or_default(), limit)?;
        Ok(out)
    }
}

fn append(out: &mut Vec<u8>, bytes: &[u8], limit: usize) -> Result<(), TooLong> {
    if out.len().saturating_add(bytes.len()) > limit {
        return Err(TooLong);
    }
    out.extend_from_slice(bytes);
    Ok(())
}

/// Escapes everything in `text` that means something in a pattern.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(text.len());
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            quoted.push(b'\\');
        }
        quoted.push(*byte);
    }
    quoted
}
