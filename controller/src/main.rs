//! `extsecret-controller`: keeps Secrets in sync with what their ExternalSecrets ask AWS for.
//!
//! This crate watches and writes; what is to be written is decided by `extsecret-engine`, and values
//! come through `extsecret-provider`. So far it can only agree with its replicas on who works, and
//! says so.

#[cfg_attr(not(test), expect(dead_code, reason = "nothing works yet that has to be led"))]
mod leader;

use std::process::ExitCode;

#[expect(clippy::print_stderr, reason = "there is no log yet")]
fn main() -> ExitCode {
    // Whoever deploys it must see that nothing is kept in sync, rather than a success.
    eprintln!(
        "error: extsecret-controller {} does not keep Secrets in sync yet: keep External Secrets \
         Operator running",
        env!("CARGO_PKG_VERSION"),
    );
    ExitCode::FAILURE
}
