//! The AWS double as a process of its own, for manual use and benchmarks.
//!
//! It prints one line of JSON when it is ready, with its endpoint and credentials, and stays until
//! it is stopped.

use std::io::{Write as _, stdout};
use std::net::SocketAddr;
use std::thread;

use anyhow::Context as _;
use clap::Parser;
use extsecret_test_aws::{Config, Double};

/// A double of Secrets Manager, Parameter Store, STS and SQS.
#[derive(Parser)]
struct Args {
    /// Where to listen on the loopback interface; 0 takes a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Stop when standard input ends, as it does when the parent process is gone.
    #[arg(long)]
    with_stdin: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let double = Double::start(Config { address, ..Config::default() })
        .with_context(|| format!("listening on {address}"))?;
    let ready = serde_json::json!({
        "endpoint": double.endpoint(),
        "region": double.region(),
        "account": double.account(),
        "access_key_id": double.admin().access_key_id,
    });
    writeln!(stdout(), "{ready}").context("printing the ready line")?;
    if args.with_stdin {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).context("reading stdin")?;
        return Ok(());
    }
    loop {
        thread::park();
    }
}
