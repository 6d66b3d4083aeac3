//! YAML as the Go programs around a cluster read and write it (`sigs.k8s.io/yaml`): kubectl,
//! External Secrets Operator's `toYaml` and `fromYaml`, and template results of many keys. One home for
//! the rules, because a word that one reader takes for a boolean and another for text changes a Secret.
//!
//! ```text
//! bytes ── input ── scan ── parse ── compose ──> nodes ── decode ──> values ── json ──> read, read_strings
//!         (runes)  (tokens) (events)                                   └────── write ──> json_to_yaml
//! ```
//!
//! What Go does by accident is repeated too, because a template can show it: `[]: a` is an empty list,
//! what stands behind the first document is not looked at, a key `<<` is written without quotes, and
//! JSON with U+007F in it cannot be written. Error texts are Go's.
//!
//! # Where Go does something else
//! - Limits ([`Limit`]): 500 levels instead of 10,000; 500,000 values; 64 MiB of text repeated by aliases.
//! - Where Go leaves the outcome to the order of its maps, it is always the same here: of the keys `1` and
//!   `"1"` the text wins; of several keys that JSON does not have, any is named in the error; and keys that
//!   are before each other in a circle (`010`, `0x1f`, `1:60`) are written in one order of several.
//! - An error that quotes a map with keys of different types sorts them by type in an order of its own.

mod compose;
mod decode;
mod error;
pub mod float;
mod gosyntax;
mod input;
mod json;
mod parse;
pub mod runes;
pub mod scalar;
mod scan;
mod write;

pub use error::{Error, Limit, Part};
pub use json::{read, read_object, read_strings};
pub use write::{json_to_yaml, write};

#[cfg(test)]
mod tests;
