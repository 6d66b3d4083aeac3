//! What the annotations of namespaces permitted (specification 3.12).
use extsecret_manifest::diagnostic::Diagnostic;

use crate::context::Context;
use crate::emit::Draft;
use crate::options::Options;
use crate::report::{ObjectReport, Output};

pub(crate) fn apply(
    _context: &Context,
    _options: &Options,
    _objects: &mut [ObjectReport],
    _drafts: &mut Vec<(usize, Draft)>,
    _diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Output> {
    Vec::new()
}
