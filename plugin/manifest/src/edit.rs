//! New objects in the place of old ones, in the text of their file.
//!
//! Nothing outside the replaced spans is touched, not even white space, so a diff shows the
//! replaced objects and nothing else.

use crate::blank::Blank as _;
use crate::node::{Node, Style, Value};
use crate::read::{Document, dash};
use crate::source::{SourceFile, Span};
use crate::write::{Layout, write_documents, write_item, write_json_into};

/// New text for a stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replacement {
    /// What is replaced.
    pub span: Span,
    /// What stands there instead.
    pub text: String,
}

/// Puts documents in the place of one. JSON stays JSON, line ends stay what they are, and so do
/// empty lines at the beginning and the end of the document.
pub fn replace_document(file: &SourceFile, document: &Document, nodes: &[Node]) -> Replacement {
    let span = document.span;
    let old = file.slice(span);
    let blank_start = old.len() - old.trim_blanks_start().len();
    let blank_end = old.trim_blanks_end().len().max(blank_start);
    let start = old.get(..blank_start).unwrap_or_default();
    let end = old.get(blank_end..).unwrap_or_default();
    if is_json(old) {
        let layout = Layout::Lines { step: json_step(old), indent: 0 };
        let separator = if between_separators(file.text(), span) { "\n---\n" } else { "\n" };
        let mut text = String::new();
        for (i, node) in nodes.iter().enumerate() {
            text.push_str(if i > 0 { separator } else { "" });
            write_json_into(&mut text, node, layout);
        }
        let text = format!("{start}{}{end}", like(old, text));
        return Replacement { span, text };
    }
    let whole_lines = |blank: &str| blank.rfind('\n').map_or(0, |at| at + 1);
    let mut text = String::new();
    if span.start > 0 && !file.text().get(..span.start as usize).is_some_and(ends_line) {
        // The document began on the line of its `---`.
        text.push('\n');
    } else {
        text.push_str(start.get(..whole_lines(start)).unwrap_or_default());
    }
    let body = like(old, write_documents(nodes));
    text.push_str(&body);
    let after_line = end.find('\n').map_or("", |at| end.get(at + 1..).unwrap_or_default());
    text.push_str(&like(old, blank_lines_after(&body, after_line)));
    // Where the old document ended with `...`, the next one needs a separator now.
    let rest = file.text().get(span.end as usize..).unwrap_or_default();
    let mut next = rest.lines().take_while(|line| !line.starts_with("---"));
    if next.any(|line| {
        !matches!(line.trim_blanks(), "" | "...") && !line.trim_blanks().starts_with('#')
    }) {
        text.push_str("---\n");
    }
    Replacement { span, text }
}

/// Puts objects in the place of items of a document's list. `items` holds positions as
/// [`objects`](crate::stream::objects) counts them, with the new objects; where there are none the
/// item stays as it is. The list keeps its style and its indentation.
pub fn replace_items(
    file: &SourceFile,
    document: &Document,
    items: &[(usize, Vec<Node>)],
) -> Vec<Replacement> {
    let Some(root) = document.node() else { return Vec::new() };
    let mut slots = Vec::new();
    flatten(root, &mut slots);
    let json = is_json(file.slice(document.span));
    items
        .iter()
        .filter(|(_, nodes)| !nodes.is_empty())
        .filter_map(|(position, nodes)| {
            let (item, style) = *slots.get(*position)?;
            Some(if style == Style::Block {
                block_item(file.text(), item, nodes)
            } else {
                flow_item(file.text(), item, nodes, json)
            })
        })
        .collect()
}

/// The text with all replacements made. They must not overlap; of two that do, the later one is
/// left out.
pub fn splice(text: &str, replacements: &[Replacement]) -> String {
    let mut sorted: Vec<_> = replacements.iter().collect();
    sorted.sort_by_key(|replacement| (replacement.span.start, replacement.span.end));
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for Replacement { span, text: new } in sorted {
        let Some(kept) = text.get(done..span.start as usize) else { continue };
        if text.get(span.range()).is_none() {
            continue;
        }
        out.push_str(kept);
        out.push_str(new);
        done = span.end as usize;
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

/// Every object of a list with the style of the list that it stands in.
fn flatten<'a>(node: &'a Node, slots: &mut Vec<(&'a Node, Style)>) {
    let Some(items) = crate::stream::items(node) else { return };
    let style = node.get("items").map_or(Style::None, |items| items.style);
    for item in items {
        if crate::stream::items(item).is_some() {
            flatten(item, slots);
        } else {
            slots.push((item, style));
        }
    }
}

fn block_item(text: &str, item: &Node, nodes: &[Node]) -> Replacement {
    let dash = dash(text, item.span.start) as usize;
    let line = line_start(text, dash);
    let indent = text.get(line..dash).unwrap_or_default();
    let columns = indent.chars().count();
    let mut new = String::new();
    for node in nodes {
        new.push_str(&write_item(node, columns));
    }
    // A text at the end of the new item would take in a comment that is as deep as its lines.
    let (end, deep) = comments_deeper_than(text, item_end(text, item), columns + 2);
    for comment in deep {
        new.push_str(&" ".repeat(columns + 2));
        new.push_str(comment);
        new.push('\n');
    }
    let start = if indent.trim_blanks().is_empty() {
        above(text, line, item)
    } else {
        // Something else stands on the line of the dash.
        new.drain(..new.len() - new.trim_blanks_start().len());
        dash
    };
    let rest = text.get(end..).unwrap_or_default();
    let blank = rest.len() - rest.trim_blanks_start().len();
    let whole_lines = match rest.get(..blank).and_then(|blanks| blanks.rfind('\n')) {
        _ if blank == rest.len() => blank,
        Some(last) => last + 1,
        None => 0,
    };
    let blanks = rest.get(..whole_lines).unwrap_or_default();
    let kept = blank_lines_after(&new, blanks);
    let mut end = end;
    if kept != blanks.replace('\r', "") {
        new.push_str(&kept);
        end += blanks.len();
    }
    let old = text.get(start..end).unwrap_or_default();
    Replacement { span: span(start, end), text: like(old, new) }
}

/// The blank lines that may follow new text where `blanks` followed the old. At the end of a block
/// of text they belong to it when they hold blanks, or when the block keeps its empty lines.
fn blank_lines_after(new: &str, blanks: &str) -> String {
    let count = if ends_with_empty_line(new) { 0 } else { blanks.matches('\n').count() };
    "\n".repeat(count)
}

fn ends_with_empty_line(text: &str) -> bool {
    text.ends_with("\n\n") || text.ends_with("\r\n\r\n")
}

/// The beginning of the comments that stand above the line of an item and belong to it.
fn above(text: &str, line: usize, item: &Node) -> usize {
    let before: Vec<&str> = item
        .comments
        .iter()
        .flat_map(|comments| &comments.before)
        .map(String::as_str)
        .filter(|comment| !comment.is_empty())
        .collect();
    // Comment lines upwards from the dash, with the place where each begins.
    let mut found = Vec::new();
    let mut at = line;
    while found.len() < before.len() && at > 0 {
        let start = line_start(text, at - 1);
        let content = text.get(start..at).unwrap_or_default().trim_blanks();
        if content.starts_with('#') {
            found.push((content, start));
        } else if !content.is_empty() {
            break;
        }
        at = start;
    }
    // Some of the item's comments may stand below its dash.
    for count in (1..=found.len()).rev() {
        let lines = found.get(..count).unwrap_or_default();
        if lines.iter().rev().map(|(line, _)| *line).eq(before.iter().copied().take(count)) {
            return lines.last().map_or(line, |(_, start)| *start);
        }
    }
    line
}

/// One past the last line of an item, the comments at its end included.
fn item_end(text: &str, item: &Node) -> usize {
    let mut after = Vec::new();
    trailing_comments(item, &mut after);
    let mut after = after.into_iter().filter(|comment| !comment.is_empty()).peekable();
    let mut end = line_end(text, item.span.end as usize);
    let mut at = end;
    while let Some(comment) = after.peek().copied() {
        let next = line_end(text, at);
        let line = text.get(at..next).unwrap_or_default().trim_blanks();
        if next == at {
            break;
        }
        if line == comment {
            after.next();
            end = next;
        } else if !line.is_empty() {
            break;
        }
        at = next;
    }
    end
}

/// Comments from `at` on, as long as each is deeper than `columns`, and where they end.
fn comments_deeper_than(text: &str, at: usize, columns: usize) -> (usize, Vec<&str>) {
    let (mut end, mut at, mut found) = (at, at, Vec::new());
    loop {
        let next = line_end(text, at);
        let line = text.get(at..next).unwrap_or_default();
        let comment = line.trim_blanks();
        if next > at && comment.starts_with('#') {
            let depth = line.len() - line.trim_blanks_start().len();
            if depth <= columns {
                return (end, found);
            }
            found.push(comment);
            end = next;
        } else if next == at || !comment.is_empty() {
            return (end, found);
        }
        at = next;
    }
}

/// The comments below the last child, from the inside out.
fn trailing_comments<'a>(node: &'a Node, comments: &mut Vec<&'a str>) {
    match &node.value {
        Value::Sequence(items) => items.last().map(|last| trailing_comments(last, comments)),
        Value::Mapping(entries) => {
            entries.last().map(|last| trailing_comments(&last.value, comments))
        }
        _ => None,
    };
    if node.style != Style::Flow {
        comments.extend(node.comments.iter().flat_map(|c| &c.after).map(String::as_str));
    }
}

fn flow_item(text: &str, item: &Node, nodes: &[Node], json: bool) -> Replacement {
    let start = item.span.start as usize;
    let before = text.get(line_start(text, start)..start).unwrap_or_default();
    let indent = before.len() - before.trim_blanks_start().len();
    let old = text.get(item.span.range()).unwrap_or_default();
    let own_line = before.trim_blanks().is_empty();
    let layout = if old.contains('\n') {
        Layout::Lines { step: json_step(old), indent }
    } else {
        Layout::Line
    };
    let mut new = String::new();
    let mut comments = Vec::new();
    if !json {
        // What stands around the item stays in the file; what stood inside it would be lost.
        for node in nodes {
            inner_comments(node, true, &mut comments);
        }
    }
    let deeper = if own_line { indent } else { indent + 2 };
    if !comments.is_empty() && !own_line {
        new.push('\n');
        new.extend(std::iter::repeat_n(' ', deeper));
    }
    for comment in comments {
        new.push_str(comment);
        new.push('\n');
        new.extend(std::iter::repeat_n(' ', deeper));
    }
    for (i, node) in nodes.iter().enumerate() {
        match (i, layout) {
            (0, _) => {}
            (_, Layout::Line) => new.push_str(", "),
            (_, Layout::Lines { .. }) => {
                new.push_str(",\n");
                new.extend(std::iter::repeat_n(' ', indent));
            }
        }
        write_json_into(&mut new, node, layout);
    }
    Replacement { span: item.span, text: like(text, new) }
}

fn inner_comments<'a>(node: &'a Node, is_root: bool, found: &mut Vec<&'a str>) {
    if let Some(comments) = &node.comments {
        let outside = comments.before.iter().chain(&comments.trailing).filter(|_| !is_root);
        let lines = outside.chain(&comments.after).map(String::as_str);
        found.extend(lines.filter(|line| line.starts_with('#')));
    }
    for item in node.as_sequence().unwrap_or_default() {
        inner_comments(item, false, found);
    }
    for entry in node.as_mapping().unwrap_or_default() {
        inner_comments(&entry.value, false, found);
    }
}

fn is_json(text: &str) -> bool {
    text.trim_blanks_start().starts_with(['{', '['])
        && serde_json::from_str::<serde::de::IgnoredAny>(text.trim_blanks()).is_ok()
}

/// True when a `---` line stands before or behind the document.
fn between_separators(text: &str, span: Span) -> bool {
    let before = text.get(..span.start as usize).unwrap_or_default().trim_blanks_end();
    let last_line = before.rsplit('\n').next().unwrap_or_default();
    let after = text.get(span.end as usize..).unwrap_or_default().trim_blanks_start();
    last_line.starts_with("---") || after.starts_with("---")
}

/// How far JSON indents a level: by its first indented line, or as kubectl does.
fn json_step(text: &str) -> usize {
    let mut lines = text.lines();
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    lines.next();
    let first = lines.next().map_or(0, blanks);
    let last = text.lines().next_back().map_or(0, blanks);
    match first.saturating_sub(last) {
        step @ 1..=8 => step,
        _ => 4,
    }
}

/// New text with the line ends of the old.
fn like(old: &str, new: String) -> String {
    if old.contains("\r\n") { new.replace('\n', "\r\n") } else { new }
}

fn ends_line(text: &str) -> bool {
    text.ends_with(['\n', '\u{feff}'])
}

fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind(['\n', '\r'])).map_or(0, |at| at + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |len| at + len + 1)
}

fn span(start: usize, end: usize) -> Span {
    let offset = |at| u32::try_from(at).unwrap_or(u32::MAX);
    Span::new(offset(start), offset(end))
}

#[cfg(test)]
mod tests;
