//! kubernetes-external-secrets resources become external-secrets.io ones, provably.
//!
//! Nothing here reads a clock, a cluster, a file or the environment: documents and one
//! [`Context`] come in, API objects and a report of every input object come out. The same input
//! gives the same bytes, whatever the order of the files.
//!
//! ```text
//! Document ──> kes (one typed object, old forms folded) ──> backends (items, store tuple)
//!          └─> old_eso (v1alpha1, v1beta1)              ──> template, policy
//!                                                       ──> stores (tuples get names) ──> emit
//! ```

pub mod codes;
pub mod context;
pub mod options;
pub mod report;

pub use context::Context;
pub use options::Options;
pub use report::{Migration, ObjectReport, Origin, Outcome, Output};

use extsecret_manifest::source::FileId;

/// What the caller knows about a file beyond its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileHints {
    /// A kustomization beside the file names it, so an incomplete object in it is a base or patch.
    pub kustomization: bool,
    /// The user said that this is a Helm chart's template although it parses.
    pub helm_template: bool,
}

/// One run over any number of files.
#[derive(Debug)]
pub struct Migrator<'a> {
    context: &'a Context,
    options: &'a Options,
}

impl<'a> Migrator<'a> {
    /// Starts a run.
    pub fn new(context: &'a Context, options: &'a Options) -> Self {
        Self { context, options }
    }
}
