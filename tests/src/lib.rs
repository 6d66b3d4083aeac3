//! Proof against real parts: helpers that the tests of this crate share.

pub mod call;
pub mod cluster;
pub mod helm;
pub mod kubectl;
pub mod plugin;
pub mod tools;
