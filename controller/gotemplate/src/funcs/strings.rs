//! Functions of the group `strings`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
