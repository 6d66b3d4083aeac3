//! Reading paths: the first component of a path, and what follows it.

use std::borrow::Cow;

use crate::modifier::Modifier;
use crate::scan::{between, squash, tail};
use crate::text::{trim, unescape};

/// What follows a component.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Next<'p> {
    /// Nothing.
    #[default]
    End,
    /// A path within the component's value.
    Path(&'p [u8]),
    /// A path that starts anew from the result.
    Pipe(&'p [u8]),
}

impl<'p> Next<'p> {
    /// What follows a dot at `at`: modifiers and multipaths need no pipe.
    fn after_dot(path: &'p [u8], at: usize) -> Self {
        let rest = tail(path, at + 1);
        if starts_anew(rest) { Self::Pipe(rest) } else { Self::Path(rest) }
    }

    pub(crate) fn is_path(self) -> bool {
        matches!(self, Self::Path(_))
    }
}

/// Whether a path begins with a multipath or a known modifier.
fn starts_anew(path: &[u8]) -> bool {
    match path {
        [b'[' | b'{', ..] => true,
        [b'@', rest @ ..] => {
            let end = rest.iter().position(|byte| matches!(byte, b'.' | b'|' | b':'));
            Modifier::named(rest.get(..end.unwrap_or(rest.len())).unwrap_or_default()).is_some()
        }
        _ => false,
    }
}

/// A component that names a member of an object.
pub(crate) struct Member<'p> {
    pub(crate) name: Cow<'p, [u8]>,
    /// Whether the name has wildcards.
    pub(crate) wild: bool,
    pub(crate) next: Next<'p>,
}

/// Reads the component that a path begins with as the name of a member.
pub(crate) fn member(path: &[u8]) -> Member<'_> {
    let mut wild = false;
    // Only a name with escapes is written anew. From the first escape on, only the backslashes
    // go: an escaped wildcard beside a real one becomes a wildcard, as in gjson.
    let mut escaped: Option<Vec<u8>> = None;
    let mut at = 0;
    let next = loop {
        let Some(&byte) = path.get(at) else { break Next::End };
        match byte {
            b'|' => break Next::Pipe(tail(path, at + 1)),
            b'.' => break Next::after_dot(path, at),
            b'\\' => {
                let name = escaped.get_or_insert_with(|| between(path, 0, at).to_vec());
                at += 1;
                name.extend(path.get(at));
            }
            _ => {
                wild |= matches!(byte, b'*' | b'?');
                if let Some(name) = &mut escaped {
                    name.push(byte);
                }
            }
        }
        at += 1;
    };
    let name = match escaped {
        Some(name) => Cow::Owned(name),
        None => Cow::Borrowed(between(path, 0, at.min(path.len()))),
    };
    Member { name, wild, next }
}

/// A component within an array.
pub(crate) struct Element<'p> {
    pub(crate) which: Which<'p>,
    pub(crate) next: Next<'p>,
}

/// Which elements of an array a component means.
pub(crate) enum Which<'p> {
    /// The one with this index.
    Index(Option<u64>),
    /// `#`: how many there are.
    Count,
    /// `#.path`: what is at the path in each element.
    Each(&'p [u8]),
    /// `#(...)`: those that a query matches.
    Query(Query<'p>),
    /// A component with a `#` elsewhere, which means nothing.
    Nothing,
}

/// A condition on the elements of an array.
pub(crate) struct Query<'p> {
    /// Whether all elements that match are wanted, not only the first.
    pub(crate) all: bool,
    pub(crate) path: &'p [u8],
    pub(crate) operator: &'p [u8],
    pub(crate) value: Cow<'p, [u8]>,
}

/// Reads the component that a path begins with as an element of an array.
pub(crate) fn element(path: &[u8]) -> Element<'_> {
    if let [b'#', b'.', rest @ ..] = path {
        return Element { which: Which::Each(rest), next: Next::Path(rest) };
    }
    let mut query = None;
    let mut at = 0;
    if let [b'#', b'(' | b'[', ..] = path {
        let Some(parsed) = parse_query(path) else {
            // An unclosed query takes all that has a value.
            let query = Query { all: false, path: b"", operator: b"", value: Cow::Borrowed(b"") };
            return Element { which: Which::Query(query), next: Next::End };
        };
        at = parsed.end;
        let all = path.get(at) == Some(&b'#');
        query = Some(Query { all, ..parsed.query });
    }
    let mut hash = query.is_some();
    let next = loop {
        match path.get(at) {
            None => break Next::End,
            Some(b'|') => break Next::Pipe(tail(path, at + 1)),
            Some(b'.') if hash => break Next::Path(tail(path, at + 1)),
            Some(b'.') => break Next::after_dot(path, at),
            Some(b'#') => hash = true,
            Some(_) => {}
        }
        at += 1;
    };
    let part = between(path, 0, at);
    let which = match query {
        Some(query) => Which::Query(query),
        None if part == b"#" => Which::Count,
        None if hash => Which::Nothing,
        None => Which::Index(crate::number::parse_uint(part)),
    };
    Element { which, next }
}

struct ParsedQuery<'p> {
    query: Query<'p>,
    /// Behind the closing bracket.
    end: usize,
}

/// Reads a query such as `#(name=="x")`: nothing if its bracket is not closed.
fn parse_query(path: &[u8]) -> Option<ParsedQuery<'_>> {
    let mut operator_at = None;
    let mut escaped = false;
    let mut depth = 1usize;
    let mut at = 2;
    let close = loop {
        let byte = *path.get(at)?;
        if depth == 1 && operator_at.is_none() && matches!(byte, b'!' | b'=' | b'<' | b'>' | b'%') {
            operator_at = Some(at);
            at += 1;
            continue;
        }
        match byte {
            b'\\' => at += 1,
            b'[' | b'(' => depth += 1,
            b']' | b')' => {
                depth -= 1;
                if depth == 0 {
                    break at;
                }
            }
            b'"' => {
                at += 1;
                while let Some(&byte) = path.get(at) {
                    match byte {
                        b'\\' => {
                            escaped = true;
                            at += 1;
                        }
                        b'"' => break,
                        _ => {}
                    }
                    at += 1;
                }
            }
            _ => {}
        }
        at += 1;
    };
    let (operator, value) = match operator_at {
        Some(from) => split_operator(trim(between(path, from, close))),
        None => (&b""[..], &b""[..]),
    };
    let value = match value {
        [b'"', content @ .., b'"'] if escaped => Cow::Owned(unescape(content)),
        [b'"', content @ .., b'"'] => Cow::Borrowed(content),
        _ => Cow::Borrowed(value),
    };
    let path = trim(between(path, 2, operator_at.unwrap_or(close)));
    Some(ParsedQuery { query: Query { all: false, path, operator, value }, end: close + 1 })
}

/// Splits `=="x"` into operator and value. What begins with a `!` and has no operator is a value.
fn split_operator(text: &[u8]) -> (&[u8], &[u8]) {
    let (text, length) = match text {
        [b'!', b'=' | b'%', ..] | [b'<' | b'>', b'=', ..] => (text, 2),
        [b'=', b'=', ..] => (tail(text, 1), 1),
        [_] | [b'<' | b'>' | b'=' | b'%', ..] => (text, 1),
        _ => (text, 0),
    };
    let (operator, value) = text.split_at_checked(length).unwrap_or((text, b""));
    (operator, trim(value))
}

/// Splits a path at its first pipe that is not part of a query or a multipath.
pub(crate) fn split_pipe(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if !path.contains(&b'|') {
        return None;
    }
    if let [b'{', rest @ ..] = path {
        let length = squash(rest).len() + 1;
        return match tail(path, length) {
            [b'|', after @ ..] => Some((between(path, 0, length), after)),
            _ => None,
        };
    }
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        match byte {
            b'\\' => at += 1,
            b'|' => return Some((between(path, 0, at), tail(path, at + 1))),
            b'.' => match tail(path, at + 1) {
                [] | [b'#'] => return None,
                [b'#', open @ (b'[' | b'('), ..] => at = selector_end(path, at + 3, *open),
                // The character behind a lone # is skipped.
                [b'#', ..] => at += 2,
                _ => {}
            },
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing bracket of a query whose content begins at `at`.
fn selector_end(path: &[u8], mut at: usize, open: u8) -> usize {
    let close = if open == b'[' { b']' } else { b')' };
    let mut depth = 1usize;
    while let Some(&byte) = path.get(at) {
        if byte == b'\\' {
            at += 1;
        } else if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                break;
            }
        } else if byte == b'"' {
            at = quoted_end(path, at + 1);
        }
        at += 1;
    }
    at
}

/// The closing quote of a string whose content begins at `at`.
fn quoted_end(path: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = path.get(at) {
        match byte {
            b'\\' => at += 1,
            b'"' => break,
            _ => {}
        }
        at += 1;
    }
    at
}

/// One path of a multipath.
pub(crate) struct Selector<'p> {
    /// The name it is given in an object.
    pub(crate) name: &'p [u8],
    pub(crate) path: &'p [u8],
}

/// Splits a multipath, `[a,b]` or `{"x":a,b}`, and what follows it: nothing if it is not closed.
pub(crate) fn selectors(path: &[u8]) -> Option<(Vec<Selector<'_>>, &[u8])> {
    let mut selectors = Vec::new();
    let mut modifier = false;
    let mut colon = None;
    let mut depth = 1usize;
    let mut start = 1;
    let mut at = 1;
    loop {
        let byte = *path.get(at)?;
        let mut complete = false;
        match byte {
            b'\\' => at += 1,
            // Behind a modifier, a colon introduces its argument.
            b'@' => modifier |= matches!(path.get(at - 1), Some(b'.' | b'|')),
            b':' if !modifier && colon.is_none() && depth == 1 => colon = Some(at),
            b',' => complete = depth == 1,
            b'"' => at = quoted_end(path, at + 1),
            b'[' | b'(' | b'{' => depth += 1,
            b']' | b')' | b'}' => {
                depth -= 1;
                complete = depth == 0;
            }
            _ => {}
        }
        if complete {
            selectors.push(match colon.take() {
                Some(colon) => Selector {
                    name: between(path, start, colon),
                    path: between(path, colon + 1, at),
                },
                None => Selector { name: b"", path: between(path, start, at) },
            });
            if depth == 0 {
                return Some((selectors, tail(path, at + 1)));
            }
            modifier = false;
            start = at + 1;
        }
        at += 1;
    }
}

/// The name that a path without one is given in an object: its last component, if that is simple.
pub(crate) fn default_name(path: &[u8]) -> &[u8] {
    let last = (0..path.len())
        .rev()
        .find(|&at| {
            matches!(path.get(at), Some(b'|' | b'.'))
                && !(at > 0 && path.get(at - 1) == Some(&b'\\'))
        })
        .map_or(path, |at| tail(path, at + 1));
    let special = |byte: &u8| {
        matches!(byte, 0..=0x1F | b'[' | b']' | b'{' | b'}' | b'(' | b')' | b'#' | b'|' | b'!')
    };
    if last.iter().any(special) { b"_" } else { last }
}
