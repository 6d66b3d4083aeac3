//! Functions of the group `json`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
