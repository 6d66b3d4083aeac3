//! The report: every object and everything said about it, for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::source::{Place, Sources};
use extsecret_migrate::verify::Verification;
use extsecret_migrate::{Migration, ObjectReport, Outcome};
use serde::{Serialize, Serializer};

/// Raised when a field changes its meaning or goes away; new fields do not raise it.
const VERSION: u32 = 1;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    version: u32,
    tool: &'static str,
    summary: Summary,
    #[serde(skip_serializing_if = "Option::is_none")]
    verification: Option<Checked>,
    objects: Objects<'a>,
    outputs: Vec<Written<'a>>,
    diagnostics: Vec<Finding<'a>>,
}

/// Described one at a time: there may be ten thousand of them.
struct Objects<'a> {
    sources: &'a Sources,
    objects: &'a [ObjectReport],
}

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.objects.iter().map(|object| describe(self.sources, object)))
    }
}

/// Numbers of `--verify`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    /// Objects that were converted.
    objects: usize,
    /// Of these, those that were checked; W33 names the others.
    verified: usize,
    /// Keys, labels and annotations of their Secrets.
    keys: usize,
    /// Of these, those with the same bytes whatever was tried.
    same: usize,
    /// Of these, those that can differ as a warning says.
    announced: usize,
    /// Of these, those that can differ unannounced (E20).
    unannounced: usize,
}

impl From<Verification> for Checked {
    fn from(from: Verification) -> Self {
        let Verification { objects, verified, keys, same, announced, unannounced } = from;
        Self { objects, verified, keys, same, announced, unannounced }
    }
}

/// The line on stderr that says what `--verify` found; `given` if the values were the user's.
pub(crate) fn verified(verification: Verification, given: bool) -> String {
    let Verification { objects, verified, keys, same, announced, unannounced } = verification;
    if objects == 0 {
        return "verified nothing: no object was converted".into();
    }
    let of = if verified == objects { String::new() } else { format!("{verified} of ") };
    let mut line = format!("verified {of}{}, {}", count(objects, "object"), count(keys, "key"));
    let (as_warned, not_warned) = if given {
        ("differ as the warnings say", "differ without a warning")
    } else {
        ("can differ as the warnings say", "can differ without a warning")
    };
    if same == keys {
        line.push_str(": same bytes");
    } else {
        let _ = write!(line, ": {same} same bytes");
    }
    for (number, what) in [(announced, as_warned), (unannounced, not_warned)] {
        if number > 0 {
            let _ = write!(line, ", {number} {what}");
        }
    }
    if verified < objects {
        let _ = write!(line, "; {} not verified", count(objects - verified, "object"));
    }
    line
}

/// Numbers of the summary line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Summary {
    /// Objects that were ours to convert, and documents that could not be read.
    pub(crate) objects: usize,
    /// Of these, those that were written.
    pub(crate) converted: usize,
    /// Of these, those that were not.
    pub(crate) refused: usize,
    /// Stores written.
    pub(crate) stores: usize,
    /// Objects of other kinds.
    pub(crate) others: usize,
}

impl Summary {
    pub(crate) fn of(migration: &Migration) -> Self {
        let converted = migration.count(Outcome::Converted);
        let refused = migration.count(Outcome::Refused) + migration.count(Outcome::Unreadable);
        Self {
            objects: converted + refused,
            converted,
            refused,
            stores: migration.stores(),
            others: migration.count(Outcome::Kept),
        }
    }

    /// The last line on stderr.
    pub(crate) fn line(self, others_left_out: bool) -> String {
        let Self { objects, converted, refused, stores, others } = self;
        let objects = count(objects, "object");
        let stores = count(stores, "store");
        let mut line = format!("{objects}: {converted} converted, {refused} refused, {stores}");
        if others_left_out && others > 0 {
            let _ = write!(line, ", {} left out", count(others, "other document"));
        }
        line
    }
}

fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    file: &'a str,
    /// From 0, as the document is counted in the file.
    document: usize,
    /// From 0, when the document is a List.
    item: Option<usize>,
    line: u32,
    column: u32,
    api_version: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: Option<&'a str>,
    outcome: &'static str,
    store: Option<&'a str>,
    diagnostics: Vec<Finding<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    api_version: &'a str,
    kind: &'a str,
    namespace: Option<&'a str>,
    name: &'a str,
    /// The file it was written to; absent on stdout.
    file: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    code: &'static str,
    severity: &'static str,
    message: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    column: Option<u32>,
    field: Option<&'a str>,
    help: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Related<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Related<'a> {
    file: &'a str,
    line: u32,
    column: u32,
    note: &'a str,
}

/// The report as JSON text. `places` says for outputs, by their index, where they were written.
pub(crate) fn json(
    sources: &Sources,
    migration: &Migration,
    verification: Option<Verification>,
    more: &[Diagnostic],
    places: &BTreeMap<usize, String>,
) -> serde_json::Result<String> {
    let report = Report {
        version: VERSION,
        tool: concat!("kubectl-extsecret ", env!("CARGO_PKG_VERSION")),
        summary: Summary::of(migration),
        verification: verification.map(Checked::from),
        objects: Objects { sources, objects: &migration.objects },
        outputs: migration
            .outputs
            .iter()
            .enumerate()
            .map(|(index, output)| Written {
                api_version: &output.api_version,
                kind: &output.kind,
                namespace: output.namespace.as_deref(),
                name: &output.name,
                file: places.get(&index).map(String::as_str),
            })
            .collect(),
        diagnostics: migration
            .diagnostics
            .iter()
            .chain(more)
            .map(|diagnostic| finding(sources, diagnostic))
            .collect(),
    };
    let mut text = serde_json::to_string_pretty(&report)?;
    text.push('\n');
    Ok(text)
}

fn describe<'a>(sources: &'a Sources, object: &'a ObjectReport) -> Object<'a> {
    let (file, line, column) = spot(sources, object.origin.place()).unwrap_or(("", 1, 1));
    Object {
        file,
        document: object.origin.document,
        item: object.origin.item,
        line,
        column,
        api_version: &object.api_version,
        kind: &object.kind,
        namespace: object.namespace.as_deref(),
        name: object.name.as_deref(),
        outcome: object.outcome.as_str(),
        store: object.store.as_deref(),
        diagnostics: object
            .diagnostics
            .iter()
            .map(|diagnostic| finding(sources, diagnostic))
            .collect(),
    }
}

fn finding<'a>(sources: &'a Sources, diagnostic: &'a Diagnostic) -> Finding<'a> {
    let spotted = diagnostic.place.and_then(|place| spot(sources, place));
    Finding {
        code: diagnostic.code.id,
        severity: diagnostic.code.severity.as_str(),
        message: &diagnostic.message,
        file: spotted.map(|(file, _, _)| file),
        line: spotted.map(|(_, line, _)| line),
        column: spotted.map(|(_, _, column)| column),
        field: diagnostic.field.as_deref(),
        help: diagnostic.help.as_deref(),
        related: diagnostic
            .related
            .iter()
            .filter_map(|(place, note)| {
                let (file, line, column) = spot(sources, *place)?;
                Some(Related { file, line, column, note })
            })
            .collect(),
    }
}

fn spot(sources: &Sources, place: Place) -> Option<(&str, u32, u32)> {
    let source = sources.get(place.file)?;
    let location = source.location(place.span.start);
    Some((source.path(), location.line, location.column))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_verification_counts_everything() {
        let all = Verification {
            objects: 14,
            verified: 14,
            keys: 31,
            same: 31,
            announced: 0,
            unannounced: 0,
        };
        assert_eq!(verified(all, false), "verified 14 objects, 31 keys: same bytes");
        let some = Verification { verified: 12, same: 24, announced: 6, unannounced: 1, ..all };
        assert_eq!(
            verified(some, false),
            "verified 12 of 14 objects, 31 keys: 24 same bytes, 6 can differ as the warnings say, \
             1 can differ without a warning; 2 objects not verified"
        );
        assert_eq!(
            verified(Verification { objects: 12, unannounced: 0, same: 25, ..some }, true),
            "verified 12 objects, 31 keys: 25 same bytes, 6 differ as the warnings say"
        );
    }

    #[test]
    fn the_summary_line_has_its_fixed_form() {
        let summary = Summary { objects: 136, converted: 131, refused: 5, stores: 9, others: 3 };
        assert_eq!(summary.line(false), "136 objects: 131 converted, 5 refused, 9 stores");
        assert_eq!(
            summary.line(true),
            "136 objects: 131 converted, 5 refused, 9 stores, 3 other documents left out"
        );
        let one = Summary { objects: 1, converted: 1, refused: 0, stores: 1, others: 1 };
        assert_eq!(
            one.line(true),
            "1 object: 1 converted, 0 refused, 1 store, 1 other document left out"
        );
    }
}
