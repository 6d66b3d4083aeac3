//! Kubernetes manifests as people write them.
//!
//! Tools that only need values can use any YAML crate. This one exists because a migration must
//! also know where each value stands (to point at it), what was said beside it (to keep it), and
//! what *kubectl* would have read there, which is neither YAML 1.1 nor 1.2. One broken document
//! never hides the others, and hostile input ends in a diagnostic, not in memory.
//!
//! ```text
//! bytes ── source ──> read ──> Document { Node (value, span, comments) } ──> write ──> text
//!                       │                                                     edit  ──> same file, some documents replaced
//!                       └──> Diagnostic (code, place, help)
//! ```

mod blank;
pub mod codes;
pub mod diagnostic;
pub mod edit;
pub mod helm;
pub mod node;
pub mod read;
pub mod source;
pub mod stream;
pub mod write;

#[cfg(test)]
mod testing;
