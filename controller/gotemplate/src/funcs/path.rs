//! Functions of the group `path`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
