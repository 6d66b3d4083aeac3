//! Functions of the group `yaml`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
