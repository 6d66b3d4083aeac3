//! Proof, before anything is applied: the new object writes the bytes that KES wrote.
//!
//! One side is a model of KES's own way from the values of a store to a Secret, templates
//! included; the other is the engine that the controller syncs with, on the object that was
//! written. Both get the same values: those of the caller, or values made from the object itself,
//! in every form that could come out differently. Nothing is asked of a store or a cluster, and
//! no template is executed as code.
//!
//! A difference that the conversion had announced carries the code of the announcement; any other
//! is an error (E20).

mod compare;
mod evaluate;
mod js;
mod message;
mod pipeline;
mod probe;
mod shape;
mod store;
mod target;

use std::collections::{BTreeMap, BTreeSet};

use extsecret_crds::ExternalSecret;
use extsecret_engine::collect::Fetched;
use extsecret_engine::request::Fetch;
use extsecret_manifest::diagnostic::{Diagnostic, Severity};
use extsecret_manifest::node::Node;
use extsecret_manifest::source::{Place, SourceFile};

use crate::finding::Findings;
use crate::kes::Kes;
use crate::report::{Migration, ObjectReport, Origin, Outcome};
use crate::{FileHints, Options, codes, kes, lodash, template};
use compare::{Effect, Facts, Subject};
use message::{Case, Collected};
use pipeline::{Content, Fate, TemplateText};

pub use store::Source;

/// Places of an object at which every form of a value is tried alone; with more, all at once.
const MAX_SPOTS: usize = 120;

/// An object as it was read.
#[derive(Clone, Copy, Debug)]
pub struct Read<'n> {
    /// Its file.
    pub file: &'n SourceFile,
    /// The object.
    pub node: &'n Node,
    /// What is known about the file.
    pub hints: FileHints,
}

/// The numbers of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verification {
    /// Objects that were converted.
    pub objects: usize,
    /// Of these, those that were checked.
    pub verified: usize,
    /// Keys of their Secrets.
    pub keys: usize,
    /// Of these, those with the same bytes whatever was tried.
    pub same: usize,
    /// Of these, those that can differ as a warning says.
    pub announced: usize,
    /// Of these, those that can differ unannounced (E20).
    pub unannounced: usize,
}

/// Checks every converted object of `migration`, and adds what is found to its report.
///
/// `read` gives the object of an origin again. Without `values`, the values are made from each
/// object.
pub fn verify<'n>(
    migration: &mut Migration,
    options: &Options,
    mut read: impl FnMut(&Origin) -> Option<Read<'n>>,
    values: Option<&dyn Source>,
) -> Verification {
    let mut sum = Verification::default();
    let written: BTreeMap<Origin, usize> = migration
        .outputs
        .iter()
        .enumerate()
        .filter_map(|(index, output)| Some((output.origin?, index)))
        .collect();
    for report in &mut migration.objects {
        if report.outcome != Outcome::Converted {
            continue;
        }
        sum.objects += 1;
        let output = written.get(&report.origin).and_then(|index| migration.outputs.get(*index));
        let checked = match (output, read(&report.origin)) {
            _ if report.kind == "SecretProviderClass" => {
                Err("the CSI driver read it, which is not modelled".to_owned())
            }
            _ if !report.api_version.starts_with("kubernetes-client.io/") => {
                Err("KES did not read it, so that there are no bytes of KES's to compare with"
                    .to_owned())
            }
            (Some(output), Some(read)) => object(report, read, output.node(), options, values),
            _ => Err("the object cannot be read again".to_owned()),
        };
        match checked {
            Ok(numbers) => {
                sum.verified += 1;
                sum.keys += numbers.keys;
                sum.same += numbers.same;
                sum.announced += numbers.announced;
                sum.unannounced += numbers.unannounced;
            }
            Err(why) => report.diagnostics.push(
                Diagnostic::new(&codes::W33, format!("the object could not be verified: {why}"))
                    .at(report.origin.place()),
            ),
        }
        report.diagnostics.sort_by_key(|d| (d.place, d.code.severity, d.code.id));
    }
    sum
}

/// Checks one object; adds findings to its report, and counts its keys. `Err` says why it cannot
/// be checked.
fn object(
    report: &mut ObjectReport,
    read: Read<'_>,
    written: &Node,
    options: &Options,
    values: Option<&dyn Source>,
) -> Result<Verification, String> {
    let mut found = Findings::new(report.origin.file, read.file, read.node.span);
    let kes = kes::read(read.node, read.hints, options.force, &mut found)
        .ok_or("it cannot be read again")?;
    let mut target = written.to_json();
    if options.helm_escape
        && let Some(template) = target.pointer_mut("/spec/target/template")
    {
        after_helm(template);
    }
    let target: ExternalSecret = serde_json::from_value(target)
        .map_err(|error| format!("what was written is no ExternalSecret: {error}"))?;
    let texts = pipeline::texts(&kes, compile);
    let check = Check { kes: &kes, texts: &texts, target: &target, said: &report.diagnostics };
    let outcome = match values {
        Some(source) => check.given(source)?,
        None => check.probed(options)?,
    };
    let place = |span| Place { file: report.origin.file, span };
    let diagnostics = outcome.cases.diagnostics(report.origin.place(), place, values.is_some());
    let numbers = outcome.numbers();
    report.diagnostics.extend(diagnostics);
    // The rest of what was tried is compared all the same.
    if let Some(why) = &outcome.unknown {
        let message = format!("some values could not be tried on the object: {why}");
        let place = report.origin.place();
        report.diagnostics.push(Diagnostic::new(&codes::W33, message).at(place));
    }
    Ok(numbers)
}

/// The texts of a template as they are when Helm has printed them.
fn after_helm(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => *text = template::printed_by_helm(text),
        serde_json::Value::Array(items) => items.iter_mut().for_each(after_helm),
        serde_json::Value::Object(map) => map.values_mut().for_each(after_helm),
        _ => {}
    }
}

/// What a text of a template means.
fn compile(_: pipeline::Part, text: &str) -> Content<'_> {
    if lodash::first_expression(text).is_none() {
        return Content::Static(text);
    }
    match lodash::translate(text, &lodash::Scope::default()) {
        Ok(translation) => Content::Program(Box::new(translation.program)),
        Err(refusal) => Content::Unknown(refusal.to_string()),
    }
}

/// One object and both of its sides.
struct Check<'a, 'n> {
    kes: &'a Kes<'n>,
    texts: &'a [TemplateText<'n>],
    target: &'a ExternalSecret,
    said: &'a [Diagnostic],
}

/// What was found out about an object.
#[derive(Default)]
struct Found {
    cases: Collected,
    /// Every key that one of the sides wrote.
    keys: BTreeSet<Subject>,
    /// Runs in which KES wrote a Secret.
    wrote: usize,
    /// Why a run told nothing.
    unknown: Option<String>,
    /// Why KES failed in a run.
    failed: Option<String>,
}

impl Found {
    fn numbers(&self) -> Verification {
        let worst = self.cases.worst();
        let is = |severity: Severity| {
            self.keys.iter().filter(|key| worst.get(*key) == Some(&severity)).count()
        };
        let (unannounced, announced) = (is(Severity::Error), is(Severity::Warning));
        let keys = self.keys.len();
        Verification {
            objects: 1,
            verified: 1,
            keys,
            same: keys - unannounced - announced,
            announced,
            unannounced,
        }
    }
}

impl Check<'_, '_> {
    /// One run, on these values. True if both sides wrote the same.
    fn run(&self, source: &dyn Source, case: Case<'_>, found: &mut Found, record: bool) -> bool {
        let facts = Facts {
            kes: self.kes,
            texts: self.texts,
            object: self.target,
            said: self.said,
            beyond_ascii: case.beyond_ascii,
            given: case.given,
        };
        let written = pipeline::run(self.kes, self.texts, source);
        match &written {
            Fate::Wrote(written) => {
                found.wrote += 1;
                found.keys.extend(facts.subjects(written));
            }
            Fate::Failed(why) => {
                found.failed.get_or_insert_with(|| why.clone());
            }
            Fate::Unknown(why) => {
                found.unknown.get_or_insert_with(|| why.clone());
                return false;
            }
        }
        let target = target::run(self.target, self.kes, source);
        let differences = compare::compare(&facts, &written, &target);
        let same = differences.is_empty() && matches!(written, Fate::Wrote(_));
        if record {
            for difference in differences {
                if let (Effect::New, subject) = (difference.effect, &difference.subject) {
                    found.keys.insert(subject.clone());
                }
                found.cases.add(difference, &case);
            }
        }
        same
    }

    /// On the values that the user gave.
    fn given(&self, source: &dyn Source) -> Result<Found, String> {
        let mut missing = BTreeSet::new();
        let mut beyond_ascii = false;
        for item in self.kes.items.iter().chain(&self.kes.extracts) {
            let (key, version) = store::address(self.kes, item);
            let name = store::name(&key, version.as_deref());
            match source.answer(&Fetch::Value { key, version }) {
                Ok(Fetched::Value(payload)) => {
                    let bytes = payload.string.iter().chain(&payload.binary).flatten();
                    // Also what JSON spells with an escape, and what base64 hides.
                    beyond_ascii |= bytes.clone().any(|byte| *byte >= 0x80)
                        || bytes.clone().any(|byte| *byte == b'\\')
                        || item.binary == kes::Binary::Yes;
                }
                _ => {
                    missing.insert(name);
                }
            }
        }
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(String::as_str).collect();
            return Err(format!("the values given have none for `{}`", names.join("`, `")));
        }
        let mut found = Found::default();
        let case = Case { form: None, spot: None, beyond_ascii, given: true };
        self.run(source, case, &mut found, true);
        match (&found.unknown, &found.failed) {
            (Some(why), _) => Err(why.clone()),
            (None, Some(why)) => Err(format!("KES fails with the values given: {why}")),
            (None, None) => Ok(found),
        }
    }

    /// On values made from the object.
    fn probed(&self, options: &Options) -> Result<Found, String> {
        let shapes = shape::of(self.kes, self.texts);
        let spots = probe::spots(&shapes);
        let mut found = Found::default();
        let add = |values: &mut store::Values, deep: bool| {
            probe::below(self.kes, options, deep, values);
        };
        let mut usual = probe::values(&shapes, None, None);
        add(&mut usual, false);
        let plain = Case { form: None, spot: None, beyond_ascii: false, given: false };
        self.run(&usual, plain, &mut found, true);
        if let Some(why) = found.unknown.take() {
            return Err(why);
        }
        if !self.kes.paths.is_empty() {
            let mut deep = probe::values(&shapes, None, None);
            add(&mut deep, true);
            let form = Some("parameters below the path collide");
            self.run(&deep, Case { form, ..plain }, &mut found, true);
        }
        for form in probe::FORMS {
            let beyond_ascii = form.beyond_ascii();
            let fitting: Vec<usize> = spots
                .iter()
                .enumerate()
                .filter(|(_, spot)| spot.takes(form))
                .map(|it| it.0)
                .collect();
            if fitting.is_empty() || !form.is_of(self.kes.backend) {
                continue;
            }
            let alone = fitting.len() > 1 && spots.len() <= MAX_SPOTS;
            let mut all = probe::values(&shapes, Some(form), None);
            add(&mut all, false);
            let spot = match fitting.as_slice() {
                [only] => spots.get(*only),
                _ => None,
            };
            let case = Case { form: Some(form.words), spot, beyond_ascii, given: false };
            if self.run(&all, case, &mut found, !alone) || !alone {
                continue;
            }
            for at in fitting {
                let mut one = probe::values(&shapes, Some(form), Some(at));
                add(&mut one, false);
                let case = Case { spot: spots.get(at), ..case };
                self.run(&one, case, &mut found, true);
            }
        }
        match (found.wrote, &found.unknown, &found.failed) {
            (0, _, Some(why)) => Err(format!("KES fails on every value that was tried: {why}")),
            (0, Some(why), None) => Err(why.clone()),
            _ => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests;
