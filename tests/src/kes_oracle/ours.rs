//! What our crates make of a template: the translation, rendered by the engine.

use std::collections::BTreeSet;

use extsecret_migrate::lodash::{self, Place, Refusal, Scope, Style};
use gotemplate::{Environment, ErrorKind, Limits, MissingKey, Options, Template};

use super::Values;
use crate::oracle::Line;

/// A translated template.
#[derive(Debug)]
pub struct Ours {
    /// The Go template.
    pub text: String,
    /// The codes of its notes.
    pub codes: BTreeSet<&'static str>,
}

/// Translates the template of a case.
///
/// # Errors
/// The translator's refusal.
pub fn translate(
    case: &Line,
    declared: &BTreeSet<String>,
    style: Style,
) -> Result<Ours, Box<Refusal>> {
    let text = case.get("template").and_then(|text| text.as_str()).unwrap_or_default();
    let place = if is_base64(case) { Place::Base64 } else { Place::Text };
    #[allow(clippy::needless_update, reason = "other fields are for other callers")]
    let scope = Scope { declared: declared.clone(), style, place, ..Scope::default() };
    let translation = lodash::translate(text, &scope).map_err(Box::new)?;
    let codes = translation.notes.iter().map(|note| note.code.id).collect();
    Ok(Ours { text: translation.text, codes })
}

/// Whether the template stands in `template.data`, where KES rendered base64.
pub(crate) fn is_base64(case: &Line) -> bool {
    case.get("place").is_some_and(|place| place == "base64")
}

/// Nothing that a translated template may depend on.
pub(crate) struct Fixed;

impl Environment for Fixed {
    fn now(&self) -> i128 {
        1_709_210_096_789_012_345
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

impl Ours {
    /// What the engine renders, as ESO sets it up; or the error's text.
    ///
    /// # Errors
    /// What the engine says.
    pub fn render(&self, values: &Values) -> Result<Vec<u8>, String> {
        let options = Options { missing_key: MissingKey::Error, ..Options::default() };
        let data = gotemplate::Value::string_map(values);
        Template::parse("t", self.text.as_bytes(), options)
            .and_then(|template| template.execute(&data, &mut Fixed, &Limits::default()))
            .map_err(|error| {
                let said = String::from_utf8_lossy(&error.message.reveal()).into_owned();
                match error.kind {
                    ErrorKind::Parse => format!("does not parse: {said}"),
                    ErrorKind::Execute => said,
                    ErrorKind::Unsupported => format!("unsupported: {said}"),
                    ErrorKind::Limit(limit) => format!("limit: {limit}"),
                }
            })
    }
}

/// The values as KES's templates saw them: the eighth bit of each byte is lost (W15).
pub(crate) fn as_ascii(values: &Values) -> Values {
    let ascii = |bytes: &Vec<u8>| bytes.iter().map(|byte| byte & 0x7f).collect();
    values.iter().map(|(key, bytes)| (key.clone(), ascii(bytes))).collect()
}
