//! Functions of the group `semver`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
