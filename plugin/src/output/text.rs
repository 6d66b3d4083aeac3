//! Diagnostics for people: the place, the lines, what is the matter, what to do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};
use anstyle::{AnsiColor, Style};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use extsecret_manifest::source::{FileId, Place, SourceFile, Sources};

/// Findings of one code on one object that are shown with their lines; the rest is counted.
const PLACES_PER_OBJECT: usize = 5;
/// Objects with the same warning that are shown with their lines.
const SNIPPETS_PER_CODE: usize = 3;
/// Objects with the same warning that get at least a line.
const LINES_PER_CODE: usize = 10;

/// As the renderer writes `help` and `note`.
const NOTE: Style = Style::new().bold();

/// Decides what is shown, and how.
#[derive(Debug)]
pub(crate) struct Printer<'a> {
    sources: &'a Sources,
    hidden: &'a BTreeSet<FileId>,
    errors_only: bool,
    suppressed: BTreeSet<&'static str>,
    /// How many objects have had this code so far.
    seen: BTreeMap<&'static str, usize>,
    text: String,
}

impl<'a> Printer<'a> {
    /// `hidden` are files of which no line may be shown.
    pub(crate) fn new(sources: &'a Sources, hidden: &'a BTreeSet<FileId>) -> Self {
        Self {
            sources,
            hidden,
            errors_only: false,
            suppressed: BTreeSet::new(),
            seen: BTreeMap::new(),
            text: String::new(),
        }
    }

    /// Leaves out warnings and infos.
    pub(crate) fn errors_only(mut self, yes: bool) -> Self {
        self.errors_only = yes;
        self
    }

    /// Leaves out warnings and infos of these codes.
    pub(crate) fn suppress(mut self, codes: &[&'static Code]) -> Self {
        self.suppressed = codes.iter().map(|code| code.id).collect();
        self
    }

    /// Adds the findings about one object (or document, or the run), those of one code together.
    pub(crate) fn add(&mut self, object: Option<&str>, diagnostics: &[Diagnostic]) {
        let mut groups: Vec<Vec<&Diagnostic>> = Vec::new();
        for diagnostic in diagnostics {
            if !self.is_shown(diagnostic.code) {
                continue;
            }
            // Findings of one code belong together when they stand in the same file.
            let file = diagnostic.place.map(|place| place.file);
            let group = groups.iter_mut().find(|group| {
                group.first().is_some_and(|first| {
                    first.code.id == diagnostic.code.id
                        && first.place.map(|place| place.file) == file
                        && file.is_some()
                })
            });
            match group {
                Some(group) => group.push(diagnostic),
                None => groups.push(vec![diagnostic]),
            }
        }
        for group in groups {
            self.add_group(object, &group);
        }
    }

    /// Everything added so far, with styles, and a word on what was folded.
    pub(crate) fn finish(mut self) -> String {
        for (code, count) in &self.seen {
            if let Some(more) = count.checked_sub(LINES_PER_CODE).filter(|more| *more > 0) {
                let _ = writeln!(
                    self.text,
                    "{more} more with {code}: --report FILE lists all, --suppress {code} hides them\n"
                );
            }
        }
        self.text
    }

    fn is_shown(&self, code: &Code) -> bool {
        code.severity == Severity::Error || !(self.errors_only || self.suppressed.contains(code.id))
    }

    fn add_group(&mut self, object: Option<&str>, group: &[&Diagnostic]) {
        let Some(first) = group.first() else { return };
        let code = first.code;
        let repeated = if code.severity == Severity::Error {
            0
        } else {
            let seen = self.seen.entry(code.id).or_default();
            *seen += 1;
            *seen
        };
        if repeated > LINES_PER_CODE {
            return;
        }
        if repeated > SNIPPETS_PER_CODE {
            self.add_line(object, first, group.len());
            return;
        }
        let rendered = self.render(object, group, repeated <= 1);
        self.text.push_str(&rendered);
        self.text.push_str("\n\n");
    }

    /// `path:line:column: warning[W08]: message`
    fn add_line(&mut self, object: Option<&str>, diagnostic: &Diagnostic, count: usize) {
        let place = diagnostic.place.and_then(|place| self.spot(place));
        let style = style(diagnostic.code.severity);
        if let Some((source, line, column)) = place {
            let _ = write!(self.text, "{}:{line}:{column}: ", printable(source.path()));
        }
        let _ = write!(
            self.text,
            "{style}{}[{}]{style:#}: {}",
            diagnostic.code.severity.as_str(),
            diagnostic.code.id,
            printable(&diagnostic.message),
        );
        if let Some(object) = object {
            let _ = write!(self.text, " ({})", printable(object));
        }
        if count > 1 {
            let _ = write!(self.text, ", and {} more in this object", count - 1);
        }
        self.text.push_str("\n\n");
    }

    fn render(&self, object: Option<&str>, group: &[&Diagnostic], with_help: bool) -> String {
        let Some(first) = group.first() else { return String::new() };
        let level = level(first.code.severity);
        let title = level.clone().primary_title(printable(&first.message)).id(first.code.id);
        let mut notes: Vec<(Level<'static>, String)> = Vec::new();
        if let Some(object) = object {
            notes.push((Level::NOTE, format!("in {}", printable(object))));
        }
        if group.len() > PLACES_PER_OBJECT {
            let more = group.len() - PLACES_PER_OBJECT;
            notes.push((Level::NOTE, format!("and {more} more of these here")));
        }
        let mut helps: Vec<&str> = Vec::new();
        for help in group.iter().filter_map(|diagnostic| diagnostic.help.as_deref()) {
            if !helps.contains(&help) && helps.len() < PLACES_PER_OBJECT {
                helps.push(help);
            }
        }
        notes.extend(helps.iter().map(|help| (Level::HELP, printable(help))));
        if with_help {
            let explain = format!("kubectl extsecret explain {}", first.code.id);
            let help = if helps.is_empty() {
                format!("{} (more: {explain})", first_sentence(first.code.action))
            } else {
                format!("more: {explain}")
            };
            notes.push((Level::HELP, help));
        }
        let places = self.places(group);
        let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
        if places.is_empty() {
            // Without lines the renderer would still draw their margin.
            let mut text = renderer.render(&[Group::with_title(title)]);
            for (level, note) in notes {
                let word = if level == Level::HELP { "help" } else { "note" };
                let _ = write!(text, "\n  = {NOTE}{word}{NOTE:#}: {note}");
            }
            return text;
        }
        let notes = notes.into_iter().map(|(level, note)| Element::from(level.message(note)));
        let report = Group::with_title(title).elements(places).elements(notes);
        renderer.render(&[report])
    }

    /// The lines of a group, one snippet for each file that it points into.
    fn places(&self, group: &[&Diagnostic]) -> Vec<Element<'a>> {
        let mut marks: BTreeMap<FileId, Vec<Mark>> = BTreeMap::new();
        let first = group.first().map(|diagnostic| diagnostic.message.as_str());
        for (index, diagnostic) in group.iter().take(PLACES_PER_OBJECT).enumerate() {
            if let Some(place) = diagnostic.place {
                // The title has the first message; the others stand at their lines.
                let label = if index == 0 || first == Some(diagnostic.message.as_str()) {
                    diagnostic.field.clone().unwrap_or_default()
                } else {
                    diagnostic.message.clone()
                };
                let kind = AnnotationKind::Primary;
                marks.entry(place.file).or_default().push(Mark { place, label, kind });
            }
            for (place, note) in &diagnostic.related {
                let kind = AnnotationKind::Context;
                let mark = Mark { place: *place, label: note.clone(), kind };
                marks.entry(place.file).or_default().push(mark);
            }
        }
        let primary = group.first().and_then(|diagnostic| diagnostic.place).map(|place| place.file);
        let mut files: Vec<_> = marks.into_iter().collect();
        files.sort_by_key(|(file, _)| (Some(*file) != primary, *file));
        files.iter().flat_map(|(file, marks)| self.snippet(*file, marks)).collect()
    }

    fn snippet(&self, file: FileId, marks: &[Mark]) -> Vec<Element<'a>> {
        let Some(source) = self.sources.get(file) else { return Vec::new() };
        if self.hidden.contains(&file) || source.text().is_empty() {
            let positions = marks.iter().filter_map(|mark| self.spot(mark.place));
            return positions
                .map(|(source, line, column)| {
                    Origin::path(printable(source.path()))
                        .line(line as usize)
                        .char_column(column as usize)
                        .into()
                })
                .collect();
        }
        let text = source.text();
        let ranges: Vec<_> = marks.iter().map(|mark| first_line(text, mark.place)).collect();
        let from = ranges.iter().map(|range| range.start).min().unwrap_or_default();
        let to = ranges.iter().map(|range| range.end).max().unwrap_or_default();
        // Only the lines in question: the renderer looks at all that it is given.
        let from = text.get(..from).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let to = text.get(to..).and_then(|after| after.find('\n')).map_or(text.len(), |at| to + at);
        let line = source.location(u32::try_from(from).unwrap_or(u32::MAX)).line;
        let mut snippet = Snippet::source(text.get(from..to).unwrap_or_default())
            .line_start(line as usize)
            .path(printable(source.path()));
        for (mark, range) in marks.iter().zip(ranges) {
            let range = range.start - from..range.end - from;
            let label = Some(printable(&mark.label)).filter(|label| !label.is_empty());
            snippet = snippet.annotation(mark.kind.span(range).label(label));
        }
        vec![snippet.into()]
    }

    fn spot(&self, place: Place) -> Option<(&'a SourceFile, u32, u32)> {
        let source = self.sources.get(place.file)?;
        let location = source.location(place.span.start);
        Some((source, location.line, location.column))
    }
}

/// A place to underline, and what is said there.
struct Mark {
    place: Place,
    label: String,
    kind: AnnotationKind,
}

/// The span up to the end of its first line: an object is pointed at, not copied.
fn first_line(text: &str, place: Place) -> std::ops::Range<usize> {
    let mut start = (place.span.start as usize).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (place.span.end as usize).clamp(start, text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let line = text.get(start..end.max(start)).unwrap_or_default();
    let line = line.split('\n').next().unwrap_or_default().trim_end();
    start..start + line.len()
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    }
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Error => AnsiColor::BrightRed.on_default().bold(),
        Severity::Warning => AnsiColor::Yellow.on_default().bold(),
        Severity::Info => AnsiColor::BrightBlue.on_default().bold(),
    }
}

fn first_sentence(text: &str) -> &str {
    // A full stop inside a code span or a name has no blank behind it.
    text.find(". ").map_or(text, |at| text.get(..=at).unwrap_or(text)).trim_end_matches('.')
}

/// Names in messages come from the input: a terminal must not obey them.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::source::Span;

    use super::*;

    static CODE: Code = Code {
        id: "W99",
        severity: Severity::Warning,
        title: "a test",
        why: "Because.",
        action: "Do this. Then that.",
    };

    fn sources() -> (Sources, FileId) {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("dir/f.yaml", "a: 1\nb:\n  c: hunter2\n  d: 4\n"));
        (sources, id)
    }

    fn finding(file: FileId, start: u32, end: u32) -> Diagnostic {
        Diagnostic::new(&CODE, "it is odd").at(Place { file, span: Span::new(start, end) })
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn a_finding_has_place_line_code_message_and_help() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        printer.add(Some("ExternalSecret app/x"), &[finding(id, 5, 27).field("b")]);
        insta::assert_snapshot!(plain(&printer.finish()));
    }

    #[test]
    fn findings_of_one_code_share_a_snippet() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let mut second = finding(id, 25, 26);
        second.message = "so is this".into();
        printer.add(None, &[finding(id, 0, 1), second]);
        insta::assert_snapshot!(plain(&printer.finish()));
    }

    #[test]
    fn lines_of_hidden_files_are_not_shown() {
        let (sources, id) = sources();
        let hidden = BTreeSet::from([id]);
        let mut printer = Printer::new(&sources, &hidden);
        printer.add(None, &[finding(id, 13, 20)]);
        let text = plain(&printer.finish());
        assert!(text.contains("dir/f.yaml:3:6"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn repetitions_become_lines_and_then_a_count() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        for _ in 0..15 {
            printer.add(Some("ExternalSecret app/x"), &[finding(id, 0, 1)]);
        }
        let text = plain(&printer.finish());
        assert_eq!(text.matches("--> dir/f.yaml:1:1").count(), SNIPPETS_PER_CODE);
        assert_eq!(text.matches("\ndir/f.yaml:1:1: warning[W99]: it is odd").count(), 7);
        assert!(text.contains("5 more with W99"), "{text}");
    }

    #[test]
    fn quiet_and_suppressed_leave_errors() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut quiet = Printer::new(&sources, &hidden).errors_only(true);
        quiet.add(None, &[finding(id, 0, 1)]);
        assert_eq!(quiet.finish(), "");
        let mut suppressed = Printer::new(&sources, &hidden).suppress(&[&CODE]);
        suppressed.add(None, &[finding(id, 0, 1)]);
        assert_eq!(suppressed.finish(), "");
    }

    #[test]
    fn spans_that_do_not_fit_the_text_do_not_panic() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("f", "ü\r\n"));
        let hidden = BTreeSet::new();
        for (start, end) in [(1, 1), (0, 900), (900, 901), (3, 3), (2, 1), (1, 2)] {
            let mut printer = Printer::new(&sources, &hidden);
            printer.add(None, &[finding(id, start, end)]);
            assert!(plain(&printer.finish()).contains("it is odd"));
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let mut evil = finding(id, 0, 1);
        evil.message = "name \u{1b}]0;x\u{7}".into();
        printer.add(None, &[evil]);
        assert!(!plain(&printer.finish()).contains(['\u{1b}', '\u{7}']));
    }
}
