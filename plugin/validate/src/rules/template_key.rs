//! L08: template uses a key that nobody declares.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use crate::similar::nearest;

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L08",
    severity: Severity::Error,
    title: "template uses a key that nobody declares",
    why: "A key that is not among the fetched ones makes the template fail, and the Secret is \
          not written.",
    action: "Add the key to data, or correct its name. A key with a dot or a hyphen is reached \
             with index: {{ index . \"tls.crt\" }}.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    // What dataFrom brings, only the provider knows; and an object without keys is refused.
    if !spec.data_from().is_empty() || spec.data().is_empty() {
        return;
    }
    let keys: Vec<&str> = spec.data().iter().map(|item| item.secret_key.as_str()).collect();
    for (path, text) in super::templates::all(subject) {
        let Some(missing) = super::templates::missing_key(text, &keys) else { continue };
        let message = format!("there is no key {missing:?} among those of data");
        let diagnostic = subject.at(&CODE, &path, message);
        to.push(match nearest(&missing, keys.iter().copied()) {
            Some(meant) => diagnostic.help(format!("did you mean `{meant}`?")),
            None => diagnostic,
        });
    }
}
