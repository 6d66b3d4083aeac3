//! Many cases compared: what is equal, what is announced, and what is neither.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::Context as _;
use extsecret_migrate::lodash::Style;

use super::{Finding, Group, Judged, Kind, Sets, judge};
use crate::oracle::Line;

/// Groups of what the specification has refused, or nobody writes in earnest.
const NOT_SHAPES: [&str; 2] = ["beyond", "hostile"];

/// What was compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// All cases.
    pub cases: usize,
    /// Those that lodash renders on some data, hostile ones left out.
    pub shapes: usize,
    /// Shapes that are translated.
    pub translated: usize,
    /// Answers of lodash, errors among them.
    pub answers: usize,
    /// Answers of translated templates that are the same.
    pub equal: usize,
    /// Answers that differ in nothing but order and the style of YAML, which W16 announces.
    pub order: usize,
    /// Answers that differ, which a code announces.
    pub explained: usize,
    /// Answers in whose place a translation stops with an error, which in the exact form is E07.
    pub stops: usize,
    /// Shapes whose translation stops on the set of plain strings, where nothing is odd.
    pub stops_on_strings: usize,
    /// Answers where KES failed and we do not: nobody has such an object.
    pub only_kes_fails: usize,
    /// Answers that differ for no reason, and templates that should not be translated or panic.
    pub differ: usize,
}

/// A comparison under way.
#[derive(Debug)]
pub struct Comparison {
    style: Style,
    /// The data sets.
    pub sets: Sets,
    /// What was compared.
    pub counts: Counts,
    /// What differs and should not.
    pub findings: Vec<String>,
    /// What stops on plain strings.
    pub stops: Vec<String>,
    /// The templates that stop, and in place of how many answers, by the reason they give.
    pub causes: BTreeMap<String, (BTreeSet<String>, usize)>,
    refused: BTreeMap<String, usize>,
}

impl Comparison {
    /// Starts with nothing compared.
    ///
    /// # Errors
    /// If the data sets cannot be read.
    pub fn new(style: Style) -> anyhow::Result<Self> {
        Ok(Self {
            style,
            sets: Sets::load()?,
            counts: Counts::default(),
            findings: Vec::new(),
            stops: Vec::new(),
            causes: BTreeMap::new(),
            refused: BTreeMap::new(),
        })
    }

    /// Compares the cases of a group, which hold lodash's answers.
    ///
    /// # Errors
    /// If a case is malformed.
    pub fn group(&mut self, group: &Group) -> anyhow::Result<()> {
        let is_shape = !NOT_SHAPES.contains(&group.name.as_str());
        for (index, case) in group.cases.iter().enumerate() {
            self.case(&format!("{}:{}", group.name, index + 1), is_shape, case)?;
        }
        Ok(())
    }

    fn case(&mut self, place: &str, is_shape: bool, case: &Line) -> anyhow::Result<()> {
        self.counts.cases += 1;
        let template = case.get("template").and_then(|text| text.as_str());
        let template = template.context("a case has a template")?;
        let judged = catch_unwind(AssertUnwindSafe(|| judge(case, &self.sets, self.style)));
        let Ok(judged) = judged else {
            self.found(format!("{place}: a panic on {template:?}"));
            return Ok(());
        };
        let judged = judged?;
        let is_shape = is_shape && judged.rendered > 0;
        self.counts.shapes += usize::from(is_shape);
        self.counts.answers += judged.rendered + judged.failed;
        if let Err(refusal) = &judged.translated {
            if is_shape {
                *self.refused.entry(refusal.construct.clone()).or_default() += 1;
            }
            if refusal.failed_in_kes && judged.rendered > 0 {
                self.found(format!("{place}: KES did not fail on {template:?}"));
            }
            return Ok(());
        }
        if case.contains_key("run") {
            self.found(format!("{place}: {template:?} is translated"));
        }
        self.counts.translated += usize::from(is_shape);
        let mut exact_stops = BTreeSet::new();
        if self.style == Style::Short && judged.findings.iter().any(|it| it.kind == Kind::Stops) {
            let exact = judge(case, &self.sets, Style::Exact)?.findings;
            exact_stops
                .extend(exact.into_iter().filter(|it| it.kind == Kind::Stops).map(|it| it.set));
        }
        self.translated(place, is_shape, template, &judged, &exact_stops);
        Ok(())
    }

    fn translated(
        &mut self,
        place: &str,
        is_shape: bool,
        template: &str,
        judged: &Judged,
        exact_stops: &BTreeSet<String>,
    ) {
        let codes: Vec<_> = judged.codes().into_iter().collect();
        self.counts.equal += judged.rendered + judged.failed - judged.findings.len();
        for finding in &judged.findings {
            match finding.kind {
                Kind::KesFails => self.counts.only_kes_fails += 1,
                // Whoever migrates has been told, and the error has the code. Where the exact form
                // does not stop, brevity is the reason, and its price is told.
                Kind::Stops
                    if tells_of_stops(&codes, self.style, exact_stops, &finding.set)
                        && (self.style == Style::Short || refusal(finding).is_some()) =>
                {
                    self.counts.stops += 1;
                    if let Some(reason) = refusal(finding) {
                        let (templates, answers) =
                            self.causes.entry(reason.to_owned()).or_default();
                        templates.insert(template.to_owned());
                        *answers += 1;
                    }
                    if is_shape && finding.set == "strings" {
                        self.counts.stops_on_strings += 1;
                        let text = judged.translated.as_ref().map_or("", |ours| &ours.text);
                        self.stops.push(shown(place, template, text, &codes, finding));
                    }
                }
                Kind::Order if self.style == Style::Short && codes.contains(&"W16") => {
                    self.counts.order += 1;
                }
                // A person chose brevity and is told of its price.
                Kind::Bytes | Kind::Order if self.style == Style::Short && !codes.is_empty() => {
                    self.counts.explained += 1;
                }
                _ => {
                    let text = judged.translated.as_ref().map_or("", |ours| &ours.text);
                    self.found(shown(place, template, text, &codes, finding));
                }
            }
        }
    }

    fn found(&mut self, finding: String) {
        self.counts.differ += 1;
        self.findings.push(finding);
    }
}

/// For which reason a translation refuses a value.
fn refusal(finding: &Finding) -> Option<&str> {
    let error = finding.ours.as_ref().err()?;
    error.split_once("error calling fail: E07: ").map(|(_, reason)| reason)
}

/// W05 is about base64 alone, W08 about JSON, I08 about everything.
fn tells_of_stops(
    codes: &[&str],
    style: Style,
    exact_stops: &BTreeSet<String>,
    set: &String,
) -> bool {
    let told = ["I08", "W05", "W08"].iter().any(|code| codes.contains(code));
    told || style == Style::Short && (!codes.is_empty() || exact_stops.contains(set))
}

fn shown(place: &str, template: &str, text: &str, codes: &[&str], finding: &Finding) -> String {
    let answer = |answer: &Result<Vec<u8>, String>| match answer {
        Ok(bytes) => format!("{:?}", String::from_utf8_lossy(bytes)),
        Err(error) => format!("failed: {error}"),
    };
    let Finding { set, kind, kes, ours } = finding;
    let (kes, ours) = (answer(kes), answer(ours));
    format!(
        "{place}: {template:?} on {set}: {kind:?}, codes {codes:?}\n  lodash {kes}\n  ours   {ours}\n  text   {text:?}"
    )
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts {
            cases,
            shapes,
            translated,
            answers,
            equal,
            order,
            explained,
            stops,
            stops_on_strings,
            only_kes_fails,
            differ,
        } = self.counts;
        let style = match self.style {
            Style::Exact => "exact",
            Style::Short => "short",
        };
        write!(
            f,
            "{style}: {cases} templates, {answers} answers; of {shapes} shapes {translated} are translated; \
             {equal} answers are equal, {order} differ in order, {explained} are explained, \
             in place of {stops} ours stops ({stops_on_strings} times on plain strings), on \
             {only_kes_fails} only KES fails, {differ} differ"
        )?;
        let mut refused: Vec<_> = self.refused.iter().collect();
        refused.sort_by_key(|(_, times)| std::cmp::Reverse(**times));
        refused
            .iter()
            .try_for_each(|(construct, times)| write!(f, "\n  refused {times:4}: {construct}"))
    }
}
