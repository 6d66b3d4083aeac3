//! Functions of the group `lists`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
