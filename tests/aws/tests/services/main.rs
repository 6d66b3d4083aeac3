//! The double as its users meet it: through the AWS SDK, and through plain HTTP where the SDK is
//! too polite to ask.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod access;
mod client;
mod events;
mod parameters;
mod queues;
mod secret_values;
mod secrets;
mod sessions;
