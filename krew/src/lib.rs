//! What is released, made of what lies in the tree: nothing that is generated from it is kept beside it.

pub mod archive;
pub mod chart;
pub mod docs;
pub mod manifest;
pub mod platform;
mod values;
