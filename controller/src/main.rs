//! `extsecret-controller`: keeps Secrets in sync with what their ExternalSecrets ask AWS for.
//!
//! This crate watches and writes; what is to be written is decided by `extsecret-engine`, which
//! workloads restart for it by `extsecret-restart`, and values come through `extsecret-provider`.
//!
//! ```text
//! API server ──watch──▶ cache (packed objects, who refers to whom) ──▶ queue (first syncs first)
//!      ▲                                                                  │
//!      └────── apply (every write, each with a precondition) ◀── reconcile ┴──▶ provider ──▶ AWS
//! ```

mod apply;
mod args;
mod cache;
mod changes;
mod connect;
mod events;
mod few;
mod follow;
mod http;
mod index;
mod key;
mod leader;
mod logs;
mod metrics;
mod packed;
mod queue;
mod reconcile;
mod restarts;
mod run;
mod system;
mod watch;
mod work;

use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = args::Args::parse();
    match start(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(cause = format!("{error:#}"), "stopped");
            #[expect(clippy::print_stderr, reason = "the log may not have begun")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

fn start(args: args::Args) -> anyhow::Result<()> {
    logs::start(args.loglevel, args.log_format)?;
    // The allocator asks for huge pages, and a few bytes here and there then cost two megabytes each:
    // a third of all memory. Only old kernels refuse.
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    // There is only one, but a dependency that brings another would end the process at its first
    // connection. An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(8)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    runtime.block_on(run::run(args))
}
