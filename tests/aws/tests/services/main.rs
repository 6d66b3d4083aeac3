//! The double as its users meet it: through the AWS SDK, and through plain HTTP where the SDK is
//! too polite to ask.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod client;
mod events;
mod faults;
mod parameters;
mod queues;
mod secret_values;
mod secrets;
mod sessions;
mod wire;
