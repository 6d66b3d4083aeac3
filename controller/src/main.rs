//! `extsecret-controller`: keeps Secrets in sync with what their ExternalSecrets ask AWS for.
//!
//! This crate watches and writes; what is to be written is decided by `extsecret-engine`, and values
//! come through `extsecret-provider`.
//!
//! ```text
//! API server ──watch──▶ cache (packed objects, who refers to whom) ──▶ queue (first syncs first)
//!      ▲                                                                  │
//!      └────── apply (every write, each with a precondition) ◀── reconcile ┴──▶ provider ──▶ AWS
//! ```

#[cfg_attr(not(test), expect(dead_code))]
mod leader;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {}
