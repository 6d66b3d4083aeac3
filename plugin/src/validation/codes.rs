//! The codes of what only a cluster can say.

use extsecret_manifest::diagnostic::{Code, Severity};

/// The API server refuses an object.
pub(crate) static REFUSED: Code = Code {
    id: "D01",
    severity: Severity::Error,
    title: "refused by the API server",
    why: "A dry run of a server-side apply was refused, by the definition of this cluster, by a rule \
          in it, or by an admission webhook or policy. Applied for real, the object would be refused \
          as well.",
    action: "Do what the message says. Where only this cluster minds, its definitions or policies \
             are others: `kubectl extsecret doctor` tells the versions.",
};

/// The API server could not be asked.
pub(crate) static NOT_ASKED: Code = Code {
    id: "D02",
    severity: Severity::Warning,
    title: "not asked of the API server",
    why: "The dry run was not possible, because you may not apply the object, or its namespace or \
          kind is not there. Everything else was checked.",
    action: "Ask somebody who may, or make the namespace or the definitions first.",
};

/// The cluster does not have the old kind.
pub(crate) static OLD_KIND_NOT_SERVED: Code = Code {
    id: "D03",
    severity: Severity::Info,
    title: "objects of a kind that this cluster does not have",
    why: "Objects of kubernetes-external-secrets cannot be applied to this cluster, which does not, or \
          no longer, serve their kind. They were checked without it.",
    action: "Nothing, if they are to be migrated: `kubectl extsecret migrate` makes objects that are \
             checked with the cluster. If they are to be applied as they are, choose the cluster that \
             kubernetes-external-secrets runs in, with --context.",
};

/// All of them.
pub(crate) static ALL: &[&Code] = &[&REFUSED, &NOT_ASKED, &OLD_KIND_NOT_SERVED];
