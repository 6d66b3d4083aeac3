//! One stretch of YAML: parser events in, documents out.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Options, Parser, ScalarStyle, ScanError, StructureStyle};

use super::build::Builder;
use super::comments::{self, Mark};
use super::{Content, Limits, Piece};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::node::Style;
use crate::source::Span;
use goyaml::scalar::Tag;

/// Reads the documents in `text[span]`. There is more than one only where `...` ends a document.
pub(super) fn read(
    text: &str,
    span: Span,
    left: usize,
    limits: &Limits,
    builder: &mut Builder<'_>,
) -> Vec<Piece> {
    let Some(chunk) = text.get(span.range()) else { return Vec::new() };
    let mut reader = Reader {
        text,
        span,
        builder,
        tabs: chunk.contains('\t'),
        pieces: Vec::new(),
        start: span.start,
        end: None,
        between: false,
        seen: span.start,
        left,
        marks: Vec::new(),
    };
    for next in Parser::new_from_str_with_options(chunk, options(chunk, limits.max_depth)) {
        let result = match next {
            Ok((event, at)) => {
                let at = Span::new(offset(span, &at.start), offset(span, &at.end));
                reader.event(event, at).map_err(|fault| blame_template(fault, chunk))
            }
            Err(error) => Err(fault(&error, text, span, limits.max_depth, reader.builder)),
        };
        if let Err(diagnostic) = result {
            reader.give_up(diagnostic);
            break;
        }
    }
    reader.pieces
}

struct Reader<'a, 'b> {
    text: &'a str,
    span: Span,
    builder: &'a mut Builder<'b>,
    /// Whether there is any tab to look for.
    tabs: bool,
    pieces: Vec<Piece>,
    /// Where the current document begins.
    start: u32,
    /// Where the last document ended, when `...` ended it.
    end: Option<u32>,
    /// Between two documents.
    between: bool,
    /// Where the last event ended.
    seen: u32,
    marks: Vec<Mark>,
    /// How many documents may still be read.
    left: usize,
}

impl Reader<'_, '_> {
    fn give_up(&mut self, diagnostic: Box<Diagnostic>) {
        self.builder.take();
        if self.between {
            match (self.end, self.pieces.last_mut()) {
                (Some(end), Some(_)) => self.start = end,
                // What follows belongs to the document that seemed to be over.
                (None, Some(last)) => {
                    self.start = last.span.start;
                    self.pieces.pop();
                }
                (_, None) => {}
            }
        }
        let content = Content::Broken(diagnostic);
        self.pieces.push(Piece::new(self.start, self.span.end, content));
    }

    fn event(&mut self, event: Event<'_>, at: Span) -> Result<(), Box<Diagnostic>> {
        if self.tabs
            && !self.builder.in_flow()
            && let Some(tab) = tab_before(self.text, &event, at)
        {
            return Err(self.builder.tab(tab));
        }
        let before = self.seen;
        // The start of a document is reported with the span of what begins it.
        if !matches!(event, Event::DocumentStart(false, _)) {
            self.seen = before.max(at.end);
        }
        match event {
            Event::DocumentStart(..) if self.pieces.len() >= self.left => {
                self.end = Some(self.end.unwrap_or(at.start));
                Err(self.builder.too_many(Span::new(at.start, at.start)))
            }
            Event::DocumentStart(explicit, _) => {
                if let Some(last) = self.pieces.last_mut() {
                    let boundary = self.end.unwrap_or(at.start);
                    last.span.end = boundary;
                    self.start = if explicit { at.end } else { boundary };
                }
                self.between = false;
                Ok(())
            }
            Event::DocumentEnd => {
                let mut root = self.builder.take();
                if let Some(node) = &mut root {
                    comments::attach(node, self.text, &mut self.marks);
                }
                self.marks.clear();
                self.between = true;
                let line_end = line_end(self.text, at.end).min(self.span.end);
                self.end = (!at.is_empty()).then_some(line_end);
                let content = root.map_or(Content::Empty, Content::Node);
                let end = self.end.unwrap_or(self.span.end);
                self.pieces.push(Piece::new(self.start, end, content));
                Ok(())
            }
            Event::Comment(..) => {
                self.marks.push(Mark::new(self.text, at));
                self.builder.comment(at)
            }
            Event::Scalar(value, style, anchor, tag) => {
                let (mut value, mut at) = (value, at);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::SingleQuoted,
                    ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                match style {
                    // The parser says `~` for a value that is not there; with `!!str` it is "".
                    Style::Plain if at.is_empty() => value = Cow::Borrowed(""),
                    Style::Literal | Style::Folded => at = block_span(self.text, before, at),
                    _ => {}
                }
                let in_flow = self.builder.in_flow();
                match doubt(self.text, &value, style, tag.is_some(), at, in_flow) {
                    Some(Doubt::Tab(tab)) => Err(self.builder.tab(tab)),
                    Some(Doubt::Reading(why)) => Err(self.builder.fault(&codes::SYNTAX, at, why)),
                    None => {
                        let tag = tag.map(|tag| core_tag(&tag));
                        self.builder.scalar(value, style, tag, at, anchor)
                    }
                }
            }
            Event::Anchor(_, name) if !is_plain_name(&name) => {
                Err(self.builder.fault(&codes::SYNTAX, at, ANCHOR))
            }
            Event::Alias(anchor) => {
                let name = self.text.get(at.range()).unwrap_or_default();
                if is_plain_name(name.trim_start_matches('*')) {
                    self.builder.alias(anchor, at)
                } else {
                    Err(self.builder.fault(&codes::SYNTAX, at, ANCHOR))
                }
            }
            Event::SequenceStart(style, anchor, _) => {
                self.builder.start_sequence(at.start, structure(style), anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                self.builder.start_mapping(at.start, structure(style), anchor)
            }
            Event::SequenceEnd | Event::MappingEnd => self.builder.end(at.end),
            _ => Ok(()),
        }
    }
}

/// The parser holds comments back until it knows what follows them.
const MAX_COMMENTS_IN_A_ROW: usize = 100_000;

fn options(chunk: &str, max_depth: usize) -> Options {
    granit_parser::options! {
        // Looking for comments takes a fourth of the time.
        emit_comments: chunk.contains('#'),
        max_buffered_comment_events: MAX_COMMENTS_IN_A_ROW,
        bom_inside_document_as_content: true,
        flow_nesting_limit: max_depth + 1,
        block_nesting_limit: max_depth + 1,
        emit_anchor_events: true,
    }
}

const ANCHOR: &str = "kubectl allows only letters, digits, `-` and `_` in the name of an anchor";

fn is_plain_name(name: &str) -> bool {
    name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// Why a scalar is refused that this parser reads and kubectl reads differently or not at all.
enum Doubt {
    Tab(u32),
    Reading(&'static str),
}

fn doubt(
    text: &str,
    value: &str,
    style: Style,
    tagged: bool,
    at: Span,
    in_flow: bool,
) -> Option<Doubt> {
    match style {
        Style::Plain if in_flow => {
            let after = text.get(at.end as usize..).unwrap_or_default();
            let colon = after.trim_start_matches([' ', '\t']).strip_prefix(':');
            if value.contains('?') {
                Some(Doubt::Reading(
                    "a bare value inside braces or brackets must not hold `?`; put it in quotes",
                ))
            } else if !at.is_empty() && colon.is_some_and(|s| !s.starts_with(char::is_whitespace)) {
                Some(Doubt::Reading(
                    "inside braces or brackets, a space is needed after the `:` of a bare key",
                ))
            } else if tagged && at.is_empty() {
                Some(Doubt::Reading(
                    "inside braces or brackets, a tag needs a value behind it; put it in quotes",
                ))
            } else {
                None
            }
        }
        // Where the first line of a block begins with a tab, only a number in the header says how
        // far the block is indented.
        Style::Literal | Style::Folded if value.trim_start_matches('\n').starts_with('\t') => {
            let (header, content) = text.get(at.range())?.split_once('\n')?;
            let counted = header
                .trim_start_matches(['|', '>', '-', '+'])
                .starts_with(|c: char| c.is_ascii_digit());
            let tab = at.end as usize - content.trim_start_matches(['\r', '\n', ' ']).len();
            (!counted).then(|| Doubt::Tab(u32::try_from(tab).unwrap_or(at.start)))
        }
        _ => None,
    }
}

/// A block scalar from its `|` or `>`, which the parser leaves out, to its last visible character.
/// `seen` is where the event before it ended.
fn block_span(text: &str, seen: u32, content: Span) -> Span {
    let between = text.get(seen as usize..content.start as usize).unwrap_or_default();
    let header = between.find(['|', '>']).and_then(|at| u32::try_from(at).ok());
    let start = header.map_or(content.start, |at| seen + at);
    let whole = text.get(start as usize..content.end as usize).unwrap_or_default();
    let len = whole.trim_end_matches([' ', '\t', '\r', '\n']).len();
    Span::new(start, start + u32::try_from(len).unwrap_or_default())
}

fn structure(style: StructureStyle) -> Style {
    match style {
        StructureStyle::Block => Style::Block,
        StructureStyle::Flow => Style::Flow,
    }
}

fn core_tag(tag: &granit_parser::Tag) -> Tag {
    match (tag.handle(), tag.suffix()) {
        ("tag:yaml.org,2002:", suffix) => Tag::core(suffix),
        (handle, suffix) => {
            let full = format!("{handle}{suffix}");
            full.strip_prefix("tag:yaml.org,2002:").map_or(Tag::Other, Tag::core)
        }
    }
}

fn offset(span: Span, marker: &granit_parser::Marker) -> u32 {
    let local = marker.byte_offset().and_then(|at| u32::try_from(at).ok()).unwrap_or_default();
    span.start.saturating_add(local).min(span.end)
}

/// The byte after the line break of the line that `at` is in.
fn line_end(text: &str, at: u32) -> u32 {
    let rest = text.get(at as usize..).unwrap_or_default();
    let len = rest.find('\n').map_or(rest.len(), |at| at + 1);
    at.saturating_add(u32::try_from(len).unwrap_or_default())
}

fn fault(
    error: &ScanError,
    text: &str,
    span: Span,
    max_depth: usize,
    builder: &Builder<'_>,
) -> Box<Diagnostic> {
    let at = offset(span, error.marker());
    let chunk = text.get(span.range()).unwrap_or_default();
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return builder.fault(
            &codes::OVER_LIMIT,
            Span::new(at, at),
            format!("nested more than {max_depth} levels deep"),
        );
    }
    let about_tabs = matches!(
        error.kind(),
        ErrorKind::TabNotAllowed
            | ErrorKind::TabInBlockIndentation
            | ErrorKind::TabAtBlockScalarStart
            | ErrorKind::TabInIndentation
            | ErrorKind::TabInPlainScalar
    );
    let tab = tab_in_indentation(text, span, at).or_else(|| {
        let ahead = text.get(at as usize..span.end as usize)?.find('\t');
        let behind = || text.get(span.start as usize..at as usize)?.rfind('\t');
        let found = match ahead {
            Some(ahead) => at as usize + ahead,
            None => span.start as usize + behind()?,
        };
        u32::try_from(found).ok().filter(|_| about_tabs)
    });
    if matches!(error.kind(), ErrorKind::TooManyComments) {
        let message = format!("more than {MAX_COMMENTS_IN_A_ROW} comments in a row");
        return builder.fault(&codes::OVER_LIMIT, Span::new(at, at), message);
    }
    if let Some(tab) = tab {
        return builder.tab(tab);
    }
    let fault = builder.fault(&codes::SYNTAX, Span::new(at, at), error.kind().to_string());
    blame_template(fault, chunk)
}

/// The tab in front of what begins a line. This parser lets some of them pass, kubectl none.
fn tab_before(text: &str, event: &Event<'_>, at: Span) -> Option<u32> {
    let begins_line = matches!(
        event,
        Event::Scalar(..)
            | Event::Alias(..)
            | Event::Comment(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..)
    );
    let before = text.get(..at.start as usize).filter(|_| begins_line)?;
    let start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
    let line = before.get(start..)?;
    let indents = line.bytes().all(|b| matches!(b, b' ' | b'\t' | b'-' | b'?' | b':'));
    let tab = line.find('\t').filter(|_| indents)?;
    u32::try_from(start + tab).ok()
}

/// The tab that made the parser give up, on the line of the error or the one before.
fn tab_in_indentation(text: &str, span: Span, at: u32) -> Option<u32> {
    let mut end = at as usize;
    for _ in 0..2 {
        let before = text.get(span.start as usize..end)?;
        let start = span.start as usize + before.rfind('\n').map_or(0, |at| at + 1);
        let line = text.get(start..span.end as usize)?.lines().next()?;
        let indentation = line.len() - line.trim_start_matches([' ', '\t', '-']).len();
        if let Some(tab) = line.get(..indentation).and_then(|blank| blank.find('\t')) {
            return u32::try_from(start + tab).ok();
        }
        end = start.checked_sub(1)?;
        if end < span.start as usize {
            return None;
        }
    }
    None
}

/// Template braces are by far the most common reason why a manifest is no YAML.
fn blame_template(mut diagnostic: Box<Diagnostic>, chunk: &str) -> Box<Diagnostic> {
    let by_syntax = diagnostic.code == &codes::SYNTAX || diagnostic.code == &codes::NOT_JSON;
    if by_syntax && super::looks_like_template(chunk) {
        diagnostic.code = &codes::SYNTAX;
        diagnostic.message = format!(
            "not YAML: this looks like a template with {{{{ ... }}}} ({})",
            diagnostic.message
        );
        diagnostic.help = Some(
            "render the template first, for example with `helm template`, and read the result"
                .to_owned(),
        );
    }
    diagnostic
}
