//! `kubectl extsecret migrate plan`, `apply`, `status` and `rollback`, from a KES that runs to our
//! controller and back, while a watch looks at every Secret all the time (issue 10).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod eso;
mod flags;
mod guard;
mod interrupted;
mod others;
mod refused;
mod scene;
mod whole;
