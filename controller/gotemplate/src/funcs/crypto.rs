//! Functions of the group `crypto`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
