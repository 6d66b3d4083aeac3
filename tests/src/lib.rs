//! Proof against real parts: helpers that the tests of this crate share.

pub mod cluster;
pub mod kubectl;
pub mod plugin;
pub mod tools;
