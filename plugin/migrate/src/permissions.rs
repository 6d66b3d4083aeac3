//! The run's share of namespace permissions: which drafts KES would have refused, what is lost,
//! and the policy that keeps keys limited (specification 3.12; decision 4 of the golden cases).

use std::collections::BTreeSet;

use extsecret_manifest::diagnostic::Diagnostic;
use extsecret_manifest::node::Node;

use crate::context::Context;
use crate::emit::Draft;
use crate::options::Options;
use crate::policy::{Permissions, Verdict, admission};
use crate::report::{ObjectReport, Outcome, Output};

/// Refuses drafts whose namespace did not permit them, when a flag asks for permissions to be
/// kept, and returns the objects that keep them.
pub(crate) fn apply(
    context: &Context,
    options: &Options,
    objects: &mut [ObjectReport],
    drafts: &mut Vec<(usize, Box<Draft>)>,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Output> {
    let asked = options.namespace_policy || options.role_conditions || options.enforced;
    let permissions = match Permissions::new(context, options.enforced) {
        Ok(permissions) => permissions,
        Err(unknown) => {
            // Nothing can be decided, and nothing may be permitted by mistake.
            if asked {
                for (index, _) in drafts.drain(..) {
                    refuse(objects, index, unknown.clone());
                }
            } else if !drafts.is_empty() {
                diagnostics.push(Diagnostic { code: &crate::codes::W31, ..unknown });
            }
            return Vec::new();
        }
    };
    if asked {
        drafts.retain(|(index, draft)| match denied(&permissions, options, draft) {
            None => true,
            Some(why) => {
                refuse(objects, *index, why);
                false
            }
        });
    }
    let used: BTreeSet<&str> = drafts.iter().filter_map(|(_, d)| d.namespace.as_deref()).collect();
    let lost = used.into_iter().filter_map(|namespace| {
        permissions.lost(namespace, options.role_conditions, options.namespace_policy)
    });
    diagnostics.extend(lost);
    if !options.namespace_policy || drafts.is_empty() {
        return Vec::new();
    }
    diagnostics.extend(permissions.untranslatable());
    diagnostics.extend(admission::notes());
    admission::objects(&permissions).into_iter().map(output).collect()
}

fn denied(permissions: &Permissions<'_>, options: &Options, draft: &Draft) -> Option<Diagnostic> {
    // Only namespace scope knows no namespace, and its stores reach no further than themselves.
    let namespace = draft.namespace.as_deref()?;
    let roles = options.role_conditions || options.enforced;
    let keys = options.namespace_policy || options.enforced;
    let role =
        draft.role.iter().filter(|_| roles).map(|role| permissions.permits_role(namespace, role));
    let keys =
        draft.keys.iter().filter(|_| keys).map(|key| permissions.permits_key(namespace, key));
    role.chain(keys).find_map(|verdict| match verdict {
        Verdict::Permitted => None,
        Verdict::Denied(why) | Verdict::Unclear(why) => Some(why),
    })
}

fn refuse(objects: &mut [ObjectReport], index: usize, why: Diagnostic) {
    if let Some(report) = objects.get_mut(index) {
        let place = why.place.unwrap_or_else(|| report.origin.place());
        report.outcome = Outcome::Refused;
        // As for every refused object: what refused it, and nothing about a conversion.
        report.diagnostics = vec![why.at(place)];
    }
}

fn output(body: Node) -> Output {
    let text = |path: &[&str]| body.at(path).and_then(Node::as_str).unwrap_or_default().to_owned();
    Output {
        origin: None,
        api_version: text(&["apiVersion"]),
        kind: text(&["kind"]),
        namespace: None,
        name: text(&["metadata", "name"]),
        above: Vec::new(),
        body,
    }
}
