//! What the controller does with ExternalSecrets, case by case: on a real API server, with its own
//! binary, against the double of AWS.
//!
//! One cluster and one controller serve all cases. Each case has a [`room`]: a namespace and an AWS
//! account of its own, so that all of them may run at the same time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod identities;
mod parameter_store;
mod policies;
mod refresh;
mod room;
mod secrets_manager;
mod shared;
mod sources;
mod stores;
