//! L04: regular expression does not compile.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};
use gotemplate::regexp::Regexp;

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L04",
    severity: Severity::Error,
    title: "regular expression does not compile",
    why: "The controller fails on it each time that it fetches: the Secret is never written.",
    action: "Correct the expression. The dialect is Go's RE2: no look-around and no back \
             references.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    let mut look = |path: String, pattern: &str| {
        if let Err(error) = Regexp::new(pattern) {
            to.push(subject.at(&CODE, &path, error.to_string()));
        }
    };
    for (index, item) in spec.data_from().iter().enumerate() {
        let path = format!("spec.dataFrom[{index}]");
        let name = item.find.as_ref().and_then(|find| find.name.as_ref());
        if let Some(pattern) = name.and_then(|name| name.regexp.as_deref()) {
            look(format!("{path}.find.name.regexp"), pattern);
        }
        for (number, rewrite) in item.rewrite.iter().flatten().enumerate() {
            if let Some(regexp) = &rewrite.regexp {
                look(format!("{path}.rewrite[{number}].regexp.source"), &regexp.source);
            }
        }
    }
}
