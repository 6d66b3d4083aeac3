//! Functions of the group `certs`.

use super::Function;

pub(super) const FUNCTIONS: &[Function] = &[];
