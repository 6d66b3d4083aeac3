//! From bytes to documents.
//!
//! As kubectl does it, a file is first cut at the lines that begin with `---`, and each stretch is
//! read for itself: what is wrong in one does not reach the next. A stretch that begins with `{`
//! is read as JSON if it can be, everything else as YAML.

#![expect(
    clippy::unnecessary_box_returns,
    reason = "a diagnostic is large, and travels boxed in every result here"
)]

mod build;
mod comments;
mod json;
mod yaml;

use crate::blank::Blank as _;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::node::{Node, Value};
use crate::source::{FileId, Place, SourceFile, Span};

use build::Builder;
pub(crate) use build::dash;

/// How much is read before a file counts as hostile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one file.
    pub max_file_bytes: usize,
    /// Bytes of one object in its file. An API server stores no larger object.
    pub max_object_bytes: usize,
    /// Collections inside collections.
    pub max_depth: usize,
    /// Documents in one file.
    pub max_documents: usize,
    /// Values and comments in one file, keys not counted, after aliases and merge keys are expanded. A value
    /// takes about 100 bytes of memory.
    pub max_nodes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_file_bytes: 64 << 20,
            max_object_bytes: 1 << 20,
            max_depth: 100,
            max_documents: 250_000,
            max_nodes: 4_000_000,
        }
    }
}

/// Values that aliases and merge keys may add to a file of any size: some 10 MB of memory.
const REPEATED_NODES: usize = 100_000;

/// One document of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// The file it stands in.
    pub file: FileId,
    /// Its position in the file, from 0; empty documents count.
    pub index: usize,
    /// Everything between the separators around it, comments included. Replacing the text under
    /// this span leaves the separators alone.
    pub span: Span,
    /// What stands there.
    pub content: Content,
}

/// What a document holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Nothing, or nothing but comments.
    Empty,
    /// A value.
    Node(Node),
    /// It could not be read.
    Broken(Box<Diagnostic>),
}

impl Document {
    /// The value, when there is one.
    pub fn node(&self) -> Option<&Node> {
        match &self.content {
            Content::Node(node) => Some(node),
            Content::Empty | Content::Broken(_) => None,
        }
    }
}

/// A document on its way out of one of the readers.
struct Piece {
    span: Span,
    content: Content,
}

impl Piece {
    fn new(start: u32, end: u32, content: Content) -> Self {
        Self { span: Span::new(start, end), content }
    }
}

/// Turns the bytes of a file into text.
///
/// UTF-8, with or without a byte order mark (which stays in the text), and UTF-16 with one.
/// `path` is only shown.
///
/// # Errors
/// `R05` when the file is over the limit, `R03` when it is not text.
pub fn decode(path: &str, bytes: Vec<u8>, limits: &Limits) -> Result<SourceFile, Diagnostic> {
    // Offsets are 32 bits wide.
    let limit = limits.max_file_bytes.min(u32::MAX as usize - 1);
    if bytes.len() > limit {
        let message =
            format!("{path} has {} bytes; at most {limit} bytes of a file are read", bytes.len());
        return Err(Diagnostic::new(&codes::FILE_TOO_LARGE, message));
    }
    let not_text = |why: String| Diagnostic::new(&codes::NOT_TEXT, format!("{path} {why}"));
    let text = match bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes)
            .ok_or_else(|| not_text("begins like UTF-16 but is not valid UTF-16".to_owned()))?,
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes)
            .ok_or_else(|| not_text("begins like UTF-16 but is not valid UTF-16".to_owned()))?,
        _ => String::from_utf8(bytes).map_err(|error| {
            let at = error.utf8_error().valid_up_to();
            not_text(format!("is not UTF-8 text (first invalid byte at offset {at})"))
        })?,
    };
    if text.len() > limit {
        let message = format!("{path} has more than {limit} bytes as UTF-8");
        return Err(Diagnostic::new(&codes::FILE_TOO_LARGE, message));
    }
    if let Some(at) = text.find('\0') {
        return Err(not_text(format!("is a binary file (NUL byte at offset {at})")));
    }
    Ok(SourceFile::new(path, text))
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    char::decode_utf16(pairs.iter().map(|pair| unit(*pair))).collect::<Result<_, _>>().ok()
}

/// Reads all documents of a file.
pub fn read(id: FileId, file: &SourceFile, limits: &Limits) -> Vec<Document> {
    let text = file.text();
    // A written value takes a byte at least, so only aliases and merge keys can come to more. They
    // may repeat a lot, but a small file may not become a large one.
    let mut budget = limits.max_nodes.min(text.len().saturating_add(REPEATED_NODES));
    let mut documents = Vec::new();
    for span in stretches(text, limits.max_documents) {
        let mut builder = Builder::new(id, text, limits, &mut budget);
        let left = limits.max_documents.saturating_sub(documents.len());
        for piece in stretch(text, span, left, limits, &mut builder) {
            let content = match piece.content {
                Content::Node(node) if matches!(node.value, Value::Null) => Content::Empty,
                Content::Node(node) => match oversized(&node, limits) {
                    Some((span, which)) => {
                        let message = format!(
                            "{which} is {} bytes long; at most {} bytes can be stored",
                            span.end - span.start,
                            limits.max_object_bytes
                        );
                        Content::Broken(Box::new(
                            Diagnostic::new(&codes::OBJECT_TOO_LARGE, message)
                                .at(Place { file: id, span: Span::new(span.start, span.start) }),
                        ))
                    }
                    None => Content::Node(node),
                },
                other => other,
            };
            documents.push(Document {
                file: id,
                index: documents.len(),
                span: piece.span,
                content,
            });
        }
    }
    documents
}

/// True for text with the double braces of Go templates (Helm) or their like.
pub fn looks_like_template(text: &str) -> bool {
    text.find("{{").is_some_and(|at| text.get(at..).is_some_and(|rest| rest.contains("}}")))
}

/// Reads one stretch, of which `left` documents are read.
fn stretch(
    text: &str,
    span: Span,
    left: usize,
    limits: &Limits,
    builder: &mut Builder<'_>,
) -> Vec<Piece> {
    let chunk = text.get(span.range()).unwrap_or_default();
    if left == 0 {
        let at = Span::new(span.start, span.start);
        return vec![Piece::new(span.start, span.end, Content::Broken(builder.too_many(at)))];
    }
    let trimmed = chunk.trim_blanks();
    if trimmed.is_empty() {
        return vec![Piece::new(span.start, span.end, Content::Empty)];
    }
    let mut json = None;
    if trimmed.starts_with('{') {
        let (mut pieces, rest) = json::read(text, span, left, builder);
        let Some(rest) = rest else {
            if let [only] = pieces.as_mut_slice() {
                only.span = span;
            }
            return pieces;
        };
        json = Some((pieces, rest));
    }
    let mut pieces = match forbidden(chunk) {
        Some((at, message)) => {
            let at = span.start + u32::try_from(at).unwrap_or_default();
            let fault = builder.fault(&codes::SYNTAX, Span::new(at, at), message);
            vec![Piece::new(span.start, span.end, Content::Broken(fault))]
        }
        None => yaml::read(text, span, left, limits, builder),
    };
    if pieces.is_empty() {
        pieces.push(Piece::new(span.start, span.end, Content::Empty));
    }
    // Neither JSON to the end nor YAML: keep the JSON documents up to the broken one.
    if let Some((mut read, rest)) = json
        && pieces.iter().any(|piece| matches!(piece.content, Content::Broken(_)))
        && (!read.is_empty()
            || trimmed.get(1..).is_some_and(|s| s.trim_blanks_start().starts_with('"')))
        && !looks_like_template(chunk)
    {
        let at = Span::new(rest.at, rest.at);
        let fault = builder.fault(&codes::SYNTAX, at, "this is not valid JSON from here on");
        read.push(Piece::new(rest.start, span.end, Content::Broken(fault)));
        return read;
    }
    pieces
}

/// The stretches between the `---` lines. An empty one at the very beginning or end of the file is
/// no document. When there are more than `max`, the last one reaches to the end of the file.
fn stretches(text: &str, max: usize) -> Vec<Span> {
    let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let mut spans = Vec::new();
    let first = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut start = first;
    let mut at = first;
    let mut separated = false;
    while spans.len() < max
        && let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty())
    {
        let len = rest.find('\n').map_or(rest.len(), |at| at + 1);
        if let Some(after) = rest.get(..len).and_then(|line| line.strip_prefix("---")) {
            // As kubectl does, which takes all white space of Unicode here.
            let trimmed = after.trim();
            let begins = if trimmed.is_empty() || trimmed.starts_with('#') {
                Some(at + len)
            } else if after.starts_with([' ', '\t']) {
                // A document that begins on the line of the separator.
                Some(at + 3)
            } else {
                None
            };
            if let Some(begins) = begins {
                if separated || at > start {
                    spans.push(Span::new(offset(start), offset(at)));
                }
                separated = true;
                start = begins;
            }
        }
        at += len;
    }
    let tail = text.get(start..).unwrap_or_default();
    if !tail.trim_blanks().is_empty() || (spans.is_empty() && !separated && !tail.is_empty()) {
        spans.push(Span::new(offset(start), offset(text.len())));
    }
    spans
}

/// The first object over the limit, and what to call it.
fn oversized(node: &Node, limits: &Limits) -> Option<(Span, String)> {
    let too_long = |span: Span| (span.end - span.start) as usize > limits.max_object_bytes;
    if !too_long(node.span) {
        return None;
    }
    match crate::stream::items(node) {
        None => Some((node.span, "this object".to_owned())),
        Some(items) => items.iter().enumerate().find_map(|(i, item)| {
            let (span, which) = oversized(item, limits)?;
            let which =
                if which == "this object" { format!("item {i} of this list") } else { which };
            Some((span, which))
        }),
    }
}

/// A character that YAML does not allow in the open, or that its versions read differently.
fn forbidden(chunk: &str) -> Option<(usize, String)> {
    let suspicious = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r') || b >= 0x7f;
    if !chunk.bytes().any(suspicious) {
        return None;
    }
    chunk.char_indices().find_map(|(at, c)| {
        let why = match c {
            '\t' | '\n' | '\r' => return None,
            '\u{85}' | '\u{2028}' | '\u{2029}' => {
                "is a line break to kubectl and a letter to others; write it as an escape in double quotes"
            }
            '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                "is not allowed in YAML; write it as an escape in double quotes"
            }
            _ => return None,
        };
        Some((at, format!("the character U+{:04X} {why}", u32::from(c))))
    })
}

#[cfg(test)]
mod scalars;
#[cfg(test)]
mod tests;
