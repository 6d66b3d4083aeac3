//! Functions of the group `logic`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
