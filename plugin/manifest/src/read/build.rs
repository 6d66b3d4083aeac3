//! From parser events to one [`Node`], within limits.
//!
//! Both readers (YAML, JSON) feed this. It resolves scalars, expands aliases and merge keys, finds
//! duplicate keys, and counts: nothing is copied before it has been paid for.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

use super::Limits;
use crate::codes;
use crate::diagnostic::{Code, Diagnostic};
use crate::node::{Entry, Node, Style, Value};
use crate::source::{FileId, Place, Span};
use goyaml::scalar::{self, Refusal, Scalar, Tag};

/// From this many entries on, keys are looked up by hash.
const SMALL_MAPPING: usize = 16;

type Result<T = ()> = std::result::Result<T, Box<Diagnostic>>;

pub(super) struct Builder<'a> {
    file: FileId,
    text: &'a str,
    limits: &'a Limits,
    /// Nodes that may still be made, in this whole file.
    budget: &'a mut usize,
    stack: Vec<Frame>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    hasher: RandomState,
}

/// A collection that is still open.
struct Frame {
    start: u32,
    style: Style,
    anchor: usize,
    /// Levels of collections below this one, so far.
    height: usize,
    /// What `budget` was when the collection began.
    budget: usize,
    kind: Kind,
}

enum Kind {
    Sequence(Vec<Node>),
    Mapping(Mapping),
}

#[derive(Default)]
struct Mapping {
    entries: Vec<Entry>,
    key: Key,
    /// Entry positions by the hash of their key; absent for small mappings.
    index: Option<HashMap<u64, u32>>,
    /// Which entries came through a merge key; absent when there is none.
    merged: Option<Vec<bool>>,
}

/// The key that waits for its value.
#[derive(Default)]
enum Key {
    #[default]
    None,
    Text(String, Span),
    Merge(Span),
}

struct Anchored {
    node: std::result::Result<Node, Refusal>,
    size: usize,
    height: usize,
    /// How it would be spelled as a key.
    key: std::result::Result<String, Refusal>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        file: FileId,
        text: &'a str,
        limits: &'a Limits,
        budget: &'a mut usize,
    ) -> Self {
        Self {
            file,
            text,
            limits,
            budget,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// The finished document; the builder is ready for the next one.
    pub(super) fn take(&mut self) -> Option<Node> {
        self.anchors.clear();
        self.stack.clear();
        self.root.take()
    }

    /// True inside `[]` and `{}`.
    pub(super) fn in_flow(&self) -> bool {
        self.stack.last().is_some_and(|frame| frame.style == Style::Flow)
    }

    pub(super) fn fault(
        &self,
        code: &'static Code,
        span: Span,
        message: impl Into<String>,
    ) -> Box<Diagnostic> {
        Box::new(Diagnostic::new(code, message).at(Place { file: self.file, span }))
    }

    /// A YAML scalar.
    pub(super) fn scalar(
        &mut self,
        text: Cow<'_, str>,
        style: Style,
        tag: Option<Tag>,
        span: Span,
        anchor: usize,
    ) -> Result {
        let plain = style == Style::Plain;
        let is_merge = text == "<<" && (plain && tag.is_none() || tag == Some(Tag::Merge));
        if is_merge && let Some(mapping) = self.open_key() {
            mapping.key = Key::Merge(span);
            return Ok(());
        }
        let scalar = scalar::resolve(text, plain, tag)
            .map_err(|refusal| self.fault(&codes::NOT_JSON, span, refusal.message()))?;
        self.put(scalar, style, span, anchor)
    }

    /// A scalar whose meaning is known. `anchor` is 0 for none.
    pub(super) fn put(
        &mut self,
        scalar: Scalar<'_>,
        style: Style,
        span: Span,
        anchor: usize,
    ) -> Result {
        let is_key = self.open_key().is_some();
        if !is_key {
            self.pay(1, span)?;
        }
        if anchor != 0 {
            let key = scalar.clone().into_key();
            let value = value_of(scalar.clone());
            self.pay(1, span)?;
            // As a key, infinity has a spelling; a copy of it as a value is refused when it is made.
            let node = value.map(|value| Node { value, span, style, comments: None });
            self.anchors.insert(anchor, Anchored { node, size: 1, height: 0, key });
        }
        if is_key {
            return self.key(scalar.into_key(), span);
        }
        let value = value_of(scalar)
            .map_err(|refusal| self.fault(&codes::NOT_JSON, span, refusal.message()))?;
        self.complete(Node { value, span, style, comments: None }, 0, false)
    }

    pub(super) fn start_sequence(&mut self, start: u32, style: Style, anchor: usize) -> Result {
        self.open(start, style, anchor, Kind::Sequence(Vec::new()))
    }

    pub(super) fn start_mapping(&mut self, start: u32, style: Style, anchor: usize) -> Result {
        self.open(start, style, anchor, Kind::Mapping(Mapping::default()))
    }

    /// Ends the innermost collection. `end` is used for flow collections; a block collection ends
    /// where its last child ends.
    pub(super) fn end(&mut self, end: u32) -> Result {
        let Some(frame) = self.stack.pop() else { return Ok(()) };
        let mut span = Span::new(frame.start, end);
        let value = match frame.kind {
            Kind::Sequence(mut items) => {
                items.shrink_to_fit();
                if frame.style == Style::Block {
                    if let Some(first) = items.first() {
                        span.start = dash(self.text, first.span.start);
                    }
                    span.end = items.last().map_or(span.start, |last| last.span.end);
                }
                Value::Sequence(items)
            }
            Kind::Mapping(mut mapping) => {
                mapping.entries.shrink_to_fit();
                if frame.style == Style::Block {
                    // Entries that came through a merge key stand elsewhere.
                    let merged = mapping.merged.as_deref().unwrap_or_default();
                    span.end = mapping
                        .entries
                        .iter()
                        .enumerate()
                        .rev()
                        .find(|(i, _)| !merged.get(*i).copied().unwrap_or_default())
                        .map_or(span.start, |(_, e)| e.value.span.end.max(e.key_span.end))
                        .max(span.start);
                }
                Value::Mapping(mapping.entries)
            }
        };
        let node = Node { value, span, style: frame.style, comments: None };
        if frame.anchor != 0 {
            let size = frame.budget.saturating_sub(*self.budget).max(1);
            self.pay(size, span)?;
            self.anchors.insert(
                frame.anchor,
                Anchored {
                    node: Ok(node.clone()),
                    size,
                    height: frame.height + 1,
                    key: Err(Refusal::NullKey),
                },
            );
        }
        self.complete(node, frame.height + 1, false)
    }

    pub(super) fn alias(&mut self, anchor: usize, span: Span) -> Result {
        let Some(anchored) = self.anchors.get(&anchor) else {
            return Err(self.fault(
                &codes::SYNTAX,
                span,
                "this alias stands inside its own anchor",
            ));
        };
        let (size, height) = (anchored.size, anchored.height);
        if self.open_key().is_some() {
            let Some(Anchored { node, key, .. }) = self.anchors.get(&anchor) else { return Ok(()) };
            if let Ok(Node { value: Value::Sequence(_) | Value::Mapping(_), .. }) = node {
                return Err(self.collection_key(span));
            }
            let key = key.clone();
            return self.key(key, span);
        }
        if self.stack.len() + height > self.limits.max_depth {
            return Err(self.too_deep(span));
        }
        self.pay(size, span)?;
        let Some(anchored) = self.anchors.get(&anchor) else { return Ok(()) };
        let mut node = match &anchored.node {
            Ok(node) => node.clone(),
            Err(refusal) => return Err(self.fault(&codes::NOT_JSON, span, refusal.message())),
        };
        node.style = Style::None;
        node.span = span;
        self.complete(node, height, true)
    }

    fn open(&mut self, start: u32, style: Style, anchor: usize, kind: Kind) -> Result {
        let span = Span::new(start, start);
        if self.open_key().is_some() {
            return Err(self.collection_key(span));
        }
        let budget = *self.budget;
        self.pay(1, span)?;
        if self.stack.len() >= self.limits.max_depth {
            return Err(self.too_deep(span));
        }
        self.stack.push(Frame { start, style, anchor, height: 0, budget, kind });
        Ok(())
    }

    /// The innermost mapping, when it waits for a key.
    fn open_key(&mut self) -> Option<&mut Mapping> {
        match self.stack.last_mut() {
            Some(Frame { kind: Kind::Mapping(mapping), .. })
                if matches!(mapping.key, Key::None) =>
            {
                Some(mapping)
            }
            _ => None,
        }
    }

    fn key(&mut self, key: std::result::Result<String, Refusal>, span: Span) -> Result {
        let key = key.map_err(|refusal| self.fault(&codes::NOT_JSON, span, refusal.message()))?;
        if let Some(mapping) = self.open_key() {
            mapping.key = Key::Text(key, span);
        }
        Ok(())
    }

    /// Hands a finished value to the collection it stands in.
    fn complete(&mut self, node: Node, height: usize, is_alias: bool) -> Result {
        let Some(frame) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        frame.height = frame.height.max(height);
        let mapping = match &mut frame.kind {
            Kind::Sequence(items) => {
                items.push(node);
                return Ok(());
            }
            Kind::Mapping(mapping) => mapping,
        };
        match std::mem::take(&mut mapping.key) {
            Key::Text(key, key_span) => {
                let entry = Entry { key, key_span, value: node };
                if let Err((first, again)) = mapping.insert(entry, false, &self.hasher) {
                    let file = self.file;
                    let message = format!("the key {:?} stands twice in one map", again.0);
                    return Err(Box::new(
                        Diagnostic::new(&codes::DUPLICATE_KEY, message)
                            .at(Place { file, span: again.1 })
                            .related(Place { file, span: first }, "first here"),
                    ));
                }
                Ok(())
            }
            Key::Merge(span) => self.merge(node, span, is_alias),
            Key::None => Ok(()),
        }
    }

    /// Copies the entries of a merge key's value into the innermost mapping. What stands later in
    /// the mapping wins, be it an entry or a merge key, as in kubectl; in a list of maps the
    /// earlier map wins.
    fn merge(&mut self, value: Node, span: Span, is_alias: bool) -> Result {
        let sources = match value.value {
            Value::Mapping(entries) => vec![entries],
            Value::Sequence(items) if !is_alias => {
                let mut sources = Vec::with_capacity(items.len());
                for item in items.into_iter().rev() {
                    let Value::Mapping(entries) = item.value else {
                        return Err(self.bad_merge(span));
                    };
                    sources.push(entries);
                }
                sources
            }
            _ => return Err(self.bad_merge(span)),
        };
        let Some(Frame { kind: Kind::Mapping(mapping), .. }) = self.stack.last_mut() else {
            return Ok(());
        };
        for mut entry in sources.into_iter().flatten() {
            entry.value.style = Style::None;
            // A merged entry never counts as a duplicate.
            let _ = mapping.insert(entry, true, &self.hasher);
        }
        Ok(())
    }

    fn pay(&mut self, nodes: usize, span: Span) -> Result {
        match self.budget.checked_sub(nodes) {
            Some(rest) => {
                *self.budget = rest;
                Ok(())
            }
            None => Err(self.fault(
                &codes::OVER_LIMIT,
                span,
                format!(
                    "more values than a file of {} bytes may hold, anchors and merge keys written out",
                    self.text.len()
                ),
            )),
        }
    }

    pub(super) fn tab(&self, at: u32) -> Box<Diagnostic> {
        let message = "a tab in the indentation; YAML allows only spaces there";
        self.fault(&codes::TAB, Span::new(at, at + 1), message)
    }

    pub(super) fn too_many(&self, at: Span) -> Box<Diagnostic> {
        let message = format!(
            "more than {} documents in one file; the rest was not read",
            self.limits.max_documents
        );
        self.fault(&codes::OVER_LIMIT, at, message)
    }

    /// Counts a comment.
    pub(super) fn comment(&mut self, span: Span) -> Result {
        self.pay(1, span)
    }

    fn too_deep(&self, span: Span) -> Box<Diagnostic> {
        let message = format!("nested more than {} levels deep", self.limits.max_depth);
        self.fault(&codes::OVER_LIMIT, span, message)
    }

    fn collection_key(&self, span: Span) -> Box<Diagnostic> {
        self.fault(&codes::NOT_JSON, span, "a list or a map cannot be a key")
    }

    fn bad_merge(&self, span: Span) -> Box<Diagnostic> {
        self.fault(&codes::NOT_JSON, span, "the merge key `<<` needs a map or a list of maps")
    }
}

impl Mapping {
    /// Adds an entry, or fails with the place of the earlier entry and the key.
    fn insert(
        &mut self,
        entry: Entry,
        by_merge: bool,
        hasher: &RandomState,
    ) -> std::result::Result<(), (Span, (String, Span))> {
        if by_merge && self.merged.is_none() {
            self.merged = Some(vec![false; self.entries.len()]);
        }
        let hash = (self.entries.len() >= SMALL_MAPPING).then(|| hasher.hash_one(&entry.key));
        if hash.is_some() && self.index.is_none() {
            let positions = (0_u32..).zip(&self.entries);
            self.index = Some(positions.map(|(i, e)| (hasher.hash_one(&e.key), i)).collect());
        }
        if let Some(at) = self.find(&entry.key, hash) {
            let (Some(slot), merged) = (
                self.entries.get_mut(at),
                self.merged.as_mut().and_then(|merged| merged.get_mut(at)),
            ) else {
                return Ok(());
            };
            let explicit_before = !merged.as_deref().copied().unwrap_or_default();
            if !by_merge && explicit_before {
                return Err((slot.key_span, (entry.key, entry.key_span)));
            }
            *slot = entry;
            if let Some(merged) = merged {
                *merged = by_merge;
            }
            return Ok(());
        }
        if let (Some(hash), Some(index)) = (hash, &mut self.index) {
            // Two keys of one hash: the later one is found by the linear search below.
            index.entry(hash).or_insert(u32::try_from(self.entries.len()).unwrap_or(u32::MAX));
        }
        self.entries.push(entry);
        if let Some(merged) = &mut self.merged {
            merged.push(by_merge);
        }
        Ok(())
    }

    fn find(&self, key: &str, hash: Option<u64>) -> Option<usize> {
        let linear = || self.entries.iter().position(|entry| entry.key == key);
        let (Some(hash), Some(index)) = (hash, &self.index) else { return linear() };
        let at = *index.get(&hash)? as usize;
        if self.entries.get(at).is_some_and(|entry| entry.key == key) { Some(at) } else { linear() }
    }
}

/// The offset of the `-` that opens the item whose content begins at `content`.
pub(crate) fn dash(text: &str, content: u32) -> u32 {
    let mut end = content as usize;
    loop {
        let Some(before) = text.get(..end) else { return content };
        let line_start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        let mut line = before.get(line_start..).unwrap_or_default();
        // On the lines above the content, a comment may follow the dash.
        if end != content as usize {
            line = strip_comment(line);
        }
        loop {
            line = line.trim_end_matches([' ', '\t']);
            if line.ends_with('-') {
                return u32::try_from(line_start + line.len() - 1).unwrap_or(content);
            }
            // Anchors and tags stand between the dash and the content.
            let word = line.rfind([' ', '\t']).map_or(0, |at| at + 1);
            match line.get(word..) {
                Some(property) if property.starts_with(['&', '!']) => {
                    line = line.get(..word).unwrap_or_default();
                }
                _ => break,
            }
        }
        if !line.is_empty() || line_start == 0 {
            return content;
        }
        end = line_start - 1;
    }
}

fn strip_comment(line: &str) -> &str {
    let at =
        if line.starts_with('#') { Some(0) } else { line.find(" #").or_else(|| line.find("\t#")) };
    at.and_then(|at| line.get(..at)).unwrap_or(line)
}

fn value_of(scalar: Scalar<'_>) -> std::result::Result<Value, Refusal> {
    scalar.into_value().map(|value| Node::from(value).value)
}
