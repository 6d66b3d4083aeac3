//! What is left of an emulator when the test process is killed: nothing.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use extsecret_tests::emulator::Emulator;
use extsecret_tests::require;

/// Set for the process that is to be killed: it starts what this names, and says where.
const HOLD: &str = "CONFORMANCE_HOLD";

/// How long an emulator may go on after the test process.
const DEADLINE: Duration = Duration::from_secs(30);

#[expect(clippy::print_stdout, reason = "the process that kills this one reads it")]
fn hold(emulator: &Emulator) -> ! {
    println!("\nHOLDS {}", emulator.endpoint());
    loop {
        thread::park();
    }
}

/// Has a process of its own start an emulator, kills it, and waits for the emulator's end.
fn is_gone_with_its_process(test: &str) {
    let mut holder = Command::new(env::current_exe().unwrap())
        .args(["--exact", "--nocapture", test])
        .env(HOLD, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let address = BufReader::new(holder.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| Some(line.strip_prefix("HOLDS http://")?.to_owned()))
        .expect("the process starts an emulator");
    let mut connection = TcpStream::connect(&address).unwrap();
    connection.set_read_timeout(Some(DEADLINE)).unwrap();

    holder.kill().unwrap();
    holder.wait().unwrap();
    // The connection ends with the process at its other end.
    match connection.read(&mut [0]) {
        Ok(0) => {}
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {}
        other => panic!("{address} is still there: {other:?}"),
    }
    // The kernel closes its files one after the other.
    let ends = now() + DEADLINE;
    while TcpStream::connect(&address).is_ok() {
        assert!(now() < ends, "{address} still listens");
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for real processes is in real time")]
fn now() -> Instant {
    Instant::now()
}

#[test]
fn ministack_ends_with_a_killed_test_process() {
    if env::var_os(HOLD).is_some() {
        hold(&require!(Emulator::ministack()));
    }
    require!(extsecret_tests::venv::python());
    is_gone_with_its_process("leftovers::ministack_ends_with_a_killed_test_process");
}

#[test]
fn moto_ends_with_a_killed_test_process() {
    if env::var_os(HOLD).is_some() {
        hold(&require!(Emulator::moto()));
    }
    require!(extsecret_tests::venv::python());
    is_gone_with_its_process("leftovers::moto_ends_with_a_killed_test_process");
}
