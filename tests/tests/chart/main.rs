//! The controller's Helm chart: what it renders, what it refuses, that a real cluster takes it, and that
//! the controller can do its work with the permissions that the chart gives, and needs them all.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chart;
mod install;
mod monitoring;
mod permissions;
mod refused;
mod release;
mod rendered;
