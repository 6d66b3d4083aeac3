//! A test cluster and a double of AWS for exploration: prints the environment to export, and stays
//! until Ctrl-C.
//!
//! ```sh
//! cargo run -p extsecret-tests --bin lab
//! ```

use std::process::ExitCode;
use std::thread;

use extsecret_tests::aws::{AUDIENCE, Aws, Config};
use extsecret_tests::cluster::Cluster;
use extsecret_tests::tools;

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn main() -> ExitCode {
    // Without Go the reason is printed already.
    let Some(cluster) = Cluster::setup().start() else { return ExitCode::FAILURE };
    println!("export KUBECONFIG='{}'", cluster.kubeconfig().display());
    println!("export PATH='{}':\"$PATH\"", tools::folder().display());
    let aws = Aws::start_with(Config { control: true, ..Config::default() });
    let issuer = aws.trust(&cluster);
    for (name, value) in aws.environment(aws.admin()) {
        println!("export {name}='{value}'");
    }
    println!("# AWS: account {}, trusts tokens of {issuer} for {AUDIENCE}", aws.account());
    println!("# AWS: counters, faults and clock below {}/_double/", aws.endpoint());
    println!("# logs: {}", cluster.dir().join("logs").display());
    println!("# up: process {}", cluster.pid());
    for (part, pid) in cluster.pids() {
        println!("# {part}: process {pid}");
    }
    println!("# Ctrl-C ends it all.");
    // Both end when this process does, in whatever way: nothing is left to do.
    loop {
        thread::park();
    }
}
