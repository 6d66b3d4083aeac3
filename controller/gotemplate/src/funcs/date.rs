//! Functions of the group `date`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
