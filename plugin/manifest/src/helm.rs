//! Helm templates as if they were YAML.
//!
//! A template becomes YAML only when Helm has run. Here its actions are set aside instead: an
//! action in a text is replaced by a word of the same length, and lines that hold nothing but
//! actions become comments. What is left is read as usual, with every value at its own place in the
//! file; in what is written of it the actions go back to where their words are.
//!
//! ```text
//! namespace: {{ .Release.Namespace }}      namespace: q9q3k08zqmn5w8wwwwwwww
//! {{- if .Values.enabled }}                #
//! ```

mod restore;
mod scan;
mod stand_in;

use std::borrow::Cow;
use std::fmt;

use crate::blank::Blank as _;
use crate::node::{Node, Style, Value};
use crate::read::{Content, Document, Limits, read};
use crate::source::{FileId, SourceFile, Span};
use scan::{Scopes, Unit};
pub use stand_in::{Held, Manner, StandIns};

/// What stands behind a word that is a whole entry of a map.
const ENTRY: &str = ": ''";

/// Why a text cannot be read or written with its actions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HelmError {
    /// Where in the file, when it was read.
    pub at: Option<u32>,
    /// The action that is to blame, when it was written.
    pub action: Option<Held>,
    /// What is the matter. It does not quote the action, which may hold anything.
    pub message: String,
}

impl HelmError {
    fn new(message: impl Into<String>) -> Self {
        Self { at: None, action: None, message: message.into() }
    }

    fn about(held: &Held, why: &str) -> Self {
        Self { action: Some(held.clone()), ..Self::new(format!("this Helm action {why}")) }
    }
}

impl fmt::Display for HelmError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for HelmError {}

/// A template with its actions set aside.
#[derive(Clone, Debug)]
pub struct HelmFile {
    /// The text with words and comments in place of the actions; as long as the file, so that offsets
    /// are those of the file.
    pub masked: SourceFile,
    /// Its documents. Each holds its object and nothing of the lines around it.
    pub documents: Vec<Document>,
    /// The lines of each document's object, by the document's index. Everything else of the file
    /// belongs to nobody and stays as it is.
    regions: Vec<Option<Region>>,
    actions: Vec<Found>,
    scopes: Scopes,
    /// The file itself.
    text: SourceFile,
}

/// The lines of an object.
#[derive(Clone, Copy, Debug)]
struct Region {
    span: Span,
    /// Something below them was taken out.
    cut: bool,
}

/// An action of a file, or several that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other")]
pub struct Found {
    /// Where it stands.
    pub span: Span,
    /// There is nothing else on its lines, so that no word stands for it.
    pub alone: bool,
    /// It decides about text outside itself: `if`, `end`, a variable that gets a value.
    pub controls: bool,
    /// It may print something.
    pub prints: bool,
    /// It is a line that prints whole entries of a map, and a word stands for them.
    pub entries: bool,
}

impl HelmFile {
    /// Reads a template.
    ///
    /// # Errors
    /// When it is none: an action without end, an `end` of nothing.
    pub fn read(
        id: FileId,
        source: &SourceFile,
        words: &mut StandIns,
        limits: &Limits,
    ) -> Result<Self, HelmError> {
        let text = source.text();
        let fault = |fault: scan::Fault| HelmError {
            at: Some(offset(fault.at)),
            message: format!("the file is no Helm template: {}", fault.why),
            action: None,
        };
        let actions = scan::actions(text).map_err(fault)?;
        let (units, scopes) = scan::units(text, &actions).map_err(fault)?;
        let prefix = stand_in::prefix_for(text).ok_or_else(|| {
            HelmError::new("the file has no room for words that stand for actions")
        })?;
        let mut mask = Mask { text, prefix, words };

        // Once to see where everything stands, and once more with what that tells.
        let entries: Vec<Option<usize>> =
            units.iter().map(|unit| entries_column(text, unit)).collect();
        let manner = |at: usize| entries.get(at).copied().flatten().map(Manner::Entries);
        let first = mask.with(&units, |at, unit| {
            manner(at).or_else(|| (!unit.alone).then_some(Manner::Aside))
        })?;
        let first = SourceFile::new(source.path(), first);
        let documents = read(id, &first, limits);
        let styles = styles(&documents);
        let known = |at: usize, unit: &Unit| {
            let style = style_at(&styles, unit.span.start);
            match manner(at).or(style) {
                // A line of a text is a part of the text.
                Some(Manner::Block) if unit.alone && is_line_of_text(text, unit) => style,
                Some(manner) if !unit.alone || manner.is_entries() => Some(manner),
                None if !unit.alone => Some(Manner::Aside),
                _ => None,
            }
        };
        let mut bytes = mask.with(&units, known)?.into_bytes();
        let regions: Vec<Option<Region>> = documents
            .iter()
            .map(|document| {
                let Content::Node(root) = &document.content else { return None };
                Some(cut(&first, document.span, root.span, &units, &mut bytes))
            })
            .collect();
        let masked =
            String::from_utf8(bytes).map_err(|_| HelmError::new("the file is not text"))?;
        let masked = SourceFile::new(source.path(), masked);
        let mut documents = read(id, &masked, limits);
        for (document, region) in documents.iter_mut().zip(&regions) {
            if region.is_some_and(|region| region.cut) {
                without_the_rest(document);
            }
        }
        let actions = units
            .iter()
            .zip(&entries)
            .map(|(unit, entries)| Found {
                span: Span::new(offset(unit.span.start), offset(unit.span.end)),
                alone: unit.alone
                    && entries.is_none()
                    && !(is_line_of_text(text, unit)
                        && style_at(&styles, unit.span.start) == Some(Manner::Block)),
                controls: unit.controls,
                prints: unit.prints,
                entries: entries.is_some(),
            })
            .collect();
        Ok(Self { masked, documents, regions, actions, scopes, text: source.clone() })
    }

    /// The lines of a document's object, with its comments.
    pub fn region(&self, document: usize) -> Option<Span> {
        self.regions.get(document).copied().flatten().map(|region| region.span)
    }

    /// The first line below a document's object, and in its document, that may print more of it.
    pub fn printed_below(&self, document: usize) -> Option<&Found> {
        let region = self.region(document)?;
        let end = self.documents.get(document)?.span.end;
        let below = self.within(Span::new(region.end, end));
        below.iter().find(|action| action.alone && action.prints)
    }

    /// The actions in a stretch of the file.
    pub fn within(&self, span: Span) -> &[Found] {
        let start = self.actions.partition_point(|action| action.span.start < span.start);
        let end = self.actions.partition_point(|action| action.span.start < span.end);
        self.actions.get(start..end).unwrap_or_default()
    }

    /// An action's own text.
    pub fn text(&self, action: &Found) -> &str {
        self.text.slice(action.span)
    }

    /// Where the `range`, `with` or `define` around an offset begins.
    pub fn scope_at(&self, at: u32) -> Option<u32> {
        let at = at as usize;
        self.scopes.iter().find(|(span, _)| span.contains(&at)).map(|(_, opener)| offset(*opener))
    }

    /// The text of the file.
    pub fn source(&self) -> &SourceFile {
        &self.text
    }
}

impl StandIns {
    /// YAML that was written with words, with the actions in their places.
    ///
    /// # Errors
    /// When an action would mean something else there than in its file.
    pub fn restore(&self, yaml: &str, limits: &Limits) -> Result<String, HelmError> {
        restore::restore(self, yaml, limits)
    }
}

/// A text of which Helm prints what stands in it now: each action in a raw string. One that stands
/// in a raw string already stays as it is.
pub fn printed_as_it_is(text: &str) -> Cow<'_, str> {
    if !has_actions(text) {
        return Cow::Borrowed(text);
    }
    let Ok(actions) = scan::actions(text) else {
        return Cow::Owned(text.replace("{{", "{{`{{`}}"));
    };
    let mut out = String::with_capacity(text.len() * 2);
    let mut done = 0;
    for action in actions {
        out.push_str(text.get(done..action.span.start).unwrap_or_default());
        done = action.span.end;
        let action = text.get(action.span).unwrap_or_default();
        if action.starts_with("{{`") {
            out.push_str(action);
        } else {
            // A raw string has no way to hold its own quote.
            out.push_str("{{`");
            out.push_str(&action.replace('`', "`}}{{\"`\"}}{{`"));
            out.push_str("`}}");
        }
    }
    out.push_str(text.get(done..).unwrap_or_default());
    Cow::Owned(out)
}

/// The actions of a text that decide about others, each as it stands; `None` when it is no
/// template.
pub fn live_controls(text: &str) -> Option<Vec<&str>> {
    let actions = scan::actions(text).ok()?;
    let controls = actions
        .into_iter()
        .filter(|action| !matches!(action.kind, scan::Kind::Prints | scan::Kind::Comment));
    Some(controls.filter_map(|action| text.get(action.span)).collect())
}

/// True for text with something that Helm acts upon.
pub fn has_actions(text: &str) -> bool {
    text.contains("{{")
}

struct Mask<'a> {
    text: &'a str,
    prefix: [u8; 3],
    words: &'a mut StandIns,
}

impl Mask<'_> {
    /// The text with all units set aside.
    fn with(
        &mut self,
        units: &[Unit],
        manner: impl Fn(usize, &Unit) -> Option<Manner>,
    ) -> Result<String, HelmError> {
        let mut out = String::with_capacity(self.text.len());
        let mut done = 0;
        for (at, unit) in units.iter().enumerate() {
            out.push_str(self.text.get(done..unit.span.start).unwrap_or_default());
            done = unit.span.end;
            let old = self.text.get(unit.span.clone()).unwrap_or_default();
            let Some(manner) = manner(at, unit) else {
                comment(&mut out, old);
                continue;
            };
            let error = |message: &str| HelmError {
                at: Some(offset(unit.span.start)),
                ..HelmError::new(message)
            };
            if old.contains('\n') {
                return Err(error("a Helm action in a text goes over several lines"));
            }
            let behind = if manner.is_entries() { ENTRY } else { "" };
            let word = old
                .len()
                .checked_sub(behind.len())
                .and_then(|length| self.words.word(self.prefix, old, manner, length))
                .ok_or_else(|| error("no word is left to stand for this short Helm action"))?;
            out.push_str(&word);
            out.push_str(behind);
        }
        out.push_str(self.text.get(done..).unwrap_or_default());
        Ok(out)
    }
}

/// A comment as long as the text, line by line.
fn comment(out: &mut String, old: &str) {
    for (i, line) in old.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let cr = usize::from(line.ends_with('\r'));
        if let Some(blanks) = (line.len() - cr).checked_sub(1) {
            out.push('#');
            out.extend(std::iter::repeat_n(' ', blanks));
        }
        out.push_str(if cr == 1 { "\r" } else { "" });
    }
}

/// The column of the entries that an action on a line of its own prints below `labels:` or
/// `annotations:`, when it indents them for just that column.
fn entries_column(text: &str, unit: &Unit) -> Option<usize> {
    let old = text.get(unit.span.clone())?;
    if !unit.alone || unit.controls || unit.actions.len() != 1 || old.contains('\n') {
        return None;
    }
    let before = text.get(..unit.span.start)?;
    let line = before.rfind('\n')? + 1;
    let column = before.len() - line;
    let above = before.get(..line - 1)?;
    let above = above.get(above.rfind('\n').map_or(0, |at| at + 1)..)?.trim_blanks();
    (matches!(above, "labels:" | "annotations:")
        && !before.get(line..)?.contains('\t')
        && indentation(old) == Some(column))
    .then_some(column)
}

/// True for one action that prints a part of a line and nothing beside it.
fn is_line_of_text(text: &str, unit: &Unit) -> bool {
    let old = text.get(unit.span.clone()).unwrap_or_default();
    let trims = old.starts_with("{{-") || old.ends_with("-}}");
    !unit.controls && unit.actions.len() == 1 && !trims && !old.contains('\n')
}

/// The number behind `nindent` (with what trims the line's own blanks) or, at the line's
/// beginning, `indent`.
fn indentation(action: &str) -> Option<usize> {
    let (_, rest) = action.split_once("| nindent ")?;
    let number = rest.trim_end_matches("}}").trim_end_matches('-').trim_blanks();
    if !action.starts_with("{{-") || rest.trim_end_matches("}}").ends_with('-') {
        return None;
    }
    number.parse().ok()
}

/// Where each text of the documents stands, and how it is written.
fn styles(documents: &[Document]) -> Vec<(Span, Manner)> {
    let mut found = Vec::new();
    for document in documents {
        if let Content::Node(node) = &document.content {
            collect(node, &mut found);
        }
    }
    found.sort_unstable();
    found
}

fn collect(node: &Node, found: &mut Vec<(Span, Manner)>) {
    match &node.value {
        Value::Sequence(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Mapping(entries) => {
            for entry in entries {
                found.push((entry.key_span, Manner::Plain));
                collect(&entry.value, found);
            }
        }
        _ => found.push((
            node.span,
            match node.style {
                Style::SingleQuoted => Manner::Single,
                Style::DoubleQuoted => Manner::Double,
                Style::Literal | Style::Folded => Manner::Block,
                _ => Manner::Plain,
            },
        )),
    }
}

fn style_at(styles: &[(Span, Manner)], at: usize) -> Option<Manner> {
    let after = styles.partition_point(|(span, _)| span.start as usize <= at);
    let (span, manner) = styles.get(after.checked_sub(1)?)?;
    span.range().contains(&at).then_some(*manner)
}

/// The lines of an object. What stands above it and, from the first line of actions on, below it
/// is taken out of `bytes`.
fn cut(file: &SourceFile, document: Span, root: Span, units: &[Unit], bytes: &mut [u8]) -> Region {
    let text = file.text();
    let start = root.start as usize;
    let line = text.get(..start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let start = if line >= document.start as usize && scan::begins_line(text, start) {
        line
    } else {
        document.start as usize
    };
    let content =
        text.get(..root.end as usize).unwrap_or_default().trim_blanks_end().len().max(start);
    let end = document.end as usize;
    let after = units.partition_point(|unit| unit.span.start < content);
    let below = units.get(after..).unwrap_or_default();
    let first =
        below.iter().find(|unit| unit.alone).map(|unit| unit.span.start).filter(|at| *at < end);
    let stop = first.map_or(end, |at| {
        text.get(..at).and_then(|before| before.rfind('\n')).map_or(at, |newline| newline + 1)
    });
    for byte in bytes.get_mut(document.start as usize..start).unwrap_or_default() {
        if !matches!(byte, b'\n' | b'\r') {
            *byte = b'\n';
        }
    }
    // One comment in the first column, which ends any text before it.
    let rest = bytes.get_mut(stop..end).unwrap_or_default();
    let kept = usize::from(rest.ends_with(b"\n"));
    if let Some(last) = rest.len().checked_sub(kept).filter(|_| first.is_some()) {
        for (at, byte) in rest.iter_mut().take(last).enumerate() {
            *byte = if at == 0 { b'#' } else { b' ' };
        }
    }
    let kept = text.get(start..stop).unwrap_or_default();
    let body = kept.trim_blanks_end();
    let end = start + body.len();
    let end = text.get(end..stop).and_then(|rest| rest.find('\n')).map_or(stop, |at| end + at + 1);
    Region { span: Span::new(offset(start), offset(end)), cut: first.is_some() }
}

/// Takes away the comment that [`cut`] left.
fn without_the_rest(document: &mut Document) {
    let Content::Node(root) = &mut document.content else { return };
    let Some(comments) = &mut root.comments else { return };
    if comments.after.last().is_some_and(|last| last == "#") {
        comments.after.pop();
        while comments.after.last().is_some_and(String::is_empty) {
            comments.after.pop();
        }
    }
    if comments.is_empty() {
        root.comments = None;
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
