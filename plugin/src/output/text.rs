//! Diagnostics for people: the place, the lines, what is the matter, what to do.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use annotate_snippets::{
    AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};
use anstyle::{AnsiColor, Style};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use extsecret_manifest::source::{FileId, Place, SourceFile, Sources};
use extsecret_migrate::codes;

/// Findings of one code on one object that are shown with their lines; the rest is counted.
const PLACES_PER_OBJECT: usize = 5;
/// Different messages of one warning that are shown with their lines; the rest get a line each.
const BLOCKS_PER_CODE: usize = 3;
/// Places that are listed for one message, and messages that get a line; the rest is counted.
const LINES: usize = 10;

/// Characters that are underlined at most: a whole object may stand in one line.
const UNDERLINE: usize = 60;

/// As the renderer writes `help` and `note`.
const NOTE: Style = Style::new().bold();

/// Decides what is shown, and how.
///
/// What is said of many objects in the same words is said once, with all places where it applies.
/// Errors come last, so that they stand above the summary, and all of their places are listed.
#[derive(Debug)]
pub(crate) struct Printer<'a> {
    sources: &'a Sources,
    hidden: &'a BTreeSet<FileId>,
    errors_only: bool,
    suppressed: BTreeSet<&'static str>,
    remarks: BTreeMap<(Reverse<Severity>, &'static str), Remarks<'a>>,
    errors: Remarks<'a>,
}

/// Remarks in order, and where each stands in that order.
#[derive(Debug, Default)]
struct Remarks<'a> {
    all: Vec<Remark<'a>>,
    known: BTreeMap<Words<'a>, usize>,
}

/// Code, message and help.
type Words<'a> = (&'static str, &'a str, Option<&'a str>);

/// Something that is said once.
#[derive(Debug)]
struct Remark<'a> {
    /// Findings of one code on the first object that it is about.
    group: Vec<&'a Diagnostic>,
    first: Subject<'a>,
    /// Where the same is true.
    others: Vec<Subject<'a>>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug)]
struct Subject<'a> {
    object: Option<&'a str>,
    place: Option<Place>,
    /// The place says nothing more exact than which object it is.
    is_whole_object: bool,
}

impl<'a> Remarks<'a> {
    fn add(&mut self, subject: Subject<'a>, group: Vec<&'a Diagnostic>) {
        if let [only] = group.as_slice() {
            let words = (only.code.id, only.message.as_str(), only.help.as_deref());
            let next = self.all.len();
            if let Some(same) = self.all.get_mut(*self.known.entry(words).or_insert(next)) {
                same.others.push(subject);
                return;
            }
        }
        self.all.push(Remark { group, first: subject, others: Vec::new() });
    }
}

impl<'a> Printer<'a> {
    /// `hidden` are files of which no line may be shown.
    pub(crate) fn new(sources: &'a Sources, hidden: &'a BTreeSet<FileId>) -> Self {
        Self {
            sources,
            hidden,
            errors_only: false,
            suppressed: BTreeSet::new(),
            remarks: BTreeMap::new(),
            errors: Remarks::default(),
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

    /// Adds the findings about one object, which stands at `whole`, or about a document or the run.
    pub(crate) fn add(
        &mut self,
        object: Option<&'a str>,
        whole: Option<Place>,
        diagnostics: &'a [Diagnostic],
    ) {
        let mut errors: Vec<Vec<&'a Diagnostic>> = Vec::new();
        let subject = |diagnostic: &Diagnostic| Subject {
            object,
            place: diagnostic.place,
            is_whole_object: diagnostic.place.is_some() && diagnostic.place == whole,
        };
        for diagnostic in diagnostics {
            let code = diagnostic.code;
            if code.severity != Severity::Error {
                if !(self.errors_only || self.suppressed.contains(code.id)) {
                    let remarks = self.remarks.entry((Reverse(code.severity), code.id));
                    remarks.or_default().add(subject(diagnostic), vec![diagnostic]);
                }
                continue;
            }
            // Errors of one code on one object belong together when they stand in the same file.
            let key = |d: &Diagnostic| d.place.map(|place| (d.code.id, place.file));
            let group = errors.iter_mut().find(|group| {
                group
                    .first()
                    .is_some_and(|first| key(first).is_some() && key(first) == key(diagnostic))
            });
            match group {
                Some(group) => group.push(diagnostic),
                None => errors.push(vec![diagnostic]),
            }
        }
        for group in errors {
            if let Some(first) = group.first() {
                self.errors.add(subject(first), group);
            }
        }
    }

    /// Everything added so far, with styles.
    pub(crate) fn finish(self) -> String {
        let mut text = String::new();
        for ((_, code), remarks) in &self.remarks {
            for (number, remark) in remarks.all.iter().take(BLOCKS_PER_CODE).enumerate() {
                text.push_str(&self.block(remark, number == 0));
                text.push_str("\n\n");
            }
            let rest = remarks.all.get(BLOCKS_PER_CODE..).unwrap_or_default();
            for remark in rest.iter().take(LINES) {
                self.line(&mut text, remark);
            }
            if let Some(more) = rest.len().checked_sub(LINES).filter(|more| *more > 0) {
                let _ = writeln!(
                    text,
                    "and {more} more with {code}: --report FILE lists all, --suppress {code} \
                     hides them"
                );
            }
            if !rest.is_empty() {
                text.push('\n');
            }
        }
        for remark in &self.errors.all {
            text.push_str(&self.block(remark, true));
            text.push_str("\n\n");
        }
        text
    }

    /// A remark with its lines, its places and what to do.
    fn block(&self, remark: &Remark<'_>, with_more: bool) -> String {
        let Remark { group, first: subject, others } = remark;
        let Some(first) = group.first() else { return String::new() };
        let is_error = first.code.severity == Severity::Error;
        let mut notes = Vec::new();
        let object = subject.object.map(|object| format!("in {}", printable(object)));
        notes.extend(object.map(|object| (Level::NOTE, object)));
        if group.len() > PLACES_PER_OBJECT {
            let more = group.len() - PLACES_PER_OBJECT;
            notes.push((Level::NOTE, format!("and {more} more of these here")));
        }
        if !others.is_empty() {
            let most = if is_error { usize::MAX } else { LINES };
            notes.push((Level::NOTE, self.also_at(others, most)));
        }
        let mut helps: Vec<&str> = Vec::new();
        for help in group.iter().filter_map(|diagnostic| diagnostic.help.as_deref()) {
            if !helps.contains(&help) && helps.len() < PLACES_PER_OBJECT {
                helps.push(help);
            }
        }
        notes.extend(helps.iter().map(|help| (Level::HELP, printable(help))));
        if with_more {
            notes.push(explain(first.code, !helps.is_empty()));
        }
        let places = match subject.place {
            Some(place) if subject.is_whole_object && !is_error => {
                self.position(place).into_iter().collect()
            }
            _ => self.places(group),
        };
        render(first, places, notes)
    }

    fn also_at(&self, subjects: &[Subject<'_>], most: usize) -> String {
        let mut text = String::from("also at");
        for subject in subjects.iter().take(most) {
            text.push('\n');
            if let Some((source, line, column)) = subject.place.and_then(|place| self.spot(place)) {
                let _ = write!(text, "{}:{line}:{column} ", printable(source.path()));
            }
            if let Some(object) = subject.object {
                let _ = write!(text, "in {}", printable(object));
            }
        }
        if let Some(more) = subjects.len().checked_sub(most).filter(|more| *more > 0) {
            let _ = write!(text, "\nand {more} more places; --report FILE lists all");
        }
        text
    }

    /// `path:line:column: warning[W08]: message (object)`
    fn line(&self, text: &mut String, remark: &Remark<'_>) {
        let Some(Diagnostic { code, message, place, .. }) = remark.group.first() else { return };
        if let Some((source, line, column)) = place.and_then(|place| self.spot(place)) {
            let _ = write!(text, "{}:{line}:{column}: ", printable(source.path()));
        }
        let style = style(code.severity);
        let severity = code.severity.as_str();
        let _ = write!(text, "{style}{severity}[{}]{style:#}: {}", code.id, printable(message));
        if let Some(object) = remark.first.object {
            let _ = write!(text, " ({})", printable(object));
        }
        if !remark.others.is_empty() {
            let _ = write!(text, ", and at {} more places", remark.others.len());
        }
        text.push('\n');
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
                let hidden = codes::hides_lines(diagnostic.code);
                marks.entry(place.file).or_default().push(Mark { place, label, kind, hidden });
            }
            for (place, note) in &diagnostic.related {
                let kind = AnnotationKind::Context;
                let hidden = codes::hides_lines(diagnostic.code);
                let mark = Mark { place: *place, label: note.clone(), kind, hidden };
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
        let is_hidden = self.hidden.contains(&file) || marks.iter().any(|mark| mark.hidden);
        if is_hidden || source.text().is_empty() {
            let mut elements = Vec::new();
            for (index, mark) in marks.iter().enumerate() {
                elements.extend(self.position(mark.place));
                // The title says what is the matter at the first.
                if index > 0 && !mark.label.is_empty() {
                    elements.push(Level::NOTE.message(printable(&mark.label)).into());
                }
            }
            return elements;
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

    /// A place without its lines.
    fn position(&self, place: Place) -> Option<Element<'a>> {
        let (source, line, column) = self.spot(place)?;
        let origin = Origin::path(printable(source.path()));
        Some(origin.line(line as usize).char_column(column as usize).into())
    }

    fn spot(&self, place: Place) -> Option<(&'a SourceFile, u32, u32)> {
        let source = self.sources.get(place.file)?;
        let location = source.location(place.span.start);
        Some((source, location.line, location.column))
    }
}

/// One remark as text.
fn render(
    diagnostic: &Diagnostic,
    places: Vec<Element<'_>>,
    notes: Vec<(Level<'static>, String)>,
) -> String {
    let title = level(diagnostic.code.severity)
        .primary_title(printable(&diagnostic.message))
        .id(diagnostic.code.id);
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
    renderer.render(&[Group::with_title(title).elements(places).elements(notes)])
}

/// A place to underline, and what is said there.
struct Mark {
    place: Place,
    label: String,
    kind: AnnotationKind,
    hidden: bool,
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
    let width = line.char_indices().nth(UNDERLINE).map_or(line.len(), |(at, _)| at);
    start..start + width
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

/// The last note: what to do, unless that was said, and where to read more.
fn explain(code: &Code, is_helped: bool) -> (Level<'static>, String) {
    let more = format!("kubectl extsecret explain {}", code.id);
    let help = if is_helped || code.severity == Severity::Info {
        format!("more: {more}")
    } else {
        format!("{} (more: {more})", first_sentence(code.action))
    };
    (Level::HELP, help)
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

    static ERROR: Code = Code { id: "E99", severity: Severity::Error, ..CODE };
    static INFO: Code = Code { id: "I99", severity: Severity::Info, ..CODE };

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
        let found = [finding(id, 5, 27).field("b")];
        printer.add(Some("ExternalSecret app/x"), None, &found);
        insta::assert_snapshot!(plain(&printer.finish()));
    }

    #[test]
    fn errors_of_one_code_share_a_snippet() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let mut found = [finding(id, 0, 1), finding(id, 25, 26)];
        found[1].message = "so is this".into();
        for finding in &mut found {
            finding.code = &ERROR;
        }
        printer.add(None, None, &found);
        insta::assert_snapshot!(plain(&printer.finish()));
    }

    #[test]
    fn lines_of_hidden_files_are_not_shown() {
        let (sources, id) = sources();
        let hidden = BTreeSet::from([id]);
        let mut printer = Printer::new(&sources, &hidden);
        let found = [finding(id, 13, 20)];
        printer.add(None, None, &found);
        let text = plain(&printer.finish());
        assert!(text.contains("dir/f.yaml:3:6"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn lines_that_a_finding_hides_are_not_shown() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let found = [Diagnostic { code: &codes::E07, ..finding(id, 13, 20) }];
        printer.add(None, None, &found);
        let text = plain(&printer.finish());
        assert!(text.contains("dir/f.yaml:3:6"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_warning_about_many_objects_is_said_once() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let found = [finding(id, 0, 27)];
        let names: Vec<_> = (0..15).map(|number| format!("ExternalSecret app/x{number}")).collect();
        for name in &names {
            printer.add(Some(name), found[0].place, &found);
        }
        insta::assert_snapshot!(plain(&printer.finish()));
    }

    #[test]
    fn many_messages_of_one_warning_become_lines_and_then_a_count() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let found: Vec<_> = (0..15)
            .map(|number| Diagnostic { message: format!("odd {number}"), ..finding(id, 0, 1) })
            .collect();
        printer.add(Some("ExternalSecret app/x"), None, &found);
        let text = plain(&printer.finish());
        assert_eq!(text.matches("--> dir/f.yaml:1:1").count(), BLOCKS_PER_CODE);
        assert_eq!(text.matches("\ndir/f.yaml:1:1: warning[W99]: odd").count(), LINES);
        assert!(text.contains("and 2 more with W99"), "{text}");
    }

    #[test]
    fn an_error_of_many_objects_is_said_once_with_all_places() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let found = [Diagnostic { code: &ERROR, ..finding(id, 5, 27) }];
        let names: Vec<_> = (0..15).map(|number| format!("ExternalSecret app/x{number}")).collect();
        for name in &names {
            printer.add(Some(name), found[0].place, &found);
        }
        let text = plain(&printer.finish());
        assert_eq!(text.matches("error[E99]").count(), 1, "{text}");
        assert!(text.contains("2 | b:"), "{text}");
        for name in &names {
            assert!(text.contains(&format!("in {name}\n")), "{text}");
        }
    }

    #[test]
    fn errors_come_last() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let mut printer = Printer::new(&sources, &hidden);
        let found = [
            Diagnostic { code: &ERROR, ..finding(id, 0, 1) },
            Diagnostic { code: &INFO, ..finding(id, 0, 1) },
            finding(id, 0, 1),
        ];
        printer.add(None, None, &found);
        let text = plain(&printer.finish());
        let at = |code: &str| text.find(code).unwrap();
        assert!(at("info[I99]") < at("warning[W99]") && at("warning[W99]") < at("error[E99]"));
    }

    #[test]
    fn quiet_and_suppressed_leave_errors() {
        let (sources, id) = sources();
        let hidden = BTreeSet::new();
        let found = [finding(id, 0, 1)];
        let mut quiet = Printer::new(&sources, &hidden).errors_only(true);
        quiet.add(None, None, &found);
        assert_eq!(quiet.finish(), "");
        let mut suppressed = Printer::new(&sources, &hidden).suppress(&[&CODE]);
        suppressed.add(None, None, &found);
        assert_eq!(suppressed.finish(), "");
    }

    #[test]
    fn spans_that_do_not_fit_the_text_do_not_panic() {
        let mut sources = Sources::default();
        let id = sources.add(SourceFile::new("f", "ü\r\n"));
        let hidden = BTreeSet::new();
        for (start, end) in [(1, 1), (0, 900), (900, 901), (3, 3), (2, 1), (1, 2)] {
            let mut printer = Printer::new(&sources, &hidden);
            let found = [finding(id, start, end)];
            printer.add(None, None, &found);
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
        let found = [evil];
        printer.add(None, None, &found);
        assert!(!plain(&printer.finish()).contains(['\u{1b}', '\u{7}']));
    }
}
