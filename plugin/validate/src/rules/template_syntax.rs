//! L07: template cannot be parsed.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use gotemplate::{Options, Template};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L07",
    severity: Severity::Error,
    title: "template cannot be parsed",
    why: "Templates are Go text/template with the functions of External Secrets Operator. The \
          controller cannot write this Secret, whatever the values are.",
    action: "Correct the template. `kubectl extsecret render` shows what it makes of values.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    for (path, text) in super::templates::all(subject) {
        if let Err(error) = Template::parse("template", text.as_bytes(), Options::default()) {
            let message = super::templates::shown(&error, text);
            to.push(subject.at(&CODE, &path, message));
        }
    }
}
