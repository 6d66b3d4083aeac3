//! Following a path through JSON.

use std::borrow::Cow;

use crate::limits::{Budget, LimitExceeded};
use crate::modifier;
use crate::path::{self, Next, Query, Which};
use crate::query;
use crate::scan::{self, Start, between, tail};
use crate::text;
use crate::valid::valid;
use crate::value::{Found, Kind};
use crate::wildcard;

/// One step of a lookup.
enum Step<'a, 'p> {
    Found(Found<'a>),
    /// The rest of the path applies to another text.
    Again {
        json: Cow<'a, [u8]>,
        path: &'p [u8],
    },
}

impl<'p> Step<'_, 'p> {
    fn into_owned(self, budget: &mut Budget) -> Result<Step<'static, 'p>, LimitExceeded> {
        Ok(match self {
            Step::Found(found) => {
                budget.reserve(found.raw.len().saturating_add(found.text.len()))?;
                Step::Found(found.into_owned())
            }
            Step::Again { json, path } => {
                if matches!(json, Cow::Borrowed(_)) {
                    budget.reserve(json.len())?;
                }
                Step::Again { json: Cow::Owned(json.into_owned()), path }
            }
        })
    }
}

/// The value at `path` in `json`.
pub(crate) fn search<'a>(
    budget: &mut Budget,
    json: &'a [u8],
    path: &[u8],
) -> Result<Found<'a>, LimitExceeded> {
    budget.enter()?;
    let mut next = step(budget, json, path)?;
    let found = loop {
        next = match next {
            Step::Found(found) => break found,
            Step::Again { json: Cow::Borrowed(json), path } => step(budget, json, path)?,
            Step::Again { json: Cow::Owned(json), path } => {
                step(budget, &json, path)?.into_owned(budget)?
            }
        };
    };
    budget.leave();
    Ok(found)
}

/// Applies the modifier, literal or multipath that a path begins with, or follows it to its first
/// pipe.
fn step<'a, 'p>(
    budget: &mut Budget,
    json: &'a [u8],
    mut path: &'p [u8],
) -> Result<Step<'a, 'p>, LimitExceeded> {
    budget.work(path.len())?;
    if path.len() > 1 {
        let made = match path.first() {
            Some(b'@') => modifier::apply(budget, json, path)?,
            Some(b'!') => literal(path),
            _ => None,
        };
        if let Some((json, rest)) = made {
            if let [b'|' | b'.', path @ ..] = rest {
                return Ok(Step::Again { json, path });
            }
            if let Cow::Owned(json) = &json {
                budget.reserve(json.len().saturating_mul(2))?;
            }
            return Ok(Step::Found(scan::parse(json)));
        }
        if let Some(&open @ (b'[' | b'{')) = path.first() {
            // Without its closing bracket, nothing is left of a path.
            let (selectors, rest) = path::selectors(path).unwrap_or_default();
            if rest.is_empty() && !selectors.is_empty() {
                return Ok(Step::Found(Found::of_json(multipath(budget, json, open, &selectors)?)));
            }
            if let [b'|' | b'.', path @ ..] = rest {
                let json = Cow::Owned(multipath(budget, json, open, &selectors)?);
                return Ok(Step::Again { json, path });
            }
            // What follows a closing bracket without a dot or pipe is a path of its own.
            path = rest;
        }
    }
    let mut walk = Walk { budget, json, value: Found::default(), pipe: None };
    if let [b'.', b'.', rest @ ..] = path {
        // JSON lines are the elements of an array.
        walk.array(0, rest)?;
    } else if let Some(at) = json.iter().position(|byte| matches!(byte, b'{' | b'[')) {
        walk.budget.work(at)?;
        if json.get(at) == Some(&b'{') {
            walk.object(at + 1, path)?;
        } else {
            walk.array(at + 1, path)?;
        }
    }
    Ok(match walk.pipe {
        Some(path) => Step::Again { json: walk.value.raw, path },
        None => Step::Found(walk.value),
    })
}

/// A text to go on with, and the rest of the path.
pub(crate) type Applied<'a, 'p> = (Cow<'a, [u8]>, &'p [u8]);

/// A value in the path itself, such as `!"text"`, and what follows it.
fn literal<'a>(path: &[u8]) -> Option<Applied<'a, '_>> {
    let name = tail(path, 1);
    if matches!(name.first(), Some(b'{' | b'[' | b'"' | b'+' | b'-' | b'0'..=b'9')) {
        // gjson takes whatever comes first for an opening bracket.
        let end = scan::block_end(name, 0).min(name.len());
        return Some((Cow::Owned(between(name, 0, end).to_vec()), tail(name, end)));
    }
    let end = name.iter().position(|byte| matches!(byte, b'|' | b'.')).unwrap_or(name.len());
    let (name, rest) = name.split_at_checked(end)?;
    // Go's lower case of the capital dotted I is a plain i.
    let plain = String::from_utf8_lossy(name).replace('\u{130}', "i").to_ascii_lowercase();
    matches!(plain.as_str(), "true" | "false" | "null" | "nan" | "inf")
        .then(|| (Cow::Owned(name.to_vec()), rest))
}

/// The object or array of what several paths find.
fn multipath(
    budget: &mut Budget,
    json: &[u8],
    open: u8,
    selectors: &[path::Selector<'_>],
) -> Result<Vec<u8>, LimitExceeded> {
    let mut out = vec![open];
    for selector in selectors {
        let found = search(budget, json, selector.path)?;
        if !found.exists() {
            continue;
        }
        if out.len() > 1 {
            budget.push(&mut out, b",")?;
        }
        if open == b'{' {
            if selector.name.first() == Some(&b'"') && valid(selector.name) {
                budget.push(&mut out, selector.name)?;
            } else if selector.name.is_empty() {
                text::quote(budget, &mut out, path::default_name(selector.path))?;
            } else {
                text::quote(budget, &mut out, selector.name)?;
            }
            budget.push(&mut out, b":")?;
        }
        budget.push(&mut out, &found.raw)?;
    }
    out.push(if open == b'{' { b'}' } else { b']' });
    Ok(out)
}

/// A walk along the components of a path up to its first pipe.
struct Walk<'a, 'p, 'b> {
    budget: &'b mut Budget,
    json: &'a [u8],
    value: Found<'a>,
    /// The path that applies to the value, once a pipe is known. It stays even if the walk goes
    /// another way afterwards.
    pipe: Option<&'p [u8]>,
}

/// Where a walk stands, and whether the value is found.
type Stand = (usize, bool);

impl<'a, 'p> Walk<'a, 'p, '_> {
    /// Looks for the path's first component among the members whose first begins at `at`.
    fn object(&mut self, mut at: usize, path: &'p [u8]) -> Result<Stand, LimitExceeded> {
        self.budget.enter()?;
        self.budget.work(path.len())?;
        let member = path::member(path);
        if let Next::Pipe(pipe) = member.next {
            self.pipe = Some(pipe);
        }
        let json = self.json;
        let stand = loop {
            let from = at;
            let Some(ahead) = tail(json, at).iter().position(|byte| matches!(byte, b'"' | b'}'))
            else {
                break (json.len(), false);
            };
            at += ahead;
            if json.get(at) == Some(&b'}') {
                break (at + 1, false);
            }
            let string = scan::string_end(json, at + 1);
            if !string.closed {
                break (string.end, false);
            }
            let key = text::content(between(json, at + 1, string.end - 1), string.escaped);
            at = string.end;
            let matched = if member.wild {
                wildcard::matches(self.budget, &key, &member.name)?
            } else {
                key == member.name
            };
            let hit = matched && !member.next.is_path();
            let Some((begin, start)) = scan::next_start(json, at) else {
                break (json.len(), false);
            };
            at = begin;
            if let (Start::Object | Start::Array, true, Next::Path(rest)) =
                (start, matched, member.next)
            {
                self.budget.work(at - from)?;
                let (end, found) = self.inside(at, start, rest)?;
                if found {
                    break (end, true);
                }
                at = end;
                continue;
            }
            if hit {
                break self.hit(at, start)?;
            }
            let Some(end) = scan::value_end(json, at, start) else { break (json.len(), false) };
            at = end;
            self.budget.work(at - from)?;
        };
        self.budget.leave();
        Ok(stand)
    }

    /// Goes on with the rest of the path in the object or array at `at`.
    fn inside(&mut self, at: usize, start: Start, path: &'p [u8]) -> Result<Stand, LimitExceeded> {
        if start == Start::Object { self.object(at + 1, path) } else { self.array(at + 1, path) }
    }

    /// Takes the value at `at`.
    fn hit(&mut self, at: usize, start: Start) -> Result<Stand, LimitExceeded> {
        let Some(end) = scan::value_end(self.json, at, start) else {
            return Ok((self.json.len(), false));
        };
        self.budget.work(end - at)?;
        let mut value = scan::value(self.json, at, end, start);
        // gjson leaves the kind alone when the literal is null; it is another kind only if an
        // array under an earlier key of the same name has left one.
        if value.kind == Kind::Null {
            value.kind = self.value.kind;
        }
        self.value = value;
        Ok((end, true))
    }

    /// Looks for the path's first component among the elements whose first begins at `at`.
    fn array(&mut self, mut at: usize, path: &'p [u8]) -> Result<Stand, LimitExceeded> {
        self.budget.enter()?;
        self.budget.work(path.len())?;
        let path::Element { which, mut next } = path::element(path);
        if let Next::Pipe(pipe) = next {
            self.pipe = Some(pipe);
        }
        let json = self.json;
        let mut count = 0usize;
        let mut starts = Vec::new();
        let mut list = b"[".to_vec();
        let stand = loop {
            if at > json.len() {
                break (at, false);
            }
            let from = at;
            if matches!(which, Which::Each(_)) {
                starts.push(at);
            }
            // The end of the text ends an array as well.
            at += tail(json, at)
                .iter()
                .enumerate()
                .position(|(ahead, &byte)| byte == b']' || scan::start(json, at + ahead).is_some())
                .unwrap_or(json.len() - at);
            let Some(start) = scan::start(json, at) else {
                self.budget.work(at - from)?;
                break (at + 1, self.array_ends(&which, count, &starts, list)?);
            };
            let matched = matches!(which, Which::Index(Some(index)) if is_index(index, count));
            count += 1;
            if let (Start::Object | Start::Array, true, Next::Path(rest)) = (start, matched, next) {
                self.budget.work(at - from)?;
                let (end, found) = self.inside(at, start, rest)?;
                if found {
                    break (end, true);
                }
                at = end;
                continue;
            }
            if matched && !next.is_path() {
                break self.hit(at, start)?;
            }
            let begin = at;
            let Some(end) = scan::value_end(json, at, start) else { break (json.len(), false) };
            at = end;
            self.budget.work(at - from)?;
            if let Which::Query(query) = &which {
                let raw = between(json, begin, at.min(json.len()));
                if self.query(query, &mut next, raw, start, &mut list)? {
                    break (at, true);
                }
            }
        };
        self.budget.leave();
        Ok(stand)
    }

    /// Tests one element, and takes it if it matches: true if that ends the search.
    fn query(
        &mut self,
        query: &Query<'p>,
        next: &mut Next<'p>,
        raw: &'a [u8],
        start: Start,
        list: &mut Vec<u8>,
    ) -> Result<bool, LimitExceeded> {
        let value = scan::value(raw, 0, raw.len(), start);
        let matched = if value.kind == Kind::Json {
            let tested = search(self.budget, raw, query.path)?;
            query::matches(self.budget, query, &tested)?
        } else {
            query.path.is_empty() && query::matches(self.budget, query, &value)?
        };
        if !matched {
            return Ok(false);
        }
        let found = if let Next::Path(path) = *next {
            let path = match path::split_pipe(path) {
                Some((path, pipe)) => {
                    *next = Next::Path(path);
                    self.pipe = Some(pipe);
                    path
                }
                None => path,
            };
            search(self.budget, raw, path)?
        } else {
            value
        };
        if !query.all {
            self.value = found;
            return Ok(true);
        }
        if !found.raw.is_empty() {
            if list.len() > 1 {
                self.budget.push(list, b",")?;
            }
            self.budget.push(list, &found.raw)?;
        }
        Ok(false)
    }

    /// What a component is worth that needs the whole array: true if it is a value.
    fn array_ends(
        &mut self,
        which: &Which<'p>,
        count: usize,
        starts: &[usize],
        mut list: Vec<u8>,
    ) -> Result<bool, LimitExceeded> {
        match *which {
            Which::Each(path) => {
                let path = match path::split_pipe(path) {
                    Some((path, pipe)) => {
                        self.pipe = Some(pipe);
                        path
                    }
                    None => path,
                };
                let all = self.each(path, starts)?;
                self.value = Found::of_json(all);
                Ok(true)
            }
            Which::Count => {
                self.value = Found::of_count(count);
                Ok(true)
            }
            Which::Query(Query { all: true, .. }) if !self.value.exists() => {
                list.push(b']');
                self.value = Found::of_json(list);
                Ok(false)
            }
            Which::Query(_) | Which::Index(_) | Which::Nothing => Ok(false),
        }
    }

    /// The array of what is at the path in each element.
    fn each(&mut self, path: &[u8], starts: &[usize]) -> Result<Vec<u8>, LimitExceeded> {
        let json = self.json;
        let mut all = b"[".to_vec();
        for &start in starts {
            let space = tail(json, start)
                .iter()
                .take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
                .count();
            let start = start + space;
            if json.get(start).is_none_or(|&byte| byte == b']') {
                continue;
            }
            let Some((at, kind)) = scan::next_start(json, start) else { continue };
            let Some(end) = scan::value_end(json, at, kind) else { continue };
            self.budget.work(end - start)?;
            let found = search(self.budget, between(json, at, end.min(json.len())), path)?;
            if found.exists() {
                if all.len() > 1 {
                    self.budget.push(&mut all, b",")?;
                }
                self.budget.push(&mut all, &found.raw)?;
            }
        }
        all.push(b']');
        Ok(all)
    }
}

/// Whether the number in a path is the index of an element: gjson's numbers wrap around.
fn is_index(index: u64, element: usize) -> bool {
    u64::try_from(element).is_ok_and(|element| element == index)
}
