//! Whether a translated template renders what lodash rendered.

use std::collections::BTreeSet;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_migrate::lodash::{Refusal, Style};
use serde_json::Value;

use super::{Mode, Ours, Sets, bytes_of, declared, ours, translate};
use crate::oracle::Line;

/// How an answer differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Both render, but not the same bytes.
    Bytes,
    /// As before, and it is nothing but the order of members and the style of YAML.
    Order,
    /// The translation stops on purpose, with an error, on a value that it cannot do justice to: ESO
    /// leaves the Secret as it is.
    Guarded,
    /// Only lodash renders: ESO would report an error and leave the Secret as it is.
    OursFails,
    /// Only we render: KES reported an error and left the Secret as it was.
    KesFails,
    /// Our text is no Go template at all.
    Malformed,
}

/// One answer that differs.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The data set.
    pub set: String,
    /// How.
    pub kind: Kind,
    /// What KES wrote, or its error.
    pub kes: Result<Vec<u8>, String>,
    /// What we write.
    pub ours: Result<Vec<u8>, String>,
}

/// What became of a case.
#[derive(Debug)]
pub struct Judged {
    /// The translation or the refusal.
    pub translated: Result<Ours, Box<Refusal>>,
    /// Data sets on which lodash rendered something.
    pub rendered: usize,
    /// Data sets on which it failed.
    pub failed: usize,
    /// The answers that differ.
    pub findings: Vec<Finding>,
}

impl Judged {
    /// The codes that the translation carries.
    pub fn codes(&self) -> BTreeSet<&'static str> {
        self.translated.as_ref().map(|ours| ours.codes.clone()).unwrap_or_default()
    }
}

/// Compares our translation of a case with the answers that stand in it.
///
/// The engine sees the values as KES's templates did, so that what KES did to other characters than
/// ASCII (W15) is no difference here and can hide none.
///
/// # Errors
/// If the case is malformed.
pub fn judge(case: &Line, sets: &Sets, style: Style) -> anyhow::Result<Judged> {
    let sets = sets.of(Mode::Template, case)?;
    let translated = translate(case, &declared(&sets), style);
    let answers = |name: &str| case.get(name).and_then(Value::as_array);
    let mut judged = Judged { translated, rendered: 0, failed: 0, findings: Vec::new() };
    let Some(given) = answers("answers") else { return Ok(judged) };
    let sorted = answers("sorted").unwrap_or(given);
    anyhow::ensure!(given.len() == sets.len() && sorted.len() == sets.len(), "an answer each");
    for (((name, set), answer), sorted) in sets.iter().zip(given).zip(sorted) {
        let kes = expected(case, answer)?;
        match kes {
            Ok(_) => judged.rendered += 1,
            Err(_) => judged.failed += 1,
        }
        let Ok(translated) = &judged.translated else { continue };
        let ours = translated.render(&ours::as_ascii(&bytes_of(set)?));
        let Some(kind) = difference(&kes, &ours, || expected(case, sorted))? else { continue };
        judged.findings.push(Finding { set: name.clone(), kind, kes, ours });
    }
    Ok(judged)
}

/// What stands in the Secret after an answer of lodash.
fn expected(case: &Line, answer: &Value) -> anyhow::Result<Result<Vec<u8>, String>> {
    let Some(text) = answer.as_str() else {
        let error = answer.get("error").and_then(Value::as_str).context("a text or an error")?;
        return Ok(Err(error.to_owned()));
    };
    if !ours::is_base64(case) {
        return Ok(Ok(text.as_bytes().to_vec()));
    }
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    Ok(STANDARD.decode(bare).map_err(|_| "apply: no base64".to_owned()))
}

/// Functions that a translation uses to stop, in the words of the engine.
const GUARDS: [&str; 3] =
    ["error calling fail: ", "error calling mustFromJson: ", "error calling mustToRawJson: "];

type Rendered = Result<Vec<u8>, String>;

fn difference(
    kes: &Rendered,
    ours: &Rendered,
    sorted: impl FnOnce() -> anyhow::Result<Rendered>,
) -> anyhow::Result<Option<Kind>> {
    Ok(match (kes, ours) {
        (_, Err(said)) if said.starts_with("does not parse") => Some(Kind::Malformed),
        (Err(_), Err(_)) => None,
        (Ok(_), Err(said)) if GUARDS.iter().any(|guard| said.contains(guard)) => {
            Some(Kind::Guarded)
        }
        (Ok(_), Err(_)) => Some(Kind::OursFails),
        (Err(_), Ok(_)) => Some(Kind::KesFails),
        (Ok(kes), Ok(ours)) if kes == ours => None,
        (Ok(kes), Ok(ours)) => {
            let order = sorted()?.as_ref() == Ok(ours) || is_same_document(kes, ours);
            Some(if order { Kind::Order } else { Kind::Bytes })
        }
    })
}

/// Whether both are maps or lists in JSON or YAML, with the same content.
fn is_same_document(kes: &[u8], ours: &[u8]) -> bool {
    let read =
        |text: &[u8]| goyaml::read(text).ok().filter(|read| read.is_object() || read.is_array());
    let end = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\n').count();
    // A reader of YAML would not see a line break at the end; a reader of a Secret does.
    end(kes) == end(ours) && read(kes).is_some_and(|kes| read(ours) == Some(kes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_compared_by_content() {
        assert!(is_same_document(b"b: [1]\na: 'x'\n", b"a: x\nb:\n- 1\n"));
        assert!(!is_same_document(b"b: 1\na: x\n", b"a: x\nb: \"1\"\n"));
        assert!(!is_same_document(b"a: x\n", b"a: x"));
        assert!(!is_same_document(b"a", b"'a'"));
    }
}
