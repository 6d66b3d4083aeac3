//! Unified diffs of edited files, without a line of anybody else's documents.
//!
//! The usual three lines of context around a change may belong to a neighbouring document, and that
//! may be a Secret. So the context comes only from what is ours; `patch` and `git apply
//! --unidiff-zero` take hunks with less context as well.

use std::fmt::Write as _;
use std::ops::Range;

use anstyle::{AnsiColor, Style};
use extsecret_manifest::edit::Replacement;
use extsecret_manifest::source::Span;
use similar::{ChangeTag, TextDiff};

const CONTEXT: usize = 3;

const HEADER: Style = Style::new().bold();
const HUNK: Style = AnsiColor::Cyan.on_default();
const DELETED: Style = AnsiColor::Red.on_default();
const INSERTED: Style = AnsiColor::Green.on_default();

/// One line of a diff. Numbers count the lines before it, so a hunk's start is the first line's.
struct Line<'a> {
    tag: ChangeTag,
    text: &'a str,
    /// May be shown as context.
    ours: bool,
}

/// Whose lines are whose in an edited file.
#[derive(Debug, Default)]
pub(crate) struct Territory {
    /// Documents that hold an object of ours. Context is taken only from them.
    pub(crate) ours: Vec<Span>,
    /// Documents and items of Lists that are not ours: no line of theirs is shown.
    pub(crate) foreign: Vec<Span>,
}

impl Territory {
    fn is_ours(&self, range: &Range<usize>) -> bool {
        self.ours
            .iter()
            .any(|span| span.start as usize <= range.start && range.end <= span.end as usize)
            && !self.is_foreign(range)
    }

    fn is_foreign(&self, range: &Range<usize>) -> bool {
        self.foreign
            .iter()
            .any(|span| (span.start as usize) < range.end && range.start < span.end as usize)
    }
}

/// The diff of one file.
///
/// Each replacement is compared on its own: a diff of the whole files could take a line of another
/// document for moved, and show it.
pub(crate) fn edited(path: &str, old: &str, edits: &[Replacement], whose: &Territory) -> String {
    let mut lines = Vec::new();
    let mut at = 0;
    let regions = regions(old, edits);
    for (range, new) in &regions {
        unchanged(&mut lines, old, at..range.start, whose);
        let before = old.get(range.clone()).unwrap_or_default();
        if before != new && whose.is_foreign(range) {
            return format!(
                "{HEADER}--- a/{path}{HEADER:#}\n{HEADER}+++ b/{path}{HEADER:#}\n\
                 (changes not shown: their lines also hold other objects)\n"
            );
        }
        let diff = TextDiff::from_lines(before, new.as_str());
        let (old_lines, new_lines) = (split(before), split(new));
        for change in diff.iter_all_changes() {
            let text = match change.tag() {
                ChangeTag::Insert => change.new_index().and_then(|index| new_lines.get(index)),
                _ => change.old_index().and_then(|index| old_lines.get(index)),
            };
            let text = text.copied().unwrap_or_default();
            lines.push(Line { tag: change.tag(), text, ours: true });
        }
        at = range.end;
    }
    unchanged(&mut lines, old, at..old.len(), whose);
    print(&format!("a/{path}"), &format!("b/{path}"), &lines)
}

/// The diff of a new file.
pub(crate) fn created(path: &str, new: &str) -> String {
    let lines: Vec<_> = split(new)
        .into_iter()
        .map(|text| Line { tag: ChangeTag::Insert, text, ours: true })
        .collect();
    print("/dev/null", &format!("b/{path}"), &lines)
}

/// The diff of a file that was ours altogether.
pub(crate) fn whole(path: &str, old: &str, new: &str) -> String {
    let span = Span::new(0, u32::try_from(old.len()).unwrap_or(u32::MAX));
    let edit = Replacement { span, text: new.to_owned() };
    edited(path, old, &[edit], &Territory { ours: vec![span], foreign: Vec::new() })
}

fn split(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The lines that the edits touch, and what stands there afterwards.
fn regions(old: &str, edits: &[Replacement]) -> Vec<(Range<usize>, String)> {
    let mut edits: Vec<&Replacement> = edits.iter().collect();
    edits.sort_by_key(|edit| edit.span);
    let mut groups: Vec<(Range<usize>, Vec<&Replacement>)> = Vec::new();
    for edit in edits {
        let range = whole_lines(old, edit);
        match groups.last_mut() {
            // Items of a flow list stand in one line.
            Some((last, group)) if range.start < last.end => {
                last.end = last.end.max(range.end);
                group.push(edit);
            }
            _ => groups.push((range, vec![edit])),
        }
    }
    groups
        .into_iter()
        .map(|(range, group)| {
            let mut text = String::new();
            let mut at = range.start;
            for edit in group {
                text.push_str(old.get(at..edit.span.start as usize).unwrap_or_default());
                text.push_str(&edit.text);
                at = edit.span.end as usize;
            }
            text.push_str(old.get(at..range.end).unwrap_or_default());
            (range, text)
        })
        .collect()
}

/// Grows the range of an edit so that lines stay whole before and after it.
fn whole_lines(old: &str, edit: &Replacement) -> Range<usize> {
    let range = edit.span.range();
    let before = old.get(..range.start).unwrap_or_default();
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let is_whole = |text: &str| text.is_empty() || text.ends_with('\n');
    let head = old.get(start..range.start).unwrap_or_default();
    let replaced = old.get(start..range.end).unwrap_or_default();
    let kept_whole = is_whole(replaced)
        && if edit.text.is_empty() { head.is_empty() } else { edit.text.ends_with('\n') };
    if kept_whole {
        return start..range.end;
    }
    let after = old.get(range.end..).unwrap_or_default();
    start..after.find('\n').map_or(old.len(), |at| range.end + at + 1)
}

fn unchanged<'a>(lines: &mut Vec<Line<'a>>, old: &'a str, range: Range<usize>, whose: &Territory) {
    let mut at = range.start;
    for text in split(old.get(range).unwrap_or_default()) {
        let ours = whose.is_ours(&(at..at + text.len()));
        lines.push(Line { tag: ChangeTag::Equal, text, ours });
        at += text.len();
    }
}

fn print(from: &str, to: &str, lines: &[Line<'_>]) -> String {
    let shown = shown(lines);
    let mut text = String::new();
    let (mut old_line, mut new_line) = (1, 1);
    let mut index = 0;
    while index < lines.len() {
        if !shown.get(index).copied().unwrap_or_default() {
            old_line += 1;
            new_line += 1;
            index += 1;
            continue;
        }
        if text.is_empty() {
            let _ = writeln!(text, "{HEADER}--- {from}{HEADER:#}\n{HEADER}+++ {to}{HEADER:#}");
        }
        let length = shown.iter().skip(index).take_while(|shown| **shown).count();
        let hunk = lines.get(index..index + length).unwrap_or_default();
        let old = hunk.iter().filter(|line| line.tag != ChangeTag::Insert).count();
        let new = hunk.iter().filter(|line| line.tag != ChangeTag::Delete).count();
        // By convention a hunk without lines on a side names the line before it.
        let start = |line: usize, count: usize| if count == 0 { line - 1 } else { line };
        let _ = writeln!(
            text,
            "{HUNK}@@ -{},{old} +{},{new} @@{HUNK:#}",
            start(old_line, old),
            start(new_line, new)
        );
        for line in hunk {
            let (sign, style) = match line.tag {
                ChangeTag::Equal => (' ', Style::new()),
                ChangeTag::Delete => ('-', DELETED),
                ChangeTag::Insert => ('+', INSERTED),
            };
            let (body, end) = match line.text.strip_suffix('\n') {
                Some(body) => (body, "\n"),
                None => (line.text, "\n\\ No newline at end of file\n"),
            };
            let _ = write!(text, "{style}{sign}{body}{style:#}{end}");
        }
        old_line += old;
        new_line += new;
        index += length;
    }
    text
}

/// Which lines are printed: the changes, and next to them context that is ours.
fn shown(lines: &[Line<'_>]) -> Vec<bool> {
    let mut shown: Vec<bool> = lines.iter().map(|line| line.tag != ChangeTag::Equal).collect();
    let changed = shown.clone();
    let mut reach = |indexes: &mut dyn Iterator<Item = usize>| {
        let mut left = 0;
        for index in indexes {
            let (Some(line), Some(changed), Some(shown)) =
                (lines.get(index), changed.get(index), shown.get_mut(index))
            else {
                continue;
            };
            if *changed {
                left = CONTEXT;
            } else if !line.ours {
                left = 0;
            } else if left > 0 {
                left -= 1;
                *shown = true;
            }
        }
    };
    reach(&mut (0..lines.len()));
    reach(&mut (0..lines.len()).rev());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    fn span(text: &str, part: &str) -> Span {
        let start = text.find(part).unwrap();
        Span::new(u32::try_from(start).unwrap(), u32::try_from(start + part.len()).unwrap())
    }

    fn ours(span: Span) -> Territory {
        Territory { ours: vec![span], foreign: Vec::new() }
    }

    #[test]
    fn two_edits_in_one_line_and_a_neighbour_in_it() {
        let old = "[one, two, three]\n";
        let edits = [("one", "1"), ("three", "3")]
            .map(|(part, text)| Replacement { span: span(old, part), text: text.into() });
        let mut whose = ours(span(old, old));
        let diff = plain(&edited("f", old, &edits, &whose));
        assert!(diff.ends_with("-[one, two, three]\n+[1, two, 3]\n"), "{diff}");
        whose.foreign.push(span(old, "two"));
        assert!(!plain(&edited("f", old, &edits, &whose)).contains("two"));
    }

    #[test]
    fn neighbours_are_not_shown() {
        let old = "kind: Secret\npassword: hunter2\n---\na: 1\nb: 2\nc: 3\n---\nkind: Secret\npassword: hunter3\n";
        let document = span(old, "a: 1\nb: 2\nc: 3\n");
        let edit = Replacement { span: document, text: "a: 1\nb: 9\nc: 3\n".into() };
        let diff = plain(&edited("f.yaml", old, &[edit], &ours(document)));
        assert_eq!(
            diff,
            "--- a/f.yaml\n+++ b/f.yaml\n@@ -4,3 +4,3 @@\n a: 1\n-b: 2\n+b: 9\n c: 3\n"
        );
    }

    #[test]
    fn a_change_inside_a_line_shows_the_line() {
        let old = "x: 0\n  - a: 1\n    b: 2\ny: 0\n";
        let edit = Replacement { span: span(old, "a: 1\n    b: 2\n"), text: "a: 3\n".into() };
        let diff = plain(&edited("f", old, &[edit], &Territory::default()));
        assert_eq!(diff, "--- a/f\n+++ b/f\n@@ -2,2 +2,1 @@\n-  - a: 1\n-    b: 2\n+  - a: 3\n");
    }

    #[test]
    fn new_files_and_missing_newlines() {
        assert_eq!(
            plain(&created("s.yaml", "a\nb")),
            "--- /dev/null\n+++ b/s.yaml\n@@ -0,0 +1,2 @@\n+a\n+b\n\\ No newline at end of file\n"
        );
        assert_eq!(whole("f", "same\n", "same\n"), "");
    }

    #[test]
    fn several_edits_number_their_lines_rightly() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let all = Span::new(0, u32::try_from(old.len()).unwrap());
        let edits = [
            Replacement { span: span(old, "11\n"), text: "x\n".into() },
            Replacement { span: span(old, "2\n"), text: "a\nb\n".into() },
        ];
        let diff = plain(&edited("f", old, &edits, &ours(all)));
        assert!(
            diff.contains("@@ -1,5 +1,6 @@\n 1\n-2\n+a\n+b\n 3\n 4\n 5\n@@ -8,5 +9,5 @@"),
            "{diff}"
        );
    }
}
