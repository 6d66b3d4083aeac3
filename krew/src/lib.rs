//! What is released, made of what lies in the tree: nothing that is generated from it is kept beside it.

pub mod chart;
pub mod docs;
mod values;
