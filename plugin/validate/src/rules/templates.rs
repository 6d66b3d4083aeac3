//! The templates of an ExternalSecret that stand in it.

use gotemplate::{Environment, Error, ErrorKind, Limits, MissingKey, Options, Template, Value};

use crate::subject::Subject;

/// What Go says of a key that a map does not have, before the key in quotes.
const NO_ENTRY: &str = "map has no entry for key ";

/// Each with the path of its field.
pub(super) fn all<'s>(subject: &'s Subject<'_>) -> Vec<(String, &'s str)> {
    let target = subject.external_secret().and_then(|spec| spec.target.as_ref());
    let Some(template) = target.and_then(|target| target.template.as_ref()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for (key, text) in template.data.iter().flatten() {
        found.push((format!("spec.target.template.data[{key}]"), text.as_str()));
    }
    let metadata = template.metadata.as_ref();
    for (part, map) in [
        ("labels", metadata.and_then(|it| it.labels.as_ref())),
        ("annotations", metadata.and_then(|it| it.annotations.as_ref())),
    ] {
        for (key, text) in map.into_iter().flatten() {
            found.push((format!("spec.target.template.metadata.{part}[{key}]"), text.as_str()));
        }
    }
    for (index, from) in template.template_from().iter().enumerate() {
        if let Some(text) = &from.literal {
            found.push((format!("spec.target.template.templateFrom[{index}].literal"), text));
        }
    }
    found
}

/// Go's words without the name that it has to have, and with the line where there are several.
pub(super) fn shown(error: &Error, text: &str) -> String {
    let message = error.message.to_string();
    let message = message.strip_prefix("template: template:").unwrap_or(&message);
    let message = message.split_once(": ").map_or(message, |(_, cause)| cause);
    if text.trim_end().contains('\n') && error.line > 0 {
        format!("in line {}: {message}", error.line)
    } else {
        message.to_owned()
    }
}

/// The key that the template asks for and that is not among the keys, when each has a value. Only a
/// key that is asked for whatever the values are is told: that is found by asking twice.
pub(super) fn missing_key(text: &str, keys: &[&str]) -> Option<String> {
    let options = Options { missing_key: MissingKey::Error, ..Options::default() };
    let template = Template::parse("template", text.as_bytes(), options).ok()?;
    let ask = |value: &str| {
        let data = Value::string_map(keys.iter().map(|key| (*key, value)));
        let limits = Limits::default();
        let error = template.execute(&data, &mut Fixed, &limits).err()?;
        let message = error.message.to_string();
        let key = message.split_once(NO_ENTRY).filter(|_| error.kind == ErrorKind::Execute)?.1;
        serde_json::from_str::<String>(key).ok()
    };
    ask("").filter(|key| ask("1").as_ref() == Some(key))
}

/// Neither time nor randomness.
struct Fixed;

impl Environment for Fixed {
    fn now(&self) -> i128 {
        0
    }

    fn fill_random(&mut self, buffer: &mut [u8]) {
        buffer.fill(1);
    }
}
