//! What was found, in words, without any value.

use std::collections::BTreeMap;

use extsecret_manifest::diagnostic::{Diagnostic, Severity};
use extsecret_manifest::source::{Place, Span};

use super::compare::{Difference, Effect, Subject};
use super::probe::Spot;
use crate::codes;

/// Places and forms that one finding names; the rest is counted.
const NAMED: usize = 3;

/// What was tried in a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Case<'s> {
    /// Completes "when X ..."; without it, the usual values.
    pub(super) form: Option<&'static str>,
    /// Where; without it, everywhere.
    pub(super) spot: Option<&'s Spot>,
    /// A value holds characters beyond ASCII.
    pub(super) beyond_ascii: bool,
    /// The values are the user's own.
    pub(super) given: bool,
}

/// Differences of all runs, those of one kind together.
#[derive(Debug, Default)]
pub(super) struct Collected {
    all: BTreeMap<(Subject, Effect, &'static str), Entry>,
}

#[derive(Debug)]
struct Entry {
    first: Difference,
    /// Whatever the values.
    always: bool,
    /// Forms by the place where they were tried.
    when: BTreeMap<String, Vec<&'static str>>,
    reasons: Vec<String>,
}

impl Collected {
    pub(super) fn add(&mut self, difference: Difference, case: &Case<'_>) {
        let key = (difference.subject.clone(), difference.effect, difference.code.id);
        let reason = difference.reason.clone();
        let entry = self.all.entry(key).or_insert_with(|| Entry {
            first: difference,
            always: false,
            when: BTreeMap::new(),
            reasons: Vec::new(),
        });
        if !reason.is_empty() && !entry.reasons.contains(&reason) {
            entry.reasons.push(reason);
        }
        match case.form {
            None => entry.always = true,
            Some(form) => {
                let spot = case.spot.map(|spot| spot.words.clone()).unwrap_or_default();
                let forms = entry.when.entry(spot).or_default();
                if !forms.contains(&form) {
                    forms.push(form);
                }
            }
        }
    }

    /// The worst that is known of each subject. What fails is no matter of one key.
    pub(super) fn worst(&self) -> BTreeMap<Subject, Severity> {
        let mut worst = BTreeMap::new();
        for entry in self.all.values() {
            let severity = entry.first.code.severity;
            let known = worst.entry(entry.first.subject.clone()).or_insert(severity);
            *known = severity.min(*known);
        }
        worst
    }

    /// One finding for each kind of difference.
    pub(super) fn diagnostics(
        &self,
        whole: Place,
        place: impl Fn(Span) -> Place,
        given: bool,
    ) -> Vec<Diagnostic> {
        self.all
            .values()
            .map(|entry| {
                let first = &entry.first;
                let mut diagnostic = Diagnostic::new(first.code, entry.message(given));
                let span = first.span.filter(|span| !span.is_empty());
                diagnostic.place = Some(span.map_or(whole, &place));
                diagnostic.field.clone_from(&first.field);
                if first.code.id == codes::E20.id {
                    diagnostic.help = Some(
                        "compare this key before the hand-over (--values FILE checks your own \
                         values), and correct the new object by hand where it matters"
                            .into(),
                    );
                }
                diagnostic
            })
            .collect()
    }
}

impl Entry {
    fn message(&self, given: bool) -> String {
        let subject = &self.first.subject;
        let could = !given && !self.always;
        let what = match (self.first.effect, could) {
            (Effect::Bytes, true) => format!("{subject} can get other bytes than KES wrote"),
            (Effect::Bytes, false) => format!("{subject} gets other bytes than KES wrote"),
            (Effect::Lost, true) => format!("{subject} can be missing, which KES wrote"),
            (Effect::Lost, false) => format!("{subject} is missing, which KES wrote"),
            (Effect::New, true) => format!("{subject} can be there, which KES did not write"),
            (Effect::New, false) => format!("{subject} is there, which KES did not write"),
            (Effect::Fails, true) => {
                "the new object can be in error where KES wrote a Secret".to_owned()
            }
            (Effect::Fails, false) => {
                "the new object is in error where KES wrote a Secret".to_owned()
            }
            (Effect::Works, _) => "KES failed where the new object writes a Secret".to_owned(),
        };
        let when = match (given, self.always) {
            (true, _) => ", with the values given".to_owned(),
            (false, true) => String::new(),
            (false, false) => format!(", when {}", self.when()),
        };
        let reasons: Vec<&str> = self.reasons.iter().take(NAMED).map(String::as_str).collect();
        let colon = if reasons.is_empty() { "" } else { ": " };
        format!("{what}{when}{colon}{}", reasons.join("; "))
    }

    fn when(&self) -> String {
        let mut parts: Vec<String> = self
            .when
            .iter()
            .take(NAMED)
            .map(|(spot, forms)| {
                let mut named: Vec<String> =
                    forms.iter().take(NAMED + 1).map(|form| (*form).to_owned()).collect();
                if forms.len() > named.len() {
                    named.push(format!("in {} other cases", forms.len() - named.len()));
                }
                match (spot.as_str(), alternatives(&named)) {
                    // The form speaks for itself.
                    ("", forms) if forms.starts_with("parameters") => forms,
                    ("", forms) => format!("a value {forms}"),
                    (spot, forms) => format!("{spot} {forms}"),
                }
            })
            .collect();
        if self.when.len() > parts.len() {
            parts.push(format!("the same of {} other values", self.when.len() - parts.len()));
        }
        alternatives(&parts)
    }
}

/// `a, b or c`
fn alternatives(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}
