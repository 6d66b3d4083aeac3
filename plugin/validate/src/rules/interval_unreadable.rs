//! L02: refresh interval cannot be read.

use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L02",
    severity: Severity::Error,
    title: "refresh interval cannot be read",
    why: "The schema takes any text, and the controller then fails on this one: no value is \
          ever fetched.",
    action: "Write a Go duration, such as 30s, 15m or 1h30m. Days and weeks are no units of it.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    if let Err(error) = spec.refresh_interval() {
        to.push(subject.at(&CODE, "spec.refreshInterval", error.to_string()));
    }
}
