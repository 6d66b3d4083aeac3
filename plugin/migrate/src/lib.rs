//! kubernetes-external-secrets resources become external-secrets.io ones, provably.
//!
//! Nothing here reads a clock, a cluster, a file or the environment: documents and one
//! [`Context`] come in, API objects and a report of every input object come out. The same input
//! gives the same bytes, whatever the order of the files.
//!
//! ```text
//! Document ──> kes (one typed object, old forms folded) ──> backends (items, store tuple)
//!          ├─> old_eso (v1alpha1, v1beta1)              ──> template, policy
//!          └─> csi (classes of the Secrets Store driver)  ──> stores (tuples get names) ──> emit
//! ```

mod backends;
pub mod codes;
mod comments;
pub mod context;
mod csi;
mod emit;
mod finding;
pub mod handover;
pub mod helm;
mod kes;
pub mod lodash;
mod noise;
pub mod old_eso;
pub mod options;
mod permissions;
pub mod policy;
mod property;
pub mod report;
mod run;
mod stores;
mod template;
pub mod verify;

pub use context::Context;
pub use options::Options;
pub use report::{Migration, ObjectReport, Origin, Outcome, Output};
pub use run::Migrator;

/// What the caller knows about a file beyond its text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileHints {
    /// A kustomization beside the file names it, so an incomplete object in it is a base or patch.
    pub kustomization: bool,
    /// The user said that this is a Helm chart's template although it parses.
    pub helm_template: bool,
}
