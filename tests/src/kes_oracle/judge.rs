//! Whether a translated template renders what lodash rendered.

use std::collections::BTreeSet;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use extsecret_migrate::lodash::{Refusal, Style};
use gotemplate::json;
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
    /// Only lodash renders. The translation stops with an error on a value that it cannot do justice
    /// to, and ESO leaves the Secret as it is.
    Stops,
    /// As before, but at a limit of the engine.
    Limit,
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

type Rendered = Result<Vec<u8>, String>;

fn difference(
    kes: &Rendered,
    ours: &Rendered,
    sorted: impl FnOnce() -> anyhow::Result<Rendered>,
) -> anyhow::Result<Option<Kind>> {
    Ok(match (kes, ours) {
        (_, Err(said)) if said.starts_with("does not parse") => Some(Kind::Malformed),
        (Err(_), Err(_)) => None,
        (Ok(_), Err(said)) if said.starts_with("limit: ") => Some(Kind::Limit),
        (Ok(_), Err(_)) => Some(Kind::Stops),
        (Err(_), Ok(_)) => Some(Kind::KesFails),
        (Ok(kes), Ok(ours)) if kes == ours => None,
        (Ok(kes), Ok(ours)) => {
            let order = sorted()?.is_ok_and(|sorted| as_go_dumps(&sorted) == *ours)
                || is_same_document(kes, ours);
            Some(if order { Kind::Order } else { Kind::Bytes })
        }
    })
}

/// The answer with every YAML document in it written as Go writes it.
fn as_go_dumps(sorted: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(sorted);
    let mut out = String::new();
    let mut rest = text.as_ref();
    while let Some((before, (json, after))) = rest
        .split_once('\u{f0000}')
        .and_then(|(before, behind)| Some((before, behind.split_once('\u{f0001}')?)))
    {
        out.push_str(before);
        let written = json::decode(json.as_bytes())
            .and_then(|value| json::encode(&value, true, None))
            .ok()
            .and_then(|json| goyaml::json_to_yaml(&json, usize::MAX).ok());
        match &written {
            // `toYaml` drops the last line break.
            Some(yaml) => out.push_str(yaml.strip_suffix('\n').unwrap_or(yaml)),
            None => out.push_str(json),
        }
        rest = after;
    }
    out.push_str(rest);
    out.into_bytes()
}

/// Whether both are maps or lists in JSON, with the same content.
fn is_same_document(kes: &[u8], ours: &[u8]) -> bool {
    let read = |text: &[u8]| -> Option<Value> {
        serde_json::from_slice(text).ok().filter(|read: &Value| read.is_object() || read.is_array())
    };
    let end = |text: &[u8]| text.iter().rev().take_while(|byte| **byte == b'\n').count();
    // A reader of JSON would not see a line break at the end; a reader of a Secret does.
    end(kes) == end(ours) && read(kes).is_some_and(|kes| read(ours) == Some(kes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_compared_by_content() {
        assert!(is_same_document(b"{\"b\": [1],\"a\":\"x\"}\n", b"{\"a\":\"x\",\"b\":[1]}\n"));
        assert!(!is_same_document(b"{\"a\":1}", b"{\"a\":\"1\"}"));
        assert!(!is_same_document(b"{\"a\":1}\n", b"{\"a\":1}"));
        assert!(!is_same_document(b"1", b"1.0"));
    }

    #[test]
    fn documents_are_written_as_go_writes_them() {
        let sorted = "a\u{f0000}{\"b\":[\"y\"],\"a\":1}\u{f0001}\nz".as_bytes();
        assert_eq!(as_go_dumps(sorted), b"aa: 1\nb:\n- \"y\"\nz");
    }
}
