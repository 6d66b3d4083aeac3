//! Whom a comment belongs to.
//!
//! The tree is walked in the order of the text with the comments beside it; each node takes what
//! is its own, and whatever nobody took goes to the end of the document. No comment is lost.

use super::build::dash;
use crate::blank::Blank as _;
use crate::node::{Node, Style, Value};
use crate::source::Span;

/// One comment in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    span: Span,
    /// Nothing but blanks stands before it on its line.
    own_line: bool,
    /// In characters, from 0.
    column: u32,
}

impl Mark {
    pub(super) fn new(text: &str, span: Span) -> Self {
        let (column, own_line) = column(text, span.start);
        Self { span, own_line, column }
    }
}

/// The column of an offset, and whether only blanks precede it on its line.
fn column(text: &str, at: u32) -> (u32, bool) {
    let before = text.get(..at as usize).unwrap_or_default();
    let line = before.rfind(['\n', '\r']).and_then(|at| before.get(at + 1..)).unwrap_or(before);
    let blank = line.bytes().all(|b| matches!(b, b' ' | b'\t'));
    let column = if line.is_ascii() { line.len() } else { line.chars().count() };
    (u32::try_from(column).unwrap_or(u32::MAX), blank)
}

/// Gives every comment to a node of the document.
pub(super) fn attach(root: &mut Node, text: &str, marks: &mut [Mark]) {
    if marks.is_empty() {
        return;
    }
    // The parser reports the comment behind `|` after the text of the block.
    marks.sort_by_key(|mark| mark.span.start);
    let mut walk = Walk { text, marks, next: 0 };
    let head = root.span.start;
    walk.before(root, head);
    let opened = Span::new(head, head);
    walk.node(root, opened, None, None);
    if matches!(root.value, Value::Sequence(_) | Value::Mapping(_))
        && let Some(comments) = &mut root.comments
        && root.style == Style::Block
        && let Some(trailing) = comments.trailing.take()
    {
        // There is no `key:` that it could stand behind.
        comments.before.push(trailing);
    }
    let mut last = None;
    while let Some(mark) = walk.take() {
        walk.push(&mut root.comments_mut().after, mark, &mut last);
    }
    tidy(root);
}

/// Where the next sibling, of the node itself or of one around it, stands.
#[derive(Clone, Copy)]
struct Next {
    start: u32,
    column: u32,
}

struct Walk<'a> {
    text: &'a str,
    marks: &'a [Mark],
    next: usize,
}

impl Walk<'_> {
    fn peek(&self) -> Option<Mark> {
        self.marks.get(self.next).copied()
    }

    fn take(&mut self) -> Option<Mark> {
        let mark = self.peek()?;
        self.next += 1;
        Some(mark)
    }

    fn text(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or_default()
    }

    /// Adds a comment to a group, with an empty line where the file has one.
    fn push(&self, group: &mut Vec<String>, mark: Mark, last: &mut Option<u32>) {
        if let Some(last) = *last {
            let between = self.text(Span::new(last, mark.span.start));
            if !group.is_empty() && between.matches('\n').count() > 1 {
                group.push(String::new());
            }
        }
        group.push(self.text(mark.span).trim_blanks_end().to_owned());
        *last = Some(mark.span.end);
    }

    /// The comments that stand before `start`, for the node that begins there.
    fn before(&mut self, node: &mut Node, start: u32) {
        let mut last = None;
        while let Some(mark) = self.peek().filter(|mark| mark.span.start < start) {
            self.next += 1;
            let comments = node.comments_mut();
            if mark.own_line || comments.trailing.is_some() {
                self.push(&mut comments.before, mark, &mut last);
            } else {
                comments.trailing = Some(self.text(mark.span).trim_blanks_end().to_owned());
                last = None;
            }
        }
    }

    /// The comment at the end of the line in which the node (or its key) ends.
    fn trailing(&mut self, node: &mut Node, end: u32, limit: Option<u32>) {
        let Some(mark) = self.peek() else { return };
        let in_reach = mark.span.start >= end && limit.is_none_or(|limit| mark.span.start < limit);
        if mark.own_line || !in_reach || self.text(Span::new(end, mark.span.start)).contains('\n') {
            return;
        }
        self.next += 1;
        let text = self.text(mark.span).trim_blanks_end().to_owned();
        let comments = node.comments_mut();
        if let Some(earlier) = comments.trailing.replace(text) {
            comments.before.push(earlier);
        }
    }

    /// `opened` is the key of an entry, or the place where an item begins. `limit` is the end of
    /// the flow collection around the node.
    fn node(&mut self, node: &mut Node, opened: Span, next: Option<Next>, limit: Option<u32>) {
        let leaf = match &node.value {
            Value::Sequence(items) => items.is_empty(),
            Value::Mapping(entries) => entries.is_empty(),
            _ => true,
        };
        if leaf || node.style == Style::None {
            let end = if node.span.start >= opened.start { node.span.end } else { opened.end };
            self.before(node, node.span.start);
            if matches!(node.style, Style::Literal | Style::Folded | Style::Flow) {
                // Behind the `|`, or inside `[]`.
                self.before(node, end);
            }
            self.trailing(node, end.max(opened.end), limit);
            return;
        }
        let flow = node.style == Style::Flow;
        let head = node.span.start;
        self.opening(node, head);
        let span = node.span;
        if flow {
            self.children(node, 0, None, Some(span.end));
            let mut last = None;
            while let Some(mark) = self.peek().filter(|mark| mark.span.start < span.end) {
                self.next += 1;
                self.push(&mut node.comments_mut().after, mark, &mut last);
            }
            self.trailing(node, span.end, limit);
        } else {
            let (own_column, _) = column(self.text, head);
            self.children(node, own_column, next, limit);
            self.closing(node, own_column, next);
        }
    }

    /// What stands behind `key:` or `-`, before the first child. Own lines are left to that child.
    fn opening(&mut self, node: &mut Node, head: u32) {
        while let Some(mark) = self.peek().filter(|m| m.span.start < head && !m.own_line) {
            self.next += 1;
            let text = self.text(mark.span).trim_blanks_end().to_owned();
            let comments = node.comments_mut();
            if comments.trailing.is_none() {
                comments.trailing = Some(text);
            } else {
                comments.before.push(text);
            }
        }
    }

    fn children(
        &mut self,
        node: &mut Node,
        column_here: u32,
        next: Option<Next>,
        limit: Option<u32>,
    ) {
        // Children that came through a merge key stand elsewhere in the file.
        let floor = node.span.start;
        let block = node.style == Style::Block;
        match &mut node.value {
            Value::Sequence(items) => {
                for i in 0..items.len() {
                    // The dash, not the content: what stands between the two is that item's.
                    let following = items.get(i + 1).filter(|_| block).map(|item| Next {
                        start: dash(self.text, item.span.start),
                        column: column_here,
                    });
                    let Some(item) = items.get_mut(i) else { break };
                    let content = item.span.start;
                    self.before(item, content);
                    let opened = Span::new(content, content);
                    self.node(item, opened, if block { following.or(next) } else { None }, limit);
                }
            }
            Value::Mapping(entries) => {
                let mut floor = floor;
                for i in 0..entries.len() {
                    let Some(entry) = entries.get(i) else { break };
                    if entry.key_span.start < floor {
                        continue;
                    }
                    floor = entry.key_span.end;
                    let following = entries
                        .iter()
                        .skip(i + 1)
                        .find(|e| e.key_span.start >= floor)
                        .map(|e| Next { start: e.key_span.start, column: column_here });
                    let Some(entry) = entries.get_mut(i) else { break };
                    self.before(&mut entry.value, entry.key_span.start);
                    let next = if block { following.or(next) } else { None };
                    self.node(&mut entry.value, entry.key_span, next, limit);
                }
            }
            _ => {}
        }
    }

    /// Own lines below the last child that are not indented less than the collection, and more
    /// than what follows.
    fn closing(&mut self, node: &mut Node, own_column: u32, next: Option<Next>) {
        let is_list = matches!(node.value, Value::Sequence(_));
        let mut last = None;
        while let Some(mark) = self.peek() {
            if !mark.own_line || mark.column < own_column {
                break;
            }
            if let Some(next) = next {
                if mark.span.start >= next.start || mark.column < next.column {
                    break;
                }
                // In the column of what follows: about that, unless it is an item of this list
                // that was commented out.
                if mark.column == next.column && !(is_list && is_item(self.text(mark.span))) {
                    break;
                }
            } else if is_list && mark.column == own_column && !is_item(self.text(mark.span)) {
                // A list in its key's column: the map around it takes the comment.
                break;
            }
            self.next += 1;
            self.push(&mut node.comments_mut().after, mark, &mut last);
        }
    }
}

/// True for `# - something`.
fn is_item(comment: &str) -> bool {
    comment
        .trim_start_matches('#')
        .trim_start_matches([' ', '\t'])
        .strip_prefix("- ")
        .is_some_and(|item| !item.trim_blanks_start().is_empty())
}

/// One form for what can be said in two places: the first child of an item begins on the item's
/// own line, so a comment above it is the item's.
fn tidy(node: &mut Node) {
    match &mut node.value {
        Value::Sequence(items) => {
            for item in items {
                tidy(item);
                let lifted = match &mut item.value {
                    Value::Sequence(inner) => inner.first_mut().and_then(take_before),
                    Value::Mapping(entries) => {
                        entries.first_mut().and_then(|entry| take_before(&mut entry.value))
                    }
                    _ => None,
                };
                if let Some(lifted) = lifted {
                    item.comments_mut().before.extend(lifted);
                }
            }
        }
        Value::Mapping(entries) => entries.iter_mut().for_each(|entry| tidy(&mut entry.value)),
        _ => {}
    }
}

fn take_before(node: &mut Node) -> Option<Vec<String>> {
    let comments = node.comments.as_mut()?;
    let before = std::mem::take(&mut comments.before);
    if comments.is_empty() {
        node.comments = None;
    }
    (!before.is_empty()).then_some(before)
}
