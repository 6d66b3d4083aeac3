//! Functions of the group `url`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
