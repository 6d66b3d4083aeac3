//! Functions of the group `encoding`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
