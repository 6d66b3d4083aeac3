//! Proof against real parts: helpers that the tests of this crate share.

pub mod admission;
pub mod api;
pub mod argo;
pub mod aws;
pub mod aws_client;
pub mod binary;
pub mod call;
pub mod cluster;
pub mod controller;
pub mod emulator;
pub mod eso;
pub mod fleet;
pub mod helm;
pub mod kes;
pub mod kes_oracle;
pub mod kubectl;
pub mod node;
pub mod oracle;
pub mod plugin;
pub mod random;
pub mod release;
pub mod shown;
pub mod sigv4;
pub mod terminal;
pub mod tools;
pub mod venv;
