//! L01: refresh interval 0.

use extsecret_crds::duration::GoDuration;
use extsecret_crds::external_secret::RefreshPolicy;
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L01",
    severity: Severity::Warning,
    title: "refresh interval 0",
    why: "With refreshInterval 0 values are fetched once. A value that is rotated later is \
          never seen, and External Secrets Operator does not even fetch again when the \
          ExternalSecret changes.",
    action: "Set an interval, such as 1h. If one fetch is what you want, say so with \
             refreshPolicy CreatedOnce.",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let Some(spec) = subject.external_secret() else { return };
    let periodic =
        !matches!(spec.refresh_policy(), RefreshPolicy::CreatedOnce | RefreshPolicy::OnChange);
    let written = spec.refresh_interval.is_some();
    let zero = spec.refresh_interval().is_ok_and(GoDuration::is_zero_or_negative);
    if periodic && written && zero {
        let message = "values are fetched once and never again";
        to.push(subject.at(&CODE, "spec.refreshInterval", message));
    }
}
