//! Findings for programs: JSON, SARIF, and the annotations of GitHub Actions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use extsecret_manifest::source::{Location, Place, Sources};
use serde_json::{Value, json};

/// Raised when a field of the JSON form changes its meaning or goes away.
const VERSION: u32 = 1;

/// A finding, and the object that it is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) object: Option<&'a str>,
    pub(crate) diagnostic: &'a Diagnostic,
}

/// How much was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    /// Objects that were checked.
    pub(crate) objects: usize,
    /// Documents of other kinds.
    pub(crate) others: usize,
}

/// Where a finding begins and ends.
fn spot(sources: &Sources, place: Place) -> Option<(&str, Location, Location)> {
    let file = sources.get(place.file)?;
    let start = file.location(place.span.start);
    Some((file.path(), start, file.location(place.span.end)))
}

/// One document.
pub(crate) fn json(sources: &Sources, findings: &[Finding<'_>], counted: Counted) -> Value {
    let count = |severity| {
        findings.iter().filter(|finding| finding.diagnostic.code.severity == severity).count()
    };
    let all = findings.iter().map(|Finding { object, diagnostic }| {
        let spotted = diagnostic.place.and_then(|place| spot(sources, place));
        json!({
            "code": diagnostic.code.id,
            "severity": diagnostic.code.severity.as_str(),
            "message": diagnostic.message,
            "help": diagnostic.help,
            "object": object,
            "field": diagnostic.field,
            "file": spotted.map(|(file, ..)| file),
            "line": spotted.map(|(_, start, _)| start.line),
            "column": spotted.map(|(_, start, _)| start.column),
        })
    });
    json!({
        "version": VERSION,
        "summary": {
            "objects": counted.objects,
            "others": counted.others,
            "errors": count(Severity::Error),
            "warnings": count(Severity::Warning),
            "infos": count(Severity::Info),
        },
        "findings": all.collect::<Vec<_>>(),
    })
}

/// The Static Analysis Results Interchange Format, version 2.1.0.
pub(crate) fn sarif(sources: &Sources, findings: &[Finding<'_>]) -> Value {
    let codes: BTreeMap<&str, &Code> =
        findings.iter().map(|it| (it.diagnostic.code.id, it.diagnostic.code)).collect();
    let level = |severity| match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    };
    let rules: Vec<Value> = codes
        .values()
        .map(|code| {
            json!({
                "id": code.id,
                "shortDescription": { "text": code.title },
                "fullDescription": { "text": code.why },
                "help": { "text": code.action },
                "defaultConfiguration": { "level": level(code.severity) },
            })
        })
        .collect();
    let results = findings.iter().map(|Finding { object, diagnostic }| {
        let index = codes.keys().position(|id| *id == diagnostic.code.id);
        let mut result = json!({
            "ruleId": diagnostic.code.id,
            "ruleIndex": index,
            "level": level(diagnostic.code.severity),
            "message": { "text": message(*object, diagnostic) },
        });
        if let Some((file, start, end)) = diagnostic.place.and_then(|place| spot(sources, place)) {
            result["locations"] = json!([{ "physicalLocation": {
                "artifactLocation": { "uri": uri(file) },
                "region": {
                    "startLine": start.line, "startColumn": start.column,
                    "endLine": end.line, "endColumn": end.column,
                },
            } }]);
        }
        result
    });
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "kubectl-extsecret",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
        }],
    })
}

/// A workflow command for each finding.
pub(crate) fn github(sources: &Sources, findings: &[Finding<'_>]) -> String {
    let mut text = String::new();
    for Finding { object, diagnostic } in findings {
        let command = match diagnostic.code.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let _ = write!(text, "::{command} ");
        if let Some((file, start, end)) = diagnostic.place.and_then(|place| spot(sources, place)) {
            let _ = write!(
                text,
                "file={},line={},endLine={},col={},",
                property(file),
                start.line,
                end.line,
                start.column
            );
        }
        let title = property(&format!("{} {}", diagnostic.code.id, diagnostic.code.title));
        let _ = writeln!(text, "title={title}::{}", data(&message(*object, diagnostic)));
    }
    text
}

fn message(object: Option<&str>, diagnostic: &Diagnostic) -> String {
    let mut text = diagnostic.message.clone();
    if let Some(help) = &diagnostic.help {
        let _ = write!(text, "; {help}");
    }
    if let Some(object) = object {
        let _ = write!(text, " ({object})");
    }
    text
}

/// What GitHub's runner reads back.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// A path as the reference that it is in a report: relative ones stay so.
fn uri(path: &str) -> String {
    let path = path.strip_prefix("./").unwrap_or(path);
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use extsecret_manifest::source::{SourceFile, Span};

    use super::*;

    static CODE: Code = Code {
        id: "L99",
        severity: Severity::Warning,
        title: "a title",
        why: "Why.",
        action: "What.",
    };

    fn one() -> (Sources, Diagnostic) {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("a b/c.yaml", "x: 1\ny: ü2\n"));
        let place = Place { file, span: Span::new(8, 11) };
        let diagnostic = Diagnostic::new(&CODE, "50% of it,\nwrong").at(place).field("spec.y");
        (sources, diagnostic.help("do: it"))
    }

    #[test]
    fn annotations_survive_the_runner() {
        let (sources, diagnostic) = one();
        let finding = Finding { object: Some("ExternalSecret a/b"), diagnostic: &diagnostic };
        assert_eq!(
            github(&sources, &[finding]),
            "::warning file=a b/c.yaml,line=2,endLine=2,col=4,title=L99 a title::50%25 of it,%0Awrong; \
             do: it (ExternalSecret a/b)\n"
        );
        let nowhere = Diagnostic { place: None, help: None, ..diagnostic.clone() };
        let finding = Finding { object: None, diagnostic: &nowhere };
        assert_eq!(
            github(&sources, &[finding]),
            "::warning title=L99 a title::50%25 of it,%0Awrong\n"
        );
    }

    #[test]
    fn the_other_forms() {
        let (sources, diagnostic) = one();
        let finding = Finding { object: None, diagnostic: &diagnostic };
        let counted = Counted { objects: 2, others: 1 };
        insta::assert_snapshot!(
            serde_json::to_string_pretty(&json(&sources, &[finding], counted)).unwrap()
        );
        let sarif = sarif(&sources, &[finding, finding]);
        assert_eq!(sarif["runs"][0]["tool"]["driver"]["rules"].as_array().map(Vec::len), Some(1));
        let result = &sarif["runs"][0]["results"][1];
        assert_eq!(result["ruleIndex"], 0);
        let location = &result["locations"][0]["physicalLocation"];
        assert_eq!(location["artifactLocation"]["uri"], "a%20b/c.yaml");
        assert_eq!(location["region"]["startLine"], 2);
        assert_eq!(location["region"]["endColumn"], 6);
    }
}
