//! The provider against the double of AWS.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod fleet;
mod identities;
mod own;
mod place;
mod process;
mod queue;
mod reads;
mod secrecy;
mod silence;
