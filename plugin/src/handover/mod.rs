//! The hand-over of a running cluster: reads it, does what `extsecret_migrate::handover` decides, one
//! change at a time, and shows how far it is.

pub(crate) mod advice;
pub(crate) mod input;
pub(crate) mod observe;
pub(crate) mod preflight;
pub(crate) mod progress;
pub(crate) mod run;
pub(crate) mod show;
pub(crate) mod state;
