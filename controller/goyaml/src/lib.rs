//! YAML as the Go programs around a cluster read and write it (`sigs.k8s.io/yaml`): kubectl,
//! External Secrets Operator's `toYaml` and `fromYaml`, and template results of many keys. One home for
//! the rules, because a word that one reader takes for a boolean and another for text changes a Secret.

mod compose;
mod decode;
mod error;
pub mod float;
mod gosyntax;
mod input;
mod json;
mod parse;
mod runes;
pub mod scalar;
mod scan;
mod write;

pub use error::{Error, Limit, Part};
pub use json::{read, read_object, read_strings, to_json};
pub use write::{json_to_yaml, write};

#[cfg(test)]
mod tests;
