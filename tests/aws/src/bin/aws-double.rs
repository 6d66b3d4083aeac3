//! The AWS double as a process of its own, for manual use and benchmarks.
//!
//! It prints one line when it is ready, `READY` and a JSON object with its endpoint and whose
//! credentials to use, and stays until it is stopped.
//!
//! ```sh
//! cargo run -p extsecret-test-aws -- --port 4566 --seed-file seed.json
//! ```

use std::fs;
use std::io::{self, Write as _, stdin, stdout};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::thread;

use anyhow::Context as _;
use clap::Parser;
use extsecret_test_aws::{Config, Double, Seed};

/// A double of Secrets Manager, Parameter Store, STS and SQS behind one HTTP endpoint.
///
/// The user "admin" with access key "test" and secret key "test" may do everything. Counters, faults
/// and the clock are reached below /_double/.
#[derive(Parser)]
struct Args {
    /// Where to listen on the loopback interface; 0 takes a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// JSON with identities, secrets, parameters, queues, limits and faults to begin with.
    #[arg(long, value_name = "FILE")]
    seed_file: Option<PathBuf>,
    /// Stop when standard input ends, as it does when the parent process is gone.
    #[arg(long)]
    with_stdin: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let address = SocketAddr::from(([127, 0, 0, 1], args.port));
    let config = Config { address, control: true, ..Config::default() };
    let double = Double::start(config).with_context(|| format!("listening on {address}"))?;
    if let Some(path) = &args.seed_file {
        let text = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        let seed: Seed = serde_json::from_slice(&text)
            // The parser's complaint may quote a value.
            .map_err(|error| anyhow::anyhow!("line {} column {}", error.line(), error.column()))
            .with_context(|| format!("reading {} as a seed", path.display()))?;
        double.seed(seed).with_context(|| format!("planting {}", path.display()))?;
    }
    let ready = serde_json::json!({
        "endpoint": double.endpoint(),
        "region": double.region(),
        "account": double.account(),
        "access_key_id": double.admin().access_key_id,
    });
    writeln!(stdout(), "READY {ready}").context("printing the ready line")?;
    if args.with_stdin {
        io::copy(&mut stdin(), &mut io::sink()).context("waiting for the end of stdin")?;
        return Ok(());
    }
    loop {
        thread::park();
    }
}
