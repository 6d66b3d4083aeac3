//! Functions of the group `regex`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
