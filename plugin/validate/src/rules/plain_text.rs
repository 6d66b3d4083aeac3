//! L11: secret in plain text.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L11",
    severity: Severity::Warning,
    title: "secret in plain text",
    why: "The value stands in the manifest, and so in the repository and in its history, for \
          all who can read them. It is fetched from nowhere and cannot be rotated there.",
    action: "Move the value to the provider and fetch it; rotate it, because it has been seen.",
};

/// What the names of secret things have in them.
const WORDS: [&str; 8] =
    ["password", "passwd", "secret", "token", "apikey", "privatekey", "accesskey", "credential"];

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let target = subject.external_secret().and_then(|spec| spec.target.as_ref());
    let Some(template) = target.and_then(|target| target.template.as_ref()) else { return };
    for (key, text) in template.data.iter().flatten() {
        let name: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
        let name = name.to_ascii_lowercase();
        let fetched = text.contains("{{");
        if fetched || text.trim().is_empty() || !WORDS.iter().any(|word| name.contains(word)) {
            continue;
        }
        // The line of the value is not to be shown, only that of the key above it.
        let message = format!("the value of {key:?} stands in the manifest itself");
        let diagnostic =
            Diagnostic::new(&CODE, message).field(format!("spec.target.template.data[{key}]"));
        to.push(match subject.key("spec.target.template") {
            Some(place) if subject.template_is_indented() => diagnostic.at(place),
            _ => diagnostic,
        });
    }
}
