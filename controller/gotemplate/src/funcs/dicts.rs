//! Functions of the group `dicts`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
