//! The table: what AWS does, as its documentation and its service models say.

mod batch;
mod deletion;
mod labels;
mod lists;
mod parameters;
mod permissions;
mod queues;
mod rotation;
mod sessions;
mod values;

use crate::check::Check;

/// All checks.
pub(crate) fn all() -> Vec<Check> {
    [
        values::checks(),
        labels::checks(),
        rotation::checks(),
        deletion::checks(),
        lists::checks(),
        batch::checks(),
        parameters::checks(),
        sessions::checks(),
        permissions::checks(),
        queues::checks(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
