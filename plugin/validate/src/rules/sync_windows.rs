//! L15: sync window cannot be used.

use extsecret_engine::windows::{self, WindowError};
use extsecret_manifest::diagnostic::{Code, Diagnostic, Severity};

use super::Rule;
use crate::subject::{Manifests, Subject};

pub(super) static RULE: Rule = Rule { code: &CODE, check };

static CODE: Code = Code {
    id: "L15",
    severity: Severity::Warning,
    title: "sync window cannot be used",
    why: "A window that cannot be parsed counts as if it were not there: with kind allow \
          nothing is fetched at its times, with deny everything is.",
    action: "Correct the schedule (five cron fields in UTC) or the duration (such as 2h).",
};

fn check(subject: &Subject<'_>, _: &Manifests<'_>, to: &mut Vec<Diagnostic>) {
    let windows = subject.external_secret().and_then(|spec| spec.sync_windows.as_ref());
    for (index, error) in windows.map(windows::check).into_iter().flatten() {
        let field = match &error {
            WindowError::Schedule { .. } => "schedule",
            WindowError::Duration(_) => "duration",
        };
        let path = format!("spec.syncWindows.windows[{index}].{field}");
        to.push(subject.at(&CODE, &path, error.to_string()));
    }
}
