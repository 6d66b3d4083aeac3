//! Functions of the group `math`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
